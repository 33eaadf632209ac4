/* checkout.c - see checkout.h */
#include "git/checkout.h"

#include "git/ignore.h"
#include "git/names.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct sync {
	struct gr_sync o;
	const char *root;
	struct buf path; /* from the root, no '/' in front */
	int depth;
	size_t entries;
	int64_t work; /* of ignore rules; too much, and what is ignored goes too */
};

/* What a tree names many times takes little in the repository and any amount of the disk. */
#define GR_SYNC_ENTRIES ((size_t)1 << 22)
#define GR_SYNC_FREE    ((uint64_t)512 << 20) /* bytes left on the file system */
#define GR_SYNC_LOOK    256                   /* entries between two looks */
#define GR_SYNC_LARGE   ((size_t)1 << 20)     /* a file that is looked at by itself */

static int check_room(struct sync *s, int dir, size_t size, struct err *err)
{
	struct statvfs v;

	if (++s->entries > GR_SYNC_ENTRIES)
		return err_set(err, ERR_LIMIT, "the tree has more than %zu files and folders",
			       GR_SYNC_ENTRIES);
	if (size < GR_SYNC_LARGE && s->entries % GR_SYNC_LOOK)
		return 0;
	if (fstatvfs(dir, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < size + GR_SYNC_FREE)
		return err_set(
			err, ERR_LIMIT,
			"write %s/%s: the file system would have less than %llu MiB left; make "
			"room on it",
			s->root, s->path.s, (unsigned long long)(GR_SYNC_FREE >> 20));
	return 0;
}

static int sync_dir(struct sync *s, int fd, const git_oid *tree, const struct gr_ignore *up,
		    bool all_ignored, struct err *err);

static int write_bytes(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int write_file(struct sync *s, int dir, const char *name, const struct gr_entry *e,
		      git_odb_object *blob, struct err *err)
{
	mode_t mode = e->mode == GR_MODE_EXEC ? 0755 : 0644;
	autoclose int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	struct stat st;

	if (fd < 0 || write_bytes(fd, git_odb_object_data(blob), git_odb_object_size(blob)) < 0 ||
	    fstat(fd, &st) < 0)
		return err_errno(err, "write %s/%s", s->root, s->path.s);
	return s->o.index ? gr_stats_add(s->o.index, s->path.s, e->mode, &e->oid, &st, err) : 0;
}

static int write_link(struct sync *s, int dir, const char *name, const struct gr_entry *e,
		      git_odb_object *blob, struct err *err)
{
	autofree char *target = xstrndup(git_odb_object_data(blob), git_odb_object_size(blob));
	struct stat st;

	if (symlinkat(target, dir, name) < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "link %s/%s", s->root, s->path.s);
	return s->o.index ? gr_stats_add(s->o.index, s->path.s, e->mode, &e->oid, &st, err) : 0;
}

static int remove_here(struct sync *s, int dir, const char *name, struct err *err)
{
	autofree char *full = NULL;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(err, "remove %s/%s", s->root, s->path.s);
	full = path_join(s->root, s->path.s);
	return fs_remove_tree(full, err);
}

static int put_blob(struct sync *s, int dir, const char *name, const struct gr_entry *e,
		    struct err *err)
{
	auto_git(git_odb_object) *blob = NULL;
	const git_index_entry *known;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		known = gr_stats_match(s->o.known, s->path.s, &st);
		if (known && known->mode == e->mode && git_oid_equal(&known->id, &e->oid))
			return s->o.index ? gr_stats_add(s->o.index, s->path.s, e->mode, &e->oid,
							 &st, err)
					  : 0;
		if (remove_here(s, dir, name, err) < 0)
			return -1;
	}
	if (gr_blob_read(s->o.r, &e->oid, SIZE_MAX, &blob, err) < 0)
		return err_wrap(err, "file '%s'", s->path.s);
	if (check_room(s, dir, git_odb_object_size(blob), err) < 0)
		return -1;
	return e->mode == GR_MODE_LINK ? write_link(s, dir, name, e, blob, err)
				       : write_file(s, dir, name, e, blob, err);
}

/* Opens the folder `name`, making it when it is missing or something else is there. */
static int open_dir(struct sync *s, int dir, const char *name, int *ret, struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
	    remove_here(s, dir, name, err) < 0)
		return -1;
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make folder %s/%s", s->root, s->path.s);
	*ret = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0 && errno == EACCES && fchmodat(dir, name, 0755, 0) == 0)
		*ret = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret < 0 ? err_errno(err, "open folder %s/%s", s->root, s->path.s) : 0;
}

