/* strvec.c - see strvec.h */
#include "base/strvec.h"

#include "base/buf.h"
#include "base/mem.h"

void strvec_push_take(struct strvec *vec, char *s)
{
	if (vec->n + 2 > vec->cap) {
		vec->cap = vec->cap ? vec->cap * 2 : 8;
		vec->v = xreallocarray(vec->v, vec->cap, sizeof(*vec->v));
	}
	vec->v[vec->n++] = s;
	vec->v[vec->n] = NULL;
}

const char *strvec_push(struct strvec *vec, const char *s)
{
	strvec_push_take(vec, xstrdup(s));
	return vec->v[vec->n - 1];
}

void strvec_pushf(struct strvec *vec, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strvec_push_take(vec, xvasprintf(fmt, ap));
	va_end(ap);
}

void strvec_pushl(struct strvec *vec, ...)
{
	const char *s;
	va_list ap;

	va_start(ap, vec);
	for (s = va_arg(ap, const char *); s; s = va_arg(ap, const char *))
		strvec_push(vec, s);
	va_end(ap);
}

void strvec_extend(struct strvec *vec, const struct strvec *more)
{
	for (size_t i = 0; i < more->n; i++)
		strvec_push(vec, more->v[i]);
}

bool strvec_has(const struct strvec *vec, const char *s)
{
	for (size_t i = 0; i < vec->n; i++)
		if (!strcmp(vec->v[i], s))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strvec_sort(struct strvec *vec)
{
	if (vec->n > 1)
		qsort(vec->v, vec->n, sizeof(*vec->v), compare);
}

void strvec_release(struct strvec *vec)
{
	if (!vec)
		return;
	for (size_t i = 0; i < vec->n; i++)
		free(vec->v[i]);
	free(vec->v);
	*vec = (struct strvec)STRVEC_INIT;
}

void strvec_split(struct strvec *vec, const char *s, char sep)
{
	const char *end;

	if (!*s)
		return;
	for (; (end = strchr(s, sep)); s = end + 1)
		strvec_push_take(vec, xstrndup(s, (size_t)(end - s)));
	strvec_push(vec, s);
}

char *strvec_join(const struct strvec *vec, const char *sep)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < vec->n; i++) {
		if (i)
			buf_adds(&b, sep);
		buf_adds(&b, vec->v[i]);
	}
	return buf_steal(&b);
}
