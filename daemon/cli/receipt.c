/* receipt.c - `yardmaster receipt ...`: the table and the check of one receipt. */
#include "cli/local.h"

#include "base/mem.h"

#include <limits.h>
#include <unistd.h>

static int receipt_verify(struct cli_call *call, json_t *ret, struct err *err)
{
	const char *path = json_str(call->args, "repo_path", NULL);
	const char *commit = json_str(call->args, "commit", "");
	autofree char *cwd = NULL;
	int rc;

	if (!call->entry->receipt_verify)
		return cli_elsewhere(call, err);
	if (!path) {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return err_errno(err, "receipt verify: the working directory");
		path = cwd;
	}
	rc = call->entry->receipt_verify(path, commit, ret, err);
	return rc < 0 ? -1 : rc ? CLI_EXIT_OK : CLI_EXIT_NOT_SO;
}

#define COMMIT                                                                                     \
	{                                                                                          \
		.name = "commit", .help = "the commit that landed", .min = 1, .max = 1             \
	}

const struct cli_command cli_receipt_commands[] = {
	{
		.path = "receipt show",
		.summary = "show the receipt of a commit",
		.args = (const struct cli_arg[]){COMMIT, {0}},
		.opts = (const struct cli_opt[]){CLI_OPT_REPO, CLI_OPT_END},
	},
	{
		.path = "receipt verify",
		.summary = "recompute a landing and compare it with its receipt",
		.description =
			"Needs the repository and no daemon: the receipt is in a git note, and "
			"what a "
			"squash or rebase was made of is below refs/yardmaster. A clone has "
			"neither until they are fetched: git fetch origin "
			"'+refs/notes/*:refs/notes/*' '+refs/yardmaster/*:refs/yardmaster/*'",
		.args = (const struct cli_arg[]){COMMIT, {0}},
		.opts = (const struct cli_opt[]){{.name = "repo-path",
						  .arg = "PATH",
						  .help = "the repository, bare or not",
						  .def = "the working directory",
						  .complete = CLI_COMPLETE_FOLDER},
						 CLI_OPT_END},
		.exits = (const int[]){1, -1},
		.run = receipt_verify,
	},
	{0},
};
