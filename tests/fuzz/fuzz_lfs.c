/*
 * fuzz_lfs.c - the answer of Git LFS' batch API.
 *
 * Whatever comes, each object that was asked for has an address that may be fetched from, or a reason; no header has a line end.
 */
#include "git/net_lfs.h"

#include "base/mem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void action(const struct net_lfs_action *a)
{
	must(!a->href != !a->text);
	must(!a->href || net_lfs_href_ok(a->href));
	must(a->headers.n <= NET_LFS_HEADERS);
	for (size_t i = 0; i < a->headers.n; i++)
		must(!strpbrk(a->headers.v[i], "\r\n") && strstr(a->headers.v[i], ": "));
	must(!a->text || !strpbrk(a->text, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(net_lfs_answer_release) struct net_lfs_answer a = {0};
	struct gr_lfs asked[] = {{.size = 12}, {.size = 1}};

	memset(asked[0].oid, 'a', GR_LFS_OID_HEX);
	memset(asked[1].oid, 'b', GR_LFS_OID_HEX);
	if (net_lfs_decode((const char *)data, size, asked, 2, &a, NULL) < 0)
		return 0;
	must(a.n == 2);
	for (size_t i = 0; i < a.n; i++)
		action(&a.v[i]);
	return 0;
}
