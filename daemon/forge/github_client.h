/*
 * github_client.h - requests to GitHub and GitHub Enterprise Server.
 *
 *     struct gh_conf conf = GH_CONF_INIT;
 *     conf.app = "Iv23liABC"; conf.key = pem; conf.key_len = n;
 *     gh_new(loop, &clock_system, &rnd_system, &conf, &g, &err);
 *     autofree char *path = gh_path("/repos/%r/issues/%d/comments", "acme/site", (int64_t)12);
 *     gh_send(g, &(struct gh_req){.method = "POST", .path = path, .body = body,
 *                                 .installation = id, .flags = GH_CREATES,
 *                                 .kind = "comment", .done = on_comment, .arg = me});
 *
 * Everything runs in the daemon's loop; `done` is called from a turn of the loop, never from inside
 * gh_send(), exactly once for each request that was neither cancelled nor outlived the client.
 *
 * What the client looks after, so that no caller has to:
 *   - the App's JWT and the installation tokens (github_auth.h), or a plain token; a 401 once, with a
 *     new token; a wrong clock here is noticed by GitHub's Date header and made up for;
 *   - limits (github_rate.h): one write of an installation at a time and a second between those that
 *     create content, a few reads at once, Retry-After, x-ratelimit-reset, back-off. A wait longer
 *     than conf.wait_ms is not waited here: the request is answered with GH_RETRY;
 *   - GETs that failed on the way, or with 5xx, are tried again, conf.tries times in all. A request that
 *     changes something is repeated only when GitHub has surely not carried it out (no connection,
 *     401, a limit, a redirect), or when its caller says by GH_REPEATABLE that twice is once;
 *   - paging, redirects (within the host; a token never goes to another one), sizes and time-outs.
 *
 * Proxy, CA and everything else come from the configuration; no environment variable is looked at.
 * The requests of one installation start in the order in which they were sent, writes and reads apart.
 */
#ifndef YM_FORGE_GITHUB_CLIENT_H
#define YM_FORGE_GITHUB_CLIENT_H

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "sys/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gh;

/* All strings are copied by gh_new(). Credentials: `app` with `key`, or `token`, not both. */
struct gh_conf {
	const char *base_url;   /* "https://api.github.com", "https://HOST/api/v3"; http for
				 * loopback addresses only */
	const char *ca_file;    /* PEM; NULL: the system's */
	const char *proxy;      /* NULL: none */
	const char *user_agent; /* GitHub refuses requests without one */
	const char *app;        /* client ID or App ID */
	const char *key; /* its private key: PEM, key_len bytes, copied and wiped at the end */
	size_t key_len;
	const char *token; /* a personal or fine-grained token */

	int64_t connect_ms, total_ms; /* of one HTTP request */
	int64_t stall_ms;             /* without a byte either way */
	int64_t wait_ms;              /* the longest wait for a limit here; longer: GH_RETRY */
	int64_t backoff_ms;           /* before the second try, doubling, with jitter */
	int64_t create_gap_ms;        /* between writes that create content */
	int tries;                    /* of one request */
	int reads;                    /* at once, of one installation */
	int pages;                    /* of one GH_ALL_PAGES request */
	size_t read_max, write_max;   /* bytes of an answer: to a GET (all pages), to all others */
	size_t queue_max;             /* waiting requests of one installation; above: GH_RETRY */
	/* Asked for every request that is no read, when it is about to leave; false: it does not, and
	 * is answered with GH_REFUSED. The App's own tokens are not asked for. NULL: all may leave. */
	bool (*may_write)(void *arg, const char *path);
	void *may_arg;
};

#define GH_CONF_INIT                                                                               \
	{                                                                                          \
		.base_url = "https://api.github.com", .user_agent = "yardmaster/" YM_VERSION,      \
		.connect_ms = 10000, .total_ms = 120000, .stall_ms = 30000, .wait_ms = 10000,      \
		.backoff_ms = 1000, .create_gap_ms = 1000, .tries = 3, .reads = 4, .pages = 100,   \
		.read_max = (size_t)32 << 20, .write_max = (size_t)1 << 20, .queue_max = 2000      \
	}

