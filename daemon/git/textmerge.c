/* textmerge.c - see textmerge.h */
#include "git/textmerge.h"

#include "base/mem.h"
#include "git/linediff.h"

#include <string.h>

#define BINARY_LOOK 8000 /* git looks for a NUL in so many bytes */

enum taken { BOTH, OURS, THEIRS }; /* BOTH: a conflict, until found identical */

/* A stretch of the ancestor [i0, i0+n0) that is [i1, i1+n1) in ours and [i2, i2+n2) in theirs. */
struct piece {
	enum taken taken;
	size_t i0, n0, i1, n1, i2, n2;
};

struct merge {
	struct gr_line_ids ids;
	struct gr_lines o, a, b;
	struct gr_hunks ha, hb;
	struct piece *v;
	size_t n, cap;
};

static void merge_release(struct merge *m)
{
	gr_line_ids_release(&m->ids);
	gr_lines_release(&m->o);
	gr_lines_release(&m->a);
	gr_lines_release(&m->b);
	gr_hunks_release(&m->ha);
	gr_hunks_release(&m->hb);
	free(m->v);
}

void gr_ranges_release(struct gr_ranges *r)
{
	free(r->v);
	*r = (struct gr_ranges){0};
}

/* A piece that touches the one before it on either side becomes one with it, and two changes by
 * different sides that became one are a conflict. */
static void add_piece(struct merge *m, struct piece p)
{
	struct piece *last = m->n ? &m->v[m->n - 1] : NULL;

	if (last && (p.i1 <= last->i1 + last->n1 || p.i2 <= last->i2 + last->n2)) {
		if (p.taken != last->taken)
			last->taken = BOTH;
		last->n0 = p.i0 + p.n0 - last->i0;
		last->n1 = p.i1 + p.n1 - last->i1;
		last->n2 = p.i2 + p.n2 - last->i2;
		return;
	}
	if (m->n == m->cap)
		m->v = xreallocarray(m->v, m->cap = m->cap ? 2 * m->cap : 16, sizeof(p));
	// NOLINTNEXTLINE(clang-analyzer-core.NullDereference): v is NULL only while cap is 0
	m->v[m->n++] = p;
}

static bool same_change(const struct merge *m, const struct gr_hunk *a, const struct gr_hunk *b)
{
	return a->i1 == b->i1 && a->n1 == b->n1 && a->n2 == b->n2 &&
	       !memcmp(m->a.id + a->i2, m->b.id + b->i2, a->n2 * sizeof(*m->a.id));
}

/* Two changes that overlap or adjoin: the piece spans both in all three files. */
static struct piece overlap(const struct gr_hunk *a, const struct gr_hunk *b)
{
	size_t start = a->i1 < b->i1 ? a->i1 : b->i1;
	size_t end_a = a->i1 + a->n1, end_b = b->i1 + b->n1;
	size_t end = end_a > end_b ? end_a : end_b;

	return (struct piece){.taken = BOTH,
			      .i0 = start,
			      .n0 = end_a - start,
			      .i1 = a->i2 - (a->i1 - start),
			      .n1 = a->n2 + (a->i1 - start) + (end - end_a),
			      .i2 = b->i2 - (b->i1 - start),
			      .n2 = b->n2 + (b->i1 - start) + (end - end_b)};
}

/* `delta` is how many lines the other side has more than the ancestor at this place. */
static void add_ours(struct merge *m, const struct gr_hunk *a, ptrdiff_t delta)
{
	add_piece(m, (struct piece){OURS, a->i1, a->n1, a->i2, a->n2,
				    (size_t)((ptrdiff_t)a->i1 + delta), a->n1});
}

static void add_theirs(struct merge *m, const struct gr_hunk *b, ptrdiff_t delta)
{
	add_piece(m, (struct piece){THEIRS, b->i1, b->n1, (size_t)((ptrdiff_t)b->i1 + delta), b->n1,
				    b->i2, b->n2});
}

