/* order.c - see order.h: numbering, dependencies, inherited priority and the queue's order. */
#include "queue/order.h"

#include "base/mem.h"

/* What an entry is ordered by. Its own, or that of a dependent that it must go before. */
struct key {
	int priority;
	int64_t enqueued_ms, id;
};

struct edge {
	size_t to, next; /* next edge from the same entry + 1; 0: none */
};

/* Sorting out the queue's order. */
struct sorter {
	struct order *o;
	struct key *key; /* by number: inherited */
	bool *blocked;   /* by number: waits for something outside the queue */
	int *class;      /* by number: inherited priority */
	size_t *hard;    /* by number: entries that have to go before and are not placed */
	size_t *soft;    /* by number: entries that ought to, could, and are not placed */
	size_t *users_at, *users;
	struct edge *edges; /* soft ones */
	size_t nedges, cap;
	size_t *first; /* by number: first soft edge + 1 */
	size_t *ready; /* heap: everything that has to go before is placed */
	size_t nready, nseq;
	bool *waiting; /* by number: taken off the heap until `soft` is 0 */
};

static int by_pr(const void *a, const void *b)
{
	const struct plan_entry *x = *(const struct plan_entry *const *)a;
	const struct plan_entry *y = *(const struct plan_entry *const *)b;

	if (x->pr != y->pr)
		return x->pr < y->pr ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

size_t order_find(const struct order *o, int64_t pr)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->entry[mid]->pr < pr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < o->n && o->entry[lo]->pr == pr ? lo : ORDER_NONE;
}

static void find_needs(struct order *o)
{
	size_t edges = 0, n = 0;

	for (size_t i = 0; i < o->n; i++)
		edges += o->entry[i]->ndeps;
	o->need = xcalloc(edges + 1, sizeof(*o->need));
	for (size_t i = 0; i < o->n; i++) {
		const struct plan_entry *e = o->entry[i];

		o->need_at[i] = n;
		for (size_t k = 0; k < e->ndeps; k++) {
			size_t dep = e->deps[k].state == PLAN_DEP_OPEN
					     ? order_find(o, e->deps[k].pr)
					     : ORDER_NONE;

			if (dep != ORDER_NONE)
				o->need[n++] = dep;
		}
	}
	o->need_at[o->n] = n;
}

/* --- keys ------------------------------------------------------------------------------------- */

static struct key own_key(const struct plan_entry *e)
{
	return (struct key){e->priority, e->enqueued_ms, e->id};
}

static int compare_keys(const struct key *a, const struct key *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->enqueued_ms != b->enqueued_ms)
		return a->enqueued_ms < b->enqueued_ms ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int compare(const struct sorter *s, size_t a, size_t b)
{
	int c = compare_keys(&s->key[a], &s->key[b]);
	struct key x, y;

	if (c)
		return c;
	x = own_key(s->o->entry[a]);
	y = own_key(s->o->entry[b]);
	c = compare_keys(&x, &y);
	return c ? c : (a < b ? -1 : a > b);
}

static bool blocked_itself(const struct order *o, const struct plan_entry *e)
{
	if (!e->approved || e->held)
		return true;
	for (size_t k = 0; k < e->ndeps; k++) {
		if (e->deps[k].state == PLAN_DEP_MERGED)
			continue;
		if (e->deps[k].state != PLAN_DEP_OPEN || order_find(o, e->deps[k].pr) == ORDER_NONE)
			return true;
	}
	return false;
}

/* An entry that could go, were it not for entries before it, pulls those to its own place. */
static void inherit_keys(struct sorter *s)
{
	const struct order *o = s->o;

	for (size_t t = 0; t < o->n; t++) {
		size_t i = o->topo[t];

		s->key[i] = own_key(o->entry[i]);
		s->blocked[i] = o->cyclic[i] || blocked_itself(o, o->entry[i]);
		for (size_t k = o->need_at[i]; k < o->need_at[i + 1]; k++)
			s->blocked[i] = s->blocked[i] || s->blocked[o->need[k]];
	}
	for (size_t t = o->n; t-- > 0;) {
		size_t i = o->topo[t];

		s->class[i] = s->key[i].priority;
		for (size_t k = o->need_at[i]; k < o->need_at[i + 1] && !s->blocked[i]; k++)
			if (compare_keys(&s->key[i], &s->key[o->need[k]]) < 0)
				s->key[o->need[k]] = s->key[i];
	}
}

