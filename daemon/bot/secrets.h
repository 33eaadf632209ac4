/*
 * secrets.h - the values that agents are handed, and where they are kept out of what people read.
 *
 * A value comes from the daemon's own environment (`env:` of an agent) and is written nowhere. It is masked
 * (base/mask.h) in the output of every run, gates included, as that is written (runner/supervise.c), in every
 * text for the forge and for the notification command, and in the messages of commits; a commit of an agent
 * whose files or names hold one is refused by the git role (git/commit.c).
 */
#ifndef YM_BOT_SECRETS_H
#define YM_BOT_SECRETS_H

#include "bot/bot.h"

/* Collects them anew: at the start, and when the configuration was read again. */
void secrets_load(struct bot *b);
void secrets_release(struct bot *b);
/* Masks the payload of an effect whose text leaves the machine. */
void secrets_mask_effect(const struct bot *b, const char *kind, json_t *payload);
/* Gives the values to a request of the git role that has to look for them; it is kept nowhere. */
void secrets_for_git(const struct bot *b, json_t *req);

#endif
