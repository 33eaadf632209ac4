/*
 * http_fixture.h - an HTTP client and, in the same loop, the server that it talks to.
 */
#ifndef YM_TESTS_HTTP_FIXTURE_H
#define YM_TESTS_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http_stub.h"
#include "patience.h"
#include "sys/fs.h"
#include "sys/http.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

struct fx {
	struct loop *loop;
	struct stub *stub;
	struct http *http;
	char *dir; /* keys and certificates, when they were made */
	pid_t tls;
	int tls_port;
	struct err err;
};

struct got {
	int calls;
	enum http_end end;
	int status;
	char *body, *text, *date;
	size_t len;
	struct http_call *other; /* to cancel from inside */
};

static inline int64_t now_ms(void)
{
	return clock_system.mono_ms(&clock_system);
}

static inline void got_release(struct got *g)
{
	free(g->body);
	free(g->text);
	free(g->date);
	*g = (struct got){0};
}

static inline void on_done(void *arg, const struct http_answer *a)
{
	struct got *g = arg;

	g->calls++;
	g->end = a->end;
	g->status = a->status;
	g->body = xstrdup(a->body);
	g->len = a->len;
	g->text = xstrdup(a->text);
	g->date = xstrdup(http_header(a, "date"));
	http_cancel(g->other);
}

static inline void client(struct fx *f, const char *ca_file, const char *proxy)
{
	struct http_conf c = {.ca_file = ca_file, .proxy = proxy, .user_agent = "test/1"};

	c.plain = true;
	http_free(f->http);
	f->http = NULL;
	if (http_new(f->loop, &c, &f->http, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static inline int setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));

	if (loop_new(&clock_system, &f->loop, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	f->stub = stub_new(f->loop);
	client(f, NULL, NULL);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fx *f = *state;

	http_free(f->http);
	stub_free(f->stub);
	loop_free(f->loop);
	if (f->tls) {
		kill(f->tls, SIGKILL);
		waitpid(f->tls, NULL, 0);
	}
	if (f->dir && fs_remove_tree(f->dir, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	err_release(&f->err);
	free(f->dir);
	free(f);
	return 0;
}

static inline struct http_req request(const char *method, const char *url)
{
	return (struct http_req){.method = method,
				 .url = url,
				 .max = 65536,
				 .connect_ms = 2000,
				 .total_ms = 5000,
				 .stall_ms = 1000};
}

static inline struct http_call *start(struct fx *f, const struct http_req *r, struct got *g)
{
	struct http_call *c = NULL;

	if (http_start(f->http, r, on_done, g, &c, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	assert_int_equal(g->calls, 0);
	return c;
}

static inline void turn(struct fx *f)
{
	if (loop_turn(f->loop, 50, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static inline void await(struct fx *f, const struct got *g)
{
	for (int64_t end = now_ms() + PATIENT_MS; !g->calls;) {
		turn(f);
		if (now_ms() > end)
			fail_msg("no answer came");
	}
	assert_int_equal(g->calls, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
