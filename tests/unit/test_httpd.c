/* test_httpd.c - the HTTP server: routes, answers now and later, and who has to leave when it is full or late */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sys/aside.h"
#include "sys/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t now_ms;
static int64_t fake(struct clock *c)
{
	(void)c;
	return now_ms;
}

struct fixture {
	struct clock clock;
	struct loop *loop;
	struct httpd *http;
	struct err err;
	struct httpd_request *later; /* complete, not answered */
	size_t got, ended;
	bool answer_at_once;
	int port;
	int served[2]; /* a pipe: closed by the first request that was complete */
};

static void *on_begin(void *arg, struct httpd_request *r)
{
	struct fixture *f = arg;

	f->later = r;
	return f;
}
static void on_data(void *state, const void *p, size_t n)
{
	struct fixture *f = state;

	(void)p;
	f->got += n;
}
static void on_complete(void *state)
{
	struct fixture *f = state;

	if (f->answer_at_once)
		httpd_answer(f->later, 202, 0);
	if (f->served[1])
		close(f->served[1]);
	f->served[1] = 0;
}
static void on_end(void *state)
{
	struct fixture *f = state;

	f->ended++;
}

static const struct httpd_handler handler = {1000, on_begin, on_data, on_complete, on_end};
static const struct httpd_route routes[] = {{"POST", "/in", &handler}, {0}};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct httpd_options o = {.listen = "127.0.0.1:0",
				  .connections = 8,
				  .per_address = 4,
				  .routes = routes,
				  .arg = f};

	now_ms = 1000000;
	f->clock = (struct clock){fake, fake};
	f->answer_at_once = true;
	*state = f;
	if (loop_new(&f->clock, &f->loop, &f->err) < 0 ||
	    httpd_new(f->loop, &o, &f->http, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	f->port = (int)strtol(strrchr(httpd_address(f->http), ':') + 1, NULL, 10);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	httpd_free(f->http);
	loop_free(f->loop);
	err_release(&f->err);
	free(f);
	return 0;
}

static void turns(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		assert_int_equal(loop_turn(f->loop, 1, &f->err), 0);
		httpd_flush(f->http);
	}
}

/* `last`: of the address 127.0.0.LAST, so that there are several. */
static int dial(struct fixture *f, int last)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)last);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)f->port);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	turns(f);
	return fd;
}

static void say(struct fixture *f, int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), strlen(s));
	turns(f);
}

/* The status of the answer; 0: none yet; -1: closed without one. */
static int status(int fd)
{
	char buf[2048] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return n == 0 || errno != EAGAIN ? -1 : 0;
	return (int)strtol(buf + strlen("HTTP/1.1 "), NULL, 10);
}

static int ask(struct fixture *f, const char *s)
{
	int fd = dial(f, 1), rc;

	say(f, fd, s);
	rc = status(fd);
	close(fd);
	turns(f);
	return rc;
}

#define HEAD "Host: x\r\nContent-Length: 3\r\n\r\n"

