/*
 * stats.h - what `yardmaster stats` counts, from the ledger alone.
 *
 * A row is {key, what, value, shown}: `value` is a number or a list for programs (times in milliseconds, money
 * in millionths of a dollar, null where there is nothing to count), `shown` the same for people. `key` never
 * changes its meaning.
 *
 * Of a repository in shadow mode (shadow.h) the rows say what the queue would have done and what people did;
 * of any other one what agents and queue did.
 */
#ifndef YM_BOT_STATS_H
#define YM_BOT_STATS_H

#include "bot/bot.h"

#define STATS_DAYS     30 /* when nobody says how far back */
#define STATS_DAYS_MAX 3650

/* Of all events of one repository, oldest first; those from since_ms on are counted. */
json_t *stats_shadow(const struct shadow_event_list *l, int64_t since_ms);
int stats_active(struct bot *b, int64_t repo, int64_t since_ms, json_t **ret, struct err *err);

/* Of n sorted times: the middle one, and the one that nine of ten do not exceed. n is not 0. */
int64_t stats_median(const int64_t *v, size_t n);
int64_t stats_p90(const int64_t *v, size_t n);

#endif
