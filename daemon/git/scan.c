/* scan.c - see scan.h */
#include "git/scan.h"

#include "git/checkout.h"
#include "git/convert.h"
#include "git/ignore.h"
#include "git/lfs.h"
#include "git/modules.h"
#include "git/names.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2/sys/path.h>
#include <unistd.h>

#define NAMES_MAX ((size_t)1 << 20) /* names of one folder, and new ones of all folders */

struct scan {
	struct gr_scan *o;
	const char *root;
	struct buf path;
	int depth;
	int64_t files, bytes; /* new or changed, so far */
	int64_t work;         /* of ignore rules */
	size_t names;         /* new ones, ignored or not */
	size_t looked;        /* names below ignored folders */
	int64_t attr_work;
};

/* The new tree of one folder, as it grows. */
struct level {
	int fd;
	struct gr_tree parent;
	struct gr_ignore ignore;
	struct gr_attr_level attr;
	bool all_ignored; /* the folder itself is: only tracked names count */
	struct gr_entry *e;
	size_t n, cap;
	struct strvec names; /* owns the names of e */
};

static int scan_dir(struct scan *s, int fd, const git_oid *parent, const struct level *up,
		    bool all_ignored, git_oid *ret, bool *ret_any, struct err *err);

static void level_release(struct level *l)
{
	gr_tree_release(&l->parent);
	gr_ignore_release(&l->ignore);
	gr_attr_release(&l->attr);
	strvec_release(&l->names);
	free(l->e);
	ym_cleanup_close(&l->fd);
}

static void keep(struct level *l, const char *name, unsigned mode, const git_oid *oid)
{
	if (l->n == l->cap)
		l->e = xreallocarray(l->e, l->cap = l->cap ? 2 * l->cap : 64, sizeof(*l->e));
	l->e[l->n++] = (struct gr_entry){
		.name = name, .len = (unsigned)strlen(name), .mode = mode, .oid = *oid};
}

static int record(struct scan *s, unsigned mode, const git_oid *oid, const struct stat *st,
		  struct err *err)
{
	return s->o->index ? gr_stats_add(s->o->index, s->path.s, mode, oid, st, err) : 0;
}

static bool is_file(unsigned mode)
{
	return mode == GR_MODE_FILE || mode == GR_MODE_EXEC;
}

/* Counts one new or changed file against the limits. */
static int count(struct scan *s, int64_t bytes)
{
	const struct gr_limits *l = &s->o->limits;

	s->bytes += bytes;
	if (++s->files > l->files)
		return gr_refuse(&s->o->refusal, s->path.s, "file-count",
				 "more than %lld files are new or changed", (long long)l->files);
	if (s->bytes > l->bytes)
		return gr_refuse(&s->o->refusal, s->path.s, "total-size",
				 "the new and changed files have more than %lld bytes together",
				 (long long)l->bytes);
	return 0;
}

/* At most max bytes of a regular file; one more byte than that is "too large": returns 1. */
static int read_file(struct scan *s, const struct level *l, const char *name, size_t max,
		     struct buf *b, struct stat *st, struct err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	autoclose int fd = openat(l->fd, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(l->fd, name, st->st_mode | 0400, 0) == 0)
		fd = openat(l->fd, name, flags);
	if (fd < 0 || fstat(fd, st) < 0)
		return err_errno(err, "open %s/%s", s->root, s->path.s);
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_UNSAFE,
			       "%s/%s changed while it was read: something is "
			       "still writing there",
			       s->root, s->path.s);
	buf_init(b, max + 2);
	for (;;) {
		size_t want = max - b->len + 1 < 65536 ? max - b->len + 1 : 65536;
		ssize_t n = read(fd, buf_room(b, want), want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read %s/%s", s->root, s->path.s);
		if (!n)
			return 0;
		buf_grown(b, (size_t)n);
		if (b->len > max)
			return 1;
	}
}

