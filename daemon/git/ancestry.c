/* ancestry.c - see ancestry.h */
#include "git/ancestry_part.h"

#include "sys/fs.h"

#include <unistd.h>

#define ONE    1u  /* reached from the first commit */
#define TWO    2u  /* from the second */
#define STALE  4u  /* below a common ancestor */
#define RESULT 8u  /* in the list of common ancestors */
#define QUEUED 16u /* waits */

#define ADVANCE_MAX 1000 /* commits that a set grows by */
#define SET_TIMES   2

static void list_add(struct list *l, uint32_t id)
{
	if (l->n == l->cap)
		l->v = xreallocarray(l->v, l->cap = l->cap ? 2 * l->cap : 256, sizeof(*l->v));
	l->v[l->n++] = id;
}

/* --- the queue: a heap, the highest generation and then the latest date on top --- */

static bool before(const struct waiting *x, const struct waiting *y)
{
	return x->generation != y->generation ? x->generation > y->generation : x->date > y->date;
}

static void heap_push(struct gr_ancestry *a, struct waiting w)
{
	size_t i = a->nheap++;

	if (i == a->cap_heap)
		a->heap = xreallocarray(a->heap, a->cap_heap = a->cap_heap ? 2 * a->cap_heap : 256,
					sizeof(w));
	for (; i && before(&w, &a->heap[(i - 1) / 2]); i = (i - 1) / 2)
		a->heap[i] = a->heap[(i - 1) / 2];
	a->heap[i] = w;
}

static struct waiting heap_pop(struct gr_ancestry *a)
{
	struct waiting top = a->heap[0], last = a->heap[--a->nheap];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < a->nheap; i = child) {
		if (child + 1 < a->nheap && before(&a->heap[child + 1], &a->heap[child]))
			child++;
		if (!before(&a->heap[child], &last))
			break;
		a->heap[i] = a->heap[child];
	}
	a->heap[i] = last;
	return top;
}

/* --- the walk --- */

static uint8_t *flags_of(struct gr_ancestry *a, uint32_t id)
{
	if (id >= a->nflags) {
		size_t n = 2 * (size_t)id + 1024;

		a->flags = xreallocarray(a->flags, n, 1);
		memset(a->flags + a->nflags, 0, n - a->nflags);
		a->nflags = n;
	}
	return &a->flags[id];
}

static void clear(struct gr_ancestry *a)
{
	for (size_t i = 0; i < a->touched.n; i++)
		a->flags[a->touched.v[i]] = 0;
	a->touched.n = a->found.n = a->nheap = a->fresh = 0;
}

/* A commit, whose generation has to be lower than its child's. */
static int get_below(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, uint64_t below,
		     struct gr_cgraph_commit *ret, struct err *err)
{
	int rc = anc_get(a, r, id, ret, err);

	return rc == 0 && ret->generation != NEWEST && ret->generation >= below ? BAD : rc;
}

/* Puts marks on a commit and has it walked (again). `below` is the generation of its child. */
static int paint(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, uint8_t marks,
		 uint64_t below, struct err *err)
{
	uint8_t *f = flags_of(a, id), was = *f;
	struct gr_cgraph_commit c;
	int rc;

	if ((was & marks) == marks)
		return 0;
	if (!was)
		list_add(&a->touched, id);
	*f |= marks | QUEUED;
	if (was & QUEUED) {
		a->fresh -= !(was & STALE) && marks & STALE;
		return 0;
	}
	a->fresh += !(*f & STALE);
	rc = get_below(a, r, id, below, &c, err);
	if (rc < 0)
		return rc;
	heap_push(a, (struct waiting){c.generation, c.date, id});
	return 0;
}

static int paint_parents(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, uint8_t marks,
			 struct err *err)
{
	struct gr_cgraph_commit c;
	int rc = anc_get(a, r, id, &c, err);

	for (uint32_t i = 0; rc == 0 && i < c.n; i++)
		rc = paint(a, r, gr_cgraph_parent(&c, i), marks, c.generation, err);
	return rc;
}

/* Until only stale commits wait, or `stop` is reached by both (NOBODY: no such end). */
#define NOBODY UINT32_MAX
static int walk(struct gr_ancestry *a, struct gr_repo *r, uint32_t stop, struct err *err)
{
	int rc = 0;

	while (rc == 0 && a->fresh) {
		uint32_t id = heap_pop(a).id;
		uint8_t *f = &a->flags[id], marks = *f & (ONE | TWO | STALE);

		*f &= (uint8_t)~QUEUED;
		a->fresh -= !(marks & STALE);
		if (marks == (ONE | TWO)) {
			if (id == stop)
				return 0;
			if (!(*f & RESULT))
				list_add(&a->found, id);
			*f |= RESULT;
			marks |= STALE;
		}
		rc = paint_parents(a, r, id, marks, err);
	}
	return rc;
}

