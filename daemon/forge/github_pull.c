/* github_pull.c - see github.h: a PR's objects and files, its row, and what is told of it. */
#include "forge/github_job.h"
#include "forge/github_read.h"

#include <string.h>

static int64_t now_of(struct github *g)
{
	return g->o.clock->wall_ms(g->o.clock);
}

static int tell(struct github *g, const struct repo *r, const struct pr *p, const char *kind,
		json_t *payload, struct err *err)
{
	/* The row has been compared and is written with it: each of these happens once. */
	return github_tell(g,
			   xasprintf("gh-%s:%lld:%lld:%s:%lld", kind, (long long)r->id,
				     (long long)p->number, p->head, (long long)now_of(g)),
			   kind, payload, err);
}

static int tell_head(struct github *g, const struct repo *r, const struct pr *p, const char *old,
		     struct err *err)
{
	json_t *o = github_payload(r, p->number, p->author);

	json_put_str(o, "head", p->head);
	if (!old)
		return tell(g, r, p, "pr-opened", o, err);
	json_put_str(o, "old", old);
	return tell(g, r, p, "pr-updated", o, err);
}

#define RESTORED_MS                                                                                \
	((int64_t)5 * 60 * 1000) /* an answer of before the restoration may still come */

int github_pull_head(struct github *g, const struct repo *r, struct pr *p, struct err *err)
{
	cleanup(landing_release) struct landing l = {0};
	int rc = landing_find(g->o.db, ST_LANDING_HEAD, &l, err, "iisi", r->id, p->number, p->head,
			      now_of(g) - RESTORED_MS);

	if (rc > 0 && l.head)
		row_set(&p->head, l.head);
	return rc < 0 ? -1 : 0;
}

/* What only the ledger knows stays. */
static void keep(struct pr *p, struct pr *was)
{
	p->id = was->id;
	p->held = was->held;
	row_set(&p->held_by, was->held_by);
	row_set(&p->held_reason, was->held_reason);
	p->task = was->task;
	p->review = was->review;
	p->head_ms = was->head_ms;
	row_set(&p->known_head, was->known_head);
	p->learn_tries = was->learn_tries;
	row_set(&p->learn_why, was->learn_why);
	row_set(&p->landed_base, was->landed_base);
	row_set(&p->verdict, was->verdict);
	if (p->modify < 0)
		p->modify = was->modify;
	if (was->landed)
		row_set(&p->landed, was->landed);
	if (!p->merged_by)
		row_set(&p->merged_by, was->merged_by);
	/* Landed by us: the forge may not have noticed yet. */
	if (!strcmp(was->state, "merged"))
		row_set(&p->state, "merged");
}

static int insert(struct github *g, const struct repo *r, struct pr *p, struct err *err)
{
	p->head_ms = now_of(g);
	p->modify = p->modify > 0;
	if (pr_insert(g->o.db, p, err) < 0)
		return -1;
	return strcmp(p->state, "open") ? 0 : tell_head(g, r, p, NULL, err);
}

static int changed(struct github *g, const struct repo *r, struct pr *p, struct pr *was,
		   struct err *err)
{
	bool moved = strcmp(was->head, p->head) != 0;
	bool open = !strcmp(p->state, "open"), was_open = !strcmp(was->state, "open");
	bool text = strcmp(was->body, p->body) || strcmp(was->title, p->title) ||
		    strcmp(was->base, p->base);

	keep(p, was);
	open = open && !strcmp(p->state, "open");
	if (moved)
		p->head_ms = now_of(g);
	if (pr_save(g->o.db, p, err) < 0)
		return -1;
	if (was_open && !open && strcmp(was->state, p->state) != 0)
		return tell(g, r, p, "pr-closed", github_payload(r, p->number, p->author), err);
	if (open && moved)
		return tell_head(g, r, p, was->head, err);
	/* Opened again, or its text may name other PRs: everything of it is learned anew. */
	return open && (!was_open || text) ? tell_head(g, r, p, NULL, err) : 0;
}

