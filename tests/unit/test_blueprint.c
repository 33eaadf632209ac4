/* test_blueprint.c - what a blueprint file may say, what a wrong one is told, and the shipped ones. */
#include "base/json.h"
#include "base/mem.h"
#include "blueprint/blueprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Answers "prompts/fix.md"; the other names are prompts that are wrong in some way. */
static int prompts(void *arg, const char *path, struct buf *ret, struct err *err)
{
	(void)arg;
	if (!strcmp(path, "prompts/fix.md"))
		buf_adds(ret, "Fix it.\n");
	else if (!strcmp(path, "blank.md"))
		buf_adds(ret, " \n\n");
	else if (!strcmp(path, "binary.md"))
		buf_add(ret, "a\0b", 3);
	else if (!strcmp(path, "latin1.md"))
		buf_adds(ret, "gr\xfc\xdf");
	else if (!strcmp(path, "full.md") || !strcmp(path, "over.md"))
		for (size_t i = *path == 'o'; i < BP_PROMPT_MAX + 2 * (*path == 'o'); i++)
			buf_addc(ret, 'x');
	else
		return err_set(err, ERR_NOT_FOUND, "no such file");
	return 0;
}

static int load(const char *text, struct blueprint *bp, struct err *err)
{
	return blueprint_load("b.yml", text, strlen(text), prompts, NULL, bp, err);
}

static void good(const char *text, struct blueprint *bp)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (load(text, bp, &err) < 0)
		fail_msg("%s", err_text(&err));
}

/* The error is the whole text, or begins with it where it ends in a '*'. */
static void wrong(const char *text, const char *expected)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(blueprint_release) struct blueprint bp = {0};
	size_t n = strlen(expected);
	bool prefix = expected[n - 1] == '*';

	assert_int_equal(load(text, &bp, &err), -1);
	assert_null(bp.name);
	if (prefix ? strncmp(err_text(&err), expected, n - 1) : strcmp(err_text(&err), expected))
		fail_msg("found    %s\nexpected %s", err_text(&err), expected);
}

#define HEAD  "name: t\nallow: ['**']\n"
#define STEPS "steps:\n  - agent: prompts/fix.md\n"
#define PR    "  - pull-request: {}\n"

static const char sketch[] =
	"name: bugfix\n"
	"description: Fix it\n"
	"on: { label: \"bot:fix\" }\n"
	"agent: claude\n"
	"preamble: Be brief.\n"
	"network: host\n"
	"allow: [\"src/**\", \"tests/**\"]\n"
	"allow-protected: [.github/workflows/ci.yml]\n"
	"limits: { rounds: 4, ci-rounds: 0, timeout-minutes: 20, gate-timeout-minutes: 5,\n"
	"          silence-minutes: 0, cost-usd: 5, turns: 80, memory-mb: 2048, processes: 100,\n"
	"          disk-mb: 512, output-mb: 8, cpu-minutes: 30 }\n"
	"environment: { setup: [ \"npm ci\" ], network: host, key: [ package-lock.json ] }\n"
	"steps:\n"
	"  - run: [gen, more]\n"
	"  - agent: prompts/fix.md\n"
	"    agent-name: codex\n"
	"    gates: [ \"make\", \"make check\" ]\n"
	"  - pull-request: { draft: true, reviewers: [ labeller, ann ] }\n"
	"  - checks: {}\n"
	"  - review: { approvals: 2 }\n"
	"  - queue: {}\n"
	"on-failure: { label: help }\n";

static void everything(void **state)
{
	cleanup(blueprint_release) struct blueprint bp = {0};

	(void)state;
	good(sketch, &bp);
	assert_string_equal(bp.file, "b.yml");
	assert_string_equal(bp.name, "bugfix");
	assert_string_equal(bp.label, "bot:fix");
	assert_false(bp.label_default);
	assert_string_equal(bp.agent, "claude");
	assert_string_equal(bp.prompt_preamble, "Be brief.");
	assert_true(bp.network_host);
	assert_int_equal(bp.allow.n, 2);
	assert_string_equal(bp.protect_except.v[0], ".github/workflows/ci.yml");
	assert_int_equal(bp.rounds, 4);
	assert_int_equal(bp.ci_rounds, 0);
	assert_int_equal(bp.timeout_ms, 20 * 60000);
	assert_int_equal(bp.gate_timeout_ms, 5 * 60000);
	assert_int_equal(bp.silence_ms, 0);
	assert_int_equal(bp.cost_microusd, 5000000);
	assert_int_equal(bp.turns, 80);
	assert_int_equal(bp.memory_mb, 2048);
	assert_int_equal(bp.processes, 100);
	assert_int_equal(bp.disk_mb, 512);
	assert_int_equal(bp.output_mb, 8);
	assert_int_equal(bp.cpu_minutes, 30);
	assert_string_equal(bp.setup.v[0], "npm ci");
	assert_string_equal(bp.setup_key.v[0], "package-lock.json");
	assert_true(bp.setup_network_host);
	assert_string_equal(bp.failure_label, "help");
	assert_false(bp.failure_label_default);
}

