/*
 * life.h - the life of a task, as data.
 *
 *   waiting ---> preparing ---> running <--> asking
 *    |  ^           |            | ^ ^
 *    |  |           |            | | `---------- review <--> queued ---> merged
 *    |  relabel     |            | `-- halted      |           |
 *    |              |            v                 |           |
 *    `------------->+--> cancelled, no-change, done, needs-human <------'
 *
 * From each open state but relabel a task may also be merged: a ledger that was restored learns from a
 * receipt that its work has landed.
 *
 * waiting: for a lease, a place, or the end of a halt; a later round waits for a place too (edges not
 * drawn). relabel: the text changed between the label and the first prompt. halted: the kill
 * switch ended its run; it continues after `resume`. Ended states but three are final: needs-human goes on
 * with `retry` or `say`; cancelled by the closing of its issue comes back to a person when that is opened
 * again (task_issue.c); and they and done (a blueprint that ends before the queue) become merged when a
 * person lands their PR.
 */
#ifndef YM_TASK_LIFE_H
#define YM_TASK_LIFE_H

#include "base/err.h"

#include <stdbool.h>

bool life_ended(const char *state);
/* May a task go from one state to the other? Staying is always allowed. */
bool life_may(const char *from, const char *to);
/* The same as an error that names both: a broken invariant, ERR_INTERNAL. */
int life_check(const char *from, const char *to, struct err *err);

#endif
