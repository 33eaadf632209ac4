/*
 * completion.h - completion for bash, from the tables of command.h: commands, options, the values
 * that an option or argument allows, and files where a file is meant.
 */
#ifndef YM_CLI_COMPLETION_H
#define YM_CLI_COMPLETION_H

#include "base/buf.h"

void cli_completion_bash(struct buf *b);

#endif
