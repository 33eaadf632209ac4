/* tree.c - see tree.h */
#include "git/tree.h"

int gr_entry_cmp(const struct gr_entry *a, const struct gr_entry *b)
{
	unsigned n = a->len < b->len ? a->len : b->len;
	int c = memcmp(a->name, b->name, n);
	unsigned char ca, cb;

	if (c)
		return c;
	ca = a->len > n ? (unsigned char)a->name[n] : a->mode == GR_MODE_DIR ? '/' : 0;
	cb = b->len > n ? (unsigned char)b->name[n] : b->mode == GR_MODE_DIR ? '/' : 0;
	return (int)ca - (int)cb;
}

static bool good_name(const char *s, size_t n)
{
	if (!n || memchr(s, '/', n))
		return false;
	return !(s[0] == '.' && (n == 1 || (n == 2 && s[1] == '.')));
}

/* What Git takes a mode for; anything that is no file, link or folder is a submodule to it. */
static unsigned plain_mode(unsigned mode)
{
	switch (mode & 0170000) {
	case 0100000:
		return mode & 0100 ? GR_MODE_EXEC : GR_MODE_FILE;
	case 0120000:
		return GR_MODE_LINK;
	case 0040000:
		return GR_MODE_DIR;
	}
	return GR_MODE_SUB;
}

/* One entry: octal mode, blank, name, NUL, 20 bytes of id. Returns the end, NULL when malformed. */
static const char *parse_entry(const char *p, const char *end, struct gr_entry *e, bool *odd)
{
	const char *nul;
	unsigned mode = 0;

	*odd = *odd || *p == '0';
	while (p < end && *p >= '0' && *p <= '7')
		mode = mode << 3 | (unsigned)(*p++ - '0');
	if (p == end || *p++ != ' ')
		return NULL;
	nul = memchr(p, 0, (size_t)(end - p));
	if (!nul || end - nul < 1 + GIT_OID_RAWSZ || !good_name(p, (size_t)(nul - p)))
		return NULL;
	e->name = p;
	e->len = (unsigned)(nul - p);
	e->mode = plain_mode(mode);
	*odd = *odd || e->mode != mode;
	git_oid_fromraw(&e->oid, (const unsigned char *)nul + 1);
	return nul + 1 + GIT_OID_RAWSZ;
}

static int parse(struct gr_tree *t)
{
	const char *p = git_odb_object_data(t->obj), *end = p + git_odb_object_size(t->obj);
	size_t cap = git_odb_object_size(t->obj) / 30 + 4;

	t->e = xreallocarray(NULL, cap, sizeof(*t->e));
	while (p < end) {
		if (t->n == cap)
			t->e = xreallocarray(t->e, cap *= 2, sizeof(*t->e));
		p = parse_entry(p, end, &t->e[t->n], &t->odd);
		if (!p || (t->n && gr_entry_cmp(&t->e[t->n - 1], &t->e[t->n]) >= 0))
			return -1;
		t->n++;
	}
	return 0;
}

int gr_tree_read(struct gr_repo *r, const git_oid *oid, struct gr_tree *ret, struct err *err)
{
	struct gr_tree t = {0};
	int rc;

	*ret = t;
	if (!oid)
		return 0;
	rc = git_odb_read(&t.obj, r->odb, oid);
	if (rc < 0)
		return gr_fail(err, rc, "tree %s in %s", git_oid_tostr_s(oid), r->path);
	if (git_odb_object_type(t.obj) != GIT_OBJECT_TREE || parse(&t) < 0) {
		gr_tree_release(&t);
		return err_set(err, ERR_CORRUPT,
			       "tree %s in %s: not a well-formed tree (order, names or modes)",
			       git_oid_tostr_s(oid), r->path);
	}
	*ret = t;
	return 0;
}

void gr_tree_release(struct gr_tree *t)
{
	if (t->obj)
		git_odb_object_free(t->obj);
	free(t->e);
	*t = (struct gr_tree){0};
}

/* A name may sort in two places, as a file and as a folder. */
const struct gr_entry *gr_tree_find(const struct gr_tree *t, const char *name, size_t len)
{
	static const unsigned modes[] = {GR_MODE_FILE, GR_MODE_DIR};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct gr_entry key = {.name = name, .len = (unsigned)len, .mode = modes[i]};
		size_t lo = 0, hi = t->n;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			int c = gr_entry_cmp(&key, &t->e[mid]);

			if (!c)
				return &t->e[mid];
			if (c < 0)
				hi = mid;
			else
				lo = mid + 1;
		}
	}
	return NULL;
}

void gr_tree_text(const struct gr_entry *e, size_t n, struct buf *ret)
{
	for (size_t i = 0; i < n; i++) {
		char mode[12];
		int len = snprintf(mode, sizeof(mode), "%o ", e[i].mode);

		buf_add(ret, mode, (size_t)len);
		buf_add(ret, e[i].name, e[i].len);
		buf_addc(ret, 0);
		buf_add(ret, e[i].oid.id, GIT_OID_RAWSZ);
	}
}

