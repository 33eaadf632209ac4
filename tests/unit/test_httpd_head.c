/* test_httpd_head.c - what the HTTP server does with requests that two programs may read differently: the kinds of
 * RFC 9112 and of the public list Http11Probe (mda2av.github.io/Http11Probe, its smuggling and malformed sections). */
#include "httpd_fixture.h"

/* What two programs may read differently is refused, and nothing behind it is read. */
static void test_heads(void **state)
{
#define TAKEN(s)                                                                                   \
	{                                                                                          \
		s, sizeof(s) - 1, 202                                                              \
	}
#define FAULT(s)                                                                                   \
	{                                                                                          \
		s, sizeof(s) - 1, 400                                                              \
	}
	static const struct {
		const char *s;
		size_t n;
		int status;
	} cases[] = {
		TAKEN("Content-Length: 3\r\n"),
		TAKEN("content-length:3\r\n"),
		TAKEN("CONTENT-LENGTH: \t 3\r\n"),
		TAKEN("Content-Length: 3\r\nX-Empty:\r\nX-Blank:  \r\nX-Last: a b\tc \r\n"),
		TAKEN("X-Name: \303\266\r\nContent-Length: 3\r\n"),
		TAKEN("Content-Length: 3\r\nCookie: a=1; b=\"2\"\r\n"),
		FAULT("Content-Length: 3\r\nContent-Length: 4\r\n"),
		FAULT("Content-Length: 4\r\nContent-Length: 3\r\n"),
		FAULT("Content-Length: 3\r\ncontent-length: 3\r\n"),
		FAULT("Content-Length: 3, 4\r\n"),
		FAULT("Content-Length: 3, 3\r\n"),
		FAULT("Content-Length: 3;4\r\n"),
		FAULT("Content-Length: +3\r\n"),
		FAULT("Content-Length: -3\r\n"),
		FAULT("Content-Length: 0x3\r\n"),
		FAULT("Content-Length: 03\r\n"),
		FAULT("Content-Length: 3_0\r\n"),
		FAULT("Content-Length:\r\n"),
		FAULT("Content-Length : 3\r\n"),
		FAULT("Content-Length\t: 3\r\n"),
		FAULT("Content-Length\r: 3\r\n"),
		FAULT("X-A: 1\r\n Content-Length: 3\r\n"),
		FAULT("Content-Length:\r\n 3\r\n"),
		FAULT("Content-Length: 3\r\n\t0\r\n"),
		FAULT("Content-Length: 3\r\nX-Folded: a\r\n b\r\n"),
		FAULT("X-Folded: a\r\n\r\r\nContent-Length: 3\r\n"),
		FAULT("X-A: 1\nContent-Length: 3\r\n"),
		FAULT("Content-Length: 3\r\nX-A: 1\nX-B: 2\r\n"),
		FAULT("X-A: 1\rContent-Length: 3\r\n"),
		FAULT("X-A: 1\0\r\nContent-Length: 3\r\n"),
		FAULT("Content-Length: 3\0\r\n"),
		FAULT("Content-Length: 3\0"
		      "0\r\n"),
		FAULT("X-A\0: 1\r\nContent-Length: 3\r\n"),
		FAULT("X-A: \x01\r\nContent-Length: 3\r\n"),
		FAULT("X-A: \x7f\r\nContent-Length: 3\r\n"),
		FAULT("X A: 1\r\nContent-Length: 3\r\n"),
		FAULT("X-\303\266: 1\r\nContent-Length: 3\r\n"),
		FAULT(": 1\r\nContent-Length: 3\r\n"),
		FAULT("no header\r\nContent-Length: 3\r\n"),
		FAULT("Host: y\r\nContent-Length: 3\r\n"),
		FAULT("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
		FAULT("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
		FAULT("Content-Length: 3\r\nTransfer-Encoding: identity\r\n"),
		FAULT("Transfer-Encoding: gzip, chunked\r\n"),
		FAULT("Transfer-Encoding: chunked, gzip\r\n"),
		FAULT("Transfer-Encoding: chunked, chunked\r\n"),
		FAULT("Transfer-Encoding: ,chunked\r\n"),
		FAULT("Transfer-Encoding: chunked;a=1\r\n"),
		FAULT("Transfer-Encoding: \"chunked\"\r\n"),
		FAULT("Transfer-Encoding: xchunked\r\n"),
		FAULT("Transfer-Encoding: identity\r\n"),
		FAULT("Transfer-Encoding:\r\n"),
		FAULT("Transfer-Encoding: \x0b"
		      "chunked\r\n"),
		FAULT("Transfer-Encoding : chunked\r\n"),
		FAULT("Transfer-Encoding:\r\n chunked\r\n"),
		FAULT("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
		FAULT("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
	};
	static const char first[] = "POST /in HTTP/1.1\r\nHost: x\r\n", body[] = "\r\nabc";
	struct fixture *f = *state;
	size_t taken = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char s[512];
		size_t n = sizeof(first) - 1, found;
		int fd = dial(f, 1);

		memcpy(s, first, n);
		memcpy(s + n, cases[i].s, cases[i].n);
		memcpy(s + n + cases[i].n, body, sizeof(body) - 1);
		n += cases[i].n + sizeof(body) - 1;
		assert_int_equal(send(fd, s, n, MSG_NOSIGNAL), n);
		turns(f);
		found = (size_t)status(fd);
		if ((int)found != cases[i].status)
			fail_msg("'%s': %d", cases[i].s, (int)found);
		taken += cases[i].status == 202;
		if (cases[i].status == 400 && status(fd) != -1)
			fail_msg("'%s': it goes on", cases[i].s);
		close(fd);
		turns(f);
		if (f->ended != taken)
			fail_msg("'%s': handed out", cases[i].s);
	}
	assert_int_equal(f->got, 3 * taken);
}

/* Sizes that are none are refused; after any request in chunks the connection ends. */
static void test_chunks(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{"3\r\nabc\r\n0\r\n\r\n", 202},
		{"3;a=b\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n", 202},
		{"3\nabc\n0\n\n", 202},
		{"x\r\nabc\r\n0\r\n\r\n", 400},
		{"0x3\r\nabc\r\n0\r\n\r\n", 400},
		{"-3\r\nabc\r\n0\r\n\r\n", 400},
		{"+3\r\nabc\r\n0\r\n\r\n", 400},
		{" 3\r\nabc\r\n0\r\n\r\n", 400},
		{"3 \r\nabc\r\n0\r\n\r\n", 400},
		{"3\rabc\r\n0\r\n\r\n", 400},
		{"3\r\nabcd\r\n0\r\n\r\n", 400},
		{"\r\nabc\r\n0\r\n\r\n", 400},
		{";a\r\nabc\r\n0\r\n\r\n", 400},
		{"3\r\nabc0\r\n\r\n", 400},
		{"ffffffffffffffff3\r\nabc\r\n0\r\n\r\n", 413},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *s = xasprintf("POST /in HTTP/1.1\r\nHost: x\r\n"
					     "Transfer-Encoding: Chunked\r\n\r\n%s"
					     "POST /in HTTP/1.1\r\n" HEAD "abc",
					     cases[i].body);
		int fd = dial(f, 1), found;
		char rest[512] = "";

		say(f, fd, s);
		found = status(fd);
		if (found != cases[i].status)
			fail_msg("'%s': %d", cases[i].body, found);
		if (recv(fd, rest, sizeof(rest) - 1, 0) > 0 || f->ended != i + 1)
			fail_msg("'%s': what stood behind it was served: %zu %s", cases[i].body,
				 f->ended, rest);
		close(fd);
		turns(f);
	}
	assert_int_equal(ask(f, "POST /in HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
				"3\r\nabc\r\n0\r\n\r\n"),
			 400);
	assert_int_equal(ask(f, "POST /in HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), 202);
}

/* Honest heads, large ones that come in crumbs included, several on one connection. */
static void test_crumbs(void **state)
{
	struct fixture *f = *state;
	cleanup(buf_release) struct buf b = BUF_INIT;
	int fd = dial(f, 1);

	buf_addf(&b, "POST /in?a=b&c HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 100; i++)
		buf_addf(&b, "X-Header-%d:%*s%0*d\r\n", i, i % 3, "", i % 50 + 1, i);
	buf_addf(&b, "Content-Length: 3\r\n\r\nabc");
	for (int again = 1; again <= 3; again++) {
		size_t step = again == 3 ? b.len : (size_t)again * 3;

		for (size_t at = 0; at < b.len; at += step) {
			size_t n = b.len - at < step ? b.len - at : step;

			assert_int_equal(send(fd, b.s + at, n, MSG_NOSIGNAL), n);
			assert_int_equal(loop_turn(f->loop, 0, &f->err), 0);
		}
		turns(f);
		assert_int_equal(status(fd), 202);
		assert_int_equal(f->ended, again);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_heads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chunks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crumbs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
