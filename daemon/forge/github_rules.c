/*
 * github_rules.c - see forge.h: what the rules of the base branch demand, checks and reviews alike.
 *
 * Four sources, each replaced in github_repo.required when it says something new:
 *
 *   branch       everybody may read it: is the branch protected, and by which checks
 *   protection   the rest of that, for which the App needs 'administration: read'
 *   rules        of rulesets; `others`: [{type, ruleset}] those that only GitHub can judge (github_rule.h)
 *   rulesets     of these the rulesets, {ID: {bypass?: may we bypass it?}}
 *
 * One that is not for us to see (403, 404) is {"hidden": true}: the repository's configuration has to say
 * what is wanted. That is believed of `branch` and `rules` only as long as they were never seen: both are for
 * everybody who may read the repository, and what they demanded is not dropped for one odd answer. One that
 * failed for another reason fails the look, and what was known stays.
 */
#include "forge/github_job.h"

#include "base/strvec.h"
#include "forge/github_rule.h"

#include <string.h>

#define NAMES_MAX    200 /* of required checks */
#define OTHERS_MAX   50  /* of rules that only GitHub can judge */
#define RULESETS_MAX 20  /* of theirs that are asked for; nothing is known of more */

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
static int ask_if(struct job *j, bool seen, char *path, unsigned flags, job_fn next)
{
	return job_get(j, path, flags | GH_CONDITIONAL | (seen ? 0 : GH_AFRESH), "list", next);
}

