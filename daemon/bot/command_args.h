/*
 * command_args.h - what a comment command takes, as data, and the decoding of one line by it.
 * Only command.c includes this.
 */
#ifndef YM_BOT_COMMAND_ARGS_H
#define YM_BOT_COMMAND_ARGS_H

#include "bot/command.h"

/* Stores one checked value in c; NULL, or what is wrong with it (the caller frees). */
typedef char *(*command_set_fn)(struct command *c, const char *value);

struct command_option {
	const char *name; /* as in name=VALUE; NULL ends a list */
	command_set_fn set;
	bool repeatable;
};

enum command_text {
	TEXT_NONE,
	TEXT_LINE,     /* the rest of the line, which may be empty */
	TEXT_REQUIRED, /* the rest of the line and the lines after it; something must be there */
};

struct command_syntax {
	command_set_fn word;   /* for each plain word; NULL: there are none */
	const char *word_name; /* for messages */
	size_t min, max;       /* how many plain words */
	command_set_fn list;   /* instead of words: takes the whole rest of the line */
	const struct command_option *options;
	enum command_text text; /* not TEXT_NONE: no words and options then */
};

extern const struct command_syntax syntax_none, syntax_run, syntax_retry, syntax_queue,
	syntax_depends, syntax_reason, syntax_say;

/* Decodes the rest of a command's line into c; NULL, or the problem. */
char *command_args(struct command *c, const struct command_def *def, const char *rest);

/* A word of somebody's comment for use in a message: short, one line, no control characters. */
char *command_shown(const char *word);

#endif
