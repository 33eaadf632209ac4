/* test_http.c - HTTP inside the loop: what ends a request and how, and what is never looked at */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_fixture.h"

/* No name: a label has 63 characters at most. So nobody outside is asked. */
#define NOWHERE                                                                                    \
	"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/"

/* A request for a path of the stub, as it ended. */
static void fetch(struct fx *f, struct got *g, const char *path)
{
	autofree char *url = xasprintf("http://127.0.0.1:%d%s", f->stub->port, path);
	struct http_req r = request("GET", url);

	got_release(g);
	start(f, &r, g);
	await(f, g);
}

/* --- plain ones --- */

static void a_request_arrives_as_it_was_meant(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("PATCH /x?y=1", 200, "Date: today\r\n", "{}"),
						END};
	autofree char *url = xasprintf("http://127.0.0.1:%d/x?y=1", f->stub->port);
	cleanup(strvec_release) struct strvec headers = STRVEC_INIT;
	struct http_req r = request("PATCH", url);
	struct got g = {0};
	const char *seen;

	f->stub->answers = answers;
	strvec_pushl(&headers, "X-One: 1", "Content-Type: application/json", NULL);
	r.headers = &headers;
	r.body = "{\"a\":1}";
	r.body_len = 7;
	start(f, &r, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_WHOLE);
	assert_int_equal(g.status, 200);
	assert_string_equal(g.body, "{}");
	assert_string_equal(g.date, "today");
	assert_string_equal(f->stub->seen[0].body, "{\"a\":1}");
	seen = f->stub->seen[0].headers;
	assert_non_null(strstr(seen, "X-One: 1\r\n"));
	assert_non_null(strstr(seen, "User-Agent: test/1\r\n"));
	assert_null(strstr(seen, "Expect:"));
	got_release(&g);
}

static void many_run_at_once(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET /x", 200, "", "{\"ok\":1}"), END};
	autofree char *url = xasprintf("http://127.0.0.1:%d/x", f->stub->port);
	struct http_req r = request("GET", url);
	static struct got g[40];

	f->stub->answers = answers;
	for (size_t i = 0; i < ARRAY_LEN(g); i++)
		start(f, &r, &g[i]);
	for (size_t i = 0; i < ARRAY_LEN(g); i++) {
		await(f, &g[i]);
		assert_int_equal(g[i].end, HTTP_WHOLE);
		got_release(&g[i]);
	}
}

static void connections_are_kept_but_for_once(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET /x", 200, "", "{}"),
						SAY("POST /x", 200, "", "{}"), END};
	autofree char *url = xasprintf("http://127.0.0.1:%d/x", f->stub->port);
	struct http_req once = request("POST", url);
	struct got g = {0};

	f->stub->answers = answers;
	fetch(f, &g, "/x");
	fetch(f, &g, "/x");
	assert_int_equal(f->stub->connections, 1);
	got_release(&g);
	once.once = true;
	start(f, &once, &g);
	await(f, &g);
	assert_int_equal(f->stub->connections, 2);
	got_release(&g);
}

/* --- ends --- */

static void ends_are_told_apart(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {
		TRICK("GET /cut", STUB_CUT),
		TRICK("GET /half", STUB_HALF),
		TRICK("GET /huge", STUB_HUGE),
		{.what = "GET /not-http", .body = "hello\r\n\r\n", .trick = STUB_RAW},
		{.what = "GET /09", .body = "<html>", .trick = STUB_RAW},
		{.what = "GET /chunk",
		 .trick = STUB_RAW,
		 .body = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
		{.what = "GET /bad-chunk",
		 .trick = STUB_RAW,
		 .body = "HTTP/1.1 200 X\r\nTransfer-Encoding: "
			 "chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"},
		{.what = "GET /continue",
		 .trick = STUB_RAW,
		 .body = "HTTP/1.1 100 Continue\r\nDate: no\r\n\r\nHTTP/1.1 200 X\r\nDate: yes\r\n"
			 "Content-Length: 2\r\n\r\n{}"},
		{.what = "GET /not-gzip",
		 .status = 200,
		 .headers = "Content-Encoding: gzip\r\n",
		 .body = "{}"},
		END};
	static const struct {
		const char *path;
		enum http_end end;
		int status;
	} cases[] = {
		{"/cut", HTTP_CUT, 0},          {"/half", HTTP_CUT, 200},
		{"/huge", HTTP_TOO_LARGE, 200}, {"/not-http", HTTP_CUT, 0},
		{"/09", HTTP_CUT, 0},           {"/chunk", HTTP_CUT, 200},
		{"/bad-chunk", HTTP_CUT, 200},  {"/continue", HTTP_WHOLE, 200},
		{"/not-gzip", HTTP_CUT, 200},
	};
	struct got g = {0};

	f->stub->answers = answers;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fetch(f, &g, cases[i].path);
		if (g.end != cases[i].end || g.status != cases[i].status ||
		    (!*g.text != (g.end == HTTP_WHOLE)))
			fail_msg("%s: found end %d, status %d (%s)", cases[i].path, (int)g.end,
				 g.status, g.text);
		if (!strcmp(cases[i].path, "/continue"))
			assert_string_equal(g.date, "yes");
	}
	got_release(&g);
}

