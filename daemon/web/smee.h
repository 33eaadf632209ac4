/*
 * smee.h - a webhook delivery out of an event of a smee channel. Pure.
 *
 * A smee server (smee.io, and what is made after it) takes the POST of a forge and hands it on as a JSON
 * object: the headers by their names in lower case, `body`, `query`, `timestamp`. GitHub signed the bytes that
 * it sent. The server has parsed them and written them anew with JSON.stringify, which leaves GitHub's JSON
 * (compact, no escapes without need) as it was; so the bytes to check are the text of `body` exactly as it
 * stands in the event. It is cut out of it, never parsed and written again: that would change escapes and
 * numbers. A `body` that is a string is those bytes itself (a form). A server that keeps the bytes as they
 * came, as gosmee does, sends them in base64 as `bodyB`, which then counts.
 *
 * What else JSON.stringify changes (numbers beyond 2^53, 1.0) makes the signature wrong, as it does for the
 * client of smee.io itself: such a delivery is refused, and the reconciler finds what it was about.
 */
#ifndef YM_WEB_SMEE_H
#define YM_WEB_SMEE_H

#include "base/err.h"

#include <stddef.h>

struct smee_delivery {
	/* Of the headers; NULL: absent. */
	char *signature, *event, *guid, *type;
	const char *body; /* the bytes that were signed: of the event's text, or `own` */
	size_t len;
	char *own;
};

/* 1; 0: no delivery (a greeting, an object without a body). ERR_INPUT: no JSON object, a header that is no
 * string, a body that is neither object nor text, a member twice. *ret is released by the caller after 1. */
int smee_read(const char *s, size_t n, struct smee_delivery *ret, struct err *err);
void smee_delivery_release(struct smee_delivery *d);

#endif
