/* issue.c - `yardmaster issue ...`: the table of its commands. */
#include "cli/body.h"
#include "cli/command.h"

static const char *const states[] = {"open", "closed", "all", NULL};
static const struct cli_arg number[] = {CLI_ARG_NUMBER("the issue's number"), {0}};

static const struct cli_column columns[] = {
	{"number", "NUMBER", CLI_COL_INT},  {"state", "STATE", CLI_COL_STATE},
	{"author", "AUTHOR", CLI_COL_TEXT}, {"labels", "LABELS", CLI_COL_LONG},
	{"title", "TITLE", CLI_COL_LONG},   {0},
};

const struct cli_column cli_comment_columns[] = {
	{"author", "AUTHOR", CLI_COL_TEXT},    {"created_ms", "AT", CLI_COL_TIME},
	{"edited_ms", "EDITED", CLI_COL_TIME}, {"reaction", "REACTION", CLI_COL_TEXT},
	{"body", "TEXT", CLI_COL_LONG},        {0},
};

const struct cli_command cli_issue_commands[] = {
	{
		.path = "issue create",
		.summary = "open an issue",
		.description = "A label agent:BLUEPRINT hands it to an agent at once.",
		.opts = (const struct cli_opt[]){{.name = "title",
						  .letter = 't',
						  .arg = "TEXT",
						  .help = "one line",
						  .required = true},
						 CLI_OPTS_BODY,
						 {.name = "label",
						  .letter = 'l',
						  .arg = "LABEL",
						  .kind = CLI_LIST,
						  .help = "set this label; may be given again"},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.examples =
			(const struct cli_example[]){
				{"yardmaster issue create --title 'Dates are off by one' "
				 "--file report.md --label agent:bugfix",
				 "Report an error and let an agent work on it."},
				{0}},
		.prepare = cli_body_optional,
	},
	{
		.path = "issue list",
		.summary = "list issues",
		.opts = (const struct cli_opt[]){{.name = "state",
						  .arg = "STATE",
						  .help = "only issues in this state",
						  .def = "open",
						  .values = states},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.columns = columns,
	},
	{
		.path = "issue show",
		.summary = "show an issue with its comments",
		.args = number,
		.lists = (const struct cli_list[]){{"comments", cli_comment_columns}, {0}},
		.opts = (const struct cli_opt[]){CLI_OPT_REPO, CLI_OPT_END},
	},
	{
		.path = "issue comment",
		.summary = "comment on an issue",
		.description = "A line that begins with /yard is a command, as in '/yard retry'.",
		.args = number,
		.opts = (const struct cli_opt[]){CLI_OPTS_BODY, CLI_OPT_REPO, CLI_OPT_END},
		.prepare = cli_body_required,
	},
	{
		.path = "issue edit",
		.summary = "change the title or the text of an issue",
		.description =
			"A task whose first prompt has not been given yet waits for its label "
			"to be set again.",
		.args = number,
		.opts = (const struct cli_opt[]){{.name = "title",
						  .letter = 't',
						  .arg = "TEXT",
						  .help = "the new title"},
						 CLI_OPTS_BODY,
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.prepare = cli_body_or_title,
	},
	{
		.path = "issue label",
		.summary = "set and take off labels",
		.args = number,
		.opts = (const struct cli_opt[]){{.name = "add",
						  .arg = "LABEL",
						  .kind = CLI_LIST,
						  .help = "set this label; may be given again"},
						 {.name = "remove",
						  .arg = "LABEL",
						  .kind = CLI_LIST,
						  .help = "take it off; may be given again"},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.prepare = cli_labels_some,
	},
	{
		.path = "issue close",
		.summary = "close an issue; tasks on it are cancelled",
		.description = "What a task has not published is kept for "
			       "`retention.failed-worktree-days`.",
		.args = number,
		.opts = (const struct cli_opt[]){CLI_OPT_REPO, CLI_OPT_END},
	},
	{
		.path = "issue reopen",
		.summary = "open a closed issue again",
		.description = "The task that its closing cancelled comes back and needs a person: "
			       "`yardmaster task retry` continues it. No agent starts by itself.",
		.args = number,
		.opts = (const struct cli_opt[]){CLI_OPT_REPO, CLI_OPT_END},
	},
	{0},
};
