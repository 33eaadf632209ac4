/* test_github_wire.c - headers, error bodies, paths, keys and what is remembered, each by itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "forge/github_auth.h"
#include "forge/github_cache.h"
#include "forge/github_client.h"
#include "forge/github_wire.h"

#include <string.h>

/* --- headers --- */

static const char *from_pairs(const void *from, const char *name)
{
	for (const char *const *p = from; p[0]; p += 2)
		if (!strcmp(p[0], name))
			return p[1];
	return NULL;
}

static void headers_become_numbers(void **state)
{
	static const char *const good[] = {"Date",
					   "Wed, 21 Oct 2015 07:28:00 GMT",
					   "Retry-After",
					   "120",
					   "X-RateLimit-Limit",
					   "5000",
					   "X-RateLimit-Remaining",
					   "0 ",
					   "X-RateLimit-Reset",
					   "1445412600",
					   NULL};
	static const char *const dated[] = {"Date", "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After",
					    "Wed, 21 Oct 2015 07:29:30 GMT", NULL};
	static const char *const past[] = {"Date", "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After",
					   "Wed, 21 Oct 2015 07:00:00 GMT", NULL};
	static const char *const bad[] = {"Date",
					  "yesterday",
					  "Retry-After",
					  "-5",
					  "X-RateLimit-Limit",
					  "1e9",
					  "X-RateLimit-Remaining",
					  "99999999999999999999999",
					  "X-RateLimit-Reset",
					  "",
					  NULL};
	static const char *const graphql[] = {"X-RateLimit-Resource", "graphql",
					      "X-RateLimit-Remaining", "0", NULL};
	static const char *const long_one[] = {"Retry-After", "999999", NULL};
	struct gh_seen s;

	(void)state;
	gh_seen_read(&s, 403, from_pairs, good);
	assert_int_equal(s.status, 403);
	assert_int_equal(s.date_s, 1445412480);
	assert_int_equal(s.retry_after_s, 120);
	assert_int_equal(s.limit, 5000);
	assert_int_equal(s.remaining, 0);
	assert_int_equal(s.reset_s, 1445412600);
	gh_seen_read(&s, 403, from_pairs, dated);
	assert_int_equal(s.retry_after_s, 90);
	gh_seen_read(&s, 403, from_pairs, past);
	assert_int_equal(s.retry_after_s, 0);
	gh_seen_read(&s, 403, from_pairs, bad);
	assert_int_equal(s.date_s, -1);
	assert_int_equal(s.retry_after_s, -1);
	assert_int_equal(s.limit, -1);
	assert_int_equal(s.remaining, -1);
	assert_int_equal(s.reset_s, -1);
	assert_false(s.other);
	gh_seen_read(&s, 200, from_pairs, graphql);
	assert_int_equal(s.remaining, 0);
	assert_true(s.other);
	gh_seen_read(&s, 403, from_pairs, long_one);
	assert_int_equal(s.retry_after_s, 86400);
}

