/*
 * github_list.c - see github.h: everything of a repository that may have changed.
 *
 * Four lists, each read under the time of the last change that was seen: the repository itself, issues
 * and PRs, comments, and the heads of the open PRs; and the rules of the base branch. Unchanged ones cost a conditional request, which
 * GitHub does not count. The first look at a repository tells of no label and no comment: nothing old
 * starts by itself.
 */
#include "forge/github_job.h"
#include "forge/github_read.h"

#include <string.h>

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

static bool is_first(const struct job *j)
{
	return !j->remote.since;
}

/* ---- comments ---- */

static int did_comments(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (a->body, i, o) {
		struct gh_comment c;
		const char *at = json_str(o, "updated_at", NULL);

		/* Edited ones come again; their events are known. What is older than the last look
		 * was heard then, or was edited into a command, which is none. */
		if (gh_read_comment(o, &c, NULL) == 0 && job_is_of(j, a, o, 0) &&
		    c.created_ms >= gh_time_ms(j->remote.comments_since) &&
		    github_hear_comment(j->g, &j->repo, c.number, &c, err) < 0)
			return -1;
		if (at && gh_time_ms(at) > gh_time_ms(j->remote.comments_since))
			json_put_str(j->memo, "comments_since", at);
	}
	if (json_str(j->memo, "comments_since", NULL))
		row_set(&j->remote.comments_since, json_str(j->memo, "comments_since", NULL));
	j->remote.listed_ms = job_now(j);
	return job_save_remote(j, err) < 0 ? -1 : github_ask_rules(j);
}

static int ask_comments(struct job *j, struct err *err)
{
	if (!j->remote.comments_since) { /* the first look: from here on */
		autofree char *now = clock_format(job_now(j));

		row_take(&j->remote.comments_since, xasprintf("%.19sZ", now));
		j->remote.listed_ms = job_now(j);
		return job_save_remote(j, err) < 0 ? -1 : github_ask_rules(j);
	}
	return job_get(j,
		       gh_path("/repos/%r/issues/"
			       "comments?sort=updated&direction=asc&per_page=100&since=%s",
			       j->remote.full_name, j->remote.comments_since),
		       GH_ALL_PAGES | GH_CONDITIONAL, "list", did_comments);
}

/* ---- heads ---- */

/* The list says of a PR what it takes to fetch it; the rest is read when it is known. memo.heads: those to fetch;
 * memo.again: some are in the middle of something. */