int gr_tree_path(struct gr_repo *r, const git_oid *root, const char *path, unsigned *ret_mode,
		 git_oid *ret_oid, struct err *err)
{
	unsigned mode = GR_MODE_DIR;
	git_oid at = *root;

	while (*path) {
		cleanup(gr_tree_release) struct gr_tree t = {0};
		const struct gr_entry *e;
		size_t n = strcspn(path, "/");

		if (mode != GR_MODE_DIR)
			return 0;
		if (gr_tree_read(r, &at, &t, err) < 0)
			return -1;
		e = gr_tree_find(&t, path, n);
		if (!e)
			return 0;
		at = e->oid;
		mode = e->mode;
		path += n + (path[n] == '/');
	}
	*ret_mode = mode;
	*ret_oid = at;
	return 1;
}

int gr_tree_of(struct gr_repo *r, const git_oid *commit, git_oid *ret, struct err *err)
{
	auto_git(git_commit) *c = NULL;
	int rc = git_commit_lookup(&c, r->git, commit);

	if (rc < 0)
		return gr_fail(err, rc, "commit %s in %s", git_oid_tostr_s(commit), r->path);
	*ret = *git_commit_tree_id(c);
	return 0;
}

int gr_blob_read(struct gr_repo *r, const git_oid *oid, size_t max, git_odb_object **ret,
		 struct err *err)
{
	git_object_t type;
	size_t size;
	int rc = git_odb_read_header(&size, &type, r->odb, oid);

	if (rc == 0 && type != GIT_OBJECT_BLOB)
		return err_set(err, ERR_CORRUPT, "object %s is a %s, expected a blob",
			       git_oid_tostr_s(oid), git_object_type2string(type));
	if (rc == 0 && size > max)
		return err_set(err, ERR_LIMIT, "blob %s has %zu bytes; at most %zu are read",
			       git_oid_tostr_s(oid), size, max);
	if (rc == 0)
		rc = git_odb_read(ret, r->odb, oid);
	return rc < 0 ? gr_fail(err, rc, "blob %s in %s", git_oid_tostr_s(oid), r->path) : 0;
}

struct walk {
	struct gr_repo *r;
	gr_change_fn fn;
	void *arg;
	struct buf path;
	size_t entries;
};

static int changes_in(struct walk *w, const git_oid *from, const git_oid *to, struct err *err);

/* One name that differs; either side may be NULL. Folders are entered, all else is reported. */
static int change_at(struct walk *w, const struct gr_entry *a, const struct gr_entry *b,
		     struct err *err)
{
	const struct gr_entry *any = a ? a : b;
	bool dir_a = a && a->mode == GR_MODE_DIR, dir_b = b && b->mode == GR_MODE_DIR;
	size_t len = w->path.len;
	struct gr_change c = {0};
	int rc = 0;

	if (a && b && a->mode == b->mode && git_oid_equal(&a->oid, &b->oid))
		return 0;
	if (++w->entries > GR_CHANGES_MAX)
		return err_set(err, ERR_LIMIT, "more than %zu files and folders differ in %s",
			       GR_CHANGES_MAX, w->r->path);
	// NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the caller gives one of the two
	buf_add(&w->path, any->name, any->len);
	if (w->path.failed)
		return err_set(err, ERR_LIMIT, "a path longer than %d bytes in %s", GR_PATH_MAX,
			       w->r->path);
	if ((a && !dir_a) || (b && !dir_b)) {
		c.path = w->path.s;
		c.old_mode = a && !dir_a ? a->mode : 0;
		c.new_mode = b && !dir_b ? b->mode : 0;
		if (c.old_mode)
			c.old_oid = a->oid;
		if (c.new_mode)
			c.new_oid = b->oid;
		rc = w->fn(w->arg, &c, err);
	}
	if (!rc && (dir_a || dir_b)) {
		buf_addc(&w->path, '/');
		rc = changes_in(w, dir_a ? &a->oid : NULL, dir_b ? &b->oid : NULL, err);
	}
	buf_truncate(&w->path, len);
	return rc;
}

static int changes_in(struct walk *w, const git_oid *from, const git_oid *to, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree a = {0};
	cleanup(gr_tree_release) struct gr_tree b = {0};
	size_t i = 0, j = 0;
	int rc = 0;

	if (gr_tree_read(w->r, from, &a, err) < 0 || gr_tree_read(w->r, to, &b, err) < 0)
		return -1;
	while (!rc && (i < a.n || j < b.n)) {
		int c = i == a.n ? 1 : j == b.n ? -1 : gr_entry_cmp(&a.e[i], &b.e[j]);

		rc = change_at(w, c <= 0 ? &a.e[i] : NULL, c >= 0 ? &b.e[j] : NULL, err);
		i += c <= 0;
		j += c >= 0;
	}
	return rc;
}

int gr_tree_changes(struct gr_repo *r, const git_oid *from, const git_oid *to, gr_change_fn fn,
		    void *arg, struct err *err)
{
	struct walk w = {.r = r, .fn = fn, .arg = arg};
	int rc;

	if (from && to && git_oid_equal(from, to))
		return 0;
	buf_init(&w.path, GR_PATH_MAX);
	rc = changes_in(&w, from, to, err);
	buf_release(&w.path);
	return rc;
}
