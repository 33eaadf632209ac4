/* github_doctor.c - see github_doctor.h: the questions, one after the other */
#include "forge/github_doctor.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/strvec.h"
#include "forge/forge.h"
#include "forge/github_app.h"
#include "forge/github_doctor_part.h"

#include <string.h>

#define RAW             "application/vnd.github.raw+json"
#define WORKFLOWS_MAX   50
#define RULES_MAX       100
#define DELIVERIES_SEEN 30

/* What is asked about the whole, then what is asked about each repository. */
typedef void (*judge_fn)(struct github_doctor *d, const struct gh_answer *a);
struct question {
	char *(*path)(const struct github_doctor *d);
	judge_fn judge;
	bool installation; /* asked as the installation; else as the App itself */
	bool app_only;
	unsigned flags; /* GH_TEXT: the file's bytes are the answer */
	bool lands;     /* about a landing: not asked in shadow mode, where there is none */
};

struct github_doctor {
	struct github_doctor_opts o;
	struct github_doctor_repo *repos;
	json_t *rows;
	char *slug;          /* of the App, when it is known */
	json_t *permissions; /* the App's */
	uint64_t request;
	size_t repo; /* the one that is asked about */
	size_t next; /* question */
	bool of_repos;
	bool has_hook;
	json_t *rules;          /* on the base */
	size_t rule;            /* the one whose ruleset is asked for */
	struct strvec required; /* checks on the base, but for our own */
	json_t *workflows;      /* the files, and the one that is read */
	size_t workflow;
	bool runs;         /* one of them runs on candidates */
	struct buf unread; /* those that could not be judged */
	int faults;        /* of this repository's rules */
	bool blind;        /* something about them could not be asked */
	bool wants_signed; /* it requires signatures */
};

static void ask(struct github_doctor *d);

static const struct github_doctor_repo *repo_of(const struct github_doctor *d)
{
	return &d->repos[d->repo];
}

static struct doctor_rules rules_of(struct github_doctor *d)
{
	return (struct doctor_rules){repo_of(d), d->slug, d->o.signs, &d->required,
				     &d->wants_signed};
}

/* --- the App -------------------------------------------------------------------------------------- */

static char *path_self(const struct github_doctor *d)
{
	return xstrdup(d->o.token ? "/user" : "/app");
}

/* Is there nothing that is ever written to? */
static bool only_watches(const struct github_doctor *d)
{
	for (size_t i = 0; i < d->o.n; i++)
		if (!d->repos[i].shadow)
			return false;
	return d->o.shadow || d->o.n;
}

static void on_self(struct github_doctor *d, const struct gh_answer *a)
{
	const char *slug = json_str(a->body, "slug", NULL);

	if (a->outcome == GH_RETRY && !a->status) {
		doctor_row(
			d->rows, NULL, "GitHub credentials", false,
			"see that 'github.api' can be reached from here ('github.proxy'; "
			"'github.ca-file' for a certificate of a private authority); it is tried "
			"again by itself",
			"%s", a->text);
		return;
	}
	if (a->outcome != GH_OK) {
		doctor_row(d->rows, NULL, "GitHub credentials", false,
			   d->o.token
				   ? "make a new token and put it where 'token' says"
				   : "check 'app' and 'key' against the App's page, which has its "
				     "client id and makes new keys; start the daemon again",
			   "%s", a->text);
		return;
	}
	doctor_row(d->rows, NULL, "GitHub credentials", true, NULL, "accepted; we are %s",
		   slug ? slug : json_str(a->body, "login", "?"));
	if (d->o.token)
		return;
	d->slug = xstrdup(slug);
	d->permissions = json_incref(json_object_get(a->body, "permissions"));
	doctor_permissions(d->permissions, only_watches(d), d->rows);
	doctor_events(json_object_get(a->body, "events"), d->o.listens || d->o.channel, d->rows);
}

/* --- its webhook ---------------------------------------------------------------------------------- */

static char *path_hook(const struct github_doctor *d)
{
	(void)d;
	return xstrdup("/app/hook/config");
}

static void on_hook(struct github_doctor *d, const struct gh_answer *a)
{
	d->has_hook = a->outcome == GH_OK && *json_str(a->body, "url", "");
	if (a->outcome == GH_OK || a->outcome == GH_GONE)
		doctor_hook(a->body, d->o.listens, d->o.channel, d->rows);
	else
		doctor_row(d->rows, NULL, "GitHub webhook", false, "try again; see the rows above",
			   "could not be asked for: %s", a->text);
}

static char *path_deliveries(const struct github_doctor *d)
{
	return d->has_hook ? gh_path("/app/hook/deliveries?per_page=%d", (int64_t)DELIVERIES_SEEN)
			   : NULL;
}

