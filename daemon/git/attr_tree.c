/* attr_tree.c - see attr.h: the attributes of a tree object, one level for each folder of the last path. */
#include "git/attr.h"

#include "git/checkout.h"
#include "git/tree.h"

struct folder {
	struct gr_attr_level level;
	git_oid tree;
	bool there; /* else this tree has no such folder */
};

struct gr_attr_tree {
	struct gr_repo *r;
	struct folder *v[GR_DEPTH_MAX]; /* from the root down to `dir` */
	size_t n;
	char *dir; /* the path of the last, with its '/' */
	git_oid root;
	int64_t work;
};

struct gr_attr_tree *gr_attr_tree_new(struct gr_repo *r, const git_oid *tree)
{
	struct gr_attr_tree *t = xcalloc(1, sizeof(*t));

	t->r = r;
	t->root = *tree;
	t->dir = xstrdup("");
	return t;
}

static void pop(struct gr_attr_tree *t)
{
	struct folder *f = t->v[--t->n];

	t->dir[f->level.up ? f->level.up->dir_len : 0] = 0;
	gr_attr_release(&f->level);
	free(f);
}

void gr_attr_tree_free(struct gr_attr_tree *t)
{
	if (!t)
		return;
	while (t->n)
		pop(t);
	free(t->dir);
	free(t);
}

static int read_level(struct gr_attr_tree *t, struct folder *f, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree tree = {0};
	auto_git(git_odb_object) *blob = NULL;
	const struct gr_entry *e;

	if (!f->there)
		return 0;
	if (gr_tree_read(t->r, &f->tree, &tree, err) < 0)
		return -1;
	e = gr_tree_find(&tree, ".gitattributes", 14);
	if (!e || (e->mode != GR_MODE_FILE && e->mode != GR_MODE_EXEC))
		return 0;
	if (gr_blob_read(t->r, &e->oid, GR_ATTR_BYTES, &blob, err) < 0 ||
	    gr_attr_add(&f->level, git_odb_object_data(blob), git_odb_object_size(blob), err) < 0)
		return err_wrap(err, "%s.gitattributes", t->dir);
	return 0;
}

/* The folder `name` below the last one, or the root. */
static int push(struct gr_attr_tree *t, const char *name, size_t len, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree tree = {0};
	struct folder *up = t->n ? t->v[t->n - 1] : NULL, *f;
	const struct gr_entry *e = NULL;

	if (t->n == GR_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "a path over %d folders deep", GR_DEPTH_MAX);
	if (up && up->there) {
		if (gr_tree_read(t->r, &up->tree, &tree, err) < 0)
			return -1;
		e = gr_tree_find(&tree, name, len);
	}
	f = xcalloc(1, sizeof(*f));
	gr_attr_init(&f->level, up ? &up->level : NULL, up ? up->level.dir_len + len + 1 : 0);
	f->level.work = &t->work;
	f->there = !up || (e && e->mode == GR_MODE_DIR);
	f->tree = up ? (f->there ? e->oid : (git_oid){0}) : t->root;
	t->v[t->n++] = f;
	if (up) {
		autofree char *was = t->dir;

		t->dir = xasprintf("%s%.*s/", was, (int)len, name);
	}
	return read_level(t, f, err);
}

/* The levels of the folder that `path` is in. */
static int go_to(struct gr_attr_tree *t, const char *path, struct err *err)
{
	const char *slash;
	size_t at;

	while (t->n > 1 && strncmp(path, t->dir, t->v[t->n - 1]->level.dir_len) != 0)
		pop(t);
	if (!t->n && push(t, "", 0, err) < 0)
		return -1;
	for (at = t->v[t->n - 1]->level.dir_len; (slash = strchr(path + at, '/'));
	     at = (size_t)(slash - path) + 1)
		if (push(t, path + at, (size_t)(slash - path) - at, err) < 0)
			return -1;
	return 0;
}

int gr_attr_tree_get(struct gr_attr_tree *t, const char *path, const char *ret[GR_ATTRS],
		     struct err *err)
{
	bool doubtful = false;

	if (go_to(t, path, err) < 0 || gr_attr_get(&t->v[t->n - 1]->level, path, ret, err) < 0)
		return -1;
	for (size_t i = 0; i < t->n; i++)
		doubtful = doubtful || t->v[i]->level.doubtful;
	return doubtful;
}
