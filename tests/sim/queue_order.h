/*
 * queue_order.h - the planner on facts that no schedule leads to: random entries in any state, with dependencies,
 * cycles, files and priorities. Part of sim_queue.c.
 *
 * What the schedules cannot show is looked at here: the whole order of the plan, against an order that is made the slow
 * and plain way (plan.h says it in words), and that no facts, however odd, make the planner start, land or
 * test something that it must not.
 */
#ifndef YM_SIM_QUEUE_ORDER_H
#define YM_SIM_QUEUE_ORDER_H

#include "queue/plan.h"
#include "queue_world.h"

#include <stdlib.h>

#define ODD_MAX 7

struct odd {
	struct plan_facts f;
	struct plan_entry e[ODD_MAX];
	struct plan_dep deps[ODD_MAX][3];
	const char *files[ODD_MAX][3];
	/* of the slow order, by index */
	bool need[ODD_MAX][ODD_MAX]; /* [i][k]: k has to go before i */
	bool cyclic[ODD_MAX], blocked[ODD_MAX];
	size_t key[ODD_MAX]; /* whose place it takes */
};

/* ---- facts ---- */

static void odd_deps(struct world *w, struct odd *o, int i)
{
	struct plan_entry *e = &o->e[i];

	e->deps = o->deps[i];
	for (int k = below(w, 3) ? below(w, 3) : 0; k > 0; k--)
		o->deps[i][e->ndeps++] = (struct plan_dep){
			1 + below(w, ODD_MAX + 1),
			below(w, 8) ? PLAN_DEP_OPEN : (enum plan_dep_state)below(w, 4)};
	e->files = o->files[i];
	for (int k = below(w, 4); k > 0; k--) {
		static const char *const names[] = {"a", "b", "c", "d"};

		o->files[i][e->nfiles++] = names[below(w, 4)];
	}
}

static void odd_facts(struct world *w, struct odd *o)
{
	static const char *const bases[] = {"new", "old"};
	int calm = below(w, 3); /* mostly nothing is under way: then the order shows */

	*o = (struct odd){0};
	o->f = (struct plan_facts){.base = bases[0],
				   .health = (enum plan_health)below(w, 4),
				   .base_reds = below(w, 3),
				   .base_errors = below(w, 3),
				   .frozen = !below(w, 5),
				   .halted = !below(w, 20),
				   .flake_reruns = below(w, 2),
				   .retries = below(w, 2),
				   .entries = o->e,
				   .nentries = 1 + (size_t)below(w, ODD_MAX)};
	for (int i = 0; i < (int)o->f.nentries; i++) {
		struct plan_entry *e = &o->e[i];
		bool alive = !calm && below(w, 2);

		*e = (struct plan_entry){
			.id = 100 - i,
			.pr = i + 1,
			.head = "h",
			.priority = below(w, 3) - 1,
			.enqueued_ms = below(w, 4),
			.approved = below(w, 8) != 0,
			.held = !below(w, 8),
			.unknown = !below(w, 8),
			.cand = alive ? (enum plan_cand)(1 + below(w, PLAN_CAND_DOUBT))
				      : PLAN_CAND_NONE,
			.rebuild = below(w, 2),
			.reruns = below(w, 2),
			.errors = below(w, 3)};
		if (alive) {
			e->cand_base = bases[!below(w, 6)];
			e->cand_head = below(w, 6) ? "h" : "g";
		}
		odd_deps(w, o, i);
	}
}

/* ---- the slow order ---- */

static bool odd_open(const struct odd *o, const struct plan_dep *d)
{
	return d->state == PLAN_DEP_OPEN && d->pr <= (int64_t)o->f.nentries;
}

static bool odd_reaches(const struct odd *o, int from, int to, int depth)
{
	for (int k = 0; k < (int)o->f.nentries; k++)
		if (o->need[from][k] && (k == to || (depth && odd_reaches(o, k, to, depth - 1))))
			return true;
	return false;
}

