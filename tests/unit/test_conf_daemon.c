/* test_conf_daemon.c - the daemon's own configuration. */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "bot/conf_daemon.h"
#include "bot/conf_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FILE_NAME "/etc/yard/yardmaster.yml"
#define DATA      "/home/me/.local/state/yardmaster"

static int load(const char *file, const char *text, struct conf_daemon *c, struct err *err)
{
	return conf_daemon_load(file, text, text ? strlen(text) : 0, DATA, c, err);
}

static void good(const char *file, const char *text, struct conf_daemon *c)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (load(file, text, c, &err) < 0)
		fail_msg("%s", err_text(&err));
}

/* The error behind the file's name begins with `expected`. */
static void wrong(const char *text, const char *expected)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *whole = xasprintf("%s:%s", FILE_NAME, expected);
	struct conf_daemon c = {.nagents = 77};

	assert_int_equal(load(FILE_NAME, text, &c, &err), -1);
	assert_int_equal(c.nagents, 77);
	if (strncmp(err_text(&err), whole, strlen(whole)) != 0)
		fail_msg("found    %s\nexpected %s", err_text(&err), whole);
}

static void check_defaults(const struct conf_daemon *c)
{
	assert_string_equal(c->data, DATA);
	assert_string_equal(c->socket, DATA "/socket");
	assert_null(c->socket_group);
	assert_string_equal(c->handle, "yard");
	assert_int_equal(c->nagents, 0);
	assert_null(c->default_agent);
	assert_null(conf_daemon_agent(c, NULL));
	assert_int_equal(c->limits.agents, 2);
	assert_int_equal(c->limits.gates, 2);
	assert_int_equal(c->limits.agent_prs, 10);
	assert_int_equal(c->limits.task_minutes, 480);
	assert_int_equal(c->limits.push_mb, 512);
	assert_int_equal(c->runs.memory_mb, 4096);
	assert_int_equal(c->runs.processes, 512);
	assert_int_equal(c->runs.disk_mb, 4096);
	assert_int_equal(c->runs.file_mb, 1024);
	assert_int_equal(c->runs.output_mb, 64);
	assert_int_equal(c->runs.cpu_minutes, 60);
	assert_int_equal(c->notify.n, 0);
	assert_int_equal(c->notify_seconds, 60);
	assert_int_equal(c->retention.events_days, 30);
	assert_int_equal(c->retention.logs_days, 30);
	assert_int_equal(c->retention.task_days, 180);
	assert_int_equal(c->retention.failed_worktree_days, 7);
	assert_int_equal(c->reconcile_seconds, 300);
	assert_string_equal(c->author_name, "Yardmaster");
	assert_string_equal(c->author_email, "yardmaster@localhost");
	assert_null(c->sign_key);
}

static void defaults(void **state)
{
	cleanup(conf_daemon_release) struct conf_daemon none = {0}, empty = {0}, bare = {0};

	(void)state;
	good(NULL, NULL, &none);
	check_defaults(&none);
	good(FILE_NAME, "", &empty);
	check_defaults(&empty);
	good(FILE_NAME, "agents:\nlimits:\nauthor:\n", &bare);
	check_defaults(&bare);
}

static const char full[] =
	"data: /var/lib/yard/./x//\n"
	"socket: run/sock\n"
	"socket-group: dev\n"
	"handle: robot\n"
	"agents:\n"
	"  claude:\n"
	"    command: [claude, -p]\n"
	"    kind: command\n"
	"    model: opus\n"
	"    read-only: [/opt/node, tools]\n"
	"    network: host\n"
	"    env: [ANTHROPIC_API_KEY, X_1]\n"
	"  script:\n"
	"    command: [./agent.sh]\n"
	"default-agent: script\n"
	"limits: {agents: 8, gates: 4, agent-prs: 3, task-minutes: 0,\n"
	"         push-mb: 20}\n"
	"runs: {memory-mb: 512, processes: 64, disk-mb: 100, file-mb: 10,\n"
	"       output-mb: 2, cpu-minutes: 5}\n"
	"notify: {command: [bin/notify, --to, ops], timeout-seconds: 5}\n"
	"retention: {events-days: 1, logs-days: 2, task-days: 3,\n"
	"            failed-worktree-days: 0}\n"
	"reconcile-seconds: 60\n"
	"author: {name: Yard, email: y@example.org}\n"
	"sign-key: keys/id_ed25519\n"
	"listen: 127.0.0.1:0\n"
	"github: {api: 'https://ghe.example.org/api/v3', app: Iv23, key: 'file:app.pem',\n"
	"         ca-file: ca.pem, events: 'https://smee.io/AbC-1/', shadow: [octo/app, "
	"'acme/*'],\n"
	"         webhook-secrets: [{secret: 'env:HOOK', repos: [a/b]}],\n"
	"         permissions: {run: [write, 'team:octo/agents'], resume: 'team:octo/leads'}}\n";

