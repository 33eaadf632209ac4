/* runs.c - see runs.h */
#include "bot/runs.h"

#include "base/log.h"
#include "base/mem.h"
#include "sys/fs.h"

#include <errno.h>
#include <sys/stat.h>

#define CLOCK_SLACK_MS 50 /* the file system reads its clock a tick late */

struct watch {
	struct runs *runs;
	char *id;
	struct loop_child *child;
	struct watch *next;
};

struct runs {
	struct bot *bot;
	struct watch *first;
};

struct runs *runs_new(struct bot *b)
{
	struct runs *r = xcalloc(1, sizeof(*r));

	r->bot = b;
	return r;
}

static void watch_free(struct watch *w)
{
	loop_child_free(w->child);
	free(w->id);
	free(w);
}

void runs_free(struct runs *r)
{
	if (!r)
		return;
	while (r->first) {
		struct watch *next = r->first->next;

		watch_free(r->first);
		r->first = next;
	}
	free(r);
}

static void watch_remove(struct runs *r, struct watch *w)
{
	struct watch **at = &r->first;

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	watch_free(w);
}

static int tell_end(struct runs *r, const char *id, const struct run_exit *x, struct err *err)
{
	json_t *p = json_object();

	json_put_str(p, "run", id);
	json_put_str(p, "outcome", run_outcome_name(x->outcome));
	json_put_bool(p, "infrastructure", run_outcome_infrastructure(x->outcome));
	json_put_int(p, "code", x->code);
	json_put_int(p, "signo", x->signo);
	json_put_str(p, "detail", x->detail);
	json_put_int(p, "started_ms", x->started_ms);
	json_put_int(p, "ended_ms", x->ended_ms);
	json_put_int(p, "cpu_ms", x->cpu_ms);
	json_put_int(p, "rss_bytes", x->rss_bytes);
	return bot_event(r->bot, "run-ended", p, err, "run:%s:ended", id);
}

/* The end of a run that is over, one way or the other. */
static int tell_probed(struct runs *r, const char *id, enum run_state state, struct run_exit *x,
		       struct err *err)
{
	if (state != RUN_STATE_ENDED) {
		x->outcome = state == RUN_STATE_LOST ? RUN_LOST : RUN_NOT_STARTED;
		if (!x->detail)
			x->detail = xstrdup(state == RUN_STATE_LOST
						    ? "the keeper died without an exit record"
						    : "the run was not started before the daemon "
						      "ended");
		x->ended_ms = bot_now(r->bot);
	}
	return tell_end(r, id, x, err);
}

/* An exit record that cannot be read still says that nothing of the run is left. Nothing else about it is
 * known, and one damaged file does not keep the daemon from starting. */
static int probe(struct runs *r, const char *id, enum run_state *ret, pid_t *ret_pid,
		 struct run_exit *x, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	autofree char *record = run_path(r->bot->runs, id, "exit.json");

	if (run_probe(r->bot->runs, id, ret, ret_pid, x, &why) == 0)
		return 0;
	if (!fs_exists(record))
		return err_move(err, &why);
	log_error("run %s: %s", id, err_text(&why));
	run_exit_release(x);
	x->detail = xasprintf("its exit record cannot be read: %s", err_text(&why));
	*ret = RUN_STATE_LOST;
	return 0;
}

static int attend(struct runs *r, const char *id, bool created_is_over, struct err *err);

static void on_keeper_end(void *arg, pid_t pid, int wait_status)
{
	struct watch *w = arg;
	struct runs *r = w->runs;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(run_exit_release) struct run_exit x = {0};
	autofree char *id = xstrdup(w->id);

	(void)pid;
	(void)wait_status;
	watch_remove(r, w);
	/* A keeper may die before its tree: then that is watched until it is gone, because nobody may
	 * read a worktree while somebody writes it. */
	if (attend(r, id, true, &err) == 0)
		return;
	log_error("run %s: %s", id, err_text(&err));
	x.detail = xstrdup(err_text(&err));
	err_release(&err);
	if (tell_probed(r, id, RUN_STATE_LOST, &x, &err) < 0)
		err_move(&r->bot->fatal, &err);
}

static int watch_add(struct runs *r, const char *id, pid_t pid, struct err *err)
{
	struct watch *w;

	for (w = r->first; w; w = w->next)
		if (!strcmp(w->id, id))
			return 0;
	w = xcalloc(1, sizeof(*w));
	w->runs = r;
	w->id = xstrdup(id);
	if (loop_child_new(r->bot->loop, pid, on_keeper_end, w, &w->child, err) < 0) {
		watch_free(w);
		return -1;
	}
	w->next = r->first;
	r->first = w;
	return 0;
}