static int odd_compare(const struct odd *o, size_t a, size_t b)
{
	const struct plan_entry *x = &o->e[a], *y = &o->e[b];

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	if (x->enqueued_ms != y->enqueued_ms)
		return x->enqueued_ms < y->enqueued_ms ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool odd_blocked(const struct odd *o, int i)
{
	const struct plan_entry *e = &o->e[i];

	if (o->cyclic[i] || !e->approved || e->held)
		return true;
	for (size_t k = 0; k < e->ndeps; k++)
		if (e->deps[k].state != PLAN_DEP_MERGED &&
		    (!odd_open(o, &e->deps[k]) || odd_blocked(o, (int)e->deps[k].pr - 1)))
			return true;
	return false;
}

static void odd_graph(struct odd *o)
{
	int n = (int)o->f.nentries;

	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < o->e[i].ndeps; k++)
			if (odd_open(o, &o->e[i].deps[k]))
				o->need[i][o->e[i].deps[k].pr - 1] = true;
	for (int i = 0; i < n; i++)
		o->cyclic[i] = odd_reaches(o, i, i, n);
	for (int i = 0; i < n; i++)
		o->blocked[i] = odd_blocked(o, i);
	/* The best of itself and of all that could go and need it. */
	for (int i = 0; i < n; i++) {
		o->key[i] = (size_t)i;
		for (int u = 0; u < n; u++)
			if (!o->blocked[u] && odd_reaches(o, u, i, n) &&
			    odd_compare(o, (size_t)u, o->key[i]) < 0)
				o->key[i] = (size_t)u;
	}
}

static bool odd_changes(const struct odd *o, int i, const char *file)
{
	for (size_t k = 0; k < o->e[i].nfiles; k++)
		if (!strcmp(o->e[i].files[k], file))
			return true;
	return false;
}

/* Could both go, and is a of the higher class, or older in one? */
static bool odd_older(const struct odd *o, int a, int b)
{
	const struct plan_entry *x = &o->e[a], *y = &o->e[b];
	int p = o->e[o->key[a]].priority, q = o->e[o->key[b]].priority;

	if (a == b || o->blocked[a] || o->blocked[b])
		return false;
	if (p != q)
		return p > q;
	if (x->enqueued_ms != y->enqueued_ms)
		return x->enqueued_ms < y->enqueued_ms;
	return x->id < y->id;
}

/* Is a the next older one that changes this file? */
static bool odd_next_older(const struct odd *o, int a, int b, const char *file)
{
	if (!odd_changes(o, a, file))
		return false;
	for (int c = 0; c < (int)o->f.nentries; c++)
		if (odd_changes(o, c, file) && odd_older(o, a, c) && odd_older(o, c, b))
			return false;
	return true;
}

/* Ought a to go before b, for a file that both change? */
static bool odd_before(const struct odd *o, int a, int b)
{
	if (!odd_older(o, a, b))
		return false;
	for (size_t k = 0; k < o->e[b].nfiles; k++)
		if (odd_next_older(o, a, b, o->e[b].files[k]))
			return true;
	return false;
}

static bool odd_ready(const struct odd *o, const bool *placed, int i)
{
	for (int k = 0; k < (int)o->f.nentries; k++)
		if (o->need[i][k] && !placed[k] && !(o->cyclic[i] && o->cyclic[k]))
			return false;
	return true;
}

/* Ready, and nobody who is ready as well ought to go before it. */
static bool odd_free(const struct odd *o, const bool *placed, int i)
{
	if (placed[i] || !odd_ready(o, placed, i))
		return false;
	for (int k = 0; k < (int)o->f.nentries; k++)
		if (!placed[k] && odd_before(o, k, i) && odd_ready(o, placed, k))
			return false;
	return true;
}

static int odd_next(const struct odd *o, const bool *placed)
{
	int best = -1;

	for (int i = 0; i < (int)o->f.nentries; i++) {
		int c;

		if (!odd_free(o, placed, i))
			continue;
		if (best < 0) {
			best = i;
			continue;
		}
		c = odd_compare(o, o->key[i], o->key[best]);
		if (c < 0 || (c == 0 && odd_compare(o, (size_t)i, (size_t)best) < 0))
			best = i;
	}
	return best;
}

/* Whoever has the turn is first; all others stand in this order. */
static void check_order(struct world *w, const struct odd *o, const struct plan *p)
{
	bool placed[ODD_MAX] = {false};
	size_t at = 0;

	for (size_t n = 0; n < o->f.nentries; n++) {
		int i = odd_next(o, placed);

		placed[i] = true;
		if (p->actions[0].entry == o->e[i].id)
			continue; /* by its turn, wherever it would stand */
		at++;
		if (at >= p->nactions || p->actions[at].entry != o->e[i].id) {
			violate(w, "order", "place %zu: #%d was expected", at, i + 1);
			return;
		}
	}
}

