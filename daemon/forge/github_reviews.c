/*
 * github_reviews.c - see github.h: who may do what, and what the reviews of a PR come to.
 *
 * They are computed from the whole list each time: of each reviewer the last word counts, by when it was submitted. Numbers
 * say nothing of the order: a review has its number from when it was begun, and may be submitted after later ones.
 *
 *   APPROVED            an approval of the commit that it was given to
 *   CHANGES_REQUESTED   stands in the way, on later heads too, until its author says something else or it is dismissed
 *   DISMISSED           nothing, and no earlier word comes back by it. The list says so in place of what it was
 *   COMMENTED           undoes nothing
 *   PENDING             is not submitted, and nobody's
 *
 * Where GitHub's own rules require no review it does not say that changes were requested (reviewDecision is null), so that
 * is found out here (verdict.by, github_verdict.c). People count who may write, as on GitHub. An App never approves; what it
 * requests stands in the way, for only an App that was given the right to write PRs reviews, and any maintainer may
 * dismiss it. The review of an account that was deleted is nobody's.
 *
 * A list may be older than what is known, from a replica that is behind: a word is only replaced by a later one.
 */
#include "forge/github_job.h"

#include "forge/github_read.h"

#include <string.h>

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

/* ---- who may? ---- */

static int keep_level(struct job *j, const char *login, int64_t level, struct err *err)
{
	return db_run(db_of(j), ST_GITHUB_LEVEL_SET, err, "isii", j->repo.id, login, level,
		      job_now(j)) < 0
		       ? -1
		       : 0;
}

/* Somebody whom GitHub does not know (any more) may do nothing. */
static int read_level(struct job *j, const struct gh_answer *a, int64_t *ret, struct err *err)
{
	if (a->outcome == GH_GONE) {
		*ret = FORGE_NONE;
		return 0;
	}
	return job_check(j, a, err) < 0 ? -1 : gh_read_level(a->body, ret, err);
}

static int did_level(struct job *j, const struct gh_answer *a, struct err *err)
{
	int64_t level;

	if (read_level(j, a, &level, err) < 0 ||
	    keep_level(j, json_str(j->payload, "user", ""), level, err) < 0)
		return -1;
	json_put_str(j->result, "level", forge_level_name((enum forge_level)level));
	return JOB_DONE;
}

static int ask_level(struct job *j, const char *login, job_fn next)
{
	return job_get(j,
		       gh_path("/repos/%r/collaborators/%s/permission", j->remote.full_name, login),
		       0, "permission", next);
}

int github_act_level(struct job *j, struct err *err)
{
	const char *login = json_str(j->payload, "user", "");

	/* An App or another machine has no role; nothing is asked in its name. */
	if (strstr(login, "[bot]") || !*login)
		return keep_level(j, login, FORGE_NONE, err);
	return ask_level(j, login, did_level);
}

/* ---- words ---- */

static bool is_state(const struct gh_review *r, const char *state)
{
	return !strcmp(r->state, state);
}

static bool is_word(const struct gh_review *r)
{
	return strcmp(r->user.login, "ghost") != 0 &&
	       ((is_state(r, "APPROVED") && gh_is_oid(r->commit)) ||
		is_state(r, "CHANGES_REQUESTED") || is_state(r, "DISMISSED"));
}

/* Of the same second the one with the larger number is later. */
static bool is_later(const struct gh_review *r, int64_t at_ms, int64_t id)
{
	return r->at_ms > at_ms || (r->at_ms == at_ms && r->id > id);
}

/* Nothing that its reviewer said is later. */
static bool is_last(const json_t *reviews, const struct gh_review *r)
{
	const json_t *o;
	size_t i;

	json_array_foreach (reviews, i, o) {
		struct gh_review other;

		if (gh_read_review(o, &other, NULL) == 0 && is_word(&other) &&
		    !strcasecmp(other.user.login, r->user.login) &&
		    is_later(&other, r->at_ms, r->id))
			return false;
	}
	return true;
}

