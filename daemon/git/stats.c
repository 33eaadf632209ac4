/* stats.c - see stats.h */
#include "git/stats.h"

#include "sys/fs.h"

#include <errno.h>
#include <unistd.h>

int gr_stats_load(const char *path, struct gr_stats *ret, struct err *err)
{
	struct stat st;
	int rc;

	*ret = (struct gr_stats){0};
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		ret->stamp = st.st_mtim;
		if (git_index_open(&ret->index, path) == 0)
			return 0;
	}
	ret->stamp = (struct timespec){0};
	rc = git_index_new(&ret->index);
	return rc < 0 ? gr_fail(err, rc, "make an empty index") : 0;
}

void gr_stats_release(struct gr_stats *s)
{
	git_index_free(s->index);
	s->index = NULL;
}

static bool same(const git_index_time *a, const struct timespec *b)
{
	return a->seconds == (int32_t)b->tv_sec && a->nanoseconds == (uint32_t)b->tv_nsec;
}

static bool older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

const git_index_entry *gr_stats_match(const struct gr_stats *s, const char *path,
				      const struct stat *st)
{
	const git_index_entry *e;

	if (!s || !older(&st->st_ctim, &s->stamp) || !older(&st->st_mtim, &s->stamp))
		return NULL;
	e = git_index_get_bypath(s->index, path, 0);
	if (!e || e->file_size != (uint32_t)st->st_size || e->ino != (uint32_t)st->st_ino ||
	    !same(&e->mtime, &st->st_mtim) || !same(&e->ctime, &st->st_ctim) ||
	    (e->mode & S_IFMT) != (st->st_mode & S_IFMT))
		return NULL;
	return e;
}

static char *temporary(const char *path)
{
	return xasprintf("%s.new", path);
}

int gr_stats_begin(const char *path, git_index **ret, struct err *err)
{
	autofree char *tmp = temporary(path);
	autofree char *lock = xasprintf("%s.lock", tmp);
	int rc;

	/* Left by a role that was killed; the folder is this program's own. */
	if ((unlink(tmp) < 0 && errno != ENOENT) || (unlink(lock) < 0 && errno != ENOENT))
		return err_errno(err, "remove %s", tmp);
	rc = git_index_open(ret, tmp);
	return rc < 0 ? gr_fail(err, rc, "begin index %s", tmp) : 0;
}

int gr_stats_add(git_index *index, const char *path, unsigned mode, const git_oid *oid,
		 const struct stat *st, struct err *err)
{
	git_index_entry e = {.mode = mode, .id = *oid, .path = path};
	int rc;

	if (st) {
		e.ctime.seconds = (int32_t)st->st_ctim.tv_sec;
		e.ctime.nanoseconds = (uint32_t)st->st_ctim.tv_nsec;
		e.mtime.seconds = (int32_t)st->st_mtim.tv_sec;
		e.mtime.nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
		e.dev = (uint32_t)st->st_dev;
		e.ino = (uint32_t)st->st_ino;
		e.uid = st->st_uid;
		e.gid = st->st_gid;
		e.file_size = (uint32_t)st->st_size;
	}
	rc = git_index_add(index, &e);
	return rc < 0 ? gr_fail(err, rc, "record '%s'", path) : 0;
}

int gr_stats_write(git_index *index, const char *path, struct err *err)
{
	int rc;

	/* The files it describes are not synced either; after a power cut it is them that count,
	 * and the index then differs from what is found. */
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
	rc = git_index_write(index);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	return rc < 0 ? gr_fail(err, rc, "write index %s.new", path) : 0;
}

int gr_stats_finish(git_index *index, const char *path, struct err *err)
{
	autofree char *tmp = temporary(path);

	if (gr_stats_write(index, path, err) < 0)
		return -1;
	return rename(tmp, path) < 0 ? err_errno(err, "rename %s", tmp) : 0;
}
