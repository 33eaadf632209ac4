/*
 * test_github_faults.c - everything that can come instead of an answer, for a read and for a write.
 * What matters most: a write that may have been carried out is sent once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

#define SAYS(text) "{\"message\":\"" text "\"}"
#define HTML       "<html><body>We are down for maintenance</body></html>"
#define AS_HTML    "Content-Type: text/html\r\n"

/* What comes of one kind of answer that stays the same. */
struct fault {
	const char *name;
	struct canned with; /* `what` is filled in */
	enum gh_outcome read, write;
	size_t reads, writes; /* how often it was sent */
	const char *text;     /* in the text of the read's answer */
	int status;
};

static const struct fault faults[] = {
	{"permission missing",
	 SAY("", 403, "X-RateLimit-Remaining: 12\r\n", SAYS("Resource not accessible")), GH_REFUSED,
	 GH_REFUSED, 1, 1, "403: Resource not accessible", 403},
	{"400", SAY("", 400, "", SAYS("Problems parsing JSON")), GH_REFUSED, GH_REFUSED, 1, 1,
	 "Problems", 400},
	{"404", SAY("", 404, "", SAYS("Not Found")), GH_GONE, GH_GONE, 1, 1, "Not Found", 404},
	{"410", SAY("", 410, "", SAYS("Issues are disabled")), GH_GONE, GH_GONE, 1, 1, "disabled",
	 410},
	{"405", SAY("", 405, "", SAYS("Pull Request is not mergeable")), GH_CONFLICT, GH_CONFLICT,
	 1, 1, "not mergeable", 405},
	{"409", SAY("", 409, "", SAYS("Head branch was modified")), GH_CONFLICT, GH_CONFLICT, 1, 1,
	 "modified", 409},
	{"422",
	 SAY("", 422, "",
	     "{\"message\":\"Validation "
	     "Failed\",\"errors\":[{\"resource\":\"PullRequest\",\"field\":"
	     "\"head\",\"code\":\"invalid\"}]}"),
	 GH_CONFLICT, GH_CONFLICT, 1, 1, "Validation Failed: PullRequest head is invalid", 422},
	{"451", SAY("", 451, "", SAYS("blocked")), GH_REFUSED, GH_REFUSED, 1, 1, "blocked", 451},
	{"limit in words", SAY("", 403, "", SAYS("You have exceeded a secondary rate limit")),
	 GH_RETRY, GH_RETRY, 1, 1, "secondary rate limit", 403},
	{"limit used up",
	 SAY("", 403, "X-RateLimit-Remaining: 0\r\n", SAYS("API rate limit exceeded")), GH_RETRY,
	 GH_RETRY, 1, 1, "rate limit", 403},
	{"408", SAY("", 408, "", SAYS("x")), GH_RETRY, GH_UNKNOWN, 3, 1, "408", 408},
	{"500", SAY("", 500, "", ""), GH_RETRY, GH_UNKNOWN, 3, 1, "500", 500},
	{"502 in HTML", SAY("", 502, AS_HTML, HTML), GH_RETRY, GH_UNKNOWN, 3, 1, "text/html", 502},
	{"503 for long", SAY("", 503, "Retry-After: 60\r\n", SAYS("x")), GH_RETRY, GH_UNKNOWN, 1, 1,
	 "503", 503},
	{"200 in HTML", SAY("", 200, AS_HTML, HTML), GH_RETRY, GH_UNKNOWN, 3, 1, "We are down",
	 200},
	{"404 in HTML", SAY("", 404, AS_HTML, HTML), GH_RETRY, GH_UNKNOWN, 3, 1, "We are down",
	 404},
	{"413 in HTML", SAY("", 413, AS_HTML, HTML), GH_REFUSED, GH_REFUSED, 1, 1, "413", 413},
	{"half a JSON", SAY("", 200, "", "{\"id\":1,"), GH_RETRY, GH_UNKNOWN, 3, 1, "not JSON",
	 200},
	{"not UTF-8", SAY("", 200, "", "{\"id\":\"\xff\"}"), GH_RETRY, GH_UNKNOWN, 3, 1, "not JSON",
	 200},
	{"half a body", TRICK("", STUB_HALF), GH_RETRY, GH_UNKNOWN, 3, 1, "", 200},
	/* libcurl itself sends a read once more when an idle connection turns out to be closed. */
	{"cut", TRICK("", STUB_CUT), GH_RETRY, GH_UNKNOWN, 4, 1, "", 0},
	{"hang", TRICK("", STUB_HANG), GH_RETRY, GH_UNKNOWN, 3, 1, "", 0},
	{"huge", TRICK("", STUB_HUGE), GH_BROKEN, GH_UNKNOWN, 1, 1, "too large", 200},
	{"not HTTP",
	 {.body = "SSH-2.0-OpenSSH_9.2\r\n\r\n", .trick = STUB_RAW},
	 GH_RETRY,
	 GH_UNKNOWN,
	 3,
	 1,
	 "",
	 0},
	{"nothing but a status",
	 {.body = "HTTP/1.1 200 OK\r\n", .trick = STUB_RAW},
	 GH_RETRY,
	 GH_UNKNOWN,
	 3,
	 1,
	 "",
	 200},
	{"unasked 304", SAY("", 304, "", ""), GH_BROKEN, GH_BROKEN, 1, 1, "nothing was compared",
	 304},
	{"300", SAY("", 300, "", "{}"), GH_BROKEN, GH_UNKNOWN, 1, 1, "", 300},
	{"a redirect to nowhere", SAY("", 301, "", "{}"), GH_BROKEN, GH_BROKEN, 1, 1, "nowhere",
	 301},
	{"a redirect elsewhere", SAY("", 302, "Location: http://localhost:%P/x\r\n", "{}"),
	 GH_BROKEN, GH_BROKEN, 1, 1, "another host", 302},
	{"a redirect to a file", SAY("", 302, "Location: file:///etc/passwd\r\n", "{}"), GH_BROKEN,
	 GH_BROKEN, 1, 1, "nowhere", 302},
};

