/* net_lfs_decode.c - the answer of Git LFS' batch API: see net_lfs.h */
#include "base/text.h"
#include "git/net_lfs.h"
#include "git/net_part.h"

#define TEXT_MAX 500

void net_lfs_answer_release(struct net_lfs_answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		strvec_release(&a->v[i].headers);
		free(a->v[i].text);
	}
	free(a->v);
	json_decref(a->body);
	*a = (struct net_lfs_answer){0};
}

bool net_lfs_href_ok(const char *href)
{
	cleanup(net_url_release) struct net_url u = {0};
	const char *host = strstr(href, "://");
	autofree char *plain = NULL;

	if (!host || strlen(href) > NET_LFS_HREF)
		return false;
	for (const char *p = href; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '\\')
			return false;
	host += 3;
	/* The rules of an address, for the part that says who answers. */
	plain = xasprintf("%.*s/x", (int)(host + strcspn(host, "/?#") - href), href);
	return net_decode_url(plain, &u, NULL) == 0 && !u.ssh;
}

/* One line, without what a terminal or a comment would take for something else. */
static char *clean(const char *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct text_cleaned what;

	text_clean(s, text_cut(s, strlen(s), TEXT_MAX), &b, &what);
	for (size_t i = 0; i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	return b.s ? buf_steal(&b) : xstrdup("");
}

static bool is_token(const char *s)
{
	static const char all[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return *s && strlen(s) <= 100 && strspn(s, all) == strlen(s);
}

/* A header that says how long the request is, or what of it is meant for whom, is ours to say. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {"Host",       "Content-Length", "Transfer-Encoding",
					   "Connection", "Range",          "Expect",
					   "Cookie",     "Upgrade"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (!strcasecmp(name, ours[i]))
			return true;
	return false;
}

static bool add_headers(const json_t *o, struct strvec *ret)
{
	const char *name;
	json_t *value;

	if (o && !json_is_null(o) && !json_is_object(o))
		return false;
	if (json_object_size(o) > NET_LFS_HEADERS)
		return false;
	json_object_foreach ((json_t *)o, name, value) {
		const char *s = json_is_string(value) ? json_string_value(value) : NULL;

		if (!s || !is_token(name) || is_ours(name) || strlen(s) > NET_LFS_HEADER_LEN)
			return false;
		for (const char *p = s; *p; p++)
			if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
				return false;
		strvec_pushf(ret, "%s: %s", name, s);
	}
	return true;
}

static void set_error(struct net_lfs_action *a, int code, const char *text)
{
	free(a->text);
	strvec_release(&a->headers);
	a->href = NULL;
	a->code = code;
	a->text = clean(text);
}

static void take_action(const json_t *o, const struct gr_lfs *asked, struct net_lfs_action *ret)
{
	const json_t *e = json_object_get(o, "error");
	const json_t *d = json_object_get(json_object_get(o, "actions"), "download");
	const char *href = json_str(d, "href", NULL);

	if (json_is_object(e)) {
		int64_t code = json_int(e, "code", 0);

		set_error(ret, code > 0 && code < 1000 ? (int)code : 0,
			  json_str(e, "message", "no reason was given"));
	} else if (json_int(o, "size", asked->size) != asked->size) {
		set_error(ret, 0, "the server has an object of another size");
	} else if (!href || !net_lfs_href_ok(href)) {
		set_error(ret, 0,
			  href ? "its address is not one that is fetched from"
			       : "there is no address for it");
	} else if (!add_headers(json_object_get(d, "header"), &ret->headers)) {
		set_error(ret, 0, "the headers for its address are not usable");
	} else {
		free(ret->text);
		ret->text = NULL;
		ret->href = href;
	}
}

static int not_usable(const char *what, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "the answer is none of Git LFS' batch API: %s", what);
}

static size_t index_of(const struct gr_lfs *asked, size_t n, const char *oid)
{
	size_t i = 0;

	while (i < n && strcmp(asked[i].oid, oid) != 0)
		i++;
	return i;
}

int net_lfs_decode(const char *s, size_t len, const struct gr_lfs *asked, size_t n,
		   struct net_lfs_answer *ret, struct err *err)
{
	cleanup(net_lfs_answer_release) struct net_lfs_answer a = {0};
	json_t *list, *o;
	size_t i;

	if (json_parse(s, len, NET_LFS_ANSWER, &a.body, NULL) < 0)
		return not_usable("no JSON", err);
	list = json_object_get(a.body, "objects");
	if (!json_is_array(list) || json_array_size(list) > 10 * NET_LFS_BATCH)
		return not_usable("no list of objects", err);
	if (strcmp(json_str(a.body, "transfer", "basic"), "basic") != 0 ||
	    strcmp(json_str(a.body, "hash_algo", "sha256"), "sha256") != 0)
		return not_usable("another way of transfer than basic, or of hashing than sha256",
				  err);
	a.v = xcalloc(n ? n : 1, sizeof(*a.v));
	a.n = n;
	for (i = 0; i < n; i++)
		set_error(&a.v[i], 0, "the answer does not have it");
	json_array_foreach (list, i, o) {
		size_t at = index_of(asked, n, json_str(o, "oid", ""));

		if (at < n && !a.v[at].href)
			take_action(o, &asked[at], &a.v[at]);
	}
	*ret = a;
	a = (struct net_lfs_answer){0};
	return 0;
}
