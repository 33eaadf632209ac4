/* test_github_client.c - the ways of requests to GitHub: queues, limits, what is to see */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

static const struct canned site[] = {
	SAY("GET /repos/acme/site", 200, "", "{\"full_name\":\"acme/site\"}"),
	SAY("GET /other", 200, "", "{}"),
	SAY("POST /comments", 201, "", "{\"id\":1}"),
	SAY("POST /labels", 201, "", "{\"id\":2}"),
	END,
};

/* --- order and spacing --- */

/* Writes go one after the other in their order, those that create with a gap between them; reads
 * pass by. */
static void writes_are_spaced_and_in_order(void **state)
{
	struct fx *f = *state;
	struct ask a[4] = {0};
	int64_t first = 0, second = 0;

	f->stub->answers = site;
	fx_send(f, &a[0], "POST", "/comments", json_pack("{s:i}", "n", 1), GH_CREATES);
	fx_send(f, &a[1], "POST", "/comments", json_pack("{s:i}", "n", 2), GH_CREATES);
	fx_send(f, &a[2], "POST", "/labels", json_pack("{s:i}", "n", 3), 0);
	fx_get(f, &a[3], "/other", 0);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		fx_expect(f, &a[i], GH_OK, i < 3 ? 201 : 200);
		ask_release(&a[i]);
	}
	assert_int_equal(f->stub->n, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct stub_seen *s = &f->stub->seen[i];

		if (!strcmp(s->body, "{\"n\":1}"))
			first = s->at_ms;
		if (!strcmp(s->body, "{\"n\":2}"))
			second = s->at_ms;
	}
	assert_true(second - first >= 100);
	assert_string_equal(f->stub->seen[4].body, "{\"n\":3}"); /* after both */
	assert_true(stub_count(f->stub, "GET /other") == 1);
	assert_string_not_equal(f->stub->seen[3].what, "GET /other"); /* not behind them */
}

static void reads_are_few_at_once(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK("GET /slow", STUB_HANG), END};
	struct ask a[10] = {0};

	f->stub->answers = answers;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		fx_get(f, &a[i], "/slow", 0);
	while (stub_count(f->stub, "GET /slow") < 4)
		fx_turn(f);
	for (int i = 0; i < 3; i++)
		fx_turn(f);
	assert_int_equal(stub_count(f->stub, "GET /slow"), 4);
}

static void only_the_latest_of_a_key_is_sent(void **state)
{
	struct fx *f = *state;
	struct gh_req r = {.method = "POST", .path = "/comments", .installation = FX_INSTALLATION};
	struct ask a[4] = {0};

	f->stub->answers = site;
	r.done = ask_done;
	for (int i = 0; i < 4; i++) {
		autojson json_t *body = json_pack("{s:i}", "n", i);

		r.body = body;
		r.coalesce = i == 1 ? NULL : "check 5";
		r.arg = &a[i];
		gh_send(f->gh, &r);
	}
	fx_expect(f, &a[0], GH_SUPERSEDED, 0);
	fx_expect(f, &a[2], GH_SUPERSEDED, 0);
	fx_expect(f, &a[1], GH_OK, 201);
	fx_expect(f, &a[3], GH_OK, 201);
	assert_int_equal(stub_count(f->stub, "POST /comments"), 2);
	assert_string_equal(f->stub->seen[1].body, "{\"n\":3}"); /* at the place of the first */
	assert_string_equal(f->stub->seen[2].body, "{\"n\":1}");
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		ask_release(&a[i]);
}

/* What was tried may have been carried out: a later one of its key comes after it, and not instead. */
static void what_was_tried_is_not_replaced(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY_ONCE("PATCH /check", 502, "", "{\"message\":\"x\"}"),
		SAY("PATCH /check", 200, "", "{}"), END};
	struct gh_req r = {.method = "PATCH",
			   .path = "/check",
			   .installation = FX_INSTALLATION,
			   .flags = GH_REPEATABLE,
			   .coalesce = "check 5",
			   .done = ask_done};
	struct gh_conf c = fx_conf(f);
	struct ask a[2] = {0};

	c.backoff_ms = 300;
	fx_client(f, &c);
	f->stub->answers = answers;
	r.arg = &a[0];
	gh_send(f->gh, &r);
	while (!stub_count(f->stub, "PATCH /check"))
		fx_turn(f);
	for (int64_t end = fx_now() + 100; fx_now() < end;) /* until its answer has come */
		fx_turn(f);
	r.arg = &a[1];
	gh_send(f->gh, &r);
	fx_expect(f, &a[0], GH_OK, 200);
	fx_expect(f, &a[1], GH_OK, 200);
	assert_int_equal(stub_count(f->stub, "PATCH /check"), 3);
	ask_release(&a[0]);
	ask_release(&a[1]);
}

