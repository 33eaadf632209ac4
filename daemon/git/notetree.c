/* notetree.c - see notetree.h */
#include "git/notetree.h"

#include "git/tree.h"

#define HEX "0123456789abcdef"

/* One folder that is being written: `depth` times two digits are in the names of those above. */
struct level {
	struct gr_repo *r;
	struct gr_tree was;
	size_t depth;
	struct gr_notes notes; /* that belong into it or below, sorted by what they are on */
	struct gr_entry *out;  /* names belong to `was` or `names` */
	char (*names)[GIT_OID_HEXSZ + 1];
	size_t n, nnames;
};

void gr_notes_release(struct gr_notes *l)
{
	free(l->v);
	*l = (struct gr_notes){0};
}

static void level_release(struct level *l)
{
	gr_tree_release(&l->was);
	gr_notes_release(&l->notes);
	free(l->out);
	free(l->names);
}

static bool is_hex(const struct gr_entry *e)
{
	return strspn(e->name, HEX) == e->len;
}

/* A folder of the division, or the rest of a commit's name. */
static bool is_folder(const struct gr_entry *e, size_t depth)
{
	return e->mode == GR_MODE_DIR && e->len == 2 && is_hex(e) && depth + 1 < GIT_OID_RAWSZ;
}

static bool is_note(const struct gr_entry *e, size_t depth)
{
	return (e->mode == GR_MODE_FILE || e->mode == GR_MODE_EXEC) &&
	       e->len == GIT_OID_HEXSZ - 2 * depth && is_hex(e);
}

static void add_note(struct gr_notes *l, struct gr_note note)
{
	if (l->n == l->cap)
		l->v = xreallocarray(l->v, l->cap = l->cap ? 2 * l->cap : 16, sizeof(*l->v));
	l->v[l->n++] = note;
}

/* The note that an entry is, in a folder of `prefix`. */
static struct gr_note note_of(const struct gr_entry *e, const char *prefix, size_t depth)
{
	char hex[GIT_OID_HEXSZ + 1];
	/* Never 0, and the lower the deeper. */
	struct gr_note note = {.blob = e->oid, .rank = (unsigned)(GIT_OID_RAWSZ - depth)};

	memcpy(hex, prefix, 2 * depth);
	memcpy(hex + 2 * depth, e->name, e->len);
	hex[GIT_OID_HEXSZ] = 0;
	git_oid_fromstr(&note.on, hex);
	return note;
}

/* The tree's entry of that name, as what it is to be. */
static bool entry(git_tree *t, const char *name, git_object_t type, git_oid *ret)
{
	const git_tree_entry *e = git_tree_entry_byname(t, name);

	if (!e || git_tree_entry_type(e) != type)
		return false;
	*ret = *git_tree_entry_id(e);
	return true;
}

int gr_note_find(struct gr_repo *r, const git_oid *tree, const git_oid *on, git_oid *ret,
		 struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1], two[3] = "";
	git_oid at = *tree;
	bool below = true;
	int found = 0;

	git_oid_tostr(hex, sizeof(hex), on);
	for (size_t depth = 0; below && depth < GIT_OID_RAWSZ; depth++) {
		auto_git(git_tree) *t = NULL;
		int rc = git_tree_lookup(&t, r->git, &at);

		if (rc < 0)
			return gr_fail(err, rc, "tree %s of the notes", git_oid_tostr_s(&at));
		memcpy(two, hex + 2 * depth, 2);
		if (entry(t, hex + 2 * depth, GIT_OBJECT_BLOB, ret))
			found = 1;
		below = entry(t, two, GIT_OBJECT_TREE, &at);
	}
	return found;
}

int gr_note_text(struct gr_repo *r, const git_oid *tree, const git_oid *on, size_t max,
		 struct buf *ret, struct err *err)
{
	auto_git(git_odb_object) *blob = NULL;
	git_oid oid;
	int has = gr_note_find(r, tree, on, &oid, err);

