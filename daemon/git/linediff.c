/* linediff.c - see linediff.h */
#include "git/linediff.h"

#include "base/mem.h"

#include <string.h>

#define OFTEN 64 /* a line that occurs more often never anchors a match */
#define NONE  SIZE_MAX

struct gr_line_slot {
	const char *s;
	size_t n;
	uint64_t hash;
	uint32_t id;
};

/* Eight bytes at a time; the number of those that are left counts, as lines are long and short. */
static uint64_t hash_line(uint64_t seed, const char *s, size_t n)
{
	uint64_t h = (seed ^ n) * 0x9e3779b97f4a7c15u, w;

	for (; n >= sizeof(w); s += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, s, sizeof(w));
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, s, n);
	h = (h ^ w) * 0xff51afd7ed558ccdu;
	return h ^ h >> 32;
}

static struct gr_line_slot *find_slot(struct gr_line_slot *slots, size_t nslots, const char *s,
				      size_t n, uint64_t hash)
{
	size_t i = (size_t)hash & (nslots - 1);

	while (slots[i].s &&
	       !(slots[i].hash == hash && slots[i].n == n && !memcmp(slots[i].s, s, n)))
		i = (i + 1) & (nslots - 1);
	return &slots[i];
}

/* Room for `more` lines besides those that are there. */
static void make_room(struct gr_line_ids *ids, size_t more)
{
	size_t n = ids->nslots ? ids->nslots : 256;
	struct gr_line_slot *slots;

	while (n < 2 * (ids->n + more) + 1)
		n *= 2;
	if (n == ids->nslots)
		return;
	slots = xcalloc(n, sizeof(*slots));
	for (size_t i = 0; i < ids->nslots; i++) {
		const struct gr_line_slot *from = &ids->slots[i];

		if (from->s)
			*find_slot(slots, n, from->s, from->n, from->hash) = *from;
	}
	free(ids->slots);
	ids->slots = slots;
	ids->nslots = n;
}

static uint32_t id_of(struct gr_line_ids *ids, const char *s, size_t n)
{
	/* Where the table is: nobody can write lines that all fall on one place. */
	uint64_t hash = hash_line((uintptr_t)ids, s, n);
	struct gr_line_slot *slot;

	if (2 * (size_t)ids->n >= ids->nslots)
		make_room(ids, ids->n + 1);
	slot = find_slot(ids->slots, ids->nslots, s, n, hash);
	if (!slot->s)
		*slot = (struct gr_line_slot){.s = s, .n = n, .hash = hash, .id = ids->n++};
	return slot->id;
}

/* The newline belongs to its line: a last line without one differs from one with it. */
void gr_lines_split(struct gr_line_ids *ids, const char *s, size_t n, struct gr_lines *ret)
{
	size_t count = 0, i = 0;

	for (const char *p = s; p < s + n; count++) {
		const char *nl = memchr(p, '\n', (size_t)(s + n - p));

		p = nl ? nl + 1 : s + n;
	}
	make_room(ids, ids->n ? count / 8 + 8 : count);
	*ret = (struct gr_lines){.s = s, .n = count};
	ret->at = xreallocarray(NULL, count + 1, sizeof(*ret->at));
	ret->id = xreallocarray(NULL, count + 1, sizeof(*ret->id));
	for (size_t from = 0; i < count; i++) {
		const char *nl = memchr(s + from, '\n', n - from);
		size_t to = nl ? (size_t)(nl - s) + 1 : n;

		ret->at[i] = from;
		ret->id[i] = id_of(ids, s + from, to - from);
		from = to;
	}
	ret->at[count] = n;
}

void gr_lines_release(struct gr_lines *l)
{
	free(l->at);
	free(l->id);
	*l = (struct gr_lines){0};
}

void gr_line_ids_release(struct gr_line_ids *ids)
{
	free(ids->slots);
	*ids = (struct gr_line_ids){0};
}

void gr_hunks_release(struct gr_hunks *h)
{
	free(h->v);
	*h = (struct gr_hunks){0};
}

struct region {
	size_t a0, a1, b0, b1; /* half-open */
};

/* The changed lines of one file, with an unchanged one on either side for the loops to stop at. */
struct marks {
	bool *at; /* at[-1] and at[n] are valid and false */
	bool *base;
	const uint32_t *id;
	size_t n;
};

