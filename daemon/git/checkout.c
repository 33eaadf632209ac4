/* checkout.c - see checkout.h */
#include "git/checkout.h"

#include "git/attr.h"
#include "git/convert.h"
#include "git/gitdir.h"
#include "git/ignore.h"
#include "git/modules.h"
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
	int64_t attr_work;
};

/* The rules of a folder and of those above it. */
struct rules {
	struct gr_ignore ignore;
	struct gr_attr_level attr;
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

static int sync_dir(struct sync *s, int fd, const git_oid *tree, const struct rules *up,
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

/* What the attributes make of a blob: 1 *ret has it, 0 it stays as it is; 2 *ret_lfs stands for it. */
static int convert(struct sync *s, const struct rules *rules, git_odb_object *blob, struct buf *ret,
		   struct gr_lfs *ret_lfs, struct err *err)
{
	const char *v[GR_ATTRS];
	struct gr_conv c;
	int rc;

	if (!gr_attr_any(&rules->attr))
		return 0;
	if (gr_attr_get(&rules->attr, s->path.s, v, err) < 0 || gr_conv_init(&c, v, err) < 0)
		return err_wrap(err, "file '%s'", s->path.s);
	if (s->o.lfs && gr_lfs_filter(c.filter) &&
	    gr_lfs_pointer(git_odb_object_data(blob), git_odb_object_size(blob), ret_lfs))
		return 2;
	if (c.filter && s->o.filters && !strvec_has(s->o.filters, c.filter))
		strvec_push(s->o.filters, c.filter);
	if (!gr_conv_any(&c))
		return 0;
	rc = gr_conv_out(&c, git_odb_object_data(blob), git_odb_object_size(blob), ret, err);
	return rc < 0 ? err_wrap(err, "file '%s'", s->path.s) : rc;
}

/* Git reads a file again that is not older than its index, in whole seconds (racy-git.txt), and without the filter it would
 * then take the bytes for a change of the pointer. */
#define LFS_OLDER_S 2

/* The bytes that a pointer stands for. Of an object that is missing the file stays empty: nobody gets to see it. */
static int write_lfs(struct sync *s, const struct gr_lfs *l, int fd, struct err *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	int rc = gr_lfs_copy(s->o.r, l, fd, err);

	if (rc == 0)
		gr_lfs_missing_add(s->o.lfs, s->o.r, s->path.s, l);
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec -= LFS_OLDER_S;
	if (rc >= 0 && futimens(fd, times) < 0)
		rc = err_errno(err, "set the time");
	return rc < 0 ? err_wrap(err, "file '%s'", s->path.s) : 0;
}

static int write_file(struct sync *s, int dir, const char *name, const struct gr_entry *e,
		      const struct rules *rules, git_odb_object *blob, struct err *err)
{
	cleanup(buf_release) struct buf other = BUF_INIT;
	struct gr_lfs lfs;
	int rc = convert(s, rules, blob, &other, &lfs, err);
	const char *p = rc == 1 ? other.s : git_odb_object_data(blob);
	size_t n = rc == 1 ? other.len : git_odb_object_size(blob);
	mode_t mode = e->mode == GR_MODE_EXEC ? 0755 : 0644;
	autoclose int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	struct stat st;

	if (rc < 0 || check_room(s, dir, rc == 2 ? (size_t)lfs.size : n, err) < 0)
		return -1;
	if (fd < 0)
		return err_errno(err, "write %s/%s", s->root, s->path.s);
	if (rc == 2 && write_lfs(s, &lfs, fd, err) < 0)
		return -1;
	if ((rc != 2 && write_bytes(fd, p, n) < 0) || fstat(fd, &st) < 0)
		return err_errno(err, "write %s/%s", s->root, s->path.s);
	return s->o.index ? gr_stats_add(s->o.index, s->path.s, e->mode, &e->oid, &st, err) : 0;
}

static int write_link(struct sync *s, int dir, const char *name, const struct gr_entry *e,
		      git_odb_object *blob, struct err *err)
{
	autofree char *target = xstrndup(git_odb_object_data(blob), git_odb_object_size(blob));
	struct stat st;

	if (check_room(s, dir, 0, err) < 0)
		return -1;
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
		    const struct rules *rules, struct err *err)
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
	return e->mode == GR_MODE_LINK ? write_link(s, dir, name, e, blob, err)
				       : write_file(s, dir, name, e, rules, blob, err);
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

static int put_entry(struct sync *s, int dir, const struct gr_entry *e, const struct rules *rules,
		     bool all_ignored, struct err *err)
{
	autofree char *name = xstrndup(e->name, e->len);
	autoclose int fd = -1;

	if (gr_name_is_dotgit(e->name, e->len))
		return err_set(err, ERR_UNSAFE,
			       "'%s' in the tree means Git's own folder; not written", s->path.s);
	if (e->mode != GR_MODE_DIR && e->mode != GR_MODE_SUB)
		return put_blob(s, dir, name, e, rules, err);
	if (check_room(s, dir, 0, err) < 0 || open_dir(s, dir, name, &fd, err) < 0)
		return -1;
	if (e->mode == GR_MODE_SUB) /* an empty folder, as git leaves it without --recursive */
		return s->o.index ? gr_stats_add(s->o.index, s->path.s, e->mode, &e->oid, NULL, err)
				  : 0;
	buf_addc(&s->path, '/');
	all_ignored = all_ignored || gr_ignored(&rules->ignore, s->path.s, true);
	return sync_dir(s, fd, &e->oid, rules, all_ignored, err);
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

/* A file of the folder that has rules; 1 *ret has it, 0 there is none. */
static int load_rules(struct sync *s, const struct gr_tree *t, const char *name, size_t max,
		      git_odb_object **ret, struct err *err)
{
	const struct gr_entry *e = gr_tree_find(t, name, strlen(name));

	if (!e || (e->mode != GR_MODE_FILE && e->mode != GR_MODE_EXEC))
		return 0;
	if (gr_blob_read(s->o.r, &e->oid, max, ret, err) < 0)
		return err_wrap(err, "%s%s", s->path.s, name);
	return 1;
}

static int load(struct sync *s, const struct gr_tree *t, struct rules *rules, struct err *err)
{
	auto_git(git_odb_object) *ignore = NULL;
	auto_git(git_odb_object) *attr = NULL;
	int rc = s->o.keep_ignored ? load_rules(s, t, ".gitignore", GR_IGNORE_BYTES, &ignore, err)
				   : 0;

	if (rc > 0)
		gr_ignore_add(&rules->ignore, git_odb_object_data(ignore),
			      git_odb_object_size(ignore));
	if (rc >= 0)
		rc = load_rules(s, t, ".gitattributes", GR_ATTR_BYTES, &attr, err);
	if (rc > 0)
		rc = gr_attr_add(&rules->attr, git_odb_object_data(attr), git_odb_object_size(attr),
				 err);
	return rc < 0 ? -1 : 0;
}

static void rules_init(struct sync *s, struct rules *rules, const struct rules *up)
{
	gr_ignore_init(&rules->ignore, up ? &up->ignore : NULL, s->path.len);
	gr_attr_init(&rules->attr, up ? &up->attr : NULL, s->path.len);
	rules->ignore.work = &s->work;
	rules->attr.work = &s->attr_work;
}

static void rules_release(struct rules *rules)
{
	gr_ignore_release(&rules->ignore);
	gr_attr_release(&rules->attr);
}

static int sync_dir(struct sync *s, int fd, const git_oid *tree, const struct rules *up,
		    bool all_ignored, struct err *err)
{
	cleanup(rules_release) struct rules rules;
	cleanup(gr_tree_release) struct gr_tree t = {0};
	size_t len = s->path.len;
	int rc;

	rules_init(s, &rules, up);
	if (s->path.failed || ++s->depth > GR_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "a path over %d bytes or %d folders deep",
			       GR_PATH_MAX, GR_DEPTH_MAX);
	rc = gr_tree_read(s->o.r, tree, &t, err);
	if (rc == 0)
		rc = load(s, &t, &rules, err);
	if (rc == 0)
		rc = clear_extra(s, fd, &t, &rules.ignore, all_ignored, err);
	for (size_t i = 0; rc == 0 && i < t.n; i++) {
		buf_add(&s->path, t.e[i].name, t.e[i].len);
		rc = put_entry(s, fd, &t.e[i], &rules, all_ignored, err);
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

int gr_write_bytes(const char *dir, const char *name, const char *p, size_t n, struct err *err)
{
	autofree char *path = path_join(dir, name);

	return write_new(path, p, n, err);
}

int gr_write_text(const char *dir, const char *name, const char *text, struct err *err)
{
	return gr_write_bytes(dir, name, text, strlen(text), err);
}

int gr_write_dotgit(const char *path, const char *gitdir, struct err *err)
{
	autofree char *text = xasprintf("gitdir: %s\n", gitdir);

	return gr_write_text(path, ".git", text, err);
}

/* What a request "checkout" is about. */
struct checkout {
	struct gr_repo *r;
	const char *path;
	struct gr_gitdir git;
	struct gr_modules modules;
	struct gr_lfs_missing missing;
	struct strvec filters;
};

static void checkout_release(struct checkout *c)
{
	gr_gitdir_release(&c->git);
	gr_modules_release(&c->modules);
	gr_lfs_missing_release(&c->missing);
	strvec_release(&c->filters);
}

/* The index beside the private Git directory serves the one copy that goes into it. */
static int checkout_files(struct checkout *c, const git_oid *tree, struct err *err)
{
	auto_git(git_index) *index = NULL;
	struct gr_sync s = {
		.r = c->r, .filters = &c->filters, .lfs = c->missing.on ? &c->missing : NULL};

	if (gr_fresh_dir(c->path, err) < 0 || gr_stats_begin(c->git.index, &index, err) < 0)
		return -1;
	s.index = index;
	if (gr_sync_tree(&s, tree, c->path, err) < 0)
		return -1;
	return gr_stats_finish(index, c->git.index, err);
}

/* Files, the private Git directory, and submodules, whose own are inside that. 1: something is to be fetched first. */
static int checkout_all(struct gr *g, struct checkout *c, const git_oid *tree, json_t *ans,
			struct err *err)
{
	cleanup(buf_release) struct buf config = BUF_INIT;

	gr_modules_config(&c->modules, &config);
	c->git.config = config.s;
	if (gr_fresh_dir(c->git.path, err) < 0 || checkout_files(c, tree, err) < 0 ||
	    gr_write_dotgit(c->path, c->git.path, err) < 0 || gr_gitdir_write(&c->git, err) < 0 ||
	    gr_modules_write(g, &c->modules, c->path, c->git.path, 0,
			     c->missing.on ? &c->missing : NULL, err) < 0)
		return -1;
	return gr_lfs_missing_settle(&c->missing, c->r, ans, err);
}

int gr_op_checkout(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	autofree char *index = NULL, *names = NULL;
	auto_git(git_commit) *commit = NULL;
	cleanup(checkout_release) struct checkout c = {0};
	int rc;

	if (gr_get_repo(g, req, &c.r, err) < 0 || gr_gitdir_decode(req, &c.git, err) < 0 ||
	    gr_lfs_missing_decode(req, &c.missing, err) < 0 ||
	    gr_modules_decode(req, &c.modules, err) < 0 ||
	    gr_get_commit(c.r, req, "commit", &commit, err) < 0 ||
	    gr_get_path(req, "path", &c.path, err) < 0 ||
	    gr_get_path(req, "gitdir", &c.git.path, err) < 0)
		return -1;
	rc = gr_modules_find(g, c.r, git_commit_tree_id(commit), &c.modules, ans, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	/* Always from nothing: what a gate left there must not be what the next one tests. The index
	 * comes first because the private directory's parent may not exist yet. */
	index = xasprintf("%s.index", c.git.path);
	c.git.r = c.r;
	c.git.oid = git_commit_id(commit);
	c.git.index = index;
	rc = checkout_all(g, &c, git_commit_tree_id(commit), ans, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (c.filters.n) {
		names = strvec_join(&c.filters, " ");
		json_put_str(ans, "filters", names);
	}
	return unlink(index) < 0 ? err_errno(err, "remove %s", index) : 0;
}