static int ask(struct job *j, const char *source, char *path, unsigned flags, job_fn next)
{
	return ask_if(j, was_seen(j, source), path, flags, next);
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

/* Teams that have to review some of the files. GitHub's decision on the reviews has them in it. */
static void want_reviewers(json_t *v, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		want(v, "reviewers", json_int(o, "minimum_approvals", 0) > 0);
}

static bool lists(const json_t *list, const char *word)
{
	const json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		if (json_is_string(o) && !strcmp(json_string_value(o), word))
			return true;
	return false;
}

static const struct {
	const char *method, *key;
} methods[] = {{"merge", "no-merge"}, {"squash", "no-squash"}, {"rebase", "no-rebase"}};

/* Not said, or none: all are allowed. */
static void want_methods(json_t *v, const json_t *list)
{
	for (size_t i = 0; json_array_size(list) && i < ARRAY_LEN(methods); i++)
		want(v, methods[i].key, !lists(list, methods[i].method));
}

static void read_review_rule(json_t *v, const json_t *parameters)
{
	int64_t n = json_int(parameters, "required_approving_review_count", 0);

	if (n > json_int(v, "approvals", 0))
		json_put_int(v, "approvals", n);
	want(v, "code_owners", json_flag(parameters, "require_code_owner_review"));
	want(v, "last_push", json_flag(parameters, "require_last_push_approval"));
	want(v, "conversations", json_flag(parameters, "required_review_thread_resolution"));
	want_reviewers(v, json_object_get(parameters, "required_reviewers"));
	want_methods(v, json_object_get(parameters, "allowed_merge_methods"));
}

static void read_linear_rule(json_t *v, const json_t *parameters)
{
	(void)parameters;
	want(v, "no-merge", true);
}

/* What of the rules is read here; of the rest github_rule.h knows what becomes. */
static const struct {
	const char *type;
	void (*read)(json_t *v, const json_t *parameters);
} readers[] = {
	{"required_status_checks", read_checks_rule},
	{"pull_request", read_review_rule},
	{"required_linear_history", read_linear_rule},
};

static void add_other(json_t *v, const char *type, int64_t ruleset)
{
	json_t *others = json_object_get(v, "others"), *o;

	if (json_array_size(others) > OTHERS_MAX)
		return;
	o = json_object();
	/* One too many stands for all that follow: a kind that nobody knows, of a ruleset that is none, is held. */
	json_put_str(o, "type", json_array_size(others) < OTHERS_MAX ? type : "more");
	json_put_int(o, "ruleset", json_array_size(others) < OTHERS_MAX ? ruleset : 0);
	json_array_append_new(others, o);
}

static void read_rule(json_t *v, const json_t *rule)
{
	const char *type = json_str(rule, "type", "");
	enum github_rule_how how = github_rule_find(type)->how;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (!strcmp(readers[i].type, type))
			readers[i].read(v, json_object_get(rule, "parameters"));
	if (how == GITHUB_RULE_GITHUB || how == GITHUB_RULE_NEVER)
		add_other(v, type, json_int(rule, "ruleset_id", 0));
}

/* ---- who may bypass them ---- */

static char *ruleset_key(const json_t *other)
{
	return xasprintf("%lld", (long long)json_int(other, "ruleset", 0));
}

/* The first of memo.others whose ruleset is not in memo.rulesets, or NULL. */
static const json_t *next_other(const struct job *j)
{
	const json_t *rulesets = json_object_get(j->memo, "rulesets"), *o;
	size_t i;

	if (json_object_size(rulesets) >= RULESETS_MAX)
		return NULL;
	json_array_foreach (json_object_get(j->memo, "others"), i, o) {
		autofree char *key = ruleset_key(o);

		if (!json_object_get(rulesets, key))
			return o;
	}
	return NULL;
}

static int ask_ruleset(struct job *j, struct err *err);

/* What is not for us to see is not known, and stands in the way. */
static int did_ruleset(struct job *j, const struct gh_answer *a, struct err *err)
{
	autojson json_t *all = all_of(&j->remote);
	autofree char *key = ruleset_key(next_other(j));
	json_t *o;

	if (a->outcome == GH_UNCHANGED) {
		o = json_incref(json_object_get(json_object_get(all, "rulesets"), key));
	} else {
		if (a->outcome != GH_GONE && a->outcome != GH_REFUSED && job_check(j, a, err) < 0)
			return -1;
		o = json_object();
		if (a->outcome == GH_OK)
			json_put_str(o, "bypass",
				     json_str(a->body, "current_user_can_bypass", NULL));
	}
	json_put(json_object_get(j->memo, "rulesets"), key, o ? o : json_object());
	return ask_ruleset(j, err);
}

static int ask_ruleset(struct job *j, struct err *err)
{
	autojson json_t *all = all_of(&j->remote);
	const json_t *other = next_other(j), *was;
	autofree char *key = other ? ruleset_key(other) : NULL;

	if (!other)
		return keep(j, "rulesets", json_incref(json_object_get(j->memo, "rulesets")), err) <
				       0
			       ? -1
			       : done(j, err);
	was = json_object_get(json_object_get(all, "rulesets"), key);
	return ask_if(j, json_str(was, "bypass", NULL) != NULL,
		      gh_path("/repos/%r/rulesets/%d", j->remote.full_name,
			      json_int(other, "ruleset", 0)),
		      0, did_ruleset);
}

static int ask_rulesets_of(struct job *j, struct err *err)
{
	autojson json_t *all = all_of(&j->remote);
	json_t *others = json_object_get(json_object_get(all, "rules"), "others");

	json_put(j->memo, "others", others ? json_incref(others) : json_array());
	json_put(j->memo, "rulesets", json_object());
	return ask_ruleset(j, err);
}

static int did_rules(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	json_t *v;
	size_t i;
	int rc = a->outcome == GH_UNCHANGED ? 1 : hidden(j, "rules", a, err);

	if (rc != 0)
		return rc < 0 ? -1 : ask_rulesets_of(j, err);
	v = json_object();
	json_put(v, "checks", json_array());
	json_put(v, "others", json_array());
	json_array_foreach (a->body, i, o)
		read_rule(v, o);
	return keep(j, "rules", v, err) < 0 ? -1 : ask_rulesets_of(j, err);
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
	want(v, "no-merge", enabled(a->body, "required_linear_history"));
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

static const char *const sources[] = {"branch", "protection", "rules", "rulesets"};

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

/* The first of them that stands in the way of every landing. */
static char *held_by(const json_t *all)
{
	const json_t *rulesets = json_object_get(all, "rulesets"), *o;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(all, "rules"), "others"), i, o) {
		autofree char *key = ruleset_key(o);
		char *why =
			github_rule_holds(json_str(o, "type", ""), json_int(o, "ruleset", 0),
					  json_str(json_object_get(rulesets, key), "bypass", NULL));

		if (why)
			return why;
	}
	return NULL;
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
		ret->reviewers |= json_flag(o, "reviewers");
		for (size_t m = 0; m < ARRAY_LEN(methods); m++)
			if (json_flag(o, methods[m].key) &&
			    !strvec_has(&ret->no_methods, methods[m].method))
				strvec_push(&ret->no_methods, methods[m].method);
	}
	ret->held = held_by(all);
	if (!all_known(all))
		ret->unknown = xstrdup(gr.problem ? gr.problem : "GitHub is being asked");
	else if (gr.problem)
		ret->unread = xstrdup(gr.problem);
	return 0;
}