/* 100,000 times 'a' in 133 bytes: what is inside counts. */
static const unsigned char bomb[133] = {
	0x1f, 0x8b,         0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31,
	0x01, 0x00,         0x00, 0x00, 0xc2, 0xa0, 0xac, 0xeb, 0x5f, 0xc2, 0x1a, 0x1e, 0x40,
	0x01, [123] = 0xaf, 0x06, 0x87, 0xfa, 0xe2, 0x1b, 0xa0, 0x86, 0x01, 0x00};

static bool serve_bytes(struct stub_conn *c, const struct stub_seen *s, void *arg)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	(void)arg;
	if (!strcmp(s->what, "GET /flood")) {
		buf_adds(&b, "HTTP/1.1 200 X\r\n");
		for (int i = 0; i < 3000; i++)
			buf_addf(&b, "X-%d: %040d\r\n", i, i);
		buf_adds(&b, "Content-Length: 0\r\n\r\n");
	} else if (!strcmp(s->what, "GET /hundreds")) {
		for (int i = 0; i < 5000; i++)
			buf_adds(&b, "HTTP/1.1 103 Early\r\n\r\n");
	} else {
		buf_addf(&b,
			 "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
			 sizeof(bomb));
		buf_add(&b, bomb, sizeof(bomb));
	}
	stub_write(c, b.s, b.len);
	return true;
}

static void floods_are_cut(void **state)
{
	struct fx *f = *state;
	autofree char *url = xasprintf("http://127.0.0.1:%d/gzip", f->stub->port);
	struct http_req r = request("GET", url);
	struct got g = {0};

	f->stub->handler = serve_bytes;
	fetch(f, &g, "/flood");
	assert_int_equal(g.end, HTTP_CUT);
	assert_non_null(strstr(g.text, "headers"));
	fetch(f, &g, "/hundreds");
	assert_int_equal(g.end, HTTP_CUT);
	fetch(f, &g, "/gzip");
	assert_int_equal(g.end, HTTP_TOO_LARGE);
	got_release(&g);
	r.max = 100000;
	start(f, &r, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_WHOLE);
	assert_int_equal(g.len, 100000);
	got_release(&g);
}

static void time_runs_out(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK("GET /hang", STUB_HANG), END};
	autofree char *url = xasprintf("http://127.0.0.1:%d/hang", f->stub->port);
	struct http_req stall = request("GET", url), total = request("GET", url);
	struct got a = {0}, b = {0};

	f->stub->answers = answers;
	/* each with the other limit out of reach */
	total.total_ms = 300, total.stall_ms = 2 * PATIENT_MS;
	stall.stall_ms = 1000, stall.total_ms = 2 * PATIENT_MS;
	start(f, &total, &a);
	await(f, &a);
	assert_int_equal(a.end, HTTP_CUT);
	start(f, &stall, &b);
	await(f, &b);
	assert_int_equal(b.end, HTTP_CUT);
	got_release(&a);
	got_release(&b);
}

/* A server whose queue is full takes no connection: that is not sent. */
static void no_connection_is_unsent(void **state)
{
	struct fx *f = *state;
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[8];
	autofree char *url = NULL;
	struct http_req r;
	struct got g = {0};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len) + listen(fd, 0), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	url = xasprintf("http://127.0.0.1:%d/", ntohs(a.sin_port));
	r = request("POST", url);
	r.connect_ms = 300;
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&a, len);
	}
	start(f, &r, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_UNSENT);
	got_release(&g);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
	close(fd);
	start(f, &r, &g); /* and now nobody listens */
	await(f, &g);
	assert_int_equal(g.end, HTTP_UNSENT);
	got_release(&g);
	r.url = NOWHERE;
	start(f, &r, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_UNSENT);
	got_release(&g);
}

static void calls_are_cancelled(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {TRICK("GET /hang", STUB_HANG),
						SAY("GET /x", 200, "", "{}"), END};
	autofree char *hang = xasprintf("http://127.0.0.1:%d/hang", f->stub->port);
	autofree char *url = xasprintf("http://127.0.0.1:%d/x", f->stub->port);
	struct http_req slow = request("GET", hang), quick = request("GET", url);
	struct http_req lost = request("GET", NOWHERE);
	struct got a = {0}, b = {0}, c = {0};

	f->stub->answers = answers;
	http_cancel(start(f, &slow, &a)); /* before a turn of the loop */
	http_cancel(start(f, &lost, &a)); /* while its name is being resolved */
	b.other = start(f, &slow, &a);
	while (stub_count(f->stub, "GET /hang") < 1)
		turn(f);
	start(f, &quick, &b); /* cancels it from inside */
	await(f, &b);
	start(f, &quick, &c);
	await(f, &c);
	assert_int_equal(a.calls, 0);
	got_release(&b);
	got_release(&c);
	start(f, &slow, &a);
	turn(f);
	http_free(f->http); /* cuts the last one */
	f->http = NULL;
	turn(f);
	assert_int_equal(a.calls, 0);
}