static void test_routes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, "POST /in HTTP/1.1\r\n" HEAD "abc"), 202);
	assert_int_equal(ask(f, "POST /in?x=1 HTTP/1.1\r\n" HEAD "abc"), 202);
	assert_int_equal(ask(f, "POST /In HTTP/1.1\r\n" HEAD "abc"), 404);
	assert_int_equal(ask(f, "POST /%69n HTTP/1.1\r\n" HEAD "abc"), 404);
	assert_int_equal(ask(f, "POST /x/../in HTTP/1.1\r\n" HEAD "abc"), 404);
	assert_int_equal(ask(f, "PUT /in HTTP/1.1\r\n" HEAD "abc"), 405);
	assert_int_equal(ask(f, "GET /in HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
	assert_int_equal(f->got, 6);
	assert_int_equal(f->ended, 2);
	assert_int_equal(httpd_counts(f->http).requests, 0);
}

static void test_too_large(void **state)
{
	struct fixture *f = *state;
	char body[1100];

	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	/* Said beforehand: not a byte reaches the handler. */
	assert_int_equal(ask(f, "POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"),
			 413);
	assert_int_equal(f->got + f->ended, 0);
	{
		autofree char *s =
			xasprintf("POST /in HTTP/1.1\r\nHost: x\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n44b\r\n%s\r\n0\r\n\r\n",
				  body);

		assert_int_equal(ask(f, s), 413);
	}
	assert_int_equal(f->ended, 1);
}

/* One that says no length and goes on is cut, and not listened to until its time is over. */
static void test_endless(void **state)
{
	struct fixture *f = *state;
	char body[1001];
	autofree char *chunk = NULL;
	int fd = dial(f, 1);

	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	chunk = xasprintf("3e8\r\n%s\r\n", body);
	say(f, fd, "POST /in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 2; i++)
		say(f, fd, chunk);
	assert_int_equal(status(fd), 0);
	assert_int_equal(httpd_counts(f->http).requests, 1);
	say(f, fd, chunk);
	assert_int_equal(status(fd), -1);
	assert_int_equal(f->got, 1000); /* no more than fits reached the handler */
	assert_int_equal(f->ended, 1);
	assert_int_equal(httpd_counts(f->http).open, 0);
	close(fd);
}

/* An answer that comes later, and a second request on the same connection behind it. */
static void test_later(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, 1);

	f->answer_at_once = false;
	say(f, fd, "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd), 0);
	assert_int_equal(httpd_counts(f->http).requests, 1);
	now_ms += 10 * HTTPD_REQUEST_MS; /* who waits for us is never late */
	turns(f);
	httpd_answer(f->later, 503, 7);
	httpd_flush(f->http);
	turns(f);
	assert_int_equal(status(fd), 503);
	f->answer_at_once = true;
	say(f, fd, "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd), 202);
	assert_int_equal(f->ended, 2);
	close(fd);
}

static void wait_served(void *arg)
{
	struct fixture *f = arg;
	char c;

	/* Ends only because a request is served meanwhile. */
	assert_int_equal(read(f->served[0], &c, 1), 0);
	close(f->served[0]);
}

static void serve_on(void *arg, int fd)
{
	struct fixture *f = arg;

	httpd_until(f->http, fd);
}

/* Requests go on while something else is waited for, and what came late is answered in the loop. */
static void test_aside(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, 1), late = dial(f, 1);
	const char *s = "POST /in HTTP/1.1\r\n" HEAD "abc";

	assert_int_equal(pipe2(f->served, O_CLOEXEC), 0);
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), strlen(s));
	aside(wait_served, f, serve_on, f);
	turns(f);
	assert_int_equal(status(fd), 202);
	say(f, late, s);
	assert_int_equal(status(late), 202);
	assert_int_equal(f->ended, 2);
	close(fd);
	close(late);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	int fd[12];

	/* Four of one address; the fifth takes the place of the one that is idle longest. */
	for (int i = 0; i < 5; i++) {
		now_ms++;
		fd[i] = dial(f, 1);
	}
	assert_int_equal(status(fd[0]), -1);
	assert_int_equal(httpd_counts(f->http).open, 4);
	assert_int_equal(httpd_counts(f->http).evicted, 1);
	/* The same in all: eight, and the ninth drives out the oldest of whatever address. */
	for (int i = 5; i < 10; i++) {
		now_ms++;
		fd[i] = dial(f, i);
	}
	assert_int_equal(httpd_counts(f->http).open, 8);
	assert_int_equal(status(fd[1]), -1);
	assert_int_equal(status(fd[2]), 0);
	/* Who is served: a newcomer. Who sends is not idle. */
	say(f, fd[9], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[9]), 202);
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	turns(f);
	assert_int_equal(httpd_counts(f->http).open, 0);
}

/* The process has no descriptor left: whoever is idle gives up theirs for the newcomer. */
static void test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int idle = dial(f, 1), fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int next = dup(fresh), rc;
	struct rlimit was, none;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = connect(fresh, (struct sockaddr *)&to, sizeof(to));
	fcntl(fresh, F_SETFL, O_NONBLOCK);
	turns(f);
	now_ms += 1000; /* it looks again */
	turns(f);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_int_equal(rc, 0);
	assert_int_equal(httpd_counts(f->http).accepted, 2);
	assert_int_equal(httpd_counts(f->http).evicted, 1);
	assert_int_equal(status(idle), -1);
	say(f, fresh, "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fresh), 202);
	close(idle);
	close(fresh);
}

