/*
 * sim_queue.c - random schedules of the merge queue's planner in a small simulated world.
 *
 *     sim_queue                     10,000 schedules, seeds 1, 2, 3, …
 *     SIM_SCHEDULES=N sim_queue     as many
 *     SIM_FIRST=N sim_queue         beginning with another seed
 *     SIM_SEED=N sim_queue          exactly that one, with its trace; with SIM_SCHEDULES as many, from that one on
 *     SIM_QUEUES=N sim_queue        I9 from N queues for each rate of flakes; 2,500 of them measure well
 *
 * Modelled: eight pull requests with a hidden truth (working, broken, with gates that never end,
 * conflicting in pairs, failing only together, flaky, one that repairs a broken base), pushes that mend, break or rebase them,
 * approvals given and withdrawn, holds, closing, dependencies (chains, cycles, missing ones),
 * freeze, halt, pushes to the base by somebody else. A daemon that drives plan_next() and
 * plan_life_step() as the real one does: a ledger in transactions, each action one of its own; a
 * crash may follow any transaction; effects found by their state and done by executors whose
 * results may be lost, late, doubled, out of order; landings that went through without a word;
 * knowledge of the base that lags behind; a reconciler.
 *
 * Not modelled: real merges (a tree is the set of what is in it), gates that say green of broken
 * code, pull requests merged outside the queue, several base branches (the planner is asked about one), time. A push that comes
 * between the decision to land and the ref update does not stop the landing here: the decision is
 * what I3 is checked at; closing that gap is the executor's part. An executor of an older daemon is
 * dead before the next one acts (the lock on the data directory sees to it), which is checked as a
 * part of I4.
 *
 * Beside the schedules the planner is asked about odd facts that none of them leads to, and its whole order is compared
 * with one that is made the slow way (queue_order.h).
 *
 * Checked at each ref update, against the truth: I1, I2, I4, I7. At each decision: I3, I6, that at
 * most one candidate is alive, that nothing moves beside a landing, and that each ejection and each
 * reason to wait is true. After the storm the faults end, and within a bounded number of steps each
 * entry has landed, has been ejected, or waits for something outside that is named (I8). I9 is
 * measured: queues of working pull requests with flaky gates.
 */
#include "queue/plan.h"

#include "queue_check.h"
#include "queue_daemon.h"
#include "queue_order.h"
#include "queue_people.h"

#include <stdlib.h>

/* --- facts ------------------------------------------------------------------------------------ */

struct facts {
	struct plan_facts f;
	struct plan_entry e[PRS];
	struct plan_dep deps[PRS][PRS + 2];
};

static const char *const files[] = {"a", "b", "c", "d", "e", "f"};
#define FILES ((int)(sizeof(files) / sizeof(files[0])))

static void entry_facts(const struct sim *s, const struct entry *e, struct plan_entry *ret,
			struct plan_dep *deps)
{
	*ret = (struct plan_entry){.id = e->id,
				   .pr = e->pr,
				   .head = head_name(e->pr, e->head),
				   .priority = e->priority,
				   .enqueued_ms = e->enqueued,
				   .approved = is_approved(s, e),
				   .held = e->held,
				   .unknown = s->known[e->pr] != e->head,
				   .deps = deps,
				   .files = files + s->w.pr[e->pr].first_file,
				   .nfiles = (size_t)s->w.pr[e->pr].files,
				   .cand = e->life.cand,
				   .rebuild = e->rebuild,
				   .reruns = e->life.reruns,
				   .errors = e->life.errors};
	if (e->life.cand != PLAN_CAND_NONE) {
		ret->cand_base = s->w.commit[e->base].name;
		ret->cand_head = head_name(e->pr, e->cand_head);
	}
	for (int pr = 1; pr <= MISSING; pr++)
		if (s->deps[e->pr] & bit(pr))
			deps[ret->ndeps++] = (struct plan_dep){pr, dep_state(s, pr)};
}

