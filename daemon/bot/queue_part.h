/*
 * queue_part.h - a landing taken apart: for the queue_*.c that carry it out, and nobody else.
 *
 *   queue_land.c     verify, push, land; what comes of it; doubts
 *   queue_head.c     the PR's head before the base
 *   queue_after.c    the branch that is not needed any more, the receipts on the forge
 *   queue_receipt.c  the receipt
 *
 * Everything of a landing up to its end is of one subject, so that its effects run one after another, and
 * those of the next landing after a restored head.
 */
#ifndef YM_BOT_QUEUE_PART_H
#define YM_BOT_QUEUE_PART_H

#include "bot/queue_flow.h"

/* A candidate, its repository and its latest landing. */
struct landing_ctx {
	struct candidate c;
	struct repo r;
	struct landing l;
};
void landing_ctx_release(struct landing_ctx *x);
/* Of the result p; 0, or -1. */
int queue_open_ctx(struct bot *b, const json_t *p, struct landing_ctx *x, struct err *err);
char *queue_land_subject(const struct repo *r); /* caller frees */

/* queue_land.c */
/* On the forge, under the lease of the base that was tested. */
int queue_land_there(struct bot *b, struct landing_ctx *x, struct err *err);
/* It failed, and the base does not contain the candidate, for certain: once more, or given back. */
int queue_failed(struct bot *b, struct landing_ctx *x, const char *why, struct err *err);
/* The audit says why. */
int queue_call_off(struct bot *b, struct landing_ctx *x, const char *why, struct err *err);

/* queue_stand.c */
/* Why it must not land any more: people changed their mind. NULL: nothing has changed; caller frees. */
int queue_called_off(struct bot *b, const struct landing_ctx *x, char **ret_why, struct err *err);

/* queue_head.c: begins a landing on a forge; ends with queue_land_there() or one of the above. */
int queue_head_first(struct bot *b, struct landing_ctx *x, struct err *err);
/* The landing came to nothing: a head that it moved goes back. The row is saved. */
int queue_head_restore(struct bot *b, struct landing_ctx *x, struct err *err);
/* Can nobody but its author write the PR's head? */
bool queue_head_is_foreign(const struct pr *pr);

/* queue_after.c: it has landed. */
int queue_after_landing(struct bot *b, struct landing_ctx *x, struct err *err);

/* queue_receipt.c; `verified` is the answer of `verify`. NULL: error. */
json_t *queue_receipt(struct bot *b, const struct landing_ctx *x, const json_t *verified,
		      struct err *err);

#endif
