/*
 * task_flow.h - a task on its way through its blueprint.
 *
 * Whatever happens to a task becomes a bp_event; task_step() asks the pure engine what comes next,
 * stores the position, and does the one thing that the engine asked for, in the same transaction.
 */
#ifndef YM_BOT_TASK_FLOW_H
#define YM_BOT_TASK_FLOW_H

#include "base/buf.h"
#include "blueprint/engine.h"
#include "bot/bot.h"

/* A task with what it needs at each step. */
struct task_ctx {
	struct bot *bot;
	struct task task;
	struct repo repo;
	struct conf_repo conf;
	struct blueprint bp;
	struct bp_pos pos;
};

int task_open(struct bot *b, int64_t id, struct task_ctx *ret, struct err *err);
void task_ctx_release(struct task_ctx *c);

/* One event; writes the task. */
int task_step(struct task_ctx *c, const struct bp_event *ev, struct err *err);
/* The same by id, with nothing but the kind of event and a text; a task that has ended takes RETRY and
 * SAY only. */
int task_tell(struct bot *b, int64_t id, enum bp_ev ev, const char *text, struct err *err);
/* Opens the task that an effect's result is about. 1; 0 it failed, and the task has been told so. */
int task_went(struct bot *b, const json_t *p, struct task_ctx *ret, struct err *err);
/* Continues after a halt or a wait: does again what the position says. */
int task_continue(struct bot *b, int64_t id, const char *why, struct err *err);

/* Moves the task to a state (life.h), writes the row, the audit and the sticky comment. */
int task_set_state(struct task_ctx *c, const char *state, const char *reason, struct err *err);

/* What happened could not be decided: the task goes to a person with the reason instead of waiting for
 * ever. `payload` is the event's; one that is of no task is left alone. */
int task_undecided(struct bot *b, const json_t *payload, const struct err *why, struct err *err);
/* The same for a task; works also when its row is all that can be read of it. */
int task_give_up(struct bot *b, int64_t id, const struct err *why, struct err *err);

/* Makes the key of an effect of the present step: the same for the same try, another one for each
 * repetition. Caller frees. */
char *task_nonce(const struct task_ctx *c);

/* Ends every run of the task that is under way. */
int task_kill_runs(struct bot *b, int64_t task, const char *reason, struct err *err);

/* task_run.c: starting rounds, gates, set-up. */
/* What comes later (an answer, a review, `retry`) needs a place as the first round did. 1: it waits for
 * one (dispatch.c begins it then), 0: there is one. */
int task_wait_for_place(struct task_ctx *c, struct err *err);
int task_run_agent(struct task_ctx *c, const char *feedback, struct err *err);
int task_run_gate(struct task_ctx *c, struct err *err);
int task_run_command(struct task_ctx *c, struct err *err);
int task_run_setup(struct task_ctx *c, struct err *err);  /* looks for the cached layer first */
int task_save_layer(struct task_ctx *c, struct err *err); /* what the set-up has made */

/* The branch is where the base is; what is committed next follows on that. */
int task_rebased(struct bot *b, int64_t id, const char *onto, struct err *err);

/* task_commit.c */
int task_commit(struct task_ctx *c, struct err *err);
/* The agent that ran last, which a step or `/yard run agent=` may have named; NULL: none has. */
char *task_last_agent(const struct task_ctx *c);
/* A request to the git role whose result comes back to this task. */
json_t *task_request(struct task_ctx *c, const char *op);

/* task_look.c: 0 the first prompt may be given now; 1 not now: the forge is asked first, and its answer begins
 * the round, or the text changed and the task waits for its label. */
int task_look(struct task_ctx *c, struct err *err);
/* A task that waits for that answer gives its place back for the time being. */
int task_look_waits(struct bot *b, int64_t id, const char *why, struct err *err);
/* Starts the round of the agent that task_run_agent() has found nothing against. */
int task_begin_round(struct task_ctx *c, struct err *err);
/* queue_conflict_of() its work: of its head, or, while that conflict is being resolved and there is none yet, of the
 * one that it replaces. */
int task_conflict(struct bot *b, const struct repo *r, const struct task *t, char **ret_text,
		  struct err *err);

/* Waits for approvals of its head, and says how many there are: 1 enough, 0 not. */
int task_review(struct task_ctx *c, struct err *err);

