/*
 * bot.h - what every handler of the daemon has at hand: the struct with its handles, and what is said, asked and
 * wanted through it. The turn that carries all of it is turn.h's.
 *
 * The bot remembers nothing that the ledger does not: the struct holds handles and what is under
 * way right now.
 */
#ifndef YM_BOT_BOT_H
#define YM_BOT_BOT_H

#include "base/clock.h"
#include "bot/conf_daemon.h"
#include "bot/conf_repo.h"
#include "forge/forge.h"
#include "store/ledger.h"
#include "sys/loop.h"

struct gh;
struct github;
struct checkup;
/*
 * A part of the daemon that lives in a room above this one. `store` runs first in the turn, inside its
 * transaction; `commit` ends that by db_commit(), and may do meanwhile what has nothing to do with the ledger;
 * `committed` comes after it, `failed` when what it stored was undone. Where nothing else had been
 * written in such a turn the daemon goes on, else it ends.
 */
struct bot;
struct bot_part_ops {
	int (*start)(struct bot *b, void *arg, void **ret_self, struct err *err);
	int (*store)(void *self, struct err *err);
	int (*work)(void *self, struct err *err); /* in the same turn: what may be put off */
	int (*commit)(void *self, struct err *err);
	void (*committed)(void *self);
	void (*failed)(void *self);
	/* Refuses (-1) or takes over a configuration that is about to be in force. */
	int (*reload)(void *self, const struct conf_daemon *fresh, struct err *err);
	void (*drain)(void *self);
	bool (*drained)(void *self);
	int (*status)(void *self, bool owner, json_t *o, struct err *err);
	void (*stop)(void *self);
};
struct bot_part {
	const struct bot_part_ops *ops;
	void *arg;
};

struct outbox;
struct follow;
struct halt_wait;
struct mask;
struct run_halting;
struct watch;
struct api;

struct bot {
	struct db *db;
	struct loop *loop;
	struct clock *clock;
	struct rnd *rnd;
	struct conf_daemon *conf;
	const char *data;   /* the data directory */
	char *runs;         /* DATA/runs */
	const char *self;   /* absolute path of this program, for roles */
	const char *client; /* absolute path of yardmaster, for the hooks of local repositories */
	const char *keeper; /* absolute path of yardmaster-keeper */
	const char *git;    /* absolute path of git */
	char *const *environ_;
	struct strvec secret_values; /* of environ_, that agents are handed: secrets.h */
	struct mask *mask;           /* of them; NULL: nothing is masked */
	struct outbox *outbox;
	struct watch *watch; /* of the base branches; NULL: there is none */
	struct api *api;
	struct gh *gh; /* NULL: not configured */
	struct github *github;
	bool gh_unknown;             /* who we are there is still to be asked */
	struct checkup *checkup;     /* a `doctor` that waits for GitHub's answers; NULL: none */
	struct follow *follows;      /* logs that are being sent */
	struct halt_wait *halts;     /* requests that wait until all is ended */
	const struct bot_part *part; /* NULL: none; before turn_start() */
	void *part_self;
	uid_t owner;                  /* uid of the data directory's owner, which is ours */
	struct err fatal;             /* set: the daemon must end; it says why */
	struct loop_timer *due;       /* the next effect that waits for its time */
	struct loop_timer *reconcile; /* the periodic pass */
	int64_t started_ms;
	int64_t swept_ms; /* when leftovers were looked for last (sweep.h) */
	int64_t seen_ms;  /* the wall clock at the last turn (waits.h) */
	int64_t shortened_ms,
		aged_ms; /* how far, and when, what is old was looked at (retention.h) */
	int64_t audit_rows, marked_rows; /* as committed, and as the mark says (reconcile.h) */
	int64_t marked_ms;
	int64_t seen_changes; /* db_changes() before the last pass over tasks and queues */
	bool seen_halted;     /* and whether the kill switch was on */
	bool look;            /* something outside of the ledger has changed: pass again */
	bool stopping;
	int64_t asked_repo; /* a decision waits for what this user may do there */
	char *asked_user;
	char *asked_team; /* or whether that user is in this team; else NULL */
	bool undecided;   /* the turn's time was over before its events were */
};

int64_t bot_now(struct bot *b); /* wall clock */

/* ---- what handlers use ---- */