static void everything(void **state)
{
	cleanup(conf_daemon_release) struct conf_daemon c = {0};
	const struct agent_conf *a;

	(void)state;
	good(FILE_NAME, full, &c);
	assert_string_equal(c.data, "/var/lib/yard/x");
	assert_string_equal(c.socket, "/etc/yard/run/sock");
	assert_string_equal(c.socket_group, "dev");
	assert_string_equal(c.handle, "robot");
	assert_string_equal(c.sign_key, "/etc/yard/keys/id_ed25519");
	assert_int_equal(c.limits.agents, 8);
	assert_int_equal(c.limits.task_minutes, 0);
	assert_int_equal(c.limits.push_mb, 20);
	assert_int_equal(c.runs.file_mb, 10);
	assert_int_equal(c.retention.failed_worktree_days, 0);
	assert_int_equal(c.reconcile_seconds, 60);
	assert_string_equal(c.author_email, "y@example.org");
	assert_true(c.github.set);
	assert_string_equal(c.github.key, "file:/etc/yard/app.pem");
	assert_string_equal(c.github.ca_file, "/etc/yard/ca.pem");
	assert_string_equal(c.github.api, "https://ghe.example.org/api/v3");
	assert_int_equal(c.github.allow[CONF_ALLOW_RUN].n, 2);
	assert_string_equal(c.github.allow[CONF_ALLOW_RUN].v[1], "team:octo/agents");
	assert_string_equal(c.github.allow[CONF_ALLOW_RESUME].v[0], "team:octo/leads");
	assert_int_equal(c.github.allow[CONF_ALLOW_QUEUE].n, 0);
	assert_string_equal(c.hooks.events, "https://smee.io/AbC-1");
	assert_false(c.github.shadow_all);
	assert_string_equal(c.github.shadow.v[1], "acme/*");
	assert_string_equal(c.notify.v[0], "/etc/yard/bin/notify");
	assert_int_equal(c.notify.n, 3);
	assert_int_equal(c.notify_seconds, 5);
	a = conf_daemon_agent(&c, "claude");
	assert_string_equal(a->command.v[0], "claude"); /* found on the PATH inside */
	assert_string_equal(a->model, "opus");
	assert_string_equal(a->read_only.v[1], "/etc/yard/tools");
	assert_true(a->network_host);
	assert_string_equal(a->env.v[1], "X_1");
	a = conf_daemon_agent(&c, NULL);
	assert_string_equal(a->name, "script");
	assert_string_equal(a->kind, "command");
	assert_string_equal(a->command.v[0], "/etc/yard/agent.sh");
	assert_false(a->network_host);
	assert_null(a->model);
	assert_null(conf_daemon_agent(&c, "codex"));
}

static void one_agent_is_the_default(void **state)
{
	cleanup(conf_daemon_release) struct conf_daemon one = {0}, two = {0};

	(void)state;
	good(FILE_NAME, "agents: {a: {command: [x]}}\n", &one);
	assert_string_equal(one.default_agent, "a");
	good(FILE_NAME, "agents: {a: {command: [x]}, b: {command: [y]}}\n", &two);
	assert_null(two.default_agent);
	assert_null(conf_daemon_agent(&two, NULL));
}

static void relative_files(void **state)
{
	cleanup(conf_daemon_release) struct conf_daemon here = {0}, below = {0};
	autofree char *cwd = realpath(".", NULL), *key = NULL, *data = NULL;

	(void)state;
	good("y.yml", "sign-key: k\n", &here);
	key = xasprintf("%s/k", cwd);
	assert_string_equal(here.sign_key, key);
	good("conf/y.yml", "data: d\n", &below);
	data = xasprintf("%s/conf/d", cwd);
	assert_string_equal(below.data, data);
}

