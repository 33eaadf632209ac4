/* retention.c - see retention.h */
#include "bot/retention.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/task_flow.h"
#include "bot/waits.h"
#include "runner/run.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define STEP   1000 /* rows of a kind and turn, as the statements say */

static int purge_worktrees(struct bot *b, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};
	int64_t limit = bot_now(b) - b->conf->retention.failed_worktree_days * DAY_MS;

	if (task_all(b->db, ST_TASK_KEPT, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		cleanup(repo_release) struct repo r = {0};

		if (l.v[i].ended_ms > limit ||
		    (strcmp(l.v[i].state, "needs-human") != 0 && !l.v[i].closed_ms))
			continue;
		if (bot_repo(b, l.v[i].repo, &r, err) < 0 ||
		    task_cleanup(b, &r, &l.v[i], false, err) < 0)
			return -1;
		row_set(&l.v[i].worktree, NULL);
		if (task_save(b->db, &l.v[i], err) < 0)
			return -1;
	}
	return 0;
}

/* The run of a task that was removed before its logs: over, and for long enough. */
static bool is_left_over(struct bot *b, const char *run, int64_t limit)
{
	cleanup(run_exit_release) struct run_exit x = {0};
	enum run_state state;

	return run_probe(b->runs, run, &state, NULL, &x, NULL) == 0 && state == RUN_STATE_ENDED &&
	       x.ended_ms < limit;
}

static int purge_runs(struct bot *b, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	int64_t limit = bot_now(b) - b->conf->retention.logs_days * DAY_MS;

	if (run_list(b->runs, &names, err) < 0)
		return -1;
	strvec_foreach (&names, name) {
		cleanup(attempt_release) struct attempt a = {0};
		cleanup(err_release) struct err why = ERR_INIT;
		int rc = attempt_find(b->db, ST_ATTEMPT_BY_RUN, &a, err, "s", *name);

		if (rc < 0)
			return -1;
		if ((rc > 0 ? a.ended_ms && a.ended_ms < limit : is_left_over(b, *name, limit)) &&
		    run_remove(b->runs, *name, &why) < 0)
			log_warn("run %s: %s", *name, err_text(&why));
	}
	return 0;
}

/* What landed has taken its branch with it. */
static int drop_branch(struct bot *b, const struct task *t, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	if (!strcmp(t->state, "merged"))
		return 0;
	return bot_repo(b, t->repo, &r, err) < 0 ? -1 : task_cleanup(b, &r, t, true, err);
}

/* What remains of a task past its time is its PR, its receipt and the audit. */
static int purge_tasks(struct bot *b, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};
	int64_t limit = bot_now(b) - b->conf->retention.task_days * DAY_MS;

	if (task_all(b->db, ST_TASK_PAST, &l, err, "i", limit) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (drop_branch(b, &l.v[i], err) < 0 ||
		    db_run(b->db, ST_LEASE_END, err, "i", l.v[i].id) < 0 ||
		    db_run(b->db, ST_ATTEMPT_PURGE, err, "i", l.v[i].id) < 0 ||
		    db_run(b->db, ST_TASK_PURGE, err, "i", l.v[i].id) < 0)
			return -1;
	return 0;
}

/* Rows that are looked at once are not looked at again: only what has become a day old since. */
static int shorten(struct bot *b, struct err *err)
{
	static const enum stmt_id what[] = {ST_EVENT_SHRINK, ST_EFFECT_SHRINK};
	int64_t limit = bot_now(b) - DAY_MS;
	bool all = true;

	if (b->shortened_ms > limit)
		b->shortened_ms = 0; /* the clock was put back */
	for (size_t i = 0; i < ARRAY_LEN(what); i++) {
		int n = db_run(b->db, what[i], err, "ii", limit, b->shortened_ms);

		if (n < 0)
			return -1;
		all = all && n < STEP;
	}
	if (all)
		b->shortened_ms = limit;
	return 0;
}

/* Nothing has an index by its age: once a day. */
static int purge_queue(struct bot *b, struct err *err)
{
	static const enum stmt_id what[] = {ST_CANDIDATE_AGED, ST_ATTEMPT_AGED, ST_QUEUE_AGED};
	int64_t now = bot_now(b), limit = now - b->conf->retention.task_days * DAY_MS;

	if (b->aged_ms && now >= b->aged_ms && now - b->aged_ms < DAY_MS)
		return 0;
	b->aged_ms = now;
	for (size_t i = 0; i < ARRAY_LEN(what); i++)
		if (db_run(b->db, what[i], err, "i", limit) < 0)
			return -1;
	return 0;
}

int retention_purge(struct bot *b, struct err *err)
{
	int64_t events = bot_now(b) - b->conf->retention.events_days * DAY_MS;
	int64_t tasks = bot_now(b) - b->conf->retention.task_days * DAY_MS;
	int rc = waits_age(b, err);

	if (rc <= 0)
		return rc;
	if (db_run(b->db, ST_EVENT_PURGE, err, "i", events) < 0 ||
	    db_run(b->db, ST_EFFECT_PURGE, err, "i", events) < 0 ||
	    db_run(b->db, ST_SHADOW_PURGE, err, "i", tasks) < 0 || shorten(b, err) < 0)
		return -1;
	return purge_worktrees(b, err) < 0 || purge_runs(b, err) < 0 || purge_tasks(b, err) < 0 ||
			       purge_queue(b, err) < 0
		       ? -1
		       : 0;
}
