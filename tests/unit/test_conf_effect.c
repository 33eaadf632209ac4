/*
 * test_conf_effect.c - no key of a configuration file is accepted without an effect.
 *
 * The schemas (contrib/schema) list every key, and test_schema.c sees to it that the parsers take the same ones. Here
 * each of them has a row that names what it is loaded into and the code that obeys it. For each row a file with
 * the key is loaded and what is in force must differ from a file without it, and the code that is named must read the
 * field. A key without a row fails, and so does a row without a key: give a new key its row together with its effect,
 * or refuse it with the reason (load_environment() in conf_repo.c does).
 */
#include "schema_fixture.h"

#include "sys/fs.h"

#include <ctype.h>

static const struct row {
	int file;
	const char *at, *key;
	const char *
		field; /* as the code that reads it writes it; NULL: its mapping's keys have rows of their own */
	const char *reader; /* where */
} rows[] = {
	{DAEMON, "", "data", "conf->data", "daemon/bot/serve.c"},
	{DAEMON, "", "socket", "conf->socket", "daemon/bot/api.c"},
	{DAEMON, "", "socket-group", "conf->socket_group", "daemon/bot/api.c"},
	{DAEMON, "", "handle", "conf->handle", "daemon/bot/commands_flow.c"},
	{DAEMON, "", "agents", NULL, NULL},
	{DAEMON, "agents/*", "command", "c->command", "daemon/agent/agent_command.c"},
	{DAEMON, "agents/*", "kind", "a->kind", "daemon/bot/task_run.c"},
	{DAEMON, "agents/*", "model", "a->model", "daemon/bot/task_commit.c"},
	{DAEMON, "agents/*", "read-only", "a->read_only", "daemon/bot/task_run.c"},
	{DAEMON, "agents/*", "network", "a->network_host", "daemon/bot/task_run.c"},
	{DAEMON, "agents/*", "env", "a->env", "daemon/bot/task_run.c"},
	{DAEMON, "agents/*", "env-plain", "a->env_plain", "daemon/bot/task_run.c"},
	{DAEMON, "", "default-agent", "c->default_agent", "daemon/bot/conf_daemon.c"},
	{DAEMON, "", "limits", NULL, NULL},
	{DAEMON, "limits", "agents", "limits.agents", "daemon/bot/dispatch.c"},
	{DAEMON, "limits", "gates", "limits.gates", "daemon/bot/queue_flow.c"},
	{DAEMON, "limits", "agent-prs", "limits.agent_prs", "daemon/bot/dispatch.c"},
	{DAEMON, "limits", "task-minutes", "limits.task_minutes", "daemon/bot/task_run.c"},
	{DAEMON, "limits", "push-mb", "limits.push_mb", "daemon/bot/reconcile.c"},
	{DAEMON, "", "runs", NULL, NULL},
	{DAEMON, "runs", "memory-mb", "runs.memory_mb", "daemon/bot/task_run.c"},
	{DAEMON, "runs", "processes", "runs.processes", "daemon/bot/task_run.c"},
	{DAEMON, "runs", "disk-mb", "runs.disk_mb", "daemon/bot/task_run.c"},
	{DAEMON, "runs", "file-mb", "runs.file_mb", "daemon/bot/task_run.c"},
	{DAEMON, "runs", "output-mb", "runs.output_mb", "daemon/bot/task_run.c"},
	{DAEMON, "runs", "cpu-minutes", "runs.cpu_minutes", "daemon/bot/task_run.c"},
	{DAEMON, "", "notify", NULL, NULL},
	{DAEMON, "notify", "command", "conf->notify", "daemon/bot/outbox.c"},
	{DAEMON, "notify", "timeout-seconds", "conf->notify_seconds", "daemon/bot/outbox.c"},
	{DAEMON, "", "retention", NULL, NULL},
	{DAEMON, "retention", "events-days", "retention.events_days", "daemon/bot/retention.c"},
	{DAEMON, "retention", "logs-days", "retention.logs_days", "daemon/bot/retention.c"},
	{DAEMON, "retention", "task-days", "retention.task_days", "daemon/bot/retention.c"},
	{DAEMON, "retention", "failed-worktree-days", "retention.failed_worktree_days",
	 "daemon/bot/retention.c"},
	{DAEMON, "retention", "deliveries-days", "retention.deliveries_days", "daemon/web/web.c"},
	{DAEMON, "retention", "deliveries-mb", "retention.deliveries_mb", "daemon/web/web.c"},
	{DAEMON, "", "author", NULL, NULL},
	{DAEMON, "author", "name", "conf->author_name", "daemon/bot/queue_test.c"},
	{DAEMON, "author", "email", "conf->author_email", "daemon/bot/queue_test.c"},
	{DAEMON, "", "sign-key", "conf->sign_key", "daemon/bot/queue_test.c"},
	{DAEMON, "", "reconcile-seconds", "conf->reconcile_seconds", "daemon/bot/turn.c"},
	{DAEMON, "", "submodules", "conf_daemon_submodules", "daemon/bot/remote.c"},
	{DAEMON, "", "listen", "hooks.listen", "daemon/web/web.c"},
	{DAEMON, "", "github", NULL, NULL},
	{DAEMON, "github", "api", "c->api", "daemon/bot/remote.c"},
	{DAEMON, "github", "app", "c->app", "daemon/bot/remote.c"},
	{DAEMON, "github", "key", "c->key", "daemon/bot/remote.c"},
	{DAEMON, "github", "token", "c->token", "daemon/bot/remote.c"},
	{DAEMON, "github", "ca-file", "c->ca_file", "daemon/bot/outbox.c"},
	{DAEMON, "github", "proxy", "c->proxy", "daemon/bot/outbox.c"},
	{DAEMON, "github", "git", "github.git", "daemon/bot/remote.c"},
	{DAEMON, "github", "ssh-key", "c->ssh_key", "daemon/bot/remote.c"},
	{DAEMON, "github", "known-hosts", "c->known_hosts", "daemon/bot/remote.c"},
	{DAEMON, "github", "head-seconds", "github.head_wait_ms", "daemon/bot/queue_head.c"},
	{DAEMON, "github", "permissions", NULL, NULL},
	{DAEMON, "github/permissions", "label", "CONF_ALLOW_LABEL", "daemon/bot/dispatch.c"},
	{DAEMON, "github/permissions", "run", "CONF_ALLOW_RUN", "daemon/bot/allowed.c"},
	{DAEMON, "github/permissions", "queue", "CONF_ALLOW_QUEUE", "daemon/bot/allowed.c"},
	{DAEMON, "github/permissions", "halt", "CONF_ALLOW_HALT", "daemon/bot/allowed.c"},
	{DAEMON, "github/permissions", "freeze", "CONF_ALLOW_FREEZE", "daemon/bot/allowed.c"},
	{DAEMON, "github/permissions", "resume", "CONF_ALLOW_RESUME", "daemon/bot/allowed.c"},
	{DAEMON, "github", "events", "hooks.events", "daemon/web/web.c"},
	{DAEMON, "github", "shadow", "github.shadow_all", "daemon/bot/shadow.c"},
	{DAEMON, "github", "webhook-secrets", NULL, NULL},
	{DAEMON, "github/webhook-secrets/*", "secret", "conf->secrets[i].ref",
	 "daemon/web/hook_secrets.c"},
	{DAEMON, "github/webhook-secrets/*", "repos", "conf->secrets[i].repos",
	 "daemon/web/hook_secrets.c"},
	{REPO, "", "queue", NULL, NULL},
	{REPO, "queue", "method", "queue.method", "daemon/bot/queue_test.c"},
	{REPO, "queue", "message", "queue.message", "daemon/bot/queue_test.c"},
	{REPO, "queue", "gates", "queue.gates", "daemon/bot/queue_test.c"},
	{REPO, "queue", "environment", NULL, NULL},
	{REPO, "queue/environment", "setup", "queue.setup", "daemon/bot/queue_test.c"},
	{REPO, "queue", "approvals", "queue.approvals", "daemon/bot/queue_facts.c"},
	{REPO, "queue", "labeller-may-approve", "queue.labeller_may_approve",
	 "daemon/bot/queue_facts.c"},
	{REPO, "queue", "author-may-approve", "queue.author_may_approve",
	 "daemon/bot/queue_facts.c"},
	{REPO, "queue", "code-owners", "queue.code_owners", "daemon/bot/queue_rules.c"},
	{REPO, "queue", "conversations", "queue.conversations", "daemon/bot/queue_rules.c"},
	{REPO, "queue", "timeout-minutes", "queue.timeout_ms", "daemon/bot/queue_test.c"},
	{REPO, "queue", "flake-reruns", "queue.flake_reruns", "daemon/bot/queue_facts.c"},
	{REPO, "queue", "retries", "queue.retries", "daemon/bot/queue_facts.c"},
	{REPO, "queue", "forks", "queue.forks_refused", "daemon/bot/queue_head.c"},
	{REPO, "queue", "forge-checks", "queue.forge_checks", "daemon/bot/ci.c"},
	{REPO, "queue", "candidate", "queue.draft_pr", "daemon/bot/queue_ci.c"},
	{REPO, "queue", "check-minutes", "queue.check_ms", "daemon/bot/queue_ci.c"},
	{REPO, "", "auto-queue", "auto_queue.on", "daemon/bot/queue_auto.c"},
	{REPO, "auto-queue", "label", "auto_queue.label", "daemon/bot/queue_auto.c"},
	{REPO, "auto-queue", "authors", "auto_queue.authors", "daemon/bot/queue_auto.c"},
	{REPO, "auto-queue", "approvals", "auto_queue.approvals", "daemon/bot/queue_auto.c"},
	{REPO, "", "checkout", NULL, NULL},
	{REPO, "checkout", "submodules", "checkout.submodules", "daemon/bot/runs_env.c"},
	{REPO, "checkout", "lfs", "checkout.lfs", "daemon/bot/runs_env.c"},
	{REPO, "", "bots", "conf->bots", "daemon/bot/queue_auto.c"},
	{REPO, "", "exclusive", "conf.exclusive", "daemon/bot/dispatch.c"},
	{REPO, "", "protect", "conf.protect", "daemon/bot/task_commit.c"},
	{REPO, "", "labels", NULL, NULL},
	{REPO, "labels", "prefix", "label_prefix", "daemon/bot/dispatch.c"},
	{REPO, "labels", "needs-human", "label_needs_human", "daemon/bot/task_end.c"},
	{REPO, "labels", "hold", "label_hold", "daemon/bot/queue_facts.c"},
	{REPO, "", "blueprints", "conf_repo_shipped_allowed", "daemon/bot/source.c"},
	{REPO, "", "agent-prs", "conf.agent_prs", "daemon/bot/dispatch.c"},
	{BLUEPRINT, "", "name", "bp->name", "daemon/bot/source.c"},
	{BLUEPRINT, "", "description", "bp->description", "daemon/bot/source.c"},
	{BLUEPRINT, "", "on", NULL, NULL},
	{BLUEPRINT, "on", "label", "bp->label", "daemon/bot/source.c"},
	{BLUEPRINT, "", "agent", "bp->agent", "daemon/bot/dispatch.c"},
	{BLUEPRINT, "", "preamble", "bp.prompt_preamble", "daemon/bot/prompt.c"},
	{BLUEPRINT, "", "network", "bp.network_host", "daemon/bot/task_run.c"},
	{BLUEPRINT, "", "allow", "bp.allow", "daemon/bot/task_commit.c"},
	{BLUEPRINT, "", "allow-protected", "bp.protect_except", "daemon/bot/task_commit.c"},
	{BLUEPRINT, "", "limits", NULL, NULL},
	{BLUEPRINT, "limits", "rounds", "bp->rounds", "daemon/blueprint/engine_move.c"},
	{BLUEPRINT, "limits", "ci-rounds", "bp->ci_rounds", "daemon/blueprint/engine_move.c"},
	{BLUEPRINT, "limits", "timeout-minutes", "bp.timeout_ms", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "gate-timeout-minutes", "bp.gate_timeout_ms",
	 "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "silence-minutes", "bp.silence_ms", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "cost-usd", "bp.cost_microusd", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "turns", "bp.turns", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "memory-mb", "memory_mb", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "processes", "processes", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "disk-mb", "disk_mb", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "output-mb", "output_mb", "daemon/bot/task_run.c"},
	{BLUEPRINT, "limits", "cpu-minutes", "cpu_minutes", "daemon/bot/task_run.c"},
	{BLUEPRINT, "", "environment", NULL, NULL},
	{BLUEPRINT, "environment", "setup", "bp.setup", "daemon/bot/task_run.c"},
	{BLUEPRINT, "environment", "key", "bp.setup_key", "daemon/bot/task_run.c"},
	{BLUEPRINT, "environment", "network", "bp.setup_network_host", "daemon/bot/task_run.c"},
	{BLUEPRINT, "", "on-failure", NULL, NULL},
	{BLUEPRINT, "on-failure", "label", "bp.failure_label", "daemon/bot/task_end.c"},
	{BLUEPRINT, "", "steps", "bp->steps", "daemon/blueprint/engine_move.c"},
	{BLUEPRINT, "#run", "run", "s->commands", "daemon/bot/task_run.c"},
	{BLUEPRINT, "#agent", "agent", "s->prompt", "daemon/bot/prompt.c"},
	{BLUEPRINT, "#agent", "agent-name", "agent", "daemon/bot/task_run.c"},
	{BLUEPRINT, "#agent", "gates", "s->gates", "daemon/bot/task_run.c"},
	{BLUEPRINT, "#pull-request", "pull-request", NULL, NULL},
	{BLUEPRINT, "#pull-request/pull-request", "draft", "draft", "daemon/bot/task_end.c"},
	{BLUEPRINT, "#pull-request/pull-request", "reviewers", "reviewers",
	 "daemon/bot/task_end.c"},
	{BLUEPRINT, "#checks", "checks", "BP_CHECKS", "daemon/blueprint/engine_move.c"},
	{BLUEPRINT, "#review", "review", NULL, NULL},
	{BLUEPRINT, "#review/review", "approvals", "approvals", "daemon/blueprint/engine_move.c"},
	{BLUEPRINT, "#queue", "queue", "BP_QUEUE", "daemon/blueprint/engine_move.c"},
};

static const struct row *row_of(const struct map *m, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].file == m->file && !strcmp(rows[i].at, m->at) &&
		    !strcmp(rows[i].key, key))
			return &rows[i];
	return NULL;
}