	if (has <= 0)
		return has;
	if (gr_blob_read(r, &oid, max, &blob, err) < 0)
		return err_wrap(err, "note of %s", git_oid_tostr_s(on));
	buf_add(ret, git_odb_object_data(blob), git_odb_object_size(blob));
	return ret->failed ? err_set(err, ERR_LIMIT, "note of %s: too long", git_oid_tostr_s(on))
			   : 1;
}

static int list_folder(struct gr_repo *r, const git_oid *oid, char *prefix, size_t depth,
		       struct gr_notes *ret, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree t = {0};

	if (gr_tree_read(r, oid, &t, err) < 0)
		return -1;
	for (size_t i = 0; i < t.n; i++) {
		if (is_folder(&t.e[i], depth)) {
			memcpy(prefix + 2 * depth, t.e[i].name, 2);
			if (list_folder(r, &t.e[i].oid, prefix, depth + 1, ret, err) < 0)
				return -1;
		}
		if (!is_note(&t.e[i], depth))
			continue;
		if (ret->n == GR_NOTES_MAX)
			return err_set(err, ERR_LIMIT, "more than %zu notes", GR_NOTES_MAX);
		add_note(ret, note_of(&t.e[i], prefix, depth));
	}
	return 0;
}

/* By what they are on, and of several on the same the one that counts first. */
static int note_cmp(const void *x, const void *y)
{
	const struct gr_note *a = x, *b = y;
	int c = git_oid_cmp(&a->on, &b->on);

	return c ? c : (int)a->rank - (int)b->rank;
}

static void sort_notes(struct gr_notes *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), note_cmp);
	for (size_t i = 0; i < l->n; i++)
		if (!n || !git_oid_equal(&l->v[n - 1].on, &l->v[i].on))
			l->v[n++] = l->v[i];
	l->n = n;
}

int gr_note_list(struct gr_repo *r, const git_oid *tree, struct gr_notes *ret, struct err *err)
{
	cleanup(gr_notes_release) struct gr_notes l = {0};
	char prefix[GIT_OID_HEXSZ + 1] = "";

	if (list_folder(r, tree, prefix, 0, &l, err) < 0)
		return -1;
	sort_notes(&l);
	for (size_t i = 0; i < l.n; i++)
		l.v[i].rank = GR_NOTE_WEAK;
	*ret = l;
	l = (struct gr_notes){0};
	return 0;
}

/* As Git has it: two notes or a folder for each of the 16 digits that come next. */
static bool is_dense(const struct level *l)
{
	unsigned count[16] = {0};

	for (size_t i = 0; i < l->notes.n; i++) {
		unsigned char byte = l->notes.v[i].on.id[l->depth];

		count[byte >> 4]++;
	}
	for (size_t i = 0; i < 16; i++)
		if (count[i] < 2)
			return false;
	return l->depth + 1 < GIT_OID_RAWSZ;
}

/* The entry of one note or one folder of them; the name is that of `on` from this depth, `len` digits. */
static void add_out(struct level *l, const git_oid *on, unsigned len, unsigned mode,
		    const git_oid *oid)
{
	char hex[GIT_OID_HEXSZ + 1], *name = l->names[l->nnames++];

	git_oid_tostr(hex, sizeof(hex), on);
	memcpy(name, hex + 2 * l->depth, len);
	name[len] = 0;
	l->out[l->n++] = (struct gr_entry){.name = name, .len = len, .mode = mode, .oid = *oid};
}

static int put_folder(struct gr_repo *r, const git_oid *tree, size_t depth, const char *prefix,
		      const struct gr_note *v, size_t n, git_oid *ret, struct err *err);

/* The notes from `from` that go into one folder; returns how many. */
static size_t same_folder(const struct level *l, size_t from)
{
	size_t n = 1;

	while (from + n < l->notes.n &&
	       l->notes.v[from + n].on.id[l->depth] == l->notes.v[from].on.id[l->depth])
		n++;
	return n;
}

