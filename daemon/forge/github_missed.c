/*
 * github_missed.c - see github.h: deliveries that did not arrive.
 *
 * What changed meanwhile is found by reading; but a button that was pressed is in no list. GitHub repeats
 * nothing by itself, keeps what failed for three days, and sends it again when asked.
 */
#include "forge/github_job.h"

#include "base/log.h"
#include "store/ledger.h"

#include <string.h>

#define SEEN        "github-deliveries-seen" /* the newest of a look of which all was asked for */
#define AT_ONCE_MAX 200 /* asked for after one look: buttons first; what is older is left */

static int seen_get(struct github *g, int64_t *ret, struct err *err)
{
	autofree char *s = NULL;
	int rc = meta_get(g->o.db, SEEN, &s, err);

	*ret = rc > 0 ? strtoll(s, NULL, 10) : 0;
	return rc;
}

static int seen_set(struct github *g, int64_t id, struct err *err)
{
	autofree char *s = xasprintf("%lld", (long long)id);

	return meta_set(g->o.db, SEEN, s, err);
}

static void ask_next(struct github *g);

/* Only now: after a restart in between all of them are asked for, of which a second time has no effect. */
static void note_asked(struct github *g)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (seen_set(g, g->newest, &err) < 0)
		log_warn("github: missed deliveries: %s", err_text(&err));
}

/* GitHub was away, or the minute's limit is used up: the next look goes on from here. */
static void on_asked(void *arg, const struct gh_answer *a)
{
	struct github *g = arg;

	g->missed = 0;
	if (a->outcome == GH_RETRY || a->outcome == GH_UNKNOWN || a->outcome == GH_NO_ACCESS)
		return;
	g->nagain--;
	if (g->nagain)
		ask_next(g);
	else
		note_asked(g);
}

/* One after the other; the last of the list is the next. */
static void ask_next(struct github *g)
{
	autofree char *path = gh_path("/app/hook/deliveries/%d/attempts", g->again[g->nagain - 1]);

	g->missed = gh_send(g->o.client, &(struct gh_req){.method = "POST",
							  .path = path,
							  .kind = "redeliver",
							  .done = on_asked,
							  .arg = g});
}

/* One that failed when it was sent again is left: whoever is away is asked only once. */
static bool is_missed(const json_t *o, int64_t seen)
{
	return json_int(o, "id", 0) > seen && !json_flag(o, "redelivery") &&
	       strcmp(json_str(o, "status", "OK"), "OK") != 0;
}

/* In no list: its delivery alone tells of it. */
static bool is_button(const json_t *o)
{
	const char *action = json_str(o, "action", "");

	return !strcmp(json_str(o, "event", ""), "check_run") &&
	       (!strcmp(action, "requested_action") || !strcmp(action, "rerequested"));
}

static void take(struct github *g, const json_t *list, int64_t seen, bool buttons)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		if (g->nagain == AT_ONCE_MAX || !is_missed(o, seen) || is_button(o) != buttons)
			continue;
		/* before those that are there: the last goes first */
		memmove(g->again + 1, g->again, g->nagain * sizeof(*g->again));
		g->again[0] = json_int(o, "id", 0);
		g->nagain++;
	}
}

/* Newest first. */
static int apply(struct github *g, const json_t *list, struct err *err)
{
	int64_t seen;
	int rc = seen_get(g, &seen, err);
	const json_t *o;
	size_t i;

	if (rc < 0)
		return -1;
	g->newest = seen;
	json_array_foreach (list, i, o)
		g->newest = json_int(o, "id", 0) > g->newest ? json_int(o, "id", 0) : g->newest;
	if (rc > 0) { /* at the first look nothing old starts by itself */
		g->again = xreallocarray(g->again, AT_ONCE_MAX, sizeof(*g->again));
		take(g, list, seen, true);
		take(g, list, seen, false);
	}
	if (!g->nagain)
		return g->newest == seen && rc > 0 ? 0 : seen_set(g, g->newest, err);
	log_info("github: %zu webhook deliveries did not arrive; asked for again", g->nagain);
	ask_next(g);
	return 0;
}

static void on_deliveries(void *arg, const struct gh_answer *a)
{
	struct github *g = arg;
	cleanup(err_release) struct err err = ERR_INIT;

	g->missed = 0;
	if (a->outcome == GH_OK && apply(g, a->body, &err) < 0)
		log_warn("github: missed deliveries: %s", err_text(&err));
	else if (a->outcome != GH_OK && a->outcome != GH_UNCHANGED)
		log_warn("github: missed deliveries: %s", a->text);
}

void github_missed(struct github *g)
{
	if (!gh_is_app(g->o.client) || g->missed)
		return;
	if (g->nagain) {
		ask_next(g);
		return;
	}
	g->missed = gh_send(g->o.client, &(struct gh_req){.path = "/app/hook/deliveries?status="
								  "failure&per_page=100",
							  .flags = GH_ALL_PAGES | GH_CONDITIONAL,
							  .kind = "deliveries",
							  .done = on_deliveries,
							  .arg = g});
}

void github_missed_end(struct github *g)
{
	gh_cancel(g->o.client, g->missed);
	free(g->again);
}
