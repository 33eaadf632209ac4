/*
 * github_part.h - the client taken apart: for the github_*.c that make it up, and nobody else.
 *
 *   github_client.c   life, gh_send(), gh_cancel(): a request becomes a job
 *   github_queue.c    which job starts when; answers are handed out
 *   github_exchange.c one HTTP request of a job: its headers, its counting, its end
 *   github_judge.c    what an HTTP answer means for its job
 *   github_login.c    tokens, installations, new names of repositories: what the client asks itself
 *   github_state.c    what there is to see
 *
 * A job is in one list at a time:
 *
 *   WAITING (of its lane) --> RUNNING --> FINISHED --> handed out, freed
 *      ^                        |  \--> LIMBO: answered; the new name is being asked for --^
 *      +------ once more -------+       redirected; whose the new name is, is being asked for --> WAITING
 *
 * Answers are handed out by gh_run() alone, at its end: nothing else calls a caller back.
 */
#ifndef YM_FORGE_GITHUB_PART_H
#define YM_FORGE_GITHUB_PART_H

#include "base/strvec.h"
#include "forge/github_auth.h"
#include "forge/github_cache.h"
#include "forge/github_client.h"
#include "forge/github_rate.h"
#include "sys/http.h"

#include <sys/queue.h>

struct gh_job;
TAILQ_HEAD(gh_jobs, gh_job);

/* Whether a set of credentials is accepted. */
struct gh_login {
	int64_t hold_ms; /* mono: nothing is tried before; 0: none */
	int fails;
	enum gh_outcome outcome; /* until hold_ms: GH_NO_ACCESS or GH_RETRY */
	int status;
	char *text; /* NULL: all is well */
};

/* What belongs to one installation; the lane 0 is the App itself, or the plain token. */
struct gh_lane {
	TAILQ_ENTRY(gh_lane) link;
	int64_t installation;
	struct gh_rate rate;
	struct gh_jobs waiting;
	size_t nwaiting;
	struct gh_login login;
	char *token;            /* of an installation */
	int64_t token_until_ms; /* mono: then a new one is asked for */
	uint64_t token_number;  /* counts them: a 401 drops only the one that it was about, and an
				 * ETag is of one. 0: the plain token */
	bool fetching;
};

struct gh_count {
	const char *kind;
	int64_t sent, ok, unchanged, failed, repeated;
};

struct gh_named {
	char *name;
	int64_t id;
};

enum gh_place { GH_WAITING, GH_RUNNING, GH_LIMBO, GH_FINISHED };

struct gh_job {
	TAILQ_ENTRY(gh_job) link;
	enum gh_place place;
	struct gh *g;
	struct gh_lane *lane;
	uint64_t id;

	/* what is wanted */
	char *method, *path, *accept, *coalesce;
	char *first_url;
	char *send; /* the body, or NULL */
	const char *kind;
	unsigned flags;
	bool wants_token; /* no request: waits for the lane's token */
	bool secret;      /* nothing of the answer is shown */
	void (*hand_out)(struct gh_job *j);
	union {
		gh_done_fn done;
		gh_installation_fn installation;
		gh_token_fn token;
	} fn;
	void *arg;
	int64_t repository; /* as in struct gh_req */
	char *name;         /* gh_installation(): of the repository */
	uint64_t parent;    /* the job in limbo that waits for this one's answer */

	/* how far it is */
	char *url;
	struct http_call *call;
	int64_t at_ms; /* mono: not before */
	int tries, redirects;
	bool foreign;     /* redirected to another host: no token, no counting of limits */
	bool login_again; /* a 401 was answered with a new token */
	uint64_t token_number;
	int64_t skew_ms; /* with which its JWT was made */
	bool conditional, sent_etag, asked_before;
	int pages, unchanged_pages;
	size_t bytes; /* of all pages so far */
	json_t *all;  /* joined pages */
	struct strvec
		remember; /* key, number of its token, etag, next or "", for each page: for the
				 * cache in the end */
	int64_t moved_id; /* a redirect led to /repositories/ID */

	/* what came of it */
	struct gh_answer a;
	char *text, *raw, *renamed, *needs, *moved;
	int64_t answer_number; /* gh_installation(): the id */
};

struct gh {
	struct loop *loop;
	struct clock *clock;
	struct rnd *rnd;
	struct gh_conf conf; /* its strings are not used after gh_new() but the ones below */
	char *base, *graphql, *app;
	struct gh_key *key;
	char *plain_token;
	struct http *http;
	struct loop_timer *timer;
	TAILQ_HEAD(, gh_lane) lanes;
	struct gh_jobs running, limbo, finished;
	struct gh_login login; /* the App's JWT or the plain token */
	uint64_t last_id;
	bool kicked; /* the timer is due at once */
	bool skew_known;
	int64_t skew_ms; /* GitHub's clock minus ours */
	struct gh_cache *cache;
	struct gh_named *installations, *names; /* by repository; new names by repository's id */
	size_t ninstallations, nnames;
	struct gh_count *counts;
	size_t ncounts;
};

/* github_client.c */
struct gh_job *gh_job_new(struct gh *g, const struct gh_req *r);
void gh_job_free(struct gh_job *j);
struct gh_job *gh_job_find(struct gh *g, uint64_t id);
struct gh_lane *gh_lane(struct gh *g, int64_t installation);
int64_t gh_mono(const struct gh *g);
int64_t gh_wall(const struct gh *g);
int64_t gh_server_s(const struct gh *g); /* GitHub's time, as well as it is known */
char *gh_cache_key(int64_t installation, const char *url, const char *accept);

/* github_queue.c */
void gh_run(struct gh *g);                             /* from a turn of the loop only */
void gh_kick(struct gh *g);                            /* gh_run() in the next turn */
void gh_wait(struct gh_job *j, struct gh_job *before); /* into its lane's queue; NULL: to its end */
void gh_wait_first(struct gh_job *j, int64_t delay_ms); /* once more, ahead of the others */
/* Out of its list; it has its answer. `fmt` NULL: no text. wait_ms: for not_before_ms. */
void gh_finish(struct gh_job *j, enum gh_outcome o, int64_t wait_ms, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void gh_finished(struct gh_job *j); /* the answer stands: to the list of finished ones */
enum gh_rate_kind gh_kind(const struct gh_job *j);

/* github_exchange.c */
void gh_start(struct gh_job *j);
struct gh_count *gh_count(struct gh *g, const char *kind);
int64_t gh_backoff(const struct gh_job *j);
/* An answer came, or will not: the limits hear of it. true: refused for a limit. */
bool gh_rate_of(struct gh_job *j, const struct http_answer *h, const json_t *body);

/* github_judge.c */
void gh_judge(struct gh_job *j, const struct http_answer *h);

/* github_login.c */
/* Are there credentials for it now? If not it was finished, or a token is being asked for. */
bool gh_login_ready(struct gh_job *j, int64_t now);
struct gh_login *gh_login_of(struct gh_job *j);
/* Not accepted: a pause, doubling. Returns it in ms. */
int64_t gh_login_fail(struct gh *g, struct gh_login *l, enum gh_outcome o, int status,
		      const char *text);
void gh_login_good(struct gh_login *l);
void gh_drop_token(struct gh_lane *l, uint64_t number);
/* true: the new name is being asked for, and the job will be finished when it is known. */
bool gh_ask_name(struct gh_job *j);
/* A redirect leads to a repository of this name: is it the one of the job? It goes on when it is, else it is GH_GONE. Taken
 * out of its list before. */
void gh_ask_whose(struct gh_job *j, const char *full_name);

#endif
