/* test_github_client.c - the ways of requests to GitHub: credentials, queues, limits, what is to see */
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

/* --- who we are --- */

static void an_installation_is_asked_with_its_token(void **state)
{
	struct fx *f = *state;
	struct ask a = {0};

	f->stub->answers = site;
	fx_get(f, &a, "/repos/acme/site", 0);
	fx_expect(f, &a, GH_OK, 200);
	assert_string_equal(json_str(a.body, "full_name", ""), "acme/site");
	fx_seen_with(f, 0, FX_TOKENS, "Bearer ey");
	fx_seen_with(f, 1, "GET /repos/acme/site", "Bearer ghs_1_");
	fx_seen_with(f, 1, "GET /repos/acme/site", "User-Agent: yardmaster/");
	fx_seen_with(f, 1, "GET /repos/acme/site", "X-GitHub-Api-Version: 2022-11-28");
	ask_release(&a);

	fx_get(f, &a, "/repos/acme/site", 0);
	fx_expect(f, &a, GH_OK, 200);
	assert_int_equal(f->stub->n, 3); /* the token is kept */
	ask_release(&a);
}

/* Ten requests at once buy one token. */
static void a_token_is_bought_once(void **state)
{
	struct fx *f = *state;
	struct ask a[10] = {0};

	f->stub->answers = site;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		fx_get(f, &a[i], "/other", 0);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		fx_expect(f, &a[i], GH_OK, 200);
		ask_release(&a[i]);
	}
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 1);
}

/* One with less than ten minutes left is not used any more; one whose end seems to be past is, for a
 * minute: it is the clocks that are more often wrong. */
static void a_token_is_refreshed_before_its_end(void **state)
{
	struct fx *f = *state;
	static const struct {
		int64_t life_s, later_ms;
		int tokens;
	} cases[] = {{3600, 0, 1},       {3600, 2900000, 1}, {3600, 3001000, 2},
		     {-100, 6002000, 3}, {-100, 6050000, 3}, {-100, 6070000, 4}};

	f->stub->answers = site;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ask a = {0};

		f->token_life_s = cases[i].life_s;
		f->mono_off = cases[i].later_ms;
		fx_get(f, &a, "/other", 0);
		fx_expect(f, &a, GH_OK, 200);
		ask_release(&a);
		assert_int_equal(f->tokens, cases[i].tokens);
	}
}

static void the_jwt_is_signed_and_short(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET /app", 200, "", "{}"), END};
	struct gh_req r = {.path = "/app", .done = ask_done};
	struct ask a = {0};
	autofree char *value = NULL;
	autojson json_t *claims = NULL;
	int64_t now = clock_system.wall_ms(&clock_system) / 1000;

	f->stub->answers = answers;
	r.arg = &a;
	gh_send(f->gh, &r);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	value = stub_header(&f->stub->seen[0], "Authorization");
	claims = fx_verify_jwt(f, value + strlen("Bearer "));
	assert_string_equal(json_str(claims, "iss", ""), "Iv23test");
	assert_in_range(now - json_int(claims, "iat", 0), 58, 62);
	assert_in_range(json_int(claims, "exp", 0) - now, 300, 595);
}

/* Our clock is an hour behind: GitHub's first refusal says so, and the second JWT is right. */
static void a_wrong_clock_is_made_up_for(void **state)
{
	struct fx *f = *state;
	struct ask a = {0};
	autojson json_t *st = NULL;

	f->stub->answers = site;
	f->wall_off = -3600000;
	f->check_clock = true;
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 2);
	st = gh_state(f->gh);
	assert_in_range(json_int(st, "skew_ms", 0), 3598000, 3602000);
	assert_null(json_object_get(st, "problem"));
}