static void read_facts(const struct sim *s, struct facts *ret)
{
	ret->f = (struct plan_facts){.base = s->w.commit[s->base].name,
				     .health = s->health,
				     .base_reds = s->base_reds,
				     .base_errors = s->base_errors,
				     .frozen = s->frozen,
				     .halted = s->halted,
				     .flake_reruns = s->flake_reruns,
				     .retries = s->retries,
				     .entries = ret->e};
	for (int pr = 1; pr <= PRS; pr++) {
		size_t n = ret->f.nentries;

		if (!s->e[pr].queued)
			continue;
		entry_facts(s, &s->e[pr], &ret->e[n], ret->deps[n]);
		ret->f.nentries++;
	}
}

/* --- actions, each one a transaction ---------------------------------------------------------- */

static void act_build(struct sim *s, struct entry *e, const struct plan_action *a)
{
	check_start(s, e, "build");
	step(s, e, PLAN_EV_BUILD);
	if (a->reason == PLAN_R_RETRY && e->errors > s->retries)
		violate(&s->w, "I8", "#%d is built after %d errors in a row", e->pr, e->errors);
	if (e->base != s->base || e->cand_head != e->head)
		e->reds = 0;
	e->base = s->base;
	e->cand_head = e->head;
	new_key(s, e);
}

static void act_test(struct sim *s, struct entry *e, const struct plan_action *a)
{
	(void)a;
	if (e->life.cand == PLAN_CAND_RED && e->rebuild)
		violate(&s->w, "forge", "#%d is tested again, and the forge says the same again",
			e->pr);
	check_start(s, e, "test");
	check_candidate(s, e, "test");
	step(s, e, PLAN_EV_TEST);
	new_key(s, e);
}

static void act_land(struct sim *s, struct entry *e, const struct plan_action *a)
{
	(void)a;
	check_start(s, e, "landing");
	check_candidate(s, e, "landing");
	if (s->forge && s->w.commit[e->commit].ci != CI_GREEN)
		violate(&s->w, "I1", "landing of #%d, which the forge's checks did not pass",
			e->pr);
	if (s->frozen)
		violate(&s->w, "freeze", "landing of #%d while frozen", e->pr);
	step(s, e, PLAN_EV_LAND);
	new_key(s, e);
}

static void act_discard(struct sim *s, struct entry *e, const struct plan_action *a)
{
	if (a->reason == PLAN_R_AHEAD)
		violate(&s->w, "serial", "#%d is overtaken by #%d", e->pr, (int)a->pr);
	step(s, e, PLAN_EV_DISCARD);
	drop_jobs(s, e->key);
	new_key(s, e);
}

static void act_eject(struct sim *s, struct entry *e, const struct plan_action *a)
{
	const struct world *w = &s->w;

	check_ejection(s, e, a);
	s->rejected++;
	if (a->reason == PLAN_R_RED && w->pr[e->pr].nature[e->head] == WORKS &&
	    !disturbed(w, &w->commit[s->base].tree, e->pr, e->head, w->pr[e->pr].quarrel))
		s->innocent_ejected++;
	e->ejected = true;
	e->ejected_in = s->plans;
	leave(s, e);
}

static void act_settle(struct sim *s, struct entry *e, const struct plan_action *a)
{
	(void)a;
	if (e->life.cand != PLAN_CAND_DOUBT)
		violate(&s->w, "settle", "#%d is not in doubt", e->pr);
}

static void act_wait(struct sim *s, struct entry *e, const struct plan_action *a)
{
	check_waiting(s, e, a);
	e->reason = a->reason;
	e->behind = a->pr;
}

static void act_test_base(struct sim *s)
{
	bool asked = false;

	for (int pr = 1; pr <= PRS; pr++) {
		const struct entry *e = &s->e[pr];

		asked = asked || (e->queued && e->life.cand == PLAN_CAND_RED &&
				  e->life.reruns >= s->flake_reruns && e->base == s->base);
		if (is_landing(e))
			violate(&s->w, "I4", "the base is tested beside a landing");
	}
	if (!asked || s->halted || s->health == PLAN_BASE_TESTING || s->health == PLAN_BASE_GREEN)
		violate(&s->w, "base", "the base is tested without a need");
	s->health = PLAN_BASE_TESTING;
	s->base_key = ++s->next_key;
	s->base_started = false;
}

