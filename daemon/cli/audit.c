/* audit.c - `yardmaster audit ...`: the table and the check of the chain. */
#include "cli/conf.h"
#include "cli/local.h"

#include "base/mem.h"

static int audit_verify(struct cli_call *call, json_t *ret, struct err *err)
{
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	autofree char *ledger = NULL;
	int rc;

	if (!call->entry->audit_verify)
		return cli_not_built(call, err);
	if (cli_conf_load(call, &conf, err) < 0)
		return -1;
	ledger = cli_conf_ledger(&conf);
	rc = call->entry->audit_verify(ledger, ret, err);
	return rc < 0 ? -1 : rc ? CLI_EXIT_OK : CLI_EXIT_NOT_SO;
}

static const struct cli_column columns[] = {
	{"id", "ID", CLI_COL_INT},
	{"at_ms", "AT", CLI_COL_TIME},
	{"actor", "ACTOR", CLI_COL_TEXT},
	{"action", "ACTION", CLI_COL_TEXT},
	{"subject", "SUBJECT", CLI_COL_TEXT},
	{"detail", "DETAIL", CLI_COL_LONG},
	{0},
};

const struct cli_command cli_audit_commands[] = {
	{
		.path = "audit list",
		.summary = "list the latest decisions: who or what, when, on what",
		.opts = (const struct cli_opt[]){{.name = "limit",
						  .letter = 'n',
						  .arg = "N",
						  .kind = CLI_INT,
						  .min = 1,
						  .max = 10000,
						  .help = "how many",
						  .def = "100"},
						 CLI_OPT_END},
		.columns = columns,
	},
	{
		.path = "audit verify",
		.summary = "recompute the chain of hashes over all decisions",
		.description =
			"Reads the ledger of the data directory itself; the daemon may run or "
			"not.",
		.exits = (const int[]){1, -1},
		.run = audit_verify,
	},
	{0},
};