int github_pull_store(struct github *g, const struct repo *r, struct pr *p, const char *files,
		      int64_t task, struct err *err)
{
	cleanup(pr_release) struct pr was = {0};
	int rc = pr_find(g->o.db, ST_PR_BY_NUMBER, &was, err, "ii", r->id, p->number);

	if (rc < 0 || github_pull_head(g, r, p, err) < 0)
		return -1;
	p->repo = r->id;
	row_set(&p->files, files);
	if (rc == 0) {
		p->task = task;
		return insert(g, r, p, err);
	}
	return changed(g, r, p, &was, err);
}

int github_pull_labels(struct github *g, const struct repo *r, int64_t number, const json_t *pull,
		       struct err *err)
{
	cleanup(strvec_release) struct strvec now = STRVEC_INIT;
	cleanup(label_list_release) struct label_list was = {0};

	gh_read_labels(pull, &now);
	if (label_all(g->o.db, ST_LABEL_OF, &was, err, "ii", r->id, number) < 0)
		return -1;
	for (size_t i = 0; i < was.n; i++)
		if (!strvec_has(&now, was.v[i].name) &&
		    db_run(g->o.db, ST_LABEL_CLEAR, err, "iis", r->id, number, was.v[i].name) < 0)
			return -1;
	strvec_foreach (&now, name) {
		if (db_run(g->o.db, ST_LABEL_SET, err, "iissi", r->id, number, *name, "somebody",
			   now_of(g)) < 0)
			return -1;
	}
	return 0;
}

/* ---- its objects, then its files ---- */

static int open_repo(struct forge *f, const json_t *x, struct repo *r, struct github_repo *gr,
		     struct err *err)
{
	int64_t id = json_int(x, "repo", 0);
	int rc = repo_get(f->db, id, r, err);

	if (rc > 0)
		rc = github_repo_of(f->db, id, gr, err);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "repository %lld: not one of GitHub",
			       (long long)id);
	return rc < 0 ? -1 : 0;
}

static char *sync_subject(int64_t repo, int64_t number)
{
	return xasprintf("sync:%lld:%lld", (long long)repo, (long long)number);
}

static char *heads_subject(int64_t repo)
{
	return xasprintf("heads:%lld", (long long)repo);
}

/* Takes x, which has the numbers: of one PR, or as {pulls}. */
static int add_fetch(struct github *g, const struct repo *r, const struct github_repo *gr,
		     const char *subject, json_t *x, struct err *err)
{
	json_t *p = github_net(r, gr, "fetch"), *refs = json_array();
	const json_t *one, *pulls = json_object_get(x, "pulls");
	size_t n = pulls ? json_array_size(pulls) : 1;

	for (size_t i = 0; i < n; i++) {
		one = pulls ? json_array_get(pulls, i) : x;
		json_array_append_new(refs, json_sprintf("+refs/pull/%lld/head:refs/pull/%lld/head",
							 (long long)json_int(one, "number", 0),
							 (long long)json_int(one, "number", 0)));
	}
	json_put(p, "refs", refs);
	json_put(p, "ctx", x);
	return github_effect(g, subject, "forge-fetch", p, err);
}

int github_pull_fetch(struct github *g, const struct repo *r, const struct github_repo *gr,
		      json_t *x, struct err *err)
{
	autofree char *subject = sync_subject(r->id, json_int(x, "number", 0));

	return add_fetch(g, r, gr, subject, x, err);
}

/* Those from *from on that go together; *from is behind them afterwards. */
static json_t *next_batch(const json_t *list, size_t *from, size_t most)
{
	json_t *batch = json_array(), *x;
	size_t bytes = 0;

	for (; *from < json_array_size(list) && json_array_size(batch) < most; ++*from) {
		autofree char *text = NULL;

		x = json_array_get(list, *from);
		text = json_text(x);
		bytes += strlen(text);
		if (bytes > PULLS_BYTES && json_array_size(batch))
			break;
		json_array_append_new(batch, json_incref(x));
	}
	return batch;
}

