/*
 * clock.h - time and randomness as values that are passed in.
 *
 * Nothing in this program asks the system for the time or for random bytes except the two tables
 * below; tests pass their own and turn the clock by hand.
 */
#ifndef YM_BASE_CLOCK_H
#define YM_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
	int64_t (*wall_ms)(struct clock *c); /* milliseconds since 1970 UTC; may jump */
	int64_t (*mono_ms)(struct clock *c); /* milliseconds that never go back; for waiting */
};

struct rnd {
	void (*fill)(struct rnd *r, void *p, size_t n);
};

extern struct clock clock_system;
extern struct rnd rnd_system;

/* ISO 8601 in UTC with milliseconds; caller frees. */
char *clock_format(int64_t wall_ms);
/* n random bytes as 2n lower-case hexadecimal digits; caller frees. */
char *rnd_hex(struct rnd *r, size_t n);

#endif
