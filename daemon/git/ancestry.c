/* ancestry.c - see ancestry.h */
#include "git/ancestry.h"

#include "git/commitgraph.h"
#include "sys/fs.h"

#include <endian.h>
#include <unistd.h>

#define ONE    1u  /* reached from the first commit */
#define TWO    2u  /* from the second */
#define STALE  4u  /* below a common ancestor */
#define RESULT 8u  /* in the list of common ancestors */
#define QUEUED 16u /* waits */

#define NEWEST UINT64_MAX /* the generation of a commit outside of the graph */
#define BAD    (-2)       /* the graph contradicts itself */

/* A commit outside of the graph; `c.more` is owned here, in the graph's own form. */
struct extra {
	git_oid oid;
	bool read;
	struct gr_cgraph_commit c;
};

struct waiting {
	uint64_t generation;
	int64_t date;
	uint32_t id;
};

struct list {
	uint32_t *v;
	size_t n, cap;
};

/* Commits are numbers here: positions of the graph, then the extras. */
struct gr_ancestry {
	struct gr_cgraph *graph;
	struct gr_cgraph_stamp stamp;
	bool begun;
	uint32_t ngraph;
	struct extra *extra;
	size_t nextra, cap_extra;
	uint32_t *slots; /* hash table: number of the extra plus one */
	size_t nslots;
	/* one walk */
	uint8_t *flags;
	size_t nflags;
	struct list touched, found;
	struct waiting *heap;
	size_t nheap, cap_heap, fresh; /* fresh: waiting and not stale */
};

struct gr_ancestry *gr_ancestry_new(void)
{
	return xcalloc(1, sizeof(struct gr_ancestry));
}

/* All that is known of the history. */
static void forget(struct gr_ancestry *a)
{
	gr_cgraph_free(a->graph);
	for (size_t i = 0; i < a->nextra; i++)
		free((void *)(uintptr_t)a->extra[i].c.more);
	free(a->extra);
	free(a->slots);
	free(a->flags);
	free(a->touched.v);
	free(a->found.v);
	free(a->heap);
	*a = (struct gr_ancestry){0};
}

void gr_ancestry_free(struct gr_ancestry *a)
{
	if (!a)
		return;
	forget(a);
	free(a);
}

static void list_add(struct list *l, uint32_t id)
{
	if (l->n == l->cap)
		l->v = xreallocarray(l->v, l->cap = l->cap ? 2 * l->cap : 256, sizeof(*l->v));
	l->v[l->n++] = id;
}

/* --- commits --- */

static uint32_t *slot_of(struct gr_ancestry *a, const git_oid *oid)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, oid->id, sizeof(hash));
	for (i = (size_t)hash & (a->nslots - 1); a->slots[i]; i = (i + 1) & (a->nslots - 1))
		if (git_oid_equal(&a->extra[a->slots[i] - 1].oid, oid))
			break;
	return &a->slots[i];
}

static void grow_slots(struct gr_ancestry *a)
{
	a->nslots = a->nslots ? 2 * a->nslots : 1024;
	free(a->slots);
	a->slots = xcalloc(a->nslots, sizeof(*a->slots));
	for (size_t i = 0; i < a->nextra; i++)
		*slot_of(a, &a->extra[i].oid) = (uint32_t)i + 1;
}

static uint32_t id_of(struct gr_ancestry *a, const git_oid *oid)
{
	uint32_t id, *slot;

	if (a->graph && gr_cgraph_find(a->graph, oid, &id))
		return id;
	if (2 * a->nextra >= a->nslots)
		grow_slots(a);
	slot = slot_of(a, oid);
	if (!*slot) {
		if (a->nextra == a->cap_extra)
			a->extra = xreallocarray(
				a->extra, a->cap_extra = a->cap_extra ? 2 * a->cap_extra : 256,
				sizeof(*a->extra));
		a->extra[a->nextra++] = (struct extra){.oid = *oid};
		*slot = (uint32_t)a->nextra;
	}
	return a->ngraph + *slot - 1;
}

static void oid_of(const struct gr_ancestry *a, uint32_t id, git_oid *ret)
{
	if (id < a->ngraph)
		gr_cgraph_oid(a->graph, id, ret);
	else
		*ret = a->extra[id - a->ngraph].oid;
}

/* "NAME <40 digits>\n" at *p: past it. */
static bool take_oid(const char **p, const char *end, const char *name, git_oid *ret)
{
	size_t n = strlen(name);

	if ((size_t)(end - *p) < n + GIT_OID_HEXSZ + 1 || memcmp(*p, name, n) ||
	    (*p)[n + GIT_OID_HEXSZ] != '\n' || git_oid_fromstrn(ret, *p + n, GIT_OID_HEXSZ) < 0)
		return false;
	*p += n + GIT_OID_HEXSZ + 1;
	return true;
}