/* How much of the file is read: a file that is tracked already may be as large as it was. */
static int size_limit(struct scan *s, const struct gr_entry *was, size_t *ret, struct err *err)
{
	git_object_t type;
	size_t size = 0;
	int rc = 0;

	if (was && is_file(was->mode))
		rc = git_odb_read_header(&size, &type, s->o->r->odb, &was->oid);
	if (rc < 0)
		return gr_fail(err, rc, "blob of '%s'", s->path.s);
	*ret = (size_t)s->o->limits.file_bytes > size ? (size_t)s->o->limits.file_bytes : size;
	return 0;
}

static int too_large(struct scan *s)
{
	return gr_refuse(&s->o->refusal, s->path.s, "file-size", "larger than %lld bytes",
			 (long long)s->o->limits.file_bytes);
}

/* What the attributes say of the file at s->path. */
static int conv_of(struct scan *s, const struct level *l, struct gr_conv *ret, struct err *err)
{
	const char *v[GR_ATTRS];

	*ret = (struct gr_conv){0};
	if (!gr_attr_any(&l->attr))
		return 0;
	if (gr_attr_get(&l->attr, s->path.s, v, err) < 0 || gr_conv_init(ret, v, err) < 0)
		return err_wrap(err, "file '%s'", s->path.s);
	return 0;
}

/* The bytes as the repository is to have them, in place. 1 refused. */
static int to_repository(struct scan *s, const struct gr_conv *c, const struct gr_entry *was,
			 struct buf *b, struct err *err)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err why = ERR_INIT;
	auto_git(git_odb_object) *blob = NULL;
	struct buf text = BUF_INIT, raw = *b;
	int rc;

	if (was && is_file(was->mode) && gr_conv_wants_was(c)) {
		if (gr_blob_read(s->o->r, &was->oid, SIZE_MAX, &blob, err) < 0)
			return -1;
		text.s = (char *)(uintptr_t)git_odb_object_data(blob); /* looked at only */
		text.len = git_odb_object_size(blob);
	}
	rc = gr_conv_in(c, b->s, b->len, blob ? &text : NULL, &out, &why);
	if (rc < 0)
		return gr_refuse(&s->o->refusal, s->path.s, "encoding", "%s", err_text(&why));
	if (rc > 0) {
		*b = out;
		out = raw;
	}
	return 0;
}

static int check_lfs(struct scan *s, const struct gr_entry *was, const struct buf *b,
		     struct err *err)
{
	int rc = gr_lfs_takes(s->o->r, was && is_file(was->mode) ? &was->oid : NULL, b->s, b->len,
			      err);

	return rc ? (rc < 0 ? -1 : 0)
		  : gr_refuse(&s->o->refusal, s->path.s, "lfs",
			      "files like this are kept with Git LFS (.gitattributes), and a task "
			      "cannot bring a new version of one: leave it as it was, or a person "
			      "commits it");
}

/* Reads the file and finds its blob. 1 refused. */
static int read_blob(struct scan *s, struct level *l, const char *name, const struct gr_entry *was,
		     struct stat *st, struct buf *b, git_oid *ret, struct err *err)
{
	struct gr_conv c;
	size_t max = 0;
	int rc;

	if (size_limit(s, was, &max, err) < 0 || conv_of(s, l, &c, err) < 0)
		return -1;
	if (gr_lfs_filter(c.filter) && was && is_file(was->mode)) {
		rc = gr_lfs_unchanged(s->o->r, &was->oid, l->fd, name, st, err);
		*ret = was->oid;
		if (rc)
			return rc < 0 ? err_wrap(err, "file '%s'", s->path.s) : 0;
	}
	/* Line ends double a file at most, UTF-32 makes four bytes of one. */
	if (gr_conv_any(&c))
		max = 4 * max + 4;
	if (st->st_size > 0 && (size_t)st->st_size > max)
		return too_large(s);
	rc = read_file(s, l, name, max, b, st, err);
	if (rc)
		return rc < 0 ? -1 : too_large(s);
	rc = gr_conv_any(&c) ? to_repository(s, &c, was, b, err) : 0;
	if (rc == 0 && gr_lfs_filter(c.filter))
		rc = check_lfs(s, was, b, err);
	if (rc)
		return rc;
	rc = git_odb_hash(ret, b->s, b->len, GIT_OBJECT_BLOB);
	return rc < 0 ? gr_fail(err, rc, "hash '%s'", s->path.s) : 0;
}

