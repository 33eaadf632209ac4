/*
 * checkup.h - the daemon's half of `doctor`: what only it can ask, because it has the credentials and the list
 * of repositories. The answer's rows are {check, ok, text, mend?}.
 */
#ifndef YM_BOT_CHECKUP_H
#define YM_BOT_CHECKUP_H

#include "bot/bot.h"

/* Whoever waits for one gets no answer from it. */
void checkup_stop(struct bot *b);

#endif