/* `most` at once. */
static int fetch_in_batches(struct github *g, const struct repo *r, const struct github_repo *gr,
			    const json_t *list, size_t most, struct err *err)
{
	autofree char *subject = heads_subject(r->id);

	for (size_t from = 0; from < json_array_size(list);) {
		json_t *x = json_object(), *batch = next_batch(list, &from, most);

		json_put_int(x, "repo", r->id);
		/* What it says about one PR says nothing about the repository. */
		if (json_array_size(batch) == 1)
			json_put_int(x, "number", json_int(json_array_get(batch, 0), "number", 0));
		json_put(x, "pulls", batch);
		if (add_fetch(g, r, gr, subject, x, err) < 0)
			return -1;
	}
	return 0;
}

int github_pull_fetch_many(struct github *g, const struct repo *r, const struct github_repo *gr,
			   json_t *list, struct err *err)
{
	autojson json_t *all = list;

	return fetch_in_batches(g, r, gr, all, PULLS_AT_ONCE, err);
}

int github_pulls_fetching(struct github *g, int64_t repo, struct err *err)
{
	autofree char *subject = heads_subject(repo);
	int64_t open = 0;

	return db_int(g->o.db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0 ? -1 : open > 0;
}

/* What the fetch brought for this ref, or NULL. */
static const char *fetched(const json_t *p, const char *ref)
{
	const json_t *u;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(p, "result"), "updated"), i, u) {
		if (!strcmp(json_str(u, "ref", ""), ref))
			return json_str(u, "new", NULL);
	}
	return NULL;
}

/* Its objects are there: its files are next. x: of github_pull_fetch(). */
static int ask_changed(struct forge *f, const struct repo *r, const json_t *p, const json_t *x,
		       struct err *err)
{
	const json_t *pull = json_object_get(x, "pull");
	int64_t number = json_int(x, "number", 0);
	autofree char *ref = xasprintf("refs/pull/%lld/head", (long long)number);
	autofree char *subject = sync_subject(r->id, number), *key = NULL;
	autojson json_t *q = json_object();
	const char *head = fetched(p, ref);
	json_t *ctx = json_copy((json_t *)x);

	if (!json_object_get(ctx, "asked_ms"))
		json_put_int(ctx, "asked_ms", now_of(f->github));
	/* A push may have come between the two: what Git brought is what there is. */
	json_put_str(ctx, "head", head ? head : json_str(json_object_get(pull, "head"), "sha", ""));
	json_put_str(q, "op", "changed");
	json_put_str(q, "repo", r->path);
	json_put_str(q, "base", r->base_oid);
	json_put_str(q, "head", json_str(ctx, "head", ""));
	json_put(q, "ctx", ctx);
	key = xasprintf("changed:%s:%s:%lld", subject, json_str(ctx, "head", ""),
			(long long)now_of(f->github));
	return effect_add(f->db, key, subject, "forge-changed", q, now_of(f->github), err) < 0 ? -1
											       : 0;
}