static void on_deliveries(struct github_doctor *d, const struct gh_answer *a)
{
	if (a->outcome == GH_OK)
		doctor_deliveries(a->body, d->rows);
	else
		doctor_row(d->rows, NULL, "GitHub deliveries", false, "try again", "not asked: %s",
			   a->text);
}

/* --- a repository --------------------------------------------------------------------------------- */

static char *path_installation(const struct github_doctor *d)
{
	return gh_path("/repos/%r/installation", repo_of(d)->full_name);
}

static void on_installation(struct github_doctor *d, const struct gh_answer *a)
{
	static const char check[] = "installation";
	const struct github_doctor_repo *r = repo_of(d);
	autofree char *missing = NULL;

	if (a->outcome != GH_OK) {
		doctor_row(d->rows, r->full_name, check, false,
			   a->outcome == GH_GONE ? "install the App on it, on the App's page, "
						   "'Install App'"
						 : "see the rows above",
			   "%s",
			   a->outcome == GH_GONE ? "the App is not installed there" : a->text);
		return;
	}
	/* While nothing can be done there the ledger has forgotten its number. */
	d->repos[d->repo].installation = json_int(a->body, "id", r->installation);
	missing = github_missing_permissions(json_object_get(a->body, "permissions"), r->shadow);
	if (json_str(a->body, "suspended_at", NULL))
		doctor_row(d->rows, r->full_name, check, false,
			   "let an owner of the account take the suspension back",
			   "suspended since %s", json_str(a->body, "suspended_at", ""));
	else if (missing)
		doctor_row(d->rows, r->full_name, check, false,
			   "accept the App's new permissions in the settings of the account, "
			   "'Installed GitHub Apps'",
			   "%s", missing);
	else
		doctor_row(d->rows, r->full_name, check, !r->problem, "see the rows above", "%s",
			   r->problem  ? r->problem
			   : r->shadow ? "the App is installed; in shadow mode, nothing is written "
					 "there"
				       : "the App is installed");
}

static char *path_repo(const struct github_doctor *d)
{
	return gh_path("/repos/%r", repo_of(d)->full_name);
}

static void on_repo(struct github_doctor *d, const struct gh_answer *a)
{
	const char *name = repo_of(d)->full_name;
	const json_t *may = json_object_get(a->body, "permissions");
	bool enough = !d->o.token || json_flag(may, "push") || repo_of(d)->shadow;

	if (a->outcome != GH_OK)
		doctor_row(d->rows, name, "repository", false,
			   "is it there, and may these credentials see it?", "%s", a->text);
	else if (json_flag(a->body, "archived"))
		doctor_row(d->rows, name, "repository", false, "unarchive it", "it is archived");
	else
		doctor_row(d->rows, name, "repository", enough,
			   "give the token's account write access",
			   enough ? "is there and can be read" : "the token may not push");
}

/* Not asked is not green. */
static void blind(struct github_doctor *d, const char *what, const struct gh_answer *a)
{
	d->blind = true;
	doctor_row(
		d->rows, repo_of(d)->full_name, "rules", false,
		a->status == 403 ? "give the App the permission 'administration: read'"
				 : "try again; see the rows above",
		"%s could not be read, so it is not known whether a landing would be refused: %s",
		what, a->text);
}

static char *path_protection(const struct github_doctor *d)
{
	return gh_path("/repos/%r/branches/%s/protection", repo_of(d)->full_name, repo_of(d)->base);
}

static void on_protection(struct github_doctor *d, const struct gh_answer *a)
{
	struct doctor_rules r = rules_of(d);

	if (a->outcome == GH_OK)
		d->faults += doctor_protection(&r, a->body, d->rows);
	else if (a->outcome != GH_GONE || !strstr(a->text, "not protected"))
		blind(d, "the protection of the base", a);
}

static char *path_rules(const struct github_doctor *d)
{
	return gh_path("/repos/%r/rules/branches/%s?per_page=100", repo_of(d)->full_name,
		       repo_of(d)->base);
}

static void on_rules(struct github_doctor *d, const struct gh_answer *a)
{
	if (a->outcome == GH_OK)
		d->rules = json_incref(a->body);
	else
		blind(d, "the rulesets of the base", a);
}

/* One ruleset a rule: who may bypass it. */
static char *path_ruleset(const struct github_doctor *d)
{
	const json_t *rule = json_array_get(d->rules, d->rule);

	return rule && d->rule < RULES_MAX ? gh_path("/repos/%r/rulesets/%d", repo_of(d)->full_name,
						     json_int(rule, "ruleset_id", 0))
					   : NULL;
}