/* Watches a run that runs, tells the end of one that is over. CREATED is left: its run-start
 * effect is still to come or comes again. */
static int attend(struct runs *r, const char *id, bool created_is_over, struct err *err)
{
	cleanup(run_exit_release) struct run_exit x = {0};
	enum run_state state;
	pid_t pid = 0;

	if (probe(r, id, &state, &pid, &x, err) < 0)
		return -1;
	if (state == RUN_STATE_RUNNING) {
		cleanup(err_release) struct err why = ERR_INIT;

		if (watch_add(r, id, pid, &why) == 0)
			return 0;
		/* It ended between the probe and the watch. */
		if (probe(r, id, &state, &pid, &x, err) < 0)
			return -1;
		if (state == RUN_STATE_RUNNING)
			return err_move(err, &why);
	}
	if ((state == RUN_STATE_CREATED || state == RUN_STATE_ABSENT) && !created_is_over)
		return 0;
	return tell_probed(r, id, state, &x, err);
}

int runs_recover(struct runs *r, struct err *err)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};

	if (attempt_all(r->bot->db, ST_ATTEMPT_OPEN, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *key = xasprintf("run:%s", l.v[i].run);
		int64_t open = 0;

		/* Its start was cut off: the effect comes again, finds what there is and attends to it.
		 * Telling an end here as well would let two runs do the work of one. */
		if (db_int(r->bot->db, ST_EFFECT_IS_OPEN, &open, err, "s", key) < 0)
			return -1;
		if (!open && attend(r, l.v[i].run, true, err) < 0)
			return err_wrap(err, "run %s", l.v[i].run);
	}
	return 0;
}

/*
 * A run directory that is older than its row in the ledger belongs to another row of that name: the
 * ledger was restored, and counts again. What came of it then says nothing about now: taken for an
 * answer it would land what was never tested.
 */
static int remove_stale(struct bot *b, const struct attempt *a, struct err *err)
{
	autofree char *spec = run_path(b->runs, a->run, "spec.json");
	struct stat st;
	int64_t made_ms;

	if (stat(spec, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "run %s: %s", a->run, spec);
	made_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	if (made_ms + CLOCK_SLACK_MS >= a->created_ms)
		return 0;
	log_warn("run %s: a folder of that name is older than the run; removed", a->run);
	return run_remove(b->runs, a->run, err);
}

/* Its task may have ended while the start waited for what had to come before it. */
static int still_wanted(struct bot *b, const char *id, struct err *err)
{
	cleanup(attempt_release) struct attempt a = {0};
	cleanup(task_release) struct task t = {0};
	int rc = attempt_find(b->db, ST_ATTEMPT_BY_RUN, &a, err, "s", id);

	if (rc > 0 && a.task)
		rc = task_get(b->db, a.task, &t, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && t.ended_ms)
		return err_set(err, ERR_STATE, "run %s: task %lld has ended (%s)", id,
			       (long long)t.id, t.state);
	return a.id ? remove_stale(b, &a, err) : 0;
}

int runs_start(struct runs *r, const json_t *payload, json_t **ret, struct err *err)
{
	struct bot *b = r->bot;
	cleanup(run_spec_release) struct run_spec spec;
	pid_t pid = 0;

	run_spec_init(&spec);
	if (runs_spec_parse(json_object_get(payload, "spec"), &spec, err) < 0 ||
	    still_wanted(b, spec.id, err) < 0 || run_create(b->runs, &spec, err) < 0 ||
	    run_start(b->runs, spec.id, b->keeper, b->environ_, &b->secret_values, &pid, err) < 0)
		return -1;
	if (spec.network == RUN_NET_HOST || spec.env_pass.n) {
		autofree char *names = strvec_join(&spec.env_pass, " ");

		log_info("run %s: opened on purpose: network %s, environment [%s]", spec.id,
			 spec.network == RUN_NET_HOST ? "host" : "none", names);
	}
	if (attend(r, spec.id, false, err) < 0) {
		/* Whoever is told that it did not start may start another one. */
		run_kill(b->runs, spec.id, "nobody could watch it", NULL);
		return -1;
	}
	*ret = json_object();
	json_put_int(*ret, "pid", pid);
	return 0;
}

int runs_kill(struct runs *r, const json_t *payload, json_t **ret, struct err *err)
{
	const char *id = json_str(payload, "run", ""), *reason = json_str(payload, "reason", "");

	*ret = json_object();
	if (run_kill(r->bot->runs, id, reason, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	return 0;
}