static void (*const acts[])(struct sim *, struct entry *, const struct plan_action *) = {
	[PLAN_BUILD] = act_build,     [PLAN_TEST] = act_test,   [PLAN_LAND] = act_land,
	[PLAN_DISCARD] = act_discard, [PLAN_EJECT] = act_eject, [PLAN_SETTLE] = act_settle,
	[PLAN_WAIT] = act_wait,
};

/* True: something was changed, so that the planner is asked again. */
static bool apply(struct sim *s, const struct plan_action *a)
{
	struct entry *e = entry_by_id(s, a->entry);

	if (a->act == PLAN_TEST_BASE) {
		trace(&s->w, "plan: test the base c%d (%s)", s->base, plan_reason_name(a->reason));
		act_test_base(s);
		return true;
	}
	if (!e) {
		violate(&s->w, "plan", "an action for an entry that is not queued");
		return false;
	}
	if (a->act != PLAN_WAIT)
		trace(&s->w, "plan: %s #%d (%s)", plan_act_name(a->act), e->pr,
		      plan_reason_name(a->reason));
	acts[a->act](s, e, a);
	return a->act != PLAN_WAIT && a->act != PLAN_SETTLE;
}

static void check_complete(struct sim *s, const struct facts *f, const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nactions; i++)
		n += p->actions[i].act != PLAN_TEST_BASE;
	if (n != f->f.nentries || p->nactions > n + 1)
		violate(&s->w, "plan", "%zu actions for %zu entries", n, f->f.nentries);
}

/* Plans until there is nothing to write, or the daemon dies on the way. */
static void decide(struct sim *s)
{
	bool again = true;

	for (int rounds = 0; again && !s->w.failed; rounds++) {
		struct facts f = {0};
		struct plan p;
		bool dead = false;

		again = false;
		read_facts(s, &f);
		plan_next(&f.f, &p);
		s->plans++;
		check_complete(s, &f, &p);
		for (size_t i = 0; i < p.nactions && !dead; i++) {
			bool wrote = apply(s, &p.actions[i]);

			again = again || wrote;
			dead = wrote && commit(s);
		}
		again = again || dead;
		if (!dead) {
			check_one_alive(s);
			check_dependents(s);
		}
		plan_release(&p);
		if (rounds > 200)
			violate(&s->w, "I8", "the planner is never content");
	}
	start_jobs(s);
}

/* --- schedules -------------------------------------------------------------------------------- */

static void make_world(struct sim *s, uint64_t seed)
{
	struct world *w = &s->w;
	int flaky = below(w, 2) ? 0 : below(w, 300);

	(void)seed;
	w->commit[add_commit(w, (struct tree){0}, -1, 0, 0)].landed = true;
	for (int pr = 1; pr <= PRS; pr++) {
		struct pr *p = &w->pr[pr];

		*p = (struct pr){.head = 1, .open = true};
		p->nature[1] = some_nature(w);
		p->fixer = pr == PRS;
		p->first_file = below(w, FILES);
		p->files = below(w, FILES - p->first_file + 1);
		p->flake = chance(w, 400) ? flaky : 0;
	}
	for (int n = below(w, 5); n > 0; n--) {
		int a = 1 + below(w, PRS), b = 1 + below(w, PRS);

		if (a == b)
			continue;
		if (below(w, 2)) {
			w->pr[a].clash |= bit(b);
			w->pr[b].clash |= bit(a);
		} else {
			w->pr[a].quarrel |= bit(b);
			w->pr[b].quarrel |= bit(a);
		}
	}
	w->base_flake = below(w, 2) ? 0 : flaky;
	w->error = below(w, 2) ? 0 : below(w, 300);
	s->crash = below(w, 2) ? 0 : below(w, 60);
	s->head_follows = below(w, 2);
	s->landed_health = below(w, 2);
	s->land_looks = below(w, 2);
	s->forge = below(w, 2);
	s->flake_reruns = below(w, 5) ? 1 : below(w, 3);
	s->retries = below(w, 5) ? 3 : below(w, 3);
}

static void sim_init(struct sim *s, uint64_t seed, bool verbose)
{
	memset(s, 0, sizeof(*s));
	s->w.random = seed * 0x2545f4914f6cdd1du;
	s->w.verbose = verbose;
}

