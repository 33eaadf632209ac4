/* github_cache.c - see github_cache.h */
#include "forge/github_cache.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define BUCKETS 1024 /* a power of two */

/* In a ring by use, the head of which is `ring`: next is the latest used. */
struct entry {
	struct entry *next, *prev;
	struct entry *chain; /* of its bucket */
	uint64_t hash;
	size_t bytes;
	char *key, *etag, *url;
	struct gh_cache_entry shown;
};

struct gh_cache {
	struct entry ring;
	struct entry *buckets[BUCKETS];
	size_t n, bytes;
};

struct gh_cache *gh_cache_new(void)
{
	struct gh_cache *c = xcalloc(1, sizeof(*c));

	c->ring.next = c->ring.prev = &c->ring;
	return c;
}

static uint64_t hash_of(const char *s)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h;
}

static struct entry **find(struct gh_cache *c, const char *key)
{
	uint64_t hash = hash_of(key);
	struct entry **at = &c->buckets[hash % BUCKETS];

	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key)))
		at = &(*at)->chain;
	return at;
}

static void ring_out(struct entry *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
}

static void ring_in(struct gh_cache *c, struct entry *e)
{
	e->next = c->ring.next;
	e->prev = &c->ring;
	e->next->prev = e;
	c->ring.next = e;
}

static void entry_free(struct entry *e)
{
	free(e->key);
	free(e->etag);
	free(e->url);
	free(e);
}

static void drop(struct gh_cache *c, struct entry **at)
{
	struct entry *e = *at;

	*at = e->chain; // NOLINT(clang-analyzer-core.NullDereference): what is in the ring is in a chain
	ring_out(e);
	c->n--;
	c->bytes -= e->bytes;
	entry_free(e);
}

void gh_cache_free(struct gh_cache *c)
{
	if (!c)
		return;
	for (struct entry *e = c->ring.next, *next; e != &c->ring; e = next) {
		next = e->next;
		entry_free(e);
	}
	free(c);
}

const struct gh_cache_entry *gh_cache_get(struct gh_cache *c, const char *key)
{
	struct entry *e = *find(c, key);

	if (!e)
		return NULL;
	ring_out(e);
	ring_in(c, e);
	return &e->shown;
}

/* It goes into a header again: visible ASCII and nothing else. */
static bool is_etag(const char *s)
{
	for (; *s > ' ' && *s <= '~'; s++)
		;
	return !*s;
}

void gh_cache_put(struct gh_cache *c, const char *key, uint64_t token, const char *etag,
		  const char *next)
{
	struct entry **at = find(c, key), *e;
	size_t bytes = sizeof(*e) + strlen(key) + (etag ? strlen(etag) : 0) + 3;

	bytes += next ? strlen(next) : 0;
	if (*at)
		drop(c, at);
	if (!etag || !*etag || !is_etag(etag) || bytes > GH_CACHE_BYTES / 64)
		return;
	while (c->n >= GH_CACHE_ENTRIES || c->bytes + bytes > GH_CACHE_BYTES)
		drop(c, find(c, c->ring.prev->key));
	at = find(c, key);
	e = xcalloc(1, sizeof(*e));
	*e = (struct entry){.hash = hash_of(key), .bytes = bytes};
	e->key = xstrdup(key);
	e->etag = xstrdup(etag);
	e->url = xstrdup(next);
	e->shown = (struct gh_cache_entry){e->etag, token, e->url};
	e->chain = *at;
	*at = e;
	ring_in(c, e);
	c->n++;
	c->bytes += bytes;
}
