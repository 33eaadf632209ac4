/* test_github_pages.c - answers in several parts, answers that are elsewhere, answers known already */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

#define NEXT(path)                                                                                 \
	"Link: <http://127.0.0.1:%P" path ">; rel=\"next\", <http://x/>; rel=\"last\"\r\n"

static void ask_for(struct fx *f, struct ask *a, const char *path, unsigned flags,
		    enum gh_outcome o, int status)
{
	ask_release(a);
	fx_get(f, a, path, flags);
	fx_expect(f, a, o, status);
}

static void says(struct ask *a, const char *text)
{
	autofree char *found = json_text(a->body);

	assert_string_equal(found, text);
	ask_release(a);
}

/* --- pages --- */

static void pages_come_as_one(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /list?per_page=2", 200, NEXT("/list?per_page=2&page=2"), "[1,2]"),
		SAY("GET /list?per_page=2&page=2", 200, "Link: </list?page=3>; rel=next\r\n",
		    "[3]"),
		SAY("GET /list?page=3", 200, "", "[4]"),
		SAY("GET /runs", 200, NEXT("/runs?page=2"),
		    "{\"total_count\":2,\"check_runs\":[1]}"),
		SAY("GET /runs?page=2", 200, "", "{\"total_count\":2,\"check_runs\":[2]}"),
		END};
	struct ask a = {0};

	f->stub->answers = answers;
	ask_for(f, &a, "/list?per_page=2", GH_ALL_PAGES, GH_OK, 200);
	says(&a, "[1,2,3,4]");
	ask_for(f, &a, "/runs", GH_ALL_PAGES, GH_OK, 200);
	says(&a, "{\"total_count\":2,\"check_runs\":[1,2]}");
	ask_for(f, &a, "/list?per_page=2", 0, GH_OK, 200);
	says(&a, "[1,2]");
}

/* Never half a list for a whole one. */
static void pages_that_do_not_end_well(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /loop", 200, NEXT("/loop2"), "[1]"),
		SAY("GET /loop2", 200, NEXT("/loop"), "[2]"),
		SAY("GET /self", 200, NEXT("/self"), "[1]"),
		SAY("GET /foreign", 200, "Link: <http://localhost:%P/x>; rel=\"next\"\r\n", "[1]"),
		SAY("GET /mixed", 200, NEXT("/object"), "[1]"),
		SAY("GET /object", 200, "", "{\"a\":[1]}"),
		SAY("GET /broken", 200, NEXT("/none"), "[1]"),
		SAY("GET /number", 200, "", "12"),
		END};
	struct gh_conf c = fx_conf(f);
	struct ask a = {0};

	c.pages = 10;
	fx_client(f, &c);
	f->stub->answers = answers;
	ask_for(f, &a, "/loop", GH_ALL_PAGES, GH_BROKEN, 200);
	assert_non_null(strstr(a.text, "too many pages"));
	assert_int_equal(stub_count(f->stub, "GET /loop") + stub_count(f->stub, "GET /loop2"), 10);
	ask_for(f, &a, "/self", GH_ALL_PAGES, GH_BROKEN, 200);
	assert_non_null(strstr(a.text, "its next page is itself"));
	assert_int_equal(stub_count(f->stub, "GET /self"), 1);
	ask_for(f, &a, "/foreign", GH_ALL_PAGES, GH_BROKEN, 200);
	assert_non_null(strstr(a.text, "another host"));
	ask_for(f, &a, "/mixed", GH_ALL_PAGES, GH_BROKEN, 200);
	ask_for(f, &a, "/broken", GH_ALL_PAGES, GH_GONE, 404);
	ask_for(f, &a, "/number", GH_ALL_PAGES, GH_OK, 200);
	ask_release(&a);
}

