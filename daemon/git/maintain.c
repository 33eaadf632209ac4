/* maintain.c - see maintain.h */
#include "git/maintain.h"

#include "git/reflock.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPIRE     "14.days.ago"
#define WHOLE_MARK "yardmaster-packed" /* its time is that of the last whole packing */
#define STEP_WORDS 8

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether the last whole packing is long enough ago, or there was none. */
static bool is_whole_due(const struct gr_repo *r)
{
	autofree char *path = path_join(r->path, WHOLE_MARK);
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return stat(path, &st) < 0 || st.st_mtim.tv_sec > now.tv_sec ||
	       now.tv_sec - st.st_mtim.tv_sec >= GR_WHOLE_EVERY_S;
}

/* A pack gets the present time, unless it is one of unreached objects. */
static int make_new(const char *folder, const char *name, struct err *err)
{
	size_t len = strlen(name);
	autofree char *path = path_join(folder, name), *times = NULL;

	if (len < 5 || strcmp(name + len - 5, ".pack") != 0)
		return 0;
	times = xasprintf("%.*s.mtimes", (int)(strlen(path) - 5), path);
	if (access(times, F_OK) == 0 || utimensat(AT_FDCWD, path, NULL, 0) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, "touch %s", path);
}

static int make_all_new(const struct gr_repo *r, struct err *err)
{
	autofree char *folder = path_join(r->path, "objects/pack");
	DIR *dir = opendir(folder);
	struct dirent *d;
	int rc = 0;

	if (!dir)
		return err_errno(err, "read folder %s", folder);
	while (rc == 0 && (d = readdir(dir)))
		rc = make_new(folder, d->d_name, err);
	closedir(dir);
	return rc;
}

/* One after the other, within what is left of the time. */
static int run_steps(struct gr *g, const struct gr_repo *r, const char *const (*steps)[STEP_WORDS],
		     size_t n, int64_t end, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		cleanup(buf_release) struct buf out = BUF_INIT;
		int64_t left = end - now_ms();

		if (gr_git(g, r->path, NULL, steps[i], NULL, 0, left > 0 ? left : 0, &out, err) !=
		    0)
			return err_wrap(err, "maintain %s: git %s", r->path, steps[i][0]);
	}
	return 0;
}

static int pack_references(struct gr *g, struct gr_repo *r, int64_t end, struct err *err)
{
	static const char *const step[][STEP_WORDS] = {{"pack-refs", "--all", "--prune", NULL}};
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;

	if (gr_ref_guard(r, &guard, err) < 0 || gr_lock_intend_any(r, "packed-refs", err) < 0 ||
	    gr_lock_intend_any(r, "*", err) < 0)
		return -1;
	return run_steps(g, r, step, ARRAY_LEN(step), end, err);
}

/* Marked as done before it is: one that does not end in its time is not begun again and again. */
static int pack_whole(struct gr *g, const struct gr_repo *r, int64_t end, struct err *err)
{
	static const char *const step[][STEP_WORDS] = {{"repack", "--cruft",
							"--cruft-expiration=" EXPIRE, "--threads=1",
							"-d", "-l", "-q", NULL}};

	autofree char *mark = path_join(r->path, WHOLE_MARK);

	if (!is_whole_due(r))
		return 0;
	if (fs_write_atomic(mark, "", 0, 0600, err) < 0 || make_all_new(r, err) < 0)
		return -1;
	return run_steps(g, r, step, ARRAY_LEN(step), end, err);
}

int gr_op_maintain(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	static const char *const few[][STEP_WORDS] = {
		{"repack", "--geometric=2", "--threads=1", "-d", "-l", "-q", NULL},
		{"prune", "--expire=" EXPIRE, NULL},
	};
	static const char *const graph[][STEP_WORDS] = {
		{"commit-graph", "write", "--reachable", "--split", "--no-progress", NULL},
	};
	int64_t end = now_ms() + GR_MAINTAIN_MS;
	struct gr_repo *r;

	(void)ans;
	if (gr_get_repo(g, req, &r, err) < 0 || pack_references(g, r, end, err) < 0 ||
	    run_steps(g, r, few, ARRAY_LEN(few), end, err) < 0 ||
	    run_steps(g, r, graph, ARRAY_LEN(graph), end, err) < 0 ||
	    pack_whole(g, r, end, err) < 0)
		return -1;
	gr_repo_forget(g, json_str(req, "repo", ""));
	return 0;
}
