/*
 * queue_flow.h - the merge queue around its planner: facts from the ledger, actions into effects.
 *
 * Per repository: read facts, plan_next(), do what it says, in one transaction. A candidate is a row
 * of its own; an entry points at the one that is alive. States of a candidate are those of
 * queue/plan.h by name, and "dropped" and "landed" when it is over.
 *
 *   queue_flow.c    the pass: entries in and out, facts, actions
 *   queue_facts.c   what the planner is told
 *   queue_busy.c    what is being done at this moment, in words
 *   queue_words.c   the sentences that people read about it
 *   queue_rules.c   what the forge's rules want of people (queue_rules.h)
 *   queue_test.c    a candidate's checkout and gates, and those of the base itself
 *   queue_ci.c      the forge's checks of a candidate
 *   queue_land.c    verify, land, settle a doubt (queue_part.h)
 *   queue_head.c    the PR's head before the base, and back
 *   queue_after.c   what is done on a forge after a landing
 *   queue_receipt.c what a landing leaves
 *   queue_stand.c   does what put a PR into the queue still hold?
 *   queue_learn.c   what a PR depends on
 *   queue_depends.c what people say that it depends on (queue_depends.h)
 *   queue_events.c  what happens to PRs and to the base
 *   queue_hand.c    what somebody did to the base past the queue
 *   queue_conflict.c the report of a conflict
 *   queue_back.c    a PR that would bring back what was taken out of the base
 *
 * A repository that is only watched goes another way: shadow.h.
 */
#ifndef YM_BOT_QUEUE_FLOW_H
#define YM_BOT_QUEUE_FLOW_H

#include "bot/bot.h"
#include "queue/plan.h"

int queue_pass(struct bot *b, struct err *err);
/* Every entry says what it waits for, and its candidate is dropped; what is landing is settled. Takes why. */
int queue_all_wait(struct bot *b, const struct repo *r, char *why, struct err *err);

/* Puts a PR into the queue at this head. An entry that is there already is left alone, but for the priority
 * when one is given (NULL: none; a new entry then has 0). */
int queue_enqueue(struct bot *b, const struct repo *r, int64_t pr, const char *head, const char *by,
		  const int64_t *priority, struct err *err);
/* Takes it out: state "dequeued", "ejected" or QUEUE_WITHDRAWN. Its candidate is dropped. 1 it was in, 0 not. */
int queue_leave(struct bot *b, const struct repo *r, int64_t pr, const char *state,
		const char *reason, struct err *err);
/* 1: it is landing, and nobody can call that off any more; 0 not. */
int queue_is_landing(struct bot *b, const struct repo *r, int64_t pr, struct err *err);
/* The PR was merged on the forge, and not by us: it leaves the queue, and its task ends as merged. 1 it was
 * in, 0 not. */
int queue_merged_by_hand(struct bot *b, const struct repo *r, const struct pr *p, struct err *err);
/* 1: the task behind it was cancelled after it had been queued; 0 not. Queued later, by a person, it stays. */
int queue_task_cancelled(struct bot *b, const struct repo *r, const struct queue_entry *e,
			 struct err *err);
/* How many people approve this head whose approval counts, by the repository's rules; like db_int(). */
int queue_approvals(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		    const struct pr *pr, const char *head, int64_t *ret, struct err *err);
/* Are there enough approvals of this head? */
int queue_approved(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		   const struct pr *pr, const char *head, bool *ret, struct err *err);

/* What this head still waits for of other PRs, in words; NULL: for nothing. Caller frees. */
int queue_depends_text(struct bot *b, const struct repo *r, const struct pr *pr, const char *head,
		       char **ret_why, struct err *err);
/* By `/yard hold`, as a draft, by the label that holds, or by what it says to depend on (queue_depends.h). */
int queue_held(struct bot *b, const struct repo *r, const struct conf_repo *conf,
	       const struct pr *pr, bool *ret, struct err *err);
/* The role's request `op` in this repository, of which the result tells about the candidate. */
json_t *queue_request(const struct repo *r, const struct candidate *c, const char *op);

int queue_drop(struct bot *b, const struct repo *r, int64_t candidate, const char *why,
	       struct err *err);
/* The ref that held a candidate: what landed is held by the base. */
int queue_drop_ref(struct bot *b, const struct repo *r, int64_t candidate, struct err *err);