static void play(struct fx *f, const struct fault *t, const char *what, const char *method,
		 enum gh_outcome o, size_t times)
{
	struct canned answers[2] = {t->with, END};
	struct gh_conf c = fx_conf(f);
	struct ask a = {0};
	size_t before = stub_count(f->stub, what), sent;

	c.tries = 3;
	c.read_max = c.write_max = 65536;
	fx_client(f, &c);
	answers[0].what = what;
	f->stub->answers = answers;
	fx_send(f, &a, method, strchr(what, '/'), NULL, 0);
	fx_wait(f, &a);
	sent = stub_count(f->stub, what) - before;
	if (a.outcome != o || a.status != t->status || sent != times ||
	    (*method == 'G' && !strstr(a.text, t->text)))
		fail_msg("%s, %s: found %s, status %d, sent %zu times (%s); expected %s, status "
			 "%d, %zu times, '%s'",
			 t->name, what, gh_outcome_name(a.outcome), a.status, sent, a.text,
			 gh_outcome_name(o), t->status, times, t->text);
	if (o == GH_RETRY && a.not_before_ms <= clock_system.wall_ms(&clock_system))
		fail_msg("%s, %s: no time to come back at", t->name, what);
	ask_release(&a);
	f->stub->answers = NULL;
}

static void every_fault_has_its_outcome(void **state)
{
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		play(f, &faults[i], "GET /x", "GET", faults[i].read, faults[i].reads);
		play(f, &faults[i], "POST /x", "POST", faults[i].write, faults[i].writes);
	}
}

