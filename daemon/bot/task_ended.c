/* task_ended.c - see task_flow.h: how a run of a task ended, and what that means for the task. */
#include "bot/task_flow.h"

#include "agent/agent.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/runs.h"
#include "sys/fs.h"

/* Of a run's output that is kept with the task: with the words around it less than BP_FEEDBACK_MAX, which
 * cuts the beginning off. */
#define LOG_TAIL ((size_t)24 << 10)

static enum bp_status status_of(enum agent_status s)
{
	static const enum bp_status of[] = {
		[AGENT_NONE] = BP_ST_NONE,           [AGENT_COMPLETE] = BP_ST_COMPLETE,
		[AGENT_BLOCKED] = BP_ST_BLOCKED,     [AGENT_QUESTION] = BP_ST_QUESTION,
		[AGENT_NO_CHANGE] = BP_ST_NO_CHANGE,
	};

	return of[s];
}

static int add_usage(struct task_ctx *c, const struct attempt *a, const struct agent_result *r,
		     struct err *err)
{
	if (r->tokens_in < 0 && r->tokens_out < 0 && r->cost_microusd < 0)
		return 0;
	/* the agent says it: it must not become less by being too much */
	if (r->cost_microusd > 0 &&
	    __builtin_add_overflow(c->task.cost_microusd, r->cost_microusd, &c->task.cost_microusd))
		c->task.cost_microusd = INT64_MAX;
	if (db_run(c->bot->db, ST_USAGE_ADD, err, "iiiiiii", a->repo, a->task, a->id, r->tokens_in,
		   r->tokens_out, r->cost_microusd, bot_now(c->bot)) < 0)
		return -1;
	return task_save(c->bot->db, &c->task, err);
}

/* What the agent says of its round. However that ended, what it has cost was spent. */
static int read_agent(struct task_ctx *c, const struct attempt *a, const struct buf *out,
		      struct agent_result *ret, struct err *err)
{
	const struct agent_conf *conf = conf_daemon_agent(c->bot->conf, a->agent);
	const struct agent_adapter *ad = agent_adapter_find(conf ? conf->kind : "command");

	ad->read(out->s, out->len, (int)a->code, ret);
	return add_usage(c, a, ret, err);
}

static int agent_ended(struct task_ctx *c, const struct attempt *a, const struct agent_result *r,
		       struct err *err)
{
	struct bp_event ev = {.ev = BP_EV_AGENT};
	autofree char *said = NULL;

	row_set(&c->task.summary, r->summary);
	ev.status = status_of(r->status);
	ev.exit_signal = r->exit_signal;
	ev.exit_zero = r->success && a->code == 0;
	/* What is said of the task under our name holds the agent's words as a quotation. */
	said = r->problem ? text_defuse(r->problem) : r->summary ? text_quote(r->summary) : NULL;
	ev.text = said;
	return task_step(c, &ev, err);
}

static int command_ended(struct task_ctx *c, const struct attempt *a, const char *log,
			 struct err *err)
{
	struct bp_event ev = {.ev = a->code == 0 ? BP_EV_OK : BP_EV_RED};
	autofree char *text = NULL;

	if (ev.ev == BP_EV_OK)
		return !strcmp(a->kind, "setup") ? task_save_layer(c, err) : task_step(c, &ev, err);
	text = xasprintf("`%s` ended with exit code %lld:\n\n%s", a->command, (long long)a->code,
			 log);
	ev.text = text;
	ev.tree = c->task.tree;
	return task_step(c, &ev, err);
}