static bool is_out(const struct level *l, size_t n, const struct gr_entry *e)
{
	for (size_t i = 0; i < n; i++)
		if (e->len == l->out[i].len && !memcmp(e->name, l->out[i].name, e->len))
			return true;
	return false;
}

static int divide(struct level *l, struct err *err)
{
	size_t n;

	for (size_t i = 0; i < l->notes.n; i += n) {
		const struct gr_note *first = &l->notes.v[i];
		char below[GIT_OID_HEXSZ + 1];
		const struct gr_entry *e;
		git_oid oid;

		n = same_folder(l, i);
		git_oid_tostr(below, sizeof(below), &first->on);
		e = gr_tree_find(&l->was, below + 2 * l->depth, 2);
		if (put_folder(l->r, e && is_folder(e, l->depth) ? &e->oid : NULL, l->depth + 1,
			       below, first, n, &oid, err) < 0)
			return -1;
		add_out(l, &first->on, 2, GR_MODE_DIR, &oid);
	}
	/* Folders that get none, and what is no note; but not what has a folder's name. */
	for (size_t i = 0, folders = l->n; i < l->was.n; i++)
		if (!is_note(&l->was.e[i], l->depth) && !is_out(l, folders, &l->was.e[i]))
			l->out[l->n++] = l->was.e[i];
	return 0;
}

static void leave_flat(struct level *l)
{
	for (size_t i = 0; i < l->notes.n; i++)
		add_out(l, &l->notes.v[i].on, (unsigned)(GIT_OID_HEXSZ - 2 * l->depth),
			GR_MODE_FILE, &l->notes.v[i].blob);
	for (size_t i = 0; i < l->was.n; i++)
		if (!is_note(&l->was.e[i], l->depth))
			l->out[l->n++] = l->was.e[i];
}

static int out_cmp(const void *a, const void *b)
{
	return gr_entry_cmp(a, b);
}

/* Written only when it is another one than it was. */
static int write_folder(struct level *l, const git_oid *was, git_oid *ret, struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	git_oid now; /* `ret` may be `was` */
	int rc;

	qsort(l->out, l->n, sizeof(*l->out), out_cmp);
	gr_tree_text(l->out, l->n, &text);
	if (text.failed)
		return err_set(err, ERR_LIMIT, "a folder of notes over its largest size");
	rc = git_odb_hash(&now, text.s, text.len, GIT_OBJECT_TREE);
	if (rc < 0)
		return gr_fail(err, rc, "a folder of notes");
	if (was && git_oid_equal(&now, was)) {
		*ret = now;
		return 0;
	}
	return gr_mem_put(l->r, GIT_OBJECT_TREE, text.s, text.len, ret, err);
}

static int put_folder(struct gr_repo *r, const git_oid *tree, size_t depth, const char *prefix,
		      const struct gr_note *v, size_t n, git_oid *ret, struct err *err)
{
	cleanup(level_release) struct level l = {.r = r, .depth = depth};
	bool divided = false;

	if (gr_tree_read(r, tree, &l.was, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		add_note(&l.notes, v[i]);
	for (size_t i = 0; i < l.was.n; i++) {
		divided = divided || is_folder(&l.was.e[i], depth);
		if (is_note(&l.was.e[i], depth))
			add_note(&l.notes, note_of(&l.was.e[i], prefix, depth));
	}
	sort_notes(&l.notes);
	l.out = xreallocarray(NULL, l.notes.n + l.was.n + 1, sizeof(*l.out));
	l.names = xreallocarray(NULL, l.notes.n + 1, sizeof(*l.names));
	if (!divided && !is_dense(&l))
		leave_flat(&l);
	else if (divide(&l, err) < 0)
		return -1;
	return write_folder(&l, tree, ret, err);
}

int gr_note_put(struct gr_repo *r, const git_oid *tree, struct gr_notes *l, git_oid *ret,
		struct err *err)
{
	sort_notes(l);
	return put_folder(r, tree, 0, "", l->v, l->n, ret, err);
}