static void steps(void **state)
{
	cleanup(blueprint_release) struct blueprint bp = {0};

	(void)state;
	good(sketch, &bp);
	assert_int_equal(bp.nsteps, 6);
	assert_int_equal(bp.steps[0].kind, BP_RUN);
	assert_int_equal(bp.steps[0].commands.n, 2);
	assert_int_equal(bp.steps[1].kind, BP_AGENT);
	assert_int_equal(bp.steps[1].line, 15);
	assert_string_equal(bp.steps[1].prompt_file, "prompts/fix.md");
	assert_string_equal(bp.steps[1].prompt, "Fix it.\n");
	assert_string_equal(bp.steps[1].agent, "codex");
	assert_string_equal(bp.steps[1].gates.v[1], "make check");
	assert_false(bp.steps[1].gates_repository);
	assert_true(bp.steps[2].draft);
	assert_string_equal(bp.steps[2].reviewers.v[1], "ann");
	assert_int_equal(bp.steps[3].kind, BP_CHECKS);
	assert_int_equal(bp.steps[4].approvals, 2);
	assert_int_equal(bp.steps[5].kind, BP_QUEUE);
}

static void defaults(void **state)
{
	cleanup(blueprint_release) struct blueprint bp = {0};

	(void)state;
	good(HEAD STEPS "    gates: repository\n" PR "  - review:\n  - queue:\n", &bp);
	assert_string_equal(bp.label, "agent:t");
	assert_true(bp.label_default);
	assert_string_equal(bp.failure_label, "needs-human");
	assert_true(bp.failure_label_default);
	assert_null(bp.agent);
	assert_int_equal(bp.rounds, 3);
	assert_int_equal(bp.ci_rounds, 2);
	assert_int_equal(bp.timeout_ms, 45 * 60000);
	assert_int_equal(bp.gate_timeout_ms, 15 * 60000);
	assert_int_equal(bp.silence_ms, 10 * 60000);
	assert_int_equal(bp.cost_microusd, 0);
	assert_int_equal(bp.memory_mb, 0);
	assert_false(bp.network_host);
	assert_false(bp.setup_network_host);
	assert_true(bp.steps[0].gates_repository);
	assert_int_equal(bp.steps[0].gates.n, 0);
	assert_int_equal(bp.steps[2].approvals, 1);
	assert_false(bp.steps[1].draft);
}

static void gates_are_what_they_say(void **state)
{
	cleanup(blueprint_release) struct blueprint one = {0}, word = {0};

	(void)state;
	good(HEAD STEPS "    gates: make check\n", &one);
	assert_string_equal(one.steps[0].gates.v[0], "make check");
	good(HEAD STEPS "    gates: [repository]\n", &word); /* a command of that name */
	assert_false(word.steps[0].gates_repository);
	assert_int_equal(word.steps[0].gates.n, 1);
}