/* --- edges ------------------------------------------------------------------------------------ */

/* Members of cycles do not hold each other up: they leave, and stand before those who need them. */
static bool counts(const struct order *o, size_t dep, size_t user)
{
	return !o->cyclic[dep] || !o->cyclic[user];
}

/* Who depends on whom, the other way round. */
static void count_hard(struct sorter *s)
{
	const struct order *o = s->o;
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		for (size_t k = o->need_at[i]; k < o->need_at[i + 1]; k++)
			s->users_at[o->need[k] + 1]++;
	for (size_t i = 0; i < o->n; i++)
		s->users_at[i + 1] += s->users_at[i];
	n = s->users_at[o->n];
	s->users = xcalloc(n + 1, sizeof(size_t));
	for (size_t i = 0; i < o->n; i++)
		for (size_t k = o->need_at[i]; k < o->need_at[i + 1]; k++) {
			size_t dep = o->need[k];

			s->users[--s->users_at[dep + 1]] = i;
			if (counts(o, dep, i))
				s->hard[i]++;
		}
	/* filling from the back has left each start where the one before it began */
	for (size_t i = 0; i < o->n; i++)
		s->users_at[i] = s->users_at[i + 1];
	s->users_at[o->n] = n;
}

static void add_soft(void *arg, size_t before, size_t after)
{
	struct sorter *s = arg;

	if (s->nedges == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->edges = xreallocarray(s->edges, s->cap, sizeof(*s->edges));
	}
	s->edges[s->nedges] = (struct edge){after, s->first[before]};
	s->first[before] = ++s->nedges;
}

struct aged {
	int class;
	struct key key;
	size_t i;
};

static int by_class_and_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	if (x->class != y->class)
		return x->class > y->class ? -1 : 1;
	if (x->key.enqueued_ms != y->key.enqueued_ms)
		return x->key.enqueued_ms < y->key.enqueued_ms ? -1 : 1;
	return x->key.id < y->key.id ? -1 : x->key.id > y->key.id;
}

/* Entries that wait for something outside hold nobody up, not even softly. */
static void count_soft(struct sorter *s)
{
	autofree struct aged *aged = xcalloc(s->o->n + 1, sizeof(*aged));
	autofree size_t *by_age = xcalloc(s->o->n + 1, sizeof(*by_age));
	size_t n = 0;

	for (size_t i = 0; i < s->o->n; i++)
		if (!s->blocked[i])
			aged[n++] = (struct aged){s->class[i], own_key(s->o->entry[i]), i};
	qsort(aged, n, sizeof(*aged), by_class_and_age);
	for (size_t i = 0; i < n; i++)
		by_age[i] = aged[i].i;
	order_soft(s->o, by_age, n, add_soft, s);
}

/* --- the heap -------------------------------------------------------------------------------- */

static void heap_push(struct sorter *s, size_t v)
{
	size_t i = s->nready++;

	for (; i && compare(s, v, s->ready[(i - 1) / 2]) < 0; i = (i - 1) / 2)
		s->ready[i] = s->ready[(i - 1) / 2];
	s->ready[i] = v;
}

static size_t heap_pop(struct sorter *s)
{
	size_t *heap = s->ready, n = --s->nready;
	size_t top = heap[0], v = heap[n], i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && compare(s, heap[child + 1], heap[child]) < 0)
			child++;
		if (compare(s, heap[child], v) >= 0)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = v;
	return top;
}

/* --- the order -------------------------------------------------------------------------------- */

