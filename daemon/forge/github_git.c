/* github_git.c - see github_job.h: what the net role is asked for, fetches and pushes. */
#include "forge/github_job.h"

#include "forge/github_read.h"

#include <string.h>

json_t *github_net(const struct repo *r, const struct github_repo *gr, const char *op)
{
	json_t *p = json_object();

	json_put_str(p, "op", op);
	json_put_str(p, "repo", r->path);
	json_put_str(p, "url", gr->url);
	return p;
}

/* With the tags: `git describe` in a gate needs them. */
static json_t *fetch_request(const struct repo *r, const struct github_repo *gr)
{
	autofree char *ref = xasprintf("+refs/heads/%s:refs/heads/%s", r->base, r->base);
	json_t *p = github_net(r, gr, "fetch"), *refs = json_array();

	json_array_append_new(refs, json_string(ref));
	json_array_append_new(refs, json_string("+refs/tags/*:refs/tags/*"));
	json_put(p, "refs", refs);
	return p;
}

static int must_know(struct forge *f, const struct repo *r, struct github_repo *ret,
		     struct err *err)
{
	int rc = github_repo_of(f->db, r->id, ret, err);

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "repository %s: not one of GitHub", r->name);
	return rc < 0 ? -1 : 0;
}

int github_fetch(struct forge *f, const struct repo *r, json_t **ret, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};

	if (must_know(f, r, &gr, err) < 0)
		return -1;
	*ret = fetch_request(r, &gr);
	return 0;
}

/* A fork is beside its parent, under its own name. */
static int fork_url(struct github_repo *gr, const char *fork, struct err *err)
{
	autofree char *own = xasprintf("/%s.git", gr->full_name);
	size_t n = strlen(gr->url), k = strlen(own);

	if (!gh_is_full_name(fork))
		return err_set(err, ERR_INPUT, "fork '%.210s': expected OWNER/NAME", fork);
	if (n < k || strcasecmp(gr->url + n - k, own) != 0)
		return err_set(err, ERR_STATE, "repository %s: where its fork %s is, is not known",
			       gr->full_name, fork);
	row_take(&gr->url, xasprintf("%.*s/%s.git", (int)(n - k), gr->url, fork));
	return 0;
}

int github_push(struct forge *f, const struct repo *r, const char *fork, const char *branch,
		const char *new, const char *old, bool forward, json_t **ret, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	bool whole = !strncmp(branch, "refs/", 5);
	autofree char *ref = xasprintf("%s%s", whole ? "" : "refs/heads/", branch);
	json_t *updates, *u;

	if (github_must_act(f->github, r, "a push", err) < 0)
		return -1;
	updates = json_array();
	u = json_object();
	json_put_str(u, "ref", ref);
	json_put_str(u, "new", new);
	json_put_str(u, "old", old);
	json_put_bool(u, "fast_forward", forward);
	json_array_append_new(updates, u);
	if (must_know(f, r, &gr, err) < 0 || (fork && fork_url(&gr, fork, err) < 0)) {
		json_decref(updates);
		return -1;
	}
	*ret = github_net(r, &gr, "push");
	json_put(*ret, "updates", updates);
	return 0;
}

/* Takes ctx. 1: it was added; 0: there is no such repository. */
static int add_base_fetch(struct github *g, const struct repo *r, json_t *ctx, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	autofree char *subject = xasprintf("repo:%lld", (long long)r->id);
	autojson json_t *x = ctx;
	json_t *p;
	int rc = github_repo_of(g->o.db, r->id, &gr, err);

	if (rc <= 0)
		return rc;
	json_put_int(x, "repo", r->id);
	p = fetch_request(r, &gr);
	json_put(p, "ctx", steal(&x));
	return github_effect(g, subject, "forge-fetch", p, err) < 0 ? -1 : 1;
}

int github_fetch_base(struct github *g, const struct repo *r, struct err *err)
{
	autofree char *subject = xasprintf("repo:%lld", (long long)r->id);
	int rc = github_waits(g, subject, "forge-fetch", err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return add_base_fetch(g, r, json_object(), err) < 0 ? -1 : 0;
}

int github_fetch_told(struct github *g, const struct repo *r, const char *oid, struct err *err)
{
	json_t *x = json_object();

	json_put_str(x, "want", oid);
	json_put_int(x, "told_ms", g->o.clock->wall_ms(g->o.clock));
	return add_base_fetch(g, r, x, err) < 0 ? -1 : 0;
}

/* Did the fetch bring what was told of, or is it known already? */
static bool brought(const struct repo *r, const json_t *result, const char *want)
{
	autofree char *ref = xasprintf("refs/heads/%s", r->base);
	const json_t *u;
	size_t i;

	json_array_foreach (json_object_get(result, "updated"), i, u)
		if (!strcmp(json_str(u, "ref", ""), ref))
			return !strcmp(json_str(u, "new", ""), want);
	return r->base_oid && !strcmp(r->base_oid, want);
}

int github_did_fetch_base(struct forge *f, const struct repo *r, const json_t *p, struct err *err)
{
	struct github *g = f->github;
	json_t *x = json_object_get(p, "ctx");
	const char *want = json_str(x, "want", NULL);
	int64_t now = f->clock->wall_ms(f->clock), age = now - json_int(x, "told_ms", 0);
	int rc;

	if (!want || !json_flag(p, "ok") || age < 0 || age >= LAG_MS ||
	    brought(r, json_object_get(p, "result"), want))
		return 0;
	rc = add_base_fetch(g, r, json_copy(x), err);
	return rc <= 0 ? rc : effect_wait(f->db, db_last_id(f->db), now, github_lag_wait(age), err);
}
