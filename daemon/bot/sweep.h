/*
 * sweep.h - what is left over when the daemon, a role or a run was killed.
 *
 * At the start no role of ours runs, for all of them die with their daemon: what is unfinished in a repository is
 * nobody's. Then once a day, of what is older than a day. The git role does it (git/sweep.h); here is what it is told,
 * and the folders of tasks that the ledger knows to be over. One whose task the ledger does not know yet may be the work
 * of a later ledger than this restored one, and stays.
 */
#ifndef YM_BOT_SWEEP_H
#define YM_BOT_SWEEP_H

#include "bot/bot.h"

/* Called at each reconciliation; does something at the first and once a day. */
int sweep_look(struct bot *b, struct err *err);

#endif
