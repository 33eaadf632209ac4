/* task.c - `yardmaster task ...`: the table of its commands. */
#include "cli/command.h"

/* As in task/life.c, and "open" for all that have not ended. */
static const char *const states[] = {"open",   "waiting", "preparing", "running",   "asking",
				     "review", "queued",  "halted",    "relabel",   "needs-human",
				     "merged", "done",    "no-change", "cancelled", NULL};

static const struct cli_arg id[] = {
	{.name = "id", .help = "the task's number", .kind = CLI_INT, .min = 1, .max = 1}, {0}};

static const struct cli_column columns[] = {
	{"id", "ID", CLI_COL_INT},         {"issue", "ISSUE", CLI_COL_INT},
	{"state", "STATE", CLI_COL_STATE}, {"step", "STEP", CLI_COL_TEXT},
	{"round", "ROUND", CLI_COL_TEXT},  {"agent", "AGENT", CLI_COL_TEXT},
	{"title", "TITLE", CLI_COL_LONG},  {0},
};

static const struct cli_column runs[] = {
	{"run", "RUN", CLI_COL_TEXT},
	{"kind", "KIND", CLI_COL_TEXT},
	{"round", "ROUND", CLI_COL_INT},
	{"state", "STATE", CLI_COL_STATE},
	{"outcome", "OUTCOME", CLI_COL_STATE},
	{"code", "CODE", CLI_COL_INT},
	{"command", "COMMAND", CLI_COL_LONG},
	{"detail", "DETAIL", CLI_COL_LONG},
	{0},
};

const struct cli_command cli_task_commands[] = {
	{
		.path = "task list",
		.summary = "list tasks, the newest first",
		.opts = (const struct cli_opt[]){CLI_OPT_REPO,
						 {.name = "state",
						  .arg = "STATE",
						  .help = "only tasks in this state",
						  .def = "all",
						  .values = states},
						 CLI_OPT_END},
		.columns = columns,
		.examples =
			(const struct cli_example[]){{"yardmaster task list --state needs-human",
						      "What waits for a person?"},
						     {0}},
	},
	{
		.path = "task show",
		.summary = "show a task: its steps, rounds, runs and what it waits for",
		.args = id,
		.lists = (const struct cli_list[]){{"runs", runs}, {0}},
	},
	{
		.path = "task logs",
		.summary = "print the output of a task's runs",
		.args = id,
		.opts =
			(const struct cli_opt[]){
				{.name = "follow",
				 .letter = 'f',
				 .kind = CLI_FLAG,
				 .help = "go on as output comes, until the task ends"},
				{.name = "run",
				 .arg = "NAME",
				 .help = "only this run, by its name in 'task show'",
				 .def = "the latest"},
				CLI_OPT_END},
		.flags = CLI_CONTENT,
	},
	{
		.path = "task cancel",
		.summary = "end a task and its processes",
		.description = "What it has not put into a pull request is removed with it. A pull "
			       "request "
			       "leaves the queue and stays open.",
		.args = id,
	},
	{
		.path = "task retry",
		.summary = "give a task that came back to a person new rounds",
		.args = id,
		.opts = (const struct cli_opt[]){{.name = "rounds",
						  .arg = "N",
						  .kind = CLI_INT,
						  .min = 1,
						  .max = 10,
						  .help = "how many rounds",
						  .def = "as the blueprint says"},
						 CLI_OPT_END},
	},
	{0},
};
