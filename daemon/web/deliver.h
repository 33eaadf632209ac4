/*
 * deliver.h - stored deliveries on their way to whoever understands them.
 *
 * After the acknowledgement, in the order in which they came, each in a savepoint of its own. Every one ends
 * with an outcome (store/deliveries.h). Decoding one costs ten times what storing it does, so what a turn spends
 * on it is bounded: DELIVER_TURN_MS while none come; one for every DELIVER_BUSY_MS that passed while they keep
 * coming, which is a thirtieth of the time; one for every DELIVER_FLOOD_MS while many come at once; one for every
 * DELIVER_HURRY_MS when they pile up.
 */
#ifndef YM_WEB_DELIVER_H
#define YM_WEB_DELIVER_H

#include "bot/bot.h"
#include "store/deliveries.h"
#include "web/hook_secrets.h"

#define DELIVER_TURN_MS  5
#define DELIVER_BUSY_MS  10
#define DELIVER_HURRY_MS 1
#define DELIVER_FLOOD_MS 40
enum deliver_pace { DELIVER_QUIET, DELIVER_BUSY, DELIVER_HURRY, DELIVER_FLOOD };

struct deliver_said {
	enum delivery_state outcome; /* DELIVERY_DECODED or DELIVERY_IGNORED */
	char *detail;                /* for a person; may be NULL; owned */
};

/*
 * What a forge plugs in: takes events out of a delivery (event_add() and friends). The payload is an object and
 * its secret may speak for its `repository`, if it has one; for any other repository that it names ask
 * nobody: take it from `repository`. -1 with ERR_INPUT: the payload lacks what it must have, the delivery is
 * kept as undecodable. ERR_IO and ERR_CORRUPT are about the ledger, and end the daemon.
 */
typedef int (*deliver_fn)(struct bot *b, const struct delivery *d, const json_t *payload,
			  struct deliver_said *ret, struct err *err);

struct deliver;

/* fn NULL: nobody takes anything, all are ignored and counted. */
int deliver_new(struct bot *b, deliver_fn fn, struct deliver **ret, struct err *err);
void deliver_free(struct deliver *d);
/* One turn's share. Returns how many had their end, -1. */
int deliver_pass(struct deliver *d, const struct hook_secrets *secrets, enum deliver_pace pace,
		 struct err *err);
/* What was handled since the last commit was undone. */
void deliver_undone(struct deliver *d);
/* The JSON of a delivery, under the caps: an object. ERR_INPUT says what it is instead. */
int deliver_payload(const struct delivery *d, json_t **ret, struct err *err);

#endif
