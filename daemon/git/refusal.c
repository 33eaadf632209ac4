/* refusal.c - see scan.h: why a file is not taken. */
#include "git/scan.h"

void gr_refusal_release(struct gr_refusal *r)
{
	free(r->path);
	free(r->text);
	*r = (struct gr_refusal){0};
}

int gr_refuse(struct gr_refusal *ret, const char *path, const char *reason, const char *fmt, ...)
{
	va_list ap;

	if (ret->path)
		return 1;
	va_start(ap, fmt);
	ret->text = xvasprintf(fmt, ap);
	va_end(ap);
	ret->path = xstrdup(path);
	ret->reason = reason;
	return 1;
}
