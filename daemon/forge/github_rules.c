/*
 * github_rules.c - see forge.h: what the rules of the base branch demand, checks and reviews alike.
 *
 * Three sources, each replaced in github_repo.required when it says something new:
 *
 *   branch       everybody may read it: is the branch protected, and by which checks
 *   protection   the rest of that, for which the App needs 'administration: read'
 *   rules        of rulesets
 *
 * One that is not for us to see (403, 404) is {"hidden": true}: the repository's configuration has to say
 * what is wanted. That is believed of `branch` and `rules` only as long as they were never seen: both are for
 * everybody who may read the repository, and what they demanded is not dropped for one odd answer. One that
 * failed for another reason fails the look, and what was known stays.
 */
#include "forge/github_job.h"

#include "base/strvec.h"

#include <string.h>

#define NAMES_MAX 200 /* of required checks */

static json_t *all_of(const struct github_repo *gr)
{
	json_t *o = NULL;

	if (!gr->required || json_parse(gr->required, strlen(gr->required), SIZE_MAX, &o, NULL) < 0)
		return json_object();
	return o;
}

/* Has it said something, and that is kept? */
static bool was_seen(const struct job *j, const char *source)
{
	autojson json_t *all = all_of(&j->remote);
	const json_t *o = json_object_get(all, source);

	return json_object_size(o) && !json_flag(o, "hidden");
}

/* Takes value. */
static int keep(struct job *j, const char *source, json_t *value, struct err *err)
{
	autojson json_t *all = all_of(&j->remote), *v = value;

	if (json_equal(json_object_get(all, source), v))
		return 0;
	json_put(all, source, json_incref(v));
	row_take(&j->remote.required, json_text(all));
	return job_save_remote(j, err);
}

/* 1: it is not for us to see, and that is kept; 0: a->body is there; -1. */
static int hidden(struct job *j, const char *source, const struct gh_answer *a, struct err *err)
{
	json_t *v;

	if ((a->outcome != GH_GONE && a->outcome != GH_REFUSED) ||
	    (strcmp(source, "protection") != 0 && was_seen(j, source)))
		return job_check(j, a, err);
	v = json_object();
	json_put_bool(v, "hidden", true);
	return keep(j, source, v, err) < 0 ? -1 : 1;
}

/* Unchanged counts only for what was kept: a look that failed after its answer is made again, and what was
 * hidden, or off, meanwhile may be the very same as before. */
static int ask(struct job *j, const char *source, char *path, unsigned flags, job_fn next)
{
	return job_get(j, path, flags | GH_CONDITIONAL | (was_seen(j, source) ? 0 : GH_AFRESH),
		       "list", next);
}

static void add_check(json_t *checks, const char *name, int64_t app)
{
	json_t *o;

	if (!name || !*name || json_array_size(checks) >= NAMES_MAX)
		return;
	o = json_object();
	json_put_str(o, "name", name);
	if (app > 0) /* -1: whichever */
		json_put_int(o, "app", app);
	json_array_append_new(checks, o);
}

/* ---- rulesets ---- */

static int done(struct job *j, struct err *err)
{
	int rc;

	if (job_save_remote(j, err) < 0 || github_readable(j, err) < 0 ||
	    github_look_at_queue(j->g, &j->repo, err) < 0)
		return -1;
	rc = github_ask_threads(j, err);
	return rc == JOB_DONE ? github_ask_left(j, err) : rc;
}

static void read_checks_rule(json_t *v, const json_t *parameters)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(parameters, "required_status_checks"), i, o)
		add_check(json_object_get(v, "checks"), json_str(o, "context", NULL),
			  json_int(o, "integration_id", 0));
}

static void want(json_t *v, const char *key, bool wanted)
{
	if (wanted)
		json_put_bool(v, key, true);
}

static void read_review_rule(json_t *v, const json_t *parameters)
{
	int64_t n = json_int(parameters, "required_approving_review_count", 0);

	if (n > json_int(v, "approvals", 0))
		json_put_int(v, "approvals", n);
	want(v, "code_owners", json_flag(parameters, "require_code_owner_review"));
	want(v, "last_push", json_flag(parameters, "require_last_push_approval"));
	want(v, "conversations", json_flag(parameters, "required_review_thread_resolution"));
}

static int did_rules(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	json_t *v;
	size_t i;
	int rc = a->outcome == GH_UNCHANGED ? 1 : hidden(j, "rules", a, err);

	if (rc != 0)
		return rc < 0 ? -1 : done(j, err);
	v = json_object();
	json_put(v, "checks", json_array());
	json_array_foreach (a->body, i, o) {
		const char *type = json_str(o, "type", "");
		const json_t *parameters = json_object_get(o, "parameters");

		if (!strcmp(type, "required_status_checks"))
			read_checks_rule(v, parameters);
		else if (!strcmp(type, "pull_request"))
			read_review_rule(v, parameters);
	}
	return keep(j, "rules", v, err) < 0 ? -1 : done(j, err);
}

