/* convert.c - see convert.h; the order of the steps and the odd cases are those of Git's convert.c. */
#include "git/convert.h"

#include "git/charset.h"

#include <string.h>
#include <strings.h>

struct stats {
	size_t nul, lonecr, lonelf, crlf, printable, nonprintable;
};

static enum gr_eol eol_of(const char *v, bool *said)
{
	*said = true;
	if (v == gr_attr_set || (v && !strcmp(v, "input")))
		return GR_EOL_TEXT;
	if (v == gr_attr_unset)
		return GR_EOL_ASIS;
	if (v && !strcmp(v, "auto"))
		return GR_EOL_AUTO;
	*said = false;
	return GR_EOL_ASIS;
}

static bool is_text(const char *v)
{
	return v && v != gr_attr_set && v != gr_attr_unset;
}

static bool utf_is(const char *name, const char *rest)
{
	if (strncasecmp(name, "utf", 3) != 0)
		return false;
	name += 3 + (name[3] == '-');
	return !strcasecmp(name, rest);
}

int gr_conv_init(struct gr_conv *c, const char *const v[GR_ATTRS], struct err *err)
{
	const char *enc = v[GR_ATTR_ENCODING];
	bool said;

	*c = (struct gr_conv){.ident = v[GR_ATTR_IDENT] == gr_attr_set};
	c->eol = eol_of(v[GR_ATTR_TEXT], &said);
	if (!said)
		c->eol = eol_of(v[GR_ATTR_CRLF], &said);
	if (is_text(v[GR_ATTR_EOL]) && (c->eol != GR_EOL_ASIS || !said)) {
		bool is_auto = c->eol == GR_EOL_AUTO;

		if (!strcmp(v[GR_ATTR_EOL], "crlf"))
			c->eol = is_auto ? GR_EOL_AUTO_CRLF : GR_EOL_TEXT_CRLF;
		else if (!strcmp(v[GR_ATTR_EOL], "lf"))
			c->eol = is_auto ? GR_EOL_AUTO : GR_EOL_TEXT;
	}
	if (is_text(v[GR_ATTR_FILTER]))
		c->filter = v[GR_ATTR_FILTER];
	if (!enc || !*enc || utf_is(enc, "8"))
		return 0;
	if (!is_text(enc) || strspn(enc, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-_.:+") != strlen(enc))
		return err_set(err, ERR_INPUT,
			       "the attribute working-tree-encoding: found '%.50s', "
			       "expected the name of a charset",
			       enc);
	c->encoding = enc;
	return 0;
}

bool gr_conv_any(const struct gr_conv *c)
{
	return c->eol != GR_EOL_ASIS || c->ident || c->encoding;
}

static bool is_auto(const struct gr_conv *c)
{
	return c->eol == GR_EOL_AUTO || c->eol == GR_EOL_AUTO_CRLF;
}

bool gr_conv_wants_was(const struct gr_conv *c)
{
	return is_auto(c);
}

static void count_one(struct stats *s, unsigned char c)
{
	if (c >= 32 && c != 127)
		s->printable++;
	else if (c == '\b' || c == '\t' || c == '\033' || c == '\f')
		s->printable++;
	else
		s->nonprintable++;
	s->nul += c == 0;
}

static struct stats count(const char *p, size_t n)
{
	struct stats s = {0};

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			s.lonelf++;
		} else if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n') {
			s.crlf++;
			i++;
		} else if (p[i] == '\r') {
			s.lonecr++;
		} else {
			count_one(&s, (unsigned char)p[i]);
		}
	}
	/* A DOS end-of-file mark. */
	if (n && p[n - 1] == '\032')
		s.nonprintable--;
	return s;
}

static bool binary(const struct stats *s)
{
	return s->lonecr || s->nul || (s->printable >> 7) < s->nonprintable;
}

/* ---- $Id$ ---- */