static void wrong_files(void **state)
{
	(void)state;
	wrong("limits:\n  agent: 3\n",
	      "2: key 'limits.agent': found an unknown key, did you mean "
	      "'agents'?; allowed: agents, gates, agent-prs, task-minutes, push-mb");
	wrong("limits: {agents: 0}\n",
	      "1: key 'limits.agents': found '0'; allowed: a whole number from 1 to 100");
	wrong("runs: {memory-mb: 1}\n", "1: key 'runs.memory-mb': found '1'");
	wrong("retention: {logs-days: 0}\n", "1: key 'retention.logs-days': found '0'");
	wrong("github: {permissions: {run: [read]}}\n",
	      "1: key 'github.permissions.run[0]': found 'read'; allowed: write, maintain or "
	      "team:ORG");
	wrong("github: {permissions: {run: ['team:octo']}}\n",
	      "1: key 'github.permissions.run[0]': found 'team:octo'");
	wrong("github: {permissions: {run: ['team:a/b/c']}}\n",
	      "1: key 'github.permissions.run[0]': found 'team:a/b/c'");
	wrong("github: {permissions: {run: []}}\n", "1: key 'github.permissions.run': found 0 of");
	wrong("github: {permissions: {runs: [write]}}\n", "1: key 'github.permissions.runs'");
	wrong("submodules: {app: [git@github.com:a/b]}\n",
	      "1: key 'submodules.app[0]': found 'git@github.com:a/b'; allowed: an address such");
	wrong("submodules: {app: ../lib.git}\n", "1: key 'submodules.app': found '../lib.git'");
	wrong("submodules: {app: ['https://h/a/../b']}\n", "1: key 'submodules.app[0]'");
	wrong("submodules: [app]\n", "1: key 'submodules'");
	wrong("reconcile-seconds: 4\n", "1: key 'reconcile-seconds': found '4'");
	wrong("dta: x\n", "1: key 'dta': found an unknown key, did you mean 'data'?");
	wrong("data: ~/yard\n", "1: key 'data': found '~/yard'; allowed: a path, absolute or");
	wrong("data: ''\n", "1: key 'data': found ''");
	wrong("data:\n", "1: key 'data': found nothing");
	wrong("data: [a]\n", "1: key 'data': found a list");
	wrong("handle: '@yard'\n", "1: key 'handle': found '@yard'");
	wrong("notify: {command: []}\n", "1: key 'notify.command': found an empty list; allowed: a "
					 "list: the program and its arguments");
	wrong("notify: {command: mail me}\n",
	      "1: key 'notify.command': found 'mail me'; allowed: a "
	      "list");
	wrong("notify: {timeout-seconds: 0}\n", "1: key 'notify.timeout-seconds': found '0'");
	wrong("author: {name: 'A <b>'}\n", "1: key 'author.name': found 'A <b>'");
	wrong("author: {email: nobody}\n", "1: key 'author.email': found 'nobody'");
	wrong("github: {events: 'http://smee.io/abc'}\n",
	      "1: key 'github.events': found 'http://smee.io/abc'; allowed: the address of an "
	      "event "
	      "channel");
	wrong("github: {events: 'https://me@smee.io/abc'}\n", "1: key 'github.events': found");
	wrong("github: {events: smee.io/abc}\n", "1: key 'github.events': found");
	wrong("a\n", "1: found 'a'; allowed: a mapping");
}

static void wrong_agents(void **state)
{
	(void)state;
	wrong("agents: {A: {command: [x]}}\n", "1: key 'agents.A': found 'A'; allowed: an agent's "
					       "name");
	wrong("agents:\n  a:\n", "2: key 'agents.a': found nothing; allowed: a mapping with at "
				 "least 'command'");
	wrong("agents: {a: {model: x}}\n", "1: key 'agents.a': found no key 'command'");
	wrong("agents: {a: {command: x y}}\n", "1: key 'agents.a.command': found 'x y'; allowed: a "
					       "list");
	wrong("agents: {a: {command: ['']}}\n", "1: key 'agents.a.command[0]': found ''");
	wrong("agents: {a: {command: [~/x]}}\n", "1: key 'agents.a.command[0]': found '~/x'");
	wrong("agents: {a: {command: [x], kind: commnd}}\n",
	      "1: key 'agents.a.kind': found 'commnd', did you mean 'command'?");
	wrong("agents: {a: {command: [x], network: all}}\n",
	      "1: key 'agents.a.network': found 'all'; allowed: none, host");
	wrong("agents: {a: {command: [x], env: [\"KEY=secret\"]}}\n",
	      "1: key 'agents.a.env[0]': found 'KEY=secret'; allowed: the name of a variable");
	wrong("agents: {a: {command: [x], env: ['1X']}}\n", "1: key 'agents.a.env[0]'");
	wrong("agents: {a: {command: [x], readonly: [/x]}}\n",
	      "1: key 'agents.a.readonly': found an unknown key, did you mean 'read-only'?");
	wrong("agents: {a: {command: [x]}}\ndefault-agent: b\n",
	      "2: key 'default-agent': found 'b'");
	wrong("default-agent: b\n",
	      "1: key 'default-agent': found a default agent; allowed: a name "
	      "of the mapping 'agents', which is empty");
	wrong("agents: [a]\n", "1: key 'agents': found a list");
}