static void on_ruleset(struct github_doctor *d, const struct gh_answer *a)
{
	struct doctor_rules r = rules_of(d);
	const char *bypass =
		a->outcome == GH_OK ? json_str(a->body, "current_user_can_bypass", NULL) : NULL;

	d->faults += doctor_rule(&r, json_array_get(d->rules, d->rule++), bypass, d->rows);
	d->next--; /* the same question about the next rule */
}

static char *path_signed(const struct github_doctor *d)
{
	return d->wants_signed ? gh_path("/repos/%r/commits?sha=%s&committer=%s&per_page=1",
					 repo_of(d)->full_name, repo_of(d)->base, d->o.email)
			       : NULL;
}

static void on_signed(struct github_doctor *d, const struct gh_answer *a)
{
	struct doctor_rules r = rules_of(d);

	if (a->outcome != GH_OK)
		blind(d, "what GitHub makes of our signatures", a);
	else
		d->faults += doctor_signed(&r, d->o.email, a->body, d->rows);
}

static char *path_candidates(const struct github_doctor *d)
{
	return gh_path("/repos/%r/rules/branches/%s?per_page=100", repo_of(d)->full_name,
		       "yardmaster/queue/1");
}

static void on_candidates(struct github_doctor *d, const struct gh_answer *a)
{
	struct doctor_rules r = rules_of(d);

	if (a->outcome != GH_OK)
		blind(d, "the rulesets of yardmaster/queue/**", a);
	else
		d->faults += doctor_candidate_rules(&r, a->body, d->rows);
}

/* --- workflows: do the required checks ever come? --- */

static char *path_workflows(const struct github_doctor *d)
{
	return d->required.n ? gh_path("/repos/%r/contents/.github/workflows?ref=%s",
				       repo_of(d)->full_name, repo_of(d)->base)
			     : NULL;
}

static void on_workflows(struct github_doctor *d, const struct gh_answer *a)
{
	if (a->outcome == GH_OK)
		d->workflows = json_incref(a->body);
	else if (a->outcome != GH_GONE)
		blind(d, "the workflows", a);
}

static char *path_workflow(const struct github_doctor *d)
{
	const char *path = json_str(json_array_get(d->workflows, d->workflow), "path", NULL);

	return path && d->workflow < WORKFLOWS_MAX && !d->runs
		       ? gh_path("/repos/%r/contents/%r?ref=%s", repo_of(d)->full_name, path,
				 repo_of(d)->base)
		       : NULL;
}

static void on_workflow(struct github_doctor *d, const struct gh_answer *a)
{
	const char *path = json_str(json_array_get(d->workflows, d->workflow++), "path", "?");
	int rc = a->outcome == GH_OK
			 ? doctor_workflow_runs(a->raw, a->raw_len, FORGE_CANDIDATES "1",
						repo_of(d)->drafts ? repo_of(d)->base : NULL)
			 : -1;

	d->runs = d->runs || rc > 0;
	if (rc < 0)
		buf_addf(&d->unread, "%s%s", d->unread.len ? ", " : "", path);
	d->next--; /* the same question about the next file */
}

/* The last word about a repository's rules. */
static void judge_repo(struct github_doctor *d)
{
	const char *name = repo_of(d)->full_name;
	autofree char *list = strvec_join(&d->required, ", ");

	if (repo_of(d)->shadow) {
		doctor_row(d->rows, name, "rules", true, NULL,
			   "not looked at: in shadow mode nothing lands");
		return;
	}
	if (d->required.n && !d->runs && !d->blind) {
		d->faults++;
		doctor_row(
			d->rows, name, "rules", false,
			repo_of(d)->drafts
				? "let the workflow run on 'pull_request'"
				: "let the workflow run there: 'yardmaster/queue/**' among "
				  "on.push.branches; or set queue.candidate to draft-pr, for "
				  "workflows on 'pull_request'",
			"%s is required on %s, and no workflow runs on a push to "
			"yardmaster/queue/**%s, where candidates are tested; unless something else "
			"reports it there, nothing lands%s%s%s",
			list, repo_of(d)->base, repo_of(d)->drafts ? " or on a draft PR" : "",
			d->unread.len ? " (" : "", d->unread.s,
			d->unread.len ? " could not be read)" : "");
	}
	if (!d->faults && !d->blind)
		doctor_row(d->rows, name, "rules", true, NULL,
			   "nothing on %s would refuse a landing", repo_of(d)->base);
}

/* --- the end -------------------------------------------------------------------------------------- */

static void finish(struct github_doctor *d)
{
	autojson json_t *state = gh_state(d->o.client);
	json_t *rows = d->rows;

	doctor_state(state, d->rows);
	d->rows = NULL;
	d->o.done(d->o.arg, rows);
	github_doctor_cancel(d);
}

/* --- the order of the questions ------------------------------------------------------------------- */

