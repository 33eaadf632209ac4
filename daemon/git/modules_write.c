/* modules_write.c - see modules.h: the files of submodules, and what Git sees of them. */
#include "git/modules.h"

#include "base/text.h"
#include "git/checkout.h"
#include "git/gitdir.h"
#include "git/scan.h"
#include "git/tree.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ID_LEN 20

/* Of the folder below gitdir/modules. Caller frees. */
static char *id_of(const struct gr_module *m)
{
	char *hash = text_sha256(m->path, strlen(m->path));

	hash[ID_LEN] = 0;
	return hash;
}

static const char *history_name(const struct gr_module *m)
{
	return strrchr(m->history, '/') + 1;
}

static int write_files(struct gr_repo *r, const struct gr_module *m, const char *place,
		       const char *index_path, bool keep_ignored, struct gr_lfs_missing *lfs,
		       struct err *err)
{
	auto_git(git_index) *index = NULL;
	struct gr_sync s = {.r = r, .keep_ignored = keep_ignored, .lfs = lfs};
	git_oid tree;

	if (lfs) {
		lfs->url = m->url;
		lfs->credential = m->credential;
	}
	if (gr_tree_of(r, &m->commit, &tree, err) < 0 ||
	    gr_stats_begin(index_path, &index, err) < 0)
		return -1;
	s.index = index;
	if (gr_sync_tree(&s, &tree, place, err) < 0)
		return -1;
	return gr_stats_finish(index, index_path, err);
}

static int write_gitdir(struct gr_repo *r, const struct gr_module *m, const char *path,
			const char *index, struct err *err)
{
	autofree char *objects = xasprintf("/yard/modules/%s/objects", history_name(m));
	struct gr_gitdir d = {.r = r,
			      .path = path,
			      .oid = &m->commit,
			      .index = index,
			      .origin = m->url,
			      .objects = objects};

	return gr_gitdir_write(&d, err);
}

/* Is every folder on the way a folder, and no link? */
static bool is_real(const char *root, const char *path)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	autoclose int fd = open(root, flags);

	while (fd >= 0 && *path) {
		size_t n = strcspn(path, "/");
		autofree char *name = xstrndup(path, n);
		int next = openat(fd, name, flags);

		close(fd);
		fd = next;
		path += n + (path[n] == '/');
	}
	return fd >= 0;
}

static int write_one(struct gr *sub, const struct gr_module *m, const char *root,
		     const char *gitdir, int flags, struct gr_lfs_missing *lfs, struct err *err)
{
	bool keep = flags & (GR_MODULES_KEEP_IGNORED | GR_MODULES_WHERE_REAL);
	autofree char *place = path_join(root, m->path), *id = id_of(m);
	autofree char *path = xasprintf("%s/modules/%s", gitdir, id);
	autofree char *index = xasprintf("%s.module", gitdir);
	autofree char *inside = xasprintf("/yard/git/modules/%s", id);
	struct gr_repo *r;

	if (!is_real(root, m->path))
		return flags & GR_MODULES_WHERE_REAL
			       ? 0
			       : err_set(err, ERR_UNSAFE, "submodule '%s': its place is no folder",
					 m->path);
	if (gr_repo_open(sub, m->history, &r, err) < 0 ||
	    write_files(r, m, place, index, keep, lfs, err) < 0 ||
	    gr_write_dotgit(place, inside, err) < 0 || write_gitdir(r, m, path, index, err) < 0)
		return err_wrap(err, "submodule '%s'", m->path);
	return unlink(index) < 0 ? err_errno(err, "remove %s", index) : 0;
}

int gr_modules_write(struct gr *g, const struct gr_modules *m, const char *root, const char *gitdir,
		     int flags, struct gr_lfs_missing *lfs, struct err *err)
{
	struct gr sub;
	int rc = gr_init(&sub, g->git, err);

	for (size_t i = 0; rc == 0 && i < m->n; i++)
		rc = write_one(&sub, &m->v[i], root, gitdir, flags, lfs, err);
	gr_release(&sub);
	return rc;
}

/* A subsection: its name in quotes, in which only these two mean something. */
static void add_quoted(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(b, '\\');
		if ((unsigned char)*s >= ' ')
			buf_addc(b, *s);
	}
}

void gr_modules_config(const struct gr_modules *m, struct buf *ret)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].depth)
			continue;
		buf_adds(ret, "[submodule \"");
		add_quoted(ret, m->v[i].name);
		buf_adds(ret, "\"]\n\tactive = true\n\turl = \"");
		add_quoted(ret, m->v[i].url);
		buf_adds(ret, "\"\n");
	}
}

const struct gr_module *gr_module_at(const struct gr_modules *m, const char *path)
{
	for (size_t i = 0; m && i < m->n; i++)
		if (!strcmp(m->v[i].path, path))
			return &m->v[i];
	return NULL;
}

static int scan_one(struct gr *sub, const struct gr_modules *all, const struct gr_module *m,
		    const char *place, struct err *err)
{
	autofree char *prefix = xasprintf("%s/", m->path);
	struct gr_scan s = {.limits = {INT64_MAX, INT64_MAX, INT64_MAX},
			    .modules = all,
			    .g = sub,
			    .prefix = prefix};
	git_oid was, now;
	int rc;

	if (gr_repo_open(sub, m->history, &s.r, err) < 0 ||
	    gr_tree_of(s.r, &m->commit, &was, err) < 0)
		return -1;
	rc = gr_scan_folder(&s, place, &was, &now, err);
	gr_refusal_release(&s.refusal);
	strvec_release(&s.ignored);
	gr_mem_drop(s.r);
	return rc < 0 ? -1 : rc == 0 && git_oid_equal(&was, &now);
}

int gr_module_unchanged(struct gr *g, const struct gr_modules *all, const struct gr_module *m,
			const char *place, struct err *err)
{
	struct gr sub; /* what the caller has open stays open */
	int rc = gr_init(&sub, g->git, err);

	if (rc == 0)
		rc = scan_one(&sub, all, m, place, err);
	gr_release(&sub);
	return rc;
}
