/* runs_ended.c - a run that could not be started, or has ended: the attempt's row, then whose it was. */
#include "bot/queue_flow.h"
#include "bot/runs.h"
#include "bot/task_flow.h"

#include "base/mem.h"

int runs_on_ended(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(attempt_release) struct attempt a = {0};
	const char *run = json_str(p, "run", "");
	int rc = attempt_find(b->db, ST_ATTEMPT_BY_RUN, &a, err, "s", run);
	json_t *d;

	(void)e;
	if (rc <= 0 || !strcmp(a.state, "ended"))
		return rc < 0 ? -1 : 0;
	row_set(&a.state, "ended");
	row_set(&a.outcome, json_str(p, "outcome", "lost"));
	row_set(&a.detail, json_str(p, "detail", NULL));
	a.code = json_int(p, "code", 0);
	a.started_ms = json_int(p, "started_ms", 0);
	a.ended_ms = json_int(p, "ended_ms", bot_now(b));
	d = json_object();
	json_put_str(d, "outcome", a.outcome);
	json_put_int(d, "code", a.code);
	json_put_str(d, "detail", a.detail);
	if (attempt_save(b->db, &a, err) < 0) {
		json_decref(d);
		return -1;
	}
	if (bot_audit(b, "yardmaster", "run", d, err, "run:%s", a.run) < 0)
		return -1;
	return a.task ? task_run_ended(b, &a, p, err) : queue_gate_ended(b, &a, p, err);
}

/* A refusal to start is an end: of a run that never began. */
int runs_did_start(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	const json_t *why = json_object_get(p, "error"), *x = json_object_get(p, "ctx");
	bool halted = bot_halted(b, NULL);
	json_t *q;

	(void)e;
	if (json_flag(p, "ok"))
		return 0;
	q = json_object();
	json_put_str(q, "run", json_str(x, "run", ""));
	json_put_str(q, "outcome", run_outcome_name(halted ? RUN_KILLED : RUN_NOT_STARTED));
	json_put_bool(q, "infrastructure", true);
	json_put_str(q, "detail", json_str(why, "text", "no reason was given"));
	json_put_int(q, "ended_ms", bot_now(b));
	return bot_event(b, "run-ended", q, err, "run:%s:ended", json_str(x, "run", ""));
}