static void a_401_buys_one_new_token(void **state)
{
	struct fx *f = *state;
	static const struct canned once[] = {
		SAY_ONCE("POST /x", 401, "", "{\"message\":\"Bad credentials\"}"),
		SAY("POST /x", 201, "", "{}"), END};
	static const struct canned always[] = {
		SAY("POST /x", 401, "", "{\"message\":\"Bad credentials\"}"), END};
	struct ask a = {0};

	f->stub->answers = once;
	fx_send(f, &a, "POST", "/x", json_object(), 0);
	fx_expect(f, &a, GH_OK, 201);
	ask_release(&a);
	assert_int_equal(f->tokens, 2);
	fx_seen_with(f, 3, "POST /x", "Bearer ghs_2_");

	f->stub->answers = always;
	fx_send(f, &a, "POST", "/x", json_object(), 0);
	fx_expect(f, &a, GH_NO_ACCESS, 401);
	assert_non_null(strstr(a.text, "Bad credentials"));
	assert_true(a.not_before_ms > clock_system.wall_ms(&clock_system) + 20000);
	ask_release(&a);
	assert_int_equal(f->tokens, 3);
	/* And then it is not knocked at the door again and again. */
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_NO_ACCESS, 401);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, "GET /other"), 0);
}

static void a_wrong_key_is_told(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY(FX_TOKENS, 401, "", "{\"message\":\"A JSON web token could not be decoded\"}"),
		END};
	struct ask a = {0};
	autojson json_t *st = NULL;

	f->stub->answers = answers;
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_NO_ACCESS, 401);
	assert_non_null(strstr(a.text, "could not be decoded"));
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 1);
	st = gh_state(f->gh);
	assert_non_null(strstr(json_str(st, "problem", ""), "could not be decoded"));
}

/* Paused for a while, doubling; when the trouble is mended it goes on by itself. */
static void trouble_that_was_mended_ends(void **state)
{
	struct fx *f = *state;
	static const struct canned bad[] = {
		SAY(FX_TOKENS, 401, "", "{\"message\":\"Bad credentials\"}"), END};
	static const int64_t pause_ms[] = {30000, 60000, 120000};

	for (size_t i = 0; i < ARRAY_LEN(pause_ms); i++) {
		struct ask a = {0};
		int64_t wait;

		f->stub->answers = bad;
		fx_get(f, &a, "/other", 0);
		fx_expect(f, &a, GH_NO_ACCESS, 401);
		wait = a.not_before_ms - clock_system.wall_ms(&clock_system);
		assert_in_range(wait, pause_ms[i] - 10000, pause_ms[i]);
		ask_release(&a);
		f->stub->answers = site;
		f->mono_off += wait - 5000; /* mended, but it is not noticed yet */
		fx_get(f, &a, "/other", 0);
		fx_expect(f, &a, GH_NO_ACCESS, 401);
		ask_release(&a);
		assert_int_equal(stub_count(f->stub, "GET /other"), 0);
		f->mono_off += 5000 + 1;
	}
	for (int i = 0; i < 2; i++) {
		struct ask a = {0};

		fx_get(f, &a, "/other", 0);
		fx_expect(f, &a, GH_OK, 200);
		ask_release(&a);
	}
	{
		autojson json_t *st = gh_state(f->gh);
		autofree char *text = json_text(st);

		assert_null(strstr(text, "problem"));
	}
}

static void a_suspended_installation_is_told(void **state)
{
	struct fx *f = *state;
	static const struct canned at_token[] = {
		SAY(FX_TOKENS, 403, "", "{\"message\":\"This installation has been suspended\"}"),
		END};
	static const struct canned gone[] = {SAY(FX_TOKENS, 404, "", "{\"message\":\"Not Found\"}"),
					     END};
	static const struct canned later[] = {
		SAY("GET /x", 403, "", "{\"message\":\"This installation has been suspended\"}"),
		END};
	const struct canned *all[] = {at_token, gone, later};
	static const int status[] = {403, 404, 403};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct gh_conf c = fx_conf(f);
		struct ask a = {0};

		fx_client(f, &c);
		f->stub->answers = all[i];
		fx_get(f, &a, "/x", 0);
		fx_expect(f, &a, GH_NO_ACCESS, status[i]);
		ask_release(&a);
	}
}