static int scan_file(struct scan *s, struct level *l, const char *name, const struct gr_entry *was,
		     struct stat *st, struct err *err)
{
	const git_index_entry *known = gr_stats_match(s->o->known, s->path.s, st);
	cleanup(buf_release) struct buf b = BUF_INIT;
	unsigned mode;
	git_oid oid;
	int rc;

	if (known && is_file(known->mode)) {
		oid = known->id;
	} else {
		rc = read_blob(s, l, name, was, st, &b, &oid, err);
		if (rc)
			return rc;
	}
	mode = st->st_mode & 0100 ? GR_MODE_EXEC : GR_MODE_FILE;
	keep(l, name, mode, &oid);
	if (was && was->mode == mode && git_oid_equal(&was->oid, &oid))
		return record(s, mode, &oid, st, err);
	rc = count(s, st->st_size);
	if (rc)
		return rc;
	if (!known && !(was && git_oid_equal(&was->oid, &oid))) {
		if ((int64_t)b.len > s->o->limits.file_bytes)
			return too_large(s);
		if (gr_mem_put(s->o->r, GIT_OBJECT_BLOB, b.s, b.len, &oid, err) < 0)
			return -1;
	}
	return record(s, mode, &oid, st, err);
}

static bool is_gitmodules(const char *name)
{
	return git_path_is_gitfile(name, strlen(name), GIT_PATH_GITFILE_GITMODULES,
				   GIT_PATH_FS_GENERIC) > 0;
}

static int scan_link(struct scan *s, struct level *l, const char *name, const struct gr_entry *was,
		     const struct stat *st, struct err *err)
{
	char target[GR_PATH_MAX + 1];
	ssize_t n = readlinkat(l->fd, name, target, sizeof(target));
	git_oid oid;
	int rc;

	if (n < 0)
		return err_errno(err, "read link %s/%s", s->root, s->path.s);
	if (n > GR_PATH_MAX)
		return gr_refuse(&s->o->refusal, s->path.s, "symlink", "target over %d bytes",
				 GR_PATH_MAX);
	rc = git_odb_hash(&oid, target, (size_t)n, GIT_OBJECT_BLOB);
	if (rc < 0)
		return gr_fail(err, rc, "hash '%s'", s->path.s);
	keep(l, name, GR_MODE_LINK, &oid);
	if (was && was->mode == GR_MODE_LINK && git_oid_equal(&was->oid, &oid))
		return record(s, GR_MODE_LINK, &oid, st, err);
	if (!gr_link_stays_inside(target, (size_t)n, s->depth - 1) || is_gitmodules(name))
		return gr_refuse(&s->o->refusal, s->path.s, "symlink",
				 "the symbolic link's target '%.*s' may lead out of the tree",
				 (int)n, target);
	if (gr_link_into_dotgit(target, (size_t)n))
		return gr_refuse(&s->o->refusal, s->path.s, "dot-git",
				 "the symbolic link leads into Git's own folder");
	rc = count(s, n);
	if (rc)
		return rc;
	if (gr_mem_put(s->o->r, GIT_OBJECT_BLOB, target, (size_t)n, &oid, err) < 0)
		return -1;
	return record(s, GR_MODE_LINK, &oid, st, err);
}

/* ---- what is ignored ---- */

static void note_ignored(struct scan *s, int fd, const char *name, int depth);

