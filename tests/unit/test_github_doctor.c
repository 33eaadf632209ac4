/* test_github_doctor.c - what of a repository's rules would refuse a landing, and whether a workflow runs. */
#include "base/mem.h"
#include "forge/github_app.h"
#include "forge/github_doctor_part.h"
#include "forge/github_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct github_doctor_repo merging = {
	.full_name = "o/r", .base = "main", .merges = true};
static const struct github_doctor_repo rebasing = {
	.full_name = "o/r", .base = "main", .moves_heads = true};

static json_t *parse(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	if (!o)
		fail_msg("no JSON: %s", text);
	return o;
}

enum what { PROTECTION, RULE, BYPASSED_RULE, CANDIDATES };

/* How many faults it finds; each is a row, and no row is green. */
static int faults(enum what what, const struct github_doctor_repo *repo, bool signs,
		  const char *text)
{
	cleanup(strvec_release) struct strvec required = STRVEC_INIT;
	struct doctor_rules d = {
		.repo = repo, .app = "yard", .signs = signs, .required = &required};
	autojson json_t *o = parse(text), *rows = json_array();
	int n = what == PROTECTION   ? doctor_protection(&d, o, rows)
		: what == CANDIDATES ? doctor_candidate_rules(&d, o, rows)
				     : doctor_rule(&d, o, what == RULE ? NULL : "always", rows);

	assert_int_equal(json_array_size(rows), n);
	for (int i = 0; i < n; i++)
		assert_false(json_flag(json_array_get(rows, (size_t)i), "ok"));
	return n;
}

static void protections(void **state)
{
	static const char stale[] = "{\"required_pull_request_reviews\":{\"dismiss_stale_reviews\":"
				    "true,\"require_last_push_approval\":true}}";
	static const char linear[] = "{\"required_linear_history\":{\"enabled\":true}}";
	static const char sign[] = "{\"required_signatures\":{\"enabled\":true}}";

	(void)state;
	assert_int_equal(faults(PROTECTION, &merging, false, "{}"), 0);
	assert_int_equal(faults(PROTECTION, &merging, false, stale), 1); /* no bypass */
	assert_int_equal(faults(PROTECTION, &rebasing, false, stale), 3);
	assert_int_equal(faults(PROTECTION, &merging, false, linear), 1);
	assert_int_equal(faults(PROTECTION, &rebasing, false, linear), 0);
	assert_int_equal(faults(PROTECTION, &merging, false, sign), 1);
	assert_int_equal(faults(PROTECTION, &merging, true, sign), 0);
	/* Whoever bypasses it loses the approvals, too. */
	assert_int_equal(
		faults(PROTECTION, &rebasing, false,
		       "{\"required_pull_request_reviews\":{\"dismiss_stale_reviews\":true,"
		       "\"bypass_pull_request_allowances\":{\"apps\":[{\"slug\":\"yard\"}]}}}"),
		1);
	/* Another App's bypass is not ours. */
	assert_int_equal(
		faults(PROTECTION, &merging, false,
		       "{\"required_pull_request_reviews\":{\"bypass_pull_request_allowances\":"
		       "{\"apps\":[{\"slug\":\"other\"}]}}}"),
		1);
}

static void rulesets(void **state)
{
	static const char pull[] =
		"{\"type\":\"pull_request\",\"ruleset_id\":4,\"parameters\":{"
		"\"dismiss_stale_reviews_on_push\":true,\"require_last_push_approval\":false}}";

	(void)state;
	assert_int_equal(faults(RULE, &merging, false, pull), 1); /* not known is not green */
	assert_int_equal(faults(RULE, &rebasing, false, pull), 2);
	assert_int_equal(faults(BYPASSED_RULE, &rebasing, false, pull), 1); /* dismisses */
	assert_int_equal(faults(BYPASSED_RULE, &merging, false, pull), 0);
	assert_int_equal(faults(RULE, &merging, false, "{\"type\":\"update\"}"), 1);
	assert_int_equal(faults(BYPASSED_RULE, &merging, false, "{\"type\":\"update\"}"), 0);
	assert_int_equal(faults(RULE, &merging, false, "{\"type\":\"merge_queue\"}"), 1);
	assert_int_equal(faults(RULE, &merging, false, "{\"type\":\"non_fast_forward\"}"), 0);
	/* What is not known is nothing to be silent of: it is said to be in the way until GitHub is known to judge it. */
	assert_int_equal(faults(RULE, &merging, false, "{\"type\":\"of the future\"}"), 1);
	assert_int_equal(faults(BYPASSED_RULE, &merging, false, "{\"type\":\"of the future\"}"), 1);
	assert_int_equal(faults(BYPASSED_RULE, &merging, false, "{\"type\":\"code_scanning\"}"), 1);
	assert_int_equal(faults(BYPASSED_RULE, &merging, false, "{\"type\":\"merge_queue\"}"), 1);
	assert_int_equal(
		faults(BYPASSED_RULE, &merging, false, "{\"type\":\"copilot_code_review\"}"), 0);
	/* Waited for all the same. */
	assert_int_equal(
		faults(BYPASSED_RULE, &merging, false,
		       "{\"type\":\"required_status_checks\",\"parameters\":{"
		       "\"required_status_checks\":[{\"context\":\"yardmaster/queue\"}]}}"),
		1);
	assert_int_equal(
		faults(BYPASSED_RULE, &merging, false, "{\"type\":\"required_linear_history\"}"),
		1);
	assert_int_equal(faults(CANDIDATES, &merging, false,
				"[{\"type\":\"deletion\"},{\"type\":\"tag_name_pattern\"}]"),
			 1);
}

