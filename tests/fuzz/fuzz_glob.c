/*
 * fuzz_glob.c - two patterns and a path, a line each. What both patterns match, they overlap on; a
 * pattern overlaps with a path that it matches, whenever that path reads as a pattern of itself.
 */
#include "base/buf.h"
#include "base/glob.h"
#include "base/mem.h"

#include <stdint.h>

#define LINE_LIMIT ((size_t)512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_line(const uint8_t **p, const uint8_t *end, char *line)
{
	size_t n = 0;

	for (; *p < end && **p != '\n'; (*p)++)
		if (**p && n < LINE_LIMIT)
			line[n++] = (char)**p;
	if (*p < end)
		(*p)++;
	line[n] = '\0';
}

static bool is_plain(const char *path)
{
	return !path[strcspn(path, "*?[")] && glob_check(path, NULL) == 0 &&
	       path[strlen(path) - 1] != '/';
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	char a[LINE_LIMIT + 1], b[LINE_LIMIT + 1], path[LINE_LIMIT + 1];
	bool in_a, in_b, overlap;

	take_line(&data, end, a);
	take_line(&data, end, b);
	take_line(&data, end, path);
	in_a = glob_match(a, path);
	in_b = glob_match(b, path);
	overlap = glob_overlap(a, b);
	must(overlap == glob_overlap(b, a));
	if (!is_plain(path))
		return 0;
	must(glob_match(path, path));
	must(!in_a || !in_b || overlap);
	must(glob_overlap(a, path) == in_a || glob_check(a, NULL) < 0);
	return 0;
}