/* GraphQL says with status 200 that there is no more of its hour: REST goes on, and no query is sent before. */
static void a_query_that_is_refused_with_200(void **state)
{
	struct fx *f = *state;
	autofree char *used_up =
		xasprintf("X-RateLimit-Resource: graphql\r\nX-RateLimit-Remaining: "
			  "0\r\nX-RateLimit-Reset: %lld\r\n",
			  (long long)time(NULL) + 600);
	const struct canned answers[] = {
		SAY_ONCE("POST /graphql", 200, used_up,
			 "{\"data\":null,\"errors\":[{\"type\":\"RATE_LIMITED\",\"message\":\"API "
			 "rate limit exceeded\"}]}"),
		SAY("POST /graphql", 200, "", "{\"data\":{}}"), SAY("GET /x", 200, "", "{}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	for (int i = 0; i < 3; i++) {
		fx_send(f, &a, "POST", "/graphql", json_object(), GH_READS);
		fx_wait(f, &a);
		assert_int_equal(a.outcome, i < 2 ? GH_RETRY : GH_OK);
		if (i < 2)
			assert_true(a.not_before_ms > f->clock.wall_ms(&f->clock) + 500000);
		assert_int_equal(stub_count(f->stub, "POST /graphql"), i < 2 ? 1 : 2);
		ask_release(&a);
		fx_get(f, &a, "/x", 0);
		fx_expect(f, &a, GH_OK, 200);
		ask_release(&a);
		if (i == 1)
			f->mono_off += 610000;
	}
}

/* Silence ends it, and so does an answer that takes too long as a whole. */
static void a_hang_ends_by_either_clock(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK("GET /x", STUB_HANG), END};
	static const int ms[][2] = {{500, 60000}, {60000, 1000}}; /* in all, without a byte */

	f->stub->answers = answers;
	for (size_t i = 0; i < ARRAY_LEN(ms); i++) {
		struct gh_conf c = fx_conf(f);
		struct ask a = {0};

		c.tries = 1;
		c.total_ms = ms[i][0];
		c.stall_ms = ms[i][1];
		fx_client(f, &c);
		fx_get(f, &a, "/x", 0);
		fx_expect(f, &a, GH_RETRY, 0);
		ask_release(&a);
	}
}

/* An idle connection that the server has closed: for a read libcurl takes another one by itself, and a
 * write never goes out on one. */
static void a_write_uses_no_idle_connection(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET /x", 200, "", "{}"),
						TRICK_ONCE("POST /x", STUB_CUT),
						SAY("POST /x", 201, "", "{}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_get(f, &a, "/x", 0);
	fx_expect(f, &a, GH_OK, 200);
	ask_release(&a);
	fx_send(f, &a, "POST", "/x", json_object(), 0);
	fx_expect(f, &a, GH_UNKNOWN, 0);
	ask_release(&a);
	assert_int_equal(stub_count(f->stub, "POST /x"), 1);
	assert_int_not_equal(f->stub->seen[2].connection, f->stub->seen[1].connection);
}

static void a_read_survives_a_bad_moment(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK_ONCE("GET /x", STUB_CUT),
						TRICK_ONCE("GET /x", STUB_HALF),
						SAY("GET /x", 200, "", "{\"id\":5}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_get(f, &a, "/x", 0);
	fx_expect(f, &a, GH_OK, 200);
	assert_int_equal(json_int(a.body, "id", 0), 5);
	ask_release(&a);
}

/* Its caller says that twice is once. */
static void a_repeatable_write_is_repeated(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY_ONCE("PATCH /x", 502, "", ""),
						TRICK_ONCE("PATCH /x", STUB_CUT),
						SAY("PATCH /x", 200, "", "{}"), END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_send(f, &a, "PATCH", "/x", json_object(), GH_REPEATABLE);
	fx_expect(f, &a, GH_OK, 200);
	assert_int_equal(stub_count(f->stub, "PATCH /x"), 3);
	ask_release(&a);
}

/* Nobody listens: nothing was sent, so a write too may be tried again. */
static void no_connection_is_no_doubt(void **state)
{
	struct fx *f = *state;
	struct gh_conf c = fx_conf(f);
	autofree char *base = xasprintf("http://127.0.0.1:%d", fx_free_port());
	struct ask a = {0};

	c.base_url = base;
	c.app = c.key = NULL;
	c.token = "abc";
	fx_client(f, &c);
	fx_send(f, &a, "POST", "/x", json_object(), 0);
	fx_expect(f, &a, GH_RETRY, 0);
	assert_non_null(strstr(a.text, "127.0.0.1"));
	ask_release(&a);
}

/* The token endpoint fails like any other; what waits for the token is surely not carried out. */
static void no_token_is_no_doubt(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK(FX_TOKENS, STUB_CUT), END};
	static const struct canned odd[] = {SAY(FX_TOKENS, 201, "", "{\"token\":\"a\\nb\"}"), END};
	static const struct canned half[] = {
		SAY(FX_TOKENS, 201, "", "{\"token\":\"ghs_abc\" \"ghs_abc"), END};
	const struct canned *all[] = {answers, odd, half};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct gh_conf c = fx_conf(f);
		struct ask a = {0};

		fx_client(f, &c);
		f->stub->answers = all[i];
		fx_send(f, &a, "POST", "/x", json_object(), 0);
		fx_wait(f, &a);
		assert_int_equal(a.outcome, GH_RETRY);
		assert_null(strstr(a.text, "ghs_"));
		assert_int_equal(stub_count(f->stub, "POST /x"), 0);
		ask_release(&a);
	}
}