/* --- every key has its row ------------------------------------------------------------------------------ */

static void every_key_has_a_row(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const json_t *one;
		const char *key;

		json_object_foreach (json_object_get(schema_at(&maps[i]), "properties"), key, one) {
			if (!row_of(&maps[i], key))
				fail_msg("%s: '%s' of '%s' has no row here: what does it do?",
					 files[maps[i].file].schema, key, maps[i].at);
			n++;
		}
	}
	/* No row twice, and none for a key that is gone. */
	assert_int_equal(n, ARRAY_LEN(rows));
}

/* --- it changes what is in force ------------------------------------------------------------------------ */

/* Values that differ from any default; the first one that the parser takes is tried. */
static const char *const samples[] = {
	"7",
	"77",
	"5",
	"true",
	"false",
	"host",
	"squash",
	"refuse",
	"draft-pr",
	"z",
	"z@example.org",
	"/z",
	"[z]",
	"[a/z]",
	"env:Z",
	"[write]",
	"[maintain]",
	"[docs]",
	"['**/z']",
	"127.0.0.1:7",
	"http://127.0.0.1:7",
	"https://z.example.org/z",
	"[{run: z}]",
	"[{secret: env:Z}]",
	"{z: {command: [z]}}",
	"{z: [https://z.example.org/z]}",
	"{}",
	"{approvals: 7}",
};

