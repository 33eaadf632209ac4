/*
 * fault.h - for tests: dying at a chosen place.
 *
 * The environment variable YARDMASTER_CRASH_AT names one place as WHAT:WHEN. A process that comes
 * by there kills itself with SIGKILL, as the machine or an operator could at any time. Unset, as in
 * every normal use, fault_point() does nothing. The daemon hands the variable on to its roles, never
 * to a keeper or to what runs in a sandbox.
 *
 *   KIND:before     an effect of this kind was taken (committed) and is not started yet
 *   KIND:after      it was carried out, its result is not written yet
 *   KIND:committed  its result and what was decided about it are committed, nothing that follows
 *                   has started yet
 *   land:locked     the git role holds the locks of a landing, nothing is written
 *   land:between    receipt and kept references are written, the branch is not moved
 *   land:moved      the branch is moved, the daemon does not know yet
 *
 * The kinds are those of bot/outbox_kinds.c. What the local forge does is part of the daemon's
 * transaction: there `before` and `after` lie on both sides of it, inside the transaction.
 */
#ifndef YM_BASE_FAULT_H
#define YM_BASE_FAULT_H

#include <stdbool.h>

#define FAULT_VARIABLE "YARDMASTER_CRASH_AT"

void fault_point(const char *what, const char *when);
void fault_die(void);
/* Is it this place that the variable names? For a place that is reached later than it is known. */
bool fault_at(const char *what, const char *when);

#endif