/* --- what is not looked at --- */

static void the_environment_is_not_looked_at(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET /x", 200, "Set-Cookie: a=b\r\n", "{}"),
						END};
	autofree char *dead = xasprintf("http://127.0.0.1:%d", 1);
	struct got g = {0};

	f->stub->answers = answers;
	setenv("http_proxy", dead, 1);
	setenv("ALL_PROXY", dead, 1);
	fetch(f, &g, "/x");
	assert_int_equal(g.end, HTTP_WHOLE);
	fetch(f, &g, "/x");
	assert_null(strstr(f->stub->seen[1].headers, "Cookie"));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	got_release(&g);
}

static void a_configured_proxy_is_used(void **state)
{
	struct fx *f = *state;
	static const struct canned answers[] = {SAY("GET http://ghes.invalid/x", 200, "", "{}"),
						END};
	autofree char *proxy = xasprintf("http://127.0.0.1:%d", f->stub->port);
	struct http_req r = request("GET", "http://ghes.invalid/x");
	struct got g = {0};

	f->stub->answers = answers;
	client(f, NULL, proxy);
	setenv("no_proxy", "*", 1);
	start(f, &r, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_WHOLE);
	unsetenv("no_proxy");
	got_release(&g);
}

static void other_protocols_are_refused(void **state)
{
	struct fx *f = *state;
	struct http_conf c = {.user_agent = "test/1"};
	struct http_req file = request("GET", "file:///etc/hostname");
	struct http_req plain = request("GET", "http://127.0.0.1:1/");
	struct got g = {0};

	start(f, &file, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_UNSENT);
	got_release(&g);
	http_free(f->http);
	assert_int_equal(http_new(f->loop, &c, &f->http, &f->err), 0);
	start(f, &plain, &g);
	await(f, &g);
	assert_int_equal(g.end, HTTP_UNSENT);
	assert_non_null(strstr(g.text, "http"));
	got_release(&g);
}

/* --- addresses --- */

static void addresses_are_judged(void **state)
{
	struct fx *f = *state;
	static const struct {
		const char *url, *base;
	} cases[] = {
		{"https://api.github.com", "https://api.github.com"},
		{"https://API.github.com/", "https://API.github.com"},
		{"https://ghes.example:8443/api/v3//", "https://ghes.example:8443/api/v3"},
		{"http://127.0.0.1:80", "http://127.0.0.1:80"},
		{"http://[::1]:8080/x", "http://[::1]:8080/x"},
		{"http://localhost", "http://localhost"},
		{"http://127.0.0.1.example", NULL},
		{"http://10.0.0.1", NULL},
		{"https://a@b", NULL},
		{"https://", NULL},
		{"/x", NULL},
		{"", NULL},
		{"https://a/?b", NULL},
		{"https://a/#b", NULL},
	};
	static const struct {
		const char *base, *ref, *url;
	} joins[] = {
		{"https://a/b/c?d", "e", "https://a/b/e"},
		{"https://a/b/c", "/x?y=1#z", "https://a/x?y=1"},
		{"https://a/b", "//evil/x", "https://evil/x"},
		{"https://a/b", "https://c/", "https://c/"},
		{"https://a/b", "file:///etc/passwd", NULL},
		{"https://a/b", "javascript:x", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *base = NULL;

		http_url_base(cases[i].url, &base, &f->err);
		if (!base != !cases[i].base || (base && strcmp(base, cases[i].base)))
			fail_msg("%s: found %s", cases[i].url, base ? base : err_text(&f->err));
	}
	for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
		autofree char *url = http_url_join(joins[i].base, joins[i].ref);

		if (!url != !joins[i].url || (url && strcmp(url, joins[i].url)))
			fail_msg("%s and %s: found %s", joins[i].base, joins[i].ref,
				 url ? url : "none");
	}
	assert_true(http_url_same_origin("https://a/x", "https://A:443/y?z"));
	assert_false(http_url_same_origin("https://a/x", "http://a/x"));
	assert_false(http_url_same_origin("https://a/x", "https://a:444/x"));
	assert_false(http_url_same_origin("https://a/x", "https://a.evil/x"));
	assert_false(http_url_same_origin("https://a/x", "https://a@evil/x"));
	assert_false(http_url_same_origin("https://a/x", "https://u@a/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_arrives_as_it_was_meant),
		TEST(many_run_at_once),
		TEST(connections_are_kept_but_for_once),
		TEST(ends_are_told_apart),
		TEST(floods_are_cut),
		TEST(time_runs_out),
		TEST(no_connection_is_unsent),
		TEST(calls_are_cancelled),
		TEST(the_environment_is_not_looked_at),
		TEST(a_configured_proxy_is_used),
		TEST(other_protocols_are_refused),
		TEST(addresses_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
