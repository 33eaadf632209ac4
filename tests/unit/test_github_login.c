/* test_github_login.c - who we are to GitHub: keys, tokens, clocks, installations */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

static const struct canned site[] = {
	SAY("GET /repos/acme/site", 200, "", "{\"full_name\":\"acme/site\"}"),
	SAY("GET /other", 200, "", "{}"),
	END,
};

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

/* Two were asked with a token that had ended. When the second hears of it a new one is there, and stays. */
static struct stub_conn *held;

static bool hold_b(struct stub_conn *c, const struct stub_seen *s, void *arg)
{
	if (strcmp(s->what, "GET /b") || held)
		return fx_hand_out_token(c, s, arg);
	held = c;
	return true;
}

static void a_401_drops_its_own_token(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY_ONCE("GET /a", 401, "", "{\"message\":\"Bad credentials\"}"),
		SAY("GET /a", 200, "", "{}"), SAY("GET /b", 200, "", "{}"), END};
	struct ask a = {0}, b = {0};

	held = NULL;
	f->stub->handler = hold_b;
	f->stub->answers = answers;
	fx_get(f, &b, "/b", 0);
	fx_get(f, &a, "/a", 0);
	fx_expect(f, &a, GH_OK, 200);
	assert_non_null(held);
	stub_reply(held, 401, "", "{\"message\":\"Bad credentials\"}", 0);
	fx_expect(f, &b, GH_OK, 200);
	assert_int_equal(f->tokens, 2);
	ask_release(&a);
	ask_release(&b);
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
	assert_non_null(strstr(a.text, "could not be decoded (are 'app' and 'key' those of the "
				       "App's page?)"));
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 1);
	st = gh_state(f->gh);
	assert_non_null(strstr(json_str(st, "problem", ""), "could not be decoded"));
}

/* Made up for, and refused all the same: a person has to look at the clock. */
static void a_wrong_clock_is_told(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY(FX_TOKENS, 401, "Date: Sat, 21 Nov 2099 12:00:00 GMT\r\n",
		    "{\"message\":\"'exp' is too far in the future\"}"),
		END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_NO_ACCESS, 401);
	assert_non_null(strstr(a.text, "(GitHub's clock is "));
	assert_non_null(strstr(a.text, " s ahead of this machine's: set it)"));
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 2); /* once by each clock */
}

static void a_missing_permission_is_named(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("POST /x", 403,
		    "X-Accepted-GitHub-Permissions: issues=write; pull_requests=write\r\n",
		    "{\"message\":\"Resource not accessible by integration\"}"),
		END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_send(f, &a, "POST", "/x", json_object(), 0);
	fx_expect(f, &a, GH_REFUSED, 403);
	assert_non_null(strstr(a.text, "Resource not accessible by integration; it needs the "
				       "permission issues=write; pull_requests=write"));
	ask_release(&a);
}

/* It is said to be mended: the door is knocked at at once. */
static void told_that_it_is_mended(void **state)
{
	struct fx *f = *state;
	static const struct canned bad[] = {
		SAY(FX_TOKENS, 403, "", "{\"message\":\"This installation has been suspended\"}"),
		END};
	struct ask a = {0};

	f->stub->answers = bad;
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_NO_ACCESS, 403);
	ask_release(&a);
	f->stub->answers = site;
	gh_try_again(f->gh);
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	gh_try_again(f->gh); /* a token has the permissions of when it was made */
	fx_get(f, &a, "/other", 0);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, FX_TOKENS), 3);
}

/* The App itself may not ask for the new name; being refused it would count as its key being refused. */
static void the_installation_of_a_renamed_repository(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		SAY("GET /repos/acme/old/installation", 301,
		    "Location: /repositories/9/installation\r\n", "{}"),
		SAY("GET /repositories/9/installation", 200, "", "{\"id\":7}"),
		SAY("GET /repositories/9", 401, "", "{\"message\":\"Bad credentials\"}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	gh_installation(f->gh, "acme/old", fx_on_installation, &a);
	fx_expect(f, &a, GH_OK, 200);
	assert_int_equal(a.number, 7);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, "GET /repositories/9"), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_installation_is_asked_with_its_token),
		TEST(a_token_is_bought_once),
		TEST(a_token_is_refreshed_before_its_end),
		TEST(the_jwt_is_signed_and_short),
		TEST(a_wrong_clock_is_made_up_for),
		TEST(a_401_buys_one_new_token),
		TEST(a_401_drops_its_own_token),
		TEST(a_wrong_key_is_told),
		TEST(the_installation_of_a_renamed_repository),
		TEST(a_wrong_clock_is_told),
		TEST(a_missing_permission_is_named),
		TEST(told_that_it_is_mended),
		TEST(trouble_that_was_mended_ends),
		TEST(a_suspended_installation_is_told),
		TEST(installations_do_not_hinder_each_other),
		TEST(a_plain_token_needs_no_app),
		TEST(git_gets_a_token),
		TEST(an_installation_is_found_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
