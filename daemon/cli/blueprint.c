/* blueprint.c - `yardmaster blueprint ...`: the table of its commands. */
#include "cli/local.h"

static const struct cli_column columns[] = {
	{"name", "NAME", CLI_COL_TEXT},
	{"label", "LABEL", CLI_COL_TEXT},
	{"steps", "STEPS", CLI_COL_INT},
	{"file", "FILE", CLI_COL_LONG},
	{"description", "DESCRIPTION", CLI_COL_LONG},
	{0},
};

const struct cli_command cli_blueprint_commands[] = {
	{
		.path = "blueprint list",
		.summary = "list the blueprints of a repository and those that ship",
		.opts = (const struct cli_opt[]){CLI_OPT_REPO, CLI_OPT_END},
		.columns = columns,
	},
	{
		.path = "blueprint show",
		.summary = "show a blueprint with everything that it leaves to defaults",
		.args = (const struct cli_arg[]){{.name = "name",
						  .help = "the blueprint's name",
						  .min = 1,
						  .max = 1},
						 {0}},
		.opts = (const struct cli_opt[]){CLI_OPT_REPO, CLI_OPT_END},
		.flags = CLI_TOLD,
	},
	{
		.path = "blueprint check",
		.summary = "check a blueprint file and describe what it does",
		.description = "Prompts are read relative to the file. Needs no daemon.",
		.args = (const struct cli_arg[]){{.name = "file",
						  .help = "the blueprint, a YAML file",
						  .min = 1,
						  .max = 1,
						  .complete = CLI_COMPLETE_FILE},
						 {0}},
		.exits = (const int[]){78, -1},
		.flags = CLI_TOLD,
		.run = cli_own,
	},
	{0},
};
