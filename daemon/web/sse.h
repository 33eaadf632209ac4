/*
 * sse.h - server-sent events (text/event-stream), decoded as the bytes come. Pure.
 *
 * As the WHATWG HTML standard has it: UTF-8 with or without a byte order mark; lines end with LF, CR or CRLF;
 * `event`, `data` (its lines joined by LF), `id`, `retry`; a line that begins with ':' is a comment, an
 * unknown field is none; an empty line ends an event, one without `data` is none; what the end of the stream
 * leaves unended is dropped.
 *
 * Nothing grows beyond the caller's `max` (twice, for the line and the event): an event that is larger is read
 * over to its end and told of as too large. A name over SSE_NAME_MAX is told as "", an id over SSE_ID_MAX or
 * one that is not printable ASCII is ignored (it would be sent back in a header).
 */
#ifndef YM_WEB_SSE_H
#define YM_WEB_SSE_H

#include "base/buf.h"

#include <stdint.h>

#define SSE_NAME_MAX  64
#define SSE_ID_MAX    256
#define SSE_RETRY_MAX 86400000 /* ms; more counts as this */

struct sse_event {
	const char *name; /* "message" when it has none */
	const char *data; /* len bytes and a NUL behind them */
	size_t len;
	bool too_large; /* over max: data is empty */
};
typedef void (*sse_fn)(void *arg, const struct sse_event *e);

struct sse {
	sse_fn fn;
	void *arg;
	struct buf line, data, name, id;
	struct buf last_id; /* of the last event that ended; empty: none */
	int64_t retry_ms;   /* -1: the sender has not said */
	bool began, after_cr, has_data, over;
};

void sse_init(struct sse *s, size_t max, sse_fn fn, void *arg);
/* fn is called from inside, once for each event that ends in these bytes; it must leave `s` alone. */
void sse_feed(struct sse *s, const char *p, size_t n);
/* A new connection: forgets what had no end; last_id and retry_ms stay. */
void sse_again(struct sse *s);
void sse_release(struct sse *s);

#endif
