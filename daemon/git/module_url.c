/* module_url.c - see module_url.h */
#include "git/module_url.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 2000

void gr_module_url_release(struct gr_module_url *u)
{
	free(u->text);
	*u = (struct gr_module_url){0};
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* ---- what is never taken ---- */

/* Each component of "/a/b" is a plain name. */
static bool plain_path(const char *path)
{
	if (*path != '/' || !path[1])
		return false;
	while (*path) {
		size_t n = strcspn(path + 1, "/");
		const char *name = path + 1;

		if (!n || (n == 1 && *name == '.') || (n == 2 && !strncmp(name, "..", 2)) ||
		    *name == '-')
			return false;
		path += 1 + n;
	}
	return true;
}

static const char *odd_character(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr("%?#\\\"'`$;|&<>*", *s))
			return s;
	return NULL;
}

static bool is_host(const char *s, size_t n)
{
	return n && *s != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") >=
		       n;
}

/* "host/path" behind a scheme, perhaps with "user@". */
static bool plain_rest(const char *rest, bool user)
{
	size_t n = strcspn(rest, "/");
	const char *at = memchr(rest, '@', n);

	if (at && (!user || at == rest || *rest == '-'))
		return false;
	return at ? is_host(at + 1, n - (size_t)(at + 1 - rest)) && plain_path(rest + n)
		  : is_host(rest, n) && plain_path(rest + n);
}

static bool is_loopback(const char *rest)
{
	size_t n = strcspn(rest, "/:");

	return (n == 9 && !strncmp(rest, "127.0.0.1", n)) ||
	       (n == 9 && !strncmp(rest, "localhost", n));
}

static bool is_known(const char *s)
{
	if (*s == '/')
		return plain_path(s);
	if (begins(s, "https://"))
		return plain_rest(s + 8, false);
	if (begins(s, "http://"))
		return is_loopback(s + 7) && plain_rest(s + 7, false);
	return begins(s, "ssh://") && plain_rest(s + 6, true);
}

static int unsafe(const char *said, struct err *err)
{
	return err_set(err, ERR_UNSAFE,
		       "its address in .gitmodules is '%.200s'; expected https://HOST/PATH, "
		       "git@HOST:PATH, ../NAME.git or, on this machine, an absolute path, in plain "
		       "names",
		       said);
}

/* ---- what it means ---- */

static void chomp(char *s)
{
	for (size_t n = strlen(s); n > 1 && s[n - 1] == '/'; n--)
		s[n - 1] = 0;
}

/* git's relative_url(): "../" takes a component off the own address. NULL: there is none left. */
static char *relative(const char *own, const char *said)
{
	autofree char *at = xstrdup(own);

	chomp(at);
	for (;;) {
		if (begins(said, "./")) {
			said += 2;
		} else if (begins(said, "../")) {
			char *slash = strrchr(at, '/');

			if (!slash || slash == at || slash[-1] == '/')
				return NULL;
			*slash = 0;
			said += 3;
		} else {
			return xasprintf("%s/%s", at, said);
		}
	}
}

/* git@host:path as ssh://git@host/path; others as they are. */
static char *spelled_out(const char *s)
{
	const char *colon = strchr(s, ':'), *slash = strchr(s, '/');

	if (begins(s, "file:///"))
		return xstrdup(s + 7);
	if (*s == '/' || strstr(s, "://") || !colon || (slash && slash < colon) || colon[1] == ':')
		return xstrdup(s);
	return xasprintf("ssh://%.*s/%s", (int)(colon - s), s, colon + 1 + (colon[1] == '/'));
}

/* Over ssh there is nothing that everybody may read. */
static bool is_open(const struct gr_module_rules *r)
{
	return r->forge && !begins(r->forge, "ssh://");
}

/* An address of the forge's host over ssh is the same as over https, to which the credential belongs. */
static char *by_https(const struct gr_module_rules *r, const char *s)
{
	const char *rest = begins(s, "ssh://") ? s + 6 : NULL;
	const char *at = rest ? strchr(rest, '@') : NULL, *name = at ? at + 1 : rest;
	const char *host = is_open(r) ? strstr(r->forge, "://") + 3 : NULL;

	if (name && host && !strncasecmp(name, host, strlen(host)))
		return xasprintf("%s%s", r->forge, name + strlen(host));
	return xstrdup(s);
}

/* ---- is it allowed? ---- */

/* Without ".git" and '/' at the end, which forges take for the same. */
static size_t bare_len(const char *s)
{
	size_t n = strlen(s);

	while (n > 1 && s[n - 1] == '/')
		n--;
	return n > 4 && !strncmp(s + n - 4, ".git", 4) ? n - 4 : n;
}

static bool matches(const char *rule, const char *url)
{
	size_t n = strlen(rule), a = bare_len(rule), b = bare_len(url);

	if (n && rule[n - 1] == '/')
		return begins(url, rule) && url[n];
	return a == b && !strncmp(rule, url, a);
}

/* Of this machine: the place, whatever links lead there. */
static bool matches_path(const char *rule, const char *path)
{
	autofree char *real = realpath(path, NULL), *place = realpath(rule, NULL), *below = NULL;

	if (!real || !place)
		return false;
	if (rule[strlen(rule) - 1] != '/')
		return !strcmp(real, place);
	below = xasprintf("%s/", place);
	return begins(real, below);
}

static bool is_allowed(const struct gr_module_rules *r, const char *url)
{
	for (size_t i = 0; i < r->allowed.n; i++) {
		const char *rule = r->allowed.v[i];

		if (*url == '/' ? *rule == '/' && matches_path(rule, url) : matches(rule, url))
			return true;
	}
	return false;
}

static int denied(const char *url, struct err *err)
{
	return err_set(
		err, ERR_DENIED,
		"its address %s is not one that this repository may have here. If its "
		"content may be shown to everybody who sees this repository's pull requests, "
		"list it in the daemon's own file (`submodules: { REPOSITORY: [\"%s\"] }`)",
		url, url);
}

int gr_module_url(const struct gr_module_rules *r, const char *said, struct gr_module_url *ret,
		  struct err *err)
{
	bool is_relative = begins(said, "./") || begins(said, "../");
	autofree char *whole = NULL, *plain = NULL, *url = NULL;
	bool allowed, own;

	if (!*said || *said == '-' || strlen(said) > URL_MAX || odd_character(said))
		return unsafe(said, err);
	whole = is_relative ? relative(r->own, said) : xstrdup(said);
	if (!whole)
		return unsafe(said, err);
	plain = spelled_out(whole);
	chomp(plain);
	if (!is_known(plain))
		return unsafe(said, err);
	url = by_https(r, plain);
	/* A path means something on the machine of whoever wrote it; only beside a local repository that is this one. */
	if (*url == '/' && *r->own != '/')
		return unsafe(said, err);
	allowed = is_allowed(r, url);
	own = r->forge && begins(url, r->forge);
	if (!allowed && !(own && is_open(r)))
		return denied(url, err);
	ret->local = *url == '/';
	ret->credential = allowed && own;
	ret->text = steal(&url);
	return 0;
}

int gr_module_rule_check(const char *s, struct err *err)
{
	autofree char *plain = xstrdup(s);

	chomp(plain);
	if (strlen(s) <= URL_MAX && !odd_character(s) && is_known(plain))
		return 0;
	return err_set(err, ERR_INPUT,
		       "an address such as https://HOST/OWNER/NAME, or with '/' at the end for all "
		       "below it; ssh://git@HOST/PATH; an absolute path of this machine");
}
