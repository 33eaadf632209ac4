/* order_cycle.c - strongly connected parts by Tarjan's algorithm, and a cycle for each member. */
#include "base/mem.h"
#include "queue/order.h"

/* The recursion is kept in arrays: a chain of stacked PRs may be as long as the queue. */
struct tarjan {
	struct order *o;
	size_t *index; /* order of discovery, from 1; 0: not seen */
	size_t *low;   /* smallest index that can be reached */
	size_t *next;  /* next edge to look at */
	size_t *part;  /* stack of the parts that are not closed yet */
	size_t *path;  /* stack of the recursion */
	bool *open;    /* on `part` */
	size_t *comp;  /* by number: the component, counted from 1 */
	size_t npart, npath, seen, ntopo, ncomp;
};

static void enter(struct tarjan *t, size_t v)
{
	t->index[v] = t->low[v] = ++t->seen;
	t->next[v] = t->o->need_at[v];
	t->part[t->npart++] = v;
	t->open[v] = true;
	t->path[t->npath++] = v;
}

/* v is the root of a component: takes it off the stack. Components come out dependencies first. */
static void close_component(struct tarjan *t, size_t v)
{
	bool alone = t->part[t->npart - 1] == v;
	size_t w;

	t->ncomp++;
	do {
		w = t->part[--t->npart];
		t->open[w] = false;
		t->comp[w] = t->ncomp;
		t->o->topo[t->ntopo++] = w;
		t->o->cyclic[w] = !alone;
	} while (w != v);
}

static void leave(struct tarjan *t, size_t v)
{
	t->npath--;
	if (t->npath) {
		size_t up = t->path[t->npath - 1];

		if (t->low[v] < t->low[up])
			t->low[up] = t->low[v];
	}
	if (t->low[v] == t->index[v])
		close_component(t, v);
}

static void visit(struct tarjan *t, size_t root)
{
	enter(t, root);
	while (t->npath) {
		size_t v = t->path[t->npath - 1], w;

		if (t->next[v] == t->o->need_at[v + 1]) {
			leave(t, v);
			continue;
		}
		w = t->o->need[t->next[v]++];
		if (!t->index[w])
			enter(t, w);
		else if (t->open[w] && t->index[w] < t->low[v])
			t->low[v] = t->index[w];
	}
}

static bool needs_itself(const struct order *o, size_t v)
{
	for (size_t k = o->need_at[v]; k < o->need_at[v + 1]; k++)
		if (o->need[k] == v)
			return true;
	return false;
}

/*
 * A shortest way from `from` back to itself inside its component, breadth first: from[], via the
 * array `up`. Returns its length, with the members in walk[] from `from` on.
 */
static size_t walk_back(const struct order *o, const size_t *comp, size_t from, size_t *up,
			size_t *todo, size_t *walk)
{
	size_t head = 0, tail = 0, n = 0, last = ORDER_NONE;

	for (size_t i = 0; i < o->n; i++)
		up[i] = ORDER_NONE;
	todo[tail++] = from;
	while (head < tail && last == ORDER_NONE) {
		size_t v = todo[head++];

		for (size_t k = o->need_at[v]; k < o->need_at[v + 1]; k++) {
			size_t w = o->need[k];

			if (w == from) {
				last = v;
				break;
			}
			if (comp[w] == comp[from] && up[w] == ORDER_NONE) {
				up[w] = v;
				todo[tail++] = w;
			}
		}
	}
	for (size_t v = last; v != from; v = up[v])
		n++;
	for (size_t v = last, k = n; k; v = up[v])
		walk[k--] = v;
	walk[0] = from;
	return n + 1;
}

/* Every member of the walk gets it, turned so that it begins with the member itself. */
static void give_cycle(struct order *o, const size_t *walk, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t v = walk[i];

		if (o->cycle[v])
			continue;
		o->cycle[v] = xcalloc(n + 1, sizeof(int64_t));
		o->ncycle[v] = n + 1;
		for (size_t k = 0, at = i; k <= n; k++, at = at + 1 < n ? at + 1 : 0)
			o->cycle[v][k] = o->entry[walk[at]]->pr;
	}
}

static void name_cycles(struct order *o, const size_t *comp)
{
	autofree size_t *up = xcalloc(o->n + 1, sizeof(size_t));
	autofree size_t *todo = xcalloc(o->n + 1, sizeof(size_t));
	autofree size_t *walk = xcalloc(o->n + 1, sizeof(size_t));

	for (size_t v = 0; v < o->n; v++)
		if (o->cyclic[v] && !o->cycle[v])
			give_cycle(o, walk, walk_back(o, comp, v, up, todo, walk));
}

void order_cycles(struct order *o)
{
	size_t n = o->n + 1;
	autofree size_t *index = xcalloc(n, sizeof(size_t));
	autofree size_t *low = xcalloc(n, sizeof(size_t));
	autofree size_t *next = xcalloc(n, sizeof(size_t));
	autofree size_t *part = xcalloc(n, sizeof(size_t));
	autofree size_t *path = xcalloc(n, sizeof(size_t));
	autofree size_t *comp = xcalloc(n, sizeof(size_t));
	autofree bool *open = xcalloc(n, sizeof(bool));
	struct tarjan t = {.o = o,
			   .index = index,
			   .low = low,
			   .next = next,
			   .part = part,
			   .path = path,
			   .open = open,
			   .comp = comp};

	for (size_t v = 0; v < o->n; v++)
		if (!index[v])
			visit(&t, v);
	for (size_t v = 0; v < o->n; v++)
		if (needs_itself(o, v))
			o->cyclic[v] = true;
	name_cycles(o, comp);
}