static void links_are_read(void **state)
{
	static const struct {
		const char *link, *next;
	} cases[] = {
		{"<https://a/?page=2>; rel=\"next\", <https://a/?page=9>; rel=\"last\"",
		 "https://a/?page=2"},
		{"<https://a/?page=9>; rel=\"last\", <https://a/?page=2>; rel=\"next\"",
		 "https://a/?page=2"},
		{"<https://a/1>;rel=next", "https://a/1"},
		{"<https://a/1>; title=\"a, b; rel=next\"; rel=\"prev next\"", "https://a/1"},
		{"<https://a/1>; title=\"x\"; REL=\"NEXT\"", "https://a/1"},
		{"<https://a/1,2>; rel=next", "https://a/1,2"},
		{"<https://a/1>; rel=\"prev\"", NULL},
		{"<https://a/1>; rel=\"nextone\"", NULL},
		{"<https://a/1; rel=next", NULL},
		{"<>; rel=next", NULL},
		{"https://a/1; rel=next", NULL},
		{"<https://a/1>", NULL},
		{"", NULL},
		{"<<<>>>;;;,,,rel=rel==\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *next = gh_link_next(cases[i].link);

		if (!next != !cases[i].next || (next && strcmp(next, cases[i].next)))
			fail_msg("'%s': found %s, expected %s", cases[i].link, next ? next : "none",
				 cases[i].next ? cases[i].next : "none");
	}
}

static void error_bodies_are_read(void **state)
{
	static const struct {
		const char *body, *text;
		bool limit;
	} cases[] = {
		{"{\"message\":\"Not Found\"}", "Not Found", false},
		{"{\"message\":\"a\\nb\\u001b[1m\"}", "a b [1m", false},
		{"{\"message\":\"Validation Failed\",\"errors\":[{\"message\":\"No "
		 "commits\"},\"x\",{},{\"code\":"
		 "\"y\"}]}",
		 "Validation Failed: No commits; x", false},
		{"{\"message\":\"V\",\"errors\":[{\"resource\":\"Issue\",\"code\":\"missing\","
		 "\"field\":\"title\"}]}",
		 "V: Issue title is missing", false},
		{"{\"message\":\"V\",\"errors\":\"just text\"}", "V: just text", false},
		{"{\"message\":\"You have exceeded a secondary rate limit. Wait.\"}",
		 "You have exceeded a secondary rate limit. Wait.", true},
		{"{\"message\":\"API Rate Limit exceeded\"}", "API Rate Limit exceeded", true},
		{"{\"data\":null,\"errors\":[{\"type\":\"RATE_LIMITED\",\"message\":\"x\"}]}", NULL,
		 true},
		{"{\"errors\":[{\"type\":\"NOT_FOUND\",\"message\":\"x\"},{\"type\":\"RATE_LIMIT\"}"
		 "]}",
		 NULL, true},
		{"{\"errors\":[{\"code\":\"graphql_rate_limit\"}]}", NULL, true},
		{"{\"errors\":[{\"message\":\"You have exceeded a secondary rate limit.\"}]}", NULL,
		 true},
		{"{\"data\":{},\"errors\":[{\"type\":\"NOT_FOUND\",\"message\":\"x\"}]}", NULL,
		 false},
		{"{\"message\":12}", NULL, false},
		{"[1]", NULL, false},
		{"\"text\"", NULL, false},
	};
	autojson json_t *long_one = json_object();
	autofree char *text = NULL;
	char words[2000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *body = json_loads(cases[i].body, JSON_DECODE_ANY, NULL);
		autofree char *found = gh_message(body);

		if (!found != !cases[i].text || (found && strcmp(found, cases[i].text)))
			fail_msg("%s: found '%s'", cases[i].body, found ? found : "none");
		assert_int_equal(gh_says_limit(body), cases[i].limit);
	}
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	json_put_str(long_one, "message", words);
	text = gh_message(long_one);
	assert_int_equal(strlen(text), 400);
	assert_null(gh_message(NULL));
}

/* --- paths --- */

static void paths_are_escaped(void **state)
{
	autofree char *a = gh_path("/repos/%r/issues/%d?labels=%s&x=50%%", "acme/si te",
				   (int64_t)12, "agent:bug&fix");
	autofree char *b = gh_path("/repos/%r/contents/%r", "../x", "a/./b/..");
	autofree char *c = gh_path("/x/%s/%s", "..", "a/b?c#d\r\n\xc3\xa9");

	(void)state;
	assert_string_equal(a, "/repos/acme/si%20te/issues/12?labels=agent%3Abug%26fix&x=50%");
	assert_string_equal(b, "/repos/%2E%2E/x/contents/a/%2E/b/%2E%2E");
	assert_string_equal(c, "/x/%2E%2E/a%2Fb%3Fc%23d%0D%0A%C3%A9");
}

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} cases[] = {
		{"2026-11-21T12:00:00Z", 1795262400},
		{"2026-11-21T12:00:00.123Z", 1795262400},
		{"2026-11-21T14:00:00+02:00", 1795262400},
		{"2026-11-21T11:30:00-00:30", 1795262400},
		{"2026-11-21T12:00:00", -1},
		{"2026-11-21", -1},
		{"", -1},
		{"2026-11-21T12:00:00+0200", -1},
		{"1969-11-21T12:00:00Z", -1},
		{"2026-11-21T12:00:00Zx", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (gh_time(cases[i].text) != cases[i].t)
			fail_msg("%s: found %lld", cases[i].text,
				 (long long)gh_time(cases[i].text));
}

/* --- what is remembered --- */

static bool has(struct gh_cache *c, int i)
{
	autofree char *key = xasprintf("key %d", i);

	return gh_cache_get(c, key) != NULL;
}

static void the_cache_forgets_the_longest_unused(void **state)
{
	struct gh_cache *c = gh_cache_new();
	size_t n = 0;

	(void)state;
	for (int i = 0; i < GH_CACHE_ENTRIES + 100; i++) {
		autofree char *key = xasprintf("key %d", i);

		gh_cache_put(c, key, 7, "\"e\"", i % 2 ? "https://a/next" : NULL);
		assert_non_null(gh_cache_get(c, "key 0")); /* used: stays */
	}
	assert_non_null(gh_cache_get(c, "key 0"));
	assert_null(gh_cache_get(c, "key 1"));
	assert_null(gh_cache_get(c, "key 100"));
	assert_non_null(gh_cache_get(c, "key 101"));
	assert_string_equal(gh_cache_get(c, "key 101")->next, "https://a/next");
	gh_cache_put(c, "key 101", 7, "\"f\"", NULL);
	assert_string_equal(gh_cache_get(c, "key 101")->etag, "\"f\"");
	assert_null(gh_cache_get(c, "key 101")->next);
	gh_cache_put(c, "key 101", 7, NULL, NULL);
	assert_null(gh_cache_get(c, "key 101"));
	gh_cache_put(c, "key 102", 7, "a\r\nb", NULL);
	assert_null(gh_cache_get(c, "key 102"));
	for (int i = 0; i < GH_CACHE_ENTRIES + 100; i++)
		n += has(c, i);
	assert_int_equal(n, GH_CACHE_ENTRIES - 2);
	gh_cache_free(c);
}

static void the_cache_is_bounded_in_bytes(void **state)
{
	struct gh_cache *c = gh_cache_new();
	autofree char *etag = xmalloc(20001);
	size_t n = 0;

	(void)state;
	memset(etag, 'x', 20000);
	etag[20000] = '\0';
	for (int i = 0; i < 1000; i++) {
		autofree char *key = xasprintf("key %d", i);

		gh_cache_put(c, key, 7, etag, NULL);
	}
	for (int i = 0; i < 1000; i++)
		n += has(c, i);
	assert_in_range(n * 20000, GH_CACHE_BYTES / 2, GH_CACHE_BYTES);
	assert_non_null(gh_cache_get(c, "key 999"));
	assert_int_equal(gh_cache_get(c, "key 999")->token, 7);
	gh_cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_become_numbers),
		cmocka_unit_test(links_are_read),
		cmocka_unit_test(error_bodies_are_read),
		cmocka_unit_test(paths_are_escaped),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(the_cache_forgets_the_longest_unused),
		cmocka_unit_test(the_cache_is_bounded_in_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
