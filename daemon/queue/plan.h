/*
 * plan.h - the merge queue's planner: facts in, actions out.
 *
 * Pure: no clock, no store, no git. The caller reads the facts of one base branch from the ledger,
 * calls plan_next(), writes what the actions say in one transaction and calls again when something
 * has changed; an action other than WAIT changes something, so after one it calls again at once.
 * The planner never remembers anything; calling it twice with the same facts gives the same actions
 * whatever the order of the entries, and an action that is already under way (its state is in the
 * facts) is not asked for again. The one exception is SETTLE: a question, asked as long as the
 * doubt lasts; asking it twice does no harm.
 *
 * Serial: at most one candidate of a base branch is alive at a time (being built, tested, judged or
 * landed). Trains extend this module: a candidate's facts then cover a prefix of entries instead of
 * one.
 *
 * Life of an entry's candidate, as the facts show it (plan_life_step() has it as a table):
 *
 *   NONE -> BUILDING -> BUILT -> TESTING -> GREEN -> LANDING -> (entry is gone: landed)
 *              |          ^      |  |  ^      ^         |
 *              |          |      |  v  |      |         v
 *              |  stopped `------'  RED'      `------ DOUBT (asked of the base before anything else)
 *              v                 |
 *           CONFLICT             `-> ERRORED -> BUILDING (infrastructure; also from BUILDING)
 *
 *   TESTING -> CHECKING -> GREEN | RED | ERRORED   where the forge has checks of its own: after our
 *   gates the candidate waits for them. GREEN -> CHECKING when others became required meanwhile.
 *   What they said of a commit they say again, so one that is red by them (`rebuild`) is run again by
 *   building it again: RED -> BUILDING.
 *
 *   DISCARD leads from everywhere but LANDING and DOUBT back to NONE.
 *
 * The rules I1-I10 that this module must keep, in its own words:
 *   - LAND only for a candidate that is GREEN, was built on the base that is the base now, and from
 *     exactly the head that is approved now (I1, I2, I3).
 *   - nothing is built, tested or landed on a base while a landing on it is LANDING or in DOUBT
 *     (I4). A landing that did not say "landed" is in DOUBT, also when it says that the base has
 *     moved: the answer may belong to a second try of a landing that went through. Only an answer
 *     that looked whether the base contains the candidate settles it at once.
 *   - an entry is not built, tested or landed before every dependency is known and merged; a
 *     dependent of an ejected or closed PR is ejected with that reason (I6).
 *   - no entry is waited for for ever: ERRORED is retried at most `retries` times, a lone RED once
 *     (`flake_reruns`), then the entry is ejected; an entry that only waits for something outside
 *     (a hold, an approval, an open dependency that is not queued) is stepped over, not waited for
 *     (I8).
 *   - a red base blames nobody: an entry that is RED is ejected only after the base itself is known
 *     green at that commit. The base is tested only when that question comes up, and gets the same
 *     reruns and retries as an entry, so that one flaky run cannot close the queue. On a base that
 *     is RED, red entries stay and wait for it to move (I9).
 *   - a red base is left again: while it is RED the other entries still get their turn, and one
 *     whose candidate is GREEN lands, for its own tree passes everything (I1) and repairs the base.
 *     Without this a base that only the queue moves would stay red for ever (I8).
 *
 * Order: dependencies first; inside that priority, where an entry that could go pulls what it
 * depends on forward to its own place; inside that age. Entries of the same priority that change
 * the same files keep the order of their age even when one of them is pulled forward; each is
 * compared with the next older one, and not held up where that one cannot go yet. An entry whose candidate is alive is first and is not overtaken: a newcomer of higher priority goes next.
 *
 * While halted nothing starts, lands or is ejected; a doubt is still settled. While frozen all goes
 * on up to GREEN.
 */
