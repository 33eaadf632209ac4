/*
 * web.h - what the daemon does over HTTP, as a part that the bot's turn carries (bot/bot.h). Today: receiving
 * webhooks, `POST /webhook/github`.
 *
 * A delivery is checked while it comes (HMAC over the raw bytes), and when it is whole it waits for the end of
 * the turn: all that came in one turn are stored in the turn's transaction, and after the commit
 * (synchronous=FULL) each is answered 202. Acknowledged means durable, and one sync serves all. Nothing is
 * parsed before the answer; deliver.h has what happens afterwards.
 *
 *   202  stored
 *   400  no event, no usable content type, an empty body: signed rightly and malformed all the same
 *   401  the signature is missing, malformed, or of none of the secrets: counted, not stored
 *   413  over WEB_BODY_MAX
 *   503  with Retry-After: the disk is full or nearly (WEB_DISK_RESERVE), too many large bodies at the same time,
 *        or more deliveries wait to be decoded than `deliveries-mb` allows. The forge shows the delivery as
 *        failed, and the reconciler asks for it again.
 *
 * Room for bodies (web/body.h) and connections (sys/httpd.h) is given in an order: first to who is known, that is to
 * connections and networks that brought a verified delivery and to requests that name a hook whose deliveries were
 * verified; then to strangers, of whom the slow ones make way.
 *
 * Deliveries also come through an event channel (stream.h), when one is configured: checked, stored and counted
 * the same way, with nobody to answer.
 *
 * SIGHUP reads the secrets again, without dropping a connection, and follows a channel that moved. SIGTERM: no new connections, what is under
 * way is finished within WEB_DRAIN_MS.
 */
#ifndef YM_WEB_WEB_H
#define YM_WEB_WEB_H

#include "web/deliver.h"

#define WEB_BODY_MAX     ((size_t)25 << 20)
#define WEB_CONNECTIONS  1024
#define WEB_HOOKS_KNOWN  16
#define WEB_DISK_RESERVE ((int64_t)64 << 20)
#define WEB_DRAIN_MS     8000

struct web_options {
	deliver_fn deliver; /* NULL: no forge takes deliveries */
};

/* bot_part.arg is a struct web_options. */
extern const struct bot_part_ops web_part;

#endif