static void note_folder(struct scan *s, int fd, const char *name, int depth)
{
	int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = sub < 0 ? NULL : fdopendir(sub);
	size_t len = s->path.len;
	struct dirent *d;

	if (!dir) { /* it can be closed to us: this is no more than a note */
		ym_cleanup_close(&sub);
		return;
	}
	while ((d = readdir(dir)) && !s->o->ignored_more) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		buf_addc(&s->path, '/');
		buf_adds(&s->path, d->d_name);
		if (++s->looked > GR_IGNORED_LOOK)
			s->o->ignored_more = true;
		else if (!s->path.failed)
			note_ignored(s, dirfd(dir), d->d_name, depth + 1);
		s->path.failed = false;
		buf_truncate(&s->path, len);
	}
	closedir(dir);
}

static void note_ignored(struct scan *s, int fd, const char *name, int depth)
{
	struct stat st;
	int64_t changed_ms;

	if (!s->o->since_ms || s->o->ignored_more || depth >= GR_DEPTH_MAX ||
	    fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		note_folder(s, fd, name, depth);
		return;
	}
	changed_ms = (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
	if (changed_ms < s->o->since_ms)
		return;
	if (s->o->ignored.n == GR_IGNORED_MAX)
		s->o->ignored_more = true;
	else
		strvec_push(&s->o->ignored, s->path.s);
}

static int open_sub(struct scan *s, const struct level *l, const char *name, int *ret,
		    struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	*ret = openat(l->fd, name, flags);
	if (*ret < 0 && errno == EACCES && fchmodat(l->fd, name, 0700, 0) == 0)
		*ret = openat(l->fd, name, flags);
	return *ret < 0 ? err_errno(err, "open folder %s/%s", s->root, s->path.s) : 0;
}

static int is_empty_dir(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;

	if (!dir) {
		ym_cleanup_close(&copy);
		return 0;
	}
	while ((d = readdir(dir)))
		n += strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
	closedir(dir);
	return n == 0;
}

static int refuse_sub(struct scan *s)
{
	return gr_refuse(&s->o->refusal, s->path.s, "submodule",
			 "the place of a submodule was written to");
}

/* 1 refused. */
static int check_submodule(struct scan *s, int fd, const git_oid *commit, struct err *err)
{
	autofree char *path = xasprintf("%s%s", s->o->prefix ? s->o->prefix : "", s->path.s);
	const struct gr_module *m = gr_module_at(s->o->modules, path);
	autofree char *place = path_join(s->root, s->path.s);
	int rc;

	if (is_empty_dir(fd))
		return 0;
	if (!m || !git_oid_equal(&m->commit, commit))
		return refuse_sub(s);
	rc = gr_module_unchanged(s->o->g, s->o->modules, m, place, err);
	return rc < 0 ? err_wrap(err, "submodule '%s'", path) : rc ? 0 : refuse_sub(s);
}

static int scan_sub(struct scan *s, struct level *l, const char *name, const struct gr_entry *was,
		    struct err *err)
{
	bool is_sub = was && was->mode == GR_MODE_SUB, any = false, ignored;
	const git_oid *parent = was && was->mode == GR_MODE_DIR ? &was->oid : NULL;
	autoclose int fd = -1;
	git_oid oid;
	int rc;

	if (open_sub(s, l, name, &fd, err) < 0)
		return -1;
	if (is_sub) {
		rc = check_submodule(s, fd, &was->oid, err);
		if (rc)
			return rc;
		keep(l, name, GR_MODE_SUB, &was->oid);
		return record(s, GR_MODE_SUB, &was->oid, NULL, err);
	}
	ignored = l->all_ignored || gr_ignored(&l->ignore, s->path.s, true);
	buf_addc(&s->path, '/');
	rc = scan_dir(s, fd, parent, l, ignored, &oid, &any, err);
	if (rc == 0 && any)
		keep(l, name, GR_MODE_DIR, &oid);
	return rc;
}

/* One name of the folder. 0 fine, 1 refused, -1. */
static int scan_name(struct scan *s, struct level *l, const char *name, struct err *err)
{
	const struct gr_entry *was = gr_tree_find(&l->parent, name, strlen(name));
	struct stat st;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "look at %s/%s", s->root, s->path.s);
	if (s->depth == 1 && !strcmp(name, ".git") && S_ISREG(st.st_mode))
		return 0;
	if (!was && ++s->names > NAMES_MAX)
		return gr_refuse(&s->o->refusal, s->path.s, "file-count",
				 "more than %zu new names, folders and what is ignored included",
				 NAMES_MAX);
	if (!was && (l->all_ignored || gr_ignored(&l->ignore, s->path.s, S_ISDIR(st.st_mode)))) {
		note_ignored(s, l->fd, name, s->depth);
		return 0;
	}
	if (s->work > GR_IGNORE_WORK)
		return gr_refuse(&s->o->refusal, s->path.s, "file-count",
				 "too many rules in files .gitignore for so many files");
	if (!was && gr_name_is_dotgit(name, strlen(name)))
		return gr_refuse(&s->o->refusal, s->path.s, "dot-git",
				 "a name that means Git's own folder");
	if (!was && gr_name_is_bad(name, strlen(name)))
		return gr_refuse(&s->o->refusal, s->path.s, "name",
				 "a file name with a control or an invisible character, or not in "
				 "UTF-8");
	if (S_ISDIR(st.st_mode))
		return scan_sub(s, l, name, was, err);
	if (was && was->mode == GR_MODE_SUB)
		return refuse_sub(s);
	if (S_ISREG(st.st_mode))
		return scan_file(s, l, name, was, &st, err);
	if (S_ISLNK(st.st_mode))
		return scan_link(s, l, name, was, &st, err);
	if (was)
		return gr_refuse(&s->o->refusal, s->path.s, "special",
				 "a FIFO, socket or device in the place of a tracked file");
	return 0;
}

