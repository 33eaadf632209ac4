/* test_github_read.c - GitHub's JSON as it comes, as it may come, and as it must not. */
#include "base/mem.h"
#include "forge/github_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static json_t *parse(const char *s)
{
	json_t *j = NULL;

	assert_int_equal(json_parse(s, strlen(s), SIZE_MAX, &j, NULL), 0);
	return j;
}

static void test_time(void **state)
{
	(void)state;
	assert_int_equal(gh_time_ms("1970-01-01T00:00:01Z"), 1000);
	assert_int_equal(gh_time_ms("2026-11-21T10:00:00Z"), 1795255200000);
	assert_int_equal(gh_time_ms("2026-11-21T10:00:00.250Z"), 1795255200250);
	assert_int_equal(gh_time_ms("2026-11-21T12:00:00+02:00"), 1795255200000);
	assert_int_equal(gh_time_ms("2026-11-21 10:00"), -1);
	assert_int_equal(gh_time_ms(""), -1);
	assert_int_equal(gh_time_ms(NULL), -1);
}

static void test_issue(void **state)
{
	autojson json_t *o = parse("{\"number\":7,\"title\":\"T\",\"body\":null,\"state\":\"open\","
				   "\"user\":{\"login\":\"ann\",\"type\":\"User\"},"
				   "\"labels\":[{\"name\":\"bug\"},\"old\",{\"name\":null}],"
				   "\"created_at\":\"1970-01-01T00:00:01Z\"}");
	cleanup(issue_release) struct issue i = {0};
	cleanup(strvec_release) struct strvec labels = STRVEC_INIT;
	bool pull = true;

	(void)state;
	assert_int_equal(gh_read_issue(o, &i, &pull, NULL), 0);
	assert_int_equal(i.number, 7);
	assert_string_equal(i.body, "");
	assert_string_equal(i.author, "ann");
	assert_int_equal(i.created_ms, 1000);
	assert_false(pull);
	gh_read_labels(o, &labels);
	assert_int_equal(labels.n, 2);
	assert_string_equal(labels.v[1], "old");
}

static void refused(const char *text, const char *word)
{
	autojson json_t *o = parse(text);
	cleanup(issue_release) struct issue i = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	bool pull;

	assert_int_equal(gh_read_issue(o, &i, &pull, &err), -1);
	assert_non_null(strstr(err_text(&err), word));
	assert_null(i.title);
}

static void test_issue_refused(void **state)
{
	(void)state;
	refused("{\"title\":\"T\",\"state\":\"open\"}", "number");
	refused("{\"number\":0,\"title\":\"T\",\"state\":\"open\"}", "number");
	refused("{\"number\":1,\"title\":\"T\"}", "state");
	refused("{\"number\":1,\"title\":\"T\",\"state\":\"ajar\"}", "ajar");
	refused("{\"number\":1,\"title\":[],\"state\":\"open\"}", "title");
}

#define OID "0123456789012345678901234567890123456789"
#define PULL(head_repo, more)                                                                      \
	"{\"number\":3,\"title\":\"T\",\"body\":\"B\",\"state\":\"open\","                         \
	"\"user\":null,\"base\":{\"ref\":\"main\",\"sha\":\"" OID "\"},"                           \
	"\"head\":{\"ref\":\"topic\",\"sha\":\"" OID "\",\"repo\":" head_repo "}" more "}"

