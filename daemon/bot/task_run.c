/* task_run.c - see task_flow.h: what a task runs in its sandbox. */
#include "bot/task_flow.h"

#include "agent/agent.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/dispatch.h"
#include "bot/prompt.h"
#include "bot/queue_flow.h"
#include "bot/runs.h"

#define MB        ((int64_t)1 << 20)
#define MINUTE_MS ((int64_t)60 * 1000)

static int64_t pick(int64_t own, int64_t otherwise)
{
	return own ? own : otherwise;
}

static void fill_limits(const struct task_ctx *c, int64_t wall_ms, struct run_limits *l)
{
	const struct conf_daemon *d = c->bot->conf;

	l->wall_ms = wall_ms;
	l->cpu_ms = pick(c->bp.cpu_minutes, d->runs.cpu_minutes) * MINUTE_MS;
	l->mem_bytes = pick(c->bp.memory_mb, d->runs.memory_mb) * MB;
	l->procs = pick(c->bp.processes, d->runs.processes);
	l->disk_bytes = pick(c->bp.disk_mb, d->runs.disk_mb) * MB;
	l->fsize_bytes = d->runs.file_mb * MB;
	l->out_bytes = pick(c->bp.output_mb, d->runs.output_mb) * MB;
}

static int start(struct task_ctx *c, const char *kind, const char *agent, const char *shown,
		 struct run_spec *spec, struct err *err)
{
	struct bot *b = c->bot;
	struct task *t = &c->task;
	cleanup(attempt_release) struct attempt a = {0};
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	json_t *p;

	t->runs++;
	a.repo = t->repo;
	a.task = t->id;
	a.run = xasprintf("t%lld-r%lld", (long long)t->id, (long long)t->runs);
	a.kind = xstrdup(kind);
	a.step = c->pos.step;
	a.round = bp_pos_rounds(&c->pos);
	a.number = c->pos.index;
	a.command = xstrdup(shown);
	a.agent = xstrdup(agent);
	a.network = xstrdup(spec->network == RUN_NET_HOST ? "host" : "none");
	a.state = xstrdup("running");
	a.created_ms = bot_now(b);
	row_set(&spec->id, a.run);
	spec->workdir = task_tree(b, t->id);
	spec->gitdir = task_gitdir(b, t->id);
	spec->objects = xasprintf("%s/objects", c->repo.path);
	spec->modules = runs_modules(&c->repo);
	runs_env(&(struct runs_env){.repo = &c->repo,
				    .base_sha = t->start,
				    .pr = t->pr,
				    .task = t->id,
				    .round = bp_pos_rounds(&c->pos),
				    .issue = t->issue},
		 spec);
	p = json_object();
	json_put_str(p, "run", a.run);
	json_put(p, "ctx", json_pack("{s:s}", "run", a.run));
	json_put(p, "spec", runs_spec_json(spec));
	if (spec->network == RUN_NET_HOST || spec->env_pass.n) {
		json_t *d = json_object();
		autofree char *names = strvec_join(&spec->env_pass, " ");

		json_put_str(d, "run", a.run);
		json_put_str(d, "network", a.network);
		json_put_str(d, "environment", names);
		if (bot_audit(b, "yardmaster", "opened", d, err, "task:%lld", (long long)t->id) < 0)
			return -1;
	}
	if (attempt_insert(b->db, &a, err) < 0 ||
	    bot_effect(b, subject, "run-start", p, err, "run:%s", a.run) < 0)
		return -1;
	return task_set_state(c, "running", NULL, err);
}

/* A `sh -c` text as a run. */
static void shell(struct run_spec *spec, const char *text)
{
	strvec_pushl(&spec->argv, "/bin/sh", "-c", text, NULL);
}

static void add_binds(const struct agent_conf *a, struct run_spec *spec)
{
	spec->binds = xcalloc(a->read_only.n, sizeof(*spec->binds));
	for (size_t i = 0; i < a->read_only.n; i++)
		spec->binds[spec->nbinds++] = (struct run_bind){xstrdup(a->read_only.v[i]),
								xstrdup(a->read_only.v[i]), false};
}