static int list_names(struct scan *s, struct level *l, struct err *err)
{
	int copy = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		ym_cleanup_close(&copy);
		return err_errno(err, "read folder %s/%s", s->root, s->path.s);
	}
	while (!rc && (d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		strvec_push(&l->names, d->d_name);
		if (l->names.n > NAMES_MAX)
			rc = gr_refuse(&s->o->refusal, s->path.s, "file-count",
				       "more than %zu names in one folder", NAMES_MAX);
	}
	closedir(dir);
	strvec_sort(&l->names);
	return rc;
}

/* A file with rules of the folder, as it is now: 1 *b has it; 0 missing, a link or anything but a file: none; 2 refused. */
static int load_rules(struct scan *s, struct level *l, const char *name, size_t max, struct buf *b,
		      struct err *err)
{
	size_t len = s->path.len;
	struct stat st;
	int rc;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	buf_adds(&s->path, name);
	rc = read_file(s, l, name, max, b, &st, err);
	if (rc == 1)
		gr_refuse(&s->o->refusal, s->path.s, "file-size", "more than %zu bytes of rules",
			  max);
	buf_truncate(&s->path, len);
	return rc < 0 ? -1 : rc + 1;
}

static int load_ignore(struct scan *s, struct level *l, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	int rc = load_rules(s, l, ".gitignore", GR_IGNORE_BYTES, &b, err);

	if (rc == 1)
		gr_ignore_add(&l->ignore, b.s, b.len);
	return rc < 0 ? -1 : rc == 2;
}

static int load_attributes(struct scan *s, struct level *l, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	int rc = load_rules(s, l, ".gitattributes", GR_ATTR_BYTES, &b, err);

	if (rc == 1 && gr_attr_add(&l->attr, b.s, b.len, err) < 0)
		return -1;
	return rc < 0 ? -1 : rc == 2;
}

