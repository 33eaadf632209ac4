/* attr_files.c - see attr.h: the .gitattributes files of a tree as files, for Git to read. */
#include "git/attr.h"

#include "git/checkout.h"
#include "git/names.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define NAME      ".gitattributes"
#define FILES_MAX 10000
#define PLAIN_MAX (1u << 17) /* slots, of which half are used: 2.6 MB */

/*
 * Trees that have none, at any depth: most of a repository, and the same ones from merge to merge. Kept for the life of the
 * process; when it is full the rest is read each time.
 */
struct gr_plain {
	git_oid slot[PLAIN_MAX];
	size_t n;
};

struct walk {
	struct gr *g;
	struct gr_repo *r;
	const char *dir;
	struct buf path;
	size_t files;
	int depth;
};

static git_oid *plain_slot(struct gr_plain *p, const git_oid *oid)
{
	uint32_t at;

	memcpy(&at, oid->id, sizeof(at));
	for (at %= PLAIN_MAX; !git_oid_is_zero(&p->slot[at]) && !git_oid_equal(&p->slot[at], oid);)
		at = (at + 1) % PLAIN_MAX;
	return &p->slot[at];
}

static void plain_add(struct gr_plain *p, const git_oid *oid)
{
	git_oid *slot = plain_slot(p, oid);

	if (p->n < PLAIN_MAX / 2 && git_oid_is_zero(slot)) {
		*slot = *oid;
		p->n++;
	}
}

static int write_file(struct walk *w, const struct gr_entry *e, struct err *err)
{
	auto_git(git_odb_object) *blob = NULL;
	autofree char *dir = path_join(w->dir, w->path.s ? w->path.s : "");
	autofree char *path = path_join(dir, NAME);
	autoclose int fd = -1;

	if (++w->files > FILES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d files .gitattributes in the base",
			       FILES_MAX);
	if (gr_blob_read(w->r, &e->oid, GR_ATTR_BYTES, &blob, err) < 0)
		return err_wrap(err, "%s" NAME, w->path.s ? w->path.s : "");
	if (fs_mkdir_p(dir, 0700, err) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, git_odb_object_data(blob), git_odb_object_size(blob)) !=
			      (ssize_t)git_odb_object_size(blob))
		return err_errno(err, "write %s", path);
	return 0;
}

static int walk_tree(struct walk *w, const git_oid *oid, struct err *err);

/* 1 there are some, 0 none. */
static int walk_entry(struct walk *w, const struct gr_entry *e, struct err *err)
{
	size_t len = w->path.len;
	int rc;

	if (e->len == sizeof(NAME) - 1 && !memcmp(e->name, NAME, e->len) &&
	    (e->mode == GR_MODE_FILE || e->mode == GR_MODE_EXEC))
		return write_file(w, e, err) < 0 ? -1 : 1;
	if (e->mode != GR_MODE_DIR || gr_name_is_dotgit(e->name, e->len))
		return 0;
	buf_add(&w->path, e->name, e->len);
	buf_addc(&w->path, '/');
	rc = w->path.failed ? err_set(err, ERR_LIMIT, "a path over %d bytes", GR_PATH_MAX)
			    : walk_tree(w, &e->oid, err);
	buf_truncate(&w->path, len);
	return rc;
}

static int walk_tree(struct walk *w, const git_oid *oid, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree t = {0};
	int any = 0;

	if (git_oid_equal(plain_slot(w->g->plain, oid), oid))
		return 0;
	if (w->depth == GR_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "a path over %d folders deep", GR_DEPTH_MAX);
	if (gr_tree_read(w->r, oid, &t, err) < 0)
		return -1;
	w->depth++;
	for (size_t i = 0; i < t.n; i++) {
		int rc = walk_entry(w, &t.e[i], err);

		if (rc < 0)
			return -1;
		any = any || rc;
	}
	w->depth--;
	if (!any)
		plain_add(w->g->plain, oid);
	return any;
}

int gr_attr_files(struct gr *g, struct gr_repo *r, const git_oid *tree, const char *dir,
		  struct err *err)
{
	struct walk w = {.g = g, .r = r, .dir = dir};
	int rc;

	if (!g->plain)
		g->plain = xcalloc(1, sizeof(*g->plain));
	buf_init(&w.path, GR_PATH_MAX);
	rc = walk_tree(&w, tree, err);
	buf_release(&w.path);
	return rc < 0 ? -1 : 0;
}
