/*
 * parse.h - argv by the tables of command.h.
 *
 *   --name value, --name=value, -n value, -nvalue, -abc for flags a, b, c; `--` ends the options;
 *   options may stand before, between and after the words. The options that every command takes may
 *   also stand before the command. There are no abbreviations: a script must not change its meaning
 *   when an option is added.
 *
 * An unknown command or option is answered with the nearest one. All errors are ERR_INPUT.
 */
#ifndef YM_CLI_PARSE_H
#define YM_CLI_PARSE_H

#include "cli/cli.h"

enum cli_wish {
	CLI_WISH_RUN,     /* ret->cmd, ret->args */
	CLI_WISH_HELP,    /* --help: of ret->cmd, else of *ret_group, else of the whole */
	CLI_WISH_VERSION, /* --version */
};

/* The call points into argv. On error ret->cmd and *ret_group say how far it was understood. */
int cli_parse(int argc, char *const *argv, struct cli_call *ret, const struct cli_group **ret_group,
	      enum cli_wish *ret_wish, struct err *err);

#endif
