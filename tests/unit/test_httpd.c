/* test_httpd.c - the HTTP server: routes, answers now and later, and who has to leave when it is full or late */
#include "httpd_fixture.h"

#include "sys/aside.h"

#include <sys/resource.h>

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

/* Of those who are idle: of the address that has most the one that is idle longest. */
static void test_full(void **state)
{
	struct fixture *f = *state;
	int fd[11];

	for (int i = 0; i < 8; i++) {
		now_ms++;
		fd[i] = dial(f, i < 3 ? 10 + i : 1);
	}
	assert_int_equal(httpd_counts(f->http).open, 8);
	for (int i = 8; i < 10; i++) {
		now_ms++;
		fd[i] = dial(f, 20 + i);
	}
	assert_int_equal(httpd_counts(f->http).open, 8);
	assert_int_equal(httpd_counts(f->http).evicted, 2);
	assert_int_equal(status(fd[3]), -1);
	assert_int_equal(status(fd[4]), -1);
	assert_int_equal(status(fd[0]), 0);
	/* Who is served: a newcomer. Who sends is not idle. */
	say(f, fd[9], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[9]), 202);
	say(f, fd[0], "POST /in HTTP/1.1\r\n" HEAD "a");
	fd[10] = dial(f, 30);
	assert_int_equal(status(fd[5]), -1);
	for (int i = 0; i < 11; i++)
		close(fd[i]);
	turns(f);
	assert_int_equal(httpd_counts(f->http).open, 0);
}

/* A connection that carried what proved its sender stays, and so does its network, before strangers. */
static void test_known(void **state)
{
	struct fixture *f = *state;
	int known = dial(f, 1), fd[9];

	f->vouch = true;
	say(f, known, "POST /in HTTP/1.1\r\n" HEAD "abc");
	f->vouch = false;
	assert_int_equal(status(known), 202);
	for (int i = 0; i < 8; i++) {
		now_ms++;
		fd[i] = dial(f, 1); /* its neighbours */
	}
	assert_int_equal(status(known), 0);
	assert_int_equal(status(fd[0]), -1);
	assert_int_equal(httpd_counts(f->http).open, 8);
	/* Nobody is left but who is known: a newcomer's time comes when they have been idle for long. */
	f->vouch = true;
	for (int i = 1; i < 8; i++) {
		say(f, fd[i], "POST /in HTTP/1.1\r\n" HEAD "abc");
		assert_int_equal(status(fd[i]), 202);
	}
	f->vouch = false;
	fd[8] = dial(f, 1);
	say(f, fd[8], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[8]), 0);
	assert_int_equal(httpd_counts(f->http).evicted, 1);
	now_ms += HTTPD_PATIENCE_MS;
	turns(f);
	assert_int_equal(status(fd[8]), 202);
	assert_int_equal(status(known), -1);
	for (int i = 0; i < 9; i++)
		close(fd[i]);
	close(known);
}

/* So does whoever comes from a network that has brought a known one, on another connection and from another address. */
static void test_near(void **state)
{
	struct fixture *f = *state;
	int early = dial(f, 3), known = dial(f, 1), near, fd[6], fresh;

	f->vouch = true;
	say(f, known, "POST /in HTTP/1.1\r\n" HEAD "abc");
	f->vouch = false;
	assert_int_equal(status(known), 202);
	close(known);
	turns(f);
	near = dial(f, 2);
	for (int i = 0; i < 6; i++) {
		now_ms++;
		fd[i] = dial(f, 0x101 + i); /* 127.0.1.1 and on */
	}
	now_ms += HTTPD_GRACE_MS;
	turns(f);
	fresh = dial(f, 0x201);
	assert_int_equal(status(near), 0); /* though they are idle longest */
	assert_int_equal(status(early), 0);
	assert_int_equal(status(fd[0]), -1);
	for (int i = 0; i < 6; i++)
		close(fd[i]);
	close(fresh);
	close(early);
	close(near);
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

/* All are sending: the newcomers wait for a moment, then the slowest one has to go. */
static void test_slow_bodies(void **state)
{
	struct fixture *f = *state;
	int fd[9];

	for (int i = 0; i < 8; i++) {
		fd[i] = dial(f, i + 1);
		say(f, fd[i], "POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n");
		say(f, fd[i], i == 5 ? "a" : "ab");
	}
	fd[8] = dial(f, 9);
	say(f, fd[8], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[8]), 0);
	assert_int_equal(httpd_counts(f->http).evicted, 0);
	now_ms += HTTPD_GRACE_MS;
	turns(f);
	assert_int_equal(status(fd[8]), 202);
	assert_int_equal(httpd_counts(f->http).evicted, 1);
	assert_int_equal(status(fd[5]), -1);
	assert_int_equal(status(fd[0]), 0);
	for (int i = 0; i < 9; i++)
		close(fd[i]);
}