/* queue_learn.c */
/* The PR that an event or a result's ctx names: 1, 0 gone, -1. */
int queue_event_pr(struct bot *b, const json_t *p, struct repo *r, struct pr *pr, struct err *err);
/* The role's request `op`, of which the result tells about the PR at this head. */
json_t *queue_pr_request(const struct repo *r, const struct pr *pr, const char *op);
/* Forgets what is known of the dependencies and asks for those of the head that is there now. The nonce
 * is another one for each time. */
int queue_learn(struct bot *b, const struct repo *r, struct pr *pr, int64_t nonce, struct err *err);
/* What its text says to depend on is read again, because that is another one. */
int queue_learn_body(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err);
/* Asks for what was never asked, or of which the answer was lost. */
int queue_learn_missing(struct bot *b, const struct repo *r, struct err *err);

/* queue_words.c: what people read. Callers free. */
/* "1 of 2 approvals of 123456789abc", who is needed beside the labeller, and whose does not count. */
char *queue_approvals_text(struct bot *b, const struct repo *r, const struct conf_repo *conf,
			   const struct pr *pr);
/* The planner's reason without what happens for it, for sentences that say that themselves. */
char *queue_reason_text(const struct plan_action *a);
/* What a PR waits for; by whom and why, where the ledger knows it. */
char *queue_wait_text(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		      const struct pr *pr, const struct candidate *c, const struct plan_action *a);

/* queue_busy.c: callers free. NULL: nothing that can be named. */
/* What is being done about a candidate, which gate, since when, of how long usually, and where its log is. */
char *queue_busy_text(struct bot *b, const struct repo *r, const struct candidate *c);
/* `text`, with the checks of the forge that it waits for and since when. */
char *queue_checks_text(const char *text, const struct candidate *c);
/* The same of the test of the base itself. */
char *queue_base_busy_text(struct bot *b, const struct repo *r);
/* For how long the gate of this candidate has been running: "3m 9s". */
char *queue_busy_so_far(struct bot *b, int64_t candidate);

/* queue_test.c */
int queue_build(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		struct queue_entry *e, struct err *err);
/* The git role's request that builds candidate c of pr into `ref`; its ctx names c. NULL: error. */
json_t *queue_build_request(struct bot *b, const struct repo *r, const struct candidate *c,
			    const struct pr *pr, const char *ref, struct err *err);
int queue_test(struct bot *b, const struct repo *r, struct candidate *c, struct err *err);
int queue_test_base(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		    struct err *err);
int queue_gate_ended(struct bot *b, struct attempt *a, const json_t *p, struct err *err);
/* Every run and folder of a candidate ends. */
int queue_clean(struct bot *b, const struct candidate *c, const char *why, struct err *err);

/* A candidate's new state; detail NULL: as it was. */
int queue_set_state(struct bot *b, struct candidate *c, enum plan_cand s, const char *detail,
		    struct err *err);
/* An infrastructure failure, which the planner retries within bounds. */
int queue_set_errored(struct bot *b, struct candidate *c, const char *why, struct err *err);
/* Checks that did not end: tried once more, however many retries there are, for each takes as long again. */
int queue_set_late(struct bot *b, struct candidate *c, int64_t retries, const char *why,
		   struct err *err);
/* What the test of the base itself came to. */
int queue_base_ended(struct bot *b, struct candidate *c, enum plan_cand s, const char *log,
		     struct err *err);

/* queue_auto.c: queues what the repository's `auto-queue:` says. */
/* Which of its conditions this PR does not meet, in words; NULL: it meets all but a hold. Caller frees. */
int queue_auto_refusal(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		       const struct pr *p, char **ret_why, struct err *err);
/* 1: by what it says this PR is for the queue, 0 not. */
int queue_auto_wants(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     const struct pr *p, struct err *err);
int queue_auto(struct bot *b, const struct repo *r, const struct conf_repo *conf, struct err *err);

/* queue_hand.c */
/* Commits of one PR, or of one move of the base, that are read; what the git role gives in one answer. */
#define QUEUE_COMMITS_MAX 1000
/* Why a PR of more cannot be taken, with what to do; caller frees. */
char *queue_too_long_text(const char *base);
/* The base was moved: asks what came and what went. */
int queue_hand_moved(struct bot *b, const struct repo *r, const struct event *e, const char *old,
		     const char *new, const char *by, struct err *err);
