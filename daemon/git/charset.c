/* charset.c - see charset.h */
#include "git/charset.h"

#include <iconv.h>
#include <stdint.h>
#include <string.h>

bool gr_utf8_valid(const char *s, size_t n)
{
	struct buf none = BUF_INIT;
	bool ok = gr_charset("UTF-8", "UTF-8", s, n, &none);

	buf_release(&none);
	return ok;
}

bool gr_charset(const char *from, const char *to, const char *s, size_t n, struct buf *ret)
{
	iconv_t cd = iconv_open(to, from);
	char *in = (char *)(uintptr_t)s;
	size_t before = ret->len, rc = 0;
	bool last = false;

	if (cd == (iconv_t)-1)
		return false;
	/* A letter of the one has at most four bytes in the other, and a shift before and behind it. */
	while (!last && rc != (size_t)-1) {
		char piece[512], *out = piece;
		size_t room = sizeof(piece);

		last = n == 0;
		rc = iconv(cd, last ? NULL : &in, last ? NULL : &n, &out, &room);
		if (rc == (size_t)-1 && room < sizeof(piece))
			rc = 0; /* full, or it stops at the same place again */
		buf_add(ret, piece, sizeof(piece) - room);
	}
	iconv_close(cd);
	if (rc == (size_t)-1 || ret->failed)
		buf_truncate(ret, before);
	return rc != (size_t)-1 && !ret->failed;
}

void gr_to_utf8(const char *encoding, const char *s, size_t n, struct buf *ret)
{
	if (!gr_charset(encoding ? encoding : "UTF-8", "UTF-8", s, n, ret))
		gr_charset("ISO-8859-1", "UTF-8", s, n, ret);
}