/* Who came and has not sent yet stays for a moment, where such are few, and then longer than one of the same address
 * whose body trickles. */
static void test_about_to_send(void **state)
{
	struct fixture *f = *state;
	int fd[8], first, second, honest = dial(f, 2);

	for (int i = 0; i < 7; i++) {
		fd[i] = dial(f, 1);
		say(f, fd[i], "POST /in HTTP/1.1\r\n" HEAD "a");
	}
	say(f, honest, "POST /in HTTP/1.1\r\n" HEAD "a");
	now_ms += HTTPD_GRACE_MS;
	turns(f);
	first = dial(f, 1);
	assert_int_equal(status(fd[0]), -1);
	now_ms++;
	second = dial(f, 1);
	assert_int_equal(status(fd[1]), -1);
	assert_int_equal(status(honest), 0); /* of an address that has fewer */
	close(honest);
	for (int i = 1; i < 7; i++) {
		close(fd[i]); /* the crowd comes again and again */
		turns(f);
		fd[i] = dial(f, 1);
		say(f, fd[i], "POST /in HTTP/1.1\r\n" HEAD "a");
	}
	close(fd[0]);
	fd[0] = dial(f, 1); /* nobody has to leave for it yet */
	say(f, first, "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(first), 202);
	assert_int_equal(status(second), 0);
	now_ms += HTTPD_GRACE_MS; /* whoever is idle for so long goes first again */
	turns(f);
	assert_int_equal(status(second), -1);
	for (int i = 0; i < 7; i++)
		close(fd[i]);
	close(first);
	close(second);
}

/* One address has all: for one of another there is room at once, for one of its own after the same moment. */
static void test_crowd_of_one(void **state)
{
	struct fixture *f = *state;
	int fd[10];

	for (int i = 0; i < 8; i++) {
		fd[i] = dial(f, 1);
		say(f, fd[i], "POST /in HTTP/1.1\r\n" HEAD "a");
	}
	fd[8] = dial(f, 2);
	say(f, fd[8], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[8]), 202);
	say(f, fd[8], "POST /in HTTP/1.1\r\n" HEAD "a");
	fd[9] = dial(f, 1);
	say(f, fd[9], "POST /in HTTP/1.1\r\n" HEAD "abc");
	assert_int_equal(status(fd[9]), 0);
	now_ms += HTTPD_GRACE_MS;
	turns(f);
	assert_int_equal(status(fd[9]), 202);
	for (int i = 0; i < 10; i++)
		close(fd[i]);
}

/* Of one that has more than half, for somebody of another: a body that trickles goes before who may be about to send. */
static void test_trickle_goes_first(void **state)
{
	struct fixture *f = *state;
	int fd[6], young, other, fresh;

	for (int i = 0; i < 6; i++) {
		fd[i] = dial(f, 1);
		say(f, fd[i], "POST /in HTTP/1.1\r\n" HEAD "a");
	}
	now_ms += HTTPD_GRACE_MS;
	turns(f);
	young = dial(f, 1);
	other = dial(f, 2);
	fresh = dial(f, 3);
	assert_int_equal(httpd_counts(f->http).evicted, 1);
	assert_int_equal(status(young), 0);
	assert_int_equal(status(fd[0]), -1);
	for (int i = 0; i < 6; i++)
		close(fd[i]);
	close(young);
	close(other);
	close(fresh);
}