#ifndef YM_QUEUE_PLAN_H
#define YM_QUEUE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plan_cand {
	PLAN_CAND_NONE,
	PLAN_CAND_BUILDING,
	PLAN_CAND_BUILT,
	PLAN_CAND_CONFLICT,
	PLAN_CAND_TESTING,
	PLAN_CAND_CHECKING, /* our gates are green; waits for the forge's */
	PLAN_CAND_GREEN,
	PLAN_CAND_RED,
	PLAN_CAND_ERRORED, /* a time-out or an infrastructure failure: no word about the code */
	PLAN_CAND_LANDING,
	PLAN_CAND_DOUBT,
};

enum plan_health { PLAN_BASE_UNKNOWN, PLAN_BASE_TESTING, PLAN_BASE_GREEN, PLAN_BASE_RED };

enum plan_dep_state {
	PLAN_DEP_MERGED,
	PLAN_DEP_OPEN,    /* open; queued or not: the planner looks for it among the entries */
	PLAN_DEP_CLOSED,  /* closed without being merged */
	PLAN_DEP_MISSING, /* no such PR */
};

struct plan_dep {
	int64_t pr;
	enum plan_dep_state state;
};

struct plan_entry {
	int64_t id; /* the queue entry; actions name it */
	int64_t pr;
	const char *head;    /* the approved head now */
	int priority;        /* higher first; 0 is normal */
	int64_t enqueued_ms; /* older first */
	bool approved;       /* enough approvals of `head` at this moment */
	bool held;    /* /yard hold, a draft, a do-not-merge label, a review that the rules want */
	bool unknown; /* what this head depends on has not been found out (yet) */
	const struct plan_dep *deps; /* from stacks, Depends-On and /yard depends alike */
	size_t ndeps;
	const char *const *files; /* changed paths, for the soft order; may be empty */
	size_t nfiles;

	enum plan_cand cand;
	const char *cand_base; /* the base that the candidate was built on; NULL with NONE */
	const char *cand_head; /* the head that it was built from */
	bool rebuild; /* with RED: it was the forge's checks; only another commit is checked again */
	int reruns;   /* how often the gates were started again after a RED; 0 again by DISCARD */
	int errors;   /* ERRORED results in a row: 0 again by GREEN, RED and CONFLICT, and not by
		     * BUILT or DISCARD, or a gate that never ends would be retried for ever */
};

struct plan_facts {
	const char *base;        /* the commit of the base branch now */
	enum plan_health health; /* of exactly that commit, under the gates of the queue; a run
				  * of the base that ended ERRORED leaves UNKNOWN */
	int base_reds;           /* RED runs of exactly that base; 0 with RED: not counted, and the
				  * first one is taken for final */
	int base_errors;         /* runs of exactly that base that ended ERRORED, in a row */
	bool frozen;      /* /yard freeze, or the rules cannot be read: test on, land nothing */
	bool halted;      /* the kill switch: nothing starts */
	int flake_reruns; /* how often a lone RED is run again; default 1 */
	int retries;      /* how often ERRORED is tried again; default 3 */
	const struct plan_entry *entries;
	size_t nentries;
};

enum plan_act {
	PLAN_BUILD,     /* build a candidate of entry on facts->base (again, after an error) */
	PLAN_TEST,      /* start the gates of the built candidate (again, after a flake) */
	PLAN_TEST_BASE, /* start the gates on the base itself: who is to blame? */
	PLAN_LAND,      /* land the green candidate */
	PLAN_SETTLE,    /* ask whether the base contains the candidate in doubt */
	PLAN_DISCARD,   /* the candidate may not go on: forget it, end its runs */
	PLAN_EJECT,     /* take the entry out and tell its people why */
	PLAN_WAIT,      /* nothing to do for this entry now; `reason` says what it waits for */
};

