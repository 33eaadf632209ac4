/*
 * github_wire.h - what GitHub's headers and error bodies say, decoded. Pure; nothing here trusts its
 * input.
 */
#ifndef YM_FORGE_GITHUB_WIRE_H
#define YM_FORGE_GITHUB_WIRE_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

/* Of one answer; -1 where a header is absent or makes no sense. */
struct gh_seen {
	int status;
	int64_t date_s;           /* Date */
	int64_t retry_after_s;    /* Retry-After, also as a date; 0 to a day */
	int64_t limit, remaining; /* X-RateLimit-Limit, -Remaining */
	int64_t reset_s;          /* X-RateLimit-Reset, seconds since 1970 */
	bool other;               /* … of another budget than the REST API's (GraphQL's) */
	bool says_limit;          /* the body speaks of a rate limit or abuse */
};

typedef const char *(*gh_header_fn)(const void *from, const char *name);
void gh_seen_read(struct gh_seen *s, int status, gh_header_fn header, const void *from);

/* The target of rel="next" in a Link header, as it stands there; NULL when there is none. Caller
 * frees. */
char *gh_link_next(const char *link);

/* What an error body says to a person ("Validation Failed: title is missing"), cut to one line of
 * at most 400 bytes; NULL when it is no error body of GitHub's. Caller frees. */
char *gh_message(const json_t *body);
/*
 * Is the message one about a rate limit? GraphQL says so with status 200, in one of its errors: `type` RATE_LIMITED, or
 * RATE_LIMIT with the code graphql_rate_limit ("API rate limit already exceeded for user ID"), or in words only
 * ("You have exceeded a secondary rate limit"): octokit/plugin-throttling.js#632, GitHub's "Rate limits and query limits
 * for the GraphQL API".
 */
bool gh_says_limit(const json_t *body);

/* Adds the arrays of a further page to those of `all`: both arrays, or both objects with arrays below
 * the same keys (check_runs, workflow_runs …). false when they do not go together. */
bool gh_page_join(json_t *all, json_t *page);

#endif
