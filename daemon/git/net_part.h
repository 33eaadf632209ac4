/*
 * net_part.h - what the files of the net role share; nobody else includes it. net.h is the manual.
 *
 * A worker decodes its request into a struct net_call, connects, does its operation and writes the
 * answer; it ends with the process, so little in it is released. The role looks at it from outside
 * through struct net_watch, a shared page.
 */
#ifndef YM_GIT_NET_PART_H
#define YM_GIT_NET_PART_H

#include "git/decode.h"

#include <stdatomic.h>

enum net_phase {
	NET_CONNECTING,
	NET_LISTING,
	NET_NEGOTIATING,
	NET_RECEIVING,
	NET_CHECKING, /* from here on … */
	NET_MOVING,   /* … to here nothing is expected from the network */
	NET_PACKING,
	NET_SENDING, /* and the wait for the report */
};

struct net_watch {
	_Atomic int64_t progress_ms; /* monotonic: when something was last seen to move */
	_Atomic int phase;           /* enum net_phase */
	_Atomic bool over;           /* more than max_bytes came */
};

void net_progress(struct net_watch *w);
void net_phase(struct net_watch *w, enum net_phase p);
const char *net_phase_name(int phase);

struct net_limits {
	int64_t idle_seconds, max_seconds, max_bytes, max_objects, max_refs;
};
int net_decode_limits(const json_t *req, struct net_limits *ret, struct err *err);

struct net_url {
	bool ssh, tls, loopback;
	char *user; /* ssh: may be NULL */
	char *host; /* lower case; IPv6 without brackets */
	char *port; /* always there */
	char *text; /* the address as it is used and shown: never with a password */
};
/* Allowed addresses are in net.h. A refusal does not repeat a text in which a password may be. */
int net_decode_url(const char *s, struct net_url *ret, struct err *err);
void net_url_release(struct net_url *u);

struct net_auth {
	const char *token;
	const char *ssh_key, *ssh_pub, *known_hosts;
	const char *user;
};

/* One request, in its worker. */
struct net_call {
	struct gr *gr;
	const json_t *req; /* owns the strings */
	const char *op;
	struct net_limits limits;
	struct net_url url;
	struct net_url proxy; /* text NULL: none */
	struct net_auth auth;
	const char *home; /* a private folder, made for ssh; removed once it was read */
	struct net_watch *watch;
	struct buf hosts; /* the known-hosts file */
	struct buf side;  /* what the remote said on the side */
	int asked;        /* how often it asked for the credential */
	struct err why;   /* what a call-back found: it counts more than libgit2's text */
	void *job;        /* of the operation, for its call-backs */
};

int net_decode_call(struct net_call *c, struct err *err);

/* net_wire.c: the connection. Everything after net_connect() is over when net_close() was called: no
 * thread runs then. */
struct net_link {
	git_remote *remote;
	git_remote_callbacks cb;
	void *thread;
	char *authorization;  /* NULL: it is asked for */
	git_strarray headers; /* of every request; points to the line above */
};
int net_connect(struct net_call *c, git_repository *git, git_direction dir, struct net_link *l,
		struct err *err);
/* What the remote advertises, within the limits; belongs to the remote. */
int net_heads(struct net_call *c, struct net_link *l, const git_remote_head ***ret, size_t *ret_n,
	      struct err *err);
void net_close(struct net_link *l);
/* Translates a failure of libgit2 on the wire. Returns -1. */
int net_fail(struct net_call *c, int rc, struct err *err);

/* net_hosts.c: a known-hosts file as OpenSSH writes it, pure. */
enum net_hosts { NET_HOST_KNOWN, NET_HOST_UNKNOWN, NET_HOST_CHANGED, NET_HOST_REVOKED };
/* KNOWN: a line of the host has this key. REVOKED: a line marked so has it, which counts more. CHANGED:
 * lines of the host have another key of its type. `ret_types`: the types that the host has lines of. */
enum net_hosts net_hosts_check(const char *text, size_t n, const char *host, const char *port,
			       const void *key, size_t key_len, struct strvec *ret_types);
/* The file's line for the host that the connection should ask the key of: "name type base64", or NULL
 * where there is none or the order of preference does not matter. Caller frees. */
char *net_hosts_preferred(const char *text, size_t n, const char *host, const char *port);

/* The operations. */
int net_op_fetch(struct net_call *c, json_t *ans, struct err *err);
int net_op_push(struct net_call *c, json_t *ans, struct err *err);
int net_op_ls(struct net_call *c, json_t *ans, struct err *err);
int net_op_lfs(struct net_call *c, json_t *ans, struct err *err); /* net_lfs.c */

/* The worker's whole life: returns the answer's object. */
json_t *net_work(struct gr *g, const json_t *req, const char *home, struct net_watch *w);
/* Makes every occurrence of the credential in `text` unreadable, also as it travels in a header. */
void net_redact(const struct net_auth *a, char *text, size_t n);

#endif
