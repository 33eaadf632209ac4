/* test_conf_hooks.c - the part of the daemon's configuration that is about webhooks */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "bot/conf_daemon.h"

static int load(const char *text, struct conf_daemon *c, struct err *err)
{
	return conf_daemon_load("/etc/yard/y.yml", text, strlen(text), "/data", c, err);
}

static void test_good(void **state)
{
	static const char text[] = "socket-group: yard\n"
				   "sign-key: /k\n"
				   "notify: { command: [n] }\n"
				   "default-agent: x\n"
				   "agents: { x: { command: [x], model: m } }\n"
				   "listen: '[::1]:8080'\n"
				   "retention: { deliveries-days: 5, deliveries-mb: 7 }\n"
				   "github:\n"
				   "  webhook-secrets:\n"
				   "    - secret: file:hook\n"
				   "    - secret: env:HOOK\n"
				   "      repos: [acme/app, 'tools/*']\n"
				   "    - { secret: 'cred:hook', repos: acme/x }\n";
	cleanup(conf_daemon_release) struct conf_daemon c = {0}, back = {0}, plain = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *json = NULL, *again = NULL;

	(void)state;
	if (load(text, &c, &err) < 0)
		fail_msg("%s", err_text(&err));
	assert_string_equal(c.hooks.listen, "[::1]:8080");
	assert_int_equal(c.retention.deliveries_days, 5);
	assert_int_equal(c.retention.deliveries_mb, 7);
	assert_int_equal(c.hooks.nsecrets, 3);
	assert_string_equal(c.hooks.secrets[0].ref, "file:/etc/yard/hook");
	assert_int_equal(c.hooks.secrets[0].repos.n, 0);
	assert_string_equal(c.hooks.secrets[1].repos.v[1], "tools/*");
	assert_string_equal(c.hooks.secrets[2].repos.v[0], "acme/x");
	json = conf_daemon_json(&c);
	if (load(json, &back, &err) < 0)
		fail_msg("%s", err_text(&err)); /* what is printed is a file that says the same */
	again = conf_daemon_json(&back);
	assert_string_equal(again, json);
	assert_int_equal(load("", &plain, &err), 0);
	assert_null(plain.hooks.listen);
	assert_int_equal(plain.hooks.nsecrets, 0);
	assert_int_equal(plain.retention.deliveries_days, 3);
	assert_int_equal(plain.retention.deliveries_mb, 512);
}

#define SECRETS "github:\n  webhook-secrets:\n    - "

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"listen: localhost:80\n",
		 "key 'listen': found 'localhost:80'; allowed: ADDRESS:PORT"},
		{"listen: 8080\n", "key 'listen': found '8080'"},
		{"listen: []\n", "key 'listen'"},
		{"github: { webhok-secrets: [] }\n", "did you mean 'webhook-secrets'"},
		{"github: { webhook-secrets: x }\n", "webhook-secrets"},
		{"github: { shadow: maybe }\n", "github.shadow"},
		{"github: { shadow: [app] }\n", "found 'app'"},
		{"github: { shadow: ['octo/ap*'] }\n", "OWNER/NAME"},
		{SECRETS "x\n", "webhook-secrets[0]"},
		{SECRETS "repos: [a/b]\n", "found no key 'secret'"},
		{SECRETS "secret: hunter2\n", "found something else; allowed: file:PATH"},
		{SECRETS "secret: 'env:'\n", "found something else"},
		{SECRETS "secret: env:A\n      repos: []\n", "1 to 256"},
		{SECRETS "secret: env:A\n      repos: [acme]\n",
		 "found 'acme'; allowed: owner/name"},
		{SECRETS "secret: env:A\n      repos: ['acme/']\n", "found 'acme/'"},
		{SECRETS "secret: env:A\n      repos: ['*/x']\n", "found '*/x'"},
		{SECRETS "secret: env:A\n      repos: ['acme/a*']\n", "found 'acme/a*'"},
		{SECRETS "secret: env:A\n      repos: [a/b/c]\n", "found 'a/b/c'"},
		{SECRETS "secret: env:A\n    - secret: env:A\n", "a second time"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		struct conf_daemon c = {0};

		assert_int_equal(load(cases[i].text, &c, &err), -1);
		if (!strstr(err_text(&err), cases[i].says))
			fail_msg("found    %s\nexpected %s", err_text(&err), cases[i].says);
		/* A secret that was written into the file by mistake is not repeated. */
		assert_null(strstr(err_text(&err), "hunter2"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