/* Of the line "committer …> SECONDS ZONE"; 0 when there is none, as Git has it. An object's text ends
 * with a NUL that is not counted. */
static int64_t date_in(const char *p, const char *end)
{
	const char *line = memmem(p, (size_t)(end - p), "\ncommitter ", 11), *stop;

	if (!line)
		return 0;
	line += 11;
	stop = memchr(line, '\n', (size_t)(end - line));
	line = memrchr(line, '>', (size_t)((stop ? stop : end) - line));
	return line ? strtoll(line + 1, NULL, 10) : 0;
}

static void set_parents(struct gr_ancestry *a, struct gr_cgraph_commit *c, const git_oid *v,
			uint32_t n)
{
	uint32_t *more = n > 2 ? xreallocarray(NULL, n, sizeof(*more)) : NULL;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = id_of(a, &v[i]);

		if (i < 2)
			c->parent[i] = id;
		if (i && more)
			more[i - 1] = htobe32(id);
	}
	c->more = (unsigned char *)more;
	c->n = n;
}

/* id_of() may move the extras: nothing points to them meanwhile. */
static int read_extra(struct gr_ancestry *a, struct gr_repo *r, size_t at, struct err *err)
{
	auto_git(git_odb_object) *obj = NULL;
	autofree git_oid *parents = NULL;
	struct gr_cgraph_commit c = {.generation = NEWEST};
	git_oid oid = a->extra[at].oid, tree;
	const char *p, *end;
	uint32_t n = 0;
	int rc = git_odb_read(&obj, r->odb, &oid);

	if (rc < 0)
		return gr_fail(err, rc, "commit %s in %s", git_oid_tostr_s(&oid), r->path);
	p = git_odb_object_data(obj);
	end = p + git_odb_object_size(obj);
	if (git_odb_object_type(obj) != GIT_OBJECT_COMMIT || !take_oid(&p, end, "tree ", &tree))
		return err_set(err, ERR_CORRUPT, "object %s in %s is no commit",
			       git_oid_tostr_s(&oid), r->path);
	parents = xreallocarray(NULL, (size_t)(end - p) / 48 + 1, sizeof(*parents));
	while (take_oid(&p, end, "parent ", &parents[n]))
		n++;
	c.date = date_in(p - 1, end);
	set_parents(a, &c, parents, n);
	a->extra[at].c = c;
	a->extra[at].read = true;
	return 0;
}

static int get(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, struct gr_cgraph_commit *ret,
	       struct err *err)
{
	if (id < a->ngraph)
		return gr_cgraph_get(a->graph, id, ret) ? 0 : BAD;
	id -= a->ngraph;
	if (!a->extra[id].read && read_extra(a, r, id, err) < 0)
		return -1;
	*ret = a->extra[id].c;
	return 0;
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
	rc = get(a, r, id, &c, err);
	if (rc < 0)
		return rc;
	if (c.generation != NEWEST && c.generation >= below)
		return BAD;
	heap_push(a, (struct waiting){c.generation, c.date, id});
	return 0;
}

static int paint_parents(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, uint8_t marks,
			 struct err *err)
{
	struct gr_cgraph_commit c;
	int rc = get(a, r, id, &c, err);

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

			if (get(a, r, v[k - 1], &x, err) < 0 || get(a, r, id, &y, err) < 0)
				return -1;
			if (x.date >= y.date)
				break;
			v[k] = v[k - 1];
			v[k - 1] = id;
		}
	return 0;
}

static int find_bases(struct gr_ancestry *a, struct gr_repo *r, uint32_t one, uint32_t two,
		      struct list *ret, struct err *err)
{
	int rc = paint_down(a, r, one, two, NOBODY, err);

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
	forget(a);
	a->begun = true;
	a->stamp = now;
	a->graph = gr_cgraph_open(repo);
	a->ngraph = a->graph ? gr_cgraph_size(a->graph) : 0;
}

/* Until it is written again; what was read from the commits has other numbers now. */
static void drop_graph(struct gr_ancestry *a)
{
	struct gr_cgraph_stamp stamp = a->stamp;

	forget(a);
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
		uint32_t x = id_of(a, one), y = id_of(a, two);

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
		oid_of(a, found.v[i], &(*ret)[i]);
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
		uint32_t x = id_of(a, commit), y = id_of(a, in);

		rc = paint_down(a, r, x, y, x, err);
		if (rc == 0)
			return (*flags_of(a, x) & TWO) != 0;
		if (rc == BAD)
			drop_graph(a);
	}
	return -1;
}