/* The next of the last words from *i on; 0: there is none. */
static int next_word(const json_t *reviews, size_t *i, struct gh_review *ret)
{
	for (; *i < json_array_size(reviews); ++*i)
		if (gh_read_review(json_array_get(reviews, *i), ret, NULL) == 0 && is_word(ret) &&
		    is_last(reviews, ret)) {
			++*i;
			return 1;
		}
	return 0;
}

/* 1: it is another one than what is known, and later. *row is what is known, or zero. */
static int is_new(struct job *j, const struct gh_review *r, struct github_review *row,
		  struct err *err)
{
	int rc = github_review_find(db_of(j), ST_GITHUB_REVIEW, row, err, "iis", j->repo.id,
				    job_number(j), r->user.login);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	if (row->review == r->id)
		return strcmp(row->state, r->state) && is_state(r, "DISMISSED");
	return is_later(r, row->at_ms, row->review);
}

static int keep_word(struct job *j, const struct gh_review *r, struct github_review *row,
		     struct err *err)
{
	row->repo = j->repo.id;
	row->pr = job_number(j);
	row->bot = r->user.bot;
	row->review = r->id;
	row->at_ms = r->at_ms;
	row_set(&row->login, r->user.login);
	row_set(&row->state, r->state);
	row_set(&row->head, r->commit ? r->commit : "");
	return row->id ? github_review_save(db_of(j), row, err)
		       : github_review_insert(db_of(j), row, err);
}

static int tell_review(struct job *j, const struct gh_review *r, const char *kind, struct err *err)
{
	json_t *p = github_payload(&j->repo, job_number(j), r->user.login);

	json_put_str(p, "head", r->commit);
	json_put_str(p, "body", r->body);
	return github_tell(
		j->g,
		xasprintf("gh-review:%lld:%lld", (long long)j->remote.remote, (long long)r->id),
		kind, p, err);
}

/* What it means, once. `told`: an older version has told it. */
static int obey(struct job *j, const struct gh_review *r, bool told, struct err *err)
{
	bool approved = is_state(r, "APPROVED");
	int rc;

	if (r->user.bot)
		return 0;
	if (approved)
		rc = db_run(db_of(j), ST_APPROVAL_SET, err, "iissi", j->repo.id, job_number(j),
			    r->commit, r->user.login, r->at_ms);
	else
		rc = db_run(db_of(j), ST_APPROVAL_VOID_UP_TO, err, "iiissi", j->repo.id,
			    job_number(j), job_now(j),
			    is_state(r, "DISMISSED") ? "it was dismissed"
						     : "its author asked for changes",
			    r->user.login, r->at_ms);
	if (rc < 0)
		return -1;
	if (told || is_state(r, "DISMISSED") || (approved && !rc))
		return 0;
	return tell_review(j, r, approved ? "pr-approved" : "pr-changes-requested", err);
}

/* 1, 0 no, -1. Everybody was asked for before. */
static int may_review(struct job *j, const char *login, bool bot, struct err *err)
{
	enum forge_level level = FORGE_NONE;
	struct forge f = job_forge(j);

	if (bot)
		return 1;
	if (f.ops->permission(&f, j->repo.id, login, &level, err) < 0)
		return -1;
	return level >= FORGE_WRITE;
}

static int apply_word(struct job *j, const struct pr *pr, const struct gh_review *r,
		      struct err *err)
{
	cleanup(github_review_release) struct github_review row = {0};
	int rc = may_review(j, r->user.login, r->user.bot, err);

	/* Who may not yet is looked at again each time. */
	if (rc > 0)
		rc = is_new(j, r, &row, err);
	if (rc <= 0)
		return rc;
	return obey(j, r, r->id <= pr->review, err) < 0 ? -1 : keep_word(j, r, &row, err);
}