static void deliver(struct sim *s, bool faults)
{
	int i = below(&s->w, s->nmsgs);
	struct message m = s->msg[i];
	bool twice = faults && chance(&s->w, 100), lost = faults && chance(&s->w, 80);

	if (!twice)
		s->msg[i] = s->msg[--s->nmsgs];
	if (lost)
		return;
	take_result(s, &m);
	if (!commit(s))
		decide(s);
	else
		start_jobs(s);
}

static void storm_step(struct sim *s)
{
	int what = below(&s->w, 100);

	if (what < 40 && s->njobs) {
		run_job(s, below(&s->w, s->njobs), chance(&s->w, 60));
	} else if (what < 75 && s->nmsgs) {
		deliver(s, true);
	} else if (what < 90) {
		somebody_acts(s);
		if (!commit(s))
			decide(s);
	} else if (what < 97) {
		reconcile(s);
		decide(s);
	} else if (s->crash) {
		crash(s);
		decide(s);
	}
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Is what the entry waits for outside, and named? `depth` guards against a ring of waiting. */
static bool waits_outside(const struct sim *s, const struct entry *e, int depth)
{
	const struct entry *other;

	switch (e->reason) {
	case PLAN_R_HELD:
	case PLAN_R_NOT_APPROVED:
	case PLAN_R_BASE_RED:
	case PLAN_R_BASE_ERRORS:
		return true;
	case PLAN_R_HALTED:
		return s->halted;
	case PLAN_R_FROZEN:
		return s->frozen;
	case PLAN_R_AHEAD:
	case PLAN_R_DEP_OPEN:
		if (e->behind < 1 || e->behind > PRS || depth > PRS)
			return false;
		other = &s->e[e->behind];
		if (e->reason == PLAN_R_DEP_OPEN && !other->queued)
			return s->w.pr[e->behind].open;
		/* only a freeze makes an entry wait behind one that does not move */
		return other->queued && (e->reason == PLAN_R_DEP_OPEN || s->frozen) &&
		       waits_outside(s, other, depth + 1);
	default:
		return false;
	}
}

static void check_end(struct sim *s)
{
	for (int pr = 1; pr <= PRS; pr++) {
		const struct entry *e = &s->e[pr];

		if (e->queued && !waits_outside(s, e, 0))
			violate(&s->w, "I8", "#%d is left as %s, waiting for %s #%d", pr,
				plan_cand_name(e->life.cand), plan_reason_name(e->reason),
				(int)e->behind);
	}
}

#define CALM_STEPS 1500

/* Everything that is asked for is done and answered, in any order, until nothing is left. */
static void run_down(struct sim *s)
{
	int left = CALM_STEPS;

	for (; left && !s->w.failed; left--) {
		if (s->nmsgs && (!s->njobs || below(&s->w, 2)))
			deliver(s, false);
		else if (s->njobs)
			run_job(s, below(&s->w, s->njobs), false);
		else if (!reconcile(s))
			break;
		else
			decide(s);
	}
	if (!left)
		violate(&s->w, "I8", "still at work after %d steps", CALM_STEPS);
}

static void calm(struct sim *s)
{
	trace(&s->w, "--- calm ---");
	s->w.error = s->w.base_flake = s->crash = 0;
	for (int pr = 1; pr <= PRS; pr++)
		s->w.pr[pr].flake = 0;
	for (int pr = 1; pr <= PRS; pr++)
		learn_deps(s, pr);
	if (below(&s->w, 5))
		s->frozen = s->halted = false;
	reconcile(s);
	decide(s);
	run_down(s);
	if (!s->w.failed)
		check_end(s);
}

struct totals {
	int64_t plans, landed, rejected, innocent;
};

/* True: all rules held. */
static bool run_schedule(uint64_t seed, bool verbose, struct totals *t)
{
	static struct sim s;
	int steps;

	sim_init(&s, seed, verbose);
	make_world(&s, seed);
	for (int i = 1 + below(&s.w, PRS); i > 0; i--)
		enqueue(&s, 1 + below(&s.w, PRS));
	for (int i = below(&s.w, 4); i > 0; i--)
		toggle_dep(&s, 1 + below(&s.w, PRS));
	decide(&s);
	for (steps = 20 + below(&s.w, 150); steps > 0 && !s.w.failed; steps--)
		storm_step(&s);
	if (!s.w.failed)
		calm(&s);
	t->plans += s.plans;
	t->landed += s.landed;
	t->rejected += s.rejected;
	t->innocent += s.innocent_ejected;
	return !s.w.failed;
}

/* --- I9: how often does an innocent one leave? ------------------------------------------------ */

static bool measure_innocents(int flake, uint64_t queues, int *ret_left)
{
	static struct sim s;

	for (uint64_t seed = 1; seed <= queues; seed++) {
		sim_init(&s, seed, false);
		s.w.commit[add_commit(&s.w, (struct tree){0}, -1, 0, 0)].landed = true;
		s.w.base_flake = flake;
		s.landed_health = true;
		s.flake_reruns = 1;
		s.retries = 3;
		for (int pr = 1; pr <= PRS; pr++) {
			s.w.pr[pr] = (struct pr){.head = 1, .open = true, .flake = flake};
			enqueue(&s, pr);
			s.known[pr] = 1;
		}
		decide(&s);
		run_down(&s);
		*ret_left += s.innocent_ejected;
		if (s.w.failed)
			return false;
	}
	return true;
}

static bool print_innocents(uint64_t queues)
{
	static const int rates[] = {10, 50, 250};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double p = rates[i] / 1000.0, n = (double)queues * PRS;
		int left = 0;

		if (!measure_innocents(rates[i], queues, &left)) {
			printf("sim: queue innocent ejections: a rule failed at %.0f%%\n", p * 100);
			return false;
		}
		printf("sim: queue I9 flake=%.0f%% innocents=%.0f ejected=%d probability=%.3f%% "
		       "(two red runs in a row: %.3f%%)\n",
		       p * 100, n, left, left / n * 100, p * p * 100);
	}
	return true;
}