static void combine(struct merge *m)
{
	const struct gr_hunk *a = m->ha.v, *b = m->hb.v;
	const struct gr_hunk *a_end = a + m->ha.n, *b_end = b + m->hb.n;

	while (a < a_end && b < b_end) {
		size_t end_a = a->i1 + a->n1, end_b = b->i1 + b->n1;

		if (end_a < b->i1) {
			add_ours(m, a, (ptrdiff_t)b->i2 - (ptrdiff_t)b->i1);
			a++;
			continue;
		}
		if (end_b < a->i1) {
			add_theirs(m, b, (ptrdiff_t)a->i2 - (ptrdiff_t)a->i1);
			b++;
			continue;
		}
		if (!same_change(m, a, b))
			add_piece(m, overlap(a, b));
		b += end_a >= end_b;
		a += end_b >= end_a;
	}
	for (; a < a_end; a++)
		add_ours(m, a, (ptrdiff_t)m->b.n - (ptrdiff_t)m->o.n);
	for (; b < b_end; b++)
		add_theirs(m, b, (ptrdiff_t)m->a.n - (ptrdiff_t)m->o.n);
}

/* Both sides wrote the same, only in other hunks: nothing to disagree about. */
static bool identical(const struct merge *m, const struct piece *p)
{
	return p->n1 && p->n1 == p->n2 &&
	       !memcmp(m->a.id + p->i1, m->b.id + p->i2, p->n1 * sizeof(*m->a.id));
}

static bool list_conflicts(const struct merge *m, struct gr_ranges *ret)
{
	struct gr_ranges r = {0};

	for (size_t i = 0; i < m->n; i++) {
		const struct piece *p = &m->v[i];

		if (p->taken != BOTH || identical(m, p))
			continue;
		r.v = xreallocarray(r.v, r.n + 1, sizeof(*r.v));
		/* Lines that ours deleted: the place where they were. */
		r.v[r.n++] = p->n1 ? (struct gr_range){p->i1 + 1, p->i1 + p->n1}
				   : (struct gr_range){p->i1 ? p->i1 : 1, p->i1 ? p->i1 : 1};
	}
	if (ret)
		*ret = r;
	else
		free(r.v);
	return r.n > 0;
}

static void copy_lines(struct buf *to, const struct gr_lines *l, size_t from, size_t end)
{
	buf_add(to, l->s + l->at[from], l->at[end] - l->at[from]);
}

/* Ours, with the pieces that are theirs put in. */
static void write_out(const struct merge *m, struct buf *ret)
{
	size_t at = 0;

	buf_room(ret, m->a.at[m->a.n] + m->b.at[m->b.n]);
	for (size_t i = 0; i < m->n; i++) {
		const struct piece *p = &m->v[i];

		if (p->taken != THEIRS)
			continue;
		copy_lines(ret, &m->a, at, p->i1);
		copy_lines(ret, &m->b, p->i2, p->i2 + p->n2);
		at = p->i1 + p->n1;
	}
	copy_lines(ret, &m->a, at, m->a.n);
}

static bool is_binary(const struct buf *b)
{
	return b->len && memchr(b->s, 0, b->len < BINARY_LOOK ? b->len : BINARY_LOOK);
}

enum gr_text gr_text_merge(const struct buf *ancestor, const struct buf *ours,
			   const struct buf *theirs, struct buf *ret, struct gr_ranges *ret_where)
{
	cleanup(merge_release) struct merge m = {0};

	if (ancestor->len > GR_TEXT_MAX || ours->len > GR_TEXT_MAX || theirs->len > GR_TEXT_MAX)
		return GR_TEXT_UNSURE;
	if (is_binary(ancestor) || is_binary(ours) || is_binary(theirs))
		return GR_TEXT_BINARY;
	gr_lines_split(&m.ids, ancestor->s, ancestor->len, &m.o);
	gr_lines_split(&m.ids, ours->s, ours->len, &m.a);
	gr_lines_split(&m.ids, theirs->s, theirs->len, &m.b);
	if (!gr_line_diff(&m.o, &m.a, m.ids.n, &m.ha) || !gr_line_diff(&m.o, &m.b, m.ids.n, &m.hb))
		return GR_TEXT_UNSURE;
	combine(&m);
	if (list_conflicts(&m, ret_where))
		return GR_TEXT_CONFLICT;
	if (ret)
		write_out(&m, ret);
	return ret && ret->failed ? GR_TEXT_UNSURE : GR_TEXT_CLEAN;
}