static int agent_spec(struct task_ctx *c, const struct agent_conf *a, const char *feedback,
		      struct run_spec *spec, struct err *err)
{
	const struct agent_adapter *ad = agent_adapter_find(a->kind);

	if (!ad)
		return err_set(err, ERR_INPUT, "agent %s: kind '%s' is not known", a->name,
			       a->kind);
	if (ad->argv(a, &spec->argv, err) < 0)
		return -1;
	add_binds(a, spec);
	spec->input = prompt_text(c, feedback);
	spec->input_len = strlen(spec->input);
	/* For agents that can hold limits of their own; the host's hold in any case. */
	if (c->bp.turns)
		strvec_pushf(&spec->env, "YARDMASTER_MAX_TURNS=%lld", (long long)c->bp.turns);
	if (c->bp.cost_microusd)
		strvec_pushf(&spec->env, "YARDMASTER_COST_USD=%.6f",
			     (double)(c->bp.cost_microusd - c->task.cost_microusd) / 1e6);
	/* Either the blueprint or the agent's own configuration opens the network, never the issue. */
	spec->network = c->bp.network_host || a->network_host ? RUN_NET_HOST : RUN_NET_NONE;
	strvec_extend(&spec->env_pass, &a->env);
	strvec_extend(&spec->env_pass, &a->env_plain);
	fill_limits(c, c->bp.timeout_ms, &spec->limits);
	spec->limits.silence_ms = c->bp.silence_ms;
	return 0;
}

/* Takes p, about the files of the worktree: done before the run that waits behind it. */
static int restore_by(struct task_ctx *c, json_t *p, struct err *err)
{
	const struct task *t = &c->task;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *tree = task_tree(c->bot, t->id), *gitdir = task_gitdir(c->bot, t->id);
	autofree char *nonce = task_nonce(c);

	json_put_str(p, "path", tree);
	json_put_str(p, "gitdir", gitdir);
	return bot_effect(c->bot, subject, "task-restore", p, err, "restore:%lld:%s",
			  (long long)t->id, nonce) < 0
		       ? -1
		       : 0;
}

/* Before a later round: nothing that gates left behind may come into the next commit. */
static int restore(struct task_ctx *c, bool keep_files, struct err *err)
{
	const char *commit = c->task.head ? c->task.head : c->task.start;
	json_t *p;

	p = task_request(c, "worktree-restore");
	json_put_str(p, "commit", commit);
	json_put_bool(p, "keep_files", keep_files);
	runs_base(c->bot, &c->repo, c->task.start, p);
	return restore_by(c, p, err);
}

int task_conflict(struct bot *b, const struct repo *r, const struct task *t, char **ret_text,
		  struct err *err)
{
	return queue_conflict_of(b, r, t->pr, t->head ? t->head : t->replaces, ret_text, err);
}

/* Its head conflicts with the base: the round begins on the base, with what both sides did in the files. The
 * new commit follows on that, and not on a head that nobody could land. */
static int rebase(struct task_ctx *c, struct err *err)
{
	json_t *p = task_request(c, "worktree-rebase");

	json_put_str(p, "head", c->task.head);
	json_put_str(p, "onto", c->repo.base_oid);
	runs_base(c->bot, &c->repo, c->repo.base_oid, p);
	json_put_str(json_object_get(p, "ctx"), "onto", c->repo.base_oid);
	return restore_by(c, p, err);
}

/* The agent is told in the same prompt as what was wrong. */
static void tell_of_rebase(struct task_ctx *c)
{
	static const char how[] =
		"The files are those of the base branch's tip with your work merged into them. "
		"Where both changed the same lines they have conflict markers: from `<<<<<<<` to "
		"`=======` the base's lines, from there to `>>>>>>>` yours. Keep what both are "
		"meant to do, and leave no marker behind.";
	const char *said = c->task.feedback ? c->task.feedback : "";

	if (!strstr(said, how))
		row_take(&c->task.feedback, xasprintf("%s%s%s\n", said, *said ? "\n" : "", how));
}