/* --- main ------------------------------------------------------------------------------------- */

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);

	return v && *v ? strtoull(v, NULL, 10) : otherwise;
}

static int run_all(uint64_t first, uint64_t n)
{
	struct totals t = {0};
	uint64_t failed = 0;

	for (uint64_t seed = first; seed < first + n && failed < 3; seed++) {
		struct totals ignored = {0};

		if (run_schedule(seed, false, &t))
			continue;
		failed++;
		printf("sim: queue seed=%llu failed; its trace (again with SIM_SEED=%llu):\n",
		       (unsigned long long)seed, (unsigned long long)seed);
		run_schedule(seed, true, &ignored);
	}
	printf("sim: queue schedules=%llu plans=%lld landed=%lld ejected=%lld innocent=%lld %s\n",
	       (unsigned long long)n, (long long)t.plans, (long long)t.landed,
	       (long long)t.rejected, (long long)t.innocent, failed ? "FAILED" : "ok");
	return failed ? 1 : 0;
}

/* The planner on odd facts: as many as schedules, ten for one. */
static int run_odd(uint64_t first, uint64_t n)
{
	for (uint64_t seed = first; seed < first + n; seed++) {
		struct world w = {.random = seed * 0x2545f4914f6cdd1du};

		if (check_odd(&w))
			continue;
		printf("sim: queue odd facts seed=%llu FAILED:\n", (unsigned long long)seed);
		w = (struct world){.random = seed * 0x2545f4914f6cdd1du, .verbose = true};
		check_odd(&w);
		return 1;
	}
	printf("sim: queue odd facts=%llu ok\n", (unsigned long long)n);
	return 0;
}

int main(void)
{
	uint64_t seed = number("SIM_SEED", 0), schedules = number("SIM_SCHEDULES", 10000);
	uint64_t first = seed ? seed : number("SIM_FIRST", 1);
	struct totals t = {0};

	if (seed && (!getenv("SIM_SCHEDULES") || schedules == 1)) {
		bool ok = run_schedule(seed, true, &t);

		printf("sim: queue seed=%llu %s\n", (unsigned long long)seed, ok ? "ok" : "FAILED");
		return ok ? 0 : 1;
	}
	if (run_all(first, schedules) != 0 || run_odd(first, schedules * 10) != 0)
		return 1;
	return print_innocents(number("SIM_QUEUES", 2500)) ? 0 : 1;
}