/* task_ci.c: the forge's checks of its head. *ret_green: there are none to wait for. */
int task_ci_begin(struct task_ctx *c, bool *ret_green, struct err *err);
int task_ci_ask(struct bot *b, int64_t task, struct err *err);
int task_ci_told(struct bot *b, const json_t *p, struct err *err);

/* task_review.c: what a person said for the next round. */
void task_add_said(struct task *t, const char *actor, const char *text);

/* task_issue.c: what hangs on an issue. */
/* It was closed: every task of it that has not ended for good is cancelled; what is landing is not. `why` is a clause. */
int task_issue_closed(struct bot *b, const struct repo *r, int64_t issue, const char *why,
		      struct err *err);
/* The last one that this cancelled comes back to a person. */
int task_issue_reopened(struct bot *b, const struct repo *r, int64_t issue, const char *who,
			struct err *err);
/* What older tasks left to a person ends: this one begins the issue again. */
int task_issue_taken(struct bot *b, const struct repo *r, int64_t issue, int64_t newer,
		     struct err *err);
/* The level behind the events: tasks whose issue is closed, of which nobody was told. */
int task_issues_look(struct bot *b, struct err *err);
/* Its PR was opened, or has landed (solved): the others of the issue give way to it. */
int task_supersede(struct task_ctx *c, bool solved, struct err *err);
/* It was cancelled: its PR, if one is open, is told that it is a person's now. */
int task_pr_left(struct task_ctx *c, const char *why, struct err *err);

/* The text of an issue was changed: a task that works from another one says so there and on its PR. */
int task_on_issue_edited(struct bot *b, const struct event *e, const json_t *p, struct err *err);
/* A paragraph of that for its PR, unless the agent had the text as it is now. */
void task_add_edited(const struct task *t, struct buf *b);
/* A person begins it again: with the text as it is now, when nobody but people who may assign changed it. *ret (caller
 * frees) says which of the two texts it is; NULL when there is only one. */
int task_take_text(struct task_ctx *c, char **ret, struct err *err);

/* task_base.c: is the base still one that its work follows on? 0 yes; 1 not, or it is asked for: what follows comes with
 * the answer. */
int task_base_look(struct task_ctx *c, struct err *err);
/* The work goes onto the base as it is, by what changed since task.start alone; it is committed and tested anew. 0; 1: no
 * step before its position made anything. */
int task_transplant(struct task_ctx *c, struct err *err);
/* What task_base_look() was asked for: it is. */
int task_open_pull(struct task_ctx *c, struct err *err);

/* task_end.c: opening the PR, asking, ending. */
int task_pull_request(struct task_ctx *c, struct err *err);
int task_ask(struct task_ctx *c, const char *reason, struct err *err);
int task_end(struct task_ctx *c, const char *state, const char *reason, struct err *err);
/* Puts the label that calls for a person, or takes it off. */
int task_label(struct task_ctx *c, bool on, struct err *err);
int task_unlabel(struct task_ctx *c, struct err *err);
/* The position becomes the one that a failure would have left: `retry` does again what is under way. */
void task_keep_position(struct task_ctx *c);
/* To a person before what the position asks for was begun: `retry` begins it. */
int task_stop(struct task_ctx *c, const char *reason, struct err *err);
/* What its PR's end means for a task that has ended already. */
int task_pr_ended(struct task_ctx *c, bool merged, const char *why, struct err *err);
/* Its last run is over: what task_end() had to leave is cleaned up now. */
int task_run_is_over(struct task_ctx *c, struct err *err);
int task_cleanup(struct bot *b, const struct repo *r, const struct task *t, bool drop_branch,
		 struct err *err);

/* Paths; callers free. */
char *task_worktree(struct bot *b, int64_t task); /* the folder that holds "tree" and "git" */
char *task_tree(struct bot *b, int64_t task);
char *task_gitdir(struct bot *b, int64_t task);

/* The "ctx" of an effect of this task: how its result finds back. */
json_t *task_ctx_json(const struct task *t);

/* Results of effects (outbox_kinds.c). */
int task_did_worktree(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_look(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_commit(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_restore(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_layer_key(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_layer_apply(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_layer_save(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_push(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_pr_open(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_base(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_transplant(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_issue_close(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_did_pr_ref(struct bot *b, const struct event *e, const json_t *p, struct err *err);
/* task_ended.c: a run of a task has ended. */
int task_run_ended(struct bot *b, struct attempt *a, const json_t *p, struct err *err);

#endif
