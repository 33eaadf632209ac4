/* merge_fast.c - see merge_fast.h */
#include "git/merge_fast.h"

#include "git/attr.h"
#include "git/checkout.h"
#include "git/textmerge.h"
#include "git/tree.h"

#include <unistd.h>

struct fast {
	struct gr_repo *r;
	const git_oid *attrs;
	struct gr_attr_tree *tree; /* of attrs, when one was asked for */
	struct buf path;           /* of the folder, with its '/' */
	int depth;
	json_t *conflicts; /* NULL until there is one: from then on no object is made */
};

/* The three trees of one folder and what becomes of them. */
struct folder {
	struct gr_tree o, a, b;
	struct gr_entry *out;
	size_t n;
};

/* One name: what it is in each tree, NULL where it is not. */
struct name {
	const struct gr_entry *o, *a, *b;
};

static int merge_folder(struct fast *f, const git_oid *o, const git_oid *a, const git_oid *b,
			git_oid *ret, bool *ret_any, struct err *err);

static void folder_release(struct folder *d)
{
	gr_tree_release(&d->o);
	gr_tree_release(&d->a);
	gr_tree_release(&d->b);
	free(d->out);
}

static bool same(const struct gr_entry *x, const struct gr_entry *y)
{
	return x && y && x->mode == y->mode && git_oid_equal(&x->oid, &y->oid);
}

static bool is_dir(const struct gr_entry *e)
{
	return e && e->mode == GR_MODE_DIR;
}

static int take(struct folder *d, const struct gr_entry *e)
{
	d->out[d->n++] = *e;
	return 1;
}

static void blob_text(git_odb_object *blob, struct buf *ret)
{
	/* Looked at only; never released. */
	*ret = (struct buf){.s = (char *)(uintptr_t)git_odb_object_data(blob),
			    .len = git_odb_object_size(blob)};
}

/* 1 by its lines, 0 the base has another way for it, or one that is not sure. */
static int is_text(struct fast *f, const struct gr_entry *e, struct err *err)
{
	const char *v[GR_ATTRS], *m;
	size_t len = f->path.len;
	int rc;

	if (!f->tree)
		f->tree = gr_attr_tree_new(f->r, f->attrs);
	buf_add(&f->path, e->name, e->len);
	rc = f->path.failed ? 1 : gr_attr_tree_get(f->tree, f->path.s, v, err);
	buf_truncate(&f->path, len);
	if (rc)
		return rc < 0 ? -1 : 0;
	m = v[GR_ATTR_MERGE];
	return !m || (m != gr_attr_unset && strcmp(m, "union") != 0 && strcmp(m, "binary") != 0);
}

/* `where`: the lines, NULL for a file without any. */
static int conflict(struct fast *f, struct folder *d, const struct gr_entry *e,
		    const struct gr_ranges *where)
{
	size_t len = f->path.len;

	buf_add(&f->path, e->name, e->len);
	if (!f->conflicts)
		f->conflicts = json_array();
	if (!f->path.failed)
		json_array_append_new(f->conflicts, gr_conflict_json(f->path.s, "contents", where));
	buf_truncate(&f->path, len);
	return f->path.failed ? 0 : take(d, e);
}

/* Three texts, of which the ancestor's is empty when both added the file. */
static int merge_text(struct fast *f, struct folder *d, const struct buf text[3],
		      struct gr_entry *merged, struct err *err)
{
	cleanup(buf_release) struct buf out = BUF_INIT_MAX(2 * GR_TEXT_MAX);
	cleanup(gr_ranges_release) struct gr_ranges where = {0};

	switch (gr_text_merge(&text[0], &text[1], &text[2], f->conflicts ? NULL : &out, &where)) {
	case GR_TEXT_CLEAN:
		break;
	case GR_TEXT_CONFLICT:
	case GR_TEXT_BINARY:
		return conflict(f, d, merged, &where);
	default:
		return 0;
	}
	if (!f->conflicts &&
	    gr_mem_put(f->r, GIT_OBJECT_BLOB, out.s, out.len, &merged->oid, err) < 0)
		return -1;
	return take(d, merged);
}

static int merge_blobs(struct fast *f, struct folder *d, const struct name *n,
		       struct gr_entry *merged, struct err *err)
{
	const struct gr_entry *e[] = {n->o, n->a, n->b};
	git_odb_object *blob[3] = {NULL, NULL, NULL};
	struct buf text[3];
	int rc = is_text(f, n->a, err);

