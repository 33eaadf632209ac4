/*
 * remote.h - repositories on a forge over a network: its client, its credentials, its repositories.
 */
#ifndef YM_BOT_REMOTE_H
#define YM_BOT_REMOTE_H

#include "bot/bot.h"
#include "forge/github_client.h"

struct request;

/* A client as the configuration has it: `conf` says the rest. Its secrets are read here. gh_free(*ret). */
int remote_client(const struct conf_github *c, struct gh_conf conf, struct loop *l,
		  struct clock *clock, struct rnd *rnd, struct gh **ret, struct err *err);

/* With a `github` section in the configuration: reads the secrets, starts the client. Before
 * turn_start(). */
int remote_start(struct bot *b, struct err *err);
/* After turn_start(): the outbox asks here for credentials of Git over the wire. */
void remote_ready(struct bot *b);
void remote_stop(struct bot *b);

/* Why a push was refused, with what the remote said beside it (`result` of net.h), and what to do where the forge
 * knows; caller frees. */
char *remote_refusal(struct bot *b, const struct repo *r, const json_t *result);
/* Asks Git for the base of one repository. */
int remote_fetch(struct bot *b, const struct repo *r, struct err *err);
/* Asks for one issue or PR as it is now. */
int remote_look(struct bot *b, const struct repo *r, int64_t number, struct err *err);
/* The same of one that somebody waits for, and that may have been over before it was ever seen: it becomes known. */
int remote_want(struct bot *b, const struct repo *r, int64_t number, struct err *err);
/* 1: it is being asked for; 0 not, or there is nobody to ask. */
int remote_is_looking(struct bot *b, const struct repo *r, int64_t number, struct err *err);
/* Asks for what may have changed in every repository of a remote forge. */
int remote_reconcile(struct bot *b, struct err *err);
/* `repo add OWNER/NAME`. The answer comes when the forge has been asked. */
int remote_repo_add(struct request *q, const char *full_name, struct err *err);
/* For `status` and `doctor`: gh_state(), and problems: [{repo, problem}], why nothing of a repository can be
 * read at present; null without a remote forge. */
json_t *remote_state(struct bot *b);

/*
 * Repositories that are paused: what is meant for them is held back, but for the look that ends the pause, and
 * but for a landing's last push, which must not happen later than it was decided.
 */
struct remote_held {
	struct github_repo_list repos;
	struct repo_list rows; /* of the same, in the same order */
};
void remote_held_release(struct remote_held *h);
int remote_held(struct bot *b, struct remote_held *ret, struct err *err);
bool remote_holds(const struct remote_held *h, const struct effect *e);
/* The same of one; 1, 0, -1. */
int remote_is_held(struct bot *b, const struct effect *e, struct err *err);
/* A fetch or a push was refused, for the first time: is it the whole repository that is not for us? 1: that is being looked
 * into, and the request is to be tried once more; 0 no. */
int remote_doubts(struct bot *b, const struct effect *e, const struct err *why, struct err *err);
/* 1: nothing is begun or landed there at present; *ret_why (may be NULL; caller frees) says why. */
int remote_paused(struct bot *b, const struct repo *r, char **ret_why, struct err *err);
/* Adds {repo, problem, paused_ms} to `rows` when there is a problem; paused_ms 0: it passes by itself. */
int remote_problem(struct bot *b, const struct repo *r, json_t *rows, struct err *err);
int remote_on_paused(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int remote_on_resumed(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* One webhook delivery. ERR_INPUT: it lacks what it must have. */
enum remote_heard { REMOTE_IGNORED, REMOTE_HEARD, REMOTE_NOT_OURS };
int remote_deliver(struct bot *b, const char *event, const json_t *payload, enum remote_heard *ret,
		   struct err *err);

/* Results of effects that the backend wants for itself. */
int remote_did(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int remote_did_level(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* The address of the remote `origin` inside runs (git/gitdir.h). Caller frees. */
char *remote_origin(struct bot *b, const struct repo *r);
/* Where it is on its forge; NULL: on this machine. Caller frees. */
char *remote_url(struct bot *b, const struct repo *r);
/* Which submodules it may have: "submodules" of a request to the git role. */
json_t *remote_submodules(struct bot *b, const struct repo *r);

#endif
