/* show.c - see show.h */
#include "cli/show.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <locale.h>
#include <stdbool.h>
#include <wchar.h>

/* Characters that a terminal or an eye must not be given as they are, sorted. */
static const struct {
	uint32_t from, to;
} hidden[] = {
	{0x00, 0x1f},       {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
	{0x180e, 0x180e},   {0x200b, 0x200c}, {0x200e, 0x200f}, {0x2028, 0x202e},
	{0x2060, 0x206f},   {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	{0xe0100, 0xe01ef},
};

static bool is_hidden(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(hidden) && c >= hidden[i].from; i++)
		if (c <= hidden[i].to)
			return true;
	return false;
}

static void add_hidden(struct buf *b, uint32_t c)
{
	if (c == '\n' || c == '\t' || c == '\r')
		buf_adds(b, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
	else if (c < 0x100)
		buf_addf(b, "\\x%02x", (unsigned)c);
	else
		buf_addf(b, "\\u%04x", (unsigned)c);
}

static void show(struct buf *b, const char *s, size_t n, const char *kept)
{
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = utf8_decode(s + i, n - i, &c);

		if (!len)
			buf_addf(b, "\\x%02x", (unsigned char)s[i]);
		else if (is_hidden(c) && !(c && c < 0x80 && strchr(kept, (int)c)))
			add_hidden(b, c);
		else
			buf_add(b, s + i, len);
		i += len ? len : 1;
	}
}

void cli_show_text(struct buf *b, const char *s, size_t n)
{
	show(b, s, n, "\n\t");
}

void cli_show_line(struct buf *b, const char *s, size_t n)
{
	show(b, s, n, "");
}

/* jansson writes C0 as escapes and everything else as it is; what is left occurs in strings only.
 * The line breaks of indented JSON are kept. */
void cli_show_json(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = utf8_decode(s + i, n - i, &c);

		if (len && c >= 0x10000 && is_hidden(c))
			buf_addf(b, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
				 (unsigned)(0xdc00 + (c & 0x3ff)));
		else if (len && c >= 0x20 && is_hidden(c))
			buf_addf(b, "\\u%04x", (unsigned)c);
		else
			buf_add(b, s + i, len ? len : 1);
		i += len ? len : 1;
	}
}

/* glibc's table of widths, which needs a UTF-8 locale; C.UTF-8 is part of Debian's libc. Without
 * it a character counts as one column, and only the alignment suffers. */
static size_t width_of(locale_t utf8, uint32_t c)
{
	int w = utf8 ? wcwidth((wchar_t)c) : 1;

	return w < 0 ? 1 : (size_t)w;
}

/* Measures at most `width` columns; returns the bytes taken and, in *ret, their columns. */
static size_t measure(const char *s, size_t n, size_t width, size_t *ret)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	size_t columns = 0, i = 0;

	while (i < n) {
		uint32_t c = 0;
		size_t len = utf8_decode(s + i, n - i, &c);
		size_t w = c < 0x80 ? 1 : width_of(utf8, c);

		if (columns + w > width)
			break;
		columns += w;
		i += len ? len : 1;
	}
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	*ret = columns;
	return i;
}

size_t cli_width(const char *s, size_t n)
{
	size_t columns;

	measure(s, n, SIZE_MAX, &columns);
	return columns;
}

size_t cli_width_cut(const char *s, size_t n, size_t width)
{
	size_t columns;

	return measure(s, n, width, &columns);
}
