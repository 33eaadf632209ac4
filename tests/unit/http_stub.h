/*
 * http_stub.h - an HTTP server in the test's own loop that answers as it is told and remembers what it
 * was asked.
 *
 *     static const struct canned answers[] = {
 *             SAY("GET /repos/a/b", 200, "ETag: \"1\"\r\n", "{}"),
 *             TRICK_ONCE("POST /x", STUB_CUT),
 *             SAY("POST /x", 201, "", "{\"id\":1}"),
 *             END};
 *     stub->answers = answers;
 *
 * The first row of that request that has been used less than `times` (0: always) answers. "%P" in
 * headers and body is the server's port. No row: 404 as GitHub says it.
 */
#ifndef YM_TESTS_HTTP_STUB_H
#define YM_TESTS_HTTP_STUB_H

#include "base/buf.h"
#include "base/mem.h"
#include "sys/loop.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum stub_trick {
	STUB_PLAIN,
	STUB_CUT,  /* reads the request and closes */
	STUB_HALF, /* promises more bytes than it sends, and closes */
	STUB_HANG, /* never answers */
	STUB_RAW,  /* `body` is the whole answer, byte for byte; closes */
	STUB_HUGE, /* a body without an end */
	STUB_ONCE, /* answers, and closes the connection behind it without having said so */
};

struct canned {
	const char *what; /* "METHOD /path?query" */
	int status;
	const char *headers; /* each with \r\n */
	const char *body;
	enum stub_trick trick;
	int times;
};

#define SAY(w, st, h, b)                                                                           \
	{                                                                                          \
		.what = (w), .status = (st), .headers = (h), .body = (b)                           \
	}
#define SAY_ONCE(w, st, h, b)                                                                      \
	{                                                                                          \
		.what = (w), .status = (st), .headers = (h), .body = (b), .times = 1               \
	}
#define TRICK(w, tr)                                                                               \
	{                                                                                          \
		.what = (w), .status = 200, .body = "[1,2", .trick = (tr)                          \
	}
#define TRICK_ONCE(w, tr)                                                                          \
	{                                                                                          \
		.what = (w), .status = 200, .body = "[1,2", .trick = (tr), .times = 1              \
	}
#define END                                                                                        \
	{                                                                                          \
		.what = NULL                                                                       \
	}

#define STUB_SEEN_MAX 4096

struct stub_seen {
	char *what, *headers, *body;
	int64_t at_ms;
	int connection;
};

struct stub;

struct stub_conn {
	struct stub *stub;
	struct stub_conn *next;
	int fd, number;
	struct loop_watch *watch;
	struct buf in;
};

struct stub {
	struct loop *loop;
	int fd, port, connections;
	struct loop_watch *watch;
	struct stub_conn *conns;
	const struct canned *answers;
	int used[256];
	/* Asked first; true: it has answered by stub_reply(). */
	bool (*handler)(struct stub_conn *c, const struct stub_seen *s, void *arg);
	void *arg;
	struct stub_seen seen[STUB_SEEN_MAX];
	size_t n;
};