/* A write that waits for its second try is not overtaken by the next. */
static void the_order_of_writes_is_kept(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY_ONCE("PATCH /first", 502, "", "{\"message\":\"x\"}"),
		SAY("PATCH /first", 200, "", "{}"), SAY("PATCH /second", 200, "", "{}"), END};
	struct gh_conf c = fx_conf(f);
	struct ask a = {0}, b = {0};
	size_t n;

	c.backoff_ms = 300;
	fx_client(f, &c);
	f->stub->answers = answers;
	fx_send(f, &a, "PATCH", "/first", json_object(), GH_REPEATABLE);
	fx_send(f, &b, "PATCH", "/second", json_object(), GH_REPEATABLE);
	fx_expect(f, &b, GH_OK, 200);
	fx_expect(f, &a, GH_OK, 200);
	n = f->stub->n;
	assert_string_equal(f->stub->seen[n - 1].what, "PATCH /second");
	assert_string_equal(f->stub->seen[n - 2].what, "PATCH /first");
	assert_string_equal(f->stub->seen[n - 3].what, "PATCH /first");
	ask_release(&a);
	ask_release(&b);
}

static bool only_labels(void *arg, const char *path)
{
	(*(int *)arg)++;
	return !strcmp(path, "/labels");
}

static json_t *document(const char *text)
{
	return json_pack("{s:s,s:{s:s}}", "query", text, "variables", "x", "\"query\":\"query(");
}

/* Queries of GraphQL are POSTs that change nothing: by what they say, not by what their sender says. */
static void a_query_leaves_where_nothing_may_be_written(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("POST /graphql", 200, "", "{\"data\":{}}"),
						SAY("POST /comments", 201, "", "{}"), END};
	struct gh_conf c = fx_conf(f);
	struct ask a[4] = {0};
	int asked = 0;

	c.may_write = only_labels;
	c.may_arg = &asked;
	fx_client(f, &c);
	f->stub->answers = answers;
	fx_send(f, &a[0], "POST", "/graphql", document("query($n:Int!){x}"), GH_READS);
	fx_send(f, &a[1], "POST", "/graphql", document("mutation($n:Int!){x}"), GH_READS);
	fx_send(f, &a[2], "POST", "/graphql", document("query($n:Int!){x}"), 0);
	fx_send(f, &a[3], "POST", "/comments", document("query($n:Int!){x}"), GH_READS);
	fx_expect(f, &a[0], GH_OK, 200);
	for (size_t i = 1; i < ARRAY_LEN(a); i++)
		fx_expect(f, &a[i], GH_REFUSED, 0);
	assert_int_equal(stub_count(f->stub, "POST /graphql"), 1);
	assert_int_equal(stub_count(f->stub, "POST /comments"), 0);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		ask_release(&a[i]);
}

/* The last wall of shadow mode: reads and the App's own token leave, what is no read leaves when it may. */
static void what_may_not_leave_does_not(void **state)
{
	struct fx *f = *state;
	struct gh_conf c = fx_conf(f);
	struct ask a[4] = {0};
	int asked = 0;

	c.may_write = only_labels;
	c.may_arg = &asked;
	fx_client(f, &c);
	f->stub->answers = site;
	fx_get(f, &a[0], "/other", 0);
	fx_send(f, &a[1], "POST", "/comments", NULL, GH_CREATES);
	fx_send(f, &a[2], "POST", "/labels", NULL, 0);
	fx_send(f, &a[3], "POST", "/comments", NULL, GH_READS);
	fx_expect(f, &a[0], GH_OK, 200);
	fx_expect(f, &a[1], GH_REFUSED, 0);
	assert_non_null(strstr(a[1].text, "shadow mode"));
	fx_expect(f, &a[2], GH_OK, 201);
	fx_expect(f, &a[3], GH_REFUSED, 0); /* whatever it calls itself */
	assert_int_equal(stub_count(f->stub, "POST /comments"), 0);
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 1);
	assert_int_equal(asked, 3);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		ask_release(&a[i]);
}

