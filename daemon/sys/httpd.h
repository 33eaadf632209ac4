/*
 * httpd.h - the daemon's HTTP server: libmicrohttpd inside the one loop, without threads.
 *
 * The server has a table of routes. A request goes through its route's handler:
 *
 *   begin      the headers are there; returns the handler's state of this request, or NULL after an answer
 *   data       a piece of the body, as it came; not called any more once there is an answer
 *   complete   the body is whole: answer now, or keep the request and answer later
 *   end        the last call, exactly once for each state: answered, or the client is gone. httpd_request
 *              is invalid afterwards
 *
 * httpd_answer() may be called from begin, data or complete, or at any later time before `end`. An
 * answer given later leaves with httpd_flush(). A path without a route is 404, a path with a route for
 * another method 405. Paths are compared byte by byte as they were sent: no decoding, no "..".
 *
 * What nobody may use up: connections, bytes of headers (HTTPD_HEADERS_MAX, 431 beyond), bytes of a body (413 beyond,
 * by Content-Length before a byte of it is read), time. A body that comes at less than HTTPD_RATE_MIN for
 * HTTPD_SLOW_S is cut, and so is a request that is not whole within HTTPD_REQUEST_MS. A request that waits for its
 * answer is never cut off; one that its sender gave up half-way goes within a second.
 *
 * When all connections are taken, one leaves for the newcomer: strangers before those of a network that has brought
 * a known sender, and these before connections that carried one (httpd_vouch); among equals who has been idle for
 * HTTPD_GRACE_MS, then whoever comes from the address with the most connections (an IPv6 /64 is one address), then whose
 * body trickles, then who has sent no request yet, then the slowest, then the oldest. A request younger than
 * HTTPD_GRACE_MS stays, unless it is of an address that has more than half of all and the newcomer is of another; so
 * does a connection on which none has come yet, unless such are more than half of all. Who is known stays for
 * HTTPD_PATIENCE_MS. While nobody can leave the newcomers wait. Behind a proxy everybody comes from one address, and a
 * header like X-Forwarded-For can be written by anybody: there it is the connections themselves, and what a request
 * carries (httpd_prefer), that tell senders apart.
 *
 * A request whose end can be read in two ways is refused with 400, and its connection closed (httpd_head.h).
 */
#ifndef YM_SYS_HTTPD_H
#define YM_SYS_HTTPD_H

#include "sys/loop.h"

#include <stddef.h>

/* One request's line and headers, and its read buffer, which is half of it: what GitHub sends mostly comes in one read. */
#define HTTPD_HEADERS_MAX ((size_t)32 << 10)
#define HTTPD_IDLE_MS     60000 /* without a request, or before its headers are whole */
#define HTTPD_REQUEST_MS  60000 /* from the headers to the end of the body */
#define HTTPD_PATIENCE_MS 10000 /* the time in which a forge gives a delivery up */
#define HTTPD_GRACE_MS    1000
#define HTTPD_RATE_MIN    ((size_t)1 << 10) /* bytes of a body a second */
#define HTTPD_SLOW_S      10

struct httpd;
struct httpd_request;

struct httpd_handler {
	size_t body_max;
	void *(*begin)(void *arg, struct httpd_request *r);
	void (*data)(void *state, const void *p, size_t n);
	void (*complete)(void *state);
	void (*end)(void *state);
};

struct httpd_route {
	const char *method, *path;
	const struct httpd_handler *handler;
};

struct httpd_options {
	const char *listen; /* "127.0.0.1:8080", "[::1]:0": numbers; port 0 takes a free one */
	size_t connections;
	const struct httpd_route *routes; /* the last one has path NULL; they stay the caller's */
	void *arg;                        /* for begin */
};

int httpd_new(struct loop *l, const struct httpd_options *o, struct httpd **ret, struct err *err);
/* Cuts what is open: every state still gets its `end`. */
void httpd_free(struct httpd *h);

/* "127.0.0.1:39185": with the port that was found. Belongs to the server. */
const char *httpd_address(const struct httpd *h);
/* Is it an address that httpd_new() can read? For a configuration file. */
int httpd_check_address(const char *address, struct err *err);

/* NULL when absent. Belongs to the request. */
const char *httpd_header(struct httpd_request *r, const char *name);
/* A value of the query, as it was sent (nothing is decoded); NULL when absent. */
const char *httpd_query(struct httpd_request *r, const char *name);
/* Content-Length; -1 when the client did not say. */
int64_t httpd_length(const struct httpd_request *r);

/* The request proved who sent it: its connection, and its network, come first from now on. */
void httpd_vouch(struct httpd_request *r);
/* This request carries what only known senders are expected to: it comes first. No proof, and nothing but the order
 * in which room is given hangs on it. */
void httpd_prefer(struct httpd_request *r);
/* Is room that b holds to be given to a? When a is better known, or as well and b is slow about it. */
bool httpd_outranks(const struct httpd_request *a, const struct httpd_request *b);
/* Ends the request and its connection without an answer; `end` follows later, nothing else. */
void httpd_cut(struct httpd_request *r);

/* Once for a request; a second answer is dropped. The body is a line for people, from the table of
 * httpd.c. retry_s > 0 adds Retry-After. */
void httpd_answer(struct httpd_request *r, int status, int retry_s);
/* The same with a body of the caller's, copied. */
void httpd_answer_with(struct httpd_request *r, int status, const char *type, const char *body,
		       size_t n);
/* Sends what was answered since. */
void httpd_flush(struct httpd *h);
/* Goes on serving the connections that there are, apart from the loop and its timers, until `fd` is readable:
 * for a caller that waits for something of which the handlers know nothing. */
void httpd_until(struct httpd *h, int fd);

/* Takes no more connections; what is under way goes on. */
void httpd_drain(struct httpd *h);

struct httpd_counts {
	size_t open;      /* connections, but for those that were cut and are not gone yet */
	size_t requests;  /* begun and not answered */
	int64_t accepted; /* connections, since the start */
	int64_t evicted;  /* that made room */
	int64_t timed_out;
};
struct httpd_counts httpd_counts(const struct httpd *h);

#endif
