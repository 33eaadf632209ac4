/* halt.c - `yardmaster halt`: the kill switch. Asked of the daemon; when it is away, pulled without it (halt_here.c). */
#include "cli/local.h"
#include "cli/remote.h"

#include "base/mem.h"

static int take_answer(const json_t *msg, json_t *ret)
{
	const char *const keys[] = {"text", "item", "rows"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_object_get(msg, keys[i]))
			json_put(ret, keys[i], json_deep_copy(json_object_get(msg, keys[i])));
	return json_int(json_object_get(msg, "item"), "left", 0) ? CLI_EXIT_NOT_SO : CLI_EXIT_OK;
}

int cli_halt(struct cli_call *call, json_t *ret, struct err *err)
{
	autojson json_t *msg = NULL;
	struct cli_answer a;
	int rc =
		cli_remote(call, "halt", call->args, CLI_REMOTE_WAIT_MS, NULL, NULL, &msg, &a, err);

	if (rc == 0)
		return take_answer(msg, ret);
	/* Only when there was nobody to ask: a refusal of the daemon stays one. A daemon that does
	 * not answer in time may be stuck, which is what the switch is for. */
	if (call->exit != CLI_EXIT_AWAY && err->code != ERR_UNAVAILABLE)
		return -1;
	return call->entry->halt_here ? call->entry->halt_here(call, ret, err)
				      : cli_elsewhere(call, err);
}