static void a_full_queue_is_said(void **state)
{
	struct fx *f = *state;
	struct gh_conf c = fx_conf(f);
	struct ask a[3] = {0};

	c.queue_max = 2;
	fx_client(f, &c);
	f->stub->answers = site;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		fx_get(f, &a[i], "/other", 0);
	fx_expect(f, &a[2], GH_RETRY, 0);
	fx_expect(f, &a[0], GH_OK, 200);
	fx_expect(f, &a[1], GH_OK, 200);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		ask_release(&a[i]);
}

/* Waiting, running, and one that is over. */
static void requests_are_cancelled(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK("POST /slow", STUB_HANG),
						SAY("POST /quick", 201, "", "{}"), END};
	struct ask a[3] = {0};
	uint64_t running, waiting, quick;

	f->stub->answers = answers;
	running = fx_send(f, &a[0], "POST", "/slow", json_object(), 0);
	waiting = fx_send(f, &a[1], "POST", "/slow", json_object(), 0);
	quick = fx_send(f, &a[2], "POST", "/quick", json_object(), 0);
	while (stub_count(f->stub, "POST /slow") < 1)
		fx_turn(f);
	gh_cancel(f->gh, waiting);
	gh_cancel(f->gh, running);
	fx_expect(f, &a[2], GH_OK, 201); /* its turn came */
	gh_cancel(f->gh, quick);
	gh_cancel(f->gh, 12345);
	assert_int_equal(a[0].calls + a[1].calls, 0);
	assert_int_equal(stub_count(f->stub, "POST /slow"), 1);
	ask_release(&a[2]);
}

static void on_send_more(void *arg, const struct gh_answer *answer)
{
	struct fx *f = arg;

	assert_int_equal(answer->outcome, GH_OK);
	fx_get(f, &f->more, "/other", 0);
	gh_cancel(f->gh, f->victim);
}

/* From inside `done` more is sent, and another that has its answer already is cancelled. */
static void done_may_send_and_cancel(void **state)
{
	struct fx *f = *state;
	struct gh_req r = {.path = "/other", .installation = FX_INSTALLATION};
	struct ask victim = {0};

	f->stub->answers = site;
	r.done = on_send_more;
	r.arg = f;
	gh_send(f->gh, &r);
	f->victim = fx_get(f, &victim, "/other", 0);
	fx_expect(f, &f->more, GH_OK, 200);
	assert_int_equal(victim.calls, 0);
	ask_release(&f->more);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct fx *f = *state;
	static const struct {
		const char *method, *path;
		unsigned flags;
	} bad[] = {
		{"GET", "no-slash", 0},
		{"GET", "/a b", 0},
		{"GET", "/a\r\nX: y", 0},
		{"GET", "/a/../../b", 0},
		{"GET", "/a/%2e%2E/b", 0},
		{"GET", "/a#b", 0},
		{"GET", "//evil.example/", GH_CREATES},
		{"POST", "/a", GH_CONDITIONAL},
		{"DELETE", "/a", GH_ALL_PAGES},
		{"GET", "/a", GH_TEXT | GH_ALL_PAGES},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ask a = {0};

		fx_send(f, &a, bad[i].method, bad[i].path, NULL, bad[i].flags);
		fx_expect(f, &a, GH_REFUSED, 0);
		ask_release(&a);
	}
	assert_int_equal(f->stub->n, 0);
}

/* --- limits --- */

/* A short hold is waited for, a long one is for the caller; writes are repeated, for they were refused. */
static void limits_are_kept(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY_ONCE("POST /short", 429, "Retry-After: 1\r\n", "{\"message\":\"slow down\"}"),
		SAY("POST /short", 201, "", "{}"),
		SAY_ONCE("POST /long", 403, "Retry-After: 77\r\n", "{\"message\":\"slow down\"}"),
		END};
	struct ask a = {0}, b = {0};
	autojson json_t *st = NULL;
	json_t *lane;
	int64_t at = fx_now(), wall = clock_system.wall_ms(&clock_system);

	f->stub->answers = answers;
	fx_send(f, &a, "POST", "/short", json_object(), 0);
	fx_expect(f, &a, GH_OK, 201);
	assert_true(fx_now() - at >= 1000);
	ask_release(&a);

	fx_send(f, &a, "POST", "/long", json_object(), 0);
	fx_expect(f, &a, GH_RETRY, 403);
	assert_in_range(a.not_before_ms - wall, 76000, 90000);
	fx_get(f, &b, "/other", 0); /* the hold is the whole installation's */
	fx_expect(f, &b, GH_RETRY, 0);
	assert_in_range(b.not_before_ms - wall, 76000, 90000);
	assert_non_null(strstr(b.text, "Retry-After"));
	assert_int_equal(stub_count(f->stub, "GET /other"), 0);
	st = gh_state(f->gh);
	lane = json_array_get(json_object_get(st, "installations"), 1);
	assert_int_equal(json_int(lane, "id", 0), FX_INSTALLATION);
	assert_in_range(json_int(lane, "hold_ms", 0), 70000, 77000);
	ask_release(&a);
	ask_release(&b);
}

