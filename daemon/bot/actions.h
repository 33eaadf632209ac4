/*
 * actions.h - what a person can ask for, however it is asked: a comment command, the command line,
 * a button. The permission has been checked; the answer is one text for that person.
 *
 * Adding a comment command: a row in command.c's table, a function here, a row in actions.c's table, and one in
 * allowed.c's unless it only looks.
 */
#ifndef YM_BOT_ACTIONS_H
#define YM_BOT_ACTIONS_H

#include "bot/bot.h"
#include "bot/command.h"

struct action {
	struct bot *bot;
	const struct repo *repo;
	int64_t number; /* the issue or PR that it was said on; 0: none */
	const char *actor;
	int64_t said_ms;        /* by the forge's clock; 0: not known */
	const char *known_head; /* the PR's head when it was said; NULL: the first one */
	const struct command *cmd;
};

/* *ret_text (caller frees) is the answer. What cannot be done is an error with the reason. */
int action_do(const struct action *a, char **ret_text, struct err *err);
enum forge_level action_level(const struct command_def *def);

#endif