static void wrong_heads(void **state)
{
	(void)state;
	wrong("", "b.yml:1: found nothing; allowed: a blueprint: name, allow, steps");
	wrong("- a\n", "b.yml:1: found a list; allowed: a blueprint: name, allow, steps");
	wrong("allow: ['**']\n" STEPS, "b.yml:1: found no key 'name'; allowed: *");
	wrong("name: Bug\nallow: ['**']\n" STEPS,
	      "b.yml:1: key 'name': found 'Bug'; allowed: a name*");
	wrong("name: t\n" STEPS,
	      "b.yml:1: found no key 'allow'; allowed: a list of path patterns*");
	wrong("name: t\nallow: []\n" STEPS,
	      "b.yml:2: key 'allow': found an empty list; allowed: at least one path pattern");
	wrong("name: t\nallow: [src, ../x]\n" STEPS, "b.yml:2: key 'allow[1]': found '../x'*");
	wrong("name: t\nallow:\n" STEPS, "b.yml:2: key 'allow': found nothing*");
	wrong(HEAD "alow: x\n" STEPS,
	      "b.yml:3: key 'alow': found an unknown key, did you mean 'allow'?; allowed: name, *");
	wrong(HEAD "on: agent:x\n" STEPS, "b.yml:3: key 'on': found 'agent:x'; allowed: a mapping "
					  "such as { label: \"agent:bugfix\" }");
	wrong(HEAD "on: {labels: x}\n" STEPS, "b.yml:3: key 'on.labels': found an unknown key, did "
					      "you mean 'label'?; allowed: label");
	wrong(HEAD "on: {label: ''}\n" STEPS, "b.yml:3: key 'on.label': found ''; *");
	wrong(HEAD "network: yes\n" STEPS,
	      "b.yml:3: key 'network': found 'yes'; allowed: none, host");
	wrong(HEAD, "b.yml:1: found no key 'steps'; allowed: a list of 1 to 32 steps");
	wrong(HEAD "steps: []\n", "b.yml:3: key 'steps': found an empty list; allowed: a list of 1 "
				  "to 32 steps");
}

static void wrong_limits(void **state)
{
	(void)state;
	wrong(HEAD "limits: {rounds: 0}\n" STEPS,
	      "b.yml:3: key 'limits.rounds': found '0'; allowed: a whole number from 1 to 10");
	wrong(HEAD "limits: {rounds: 11}\n" STEPS, "b.yml:3: key 'limits.rounds': found '11'; *");
	wrong(HEAD "limits: {ci-rounds: 11}\n" STEPS, "b.yml:3: key 'limits.ci-rounds': *");
	wrong(HEAD "limits: {timeout-minutes: 1441}\n" STEPS,
	      "b.yml:3: key 'limits.timeout-minutes': found '1441'; allowed: a whole number from 1 "
	      "to 1440");
	wrong(HEAD "limits: {timeout: 5}\n" STEPS,
	      "b.yml:3: key 'limits.timeout': found an unknown *");
	wrong(HEAD "limits: {cost-usd: $5}\n" STEPS,
	      "b.yml:3: key 'limits.cost-usd': found '$5'; *");
	wrong(HEAD "limits: [3]\n" STEPS, "b.yml:3: key 'limits': found a list; *");
	wrong(HEAD "environment: {setup: ['']}\n" STEPS,
	      "b.yml:3: key 'environment.setup[0]': found an empty command; *");
	wrong(HEAD "environment: {network: none, keys: [x]}\n" STEPS,
	      "b.yml:3: key 'environment.keys': found an unknown key, did you mean 'key'?; *");
}

static void wrong_steps(void **state)
{
	(void)state;
	wrong(HEAD "steps:\n  - agnet: x\n", "b.yml:4: key 'steps[0].agnet': found an unknown key, "
					     "did you mean 'agent'?; allowed: "
					     "run, agent, pull-request, checks, review, queue");
	wrong(HEAD "steps:\n  - queue\n",
	      "b.yml:4: key 'steps[0]': found 'queue'; allowed: a mapping *");
	wrong(HEAD "steps:\n  - {}\n", "b.yml:4: key 'steps[0]': found a mapping; *");
	wrong(HEAD STEPS "    gate: x\n",
	      "b.yml:5: key 'steps[0].gate': found an unknown key, did you mean 'gates'?; allowed: "
	      "agent, agent-name, gates");
	wrong(HEAD STEPS "    run: x\n", "b.yml:4: key 'steps[0]': found 'run' and 'agent' in one "
					 "step; allowed: one kind a *");
	wrong(HEAD STEPS "    gates: [make, \"\"]\n",
	      "b.yml:5: key 'steps[0].gates[1]': found an empty command; allowed: a shell command");
	wrong(HEAD STEPS "    gates:\n", "b.yml:5: key 'steps[0].gates': found nothing; *");
	wrong(HEAD STEPS "    agent-name: My Agent\n", "b.yml:5: key 'steps[0].agent-name': *");
	wrong(HEAD "steps:\n  - run: []\n", "b.yml:4: key 'steps[0].run': found an empty list; *");
	wrong(HEAD STEPS "  - pull-request: {drafts: true}\n",
	      "b.yml:5: key 'steps[1].pull-request.drafts': *");
	wrong(HEAD STEPS "  - pull-request: {draft: yes}\n",
	      "b.yml:5: key 'steps[1].pull-request.draft': found 'yes'; allowed: true, false");
	wrong(HEAD STEPS "  - pull-request: {reviewers: ['@ann']}\n",
	      "b.yml:5: key 'steps[1].pull-request.reviewers[0]': found '@ann'; *");
	wrong(HEAD STEPS PR "  - checks: {all: true}\n",
	      "b.yml:6: key 'steps[2].checks': found a mapping; allowed: {}: this step has no "
	      "keys");
	wrong(HEAD STEPS PR "  - review: {approvals: 11}\n",
	      "b.yml:6: key 'steps[2].review.approvals': found '11'; *");
}

