/*
 * sim_engine.c - random blueprints under random events; what must never happen, does not.
 *
 * SIM_SCHEDULES (default 100000) schedules, the first with SIM_SEED (default 1), each next with the
 * next seed. A failure prints its seed: SIM_SEED=<it> SIM_SCHEDULES=1 runs that one again. With
 * SIM_TRACE each event and action is printed.
 *
 * The checker is a second, much simpler account of the same task, kept from the actions alone.
 */
#include "base/mem.h"
#include "blueprint/engine.h"

#include <inttypes.h>

#define EVENTS_MIN 10
#define EVENTS_MAX 80
#define JSON_ONE_IN                                                                                \
	16 /* events after which the position goes through its JSON: that is the slow part */

struct sim {
	uint64_t seed, state;
	bool trace;
	struct blueprint bp;
	struct bp_pos pos;
	/* the checker's account */
	bool started, ended, ended_by_failure, pr_open;
	enum bp_do last;         /* the action that is under way */
	int64_t rounds, granted; /* of the agent step under way */
	int64_t ci_rounds;
	int64_t agent_step;
	bool committed;     /* a COMMITTED came after the last start of the agent or command */
	char head[8];       /* the tree committed last; "" when nothing differs */
	char green[8];      /* the last tree that passed all gates of the last agent step */
	size_t gates_green; /* gates that passed in a row on `head` */
	int64_t infra;      /* infrastructure failures in a row */
	bool *done;         /* steps that were passed */
};

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t rnd(struct sim *s)
{
	uint64_t z = s->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static int64_t pick(struct sim *s, int64_t n)
{
	return (int64_t)(rnd(s) % (uint64_t)n);
}

static void broken(const struct sim *s, const char *what)
{
	printf("sim: engine seed=%" PRIu64 " FAILED: %s\n", s->seed, what);
	exit(1);
}

static void must(const struct sim *s, bool ok, const char *what)
{
	if (!ok)
		broken(s, what);
}

/* --- a random blueprint that the loader would accept --------------------------------------------- */

static void add_step(struct sim *s, enum bp_kind kind)
{
	struct bp_step *st = &s->bp.steps[s->bp.nsteps++];

	st->kind = kind;
	st->approvals = kind == BP_REVIEW ? pick(s, 3) : kind == BP_QUEUE;
	if (kind == BP_RUN)
		for (int64_t i = 1 + pick(s, 2); i; i--)
			strvec_push(&st->commands, "run");
	if (kind == BP_AGENT)
		for (int64_t i = pick(s, 4); i; i--)
			strvec_push(&st->gates, "gate");
}

static void make_blueprint(struct sim *s)
{
	s->bp.steps = xcalloc(16, sizeof(*s->bp.steps));
	s->bp.rounds = 1 + pick(s, 4);
	s->bp.ci_rounds = pick(s, 4);
	if (pick(s, 2))
		strvec_push(&s->bp.setup, "setup");
	for (int64_t i = 1 + pick(s, 4); i; i--)
		add_step(s, pick(s, 3) ? BP_AGENT : BP_RUN);
	if (!pick(s, 8))
		return;
	add_step(s, BP_PULL_REQUEST);
	for (int64_t i = pick(s, 4); i; i--)
		add_step(s, pick(s, 2) ? BP_CHECKS : BP_REVIEW);
	if (pick(s, 4))
		add_step(s, BP_QUEUE);
}

/* --- a random event ------------------------------------------------------------------------------- */

/* What usually answers an action: good outcomes first, so that schedules get far. */
static const enum bp_ev answers[][4] = {
	[BP_DO_NOTHING] = {BP_EV_START, BP_EV_SAY, BP_EV_RETRY, BP_EV_OK},
	[BP_DO_SETUP] = {BP_EV_OK, BP_EV_OK, BP_EV_RED, BP_EV_INFRA},
	[BP_DO_AGENT] = {BP_EV_AGENT, BP_EV_AGENT, BP_EV_LIMIT, BP_EV_INFRA},
	[BP_DO_COMMIT] = {BP_EV_COMMITTED, BP_EV_COMMITTED, BP_EV_UNCHANGED, BP_EV_REFUSED},
	[BP_DO_GATE] = {BP_EV_OK, BP_EV_OK, BP_EV_RED, BP_EV_INFRA},
	[BP_DO_RUN] = {BP_EV_OK, BP_EV_OK, BP_EV_RED, BP_EV_INFRA},
	[BP_DO_PR] = {BP_EV_OK, BP_EV_OK, BP_EV_RED, BP_EV_INFRA},
	[BP_DO_CHECKS] = {BP_EV_GREEN, BP_EV_GREEN, BP_EV_RED, BP_EV_CHANGES},
	[BP_DO_REVIEW] = {BP_EV_GREEN, BP_EV_GREEN, BP_EV_CHANGES, BP_EV_RED},
	[BP_DO_QUEUE] = {BP_EV_MERGED, BP_EV_EJECTED, BP_EV_DEQUEUED, BP_EV_EJECTED},
	[BP_DO_ASK] = {BP_EV_SAY, BP_EV_SAY, BP_EV_RETRY, BP_EV_CANCEL},
	[BP_DO_DONE] = {BP_EV_RETRY, BP_EV_SAY, BP_EV_MERGED, BP_EV_OK},
	[BP_DO_NO_CHANGE] = {BP_EV_RETRY, BP_EV_SAY, BP_EV_OK, BP_EV_CANCEL},
	[BP_DO_FAIL] = {BP_EV_RETRY, BP_EV_SAY, BP_EV_RETRY, BP_EV_OK},
	[BP_DO_CANCELLED] = {BP_EV_RETRY, BP_EV_SAY, BP_EV_OK, BP_EV_START},
};

static struct bp_event make_event(struct sim *s)
{
	static const char *const trees[] = {"a0", "b1", "c2", "d3"};
	static const char *const texts[] = {NULL, "x", "failed: y", "7 of 9"};
	struct bp_event ev = {
		.ev = answers[s->last][pick(s, 4)],
		.status = pick(s, 3) ? BP_ST_COMPLETE : (enum bp_status)pick(s, 5),
		.exit_signal = pick(s, 10) != 0,
		.exit_zero = pick(s, 10) != 0,
		.text = texts[pick(s, 4)],
		.count = pick(s, 5) - 1,
	};

	if (!s->started)
		ev.ev = pick(s, 4) ? BP_EV_START : (enum bp_ev)pick(s, BP_EV_CANCEL + 1);
	else if (!pick(s, 6)) /* late, doubled, out of order, or a storm of infrastructure */
		ev.ev = pick(s, 3) ? (enum bp_ev)pick(s, BP_EV_CANCEL) : BP_EV_INFRA;
	if (ev.ev == BP_EV_COMMITTED)
		ev.tree = trees[pick(s, 4)];
	return ev;
}

/* --- the checker ---------------------------------------------------------------------------------- */

/* What the outcome says, before the engine is asked what to do about it. */
static void account_event(struct sim *s, const struct bp_pos *before, const struct bp_event *ev)
{
	if (s->last == BP_DO_COMMIT && ev->ev == BP_EV_COMMITTED) {
		s->committed = true;
		snprintf(s->head, sizeof(s->head), "%s", ev->tree);
		s->gates_green = 0;
	}
	if (s->last == BP_DO_COMMIT && ev->ev == BP_EV_UNCHANGED)
		s->head[0] = '\0';
	if (s->last == BP_DO_GATE && ev->ev == BP_EV_OK) {
		s->gates_green++;
		if (s->gates_green == s->bp.steps[before->step].gates.n)
			memcpy(s->green, s->head, sizeof(s->green));
	}
	if (s->last == BP_DO_PR && ev->ev == BP_EV_OK)
		s->pr_open = true;
	if (ev->ev == BP_EV_RETRY)
		s->granted += ev->count < 1 ? 1 : ev->count;
	if (s->last == BP_DO_AGENT && ev->ev == BP_EV_INFRA && s->pos.phase == BP_PH_END) {
		if (before->in_ci) /* given up: the round never took place */
			s->ci_rounds--;
		else
			s->rounds--;
	}
}

static size_t last_agent_gates(const struct sim *s)
{
	return s->agent_step < 0 ? 0 : s->bp.steps[s->agent_step].gates.n;
}

static bool passed_gates(const struct sim *s)
{
	return s->head[0] && (!last_agent_gates(s) || !strcmp(s->head, s->green));
}

static void check_agent(struct sim *s, const struct bp_pos *before, const struct bp_event *ev)
{
	bool again = ev->ev == BP_EV_INFRA;
	bool new_step = s->pos.step != s->agent_step;

	must(s, s->bp.steps[s->pos.step].kind == BP_AGENT, "AGENT at a step of another kind");
	if (new_step) {
		s->agent_step = s->pos.step;
		s->rounds = s->granted = 0;
	}
	s->committed = false;
	if (again) {
		must(s, s->pos.round == before->round && s->pos.ci_round == before->ci_round,
		     "an infrastructure failure spent a round");
		return;
	}
	must(s,
	     s->pos.round + s->pos.ci_round ==
		     (new_step ? 0 : before->round) + before->ci_round + 1,
	     "a start of the agent that is not one round more");
	if (s->pos.in_ci)
		s->ci_rounds++;
	else
		s->rounds++;
	if (ev->ev == BP_EV_SAY && s->rounds > s->bp.rounds + s->granted)
		s->granted = s->rounds - s->bp.rounds;
	must(s, s->ci_rounds <= s->bp.ci_rounds, "more CI rounds than there are");
	must(s, s->rounds <= s->bp.rounds + s->granted, "more rounds than there are");
	must(s, s->pos.round == s->rounds && s->pos.ci_round == s->ci_rounds,
	     "rounds are counted wrong");
	must(s, s->pos.round <= s->bp.rounds + s->pos.extra, "a round that nobody granted");
	if (s->last == BP_DO_CHECKS || s->last == BP_DO_REVIEW || s->last == BP_DO_QUEUE)
		must(s, s->pos.ci_round == before->ci_round + 1, "a CI round that is not counted");
}

static void check_done(struct sim *s, const struct bp_event *ev)
{
	if (ev->ev == BP_EV_MERGED) {
		must(s, s->pr_open, "merged without a PR");
		return;
	}
	for (size_t i = 0; i < s->bp.nsteps; i++)
		must(s,
		     s->done[i] || (s->bp.steps[i].kind == BP_REVIEW && !s->bp.steps[i].approvals),
		     "DONE before every step");
}

/* The step that was under way is passed when a later one begins or the task is done. */
static void account_steps(struct sim *s, const struct bp_pos *before, enum bp_do act)
{
	if (!before->started)
		return;
	if (act == BP_DO_DONE || s->pos.step > before->step || s->pos.resume_step > before->step)
		s->done[before->step] = true;
	for (size_t i = (size_t)s->pos.step; act != BP_DO_DONE && i < s->bp.nsteps; i++)
		s->done[i] = s->done[i] && s->pos.resume_step > (int64_t)i;
}

static void check_action(struct sim *s, const struct bp_pos *before, const struct bp_event *ev,
			 enum bp_do act)
{
	if (s->ended)
		must(s, s->ended_by_failure && (ev->ev == BP_EV_RETRY || ev->ev == BP_EV_SAY),
		     "an end was not final");
	s->infra = ev->ev == BP_EV_INFRA ? s->infra + 1 : 0;
	must(s, s->infra <= BP_INFRA_MAX + 1, "infrastructure failures without end");
	if (act == BP_DO_AGENT)
		check_agent(s, before, ev);
	if (act == BP_DO_GATE && s->last != BP_DO_GATE && ev->ev != BP_EV_RETRY)
		must(s, s->committed, "a gate on work that was not committed");
	if (act == BP_DO_GATE && s->pos.index == 0)
		s->gates_green = 0;
	if (act == BP_DO_GATE)
		must(s,
		     s->pos.index >= 0 && (size_t)s->pos.index < s->bp.steps[s->pos.step].gates.n &&
			     (size_t)s->pos.index == s->gates_green,
		     "a gate that is not the next one");
	if (act == BP_DO_PR || act == BP_DO_CHECKS || act == BP_DO_REVIEW || act == BP_DO_QUEUE)
		must(s, passed_gates(s), "past the gates with a tree that is not green");
	if (act == BP_DO_CHECKS || act == BP_DO_REVIEW || act == BP_DO_QUEUE)
		must(s, s->pr_open, "checks, review or queue without a PR");
	if (act == BP_DO_PR)
		must(s, s->pos.pr_open == s->pr_open, "an open PR forgotten");
	if (act == BP_DO_DONE)
		check_done(s, ev);
	s->ended = s->pos.phase == BP_PH_END;
	s->ended_by_failure = act == BP_DO_FAIL;
}

static bool equal(const struct bp_pos *a, const struct bp_pos *b)
{
	return a->started == b->started && a->step == b->step && a->phase == b->phase &&
	       a->index == b->index && a->round == b->round && a->extra == b->extra &&
	       a->ci_round == b->ci_round && a->in_ci == b->in_ci &&
	       a->resume_step == b->resume_step && a->infra == b->infra &&
	       !strcmp(a->signature, b->signature) && !strcmp(a->tree, b->tree) &&
	       !strcmp(a->head, b->head) && !strcmp(a->gated, b->gated) &&
	       a->pr_open == b->pr_open && a->no_change == b->no_change && a->failed == b->failed &&
	       a->from == b->from;
}

static void check_round_trip(struct sim *s)
{
	autofree char *json = bp_pos_json(&s->pos);
	struct bp_pos back;

	must(s, bp_pos_parse(json, &back, NULL) == 0, "a position that cannot be read again");
	must(s, equal(&s->pos, &back), "a position that is another after the ledger");
	s->pos = back;
}

static void one_event(struct sim *s)
{
	struct bp_event ev = make_event(s);
	struct bp_pos before = s->pos;
	cleanup(bp_action_release) struct bp_action a = {0};

	bp_next(&s->bp, &before, &ev, &s->pos, &a);
	if (s->trace)
		printf("event %d status %d text %s -> %s, step %" PRId64 " %s index %" PRId64
		       " round %" PRId64 " ci %" PRId64 "\n",
		       ev.ev, ev.status, ev.text ? ev.text : "-", bp_do_name(a.act), s->pos.step,
		       bp_phase_name(s->pos.phase), s->pos.index, s->pos.round, s->pos.ci_round);
	if (a.act == BP_DO_NOTHING) {
		must(s, equal(&before, &s->pos), "nothing to do, but the position moved");
		return;
	}
	must(s, ev.ev == BP_EV_START || s->started, "an action before the start");
	s->started = true;
	account_event(s, &before, &ev);
	account_steps(s, &before, a.act);
	check_action(s, &before, &ev, a.act);
	must(s, (a.act != BP_DO_FAIL && a.act != BP_DO_ASK) || a.reason,
	     "a person without a reason");
	s->last = a.act;
	if (!pick(s, JSON_ONE_IN))
		check_round_trip(s);
}

static enum bp_do run_schedule(uint64_t seed, bool trace)
{
	struct sim s = {.seed = seed, .state = seed * 0x2545f4914f6cdd1du, .trace = trace};
	enum bp_do last;

	s.agent_step = -1;
	make_blueprint(&s);
	s.done = xcalloc(s.bp.nsteps, sizeof(*s.done));
	for (int64_t i = EVENTS_MIN + pick(&s, EVENTS_MAX - EVENTS_MIN); i; i--)
		one_event(&s);
	last = s.last;
	free(s.done);
	blueprint_release(&s.bp);
	return last;
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 10) : otherwise;
}

int main(void)
{
	uint64_t schedules = number("SIM_SCHEDULES", 100000), seed = number("SIM_SEED", 1);
	bool trace = getenv("SIM_TRACE") != NULL;
	uint64_t ends[BP_DO_CANCELLED + 1] = {0};

	for (uint64_t i = 0; i < schedules; i++)
		ends[run_schedule(seed + i, trace)]++;
	/* A walk that never gets anywhere would prove nothing. */
	if (schedules >= 10000 &&
	    (!ends[BP_DO_DONE] || !ends[BP_DO_FAIL] || !ends[BP_DO_NO_CHANGE])) {
		printf("sim: engine FAILED: no schedule came to done, fail or no-change\n");
		return 1;
	}
	printf("sim: engine schedules=%" PRIu64 " ok\n", schedules);
	return 0;
}
