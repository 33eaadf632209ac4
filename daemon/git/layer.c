/* layer.c - see layer.h */
#include "git/layer.h"

#include "git/checkout.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY ".yardmaster-layer-file" /* a file being copied, in the folder of its place */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct copy {
	struct gr_repo *r; /* saving: names of `tree` are left out; NULL: everything */
	const char *from;  /* for messages */
	int depth;
	int64_t bytes, max_bytes; /* of all files as they read, holes and further names included */
};

static int copy_dir(struct copy *c, int from, int to, const git_oid *tree, struct err *err);

static int failed(const struct copy *c, const char *what, const char *name, struct err *err)
{
	return err_errno(err, "copy %s: %s '%s'", c->from, what, name);
}

static int copy_file(struct copy *c, int from, int to, const char *name, const struct stat *st,
		     struct err *err)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	autoclose int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	autoclose int out = -1;

	if (in < 0)
		return failed(c, "open", name, err);
	/* A file with holes, or of many names, is larger here than it was where its run was measured. */
	if (st->st_size > c->max_bytes - c->bytes)
		return err_set(err, ERR_LIMIT, "copy %s: more than %lld bytes", c->from,
			       (long long)c->max_bytes);
	c->bytes += st->st_size;
	unlinkat(to, TEMPORARY, 0);
	out = openat(to, TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0 || fs_copy(in, out) < 0 || fchmod(out, st->st_mode & 0777) < 0 ||
	    futimens(out, times) < 0)
		return failed(c, "write", name, err);
	if (renameat2(to, TEMPORARY, to, name, RENAME_NOREPLACE) < 0 && errno != EEXIST)
		return failed(c, "rename to", name, err);
	unlinkat(to, TEMPORARY, 0); /* there when the place was taken */
	return 0;
}

static int copy_link(const struct copy *c, int from, int to, const char *name, struct err *err)
{
	char target[4097];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return failed(c, "read link", name, err);
	target[n] = 0;
	if (symlinkat(target, to, name) < 0 && errno != EEXIST)
		return failed(c, "make link", name, err);
	return 0;
}

/* A folder: made where there is none; something else in its place stays, and the folder is left. */
static int copy_folder(struct copy *c, int from, int to, const char *name, const struct stat *st,
		       const git_oid *tree, struct err *err)
{
	autoclose int in = openat(from, name, DIR_FLAGS);
	autoclose int out = -1;
	struct stat there;
	bool made;

	if (in < 0)
		return failed(c, "open folder", name, err);
	made = mkdirat(to, name, 0700) == 0;
	if (!made && errno != EEXIST)
		return failed(c, "make folder", name, err);
	if (fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(there.st_mode))
		return 0;
	out = openat(to, name, DIR_FLAGS);
	if (out < 0)
		return failed(c, "open folder", name, err);
	if (copy_dir(c, in, out, tree, err) < 0)
		return -1;
	/* A folder of the commit in which there was nothing to keep. */
	if (made && tree && unlinkat(to, name, AT_REMOVEDIR) == 0)
		return 0;
	return made && fchmod(out, (st->st_mode & 0777) | 0700) < 0
		       ? failed(c, "set the mode of", name, err)
		       : 0;
}

/* One name that `known` (the tree's entry, or NULL) does not already have. */
static int copy_name(struct copy *c, int from, int to, const char *name,
		     const struct gr_entry *known, struct err *err)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(c, "look at", name, err);
	if (S_ISDIR(st.st_mode) && (!known || known->mode == GR_MODE_DIR))
		return copy_folder(c, from, to, name, &st, known ? &known->oid : NULL, err);
	if (known)
		return 0;
	if (S_ISREG(st.st_mode))
		return copy_file(c, from, to, name, &st, err);
	return S_ISLNK(st.st_mode) ? copy_link(c, from, to, name, err) : 0;
}

static bool skipped(const struct copy *c, const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, TEMPORARY) ||
	       (c->depth == 1 && !strcmp(name, ".git"));
}

static int copy_dir(struct copy *c, int from, int to, const git_oid *tree, struct err *err)
{
	cleanup(gr_tree_release) struct gr_tree t = {0};
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;

	if (!dir) {
		ym_cleanup_close(&copy);
		return failed(c, "read", "a folder", err);
	}
	if (++c->depth > GR_DEPTH_MAX)
		rc = err_set(err, ERR_LIMIT, "copy %s: folders over %d deep", c->from,
			     GR_DEPTH_MAX);
	if (rc == 0 && c->r)
		rc = gr_tree_read(c->r, tree, &t, err);
	while (rc == 0 && (d = readdir(dir)))
		if (!skipped(c, d->d_name))
			rc = copy_name(c, from, to, d->d_name,
				       gr_tree_find(&t, d->d_name, strlen(d->d_name)), err);
	closedir(dir);
	c->depth--;
	return rc;
}

static int copy_tree(struct gr_repo *r, const char *from, const char *to, const git_oid *tree,
		     int64_t max_bytes, struct err *err)
{
	autoclose int in = open(from, DIR_FLAGS);
	autoclose int out = open(to, DIR_FLAGS);
	struct copy c = {.r = r, .from = from, .max_bytes = max_bytes};

	if (in < 0)
		return err_errno(err, "open folder %s", from);
	if (out < 0)
		return err_errno(err, "open folder %s", to);
	return copy_dir(&c, in, out, tree, err);
}

int gr_op_layer_save(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_commit) *commit = NULL;
	autofree char *staged = NULL;
	int64_t max_bytes = INT64_MAX;
	const char *path, *layer;
	struct gr_repo *r;

	(void)ans;
	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_commit(r, req, "commit", &commit, err) < 0 ||
	    gr_get_path(req, "path", &path, err) < 0 ||
	    gr_get_path(req, "layer", &layer, err) < 0 ||
	    json_opt_int(req, "max_bytes", &max_bytes, err) < 0)
		return -1;
	if (fs_exists(layer))
		return 0;
	/* Two roles may save the same layer: each its own copy, and the first rename wins. */
	staged = xasprintf("%s.%d.tmp", layer, (int)getpid());
	if (gr_fresh_dir(staged, err) < 0)
		return -1;
	if (copy_tree(r, path, staged, git_commit_tree_id(commit), max_bytes, err) < 0) {
		fs_remove_tree(staged, NULL);
		return -1;
	}
	if (renameat2(AT_FDCWD, staged, AT_FDCWD, layer, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EEXIST ? fs_remove_tree(staged, err) : err_errno(err, "rename %s", staged);
}

int gr_op_layer_apply(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	const char *path, *layer;
	bool found;

	(void)g;
	if (gr_get_path(req, "layer", &layer, err) < 0 || gr_get_path(req, "path", &path, err) < 0)
		return -1;
	found = fs_exists(layer);
	if (found && copy_tree(NULL, layer, path, NULL, INT64_MAX, err) < 0)
		return -1;
	json_put_bool(ans, "found", found);
	return 0;
}