/* Adds an effect. `key_fmt` names what is wanted, once for all time. Takes payload. */
int bot_effect(struct bot *b, const char *subject, const char *kind, json_t *payload,
	       struct err *err, const char *key_fmt, ...) __attribute__((format(printf, 6, 7)));
/* Writes to the audit chain; takes detail (may be NULL). */
int bot_audit(struct bot *b, const char *actor, const char *action, json_t *detail, struct err *err,
	      const char *subject_fmt, ...) __attribute__((format(printf, 6, 7)));
/* An event of our own; takes payload. */
int bot_event(struct bot *b, const char *kind, json_t *payload, struct err *err,
	      const char *key_fmt, ...) __attribute__((format(printf, 5, 6)));

/* A comment said once per key (edited when said again with another text). Takes body. Nothing is said, and
 * nobody notified, about a repository in shadow mode (shadow.h). */
int bot_say(struct bot *b, int64_t repo, int64_t number, char *body, struct err *err,
	    const char *key_fmt, ...) __attribute__((format(printf, 6, 7)));
/* Runs the configured notification command for `what` ("needs-human", "conflict", "base-red", "frozen"). */
/* `once` (may be NULL) names an occasion that is told of only once. */
int bot_notify(struct bot *b, const char *what, int64_t repo, int64_t number, const char *text,
	       const char *once, struct err *err);

struct forge bot_forge(struct bot *b, const struct repo *r);
/*
 * What a user of the repository's forge may do. repo 0: on all repositories, as the owner of the data
 * directory gave it. Where the forge has to be asked first it fails with ERR_UNAVAILABLE; an event that is
 * being decided then waits, and is decided again when the answer is there (decide.c).
 */
int bot_permission(struct bot *b, int64_t repo, const char *user, enum forge_level *ret,
		   struct err *err);
/* Asks the forge what this user may do there; the answer wakes whoever waits for it. */
int bot_ask_level(struct bot *b, int64_t repo, const char *user, struct err *err);
/* The same of a team. */
int bot_ask_member(struct bot *b, int64_t repo, const char *team, const char *user,
		   struct err *err);
/* What a user of this machine may do, whichever forge the repository is on. */
int bot_permission_here(struct bot *b, int64_t repo, const char *user, enum forge_level *ret,
			struct err *err);
/* The configuration in force: the last good one. The caller releases *ret. */
int bot_repo_conf(struct bot *b, const struct repo *r, struct conf_repo *ret, struct err *err);
int bot_repo(struct bot *b, int64_t id, struct repo *ret,
	     struct err *err); /* missing is an error */

/* Halted by the kill switch, or waiting for a person after an empty or restored ledger. Cannot find
 * out counts as halted. *ret_why (may be NULL; caller frees) is a sentence. */
bool bot_halted(struct bot *b, char **ret_why);
/* Does an empty or restored ledger wait for `resume`? Then no effect that changes anything starts. */
int bot_waits(struct bot *b, bool *ret, struct err *err);
/* Writes the file, kills every tree and notes it. *ret_halting, which may be NULL, is the caller's: it says
 * when all are gone (runner/run.h). */
int bot_halt(struct bot *b, const char *actor, const char *reason, struct run_halting **ret_halting,
	     struct err *err);
int bot_resume(struct bot *b, const char *actor, struct err *err);

/* ---- decide.c ---- */
int decide_events(struct bot *b, struct err *err);

/* A handler of events: gets the decoded payload. 0, -1, or DECIDE_LATER: it cannot be decided before
 * the repository's configuration has been read, which wakes it (reconcile.c). */
#define DECIDE_LATER 1000
typedef int (*decide_fn)(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* Handlers, by file. */
int dispatch_on_labeled(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int dispatch_on_unlabeled(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int dispatch_on_issue_closed(struct bot *b, const struct event *e, const json_t *p,
			     struct err *err);
int dispatch_on_issue_reopened(struct bot *b, const struct event *e, const json_t *p,
			       struct err *err);
int commands_on_comment(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int commands_on_button(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_on_pr_opened(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_on_pr_updated(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_on_pr_closed(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_on_pr_approved(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int queue_on_base_moved(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int task_on_changes_requested(struct bot *b, const struct event *e, const json_t *p,
			      struct err *err);
int label_on_renamed(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int runs_on_ended(struct bot *b, const struct event *e, const json_t *p, struct err *err);

#endif
