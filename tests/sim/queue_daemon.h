/*
 * queue_daemon.h - a daemon as the planner's caller ought to be: a ledger that survives crashes,
 * results that count once and only while they are waited for, executors that do not. Part of
 * sim_queue.c.
 */
#ifndef YM_SIM_QUEUE_DAEMON_H
#define YM_SIM_QUEUE_DAEMON_H

#include "queue/plan.h"
#include "queue_world.h"

#define JOBS     64
#define MESSAGES 64

/* The ledger's row of a queue entry; one for each pull request. */
struct entry {
	bool queued;
	int64_t id, enqueued;
	int pr, head, priority;
	bool held;
	struct plan_life life;
	int base, cand_head, commit; /* of the candidate */
	int64_t key;                 /* of the effect whose result is waited for */
	bool started;                /* in memory only: a job has been started for it */
	bool rebuild;                /* red by the forge's checks */
	int reds, errors;            /* evidence for the checks: of this base and head; in a row */
	bool ejected;
	int64_t ejected_in; /* by which plan, from 1 */
	const char *waits;  /* the last plan's reason */
	enum plan_reason reason;
	int64_t behind;
};

enum kind { JOB_BUILD, JOB_TEST, JOB_CHECKS, JOB_BASE, JOB_LAND, JOB_SETTLE };

/* What an executor was asked to do; a copy of what the ledger said then. */
struct job {
	enum kind kind;
	int64_t key;
	int pr, head, base, commit;
};

struct message {
	int64_t key;
	enum kind kind;
	int pr, commit, base;
	enum plan_event ev;
	bool landed;
};

struct sim {
	struct world w;
	/* the ledger */
	struct entry e[PRS + 1];
	int approved[PRS + 1]; /* the head that a person approved */
	int known[PRS + 1];    /* the head whose dependencies have been read */
	unsigned deps[PRS + 1];
	int base; /* as far as is known */
	enum plan_health health;
	int base_reds, base_errors;
	int64_t base_key;
	bool base_started;
	bool frozen, halted;
	int64_t next_key, next_id, now;
	/* how this schedule's daemon does what the planner leaves open */
	bool head_follows;  /* a push changes the entry's head at once, not only the approval */
	bool landed_health; /* the base is known to be green after a landing */
	bool forge;         /* the forge has checks of its own */
	bool land_looks;    /* a landing that fails has looked whether the base contains it */
	int flake_reruns, retries;
	int crash; /* of 1000 transactions, how many are the last before a crash */
	/* outside */
	struct job job[JOBS];
	int njobs;
	struct message msg[MESSAGES];
	int nmsgs;
	int64_t plans;
	int landed, rejected, innocent_ejected;
};

static char head_names[PRS + 2][HEADS + 1][16];

static const char *head_name(int pr, int head)
{
	char *name = head_names[pr][head];

	if (!name[0])
		snprintf(name, sizeof(head_names[0][0]), "p%dh%d", pr % 100, head % 100);
	return name;
}

static bool is_approved(const struct sim *s, const struct entry *e)
{
	return s->approved[e->pr] == e->head && s->w.pr[e->pr].head == e->head;
}

static enum plan_dep_state dep_state(const struct sim *s, int pr)
{
	if (pr > PRS)
		return PLAN_DEP_MISSING;
	if (s->w.pr[pr].landed)
		return PLAN_DEP_MERGED;
	return s->w.pr[pr].open ? PLAN_DEP_OPEN : PLAN_DEP_CLOSED;
}

/* --- transactions ----------------------------------------------------------------------------- */

static void drop_jobs(struct sim *s, int64_t key)
{
	for (int i = s->njobs; i-- > 0;)
		if (s->job[i].key == key)
			s->job[i] = s->job[--s->njobs];
}

static void new_key(struct sim *s, struct entry *e)
{
	e->key = ++s->next_key;
	e->started = false;
}

static void leave(struct sim *s, struct entry *e)
{
	drop_jobs(s, e->key);
	e->queued = false;
	e->life = (struct plan_life){0};
	e->key = ++s->next_key;
}

/* The base is known to be another commit now; what was known of its health is void. */
static void learn_base(struct sim *s, int base)
{
	if (s->base == base)
		return;
	s->base = base;
	s->health = PLAN_BASE_UNKNOWN;
	s->base_reds = s->base_errors = 0;
	s->base_key = ++s->next_key;
}

static void step(struct sim *s, struct entry *e, enum plan_event ev)
{
	if (!plan_life_step(&e->life, ev))
		violate(&s->w, "life", "#%d: event %d in state %s", e->pr, ev,
			plan_cand_name(e->life.cand));
}

/*
 * The daemon dies and starts again. What executors of its own were doing is over, done or not; runs
 * of gates may go on in their keepers; results on the way may be lost. A landing that was asked for
 * is in doubt.
 */
