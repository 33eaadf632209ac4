/*
 * members.h - is somebody in a team of the forge? Asked of it, and kept for minutes as levels are.
 */
#ifndef YM_BOT_MEMBERS_H
#define YM_BOT_MEMBERS_H

#include "bot/bot.h"

enum member {
	MEMBER_NO,
	MEMBER_YES,
	MEMBER_UNKNOWN, /* the forge does not say: *ret_why. Nobody is let in by that */
};

/* What was said last; when that is old, or nothing yet (then MEMBER_UNKNOWN), it is asked for, and the answer
 * wakes whoever waits. team: "org/slug". ret_why may be NULL; caller frees. */
int members_look(struct bot *b, const struct repo *r, const char *team, const char *user,
		 enum member *ret, char **ret_why, struct err *err);
/* The same for a decision about an event: without an answer it fails as bot_permission() does, and the event
 * waits. */
int members_ask(struct bot *b, const struct repo *r, const char *team, const char *user,
		enum member *ret, char **ret_why, struct err *err);

#endif
