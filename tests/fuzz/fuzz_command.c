/* fuzz_command.c - a comment of any bytes: decoded or answered, never both, never a crash. */
#include "base/mem.h"
#include "bot/command.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct commands cs;
	int line = 0;

	commands_parse((const char *)data, size, "yard-bot", &cs);
	require(cs.n <= COMMANDS_MAX + 1);
	for (size_t i = 0; i < cs.n; i++) {
		const struct command *c = &cs.v[i];

		require(!c->def == !!c->problem);
		require(c->line > line);
		line = c->line;
		require(c->source && strlen(c->source) <= 200);
		if (!c->def)
			continue;
		require(c->def->id != CMD_RUN || c->blueprint);
		require((c->def->id != CMD_DEPENDS && c->def->id != CMD_UNDEPEND) ||
			c->depends.n > 0);
		require(c->def->id != CMD_SAY || (c->text && *c->text));
		require(!c->sha || (strlen(c->sha) >= 7 && strlen(c->sha) <= 64));
	}
	commands_release(&cs);
	return 0;
}
