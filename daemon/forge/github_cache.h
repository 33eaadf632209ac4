/*
 * github_cache.h - what is remembered of conditional requests: the ETag of each URL and where its next
 * page is. Bounded in number and bytes; the longest unused goes first.
 */
#ifndef YM_FORGE_GITHUB_CACHE_H
#define YM_FORGE_GITHUB_CACHE_H

#include "base/json.h"

#include <stddef.h>

#define GH_CACHE_ENTRIES 4096
#define GH_CACHE_BYTES   ((size_t)2 << 20)

struct gh_cache;

struct gh_cache_entry {
	const char *etag;
	const char *next; /* absolute URL, or NULL: the last page */
};

struct gh_cache *gh_cache_new(void);
void gh_cache_free(struct gh_cache *c);

/* NULL when there is none; what is found is valid until the next call, and counts as used. */
const struct gh_cache_entry *gh_cache_get(struct gh_cache *c, const char *key);
/* etag NULL takes the entry out. One that is too large by itself is not kept. */
void gh_cache_put(struct gh_cache *c, const char *key, const char *etag, const char *next);

/* [[key, etag, next], …], the longest unused first. */
json_t *gh_cache_to_json(const struct gh_cache *c);
void gh_cache_from_json(struct gh_cache *c, const json_t *j); /* adds; leaves out what is wrong */

#endif