static bool odd_may_go(const struct odd *o, int i)
{
	const struct plan_entry *e = &o->e[i];

	for (size_t k = 0; k < e->ndeps; k++)
		if (e->deps[k].state != PLAN_DEP_MERGED)
			return false;
	return !o->cyclic[i] && e->approved && !e->held && !e->unknown && e->cand == PLAN_CAND_NONE;
}

/* Where nothing is alive the turn goes to the first in the order that may go. */
static void check_turn(struct world *w, const struct odd *o, const struct plan *p)
{
	bool placed[ODD_MAX] = {false};

	if (p->actions[0].act != PLAN_BUILD || p->actions[0].reason != PLAN_R_NEXT)
		return;
	for (size_t n = 0; n < o->f.nentries; n++) {
		int i = odd_next(o, placed);

		placed[i] = true;
		if (!odd_may_go(o, i))
			continue;
		if (p->actions[0].entry != o->e[i].id)
			violate(w, "order", "#%d has the turn, and #%d comes before it",
				101 - (int)p->actions[0].entry, i + 1);
		return;
	}
}

/* ---- what must not be, whatever the facts ---- */

static void check_goes(struct world *w, const struct odd *o, const struct plan_entry *e,
		       const struct plan_action *a)
{
	const char *what = plan_act_name(a->act);

	if (o->f.halted || !e->approved || e->held || e->unknown)
		violate(w, "odd", "%s of #%d, which has to wait", what, (int)e->pr);
	for (size_t k = 0; k < e->ndeps; k++)
		if (e->deps[k].state != PLAN_DEP_MERGED)
			violate(w, "odd", "%s of #%d before #%d", what, (int)e->pr,
				(int)e->deps[k].pr);
	if (a->act == PLAN_BUILD)
		return;
	if (strcmp(e->cand_base, o->f.base) != 0 || strcmp(e->cand_head, e->head) != 0)
		violate(w, "odd", "%s of #%d, which is stale", what, (int)e->pr);
	if (a->act == PLAN_LAND && (e->cand != PLAN_CAND_GREEN || o->f.frozen))
		violate(w, "odd", "#%d lands", (int)e->pr);
	if (a->act == PLAN_TEST && e->cand == PLAN_CAND_RED && e->rebuild)
		violate(w, "odd", "#%d is tested again, and the forge says the same again",
			(int)e->pr);
}

static void check_odd_action(struct world *w, const struct odd *o, const struct plan_action *a,
			     bool landing, int *alive)
{
	const struct plan_entry *e = a->entry ? &o->e[100 - a->entry] : NULL;
	bool starts = a->act == PLAN_BUILD || a->act == PLAN_TEST || a->act == PLAN_LAND;

	if ((starts || a->act == PLAN_TEST_BASE) && landing)
		violate(w, "odd", "%s beside a landing", plan_act_name(a->act));
	if (starts)
		check_goes(w, o, e, a);
	if (a->act == PLAN_TEST_BASE &&
	    (o->f.halted || o->f.health == PLAN_BASE_GREEN || o->f.health == PLAN_BASE_TESTING))
		violate(w, "odd", "the base is tested without a need");
	if (a->act == PLAN_EJECT && a->reason == PLAN_R_RED &&
	    (o->f.health != PLAN_BASE_GREEN || e->reruns < o->f.flake_reruns))
		violate(w, "odd", "#%d is blamed without evidence", (int)e->pr);
	*alive += starts;
}

static bool check_odd(struct world *w)
{
	struct odd o;
	struct plan p;
	bool landing = false;
	int alive = 0;

	odd_facts(w, &o);
	odd_graph(&o);
	for (size_t i = 0; i < o.f.nentries; i++)
		landing = landing || o.e[i].cand == PLAN_CAND_LANDING ||
			  o.e[i].cand == PLAN_CAND_DOUBT;
	plan_next(&o.f, &p);
	check_order(w, &o, &p);
	check_turn(w, &o, &p);
	for (size_t i = 0; i < p.nactions; i++)
		check_odd_action(w, &o, &p.actions[i], landing, &alive);
	/* One that is judged is alive as well: the base is tested for it. */
	for (size_t i = 0; i < p.nactions; i++)
		alive += p.actions[i].act == PLAN_WAIT && p.actions[i].reason == PLAN_R_BLAME;
	if (alive > 1)
		violate(w, "odd", "%d candidates go on at once", alive);
	plan_release(&p);
	return !w->failed;
}

#endif
