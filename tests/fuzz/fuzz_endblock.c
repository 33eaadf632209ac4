/* fuzz_endblock.c - an agent's output of any bytes: a block or a named problem, never both. */
#include "agent/agent.h"
#include "base/mem.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_result r = {0};

	agent_end_block((const char *)data, size, &r);
	require((r.status == AGENT_NONE) == (r.problem != NULL));
	require((r.summary == NULL) == (r.problem != NULL));
	require(!r.summary || (*r.summary && strlen(r.summary) <= AGENT_SUMMARY_MAX));
	require(!r.exit_signal || r.status != AGENT_NONE);
	agent_result_release(&r);
	return 0;
}
