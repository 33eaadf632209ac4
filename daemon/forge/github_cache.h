/*
 * github_cache.h - what is remembered of conditional requests: the ETag of each URL, which token got it, and where its
 * next page is. Bounded in number and bytes; the longest unused goes first.
 *
 * GitHub's ETags belong to a token (its support says so in eclipse-csi/otterdog#201; github/docs#34689): asked for with
 * another one, what has not changed comes as a whole. Where a server gives both the same ETag, "unchanged" could be
 * another view than the one that was read. So one is only sent with the token that it came with.
 */
#ifndef YM_FORGE_GITHUB_CACHE_H
#define YM_FORGE_GITHUB_CACHE_H

#include <stddef.h>
#include <stdint.h>

#define GH_CACHE_ENTRIES 4096
#define GH_CACHE_BYTES   ((size_t)2 << 20)

struct gh_cache;

struct gh_cache_entry {
	const char *etag;
	uint64_t token;   /* its number (github_part.h) */
	const char *next; /* absolute URL, or NULL: the last page */
};

struct gh_cache *gh_cache_new(void);
void gh_cache_free(struct gh_cache *c);

/* NULL when there is none; what is found is valid until the next call, and counts as used. */
const struct gh_cache_entry *gh_cache_get(struct gh_cache *c, const char *key);
/* etag NULL takes the entry out. One that is too large by itself is not kept. */
void gh_cache_put(struct gh_cache *c, const char *key, uint64_t token, const char *etag,
		  const char *next);

#endif
