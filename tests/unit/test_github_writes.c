/* test_github_writes.c - what is written to GitHub: how fast, and only the latest of what is said twice */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_world.h"

#define HEAD   "1000000000000000000000000000000000000004"
#define GAP_MS 300
#define PULL                                                                                       \
	"{\"number\":4,\"title\":\"t\",\"body\":\"\",\"state\":\"open\",\"draft\":true,"           \
	"\"user\":{\"login\":\"yard[bot]\",\"type\":\"Bot\"},"                                     \
	"\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\","                               \
	"\"base\":{\"ref\":\"main\",\"sha\":\"" HEAD "\"},"                                        \
	"\"head\":{\"ref\":\"topic\",\"sha\":\"" HEAD "\",\"repo\":{\"full_name\":\"octo/app\"}}}"
#define SAID                                                                                       \
	"{\"id\":9,\"body\":\"b\",\"user\":{\"login\":\"yard[bot]\",\"type\":\"Bot\"},"            \
	"\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\"}"

static const struct canned answers[] = {
	SAY("POST " REPO "/issues/3/comments", 201, "", SAID),
	SAY("POST " REPO "/issues/4/comments", 201, "", SAID),
	SAY("POST " REPO "/check-runs", 201, "", "{\"id\":77}"),
	SAY("PATCH " REPO "/check-runs/77", 200, "", "{\"id\":77}"),
	SAY("POST " REPO "/statuses/" HEAD, 201, "", "{\"id\":78}"),
	SAY("POST " REPO "/pulls", 201, "", PULL),
	END,
};

static void open_with(struct world *w, struct fx *f, bool app)
{
	struct gh_conf c = fx_conf(f);

	c.create_gap_ms = GAP_MS;
	if (!app) {
		c.app = c.key = NULL;
		c.token = "github_pat_abc";
	}
	fx_client(f, &c);
	world_of_pages(w, f, NULL, false);
	f->stub->answers = answers;
}

static json_t *check(const char *name, const char *title)
{
	return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s}", "number", 4, "head", HEAD, "name", name,
			 "key", name, "status", "queued", "title", title, "summary", "s");
}

static void do_it(struct world *w, const char *kind, json_t *payload)
{
	act(w, kind, payload);
	if (w->why.code)
		fail_msg("%s: %s", kind, err_text(&w->why));
}

static json_t *comment(int number)
{
	autofree char *key = xasprintf("key %d", number);

	return json_pack("{s:i,s:s,s:s}", "number", number, "key", key, "body", "b");
}

/* Of what makes others look, one a second: from the answer of one to the next. */
static void what_creates_is_spaced(void **state)
{
	static const char *const posts[] = {"/comments", "/check-runs", "/pulls", "/pulls",
					    "/comments"};
	const struct gh_conf usual = GH_CONF_INIT;
	struct world w;
	size_t n = 0;
	int64_t last = 0;

	assert_true(usual.create_gap_ms >= 1000 && usual.reads < 100);
	open_with(&w, *state, true);
	do_it(&w, "forge-comment", comment(3));
	do_it(&w, "forge-check", check("yardmaster/queue", "t"));
	do_it(&w, "forge-pr-open",
	      json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "title", "t", "body", "", "base", "main",
			"topic", "topic", "head", HEAD, "files", "[]"));
	/* what becomes of it is asked for next, and nobody answers here */
	act(&w, "cand-draft",
	    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "title", "t", "body", "", "base", "main",
		      "branch", "topic", "base_oid", HEAD, "tree", HEAD));
	do_it(&w, "forge-comment", comment(4));
	for (size_t i = 0; i < w.f->stub->n; i++) {
		const struct stub_seen *s = &w.f->stub->seen[i];

		if (strncmp(s->what, "POST " REPO, strlen("POST " REPO)) != 0)
			continue;
		assert_true(n < ARRAY_LEN(posts));
		assert_non_null(strstr(s->what, posts[n]));
		if (n && s->at_ms - last < GAP_MS)
			fail_msg("%s: %lld ms after the one before", s->what,
				 (long long)(s->at_ms - last));
		last = s->at_ms;
		n++;
	}
	assert_int_equal(n, ARRAY_LEN(posts));
	world_release(&w);
}

/* What the answer says is known at once, and told: no webhook tells of what we did ourselves. */
static void a_pr_is_closed(void **state)
{
	static const struct canned closing[] = {
		SAY("PATCH " REPO "/pulls/4", 200, "",
		    "{\"number\":4,\"title\":\"t\",\"body\":\"\",\"state\":\"closed\",\"merged\":"
		    "false,"
		    "\"user\":{\"login\":\"yard[bot]\",\"type\":\"Bot\"},"
		    "\"created_at\":\"" SINCE "\",\"updated_at\":\"" SINCE "\","
		    "\"base\":{\"ref\":\"main\",\"sha\":\"" HEAD "\"},"
		    "\"head\":{\"ref\":\"topic\",\"sha\":\"" HEAD
		    "\",\"repo\":{\"full_name\":\"octo/app\"}}}"),
		END};
	cleanup(pr_release) struct pr pr = {.number = 4,
					    .title = xstrdup("t"),
					    .body = xstrdup(""),
					    .state = xstrdup("open"),
					    .author = xstrdup("yard[bot]"),
					    .base = xstrdup("main"),
					    .topic = xstrdup("topic"),
					    .head = xstrdup(HEAD),
					    .files = xstrdup("[]"),
					    .held = 1,
					    .task = 0};
	cleanup(pr_release) struct pr now = {0};
	struct world w;

	open_with(&w, *state, true);
	w.f->stub->answers = closing;
	pr.repo = w.repo.id;
	assert_int_equal(pr_insert(w.forge.db, &pr, NULL), 0);
	do_it(&w, "forge-pr-close", json_pack("{s:i}", "number", 4));
	assert_int_equal(pr_get(w.forge.db, pr.id, &now, NULL), 1);
	assert_string_equal(now.state, "closed");
	assert_int_equal(now.held, 1);
	assert_told(&w, "pr-closed 4 - yard[bot]");
	world_release(&w);
}