static void pages_are_too_large_together(void **state)
{
	struct fx *f = *state;
	autofree char *body = xasprintf("[\"%06000d\"]", 1);
	struct canned answers[] = {SAY("GET /a", 200, NEXT("/b"), body),
				   SAY("GET /b", 200, NEXT("/c"), body),
				   SAY("GET /c", 200, "", body), END};
	struct gh_conf c = fx_conf(f);
	struct ask a = {0};

	c.read_max = 15000;
	fx_client(f, &c);
	f->stub->answers = answers;
	ask_for(f, &a, "/a", GH_ALL_PAGES, GH_BROKEN, 200);
	ask_for(f, &a, "/b", 0, GH_OK, 200);
	ask_release(&a);
}

/* --- what is known already --- */

/* Answers 304 to the right If-None-Match. */
struct versioned {
	const char *what, *etag, *headers, *body;
};

static const struct versioned *versions;

static bool serve_versions(struct stub_conn *c, const struct stub_seen *s, void *arg)
{
	autofree char *match = stub_header(s, "If-None-Match");

	for (const struct versioned *v = versions; v && v->what; v++) {
		autofree char *headers = xasprintf("ETag: %s\r\n%s", v->etag, v->headers);

		if (strcmp(v->what, s->what))
			continue;
		if (match && !strcmp(match, v->etag))
			stub_reply(c, 304, headers, "", 0);
		else
			stub_reply(c, 200, headers, v->body, 0);
		return true;
	}
	return fx_hand_out_token(c, s, arg);
}

static void what_did_not_change_is_said(void **state)
{
	struct fx *f = *state;
	static const struct versioned one[] = {{"GET /x", "W/\"1\"", "", "{\"v\":1}"}, {0}};
	static const struct versioned two[] = {{"GET /x", "W/\"2\"", "", "{\"v\":2}"}, {0}};
	struct ask a = {0};
	autojson json_t *counts = NULL;

	f->stub->handler = serve_versions;
	versions = one;
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_OK, 200);
	assert_false(a.changed);
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_UNCHANGED, 304);
	assert_null(a.body);
	ask_for(f, &a, "/x", 0, GH_OK, 200); /* whoever does not ask so gets all of it */
	versions = two;
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_OK, 200);
	assert_true(a.changed);
	says(&a, "{\"v\":2}");
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_UNCHANGED, 304);
	gh_cache_forget(f->gh, "/x", FX_INSTALLATION);
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_OK, 200);
	ask_release(&a);
	counts = gh_counts(f->gh);
	assert_int_equal(json_int(json_object_get(counts, "other"), "unchanged", 0), 2);
}

/* Another installation may see another thing under the same address, and so does who asks for another type. */
static void what_is_known_is_of_who_asked(void **state)
{
	struct fx *f = *state;
	static const struct versioned one[] = {{"GET /x", "\"1\"", "", "{}"}, {0}};
	static const struct canned other[] = {
		SAY("POST /app/installations/8/access_tokens", 201, "", "{\"token\":\"t8\"}"), END};
	struct gh_req r = {.path = "/x", .flags = GH_CONDITIONAL, .done = ask_done};
	struct ask a = {0};

	f->stub->handler = serve_versions;
	f->stub->answers = other;
	versions = one;
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_OK, 200);
	ask_for(f, &a, "/x", GH_CONDITIONAL, GH_UNCHANGED, 304);
	for (int i = 0; i < 2; i++) {
		ask_release(&a);
		r.arg = &a;
		r.installation = i ? FX_INSTALLATION : 8;
		r.accept = i ? "application/vnd.github.diff+json" : NULL;
		gh_send(f->gh, &r);
		fx_expect(f, &a, GH_OK, 200);
	}
	ask_release(&a);
}

/* With the next token all of it comes once more, and then nothing: also where the server would call it unchanged. */
static void what_is_known_is_of_one_token(void **state)
{
	struct fx *f = *state;
	static const struct versioned list[] = {{"GET /l", "\"a\"", NEXT("/l?page=2"), "[1]"},
						{"GET /l?page=2", "\"b\"", "", "[2]"},
						{0}};
	struct ask a = {0};

	f->stub->handler = serve_versions;
	versions = list;
	for (int i = 0; i < 2; i++) {
		ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_OK, 200);
		says(&a, "[1,2]");
		ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_UNCHANGED, 304);
		assert_int_equal(f->tokens, i + 1);
		f->mono_off += 3600000;
	}
	ask_release(&a);
}

