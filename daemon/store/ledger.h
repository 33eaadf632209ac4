/*
 * ledger.h - inbox, outbox, audit chain and the few facts about the whole.
 *
 * All of it happens inside the turn's transaction (db.h). An event's key is the identity of what
 * happened; an effect's key is the identity of what is wanted: adding either a second time changes
 * nothing and says so.
 */
#ifndef YM_STORE_LEDGER_H
#define YM_STORE_LEDGER_H

#include "base/json.h"
#include "store/db.h"
#include "store/rows.h"

enum event_state { EVENT_NEW, EVENT_DECIDED, EVENT_IGNORED, EVENT_FAILED, EVENT_WAITS };
enum effect_state { EFFECT_PENDING, EFFECT_RUNNING, EFFECT_DONE, EFFECT_FAILED, EFFECT_WITHDRAWN };

/* 1 added, 0 known already. Takes no reference of payload. */
int event_add(struct db *d, const char *key, const char *kind, const json_t *payload, int64_t at_ms,
	      struct err *err);
int event_next(struct db *d, struct event *ret, struct err *err); /* oldest new one: 1, 0, -1 */
int event_decided(struct db *d, int64_t id, enum event_state state, const char *note, int64_t at_ms,
		  struct err *err);

int effect_add(struct db *d, const char *key, const char *subject, const char *kind,
	       const json_t *payload, int64_t at_ms, struct err *err);
/* The effects that may start now: the first open one of each subject, if pending and due. */
int effect_due(struct db *d, int64_t now_ms, struct effect_list *ret, struct err *err);
/* When the next pending effect becomes due, for a timer: 1 found, 0 none. */
int effect_next_ms(struct db *d, int64_t now_ms, int64_t *ret, struct err *err);
int effect_started(struct db *d, int64_t id, struct err *err);
int effect_done(struct db *d, int64_t id, bool ok, const char *result, int64_t at_ms,
		struct err *err);
/* Tries again at not_before_ms. */
int effect_again(struct db *d, int64_t id, int64_t not_before_ms, struct err *err);
/* The same after a pause that begins now: a clock that is put back does not make it longer (effect_clamp). */
int effect_wait(struct db *d, int64_t id, int64_t now_ms, int64_t wait_ms, struct err *err);
/* What was decided later than now was decided by a clock that has been put back since: pauses and limits of open
 * effects begin now. */
int effect_clamp(struct db *d, int64_t now_ms, struct err *err);
/* Withdraws what has not started yet of a subject. */
int effect_withdraw(struct db *d, const char *subject, int64_t at_ms, struct err *err);
/* After a start: what was running has an unknown outcome and is asked for again. Every executor
 * finds what an earlier try did. */
int effect_recover(struct db *d, struct err *err);

/*
 * The audit chain: hash = SHA-256 over the previous row's hash and this row's fields, each with its length in
 * front, so that no two different rows give the same bytes. The first row's predecessor is "".
 */
int audit_add(struct db *d, int64_t at_ms, const char *actor, const char *action,
	      const char *subject, const json_t *detail, struct err *err);
int audit_head(struct db *d, char **ret, struct err *err); /* "" while empty */
/* Recomputes all. 0 whole; -1 with the first row that does not fit (ERR_CORRUPT). */
int audit_verify(struct db *d, int64_t *ret_rows, char **ret_head, struct err *err);

/* meta */
int meta_get(struct db *d, const char *key, char **ret, struct err *err); /* 1, 0, -1 */
int meta_set(struct db *d, const char *key, const char *value, struct err *err);
int meta_clear(struct db *d, const char *key, struct err *err);

#endif
