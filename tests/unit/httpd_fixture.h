/*
 * httpd_fixture.h - an HTTP server with eight places, a clock that is turned, and clients of it.
 *
 *   dial(f, N)      a connection from 127.0.0.N;  say(): sends, and lets the server look
 *   status(fd)      what was answered: 0 nothing yet, -1 the connection was closed
 *   ask(f, s)       the three in one
 */
#ifndef YM_TESTS_HTTPD_FIXTURE_H
#define YM_TESTS_HTTPD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t now_ms;
static inline int64_t fake(struct clock *c)
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
	bool answer_at_once, vouch;
	int port;
	int served[2]; /* a pipe: closed by the first request that was complete */
};

static inline void *on_begin(void *arg, struct httpd_request *r)
{
	struct fixture *f = arg;

	f->later = r;
	return f;
}
static inline void on_data(void *state, const void *p, size_t n)
{
	struct fixture *f = state;

	(void)p;
	f->got += n;
}
static inline void on_complete(void *state)
{
	struct fixture *f = state;

	if (f->vouch)
		httpd_vouch(f->later);
	if (f->answer_at_once)
		httpd_answer(f->later, 202, 0);
	if (f->served[1])
		close(f->served[1]);
	f->served[1] = 0;
}
static inline void on_end(void *state)
{
	struct fixture *f = state;

	f->ended++;
}

static const struct httpd_handler handler = {1000, on_begin, on_data, on_complete, on_end};
static const struct httpd_handler large = {1 << 20, on_begin, on_data, on_complete, on_end};
static const struct httpd_route routes[] = {
	{"POST", "/in", &handler}, {"POST", "/large", &large}, {0}};

static inline int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct httpd_options o = {
		.listen = "127.0.0.1:0", .connections = 8, .routes = routes, .arg = f};

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

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	httpd_free(f->http);
	loop_free(f->loop);
	err_release(&f->err);
	free(f);
	return 0;
}

static inline void turns(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		assert_int_equal(loop_turn(f->loop, 1, &f->err), 0);
		httpd_flush(f->http);
	}
}

/* `last`: of the address 127.0.0.LAST, so that there are several. */
/* A connection that the server has not looked at yet. */
static inline int knock(struct fixture *f, int last)
{
	int one = 1;
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)last);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)f->port);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* crumbs go at once */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline int dial(struct fixture *f, int last)
{
	int fd = knock(f, last);

	turns(f);
	return fd;
}

static inline void say(struct fixture *f, int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), strlen(s));
	turns(f);
}

/* The status of the answer; 0: none yet; -1: closed without one. */
static inline int status(int fd)
{
	char buf[2048] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return n == 0 || errno != EAGAIN ? -1 : 0;
	return (int)strtol(buf + strlen("HTTP/1.1 "), NULL, 10);
}

static inline int ask(struct fixture *f, const char *s)
{
	int fd = dial(f, 1), rc;

	say(f, fd, s);
	rc = status(fd);
	close(fd);
	turns(f);
	return rc;
}

#define HEAD "Host: x\r\nContent-Length: 3\r\n\r\n"

#endif