/* A plain token's limits are its user's, whatever repository it is used for. */
static void the_limits_of_a_token_are_one(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /x", 403, "Retry-After: 77\r\n", "{\"message\":\"slow down\"}"),
		SAY("GET /y", 200, "", "{}"), END};
	struct gh_conf c = fx_conf(f);
	struct gh_req r = {.path = "/y", .installation = 8, .done = ask_done};
	struct ask a = {0};

	c.app = c.key = NULL;
	c.token = "github_pat_abc";
	fx_client(f, &c);
	f->stub->answers = answers;
	fx_get(f, &a, "/x", 0);
	fx_expect(f, &a, GH_RETRY, 403);
	ask_release(&a);
	r.arg = &a;
	gh_send(f->gh, &r);
	fx_expect(f, &a, GH_RETRY, 0);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, "GET /y"), 0);
}

static void a_429_without_a_time_holds_a_minute(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET /x", 429, "", "{\"message\":\"no\"}"),
						END};
	struct ask a = {0};
	int64_t wall = clock_system.wall_ms(&clock_system);

	f->stub->answers = answers;
	fx_get(f, &a, "/x", 0);
	fx_expect(f, &a, GH_RETRY, 429);
	assert_in_range(a.not_before_ms - wall, 59000, 75000);
	assert_int_equal(stub_count(f->stub, "GET /x"), 1);
	ask_release(&a);
}

/* --- what is to see --- */

static void requests_are_counted_by_kind(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY_ONCE("GET /x", 502, "", ""),
						SAY("GET /x", 200, "", "{}"), END};
	struct gh_req r = {.path = "/x", .installation = FX_INSTALLATION, .kind = "look"};
	struct ask a = {0};
	autojson json_t *counts = NULL;
	autofree char *text = NULL;

	f->stub->answers = answers;
	r.done = ask_done;
	r.arg = &a;
	gh_send(f->gh, &r);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	counts = gh_counts(f->gh);
	text = json_text(counts);
	assert_string_equal(
		text,
		"{\"token\":{\"sent\":1,\"ok\":1,\"unchanged\":0,\"failed\":0,\"repeated\":0},"
		"\"look\":{\"sent\":2,\"ok\":1,\"unchanged\":0,\"failed\":1,\"repeated\":1}}");
}

/* Neither the state nor the counts nor any text holds a token or the key. */
static void no_secret_is_shown(void **state)
{
	struct fx *f = *state;
	struct ask a = {0};
	autofree char *st = NULL;
	json_t *j;

	f->stub->answers = site;
	fx_get(f, &a, "/none", 0);
	fx_expect(f, &a, GH_GONE, 404);
	j = gh_state(f->gh);
	st = json_text(j);
	json_decref(j);
	assert_null(strstr(st, "ghs_"));
	assert_null(strstr(a.text, "ghs_"));
	assert_non_null(strstr(a.text, "GET /none: 404: Not Found"));
	ask_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_are_spaced_and_in_order),
		TEST(reads_are_few_at_once),
		TEST(only_the_latest_of_a_key_is_sent),
		TEST(what_was_tried_is_not_replaced),
		TEST(the_order_of_writes_is_kept),
		TEST(the_limits_of_a_token_are_one),
		TEST(what_may_not_leave_does_not),
		TEST(a_query_leaves_where_nothing_may_be_written),
		TEST(a_full_queue_is_said),
		TEST(requests_are_cancelled),
		TEST(done_may_send_and_cancel),
		TEST(what_makes_no_sense_is_refused),
		TEST(limits_are_kept),
		TEST(a_429_without_a_time_holds_a_minute),
		TEST(requests_are_counted_by_kind),
		TEST(no_secret_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
