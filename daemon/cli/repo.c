/* repo.c - `yardmaster repo ...`: the table of its commands. */
#include "cli/conf.h"

#include "base/mem.h"

/* The daemon has a working directory of its own. */
static int from_absolute(struct cli_call *call, struct err *err)
{
	const char *from = json_str(call->args, "from", NULL);
	autofree char *path = NULL;

	if (!from)
		return 0;
	if (cli_conf_absolute(from, &path, err) < 0)
		return -1;
	json_put_str(call->args, "from", path);
	return 0;
}

static const struct cli_column columns[] = {
	{"name", "NAME", CLI_COL_TEXT},
	{"base", "BASE", CLI_COL_TEXT},
	{"head", "HEAD", CLI_COL_OID},
	{"health", "HEALTH", CLI_COL_STATE},
	{"path", "PATH", CLI_COL_LONG},
	{"config_error", "CONFIGURATION ERROR", CLI_COL_LONG},
	{"problem", "PROBLEM", CLI_COL_LONG},
	{"shadow", "SHADOW", CLI_COL_TEXT}, /* last: scripts count the columns */
	{0},
};

const struct cli_command cli_repo_commands[] = {
	{
		.path = "repo add",
		.summary = "make a bare repository on the local forge",
		.description =
			"The repository is made below the data directory, with the hooks that take "
			"pushes to refs/for/BRANCH/TOPIC and keep the base branch for the queue.",
		.args =
			(const struct cli_arg[]){
				{.name = "name",
				 .help = "its name: letters, digits, '.', '_', '-'",
				 .min = 1,
				 .max = 1},
				{0}},
		.opts = (const struct cli_opt[]){{.name = "from",
						  .arg = "PATH",
						  .help = "copy the branches of this repository",
						  .def = "an empty repository",
						  .complete = CLI_COMPLETE_FOLDER},
						 {.name = "base",
						  .arg = "BRANCH",
						  .help = "the branch that the queue moves",
						  .def = "the HEAD of --from, else main"},
						 CLI_OPT_END},
		.examples =
			(const struct cli_example[]){{"yardmaster repo add site --from ~/src/site",
						      "Look after a copy of a local project."},
						     {0}},
		.exits = (const int[]){5, -1},
		.flags = CLI_SLOW,
		.prepare = from_absolute,
	},
	{
		.path = "repo set-base",
		.summary = "let the queue move another branch of a repository",
		.description = "The branch must be there. Refused while tasks work on the "
			       "repository or pull "
			       "requests are in its queue. Open pull requests move to the new "
			       "branch, and what "
			       "was approved before counts no longer. Pushes go to "
			       "refs/for/BRANCH/TOPIC then. "
			       "On GitHub the base is the default branch, which is changed there.",
		.args =
			(const struct cli_arg[]){
				{.name = "name", .help = "the repository", .min = 1, .max = 1},
				{.name = "base", .help = "the branch", .min = 1, .max = 1},
				{0}},
		.exits = (const int[]){5, -1},
		.flags = CLI_SLOW,
	},
	{
		.path = "repo remove",
		.summary = "look after a repository no longer",
		.description =
			"Refused while tasks work on it or pull requests are in its queue. Its "
			"files, "
			"issues and pull requests stay, and 'repo add' with its name takes it "
			"back; the "
			"option --purge takes them away for good. The audit log keeps what it has.",
		.args =
			(const struct cli_arg[]){
				{.name = "name", .help = "the repository", .min = 1, .max = 1},
				{0}},
		.opts =
			(const struct cli_opt[]){
				{.name = "purge",
				 .kind = CLI_FLAG,
				 .help = "and delete its issues, pull requests, tasks "
					 "and files"},
				CLI_OPT_END},
		.exits = (const int[]){5, -1},
		.flags = CLI_SLOW,
	},
	{
		.path = "repo list",
		.summary = "list the repositories and the health of their base branches",
		.columns = columns,
	},
	{0},
};
