/*
 * loop_timer.h - the timers of one loop: a binary heap by time, then by the order of arming.
 *
 * Used by loop.c only; everybody else sees loop_timer_* of loop.h, four of which are implemented
 * beside this. What is due when timers_fire() begins is fired by it; a timer armed inside a callback
 * waits for the next turn even when its time has come, so that descriptors are looked at in between.
 */
#ifndef YM_SYS_LOOP_TIMER_H
#define YM_SYS_LOOP_TIMER_H

#include "sys/loop.h"

struct timers {
	struct clock *clock;
	struct loop_timer **heap;
	size_t n, cap;
	uint64_t armed;         /* how often a timer was armed, for the order of equal times */
	struct loop_timer *due; /* taken from the heap and not yet called */
};

void timers_init(struct timers *t, struct clock *clock);
void timers_release(struct timers *t); /* the timers themselves are their owners' */
struct loop_timer *timer_new(struct timers *t, loop_fn fn, void *arg);
/* When the first one is due; INT64_MAX: none is armed. */
int64_t timers_next(const struct timers *t);
void timers_fire(struct timers *t);

#endif
