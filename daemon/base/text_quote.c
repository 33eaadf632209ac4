/* text_quote.c - text_code() and text_shell() of text.h */
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"

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
