/* api_task.c - tasks: what they are at, their logs, cancel and retry. */
#include "bot/api_args.h"

#include "base/mem.h"
#include "blueprint/engine.h"
#include "bot/dispatch.h"
#include "bot/follow.h"
#include "bot/remote.h"
#include "runner/run.h"
#include "task/life.h"

#define ROUNDS_MAX 10 /* as in a comment: command.h */

static void add_position(const struct task *t, json_t *o)
{
	struct bp_pos pos = {0};

	if (!t->position || bp_pos_parse(t->position, &pos, NULL) < 0)
		return;
	json_put_str(o, "step", bp_phase_name(pos.phase));
	json_put_int(o, "round", bp_pos_rounds(&pos));
}

static json_t *task_json(const struct task *t)
{
	json_t *o = row_json(&task_table, t);

	json_object_del(o, "source"); /* what only the program needs */
	json_object_del(o, "prompted");
	json_object_del(o, "text_hash");
	json_object_del(o, "layer");
	json_object_del(o, "edited");
	json_object_del(o, "edited_by");
	json_object_del(o, "closed_ms");
	api_list(o, "scopes");
	api_list(o, "files");
	json_object_del(o, "position");
	add_position(t, o);
	return o;
}

int api_task_list(struct request *q, json_t **ret, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};
	cleanup(repo_release) struct repo r = {0};
	const char *name = args_str(q->args, "repo");
	json_t *rows;

	if (name && repo_find(q->bot->db, ST_REPO_BY_NAME, &r, err, "s", name) <= 0)
		return err_set(err, ERR_NOT_FOUND, "repository '%s': not known", name);
	if (task_all(q->bot->db, ST_TASK_LIST, &l, err, "is", r.id,
		     json_str(q->args, "state", "all")) < 0)
		return -1;
	rows = json_array();
	for (size_t i = 0; i < l.n; i++) {
		enum forge_level have;

		if (bot_permission_here(q->bot, l.v[i].repo, q->actor, &have, err) < 0) {
			json_decref(rows);
			return -1;
		}
		if (have >= FORGE_READ)
			json_array_append_new(rows, task_json(&l.v[i]));
	}
	*ret = api_rows(rows);
	return API_DONE;
}

int api_task_show(struct request *q, json_t **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(attempt_list_release) struct attempt_list l = {0};
	cleanup(repo_release) struct repo r = {0};
	autofree char *paused = NULL;
	json_t *o, *runs;

	if (args_task(q, &t, err) < 0 ||
	    attempt_all(q->bot->db, ST_ATTEMPT_OF_TASK, &l, err, "i", t.id) < 0)
		return -1;
	o = task_json(&t);
	if (bot_repo(q->bot, t.repo, &r, NULL) == 0 && !t.ended_ms &&
	    remote_paused(q->bot, &r, &paused, NULL) > 0)
		json_put_str(o, "paused", paused);
	runs = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(runs, row_json(&attempt_table, &l.v[i]));
	json_put(o, "runs", runs);
	*ret = api_item(o);
	return API_DONE;
}

int api_task_logs(struct request *q, json_t **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	const char *run = args_str(q->args, "run");

	(void)ret;
	if (args_task(q, &t, err) < 0)
		return -1;
	return follow_start(q->bot, q->ticket, &t, run, json_flag(q->args, "follow"), err) < 0
		       ? -1
		       : API_LATER;
}

int api_task_cancel(struct request *q, json_t **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(repo_release) struct repo r = {0};
	int rc;

	if (args_task(q, &t, err) < 0 || args_need(q, t.repo, FORGE_WRITE, err) < 0 ||
	    bot_repo(q->bot, t.repo, &r, err) < 0)
		return -1;
	if (t.ended_ms)
		return err_set(err, ERR_STATE, "task %lld has ended already (%s)", (long long)t.id,
			       t.state);
	rc = dispatch_cancel(q->bot, &r, t.issue, q->actor, err);
	if (rc < 0)
		return -1;
	*ret = api_text("task %lld cancelled", (long long)t.id);
	return API_DONE;
}

/* Of one issue only the latest task goes on: two would work side by side on the same thing. */
static int must_be_latest(struct request *q, const struct task *t, struct err *err)
{
	cleanup(task_release) struct task last = {0};
	int rc = task_find(q->bot->db, ST_TASK_LAST_OF_ISSUE, &last, err, "ii", t->repo, t->issue);

	if (rc <= 0 || last.id == t->id)
		return rc < 0 ? -1 : 0;
	return err_set(err, ERR_STATE,
		       "task %lld is not the latest of issue #%lld, which is task %lld (%s); only "
		       "that one can be retried",
		       (long long)t->id, (long long)t->issue, (long long)last.id, last.state);
}

int api_task_retry(struct request *q, json_t **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	struct command cmd = {.rounds = json_int(q->args, "rounds", 0)};

	if (cmd.rounds < 0 || cmd.rounds > ROUNDS_MAX)
		return err_set(err, ERR_INPUT, "rounds %lld: expected 1 to %d",
			       (long long)cmd.rounds, ROUNDS_MAX);
	if (args_task(q, &t, err) < 0 || args_need(q, t.repo, FORGE_WRITE, err) < 0 ||
	    bot_repo(q->bot, t.repo, &q->repo, err) < 0)
		return -1;
	if (must_be_latest(q, &t, err) < 0)
		return -1;
	return args_action(q, t.issue, &cmd, CMD_RETRY, ret, err);
}