struct diff {
	const uint32_t *a, *b;
	struct marks ma, mb;
	uint32_t *count; /* by id: occurrences in the present region of a */
	size_t *first;   /* by id: the lowest of them */
	size_t *next;    /* by line of a: the next higher line with the same id */
	struct region *todo;
	size_t ntodo, cap;
};

static void marks_init(struct marks *m, const struct gr_lines *l)
{
	m->base = xcalloc(l->n + 2, sizeof(*m->base));
	m->at = m->base + 1;
	m->id = l->id;
	m->n = l->n;
}

static void push(struct diff *d, size_t a0, size_t a1, size_t b0, size_t b1)
{
	if (d->ntodo == d->cap)
		d->todo =
			xreallocarray(d->todo, d->cap = d->cap ? 2 * d->cap : 32, sizeof(*d->todo));
	d->todo[d->ntodo++] = (struct region){a0, a1, b0, b1};
}

static void index_region(struct diff *d, const struct region *r)
{
	for (size_t i = r->a1; i-- > r->a0;) {
		uint32_t id = d->a[i];

		d->next[i] = d->count[id]++ ? d->first[id] : NONE;
		d->first[id] = i;
	}
}

static void forget_region(struct diff *d, const struct region *r)
{
	for (size_t i = r->a0; i < r->a1; i++)
		d->count[d->a[i]] = 0;
}

/* The best common stretch so far: the rarer its rarest line, the better; then the longer. */
struct best {
	bool found, common;
	size_t a, b, len;
	uint32_t rarity;
};

/* Grows a match at a[ai] = b[bi] both ways and keeps it if it is better; returns its end in a. */
static size_t try_match(struct diff *d, const struct region *r, size_t ai, size_t bi,
			struct best *best, size_t *b_next)
{
	size_t as = ai, bs = bi, ae = ai, be = bi;
	uint32_t rare = d->count[d->a[ai]];

	while (as > r->a0 && bs > r->b0 && d->a[as - 1] == d->b[bs - 1]) {
		as--, bs--;
		if (rare > 1 && d->count[d->a[as]] < rare)
			rare = d->count[d->a[as]];
	}
	while (ae + 1 < r->a1 && be + 1 < r->b1 && d->a[ae + 1] == d->b[be + 1]) {
		ae++, be++;
		if (rare > 1 && d->count[d->a[ae]] < rare)
			rare = d->count[d->a[ae]];
	}
	if (*b_next <= be)
		*b_next = be + 1;
	/* "longer" compares with a stretch of one line while there is none yet */
	if (ae - as > (best->found ? best->len - 1 : 0) || rare < best->rarity)
		*best = (struct best){.found = true,
				      .common = true,
				      .a = as,
				      .b = bs,
				      .len = ae - as + 1,
				      .rarity = rare};
	return ae;
}

static size_t try_line(struct diff *d, const struct region *r, size_t bi, struct best *best)
{
	uint32_t id = d->b[bi];
	size_t b_next = bi + 1, ai;

	if (!d->count[id])
		return b_next;
	best->common = true;
	if (d->count[id] > best->rarity)
		return b_next;
	for (ai = d->first[id]; ai != NONE;) {
		size_t end = try_match(d, r, ai, bi, best, &b_next);

		do
			ai = d->next[ai];
		while (ai != NONE && ai <= end);
	}
	return b_next;
}

static void mark(struct marks *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		m->at[i] = true;
}

/* false: only lines that occur too often are common. */
static bool split_region(struct diff *d, const struct region *r)
{
	struct best best = {.rarity = OFTEN + 1};

	if (r->a0 == r->a1 || r->b0 == r->b1) {
		mark(&d->ma, r->a0, r->a1);
		mark(&d->mb, r->b0, r->b1);
		return true;
	}
	index_region(d, r);
	for (size_t bi = r->b0; bi < r->b1;)
		bi = try_line(d, r, bi, &best);
	forget_region(d, r);
	if (best.common && best.rarity > OFTEN)
		return false;
	if (!best.found) {
		mark(&d->ma, r->a0, r->a1);
		mark(&d->mb, r->b0, r->b1);
		return true;
	}
	push(d, r->a0, best.a, r->b0, best.b);
	push(d, best.a + best.len, r->a1, best.b + best.len, r->b1);
	return true;
}