/* A list is unchanged when all of its pages are; otherwise all of it comes. */
static void lists_are_conditional_as_a_whole(void **state)
{
	struct fx *f = *state;
	static const struct versioned first[] = {{"GET /l", "\"a\"", NEXT("/l?page=2"), "[1]"},
						 {"GET /l?page=2", "\"b\"", "", "[2]"},
						 {0}};
	static const struct versioned second[] = {{"GET /l", "\"a\"", NEXT("/l?page=2"), "[1]"},
						  {"GET /l?page=2", "\"c\"", "", "[3]"},
						  {0}};
	static const struct versioned third[] = {{"GET /l", "\"d\"", NEXT("/l?page=2"), "[5]"},
						 {"GET /l?page=2", "\"c\"", "", "[3]"},
						 {0}};
	struct ask a = {0};

	f->stub->handler = serve_versions;
	versions = first;
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_OK, 200);
	says(&a, "[1,2]");
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_UNCHANGED, 304);
	assert_int_equal(stub_count(f->stub, "GET /l?page=2"), 2);
	versions = second; /* the last page */
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_OK, 200);
	assert_true(a.changed);
	says(&a, "[1,3]");
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_UNCHANGED, 304);
	versions = third; /* the first */
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_OK, 200);
	says(&a, "[5,3]");
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_UNCHANGED, 304);
	ask_release(&a);
}

/* The second page fails: the list is not known, though its first page came. */
static void half_a_list_is_not_known(void **state)
{
	struct fx *f = *state;
	static const struct versioned list[] = {{"GET /l", "\"a\"", NEXT("/l?page=2"), "[1]"}, {0}};
	static const struct canned fails[] = {SAY("GET /l?page=2", 500, "", ""), END};
	static const struct canned works[] = {SAY("GET /l?page=2", 200, "", "[2]"), END};
	struct ask a = {0};

	f->stub->handler = serve_versions;
	versions = list;
	f->stub->answers = fails;
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_RETRY, 500);
	f->stub->answers = works;
	ask_for(f, &a, "/l", GH_CONDITIONAL | GH_ALL_PAGES, GH_OK, 200);
	says(&a, "[1,2]");
}

/* --- elsewhere --- */

/* A renamed repository: requests go on to where it is now, writes as they were, and its new name is
 * told. */
static void a_renamed_repository_is_followed(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /repos/acme/old", 301, "Location: http://127.0.0.1:%P/repositories/9\r\n",
		    "{}"),
		SAY("GET /repositories/9", 200, "", "{\"id\":9,\"full_name\":\"acme/new\"}"),
		SAY("POST /repos/acme/old/issues/1/comments", 307,
		    "Location: /repositories/9/issues/1/comments\r\n", "{}"),
		SAY("POST /repositories/9/issues/1/comments", 201, "", "{\"id\":77}"),
		SAY("GET /repos/acme/older/pulls", 308, "Location: /repos/acme/new/pulls\r\n",
		    "{}"),
		SAY("GET /repos/acme/new/pulls", 200, "", "[]"),
		SAY("GET /round", 302, "Location: /round\r\n", "{}"),
		END};
	struct gh_conf c = fx_conf(f);
	struct ask a = {0};

	f->stub->answers = answers;
	fx_send(f, &a, "POST", "/repos/acme/old/issues/1/comments",
		json_pack("{s:s}", "body", "hi"), GH_CREATES);
	fx_expect(f, &a, GH_OK, 201);
	assert_string_equal(a.renamed, "acme/new"); /* it had to be asked for */
	assert_int_equal(stub_count(f->stub, "GET /repositories/9"), 1);
	assert_string_equal(f->stub->seen[2].body, "{\"body\":\"hi\"}");
	ask_for(f, &a, "/repos/acme/old", 0, GH_OK, 200);
	assert_string_equal(a.renamed, "acme/new");
	fx_client(f, &c);
	ask_for(f, &a, "/repos/acme/old", 0, GH_OK, 200);
	assert_string_equal(a.renamed, "acme/new"); /* from the answer itself */
	assert_int_equal(stub_count(f->stub, "GET /repositories/9"), 3);
	ask_for(f, &a, "/repos/acme/older/pulls", 0, GH_OK, 200);
	assert_string_equal(a.renamed, "acme/new");
	ask_for(f, &a, "/round", 0, GH_BROKEN, 302);
	assert_null(a.renamed);
	ask_release(&a);
}

