/* err.c - see err.h */
#include "base/err.h"

#include "base/mem.h"

#include <errno.h>

static const char *const code_names[] = {
	[ERR_NONE] = "none",
	[ERR_INPUT] = "input",
	[ERR_NOT_FOUND] = "not-found",
	[ERR_EXISTS] = "exists",
	[ERR_DENIED] = "denied",
	[ERR_STATE] = "state",
	[ERR_LIMIT] = "limit",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_IO] = "io",
	[ERR_CORRUPT] = "corrupt",
	[ERR_UNSAFE] = "unsafe",
	[ERR_INTERNAL] = "internal",
};

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	char *text;

	if (!err)
		return -1;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap); /* before the release: an argument may be the old text */
	va_end(ap);
	free(err->text);
	err->code = code;
	err->text = text;
	return -1;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	autofree char *what = NULL;
	enum err_code code;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	code = saved == ENOENT ? ERR_NOT_FOUND : saved == EEXIST ? ERR_EXISTS : ERR_IO;
	return err_set(err, code, "%s: %s", what, strerror(saved));
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	autofree char *what = NULL;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(err, err->code ? err->code : ERR_INTERNAL, "%s: %s", what, err_text(err));
}

int err_move(struct err *to, struct err *from)
{
	if (to) {
		err_release(to);
		*to = *from;
	} else {
		free(from->text);
	}
	from->code = ERR_NONE;
	from->text = NULL;
	return -1;
}

const char *err_text(const struct err *err)
{
	return err && err->text ? err->text : "no reason was given";
}

const char *err_code_name(enum err_code code)
{
	return (size_t)code < ARRAY_LEN(code_names) ? code_names[code] : "internal";
}

enum err_code err_code_from_name(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(code_names); i++)
		if (!strcmp(code_names[i], name))
			return (enum err_code)i;
	return ERR_INTERNAL;
}

void err_release(struct err *err)
{
	if (!err)
		return;
	free(err->text);
	err->text = NULL;
	err->code = ERR_NONE;
}
