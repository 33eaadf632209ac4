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

#define SEEN        "github-deliveries-seen" /* what a look found of which all was asked for */
#define AT_ONCE_MAX 200 /* asked for after one look: buttons first; what is older is left */
#define KNOWN_MAX   2000

/*
 * What is known of a look: {floor, failed: [ID]}. Which deliveries have failed, not up to which one: one that is sent
 * first may fail last (its time-out is ten seconds), after others of larger numbers. `floor`: all up to this one count as
 * known, where there are more than are kept. A ledger of an older version has only a number, which is the floor.
 */
static int seen_get(struct github *g, json_t **ret, struct err *err)
{
	autofree char *s = NULL;
	int rc = meta_get(g->o.db, SEEN, &s, err);

	if (rc <= 0)
		return rc;
	if (json_parse(s, strlen(s), SIZE_MAX, ret, NULL) < 0 || !json_is_object(*ret)) {
		json_decref(*ret);
		*ret = json_object();
		json_put_int(*ret, "floor", strtoll(s, NULL, 10));
	}
	return 1;
}

static bool is_known(const json_t *seen, int64_t id)
{
	const json_t *o;
	size_t i;

	if (id <= json_int(seen, "floor", 0))
		return true;
	json_array_foreach (json_object_get(seen, "failed"), i, o)
		if (json_integer_value(o) == id)
			return true;
	return false;
}

static void ask_next(struct github *g);

/* Only now: after a restart in between all of them are asked for, of which a second time has no effect. */
static void note_asked(struct github *g)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (meta_set(g->o.db, SEEN, g->looked, &err) < 0)
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

static bool has_failed(const json_t *o)
{
	return strcmp(json_str(o, "status", "OK"), "OK") != 0;
}

/* One that failed when it was sent again is left: whoever is away is asked only once. */
static bool is_missed(const json_t *o, const json_t *seen)
{
	return has_failed(o) && !json_flag(o, "redelivery") &&
	       !is_known(seen, json_int(o, "id", 0));
}

/* In no list: its delivery alone tells of it. */
static bool is_button(const json_t *o)
{
	const char *action = json_str(o, "action", "");

	return !strcmp(json_str(o, "event", ""), "check_run") &&
	       (!strcmp(action, "requested_action") || !strcmp(action, "rerequested"));
}

static void take(struct github *g, const json_t *list, const json_t *seen, bool buttons)
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

/* The list is the newest first. Caller frees. */
static char *text_of(const json_t *list)
{
	autojson json_t *seen = json_object();
	json_t *failed = json_array();
	const json_t *o;
	size_t i;

	json_put(seen, "failed", failed);
	json_array_foreach (list, i, o) {
		if (!has_failed(o) || json_flag(o, "redelivery"))
			continue;
		if (json_array_size(failed) == KNOWN_MAX) {
			json_put_int(seen, "floor", json_int(o, "id", 0));
			break;
		}
		json_array_append_new(failed, json_integer(json_int(o, "id", 0)));
	}
	return json_text(seen);
}

static int apply(struct github *g, const json_t *list, struct err *err)
{
	autojson json_t *seen = NULL;
	autofree char *was = NULL;
	int rc = seen_get(g, &seen, err);

	if (rc < 0)
		return -1;
	row_take(&g->looked, text_of(list));
	if (rc > 0) { /* at the first look nothing old starts by itself */
		g->again = xreallocarray(g->again, AT_ONCE_MAX, sizeof(*g->again));
		take(g, list, seen, true);
		take(g, list, seen, false);
	}
	was = rc > 0 ? json_text(seen) : NULL;
	if (!g->nagain && was && !strcmp(was, g->looked))
		return 0;
	if (!g->nagain)
		return meta_set(g->o.db, SEEN, g->looked, err);
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
	else if (a->outcome != GH_OK)
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
							  .flags = GH_ALL_PAGES,
							  .kind = "deliveries",
							  .done = on_deliveries,
							  .arg = g});
}

void github_missed_end(struct github *g)
{
	gh_cancel(g->o.client, g->missed);
	free(g->again);
	free(g->looked);
}
