/*
 * github_draft.c - see forge.h, "cand-draft" and "draft-close": the draft PR through which workflows on
 * `pull_request` see a candidate. It is ours alone: nothing is heard of it (github_is_candidate()), nothing lands by it.
 *
 * Such workflows test GitHub's own merge of head and base. The candidate contains the base, so that merge has the
 * candidate's very tree as long as the base is where it was; that is looked at before any check counts.
 *
 * A ledger that is lost, or restored from before, knows nothing of branches and draft PRs that it had made. What is
 * below our prefix, is named as we name it and belongs to no candidate of the ledger is swept: the prefix is ours, as
 * contrib/doc/github.md says. A PR on such a branch that we have not opened keeps both.
 */
#include "forge/github_job.h"

#include "forge/github_read.h"

#include <string.h>

#define LOOK_MS 2000 /* between two looks at a merge that GitHub has not made yet */

bool github_is_candidate(const struct pr *p)
{
	return !p->head_repo && !strncmp(p->topic, FORGE_CANDIDATES, strlen(FORGE_CANDIDATES));
}

static const char *text_of(const struct job *j, const char *key)
{
	return json_str(j->payload, key, "");
}

static int list_open(struct job *j, job_fn next)
{
	const char *slash = strchr(j->remote.full_name, '/');
	autofree char *head = xasprintf("%.*s:%s", (int)(slash - j->remote.full_name),
					j->remote.full_name, text_of(j, "branch"));

	return job_get(j, gh_path("/repos/%r/pulls?state=open&head=%s", j->remote.full_name, head),
		       0, "pulls", next);
}

/* ---- is its merge the candidate? ---- */

/* Workflows there test something else than the candidate. */
static int other(struct job *j, char *what)
{
	autofree char *text = what;

	json_put_str(j->result, "other", text);
	return JOB_DONE;
}

static int did_merge(struct job *j, const struct gh_answer *a, struct err *err)
{
	const char *tree;

	if (job_check(j, a, err) < 0)
		return -1;
	tree = json_str(json_object_get(a->body, "tree"), "sha", "?");
	return strcmp(tree, text_of(j, "tree"))
		       ? other(j,
			       xasprintf("GitHub's merge of its draft PR has the tree %.12s, the "
					 "candidate %.12s",
					 tree, text_of(j, "tree")))
		       : JOB_DONE;
}

static int not_yet(struct job *j, struct err *err)
{
	int64_t until = json_int(j->payload, "until_ms", 0);

	if (job_now(j) + LOOK_MS >= until)
		return err_set(err, ERR_STATE,
			       "%s: GitHub has not made the merge of the draft PR #%lld in time",
			       j->remote.full_name, (long long)json_int(j->result, "number", 0));
	j->not_before_ms = job_now(j) + LOOK_MS;
	return err_set(err, ERR_UNAVAILABLE, "%s: the merge of the draft PR #%lld is being made",
		       j->remote.full_name, (long long)json_int(j->result, "number", 0));
}

static int did_look(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *can;
	const char *base, *merge;

	if (a->outcome == GH_GONE && job_lags(j))
		return not_yet(j, err);
	if (job_check(j, a, err) < 0)
		return -1;
	base = json_str(json_object_get(a->body, "base"), "sha", "?");
	merge = json_str(a->body, "merge_commit_sha", NULL);
	can = json_object_get(a->body, "mergeable");
	if (strcmp(base, text_of(j, "base_oid")) != 0)
		return other(j, xasprintf("its draft PR is against %.12s and the candidate was "
					  "built on %.12s",
					  base, text_of(j, "base_oid")));
	if (json_is_false(can))
		return other(j, xstrdup("GitHub cannot merge its draft PR"));
	if (!json_is_true(can) || !merge || !gh_is_oid(merge))
		return not_yet(j, err);
	return job_get(j, gh_path("/repos/%r/git/commits/%s", j->remote.full_name, merge), 0,
		       "pulls", did_merge);
}

static int opened(struct job *j, const json_t *pull)
{
	json_put_int(j->result, "number", json_int(pull, "number", 0));
	return job_get(
		j, gh_path("/repos/%r/pulls/%d", j->remote.full_name, json_int(pull, "number", 0)),
		0, "pulls", did_look);
}

/* ---- opened, by this try or an earlier one ---- */

static int open_it(struct job *j);

static int did_find(struct job *j, const struct gh_answer *a, struct err *err)
{
	const char *why = json_str(j->memo, "why", NULL);
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (a->body, i, o)
		if (!strcmp(json_str(json_object_get(o, "base"), "ref", ""), text_of(j, "base")))
			return opened(j, o);
	if (!why)
		return open_it(j);
	if (json_flag(j->memo, "lacks"))
		return job_again(j, err, "GitHub does not know the candidate's branch");
	return err_set(err, ERR_STATE,
		       "%s: GitHub opened no draft PR from %s: %s; where there are none, "
		       "'queue.candidate: branch' does without",
		       j->remote.full_name, text_of(j, "branch"), why);
}

static int did_open(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (a->outcome == GH_CONFLICT) { /* there is one, or there cannot be one */
		json_put_str(j->memo, "why", a->text);
		json_put_bool(j->memo, "lacks", job_lacks_push(j, a));
		return list_open(j, did_find);
	}
	return job_check(j, a, err) < 0 ? -1 : opened(j, a->body);
}

