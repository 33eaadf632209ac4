/* maintain.c - see maintain.h */
#include "git/maintain.h"

#include "git/reflock.h"

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int gr_op_maintain(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	static const char *const steps[][8] = {
		{"pack-refs", "--all", "--prune", NULL},
		{"repack", "--geometric=2", "--threads=1", "-d", "-l", "-q", NULL},
		{"prune", "--expire=14.days.ago", NULL},
		{"commit-graph", "write", "--reachable", "--split", "--no-progress", NULL},
	};
	cleanup(gr_guard_release) struct gr_guard guard = GR_GUARD_NONE;
	int64_t end = now_ms() + GR_MAINTAIN_MS;
	struct gr_repo *r;

	(void)ans;
	if (gr_get_repo(g, req, &r, err) < 0 || gr_ref_guard(r, &guard, err) < 0 ||
	    gr_lock_intend_any(r, "packed-refs", err) < 0 || gr_lock_intend_any(r, "*", err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		cleanup(buf_release) struct buf out = BUF_INIT;
		int64_t left = end - now_ms();

		if (gr_git(g, r->path, NULL, steps[i], NULL, 0, left > 0 ? left : 0, &out, err) !=
		    0)
			return err_wrap(err, "maintain %s: git %s", r->path, steps[i][0]);
		/* The guard is for references; packing objects takes long and needs none. */
		gr_guard_release(&guard);
	}
	gr_repo_forget(g, json_str(req, "repo", ""));
	return 0;
}