/* Whose last word is that it needs changes: memo.by. */
static int find_wanting(struct job *j, struct err *err)
{
	cleanup(github_review_list_release) struct github_review_list l = {0};
	json_t *by = json_array();

	json_put(j->memo, "by", by);
	if (github_review_all(db_of(j), ST_GITHUB_REVIEW_CHANGES, &l, err, "ii", j->repo.id,
			      job_number(j)) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		int rc = may_review(j, l.v[i].login, l.v[i].bot != 0, err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			json_array_append_new(by, json_string(l.v[i].login));
	}
	return 0;
}

/* The PR is in the ledger and everybody's role is known. */
static int apply_reviews(struct job *j, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	const json_t *reviews = json_object_get(j->memo, "reviews");
	struct gh_review r;
	int rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &pr, err, "ii", j->repo.id, job_number(j));

	if (rc <= 0)
		return rc;
	for (size_t i = 0; next_word(reviews, &i, &r);)
		if (apply_word(j, &pr, &r, err) < 0)
			return -1;
	return find_wanting(j, err) < 0 ? -1 : github_ask_verdict(j, &pr, err);
}

static int ask_next_reviewer(struct job *j, struct err *err);

static int did_reviewer(struct job *j, const struct gh_answer *a, struct err *err)
{
	int64_t level;

	if (read_level(j, a, &level, err) < 0 ||
	    keep_level(j, json_str(j->memo, "asked", ""), level, err) < 0)
		return -1;
	return ask_next_reviewer(j, err);
}

static int ask_next_reviewer(struct job *j, struct err *err)
{
	const json_t *reviews = json_object_get(j->memo, "reviews");
	struct forge f = job_forge(j);
	struct gh_review r;

	for (size_t i = 0; next_word(reviews, &i, &r);) {
		enum forge_level level;
		int rc = r.user.bot ? 0
				    : f.ops->permission(&f, j->repo.id, r.user.login, &level, err);

		if (rc < 0)
			return -1;
		if (rc == FORGE_LATER) {
			json_put_str(j->memo, "asked", r.user.login);
			return ask_level(j, r.user.login, did_reviewer);
		}
	}
	return apply_reviews(j, err);
}

/* Is the review in it of which a delivery has told, if there is one? */
static bool has_told(const struct job *j, const json_t *reviews)
{
	int64_t id = json_int(json_object_get(j->payload, "told"), "review", 0);
	const json_t *o;
	size_t i;

	json_array_foreach (reviews, i, o)
		if (json_int(o, "id", 0) == id)
			return true;
	return !id;
}

static int did_reviews(struct job *j, const struct gh_answer *a, struct err *err)
{
	json_t *ours = json_array();
	const json_t *o;
	size_t i;

	json_put(j->memo, "reviews", ours);
	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (a->body, i, o)
		if (job_is_of(j, a, o, job_number(j)))
			json_array_append(ours, (json_t *)o);
	if (!has_told(j, ours) && job_lags(j))
		return job_again(j, err, "a review of which was told is not there");
	return ask_next_reviewer(j, err);
}

int github_ask_reviews(struct job *j, int64_t number)
{
	return job_get(
		j, gh_path("/repos/%r/pulls/%d/reviews?per_page=100", j->remote.full_name, number),
		GH_ALL_PAGES, "reviews", did_reviews);
}

int github_act_reviews(struct job *j, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &pr, err, "ii", j->repo.id, job_number(j));

	if (rc <= 0 || strcmp(pr.state, "open") != 0)
		return rc < 0 ? -1 : JOB_DONE;
	return github_ask_reviews(j, pr.number);
}

int github_reviews(struct github *g, int64_t repo, int64_t number, struct err *err)
{
	autofree char *subject = xasprintf("sync:%lld:%lld", (long long)repo, (long long)number);
	int rc = github_waits(g, subject, "forge-reviews", err);
	json_t *p;

	/* A look that has not begun reads them too. */
	rc = rc ? rc : github_waits(g, subject, "forge-sync", err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	p = json_object();
	json_put_int(p, "repo", repo);
	json_put_int(p, "number", number);
	return github_effect(g, subject, "forge-reviews", p, err);
}