static int paint_down(struct gr_ancestry *a, struct gr_repo *r, uint32_t one, uint32_t two,
		      uint32_t stop, struct err *err)
{
	int rc;

	clear(a);
	rc = paint(a, r, one, ONE, NEWEST, err);
	if (rc == 0)
		rc = paint(a, r, two, TWO, NEWEST, err);
	return rc < 0 ? rc : walk(a, r, stop, err);
}

/* Common ancestors that another one contains: a walk from each against all the others. */
static int drop_redundant(struct gr_ancestry *a, struct gr_repo *r, uint32_t *v, size_t *n,
			  struct err *err)
{
	autofree bool *gone = xcalloc(*n, sizeof(*gone));
	size_t left = 0;

	for (size_t i = 0; i < *n; i++) {
		int rc = 0;

		if (gone[i])
			continue;
		clear(a);
		for (size_t k = 0; rc == 0 && k < *n; k++)
			if (!gone[k])
				rc = paint(a, r, v[k], k == i ? ONE : TWO, NEWEST, err);
		if (rc == 0)
			rc = walk(a, r, NOBODY, err);
		if (rc < 0)
			return rc;
		gone[i] = *flags_of(a, v[i]) & TWO;
		for (size_t k = 0; k < *n; k++)
			gone[k] = gone[k] || (k != i && *flags_of(a, v[k]) & ONE);
	}
	for (size_t i = 0; i < *n; i++)
		if (!gone[i])
			v[left++] = v[i];
	*n = left;
	return 0;
}

/* In order of dates. There are few. */
static int sort_by_date(struct gr_ancestry *a, struct gr_repo *r, uint32_t *v, size_t n,
			struct err *err)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k > 0; k--) {
			struct gr_cgraph_commit x, y;
			uint32_t id = v[k];

			if (anc_get(a, r, v[k - 1], &x, err) < 0 || anc_get(a, r, id, &y, err) < 0)
				return -1;
			if (x.date >= y.date)
				break;
			v[k] = v[k - 1];
			v[k - 1] = id;
		}
	return 0;
}

/* --- the set: what a base has that many are compared with --- */

static bool is_member(const struct members *s, uint32_t id)
{
	return id / 8 < s->n && s->bits[id / 8] >> id % 8 & 1;
}

static void add_member(struct members *s, uint32_t id)
{
	size_t n = s->n ? s->n : 1024;

	while (id / 8 >= n)
		n *= 2;
	if (n != s->n) {
		s->bits = xreallocarray(s->bits, n, 1);
		memset(s->bits + s->n, 0, n - s->n);
		s->n = n;
	}
	s->bits[id / 8] |= (uint8_t)(1u << id % 8);
}

static int enter(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, uint64_t below,
		 struct err *err)
{
	uint8_t *f = flags_of(a, id);
	struct gr_cgraph_commit c;

	if (*f)
		return 0;
	*f = is_member(&a->set, id) ? TWO : ONE;
	list_add(&a->touched, id);
	if (*f == TWO)
		list_add(&a->found, id);
	return get_below(a, r, id, below, &c, err);
}

/* What `from` has and the set has not gets the mark ONE; where it meets the set, TWO, and is found. 1:
 * there were more than `max`. */
static int explore(struct gr_ancestry *a, struct gr_repo *r, uint32_t from, size_t max,
		   struct err *err)
{
	int rc;

	clear(a);
	rc = enter(a, r, from, NEWEST, err);
	for (size_t i = 0; rc == 0 && i < a->touched.n; i++) {
		struct gr_cgraph_commit c;
		uint32_t id = a->touched.v[i];

		if (a->flags[id] & TWO)
			continue;
		if (i > max)
			return 1;
		rc = anc_get(a, r, id, &c, err);
		for (uint32_t k = 0; rc == 0 && k < c.n; k++)
			rc = enter(a, r, gr_cgraph_parent(&c, k), c.generation, err);
	}
	return rc;
}

static int take_over(struct gr_ancestry *a, uint32_t tip)
{
	for (size_t i = 0; i < a->touched.n; i++)
		add_member(&a->set, a->touched.v[i]);
	a->set.tip = tip;
	a->set.valid = true;
	return 1;
}

/* 1: the set is that of `one`. A base moves on by little, and the set with it; another commit gets one
 * when it is asked about again and again, and when the graph has most of its history. */
static int have_set(struct gr_ancestry *a, struct gr_repo *r, uint32_t one, struct err *err)
{
	struct members *s = &a->set;
	int rc;

	if (!a->graph || (s->valid && s->tip == one))
		return a->graph != NULL;
	s->times = s->asked == one ? s->times + 1 : 1;
	s->asked = one;
	if (s->valid) {
		rc = explore(a, r, one, ADVANCE_MAX, err);
		if (rc < 0)
			return rc;
		if (rc == 0 && *flags_of(a, s->tip) & TWO)
			return take_over(a, one);
	}
	if (s->times < SET_TIMES)
		return 0;
	s->valid = false;
	if (s->n)
		memset(s->bits, 0, s->n);
	rc = explore(a, r, one, SIZE_MAX, err);
	return rc < 0 ? rc : take_over(a, one);
}

