/* text_defuse.c - text_quote() and text_defuse() of text.h: apart, because the keeper needs no Markdown */
#include "base/depends.h"
#include "base/mem.h"
#include "base/text.h"

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

/* Would the line at s, up to its end, be read as what a PR depends on? */
static bool is_dependency(const char *s)
{
	autofree char *line = xstrndup(s, strcspn(s, "\n"));

	return depends_begins(line);
}

static char *defuse(const char *s, const char *prefix)
{
	cleanup(buf_release) struct buf clean = BUF_INIT;
	struct buf b = BUF_INIT;

	text_clean(s, strlen(s), &clean, NULL);
	for (size_t i = 0; i < clean.len; i++) {
		if (i == 0 || clean.s[i - 1] == '\n')
			buf_adds(&b, is_dependency(clean.s + i) ? "> " : prefix);
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