int task_rebased(struct bot *b, int64_t id, const char *onto, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_get(b->db, id, &t, err);

	if (rc <= 0)
		return rc;
	row_set(&t.start, onto);
	if (t.head)
		row_take(&t.replaces, steal(&t.head));
	return task_save(b->db, &t, err);
}

/* Without it the round would begin among what gates have left, which would come into the commit: the run
 * that waits behind it is not started. */
int task_did_restore(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);
	const char *onto = json_str(json_object_get(p, "ctx"), "onto", NULL);
	autofree char *subject = xasprintf("task:%lld", (long long)id);
	cleanup(task_release) struct task t = {0};
	int rc = task_get(b->db, id, &t, err);

	(void)e;
	if (onto && json_flag(p, "ok"))
		return task_rebased(b, id, onto, err);
	if (rc <= 0 || t.ended_ms || json_flag(p, "ok"))
		return rc < 0 ? -1 : 0;
	if (effect_withdraw(b->db, subject, bot_now(b), err) < 0 ||
	    attempt_all(b->db, ST_ATTEMPT_OPEN_OF_TASK, &l, err, "i", id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		json_t *q = json_object();

		json_put_str(q, "run", l.v[i].run);
		json_put_str(q, "outcome", run_outcome_name(RUN_NOT_STARTED));
		json_put_bool(q, "infrastructure", true);
		json_put_str(q, "detail", json_str(json_object_get(p, "error"), "text", NULL));
		json_put_int(q, "ended_ms", bot_now(b));
		if (bot_event(b, "run-ended", q, err, "run:%s:ended", l.v[i].run) < 0)
			return -1;
	}
	return 0;
}

/* Only after gates: a round that was refused or unfinished goes on from its files as they are. */
static bool gates_ran(const struct task_ctx *c)
{
	cleanup(attempt_release) struct attempt last = {0};

	return attempt_find(c->bot->db, ST_ATTEMPT_LAST_OF_TASK, &last, NULL, "i", c->task.id) >
		       0 &&
	       (!strcmp(last.kind, "gate") || !strcmp(last.kind, "run"));
}

/* 1 the task has spent what it may (and was ended), 0 not. */
static int over_budget(struct task_ctx *c, struct err *err)
{
	int64_t limit = c->bot->conf->limits.task_minutes * MINUTE_MS, spent = 0;
	autofree char *why = NULL;

	if (db_int(c->bot->db, ST_ATTEMPT_MS_OF_TASK, &spent, err, "i", c->task.id) < 0)
		return -1;
	if (limit && spent >= limit)
		why = xasprintf("its runs took %lld minutes together; `limits.task-minutes` of the "
				"daemon's configuration allows %lld",
				(long long)(spent / MINUTE_MS), (long long)(limit / MINUTE_MS));
	else if (c->bp.cost_microusd && c->task.cost_microusd >= c->bp.cost_microusd)
		why = xasprintf("it has cost $%.2f; `limits.cost-usd` of its blueprint allows "
				"$%.2f; the label taken off and set again begins a new task",
				(double)c->task.cost_microusd / 1e6,
				(double)c->bp.cost_microusd / 1e6);
	if (!why)
		return 0;
	return task_stop(c, why, err) < 0 ? -1 : 1;
}

int task_wait_for_place(struct task_ctx *c, struct err *err)
{
	cleanup(task_list_release) struct task_list open = {0};
	autofree char *why = NULL;
	int64_t others = 0;

	int rc = 0;

	why = dispatch_paused(c->bot, &c->repo, &rc, err);
	if (rc < 0)
		return -1;
	if (why)
		return task_set_state(c, "waiting", why, err) < 0 ? -1 : 1;
	if (task_all(c->bot->db, ST_TASK_OPEN, &open, err, "") < 0)
		return -1;
	for (size_t i = 0; i < open.n; i++)
		others += open.v[i].id != c->task.id && dispatch_at_work(&open.v[i]);
	if (others < c->bot->conf->limits.agents)
		return 0;
	why = dispatch_no_place(c->bot, others);
	return task_set_state(c, "waiting", why, err) < 0 ? -1 : 1;
}