/* 1: the tip from before a move is still being kept, and nothing is built meanwhile; 0 not. */
int queue_keeps_tip(struct bot *b, const struct repo *r, struct err *err);
/* The base, which was at `old`, contains this open PR's head at `new`. */
int queue_merge_by_hand(struct bot *b, const struct repo *r, struct pr *pr, const char *old,
			const char *new, struct err *err);
/* 1: this PR landed, and somebody took it off the base again; 0 not. */
int queue_is_lost(struct bot *b, const struct repo *r, int64_t pr, struct err *err);
/* A person says that it was meant: nothing waits for it any more. */
int queue_lost_forget(struct bot *b, const struct repo *r, struct err *err);
/* Adds {repo, problem} when the base has lost what had landed. */
int queue_lost_row(struct bot *b, const struct repo *r, json_t *rows, struct err *err);
int queue_did_keep(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_gained(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_lost(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* queue_back.c */
/* It leaves the queue with this candidate. When that would have brought something back, whoever approved the head did not know
 * it: those approvals are void, and it takes one that is given with this knowledge. */
int queue_back_told(struct bot *b, const struct candidate *c, struct err *err);
/* Somebody has approved this head since: the request q says so to the git role. */
int queue_back_wanted(struct bot *b, const struct repo *r, int64_t pr, const char *head, json_t *q,
		      struct err *err);

/* queue_stand.c */
/* Who queued an entry, when it was no person. */
#define QUEUE_BY_AUTO "auto-queue"
#define QUEUE_BY_TASK "yardmaster"
/* The state of an entry that `auto-queue` brought and whose conditions ended. */
#define QUEUE_WITHDRAWN "withdrawn"
enum queue_stand {
	QUEUE_STANDS, /* whatever put it there still holds */
	QUEUE_WAITS,  /* not now: who queued it may not any more, or the forge has not said yet */
	QUEUE_OVER,   /* not any more: it leaves */
};
bool queue_is_by_auto(const struct queue_entry *e);
/* *ret_why: in words, unless it stands; caller frees. */
int queue_stands(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		 const struct queue_entry *e, const struct pr *pr, enum queue_stand *ret,
		 char **ret_why, struct err *err);

/* queue_ci.c */
/* Our gates are green: waits for the forge's checks. 1 it waits, 0 there are none. */
int queue_ci_begin(struct bot *b, struct candidate *c, struct err *err);
/* 1: others are required now than it was checked for. */
int queue_ci_missing(struct bot *b, const struct candidate *c, struct err *err);
/* It is over: its branch on the forge goes. */
int queue_ci_end(struct bot *b, const struct repo *r, int64_t candidate, struct err *err);
int queue_ci_ask(struct bot *b, const struct candidate *c, struct err *err);
int queue_ci_told(struct bot *b, const json_t *p, struct err *err);
int queue_did_branch(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_draft(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_draft_close(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* queue_land.c */
int queue_land(struct bot *b, const struct repo *r, struct candidate *c, struct err *err);
int queue_settle(struct bot *b, const struct repo *r, const struct candidate *c, struct err *err);

/* The report of a conflict: files, lines, and which landed PR changed them. Caller frees. */
char *queue_conflict_text(struct bot *b, const struct repo *r, const char *detail);
/* The same in one line, for lists: each outcome of a build has its own word. */
char *queue_conflict_word(const struct repo *r, const char *detail);
/* Is it one that somebody has to resolve? Not: merged, empty. */
bool queue_is_conflict(const char *detail);
/* 1: the queue found that this head of a PR conflicts, and *ret_text (may be NULL; caller frees) is the report; 0:
 * nothing of that kind is known. */
int queue_conflict_of(struct bot *b, const struct repo *r, int64_t pr, const char *head,
		      char **ret_text, struct err *err);

/* Results of effects. */
int queue_did_build(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_checkout(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_verify(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_push(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_head_push(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_head(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_retarget(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_restore(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_merged(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_notes_fetch(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_notes_merge(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_notes_push(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_fetch(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_land(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_settle_ref(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_settle(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_log(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_contained(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_did_config_check(struct bot *b, const struct event *e, const json_t *p, struct err *err);

#endif
