/*
 * follow.h - sending logs of a task, to their end or as they grow.
 */
#ifndef YM_BOT_FOLLOW_H
#define YM_BOT_FOLLOW_H

#include "bot/bot.h"

/* Sends the logs of every run of the task (or of one) as chunks, then, when `follow`, what comes
 * until the task ends or the client leaves; then the answer. */
int follow_start(struct bot *b, uint64_t ticket, const struct task *t, const char *run, bool follow,
		 struct err *err);
void follow_stop_all(struct bot *b);

#endif