static const char *agent_named(const struct task_ctx *c)
{
	const struct bp_step *s = &c->bp.steps[c->pos.step];

	return s->agent ? s->agent : *c->task.agent ? c->task.agent : NULL;
}

static int no_agent(struct task_ctx *c, struct err *err)
{
	const char *name = agent_named(c);
	autofree char *why =
		xasprintf("agent '%s' is not in the daemon's configuration (agents: …)",
			  name ? name : "(default)");

	return task_stop(c, why, err);
}

int task_begin_round(struct task_ctx *c, struct err *err)
{
	cleanup(run_spec_release) struct run_spec spec;
	const struct agent_conf *a = conf_daemon_agent(c->bot->conf, agent_named(c));
	int conflict = 0, rc = 0;

	run_spec_init(&spec);
	if (!a)
		return no_agent(c, err);
	if (c->repo.base_oid)
		conflict = task_conflict(c->bot, &c->repo, &c->task, NULL, err);
	if (conflict < 0)
		return -1;
	if (conflict)
		tell_of_rebase(c);
	c->task.prompted = 1;
	if (agent_spec(c, a, c->task.feedback, &spec, err) < 0)
		return -1;
	/* Without a head it has been rebased, and goes on from the files as the last round left them. */
	if (conflict && c->task.head)
		rc = rebase(c, err);
	else if (c->task.runs)
		/* Its private Git directory was the last run's, and may be in any state. */
		rc = restore(c, !c->task.head || !gates_ran(c), err);
	if (rc < 0)
		return -1;
	return start(c, "agent", a->name, a->name, &spec, err);
}

int task_run_agent(struct task_ctx *c, const char *feedback, struct err *err)
{
	struct task *t = &c->task;
	int rc;

	if (!conf_daemon_agent(c->bot->conf, agent_named(c)))
		return no_agent(c, err);
	/* The same round once more, after a failure that was not its own: with what it was told. */
	if (!feedback && c->pos.infra)
		feedback = t->feedback;
	if (feedback != t->feedback)
		row_set(&t->feedback, feedback);
	rc = over_budget(c, err);
	if (rc == 0)
		rc = task_wait_for_place(c, err);
	/* Last of all: nothing may come between what is read and the prompt. */
	if (rc == 0 && !t->prompted)
		rc = task_look(c, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	return task_begin_round(c, err);
}

static int run_shell(struct task_ctx *c, const char *kind, const char *text, int64_t wall_ms,
		     bool network, struct err *err)
{
	cleanup(run_spec_release) struct run_spec spec;

	run_spec_init(&spec);
	shell(&spec, text);
	spec.network = network ? RUN_NET_HOST : RUN_NET_NONE;
	fill_limits(c, wall_ms, &spec.limits);
	return start(c, kind, NULL, text, &spec, err);
}

int task_run_gate(struct task_ctx *c, struct err *err)
{
	const struct bp_step *s = &c->bp.steps[c->pos.step];

	return run_shell(c, "gate", s->gates.v[c->pos.index], c->bp.gate_timeout_ms, false, err);
}

int task_run_command(struct task_ctx *c, struct err *err)
{
	const struct bp_step *s = &c->bp.steps[c->pos.step];

	return run_shell(c, "run", s->commands.v[c->pos.index], c->bp.gate_timeout_ms, false, err);
}

/* ---- set-up: a layer of files, kept by the content of the key files ---- */

int task_run_setup(struct task_ctx *c, struct err *err)
{
	autofree char *subject = xasprintf("task:%lld", (long long)c->task.id);
	autofree char *nonce = task_nonce(c);
	json_t *p = task_request(c, "tree-read"), *paths = json_array();

	for (size_t i = 0; i < c->bp.setup_key.n; i++)
		json_array_append_new(paths, json_string(c->bp.setup_key.v[i]));
	json_put_str(p, "commit", c->task.start);
	json_put(p, "paths", paths);
	json_put_bool(p, "oids", true);
	if (bot_effect(c->bot, subject, "task-layer-key", p, err, "layer-key:%lld:%s",
		       (long long)c->task.id, nonce) < 0)
		return -1;
	return task_set_state(c, "running", "preparing the environment", err);
}

static char *setup_script(const struct task_ctx *c)
{
	autofree char *all = strvec_join(&c->bp.setup, "\n");

	return xasprintf("set -e\n%s", all);
}

int task_did_layer_key(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(buf_release) struct buf key = BUF_INIT;
	autofree char *subject = NULL, *script = NULL, *hash = NULL, *files = NULL, *tree = NULL;
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);
	int rc = task_went(b, p, &c, err);
	json_t *q, *x;

	(void)e;
	if (rc <= 0)
		return rc;
	if (c.task.ended_ms)
		return 0; /* cancelled meanwhile */
	script = setup_script(&c);
	files = json_text(json_object_get(json_object_get(p, "result"), "files"));
	buf_addf(&key, "%zu:%s%s", strlen(script), script, files);
	hash = text_sha256(key.s, key.len);
	subject = xasprintf("task:%lld", (long long)id);
	tree = task_tree(b, id);
	q = task_request(&c, "layer-apply");
	x = json_object_get(q, "ctx");
	autofree char *layer =
		xasprintf("%s/layers/%lld/%s", b->data, (long long)c.task.repo, hash);

	json_put_str(x, "layer", layer);
	json_put_str(q, "layer", layer);
	json_put_str(q, "path", tree);
	row_set(&c.task.layer, layer);
	if (task_save(b->db, &c.task, err) < 0)
		return -1;
	return bot_effect(b, subject, "task-layer-apply", q, err, "layer-apply:%lld:%lld",
			  (long long)id, (long long)e->id) < 0
		       ? -1
		       : 0;
}