static void test_pull(void **state)
{
	autojson json_t *own = parse(PULL("{\"full_name\":\"Acme/app\"}", ""));
	autojson json_t *fork = parse(PULL("{\"full_name\":\"ann/app\"}", ""));
	autojson json_t *gone = parse(
		PULL("null",
		     ",\"merged_at\":\"1970-01-01T00:00:01Z\",\"merge_commit_sha\":\"" OID "\""));
	cleanup(pr_release) struct pr p = {0};

	(void)state;
	assert_int_equal(gh_read_pull(own, "acme/app", &p, NULL), 0);
	assert_string_equal(p.head, OID);
	assert_string_equal(p.author, "ghost");
	assert_null(p.head_repo);
	pr_release(&p);
	assert_int_equal(gh_read_pull(fork, "acme/app", &p, NULL), 0);
	assert_string_equal(p.head_repo, "ann/app");
	pr_release(&p);
	assert_int_equal(gh_read_pull(gone, "acme/app", &p, NULL), 0);
	assert_string_equal(p.head_repo, "deleted");
	assert_string_equal(p.state, "merged");
	assert_string_equal(p.landed, OID);
}

static void test_pull_refused(void **state)
{
	autojson json_t *o = parse("{\"number\":3,\"title\":\"T\",\"state\":\"open\","
				   "\"base\":{\"ref\":\"main\",\"sha\":\"; rm\"}}");
	cleanup(pr_release) struct pr p = {0};
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(gh_read_pull(o, "a/b", &p, &err), -1);
	assert_non_null(strstr(err_text(&err), "base.sha"));
}

static void test_events(void **state)
{
	autojson json_t *list =
		parse("[{\"id\":5,\"event\":\"labeled\",\"label\":{\"name\":\"agent:fix\"},"
		      "\"actor\":{\"login\":\"ann\"},\"created_at\":\"1970-01-01T00:00:01Z\"},"
		      "{\"id\":9,\"event\":\"labeled\",\"label\":{\"name\":\"agent:fix\"},"
		      "\"actor\":{\"login\":\"yard[bot]\",\"type\":\"Bot\"}},"
		      "{\"id\":11,\"event\":\"labeled\",\"label\":{\"name\":\"other\"}},"
		      "{\"event\":\"labeled\"},null]");
	struct gh_event e = {0};

	(void)state;
	assert_int_equal(gh_latest_event(list, "labeled", "agent:fix", &e), 1);
	assert_int_equal(e.id, 9);
	assert_true(e.actor.bot);
	assert_int_equal(gh_latest_event(list, "labeled", "none", &e), 0);
	assert_int_equal(gh_latest_event(list, "closed", NULL, &e), 0);
	assert_int_equal(gh_latest_event(NULL, "closed", NULL, &e), 0);
}

static void level(const char *text, int64_t expected)
{
	autojson json_t *o = parse(text);
	int64_t found = -1;

	assert_int_equal(gh_read_level(o, &found, NULL), expected < 0 ? -1 : 0);
	assert_int_equal(found, expected);
}

/* An organisation's own role counts as its base; a word that nobody knows is no permission. */
static void test_level(void **state)
{
	(void)state;
	level("{\"permission\":\"admin\",\"role_name\":\"admin\"}", 3);
	level("{\"permission\":\"write\",\"role_name\":\"maintain\"}", 3);
	level("{\"permission\":\"write\",\"role_name\":\"our-own\"}", 2);
	level("{\"permission\":\"read\",\"role_name\":\"triage\"}", 1);
	level("{\"permission\":\"none\"}", 0);
	level("{\"permission\":\"sudo\"}", -1);
	level("{}", -1);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(gh_is_full_name("acme/app.js"));
	assert_false(gh_is_full_name("acme"));
	assert_false(gh_is_full_name("acme/"));
	assert_false(gh_is_full_name("acme/.."));
	assert_false(gh_is_full_name("../app"));
	assert_false(gh_is_full_name("acme/app/x"));
	assert_false(gh_is_full_name("acme/a b"));
	assert_false(gh_is_full_name(NULL));
	assert_true(gh_is_oid(OID));
	assert_false(gh_is_oid("0123"));
	assert_false(gh_is_oid(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),          cmocka_unit_test(test_issue),
		cmocka_unit_test(test_issue_refused), cmocka_unit_test(test_pull),
		cmocka_unit_test(test_pull_refused),  cmocka_unit_test(test_events),
		cmocka_unit_test(test_level),         cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