static int ask_rulesets(struct job *j)
{
	return ask(j, "rules",
		   gh_path("/repos/%r/rules/branches/%s?per_page=100", j->remote.full_name,
			   j->repo.base),
		   GH_ALL_PAGES, did_rules);
}

/* ---- branch protection ---- */

static bool enabled(const json_t *p, const char *key)
{
	return json_flag(json_object_get(p, key), "enabled");
}

static int did_protection(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *r;
	json_t *v;
	int rc = a->outcome == GH_UNCHANGED ? 1 : hidden(j, "protection", a, err);

	if (rc != 0)
		return rc < 0 ? -1 : ask_rulesets(j);
	r = json_object_get(a->body, "required_pull_request_reviews");
	v = json_object();
	if (r)
		json_put_int(v, "approvals", json_int(r, "required_approving_review_count", 0));
	want(v, "code_owners", json_flag(r, "require_code_owner_reviews"));
	want(v, "last_push", json_flag(r, "require_last_push_approval"));
	want(v, "conversations", enabled(a->body, "required_conversation_resolution"));
	return keep(j, "protection", v, err) < 0 ? -1 : ask_rulesets(j);
}

static int ask_protection(struct job *j, struct err *err)
{
	autojson json_t *all = all_of(&j->remote);

	if (!json_flag(json_object_get(all, "branch"), "protected"))
		return keep(j, "protection", json_object(), err) < 0 ? -1 : ask_rulesets(j);
	return ask(j, "protection",
		   gh_path("/repos/%r/branches/%s/protection", j->remote.full_name, j->repo.base),
		   0, did_protection);
}

/* Newer hosts say which App a check has to come from; older ones have the names alone. */
static void read_contexts(json_t *v, const json_t *required)
{
	const json_t *list = json_object_get(required, "checks"), *o;
	size_t i;

	if (!strcmp(json_str(required, "enforcement_level", ""), "off"))
		return;
	if (!json_array_size(list))
		list = json_object_get(required, "contexts");
	json_array_foreach (list, i, o) {
		const char *name =
			json_is_string(o) ? json_string_value(o) : json_str(o, "context", NULL);

		add_check(json_object_get(v, "checks"), name, json_int(o, "app_id", 0));
	}
}

static int did_branch(struct job *j, const struct gh_answer *a, struct err *err)
{
	json_t *v;
	int rc = a->outcome == GH_UNCHANGED ? 1 : hidden(j, "branch", a, err);

	if (rc != 0)
		return rc < 0 ? -1 : ask_protection(j, err);
	v = json_object();
	json_put(v, "checks", json_array());
	json_put_bool(v, "protected", json_flag(a->body, "protected"));
	read_contexts(v, json_object_get(json_object_get(a->body, "protection"),
					 "required_status_checks"));
	return keep(j, "branch", v, err) < 0 ? -1 : ask_protection(j, err);
}

int github_ask_rules(struct job *j)
{
	return ask(j, "branch", gh_path("/repos/%r/branches/%s", j->remote.full_name, j->repo.base),
		   0, did_branch);
}

/* ---- what they say ---- */

static const char *const sources[] = {"branch", "protection", "rules"};

static bool all_known(const json_t *all)
{
	for (size_t k = 0; k < ARRAY_LEN(sources); k++)
		if (!json_is_object(json_object_get(all, sources[k])))
			return false;
	return true;
}

int github_required(struct forge *f, const struct repo *r, struct strvec *ret, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	autojson json_t *all = NULL;

	if (github_repo_of(f->db, r->id, &gr, err) < 0)
		return -1;
	all = all_of(&gr);
	for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
		const json_t *o;
		size_t i;

		json_array_foreach (json_object_get(json_object_get(all, sources[k]), "checks"), i,
				    o) {
			const char *name = json_str(o, "name", "");
			int64_t app = json_int(o, "app", 0);
			autofree char *wanted =
				app ? xasprintf("%s\n%lld", name, (long long)app) : xstrdup(name);

			if (!strvec_has(ret, wanted))
				strvec_push(ret, wanted);
		}
	}
	return all_known(all);
}

int github_rules(struct forge *f, const struct repo *r, struct forge_rules *ret, struct err *err)
{
	cleanup(github_repo_release) struct github_repo gr = {0};
	autojson json_t *all = NULL;

	if (github_repo_of(f->db, r->id, &gr, err) < 0)
		return -1;
	all = all_of(&gr);
	for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
		const json_t *o = json_object_get(all, sources[k]);
		int64_t n = json_int(o, "approvals", 0);

		ret->approvals = n > ret->approvals ? n : ret->approvals;
		ret->code_owners |= json_flag(o, "code_owners");
		ret->last_push |= json_flag(o, "last_push");
		ret->conversations |= json_flag(o, "conversations");
	}
	if (!all_known(all))
		ret->unknown = xstrdup(gr.problem ? gr.problem : "GitHub is being asked");
	else if (gr.problem)
		ret->unread = xstrdup(gr.problem);
	return 0;
}
