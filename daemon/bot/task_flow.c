/* task_flow.c - see task_flow.h: the step, and what the engine's answers mean. */
#include "bot/task_flow.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/approvals.h"
#include "bot/dispatch.h"
#include "bot/queue_flow.h"
#include "bot/report.h"
#include "bot/source.h"
#include "sys/fs.h"
#include "task/life.h"

char *task_worktree(struct bot *b, int64_t task)
{
	return xasprintf("%s/worktrees/t%lld", b->data, (long long)task);
}

char *task_tree(struct bot *b, int64_t task)
{
	return xasprintf("%s/worktrees/t%lld/tree", b->data, (long long)task);
}

char *task_gitdir(struct bot *b, int64_t task)
{
	return xasprintf("%s/worktrees/t%lld/git", b->data, (long long)task);
}

void task_ctx_release(struct task_ctx *c)
{
	task_release(&c->task);
	repo_release(&c->repo);
	conf_repo_release(&c->conf);
	blueprint_release(&c->bp);
}

int task_open(struct bot *b, int64_t id, struct task_ctx *ret, struct err *err)
{
	struct task_ctx c = {.bot = b};
	int rc = task_get(b->db, id, &c.task, err);

	if (rc == 0)
		err_set(err, ERR_NOT_FOUND, "task %lld: no such task", (long long)id);
	if (rc <= 0)
		return -1;
	if (bot_repo(b, c.task.repo, &c.repo, err) < 0 ||
	    bot_repo_conf(b, &c.repo, &c.conf, err) < 0 ||
	    source_load(c.task.source, &c.bp, err) < 0 ||
	    (c.task.position && bp_pos_parse(c.task.position, &c.pos, err) < 0)) {
		task_ctx_release(&c);
		return err_wrap(err, "task %lld", (long long)id);
	}
	conf_repo_apply(&c.conf, &c.bp);
	*ret = c;
	return 0;
}

int task_set_state(struct task_ctx *c, const char *state, const char *reason, struct err *err)
{
	struct bot *b = c->bot;
	struct task *t = &c->task;
	json_t *d;

	if (life_check(t->state, state, err) < 0)
		return err_wrap(err, "task %lld", (long long)t->id);
	if (strcmp(t->state, state) != 0) {
		d = json_object();
		json_put_str(d, "from", t->state);
		json_put_str(d, "to", state);
		json_put_str(d, "reason", reason);
		json_put_int(d, "cost_microusd", t->cost_microusd);
		if (bot_audit(b, "yardmaster", "task", d, err, "task:%lld", (long long)t->id) < 0)
			return -1;
	}
	row_set(&t->state, state);
	row_set(&t->reason, reason);
	t->updated_ms = bot_now(b);
	t->ended_ms = life_ended(state) ? t->updated_ms : 0;
	if (task_save(b->db, t, err) < 0)
		return -1;
	return report_task(c, err);
}

char *task_nonce(const struct task_ctx *c)
{
	/* Runs count what was started, infra the repetitions, extra what a person asked for. */
	return xasprintf("%lld.%lld.%lld", (long long)c->task.runs, (long long)c->pos.infra,
			 (long long)c->pos.extra);
}

static int do_checks(struct task_ctx *c, struct bp_event *ret_next, struct err *err)
{
	bool green = false;

	if (task_ci_begin(c, &green, err) < 0)
		return -1;
	if (green)
		ret_next->ev = BP_EV_GREEN;
	return 0;
}

int task_review(struct task_ctx *c, struct err *err)
{
	int64_t need = c->bp.steps[c->pos.step].approvals, have = 0;
	autofree char *why = NULL;

	if (need &&
	    approvals_count(c->bot, &c->repo, c->task.pr, c->task.head, NULL, &have, err) < 0)
		return -1;
	why = xasprintf("PR #%lld waits for review: %lld of %lld approvals", (long long)c->task.pr,
			(long long)have, (long long)need);
	return task_set_state(c, "review", why, err) < 0 ? -1 : have >= need;
}

static int do_review(struct task_ctx *c, struct bp_event *ret_next, struct err *err)
{
	int rc = task_review(c, err);

	if (rc > 0)
		ret_next->ev = BP_EV_GREEN;
	return rc < 0 ? -1 : 0;
}

