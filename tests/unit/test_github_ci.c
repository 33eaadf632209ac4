/* test_github_ci.c - whose commit statuses count for a check that a rule binds to an App. */
#include "jobs_fixture.h"

#define COMMIT    "GET " REPO "/commits/" HEAD_1
#define RUNS      COMMIT "/check-runs?per_page=100"
#define STATUSES  COMMIT "/status?per_page=100"
#define WITH_WHOM COMMIT "/statuses?per_page=100"
#define IS(STATE) "{\"context\":\"lint\",\"state\":\"" STATE "\"}"
#define BY(LOGIN)                                                                                  \
	"[{\"context\":\"lint\",\"state\":\"success\",\"creator\":{\"login\":\"" LOGIN "\"}}]"
#define APP(NUMBER) "{\"id\":" NUMBER ",\"slug\":\"linter\"}"

/* "STATE SAID" of the check lint of the App 9. */
static char *lint(struct fx *f, const struct canned *answers)
{
	struct world w;
	const json_t *o;
	char *text;

	memset(f->stub->used, 0, sizeof(f->stub->used));
	world_open(&w, f, answers);
	act(&w, "forge-checks", json_pack("{s:s,s:[s]}", "head", HEAD_1, "names", "lint\n9"));
	assert_int_equal(w.why.code, 0);
	o = json_array_get(json_object_get(w.result, "checks"), 0);
	text = xasprintf("%s %s", json_str(o, "state", "?"), json_str(o, "said", "-"));
	world_release(&w);
	return text;
}

static void a_status_counts_when_it_is_of_the_app(void **state)
{
	static const struct {
		const char *statuses; /* the latest of each name */
		int whom_status;
		const char *whom;
		int app_status;
		const char *app, *found;
	} rows[] = {
		{"", 0, "", 0, "", "absent -"},
		{IS("success"), 200, BY("linter[bot]"), 200, APP("9"), "green success"},
		{IS("success"), 200, BY("linter[bot]"), 200, APP("8"),
		 "absent a commit status of this name is @linter[bot]'s, which is not that App"},
		{IS("success"), 200, BY("linter[bot]"), 404, "{}",
		 "absent a commit status of this name is @linter[bot]'s, and which App that is "
		 "could not be found out"},
		{IS("success"), 200, BY("ann"), 0, "",
		 "absent a commit status of this name is @ann's, which is not that App"},
		{IS("success"), 403, "{\"message\":\"Resource not accessible\"}", 0, "",
		 "absent a commit status of this name is there, and whose it is could not be read"},
		{IS("success"), 200, "[]", 0, "",
		 "absent a commit status of this name is there, and whose it is could not be read"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *statuses = xasprintf("{\"statuses\":[%s]}", rows[i].statuses);
		const struct canned answers[] = {
			SAY(RUNS, 200, "", "{\"check_runs\":[]}"), SAY(STATUSES, 200, "", statuses),
			SAY(WITH_WHOM, rows[i].whom_status, "", rows[i].whom),
			SAY("GET /apps/linter", rows[i].app_status, "", rows[i].app), END};
		autofree char *found = lint(*state, answers);

		if (strcmp(found, rows[i].found) != 0)
			fail_msg("row %zu: found '%s', expected '%s'", i, found, rows[i].found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_status_counts_when_it_is_of_the_app),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