/* ERR_INPUT when an address, a key or a combination is wrong: the text says which. No network. */
int gh_new(struct loop *l, struct clock *clock, struct rnd *rnd, const struct gh_conf *conf,
	   struct gh **ret, struct err *err);
/* Cuts what runs and forgets what waits, without a call of `done`; wipes what is secret. Not from
 * inside a `done`. */
void gh_free(struct gh *g);
/* Is it an App (check runs can be written), or a plain token? */
bool gh_is_app(const struct gh *g);

enum gh_outcome {
	GH_OK,        /* 2xx; `body` is JSON, or NULL for an empty answer (204) */
	GH_UNCHANGED, /* GH_CONDITIONAL, and nothing is new since the last GH_OK */
	GH_REFUSED, /* a 4xx that asking again does not change: `status`, GitHub's words in `text` */
	GH_GONE,    /* 404, 410: not there, or not visible with these permissions */
	GH_CONFLICT, /* 405, 409, 422: not in this state; `status` says which, `body` is GitHub's */
	GH_RETRY,    /* surely not carried out; asking again from not_before_ms on may help */
	GH_UNKNOWN,  /* a request that changes something may have been carried out, but its answer
			* did not come (cut, half, 5xx, time-out): look before repeating it */
	GH_SUPERSEDED, /* a later request with the same `coalesce` took its place; never sent */
	GH_NO_ACCESS,  /* our credentials are not accepted: 401 with a fresh token, a wrong App key,
			* an installation that is suspended or removed. Nothing was done. A person has
			* to mend it; from not_before_ms on it is tried again when asked */
	GH_BROKEN,     /* an answer that is none: too large, too many pages, a redirect elsewhere */
};

enum gh_flag {
	GH_CREATES = 1,     /* creates content: counts and is spaced as GitHub wants */
	GH_CONDITIONAL = 2, /* a GET whose ETag is remembered, for as long as the token is the same:
			     * GH_UNCHANGED when nothing is new. Not as the App itself, whose JWT is
			     * another one each time */
	GH_ALL_PAGES = 4,   /* follow Link rel=next; the pages' arrays come as one */
	GH_REPEATABLE = 8,  /* twice is as good as once: may be tried again after a lost answer */
	GH_READS = 16,      /* a POST that only reads (a GraphQL query): treated as a GET */
	GH_TEXT = 32,       /* the answer is bytes, not JSON (a job's log): `raw`. A redirect to
			      * another host is followed, https only, without any token */
	GH_AFRESH = 64, /* with GH_CONDITIONAL: what was answered last is not kept any more. Asked
			      * without its ETag; that of this answer is remembered */
};

struct gh_answer {
	enum gh_outcome outcome;
	int status;      /* of the last HTTP answer; 0: there was none */
	json_t *body;    /* of the client: json_incref() to keep it */
	const char *raw; /* GH_TEXT: raw_len bytes, and a NUL behind them */
	size_t raw_len;
	const char *text; /* for people, when the outcome is not GH_OK; never NULL, no secret */
	int64_t not_before_ms; /* GH_RETRY, GH_NO_ACCESS: of clock->wall_ms, as effect_again() takes */
	const char *needs;     /* GH_REFUSED, 403: the permissions that are missing, as GitHub names
			    * them ("pull_requests=write"), "" when it names none; else NULL */
	const char
		*moved; /* GH_GONE: a redirect led out of what was asked for, to there; else NULL */
	bool followed;  /* a redirect was followed, within the repository that was asked for */
	const char *renamed; /* "owner/name" that the repository in `path` is called now, or NULL */
	bool changed;        /* GH_OK of a GH_CONDITIONAL that had been asked before */
};

