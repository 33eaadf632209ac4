/* refs.c - see refs.h */
#include "git/refs.h"

#include "sys/fs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALE_AFTER_S 10

int gr_ref_guard(struct gr_repo *r, int *ret_fd, struct err *err)
{
	autofree char *path = path_join(r->path, "yardmaster.lock");
	autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return err_errno(err, "open %s", path);
	do
		rc = flock(fd, LOCK_EX);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_errno(err, "lock %s", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int gr_ref_read(struct gr_repo *r, const char *name, git_oid *ret, struct err *err)
{
	int rc = git_reference_name_to_id(ret, r->git, name);

	if (rc == GIT_ENOTFOUND)
		return 0;
	return rc < 0 ? gr_fail(err, rc, "reference %s in %s", name, r->path) : 1;
}

/* Could the process with this pid hold a file of the repository? When in doubt, yes. */
static bool process_inside(const char *pid, const char *repo)
{
	autofree char *cwd = xasprintf("/proc/%s/cwd", pid);
	autofree char *fds = xasprintf("/proc/%s/fd", pid);
	autofree char *comm = xasprintf("/proc/%s/comm", pid);
	cleanup(buf_release) struct buf name = BUF_INIT_MAX(64);
	char to[PATH_MAX];
	ssize_t n = readlink(cwd, to, sizeof(to) - 1);
	size_t len = strlen(repo);
	bool inside = false;
	struct dirent *d;
	DIR *dir;

	if (n < 0)
		return errno != ENOENT && errno != ESRCH && fs_read(comm, 63, &name, NULL) == 0 &&
		       !strncmp(name.s, "git", 3);
	to[n] = 0;
	if (!strncmp(to, repo, len) && (!to[len] || to[len] == '/'))
		return true;
	dir = opendir(fds);
	while (dir && !inside && (d = readdir(dir))) {
		n = readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = 0;
		/* Only references count: a role has packs of the repository open. */
		inside = n > 0 && !strncmp(to, repo, len) && !strncmp(to + len, "/refs/", 6);
	}
	if (dir)
		closedir(dir);
	return inside;
}

/* Who made a file owns it: only that user's processes can be the one that holds it. */
static bool runs_as(const char *pid, uid_t uid)
{
	autofree char *dir = xasprintf("/proc/%s", pid);
	struct stat st;

	return stat(dir, &st) == 0 && st.st_uid == uid;
}

static int anybody_inside(const char *repo, uid_t uid, struct err *err)
{
	autofree char *real = realpath(repo, NULL);
	DIR *proc = opendir("/proc");
	bool found = false;
	struct dirent *d;

	if (!real || !proc) {
		if (proc)
			closedir(proc);
		return err_errno(err, "look for processes in %s", repo);
	}
	while (!found && (d = readdir(proc)))
		if (isdigit((unsigned char)d->d_name[0]) && strtol(d->d_name, NULL, 10) != getpid())
			found = runs_as(d->d_name, uid) && process_inside(d->d_name, real);
	closedir(proc);
	return found;
}

static bool before(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

int gr_ref_unlock_stale(struct gr *g, struct gr_repo *r, const char *name, struct err *err)
{
	autofree char *file = xasprintf("%s/%s.lock", r->path, name);
	struct timespec now, limit = g->started;
	struct stat st, again;
	int inside;

	if (lstat(file, &st) < 0)
		return errno == ENOENT ? 1 : err_errno(err, "look at %s", file);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= STALE_AFTER_S;
	if (before(limit, now))
		limit = now;
	if (!S_ISREG(st.st_mode) || !before(st.st_mtim, limit))
		return 0;
	inside = anybody_inside(r->path, st.st_uid, err);
	if (inside != 0)
		return inside < 0 ? -1 : 0;
	/* The same file still: somebody may have finished and somebody else begun meanwhile. */
	if (lstat(file, &again) < 0)
		return errno == ENOENT ? 1 : err_errno(err, "look at %s", file);
	if (again.st_ino != st.st_ino || again.st_mtim.tv_nsec != st.st_mtim.tv_nsec)
		return 0;
	return unlink(file) < 0 ? err_errno(err, "remove %s", file) : 1;
}

static bool same_oid(bool has, const git_oid *found, const git_oid *want)
{
	return want ? has && git_oid_equal(found, want) : !has;
}

/* In a handle of its own: when packed-refs is locked, libgit2 1.5 has taken the reference out of its
 * cache before it fails, and whoever asks that handle again is told that it is gone. */
static int delete_once(struct gr_repo *r, const char *name)
{
	auto_git(git_repository) *git = NULL;
	auto_git(git_reference) *ref = NULL;
	int rc = git_repository_open_bare(&git, r->path);

	if (rc == 0)
		rc = git_reference_lookup(&ref, git, name);
	return rc == 0 ? git_reference_delete(ref) : rc;
}

static int move_once(struct gr_repo *r, const char *name, const git_oid *new_oid,
		     const git_oid *found)
{
	auto_git(git_reference) *ref = NULL;

	if (!new_oid)
		return delete_once(r, name);
	if (found)
		return git_reference_create_matching(&ref, r->git, name, new_oid, 1, found, NULL);
	return git_reference_create(&ref, r->git, name, new_oid, 0, NULL);
}

/* 1 a lock of a dead process was removed (or is gone by itself): try again. */
static int unlock_both(struct gr *g, struct gr_repo *r, const char *name, struct err *err)
{
	int ref = gr_ref_unlock_stale(g, r, name, err);

	return ref == 1 ? gr_ref_unlock_stale(g, r, "packed-refs", err) : ref;
}

int gr_ref_move(struct gr *g, struct gr_repo *r, const char *name, const git_oid *old_oid,
		const git_oid *new_oid, bool any, git_oid *ret_found, bool *ret_has,
		struct err *err)
{
	for (int tries = 0; tries < 3; tries++) {
		int has = gr_ref_read(r, name, ret_found, err), rc;

		if (has < 0)
			return -1;
		*ret_has = has;
		if (same_oid(has, ret_found, new_oid))
			return 1;
		if (!any && !same_oid(has, ret_found, old_oid))
			return 0;
		rc = move_once(r, name, new_oid, has ? ret_found : NULL);
		if (rc == 0)
			return 1;
		/* Somebody else was faster: look again and decide anew. */
		if (rc == GIT_EMODIFIED || rc == GIT_EEXISTS || rc == GIT_ENOTFOUND)
			continue;
		if (rc != GIT_ELOCKED)
			return gr_fail(err, rc, "reference %s in %s", name, r->path);
		rc = unlock_both(g, r, name, err);
		if (rc < 0)
			return -1;
		if (!rc)
			break;
	}
	return err_set(
		err, ERR_UNAVAILABLE,
		"reference %s in %s is being written by another process (%s.lock); try again", name,
		r->path, name);
}

int gr_op_ref(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	const char *name;
	struct gr_repo *r;
	git_oid oid;
	int has;

	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_ref(req, "ref", &name, err) < 0)
		return -1;
	has = gr_ref_read(r, name, &oid, err);
	if (has < 0)
		return -1;
	gr_put_oid(ans, "oid", has ? &oid : NULL);
	return 0;
}

int gr_op_refs(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	auto_git(git_reference_iterator) *it = NULL;
	autojson json_t *refs = json_object();
	const char *prefix, *name;
	struct gr_repo *r;
	int rc;

	if (gr_get_repo(g, req, &r, err) < 0 || json_get_str(req, "prefix", &prefix, err) < 0)
		return -1;
	rc = git_reference_iterator_new(&it, r->git);
	while (rc == 0) {
		git_oid oid;
		int has;

		rc = git_reference_next_name(&name, it);
		if (rc || strncmp(name, prefix, strlen(prefix)))
			continue;
		has = gr_ref_read(r, name, &oid, err);
		if (has < 0)
			return -1;
		/* A name that is not UTF-8 cannot be said in JSON; no ref of ours is. */
		if (has)
			json_object_set_new(refs, name, json_string(git_oid_tostr_s(&oid)));
	}
	if (rc != GIT_ITEROVER)
		return gr_fail(err, rc, "references of %s", r->path);
	json_put(ans, "refs", json_incref(refs));
	return 0;
}

int gr_op_ref_set(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	git_oid old_oid, new_oid, found;
	autoclose int guard = -1;
	bool any = false, has;
	const char *name;
	struct gr_repo *r;
	int has_old, has_new, rc;

	if (gr_get_repo(g, req, &r, err) < 0 || gr_get_ref(req, "ref", &name, err) < 0 ||
	    json_opt_bool(req, "any", &any, err) < 0)
		return -1;
	has_old = gr_opt_oid(req, "old", &old_oid, err);
	has_new = gr_opt_oid(req, "new", &new_oid, err);
	if (has_old < 0 || has_new < 0 || gr_ref_guard(r, &guard, err) < 0)
		return -1;
	if (has_new && !git_odb_exists(r->odb, &new_oid))
		return err_set(err, ERR_NOT_FOUND, "reference %s: object %s is not in %s", name,
			       git_oid_tostr_s(&new_oid), r->path);
	rc = gr_ref_move(g, r, name, has_old ? &old_oid : NULL, has_new ? &new_oid : NULL, any,
			 &found, &has, err);
	if (rc < 0)
		return -1;
	json_put_str(ans, "outcome", rc ? "set" : "moved");
	gr_put_oid(ans, "found", has ? &found : NULL);
	return 0;
}