/* So are the statuses of a plain token. */
static void statuses_are_spaced(void **state)
{
	struct world w;
	const struct stub_seen *s;

	open_with(&w, *state, false);
	do_it(&w, "forge-check", check("yardmaster/queue", "one"));
	do_it(&w, "forge-check", check("yardmaster/queue", "two"));
	assert_int_equal(w.f->stub->n, 2);
	s = w.f->stub->seen;
	assert_string_equal(s[1].what, "POST " REPO "/statuses/" HEAD);
	assert_true(s[1].at_ms - s[0].at_ms >= GAP_MS);
	world_release(&w);
}

/* Three states are all that a status knows. */
static void a_status_says_how_it_went(void **state)
{
	static const struct {
		const char *conclusion, *said;
	} rows[] = {{NULL, "pending"},        {"success", "success"},
		    {"neutral", "success"},   {"failure", "failure"},
		    {"cancelled", "failure"}, {"action_required", "failure"}};
	struct world w;

	open_with(&w, *state, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *title = xasprintf("t%zu", i);
		autofree char *expected =
			xasprintf("{\"context\":\"yardmaster/queue\",\"description\":\"%s\","
				  "\"state\":\"%s\"}",
				  title, rows[i].said);
		json_t *p = check("yardmaster/queue", title);
		autojson json_t *found = NULL;
		autofree char *text = NULL;

		json_put_str(p, "conclusion", rows[i].conclusion);
		do_it(&w, "forge-check", p);
		assert_int_equal(w.f->stub->n, i + 1);
		found = json_loads(w.f->stub->seen[i].body, 0, NULL);
		text = json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text, expected);
	}
	world_release(&w);
}

/* Its id in the ledger. */
static int64_t wanted(struct world *w, const char *key, const char *title)
{
	autojson json_t *p = check("yardmaster/queue", title);
	int64_t n = 0;

	json_put_int(p, "repo", w->repo.id);
	assert_int_equal(effect_add(w->forge.db, key, "check 4", "forge-check", p, 1, NULL), 1);
	n = db_last_id(w->forge.db);
	assert_true(n > 0);
	return n;
}

/* What a check said in between is said to nobody; and what it says already is not said again. */
static void only_the_latest_of_a_check_is_said(void **state)
{
	struct world w;
	const struct stub_seen *s;
	int64_t one, two;

	open_with(&w, *state, true);
	one = wanted(&w, "1", "one");
	two = wanted(&w, "2", "two");
	act_of(&w, one, "forge-check", check("yardmaster/queue", "one"));
	assert_int_equal(w.why.code, 0);
	assert_int_equal(w.f->stub->n, 0);
	act_of(&w, two, "forge-check", check("yardmaster/queue", "two"));
	assert_int_equal(w.why.code, 0);
	assert_int_equal(stub_count(w.f->stub, "POST " REPO "/check-runs"), 1);
	s = &w.f->stub->seen[w.f->stub->n - 1];
	assert_non_null(strstr(s->body, "\"title\":\"two\""));
	act_of(&w, two, "forge-check", check("yardmaster/queue", "two"));
	assert_int_equal(stub_count(w.f->stub, "POST " REPO "/check-runs"), 1);
	assert_int_equal(stub_count(w.f->stub, "PATCH " REPO "/check-runs/77"), 0);
	act_of(&w, two, "forge-check", check("yardmaster/queue", "three"));
	assert_int_equal(stub_count(w.f->stub, "PATCH " REPO "/check-runs/77"), 1);
	world_release(&w);
}

static json_t *sticky(const char *body)
{
	return json_pack("{s:i,s:s,s:s}", "number", 3, "key", "sticky", "body", body);
}

/* Nor is a version of a comment that another one has overtaken. */
static void only_the_latest_of_a_comment_is_said(void **state)
{
	static const char *const bodies[] = {"one", "two"};
	struct world w;
	int64_t id[2];

	open_with(&w, *state, true);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		autojson json_t *p = sticky(bodies[i]);

		json_put_int(p, "repo", w.repo.id);
		assert_int_equal(
			effect_add(w.forge.db, bodies[i], "comment 3", "forge-comment", p, 1, NULL),
			1);
		id[i] = db_last_id(w.forge.db);
	}
	act_of(&w, id[0], "forge-comment", sticky("one"));
	assert_int_equal(w.f->stub->n, 0);
	act_of(&w, id[1], "forge-comment", sticky("two"));
	assert_int_equal(stub_count(w.f->stub, "POST " REPO "/issues/3/comments"), 1);
	assert_non_null(strstr(w.f->stub->seen[w.f->stub->n - 1].body, "\"two"));
	act_of(&w, id[1], "forge-comment", sticky("two"));
	assert_int_equal(stub_count(w.f->stub, "POST " REPO "/issues/3/comments"), 1);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_creates_is_spaced),
		TEST(statuses_are_spaced),
		TEST(a_pr_is_closed),
		TEST(a_status_says_how_it_went),
		TEST(only_the_latest_of_a_check_is_said),
		TEST(only_the_latest_of_a_comment_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
