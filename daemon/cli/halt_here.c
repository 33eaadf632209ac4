/*
 * halt_here.c - the kill switch without the daemon, through the run directories alone. Who may write the data directory
 * may do that: the switch is a file in it, and the keepers' folders are below it.
 */
#include "cli/conf.h"
#include "cli/local.h"

#include "base/mem.h"
#include "runner/run.h"
#include "sys/fs.h"

#include <pwd.h>
#include <unistd.h>

#define HALT_WAIT_MS 10000 /* trees die within a second; a machine that swaps gets more */

static int may_write(const char *data, struct err *err)
{
	if (!fs_exists(data))
		return err_set(err, ERR_NOT_FOUND,
			       "halt: there is no data directory %s; --config names another one",
			       data);
	if (access(data, W_OK | X_OK) < 0)
		return err_set(err, ERR_DENIED,
			       "halt: the daemon is away and you may not write %s; ask its owner, "
			       "or root",
			       data);
	return 0;
}

/* Who and why, for the file that keeps the switch on. */
static char *note(const struct cli_call *call)
{
	const char *reason = json_str(call->args, "reason", NULL);
	const struct passwd *pw = getpwuid(getuid());
	autofree char *uid = xasprintf("uid %u", (unsigned)getuid());
	const char *who = pw ? pw->pw_name : uid;

	return reason ? xasprintf("%s: %s", who, reason) : xstrdup(who);
}

int cli_halt_here(struct cli_call *call, json_t *ret, struct err *err)
{
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	autofree char *who = note(call), *text = NULL;
	cleanup(run_halt_free) struct run_halting *h = NULL;
	int running, left;
	json_t *item;

	call->exit = CLI_EXIT_OK; /* that the daemon is away is no failure any more */
	if (cli_conf_load(call, &conf, err) < 0 || may_write(conf.c.data, err) < 0)
		return -1;
	if (run_halt_begin(conf.c.data, who, &h, err) < 0)
		return err_wrap(err, "halt");
	left = run_halt_wait(h, HALT_WAIT_MS);
	running = (int)run_halt_found(h);
	item = json_object();
	json_put_bool(item, "halted", true);
	json_put_int(item, "ended", running - left);
	json_put_int(item, "left", left);
	json_put_str(item, "data", conf.c.data);
	json_put(ret, "item", item);
	text = left ? xasprintf("Halted without the daemon: %d process trees were ended, %d are "
				"still there.",
				running - left, left)
		    : xasprintf("Halted without the daemon: %d process trees were ended. Nothing "
				"starts until 'yardmaster resume'.",
				running);
	json_put_str(ret, "text", text);
	return left ? CLI_EXIT_NOT_SO : CLI_EXIT_OK;
}
