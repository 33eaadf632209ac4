/* mask.c - see mask.h */
#include "base/mask.h"

#include "base/mem.h"
#include "base/strvec.h"

#include <ctype.h>
#include <limits.h>

struct pattern {
	char *s;
	size_t n;
	bool broken; /* line breaks may stand between any two bytes */
};

struct mask {
	struct pattern *v;
	size_t n, cap;
	bool first[UCHAR_MAX + 1]; /* bytes that one of them begins with */
};

struct mask *mask_new(void)
{
	return xcalloc(1, sizeof(struct mask));
}

void mask_free(struct mask *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		mem_wipe(m->v[i].s, m->v[i].n);
		free(m->v[i].s);
	}
	free(m->v);
	free(m);
}

bool mask_empty(const struct mask *m)
{
	return !m || m->n == 0;
}

/* Longer ones first: what is replaced is the whole, not a part that happens to be a value too. */
static void add(struct mask *m, const char *s, size_t n, bool broken)
{
	size_t at = 0;

	if (n < MASK_MIN)
		return;
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].n == n && memcmp(m->v[i].s, s, n) == 0)
			return;
	if (m->n == m->cap)
		m->v = xreallocarray(m->v, m->cap = m->cap ? 2 * m->cap : 16, sizeof(*m->v));
	while (at < m->n && m->v[at].n >= n)
		at++;
	memmove(m->v + at + 1, m->v + at, (m->n++ - at) * sizeof(*m->v));
	m->v[at] = (struct pattern){xstrndup(s, n), n, broken};
	m->first[(unsigned char)s[0]] = true;
}

static void add_buf(struct mask *m, struct buf *b, bool broken)
{
	add(m, b->s, b->len, broken);
	mem_wipe(b->s, b->len);
	buf_truncate(b, 0);
}

/* --- encodings ------------------------------------------------------------------------------------ */

/*
 * What base64 makes of the value, wherever in the encoded text it begins: `skip` bytes of something else
 * stand before it in its first group of three. Left out are the digits that something else has a part in.
 */
static void add_base64(struct mask *m, const char *value, size_t n, const char *digits, size_t skip)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	size_t bits = 0,
	       first = (skip * 8 + 5) / 6 * 6 - skip * 8; /* bits of ours in a shared digit */
	unsigned acc = 0;

	for (size_t i = 0; i < n * 8; i++) {
		if (i < first)
			continue;
		acc = acc << 1 | ((unsigned char)value[i / 8] >> (7 - i % 8) & 1);
		if (++bits % 6 == 0) {
			buf_addc(&b, digits[acc]);
			acc = 0;
		}
	}
	add_buf(m, &b, true);
}

static void add_hex(struct mask *m, const char *value, size_t n, const char *digits)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		buf_addc(&b, digits[(unsigned char)value[i] >> 4]);
		buf_addc(&b, digits[(unsigned char)value[i] & 15]);
	}
	add_buf(m, &b, false);
}

/* RFC 3986's unreserved characters stay; `also` are those that some encoders leave, too. */
static void add_percent(struct mask *m, const char *value, size_t n, const char *also,
			const char *digits)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];

		if (isalnum(c) || strchr("-._~", c) || strchr(also, c)) {
			buf_addc(&b, (char)c);
			continue;
		}
		buf_addc(&b, '%');
		buf_addc(&b, digits[c >> 4]);
		buf_addc(&b, digits[c & 15]);
	}
	add_buf(m, &b, false);
}

/* Each byte in `from` becomes the text of the same place in `to`. */
static void add_escaped(struct mask *m, const char *value, size_t n, const char *from,
			const char *const *to)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const char *at = value[i] ? strchr(from, value[i]) : NULL;

		if (at)
			buf_adds(&b, to[at - from]);
		else
			buf_addc(&b, value[i]);
	}
	add_buf(m, &b, false);
}

