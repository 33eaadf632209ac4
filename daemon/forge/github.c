/* github.c - see github.h: effects become jobs, jobs send requests, answers become results. */
#include "forge/github.h"

#include "forge/github_job.h"
#include "forge/github_read.h"
#include "forge/github_rule.h"

#include <string.h>

static const struct {
	const char *kind;
	int (*begin)(struct job *j, struct err *err);
	bool reads; /* changes nothing there: also in shadow mode */
} acts[] = {
	{"forge-comment", github_act_comment, false},
	{"forge-label", github_act_label, false},
	{"forge-react", github_act_react, false},
	{"forge-pr-open", github_act_pr_open, false},
	{"forge-pr-update", github_act_pr_update, false},
	{"forge-pr-merged", github_act_pr_merged, false},
	{"forge-pr-retarget", github_act_pr_retarget, false},
	{"cand-head", github_act_pr_look, true},
	{"topic-merged", github_act_pr_look, true},
	{"cand-draft", github_act_draft, false},
	{"draft-close", github_act_draft_close, false},
	{"forge-pr-close", github_act_pr_close, false},
	{"forge-issue-close", github_act_issue_close, false},
	{"forge-check", github_act_check, false},
	{"forge-checks", github_act_checks, true},
	{"shadow-checks", github_act_checks, true},
	{"forge-sync", github_act_sync, true},
	{"forge-reviews", github_act_reviews, true},
	{"forge-look", github_act_look, true},
	{"forge-level", github_act_level, true},
	{"forge-member", github_act_member, true},
	{"forge-list", github_act_list, true},
};

struct github *github_new(const struct github_opts *o)
{
	struct github *g = xcalloc(1, sizeof(*g));

	g->o = *o;
	g->self = xstrdup(o->self);
	g->marker_key = xstrdup(o->marker_key);
	g->git = xstrdup(o->git);
	g->o.self = g->self;
	g->o.git = g->git;
	g->o.marker_key = g->marker_key;
	return g;
}

static void job_free(struct job *j)
{
	struct job **at = &j->g->jobs;

	while (*at && *at != j)
		at = &(*at)->following;
	if (*at)
		*at = j->following;
	gh_cancel(j->g->o.client, j->request);
	free(j->kind);
	free(j->suspect);
	json_decref(j->payload);
	json_decref(j->memo);
	json_decref(j->result);
	repo_release(&j->repo);
	github_repo_release(&j->remote);
	free(j);
}

void github_free(struct github *g)
{
	if (!g)
		return;
	while (g->jobs)
		job_free(g->jobs);
	github_missed_end(g);
	free(g->self);
	free(g->login);
	json_decref(g->app_ids);
	json_decref(g->told);
	free(g->git);
	free(g->marker_key);
	free(g);
}

struct gh *github_client(struct github *g)
{
	return g->o.client;
}

void github_set_self(struct github *g, const char *login)
{
	row_set(&g->self, login);
	g->o.self = g->self;
}

void github_set_login(struct github *g, const char *login)
{
	row_set(&g->login, login);
}

void github_url(const struct github *g, struct github_repo *gr)
{
	if (g->git)
		row_take(&gr->url, xasprintf("%s/%s.git", g->git, gr->full_name));
}

int64_t job_number(const struct job *j)
{
	return json_int(j->payload, "number", 0);
}

int64_t job_now(const struct job *j)
{
	return j->g->o.clock->wall_ms(j->g->o.clock);
}

int job_save_remote(struct job *j, struct err *err)
{
	cleanup(github_repo_release) struct github_repo now = {0};
	const struct github_repo *r = &j->remote;

	if (github_repo_of(j->g->o.db, j->repo.id, &now, err) < 0)
		return -1;
	row_set(&now.full_name, r->full_name);
	row_set(&now.url, r->url);
	row_set(&now.since, r->since);
	row_set(&now.comments_since, r->comments_since);
	row_set(&now.required, r->required);
	now.listed_ms = r->listed_ms;
	return github_repo_save(j->g->o.db, &now, err);
}

int job_save_installation(struct job *j, int64_t installation, struct err *err)
{
	cleanup(github_repo_release) struct github_repo now = {0};

	if (github_repo_of(j->g->o.db, j->repo.id, &now, err) < 0)
		return -1;
	now.installation = j->remote.installation = installation;
	return github_repo_save(j->g->o.db, &now, err);
}

struct forge job_forge(struct job *j)
{
	return (struct forge){&forge_github, j->g->o.db, j->g->o.clock, j->g};
}

int github_repo_of(struct db *db, int64_t repo, struct github_repo *ret, struct err *err)
{
	return github_repo_find(db, ST_GITHUB_OF, ret, err, "i", repo);
}

/* ---- answers ---- */

