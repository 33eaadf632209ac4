/*
 * exitcode.h - what the command line's exit codes mean. One table: the program, its --help and the
 * man pages read it.
 *
 * The numbers from 64 on are those of sysexits.h, where it has one for the case.
 */
#ifndef YM_CLI_EXITCODE_H
#define YM_CLI_EXITCODE_H

#include "base/err.h"

enum cli_exit {
	CLI_EXIT_OK = 0,
	CLI_EXIT_NOT_SO = 1,
	CLI_EXIT_USAGE = 2,
	CLI_EXIT_NOT_FOUND = 3,
	CLI_EXIT_DENIED = 4,
	CLI_EXIT_STATE = 5,
	CLI_EXIT_AWAY = 6,
	CLI_EXIT_LIMIT = 7,
	CLI_EXIT_INTERNAL = 70,
	CLI_EXIT_IO = 74,
	CLI_EXIT_TEMPORARY = 75,
	CLI_EXIT_CONFIG = 78,
};

struct cli_exit_row {
	enum cli_exit code;
	const char *meaning;
};
extern const struct cli_exit_row cli_exit_table[]; /* by code; ends with meaning NULL */

enum cli_exit cli_exit_of(enum err_code code);
const char *cli_exit_meaning(int code); /* NULL: not in the table */

#endif
