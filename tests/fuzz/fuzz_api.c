/*
 * fuzz_api.c - bytes on the daemon's socket: lines, then requests.
 *
 * A request that is taken has a command and a version, and says the same when it is written again.
 */
#include "base/mem.h"
#include "bot/api.h"
#include "sys/jsonl.h"

#include <stdint.h>

#define LINE_LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(const json_t *msg)
{
	struct api_line a = {0}, b = {0};
	autojson json_t *again = NULL;
	autofree char *text = NULL;

	if (api_decode(msg, &a, NULL) < 0)
		return;
	if (!a.cmd || json_int(msg, "v", 0) != 1 || (a.args && !json_is_object(a.args)))
		abort();
	text = json_text(msg);
	if (json_parse(text, strlen(text), SIZE_MAX, &again, NULL) < 0 ||
	    api_decode(again, &b, NULL) < 0 || strcmp(a.cmd, b.cmd) != 0 || !a.as != !b.as ||
	    !a.args != !b.args)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(jsonl_release) struct jsonl d;
	json_t *msg;

	jsonl_init(&d, LINE_LIMIT);
	jsonl_add(&d, data, size);
	while (jsonl_next(&d, &msg, NULL) > 0) {
		request(msg);
		json_decref(msg);
	}
	return 0;
}
