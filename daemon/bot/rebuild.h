/*
 * rebuild.h - what a ledger can learn again from a repository that knows more than it does.
 *
 * After a restored or empty ledger, and when `repo add` finds a repository of ours that is not in the
 * ledger. Everything is read (EXEC_READ), so it goes on while the ledger waits for a person:
 *
 *   repo-base -> repo-pulls     refs/pull/N/head and refs/yardmaster/heads/N: which numbers are taken
 *             -> repo-log       the commits of the base that the ledger does not know
 *             -> repo-receipt   for each: has it a receipt? Then its PR is merged, and its task as well
 *             -> repo-pulls     refs/pull/N/head: no number is given twice; a PR that the ledger does
 *                               not know and that has no receipt is open, with this head
 *
 * Titles, comments, approvals and issues of the local forge are in the ledger alone and are lost with it.
 */
#ifndef YM_BOT_REBUILD_H
#define YM_BOT_REBUILD_H

#include "bot/bot.h"

/* N of refs/pull/N/head and refs/yardmaster/heads/N, else 0. */
int64_t rebuild_number(const char *ref);

/* `base` is where the base is now, or NULL while it has no commit. */
int rebuild_start(struct bot *b, const struct repo *r, const char *base, struct err *err);

int rebuild_did_log(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int rebuild_did_receipt(struct bot *b, const struct event *e, const json_t *p, struct err *err);
int rebuild_did_pulls(struct bot *b, const struct event *e, const json_t *p, struct err *err);

#endif