static int open_it(struct job *j)
{
	json_t *o = json_object();

	json_put_str(o, "title", text_of(j, "title"));
	json_put_str(o, "body", text_of(j, "body"));
	json_put_str(o, "head", text_of(j, "branch"));
	json_put_str(o, "base", text_of(j, "base"));
	json_put_bool(o, "draft", true);
	return job_send(j, "POST", gh_path("/repos/%r/pulls", j->remote.full_name), o, GH_CREATES,
			"pull-open", did_open);
}

int github_act_draft(struct job *j, struct err *err)
{
	(void)err;
	return j->tries > 1 ? list_open(j, did_find) : open_it(j);
}

/* ---- closed ---- */

static int close_next(struct job *j);

static int did_close(struct job *j, const struct gh_answer *a, struct err *err)
{
	return a->outcome != GH_GONE && job_check(j, a, err) < 0 ? -1 : close_next(j);
}

static int close_next(struct job *j)
{
	json_t *open = json_object_get(j->memo, "open"), *body;
	int64_t number = json_int(json_array_get(open, 0), "number", 0);

	if (!number)
		return JOB_DONE;
	json_array_remove(open, 0);
	body = json_object();
	json_put_str(body, "state", "closed");
	return job_send(j, "PATCH", gh_path("/repos/%r/pulls/%d", j->remote.full_name, number),
			body, GH_REPEATABLE, "pull-close", did_close);
}

static bool is_ours(const struct job *j, const json_t *pull)
{
	return json_flag(pull, "draft") && strstr(json_str(pull, "body", ""), FORGE_DRAFT_SAYS) &&
	       !strcmp(gh_read_user(pull, "user").login, j->g->login);
}

/* 1: it has become a candidate's meanwhile, or a PR that we have not opened is there, and keeps the branch. */
static int is_kept(struct job *j, const json_t *pulls, struct err *err)
{
	int64_t mine = 0;
	const json_t *o;
	size_t i;

	if (db_int(j->g->o.db, ST_CANDIDATE_KEEPS, &mine, err, "is", j->repo.id,
		   text_of(j, "branch")) < 0)
		return -1;
	if (mine)
		return 1;
	if (!j->g->login)
		return err_set(err, ERR_UNAVAILABLE, "%s: who we are is being asked",
			       j->remote.full_name);
	json_array_foreach (pulls, i, o) {
		if (is_ours(j, o))
			continue;
		json_put_int(j->result, "kept", json_int(o, "number", 0));
		return 1;
	}
	return 0;
}

static int did_list(struct job *j, const struct gh_answer *a, struct err *err)
{
	int rc = job_check(j, a, err) < 0 ? -1 : 0;

	if (rc == 0 && json_flag(j->payload, "sweep"))
		rc = is_kept(j, a->body, err);
	if (rc != 0)
		return rc < 0 ? -1 : JOB_DONE;
	json_put(j->memo, "open", a->body ? json_incref(a->body) : json_array());
	return close_next(j);
}

/* By its branch: what the answer to its opening was does not matter. */
int github_act_draft_close(struct job *j, struct err *err)
{
	(void)err;
	return list_open(j, did_list);
}

/* ---- left over ---- */

#define LEFT_MAX 100 /* in one look */

/* "yardmaster/queue/12-3" */
static bool is_named_so(const char *branch)
{
	const char *s = branch + strlen(FORGE_CANDIDATES);
	size_t n;

	if (strncmp(branch, FORGE_CANDIDATES, strlen(FORGE_CANDIDATES)) != 0)
		return false;
	n = strspn(s, "0123456789");
	return n && s[n] == '-' && s[n + 1] && !s[n + 1 + strspn(s + n + 1, "0123456789")];
}

static int sweep(struct job *j, const char *branch, const char *oid, struct err *err)
{
	autofree char *subject = xasprintf("sweep:%lld:%s", (long long)j->repo.id, branch);
	struct db *db = j->g->o.db;
	int64_t kept = 0, open = 0;
	json_t *p, *x;

	if (db_int(db, ST_CANDIDATE_KEEPS, &kept, err, "is", j->repo.id, branch) < 0 ||
	    db_int(db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	if (kept || open)
		return 0;
	x = json_object();
	json_put_bool(x, "sweep", true);
	json_put_int(x, "repo", j->repo.id);
	json_put_str(x, "branch", branch);
	json_put_str(x, "oid", oid);
	p = json_object();
	json_put_int(p, "repo", j->repo.id);
	json_put_str(p, "branch", branch);
	json_put_bool(p, "sweep", true);
	json_put(p, "ctx", x);
	return github_effect(j->g, subject, "draft-close", p, err) < 0 ? -1 : 1;
}

static int did_left(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	size_t i;
	int n = 0;

	/* Not to be had this time: the next list asks again. */
	if (a->outcome != GH_OK)
		return JOB_DONE;
	json_array_foreach (a->body, i, o) {
		const char *ref = json_str(o, "ref", "");
		const char *oid = json_str(json_object_get(o, "object"), "sha", "");
		int rc = strncmp(ref, "refs/heads/", 11) || !is_named_so(ref + 11) ||
					 !gh_is_oid(oid) || n == LEFT_MAX
				 ? 0
				 : sweep(j, ref + 11, oid, err);

		if (rc < 0)
			return -1;
		n += rc;
	}
	return JOB_DONE;
}

int github_ask_left(struct job *j, struct err *err)
{
	const struct github_opts *o = &j->g->o;

	(void)err;
	if (o->shadow && o->shadow(o->arg, j->repo.id))
		return JOB_DONE;
	return job_get(j,
		       gh_path("/repos/%r/git/matching-refs/heads/%r", j->remote.full_name,
			       "yardmaster/queue"),
		       GH_ALL_PAGES | GH_CONDITIONAL, "list", did_left);
}
