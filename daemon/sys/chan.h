/*
 * chan.h - one JSON object a line, both ways, over a stream descriptor.
 *
 * What the daemon speaks with its roles (socket pair) and with the command line (Unix socket).
 * Sending only queues; the bytes leave when chan_flush() is called (the daemon does so after its
 * commit) and then as the descriptor takes them. A line over the limit or a text that is not a JSON
 * object ends the channel with the reason (broken() may answer first); so does a peer that does not read
 * what is queued (CHAN_OUT_MAX).
 */
#ifndef YM_SYS_CHAN_H
#define YM_SYS_CHAN_H

#include "base/json.h"
#include "sys/loop.h"

struct chan;

#define CHAN_LINE_MAX ((size_t)1 << 20) /* a request by a person, comment texts included */
#define CHAN_OUT_MAX  ((size_t)64 << 20)

struct chan_ops {
	/* One decoded line. The channel may be freed inside. */
	void (*message)(void *arg, struct chan *c, json_t *msg);
	/* The other side is gone or everything has left after chan_finish() (err empty), or it
	 * misbehaved (err says how). Called once and from the loop, never from inside a function
	 * below; the channel still has to be freed by its owner, inside or later. */
	void (*closed)(void *arg, struct chan *c, const struct err *why);
	/* May be NULL. A line came that cannot be read, and no other will be: the last chance to
	 * send. What is queued leaves when it is flushed, then closed() comes with the same reason.
	 * The channel must not be freed inside. */
	void (*broken)(void *arg, struct chan *c, const struct err *why);
};

/* Takes fd (made non-blocking), also when it fails. line_max 0: CHAN_LINE_MAX. */
int chan_new(struct loop *l, int fd, size_t line_max, const struct chan_ops *ops, void *arg,
	     struct chan **ret, struct err *err);
void chan_free(struct chan *c); /* closes the descriptor; queued bytes are lost */
void chan_send(struct chan *c, const json_t *msg); /* nothing once the channel has ended */
void chan_flush(struct chan *c);
/* Takes back what was queued since the last flush. Was there anything? */
bool chan_unsend(struct chan *c);
/* Ends the channel once everything queued has left; it does not flush, so that no answer overtakes
 * the commit. Nothing is read or queued any more; closed() is called in the end. */
void chan_finish(struct chan *c);
int chan_fd(const struct chan *c);
/* Bytes that are queued and have not left: for a sender that can wait for a slow reader. */
size_t chan_pending(const struct chan *c);

/* Blocking ends, for roles and the command line. */
struct chan_sync;
struct chan_sync *chan_sync_new(int fd, size_t line_max); /* takes fd */
void chan_sync_free(struct chan_sync *c);
int chan_sync_send(struct chan_sync *c, const json_t *msg, struct err *err);
/* 1: a message; 0: end of file; -1: error, ERR_UNAVAILABLE when nothing came in time (calling again
 * is fine then). timeout_ms -1 waits for ever. */
int chan_sync_recv(struct chan_sync *c, int timeout_ms, json_t **ret, struct err *err);

#endif
