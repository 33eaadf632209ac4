/*
 * approvals.h - which approvals of a PR count: those of the head that is asked about, not void, by somebody who
 * may write now. Whoever was removed, or has lost the permission since, approves nothing any more; with
 * the permission it counts again.
 */
#ifndef YM_BOT_APPROVALS_H
#define YM_BOT_APPROVALS_H

#include "bot/bot.h"

/* Does this one count? *ret_why (may be NULL) is set to a sentence when it is of a head that it could count
 * for, not void, and its author may not write; caller frees. */
int approval_counts(struct bot *b, const struct repo *r, const struct approval *a, bool *ret,
		    char **ret_why, struct err *err);
/* How many people approve this head; `but` (may be NULL) is left out. */
int approvals_count(struct bot *b, const struct repo *r, int64_t pr, const char *head,
		    const char *but, int64_t *ret, struct err *err);

#endif