/* Keys that mean something beside others only. */
static const struct {
	int file;
	const char *key, *with, *without;
} pairs[] = {
	{DAEMON, "default-agent",
	 "{agents: {y: {command: [y]}, z: {command: [z]}}, default-agent: z}",
	 "{agents: {y: {command: [y]}, z: {command: [z]}}}"},
	{DAEMON, "app", "{github: {app: '2', key: env:K}}", "{github: {app: '1', key: env:K}}"},
	{DAEMON, "key", "{github: {app: '1', key: env:Z}}", "{github: {app: '1', key: env:K}}"},
	{DAEMON, "ssh-key", "{github: {token: env:A, ssh-key: /z, known-hosts: /k}}",
	 "{github: {token: env:A, ssh-key: /y, known-hosts: /k}}"},
	{DAEMON, "known-hosts", "{github: {token: env:A, ssh-key: /y, known-hosts: /z}}",
	 "{github: {token: env:A, ssh-key: /y, known-hosts: /k}}"},
	{BLUEPRINT, "checks", PR "{checks: {}}]}", PR "]}"},
	{BLUEPRINT, "queue", PR "{queue: {}}]}", PR "]}"},
};

/* What is in force; NULL: the file is not taken. */
static char *in_force(const struct row *r, const struct map *m, const char *value)
{
	autofree char *text = file_with(m, value ? r->key : NULL, value);
	const char *whole = text;
	char *json = NULL;

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (pairs[i].file == r->file && !strcmp(pairs[i].key, r->key))
			whole = value ? pairs[i].with : pairs[i].without;
	by_parser(r->file, whole, &json, NULL);
	return json;
}