/* The trouble of one installation is not that of another one. */
static void installations_do_not_hinder_each_other(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("POST /app/installations/8/access_tokens", 403, "",
		    "{\"message\":\"This installation has been suspended\"}"),
		SAY("POST /app/installations/9/access_tokens", 201, "", "{\"token\":\"ghs_nine\"}"),
		SAY("GET /limited", 429, "Retry-After: 100\r\n", ""),
		SAY("GET /other", 200, "", "{}"), END};
	struct gh_req r = {.path = "/other", .installation = 8, .done = ask_done};
	struct ask a = {0};

	f->stub->answers = answers;
	r.arg = &a;
	gh_send(f->gh, &r);
	fx_expect(f, &a, GH_NO_ACCESS, 403);
	ask_release(&a);
	r.installation = 9;
	r.path = "/limited";
	gh_send(f->gh, &r);
	fx_expect(f, &a, GH_RETRY, 429);
	ask_release(&a);
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, "GET /other"), 1);
}

static void a_plain_token_needs_no_app(void **state)
{
	struct fx *f = *state;
	struct gh_conf c = fx_conf(f);
	struct ask a = {0};

	c.app = c.key = NULL;
	c.token = "github_pat_abc";
	fx_client(f, &c);
	assert_false(gh_is_app(f->gh));
	f->stub->answers = site;
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	assert_int_equal(f->stub->n, 1);
	fx_seen_with(f, 0, "GET /other", "Bearer github_pat_abc\r\n");
	gh_installation(f->gh, "acme/site", fx_on_installation, &a);
	fx_expect(f, &a, GH_OK, 0);
	assert_int_equal(a.number, 0);
	ask_release(&a);
	gh_token(f->gh, 0, fx_on_token, &a);
	fx_expect(f, &a, GH_OK, 0);
	assert_string_equal(a.raw, "github_pat_abc");
	ask_release(&a);
}

static void git_gets_a_token(void **state)
{
	struct fx *f = *state;
	struct ask a = {0};

	gh_token(f->gh, FX_INSTALLATION, fx_on_token, &a);
	fx_expect(f, &a, GH_OK, 0);
	assert_memory_equal(a.raw, "ghs_1_", 6);
	assert_true(strlen(a.raw) > 500);
	ask_release(&a);
	gh_token(f->gh, 0, fx_on_token, &a); /* an App has none by itself */
	fx_expect(f, &a, GH_REFUSED, 0);
	assert_null(a.raw);
	ask_release(&a);
}

static void an_installation_is_found_once(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /repos/acme/site/installation", 200, "", "{\"id\":7}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	for (int i = 0; i < 2; i++) {
		gh_installation(f->gh, i ? "Acme/Site" : "acme/site", fx_on_installation, &a);
		fx_expect(f, &a, GH_OK, i ? 0 : 200);
		assert_int_equal(a.number, 7);
		ask_release(&a);
	}
	assert_int_equal(f->stub->n, 1);
	fx_seen_with(f, 0, "GET /repos/acme/site/installation", "Bearer ey");
	gh_forget_installations(f->gh);
	gh_installation(f->gh, "acme/site", fx_on_installation, &a);
	fx_expect(f, &a, GH_OK, 200);
	assert_int_equal(f->stub->n, 2);
	ask_release(&a);
	gh_installation(f->gh, "acme/none", fx_on_installation, &a);
	fx_expect(f, &a, GH_GONE, 404);
	assert_int_equal(a.number, 0);
	ask_release(&a);
}

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
		TEST(an_installation_is_asked_with_its_token),
		TEST(a_token_is_bought_once),
		TEST(a_token_is_refreshed_before_its_end),
		TEST(the_jwt_is_signed_and_short),
		TEST(a_wrong_clock_is_made_up_for),
		TEST(a_401_buys_one_new_token),
		TEST(a_wrong_key_is_told),
		TEST(trouble_that_was_mended_ends),
		TEST(a_suspended_installation_is_told),
		TEST(installations_do_not_hinder_each_other),
		TEST(a_plain_token_needs_no_app),
		TEST(git_gets_a_token),
		TEST(an_installation_is_found_once),
		TEST(writes_are_spaced_and_in_order),
		TEST(reads_are_few_at_once),
		TEST(only_the_latest_of_a_key_is_sent),
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