/* All are sending: the newcomers wait, until somebody has been at it for too long. */
static void test_slow_bodies(void **state)
{
	struct fixture *f = *state;
	int fd[9];

	for (int i = 0; i < 8; i++) {
		fd[i] = dial(f, i + 1);
		say(f, fd[i], "POST /in HTTP/1.1\r\n" HEAD "a");
	}
	fd[8] = dial(f, 9);
	say(f, fd[8], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[8]), 0);
	assert_int_equal(httpd_counts(f->http).evicted, 0);
	now_ms += HTTPD_PATIENCE_MS + 1;
	turns(f);
	assert_int_equal(status(fd[8]), 202);
	assert_int_equal(httpd_counts(f->http).evicted, 1);
	for (int i = 0; i < 9; i++)
		close(fd[i]);
}

static void test_time(void **state)
{
	struct fixture *f = *state;
	int idle = dial(f, 1), headers = dial(f, 2), body = dial(f, 3), fresh;

	say(f, headers, "POST /in HTTP/1.1\r\nHost");
	say(f, body, "POST /in HTTP/1.1\r\n" HEAD "a");
	now_ms += HTTPD_IDLE_MS - 1;
	say(f, headers, ": x");
	fresh = dial(f, 4);
	assert_int_equal(httpd_counts(f->http).open, 4);
	now_ms += 2000;
	turns(f);
	assert_int_equal(status(idle), -1);
	assert_int_equal(status(headers), -1);
	assert_int_equal(status(body), -1);
	assert_int_equal(status(fresh), 0);
	assert_int_equal(httpd_counts(f->http).timed_out, 3);
	assert_int_equal(f->ended, 1);
	close(idle);
	close(headers);
	close(body);
	close(fresh);
}

/* The end of a stream that comes together with its last bytes: what can end no request any more leaves at the next
 * sweep. Whoever has said all, and waits, is not cut: it is being stored. */
static void test_ended(void **state)
{
	struct fixture *f = *state;
	int headers = dial(f, 1), body = dial(f, 2), waits = dial(f, 3), open = dial(f, 4);
	static const char all[] = "POST /in HTTP/1.1\r\n" HEAD "abc";

	assert_int_equal(send(headers, all, 20, MSG_NOSIGNAL), 20);
	assert_int_equal(send(body, all, sizeof(all) - 3, MSG_NOSIGNAL), sizeof(all) - 3);
	close(headers);
	close(body);
	turns(f);
	f->answer_at_once = false;
	assert_int_equal(send(waits, all, sizeof(all) - 1, MSG_NOSIGNAL), sizeof(all) - 1);
	assert_int_equal(shutdown(waits, SHUT_WR), 0);
	turns(f);
	now_ms += 1000;
	turns(f);
	assert_int_equal(httpd_counts(f->http).open, 2);
	assert_int_equal(httpd_counts(f->http).timed_out, 0);
	assert_int_equal(status(waits), 0);
	assert_int_equal(status(open), 0);
	assert_int_equal(httpd_counts(f->http).requests, 1);
	httpd_answer(f->later, 202, 0);
	httpd_flush(f->http);
	turns(f);
	assert_int_equal(f->ended, 2);
	close(waits);
	close(open);
}

static void test_drain(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int fd = dial(f, 1), other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	say(f, fd, "POST /in HTTP/1.1\r\n" HEAD "a");
	httpd_drain(f->http);
	assert_int_equal(connect(other, (struct sockaddr *)&to, sizeof(to)), -1);
	say(f, fd, "bc");
	assert_int_equal(status(fd), 202);
	close(fd);
	close(other);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {"",        "8080",          "localhost:80", "127.0.0.1",
					  "1.2.3:x", "127.0.0.1:",    "::1:80",       "[::1]",
					  ":80",     "1.2.3.4:70000", "[]:80",        "1.2.3.4:-1"};
	struct fixture *f = *state;
	struct httpd_options o = {.listen = httpd_address(f->http), .routes = routes};
	struct httpd *second;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (httpd_check_address(bad[i], NULL) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(httpd_check_address("[::1]:0", NULL), 0);
	assert_int_equal(httpd_check_address("0.0.0.0:65535", NULL), 0);
	assert_int_equal(httpd_new(f->loop, &o, &second, &f->err), -1);
	assert_non_null(strstr(err_text(&f->err), "another program has this port"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
