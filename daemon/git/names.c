/* names.c - see names.h */
#include "git/names.h"

#include <ctype.h>
#include <stdint.h>
#include <strings.h>

/* The next code point; -1 for bytes that are not UTF-8. Advances *s. */
static long next_char(const char **s, const char *end)
{
	const unsigned char *p = (const unsigned char *)*s;
	int more = *p < 0x80             ? 0
		   : (*p & 0xe0) == 0xc0 ? 1
		   : (*p & 0xf0) == 0xe0 ? 2
		   : (*p & 0xf8) == 0xf0 ? 3
					 : -1;
	static const long least[] = {0, 0x80, 0x800, 0x10000};
	long c;

	if (more < 0 || end - *s <= more)
		return -1;
	c = more ? *p & (0x3f >> more) : *p;
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	*s += more + 1;
	return c;
}

/* HFS+ compares names as if these were not there. */
static bool hfs_ignores(long c)
{
	return (c >= 0x200c && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x206a && c <= 0x206f) || c == 0xfeff;
}

/* What nobody sees in a name, what turns the order of its letters, and the two letters outside ASCII
 * that fold to one of ASCII: a name with them looks like another, or is another to a file system. */
static bool deceives(long c)
{
	static const struct {
		long from, to;
	} range[] = {
		{0x00ad, 0x00ad}, {0x017f, 0x017f}, {0x061c, 0x061c},   {0x180e, 0x180e},
		{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x212a, 0x212a},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (c >= range[i].from && c <= range[i].to)
			return true;
	return false;
}

static bool hfs_dotgit(const char *s, size_t n)
{
	static const char want[] = ".git";
	const char *end = s + n;
	size_t at = 0;

	while (s < end) {
		long c = next_char(&s, end);

		if (hfs_ignores(c))
			continue;
		if (c < 0 || c > 0x7f || at == 4 || tolower((int)c) != want[at])
			return false;
		at++;
	}
	return at == 4;
}

static bool ntfs_dotgit(const char *s, size_t n)
{
	size_t at;

	if (n >= 4 && !strncasecmp(s, ".git", 4))
		at = 4;
	else if (n >= 5 && !strncasecmp(s, "git~1", 5))
		at = 5;
	else
		return false;
	while (at < n && (s[at] == ' ' || s[at] == '.'))
		at++;
	return at == n || s[at] == ':';
}

bool gr_name_is_dotgit(const char *name, size_t n)
{
	const char *end = name + n;

	while (name <= end) {
		const char *cut = memchr(name, '\\', (size_t)(end - name));
		size_t len = (size_t)((cut ? cut : end) - name);

		if (ntfs_dotgit(name, len) || hfs_dotgit(name, len))
			return true;
		name += len + 1;
	}
	return false;
}

bool gr_name_is_bad(const char *name, size_t n)
{
	const char *end = name + n;

	if (!n || (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))))
		return true;
	while (name < end) {
		long c = next_char(&name, end);

		if (c < 0x20 || c == 0x7f || c == '/' || (c >= 0x80 && c < 0xa0) || deceives(c))
			return true;
	}
	return false;
}

static bool is_component(const char *s, size_t n, const char *want)
{
	return n == strlen(want) && !memcmp(s, want, n);
}

bool gr_link_stays_inside(const char *target, size_t n, int depth)
{
	const char *end = target + n;
	bool named = false;

	if (!n || target[0] == '/')
		return false;
	while (target < end) {
		const char *cut = memchr(target, '/', (size_t)(end - target));
		size_t len = (size_t)((cut ? cut : end) - target);

		if (is_component(target, len, "..")) {
			if (named || --depth < 0)
				return false;
		} else if (len && !is_component(target, len, ".")) {
			named = true;
		}
		target += len + 1;
	}
	return true;
}

bool gr_link_into_dotgit(const char *target, size_t n)
{
	const char *end = target + n;

	while (target < end) {
		const char *cut = memchr(target, '/', (size_t)(end - target));
		size_t len = (size_t)((cut ? cut : end) - target);

		if (gr_name_is_dotgit(target, len))
			return true;
		target += len + 1;
	}
	return false;
}
