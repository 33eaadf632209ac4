/* culprit.c - see culprit.h */
#include "git/culprit.h"

#include "git/receipt.h"
#include "git/tree.h"

#define STEPS_MAX     1000
#define CONFLICTS_MAX 100 /* files; of more nobody reads who it was */
#define RANGES_MAX    64
#define BY_MAX        3
#define FILE_MAX      ((size_t)4 << 20)

/* Lines first..last of the file as it is at the present step. */
struct range {
	int64_t first, last;
	bool known; /* a step was found that touched it */
};

struct conflict {
	json_t *item;
	const char *path;
	struct range v[RANGES_MAX];
	size_t n;
	git_oid by[BY_MAX];
	size_t nby;
	git_oid last; /* the newest step that changed the file */
	bool touched;
};

static void get_ranges(struct conflict *c)
{
	size_t i;
	json_t *range;

	json_array_foreach (json_object_get(c->item, "lines"), i, range) {
		int64_t a = json_integer_value(json_array_get(range, 0));
		int64_t b = json_integer_value(json_array_get(range, 1));

		if (c->n == RANGES_MAX)
			return;
		/* No line of the base: the place between two of them. */
		c->v[c->n++] = b < a ? (struct range){b, a, false} : (struct range){a, b, false};
	}
}

/* ---- one step: what it changed, and where the lines were before it ---- */

struct step {
	struct conflict *c;
	bool hit;
	int64_t shift[RANGES_MAX];
};

static int on_hunk(const git_diff_delta *delta, const git_diff_hunk *h, void *arg)
{
	struct step *s = arg;
	/* Without new lines it is the place after new_start. */
	int64_t first = h->new_start, last = h->new_start + h->new_lines - 1;

	(void)delta;
	if (!h->new_lines)
		last = first + 1;
	for (size_t i = 0; i < s->c->n; i++) {
		struct range *r = &s->c->v[i];

		if (r->known)
			continue;
		if (first <= r->last && last >= r->first) {
			r->known = true;
			s->hit = true;
		} else if (last < r->first) {
			s->shift[i] += h->old_lines - h->new_lines;
		}
	}
	return 0;
}

/* 1 and the blob, 0 no such file there. */
static int blob_of(struct gr_repo *r, git_commit *c, const char *path, git_oid *ret_oid,
		   git_blob **ret)
{
	unsigned mode;
	int rc = gr_tree_path(r, git_commit_tree_id(c), path, &mode, ret_oid, NULL);

	if (rc <= 0 || (mode != GR_MODE_FILE && mode != GR_MODE_EXEC))
		return 0;
	if (git_blob_lookup(ret, r->git, ret_oid) < 0)
		return 0;
	return git_blob_rawsize(*ret) <= (git_object_size_t)FILE_MAX;
}

static void add_by(struct conflict *c, const git_oid *oid)
{
	for (size_t i = 0; i < c->nby; i++)
		if (git_oid_equal(&c->by[i], oid))
			return;
	if (c->nby < BY_MAX)
		c->by[c->nby++] = *oid;
}

static void look_at(struct gr_repo *r, git_commit *commit, git_commit *parent, struct conflict *c)
{
	git_diff_options o;
	struct step s = {.c = c};
	auto_git(git_blob) *old = NULL;
	auto_git(git_blob) *new = NULL;
	git_oid a = {{0}}, b = {{0}};
	int has_old = blob_of(r, parent, c->path, &a, &old);
	int has_new = blob_of(r, commit, c->path, &b, &new);

	if (git_oid_equal(&a, &b))
		return;
	if (!c->touched)
		c->last = *git_commit_id(commit);
	c->touched = true;
	git_diff_options_init(&o, GIT_DIFF_OPTIONS_VERSION);
	o.context_lines = 0;
	if (!has_old || !has_new ||
	    git_diff_blobs(old, NULL, new, NULL, &o, NULL, NULL, on_hunk, NULL, &s) < 0)
		return;
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].first += s.shift[i];
		c->v[i].last += s.shift[i];
	}
	if (s.hit)
		add_by(c, git_commit_id(commit));
}

static bool is_done(const struct conflict *c)
{
	if (!c->n)
		return c->touched;
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].known)
			return false;
	return true;
}

/* ---- the steps ---- */

static void follow(struct gr_repo *r, git_revwalk *walk, struct conflict *v, size_t n)
{
	git_oid oid;

	for (size_t step = 0; step < STEPS_MAX && git_revwalk_next(&oid, walk) == 0; step++) {
		auto_git(git_commit) *c = NULL;
		auto_git(git_commit) *parent = NULL;
		bool open = false;

		if (gr_commit_of(r, &oid, &c, NULL) < 0 || git_commit_parentcount(c) == 0 ||
		    gr_commit_of(r, git_commit_parent_id(c, 0), &parent, NULL) < 0)
			return;
		for (size_t i = 0; i < n; i++) {
			if (is_done(&v[i]))
				continue;
			look_at(r, c, parent, &v[i]);
			open = true;
		}
		if (!open)
			return;
	}
}

/* Of a rebase of several commits the landing is known by its last one. */
static void put_landing(struct gr_repo *r, const git_oid *oid, json_t *by)
{
	autojson json_t *receipt = NULL;
	git_oid on;

	if (gr_receipt_find(r, oid, &on, &receipt, NULL) <= 0)
		on = *oid;
	json_array_append_new(by, json_string(git_oid_tostr_s(&on)));
}

static void put_by(struct gr_repo *r, struct conflict *c)
{
	json_t *by = json_array();

	if (!c->nby && c->touched)
		add_by(c, &c->last);
	for (size_t i = 0; i < c->nby; i++)
		put_landing(r, &c->by[i], by);
	json_put(c->item, "by", by);
}

void gr_culprits(struct gr_repo *r, const git_oid *base, const git_oid *merge_base,
		 json_t *conflicts)
{
	auto_git(git_revwalk) *walk = NULL;
	autofree struct conflict *v = xcalloc(CONFLICTS_MAX, sizeof(*v));
	size_t n = 0, i;
	json_t *item;

	json_array_foreach (conflicts, i, item) {
		if (n == CONFLICTS_MAX)
			break;
		v[n].item = item;
		v[n].path = json_str(item, "path", "");
		get_ranges(&v[n++]);
	}
	if (git_revwalk_new(&walk, r->git) < 0 ||
	    git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL) < 0 ||
	    git_revwalk_simplify_first_parent(walk) < 0 || git_revwalk_push(walk, base) < 0 ||
	    git_revwalk_hide(walk, merge_base) < 0)
		return;
	follow(r, walk, v, n);
	for (i = 0; i < n; i++)
		put_by(r, &v[i]);
}