/* At p, behind a '$': the bytes of "Id$" or "Id:...$" on one line; 0: it is none. */
static size_t ident_len(const char *p, const char *end)
{
	const char *dollar;

	if (end - p < 3 || memcmp(p, "Id", 2) != 0)
		return 0;
	if (p[2] == '$')
		return 3;
	if (p[2] != ':')
		return 0;
	dollar = memchr(p + 3, '$', (size_t)(end - p) - 3);
	if (!dollar || memchr(p + 3, '\n', (size_t)(dollar - p) - 3))
		return 0;
	return (size_t)(dollar - p) + 1;
}

/* An expansion of another system's, with blanks inside, stays. */
static bool foreign(const char *p, size_t len)
{
	const char *space = len > 5 ? memchr(p + 4, ' ', len - 5) : NULL;

	return p[2] == ':' && space && space < p + len - 2;
}

/* How far a '$' that begins none, before p, reaches. Where Git expands as it streams, one that ends a beginning ("$$", "$I$")
 * or what is foreign does not begin another. */
static size_t ident_skip(const char *p, const char *end, size_t len, bool streams)
{
	if (!streams)
		return 0;
	if (len)
		return len;
	if (end - p >= 1 && p[0] == '$')
		return 1;
	return end - p >= 2 && p[0] == 'I' && p[1] == '$' ? 2 : 0;
}

static bool ident_out(const char *p, size_t n, bool streams, struct buf *ret)
{
	const char *end = p + n, *dollar;
	char hex[GIT_OID_HEXSZ + 1];
	bool any = false;
	git_oid oid;

	if (git_odb_hash(&oid, p, n, GIT_OBJECT_BLOB) < 0)
		return false;
	git_oid_tostr(hex, sizeof(hex), &oid);
	for (; (dollar = memchr(p, '$', (size_t)(end - p)));) {
		size_t len = ident_len(dollar + 1, end), skip = 0;
		bool ours = len && !foreign(dollar + 1, len);

		if (!ours)
			skip = ident_skip(dollar + 1, end, len, streams);
		buf_add(ret, p, (size_t)(dollar - p) + 1 + skip);
		p = dollar + 1 + (ours ? len : skip);
		if (ours)
			buf_addf(ret, "Id: %s $", hex);
		any = any || ours;
	}
	buf_add(ret, p, (size_t)(end - p));
	return any;
}

static bool ident_in(const char *p, size_t n, struct buf *ret)
{
	const char *end = p + n, *dollar;
	bool any = false;

	for (; (dollar = memchr(p, '$', (size_t)(end - p)));) {
		size_t len = ident_len(dollar + 1, end);

		buf_add(ret, p, (size_t)(dollar - p) + 1);
		p = dollar + 1;
		if (!len)
			continue;
		buf_adds(ret, "Id$");
		p += len;
		any = true;
	}
	buf_add(ret, p, (size_t)(end - p));
	return any;
}

/* ---- line ends ---- */

static bool crlf_out(const struct gr_conv *c, const char *p, size_t n, struct buf *ret)
{
	struct stats s;

	if (c->eol != GR_EOL_TEXT_CRLF && c->eol != GR_EOL_AUTO_CRLF)
		return false;
	s = count(p, n);
	if (!s.lonelf || (is_auto(c) && (s.lonecr || s.crlf || binary(&s))))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && !(i && p[i - 1] == '\r'))
			buf_addc(ret, '\r');
		buf_addc(ret, p[i]);
	}
	return true;
}

static bool has_crlf(const struct buf *was)
{
	struct stats s = count(was->s, was->len);

	return s.crlf && !binary(&s);
}

static bool crlf_in(const struct gr_conv *c, const char *p, size_t n, const struct buf *was,
		    struct buf *ret)
{
	struct stats s;

	if (c->eol == GR_EOL_ASIS || !n)
		return false;
	s = count(p, n);
	if (!s.crlf || (is_auto(c) && (binary(&s) || (was && has_crlf(was)))))
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\r' || i + 1 == n || p[i + 1] != '\n')
			buf_addc(ret, p[i]);
	return true;
}

