/*
 * engine.h - the step engine: where a task stands and what it does next.
 *
 * Pure: a blueprint, a position and one thing that happened give the next position and one action.
 * The position is stored in the ledger in the same transaction as the effects of the action, before
 * anything acts; a task continues from it after any crash. No position means BP_EV_START.
 *
 * One agent step, in full:
 *
 *   SETUP (once a task; skipped without environment.setup)
 *     |
 *     v
 *   AGENT round k --> COMMIT ----------------------> GATE 0 .. GATE n-1 --> next step
 *     ^   |           (the host checks paths           |
 *     |   |            and makes the commit)           |
 *     |   | no success    | refused, or nothing        | red: its log
 *     |   v               v changed                    v
 *     `-- the reason is the feedback of round k+1, until `rounds` are spent: FAIL with the last log
 *
 * And the whole walk; every edge is a row of the table in engine.c:
 *
 *   SETUP -> steps in order:  RUN -> COMMIT   AGENT -> COMMIT -> GATE   PR   CHECKS   REVIEW   QUEUE -> END
 *                                               ^                                |       |        |
 *                                               `-- one CI round each -----------+-------+--------'
 *   AGENT -> ASK -> AGENT;   END by failure -> where it failed, by a person's RETRY or SAY
 *
 * What counts as what:
 *   - a round is one start of the agent and its gates. RUN_NOT_STARTED, RUN_LOST and a failed
 *     worktree are infrastructure: the same action is repeated, at most BP_INFRA_MAX times in a
 *     row, and no round is spent. A repeated BP_DO_AGENT carries no feedback: the caller starts it
 *     with what the round that it repeats was given.
 *   - done takes three things: the agent's own success (exit 0), an end block saying COMPLETE and
 *     EXIT_SIGNAL true, and a non-empty permitted diff with green gates. Each one missing is a
 *     failed round whose feedback says which.
 *   - QUESTION and BLOCKED: ASK, and the task waits for BP_EV_SAY, which starts the next round (a
 *     round is spent by the answer, not by the question). A person who answers when the rounds are
 *     spent grants that one round by answering.
 *   - NO_CHANGE with an empty diff: ends the task without failure. NO_CHANGE with a diff is a
 *     failed round; COMPLETE without a diff is a failed round. NO_CHANGE in a CI round: ASK, since
 *     the agent and the checks (or the reviewer) disagree.
 *   - the same failure signature twice in a row with the same tree ends the task early.
 *   - red checks on the forge after the PR: one CI round each (AGENT -> COMMIT -> GATES -> push),
 *     at most `ci_rounds` in all; "changes requested" likewise, one round per review. A round that
 *     follows a failed CI round is a CI round too. Nothing changed in a CI round: it failed.
 *   - ejected from the queue as red or in conflict: one CI round with the log, then review again
 *     (the new head has no approval).
 *   - a `run` step that fails after an agent step is that agent's failed round; without one before
 *     it the task fails.
 *   - PR is entered only with a non-empty diff whose tree passed the gates of the last agent step
 *     before it: when a `run` step changed the tree after them, they run once more.
 */
#ifndef YM_BLUEPRINT_ENGINE_H
#define YM_BLUEPRINT_ENGINE_H

#include "blueprint/blueprint.h"

#define BP_INFRA_MAX    3
#define BP_FEEDBACK_MAX ((size_t)32 << 10)

enum bp_phase {
	BP_PH_SETUP,
	BP_PH_AGENT,
	BP_PH_COMMIT,
	BP_PH_GATE,
	BP_PH_RUN,
	BP_PH_PR, /* opening, or pushing a new head of an open one */
	BP_PH_CHECKS,
	BP_PH_REVIEW,
	BP_PH_QUEUE,
	BP_PH_ASK, /* waits for a person's answer */
	BP_PH_END,
};

#define BP_TREE_MAX 65 /* 64 hexadecimal digits and the NUL */

struct bp_pos {
	bool started; /* BP_EV_START was taken; a zeroed position is a task that has not begun */
	int64_t step; /* index of the step that is under way */
	enum bp_phase phase;
	int64_t index;          /* which gate or command */
	int64_t round;          /* rounds of this agent step so far, the running one included */
	int64_t extra;          /* rounds granted by /yard retry rounds=N or by an answer */
	int64_t ci_round;       /* CI and review rounds so far, the running one included */
	bool in_ci;             /* this round came from checks, review or queue */
	int64_t resume_step;    /* where the task goes on when the gates are green; 0: next step */
	int64_t infra;          /* infrastructure failures in a row */
	char signature[65];     /* SHA-256 of the last gate failure, normalised; "" when none */
	char tree[BP_TREE_MAX]; /* the tree that it was seen on */
	char head
		[BP_TREE_MAX]; /* the tree committed last; "" while nothing differs from the base */
	char gated[BP_TREE_MAX]; /* the tree that passed all gates last */
	bool pr_open;            /* a PR exists: BP_DO_PR then means push */
	bool no_change;          /* COMMIT: the agent says that nothing is to be changed */
	bool failed;             /* END by failure: RETRY and SAY go on */
	enum bp_phase from;      /* then: what RETRY repeats; AGENT: a new round */
};

