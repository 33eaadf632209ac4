/*
 * ask.h - asking the daemon from a hook that somebody waits for: every step ends by the deadline.
 */
#ifndef YM_HOOKS_ASK_H
#define YM_HOOKS_ASK_H

#include "base/json.h"

#include <stdint.h>

struct ask;

int64_t ask_now(void); /* monotonic milliseconds, which the deadline is in */
/* ERR_UNAVAILABLE when nobody listens or takes the connection in time. */
int ask_open(const char *socket, int64_t deadline_ms, struct ask **ret, struct err *err);
void ask_free(struct ask *a);
/* Takes args. The answer's item or, with an error of the daemon's own, its code and text. */
int ask_item(struct ask *a, const char *cmd, json_t *args, json_t **ret_item, struct err *err);

#endif