static int put_entry(struct sync *s, int dir, const struct gr_entry *e, const struct gr_ignore *ig,
		     bool all_ignored, struct err *err)
{
	autofree char *name = xstrndup(e->name, e->len);
	autoclose int fd = -1;

	if (gr_name_is_dotgit(e->name, e->len))
		return err_set(err, ERR_UNSAFE,
			       "'%s' in the tree means Git's own folder; not written", s->path.s);
	if (e->mode != GR_MODE_DIR && e->mode != GR_MODE_SUB)
		return put_blob(s, dir, name, e, err);
	if (check_room(s, dir, 0, err) < 0 || open_dir(s, dir, name, &fd, err) < 0)
		return -1;
	if (e->mode == GR_MODE_SUB) /* an empty folder, as git leaves it without --recursive */
		return s->o.index ? gr_stats_add(s->o.index, s->path.s, e->mode, &e->oid, NULL, err)
				  : 0;
	buf_addc(&s->path, '/');
	all_ignored = all_ignored || gr_ignored(ig, s->path.s, true);
	return sync_dir(s, fd, &e->oid, ig, all_ignored, err);
}

/* Takes away what the tree does not have. */
static int clear_extra(struct sync *s, int fd, const struct gr_tree *t, const struct gr_ignore *ig,
		       bool all_ignored, struct err *err)
{
	size_t len = s->path.len;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		ym_cleanup_close(&copy);
		return err_errno(err, "read folder %s/%s", s->root, s->path.s);
	}
	while (!rc && (d = readdir(dir))) {
		size_t n = strlen(d->d_name);
		bool keep;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		    gr_tree_find(t, d->d_name, n))
			continue;
		buf_adds(&s->path, d->d_name);
		keep = s->o.keep_ignored && !(s->depth == 1 && !strcmp(d->d_name, ".git")) &&
		       (all_ignored || gr_ignored(ig, s->path.s, d->d_type == DT_DIR));
		if (!keep)
			rc = remove_here(s, fd, d->d_name, err);
		buf_truncate(&s->path, len);
	}
	closedir(dir);
	return rc;
}

static int load_ignore(struct sync *s, const struct gr_tree *t, struct gr_ignore *ig,
		       struct err *err)
{
	const struct gr_entry *e = gr_tree_find(t, ".gitignore", 10);
	auto_git(git_odb_object) *blob = NULL;

	if (!s->o.keep_ignored || !e || (e->mode != GR_MODE_FILE && e->mode != GR_MODE_EXEC))
		return 0;
	if (gr_blob_read(s->o.r, &e->oid, GR_IGNORE_BYTES, &blob, err) < 0)
		return err_wrap(err, "%s.gitignore", s->path.s);
	gr_ignore_add(ig, git_odb_object_data(blob), git_odb_object_size(blob));
	return 0;
}

static int sync_dir(struct sync *s, int fd, const git_oid *tree, const struct gr_ignore *up,
		    bool all_ignored, struct err *err)
{
	cleanup(gr_ignore_release) struct gr_ignore ig;
	cleanup(gr_tree_release) struct gr_tree t = {0};
	size_t len = s->path.len;
	int rc;

	gr_ignore_init(&ig, up, len);
	ig.work = &s->work;
	if (s->path.failed || ++s->depth > GR_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "a path over %d bytes or %d folders deep",
			       GR_PATH_MAX, GR_DEPTH_MAX);
	rc = gr_tree_read(s->o.r, tree, &t, err);
	if (rc == 0)
		rc = load_ignore(s, &t, &ig, err);
	if (rc == 0)
		rc = clear_extra(s, fd, &t, &ig, all_ignored, err);
	for (size_t i = 0; rc == 0 && i < t.n; i++) {
		buf_add(&s->path, t.e[i].name, t.e[i].len);
		rc = put_entry(s, fd, &t.e[i], &ig, all_ignored, err);
		buf_truncate(&s->path, len);
	}
	s->depth--;
	return rc;
}

int gr_open_folder(const char *path, int *ret, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;

	*ret = open(path, flags);
	if (*ret < 0 && errno == EACCES && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    chmod(path, 0700) == 0)
		*ret = open(path, flags);
	return *ret < 0 ? err_errno(err, "open folder %s", path) : 0;
}

int gr_sync_tree(const struct gr_sync *o, const git_oid *tree, const char *path, struct err *err)
{
	autoclose int fd = -1;
	struct sync s = {.o = *o, .root = path};
	int rc;

	if (gr_open_folder(path, &fd, err) < 0)
		return -1;
	buf_init(&s.path, GR_PATH_MAX);
	rc = sync_dir(&s, fd, tree, NULL, false, err);
	buf_release(&s.path);
	return rc;
}

