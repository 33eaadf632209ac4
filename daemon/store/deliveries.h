/*
 * deliveries.h - raw webhook deliveries: stored before they are acknowledged, decoded afterwards in order.
 *
 * Bodies are kept as LZ4 blocks: measured with GitHub's 12 kB payloads it is a quarter of the bytes to sync,
 * and with it twice the acknowledgements a second. A body over DELIVERY_BODY_MAX is not kept: such a
 * delivery only says that something has happened ("wake"), and the reconciler looks what.
 *
 * A delivery ends in one of the states below and is removed after its time (deliveries_purge). Nothing
 * here decides what it means.
 */
#ifndef YM_STORE_DELIVERIES_H
#define YM_STORE_DELIVERIES_H

#include "base/buf.h"
#include "base/json.h"
#include "store/db.h"

#define DELIVERY_BODY_MAX ((size_t)1 << 20) /* bytes of a body that is kept and decoded */
#define DELIVERY_ROW      256               /* what a delivery counts beside its body */

enum delivery_state {
	DELIVERY_NEW,
	DELIVERY_DECODED,
	DELIVERY_IGNORED,     /* a repository that is not ours, an event that nobody wants */
	DELIVERY_UNDECODABLE, /* detail says why; kept until its time for a person to look at */
	DELIVERY_WAKE,        /* too large to keep: the forge was asked to be read again */
	DELIVERY_REPLAY,      /* the same one had been handled: saved work, nothing else */
	DELIVERY_STATES
};
const char *delivery_state_name(enum delivery_state s);

struct delivery {
	int64_t id;
	char *guid;   /* X-GitHub-Delivery; unsigned, so it identifies nothing */
	char *event;  /* X-GitHub-Event */
	char *secret; /* which secret verified it, as the configuration names it */
	int64_t form; /* 1: application/x-www-form-urlencoded, the JSON is in `payload` */
	int64_t mark;
	int64_t size;    /* of the body as it came */
	struct buf body; /* empty: it was not kept */
	int64_t received_ms;
};
void delivery_release(struct delivery *d);

/* A body of n bytes as it is kept; *ret_len bytes, the caller frees. NULL and why. */
char *delivery_pack(const void *p, size_t n, size_t *ret_len, struct err *err);
/* Writes a new one; sets d->id. packed: of delivery_pack(), of a body of d->size bytes; NULL: none is kept.
 * *ret_stored: what it counts towards the limit of bytes. */
int delivery_add_packed(struct db *db, struct delivery *d, const void *packed, size_t len,
			int64_t *ret_stored, struct err *err);
/* The same of a body as it came: keeps `n` bytes of body, or none (p NULL) with d->size set by the caller. */
int delivery_add(struct db *db, struct delivery *d, const void *p, size_t n, int64_t *ret_stored,
		 struct err *err);

/* The oldest one that has no end yet: 1, 0, -1. Its body is as it came. A body that cannot be read back is
 * ERR_CORRUPT, with *ret filled but for the body. */
int deliveries_take(struct db *db, struct delivery *ret, struct err *err);
/* Its end. detail (may be NULL) is for a person. Counts it in the tally. */
int deliveries_done(struct db *db, const struct delivery *d, enum delivery_state outcome,
		    const char *detail, int64_t at_ms, struct err *err);

/* Removes up to `max` of the oldest ones that have an end: those received before before_ms, or any when `any`.
 * Returns how many went; *ret_bytes is what they counted. */
int deliveries_purge(struct db *db, int64_t before_ms, bool any, int64_t max, int64_t *ret_bytes,
		     struct err *err);
/* What all stored ones count, and how many have no end yet. Reads every row: for the start. */
int deliveries_size(struct db *db, int64_t *ret_bytes, int64_t *ret_new, struct err *err);

/* Calls fn for each of the last `max` that were decoded, newest first. One that was ignored may be sent again after
 * what kept it from being taken (no such repository here, a secret that may not speak for it) is mended. */
typedef void (*deliveries_fn)(void *arg, const char *guid, int64_t mark);
int deliveries_recent(struct db *db, int64_t max, deliveries_fn fn, void *arg, struct err *err);

/* {"issues": {"decoded": 12, "ignored": 3}, …} */
int deliveries_tally(struct db *db, json_t **ret, struct err *err);
/* The latest undecodable ones, newest first: [{id, event, guid, secret, received_ms, detail}, …] */
int deliveries_undecodable(struct db *db, int64_t max, json_t **ret, struct err *err);

#endif
