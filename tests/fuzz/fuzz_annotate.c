/*
 * fuzz_annotate.c - what gates and agents print, where it seems to name a place.
 *
 * No path leads out of the repository, no line is below 1, and a check run takes what is found.
 */
#include "base/json.h"
#include "base/mem.h"
#include "bot/annotate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *found = annotate((const char *)data, size);
	const json_t *o;
	size_t i;

	if (json_array_size(found) > ANNOTATE_MAX)
		abort();
	json_array_foreach (found, i, o) {
		const char *path = json_str(o, "path", "");

		if (!*path || *path == '/' || strstr(path, "..") ||
		    json_int(o, "start_line", 0) < 1 || !*json_str(o, "message", ""))
			abort();
	}
	return 0;
}
