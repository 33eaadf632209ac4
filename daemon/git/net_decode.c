/* net_decode.c - reading a request of the net role: address, credential, limits. See net.h */
#include "git/net_part.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define URL_MAX   2000
#define TOKEN_MAX 16384

int net_decode_limits(const json_t *req, struct net_limits *ret, struct err *err)
{
	struct net_limits l = {60, 3600, INT64_C(8) << 30, 20000000, 200000};
	const struct {
		const char *key;
		int64_t *at, max;
	} rows[] = {
		{"idle_seconds", &l.idle_seconds, 3600},
		{"max_seconds", &l.max_seconds, 86400},
		{"max_bytes", &l.max_bytes, INT64_C(1) << 50},
		{"max_objects", &l.max_objects, INT64_C(1) << 32},
		{"max_refs", &l.max_refs, 1000000},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (json_opt_int(req, rows[i].key, rows[i].at, err) < 0)
			return -1;
		if (*rows[i].at < 1 || *rows[i].at > rows[i].max)
			return err_set(err, ERR_INPUT, "key '%s': found %lld, expected 1..%lld",
				       rows[i].key, (long long)*rows[i].at, (long long)rows[i].max);
	}
	*ret = l;
	return 0;
}

void net_url_release(struct net_url *u)
{
	free(u->user);
	free(u->host);
	free(u->port);
	free(u->text);
	*u = (struct net_url){0};
}

/* What the shell on the other side of ssh, HTTP and people take literally. */
static bool plain(const char *s)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._~/%+-@:,=[]";

	return s[strspn(s, allowed)] == '\0';
}

static bool is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (!strcmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int bad_host(struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "address: no usable host name; expected https://host[:port]/path or "
		       "ssh://[user@]host[:port]/path");
}

/* host, host:port, [v6], [v6]:port */
static int decode_host(const char *s, size_t n, const char *port, struct net_url *u,
		       struct err *err)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	autofree char *all = xstrndup(s, n);
	bool six = all[0] == '[';
	char *host = all + six, *end = host + strcspn(host, six ? "]" : ":"), *rest = end;
	struct in6_addr addr;
	long number;

	if (six && *end != ']')
		return bad_host(err);
	rest += six;
	if (*rest && *rest != ':')
		return bad_host(err);
	port = *rest ? rest + 1 : port;
	number = strtol(port, NULL, 10);
	if (strspn(port, "0123456789") != strlen(port) || number < 1 || number > 65535)
		return err_set(err, ERR_INPUT, "address: the port is no number 1..65535");
	*end = '\0';
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (six ? inet_pton(AF_INET6, host, &addr) != 1
		: !*host || *host == '-' || *host == '.' || host[strspn(host, name)] ||
			    strlen(host) > 253)
		return bad_host(err);
	u->host = xstrdup(host);
	u->port = xasprintf("%ld", number);
	return 0;
}

static int decode_user(const char *s, size_t n, bool ssh, struct net_url *u, struct err *err)
{
	if (!ssh || memchr(s, ':', n))
		return err_set(err, ERR_INPUT,
			       "address: a user or password in it; credentials come apart from "
			       "the address, so that it can be shown");
	u->user = xstrndup(s, n);
	if (!n || n > 64 || *u->user == '-' || strpbrk(u->user, "@/%[],=+~"))
		return err_set(err, ERR_INPUT, "address: the user before '@' is not usable");
	return 0;
}

static int decode_authority(const char *s, size_t n, const char *port, struct net_url *u,
			    struct err *err)
{
	const char *at = memrchr(s, '@', n);