static void crash(struct sim *s)
{
	trace(&s->w, "CRASH");
	for (int i = s->njobs; i-- > 0;) {
		struct job *j = &s->job[i];

		if (j->kind == JOB_LAND && chance(&s->w, 500))
			update_base(&s->w, j->commit, j->base);
		if ((j->kind != JOB_TEST && j->kind != JOB_BASE) || chance(&s->w, 500))
			s->job[i] = s->job[--s->njobs];
	}
	for (int i = s->nmsgs; i-- > 0;)
		if (chance(&s->w, 500))
			s->msg[i] = s->msg[--s->nmsgs];
	s->base_started = false;
	for (int pr = 1; pr <= PRS; pr++) {
		struct entry *e = &s->e[pr];

		e->started = false;
		if (e->queued && e->life.cand == PLAN_CAND_LANDING) {
			step(s, e, PLAN_EV_UNSURE);
			new_key(s, e);
		}
	}
}

/* The end of a transaction; true: the daemon died right after it. */
static bool commit(struct sim *s)
{
	if (s->w.failed || !chance(&s->w, s->crash))
		return s->w.failed;
	crash(s);
	return true;
}

/* --- executors -------------------------------------------------------------------------------- */

static enum kind kind_of(enum plan_cand c)
{
	switch (c) {
	case PLAN_CAND_BUILDING:
		return JOB_BUILD;
	case PLAN_CAND_TESTING:
		return JOB_TEST;
	case PLAN_CAND_CHECKING:
		return JOB_CHECKS;
	case PLAN_CAND_LANDING:
		return JOB_LAND;
	default:
		return JOB_SETTLE;
	}
}

static bool awaits(const struct entry *e)
{
	return e->queued &&
	       (e->life.cand == PLAN_CAND_BUILDING || e->life.cand == PLAN_CAND_TESTING ||
		e->life.cand == PLAN_CAND_CHECKING || e->life.cand == PLAN_CAND_LANDING ||
		e->life.cand == PLAN_CAND_DOUBT);
}

static void add_job(struct sim *s, struct job j)
{
	if (s->njobs < JOBS)
		s->job[s->njobs++] = j;
}

/* Executors see committed rows only. */
static void start_jobs(struct sim *s)
{
	for (int pr = 1; pr <= PRS; pr++) {
		struct entry *e = &s->e[pr];

		if (!awaits(e) || e->started)
			continue;
		e->started = true;
		add_job(s, (struct job){kind_of(e->life.cand), e->key, pr, e->cand_head, e->base,
					e->commit});
	}
	if (s->health == PLAN_BASE_TESTING && !s->base_started) {
		s->base_started = true;
		add_job(s, (struct job){.kind = JOB_BASE, .key = s->base_key, .commit = s->base});
	}
}

static void send(struct sim *s, struct message m)
{
	if (s->nmsgs < MESSAGES)
		s->msg[s->nmsgs++] = m;
}

static enum plan_event build(struct sim *s, const struct job *j, int *ret_commit)
{
	const struct tree *base = &s->w.commit[j->base].tree;

	if (chance(&s->w, s->w.error))
		return PLAN_EV_ERRORED;
	if (conflicts(&s->w, base, j->pr, j->head))
		return PLAN_EV_CONFLICT;
	*ret_commit =
		add_commit(&s->w, merge(&s->w, base, j->pr, j->head), j->base, j->pr, j->head);
	return PLAN_EV_BUILT;
}

static enum plan_event test(struct sim *s, int commit)
{
	static const enum plan_event events[] = {PLAN_EV_GREEN, PLAN_EV_RED, PLAN_EV_ERRORED};

	return events[run_gates(&s->w, commit)];
}

/* The forge's checks: what they said of a commit they say again. */
static enum plan_event checks(struct sim *s, int commit)
{
	static const enum ci of[] = {CI_GREEN, CI_RED, CI_LATE};
	struct commit *c = &s->w.commit[commit];

	if (c->ci == CI_NONE || c->ci == CI_LATE)
		c->ci = of[run_gates(&s->w, commit)];
	return c->ci == CI_GREEN ? PLAN_EV_GREEN : c->ci == CI_RED ? PLAN_EV_RED : PLAN_EV_ERRORED;
}

/* A landing of a candidate that the ledger no longer waits for would be an outdated writer. */
static void check_writer(struct sim *s, const struct job *j)
{
	const struct entry *e = &s->e[j->pr];

	if (e->key != j->key || e->life.cand != PLAN_CAND_LANDING)
		violate(&s->w, "I4", "c%d is landed for a ledger that does not ask for it",
			j->commit);
}

/* The ref update; with `twice` the executor asks for it again before it answers, and what it hears
 * then may be that the base has moved on although the first try went through. */
static bool land(struct sim *s, const struct job *j, bool twice)
{
	bool done = s->w.base == j->commit || update_base(&s->w, j->commit, j->base);

	if (!twice)
		return done;
	if (chance(&s->w, 500) && s->w.ncommits < COMMITS / 2)
		push_foreign(&s->w, WORKS);
	return s->w.base == j->commit;
}

