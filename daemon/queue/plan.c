/*
 * plan.c - see plan.h: what happens to each entry, and whose turn it is.
 *
 * Three passes. First each entry is judged by itself, dependencies first, so that an ejection
 * reaches the dependents in the same plan: it leaves, drops its candidate, waits for something
 * outside, goes on with its candidate, or wants the turn. Then the one turn is given, in the
 * queue's order. Last, everybody else is told behind whom they wait.
 */
#include "queue/plan.h"

#include "base/mem.h"
#include "queue/order.h"

enum claim {
	CLAIM_NONE,  /* leaves, or waits for something outside */
	CLAIM_WANTS, /* could be built */
	CLAIM_HOLDS, /* its candidate is alive */
	CLAIM_LANDS, /* and is being landed, or may have been: nothing else happens on this base */
};

struct planner {
	const struct plan_facts *f;
	struct order o;
	struct plan_action *out; /* by number */
	enum claim *claim;       /* by number */
	struct plan_action base; /* PLAN_TEST_BASE, or PLAN_WAIT: not asked for */
	bool discards;           /* some candidate is dropped: whose turn it is shows afterwards */
};

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static enum claim set(struct plan_action *a, enum plan_act act, enum plan_reason reason, int64_t pr,
		      enum claim claim)
{
	a->act = act;
	a->reason = reason;
	a->pr = pr;
	return claim;
}

/* --- leaving ---------------------------------------------------------------------------------- */

static bool ejected(const struct planner *p, int64_t pr)
{
	size_t i = order_find(&p->o, pr);

	return i != ORDER_NONE && p->out[i].act == PLAN_EJECT;
}

/* Reasons that lie in the graph. */
static enum plan_reason doomed(const struct planner *p, size_t i, int64_t *ret_pr)
{
	const struct plan_entry *e = p->o.entry[i];

	*ret_pr = 0;
	if (p->o.cyclic[i])
		return PLAN_R_CYCLE;
	for (size_t k = 0; k < e->ndeps; k++) {
		*ret_pr = e->deps[k].pr;
		if (e->deps[k].state == PLAN_DEP_CLOSED)
			return PLAN_R_DEP_CLOSED;
		if (e->deps[k].state == PLAN_DEP_MISSING)
			return PLAN_R_DEP_MISSING;
		if (e->deps[k].state == PLAN_DEP_OPEN && ejected(p, e->deps[k].pr))
			return PLAN_R_DEP_EJECTED;
	}
	return PLAN_R_NONE;
}

static enum claim eject(struct planner *p, size_t i, enum plan_reason reason, int64_t pr)
{
	struct plan_action *a = &p->out[i];

	if (reason == PLAN_R_CYCLE) {
		a->cycle = steal(&p->o.cycle[i]);
		a->ncycle = p->o.ncycle[i];
	}
	return set(a, PLAN_EJECT, reason, pr, CLAIM_NONE);
}

/* --- waiting for something outside ------------------------------------------------------------ */

static enum plan_reason outside(const struct plan_entry *e, int64_t *ret_pr)
{
	*ret_pr = 0;
	if (!e->approved)
		return PLAN_R_NOT_APPROVED;
	if (e->held)
		return PLAN_R_HELD;
	for (size_t k = 0; k < e->ndeps; k++)
		if (e->deps[k].state == PLAN_DEP_OPEN) {
			*ret_pr = e->deps[k].pr;
			return PLAN_R_DEP_OPEN;
		}
	return e->unknown ? PLAN_R_UNKNOWN : PLAN_R_NONE;
}

/* --- going on with a candidate that is of this base and this head ------------------------------ */

/*
 * The entry is red, and again after its reruns. The base decides: green, and the entry is to
 * blame; red, reruns included, and it stays until the base moves; else the base is asked.
 */
static enum claim judge_blame(struct planner *p, struct plan_action *a)
{
	const struct plan_facts *f = p->f;

