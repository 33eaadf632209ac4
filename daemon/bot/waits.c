/* waits.c - see waits.h */
#include "bot/waits.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static int clamp(struct bot *b, int64_t now, struct err *err)
{
	static const enum stmt_id others[] = {ST_TASK_CLAMP, ST_CANDIDATE_CLAMP, ST_LANDING_CLAMP,
					      ST_LEVEL_CLAMP, ST_TEAM_CLAMP};
	int n = effect_clamp(b->db, now, err);

	for (size_t i = 0; n >= 0 && i < ARRAY_LEN(others); i++) {
		int rc = db_run(b->db, others[i], err, "i", now);

		n = rc < 0 ? -1 : n + rc;
	}
	/* They go in their order: one of the future would keep all behind it. */
	if (n >= 0 && db_run(b->db, ST_DELIVERY_CLAMP, err, "i", now) < 0)
		n = -1;
	if (n > 0)
		log_warn("the clock was put back: %d waits that were counted by it begin now", n);
	return n < 0 ? -1 : 0;
}

int waits_clamp(struct bot *b, struct err *err)
{
	int64_t now = bot_now(b);
	bool back = !b->seen_ms || now < b->seen_ms;

	b->seen_ms = now;
	return back ? clamp(b, now, err) : 0;
}

/* A moment that the ledger remembers; 0: none. */
static int recall(struct bot *b, const char *key, int64_t *ret, struct err *err)
{
	autofree char *text = NULL;
	int rc = meta_get(b->db, key, &text, err);

	*ret = rc > 0 ? strtoll(text, NULL, 10) : 0;
	return rc < 0 ? -1 : 0;
}

static int remember(struct bot *b, const char *key, int64_t at_ms, struct err *err)
{
	autofree char *text = xasprintf("%lld", (long long)at_ms);

	return meta_set(b->db, key, text, err);
}

/* What the last look at the clock left: when that was, and when a jump ahead was found; 0: none. */
struct looked {
	int64_t last, doubt;
};

static int recall_look(struct bot *b, struct looked *ret, struct err *err)
{
	return recall(b, "clock-seen", &ret->last, err) < 0 ||
			       recall(b, "clock-doubt", &ret->doubt, err) < 0
		       ? -1
		       : 0;
}

static bool jumped(const struct looked *l, int64_t now)
{
	return l->last && now - l->last > DAY_MS;
}

/* It has not gone on for a day from where it jumped to. */
static bool in_doubt(const struct looked *l, int64_t now)
{
	return l->doubt && now >= l->doubt && now - l->doubt < DAY_MS;
}

int waits_may_age(struct bot *b, struct err *err)
{
	int64_t now = bot_now(b);
	struct looked l;

	if (recall_look(b, &l, err) < 0)
		return -1;
	return !jumped(&l, now) && !in_doubt(&l, now);
}

int waits_age(struct bot *b, struct err *err)
{
	int64_t now = bot_now(b);
	struct looked l;

	if (recall_look(b, &l, err) < 0 || remember(b, "clock-seen", now, err) < 0)
		return -1;
	if (jumped(&l, now)) {
		log_warn("the clock is %lld days ahead of when it was looked at last: nothing is "
			 "removed by age before it has gone on from there for a day",
			 (long long)((now - l.last) / DAY_MS));
		return remember(b, "clock-doubt", now, err) < 0 ? -1 : 0;
	}
	if (in_doubt(&l, now))
		return 0;
	return l.doubt && remember(b, "clock-doubt", 0, err) < 0 ? -1 : 1;
}