int job_check(struct job *j, const struct gh_answer *a, struct err *err)
{
	static const enum err_code codes[] = {
		[GH_REFUSED] = ERR_DENIED,        [GH_GONE] = ERR_NOT_FOUND,
		[GH_CONFLICT] = ERR_STATE,        [GH_RETRY] = ERR_UNAVAILABLE,
		[GH_UNKNOWN] = ERR_UNAVAILABLE,   [GH_SUPERSEDED] = ERR_UNAVAILABLE,
		[GH_NO_ACCESS] = ERR_UNAVAILABLE, [GH_BROKEN] = ERR_INPUT,
	};

	if (a->outcome == GH_OK || a->outcome == GH_UNCHANGED)
		return 0;
	j->not_before_ms = a->not_before_ms;
	free(j->suspect);
	j->suspect = github_suspect(a);
	return err_set(err, codes[a->outcome], "%s: %s: %s", j->remote.full_name, j->kind, a->text);
}

bool job_is_of(const struct job *j, const struct gh_answer *a, const json_t *o, int64_t number)
{
	/* Which of them it has, and whether the address ends with the number, goes by what it is. */
	static const struct {
		const char *key;
		bool numbered;
	} urls[] = {{"repository_url", false}, {"issue_url", true}, {"pull_request_url", true}};
	const json_t *repo = json_object_get(json_object_get(o, "base"), "repo");
	bool whole = json_object_get(o, "number") != NULL;

	if (whole && number && json_int(o, "number", 0) != number)
		return false;
	if (json_int(repo, "id", j->remote.remote) != j->remote.remote)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const char *url = json_str(o, urls[i].key, NULL);

		/* A PR has the address of its issue, too. */
		if (!a->followed && !gh_url_is_of(url, j->remote.full_name,
						  urls[i].numbered && !whole ? number : 0))
			return false;
	}
	return true;
}

int job_check_of(struct job *j, const struct gh_answer *a, int64_t number, struct err *err)
{
	if (job_check(j, a, err) < 0)
		return -1;
	if (job_is_of(j, a, a->body, number))
		return 0;
	return err_set(
		err, ERR_INPUT,
		"%s: %s: the answer is of another thing (%.200s, number %lld) than was asked "
		"for (number %lld)",
		j->remote.full_name, j->kind, json_str(a->body, "url", "no address"),
		(long long)json_int(a->body, "number", 0), (long long)number);
}

bool job_lags(const struct job *j)
{
	int64_t age = job_now(j) - j->asked_ms;

	return j->asked_ms && age >= 0 && age < LAG_MS;
}

bool job_lacks_push(const struct job *j, const struct gh_answer *a)
{
	static const char *const words[] = {"No commit found", "head is invalid", "Head sha",
					    "Head ref"};

	if (a->outcome != GH_CONFLICT || !job_lags(j))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(a->text, words[i]))
			return true;
	return false;
}

#define LAG_FIRST_MS 1000
#define LAG_LAST_MS  15000

int64_t github_lag_wait(int64_t age_ms)
{
	int64_t wait = age_ms / 2;

	return wait < LAG_FIRST_MS ? LAG_FIRST_MS : wait > LAG_LAST_MS ? LAG_LAST_MS : wait;
}

int job_again(struct job *j, struct err *err, const char *what)
{
	j->not_before_ms = job_now(j) + github_lag_wait(job_now(j) - j->asked_ms);
	return err_set(err, ERR_UNAVAILABLE, "%s#%lld: %s yet", j->remote.full_name,
		       (long long)job_number(j), what);
}

static void end(struct job *j, struct err *why)
{
	struct github *g = j->g;
	int64_t effect = j->effect, not_before = j->not_before_ms;
	json_t *result = steal(&j->result);

	if (why->code)
		github_suspected(j, why);
	if (why->code != ERR_UNAVAILABLE)
		not_before = 0;
	job_free(j);
	if (why->code) {
		json_decref(result);
		result = NULL;
	}
	g->o.done(g->o.arg, effect, result, why->code ? why : NULL, not_before);
}

/* One step, all of it or nothing. */
static int step(struct job *j, const struct gh_answer *a, struct err *err)
{
	struct db *db = j->g->o.db;
	int rc;

	if (db_savepoint(db, err) < 0)
		return -1;
	rc = j->next(j, a, err);
	if (rc < 0) {
		db_rollback_to(db);
		return -1;
	}
	return db_release(db, err) < 0 ? -1 : rc;
}

static void on_answer(void *arg, const struct gh_answer *a)
{
	struct job *j = arg;
	cleanup(err_release) struct err why = ERR_INIT;
	uint64_t was = j->request;
	int rc = step(j, a, &why);

	if (rc == JOB_MORE && j->request != was)
		return;
	if (rc == JOB_MORE)
		err_set(&why, ERR_INTERNAL, "%s: a step asked for nothing", j->kind);
	j->request = 0;
	end(j, &why);
}

int job_send(struct job *j, const char *method, char *path, json_t *body, unsigned flags,
	     const char *kind, job_fn next)
{
	autofree char *p = path;
	autojson json_t *b = body;

	j->next = next;
	j->request =
		gh_send(j->g->o.client, &(struct gh_req){.method = method,
							 .path = p,
							 .body = b,
							 .repository = j->remote.remote,
							 .installation = j->remote.installation,
							 .flags = flags,
							 .kind = kind,
							 .done = on_answer,
							 .arg = j});
	return JOB_MORE;
}