	for (size_t i = 0; rc == 1 && i < 3; i++) {
		rc = git_odb_read(&blob[i], f->r->odb, &e[i]->oid);
		rc = rc < 0 ? gr_fail(err, rc, "blob %s", git_oid_tostr_s(&e[i]->oid)) : 1;
		if (rc == 1)
			blob_text(blob[i], &text[i]);
	}
	if (rc == 1)
		rc = merge_text(f, d, text, merged, err);
	for (size_t i = 0; i < 3; i++)
		git_odb_object_free(blob[i]);
	return rc;
}

/* A file or link that both changed, each in its mode or its content; of two modes one is always the
 * ancestor's or the other side's. */
static int merge_file(struct fast *f, struct folder *d, const struct name *n, struct err *err)
{
	const git_oid *o = &n->o->oid, *a = &n->a->oid, *b = &n->b->oid;
	struct gr_entry merged = *n->a;

	if (n->a->mode == n->o->mode)
		merged.mode = n->b->mode;
	if (git_oid_equal(a, b) || git_oid_equal(b, o))
		return take(d, &merged);
	if (git_oid_equal(a, o)) {
		merged.oid = *b;
		return take(d, &merged);
	}
	if (n->a->mode == GR_MODE_LINK)
		return conflict(f, d, n->a, NULL);
	return merge_blobs(f, d, n, &merged, err);
}

static int merge_sub(struct fast *f, struct folder *d, const struct name *n, struct err *err)
{
	struct gr_entry merged = *n->a;
	size_t len = f->path.len;
	bool any = false;
	int rc;

	buf_add(&f->path, n->a->name, n->a->len);
	buf_addc(&f->path, '/');
	rc = merge_folder(f, n->o ? &n->o->oid : NULL, &n->a->oid, &n->b->oid, &merged.oid, &any,
			  err);
	buf_truncate(&f->path, len);
	return rc == 1 && any ? take(d, &merged) : rc;
}

/* Of two entries with one name, is one a folder and the other not, or a submodule? */
static bool odd_pair(const struct gr_entry *x, const struct gr_entry *y)
{
	return x && y && x->mode != y->mode &&
	       (x->mode == GR_MODE_SUB || y->mode == GR_MODE_SUB || is_dir(x) != is_dir(y));
}

/* Added by one side: fine unless the name is taken by the other kind of entry in another tree. */
static int added(struct folder *d, const struct gr_entry *e, const struct gr_tree *other)
{
	/* A name that no list has is not given out by next_name(), so e is not NULL. */
	// NOLINTNEXTLINE(clang-analyzer-core.NullDereference)
	if (gr_tree_find(&d->o, e->name, e->len) || gr_tree_find(other, e->name, e->len))
		return 0;
	return take(d, e);
}

/* One side left the name as it was; `now` is what the other side made of it. */
static int changed(struct folder *d, const struct gr_entry *was, const struct gr_entry *now)
{
	if (!now)
		return 1;
	return odd_pair(was, now) ? 0 : take(d, now);
}

static bool plain_file(const struct gr_entry *e)
{
	return e->mode == GR_MODE_FILE || e->mode == GR_MODE_EXEC;
}

/* Files in all three trees, or links in all three. */
static bool one_kind(const struct name *n)
{
	if (!n->o)
		return false;
	if (n->o->mode == GR_MODE_LINK)
		return n->a->mode == GR_MODE_LINK && n->b->mode == GR_MODE_LINK;
	return plain_file(n->o) && plain_file(n->a) && plain_file(n->b);
}

static int merge_name(struct fast *f, struct folder *d, const struct name *n, struct err *err)
{
	if (n->o && same(n->o, n->a))
		return changed(d, n->o, n->b);
	if (n->o && same(n->o, n->b))
		return changed(d, n->o, n->a);
	if (!n->o && !n->b)
		return added(d, n->a, &d->b);
	if (!n->o && !n->a)
		return added(d, n->b, &d->a);
	if (!n->a || !n->b)
		return 0; /* both deleted, or deleted and modified */
	if (odd_pair(n->o, n->a) || odd_pair(n->o, n->b) || odd_pair(n->a, n->b))
		return 0;
	/* Changed alike on both sides is opened all the same: what was deleted inside counts. */
	if (is_dir(n->a) && (n->o || !same(n->a, n->b)))
		return merge_sub(f, d, n, err);
	if (same(n->a, n->b))
		return take(d, n->a);
	return one_kind(n) ? merge_file(f, d, n, err) : 0;
}

