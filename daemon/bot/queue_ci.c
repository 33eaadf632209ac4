/*
 * queue_ci.c - see queue_flow.h: the forge's checks of a candidate.
 *
 *   gates green -> "checking": the commit goes to a branch of its own on the forge, so that CI runs on
 *   it -> every required check is green: "green"; one is red: "red"; too late: "errored", once more.
 *
 * With `queue.candidate: draft-pr` the branch gets a draft PR, for workflows on `pull_request`; until that one is
 * known to test the candidate's very tree no check counts. It is closed when they are green.
 *
 * The branch is deleted, and the PR closed, when the candidate ends; those that a lost ledger left behind, when the
 * forge is read again (github_draft.c). For the base itself nothing is pushed: what its checks
 * say now decides who is to blame.
 */
#include "bot/queue_flow.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/ci.h"
#include "bot/remote.h"

/* candidate.draft, beside the PR's number: */
#define DRAFT_COMES  (-1) /* it is not there yet, or not what it should be */
#define DRAFT_CLOSES (-2) /* all is green, and it is closed before the landing would merge it */

/* The result finds its candidate by this. */
static json_t *ctx_of(const struct candidate *c)
{
	json_t *x = json_object();

	json_put_int(x, "candidate", c->id);
	return x;
}

static char *subject_of(const struct candidate *c)
{
	return xasprintf("cand:%lld", (long long)c->id);
}

