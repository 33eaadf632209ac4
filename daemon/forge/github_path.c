/* github_path.c - gh_path() of github_client.h */
#include "base/buf.h"
#include "base/mem.h"
#include "forge/github_client.h"

#include <ctype.h>

/* A component "." or ".." would be taken out by whoever normalises the path: their dots are escaped,
 * which leaves them a name that does not exist. */
static void add_part(struct buf *b, const char *s, size_t n)
{
	bool dots = n && n <= 2 && strspn(s, ".") >= n;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!dots && c < 0x80 && (isalnum(c) || strchr("-._~", c)))
			buf_addc(b, (char)c);
		else
			buf_addf(b, "%%%02X", c);
	}
}

static void add_parts(struct buf *b, const char *s)
{
	for (;;) {
		size_t n = strcspn(s, "/");

		add_part(b, s, n);
		if (!s[n])
			return;
		buf_addc(b, '/');
		s += n + 1;
	}
}

char *gh_path(const char *fmt, ...)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const char *s;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			buf_addc(&b, *fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			s = va_arg(ap, const char *);
			add_part(&b, s, strlen(s));
			break;
		case 'r':
			add_parts(&b, va_arg(ap, const char *));
			break;
		case 'd':
			buf_addf(&b, "%lld", (long long)va_arg(ap, int64_t));
			break;
		case '%':
			buf_addc(&b, '%');
			break;
		default: /* a bug in the caller */
			abort();
		}
	}
	va_end(ap);
	return buf_steal(&b);
}
