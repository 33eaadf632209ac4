/* buf.c - see buf.h */
#include "base/buf.h"

#include "base/mem.h"

#include <ctype.h>

char buf_empty[1] = "";

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.s = buf_empty, .max = max};
}

void buf_release(struct buf *b)
{
	if (!b)
		return;
	if (b->cap)
		free(b->s);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->cap)
		b->s[0] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	size_t cap;

	if (b->failed || n > max - b->len) {
		b->failed = true;
		return NULL;
	}
	if (b->len + n + 1 <= b->cap)
		return b->s + b->len;
	cap = b->cap ? b->cap : 64;
	while (cap < b->len + n + 1)
		cap *= 2;
	b->s = xrealloc(b->cap ? b->s : NULL, cap);
	b->cap = cap;
	b->s[b->len] = '\0';
	return b->s + b->len;
}

void buf_grown(struct buf *b, size_t n)
{
	b->len += n;
	b->s[b->len] = '\0';
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to;

	if (!n)
		return;
	to = buf_room(b, n);
	if (!to)
		return;
	memcpy(to, p, n);
	buf_grown(b, n);
}

void buf_adds(struct buf *b, const char *s)
{
	if (s)
		buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	autofree char *s = xvasprintf(fmt, ap);

	buf_adds(b, s);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->s[len] = '\0';
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (!n)
		return;
	memmove(b->s, b->s + n, b->len - n);
	b->len -= n;
	b->s[b->len] = '\0';
}

void buf_rtrim(struct buf *b)
{
	while (b->len && isspace((unsigned char)b->s[b->len - 1]))
		buf_truncate(b, b->len - 1);
}

char *buf_steal(struct buf *b)
{
	char *s = b->cap ? b->s : xstrdup("");

	buf_init(b, b->max);
	return s;
}
