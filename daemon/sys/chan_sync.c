/* chan_sync.c - the blocking ends of chan.h */
#include "base/clock.h"
#include "base/mem.h"
#include "sys/chan.h"
#include "sys/jsonl.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 << 10)

struct chan_sync {
	int fd;
	struct jsonl in;
};

struct chan_sync *chan_sync_new(int fd, size_t line_max)
{
	struct chan_sync *c = xcalloc(1, sizeof(*c));

	c->fd = fd;
	jsonl_init(&c->in, line_max ? line_max : CHAN_LINE_MAX);
	return c;
}

void chan_sync_free(struct chan_sync *c)
{
	if (!c)
		return;
	close(c->fd);
	jsonl_release(&c->in);
	free(c);
}

/* 1 ready, 0 the deadline passed, -1 with errno. */
static int await(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = -1;
		int n;

		if (deadline != INT64_MAX)
			left = deadline - clock_system.mono_ms(&clock_system);
		if (deadline != INT64_MAX && left < 0)
			left = 0;
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0 || (n < 0 && errno != EINTR))
			return n;
		if (n == 0 && left <= INT_MAX)
			return 0;
	}
}

static ssize_t put_bytes(int fd, const void *p, size_t n)
{
	ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

	return w < 0 && errno == ENOTSOCK ? write(fd, p, n) : w;
}

int chan_sync_send(struct chan_sync *c, const json_t *msg, struct err *err)
{
	autofree char *text = json_text(msg);
	size_t left = strlen(text) + 1;
	const char *at = text;

	text[left - 1] = '\n'; /* in the terminator's place: the length is known */
	while (left) {
		ssize_t n = put_bytes(c->fd, at, left);

		if (n < 0 && errno == EAGAIN && await(c->fd, POLLOUT, INT64_MAX) > 0)
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return err_set(err, ERR_UNAVAILABLE,
				       "the other side has closed the channel");
		if (n < 0)
			return err_errno(err, "send");
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

/* 1 bytes were taken in, 0 end of file, -1 error. */
static int take_in(struct chan_sync *c, int64_t deadline, struct err *err)
{
	autofree char *chunk = xmalloc(READ_SIZE);

	for (;;) {
		int ready = await(c->fd, POLLIN, deadline);
		ssize_t n;

		if (ready < 0)
			return err_errno(err, "poll");
		if (!ready)
			return err_set(err, ERR_UNAVAILABLE, "no answer within the time given");
		n = read(c->fd, chunk, READ_SIZE);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0 && errno != ECONNRESET)
			return err_errno(err, "receive");
		if (n <= 0)
			return 0;
		jsonl_add(&c->in, chunk, (size_t)n);
		return 1;
	}
}

int chan_sync_recv(struct chan_sync *c, int timeout_ms, json_t **ret, struct err *err)
{
	int64_t deadline = INT64_MAX;

	if (timeout_ms >= 0)
		deadline = clock_system.mono_ms(&clock_system) + timeout_ms;
	for (;;) {
		int rc = jsonl_next(&c->in, ret, err);

		if (rc)
			return rc;
		rc = take_in(c, deadline, err);
		if (rc < 0)
			return -1;
		if (!rc)
			return jsonl_end(&c->in, err);
	}
}