static int look_at_pull(struct job *j, const json_t *o, struct err *err)
{
	cleanup(pr_release) struct pr was = {0};
	cleanup(pr_release) struct pr now = {0};
	autofree char *subject = NULL;
	int64_t open = 0;
	json_t *x;
	int rc;

	if (gh_read_pull(o, j->remote.full_name, &now, NULL) < 0 || github_is_candidate(&now))
		return 0;
	if (github_pull_head(j->g, &j->repo, &now, err) < 0)
		return -1;
	rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &was, err, "ii", j->repo.id, now.number);
	if (rc < 0)
		return -1;
	if (rc > 0 && !strcmp(was.head, now.head))
		return strcmp(was.state, now.state)
			       ? github_sync(j->g, j->repo.id, now.number, NULL, err)
			       : 0;
	subject = xasprintf("sync:%lld:%lld", (long long)j->repo.id, (long long)now.number);
	if (db_int(db_of(j), ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	/* It is being read already; what that does not see, the next list does. */
	if (open || json_flag(j->memo, "fetching")) {
		json_put_bool(j->memo, "again", true);
		return 0;
	}
	x = github_payload(&j->repo, now.number, now.author);
	json_put(x, "pull", gh_pull_brief(o));
	json_put_str(x, "was", rc > 0 ? was.head : NULL);
	json_array_append_new(json_object_get(j->memo, "heads"), x);
	return 0;
}

static char *pulls_path(const struct job *j)
{
	return gh_path("/repos/%r/pulls?state=open&per_page=100", j->remote.full_name);
}

/* A push changes a PR's time too; this is for the one that came in the same second as the last look. */
static int did_pulls(struct job *j, const struct gh_answer *a, struct err *err)
{
	int rc = github_pulls_fetching(j->g, j->repo.id, err);
	autofree char *path = pulls_path(j);
	const json_t *o;
	size_t i;

	if (rc < 0 || job_check(j, a, err) < 0)
		return -1;
	json_put_bool(j->memo, "fetching", rc > 0);
	json_put(j->memo, "heads", json_array());
	json_array_foreach (a->body, i, o)
		if (job_is_of(j, a, o, 0) && look_at_pull(j, o, err) < 0)
			return -1;
	/* Unchanged by then it would say nothing. */
	if (json_flag(j->memo, "again"))
		gh_cache_forget(j->g->o.client, path, j->remote.installation);
	if (github_pull_fetch_many(j->g, &j->repo, &j->remote,
				   json_incref(json_object_get(j->memo, "heads")), err) < 0)
		return -1;
	return ask_comments(j, err);
}

static int ask_pulls(struct job *j)
{
	return job_get(j, pulls_path(j), GH_ALL_PAGES | GH_CONDITIONAL, "list", did_pulls);
}

/* ---- issues and PRs ---- */

/* Old labels are written down and told to nobody. */
static int note_first(struct job *j, const json_t *o, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	cleanup(strvec_release) struct strvec labels = STRVEC_INIT;
	bool pull;

	if (gh_read_issue(o, &i, &pull, err) < 0)
		return -1;
	if (pull)
		return 0; /* the list of pull requests is next */
	i.repo = j->repo.id;
	if (issue_insert(db_of(j), &i, err) < 0)
		return -1;
	gh_read_labels(o, &labels);
	strvec_foreach (&labels, l) {
		/* GitHub's time: what is set again later is later by the same clock. */
		if (db_run(db_of(j), ST_LABEL_PUT, err, "iissi", j->repo.id, i.number, *l, "",
			   i.updated_ms) < 0)
			return -1;
	}
	return 0;
}

/* Is it as the ledger has it? A PR that it has not yet is found by the next list, if it is open: else nothing of it is
 * ours to do. */
static int is_known(struct job *j, int64_t number, bool pull, int64_t updated_ms, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	cleanup(pr_release) struct pr p = {0};
	int rc = pull ? pr_find(db_of(j), ST_PR_BY_NUMBER, &p, err, "ii", j->repo.id, number)
		      : issue_find(db_of(j), ST_ISSUE_BY_NUMBER, &i, err, "ii", j->repo.id, number);

	if (rc == 0 && pull)
		return 1;
	return rc <= 0 ? rc : (pull ? p.updated_ms : i.updated_ms) >= updated_ms;
}

static int note_changed(struct job *j, const json_t *o, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	bool pull;
	int rc;

	if (gh_read_issue(o, &i, &pull, err) < 0)
		return -1;
	rc = is_known(j, i.number, pull, i.updated_ms, err);
	return rc ? (rc < 0 ? -1 : 0) : github_sync(j->g, j->repo.id, i.number, NULL, err);
}

static int did_issues(struct job *j, const struct gh_answer *a, struct err *err)
{
	autofree char *since = xstrdup(j->remote.since);
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (a->body, i, o) {
		cleanup(err_release) struct err why = ERR_INIT;
		const char *at = json_str(o, "updated_at", NULL);

		/* One that cannot be read is left out; it does not hide the others. */
		if (job_is_of(j, a, o, 0) &&
		    (is_first(j) ? note_first : note_changed)(j, o, &why) < 0 &&
		    (why.code == ERR_IO || why.code == ERR_CORRUPT))
			return err_move(err, &why);
		if (at && (!since || gh_time_ms(at) > gh_time_ms(since)))
			row_set(&since, at);
	}
	if (!since) {
		autofree char *now = clock_format(job_now(j));

		since = xasprintf("%.19sZ", now);
	}
	row_take(&j->remote.since, steal(&since));
	return job_save_remote(j, err) < 0 ? -1 : ask_pulls(j);
}

static int ask_issues(struct job *j)
{
	autofree char *path = is_first(j) ? gh_path("/repos/%r/issues?state=open&per_page=100",
						    j->remote.full_name)
					  : gh_path("/repos/%r/"
						    "issues?state=all&sort=updated&direction=asc&"
						    "per_page=100&since=%s",
						    j->remote.full_name, j->remote.since);

	return job_get(j, steal(&path), GH_ALL_PAGES | GH_CONDITIONAL, "list", did_issues);
}

/* ---- the repository ---- */

static int take_name(struct job *j, const char *name, struct err *err)
{
	cleanup(repo_release) struct repo other = {0};
	int rc;

	if (!strcmp(j->remote.full_name, name) && !strcmp(j->repo.name, name))
		return 0;
	rc = repo_find(db_of(j), ST_REPO_BY_NAME, &other, err, "s", name);
	if (rc < 0)
		return -1;
	if (rc > 0 && other.id != j->repo.id)
		return err_set(err, ERR_STATE,
			       "%s: is called %s now, and another repository is known by that name "
			       "here; remove that one",
			       j->remote.full_name, name);
	row_set(&j->remote.full_name, name);
	/* Read anew: its base may have moved while GitHub was asked. */
	repo_release(&j->repo);
	if (repo_get(db_of(j), j->remote.repo, &j->repo, err) <= 0)
		return -1;
	row_set(&j->repo.name, name);
	return repo_save(db_of(j), &j->repo, err);
}

static int ask_repo(struct job *j, const struct gh_answer *a, struct err *err);

/* A pause ends here; a problem that passes by itself ends with the list that meets with none. */
static int is_there(struct job *j, struct err *err)
{
	return j->remote.pause ? github_readable(j, err) : 0;
}

/* Renamed or transferred: the number stays, the name is the new one. */
static int did_repo(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(github_repo_release) struct github_repo now = {0};
	const char *branch;

	if (a->outcome == GH_UNCHANGED)
		return is_there(j, err) < 0 ? -1 : ask_issues(j);
	if (a->outcome == GH_GONE || (a->outcome == GH_NO_ACCESS && a->status == 404)) {
		/* Of another installation, since it has another owner? */
		if (gh_is_app(j->g->o.client) && !j->after)
			return github_ask_installation(j, ask_repo);
		job_check(j, a, err);
		row_set(&j->suspect, "gone");
		return -1;
	}
	if (job_check(j, a, err) < 0 || gh_read_repo(a->body, &now, &branch, err) < 0)
		return -1;
	if (now.remote != j->remote.remote)
		return err_set(err, ERR_STATE,
			       "%s: is another repository now (number %lld, it was %lld); nothing "
			       "is done there",
			       j->remote.full_name, (long long)now.remote,
			       (long long)j->remote.remote);
	if (take_name(j, now.full_name, err) < 0)
		return -1;
	row_set(&j->remote.url, now.url);
	github_url(j->g, &j->remote);
	return job_save_remote(j, err) < 0 || is_there(j, err) < 0 ? -1 : ask_issues(j);
}

static int ask_repo(struct job *j, const struct gh_answer *a, struct err *err)
{
	(void)a;
	(void)err;
	return job_get(j, gh_path("/repos/%r", j->remote.full_name), GH_CONDITIONAL, "list",
		       did_repo);
}

int github_act_list(struct job *j, struct err *err)
{
	if (j->remote.pause)
		json_put_str(j->memo, "looked", j->remote.pause);
	if (gh_is_app(j->g->o.client) && (j->remote.pause || !j->remote.installation))
		return github_ask_installation(j, ask_repo);
	return ask_repo(j, NULL, err);
}
