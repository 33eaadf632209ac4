/* http_url.c - the addresses of http.h */
#include "base/mem.h"
#include "sys/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <strings.h>

#define URL_MAX 8192

static void cleanup_url(CURLU **u)
{
	curl_url_cleanup(*u);
}
#define autourl __attribute__((__cleanup__(cleanup_url), __unused__))

/* One part as a string of our own; NULL when it has none. */
static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *s = NULL, *copy;

	if (curl_url_get(u, what, &s, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(s);
	curl_free(s);
	return copy;
}

/* Only http and https; what else there is in the URL is looked at by the caller. */
static CURLU *parse(const char *url)
{
	autourl CURLU *u = strlen(url) > URL_MAX ? NULL : curl_url();
	autofree char *scheme = NULL;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		return NULL;
	scheme = part(u, CURLUPART_SCHEME, 0);
	if (!scheme || (strcasecmp(scheme, "https") && strcasecmp(scheme, "http")))
		return NULL;
	return steal(&u);
}

static bool has(CURLU *u, CURLUPart what)
{
	autofree char *s = part(u, what, 0);

	return s != NULL;
}

static bool is_loopback(const char *host)
{
	struct in_addr four;

	if (!strcasecmp(host, "localhost") || !strcmp(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

int http_url_base(const char *url, char **ret, struct err *err)
{
	autourl CURLU *u = parse(url);
	autofree char *host = u ? part(u, CURLUPART_HOST, 0) : NULL;
	autofree char *whole = host ? part(u, CURLUPART_URL, 0) : NULL;

	if (!whole || has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD) ||
	    has(u, CURLUPART_QUERY) || has(u, CURLUPART_FRAGMENT))
		return err_set(err, ERR_INPUT,
			       "address '%.200s': expected https://HOST or https://HOST/PATH, "
			       "without user, query and fragment",
			       url);
	if (!http_url_is_https(url) && !is_loopback(host))
		return err_set(err, ERR_INPUT,
			       "address '%.200s': expected https; http is for 127.0.0.1, ::1 and "
			       "localhost only",
			       url);
	for (size_t n = strlen(whole); n && whole[n - 1] == '/'; n--)
		whole[n - 1] = '\0';
	*ret = steal(&whole);
	return 0;
}

char *http_url_join(const char *base, const char *ref)
{
	autourl CURLU *u = parse(base);
	autofree char *whole = NULL;
	autourl CURLU *again = NULL;

	if (!u || strlen(ref) > URL_MAX || curl_url_set(u, CURLUPART_URL, ref, 0) != CURLUE_OK)
		return NULL;
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	whole = part(u, CURLUPART_URL, 0);
	again = whole ? parse(whole) : NULL;
	return again ? steal(&whole) : NULL;
}

static bool same(CURLU *a, CURLU *b, CURLUPart what, unsigned flags)
{
	autofree char *x = part(a, what, flags);
	autofree char *y = part(b, what, flags);

	return x && y && !strcasecmp(x, y);
}

bool http_url_same_origin(const char *a, const char *b)
{
	autourl CURLU *x = parse(a);
	autourl CURLU *y = parse(b);

	return x && y && !has(x, CURLUPART_USER) && !has(y, CURLUPART_USER) &&
	       same(x, y, CURLUPART_SCHEME, 0) && same(x, y, CURLUPART_HOST, 0) &&
	       same(x, y, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

bool http_url_is_https(const char *url)
{
	return !strncasecmp(url, "https://", 8);
}

char *http_url_path(const char *url)
{
	autourl CURLU *u = parse(url);
	autofree char *path = u ? part(u, CURLUPART_PATH, 0) : NULL;
	autofree char *query = u ? part(u, CURLUPART_QUERY, 0) : NULL;

	if (!path)
		return NULL;
	return query ? xasprintf("%s?%s", path, query) : steal(&path);
}
