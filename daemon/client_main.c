/*
 * client_main.c - yardmaster, the program that people and hooks start: the command line that asks the daemon, and the
 * hooks. It is started often, so it is small; what it has not, yardmaster-daemon has (cli/cli.h).
 */
#include "cli/cli.h"
#include "hooks/hook.h"
#include "sys/child.h"

#include "base/mem.h"

#include <unistd.h>

static int hand_over(const struct cli_call *call, struct err *err)
{
	autofree char *program = NULL;

	if (child_beside("yardmaster-daemon", &program, err) < 0)
		return -1;
	execv(program, call->argv);
	return err_errno(err, "start %s", program);
}

static int hook(const struct cli_call *call)
{
	return hook_main(call->rest);
}

int main(int argc, char **argv)
{
	static const struct cli_entry_points entry = {
		.hand_over = hand_over,
		.hook = hook,
	};

	return cli_main(argc, argv, &entry);
}
