/* sweep.c - see sweep.h */
#include "git/sweep.h"

#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct sweep {
	const struct gr_repo *r;
	struct strvec keep;
	int64_t before_ms, pushes_before_ms, last, removed;
};

static void sweep_release(struct sweep *s)
{
	strvec_release(&s->keep);
}

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

static bool is_unfinished(const char *name)
{
	static const char *const ours[] = {"tmp_", "pack_git2_", ".tmp-"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (begins(name, ours[i]))
			return true;
	return false;
}

static bool is_old(const char *path, int64_t before_ms)
{
	struct stat st;

	return lstat(path, &st) == 0 &&
	       (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 < before_ms;
}

static int drop(struct sweep *s, const char *path, int64_t before_ms, struct err *err)
{
	if (!is_old(path, before_ms))
		return 0;
	s->removed++;
	return fs_remove_tree(path, err);
}

/* Each name of a folder below the repository; one that is not there has none. */
static int each(struct sweep *s, const char *below,
		int (*fn)(struct sweep *s, const char *dir, const char *name, struct err *err),
		struct err *err)
{
	autofree char *path = path_join(s->r->path, below);
	DIR *dir = opendir(path);
	struct dirent *d;
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, "read folder %s", path);
	while (rc == 0 && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			rc = fn(s, path, d->d_name, err);
	closedir(dir);
	return rc;
}

static int sweep_object(struct sweep *s, const char *dir, const char *name, struct err *err)
{
	autofree char *path = path_join(dir, name);

	if (!is_unfinished(name))
		return 0;
	return drop(s, path,
		    begins(name, "tmp_objdir-incoming") ? s->pushes_before_ms : s->before_ms, err);
}

static int sweep_objects(struct sweep *s, const char *dir, const char *name, struct err *err)
{
	autofree char *below = xasprintf("objects/%s", name);

	if (strlen(name) == 2 || !strcmp(name, "pack"))
		return each(s, below, sweep_object, err);
	return sweep_object(s, dir, name, err);
}

/* "t7" of a task that was; what people have made with `git worktree add` has other names. */
static int sweep_worktree(struct sweep *s, const char *dir, const char *name, struct err *err)
{
	autofree char *path = path_join(dir, name);
	size_t digits = name[0] == 't' ? strspn(name + 1, "0123456789") : 0;

	if (!digits || digits > 18 || name[1 + digits] || strvec_has(&s->keep, name) ||
	    strtoll(name + 1, NULL, 10) > s->last)
		return 0;
	return drop(s, path, s->before_ms, err);
}

int gr_op_sweep(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	cleanup(sweep_release) struct sweep s = {0};
	struct timespec now;
	struct gr_repo *r;

	if (gr_get_repo(g, req, &r, err) < 0 ||
	    json_get_int(req, "before_ms", &s.before_ms, err) < 0 ||
	    json_get_int(req, "last", &s.last, err) < 0 ||
	    gr_get_strings(req, "keep", &s.keep, err) < 0)
		return -1;
	s.r = r;
	clock_gettime(CLOCK_REALTIME, &now);
	s.pushes_before_ms = (int64_t)now.tv_sec * 1000 - DAY_MS;
	if (s.pushes_before_ms > s.before_ms)
		s.pushes_before_ms = s.before_ms;
	if (each(&s, "objects", sweep_objects, err) < 0 ||
	    each(&s, "worktrees", sweep_worktree, err) < 0)
		return -1;
	json_put_int(ans, "removed", s.removed);
	return 0;
}
