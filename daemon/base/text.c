/* text.c - see text.h; text_clean() is in text_clean.c, the hashes in text_hash.c */
#include "base/text.h"

#include "base/mem.h"

#define NEAREST_MAX ((size_t)64) /* longer words are no slips of the finger */

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_cut(const char *s, size_t n, size_t max)
{
	size_t keep = max;

	if (n <= max)
		return n;
	/* A character has at most three bytes after its first; more are no UTF-8 to respect. */
	while (keep && max - keep < 3 && continues(s[keep]))
		keep--;
	return continues(s[keep]) ? max : keep;
}

size_t text_tail(const char *s, size_t n, size_t max)
{
	size_t from = n > max ? n - max : 0;
	size_t first = from;
	const char *newline;

	if (!from || !max || s[from - 1] == '\n')
		return from;
	newline = memchr(s + from, '\n', n - from);
	if (newline && newline + 1 < s + n)
		return (size_t)(newline + 1 - s);
	while (from < n && from - first < 3 && continues(s[from]))
		from++;
	return from;
}

char *text_slug(const char *s, size_t max)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (; *s && b.len < max; s++) {
		char c = *s;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buf_addc(&b, c);
		else if (b.len && b.s[b.len - 1] != '-')
			buf_addc(&b, '-');
	}
	if (b.len && b.s[b.len - 1] == '-')
		buf_truncate(&b, b.len - 1);
	return b.len ? buf_steal(&b) : xstrndup("task", max);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance with transpositions of neighbours (optimal string alignment). */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[nb];
}

const char *text_nearest(const char *s, const char *const *words)
{
	size_t n = strnlen(s, NEAREST_MAX + 1);
	size_t limit = n / 3 ? n / 3 : 1;
	const char *best = NULL;

	if (!n || n > NEAREST_MAX)
		return NULL;
	for (; *words; words++) {
		size_t m = strlen(*words), d;

		if (m > NEAREST_MAX)
			continue;
		d = distance(s, n, *words, m);
		if (best ? d >= limit : d > limit)
			continue;
		best = *words;
		limit = d;
	}
	return best;
}

/* From the largest unit that is not zero, this and the next smaller one. */
char *text_duration(int64_t ms)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
	int64_t s = ms > 0 ? ms / 1000 : 0;
	size_t i = 0, last = ARRAY_LEN(units) - 1;
	int64_t rest;

	while (i < last && s < units[i].seconds)
		i++;
	rest = i < last ? s % units[i].seconds / units[i + 1].seconds : 0;
	if (!rest)
		return xasprintf("%lld%s", (long long)(s / units[i].seconds), units[i].name);
	return xasprintf("%lld%s %lld%s", (long long)(s / units[i].seconds), units[i].name,
			 (long long)rest, units[i + 1].name);
}

char *text_fence(const char *s)
{
	size_t longest = 2, run = 0;
	char *fence;

	for (; *s; s++) {
		run = *s == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	fence = xmalloc(longest + 2);
	memset(fence, '`', longest + 1);
	fence[longest + 1] = '\0';
	return fence;
}
