/*
 * retention.h - what is done and old goes. `retention` of the daemon's configuration has the times (conf_daemon.h).
 *
 *   after a day            what handled events and effects carried, and what the effects answered if it is long: their
 *                          keys stay, which keep a thing from being done twice, and what failed stays readable
 *   events-days            handled events and effects
 *   failed-worktree-days   worktrees of tasks that need a person or whose issue was closed
 *   logs-days              run directories
 *   task-days              tasks that have ended, with their attempts; candidates that did not land, with theirs; entries
 *                          of the queue that did not land. What landed is proven for ever: landing, candidate, receipt,
 *                          PR, audit. What belongs to an open PR stays as well.
 *
 * Raw deliveries go in web/web.c, by the same rule about the clock (waits.h): nothing goes by age when it has jumped.
 */
#ifndef YM_BOT_RETENTION_H
#define YM_BOT_RETENTION_H

#include "bot/bot.h"

/* Called at each reconciliation. */
int retention_purge(struct bot *b, struct err *err);

#endif