	switch (f->health) {
	case PLAN_BASE_GREEN:
		return set(a, PLAN_EJECT, PLAN_R_RED, 0, CLAIM_NONE);
	case PLAN_BASE_RED:
		if (!f->base_reds || f->base_reds > f->flake_reruns)
			return set(a, PLAN_WAIT, PLAN_R_BASE_RED, 0, CLAIM_NONE);
		set(&p->base, PLAN_TEST_BASE, PLAN_R_FLAKE, 0, CLAIM_NONE);
		break;
	case PLAN_BASE_UNKNOWN:
		if (f->base_errors > f->retries)
			return set(a, PLAN_WAIT, PLAN_R_BASE_ERRORS, 0, CLAIM_NONE);
		set(&p->base, PLAN_TEST_BASE, f->base_errors ? PLAN_R_RETRY : PLAN_R_BLAME, 0,
		    CLAIM_NONE);
		break;
	case PLAN_BASE_TESTING:
		break;
	}
	return set(a, PLAN_WAIT, PLAN_R_BLAME, 0, CLAIM_HOLDS);
}

static enum claim judge_candidate(struct planner *p, const struct plan_entry *e,
				  struct plan_action *a)
{
	switch (e->cand) {
	case PLAN_CAND_NONE:
		return set(a, PLAN_BUILD, PLAN_R_NEXT, 0, CLAIM_WANTS);
	case PLAN_CAND_BUILT:
		return set(a, PLAN_TEST, PLAN_R_NEXT, 0, CLAIM_HOLDS);
	case PLAN_CAND_GREEN:
		if (p->f->frozen)
			return set(a, PLAN_WAIT, PLAN_R_FROZEN, 0, CLAIM_HOLDS);
		return set(a, PLAN_LAND, PLAN_R_NEXT, 0, CLAIM_HOLDS);
	case PLAN_CAND_CONFLICT:
		return set(a, PLAN_EJECT, PLAN_R_CONFLICT, 0, CLAIM_NONE);
	case PLAN_CAND_RED:
		if (e->reruns < p->f->flake_reruns)
			return set(a, e->rebuild ? PLAN_BUILD : PLAN_TEST, PLAN_R_FLAKE, 0,
				   CLAIM_HOLDS);
		return judge_blame(p, a);
	case PLAN_CAND_ERRORED:
		if (e->errors > p->f->retries)
			return set(a, PLAN_EJECT, PLAN_R_ERRORS, 0, CLAIM_NONE);
		return set(a, PLAN_BUILD, PLAN_R_RETRY, 0, CLAIM_HOLDS);
	case PLAN_CAND_CHECKING:
		return set(a, PLAN_WAIT, PLAN_R_CHECKS, 0, CLAIM_HOLDS);
	case PLAN_CAND_BUILDING:
	case PLAN_CAND_TESTING:
	case PLAN_CAND_LANDING:
	case PLAN_CAND_DOUBT:
		break;
	}
	return set(a, PLAN_WAIT, PLAN_R_BUSY, 0, CLAIM_HOLDS);
}

/* --- one entry -------------------------------------------------------------------------------- */

static enum claim judge(struct planner *p, size_t i)
{
	const struct plan_entry *e = p->o.entry[i];
	struct plan_action *a = &p->out[i];
	enum plan_reason reason;
	int64_t pr;

	if (e->cand == PLAN_CAND_DOUBT)
		return set(a, PLAN_SETTLE, PLAN_R_NONE, 0, CLAIM_LANDS);
	if (e->cand == PLAN_CAND_LANDING)
		return set(a, PLAN_WAIT, PLAN_R_BUSY, 0, CLAIM_LANDS);
	reason = doomed(p, i, &pr);
	if (reason != PLAN_R_NONE)
		return eject(p, i, reason, pr);
	reason = outside(e, &pr);
	if (e->cand == PLAN_CAND_NONE && reason != PLAN_R_NONE)
		return set(a, PLAN_WAIT, reason, pr, CLAIM_NONE);
	if (e->cand != PLAN_CAND_NONE) {
		if (!same(e->cand_head, e->head))
			reason = PLAN_R_STALE_HEAD;
		else if (reason == PLAN_R_NONE && !same(e->cand_base, p->f->base))
			reason = PLAN_R_STALE_BASE;
		if (reason != PLAN_R_NONE)
			return set(a, PLAN_DISCARD, reason, pr, CLAIM_NONE);
	}
	return judge_candidate(p, e, a);
}

static void judge_all(struct planner *p)
{
	for (size_t t = 0; t < p->o.n; t++) {
		size_t i = p->o.topo[t];

		p->out[i].entry = p->o.entry[i]->id;
		p->claim[i] = judge(p, i);
		p->discards = p->discards || p->out[i].act == PLAN_DISCARD;
	}
}

