/* form.c - see form.h */
#include "web/form.h"

#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(const char *s, size_t n, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int high, low;

		if (s[i] != '%') {
			buf_addc(ret, s[i] == '+' ? ' ' : s[i]);
			continue;
		}
		high = n - i > 2 ? digit(s[i + 1]) : -1;
		low = high >= 0 ? digit(s[i + 2]) : -1;
		if (low < 0)
			return err_set(err, ERR_INPUT, "form: a '%%' without two digits, byte %zu",
				       i);
		buf_addc(ret, (char)(high << 4 | low));
		i += 2;
	}
	return 0;
}

int form_field(const char *s, size_t n, const char *name, struct buf *ret, struct err *err)
{
	const char *end = s + n, *value = NULL;
	size_t len = strlen(name), value_len = 0;

	for (const char *p = s; p < end;) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		size_t field = (size_t)((amp ? amp : end) - p);

		if (field > len && p[len] == '=' && !memcmp(p, name, len)) {
			if (value)
				return err_set(err, ERR_INPUT, "form: the field '%s' twice", name);
			value = p + len + 1;
			value_len = field - len - 1;
		}
		p += field + 1;
	}
	if (!value)
		return err_set(err, ERR_INPUT, "form: no field '%s'", name);
	return decode(value, value_len, ret, err);
}
