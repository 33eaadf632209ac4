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

#define SEEN        "github-deliveries-seen" /* the newest that was looked at */
#define AT_ONCE_MAX 200                      /* asked for after one look; what is older is left */

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

static void ask_again(struct github *g, int64_t id)
{
	autofree char *path = gh_path("/app/hook/deliveries/%d/attempts", id);

	gh_send(g->o.client, &(struct gh_req){.method = "POST", .path = path, .kind = "redeliver"});
}

/* One that failed when it was sent again is left: whoever is away is asked only once. */
static bool is_missed(const json_t *o, int64_t seen)
{
	return json_int(o, "id", 0) > seen && !json_flag(o, "redelivery") &&
	       strcmp(json_str(o, "status", "OK"), "OK") != 0;
}

/* Newest first. */
static int apply(struct github *g, const json_t *list, struct err *err)
{
	int64_t seen, newest;
	int asked = 0, rc = seen_get(g, &seen, err);
	const json_t *o;
	size_t i;

	if (rc < 0)
		return -1;
	newest = seen;
	json_array_foreach (list, i, o)
		newest = json_int(o, "id", 0) > newest ? json_int(o, "id", 0) : newest;
	if ((newest != seen || rc == 0) && seen_set(g, newest, err) < 0)
		return -1;
	if (rc == 0) /* the first look: nothing old starts by itself */
		return 0;
	json_array_foreach (list, i, o) {
		if (asked < AT_ONCE_MAX && is_missed(o, seen)) {
			ask_again(g, json_int(o, "id", 0));
			asked++;
		}
	}
	if (asked)
		log_info("github: %d webhook deliveries did not arrive; asked for again", asked);
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
	g->missed = gh_send(g->o.client, &(struct gh_req){.path = "/app/hook/deliveries?status="
								  "failure&per_page=100",
							  .flags = GH_ALL_PAGES | GH_CONDITIONAL,
							  .kind = "deliveries",
							  .done = on_deliveries,
							  .arg = g});
}