static int do_queue(struct task_ctx *c, struct err *err)
{
	autofree char *why = xasprintf("PR #%lld is in the merge queue", (long long)c->task.pr);

	if (task_set_state(c, "queued", why, err) < 0)
		return -1;
	return queue_enqueue(c->bot, &c->repo, c->task.pr, c->task.head, QUEUE_BY_TASK, NULL, err);
}

/* Does what the engine asked for. ret_next->ev stays BP_EV_START when nothing follows at once. */
static int perform(struct task_ctx *c, const struct bp_event *ev, const struct bp_action *a,
		   struct bp_event *ret_next, struct err *err)
{
	switch (a->act) {
	case BP_DO_NOTHING:
		return task_save(c->bot->db, &c->task, err);
	case BP_DO_SETUP:
		return task_run_setup(c, err);
	case BP_DO_AGENT:
		return task_run_agent(c, a->feedback, err);
	case BP_DO_COMMIT:
		return task_commit(c, err);
	case BP_DO_GATE:
		return task_run_gate(c, err);
	case BP_DO_RUN:
		return task_run_command(c, err);
	case BP_DO_PR:
		return task_pull_request(c, err);
	case BP_DO_CHECKS:
		return do_checks(c, ret_next, err);
	case BP_DO_REVIEW:
		return do_review(c, ret_next, err);
	case BP_DO_QUEUE:
		return do_queue(c, err);
	case BP_DO_ASK:
		return task_ask(c, a->reason, err);
	case BP_DO_DONE:
		return task_end(c, ev->ev == BP_EV_MERGED ? "merged" : "done", a->reason, err);
	case BP_DO_NO_CHANGE:
		return task_end(c, "no-change", a->reason, err);
	case BP_DO_FAIL:
		return task_end(c, "needs-human", a->reason, err);
	case BP_DO_CANCELLED:
		return task_end(c, "cancelled", a->reason, err);
	}
	return err_set(err, ERR_INTERNAL, "task: the engine asked for something unknown");
}

/* A task that a person had got goes on: the label that called for one comes off. */
static int goes_on(struct task_ctx *c, const struct bp_action *a, struct err *err)
{
	if (!life_ended(c->task.state) || a->act == BP_DO_NOTHING || a->act >= BP_DO_DONE)
		return 0;
	if (!c->task.pr && dispatch_lease_again(c->bot, c, err) < 0)
		return -1;
	return task_unlabel(c, err) < 0 ? -1 : task_set_state(c, "running", NULL, err);
}

/* 1: what comes next takes a place, which the task has not, and there is none; 0: it may go on. A round of
 * the agent asks for itself, once its prompt is kept. */
static int must_wait(struct task_ctx *c, enum bp_do act, bool had_place, struct err *err)
{
	if (had_place ||
	    (act != BP_DO_SETUP && act != BP_DO_COMMIT && act != BP_DO_GATE && act != BP_DO_RUN))
		return 0;
	return task_wait_for_place(c, err);
}

static int step_once(struct task_ctx *c, const struct bp_event *ev, struct bp_event *ret_next,
		     struct err *err)
{
	struct bp_action action = {0};
	bool had_place = dispatch_at_work(&c->task);
	struct bp_pos next;
	int rc;

	bp_next(&c->bp, &c->pos, ev, &next, &action);
	c->pos = next;
	if (next.phase != BP_PH_CHECKS)
		c->task.ci_ms = 0;
	if (next.started) /* else nothing of the blueprint has begun, and whoever asks must see that */
		row_take(&c->task.position, bp_pos_json(&c->pos));
	rc = goes_on(c, &action, err) < 0 ? -1 : must_wait(c, action.act, had_place, err);
	if (rc == 0)
		rc = perform(c, ev, &action, ret_next, err);
	bp_action_release(&action);
	return rc < 0 ? -1 : 0;
}

int task_step(struct task_ctx *c, const struct bp_event *ev, struct err *err)
{
	struct bp_event now = *ev;

	/* What follows at once (checks that nobody has, approvals that are there) follows here. */
	do {
		struct bp_event next = {.ev = BP_EV_START};

		if (step_once(c, &now, &next, err) < 0)
			return err_wrap(err, "task %lld", (long long)c->task.id);
		now = next;
	} while (now.ev != BP_EV_START);
	return 0;
}