typedef void (*gh_done_fn)(void *arg, const struct gh_answer *a);

/* Everything is copied (`body` is written out at once), but `kind`. */
struct gh_req {
	const char *method; /* NULL: GET */
	const char *path;   /* from gh_path(): "/repos/…", or "/graphql" */
	json_t *body;
	/*
	 * The id of the repository that the path is of, 0: not known. A redirect is followed to the same thing below
	 * this repository under another name ("/repositories/ID/…" says which it is; of a name GitHub is asked). GitHub
	 * also redirects an issue that was transferred, to another repository and another number: that is not followed,
	 * neither to read nor to write there; the answer is GH_GONE with `moved`.
	 */
	int64_t repository;
	int64_t installation; /* 0: as the App itself (JWT). Ignored with a plain token */
	unsigned flags;
	const char *accept;   /* NULL: application/vnd.github+json */
	const char *coalesce; /* of the waiting requests with this key, one installation's,
				* only the latest is sent, at the place of the first */
	const char *kind;     /* a static word for gh_counts(): "comment"; NULL: "other" */
	gh_done_fn done;      /* may be NULL */
	void *arg;
};

/* A number for gh_cancel(), never 0. A request that makes no sense is answered with GH_REFUSED,
 * status 0. */
uint64_t gh_send(struct gh *g, const struct gh_req *req);
/* `done` will not be called. What was sent already may have its effect. An unknown number is fine. */
void gh_cancel(struct gh *g, uint64_t id);

/*
 * A path with escaped parts: %s one path component or query value (everything but letters, digits
 * and -._~ becomes %XX; "." and ".." too), %r "owner/name" or another path whose slashes stay,
 * %d an int64_t, %% a percent sign. Caller frees.
 */
char *gh_path(const char *fmt, ...);

/* The installation of "owner/name": asked once, then remembered; gh_forget_installations() after
 * an `installation` or `repository` event. Outcomes as above: GH_GONE: the App is not installed
 * there. With a plain token: GH_OK and 0, without a request. */
typedef void (*gh_installation_fn)(void *arg, const struct gh_answer *a, int64_t installation);
void gh_installation(struct gh *g, const char *full_name, gh_installation_fn done, void *arg);
void gh_forget_installations(struct gh *g);
/* Somebody may have mended what kept credentials from being accepted: the next request tries again, with
 * a new token, which has the permissions of now. */
void gh_try_again(struct gh *g);

/* A token for git over HTTPS (user "x-access-token") that is good for ten minutes at least. It is
 * the client's, only valid inside `done`: never logged, on no command line, in no environment. NULL
 * unless GH_OK. */
typedef void (*gh_token_fn)(void *arg, const struct gh_answer *a, const char *token);
void gh_token(struct gh *g, int64_t installation, gh_token_fn done, void *arg);

/* What is known of a GH_CONDITIONAL request is forgotten: its caller could not use what it got. */
void gh_cache_forget(struct gh *g, const char *path, int64_t installation);

/*
 * For `doctor` and `status`, without secrets:
 *   {base, app, skew_ms, problem?, installations: [{id, problem?, token_ms?, limit?, remaining?,
 *     reset_ms?, hold_ms?, hold_why?, query_hold_ms?, waiting, running}]}
 * query_hold_ms: for so long GraphQL alone is not asked.
 * skew_ms: GitHub's clock minus ours, null before the first answer; the other *_ms are from now.
 * `problem` is why GitHub accepts no credentials at present.
 */
json_t *gh_state(const struct gh *g);
/* {kind: {sent, ok, unchanged, failed, repeated}}: HTTP requests and their answers since the start.
 * Tokens are "token", further pages and tries count under the kind of their request. */
json_t *gh_counts(const struct gh *g);
const char *gh_outcome_name(enum gh_outcome o); /* "ok", "unchanged", "no-access" … */

#endif