/* --- whose turn it is ------------------------------------------------------------------------- */

/* The first in the queue's order with the strongest claim of all, at least `least`. */
static size_t first_with(const struct planner *p, enum claim least)
{
	size_t best = ORDER_NONE;

	for (size_t s = 0; s < p->o.n; s++) {
		size_t i = p->o.seq[s];

		if (p->claim[i] >= least && (best == ORDER_NONE || p->claim[i] > p->claim[best]))
			best = i;
	}
	return best;
}

/*
 * At most one candidate is alive. Two can only come from facts that this planner did not lead to;
 * the second is dropped rather than trusted.
 */
static void give_turn(struct planner *p, size_t *ret_first)
{
	size_t holder = first_with(p, CLAIM_HOLDS);

	for (size_t i = 0; i < p->o.n; i++) {
		if (i == holder || p->claim[i] != CLAIM_HOLDS)
			continue;
		set(&p->out[i], PLAN_DISCARD, PLAN_R_AHEAD, p->o.entry[holder]->pr, CLAIM_NONE);
		p->claim[i] = CLAIM_NONE;
	}
	if (holder != ORDER_NONE && p->claim[holder] == CLAIM_LANDS)
		p->base.act = PLAN_WAIT;
	*ret_first = holder;
	if (holder == ORDER_NONE && !p->discards)
		*ret_first = first_with(p, CLAIM_WANTS);
}

/* Those who want the turn and do not get it wait behind the next one before them who has a claim;
 * or, for this one plan, behind a candidate that is being dropped. */
static void tell_behind(struct planner *p, size_t first)
{
	int64_t ahead = first != ORDER_NONE ? p->o.entry[first]->pr : 0;

	for (size_t s = 0; s < p->o.n && !ahead; s++)
		if (p->out[p->o.seq[s]].act == PLAN_DISCARD)
			ahead = p->o.entry[p->o.seq[s]]->pr;
	for (size_t s = 0; s < p->o.n; s++) {
		size_t i = p->o.seq[s];

		if (i == first || p->claim[i] != CLAIM_WANTS)
			continue;
		set(&p->out[i], PLAN_WAIT, PLAN_R_AHEAD, ahead, CLAIM_WANTS);
		ahead = p->o.entry[i]->pr;
	}
}

/* Nothing starts, nothing ends; only a doubt may be settled. */
static void halt(struct planner *p)
{
	for (size_t i = 0; i < p->o.n; i++) {
		p->out[i].entry = p->o.entry[i]->id;
		if (p->o.entry[i]->cand == PLAN_CAND_DOUBT)
			set(&p->out[i], PLAN_SETTLE, PLAN_R_NONE, 0, CLAIM_LANDS);
		else
			set(&p->out[i], PLAN_WAIT, PLAN_R_HALTED, 0, CLAIM_NONE);
	}
}

static void write_plan(struct planner *p, size_t first, struct plan *ret)
{
	size_t n = 0;

	ret->actions = xcalloc(p->o.n + 1, sizeof(*ret->actions));
	if (first != ORDER_NONE)
		ret->actions[n++] = p->out[first];
	for (size_t s = 0; s < p->o.n; s++)
		if (p->o.seq[s] != first)
			ret->actions[n++] = p->out[p->o.seq[s]];
	if (p->base.act == PLAN_TEST_BASE)
		ret->actions[n++] = p->base;
	ret->nactions = n;
}

void plan_next(const struct plan_facts *f, struct plan *ret)
{
	struct planner p = {.f = f, .base = {.act = PLAN_WAIT}};
	size_t first = ORDER_NONE;

	order_make(f, &p.o);
	p.out = xcalloc(p.o.n + 1, sizeof(*p.out));
	p.claim = xcalloc(p.o.n + 1, sizeof(*p.claim));
	if (f->halted) {
		halt(&p);
	} else {
		judge_all(&p);
		give_turn(&p, &first);
		tell_behind(&p, first);
	}
	write_plan(&p, first, ret);
	free(p.out);
	free(p.claim);
	order_release(&p.o);
}

void plan_release(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nactions; i++)
		free(p->actions[i].cycle);
	free(p->actions);
	*p = (struct plan){0};
}