/* Why nothing lands while the App may bypass a rule of that kind, and while it may not; NULL: it does not stand in the way. */
static void assert_holds(const char *type, const char *bypassed, const char *kept)
{
	const char *expected[] = {bypassed, bypassed, kept, kept};
	static const char *const bypass[] = {"always", "exempt", "never", "pull_requests_only"};

	for (size_t i = 0; i < ARRAY_LEN(bypass); i++) {
		autofree char *found = github_rule_holds(type, 7, bypass[i]);

		if (expected[i] ? !found || !strstr(found, expected[i]) : found != NULL)
			fail_msg("%s, %s: found '%s', expected '%s'", type, bypass[i],
				 found ? found : "nothing", expected[i] ? expected[i] : "nothing");
	}
}

static void each_kind_of_rule(void **state)
{
	static const char *const github[] = {"workflows",
					     "code_scanning",
					     "code_quality",
					     "license_compliance_scanning",
					     "required_deployments",
					     "commit_message_pattern",
					     "commit_author_email_pattern",
					     "committer_email_pattern",
					     "file_path_restriction",
					     "file_extension_restriction",
					     "max_file_path_length",
					     "max_file_size"};
	static const char *const harmless[] = {"creation",
					       "update",
					       "deletion",
					       "non_fast_forward",
					       "branch_name_pattern",
					       "tag_name_pattern",
					       "copilot_code_review",
					       "pull_request",
					       "required_status_checks",
					       "required_linear_history",
					       "required_signatures"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(github); i++) {
		assert_holds(github[i], "does not hold for the App", NULL);
		assert_non_null(github_rule_find(github[i])->type);
	}
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		assert_holds(harmless[i], NULL, NULL);
		assert_non_null(github_rule_find(harmless[i])->type);
	}
	assert_holds("merge_queue", "two queues", "two queues");
	assert_holds("of the future", "a kind that this version of yardmaster does not know", NULL);
}

/* A refusal in GitHub's words, and a word of the advice. */
static void each_refusal_has_advice(void **state)
{
	static const struct {
		const char *said, *advice;
	} rows[] = {
		{"refusing to allow a GitHub App to create or update workflow `.github/x.yml` "
		 "without `workflows` permission",
		 "'workflows: write'"},
		{"GH013: Commits must have verified signatures.", "sign-key"},
		{"GH006: Commits must have valid signatures.", "sign-key"},
		{"Changes must be made through the merge queue", "GitHub's own merge queue"},
		{"Changes must be made through a pull request.", "bypass list of the rule that "
								 "requires pull requests"},
		{"Cannot update this protected ref.", "restricts updates"},
		{"Code scanning is waiting for results from CodeQL", "let the scanning run"},
		{"Missing successful active production deployment.", "let the deployment run"},
		{"This branch must not contain merge commits.", "`queue.method`"},
		{"Required status check \"build\" is expected.", "let the check run"},
	};

	(void)state;
	assert_null(github_rule_advice("GH001: Large files detected."));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *found = github_rule_advice(rows[i].said);

		if (!found || !strstr(found, rows[i].advice))
			fail_msg("%s: found '%s', expected '%s'", rows[i].said,
				 found ? found : "nothing", rows[i].advice);
	}
}