int gr_fresh_dir(const char *path, struct err *err)
{
	autofree char *parent = xstrdup(path);

	*strrchr(parent, '/') = 0;
	if (fs_remove_tree(path, err) < 0 || (*parent && fs_mkdir_p(parent, 0700, err) < 0))
		return -1;
	return mkdir(path, 0700) < 0 ? err_errno(err, "make folder %s", path) : 0;
}

static int write_new(const char *path, const char *p, size_t n, struct err *err)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || write_bytes(fd, p, n) < 0)
		return err_errno(err, "write %s", path);
	return 0;
}

int gr_write_text(const char *dir, const char *name, const char *text, struct err *err)
{
	autofree char *path = path_join(dir, name);

	return write_new(path, text, strlen(text), err);
}

int gr_write_dotgit(const char *path, const char *gitdir, struct err *err)
{
	autofree char *text = xasprintf("gitdir: %s\n", gitdir);

	return gr_write_text(path, ".git", text, err);
}

static int copy_index(const char *gitdir, const char *index, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX((size_t)1 << 30);
	autofree char *to = path_join(gitdir, "index");

	if (fs_read(index, (size_t)1 << 30, &b, err) < 0)
		return -1;
	return write_new(to, b.s, b.len, err);
}

int gr_write_gitdir(const char *gitdir, const char *ref, const git_oid *oid, const char *index,
		    struct err *err)
{
	static const char config[] = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n"
				     "\tbare = false\n\tlogallrefupdates = true\n"
				     "[user]\n\tname = agent\n\temail = agent@localhost\n"
				     "[gc]\n\tauto = 0\n";
	static const char *const dirs[] = {"objects/info", "objects/pack", "refs/heads",
					   "refs/tags", "info"};
	autofree char *id = xasprintf("%s\n", git_oid_tostr_s(oid));
	autofree char *head = ref ? xasprintf("ref: %s\n", ref) : xstrdup(id);

	if (gr_fresh_dir(gitdir, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autofree char *dir = path_join(gitdir, dirs[i]);

		if (fs_mkdir_p(dir, 0755, err) < 0)
			return -1;
	}
	if (ref) {
		autofree char *dir = path_join(gitdir, ref);

		*strrchr(dir, '/') = 0;
		if (fs_mkdir_p(dir, 0755, err) < 0 || gr_write_text(gitdir, ref, id, err) < 0)
			return -1;
	}
	if (gr_write_text(gitdir, "objects/info/alternates", "/yard/objects\n", err) < 0 ||
	    gr_write_text(gitdir, "config", config, err) < 0 ||
	    (index && copy_index(gitdir, index, err) < 0))
		return -1;
	return gr_write_text(gitdir, "HEAD", head, err);
}

/* The index beside the private Git directory serves the one copy that goes into it. */
static int checkout_files(struct gr_repo *r, const git_oid *tree, const char *path,
			  const char *index_path, struct err *err)
{
	auto_git(git_index) *index = NULL;
	struct gr_sync s = {.r = r};

	if (gr_fresh_dir(path, err) < 0 || gr_stats_begin(index_path, &index, err) < 0)
		return -1;
	s.index = index;
	if (gr_sync_tree(&s, tree, path, err) < 0)
		return -1;
	return gr_stats_finish(index, index_path, err);
}

int gr_op_checkout(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	autofree char *index = NULL;
	auto_git(git_commit) *c = NULL;
	const char *path, *gitdir;
	struct gr_repo *r;

	(void)ans;
	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_commit(r, req, "commit", &c, err) < 0 ||
	    gr_get_path(req, "path", &path, err) < 0 ||
	    gr_get_path(req, "gitdir", &gitdir, err) < 0)
		return -1;
	/* Always from nothing: what a gate left there must not be what the next one tests. The index
	 * comes first because the private directory's parent may not exist yet. */
	index = xasprintf("%s.index", gitdir);
	if (gr_fresh_dir(gitdir, err) < 0 ||
	    checkout_files(r, git_commit_tree_id(c), path, index, err) < 0 ||
	    gr_write_dotgit(path, gitdir, err) < 0 ||
	    gr_write_gitdir(gitdir, NULL, git_commit_id(c), index, err) < 0)
		return -1;
	return unlink(index) < 0 ? err_errno(err, "remove %s", index) : 0;
}