/* More than there are places come in one moment, each with its request: each is read before anybody has to leave. */
static void test_all_at_once(void **state)
{
	static const char all[] = "POST /in HTTP/1.1\r\n" HEAD "abc";
	struct fixture *f = *state;
	int fd[10];

	for (int i = 0; i < 10; i++) {
		fd[i] = knock(f, 1);
		assert_int_equal(send(fd[i], all, sizeof(all) - 1, MSG_NOSIGNAL), sizeof(all) - 1);
	}
	for (int i = 0; i < 4; i++) /* the answered ones are idle then, and leave for the rest */
		turns(f);
	for (int i = 0; i < 8; i++)
		assert_int_equal(status(fd[i]), 202);
	for (int i = 0; i < 10; i++)
		close(fd[i]);
}

/* A body that trickles is given up, one that comes steadily is not. */
static void test_rate(void **state)
{
	static const char head[] =
		"POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
	struct fixture *f = *state;
	int slow = dial(f, 1), steady = dial(f, 2);
	char piece[HTTPD_RATE_MIN + 1];

	memset(piece, 'x', HTTPD_RATE_MIN);
	piece[HTTPD_RATE_MIN] = '\0';
	say(f, slow, head);
	say(f, steady, head);
	for (int i = 0; i <= HTTPD_SLOW_S; i++) {
		assert_int_equal(httpd_counts(f->http).open, 2);
		say(f, slow, "y");
		say(f, steady, piece);
		now_ms += 1000;
		turns(f);
	}
	assert_int_equal(status(slow), -1);
	assert_int_equal(status(steady), 0);
	assert_int_equal(httpd_counts(f->http).timed_out, 1);
	close(slow);
	close(steady);
}

static struct httpd_request *begun(struct fixture *f, int *ret_fd, int last)
{
	*ret_fd = dial(f, last);
	say(f, *ret_fd, "POST /in HTTP/1.1\r\n" HEAD "a");
	return f->later;
}

/* Whose room it is: the better known one's, then the one's that is not slow about it. */
static void test_outranks(void **state)
{
	struct fixture *f = *state;
	int fd[3];
	struct httpd_request *a = begun(f, &fd[0], 1), *b = begun(f, &fd[1], 2), *c;

	assert_false(httpd_outranks(a, b) || httpd_outranks(b, a));
	httpd_prefer(b);
	assert_true(httpd_outranks(b, a));
	assert_false(httpd_outranks(a, b));
	now_ms += HTTPD_GRACE_MS;
	c = begun(f, &fd[2], 3);
	assert_true(httpd_outranks(c, a));
	assert_false(httpd_outranks(a, c) || httpd_outranks(c, b));
	assert_true(httpd_outranks(b, c));
	/* It is gone without an answer, and what it had sent already reaches nobody. */
	assert_int_equal(send(fd[0], "bc", 2, MSG_NOSIGNAL), 2);
	httpd_cut(a);
	turns(f);
	assert_int_equal(status(fd[0]), -1);
	assert_int_equal(f->ended, 1);
	assert_int_equal(f->got, 3);
	/* It was this request that was preferred, not the connection. */
	f->later = b;
	say(f, fd[1], "bc");
	assert_int_equal(status(fd[1]), 202);
	say(f, fd[1], "POST /in HTTP/1.1\r\n" HEAD "a");
	assert_false(httpd_outranks(f->later, c));
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

/* Of two that are known alike, and no longer young, whose body comes faster. */
static void test_the_faster_outranks(void **state)
{
	struct fixture *f = *state;
	int fd[2];
	struct httpd_request *a = begun(f, &fd[0], 1), *b = begun(f, &fd[1], 2);

	say(f, fd[1], "b");
	now_ms += HTTPD_GRACE_MS;
	turns(f);
	assert_true(httpd_outranks(b, a));
	assert_false(httpd_outranks(a, b));
	close(fd[0]);
	close(fd[1]);
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
		cmocka_unit_test_setup_teardown(test_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_near, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_faster_outranks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trickle_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_about_to_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crowd_of_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outranks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
