/*
 * agent_command.c - the adapter for any command line: it gets the prompt on standard input, edits
 * its working directory and ends with the end block. It has no terminal sign of its own, so exit 0
 * is its success, and it reports neither tokens nor cost.
 */
#include "agent/adapters.h"

static int command_argv(const struct agent_conf *c, struct strvec *ret, struct err *err)
{
	if (c->command.n == 0 || !c->command.v[0][0])
		return err_set(err, ERR_INPUT,
			       "agent '%s': command: found nothing; expected the program and its "
			       "arguments; set agents.%s.command",
			       c->name, c->name);
	strvec_extend(ret, &c->command);
	return 0;
}

static void command_read(const char *out, size_t n, int exit_code, struct agent_result *ret)
{
	*ret = (struct agent_result){.tokens_in = -1, .tokens_out = -1, .cost_microusd = -1};
	ret->success = exit_code == 0;
	agent_end_block(out, n, ret);
}

const struct agent_adapter agent_command = {
	.kind = "command",
	.argv = command_argv,
	.read = command_read,
};