static void an_empty_answer_is_one(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("DELETE /x", 204, "", ""), END};
	struct ask a = {0};

	f->stub->answers = answers;
	fx_send(f, &a, "DELETE", "/x", NULL, 0);
	fx_expect(f, &a, GH_OK, 204);
	assert_null(a.body);
	assert_null(strstr(f->stub->seen[1].headers, "Content-Type"));
	ask_release(&a);
}

/* The client goes while all is under way. */
static void the_client_ends_in_the_middle(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK("GET /x", STUB_HANG),
						TRICK("POST /x", STUB_HANG), END};
	struct ask a[5] = {0};

	f->stub->answers = answers;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		fx_send(f, &a[i], i % 2 ? "POST" : "GET", "/x", NULL, 0);
	while (f->stub->n < 4)
		fx_turn(f);
	gh_free(f->gh);
	f->gh = NULL;
	fx_turn(f);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		assert_int_equal(a[i].calls, 0);
}

static void bad_configuration_is_named(void **state)
{
	struct fx *f = *state;
	EVP_PKEY *small = EVP_RSA_gen(1024), *ec = EVP_EC_gen("P-256");
	size_t small_len, ec_len;
	autofree char *small_pem = fx_pem(small, &small_len);
	autofree char *ec_pem = fx_pem(ec, &ec_len);
	const struct {
		const char *base, *app, *token, *key, *words;
	} cases[] = {
		{"http://api.github.com", "1", NULL, f->pem, "expected https"},
		{"http://127.1.2.3.example", "1", NULL, f->pem, "expected https"},
		{"https://github.com", "1", NULL, f->pem, "https://api.github.com"},
		{"https://user:pw@ghes.example/api/v3", "1", NULL, f->pem, "without user"},
		{"https://ghes.example/?x=1", "1", NULL, f->pem, "without user"},
		{"ftp://ghes.example", "1", NULL, f->pem, "expected https"},
		{"nonsense nonsense", "1", NULL, f->pem, "expected https"},
		{"https://ghes.example", NULL, NULL, NULL, "no credentials"},
		{"https://ghes.example", "1", "abc", f->pem, "both an App and a token"},
		{"https://ghes.example", "a\"b", NULL, f->pem, "App ID"},
		{"https://ghes.example", "1", NULL, NULL, "no private key"},
		{"https://ghes.example", "1", NULL, "hello", "found no private key"},
		{"https://ghes.example", "1", NULL, small_pem, "below 2048"},
		{"https://ghes.example", "1", NULL, ec_pem, "not RSA"},
		{"https://ghes.example", NULL, "abc def", NULL, "character 4"},
		{"https://ghes.example", NULL, "", NULL, "0 characters"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gh_conf c = GH_CONF_INIT;
		struct gh *g = NULL;

		c.base_url = cases[i].base;
		c.app = cases[i].app;
		c.token = cases[i].token;
		c.key = cases[i].key;
		c.key_len = c.key ? strlen(c.key) : 0;
		assert_int_equal(gh_new(f->loop, &f->clock, &rnd_system, &c, &g, &f->err), -1);
		assert_int_equal(f->err.code, ERR_INPUT);
		if (!strstr(err_text(&f->err), cases[i].words))
			fail_msg("case %zu: found '%s', expected '%s'", i, err_text(&f->err),
				 cases[i].words);
		if (strstr(err_text(&f->err), "PRIVATE KEY-----") ||
		    strstr(err_text(&f->err), "abc def"))
			fail_msg("case %zu: the text holds a secret", i);
	}
	EVP_PKEY_free(small);
	EVP_PKEY_free(ec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_fault_has_its_outcome),  TEST(a_query_that_is_refused_with_200),
		TEST(a_hang_ends_by_either_clock),  TEST(a_write_uses_no_idle_connection),
		TEST(a_read_survives_a_bad_moment), TEST(a_repeatable_write_is_repeated),
		TEST(no_connection_is_no_doubt),    TEST(no_token_is_no_doubt),
		TEST(an_empty_answer_is_one),       TEST(the_client_ends_in_the_middle),
		TEST(bad_configuration_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