/* One job is carried out. `twice`: it stays, and so is carried out again; but not a landing, for an
 * executor that has answered is done, and one of a dead daemon is dead. */
static void run_job(struct sim *s, int i, bool twice)
{
	struct job j = s->job[i];
	struct message m = {.key = j.key, .kind = j.kind, .pr = j.pr, .commit = j.commit};

	if (!twice || j.kind == JOB_LAND)
		s->job[i] = s->job[--s->njobs];
	if (j.kind == JOB_BUILD)
		m.ev = build(s, &j, &m.commit);
	if (j.kind == JOB_TEST || j.kind == JOB_BASE)
		m.ev = test(s, j.commit);
	if (j.kind == JOB_CHECKS)
		m.ev = checks(s, j.commit);
	if (j.kind == JOB_LAND) {
		check_writer(s, &j);
		m.landed = land(s, &j, twice);
		m.ev = PLAN_EV_UNSURE;
		if (s->land_looks) {
			m.landed = contains(&s->w, s->w.base, j.commit);
			m.ev = PLAN_EV_NOT_LANDED;
		}
	}
	if (j.kind == JOB_SETTLE) {
		m.landed = contains(&s->w, s->w.base, j.commit);
		m.ev = PLAN_EV_NOT_LANDED;
	}
	m.base = s->w.base;
	send(s, m);
}

/* --- results ---------------------------------------------------------------------------------- */

static void base_result(struct sim *s, const struct message *m)
{
	if (m->key != s->base_key || s->health != PLAN_BASE_TESTING)
		return;
	s->health = m->ev == PLAN_EV_GREEN ? PLAN_BASE_GREEN
		    : m->ev == PLAN_EV_RED ? PLAN_BASE_RED
					   : PLAN_BASE_UNKNOWN;
	s->base_errors = m->ev == PLAN_EV_ERRORED ? s->base_errors + 1 : 0;
	s->base_reds += m->ev == PLAN_EV_RED;
	trace(&s->w, "base c%d: health %d", s->base, (int)s->health);
}

static void landed(struct sim *s, struct entry *e, const struct message *m)
{
	learn_base(s, m->base);
	if (s->landed_health && s->base == e->commit)
		s->health = PLAN_BASE_GREEN;
	s->landed++;
	trace(&s->w, "#%d has landed", e->pr);
	leave(s, e);
}

static void collect_evidence(struct entry *e, enum plan_event ev)
{
	if (ev == PLAN_EV_RED)
		e->reds++;
	e->errors = ev == PLAN_EV_ERRORED ? e->errors + 1 : ev == PLAN_EV_BUILT ? e->errors : 0;
}

/* A result counts once, and only while it is waited for: by the key of its effect. */
static void take_result(struct sim *s, const struct message *m)
{
	struct entry *e = &s->e[m->pr];

	if (m->kind == JOB_BASE) {
		base_result(s, m);
		return;
	}
	if (!awaits(e) || e->key != m->key)
		return;
	trace(&s->w, "#%d: result %d of %s%s", e->pr, m->ev, plan_cand_name(e->life.cand),
	      m->landed ? ", landed" : "");
	if (m->landed) {
		landed(s, e, m);
		return;
	}
	if (m->kind == JOB_BUILD)
		e->commit = m->commit;
	if (m->kind == JOB_SETTLE || m->kind == JOB_LAND)
		learn_base(s, m->base);
	if (s->forge && m->kind == JOB_TEST && m->ev == PLAN_EV_GREEN) {
		step(s, e, PLAN_EV_CHECKS);
		new_key(s, e);
		return;
	}
	if (m->kind == JOB_BUILD || m->kind == JOB_TEST || m->kind == JOB_CHECKS)
		collect_evidence(e, m->ev);
	e->rebuild = m->kind == JOB_CHECKS && m->ev == PLAN_EV_RED;
	step(s, e, m->ev);
	new_key(s, e);
}

/* Nobody works on it and no answer is on the way: asked for again; a landing is in doubt. */
static bool ask_again(struct sim *s, int64_t key, bool *started)
{
	bool alive = false;

	for (int i = 0; i < s->njobs; i++)
		alive = alive || s->job[i].key == key;
	for (int i = 0; i < s->nmsgs; i++)
		alive = alive || s->msg[i].key == key;
	if (alive || !*started)
		return false;
	*started = false;
	return true;
}

/* The reconciler: level-triggered, so that whatever was lost comes back. True: something was. */
static bool reconcile(struct sim *s)
{
	bool any = s->base != s->w.base;

	learn_base(s, s->w.base);
	for (int pr = 1; pr <= PRS; pr++) {
		struct entry *e = &s->e[pr];

		if (!awaits(e) || !ask_again(s, e->key, &e->started))
			continue;
		any = true;
		if (e->life.cand == PLAN_CAND_LANDING) {
			step(s, e, PLAN_EV_UNSURE);
			new_key(s, e);
		}
	}
	if (s->health == PLAN_BASE_TESTING && ask_again(s, s->base_key, &s->base_started))
		any = true;
	return any;
}

#endif
