/*
 * allowed.h - who may do what on a forge: by the forge's levels, or as `github.permissions` of the daemon's
 * configuration says, where teams count as well (conf_github.h).
 *
 * What cannot be found out allows nothing. A forge that has to be asked first makes the decision wait, as
 * bot_permission() does.
 */
#ifndef YM_BOT_ALLOWED_H
#define YM_BOT_ALLOWED_H

#include "bot/bot.h"
#include "bot/command.h"

/* *ret_refusal: NULL, or what it takes and what this user has: "needs the permission `write`; @eve has `read`";
 * caller frees. `otherwise`: the level that it takes where the configuration says nothing. */
int allowed(struct bot *b, const struct repo *r, enum conf_allow what, enum forge_level otherwise,
	    const char *user, char **ret_refusal, struct err *err);
/* Of what somebody was allowed before: what was known last counts until the forge has answered, and it is asked. Not for
 * the decision about an event, which waits for the answer. *ret_refusal with ALLOWED_NO; caller frees. */
enum allowed_still { ALLOWED_YES, ALLOWED_NO, ALLOWED_UNKNOWN };
int allowed_still(struct bot *b, const struct repo *r, enum conf_allow what,
		  enum forge_level otherwise, const char *user, enum allowed_still *ret,
		  char **ret_refusal, struct err *err);
/* Which key a comment command is under; CONF_ALLOW_NONE: its level alone counts. */
enum conf_allow allowed_key(enum command_id id);

#endif