int job_get(struct job *j, char *path, unsigned flags, const char *kind, job_fn next)
{
	return job_send(j, "GET", path, NULL, flags, kind, next);
}

/* ---- effects ---- */

typedef int (*begin_fn)(struct job *j, struct err *err);

static begin_fn begin_of(const char *kind, bool *ret_reads)
{
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		if (strcmp(acts[i].kind, kind) != 0)
			continue;
		*ret_reads = acts[i].reads;
		return acts[i].begin;
	}
	return NULL;
}

/* The wall of shadow mode on this side: what is no read does not begin. */
int github_must_act(struct github *g, const struct repo *r, const char *what, struct err *err)
{
	if (!g || !g->o.shadow || !g->o.shadow(g->o.arg, r->id))
		return 0;
	return err_set(err, ERR_DENIED,
		       "%s: %s: the repository is in shadow mode, nothing is "
		       "written there",
		       r->name, what);
}

static int load(struct job *j, struct err *err)
{
	cleanup(effect_release) struct effect e = {0};
	int64_t repo = json_int(j->payload, "repo", 0);
	int rc = repo_get(j->g->o.db, repo, &j->repo, err);

	if (rc > 0)
		rc = github_repo_of(j->g->o.db, repo, &j->remote, err);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "repository %lld: not one of GitHub",
			       (long long)repo);
	if (rc < 0 || effect_get(j->g->o.db, j->effect, &e, err) < 0)
		return -1;
	j->tries = e.tries;
	j->asked_ms = e.at_ms;
	return 0;
}

static int begin(struct job *j, struct err *err)
{
	bool reads = false;
	begin_fn fn = begin_of(j->kind, &reads);

	if (!fn)
		return err_set(err, ERR_INTERNAL, "GitHub: effect '%s' is not known", j->kind);
	if (!reads && github_must_act(j->g, &j->repo, j->kind, err) < 0)
		return -1;
	return fn(j, err);
}

/* The installation is found first, once: everything is asked in its name. */
static void on_installation(void *arg, const struct gh_answer *a, int64_t installation)
{
	struct job *j = arg;
	cleanup(err_release) struct err why = ERR_INIT;
	int rc = a->outcome == GH_OK ? 0 : job_check(j, a, &why);

	if (rc == 0)
		rc = job_save_installation(j, installation, &why);
	if (rc == 0)
		rc = begin(j, &why);
	if (rc != JOB_MORE)
		end(j, &why);
}

static int github_act(struct forge *f, int64_t effect, const char *kind, const json_t *payload,
		      json_t **ret_result, struct err *err)
{
	struct github *g = f->github;
	struct job *j;
	int rc;

	if (!g)
		return err_set(err, ERR_UNAVAILABLE,
			       "GitHub: the daemon's configuration has no 'github'");
	j = xcalloc(1, sizeof(*j));
	j->g = g;
	j->following = g->jobs;
	g->jobs = j;
	j->effect = effect;
	j->kind = xstrdup(kind);
	j->payload = json_incref((json_t *)payload);
	j->memo = json_object();
	j->result = json_object();
	rc = load(j, err);
	/* A list asks for itself: what comes of it is what it is for. */
	if (rc == 0 && !j->remote.installation && gh_is_app(g->o.client) &&
	    strcmp(kind, "forge-list") != 0) {
		gh_installation(g->o.client, j->remote.full_name, on_installation, j);
		return FORGE_LATER;
	}
	if (rc == 0)
		rc = begin(j, err);
	if (rc == JOB_MORE)
		return FORGE_LATER;
	if (rc == 0)
		*ret_result = steal(&j->result);
	job_free(j);
	return rc < 0 ? -1 : FORGE_DONE;
}

static int github_permission(struct forge *f, int64_t repo, const char *user, enum forge_level *ret,
			     struct err *err)
{
	cleanup(github_level_release) struct github_level l = {0};
	int64_t age;
	int rc = github_level_find(f->db, ST_GITHUB_LEVEL, &l, err, "is", repo, user);

	if (rc < 0)
		return -1;
	age = f->clock->wall_ms(f->clock) - l.at_ms;
	if (age < 0) /* by a clock that was put back since: as if it had never been asked */
		age = INT64_MAX;
	*ret = rc && age < GITHUB_LEVEL_OLD_MS ? (enum forge_level)l.level : FORGE_NONE;
	return rc == 0 || age > GITHUB_LEVEL_MS ? FORGE_LATER : 0;
}

static int github_did(struct forge *f, const char *kind, const json_t *p, struct err *err)
{
	if (!strcmp(kind, "forge-fetch"))
		return github_did_fetch(f, p, err);
	if (!strcmp(kind, "forge-changed"))
		return github_did_changed(f, p, err);
	return 0;
}

const struct forge_ops forge_github = {
	.name = "github",
	.remote = true,
	.moves_head = true,
	.checks_tab = true,
	.has_checks = true,
	.required = github_required,
	.paused = github_paused,
	.rules = github_rules,
	.advice = github_rule_advice,
	.act = github_act,
	.permission = github_permission,
	.member = github_member,
	.push = github_push,
	.fetch = github_fetch,
	.did = github_did,
};