static inline void stub_close(struct stub_conn *c)
{
	loop_watch_free(c->watch);
	c->watch = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static inline void stub_write(struct stub_conn *c, const char *p, size_t n)
{
	while (n && c->fd >= 0) {
		ssize_t w = send(c->fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return;
		p += w;
		n -= (size_t)w;
	}
}

static inline char *stub_fill(const struct stub *s, const char *text)
{
	struct buf b = BUF_INIT;
	const char *at;

	for (text = text ? text : ""; (at = strstr(text, "%P")) != NULL; text = at + 2) {
		buf_add(&b, text, (size_t)(at - text));
		buf_addf(&b, "%d", s->port);
	}
	buf_adds(&b, text);
	return buf_steal(&b);
}

static inline void stub_reply(struct stub_conn *c, int status, const char *headers,
			      const char *body, size_t promised)
{
	autofree char *h = stub_fill(c->stub, headers);
	autofree char *b = stub_fill(c->stub, body);
	bool empty = status == 204 || status == 304;
	autofree char *all = NULL;

	if (empty)
		all = xasprintf("HTTP/1.1 %d X\r\n%s\r\n", status, h);
	else
		all = xasprintf("HTTP/1.1 %d X\r\n%s%sContent-Length: %zu\r\n\r\n%s", status, h,
				strstr(h, "Content-Type") ? ""
							  : "Content-Type: application/json\r\n",
				strlen(b) + promised, b);
	stub_write(c, all, strlen(all));
}

static inline void stub_huge(struct stub_conn *c)
{
	static const char head[] = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	static char chunk[8 + 4096 + 2] = "1000\r\n";
	ssize_t w = 1;

	memset(chunk + 6, '[', 4096);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	stub_write(c, head, sizeof(head) - 1);
	/* As much as the socket takes; what there is of it is over the limit that the test sets. */
	while (w > 0)
		w = send(c->fd, chunk, 6 + 4096 + 2, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static inline void stub_play(struct stub_conn *c, const struct canned *a)
{
	switch (a->trick) {
	case STUB_CUT:
		stub_close(c);
		break;
	case STUB_HANG:
		break;
	case STUB_RAW:
		stub_write(c, a->body, strlen(a->body));
		stub_close(c);
		break;
	case STUB_HALF:
		stub_reply(c, a->status, a->headers, a->body, 100);
		stub_close(c);
		break;
	case STUB_HUGE:
		stub_huge(c);
		break;
	case STUB_ONCE:
	case STUB_PLAIN:
		stub_reply(c, a->status, a->headers, a->body, 0);
		if (a->trick == STUB_ONCE)
			stub_close(c);
		break;
	}
}

static inline void stub_answer(struct stub_conn *c, const struct stub_seen *seen)
{
	struct stub *s = c->stub;

	if (s->handler && s->handler(c, seen, s->arg))
		return;
	for (size_t i = 0; s->answers && s->answers[i].what; i++) {
		const struct canned *a = &s->answers[i];

		if (strcmp(a->what, seen->what) || (a->times && s->used[i] >= a->times))
			continue;
		s->used[i]++;
		stub_play(c, a);
		return;
	}
	stub_reply(c, 404, "", "{\"message\":\"Not Found\"}", 0);
}

/* One whole request off the front of the buffer. */
static inline bool stub_take(struct stub_conn *c)
{
	struct stub *s = c->stub;
	char *end = strstr(c->in.s, "\r\n\r\n"), *length, *line;
	struct stub_seen *seen = &s->seen[s->n];
	size_t head, body = 0;

	if (!end || s->n == STUB_SEEN_MAX)
		return false;
	head = (size_t)(end - c->in.s) + 4;
	length = strcasestr(c->in.s, "\r\nContent-Length:");
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	if (c->in.len < head + body)
		return false;
	line = strstr(c->in.s, " HTTP/1.1\r\n");
	seen->what = xstrndup(c->in.s, (size_t)(line - c->in.s));
	seen->headers = xstrndup(c->in.s, head);
	seen->body = xstrndup(c->in.s + head, body);
	seen->at_ms = loop_clock(s->loop)->mono_ms(loop_clock(s->loop));
	seen->connection = c->number;
	s->n++;
	buf_consume(&c->in, head + body);
	stub_answer(c, seen);
	return c->fd >= 0;
}

static inline void stub_on_conn(void *arg, uint32_t events)
{
	struct stub_conn *c = arg;
	char *to = buf_room(&c->in, 65536);
	ssize_t n = recv(c->fd, to, 65536, MSG_DONTWAIT);

	(void)events;
	if (n <= 0) {
		stub_close(c);
		return;
	}
	buf_grown(&c->in, (size_t)n);
	while (stub_take(c))
		;
}

static inline void stub_on_listen(void *arg, uint32_t events)
{
	struct stub *s = arg;
	struct stub_conn *c = xcalloc(1, sizeof(*c));

	(void)events;
	*c = (struct stub_conn){.stub = s, .next = s->conns, .in = BUF_INIT};
	c->number = ++s->connections;
	c->fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	s->conns = c;
	if (c->fd < 0 ||
	    loop_watch_new(s->loop, c->fd, EPOLLIN, stub_on_conn, c, &c->watch, NULL) < 0)
		abort();
}

static inline struct stub *stub_new(struct loop *l)
{
	struct stub *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->loop = l;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&a, len) < 0 || listen(s->fd, 64) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) < 0 ||
	    loop_watch_new(l, s->fd, EPOLLIN, stub_on_listen, s, &s->watch, NULL) < 0)
		abort();
	s->port = ntohs(a.sin_port);
	return s;
}

static inline void stub_free(struct stub *s)
{
	struct stub_conn *c;

	while ((c = s->conns) != NULL) {
		s->conns = c->next;
		stub_close(c);
		buf_release(&c->in);
		free(c);
	}
	for (size_t i = 0; i < s->n; i++) {
		free(s->seen[i].what);
		free(s->seen[i].headers);
		free(s->seen[i].body);
	}
	loop_watch_free(s->watch);
	close(s->fd);
	free(s);
}

/* How often it was asked this. */
static inline size_t stub_count(const struct stub *s, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += !strcmp(s->seen[i].what, what);
	return n;
}

/* The value of a header of a request; caller frees, NULL when it has none. */
static inline char *stub_header(const struct stub_seen *seen, const char *name)
{
	autofree char *key = xasprintf("\r\n%s: ", name);
	const char *at = strcasestr(seen->headers, key);

	return at ? xstrndup(at + strlen(key), strcspn(at + strlen(key), "\r")) : NULL;
}

#endif
