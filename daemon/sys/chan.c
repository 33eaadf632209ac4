/* chan.c - see chan.h; the blocking ends are in chan_sync.c */
#include "sys/chan.h"

#include "base/mem.h"
#include "sys/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 << 10)

struct chan {
	struct loop *loop;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *ending; /* calls closed() from the loop, never from inside a sender */
	struct jsonl in;
	struct buf out;
	size_t sent;    /* bytes of `out` that have left */
	size_t granted; /* bytes of `out` that may leave: those queued before the last flush */
	const struct chan_ops *ops;
	void *arg;
	struct err why;
	bool ended;     /* nothing is read or written any more */
	bool told;      /* closed() was called */
	bool finishing; /* ends once everything queued has left; nothing is read any more */
	bool *freed;    /* set by chan_free() for the one who called back */
};

static void call_closed(struct chan *c)
{
	cleanup(err_release) struct err why = c->why;

	if (c->told)
		return;
	c->told = true;
	c->why = (struct err)ERR_INIT;
	c->ops->closed(c->arg, c, &why); /* may free c */
}

static void on_ending(void *arg)
{
	call_closed(arg);
}

/* No more events; closed() follows from the loop. `why` is taken over. */
static void end(struct chan *c, struct err *why)
{
	if (c->ended) {
		err_release(why);
		return;
	}
	c->ended = true;
	c->why = *why;
	*why = (struct err)ERR_INIT;
	loop_watch_free(steal(&c->watch));
	buf_release(&c->out);
	c->sent = c->granted = 0;
	loop_timer_in(c->ending, 0);
}

static void end_quietly(struct chan *c)
{
	cleanup(err_release) struct err none = ERR_INIT;

	end(c, &none);
}

/* Everything has left after chan_finish() or after a broken line, which is the reason then. */
static void end_finished(struct chan *c)
{
	struct err why = c->why;

	c->why = (struct err)ERR_INIT;
	end(c, &why);
}

static void update_events(struct chan *c)
{
	cleanup(err_release) struct err err = ERR_INIT;
	uint32_t events = (c->finishing ? 0 : EPOLLIN) | (c->granted > c->sent ? EPOLLOUT : 0);

	if (!c->ended && loop_watch_set(c->watch, events, &err) < 0)
		end(c, &err);
}

/* --- writing --- */

static ssize_t put_bytes(int fd, const void *p, size_t n)
{
	ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

	return w < 0 && errno == ENOTSOCK ? write(fd, p, n) : w;
}

/* Room in front is given back once it is the larger half. */
static void compact(struct chan *c)
{
	if (c->sent < c->out.len && c->sent < c->out.len / 2)
		return;
	buf_consume(&c->out, c->sent);
	c->granted -= c->sent;
	c->sent = 0;
	if (!c->out.len)
		buf_release(&c->out); /* a rare large answer does not stay in memory */
}

static void write_out(struct chan *c)
{
	cleanup(err_release) struct err err = ERR_INIT;

	while (c->sent < c->granted) {
		ssize_t n = put_bytes(c->fd, c->out.s + c->sent, c->granted - c->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			end_quietly(c);
			return;
		}
		if (n < 0) {
			err_errno(&err, "write");
			end(c, &err);
			return;
		}
		c->sent += (size_t)n;
	}
	compact(c);
	if (c->finishing && !c->out.len)
		end_finished(c);
	else
		update_events(c);
}

void chan_send(struct chan *c, const json_t *msg)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *text = NULL;

	if (c->ended || c->finishing)
		return;
	text = json_text(msg);
	buf_adds(&c->out, text);
	buf_addc(&c->out, '\n');
	if (!c->out.failed)
		return;
	err_set(&err, ERR_LIMIT, "the other side does not read: %zu bytes wait for it",
		c->out.len - c->sent);
	end(c, &err);
}