int task_tell(struct bot *b, int64_t id, enum bp_ev ev, const char *text, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	struct bp_event e = {.ev = ev, .text = text};

	if (task_open(b, id, &c, err) < 0)
		return -1;
	if (life_ended(c.task.state) && (ev == BP_EV_MERGED || ev == BP_EV_PR_CLOSED))
		return task_pr_ended(&c, ev == BP_EV_MERGED, text, err);
	if (life_ended(c.task.state) && ev != BP_EV_RETRY && ev != BP_EV_SAY)
		return 0;
	if (ev == BP_EV_EJECTED) /* what a person reads when no round is left */
		row_set(&c.task.log, text);
	return task_step(&c, &e, err);
}

int task_went(struct bot *b, const json_t *p, struct task_ctx *ret, struct err *err)
{
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);
	const char *why = json_str(json_object_get(p, "error"), "text", "no reason was given");

	if (!json_flag(p, "ok"))
		return task_tell(b, id, BP_EV_INFRA, why, err) < 0 ? -1 : 0;
	return task_open(b, id, ret, err) < 0 ? -1 : 1;
}

/* Of a task that cannot even be opened: its row says what is wrong. */
static int give_up_row(struct bot *b, int64_t id, const char *reason, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_get(b->db, id, &t, err);

	if (rc <= 0 || t.ended_ms)
		return rc < 0 ? -1 : 0;
	row_set(&t.state, "needs-human");
	row_set(&t.reason, reason);
	t.updated_ms = t.ended_ms = bot_now(b);
	if (db_run(b->db, ST_LEASE_END, err, "i", id) < 0)
		return -1;
	return task_save(b->db, &t, err);
}

int task_give_up(struct bot *b, int64_t id, const struct err *why, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(err_release) struct err again = ERR_INIT;
	autofree char *reason = xasprintf("it could not go on: %s", err_text(why));
	int rc;

	if (db_savepoint(b->db, err) < 0)
		return -1;
	rc = task_open(b, id, &c, &again);
	if (rc == 0 && !life_ended(c.task.state))
		rc = task_stop(&c, reason, &again);
	if (rc == 0)
		return db_release(b->db, err);
	db_rollback_to(b->db);
	log_error("task %lld: %s", (long long)id, err_text(&again));
	return give_up_row(b, id, reason, err);
}

int task_undecided(struct bot *b, const json_t *payload, const struct err *why, struct err *err)
{
	cleanup(attempt_release) struct attempt a = {0};
	int64_t id = json_int(json_object_get(payload, "ctx"), "task", 0);
	const char *run = json_str(payload, "run", NULL);
	int rc = !id && run ? attempt_find(b->db, ST_ATTEMPT_BY_RUN, &a, err, "s", run) : 0;

	if (rc < 0)
		return -1;
	id = id ? id : a.task;
	return id ? task_give_up(b, id, why, err) : 0;
}

int task_continue(struct bot *b, int64_t id, const char *why, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	struct bp_event e = {.ev = BP_EV_INFRA, .text = why};
	int64_t before;

	if (task_open(b, id, &c, err) < 0)
		return -1;
	/* The engine repeats the action after an infrastructure failure; a halt is not one. */
	before = c.pos.infra;
	c.pos.infra = 0;
	if (task_set_state(&c, c.task.position ? "running" : "preparing", why, err) < 0 ||
	    task_step(&c, &e, err) < 0)
		return -1;
	c.pos.infra = before;
	row_take(&c.task.position, bp_pos_json(&c.pos));
	return task_save(b->db, &c.task, err);
}

int task_kill_runs(struct bot *b, int64_t task, const char *reason, struct err *err)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};

	if (attempt_all(b->db, ST_ATTEMPT_OPEN_OF_TASK, &l, err, "i", task) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *subject = xasprintf("kill:%s", l.v[i].run);
		json_t *p = json_object();

		json_put_str(p, "run", l.v[i].run);
		json_put_str(p, "reason", reason);
		if (bot_effect(b, subject, "run-kill", p, err, "kill:%s", l.v[i].run) < 0)
			return -1;
	}
	return 0;
}