int task_did_layer_apply(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	const json_t *x = json_object_get(p, "ctx");
	autofree char *script = NULL;
	struct bp_event ev = {.ev = BP_EV_OK};

	(void)e;
	if (!json_flag(p, "ok"))
		return task_tell(b, json_int(x, "task", 0), BP_EV_INFRA,
				 json_str(json_object_get(p, "error"), "text", ""), err);
	if (task_open(b, json_int(x, "task", 0), &c, err) < 0)
		return -1;
	if (c.task.ended_ms)
		return 0;
	if (json_flag(json_object_get(p, "result"), "found"))
		return task_step(&c, &ev, err);
	script = setup_script(&c);
	return run_shell(&c, "setup", script, c.bp.gate_timeout_ms, c.bp.setup_network_host, err);
}

int task_save_layer(struct task_ctx *c, struct err *err)
{
	autofree char *subject = xasprintf("task:%lld", (long long)c->task.id);
	autofree char *tree = task_tree(c->bot, c->task.id), *nonce = task_nonce(c);
	json_t *p = task_request(c, "layer-save");
	struct run_limits l;

	json_put_str(p, "commit", c->task.start);
	json_put_str(p, "path", tree);
	json_put_str(p, "layer", c->task.layer);
	/* what the run may write, and as much again for a file system that compresses */
	fill_limits(c, 0, &l);
	json_put_int(p, "max_bytes", 2 * l.disk_bytes);
	return bot_effect(c->bot, subject, "task-layer-save", p, err, "layer-save:%lld:%s",
			  (long long)c->task.id, nonce) < 0
		       ? -1
		       : 0;
}

int task_did_layer_save(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);

	(void)e;
	if (!json_flag(p, "ok"))
		return task_tell(b, id, BP_EV_INFRA,
				 json_str(json_object_get(p, "error"), "text", ""), err);
	return task_tell(b, id, BP_EV_OK, NULL, err);
}