	if (at && decode_user(s, (size_t)(at - s), u->ssh, u, err) < 0)
		return -1;
	if (at) {
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	return decode_host(s, n, port, u, err);
}

int net_decode_url(const char *s, struct net_url *ret, struct err *err)
{
	static const struct {
		const char *scheme, *port;
		bool ssh, tls;
	} schemes[] = {{"https://", "443", false, true},
		       {"http://", "80", false, false},
		       {"ssh://", "22", true, false}};
	cleanup(net_url_release) struct net_url u = {0};
	size_t i = 0, n;
	const char *at;

	while (i < ARRAY_LEN(schemes) &&
	       strncasecmp(s, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
		i++;
	if (i == ARRAY_LEN(schemes))
		return err_set(err, ERR_INPUT,
			       "address: expected https://, ssh://, or http:// on this machine; "
			       "local paths and other schemes are not fetched from");
	if (strlen(s) > URL_MAX || !plain(s))
		return err_set(err, ERR_INPUT,
			       "address: longer than %d bytes, or with a character that has no "
			       "place in one",
			       URL_MAX);
	u.ssh = schemes[i].ssh;
	u.tls = schemes[i].tls;
	at = s + strlen(schemes[i].scheme);
	n = strcspn(at, "/");
	if (decode_authority(at, n, schemes[i].port, &u, err) < 0)
		return -1;
	if (strlen(at + n) < 2)
		return err_set(err, ERR_INPUT, "address: no path of a repository behind the host");
	u.loopback = is_loopback(u.host);
	if (!u.ssh && !u.tls && !u.loopback)
		return err_set(err, ERR_INPUT,
			       "address: http:// to %s is not encrypted; expected https:// "
			       "(http:// is for this machine only)",
			       u.host);
	u.text = xasprintf("%s%s%s%s%s%s%s%s%s", schemes[i].scheme, u.user ? u.user : "",
			   u.user ? "@" : "", strchr(u.host, ':') ? "[" : "", u.host,
			   strchr(u.host, ':') ? "]" : "",
			   strcmp(u.port, schemes[i].port) ? ":" : "",
			   strcmp(u.port, schemes[i].port) ? u.port : "", at + n);
	*ret = u;
	u = (struct net_url){0};
	return 0;
}

/* The private key is the owner's alone: what others can read is no secret. */
static int check_key(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "key file %s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(err, ERR_UNSAFE,
			       "key file %s: it has to be a file of our user that nobody else can "
			       "read; chmod 600 it",
			       path);
	return 0;
}

static int decode_token(const json_t *auth, struct net_call *c, struct err *err)
{
	const char *s;

	if (json_get_str(auth, "token", &s, err) < 0)
		return err_wrap(err, "auth");
	if (!*s || strlen(s) > TOKEN_MAX)
		return err_set(err, ERR_INPUT, "auth: the token is empty or longer than %d bytes",
			       TOKEN_MAX);
	for (const char *p = s; *p; p++)
		if (!isgraph((unsigned char)*p) || *p == '"' || *p == '\\')
			return err_set(err, ERR_INPUT,
				       "auth: the token has a character that no token has");
	if (c->url.ssh)
		return err_set(err, ERR_INPUT,
			       "auth: a token is for https, and the address is ssh://%s",
			       c->url.host);
	c->auth.token = s;
	return 0;
}

static int decode_key(const json_t *auth, struct net_call *c, struct err *err)
{
	struct net_auth *a = &c->auth;

	if (!c->url.ssh)
		return err_set(err, ERR_INPUT,
			       "auth: an SSH key is for ssh://, and the address is %s",
			       c->url.text);
	a->user = c->url.user ? c->url.user : "git";
	if (gr_get_path(auth, "ssh_key", &a->ssh_key, err) < 0 ||
	    gr_get_path(auth, "known_hosts", &a->known_hosts, err) < 0 ||
	    (json_is_string(json_object_get(auth, "ssh_pub")) &&
	     gr_get_path(auth, "ssh_pub", &a->ssh_pub, err) < 0) ||
	    json_opt_str(auth, "user", &a->user, err) < 0)
		return err_wrap(err, "auth");
	if (c->url.user && strcmp(c->url.user, a->user) != 0)
		return err_set(err, ERR_INPUT, "auth: the user is '%.64s', the address has '%s'",
			       a->user, c->url.user);
	return check_key(a->ssh_key, err);
}

static int decode_auth(struct net_call *c, struct err *err)
{
	const json_t *auth = json_object_get(c->req, "auth");

	if (!auth || json_is_null(auth))
		return c->url.ssh ? err_set(err, ERR_INPUT,
					    "auth: ssh needs a key and a known-hosts file, and "
					    "there are none for %s",
					    c->url.text)
				  : 0;
	if (!json_is_object(auth))
		return err_set(err, ERR_INPUT, "key 'auth': expected an object or null");
	return json_object_get(auth, "token") ? decode_token(auth, c, err)
					      : decode_key(auth, c, err);
}

static int decode_proxy(struct net_call *c, struct err *err)
{
	autofree char *with_path = NULL;
	const char *s = NULL;

	if (json_opt_str(c->req, "proxy", &s, err) < 0)
		return -1;
	if (!s)
		return 0;
	if (!c->url.tls || strncmp(s, "http://", 7) != 0)
		return err_set(err, ERR_INPUT,
			       "key 'proxy': expected http://host:port, for an https address");
	/* The rules of an address, without the one that plain HTTP stays on this machine: what goes
	 * through the proxy is encrypted. */
	with_path = xasprintf("https%s%s", s + 4, strchr(s + 7, '/') ? "x" : "/x");
	if (net_decode_url(with_path, &c->proxy, err) < 0)
		return err_wrap(err, "key 'proxy'");
	free(c->proxy.text);
	c->proxy.text = xasprintf("http://%s:%s", c->proxy.host, c->proxy.port);
	return 0;
}

int net_decode_call(struct net_call *c, struct err *err)
{
	const char *url;

	if (json_get_str(c->req, "url", &url, err) < 0 || net_decode_url(url, &c->url, err) < 0 ||
	    net_decode_limits(c->req, &c->limits, err) < 0 || decode_auth(c, err) < 0 ||
	    decode_proxy(c, err) < 0)
		return -1;
	return 0;
}