/* Walks three sorted lists at once: the lowest name that is left, from each list that has it. */
static void next_name(const struct folder *d, size_t at[3], struct name *ret)
{
	const struct gr_tree *t[] = {&d->o, &d->a, &d->b};
	const struct gr_entry *low = NULL, *e[3] = {NULL, NULL, NULL};

	for (size_t i = 0; i < 3; i++)
		if (at[i] < t[i]->n && (!low || gr_entry_cmp(&t[i]->e[at[i]], low) < 0))
			low = &t[i]->e[at[i]];
	for (size_t i = 0; i < 3; i++)
		if (at[i] < t[i]->n && !gr_entry_cmp(&t[i]->e[at[i]], low))
			e[i] = &t[i]->e[at[i]++];
	*ret = (struct name){e[0], e[1], e[2]};
}

static int merge_names(struct fast *f, struct folder *d, struct err *err)
{
	size_t at[3] = {0, 0, 0};
	int rc = 1;

	d->out = xreallocarray(NULL, d->a.n + d->b.n + 1, sizeof(*d->out));
	while (rc == 1 && (at[0] < d->o.n || at[1] < d->a.n || at[2] < d->b.n)) {
		struct name n;

		next_name(d, at, &n);
		rc = merge_name(f, d, &n, err);
	}
	return rc;
}

static int put_folder(struct fast *f, const struct folder *d, git_oid *ret, struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;

	if (f->conflicts)
		return 1;
	gr_tree_text(d->out, d->n, &text);
	if (text.failed)
		return 0;
	return gr_mem_put(f->r, GIT_OBJECT_TREE, text.s, text.len, ret, err) < 0 ? -1 : 1;
}

static int merge_folder(struct fast *f, const git_oid *o, const git_oid *a, const git_oid *b,
			git_oid *ret, bool *ret_any, struct err *err)
{
	cleanup(folder_release) struct folder d = {0};
	int rc;

	if (gr_tree_read(f->r, o, &d.o, err) < 0 || gr_tree_read(f->r, a, &d.a, err) < 0 ||
	    gr_tree_read(f->r, b, &d.b, err) < 0)
		return -1;
	if (d.o.odd || d.a.odd || d.b.odd || ++f->depth > GR_DEPTH_MAX)
		return 0;
	rc = merge_names(f, &d, err);
	f->depth--;
	*ret_any = d.n > 0;
	return rc == 1 ? put_folder(f, &d, ret, err) : rc;
}

static bool has_attributes(const struct gr_repo *r)
{
	autofree char *path = xasprintf("%s/info/attributes", r->path);

	return access(path, F_OK) == 0;
}

/* 1 when nothing has to be opened. */
static int trivial(const git_oid *o, const git_oid *a, const git_oid *b, git_oid *ret)
{
	if (git_oid_equal(o, a) || git_oid_equal(a, b))
		*ret = *b;
	else if (git_oid_equal(o, b))
		*ret = *a;
	else
		return 0;
	return 1;
}

int gr_merge_fast(struct gr_repo *r, const git_oid *ancestor, const struct gr_merge_in *in,
		  struct gr_merge_out *ret, struct err *err)
{
	struct fast f = {.r = r, .attrs = &in->attrs};
	git_oid tree;
	bool any;
	int rc;

	if (has_attributes(r))
		return 0;
	rc = trivial(ancestor, &in->ours_tree, &in->theirs_tree, &tree);
	if (!rc) {
		buf_init(&f.path, GR_PATH_MAX);
		rc = merge_folder(&f, ancestor, &in->ours_tree, &in->theirs_tree, &tree, &any, err);
		buf_release(&f.path);
		gr_attr_tree_free(f.tree);
	}
	if (rc != 1) {
		json_decref(f.conflicts);
		return rc;
	}
	*ret = (struct gr_merge_out){.clean = !f.conflicts, .conflicts = f.conflicts, .fast = true};
	if (ret->clean)
		ret->tree = tree;
	return 1;
}