/* A submodule's folder that is not there is as git leaves it: no change. */
static int keep_submodules(struct scan *s, struct level *l, struct err *err)
{
	size_t len = s->path.len;

	for (size_t i = 0; i < l->parent.n; i++) {
		const struct gr_entry *p = &l->parent.e[i];
		const char *name;
		int rc;

		if (p->mode != GR_MODE_SUB)
			continue;
		name = strvec_push(&l->names, p->name);
		if (faccessat(l->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		keep(l, name, GR_MODE_SUB, &p->oid);
		buf_adds(&s->path, name);
		rc = record(s, GR_MODE_SUB, &p->oid, NULL, err);
		buf_truncate(&s->path, len);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int by_order(const void *a, const void *b)
{
	return gr_entry_cmp(a, b);
}

static bool same_as_parent(const struct level *l)
{
	if (!l->parent.obj || l->n != l->parent.n)
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (gr_entry_cmp(&l->e[i], &l->parent.e[i]) ||
		    l->e[i].mode != l->parent.e[i].mode ||
		    !git_oid_equal(&l->e[i].oid, &l->parent.e[i].oid))
			return false;
	return true;
}

static int finish(struct scan *s, struct level *l, const git_oid *parent, git_oid *ret,
		  struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;

	if (l->n)
		qsort(l->e, l->n, sizeof(*l->e), by_order);
	if (same_as_parent(l)) {
		*ret = *parent;
		return 0;
	}
	gr_tree_text(l->e, l->n, &text);
	if (text.failed)
		return err_set(err, ERR_LIMIT, "folder %s/%s is too wide", s->root, s->path.s);
	return gr_mem_put(s->o->r, GIT_OBJECT_TREE, text.s, text.len, ret, err);
}

static int scan_dir(struct scan *s, int fd, const git_oid *parent, const struct level *up,
		    bool all_ignored, git_oid *ret, bool *ret_any, struct err *err)
{
	cleanup(level_release) struct level l = {.fd = dup(fd), .all_ignored = all_ignored};
	size_t len = s->path.len, n;
	int rc;

	if (s->path.failed || s->depth >= GR_DEPTH_MAX)
		return gr_refuse(&s->o->refusal, s->path.s, "name",
				 "a path over %d bytes or %d folders deep", GR_PATH_MAX,
				 GR_DEPTH_MAX);
	s->depth++;
	gr_ignore_init(&l.ignore, up ? &up->ignore : NULL, len);
	gr_attr_init(&l.attr, up ? &up->attr : NULL, len);
	l.ignore.work = &s->work;
	l.attr.work = &s->attr_work;
	rc = gr_tree_read(s->o->r, parent, &l.parent, err);
	if (rc == 0)
		rc = load_ignore(s, &l, err);
	if (rc == 0)
		rc = load_attributes(s, &l, err);
	if (rc == 0)
		rc = list_names(s, &l, err);
	n = l.names.n;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		buf_adds(&s->path, l.names.v[i]);
		rc = s->path.failed ? gr_refuse(&s->o->refusal, l.names.v[i], "name",
						"a path over %d bytes", GR_PATH_MAX)
				    : scan_name(s, &l, l.names.v[i], err);
		s->path.failed = false;
		buf_truncate(&s->path, len);
	}
	if (rc == 0)
		rc = keep_submodules(s, &l, err);
	if (rc == 0)
		rc = finish(s, &l, parent, ret, err);
	*ret_any = l.n > 0;
	s->depth--;
	return rc;
}

int gr_scan_folder(struct gr_scan *o, const char *path, const git_oid *parent_tree,
		   git_oid *ret_tree, struct err *err)
{
	autoclose int fd = -1;
	struct scan s = {.o = o, .root = path};
	bool any;
	int rc;

	if (gr_open_folder(path, &fd, err) < 0)
		return -1;
	buf_init(&s.path, GR_PATH_MAX);
	rc = scan_dir(&s, fd, parent_tree, NULL, false, ret_tree, &any, err);
	buf_release(&s.path);
	return rc;
}
