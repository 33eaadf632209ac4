/*
 * dispatch.h - from a label (or `/yard run`) to a task, and from a waiting task to a worktree.
 */
#ifndef YM_BOT_DISPATCH_H
#define YM_BOT_DISPATCH_H

#include "bot/bot.h"

/* Starts the tasks that may start: no halt, a free place, no lease in the way. */
int dispatch_pass(struct bot *b, struct err *err);

/* What `/yard run` and a label have in common. 1 created, 0 answered with a comment instead. */
struct dispatch_request {
	const char *actor;
	const char *label;     /* by label … */
	const char *blueprint; /* … or by name */
	const char *agent;     /* NULL: as the blueprint says */
	const struct strvec *scopes;
	int64_t asked_ms; /* by the forge's clock; 0: it has none of its own */
};
int dispatch_create(struct bot *b, const struct repo *r, int64_t issue,
		    const struct dispatch_request *q, struct err *err);
/* Does it have one of the `limits.agents` places? */
bool dispatch_at_work(const struct task *t);
/* What a task says that has none. Caller frees. */
char *dispatch_no_place(struct bot *b, int64_t busy);

/* What a task says whose repository is paused (remote.h), or NULL; caller frees. -1 through *rc. */
char *dispatch_paused(struct bot *b, const struct repo *r, int *rc, struct err *err);

struct task_ctx;
/* A task that goes on after a person had got it needs its leases again: ERR_STATE names who has them. */
int dispatch_lease_again(struct bot *b, struct task_ctx *c, struct err *err);
/* Ends the task that is at work on the issue. 1, 0 there is none; ERR_STATE: its PR is landing. */
int dispatch_cancel(struct bot *b, const struct repo *r, int64_t issue, const char *actor,
		    struct err *err);

#endif
