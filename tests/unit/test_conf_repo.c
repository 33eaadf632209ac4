/* test_conf_repo.c - a repository's configuration. */
#include "base/json.h"
#include "base/mem.h"
#include "bot/conf_repo.h"
#include "bot/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void good(const char *text, struct conf_repo *c)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (conf_repo_load(CONF_REPO_PATH, text, strlen(text), c, &err) < 0)
		fail_msg("%s", err_text(&err));
}

/* The error behind the file's name begins with `expected`; what was in force stays. */
static void wrong(const char *text, const char *expected)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *whole = xasprintf("%s:%s", CONF_REPO_PATH, expected);
	struct conf_repo c = {.agent_prs = 77};

	assert_int_equal(conf_repo_load(CONF_REPO_PATH, text, strlen(text), &c, &err), -1);
	assert_int_equal(c.agent_prs, 77);
	assert_null(c.label_prefix);
	if (strncmp(err_text(&err), whole, strlen(whole)) != 0)
		fail_msg("found    %s\nexpected %s", err_text(&err), whole);
}

static void check_defaults(const struct conf_repo *c)
{
	assert_int_equal(c->queue.method, CONF_MERGE);
	assert_int_equal(c->queue.gates.n, 0);
	assert_int_equal(c->queue.setup.n, 0);
	assert_int_equal(c->queue.approvals, 1);
	assert_true(c->queue.labeller_may_approve);
	assert_true(c->queue.author_may_approve);
	assert_int_equal(c->queue.timeout_ms, 30 * 60000);
	assert_int_equal(c->queue.flake_reruns, 1);
	assert_int_equal(c->queue.retries, 3);
	assert_false(c->queue.code_owners);
	assert_false(c->queue.conversations);
	assert_false(c->queue.draft_pr);
	assert_string_equal(c->label_prefix, "agent:");
	assert_string_equal(c->label_needs_human, "needs-human");
	assert_string_equal(c->label_hold, "do-not-merge");
	assert_int_equal(c->agent_prs, -1);
	assert_true(conf_repo_shipped_allowed(c, "bugfix"));
}

static void defaults(void **state)
{
	cleanup(conf_repo_release) struct conf_repo none = {0}, empty = {0}, bare = {0};

	(void)state;
	conf_repo_default(&none);
	check_defaults(&none);
	good("# nothing\n", &empty);
	check_defaults(&empty);
	good("queue:\nlabels:\n", &bare); /* keys without values are empty mappings */
	check_defaults(&bare);
}

static const char full[] = "queue:\n"
			   "  method: squash\n"
			   "  message: '{title} [#{number}]'\n"
			   "  gates: [make, make check]\n"
			   "  environment: {setup: npm ci}\n"
			   "  approvals: 2\n"
			   "  labeller-may-approve: false\n"
			   "  author-may-approve: false\n"
			   "  code-owners: true\n"
			   "  conversations: true\n"
			   "  candidate: draft-pr\n"
			   "  timeout-minutes: 5\n"
			   "  flake-reruns: 0\n"
			   "  retries: 1\n"
			   "exclusive: [\"migrations/**\"]\n"
			   "protect: [Makefile, \"deploy/**\"]\n"
			   "labels: {prefix: \"bot/\", needs-human: help, hold: wait}\n"
			   "blueprints: [docs]\n"
			   "checkout: {submodules: false, lfs: false}\n"
			   "agent-prs: 0\n";

static void everything(void **state)
{
	cleanup(conf_repo_release) struct conf_repo c = {0};

	(void)state;
	good(full, &c);
	assert_int_equal(c.queue.method, CONF_SQUASH);
	assert_string_equal(c.queue.message, "{title} [#{number}]");
	assert_string_equal(c.queue.gates.v[1], "make check");
	assert_string_equal(c.queue.setup.v[0], "npm ci");
	assert_int_equal(c.queue.approvals, 2);
	assert_false(c.queue.labeller_may_approve);
	assert_false(c.queue.author_may_approve);
	assert_true(c.queue.code_owners);
	assert_true(c.queue.conversations);
	assert_true(c.queue.draft_pr);
	assert_int_equal(c.queue.timeout_ms, 5 * 60000);
	assert_int_equal(c.queue.flake_reruns, 0);
	assert_int_equal(c.queue.retries, 1);
	assert_string_equal(c.exclusive.v[0], "migrations/**");
	assert_string_equal(c.protect.v[0], "Makefile");
	assert_string_equal(c.label_hold, "wait");
	assert_false(c.checkout.submodules);
	assert_false(c.checkout.lfs);
	assert_int_equal(c.agent_prs, 0);
	assert_true(conf_repo_shipped_allowed(&c, "docs"));
	assert_false(conf_repo_shipped_allowed(&c, "bugfix"));
}

static void no_shipped_blueprints(void **state)
{
	cleanup(conf_repo_release) struct conf_repo c = {0};

	(void)state;
	good("blueprints: []\n", &c);
	assert_false(conf_repo_shipped_allowed(&c, "docs"));
}