static void wrong_order(void **state)
{
	cleanup(buf_release) struct buf many = BUF_INIT;

	(void)state;
	wrong(HEAD STEPS "  - queue: {}\n", "b.yml:5: key 'steps[1]': found 'queue' without a pull "
					    "request; allowed: a 'pull-request' step first");
	wrong(HEAD STEPS "  - review: {}\n", "b.yml:5: key 'steps[1]': found 'review' without *");
	wrong(HEAD STEPS "  - checks: {}\n", "b.yml:5: key 'steps[1]': found 'checks' without *");
	wrong(HEAD "steps:\n" PR,
	      "b.yml:4: key 'steps[0]': found 'pull-request' before any work; *");
	wrong(HEAD STEPS PR PR, "b.yml:6: key 'steps[2]': found a second 'pull-request'; *");
	wrong(HEAD STEPS PR "  - run: x\n", "b.yml:6: key 'steps[2]': found 'run' after "
					    "'pull-request'; allowed: checks, review, queue there; "
					    "run and agent before it");
	wrong(HEAD STEPS PR "  - queue: {}\n  - review: {}\n",
	      "b.yml:7: key 'steps[3]': found 'review' after 'queue'; allowed: nothing: queue is "
	      "last");
	buf_adds(&many, HEAD "steps:\n");
	for (int i = 0; i <= BP_STEPS_MAX; i++)
		buf_adds(&many, "  - run: x\n");
	wrong(many.s, "b.yml:3: key 'steps': found a list; allowed: a list of 1 to 32 steps");
}

static void wrong_prompts(void **state)
{
	static const char *const paths[] = {
		"/etc/passwd", "../x.md", "a/../../x", "a//b.md", "./x.md",
		"'a\\\\b.md'", "''",      "[x]",       "a/",      "~"};
	cleanup(blueprint_release) struct blueprint bp = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		cleanup(err_release) struct err err = ERR_INIT;
		autofree char *text = xasprintf(HEAD "steps:\n  - agent: %s\n", paths[i]);

		assert_int_equal(load(text, &bp, &err), -1);
		assert_non_null(strstr(err_text(&err), "b.yml:4: key 'steps[0].agent': found "));
		assert_non_null(strstr(err_text(&err), "below the blueprint's folder"));
	}
	wrong(HEAD "steps:\n  - agent: none.md\n",
	      "b.yml:4: key 'steps[0].agent': found 'none.md': "
	      "no such file; allowed: a file that can be read");
	wrong(HEAD "steps:\n  - agent: blank.md\n",
	      "b.yml:4: key 'steps[0].agent': found nothing in 'blank.md'; *");
	wrong(HEAD "steps:\n  - agent: binary.md\n",
	      "b.yml:4: key 'steps[0].agent': found other *");
	wrong(HEAD "steps:\n  - agent: latin1.md\n",
	      "b.yml:4: key 'steps[0].agent': found other *");
	wrong(HEAD "steps:\n  - agent: over.md\n", "b.yml:4: key 'steps[0].agent': found more in "
						   "'over.md'; allowed: a prompt of at most 65536 "
						   "bytes");
	good(HEAD "steps:\n  - agent: full.md\n", &bp);
	assert_int_equal(strlen(bp.steps[0].prompt), BP_PROMPT_MAX);
}