void chan_flush(struct chan *c)
{
	if (c->ended || c->granted == c->out.len)
		return;
	c->granted = c->out.len;
	write_out(c);
}

bool chan_unsend(struct chan *c)
{
	bool any = c->out.len > c->granted;

	buf_truncate(&c->out, c->granted);
	return any;
}

void chan_finish(struct chan *c)
{
	if (c->ended || c->finishing)
		return;
	c->finishing = true;
	if (c->out.len)
		update_events(c);
	else
		end_finished(c);
}

/* --- reading --- */

/* Nothing more is read; what the owner has to say about it still leaves. */
static void broken_line(struct chan *c, struct err *why)
{
	if (!c->ops->broken) {
		end(c, why);
		return;
	}
	c->ops->broken(c->arg, c, why);
	if (c->ended || c->finishing) {
		err_release(why);
		return;
	}
	c->why = *why;
	*why = (struct err)ERR_INIT;
	chan_finish(c);
}

/* Hands out what is complete. false: the channel is gone or has ended. */
static bool deliver(struct chan *c)
{
	cleanup(err_release) struct err err = ERR_INIT;
	bool freed = false;
	int rc = 0;

	while (!c->ended && !c->finishing) {
		autojson json_t *msg = NULL;

		rc = jsonl_next(&c->in, &msg, &err);
		if (rc <= 0)
			break;
		c->freed = &freed;
		c->ops->message(c->arg, c, msg);
		if (freed)
			return false;
		c->freed = NULL;
	}
	if (rc < 0)
		broken_line(c, &err);
	return !c->ended;
}

static void at_eof(struct chan *c)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (jsonl_end(&c->in, &err) < 0)
		broken_line(c, &err); /* it may have ended only its own half */
	else
		end_quietly(c);
}

static void read_in(struct chan *c)
{
	autofree char *chunk = xmalloc(READ_SIZE);
	cleanup(err_release) struct err err = ERR_INIT;
	ssize_t n = read(c->fd, chunk, READ_SIZE);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n < 0 && errno != ECONNRESET) {
		err_errno(&err, "read");
		end(c, &err);
		return;
	}
	if (n <= 0) {
		at_eof(c);
		return;
	}
	jsonl_add(&c->in, chunk, (size_t)n);
	deliver(c);
}

static void on_ready(void *arg, uint32_t events)
{
	struct chan *c = arg;

	if (events & EPOLLOUT)
		write_out(c);
	if (c->ended)
		return;
	if (c->finishing && (events & (EPOLLHUP | EPOLLERR)))
		end_quietly(c);
	else if (!c->finishing && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		read_in(c);
}

/* --- life --- */

int chan_new(struct loop *l, int fd, size_t line_max, const struct chan_ops *ops, void *arg,
	     struct chan **ret, struct err *err)
{
	struct chan *c = xcalloc(1, sizeof(*c));
	int flags = fcntl(fd, F_GETFL);

	c->loop = l;
	c->fd = fd;
	c->ops = ops;
	c->arg = arg;
	jsonl_init(&c->in, line_max ? line_max : CHAN_LINE_MAX);
	buf_init(&c->out, CHAN_OUT_MAX);
	c->ending = loop_timer_new(l, on_ending, c);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err_errno(err, "channel on descriptor %d", fd);
		chan_free(c);
		return -1;
	}
	if (loop_watch_new(l, fd, EPOLLIN, on_ready, c, &c->watch, err) < 0) {
		chan_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void chan_free(struct chan *c)
{
	if (!c)
		return;
	if (c->freed)
		*c->freed = true;
	loop_watch_free(c->watch);
	loop_timer_free(c->ending);
	close(c->fd);
	jsonl_release(&c->in);
	buf_release(&c->out);
	err_release(&c->why);
	free(c);
}

int chan_fd(const struct chan *c)
{
	return c->fd;
}

size_t chan_pending(const struct chan *c)
{
	return c->out.len - c->sent;
}
