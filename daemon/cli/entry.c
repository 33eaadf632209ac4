/* entry.c - the commands that only hand over to another room, through cli_entry_points. */
#include "cli/local.h"

#include <string.h>

int cli_elsewhere(const struct cli_call *call, struct err *err)
{
	if (call->entry->hand_over)
		return call->entry->hand_over(call, err);
	return err_set(err, ERR_INTERNAL, "%s: this program was built without it", call->cmd->path);
}

int cli_own(struct cli_call *call, json_t *ret, struct err *err)
{
	for (const struct cli_own *o = call->entry->own; o && o->path; o++)
		if (!strcmp(o->path, call->cmd->path))
			return o->run(call, ret, err);
	return cli_elsewhere(call, err);
}

int cli_serve(struct cli_call *call, json_t *ret, struct err *err)
{
	(void)ret;
	return call->entry->serve ? call->entry->serve(call) : cli_elsewhere(call, err);
}

int cli_role(struct cli_call *call, json_t *ret, struct err *err)
{
	(void)ret;
	return call->entry->role ? call->entry->role(call) : cli_elsewhere(call, err);
}

int cli_hook(struct cli_call *call, json_t *ret, struct err *err)
{
	(void)ret;
	return call->entry->hook ? call->entry->hook(call) : cli_elsewhere(call, err);
}
