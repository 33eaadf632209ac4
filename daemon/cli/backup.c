/* backup.c - `yardmaster backup`. */
#include "cli/conf.h"
#include "cli/local.h"

#include "base/mem.h"
#include "sys/fs.h"

int cli_backup(struct cli_call *call, json_t *ret, struct err *err)
{
	const char *to = json_str(call->args, "file", "");
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	autofree char *ledger = NULL, *text = NULL;

	if (!call->entry->backup)
		return cli_elsewhere(call, err);
	if (cli_conf_load(call, &conf, err) < 0)
		return -1;
	ledger = cli_conf_ledger(&conf);
	if (!fs_exists(ledger))
		return err_set(err, ERR_NOT_FOUND,
			       "%s: there is no ledger; --config names another data directory",
			       ledger);
	if (call->entry->backup(ledger, to, err) < 0)
		return -1;
	text = xasprintf("The ledger was copied to %s.", to);
	json_put_str(ret, "text", text);
	return CLI_EXIT_OK;
}