static void shipped(void **state)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	(void)state;
	blueprint_shipped_names(&names);
	assert_int_equal(names.n, 3);
	assert_true(strvec_has(&names, "bugfix"));
	assert_true(strvec_has(&names, "new-endpoint"));
	assert_true(strvec_has(&names, "docs"));
	strvec_foreach (&names, name) {
		cleanup(blueprint_release) struct blueprint bp = {0};
		cleanup(err_release) struct err err = ERR_INIT;
		autofree char *file = xasprintf("shipped:%s", *name);
		autofree char *label = xasprintf("agent:%s", *name);

		if (blueprint_shipped(*name, &bp, &err) < 0)
			fail_msg("%s", err_text(&err));
		assert_string_equal(bp.file, file);
		assert_string_equal(bp.name, *name);
		assert_string_equal(bp.label, label);
		assert_non_null(bp.description);
		assert_true(bp.steps[0].gates_repository);
		assert_non_null(strstr(bp.steps[0].prompt, "What done means"));
		assert_non_null(strstr(bp.steps[0].prompt, "protected files"));
		assert_int_equal(bp.steps[bp.nsteps - 1].kind, BP_QUEUE);
		assert_int_equal(bp.protect_except.n, 0);
		assert_false(bp.network_host);
	}
}

static void shipped_unknown(void **state)
{
	cleanup(blueprint_release) struct blueprint bp = {0};
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(blueprint_shipped("bugfx", &bp, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err_text(&err),
			    "blueprint 'bugfx': found none of that name, did you mean "
			    "'bugfix'?; allowed: bugfix, docs, new-endpoint");
	assert_int_equal(blueprint_shipped("prompts/fix", &bp, &err), -1);
	assert_int_equal(blueprint_shipped("", &bp, &err), -1);
}

static void as_json(void **state)
{
	cleanup(blueprint_release) struct blueprint bp = {0}, small = {0};
	autofree char *text = NULL, *other = NULL;
	autojson json_t *o = NULL, *p = NULL;
	json_t *step;

	(void)state;
	good(sketch, &bp);
	text = blueprint_json(&bp);
	assert_int_equal(json_parse(text, strlen(text), 1 << 20, &o, NULL), 0);
	assert_string_equal(json_str(o, "name", ""), "bugfix");
	assert_string_equal(json_str(json_object_get(o, "on"), "label", ""), "bot:fix");
	assert_int_equal(json_int(json_object_get(o, "limits"), "rounds", 0), 4);
	assert_int_equal(json_int(json_object_get(o, "limits"), "cost-microusd", 0), 5000000);
	step = json_array_get(json_object_get(o, "steps"), 1);
	assert_string_equal(json_str(step, "kind", ""), "agent");
	assert_string_equal(json_str(step, "agent-name", ""), "codex");
	assert_int_equal(json_array_size(json_object_get(step, "gates")), 2);
	good(HEAD STEPS "    gates: repository\n", &small);
	other = blueprint_json(&small);
	assert_int_equal(json_parse(other, strlen(other), 1 << 20, &p, NULL), 0);
	step = json_array_get(json_object_get(p, "steps"), 0);
	assert_string_equal(json_str(step, "gates", ""), "repository");
	assert_true(json_is_null(json_object_get(json_object_get(p, "limits"), "turns")));
}

static void as_a_person_reads_it(void **state)
{
	cleanup(blueprint_release) struct blueprint bp = {0};
	autofree char *text = NULL;

	(void)state;
	good(sketch, &bp);
	text = blueprint_describe(&bp);
	assert_string_equal(
		text, "bugfix (b.yml)\n"
		      "  Fix it\n"
		      "  label        bot:fix\n"
		      "  agent        claude, with the host's network\n"
		      "  may touch    src/**, tests/**\n"
		      "  protected    .github/workflows/ci.yml\n"
		      "  limits       4 rounds, 0 CI rounds, 20 minutes a round, $5.00, 80 turns\n"
		      "  set-up       `npm ci`, with the host's network\n"
		      "  steps\n"
		      "    1. run `gen`, `more`\n"
		      "    2. agent codex with prompts/fix.md; gates: `make`, `make check`\n"
		      "    3. pull request, as a draft, reviewers: labeller, ann\n"
		      "    4. the forge's required checks\n"
		      "    5. review: 2 approvals\n"
		      "    6. merge queue\n"
		      "  on failure   label help\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(steps),
		cmocka_unit_test(defaults),
		cmocka_unit_test(gates_are_what_they_say),
		cmocka_unit_test(wrong_heads),
		cmocka_unit_test(wrong_limits),
		cmocka_unit_test(wrong_steps),
		cmocka_unit_test(wrong_order),
		cmocka_unit_test(wrong_prompts),
		cmocka_unit_test(shipped),
		cmocka_unit_test(shipped_unknown),
		cmocka_unit_test(as_json),
		cmocka_unit_test(as_a_person_reads_it),
	};

	return cmocka_run_group_tests_name("blueprint", tests, NULL, NULL);
}