#define ISSUE_AT(where) SAY("GET /repos/acme/app/issues/3", 301, "Location: " where "\r\n", "{}")

/* Transferred, an issue is of another repository and has another number: nothing is read or written there. The same thing
 * under a new name of the repository is. */
static void what_moved_out_is_not_followed(void **state)
{
	static const struct {
		struct canned redirect;
		size_t asked; /* what was redirected to */
		enum gh_outcome outcome;
	} cases[] = {
		{ISSUE_AT("/repositories/9/issues/3"), 1, GH_OK},
		{ISSUE_AT("/repositories/8/issues/3"), 0, GH_GONE},
		{ISSUE_AT("/repositories/9/issues/4"), 0, GH_GONE},
		{ISSUE_AT("/repos/acme/new/issues/3"), 1, GH_OK},
		{ISSUE_AT("/repos/acme/other/issues/3"), 0, GH_GONE},
		{ISSUE_AT("/repos/acme/other/issues/1"), 0, GH_GONE},
		{ISSUE_AT("/repos/acme/gone/issues/3"), 0, GH_RETRY},
		{ISSUE_AT("/user"), 0, GH_GONE},
		{ISSUE_AT(""), 0, GH_GONE},
	};
	static const char *const below[] = {
		"/repositories/9/issues/3",   "/repositories/8/issues/3",
		"/repositories/9/issues/4",   "/repos/acme/new/issues/3",
		"/repos/acme/other/issues/3", "/repos/acme/other/issues/1"};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
		struct canned answers[] = {
			cases[i / 2].redirect,
			SAY("GET /repos/acme/new", 200, "",
			    "{\"id\":9,\"full_name\":\"acme/new\"}"),
			SAY("GET /repos/acme/other", 200, "",
			    "{\"id\":8,\"full_name\":\"acme/other\"}"),
			SAY("GET /repos/acme/gone", 404, "", "{\"message\":\"Not Found\"}"),
			SAY("GET /repositories/9", 200, "",
			    "{\"id\":9,\"full_name\":\"acme/new\"}"),
			SAY("GET /repositories/9/issues/3", 200, "", "{\"number\":3}"),
			SAY("PATCH /repositories/9/issues/3", 200, "", "{\"number\":3}"),
			SAY("GET /repos/acme/new/issues/3", 200, "", "{\"number\":3}"),
			SAY("PATCH /repos/acme/new/issues/3", 200, "", "{\"number\":3}"),
			END};
		const char *method = i % 2 ? "PATCH" : "GET";
		struct ask a = {0};
		struct gh_req r = {.method = method,
				   .path = "/repos/acme/app/issues/3",
				   .repository = 9,
				   .installation = FX_INSTALLATION,
				   .done = ask_done,
				   .arg = &a};
		size_t before = f->stub->n, asked = 0;

		if (i % 2)
			answers[0].what = "PATCH /repos/acme/app/issues/3";
		f->stub->answers = answers;
		memset(f->stub->used, 0, sizeof(f->stub->used));
		gh_send(f->gh, &r);
		fx_wait(f, &a);
		for (size_t n = before; n < f->stub->n; n++)
			for (size_t k = 0; k < ARRAY_LEN(below); k++)
				asked += !strncmp(f->stub->seen[n].what, method, strlen(method)) &&
					 !strcmp(strchr(f->stub->seen[n].what, '/'), below[k]);
		if (a.outcome != cases[i / 2].outcome || asked != cases[i / 2].asked)
			fail_msg("case %zu, %s: found %s (%s), and %zu requests there", i / 2,
				 method, gh_outcome_name(a.outcome), a.text, asked);
		ask_release(&a);
	}
}