static bool changes(const struct row *r, const struct map *m)
{
	autofree char *without = in_force(r, m, NULL);

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		autofree char *with = in_force(r, m, samples[i]);

		if (with && (!without || strcmp(with, without) != 0))
			return true;
	}
	return false;
}

/* `kind` of an agent: one word until there are more adapters. */
static bool has_one_word(const struct row *r, const struct map *m)
{
	const json_t *s = json_object_get(json_object_get(schema_at(m), "properties"), r->key);

	return json_array_size(json_object_get(s, "enum")) == 1 && json_object_get(s, "default");
}

static void every_key_changes_what_is_in_force(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(maps); k++)
			if (rows[i].field && maps[k].file == rows[i].file &&
			    !strcmp(maps[k].at, rows[i].at) && !changes(&rows[i], &maps[k]) &&
			    !has_one_word(&rows[i], &maps[k]))
				fail_msg("%s: '%s' of '%s' is taken, and nothing is different",
					 files[rows[i].file].schema, rows[i].key, rows[i].at);
}

/* --- and is obeyed -------------------------------------------------------------------------------------- */

/* As a whole: `c->key` is not read by `c->key_len`. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if (!isalnum((unsigned char)p[n]) && p[n] != '_' &&
		    (p == text || (!isalnum((unsigned char)p[-1]) && p[-1] != '_')))
			return true;
	return false;
}

static void every_key_is_read_by_what_obeys_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(buf_release) struct buf code = BUF_INIT;
		const struct row *r = &rows[i];

		if (!r->field)
			continue;
		assert_int_equal(fs_read(r->reader, 1 << 20, &code, NULL), 0);
		if (!has_word(code.s, r->field))
			fail_msg("'%s' of '%s': %s does not read %s", r->key, r->at, r->reader,
				 r->field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_a_row),
		cmocka_unit_test(every_key_changes_what_is_in_force),
		cmocka_unit_test(every_key_is_read_by_what_obeys_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, read_schemas, drop_schemas);
}