/* Sets the branch under the lease of `old` (NULL: it is not there). */
static int push(struct bot *b, const struct repo *r, const struct candidate *c, const char *kind,
		const char *new, const char *old, struct err *err)
{
	struct forge f = bot_forge(b, r);
	autofree char *subject = subject_of(c);
	json_t *q;

	if (f.ops->push(&f, r, NULL, c->branch, new, old, false, &q, err) < 0)
		return -1;
	json_put(q, "ctx", ctx_of(c));
	return bot_effect(b, subject, kind, q, err, "%s:%lld:%s:%lld", kind, (long long)c->id,
			  old ? old : "", (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* About its draft PR. Takes p. */
static int draft(struct bot *b, const struct repo *r, const struct candidate *c, const char *kind,
		 json_t *p, struct err *err)
{
	autofree char *subject = subject_of(c);

	json_put_int(p, "repo", r->id);
	json_put_str(p, "branch", c->branch);
	json_put(p, "ctx", ctx_of(c));
	return bot_effect(b, subject, kind, p, err, "%s:%lld:%lld", kind, (long long)c->id,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

static int open_draft(struct bot *b, const struct repo *r, const struct candidate *c,
		      struct err *err)
{
	autofree char *title = xasprintf("Merge queue: #%lld on %s", (long long)c->pr, r->base);
	autofree char *body = xasprintf(
		"This is what `%s` would be with #%lld (%s): %.12s on %.12s. It is here so "
		"that workflows on `pull_request` run on it.\n\n" FORGE_DRAFT_SAYS ", and "
		"closes it when they have ended. Do not merge it; commands here are not "
		"heard.",
		r->base, (long long)c->pr, c->method, c->head, c->base);
	json_t *p = json_object();

	json_put_str(p, "title", title);
	json_put_str(p, "body", body);
	json_put_str(p, "base", r->base);
	json_put_str(p, "base_oid", c->base);
	json_put_str(p, "tree", c->tree);
	json_put_int(p, "until_ms", bot_now(b) + b->conf->github.head_wait_ms);
	return draft(b, r, c, "cand-draft", p, err);
}

static int is_base(const struct candidate *c)
{
	return !strcmp(c->kind, "base");
}

/* 1 known, 0 not yet, -1. */
static int required(struct bot *b, const struct candidate *c, struct repo *r,
		    struct conf_repo *conf, struct strvec *ret, struct err *err)
{
	if (bot_repo(b, c->repo, r, err) < 0 || bot_repo_conf(b, r, conf, err) < 0)
		return -1;
	return ci_required(b, r, conf, ret, err);
}

int queue_ci_begin(struct bot *b, struct candidate *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	autojson json_t *list = NULL;
	int known = required(b, c, &r, &conf, &names, err);

	if (known < 0)
		return -1;
	/* What is not known is not nothing. The queue builds nothing before it is (queue_rules.c). */
	if (!known && !is_base(c))
		return queue_set_errored(b, c, "which checks are required is not known yet", err) <
				       0
			       ? -1
			       : 1;
	if (!names.n)
		return 0;
	list = ci_names_json(&names);
	row_take(&c->ci, json_text(list));
	c->ci_ms = bot_now(b);
	c->draft = conf.queue.draft_pr && !is_base(c) ? DRAFT_COMES : 0;
	if (!is_base(c))
		row_take(&c->branch, xasprintf(FORGE_CANDIDATES "%lld-%lld", (long long)c->id,
					       (long long)c->pr));
	if (queue_set_state(b, c, PLAN_CAND_CHECKING, "", err) < 0 ||
	    (is_base(c) ? ci_ask(b, &r, c->oid, &names, CI_CANDIDATE, c->id, err)
			: push(b, &r, c, "cand-branch", c->oid, NULL, err)) < 0)
		return -1;
	return 1;
}

int queue_ci_missing(struct bot *b, const struct candidate *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(strvec_release) struct strvec now = STRVEC_INIT;
	cleanup(strvec_release) struct strvec seen = STRVEC_INIT;

	if (required(b, c, &r, &conf, &now, err) < 0 || ci_names_parse(c->ci, &seen, err) < 0)
		return -1;
	for (size_t i = 0; i < now.n; i++)
		if (!strvec_has(&seen, now.v[i]))
			return 1;
	return 0;
}

int queue_ci_end(struct bot *b, const struct repo *r, int64_t candidate, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	int rc = candidate_get(b->db, candidate, &c, err);

	if (rc <= 0 || !c.branch)
		return rc < 0 ? -1 : 0;
	if (c.draft && draft(b, r, &c, "draft-close", json_object(), err) < 0)
		return -1;
	return push(b, r, &c, "branch-drop", NULL, c.oid, err);
}

int queue_ci_ask(struct bot *b, const struct candidate *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	if (bot_repo(b, c->repo, &r, err) < 0 || ci_names_parse(c->ci, &names, err) < 0)
		return -1;
	return ci_ask(b, &r, c->oid, &names, CI_CANDIDATE, c->id, err);
}

/* The candidate of a result, while it waits for it: 1, 0, -1. */
static int waiting(struct bot *b, const json_t *p, struct candidate *ret, struct err *err)
{
	int rc =
		candidate_get(b->db, json_int(json_object_get(p, "ctx"), "candidate", 0), ret, err);

	return rc <= 0 ? rc : !ret->ended_ms && !strcmp(ret->state, "checking");
}

/* The same of a step on the way to its checks, which ends it when it failed: 1: it came to something. */
static int went(struct bot *b, const json_t *p, struct candidate *ret, struct repo *ret_repo,
		struct err *err)
{
	int rc = waiting(b, p, ret, err);

	if (rc <= 0 || bot_repo(b, ret->repo, ret_repo, err) < 0)
		return rc <= 0 ? rc : -1;
	if (json_flag(p, "ok"))
		return 1;
	return queue_set_errored(
		b, ret, json_str(json_object_get(p, "error"), "text", "no reason was given"), err);
}

int queue_did_branch(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(repo_release) struct repo r = {0};
	const json_t *o =
		json_array_get(json_object_get(json_object_get(p, "result"), "results"), 0);
	const char *outcome = json_str(o, "outcome", ""), *found = json_str(o, "found", NULL);
	autofree char *why = NULL, *words = NULL;
	int rc = went(b, p, &c, &r, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (!strcmp(outcome, "pushed") || !strcmp(outcome, "already"))
		return c.draft ? open_draft(b, &r, &c, err) : queue_ci_ask(b, &c, err);
	/* Ours, of a ledger that was lost: the name is nobody else's. */
	if (!strcmp(outcome, "stale") && found)
		return push(b, &r, &c, "cand-branch", c.oid, found, err);
	words = remote_refusal(b, &r, json_object_get(p, "result"));
	why = xasprintf("the forge took no push to `%s`, where its checks would run: %s", c.branch,
			words);
	return queue_set_errored(b, &c, why, err);
}

/* Its checks count from here on. Where they would test something else the base has moved: that is looked for,
 * and leads to another candidate. */
int queue_did_draft(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(repo_release) struct repo r = {0};
	const json_t *result = json_object_get(p, "result");
	const char *other = json_str(result, "other", NULL);
	autofree char *why = NULL;
	int rc = went(b, p, &c, &r, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (other) {
		why = xasprintf("%s; it is built anew when `%s` has been read", other, r.base);
		return remote_fetch(b, &r, err) < 0
			       ? -1
			       : queue_set_state(b, &c, PLAN_CAND_CHECKING, why, err);
	}
	c.draft = json_int(result, "number", 0);
	return candidate_save(b->db, &c, err) < 0 ? -1 : queue_ci_ask(b, &c, err);
}

/* ---- what they say ---- */

static int too_late(struct bot *b, struct candidate *c, const char *what, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autofree char *why = NULL;

	if (bot_repo(b, c->repo, &r, err) < 0 || bot_repo_conf(b, &r, &conf, err) < 0)
		return -1;
	if (bot_now(b) - c->ci_ms < conf.queue.check_ms)
		return 0;
	why = xasprintf("the forge's checks did not end within %lld minutes "
			"(queue.check-minutes): %s",
			(long long)(conf.queue.check_ms / 60000), what);
	return queue_set_late(b, c, conf.queue.retries, why, err) < 0 ? -1 : 1;
}

static int pending(struct bot *b, struct candidate *c, const char *what, struct err *err)
{
	int rc = too_late(b, c, what, err);

	if (rc != 0 || (c->detail && !strcmp(c->detail, what)))
		return rc < 0 ? -1 : 0;
	return queue_set_state(b, c, PLAN_CAND_CHECKING, what, err);
}

/* What is said of its draft PR stands. */
static int draft_pending(struct bot *b, struct candidate *c, struct err *err)
{
	autofree char *what =
		xstrdup(c->detail && *c->detail ? c->detail : "its draft PR is not there yet");

	return pending(b, c, what, err);
}

/* Green, but for this: when the base reaches its head GitHub would call it merged. */
static int close_draft(struct bot *b, struct candidate *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	c->draft = DRAFT_CLOSES;
	if (bot_repo(b, c->repo, &r, err) < 0 ||
	    queue_set_state(b, c, PLAN_CAND_CHECKING, "its draft PR is being closed", err) < 0)
		return -1;
	return draft(b, &r, c, "draft-close", json_object(), err);
}

/* A branch that no candidate has, of a ledger that was lost. */
static int swept(struct bot *b, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "ctx");
	const char *branch = json_str(x, "branch", "");
	int64_t kept = json_int(json_object_get(p, "result"), "kept", 0), mine = 0;
	autofree char *subject = NULL;
	struct forge f;
	json_t *q;

	if (!json_flag(p, "ok"))
		return 0;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0 ||
	    db_int(b->db, ST_CANDIDATE_KEEPS, &mine, err, "is", r.id, branch) < 0)
		return -1;
	if (kept)
		log_warn(
			"repository %s: `%s` belongs to no candidate, but PR #%lld is on it, which "
			"is not ours: it stays",
			r.name, branch, (long long)kept);
	if (kept || mine) /* it has become one's meanwhile */
		return 0;
	f = bot_forge(b, &r);
	if (f.ops->push(&f, &r, NULL, branch, NULL, json_str(x, "oid", ""), false, &q, err) < 0)
		return -1;
	log_info("repository %s: `%s` belongs to no candidate, and is deleted", r.name, branch);
	subject = xasprintf("sweep:%lld:%s", (long long)r.id, branch);
	return bot_effect(b, subject, "branch-drop", q, err, "branch-drop:%s:%lld", subject,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* Closed or not (then it will look merged): what was green is. */
int queue_did_draft_close(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	int rc = json_flag(json_object_get(p, "ctx"), "sweep") ? swept(b, p, err)
							       : waiting(b, p, &c, err);

	(void)e;
	if (rc <= 0 || c.draft != DRAFT_CLOSES)
		return rc < 0 ? -1 : 0;
	c.draft = 0;
	return queue_set_state(b, &c, PLAN_CAND_GREEN, "", err);
}

/* The receipt names them beside our own gates. */
static int add_checks(struct candidate *c, const json_t *result, struct err *err)
{
	autojson json_t *list = NULL;
	const json_t *o;
	size_t i;

	if (json_parse(c->checks, strlen(c->checks), SIZE_MAX, &list, err) < 0)
		return -1;
	json_array_foreach (json_object_get(result, "checks"), i, o) {
		json_t *k = json_object();

		json_put_str(k, "forge_check", json_str(o, "called", "?"));
		if (json_object_get(o, "app"))
			json_put_int(k, "app", json_int(o, "app", 0));
		json_put_str(k, "outcome", json_str(o, "said", json_str(o, "state", "?")));
		json_put_str(k, "url", json_str(o, "url", NULL));
		json_array_append_new(list, k);
	}
	row_take(&c->checks, json_text(list));
	return 0;
}

/* The base is asked once: what is red there is nobody's fault; what is not there says nothing. */
static int base_told(struct bot *b, struct candidate *c, const json_t *p, enum ci_verdict v,
		     const char *text, struct err *err)
{
	if (!json_flag(p, "ok"))
		return queue_base_ended(b, c, PLAN_CAND_ERRORED, text, err);
	return queue_base_ended(b, c, v == CI_RED ? PLAN_CAND_RED : PLAN_CAND_GREEN,
				v == CI_RED ? text : NULL, err);
}

int queue_ci_told(struct bot *b, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	const json_t *result = json_object_get(p, "result");
	autofree char *text = NULL;
	enum ci_verdict v = CI_PENDING;
	int rc = waiting(b, p, &c, err);

	if (rc <= 0 || ci_names_parse(c.ci, &names, err) < 0)
		return rc <= 0 ? rc : -1;
	if (json_flag(p, "ok"))
		v = ci_judge(result, &names, &text);
	else
		text = xstrdup(json_str(json_object_get(p, "error"), "text", "not readable"));
	if (is_base(&c))
		return base_told(b, &c, p, v, text, err);
	if (c.draft == DRAFT_CLOSES)
		return 0;
	if (c.draft == DRAFT_COMES)
		return draft_pending(b, &c, err);
	if (v == CI_PENDING)
		return pending(b, &c, text, err);
	if (add_checks(&c, result, err) < 0)
		return -1;
	c.ci_red = v == CI_RED;
	if (v == CI_GREEN && c.draft)
		return close_draft(b, &c, err);
	return queue_set_state(b, &c, v == CI_RED ? PLAN_CAND_RED : PLAN_CAND_GREEN,
			       v == CI_RED ? text : "", err);
}
