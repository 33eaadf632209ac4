/* pr.c - `yardmaster pr ...`: the table of its commands. */
#include "cli/body.h"
#include "cli/command.h"
#include "cli/local.h"

static const char *const states[] = {"open", "merged", "closed", "all", NULL};
static const struct cli_arg number[] = {CLI_ARG_NUMBER("the pull request's number"), {0}};
static const struct cli_opt repo[] = {CLI_OPT_REPO, CLI_OPT_END};

static const struct cli_column columns[] = {
	{"number", "NUMBER", CLI_COL_INT},  {"state", "STATE", CLI_COL_STATE},
	{"head", "HEAD", CLI_COL_OID},      {"base", "BASE", CLI_COL_TEXT},
	{"author", "AUTHOR", CLI_COL_TEXT}, {"topic", "TOPIC", CLI_COL_TEXT},
	{"title", "TITLE", CLI_COL_LONG},   {0},
};

static const struct cli_column approvals[] = {
	{"user", "USER", CLI_COL_TEXT},       {"head", "HEAD", CLI_COL_OID},
	{"at_ms", "AT", CLI_COL_TIME},        {"void_ms", "VOID SINCE", CLI_COL_TIME},
	{"void_reason", "WHY", CLI_COL_LONG}, {0},
};
static const struct cli_column depends[] = {
	{"on_pr", "ON", CLI_COL_INT}, {"source", "FROM", CLI_COL_TEXT}, {0}};
static const struct cli_column depends_other[] = {
	{"what", "WHAT IT SAYS", CLI_COL_LONG}, {"source", "FROM", CLI_COL_TEXT}, {0}};
static const struct cli_column labels[] = {
	{"name", "NAME", CLI_COL_TEXT}, {"by", "BY", CLI_COL_TEXT}, {0}};

static const struct cli_list lists[] = {
	{"comments", cli_comment_columns}, {"approvals", approvals}, {"depends", depends},
	{"depends_other", depends_other},  {"labels", labels},       {0}};

const struct cli_command cli_pr_commands[] = {
	{
		.path = "pr list",
		.summary = "list pull requests",
		.opts = (const struct cli_opt[]){{.name = "state",
						  .arg = "STATE",
						  .help = "only pull requests in this state",
						  .def = "open",
						  .values = states},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.columns = columns,
	},
	{
		.path = "pr show",
		.summary = "show a pull request with its approvals and comments",
		.args = number,
		.lists = lists,
		.opts = repo,
	},
	{
		.path = "pr diff",
		.summary = "print a pull request's changes as a patch",
		.args = number,
		.opts = repo,
		.flags = CLI_CONTENT,
		.examples =
			(const struct cli_example[]){{"yardmaster pr diff 12 | git apply --check",
						      "Would it apply here?"},
						     {0}},
	},
	{
		.path = "pr checkout",
		.summary = "switch this clone to a pull request's head",
		.description =
			"Fetches the head into the clone that the working directory is in, and "
			"switches to a branch of that name. A branch that is there already is "
			"moved "
			"forward; one with commits of its own is left as it is.",
		.args = number,
		.opts = (const struct cli_opt[]){{.name = "branch",
						  .letter = 'b',
						  .arg = "NAME",
						  .help = "the local branch",
						  .def = "pr/NUMBER"},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.run = cli_pr_checkout,
	},
	{
		.path = "pr comment",
		.summary = "comment on a pull request",
		.description = "A line that begins with /yard is a command, as in '/yard queue'.",
		.args = number,
		.opts = (const struct cli_opt[]){CLI_OPTS_BODY, CLI_OPT_REPO, CLI_OPT_END},
		.prepare = cli_body_required,
	},
	{
		.path = "pr approve",
		.summary = "approve a pull request's head",
		.description = "An approval is of one commit; a push to the pull request voids it.",
		.args = number,
		.opts = (const struct cli_opt[]){{.name = "head",
						  .arg = "SHA",
						  .help = "the head that was looked at; another "
							  "one is refused",
						  .def = "the head now"},
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.exits = (const int[]){5, -1},
	},
	{
		.path = "pr request-changes",
		.summary = "send a pull request back with what should change",
		.description =
			"The text goes to the agent that opened it, as one more round, and is a "
			"comment for people.",
		.args = number,
		.opts = (const struct cli_opt[]){CLI_OPTS_BODY, CLI_OPT_REPO, CLI_OPT_END},
		.prepare = cli_body_required,
		.exits = (const int[]){5, -1},
	},
	{
		.path = "pr close",
		.summary = "close a pull request without landing it",
		.args = number,
		.opts = repo,
	},
	{
		.path = "pr reopen",
		.summary = "open a closed pull request again",
		.description =
			"It has the head that it had. A merged one stays merged, and one whose "
			"topic is another pull request's by now is refused.",
		.args = number,
		.opts = repo,
		.exits = (const int[]){5, -1},
	},
	{
		.path = "pr edit",
		.summary = "change the title or the text of a pull request",
		.description =
			"What was written so is not replaced by the next push. What it depends on "
			"is read again, and a candidate in the queue is built again with the new "
			"words. On GitHub it is edited there.",
		.args = number,
		.opts = (const struct cli_opt[]){{.name = "title",
						  .letter = 't',
						  .arg = "TEXT",
						  .help = "the new title"},
						 CLI_OPTS_BODY,
						 CLI_OPT_REPO,
						 CLI_OPT_END},
		.prepare = cli_body_or_title,
		.exits = (const int[]){5, -1},
	},
	{0},
};
