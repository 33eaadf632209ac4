/* net_fail.c - what a failure on the wire means, and what of it may be shown. See net.h, "Errors" */
#include "base/text.h"
#include "git/net_coding.h"
#include "git/net_part.h"

#define TEXT_MAX 2000

/*
 * libgit2 has few codes of its own, so its texts are looked at too: those of 1.5, and what GitHub and Git
 * say on the other side. The first row that fits; a row is the class (-1: any) and a piece of the text.
 */
static const struct {
	int klass;
	const char *piece;
	enum err_code code;
} rows[] = {
	{-1, "epository not found", ERR_NOT_FOUND},
	{-1, "does not appear to be a git repository", ERR_NOT_FOUND},
	{-1, "not a git repository", ERR_NOT_FOUND},
	{-1, "does not exist", ERR_NOT_FOUND},
	{GIT_ERROR_HTTP, "http status code: 404", ERR_NOT_FOUND},
	{GIT_ERROR_HTTP, "http status code: 410", ERR_NOT_FOUND},
	{GIT_ERROR_HTTP, "http status code: 401", ERR_DENIED},
	{GIT_ERROR_HTTP, "http status code: 403", ERR_DENIED},
	{GIT_ERROR_HTTP, "http status code", ERR_UNAVAILABLE},
	{GIT_ERROR_HTTP, "authentication", ERR_DENIED},
	{GIT_ERROR_SSH, "ermission denied", ERR_DENIED},
	{GIT_ERROR_SSH, "ermission to ", ERR_DENIED},
	{GIT_ERROR_SSH, "read only", ERR_DENIED},
	{GIT_ERROR_SSH, "uthenticat", ERR_DENIED},
	{-1, "annot redirect", ERR_UNSAFE},
	{-1, "redirect", ERR_UNSAFE},
	{GIT_ERROR_HTTP, "content-type", ERR_CORRUPT},
	{GIT_ERROR_HTTP, "stream ended", ERR_UNAVAILABLE}, /* http-parser: within an answer */
	{GIT_ERROR_HTTP, "http parser error", ERR_CORRUPT},
	{GIT_ERROR_NET, "invalid", ERR_CORRUPT},
	{GIT_ERROR_NET, "Invalid", ERR_CORRUPT},
	{GIT_ERROR_NET, "error parsing", ERR_CORRUPT},
	{GIT_ERROR_NET, "bad packet length", ERR_CORRUPT},
	{GIT_ERROR_NET, "unexpected p", ERR_CORRUPT},
	{GIT_ERROR_NET, "protocol error", ERR_CORRUPT},
	{GIT_ERROR_NET, "incomplete pack", ERR_CORRUPT},
	{GIT_ERROR_NET, "", ERR_UNAVAILABLE},
	{GIT_ERROR_HTTP, "", ERR_UNAVAILABLE},
	{GIT_ERROR_SSH, "", ERR_UNAVAILABLE},
	{GIT_ERROR_SSL, "", ERR_UNAVAILABLE},
	{GIT_ERROR_INDEXER, "", ERR_CORRUPT},
	{GIT_ERROR_ZLIB, "", ERR_CORRUPT},
	{GIT_ERROR_ODB, "", ERR_CORRUPT},
	{GIT_ERROR_OBJECT, "", ERR_CORRUPT},
	{GIT_ERROR_SHA, "", ERR_CORRUPT},
};

static enum err_code code_of(int rc, int klass, const char *text)
{
	if (rc == GIT_EAUTH)
		return ERR_DENIED;
	if (rc == GIT_ECERTIFICATE)
		return ERR_UNSAFE;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((rows[i].klass < 0 || rows[i].klass == klass) && strstr(text, rows[i].piece))
			return rows[i].code;
	return rc == GIT_EEOF ? ERR_UNAVAILABLE : ERR_IO;
}

/* What another program wrote, on one line. */
static char *one_line(const char *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct text_cleaned what;

	text_clean(s, text_cut(s, strlen(s), TEXT_MAX), &b, &what);
	buf_rtrim(&b);
	for (size_t i = 0; i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	return xstrdup(b.s + strspn(b.s, " "));
}

int net_fail(struct net_call *c, int rc, struct err *err)
{
	const git_error *e = git_error_last();
	autofree char *text = one_line(e ? e->message : "no reason was given");

	if (c->why.code)
		return err_move(err, &c->why);
	return err_set(err, code_of(rc, e ? e->klass : 0, text), "%s: %s",
		       net_phase_name(atomic_load(&c->watch->phase)), text);
}

static void strike_out(char *text, size_t n, const char *what, size_t len)
{
	char *at = text;

	while (len && (at = memmem(at, n - (size_t)(at - text), what, len)))
		memset(at, '*', len);
}

/* The header has base64 of "x-access-token:TOKEN"; without its padding it is found in every form. */
void net_redact(const struct net_auth *a, char *text, size_t n)
{
	autofree char *plain = a->token ? xasprintf("x-access-token:%s", a->token) : NULL;
	autofree char *coded = plain ? net_base64(plain, strlen(plain)) : NULL;

	if (!plain)
		return;
	strike_out(text, n, coded, strlen(coded));
	strike_out(text, n, a->token, strlen(a->token));
}
