/*
 * github_rate.h - when the next request of one installation may start.
 *
 * Pure: times come in as milliseconds of one clock that never goes back; nothing is waited for here.
 *
 *     at = gh_rate_when(&r, GH_RATE_READ, now, &why);   // <= now: start it
 *     gh_rate_begin(&r, GH_RATE_READ, now);
 *     ... limited = gh_rate_end(&r, GH_RATE_READ, &seen, now);   // seen NULL: no answer came
 *
 * GitHub's rules, and what is done here:
 *   one after another, 1 s between writes      one write at a time; `create_gap_ms` from the answer of
 *                                              one creating write to the start of the next
 *   100 requests at the same time              `reads` at the same time
 *   900 points a minute, GET 1, others 5       counted in a sliding minute
 *   500 creating requests an hour (80 a        counted in a sliding hour (80 follow from the gap)
 *   minute)
 *   5,000 requests an hour and more            X-RateLimit-Remaining 0: nothing until -Reset
 *   403 or 429 with Retry-After                nothing for so long
 *   … with X-RateLimit-Remaining 0             nothing until X-RateLimit-Reset
 *   … with neither                             nothing for 60 s, doubled each time it happens again,
 *                                              an hour at most
 *   GraphQL: 200 that says so in its errors    the same
 *   … and its own hour (X-RateLimit-Resource   no query until then; REST goes on
 *   graphql) with X-RateLimit-Remaining 0
 * A 403 that is about permissions is no limit: it has no Retry-After, something remaining, and no word
 * of a limit in its body.
 */
#ifndef YM_FORGE_GITHUB_RATE_H
#define YM_FORGE_GITHUB_RATE_H

#include "forge/github_wire.h"

#include <stdbool.h>
#include <stdint.h>

/* A query of GraphQL is a read, and has a budget of its own beside the one that all share. */
enum gh_rate_kind { GH_RATE_READ, GH_RATE_QUERY, GH_RATE_WRITE, GH_RATE_CREATE };
#define GH_RATE_KINDS 4
static inline bool gh_rate_reads(enum gh_rate_kind k)
{
	return k == GH_RATE_READ || k == GH_RATE_QUERY;
}

#define GH_RATE_SLOTS      13 /* a window and the slot that is leaving it */
#define GH_RATE_POINTS     900
#define GH_RATE_CREATES    500
#define GH_RATE_BACKOFF_MS 60000
#define GH_RATE_HOLD_MAX   3900000   /* an hour and some: what a limit of GitHub's can last */
#define GH_RATE_NEVER      INT64_MAX /* not before one that runs has ended */

/* Events of a sliding window, in slots. */
struct gh_window {
	int64_t slot_ms, first; /* number of the slot in count[first % SLOTS] … */
	int count[GH_RATE_SLOTS];
};

struct gh_rate {
	int reads_max;
	int64_t create_gap_ms;
	int reads, writes; /* running */
	int64_t next_create_ms;
	struct gh_window points, creates;
	int64_t limit, remaining; /* as last heard; -1: not yet */
	int64_t reset_ms;
	int64_t hold_ms;  /* nothing before; 0: none */
	const char *why;  /* of hold_ms */
	int64_t query_ms; /* no query before; 0: none */
	int strikes;      /* limits without a time since the last good answer */
};

void gh_rate_init(struct gh_rate *r, int reads_max, int64_t create_gap_ms);
/* The earliest time for one more of this kind, or GH_RATE_NEVER. *ret_why: a static text for people
 * when it is later than now. */
int64_t gh_rate_when(const struct gh_rate *r, enum gh_rate_kind kind, int64_t now_ms,
		     const char **ret_why);
void gh_rate_begin(struct gh_rate *r, enum gh_rate_kind kind, int64_t now_ms);
/* true: it was refused for a limit (and was not carried out). `wall_s` stands in for a missing Date. */
bool gh_rate_end(struct gh_rate *r, enum gh_rate_kind kind, const struct gh_seen *seen,
		 int64_t wall_s, int64_t now_ms);

#endif
