/*
 * stream.h - deliveries through an event channel: a connection of ours to a smee-compatible server, for machines
 * that no webhook reaches (a laptop behind NAT).
 *
 * One GET that stays open (sse.h); each event `message` that is a delivery (smee.h) is handed to `deliver`,
 * which checks, stores and counts it as one that came over HTTP. Nobody is answered, and the forge has been told that
 * it arrived: what is lost on the way, came while the connection was gone, was too large or not to be read, or is not
 * taken (no room, a signature that the server's rewriting broke), is found by the reconciler, which `again` wakes. Each
 * of these is a gap.
 *
 * A server that ends each connection after half a minute would have everything read anew each time. So `again` is
 * called at once for the first gap, and then for all gaps of the next STREAM_AGAIN_MS together, at its end. What can
 * be lost in between is a delivery of the second or so that such a gap lasts: it is found at the end of that time, or
 * by the reconciliation that is due anyway if that is sooner, and not at the reconnection. A gap after a longer time
 * of peace, however short, and the end of a long one are told at once.
 *
 * The connection is made anew whenever it ends, by itself or after STREAM_IDLE_MS without a byte (smee.io
 * pings every 30 s): after what the server says by `retry:` or Retry-After, STREAM_WAIT_MS when it says nothing,
 * doubled with each try up to STREAM_WAIT_MAX_MS, and up to half as much again by chance. A connection that held
 * for STREAM_STEADY_MS begins anew. A redirect, another content type than text/event-stream and every status but
 * 200 end it with a `problem` that `status` and `doctor` show. An event over STREAM_EVENT_MAX is counted and
 * dropped.
 */
#ifndef YM_WEB_STREAM_H
#define YM_WEB_STREAM_H

#include "base/json.h"
#include "sys/loop.h"
#include "web/smee.h"

#define STREAM_EVENT_MAX   ((size_t)2 << 20) /* twice what is kept of a delivery */
#define STREAM_CONNECT_MS  15000
#define STREAM_IDLE_MS     100000
#define STREAM_WAIT_MIN_MS 100
#define STREAM_WAIT_MS     1000
#define STREAM_WAIT_MAX_MS 300000
#define STREAM_STEADY_MS   30000
#define STREAM_AGAIN_MS    300000 /* between two calls of `again` */

struct stream;

/* Copied. */
struct stream_options {
	const char *url;     /* http_url_base() has taken it */
	const char *proxy;   /* NULL: none */
	const char *ca_file; /* NULL: the system's */
	bool (*deliver)(void *arg, const struct smee_delivery *d); /* false: it was not taken */
	void (*again)(void *arg); /* there was a gap: what came in it is to be looked for */
	void *arg;
};

/* Connects in the next turn of the loop. */
int stream_new(struct loop *l, struct rnd *rnd, const struct stream_options *o, struct stream **ret,
	       struct err *err);
void stream_free(struct stream *s); /* not from inside a callback of its own */
const char *stream_url(const struct stream *s);
/* {address, state: connected|connecting|waiting, since_ms, deliveries, ignored, malformed, too_large,
 * again_in_ms?, problem?}: the address is the server's alone, for who knows the channel can read it; problem is
 * why there is no connection, or of the last event that was none. */
json_t *stream_state(const struct stream *s);

#endif
