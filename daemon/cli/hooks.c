/* hooks.c - `yardmaster hooks ...`: the local hooks of a clone. */
#include "cli/conf.h"
#include "cli/local.h"

#include "base/mem.h"

#include <string.h>

static int hooks(struct cli_call *call, json_t *ret, struct err *err)
{
	const char *verb = strchr(call->cmd->path, ' ') + 1;
	const char *dir = json_str(call->args, "dir", ".");
	autofree char *socket = NULL;
	int rc;

	if (!call->entry->hooks)
		return cli_elsewhere(call, err);
	/* Once installed the clone knows its daemon; only another one is named. */
	if (!strcmp(verb, "install")
		    ? cli_conf_socket(call, &socket, err) < 0
		    : call->socket && cli_conf_absolute(call->socket, &socket, err) < 0)
		return -1;
	rc = call->entry->hooks(verb, dir, socket, json_str(call->args, "repo", NULL), ret, err);
	if (rc < 0 && err->code == ERR_UNAVAILABLE)
		call->exit = CLI_EXIT_AWAY;
	return rc < 0 ? -1 : rc ? CLI_EXIT_OK : CLI_EXIT_NOT_SO;
}

#define DIR                                                                                        \
	{                                                                                          \
		.name = "dir",                                                                     \
		.help = "somewhere in the clone; without it, the working directory", .min = 0,     \
		.max = 1, .complete = CLI_COMPLETE_FOLDER                                          \
	}

static const struct cli_column hook_columns[] = {
	{"hook", "HOOK", CLI_COL_TEXT},
	{"state", "STATE", CLI_COL_TEXT},
	{"file", "FILE", CLI_COL_TEXT},
	{"behind", "PASSES ON TO", CLI_COL_TEXT},
	{"behind_kind", "WHICH IS", CLI_COL_TEXT},
	{0},
};

const struct cli_command cli_hooks_commands[] = {
	{
		.path = "hooks install",
		.summary = "install the local hooks in a clone of a repository of the daemon's",
		.description =
			"pre-commit warns of staged files that are leased to an agent; commit-msg "
			"refuses a Depends-On: that cannot be; pre-push refuses a push to a branch "
			"that the merge queue moves, and names open pull requests that change the "
			"same files. Without a daemon they let everything through, and say so.\n\n"
			"Hooks that are there already are kept and run as before, those of husky, "
			"pre-commit, lefthook and core.hooksPath too: then ours stand in a folder "
			"of their own in the Git directory, which core.hooksPath is set to. Where "
			"nothing is in the way they are in the hooks folder itself. Again: nothing "
			"changes, or what another tool or a move of the clone has put out of force "
			"is mended.\n\n"
			"Which repository it is follows from the URLs of the clone's remotes.",
		.args = (const struct cli_arg[]){DIR, {0}},
		.opts = (const struct cli_opt[]){{.name = "repo",
						  .letter = 'R',
						  .arg = "NAME",
						  .help = "which one, when remotes lead to several",
						  .def = "the one of the remote 'origin'"},
						 CLI_OPT_END},
		.examples = (const struct cli_example[]){{"yardmaster hooks install ~/src/app",
							  "in the clone ~/src/app"},
							 {0}},
		.exits = (const int[]){3, 5, 6, -1},
		.flags = CLI_TOLD,
		.run = hooks,
	},
	{
		.path = "hooks status",
		.summary = "show which local hooks are in force and whether the daemon answers",
		.args = (const struct cli_arg[]){DIR, {0}},
		.lists = (const struct cli_list[]){{"hooks", hook_columns}, {0}},
		.exits = (const int[]){1, 3, -1},
		.run = hooks,
	},
	{
		.path = "hooks uninstall",
		.summary = "take the local hooks out of a clone, exactly as it was before",
		.description =
			"What other tools have written since is left alone, and named. Needs no "
			"daemon.",
		.args = (const struct cli_arg[]){DIR, {0}},
		.exits = (const int[]){3, -1},
		.flags = CLI_TOLD,
		.run = hooks,
	},
	{0},
};
