/*
 * waits.h - what the wall clock decides, when that jumps.
 *
 * Pauses, limits and the age of what is known are kept in the ledger as moments of the wall clock, so that they outlive
 * the daemon. A clock that was wrong and is put right (a machine without a battery, a virtual machine that was
 * suspended) moves all of them at once.
 *
 *   put back   A moment that is later than now was written by the clock as it was. What waits for it waits from now for
 *              as long as it was meant to; an answer that was kept for some minutes (who may do what) is asked for again.
 *   put ahead  Waits end early, which costs one try. Age does worse: everything is past its retention at once. So
 *              nothing is removed by age when the clock has made a step of more than a day, before it has gone on from
 *              there for a day (waits_age); a daemon that was not running for a week waits that day, too.
 *
 * Pauses within one process (rates of the forge, tokens, timers) are by the monotonic clock and need nothing of this.
 */
#ifndef YM_BOT_WAITS_H
#define YM_BOT_WAITS_H

#include "bot/bot.h"

/* At the start, and in each turn: does something only when the clock has been put back since the last call. */
int waits_clamp(struct bot *b, struct err *err);
/* May be removed by age what is past its time? 1, 0 not now, -1. Called regularly: it notes when it looked. */
int waits_age(struct bot *b, struct err *err);
/* The same by what the last look noted, for whoever removes something at another time. Writes nothing. */
int waits_may_age(struct bot *b, struct err *err);

#endif
