/* audit_verify.c - `yardmaster audit verify`: the check of the chain. */
#include "cli/conf.h"
#include "cli/local.h"

#include "base/mem.h"

int cli_audit_verify(struct cli_call *call, json_t *ret, struct err *err)
{
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	autofree char *ledger = NULL;
	int rc;

	if (!call->entry->audit_verify)
		return cli_elsewhere(call, err);
	if (cli_conf_load(call, &conf, err) < 0)
		return -1;
	ledger = cli_conf_ledger(&conf);
	rc = call->entry->audit_verify(ledger, ret, err);
	return rc < 0 ? -1 : rc ? CLI_EXIT_OK : CLI_EXIT_NOT_SO;
}
