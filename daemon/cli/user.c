/* user.c - `yardmaster user ...`: the table of its commands. */
#include "cli/command.h"

static const char *const permissions[] = {"none", "read", "write", "maintain", NULL};

static const struct cli_column columns[] = {
	{"name", "NAME", CLI_COL_TEXT},
	{"uid", "UID", CLI_COL_INT},
	{"permission", "PERMISSION", CLI_COL_TEXT},
	{0},
};

const struct cli_command cli_user_commands[] = {
	{
		.path = "user add",
		.summary = "name a user id and say what it may do",
		.description =
			"For a user that is known already, the permission is changed. 'none' takes "
			"it "
			"away: in the repository, or with none named in all. Of the permission in "
			"a "
			"repository and that in all the higher one counts. An approval of a pull "
			"request counts while its author may write.",
		.args = (const struct cli_arg[]){{.name = "name",
						  .help = "the user's name on the forge",
						  .min = 1,
						  .max = 1},
						 {0}},
		.opts =
			(const struct cli_opt[]){
				{.name = "uid",
				 .arg = "N",
				 .kind = CLI_INT,
				 .max = 4294967294,
				 .help = "the user id on this machine",
				 .required = true},
				{.name = "permission",
				 .arg = "LEVEL",
				 .help = "what it may do; when not given: 'write', and "
					 "'maintain' for the owner of the data "
					 "directory",
				 .values = permissions},
				{.name = "repo",
				 .letter = 'R',
				 .arg = "NAME",
				 .help = "only in this repository",
				 .def = "in all"},
				CLI_OPT_END},
		.examples =
			(const struct cli_example[]){
				{"yardmaster user add anna --uid 1001 --permission maintain",
				 "Let the user id 1001 do everything, as anna."},
				{0}},
	},
	{
		.path = "user remove",
		.summary = "remove a user and every permission that it has",
		.description =
			"Its approvals of open pull requests are void, also when somebody gets "
			"the same name later. What it wrote stays; tasks that it asked for go "
			"on, and 'task cancel' ends them.",
		.args = (const struct cli_arg[]){{.name = "name",
						  .help = "as 'user list' shows it",
						  .min = 1,
						  .max = 1},
						 {0}},
		.examples = (const struct cli_example[]){{"yardmaster user remove anna",
							  "anna may do nothing any more."},
							 {0}},
	},
	{
		.path = "user list",
		.summary = "list the users and their permissions",
		.columns = columns,
	},
	{0},
};