enum bp_ev {
	BP_EV_START,
	BP_EV_OK,    /* the action asked for succeeded (setup, run command, gate, PR opened or
			pushed) */
	BP_EV_RED,   /* a gate, command or set-up step failed by itself; checks failed; the forge
			refused the PR; text = log's end */
	BP_EV_INFRA, /* could not be carried out; text says why */
	BP_EV_LIMIT, /* the agent was ended by a limit (time, silence, memory …): a spent round.
			Of a gate, command or set-up: as RED. Checks that never ended: to a person */
	BP_EV_AGENT, /* the agent ended by itself: status, exit_signal, exit_zero are filled */
	BP_EV_COMMITTED, /* tree */
	BP_EV_UNCHANGED, /* the diff against the base is empty; text = the agent's SUMMARY, or NULL */
	BP_EV_REFUSED,   /* the path checks said no; text = the reason */
	BP_EV_GREEN,     /* checks are green; review is approved */
	BP_EV_CHANGES,   /* changes requested; text = the review */
	BP_EV_MERGED,   /* landed, by the queue or otherwise: done, wherever the task stands; text =
			by whom, when it was not the queue */
	BP_EV_EJECTED,  /* from the queue as red or in conflict; text = evidence */
	BP_EV_DEQUEUED, /* taken out by a person, or approval voided: back to review */
	BP_EV_PR_CLOSED, /* a person closed the PR: ends the task */
	BP_EV_SAY,   /* text from a person; in ASK and after FAIL it starts a round, elsewhere it is
			kept by the caller for the next one (the engine answers BP_DO_NOTHING) */
	BP_EV_RETRY, /* `count` (1..10) more rounds; only in ASK and after FAIL. What failed by
			infrastructure is repeated without spending one */
	BP_EV_CANCEL,
};

enum bp_status { BP_ST_NONE, BP_ST_COMPLETE, BP_ST_BLOCKED, BP_ST_QUESTION, BP_ST_NO_CHANGE };

struct bp_event {
	enum bp_ev ev;
	enum bp_status status; /* BP_EV_AGENT: NONE when the end block is missing or malformed */
	bool exit_signal;
	bool exit_zero;
	bool for_good; /* BP_EV_INFRA: trying again cannot help before a person has changed something */
	const char *text; /* becomes feedback or reason; the last BP_FEEDBACK_MAX bytes count */
	const char *tree; /* BP_EV_COMMITTED: the tree, up to 64 hexadecimal digits; required */
	int64_t count;
};

enum bp_do {
	BP_DO_NOTHING,
	BP_DO_SETUP,
	BP_DO_AGENT, /* start a round; `feedback` (may be NULL) goes into its prompt */
	BP_DO_COMMIT,
	BP_DO_GATE,      /* steps[pos.step].gates[pos.index] */
	BP_DO_RUN,       /* steps[pos.step].commands[pos.index] */
	BP_DO_PR,        /* open the PR, or push the new head when pos.pr_open */
	BP_DO_CHECKS,    /* wait for the forge's required checks */
	BP_DO_REVIEW,    /* wait for steps[pos.step].approvals (also of a queue step: taken out) */
	BP_DO_QUEUE,     /* enqueue, wait */
	BP_DO_ASK,       /* tell the issue `reason`, wait for /yard say */
	BP_DO_DONE,      /* after the last step (merged, or the blueprint ends earlier) */
	BP_DO_NO_CHANGE, /* close with `reason` */
	BP_DO_FAIL,      /* to a person: label, comment with `reason` and, in `feedback`, the last
			    log (may be NULL) */
	BP_DO_CANCELLED,
};

struct bp_action {
	enum bp_do act;
	char *feedback; /* owned */
	char *reason;   /* owned; a sentence for a person */
};

/*
 * An event that makes no sense at this position is BP_DO_NOTHING with the position unchanged. pos
 * may be NULL (not begun) and the same as ret_pos. A position that does not fit the blueprint (it
 * was changed under a running task) is BP_DO_FAIL.
 */
void bp_next(const struct blueprint *bp, const struct bp_pos *pos, const struct bp_event *ev,
	     struct bp_pos *ret_pos, struct bp_action *ret);
void bp_action_release(struct bp_action *a);

/* The work is to be committed once more, on another base: the position goes back to the last step that made it, is at
 * COMMIT there, and comes back to the step where it was when the gates are green again. False: no step before it made
 * anything, and the position is as it was. */
bool bp_pos_recommit(const struct blueprint *bp, struct bp_pos *pos);

/* Rounds so far as a person counts them: those of this agent step, and those that came after the PR. */
int64_t bp_pos_rounds(const struct bp_pos *pos);
const char *bp_phase_name(enum bp_phase p);
const char *bp_do_name(enum bp_do d);
/* The position as one line of JSON and back; for the ledger. */
char *bp_pos_json(const struct bp_pos *pos);
int bp_pos_parse(const char *s, struct bp_pos *ret, struct err *err);
/* A failure's signature: the text without numbers, times, addresses, paths of temporary folders. */
void bp_signature(const char *text, char ret[65]);

#endif