/* The name cannot be found out: the answer comes all the same. */
static void a_name_that_nobody_tells(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("POST /repos/acme/old/x", 307, "Location: /repositories/9/x\r\n", "{}"),
		SAY("POST /repositories/9/x", 201, "", "{}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_send(f, &a, "POST", "/repos/acme/old/x", json_object(), 0);
	fx_expect(f, &a, GH_OK, 201);
	assert_null(a.renamed);
	ask_release(&a);
}

/* Another host never sees a token. Only text is fetched from one, without. */
static void no_token_for_another_host(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /log", 302, "Location: http://localhost:%P/blob?sig=1\r\n", ""),
		SAY("GET /blob?sig=1", 200, "Content-Type: text/plain\r\n", "line 1\nline 2\n"),
		SAY("POST /log", 302, "Location: http://localhost:%P/blob\r\n", ""),
		SAY("GET /user", 302, "Location: http://x@127.0.0.1:%P/blob\r\n", ""),
		SAY("GET /back", 302, "Location: http://localhost:%P/there\r\n", ""),
		SAY("GET /there", 302, "Location: http://127.0.0.1:%P/blob?sig=1\r\n", ""),
		END};
	struct ask a = {0};

	f->stub->answers = answers;
	ask_for(f, &a, "/log", GH_TEXT, GH_OK, 200);
	assert_string_equal(a.raw, "line 1\nline 2\n");
	assert_int_equal(a.raw_len, 14);
	ask_for(f, &a, "/log", 0, GH_BROKEN, 302);
	ask_for(f, &a, "/user", 0, GH_BROKEN, 302);
	ask_for(f, &a, "/back", GH_TEXT, GH_OK, 200); /* over there and back: without, too */
	ask_release(&a);
	fx_send(f, &a, "POST", "/log", json_object(), GH_TEXT);
	fx_expect(f, &a, GH_BROKEN, 302);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, "GET /blob"), 0);
	assert_int_equal(stub_count(f->stub, "GET /blob?sig=1"), 2);
	for (size_t i = 0; i < f->stub->n; i++)
		if (strstr(f->stub->seen[i].what, "/blob") ||
		    strstr(f->stub->seen[i].what, "/there"))
			assert_null(strstr(f->stub->seen[i].headers, "Authorization"));
}

static void graphql_has_its_own_address(void **state)
{
	struct fx *f = *state;
	static const struct canned token[] = {
		SAY("POST /api/v3/app/installations/7/access_tokens", 201, "", "{\"token\":\"t\"}"),
		SAY("POST /api/graphql", 200, "", "{\"data\":{}}"),
		SAY("GET /api/v3/x", 200, "", "{}"), END};
	autofree char *base = xasprintf("%s/api/v3/", f->base);
	struct gh_conf c = fx_conf(f);
	struct ask a = {0};

	c.base_url = base;
	fx_client(f, &c);
	f->stub->answers = token;
	fx_send(f, &a, "POST", "/graphql", json_object(), GH_READS);
	fx_expect(f, &a, GH_OK, 200);
	ask_for(f, &a, "/x", 0, GH_OK, 200);
	ask_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_come_as_one),
		TEST(pages_that_do_not_end_well),
		TEST(pages_are_too_large_together),
		TEST(what_did_not_change_is_said),
		TEST(what_is_known_is_of_who_asked),
		TEST(what_is_known_is_of_one_token),
		TEST(lists_are_conditional_as_a_whole),
		TEST(half_a_list_is_not_known),
		TEST(a_renamed_repository_is_followed),
		TEST(what_moved_out_is_not_followed),
		TEST(a_name_that_nobody_tells),
		TEST(no_token_for_another_host),
		TEST(graphql_has_its_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
