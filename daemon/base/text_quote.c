/* text_quote.c - text_quote(), text_defuse() and text_code() of text.h */
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

#include <ctype.h>
#include <strings.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Does the character that was just written, before `next`, begin something that a forge acts on? */
static bool acts(const struct buf *b, char next)
{
	size_t n = b->len;
	char before = n > 1 ? b->s[n - 2] : ' ';

	if (b->s[n - 1] == '@')
		return !isalnum((unsigned char)before) && is_word(next);
	if (b->s[n - 1] == '#')
		return isdigit((unsigned char)next);
	return n >= 3 && isdigit((unsigned char)next) && !strncasecmp(b->s + n - 3, "gh-", 3);
}

static char *defuse(const char *s, const char *prefix)
{
	cleanup(buf_release) struct buf clean = BUF_INIT;
	struct buf b = BUF_INIT;

	text_clean(s, strlen(s), &clean, NULL);
	for (size_t i = 0; i < clean.len; i++) {
		if (i == 0 || clean.s[i - 1] == '\n')
			buf_adds(&b, prefix);
		buf_addc(&b, clean.s[i]);
		if (acts(&b, i + 1 < clean.len ? clean.s[i + 1] : '\0'))
			buf_addc(&b, ' ');
	}
	return buf_steal(&b);
}

char *text_quote(const char *s)
{
	return defuse(s, "> ");
}

char *text_defuse(const char *s)
{
	return defuse(s, "");
}

char *text_code(const char *s)
{
	struct buf b = BUF_INIT;
	size_t n = strlen(s);

	buf_addc(&b, '`');
	for (size_t i = 0, len; i < n; i += len) {
		cleanup(buf_release) struct buf one = BUF_INIT;
		struct text_cleaned what = {0};
		uint32_t cp;

		len = utf8_decode(s + i, n - i, &cp);
		len = len ? len : 1;
		text_clean(s + i, len, &one, &what);
		if (what.invisible || what.broken || strchr("\n\t\r`", s[i]))
			buf_addc(&b, '?');
		else
			buf_add(&b, s + i, len);
	}
	buf_addc(&b, '`');
	return buf_steal(&b);
}

char *text_shell(const char *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_addc(&b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_adds(&b, "'\\''");
		else
			buf_addc(&b, *s);
	}
	buf_addc(&b, '\'');
	return buf_steal(&b);
}