static void wrong_files(void **state)
{
	(void)state;
	wrong("queue: {metod: merge}\n", "1: key 'queue.metod': found an unknown key, did you mean "
					 "'method'?; allowed: method, message, gates");
	wrong("queue:\n  message: '{title} {tilte}'\n",
	      "2: key 'queue.message': {tilte} is unknown; there are title, body, number");
	wrong("queue:\n  method: rebase\n  message: '{title}'\n",
	      "3: key 'queue.message': found a key without an effect; allowed: nothing with "
	      "method rebase");
	wrong("queue:\n  message: ''\n", "2: key 'queue.message': 0 bytes");
	wrong("\nqueue:\n  method: octopus\n",
	      "3: key 'queue.method': found 'octopus'; allowed: merge, rebase, squash");
	wrong("queues: {}\n", "1: key 'queues': found an unknown key, did you mean 'queue'?");
	wrong("queue: {gates: [make, ' ']}\n", "1: key 'queue.gates[1]': found an empty command");
	wrong("queue: {gates: }\n", "1: key 'queue.gates': found nothing; allowed: a list");
	wrong("queue: {approvals: -1}\n", "1: key 'queue.approvals': found '-1'; allowed: a whole "
					  "number from 0 to 10");
	wrong("queue: {timeout-minutes: 0}\n", "1: key 'queue.timeout-minutes': found '0'");
	wrong("queue: {labeller-may-approve: no}\n",
	      "1: key 'queue.labeller-may-approve': found 'no'; allowed: true, false");
	wrong("queue: {candidate: draft}\n",
	      "1: key 'queue.candidate': found 'draft'; allowed: branch, draft-pr");
	/* a PR's install scripts get no network, and nothing is accepted and ignored */
	wrong("queue: {environment: {setup: npm ci, network: host}}\n",
	      "1: key 'queue.environment.network': found a key without an effect here; allowed: "
	      "nothing: what a PR's set-up starts");
	wrong("queue: {environment: {network: none}}\n",
	      "1: key 'queue.environment.network': found a key without an effect here");
	wrong("queue: {environment: {setup: npm ci, key: package-lock.json}}\n",
	      "1: key 'queue.environment.key': found a key without an effect here; allowed: "
	      "nothing: a candidate is set up from nothing each time");
	wrong("exclusive: [/abs]\n", "1: key 'exclusive[0]': found '/abs'");
	wrong("protect: ['../x']\n", "1: key 'protect[0]': found '../x'");
	wrong("labels: {hold: ''}\n", "1: key 'labels.hold': found ''; allowed: one line");
	wrong("blueprints: [bugfx]\n", "1: key 'blueprints[0]': found 'bugfx', did you mean "
				       "'bugfix'?; allowed: bugfix, docs, new-endpoint");
	wrong("agent-prs: 1001\n", "1: key 'agent-prs': found '1001'");
	wrong("[]\n", "1: found an empty list; allowed: a mapping");
	wrong("a: &x 1\n", "1: found the anchor '&x'");
}

static int prompt(void *arg, const char *path, struct buf *ret, struct err *err)
{
	(void)arg;
	(void)path;
	(void)err;
	buf_adds(ret, "x");
	return 0;
}

/* A check that is asked for and never made would let everything land. */
static void what_only_a_forge_can_do_is_refused_without_one(void **state)
{
	static const char *const keys[] = {"forge-checks: [ci]", "conversations: true",
					   "candidate: draft-pr", "forks: refuse",
					   "check-minutes: 5"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		autofree char *text = xasprintf("queue: {%s}\n", keys[i]);
		autojson json_t *files = json_pack("{s:s}", CONF_REPO_PATH, text);

		assert_int_equal(source_check(files, false, NULL), 0);
		assert_int_equal(source_check(files, true, &err), -1);
		assert_non_null(strstr(err_text(&err),
				       "found in a repository on this machine; only a "
				       "forge such as GitHub can obey it"));
	}
}

static void applied_to_a_blueprint(void **state)
{
	static const char own[] = "name: own\nallow: [a]\non: {label: mine}\n"
				  "on-failure: {label: ouch}\nsteps: [{agent: p, gates: [t]}]\n";
	cleanup(conf_repo_release) struct conf_repo c = {0};
	cleanup(blueprint_release) struct blueprint shipped = {0}, bp = {0};

	(void)state;
	good(full, &c);
	assert_int_equal(blueprint_shipped("bugfix", &shipped, NULL), 0);
	conf_repo_apply(&c, &shipped);
	assert_int_equal(shipped.steps[0].gates.n, 2);
	assert_string_equal(shipped.steps[0].gates.v[0], "make");
	assert_false(shipped.steps[0].gates_repository);
	assert_string_equal(shipped.label, "bot/bugfix");
	assert_string_equal(shipped.failure_label, "help");
	conf_repo_apply(&c, &shipped); /* twice is once */
	assert_int_equal(shipped.steps[0].gates.n, 2);
	assert_int_equal(blueprint_load("own.yml", own, strlen(own), prompt, NULL, &bp, NULL), 0);
	conf_repo_apply(&c, &bp);
	assert_string_equal(bp.steps[0].gates.v[0], "t");
	assert_string_equal(bp.label, "mine");
	assert_string_equal(bp.failure_label, "ouch");
}

/* What is printed is a file that says the same: JSON is YAML, null keys apart. */
static void as_json(void **state)
{
	cleanup(conf_repo_release) struct conf_repo c = {0}, back = {0}, plain = {0};
	autofree char *text = NULL, *again = NULL, *defaults_text = NULL;
	autojson json_t *o = NULL;

	(void)state;
	good(full, &c);
	text = conf_repo_json(&c);
	good(text, &back);
	again = conf_repo_json(&back);
	assert_string_equal(text, again);
	conf_repo_default(&plain);
	defaults_text = conf_repo_json(&plain);
	assert_int_equal(json_parse(defaults_text, strlen(defaults_text), 65536, &o, NULL), 0);
	assert_true(json_is_null(json_object_get(o, "blueprints")));
	assert_int_equal(json_int(json_object_get(o, "queue"), "retries", 0), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(no_shipped_blueprints),
		cmocka_unit_test(wrong_files),
		cmocka_unit_test(what_only_a_forge_can_do_is_refused_without_one),
		cmocka_unit_test(applied_to_a_blueprint),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests_name("conf_repo", tests, NULL, NULL);
}