/* Common ancestors, of which some may contain others. */
static int find_common(struct gr_ancestry *a, struct gr_repo *r, uint32_t one, uint32_t two,
		       struct err *err)
{
	int rc = have_set(a, r, one, err);

	if (rc == 1)
		return explore(a, r, two, SIZE_MAX, err);
	return rc < 0 ? rc : paint_down(a, r, one, two, NOBODY, err);
}

static int find_bases(struct gr_ancestry *a, struct gr_repo *r, uint32_t one, uint32_t two,
		      struct list *ret, struct err *err)
{
	int rc = find_common(a, r, one, two, err);

	for (size_t i = 0; rc == 0 && i < a->found.n; i++)
		if (!(a->flags[a->found.v[i]] & STALE))
			list_add(ret, a->found.v[i]);
	if (rc == 0 && ret->n > 1)
		rc = drop_redundant(a, r, ret->v, &ret->n, err);
	return rc == 0 ? sort_by_date(a, r, ret->v, ret->n, err) : rc;
}

/* --- what is asked --- */

/* The graph as it is now. */
static void refresh(struct gr_ancestry *a, const char *repo)
{
	struct gr_cgraph_stamp now;

	gr_cgraph_stamp(repo, &now);
	if (a->begun && !memcmp(&now, &a->stamp, sizeof(now)) && a->nextra < GR_ANCESTRY_MAX)
		return;
	anc_forget(a);
	a->begun = true;
	a->stamp = now;
	a->graph = gr_cgraph_open(repo);
	a->ngraph = a->graph ? gr_cgraph_size(a->graph) : 0;
}

/* Until it is written again; what was read from the commits has other numbers now. */
static void drop_graph(struct gr_ancestry *a)
{
	struct gr_cgraph_stamp stamp = a->stamp;

	anc_forget(a);
	a->begun = true;
	a->stamp = stamp;
}

static bool has_other_parents(const struct gr_repo *r)
{
	autofree char *shallow = path_join(r->path, "shallow");
	autofree char *grafts = path_join(r->path, "info/grafts");

	return access(shallow, F_OK) == 0 || access(grafts, F_OK) == 0;
}

static void list_release(struct list *l)
{
	free(l->v);
}

int gr_merge_bases(struct gr_repo *r, const git_oid *one, const git_oid *two, git_oid **ret,
		   size_t *ret_n, struct err *err)
{
	cleanup(list_release) struct list found = {0};
	struct gr_ancestry *a = r->ancestry;
	int rc = BAD;

	if (has_other_parents(r))
		return 0;
	refresh(a, r->path);
	while (rc == BAD) {
		uint32_t x = anc_id(a, one), y = anc_id(a, two);

		found.n = 0;
		rc = find_bases(a, r, x, y, &found, err);
		if (rc == BAD)
			drop_graph(a);
	}
	if (rc < 0)
		return -1;
	*ret = xcalloc(found.n + 1, sizeof(**ret));
	*ret_n = found.n;
	for (size_t i = 0; i < found.n; i++)
		anc_oid(a, found.v[i], &(*ret)[i]);
	return 1;
}

int gr_merge_base(struct gr_repo *r, const git_oid *one, const git_oid *two, git_oid *ret,
		  struct err *err)
{
	autofree git_oid *v = NULL;
	size_t n = 0;
	int rc = gr_merge_bases(r, one, two, &v, &n, err);

	if (rc == 1 && n)
		*ret = v[0];
	if (rc)
		return rc < 0 ? -1 : n > 0;
	rc = git_merge_base(ret, r->git, one, two);
	if (rc == GIT_ENOTFOUND)
		return 0;
	return rc < 0 ? gr_fail(err, rc, "merge base in %s", r->path) : 1;
}

int gr_contains(struct gr_repo *r, const git_oid *commit, const git_oid *in, struct err *err)
{
	struct gr_ancestry *a = r->ancestry;
	int rc = BAD;

	if (git_oid_equal(commit, in))
		return 1;
	if (has_other_parents(r)) {
		rc = git_graph_descendant_of(r->git, in, commit);
		return rc < 0 ? gr_fail(err, rc, "history of %s in %s", git_oid_tostr_s(in),
					r->path)
			      : rc;
	}
	refresh(a, r->path);
	while (rc == BAD) {
		uint32_t x = anc_id(a, commit), y = anc_id(a, in);

		if (a->set.valid && a->set.tip == y)
			return is_member(&a->set, x);
		rc = paint_down(a, r, x, y, x, err);
		if (rc == 0)
			return (*flags_of(a, x) & TWO) != 0;
		if (rc == BAD)
			drop_graph(a);
	}
	return -1;
}