/* A run of changed lines [start, end), possibly empty: the gap between two unchanged lines. */
struct group {
	size_t start, end;
};

static void group_first(const struct marks *m, struct group *g)
{
	g->start = g->end = 0;
	while (m->at[g->end])
		g->end++;
}

static bool group_next(const struct marks *m, struct group *g)
{
	if (g->end == m->n)
		return false;
	g->start = g->end = g->end + 1;
	while (m->at[g->end])
		g->end++;
	return true;
}

static bool group_previous(const struct marks *m, struct group *g)
{
	if (g->start == 0)
		return false;
	g->start = g->end = g->start - 1;
	while (g->start > 0 && m->at[g->start - 1])
		g->start--;
	return true;
}

/* Moving a group by one line keeps the text when the line that enters equals the one that leaves;
 * it may grow together with the next group. */
static bool slide_down(struct marks *m, struct group *g)
{
	if (g->end == m->n || m->id[g->start] != m->id[g->end])
		return false;
	m->at[g->start++] = false;
	m->at[g->end++] = true;
	while (m->at[g->end])
		g->end++;
	return true;
}

static bool slide_up(struct marks *m, struct group *g)
{
	if (g->start == 0 || m->id[g->start - 1] != m->id[g->end - 1])
		return false;
	m->at[--g->start] = true;
	m->at[--g->end] = false;
	while (g->start > 0 && m->at[g->start - 1])
		g->start--;
	return true;
}

/* One group to its place: as far down as it goes, or back to the last place where the other file
 * has a group, too. `o` is the group of the other file that stands opposite. */
static void place_group(struct marks *m, struct marks *mo, struct group *g, struct group *o)
{
	size_t size, highest;
	bool opposite;

	do {
		size = g->end - g->start;
		while (slide_up(m, g))
			group_previous(mo, o);
		highest = g->end;
		opposite = o->end > o->start;
		while (slide_down(m, g)) {
			group_next(mo, o);
			opposite = opposite || o->end > o->start;
		}
	} while (size != g->end - g->start);
	if (g->end == highest || !opposite)
		return;
	while (o->end == o->start && slide_up(m, g))
		group_previous(mo, o);
}

static void compact(struct marks *m, struct marks *mo)
{
	struct group g, o;

	group_first(m, &g);
	group_first(mo, &o);
	for (;;) {
		if (g.end > g.start)
			place_group(m, mo, &g, &o);
		if (!group_next(m, &g) || !group_next(mo, &o))
			return;
	}
}

static void collect(const struct diff *d, struct gr_hunks *ret)
{
	size_t i = 0, j = 0, cap = 0;

	while (i < d->ma.n || j < d->mb.n) {
		struct gr_hunk h = {.i1 = i, .i2 = j};

		while (d->ma.at[i])
			i++;
		while (d->mb.at[j])
			j++;
		h.n1 = i - h.i1;
		h.n2 = j - h.i2;
		if (!h.n1 && !h.n2) {
			i++, j++;
			continue;
		}
		if (ret->n == cap)
			ret->v = xreallocarray(ret->v, cap = cap ? 2 * cap : 16, sizeof(h));
		ret->v[ret->n++] = h;
	}
}

bool gr_line_diff(const struct gr_lines *a, const struct gr_lines *b, uint32_t nids,
		  struct gr_hunks *ret)
{
	struct diff d = {.a = a->id, .b = b->id};
	bool sure = true;

	*ret = (struct gr_hunks){0};
	marks_init(&d.ma, a);
	marks_init(&d.mb, b);
	d.count = xcalloc(nids + 1, sizeof(*d.count));
	d.first = xreallocarray(NULL, nids + 1, sizeof(*d.first));
	d.next = xreallocarray(NULL, a->n + 1, sizeof(*d.next));
	push(&d, 0, a->n, 0, b->n);
	while (sure && d.ntodo) {
		struct region r = d.todo[--d.ntodo];

		sure = split_region(&d, &r);
	}
	if (sure) {
		compact(&d.ma, &d.mb);
		compact(&d.mb, &d.ma);
		collect(&d, ret);
	}
	free(d.ma.base);
	free(d.mb.base);
	free(d.count);
	free(d.first);
	free(d.next);
	free(d.todo);
	return sure;
}
