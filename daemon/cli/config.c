/* config.c - `yardmaster config ...`: the table of its commands. */
#include "cli/local.h"

const struct cli_command cli_config_commands[] = {
	{
		.path = "config check",
		.summary = "check a configuration file and show what is in force",
		.description =
			"An error names the file, the line, the key, what was found and what "
			"is allowed. Needs no daemon.",
		.args =
			(const struct cli_arg[]){
				{.name = "file",
				 .help = "the daemon's configuration file; without "
					 "it, the one that is used",
				 .min = 0,
				 .max = 1,
				 .complete = CLI_COMPLETE_FILE},
				{0}},
		.opts = (const struct cli_opt[]){{.name = "repository",
						  .arg = "FILE",
						  .help = "check a repository's file instead "
							  "(.github/yardmaster.yml)",
						  .complete = CLI_COMPLETE_FILE},
						 CLI_OPT_END},
		.exits = (const int[]){78, -1},
		.run = cli_own,
	},
	{0},
};
