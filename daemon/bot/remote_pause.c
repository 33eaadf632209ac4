/* remote_pause.c - see remote.h: repositories in which nothing is done before a person has mended something. */
#include "bot/remote.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/task_flow.h"
#include "forge/github.h"

void remote_held_release(struct remote_held *h)
{
	github_repo_list_release(&h->repos);
	repo_list_release(&h->rows);
}

int remote_held(struct bot *b, struct remote_held *ret, struct err *err)
{
	struct remote_held h = {0};

	if (github_repo_all(b->db, ST_GITHUB_PAUSED, &h.repos, err, "") < 0)
		return -1;
	h.rows.v = xcalloc(h.repos.n, sizeof(*h.rows.v));
	for (size_t i = 0; i < h.repos.n; i++, h.rows.n++)
		if (bot_repo(b, h.repos.v[i].repo, &h.rows.v[i], err) < 0) {
			remote_held_release(&h);
			return -1;
		}
	*ret = h;
	return 0;
}

static bool is_of(const struct repo *r, const json_t *repo)
{
	return json_is_string(repo) ? !strcmp(json_string_value(repo), r->path)
				    : json_integer_value(repo) == r->id;
}

bool remote_holds(const struct remote_held *h, const struct effect *e)
{
	static const char *const free_kinds[] = {"forge-list", "cand-push", "cand-head-push"};
	autojson json_t *p = NULL;

	for (size_t i = 0; i < ARRAY_LEN(free_kinds); i++)
		if (!strcmp(e->kind, free_kinds[i]))
			return false;
	if (!h->rows.n || json_parse(e->payload, strlen(e->payload), SIZE_MAX, &p, NULL) < 0)
		return false;
	for (size_t i = 0; i < h->rows.n; i++)
		if (is_of(&h->rows.v[i], json_object_get(p, "repo")))
			return true;
	return false;
}

int remote_is_held(struct bot *b, const struct effect *e, struct err *err)
{
	cleanup(remote_held_release) struct remote_held h = {0};

	return remote_held(b, &h, err) < 0 ? -1 : remote_holds(&h, e);
}

int remote_doubts(struct bot *b, const struct effect *e, const struct err *why, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(github_repo_release) struct github_repo gr = {0};
	autojson json_t *p = NULL;
	int rc;

	if (!b->github || e->tries > 1 || (why->code != ERR_DENIED && why->code != ERR_NOT_FOUND) ||
	    json_parse(e->payload, strlen(e->payload), SIZE_MAX, &p, NULL) < 0)
		return 0;
	rc = repo_find(b->db, ST_REPO_BY_PATH, &r, err, "s", json_str(p, "repo", ""));
	if (rc > 0)
		rc = github_repo_of(b->db, r.id, &gr, err);
	/* A fork that takes no push is no sign of anything. */
	if (rc <= 0 || strcmp(gr.url, json_str(p, "url", "")) != 0)
		return rc < 0 ? -1 : 0;
	return github_doubt(b->github, r.id,
			    strcmp(json_str(p, "op", ""), "push") ? "contents=read"
								  : "contents=write",
			    err) < 0
		       ? -1
		       : 1;
}

int remote_paused(struct bot *b, const struct repo *r, char **ret_why, struct err *err)
{
	struct forge f = bot_forge(b, r);

	return f.ops->paused ? f.ops->paused(&f, r, ret_why, err) : 0;
}

int remote_problem(struct bot *b, const struct repo *r, json_t *rows, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	int rc = github_repo_of(b->db, r->id, &gr, err);

	if (rc <= 0 || !gr.problem)
		return rc < 0 ? -1 : 0;
	json_array_append_new(rows, json_pack("{s:s,s:s,s:I}", "repo", r->name, "problem",
					      gr.problem, "paused_ms", (json_int_t)gr.paused_ms));
	return 0;
}

/* A task that was about to read its issue waits for a place anew: it would keep the one that it has. */
static int give_way(struct bot *b, const struct repo *r, const char *why, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(b->db, ST_TASK_OPEN, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].repo == r->id && !strcmp(l.v[i].state, "running") &&
		    task_look_waits(b, l.v[i].id, why, err) < 0)
			return -1;
	return 0;
}

int remote_on_paused(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const char *why = json_str(p, "why", "no reason is known");
	autofree char *once = xasprintf("%lld", (long long)e->id);
	json_t *d;

	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0)
		return -1;
	log_warn("repository %s: paused, nothing is started or landed there: %s", r.name, why);
	d = json_object();
	json_put_str(d, "why", why);
	if (bot_audit(b, "yardmaster", "repo-paused", d, err, "repo:%s", r.name) < 0 ||
	    give_way(b, &r, why, err) < 0)
		return -1;
	return bot_notify(b, "repo-paused", r.id, 0, why, once, err);
}

int remote_on_resumed(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	(void)e;
	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0)
		return -1;
	log_info("repository %s: goes on; it had been paused: %s", r.name,
		 json_str(p, "why", "no reason is known"));
	return bot_audit(b, "yardmaster", "repo-resumed", NULL, err, "repo:%s", r.name);
}