static void add_one(struct mask *m, const char *value, size_t n)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	static const char usual[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char url[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static const char *const json[] = {"\\\"", "\\\\", "\\/", "\\t"};
	static const char *const xml[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
	static const char *const shell[] = {"'\\''"};

	if (n < MASK_MIN)
		return;
	add(m, value, n, false);
	for (size_t skip = 0; skip < 3; skip++) {
		add_base64(m, value, n, usual, skip);
		add_base64(m, value, n, url, skip);
	}
	add_hex(m, value, n, lower);
	add_hex(m, value, n, upper);
	add_percent(m, value, n, "", lower);
	add_percent(m, value, n, "", upper);
	add_percent(m, value, n, "!'()*", upper); /* JavaScript's encodeURIComponent() */
	add_escaped(m, value, n, "\"\\\t", (const char *const[]){json[0], json[1], json[3]});
	add_escaped(m, value, n, "\"\\/\t", json);
	add_escaped(m, value, n, "&<>\"'", xml);
	add_escaped(m, value, n, "&<>", xml);
	add_escaped(m, value, n, "'", shell);
}

void mask_add(struct mask *m, const char *value)
{
	size_t n = strlen(value);

	add_one(m, value, n);
	while (*value) {
		size_t line = strcspn(value, "\r\n");

		if (line != n)
			add_one(m, value, line);
		value += line;
		value += strspn(value, "\r\n");
	}
}

/* --- finding -------------------------------------------------------------------------------------- */

/* How many bytes at s are the pattern; 0: none. *ret_open: they may be, the text ends too early. */
static size_t match(const struct pattern *p, const char *s, size_t n, bool *ret_open)
{
	size_t at = 0, i = 0;

	while (i < p->n) {
		if (at == n) {
			*ret_open = true;
			return 0;
		}
		if (s[at] == p->s[i])
			i++;
		else if (!p->broken || i == 0 || (s[at] != '\n' && s[at] != '\r'))
			return 0;
		at++;
	}
	return at;
}

static size_t match_any(const struct mask *m, const char *s, size_t n, bool *ret_open)
{
	*ret_open = false;
	if (!m->first[(unsigned char)*s])
		return 0;
	for (size_t i = 0; i < m->n; i++) {
		size_t len = match(&m->v[i], s, n, ret_open);

		if (len)
			return len;
	}
	return 0;
}

bool mask_found(const struct mask *m, const char *s, size_t n)
{
	bool open;

	for (size_t i = 0; !mask_empty(m) && i < n; i++)
		if (match_any(m, s + i, n - i, &open))
			return true;
	return false;
}

/* Appends the masked text; stops where the rest may be the beginning of a value, and returns how much was
 * taken. */
static size_t mask_part(const struct mask *m, const char *s, size_t n, bool end, struct buf *to)
{
	size_t from = 0, i = 0;

	while (i < n) {
		bool open;
		size_t len = match_any(m, s + i, n - i, &open);

		if (open && !end)
			break;
		if (!len) {
			i++;
			continue;
		}
		buf_add(to, s + from, i - from);
		buf_adds(to, MASK_TEXT);
		from = i += len;
	}
	buf_add(to, s + from, i - from);
	return i;
}

void mask_feed(const struct mask *m, struct mask_stream *st, const char *s, size_t n, bool end,
	       struct buf *to)
{
	size_t taken;

	if (st->held.len) {
		buf_add(&st->held, s, n);
		taken = mask_part(m, st->held.s, st->held.len, end, to);
		buf_consume(&st->held, taken);
		return;
	}
	taken = mask_part(m, s, n, end, to);
	if (taken == n)
		return;
	if (!st->held.s)
		st->held = (struct buf)BUF_INIT;
	buf_add(&st->held, s + taken, n - taken);
}

void mask_stream_release(struct mask_stream *st)
{
	if (st->held.s)
		mem_wipe(st->held.s, st->held.len);
	buf_release(&st->held);
}

char *mask_text(const struct mask *m, const char *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (!s || mask_empty(m))
		return xstrdup(s);
	mask_part(m, s, strlen(s), true, &b);
	return buf_steal(&b);
}

static void mask_string(const struct mask *m, json_t *v)
{
	const char *s = json_string_value(v);
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (!mask_found(m, s, json_string_length(v)))
		return;
	mask_part(m, s, json_string_length(v), true, &b);
	json_string_setn(v, b.s, b.len);
}

void mask_json(const struct mask *m, json_t *v)
{
	const char *key;
	json_t *sub;
	size_t i;

	if (mask_empty(m))
		return;
	if (json_is_string(v))
		mask_string(m, v);
	json_array_foreach (v, i, sub)
		mask_json(m, sub);
	json_object_foreach (v, key, sub)
		mask_json(m, sub);
}
