/* github_rate.c - see github_rate.h */
#include "forge/github_rate.h"

#define MINUTE_SLOT_MS 5000
#define HOUR_SLOT_MS   300000
#define WRITE_POINTS   5

/* --- sliding windows --- */

/* Forgets the slots that have left the window. */
static void window_move(struct gh_window *w, int64_t now)
{
	int64_t oldest = now / w->slot_ms - (GH_RATE_SLOTS - 1);

	if (w->first + GH_RATE_SLOTS <= oldest)
		w->first = oldest - GH_RATE_SLOTS;
	for (; w->first < oldest; w->first++)
		w->count[w->first % GH_RATE_SLOTS] = 0;
}

static void window_add(struct gh_window *w, int64_t now, int n)
{
	window_move(w, now);
	w->count[now / w->slot_ms % GH_RATE_SLOTS] += n;
}

/* When n more fit below max: now, or the time at which enough slots have left. */
static int64_t window_when(const struct gh_window *w, int64_t now, int n, int max)
{
	struct gh_window copy = *w;
	int sum = n;

	window_move(&copy, now);
	for (int i = 0; i < GH_RATE_SLOTS; i++)
		sum += copy.count[i];
	if (sum <= max)
		return now;
	for (int i = 0; i < GH_RATE_SLOTS; i++) {
		sum -= copy.count[(copy.first + i) % GH_RATE_SLOTS];
		if (sum <= max)
			return (copy.first + i + GH_RATE_SLOTS) * copy.slot_ms;
	}
	return now; /* n alone is above max: no caller does that */
}

/* --- before a request --- */

void gh_rate_init(struct gh_rate *r, int reads_max, int64_t create_gap_ms)
{
	*r = (struct gh_rate){.reads_max = reads_max, .create_gap_ms = create_gap_ms};
	r->points.slot_ms = MINUTE_SLOT_MS;
	r->creates.slot_ms = HOUR_SLOT_MS;
	r->limit = r->remaining = -1;
}

static int points_of(enum gh_rate_kind kind)
{
	return gh_rate_reads(kind) ? 1 : WRITE_POINTS;
}

static void later(int64_t *at, int64_t t, const char *why, const char **ret_why)
{
	if (t <= *at)
		return;
	*at = t;
	*ret_why = why;
}

int64_t gh_rate_when(const struct gh_rate *r, enum gh_rate_kind kind, int64_t now_ms,
		     const char **ret_why)
{
	int64_t at = now_ms;

	later(&at, r->hold_ms, r->why, ret_why);
	if (kind == GH_RATE_QUERY)
		later(&at, r->query_ms, "the hourly limit of GraphQL is used up", ret_why);
	if (r->remaining == 0)
		later(&at, r->reset_ms, "the hourly limit is used up", ret_why);
	later(&at, window_when(&r->points, now_ms, points_of(kind), GH_RATE_POINTS),
	      "900 points in a minute are used up", ret_why);
	if (kind == GH_RATE_CREATE) {
		later(&at, r->next_create_ms, "a second between writes that create", ret_why);
		later(&at, window_when(&r->creates, now_ms, 1, GH_RATE_CREATES),
		      "500 creating writes in an hour are used up", ret_why);
	}
	/* Last: a limit that lasts is worth knowing while another request runs. */
	if (at == now_ms && (gh_rate_reads(kind) ? r->reads >= r->reads_max : r->writes > 0))
		later(&at, GH_RATE_NEVER, "others run", ret_why);
	return at;
}

void gh_rate_begin(struct gh_rate *r, enum gh_rate_kind kind, int64_t now_ms)
{
	if (gh_rate_reads(kind))
		r->reads++;
	else
		r->writes++;
	window_add(&r->points, now_ms, points_of(kind));
	if (kind == GH_RATE_CREATE)
		window_add(&r->creates, now_ms, 1);
}

/* --- behind it --- */

static bool is_limit(const struct gh_seen *s, enum gh_rate_kind kind)
{
	if (s->status == 429 || (s->status == 200 && kind == GH_RATE_QUERY && s->says_limit))
		return true;
	return s->status == 403 && (s->retry_after_s >= 0 || s->remaining == 0 || s->says_limit);
}

/* From now until the reset, by the answer's own clock. A second more: both are whole seconds. */
static int64_t until_reset(const struct gh_seen *s, int64_t wall_s)
{
	int64_t ms = (s->reset_s - (s->date_s >= 0 ? s->date_s : wall_s) + 1) * 1000;

	return ms > GH_RATE_HOLD_MAX ? GH_RATE_HOLD_MAX : ms;
}

static void hear(struct gh_rate *r, const struct gh_seen *s, int64_t wall_s, int64_t now_ms)
{
	int64_t reset_ms;

	if (s->other) /* of that budget only a refusal matters */
		return;
	if (s->limit >= 0)
		r->limit = s->limit;
	if (s->remaining < 0 || s->reset_s < 0)
		return;
	reset_ms = now_ms + until_reset(s, wall_s);
	/* Answers overtake each other: within one hour the smaller number is the newer one. */
	if (r->remaining < 0 || s->remaining < r->remaining || reset_ms > r->reset_ms + 2000) {
		r->remaining = s->remaining;
		r->reset_ms = reset_ms;
	}
}

static bool is_used_up(const struct gh_seen *s, int64_t wall_s)
{
	return s->remaining == 0 && s->reset_s >= 0 && until_reset(s, wall_s) > 0;
}

static void hold(struct gh_rate *r, const struct gh_seen *s, int64_t wall_s, int64_t now_ms)
{
	int64_t ms;

	if (s->retry_after_s >= 0) {
		ms = s->retry_after_s * 1000;
		r->why = "GitHub said Retry-After";
	} else if (is_used_up(s, wall_s)) {
		ms = until_reset(s, wall_s);
		r->why = "the hourly limit is used up";
	} else {
		ms = (int64_t)GH_RATE_BACKOFF_MS << (r->strikes < 6 ? r->strikes : 6);
		r->strikes++;
		r->why = "GitHub said that requests come too fast";
	}
	if (ms > GH_RATE_HOLD_MAX)
		ms = GH_RATE_HOLD_MAX;
	if (now_ms + ms > r->hold_ms)
		r->hold_ms = now_ms + ms;
}

bool gh_rate_end(struct gh_rate *r, enum gh_rate_kind kind, const struct gh_seen *seen,
		 int64_t wall_s, int64_t now_ms)
{
	if (gh_rate_reads(kind))
		r->reads--;
	else
		r->writes--;
	if (kind == GH_RATE_CREATE)
		r->next_create_ms = now_ms + r->create_gap_ms;
	if (!seen)
		return false;
	hear(r, seen, wall_s, now_ms);
	if (!is_limit(seen, kind)) {
		if (now_ms >= r->hold_ms && seen->status < 400)
			r->strikes = 0;
		return false;
	}
	if (kind == GH_RATE_QUERY && seen->other && seen->retry_after_s < 0 &&
	    is_used_up(seen, wall_s))
		r->query_ms = now_ms + until_reset(seen, wall_s);
	else
		hold(r, seen, wall_s, now_ms);
	return true;
}
