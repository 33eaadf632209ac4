/*
 * fuzz_net.c - an address, a host and a known-hosts file: "ADDRESS\nHOST PORT\nFILE".
 *
 * An address that is taken reads as itself again, shows no password and, without encryption, stays on
 * this machine. The line that is preferred for a host names a key that the file vouches for.
 */
#include "git/net_coding.h"
#include "git/net_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void address(const char *s)
{
	cleanup(net_url_release) struct net_url u = {0}, again = {0};
	const char *at;

	if (net_decode_url(s, &u, NULL) < 0)
		return;
	must(net_decode_url(u.text, &again, NULL) == 0 && !strcmp(u.text, again.text));
	must(!strcmp(u.host, again.host) && !strcmp(u.port, again.port));
	must(u.ssh || u.tls || u.loopback);
	at = strstr(u.text, "://") + 3;
	must(!memchr(at, '@', strcspn(at, "/")) || (u.ssh && u.user && !strchr(u.user, ':')));
}

static void known(const char *host, const char *port, const char *file, size_t n)
{
	cleanup(strvec_release) struct strvec types = STRVEC_INIT;
	autofree char *line = net_hosts_preferred(file, n, host, port);
	unsigned char key[8192];
	const char *text;
	int len;

	net_hosts_check(file, n, host, port, "", 0, &types);
	if (!line)
		return;
	text = strrchr(line, ' ') + 1;
	len = net_unbase64(text, strlen(text) - 1, key, sizeof(key));
	must(len >= 0);
	strvec_release(&types);
	switch (net_hosts_check(file, n, host, port, key, (size_t)len, &types)) {
	case NET_HOST_KNOWN:
	case NET_HOST_REVOKED:
		return;
	default:
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *all = xstrndup((const char *)data, size);
	size_t n = strlen(all);
	char *host = memchr(all, '\n', n), *file, *port;

	if (host)
		*host++ = '\0';
	address(all);
	file = host ? strchr(host, '\n') : NULL;
	if (!file)
		return 0;
	*file++ = '\0';
	port = strchr(host, ' ');
	if (port)
		*port++ = '\0';
	known(host, port ? port : "22", file, n - (size_t)(file - all));
	return 0;
}
