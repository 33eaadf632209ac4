/*
 * net_lfs.h - objects of Git LFS over the wire: the operation "lfs" of the net role (net.h), and the decoder of the answer.
 *
 * The batch API of git-lfs (docs/api/batch.md, basic-transfers.md, server-discovery.md of git-lfs/git-lfs): a POST to
 * ADDRESS.git/info/lfs/objects/batch, at most NET_LFS_BATCH objects each (git-lfs' own: tq/transfer_queue.go), answers for each
 * object with an address, and headers for it, or with an error; then a GET for each.
 *
 * What servers do, by traces that people put into issues:
 *   github.com   an address on another host, signed, good for an hour, no headers (git-lfs/git-lfs#904, #5061); a credential
 *                beside the signature is refused there with 400 (S3: one of the two)
 *   Enterprise   one below the same host, with a header Authorization of its own (actions/checkout#1043)
 *   over quota   the batch is refused: "This repository is over its data quota. …", since 2025 "… exceeded its LFS budget. The
 *                account responsible for the budget should increase it …" (onekey-sec/unblob#1183)
 * So our token goes to the batch address alone and never on to another one; the answer's headers go to the answer's address
 * and not where that redirects to, unless it is the same place. A redirect of the batch is refused. An address is https, or http on a
 * loopback address. `.lfsconfig`, with which a repository names another server, is not read: whoever opens a pull request
 * could name one. An address may be of any host, as the forge says; what comes from it is of use only when it has the
 * SHA-256 that the repository names.
 *
 * Outcome of an object in words, for people: code and text of the server, cleaned. 401, 403 or 410 of a download is an address
 * that ran out; it is asked for anew, once. 429 and 5xx: ERR_UNAVAILABLE, with what Retry-After says in the text.
 */
#ifndef YM_GIT_NET_LFS_H
#define YM_GIT_NET_LFS_H

#include "git/lfs.h"

#define NET_LFS_BATCH      100
#define NET_LFS_OBJECTS    10000 /* of one request */
#define NET_LFS_ANSWER     ((size_t)4 << 20)
#define NET_LFS_HREF       8192
#define NET_LFS_HEADERS    20 /* for one address */
#define NET_LFS_HEADER_LEN 8192
#define NET_LFS_REDIRECTS  5

struct net_lfs_action {
	const char *href;      /* NULL: `code` and `text` say why not */
	struct strvec headers; /* "Name: value" */
	int code;              /* the server's; 0: none */
	char *text;
};

struct net_lfs_answer {
	json_t *body;             /* holds the addresses */
	struct net_lfs_action *v; /* one for each object that was asked for, in that order */
	size_t n;
};
void net_lfs_answer_release(struct net_lfs_answer *a);

/* Pure. -1: it is no such answer, ERR_CORRUPT. An object that it does not have is one with an error. */
int net_lfs_decode(const char *s, size_t len, const struct gr_lfs *asked, size_t n,
		   struct net_lfs_answer *ret, struct err *err);
/* May bytes be had from there? */
bool net_lfs_href_ok(const char *href);

#endif