/*
 * v could be placed now, so that entries which ought to go after it wait for it. One that cannot be
 * placed yet is not waited for: it may depend on the very entry that would wait.
 */
static void make_ready(struct sorter *s, size_t v)
{
	for (size_t e = s->first[v]; e; e = s->edges[e - 1].next)
		s->soft[s->edges[e - 1].to]++;
	heap_push(s, v);
}

static void place(struct sorter *s, size_t v)
{
	s->o->seq[s->nseq++] = v;
	for (size_t e = s->first[v]; e; e = s->edges[e - 1].next) {
		size_t w = s->edges[e - 1].to;

		if (--s->soft[w] == 0 && s->waiting[w]) {
			s->waiting[w] = false;
			heap_push(s, w);
		}
	}
	for (size_t k = s->users_at[v]; k < s->users_at[v + 1]; k++)
		if (counts(s->o, v, s->users[k]) && --s->hard[s->users[k]] == 0)
			make_ready(s, s->users[k]);
}

/* Soft edges lead from higher to lower priority and from older to newer inside one, so that among
 * the entries that are ready there is always one of the highest which waits for nobody. */
static void sort_out(struct sorter *s)
{
	for (size_t i = 0; i < s->o->n; i++)
		if (!s->hard[i])
			make_ready(s, i);
	while (s->nready) {
		size_t v = heap_pop(s);

		if (s->soft[v])
			s->waiting[v] = true;
		else
			place(s, v);
	}
}

static void order_sequence(struct order *o)
{
	size_t n = o->n + 2;
	autofree struct key *key = xcalloc(n, sizeof(*key));
	autofree bool *blocked = xcalloc(n, sizeof(bool));
	autofree int *class = xcalloc(n, sizeof(int));
	autofree size_t *hard = xcalloc(n, sizeof(size_t));
	autofree size_t *soft = xcalloc(n, sizeof(size_t));
	autofree size_t *users_at = xcalloc(n, sizeof(size_t));
	autofree size_t *first = xcalloc(n, sizeof(size_t));
	autofree size_t *ready = xcalloc(n, sizeof(size_t));
	autofree bool *waiting = xcalloc(n, sizeof(bool));
	struct sorter s = {.o = o,
			   .key = key,
			   .blocked = blocked,
			   .class = class,
			   .hard = hard,
			   .soft = soft,
			   .users_at = users_at,
			   .first = first,
			   .ready = ready,
			   .waiting = waiting};

	inherit_keys(&s);
	count_hard(&s);
	count_soft(&s);
	sort_out(&s);
	free(s.users);
	free(s.edges);
}

void order_make(const struct plan_facts *f, struct order *ret)
{
	size_t n = f->nentries;

	*ret = (struct order){.n = n};
	ret->entry = xcalloc(n + 1, sizeof(const struct plan_entry *));
	ret->topo = xcalloc(n + 1, sizeof(*ret->topo));
	ret->seq = xcalloc(n + 1, sizeof(*ret->seq));
	ret->cyclic = xcalloc(n + 1, sizeof(*ret->cyclic));
	ret->cycle = xcalloc(n + 1, sizeof(*ret->cycle));
	ret->ncycle = xcalloc(n + 1, sizeof(*ret->ncycle));
	ret->need_at = xcalloc(n + 1, sizeof(*ret->need_at));
	for (size_t i = 0; i < n; i++)
		ret->entry[i] = &f->entries[i];
	qsort(ret->entry, n, sizeof(const struct plan_entry *), by_pr);
	find_needs(ret);
	order_cycles(ret);
	order_sequence(ret);
}

void order_release(struct order *o)
{
	for (size_t i = 0; o->cycle && i < o->n; i++)
		free(o->cycle[i]);
	free(o->entry);
	free(o->topo);
	free(o->seq);
	free(o->cyclic);
	free(o->cycle);
	free(o->ncycle);
	free(o->need_at);
	free(o->need);
	*o = (struct order){0};
}