static const struct question of_app[] = {
	{path_self, on_self, false, false, 0, false},
	{path_hook, on_hook, false, true, 0, false},
	{path_deliveries, on_deliveries, false, true, 0, false},
};
static const struct question of_repo[] = {
	{path_installation, on_installation, false, true, 0, false},
	{path_repo, on_repo, true, false, 0, false},
	{path_protection, on_protection, true, false, 0, true},
	{path_rules, on_rules, true, false, 0, true},
	{path_ruleset, on_ruleset, true, false, 0, true},
	{path_signed, on_signed, true, false, 0, true},
	{path_candidates, on_candidates, true, false, 0, true},
	{path_workflows, on_workflows, true, false, 0, true},
	{path_workflow, on_workflow, true, false, GH_TEXT, true},
};

static const struct question *question_now(const struct github_doctor *d)
{
	if (!d->of_repos)
		return d->next < ARRAY_LEN(of_app) ? &of_app[d->next] : NULL;
	return d->next < ARRAY_LEN(of_repo) ? &of_repo[d->next] : NULL;
}

static void on_answer(void *arg, const struct gh_answer *a)
{
	struct github_doctor *d = arg;

	d->request = 0;
	question_now(d)->judge(d, a);
	d->next++;
	ask(d);
}

static void begin_repo(struct github_doctor *d, size_t i)
{
	json_decref(d->rules);
	d->rules = NULL;
	json_decref(d->workflows);
	d->workflows = NULL;
	d->workflow = 0;
	d->runs = false;
	buf_reset(&d->unread);
	strvec_release(&d->required);
	d->of_repos = true;
	d->repo = i;
	d->next = d->rule = 0;
	d->faults = 0;
	d->blind = d->wants_signed = false;
}

/* Sends the next question that has a path; false: there is none about this subject. */
static bool ask_here(struct github_doctor *d)
{
	const struct question *q;

	for (; (q = question_now(d)) != NULL; d->next++) {
		autofree char *path = NULL;

		if ((q->app_only && d->o.token) || (q->lands && repo_of(d)->shadow))
			continue;
		/* As the App itself it would be refused, and so would everything after it. */
		if (q->installation && !d->o.token && !repo_of(d)->installation) {
			d->blind = true;
			continue;
		}
		path = q->path(d);
		if (!path)
			continue;
		d->request = gh_send(
			d->o.client,
			&(struct gh_req){.path = path,
					 .installation =
						 q->installation ? repo_of(d)->installation : 0,
					 .flags = q->flags,
					 .accept = q->flags ? RAW : NULL,
					 .kind = "doctor",
					 .done = on_answer,
					 .arg = d});
		return true;
	}
	return false;
}

static void ask(struct github_doctor *d)
{
	while (!ask_here(d)) {
		if (d->of_repos)
			judge_repo(d);
		size_t i = d->of_repos ? d->repo + 1 : 0;

		if (i >= d->o.n) {
			finish(d);
			return;
		}
		begin_repo(d, i);
	}
}

struct github_doctor *github_doctor_start(const struct github_doctor_opts *o)
{
	struct github_doctor *d = xcalloc(1, sizeof(*d));

	d->o = *o;
	d->o.token = xstrdup(o->token);
	d->o.channel = xstrdup(o->channel);
	d->o.email = xstrdup(o->email ? o->email : "");
	d->repos = xcalloc(o->n + 1, sizeof(*d->repos));
	for (size_t i = 0; i < o->n; i++) {
		d->repos[i] = o->repos[i];
		d->repos[i].full_name = xstrdup(o->repos[i].full_name);
		d->repos[i].base = xstrdup(o->repos[i].base);
		d->repos[i].problem = xstrdup(o->repos[i].problem);
		d->repos[i].method = xstrdup(o->repos[i].method);
	}
	d->rows = json_array();
	buf_init(&d->unread, 0);
	ask(d);   /* who we are is always asked first, and an answer comes from a later turn */
	return d; // NOLINT(clang-analyzer-unix.Malloc): so nothing has ended yet
}

void github_doctor_cancel(struct github_doctor *d)
{
	if (!d)
		return;
	if (d->request)
		gh_cancel(d->o.client, d->request);
	for (size_t i = 0; i < d->o.n; i++) {
		free((char *)d->repos[i].full_name);
		free((char *)d->repos[i].base);
		free((char *)d->repos[i].problem);
		free((char *)d->repos[i].method);
	}
	free((char *)d->o.token);
	free((char *)d->o.channel);
	free((char *)d->o.email);
	free(d->repos);
	free(d->slug);
	json_decref(d->permissions);
	json_decref(d->rules);
	json_decref(d->workflows);
	strvec_release(&d->required);
	buf_release(&d->unread);
	json_decref(d->rows);
	free(d);
}
