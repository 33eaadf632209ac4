/*
 * hookload.c - sends webhooks as fast as a receiver takes them: one thread, epoll, requests made beforehand.
 *
 *   hookload PORT PATH SECRET PAYLOAD CONNECTIONS WARM_MS RUN_MS
 *
 * PAYLOAD is a file with a JSON object; DISTINCT bodies that differ in a first key are signed before the start.
 * Each connection sends the next request when it has the whole answer. Prints
 *
 *   requests=N failed=N seconds=S rate=N p50_us=N p99_us=N max_us=N
 *
 * of the time behind the warming up. `failed`: an answer that is not 2xx, or a connection that broke.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/fs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DISTINCT    512
#define ANSWER_MAX  8192
#define SAMPLES_MAX ((size_t)4 << 20)

struct request {
	char *s;
	size_t n;
};

struct conn {
	int fd;
	const struct request *r;
	size_t sent, got;
	int64_t at_us;
	char answer[ANSWER_MAX + 1];
};

struct load {
	int port, epfd;
	struct request requests[DISTINCT];
	uint64_t next;
	int64_t from_us, until_us;
	uint32_t *samples;
	size_t n, failed;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "hookload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_request(struct load *l, int i, const char *path, const char *secret,
			 const struct buf *payload)
{
	autofree char *body = xasprintf("{\"n\":%d,%s", 100000 + i, payload->s + 1);
	size_t n = strlen(body);
	autofree char *mac = text_hmac(secret, strlen(secret), body, n);

	l->requests[i].s = xasprintf("POST %s HTTP/1.1\r\n"
				     "Host: 127.0.0.1:%d\r\n"
				     "User-Agent: GitHub-Hookshot/044aadd\r\n"
				     "Content-Length: %zu\r\n"
				     "Accept: */*\r\n"
				     "Content-Type: application/json\r\n"
				     "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-%012d\r\n"
				     "X-GitHub-Event: issues\r\n"
				     "X-GitHub-Hook-ID: 292430182\r\n"
				     "X-GitHub-Hook-Installation-Target-ID: 79929171\r\n"
				     "X-GitHub-Hook-Installation-Target-Type: repository\r\n"
				     "X-Hub-Signature-256: sha256=%s\r\n\r\n%s",
				     path, l->port, n, i, mac, body);
	l->requests[i].n = strlen(l->requests[i].s);
}

static void reconnect(struct load *l, struct conn *c)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	if (c->fd >= 0)
		close(c->fd);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		die("epoll_ctl");
}

static void push(struct conn *c)
{
	while (c->sent < c->r->n) {
		ssize_t n = send(c->fd, c->r->s + c->sent, c->r->n - c->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		c->sent += (size_t)n;
	}
}

static void begin(struct load *l, struct conn *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	c->r = &l->requests[l->next++ % DISTINCT];
	c->sent = c->got = 0;
	c->at_us = now_us();
	push(c);
	if (c->sent < c->r->n) {
		ev.events |= EPOLLOUT;
		epoll_ctl(l->epfd, EPOLL_CTL_MOD, c->fd, &ev);
	}
}

/* Is the answer whole? By Content-Length, by the last chunk, or without a body. */
static bool whole(struct conn *c)
{
	const char *end, *length;

	c->answer[c->got] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (!end)
		return false;
	length = strcasestr(c->answer, "\r\ncontent-length:");
	if (length && length < end)
		return c->got >= (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
	length = strcasestr(c->answer, "\r\ntransfer-encoding:");
	return !length || length > end || strstr(end, "\r\n0\r\n\r\n");
}

static void done(struct load *l, struct conn *c)
{
	int64_t t = now_us();

	if (strncmp(c->answer, "HTTP/1.1 2", 10) != 0) {
		if (!l->failed++)
			fprintf(stderr, "hookload: %.60s\n", c->answer);
	} else if (t >= l->from_us && l->n < SAMPLES_MAX) {
		l->samples[l->n++] = (uint32_t)(t - c->at_us);
	}
}

static void on_event(struct load *l, struct conn *c, uint32_t events)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	ssize_t n;

	if (events & EPOLLOUT) {
		push(c);
		if (c->sent == c->r->n)
			epoll_ctl(l->epfd, EPOLL_CTL_MOD, c->fd, &ev);
	}
	if (!(events & ~(uint32_t)EPOLLOUT))
		return;
	n = recv(c->fd, c->answer + c->got, ANSWER_MAX - c->got, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		l->failed++;
		reconnect(l, c);
		begin(l, c);
		return;
	}
	c->got += (size_t)n;
	if (!whole(c))
		return;
	done(l, c);
	if (strcasestr(c->answer, "\r\nconnection: close"))
		reconnect(l, c);
	begin(l, c);
}

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(struct load *l, int64_t end_us)
{
	double seconds = (double)(end_us - l->from_us) / 1e6;

	qsort(l->samples, l->n, sizeof(*l->samples), by_value);
	if (!l->n) {
		fprintf(stderr, "hookload: not one answer\n");
		exit(1);
	}
	printf("requests=%zu failed=%zu seconds=%.2f rate=%.0f p50_us=%u p99_us=%u max_us=%u\n",
	       l->n, l->failed, seconds, (double)l->n / seconds, l->samples[l->n / 2],
	       l->samples[l->n * 99 / 100], l->samples[l->n - 1]);
}

int main(int argc, char **argv)
{
	cleanup(buf_release) struct buf payload = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;
	struct load *l = xcalloc(1, sizeof(*l));
	struct epoll_event events[128];
	struct conn *conns;
	int n;

	if (argc != 8) {
		fprintf(stderr, "hookload PORT PATH SECRET PAYLOAD CONNECTIONS WARM_MS RUN_MS\n");
		return 2;
	}
	l->port = (int)strtol(argv[1], NULL, 10);
	n = (int)strtol(argv[5], NULL, 10);
	if (n < 1 || fs_read(argv[4], 1 << 20, &payload, &err) < 0 || payload.s[0] != '{') {
		fprintf(stderr, "hookload: %s\n", err_text(&err));
		return 1;
	}
	buf_rtrim(&payload);
	for (int i = 0; i < DISTINCT; i++)
		make_request(l, i, argv[2], argv[3], &payload);
	l->samples = xcalloc(SAMPLES_MAX, sizeof(*l->samples));
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	conns = xcalloc((size_t)n, sizeof(*conns));
	l->from_us = now_us() + strtol(argv[6], NULL, 10) * 1000;
	l->until_us = l->from_us + strtol(argv[7], NULL, 10) * 1000;
	for (int i = 0; i < n; i++) {
		conns[i].fd = -1;
		reconnect(l, &conns[i]);
		begin(l, &conns[i]);
	}
	while (now_us() < l->until_us) {
		int k = epoll_wait(l->epfd, events, 128, 100);

		for (int i = 0; i < k; i++)
			on_event(l, events[i].data.ptr, events[i].events);
	}
	report(l, now_us());
	return 0;
}
