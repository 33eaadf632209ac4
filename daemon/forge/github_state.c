/* github_state.c - see github_client.h: what there is to see */
#include "base/mem.h"
#include "forge/github_part.h"

static const char *const outcome_names[] = {
	[GH_OK] = "ok",           [GH_UNCHANGED] = "unchanged",   [GH_REFUSED] = "refused",
	[GH_GONE] = "gone",       [GH_CONFLICT] = "conflict",     [GH_RETRY] = "retry",
	[GH_UNKNOWN] = "unknown", [GH_SUPERSEDED] = "superseded", [GH_NO_ACCESS] = "no-access",
	[GH_BROKEN] = "broken",
};

const char *gh_outcome_name(enum gh_outcome o)
{
	return (size_t)o < ARRAY_LEN(outcome_names) ? outcome_names[o] : "unknown";
}

static int running_of(const struct gh *g, const struct gh_lane *l)
{
	const struct gh_job *j;
	int n = 0;

	for (j = TAILQ_FIRST(&g->running); j; j = TAILQ_NEXT(j, link))
		n += j->lane == l;
	return n;
}

static void put_left(json_t *o, const char *key, int64_t at_ms, int64_t now)
{
	if (at_ms > now)
		json_put_int(o, key, at_ms - now);
}

static json_t *lane_state(const struct gh *g, const struct gh_lane *l)
{
	const struct gh_rate *r = &l->rate;
	int64_t now = gh_mono(g);
	json_t *o = json_object();

	json_put_int(o, "id", l->installation);
	if (l->login.text)
		json_put_str(o, "problem", l->login.text);
	if (l->token)
		put_left(o, "token_ms", l->token_until_ms, now);
	if (r->limit >= 0)
		json_put_int(o, "limit", r->limit);
	if (r->remaining >= 0) {
		json_put_int(o, "remaining", r->remaining);
		put_left(o, "reset_ms", r->reset_ms, now);
	}
	if (r->hold_ms > now) {
		put_left(o, "hold_ms", r->hold_ms, now);
		json_put_str(o, "hold_why", r->why);
	}
	put_left(o, "query_hold_ms", r->query_ms, now);
	json_put_int(o, "waiting", (int64_t)l->nwaiting);
	json_put_int(o, "running", running_of(g, l));
	return o;
}

json_t *gh_state(const struct gh *g)
{
	json_t *o = json_object(), *all = json_array();

	json_put_str(o, "base", g->base);
	json_put_str(o, "app", g->app);
	if (g->skew_known)
		json_put_int(o, "skew_ms", g->skew_ms);
	else
		json_put(o, "skew_ms", json_null());
	if (g->login.text)
		json_put_str(o, "problem", g->login.text);
	for (const struct gh_lane *l = TAILQ_FIRST(&g->lanes); l; l = TAILQ_NEXT(l, link))
		json_array_append_new(all, lane_state(g, l));
	json_put(o, "installations", all);
	return o;
}

json_t *gh_counts(const struct gh *g)
{
	json_t *all = json_object();

	for (size_t i = 0; i < g->ncounts; i++) {
		const struct gh_count *c = &g->counts[i];
		json_t *o = json_object();

		json_put_int(o, "sent", c->sent);
		json_put_int(o, "ok", c->ok);
		json_put_int(o, "unchanged", c->unchanged);
		json_put_int(o, "failed", c->failed);
		json_put_int(o, "repeated", c->repeated);
		json_put(all, c->kind, o);
	}
	return all;
}

void gh_cache_forget(struct gh *g, const char *path, int64_t installation)
{
	autofree char *url = xasprintf("%s%s", g->base, path);
	autofree char *key = gh_cache_key(gh_lane(g, installation)->installation, url, NULL);

	gh_cache_put(g->cache, key, 0, NULL, NULL);
}
