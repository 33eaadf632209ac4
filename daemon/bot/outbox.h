/*
 * outbox.h - carrying out effects.
 *
 * Each kind of effect is one row of the table in outbox_kinds.c: who carries it out (the git role, the
 * runner, the forge, a notification command) and which handler decides about its result. The result is the
 * event "did-KIND" with the payload
 *
 *     {"effect":7, "ok":true, "result":{…}, "ctx":{…}}        ctx: as given in the effect's payload
 *     {"effect":7, "ok":false, "error":{"code","text"}, "ctx":{…}}
 *
 * An executor that is away (role died, disk full, temporary refusal) is tried again, at most TRIES_MAX
 * times with growing pauses; a forge over a network for a day. Only then the result is an error. Every executor finds what an earlier
 * try did, so a repeated effect has one outcome.
 *
 * What is meant for a repository that is paused (remote.h) is not taken, however long that lasts.
 *
 * For EXEC_GIT and EXEC_NET the payload is the role's request (git/role.h, git/net.h): "op" and its
 * fields; for EXEC_NET without "auth", which is asked for when the effect starts and is never stored.
 */
#ifndef YM_BOT_OUTBOX_H
#define YM_BOT_OUTBOX_H

#include "bot/bot.h"

enum executor {
	EXEC_GIT,  /* the role that merges */
	EXEC_READ, /* the same one; changes nothing: also while an empty or restored ledger waits */
	EXEC_WORK, /* the role that fills and reads worktrees: merges never wait behind it */
	EXEC_UPKEEP, /* a role that packs: nothing waits behind it (upkeep.h) */
	EXEC_RUN,    /* start or end a run */
	EXEC_NET,    /* a role that fetches and pushes over the wire (git/net.h) */
	EXEC_FETCH,  /* the same; changes nothing there: also while a ledger waits */
	EXEC_FORGE,
	EXEC_ASK, /* the forge, too; changes nothing there: also while a ledger waits */
	EXEC_NOTIFY,
};

struct effect_kind {
	const char *kind;
	enum executor executor;
	decide_fn decide; /* NULL: the result is of no interest */
};
extern const struct effect_kind outbox_kinds[];

/* How many of a kind are under way at the same time; 0: as many as there are. */
int outbox_most(const struct effect_kind *k);
decide_fn outbox_handler(const char *effect_kind); /* NULL: none */

int outbox_new(struct bot *b, struct outbox **ret, struct err *err);
void outbox_free(struct outbox *o);
/* Marks the effects that are due as running; called before the commit. The forge's are carried out
 * here, inside the transaction, when its backend is local: row and result are one. */
int outbox_take(struct outbox *o, struct err *err);
/* Starts what was taken; called after the commit. */
void outbox_start(struct outbox *o);

/* A question to the git role outside the ledger (nothing depends on its being asked again): for
 * requests of people that wait for the answer. `done` gets the answer line, or NULL with the error.
 * Takes req. */
typedef void (*git_done_fn)(void *arg, const json_t *answer, const struct err *err);
int outbox_ask_git(struct outbox *o, json_t *req, git_done_fn done, void *arg, struct err *err);

/*
 * Who knows the credential for a request of EXEC_NET. It is asked each time one starts, and answers with
 * done(), now or later, once: the request's "auth" (git/net.h; NULL: none), which done() takes, or the
 * reason why there is none. After outbox_free() done() must not be called. -1: the reason, at once.
 * Until one is set, requests have no credential.
 */
typedef void (*auth_done_fn)(void *done_arg, json_t *auth, const struct err *why);
typedef int (*auth_fn)(void *arg, const json_t *payload, auth_done_fn done, void *done_arg,
		       struct err *err);
void outbox_set_auth(struct outbox *o, auth_fn auth, void *arg);

/* The result of an effect, now or later; called by executors. Takes result (NULL with an error). */
void outbox_result(struct outbox *o, int64_t effect, json_t *result, const struct err *why);
/* With an ERR_UNAVAILABLE: not to be tried again before; 0: as usual. */
void outbox_result_at(struct outbox *o, int64_t effect, json_t *result, const struct err *why,
		      int64_t not_before_ms);

#endif
