/* audit.c - `yardmaster audit ...`: the table. */
#include "cli/local.h"

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
		.run = cli_own,
	},
	{0},
};
