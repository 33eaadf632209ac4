/* net_hosts.c - the known-hosts file: see net_part.h. The format is that of sshd(8), SSH_KNOWN_HOSTS. */
#include "git/net_coding.h"
#include "git/net_part.h"

#include <ctype.h>

#define LINE_MAX_LEN 16384
#define KEY_MAX      8192

struct field {
	const char *s;
	size_t n;
};

struct entry {
	bool revoked;
	struct field names, type, key; /* key: base64 */
};

static bool next_field(struct field *line, struct field *ret)
{
	while (line->n && (*line->s == ' ' || *line->s == '\t'))
		line->s++, line->n--;
	*ret = (struct field){line->s, 0};
	while (line->n && *line->s != ' ' && *line->s != '\t' && *line->s != '\r')
		line->s++, line->n--, ret->n++;
	return ret->n > 0;
}

static bool field_is(const struct field *f, const char *s)
{
	return f->n == strlen(s) && !memcmp(f->s, s, f->n);
}

/* false: a comment, an empty line, a certificate authority, or nothing that can be read. */
static bool decode_line(struct field line, struct entry *ret)
{
	*ret = (struct entry){0};
	if (line.n > LINE_MAX_LEN || !next_field(&line, &ret->names) || *ret->names.s == '#')
		return false;
	if (*ret->names.s == '@') {
		if (!field_is(&ret->names, "@revoked"))
			return false;
		ret->revoked = true;
		if (!next_field(&line, &ret->names))
			return false;
	}
	return next_field(&line, &ret->type) && next_field(&line, &ret->key);
}

static int unbase64(const struct field *f, unsigned char *to, size_t max)
{
	return net_unbase64(f->s, f->n, to, max);
}

/* |1|salt|hash: HMAC-SHA1 of the name with the salt as key. */
static bool hashed_is(const struct field *f, const char *name)
{
	const char *bar = f->n > 3 ? memchr(f->s + 3, '|', f->n - 3) : NULL;
	unsigned char salt[64], want[64], found[NET_SHA1_LEN];
	struct field a, b;
	int n, m;

	if (!bar)
		return false;
	a = (struct field){f->s + 3, (size_t)(bar - f->s) - 3};
	b = (struct field){bar + 1, (size_t)(f->s + f->n - bar) - 1};
	n = unbase64(&a, salt, sizeof(salt));
	m = unbase64(&b, want, sizeof(want));
	return n >= 0 && m == NET_SHA1_LEN && net_hmac_sha1(salt, (size_t)n, name, found) &&
	       !memcmp(found, want, NET_SHA1_LEN);
}

/* '*' and '?', nothing else; the name is in lower case, and short, so backtracking is. */
static bool pattern_is(const char *p, size_t n, const char *name)
{
	const char *star = NULL, *back = NULL, *end = p + n;

	while (*name) {
		if (p < end && *p == '*') {
			star = p++;
			back = name;
		} else if (p < end && (*p == '?' || tolower((unsigned char)*p) == *name)) {
			p++;
			name++;
		} else if (star) {
			p = star + 1;
			name = ++back;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

static bool names_have(const struct field *names, const char *name)
{
	struct field rest = *names;
	bool found = false;

	if (rest.n > 3 && !memcmp(rest.s, "|1|", 3))
		return hashed_is(&rest, name);
	while (rest.n) {
		const char *comma = memchr(rest.s, ',', rest.n);
		size_t n = comma ? (size_t)(comma - rest.s) : rest.n;
		bool not = *rest.s == '!' && n > 1;

		if (pattern_is(rest.s + not, n - not, name)) {
			if (not )
				return false;
			found = true;
		}
		rest.s += n + (comma != NULL);
		rest.n -= n + (comma != NULL);
	}
	return found;
}

static char *name_of(const char *host, const char *port)
{
	return !strcmp(port, "22") ? xstrdup(host) : xasprintf("[%s]:%s", host, port);
}

/* The next entry of the host; false at the end. */
static bool next_entry(struct field *text, const char *name, struct entry *ret)
{
	while (text->n) {
		const char *end = memchr(text->s, '\n', text->n);
		struct field line = {text->s, end ? (size_t)(end - text->s) : text->n};

		text->s += line.n + (end != NULL);
		text->n -= line.n + (end != NULL);
		if (decode_line(line, ret) && names_have(&ret->names, name))
			return true;
	}
	return false;
}

/* The type that a key says of itself: its first string (RFC 4253, 6.6). */
static struct field type_of(const unsigned char *key, size_t n)
{
	size_t len;

	if (n < 4 || key[0] || key[1])
		return (struct field){"", 0};
	len = (size_t)key[2] << 8 | key[3];
	return len <= n - 4 ? (struct field){(const char *)key + 4, len} : (struct field){"", 0};
}

enum net_hosts net_hosts_check(const char *text, size_t n, const char *host, const char *port,
			       const void *key, size_t key_len, struct strvec *ret_types)
{
	autofree char *name = name_of(host, port);
	struct field rest = {text, n}, type = type_of(key, key_len);
	enum net_hosts found = NET_HOST_UNKNOWN;
	struct entry e;

	while (next_entry(&rest, name, &e)) {
		unsigned char have[KEY_MAX];
		int len = unbase64(&e.key, have, sizeof(have));
		bool same = len >= 0 && (size_t)len == key_len && !memcmp(have, key, key_len);
		autofree char *type_name = xstrndup(e.type.s, e.type.n);

		if (same && e.revoked)
			return NET_HOST_REVOKED;
		if (e.revoked)
			continue;
		if (!strvec_has(ret_types, type_name))
			strvec_push(ret_types, type_name);
		if (same)
			found = NET_HOST_KNOWN;
		else if (found == NET_HOST_UNKNOWN && e.type.n == type.n &&
			 !memcmp(e.type.s, type.s, type.n))
			found = NET_HOST_CHANGED;
	}
	return found;
}

char *net_hosts_preferred(const char *text, size_t n, const char *host, const char *port)
{
	static const char *const order[] = {"ssh-ed25519", "ecdsa-sha2-nistp256",
					    "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};
	autofree char *name = name_of(host, port);
	size_t best = ARRAY_LEN(order);
	struct field rest = {text, n};
	char *line = NULL;
	struct entry e;

	while (next_entry(&rest, name, &e))
		for (size_t i = 0; i < best && !e.revoked; i++) {
			unsigned char have[KEY_MAX];

			if (!field_is(&e.type, order[i]) ||
			    unbase64(&e.key, have, sizeof(have)) < 0)
				continue;
			free(line);
			line = xasprintf("%s %s %.*s\n", name, order[i], (int)e.key.n, e.key.s);
			best = i;
		}
	return line;
}
