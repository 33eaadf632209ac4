/* text_clean.c - text_clean() of text.h: what the reader of a forge's page does not see */
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

struct range {
	uint32_t from, to;
};

/* Unicode's Cf that leave no mark, and the code points that a renderer ignores by default
 * (Default_Ignorable_Code_Point); the variation selectors are among them. Ascending. */
static const struct range unseen[] = {
	{0x00ad, 0x00ad},   {0x034f, 0x034f}, {0x061c, 0x061c},   {0x115f, 0x1160},
	{0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x200b, 0x200f},   {0x202a, 0x202e},
	{0x2060, 0x206f},   {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
	{0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	{0xe0000, 0xe0fff},
};

#define EMOJI_STYLE 0xfe0fu /* asks for the coloured form of the character before it */

static bool is_unseen(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(unseen) && cp >= unseen[i].from; i++)
		if (cp <= unseen[i].to)
			return true;
	return false;
}

static bool is_control(uint32_t cp)
{
	return (cp < 0x20 && cp != '\t' && cp != '\n') || (cp >= 0x7f && cp <= 0x9f);
}

/* Writes the well-formed, visible characters of s to `to`. */
static void take_visible(const char *s, size_t n, struct buf *to, struct text_cleaned *what)
{
	bool marks = false; /* the character before leaves a mark that U+FE0F can change */

	for (size_t i = 0, len; i < n; i += len ? len : 1) {
		uint32_t cp = 0;

		len = utf8_decode(s + i, n - i, &cp);
		if (!len) {
			buf_adds(to, "\xef\xbf\xbd");
			what->broken++;
			marks = true;
		} else if (cp == '\r' && i + 1 < n && s[i + 1] == '\n') {
			continue; /* how browsers send lines; nothing was hidden */
		} else if (is_control(cp) || (is_unseen(cp) && !(cp == EMOJI_STYLE && marks))) {
			what->invisible++;
			marks = false;
		} else {
			buf_add(to, s + i, len);
			marks = cp > ' ' && cp != EMOJI_STYLE;
		}
	}
}

static bool ends_with(const struct buf *b, size_t from, const char *tail)
{
	size_t n = strlen(tail);

	return b->len - from >= n && !memcmp(b->s + b->len - n, tail, n);
}

/* How much of s, just behind a comment's opening, belongs to the comment. "<!-->" and "<!--->" are
 * whole ones. */
static size_t comment_length(const char *s, size_t n)
{
	const char *end;

	if (n >= 1 && s[0] == '>')
		return 1;
	if (n >= 2 && s[0] == '-' && s[1] == '>')
		return 2;
	end = memmem(s, n, "-->", 3);
	return end ? (size_t)(end - s) + 3 : n;
}

/* The opening is looked for in what was written, so that taking one comment out cannot make
 * another: "<!<!-- -->-- -->". */
static void drop_comments(const struct buf *from, struct buf *to, struct text_cleaned *what)
{
	size_t start = to->len;

	for (size_t i = 0; i < from->len && !to->failed;) {
		buf_addc(to, from->s[i++]);
		if (!ends_with(to, start, "<!--"))
			continue;
		buf_truncate(to, to->len - 4);
		what->comments++;
		i += comment_length(from->s + i, from->len - i);
	}
}

void text_clean(const char *s, size_t n, struct buf *ret, struct text_cleaned *ret_what)
{
	cleanup(buf_release) struct buf visible = BUF_INIT_MAX(3 * n + 1);
	struct text_cleaned what = {0};

	take_visible(s, n, &visible, &what);
	drop_comments(&visible, ret, &what);
	if (ret_what)
		*ret_what = what;
}
