/* queue.c - `yardmaster queue ...`: the table of its commands. */
#include "cli/command.h"

#define PR                                                                                         \
	{                                                                                          \
		.name = "pr", .help = "the pull request's number", .kind = CLI_INT, .min = 1,      \
		.max = 1                                                                           \
	}
static const struct cli_arg pr[] = {PR, {0}};
static const struct cli_opt repo[] = {CLI_OPT_REPO, CLI_OPT_END};

static const struct cli_opt repo_reason[] = {
	CLI_OPT_REPO,
	{.name = "reason", .arg = "TEXT", .help = "why, for those who ask"},
	CLI_OPT_END};

static const struct cli_column columns[] = {
	{"place", "PLACE", CLI_COL_INT},   {"pr", "PR", CLI_COL_INT},
	{"state", "STATE", CLI_COL_STATE}, {"waits", "WAITS FOR", CLI_COL_LONG},
	{"title", "TITLE", CLI_COL_LONG},  {0},
};

const struct cli_command cli_queue_commands[] = {
	{
		.path = "queue list",
		.summary = "list the merge queue in the order of landing",
		.opts = repo,
		.columns = columns,
	},
	{
		.path = "queue why",
		.summary = "say what a pull request waits for",
		.args = pr,
		.opts = repo,
	},
	{
		.path = "queue add",
		.summary = "queue a pull request",
		.description =
			"Queueing is an approval of exactly one head. A push to the pull request "
			"afterwards voids it.",
		.args = pr,
		.opts = (const struct cli_opt[]){{.name = "head",
						  .arg = "SHA",
						  .help = "the head that is meant; another one is "
							  "refused",
						  .def = "the head now"},
						 {.name = "priority",
						  .arg = "N",
						  .kind = CLI_INT,
						  .min = -100,
						  .max = 100,
						  .help = "higher goes first, after what it "
							  "depends on",
						  .def = "0"},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.exits = (const int[]){5, -1},
	},
	{
		.path = "queue remove",
		.summary = "take a pull request out of the queue",
		.args = pr,
		.opts = repo,
	},
	{
		.path = "queue hold",
		.summary = "keep a pull request from landing until it is released",
		.args = pr,
		.opts = repo_reason,
	},
	{
		.path = "queue unhold",
		.summary = "release a pull request that is held",
		.args = pr,
		.opts = repo,
	},
	{
		.path = "queue freeze",
		.summary = "let nothing land; tests go on",
		.opts = repo_reason,
	},
	{
		.path = "queue thaw",
		.summary = "let changes land again",
		.opts = repo,
	},
	{0},
};
