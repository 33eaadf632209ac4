/*
 * watch.h - noticing at once that a base branch was moved, whoever moved it and with whatever tool.
 *
 * inotify on the folders that hold the base's reference and on `packed-refs`: no hook is run for
 * `git update-ref`, and none by other programs than git. Only a hint, as every event is: it asks where
 * the base is (reconcile.h). Where there is no inotify left, or a repository is not in files, the
 * reconciliation notices it later.
 */
#ifndef YM_BOT_WATCH_H
#define YM_BOT_WATCH_H

#include "bot/bot.h"

/* NULL, said in the log, when the machine has none to give. */
struct watch *watch_new(struct bot *b);
void watch_free(struct watch *w);
/* Watches every repository of the ledger; what is watched already stays. NULL is fine. */
void watch_repos(struct watch *w);

#endif
