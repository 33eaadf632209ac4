/*
 * fuzz_text.c - what is done to text of strangers. Cleaned text has nothing left to clean; every cut
 * of it is whole characters; a fence is in no text that it fences.
 */
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool is_utf8(const char *s, size_t n)
{
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_decode(s + i, n - i, &cp);
		if (!len)
			return false;
	}
	return true;
}

static void check_cuts(const struct buf *b, size_t max)
{
	size_t keep = text_cut(b->s, b->len, max), from = text_tail(b->s, b->len, max);

	must(keep <= max && (keep == b->len || max - keep < 4) && is_utf8(b->s, keep));
	must(from <= b->len && b->len - from <= max && is_utf8(b->s + from, b->len - from));
}

static void check_strings(const char *s)
{
	static const char *const words[] = {"queue", "dequeue", "status", NULL};
	autofree char *slug = text_slug(s, 20);
	autofree char *fence = text_fence(s);

	must(*slug && strlen(slug) <= 20 && slug[0] != '-' && slug[strlen(slug) - 1] != '-');
	must(!strstr(slug, "--") && !strstr(s, fence));
	text_nearest(s, words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(buf_release) struct buf once = BUF_INIT;
	cleanup(buf_release) struct buf twice = BUF_INIT;
	struct text_cleaned what;
	size_t max = size ? data[0] : 0;

	text_clean((const char *)data, size, &once, &what);
	must(is_utf8(once.s, once.len) && strlen(once.s) == once.len && !strstr(once.s, "<!--"));
	text_clean(once.s, once.len, &twice, &what);
	must(!what.comments && !what.invisible && !what.broken && !strcmp(once.s, twice.s));
	check_cuts(&once, max);
	check_strings(once.s);
	/* Raw bytes keep to their bounds as well. */
	must(text_cut((const char *)data, size, max) <= max);
	must(text_tail((const char *)data, size, max) <= size);
	return 0;
}