static void workflows(void **state)
{
	static const struct {
		const char *text;
		int runs;    /* on a push to a candidate's branch */
		int on_pull; /* and with a draft PR of it */
	} rows[] = {
		{"on: push\n", 1, 1},
		{"on: [pull_request, push]\n", 1, 1},
		{"on: pull_request\n", 0, 1},
		{"on:\n  push:\n", 1, 1},
		{"on:\n  push: { tags: [v1] }\n", 0, 0},
		{"on:\n  push: { branches: [main] }\n", 0, 0},
		{"on:\n  pull_request: { branches: [main] }\n", 0, 1},
		{"on:\n  pull_request: { branches: [next] }\n", 0, 0},
		{"on:\n  pull_request: { types: [closed] }\n", 0, 0},
		{"on:\n  pull_request: { types: [opened, synchronize] }\n", 0, 1},
		{"on:\n  push: { branches: ['**'] }\n", 1, 1},
		{"on:\n  push: { branches: ['**', '!yardmaster/**'] }\n", 0, 0},
		{"on:\n  push: { branches: ['!yardmaster/**', '**'] }\n", 1, 1},
		{"on:\n  push: { branches-ignore: ['yardmaster/**'] }\n", 0, 0},
		{"on:\n  push: { branches-ignore: [docs] }\n", 1, 1},
		{"jobs: {}\n", 0, 0},
		{"", 0, 0},
		{"on: [push\n", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (doctor_workflow_runs(rows[i].text, strlen(rows[i].text), "yardmaster/queue/1",
					 NULL) != rows[i].runs ||
		    doctor_workflow_runs(rows[i].text, strlen(rows[i].text), "yardmaster/queue/1",
					 "main") != rows[i].on_pull)
			fail_msg("%s: expected %d, %d", rows[i].text, rows[i].runs,
				 rows[i].on_pull);
}

#define LIMITS(rest) "{\"skew_ms\":0,\"installations\":[{" rest "}]}"

/* Clocks may differ by less than half a minute. Of a limit a tenth must be left, and GitHub must not have asked to wait. */
static void the_clock_and_the_limits(void **state)
{
	static const struct {
		const char *text;
		size_t row;
		const char *check;
		bool ok;
		const char *said; /* NULL: anything */
	} rows[] = {
		{"{\"skew_ms\":null}", 0, "clock", false, NULL},
		{"{\"skew_ms\":1000}", 0, "clock", true, NULL},
		{"{\"skew_ms\":-90000}", 0, "clock", false, NULL},
		{"{\"skew_ms\":90000}", 0, "clock", false, NULL},
		{LIMITS("\"id\":7,\"limit\":5000,\"remaining\":4000"), 1, "GitHub limits", true,
		 "installation 7: 4000 of 5000 requests are left this hour"},
		{LIMITS("\"hold_why\":\"a 403\""), 1, "GitHub limits", false,
		 "of no installation: held back: a 403"},
		{LIMITS("\"limit\":5000,\"remaining\":500"), 1, "GitHub limits", true, NULL},
		{LIMITS("\"limit\":5000,\"remaining\":499"), 1, "GitHub limits", false, NULL},
		{LIMITS("\"limit\":5000,\"remaining\":4000,\"hold_why\":\"a 403\""), 1,
		 "GitHub limits", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *o = parse(rows[i].text), *out = json_array();
		const json_t *row;

		doctor_state(o, out);
		row = json_array_get(out, rows[i].row);
		assert_string_equal(json_str(row, "check", ""), rows[i].check);
		if (json_flag(row, "ok") != rows[i].ok ||
		    (rows[i].said && strcmp(json_str(row, "text", ""), rows[i].said) != 0))
			fail_msg("%s: %s", rows[i].text, json_str(row, "text", ""));
	}
}

static void where_github_is(void **state)
{
	static const char *const rows[][2] = {
		{"https://api.github.com", "https://github.com"},
		{"https://git.acme.org/api/v3", "https://git.acme.org"},
		{"https://git.acme.org/api/v3/", "https://git.acme.org"},
		{"http://127.0.0.1:8000", "http://127.0.0.1:8000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *web = github_web_of(rows[i][0]);

		assert_string_equal(web, rows[i][1]);
	}
}

#define SIGNED(url) "{\"url\":\"" url "\",\"secret\":\"***\"}"

static void the_webhook(void **state)
{
	static const char channel[] = "https://smee.io/abc";
	static const struct {
		const char *config;
		bool listens;
		const char *channel, *text; /* of a fault; NULL: it is right */
	} rows[] = {
		{"{}", false, NULL, NULL},
		{"{}", true, NULL, "the App has no webhook"},
		{"{}", false, channel, "the App has no webhook"},
		{SIGNED("https://y.org/webhook/github"), true, NULL, NULL},
		{SIGNED("https://y.org/webhook/github"), false, NULL, "neither 'listen' nor"},
		{SIGNED("https://y.org/webhook/github"), false, channel, "somewhere else"},
		{SIGNED("https://y.org/webhook/github"), true, channel, NULL},
		{SIGNED("https://smee.io/abc"), false, channel, NULL},
		{SIGNED("https://smee.io/abc/"), true, channel, NULL},
		{SIGNED("https://smee.io/abcd"), false, channel, "somewhere else"},
		{SIGNED("https://smee.io/abc"), true, NULL, "another path"},
		{"{\"url\":\"https://smee.io/abc\"}", false, channel, "no secret"},
		{"{\"url\":\"https://y.org/webhook/github\",\"secret\":\"x\","
		 "\"insecure_ssl\":\"1\"}",
		 true, NULL, "not verified"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autojson json_t *o = parse(rows[i].config), *out = json_array();
		const json_t *row;

		doctor_hook(o, rows[i].listens, rows[i].channel, out);
		assert_int_equal(json_array_size(out), 1);
		row = json_array_get(out, 0);
		if (json_flag(row, "ok") != !rows[i].text ||
		    (rows[i].text && !strstr(json_str(row, "text", ""), rows[i].text)))
			fail_msg("row %zu: %s", i, json_str(row, "text", ""));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protections),       cmocka_unit_test(rulesets),
		cmocka_unit_test(each_kind_of_rule), cmocka_unit_test(each_refusal_has_advice),
		cmocka_unit_test(workflows),         cmocka_unit_test(the_clock_and_the_limits),
		cmocka_unit_test(where_github_is),   cmocka_unit_test(the_webhook),
	};

	return cmocka_run_group_tests_name("github_doctor", tests, NULL, NULL);
}
