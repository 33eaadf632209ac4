/* utf8.c - see utf8.h */
#include "base/utf8.h"

/* What the first byte says: how many follow, its own bits, and where the second byte may lie. */
struct lead {
	unsigned char from, to, len, second_from, second_to;
};

static const struct lead leads[] = {
	{0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
	{0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
	{0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t utf8_decode(const char *s, size_t n, uint32_t *ret)
{
	const unsigned char *u = (const unsigned char *)s;
	const struct lead *l = leads;
	const struct lead *end = leads + sizeof(leads) / sizeof(leads[0]);
	uint32_t cp;

	if (u[0] < 0x80) {
		*ret = u[0];
		return 1;
	}
	while (l < end && (u[0] < l->from || u[0] > l->to))
		l++;
	if (l == end || n < l->len || u[1] < l->second_from || u[1] > l->second_to)
		return 0;
	cp = u[0] & (0x7fu >> l->len);
	for (size_t i = 1; i < l->len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (u[i] & 0x3fu);
	}
	*ret = cp;
	return l->len;
}