enum plan_reason {
	PLAN_R_NONE,
	PLAN_R_NEXT,         /* BUILD, TEST, LAND: it is this entry's turn */
	PLAN_R_FLAKE,        /* TEST, TEST_BASE, BUILD: once more after a red run */
	PLAN_R_RETRY,        /* BUILD, TEST_BASE: after an infrastructure failure */
	PLAN_R_STALE_BASE,   /* DISCARD */
	PLAN_R_STALE_HEAD,   /* DISCARD */
	PLAN_R_CONFLICT,     /* EJECT */
	PLAN_R_RED,          /* EJECT: the candidate fails and the base does not */
	PLAN_R_ERRORS,       /* EJECT: retries are spent */
	PLAN_R_CYCLE,        /* EJECT: `cycle` names the PRs in order */
	PLAN_R_DEP_CLOSED,   /* EJECT: `pr` */
	PLAN_R_DEP_MISSING,  /* EJECT: `pr` */
	PLAN_R_DEP_EJECTED,  /* EJECT: `pr` leaves the queue in this very plan */
	PLAN_R_AHEAD,        /* WAIT: behind entry of `pr`; DISCARD: it has the turn */
	PLAN_R_DEP_OPEN,     /* WAIT, DISCARD: for `pr` to be merged */
	PLAN_R_UNKNOWN,      /* WAIT, DISCARD: for its dependencies to be found out */
	PLAN_R_NOT_APPROVED, /* WAIT, DISCARD */
	PLAN_R_HELD,         /* WAIT, DISCARD */
	PLAN_R_FROZEN,       /* WAIT */
	PLAN_R_HALTED,       /* WAIT */
	PLAN_R_BASE_RED,     /* WAIT: it is red and so is the base */
	PLAN_R_BUSY,         /* WAIT: its own candidate is being built, tested or landed */
	PLAN_R_CHECKS,       /* WAIT: its candidate waits for the forge's checks */
	PLAN_R_BLAME,        /* WAIT: it is red, and the base is being tested; TEST_BASE */
	PLAN_R_BASE_ERRORS,  /* WAIT: it is red, and the base could not be tested to the end */
	PLAN_R_COUNT,
};

struct plan_action {
	enum plan_act act;
	enum plan_reason reason;
	int64_t entry;  /* id; 0 for PLAN_TEST_BASE */
	int64_t pr;     /* the other PR that the reason is about, or 0 */
	int64_t *cycle; /* PLAN_R_CYCLE: PR numbers, first repeated last; owned by the plan */
	size_t ncycle;
};

struct plan {
	/* exactly one for each entry, in queue order (which is the order `queue list` shows), then
	 * at most one PLAN_TEST_BASE */
	struct plan_action *actions;
	size_t nactions;
};

/* Never fails. Only the first PLAN_FILES_MAX files of an entry count for the order. */
#define PLAN_FILES_MAX 256
void plan_next(const struct plan_facts *f, struct plan *ret);
void plan_release(struct plan *p);

const char *plan_act_name(enum plan_act a);
const char *plan_reason_name(enum plan_reason r);
const char *plan_cand_name(enum plan_cand c);
enum plan_cand plan_cand_of(const char *name); /* PLAN_CAND_NONE for a name that is none */
/* One sentence for a person: "waits for #12 to be merged"; caller frees. */
char *plan_reason_text(const struct plan_action *a);

/*
 * The life of a candidate, for the caller that writes it: what an action that was taken or a result
 * that came in makes of the state and of the counters. False, and nothing changed, for a step that
 * the table does not have: a late or doubled result, which is ignored.
 */
enum plan_event {
	PLAN_EV_BUILD, /* the four actions, when they are written */
	PLAN_EV_TEST,
	PLAN_EV_LAND,
	PLAN_EV_DISCARD,
	PLAN_EV_BUILT, /* results */
	PLAN_EV_CONFLICT,
	PLAN_EV_CHECKS, /* our gates are green, or the candidate is; there are checks of the forge */
	PLAN_EV_GREEN,
	PLAN_EV_RED,
	PLAN_EV_ERRORED,
	PLAN_EV_STOPPED,    /* the run was ended from outside (halt): no result, back to BUILT */
	PLAN_EV_UNSURE,     /* a landing that did not say "landed" */
	PLAN_EV_NOT_LANDED, /* the base does not contain the candidate, for certain */
};

struct plan_life {
	enum plan_cand cand;
	int reruns, errors;
};

bool plan_life_step(struct plan_life *l, enum plan_event ev);

#endif