/* ---- charsets ---- */

static bool encode(const char *enc, const char *p, size_t n, struct buf *ret)
{
	bool le = utf_is(enc, "16LE-BOM"), be = utf_is(enc, "16BE-BOM");

	if (!n)
		return false;
	if (le || be)
		buf_add(ret, le ? "\xff\xfe" : "\xfe\xff", 2);
	return gr_charset("UTF-8", le ? "UTF-16LE" : be ? "UTF-16BE" : enc, p, n, ret);
}

static bool begins(const char *p, size_t n, const char *mark, size_t len)
{
	return n >= len && !memcmp(p, mark, len);
}

/* What Git refuses to add: a byte order mark where the name says the order, none where it does not. */
static bool wrong_mark(const char *enc, const char *p, size_t n)
{
	bool m16 = begins(p, n, "\xfe\xff", 2) || begins(p, n, "\xff\xfe", 2);
	bool m32 = begins(p, n, "\0\0\xfe\xff", 4) || begins(p, n, "\xff\xfe\0\0", 4);

	return ((utf_is(enc, "16BE") || utf_is(enc, "16LE")) && m16) ||
	       ((utf_is(enc, "32BE") || utf_is(enc, "32LE")) && m32) ||
	       (utf_is(enc, "16") && !m16) || (utf_is(enc, "32") && !m32);
}

static int decode(const char *enc, const char *p, size_t n, struct buf *ret, struct err *err)
{
	if (!n)
		return 0;
	if (wrong_mark(enc, p, n))
		return err_set(err, ERR_INPUT,
			       "the byte order mark is not as working-tree-encoding=%s "
			       "wants it",
			       enc);
	if (!gr_charset(utf_is(enc, "16LE-BOM") ? "UTF-16" : enc, "UTF-8", p, n, ret))
		return err_set(err, ERR_INPUT,
			       "it is not in %s, which its working-tree-encoding says", enc);
	return 1;
}

/* ---- all of them ---- */

/* A step has written to *to: that is what the next one reads. */
static void step(bool changed, struct buf *from, struct buf *to, const char **p, size_t *n)
{
	struct buf was = *from;

	if (!changed) {
		buf_truncate(to, 0);
		return;
	}
	*from = *to;
	*to = was;
	buf_reset(to);
	*p = from->s;
	*n = from->len;
}

static int finish(struct buf *from, struct buf *ret, bool any, struct err *err)
{
	if (from->failed || ret->failed)
		return err_set(err, ERR_LIMIT, "a file that conversion makes too large");
	if (any) {
		struct buf was = *ret;

		*ret = *from;
		*from = was;
	}
	return any;
}

int gr_conv_out(const struct gr_conv *c, const char *p, size_t n, struct buf *ret, struct err *err)
{
	cleanup(buf_release) struct buf at = BUF_INIT_MAX(16 * n + 4096);
	const char *start = p;

	ret->max = at.max;
	if (c->ident)
		step(ident_out(p, n, !c->encoding && !is_auto(c), ret), &at, ret, &p, &n);
	step(crlf_out(c, p, n, ret), &at, ret, &p, &n);
	if (c->encoding)
		step(encode(c->encoding, p, n, ret), &at, ret, &p, &n);
	return finish(&at, ret, p != start, err);
}

int gr_conv_in(const struct gr_conv *c, const char *p, size_t n, const struct buf *was,
	       struct buf *ret, struct err *err)
{
	cleanup(buf_release) struct buf at = BUF_INIT_MAX(16 * n + 4096);
	const char *start = p;
	int rc = 0;

	ret->max = at.max;
	if (c->encoding)
		rc = decode(c->encoding, p, n, ret, err);
	if (rc < 0)
		return -1;
	step(rc, &at, ret, &p, &n);
	step(crlf_in(c, p, n, was, ret), &at, ret, &p, &n);
	if (c->ident)
		step(ident_in(p, n, ret), &at, ret, &p, &n);
	return finish(&at, ret, p != start, err);
}