/* 1: nothing has become known of it since the list was read, nor is about to; 0 something has. */
static int is_as_it_was(struct forge *f, const struct repo *r, const json_t *x, struct err *err)
{
	cleanup(pr_release) struct pr now = {0};
	const char *was = json_str(x, "was", NULL);
	int64_t number = json_int(x, "number", 0), open = 0;
	autofree char *subject = sync_subject(r->id, number);
	int rc = pr_find(f->db, ST_PR_BY_NUMBER, &now, err, "ii", r->id, number);

	if (rc < 0 || db_int(f->db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	return !open && (rc == 0 ? !was : was && !strcmp(was, now.head));
}

static int did_fetch_many(struct forge *f, const struct repo *r, const json_t *p,
			  const json_t *pulls, struct err *err)
{
	const json_t *x;
	size_t i;

	json_array_foreach (pulls, i, x) {
		int rc = is_as_it_was(f, r, x, err);

		if (rc < 0 || (rc && ask_changed(f, r, p, x, err) < 0))
			return -1;
	}
	return 0;
}

/* One of them may be what keeps the rest from coming; who is away or refuses us does so for all. */
static int split(struct forge *f, const struct repo *r, const struct github_repo *gr,
		 const json_t *p, const json_t *pulls, struct err *err)
{
	const json_t *e = json_object_get(p, "error");
	enum err_code code = err_code_from_name(json_str(e, "code", NULL));
	size_t n = json_array_size(pulls);

	if (code != ERR_CORRUPT && code != ERR_LIMIT && code != ERR_INPUT)
		return 0;
	if (n < 2)
		return err_set(err, ERR_STATE, "PR #%lld of %s: its head could not be fetched: %s",
			       (long long)json_int(json_array_get(pulls, 0), "number", 0), r->name,
			       json_str(e, "text", "no reason"));
	return fetch_in_batches(f->github, r, gr, pulls, (n + 1) / 2, err);
}

int github_did_fetch(struct forge *f, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(github_repo_release) struct github_repo gr = {0};
	const json_t *x = json_object_get(p, "ctx"), *pulls = json_object_get(x, "pulls");
	bool ok = json_flag(p, "ok");

	/* What failed is asked for again by the next list that is another one. */
	if (!pulls && !ok)
		return 0;
	if (open_repo(f, x, &r, &gr, err) < 0)
		return -1;
	if (!pulls && !json_object_get(x, "pull")) /* of the base: repo-base reads it */
		return github_did_fetch_base(f, &r, p, err);
	if (!pulls)
		return ask_changed(f, &r, p, x, err);
	return ok ? did_fetch_many(f, &r, p, pulls, err) : split(f, &r, &gr, p, pulls, err);
}

/* Its objects are not there. Git may be behind the API, which told of the head: fetched again a little later (1), or 0. */
static int fetch_again(struct forge *f, const struct repo *r, const struct github_repo *gr,
		       const json_t *x, struct err *err)
{
	int64_t now = now_of(f->github), age = now - json_int(x, "asked_ms", now - LAG_MS);

	if (age < 0 || age >= LAG_MS)
		return 0;
	if (github_pull_fetch(f->github, r, gr, json_copy((json_t *)x), err) < 0 ||
	    effect_wait(f->db, db_last_id(f->db), now, github_lag_wait(age), err) < 0)
		return -1;
	return 1;
}

int github_did_changed(struct forge *f, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(github_repo_release) struct github_repo gr = {0};
	cleanup(pr_release) struct pr now = {0};
	cleanup(pr_release) struct pr was = {0};
	const json_t *x = json_object_get(p, "ctx");
	autojson json_t *paths = forge_changed_paths(json_object_get(p, "result"));
	autofree char *files = json_text(paths);
	int rc;

	if (open_repo(f, x, &r, &gr, err) < 0 ||
	    gh_read_pull(json_object_get(x, "pull"), gr.full_name, &now, err) < 0)
		return -1;
	rc = json_flag(p, "ok") ? 0 : fetch_again(f, &r, &gr, x, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	/* Still not (an empty base, a broken fetch): nobody hears of this head. */
	if (!json_flag(p, "ok"))
		return err_set(err, ERR_STATE, "PR #%lld of %s: its changes could not be read: %s",
			       (long long)now.number, r.name,
			       json_str(json_object_get(p, "error"), "text", "no reason"));
	row_set(&now.head, json_str(x, "head", now.head));
	rc = pr_find(f->db, ST_PR_BY_NUMBER, &was, err, "ii", r.id, now.number);
	if (rc < 0 || github_pull_store(f->github, &r, &now, files, was.task, err) < 0 ||
	    github_pull_labels(f->github, &r, now.number, json_object_get(x, "pull"), err) < 0 ||
	    github_tell_then(f->github, json_object_get(x, "then"), err) < 0)
		return -1;
	if (strcmp(now.state, "open") != 0)
		return 0;
	/* Its reviews may be of this head already, and what GitHub makes of them is another one now. Whether we may
	 * push to a fork a list does not say. */
	return now.head_repo && now.modify < 0 ? github_sync(f->github, r.id, now.number, NULL, err)
					       : github_reviews(f->github, r.id, now.number, err);
}
