/* github_tell.c - see github.h and github_job.h: events that are told, and looks that are asked for. */
#include "forge/github_job.h"

#include <string.h>

/* A delivery, and the look that it leads to, take seconds. */
#define FIRST_LOOK_MS ((int64_t)60 * 1000)

json_t *github_payload(const struct repo *r, int64_t number, const char *actor)
{
	json_t *p = json_object();

	json_put_int(p, "repo", r->id);
	json_put_int(p, "number", number);
	json_put_str(p, "actor", actor);
	return p;
}

int github_tell(struct github *g, char *key, const char *kind, json_t *payload, struct err *err)
{
	autofree char *k = key;
	autojson json_t *p = payload;

	return event_add(g->o.db, k, kind, p, g->o.clock->wall_ms(g->o.clock), err) < 0 ? -1 : 0;
}

/* What somebody said of a PR that was not known yet: its first look came so long after that a push may have come
 * between, and a command binds to nothing. */
static int bind_head(struct github *g, json_t *p, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int64_t at = json_int(p, "at_ms", 0);
	int rc = at && !json_object_get(p, "head")
			 ? pr_find(g->o.db, ST_PR_BY_NUMBER, &pr, err, "ii", json_int(p, "repo", 0),
				   json_int(p, "number", 0))
			 : 0;

	if (rc > 0 && pr.head_ms > at + FIRST_LOOK_MS)
		json_put_str(p, "head", FORGE_HEAD_UNKNOWN);
	return rc < 0 ? -1 : 0;
}

int github_tell_then(struct github *g, const json_t *then, struct err *err)
{
	const json_t *e;
	size_t i;

	json_array_foreach (then, i, e) {
		json_t *p = json_object_get(e, "payload");

		if (p && !strcmp(json_str(e, "kind", ""), "comment-created") &&
		    bind_head(g, p, err) < 0)
			return -1;
		if (p && github_tell(g, xstrdup(json_str(e, "key", "")), json_str(e, "kind", ""),
				     json_incref(p), err) < 0)
			return -1;
	}
	return 0;
}

int github_effect(struct github *g, const char *subject, const char *kind, json_t *payload,
		  struct err *err)
{
	autojson json_t *p = payload;
	int64_t now = g->o.clock->wall_ms(g->o.clock);
	int rc = 0;

	/* Two of one millisecond are two: what changed in between is read by the later one. */
	for (int again = 0; rc == 0; again++) {
		autofree char *key =
			xasprintf("%s:%s:%lld.%d", kind, subject, (long long)now, again);

		rc = effect_add(g->o.db, key, subject, kind, p, now, err);
	}
	return rc < 0 ? -1 : 0;
}

int github_waits(struct github *g, const char *subject, const char *kind, struct err *err)
{
	int64_t n = 0;

	return db_int(g->o.db, ST_EFFECT_PENDING_OF, &n, err, "ss", subject, kind) < 0 ? -1 : n > 0;
}

int github_sync(struct github *g, int64_t repo, int64_t number, json_t *then, struct err *err)
{
	autofree char *subject = xasprintf("sync:%lld:%lld", (long long)repo, (long long)number);
	int rc = then ? 0 : github_waits(g, subject, "forge-sync", err);

	if (rc != 0) {
		json_decref(then);
		return rc < 0 ? -1 : 0;
	}
	return github_sync_told(g, repo, number, then, NULL, err);
}

int github_sync_told(struct github *g, int64_t repo, int64_t number, json_t *then, json_t *told,
		     struct err *err)
{
	autofree char *subject = xasprintf("sync:%lld:%lld", (long long)repo, (long long)number);
	json_t *p = json_object();

	json_put_int(p, "repo", repo);
	json_put_int(p, "number", number);
	if (told)
		json_put(p, "told", told);
	if (then) {
		json_t *list = json_array();

		json_array_append_new(list, then);
		json_put(p, "then", list);
	}
	return github_effect(g, subject, "forge-sync", p, err);
}

int github_want(struct github *g, int64_t repo, int64_t number, struct err *err)
{
	json_t *told = json_object();

	json_put_bool(told, "wanted", true);
	return github_sync_told(g, repo, number, NULL, told, err);
}

int github_is_looking(struct github *g, int64_t repo, int64_t number, struct err *err)
{
	autofree char *subject = xasprintf("sync:%lld:%lld", (long long)repo, (long long)number);
	int64_t open = 0;

	return db_int(g->o.db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0 ? -1 : open > 0;
}

int github_reconcile(struct github *g, int64_t repo, struct err *err)
{
	autofree char *subject = xasprintf("list:%lld", (long long)repo);
	int64_t open = 0;

	if (db_int(g->o.db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	return open ? 0 : github_list(g, repo, err);
}

int github_list(struct github *g, int64_t repo, struct err *err)
{
	autofree char *subject = xasprintf("list:%lld", (long long)repo);
	json_t *p = json_object();

	json_put_int(p, "repo", repo);
	json_put(p, "ctx", json_object());
	json_put_int(json_object_get(p, "ctx"), "repo", repo);
	return github_effect(g, subject, "forge-list", p, err);
}