/* The settings that a run was ended by: a person who wants another limit has to know which. */
static const char *limit_name(const struct attempt *a)
{
	static const struct {
		enum run_outcome outcome;
		const char *kind; /* NULL: any */
		const char *name;
	} names[] = {
		{RUN_TIMEOUT, "agent", "`limits.timeout-minutes` of the blueprint"},
		{RUN_TIMEOUT, NULL, "`limits.gate-timeout-minutes` of the blueprint"},
		{RUN_SILENT, NULL, "`limits.silence-minutes` of the blueprint"},
		{RUN_CPU, NULL, "`limits.cpu-minutes` of the blueprint, or `runs.cpu-minutes`"},
		{RUN_MEMORY, NULL, "`limits.memory-mb` of the blueprint, or `runs.memory-mb`"},
		{RUN_PROCS, NULL, "`limits.processes` of the blueprint, or `runs.processes`"},
		{RUN_DISK, NULL,
		 "`limits.disk-mb` of the blueprint, or `runs.disk-mb` and `runs.file-mb`"},
		{RUN_OUTPUT, NULL, "`limits.output-mb` of the blueprint, or `runs.output-mb`"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(a->outcome, run_outcome_name(names[i].outcome)) &&
		    (!names[i].kind || !strcmp(a->kind, names[i].kind)))
			return names[i].name;
	return NULL;
}

static int limit_hit(struct task_ctx *c, const struct attempt *a, const char *log, struct err *err)
{
	bool agent = !strcmp(a->kind, "agent");
	struct bp_event ev = {.ev = agent ? BP_EV_LIMIT : BP_EV_RED};
	const char *what = a->detail ? a->detail : a->outcome, *name = limit_name(a);
	autofree char *why =
		xasprintf("%s%s%s%s", what, name ? " (" : "", name ? name : "", name ? ")" : "");
	autofree char *text = agent ? xasprintf("%s\n\n%s", why, log)
				    : xasprintf("`%s` was ended: %s\n\n%s", a->command, why, log);

	ev.text = text;
	ev.tree = c->task.tree;
	row_set(&c->task.log, text); /* a person wants to know which limit */
	return task_step(c, &ev, err);
}

static int run_killed(struct task_ctx *c, struct err *err)
{
	autofree char *why = NULL;

	if (bot_halted(c->bot, &why))
		return task_set_state(c, "halted", why, err);
	return task_tell(c->bot, c->task.id, BP_EV_INFRA, "the run was ended from outside", err);
}

static void read_log(struct bot *b, const struct attempt *a, size_t max, struct buf *ret)
{
	autofree char *path = run_path(b->runs, a->run, "out");
	cleanup(err_release) struct err err = ERR_INIT;

	if (fs_read_tail(path, max, ret, &err) < 0 && err.code != ERR_NOT_FOUND)
		log_warn("run %s: %s", a->run, err_text(&err));
}

static bool is_last(const struct task_ctx *c, const struct attempt *a)
{
	autofree char *last =
		xasprintf("t%lld-r%lld", (long long)c->task.id, (long long)c->task.runs);

	return !strcmp(a->run, last);
}

int task_run_ended(struct bot *b, struct attempt *a, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(agent_result_release) struct agent_result said = {0};
	cleanup(buf_release) struct buf out = BUF_INIT;
	const char *outcome = json_str(p, "outcome", ""), *log;
	bool agent = !strcmp(a->kind, "agent");

	if (task_open(b, a->task, &c, err) < 0)
		return -1;
	if (!strcmp(outcome, run_outcome_name(RUN_SIGNALED)))
		a->code = 128 + json_int(p, "signo", 0);
	read_log(b, a, AGENT_OUTPUT_MAX, &out);
	if (agent && read_agent(&c, a, &out, &said, err) < 0)
		return -1;
	if (c.task.ended_ms) /* cancelled, or ended otherwise: nobody waits for this */
		return task_run_is_over(&c, err);
	if (!is_last(&c, a))
		return 0; /* another one is at work already */
	log = out.s + text_tail(out.s, out.len, LOG_TAIL);
	row_set(&c.task.log, log);
	if (!strcmp(outcome, run_outcome_name(RUN_KILLED)))
		return run_killed(&c, err);
	if (json_flag(p, "infrastructure")) {
		struct bp_event ev = {.ev = BP_EV_INFRA, .text = a->detail};

		ev.for_good = a->code == RUN_CODE_NO_COMMAND;

		return task_step(&c, &ev, err);
	}
	if (strcmp(outcome, run_outcome_name(RUN_EXITED)) != 0 &&
	    strcmp(outcome, run_outcome_name(RUN_SIGNALED)) != 0)
		return limit_hit(&c, a, log, err);
	return agent ? agent_ended(&c, a, &said, err) : command_ended(&c, a, log, err);
}