/* A socket's address holds 107 bytes; longer would be cut by the system or refused without a word. */
static void sockets_have_short_names(void **state)
{
	cleanup(conf_daemon_release) struct conf_daemon c = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	char path[200] = "/";
	autofree char *fits = NULL, *over = NULL;

	(void)state;
	memset(path + 1, 's', sizeof(path) - 1);
	path[107] = '\0';
	fits = xasprintf("socket: %s\n", path);
	over = xasprintf("socket: %sx\n", path);
	good(FILE_NAME, fits, &c);
	wrong(over, "1: key 'socket': found '/sss");
	path[107] = 's';
	path[150] = '\0';
	assert_int_equal(conf_daemon_load(NULL, NULL, 0, path, &c, &err), -1);
	assert_non_null(strstr(err_text(&err), "at most 107 bytes"));
}

static void as_json(void **state)
{
	cleanup(conf_daemon_release) struct conf_daemon c = {0}, plain = {0}, back = {0};
	autofree char *text = NULL, *again = NULL, *other = NULL;
	autojson json_t *o = NULL;

	(void)state;
	good(FILE_NAME, full, &c);
	text = conf_daemon_json(&c);
	assert_int_equal(json_parse(text, strlen(text), 65536, &o, NULL), 0);
	assert_string_equal(json_str(o, "data", ""), "/var/lib/yard/x");
	assert_int_equal(json_int(json_object_get(o, "limits"), "agent-prs", 0), 3);
	json_object_del(json_object_get(json_object_get(o, "agents"), "script"), "model");
	again = json_text(o);
	good(FILE_NAME, again, &back); /* what is printed is a file that says the same */
	assert_string_equal(back.default_agent, "script");
	free(steal(&again));
	again = conf_daemon_json(&back);
	assert_string_equal(again, text);
	good(NULL, NULL, &plain);
	other = conf_daemon_json(&plain);
	assert_non_null(strstr(other, "\"default-agent\":null"));
}

/* What is commented out and is no prose. */
static char *uncommented(const char *sample)
{
	cleanup(strvec_release) struct strvec lines = STRVEC_INIT;
	cleanup(buf_release) struct buf b = BUF_INIT;

	strvec_split(&lines, sample, '\n');
	strvec_foreach (&lines, line)
		if (**line == '#' && ((*line)[1] != ' ' || (*line)[2] == ' '))
			buf_addf(&b, "%s\n", *line + 1);
	return buf_steal(&b);
}

static void test_sample(void **state)
{
	autofree char *sample = conf_sample(), *all = uncommented(sample);
	cleanup(conf_daemon_release) struct conf_daemon c = {0};
	cleanup(conf_daemon_release) struct conf_daemon empty = {0};

	(void)state;
	good(FILE_NAME, sample, &empty);
	check_defaults(&empty);
	good(FILE_NAME, all, &c);
	assert_int_equal(c.limits.task_minutes, 480); /* a number in it is the default */
	assert_int_equal(c.reconcile_seconds, 300);
	assert_int_equal(c.nagents, 1);
	for (const char *const *key = conf_daemon_keys; *key; key++) {
		autofree char *line = xasprintf("\n%s:", *key), *first = xasprintf("%s:", *key);

		if (!strstr(all, line) && strncmp(all, first, strlen(first)) != 0)
			fail_msg("'%s' is not in the sample", *key);
	}
	for (const struct conf_numbers *n = conf_daemon_numbers; n->nums; n++)
		for (const struct yaml_num *t = n->nums; t->key; t++) {
			autofree char *line = xasprintf("\n#%s%s: ", *n->key ? "  " : "", t->key);

			if (!strstr(sample, line))
				fail_msg("'%s.%s' is not in the sample", n->key, t->key);
		}
	assert_null(strstr(sample, "; ?")); /* each says what it is for */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),    cmocka_unit_test(defaults),
		cmocka_unit_test(everything),     cmocka_unit_test(one_agent_is_the_default),
		cmocka_unit_test(relative_files), cmocka_unit_test(wrong_files),
		cmocka_unit_test(wrong_agents),   cmocka_unit_test(sockets_have_short_names),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests_name("conf_daemon", tests, NULL, NULL);
}
