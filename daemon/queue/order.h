/*
 * order.h - the graph of a queue's entries: who goes before whom, and which entries depend on
 * themselves. For plan.c only.
 *
 * Entries are numbered by their PR (and id), not by their place in the facts, so that the same
 * facts in another order give the same result. All of it is linear in entries, dependencies and
 * files, up to the sorting.
 */
#ifndef YM_QUEUE_ORDER_H
#define YM_QUEUE_ORDER_H

#include "queue/plan.h"

#define ORDER_NONE SIZE_MAX

struct order {
	size_t n;
	const struct plan_entry **entry; /* by number */
	size_t *topo;                    /* numbers, dependencies first (cycles in any order) */
	size_t *seq;                     /* numbers in queue order */
	bool *cyclic;                    /* by number: the entry depends on itself */
	int64_t **cycle;                 /* by number: PRs, first repeated last; NULL: in none */
	size_t *ncycle;

	/* Open dependencies among the entries: need[need_at[i]] to need[need_at[i + 1] - 1]. */
	size_t *need_at, *need;
};

void order_make(const struct plan_facts *f, struct order *ret);
void order_release(struct order *o);
size_t order_find(const struct order *o, int64_t pr); /* ORDER_NONE: not queued */

/* order_cycle.c: fills topo, cyclic, cycle and ncycle from need. */
void order_cycles(struct order *o);
/* order_soft.c: calls add(arg, before, after) for each two entries that change the same file and
 * follow each other in `by_age`, the n numbers that count, by inherited priority and age. */
void order_soft(const struct order *o, const size_t *by_age, size_t n,
		void (*add)(void *arg, size_t before, size_t after), void *arg);

#endif
