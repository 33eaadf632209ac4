/* github_act.c - see github.h: what yardmaster does on GitHub. */
#include "forge/github_job.h"

#include "base/text.h"
#include "forge/github_read.h"

#include <string.h>

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

/* ---- comments ---- */

#define MARKER "<!-- yardmaster "

/* "<!-- yardmaster KEY HMAC -->": anybody can write one, only ours has this HMAC. */
static char *marker(const struct github *g, int64_t remote, const char *key)
{
	autofree char *what = xasprintf("%lld %s", (long long)remote, key);
	autofree char *mac = text_hmac(g->marker_key, strlen(g->marker_key), what, strlen(what));

	return xasprintf("\n\n" MARKER "%s %.32s -->", key, mac);
}

static char *marker_of(struct job *j, const char *key)
{
	return marker(j->g, j->remote.remote, key);
}

bool github_is_ours(const struct github *g, int64_t remote, const char *body)
{
	const char *at = NULL, *next = body, *end;
	autofree char *key = NULL, *expected = NULL;

	while ((next = strstr(next, MARKER)))
		at = next++;
	end = at ? strchr(at + strlen(MARKER), ' ') : NULL;
	if (!end)
		return false;
	at += strlen(MARKER);
	key = xstrndup(at, (size_t)(end - at));
	expected = marker(g, remote, key);
	/* Its last line: what somebody wrote below a copy of it is theirs. */
	return !strcmp(at - strlen(MARKER), expected + 2);
}

static bool is_pull(struct job *j)
{
	cleanup(pr_release) struct pr p = {0};

	return pr_find(db_of(j), ST_PR_BY_NUMBER, &p, NULL, "ii", j->repo.id, job_number(j)) > 0;
}

/* The body with its marker, cut to what GitHub takes. What is cut off is in the ledger (keep_comment). */
static json_t *comment_body(struct job *j)
{
	autofree char *mark = marker_of(j, json_str(j->payload, "key", "")), *text = NULL;
	const char *body = json_str(j->payload, "body", "");
	autofree char *cut = xasprintf("\n\n… cut here; `yardmaster %s show %lld` has the whole.",
				       is_pull(j) ? "pr" : "issue", (long long)job_number(j));
	size_t room = GITHUB_BODY_MAX - strlen(mark) - strlen(cut);
	size_t n = text_cut(body, strlen(body), room);
	json_t *o = json_object();

	text = xasprintf("%.*s%s%s", (int)n, body, body[n] ? cut : "", mark);
	json_put_str(o, "body", text);
	return o;
}

static int keep_comment(struct job *j, int64_t remote, struct err *err)
{
	cleanup(comment_release) struct comment c = {0};
	const char *key = json_str(j->payload, "key", "");
	int rc = comment_find(db_of(j), ST_COMMENT_BY_KEY, &c, err, "s", key);

	if (rc < 0)
		return -1;
	row_set(&c.body, json_str(j->payload, "body", ""));
	c.remote = remote;
	json_put_int(j->result, "comment", remote);
	if (rc > 0) {
		c.edited_ms = job_now(j);
		return comment_save(db_of(j), &c, err);
	}
	c.repo = j->repo.id;
	c.number = job_number(j);
	c.author = xstrdup("yardmaster");
	c.bot = 1;
	c.key = xstrdup(key);
	c.created_ms = job_now(j);
	return comment_insert(db_of(j), &c, err);
}

static int did_comment(struct job *j, const struct gh_answer *a, struct err *err)
{
	struct gh_comment c;

	if (job_check_of(j, a, job_number(j), err) < 0 || gh_read_comment(a->body, &c, err) < 0)
		return -1;
	return keep_comment(j, c.id, err);
}

static int post_comment(struct job *j)
{
	return job_send(j, "POST",
			gh_path("/repos/%r/issues/%d/comments", j->remote.full_name, job_number(j)),
			comment_body(j), GH_CREATES, "comment", did_comment);
}

/* Somebody deleted it: it is said anew. */
static int did_edit(struct job *j, const struct gh_answer *a, struct err *err)
{
	return a->outcome == GH_GONE ? post_comment(j) : did_comment(j, a, err);
}

static int edit_comment(struct job *j, int64_t remote)
{
	return job_send(j, "PATCH",
			gh_path("/repos/%r/issues/comments/%d", j->remote.full_name, remote),
			comment_body(j), GH_REPEATABLE, "comment-edit", did_edit);
}

/* An earlier try may have written it: ours with this marker is it. */
static int did_look(struct job *j, const struct gh_answer *a, struct err *err)
{
	autofree char *mark = marker_of(j, json_str(j->payload, "key", ""));
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (a->body, i, o) {
		struct gh_comment c;

		if (gh_read_comment(o, &c, NULL) == 0 && strstr(c.body, mark + 2) &&
		    (j->g->self ? !strcmp(c.user.login, j->g->self) : true))
			return edit_comment(j, c.id);
	}
	return json_flag(j->memo, "newer") ? JOB_DONE : post_comment(j);
}

int github_act_comment(struct job *j, struct err *err)
{
	cleanup(comment_release) struct comment c = {0};
	cleanup(effect_release) struct effect e = {0};
	const char *key = json_str(j->payload, "key", "");
	int64_t newer = 0;
	int rc = comment_find(db_of(j), ST_COMMENT_BY_KEY, &c, err, "s", key);

	if (rc < 0 || effect_get(db_of(j), j->effect, &e, err) < 0 ||
	    db_int(db_of(j), ST_COMMENT_NEWER, &newer, err, "sis", e.subject, j->effect, key) < 0)
		return -1;
	/* Only the latest version counts, and nothing is said twice. But what an earlier try may have
	 * written has to be found: the latest would not know of it, and write another. */
	if (rc > 0 && !strcmp(c.body, json_str(j->payload, "body", "")))
		return JOB_DONE;
	if (newer && ((rc > 0 && c.remote) || j->tries <= 1))
		return JOB_DONE;
	json_put_bool(j->memo, "newer", newer != 0);
	if (rc > 0 && c.remote)
		return edit_comment(j, c.remote);
	if (j->tries > 1)
		return job_get(j,
			       gh_path("/repos/%r/issues/%d/comments?per_page=100",
				       j->remote.full_name, job_number(j)),
			       GH_ALL_PAGES, "comments", did_look);
	return post_comment(j);
}

/* ---- labels, reactions ---- */

static int did_label(struct job *j, const struct gh_answer *a, struct err *err)
{
	const char *add = json_str(j->payload, "add", NULL);
	const char *remove = json_str(j->payload, "remove", NULL);

	if (!(remove && a->outcome == GH_GONE) && job_check(j, a, err) < 0)
		return -1;
	if (add)
		return db_run(db_of(j), ST_LABEL_PUT, err, "iissi", j->repo.id, job_number(j), add,
			      "yardmaster", job_now(j)) < 0
			       ? -1
			       : JOB_DONE;
	return db_run(db_of(j), ST_LABEL_CLEAR, err, "iis", j->repo.id, job_number(j), remove) < 0
		       ? -1
		       : JOB_DONE;
}

int github_act_label(struct job *j, struct err *err)
{
	const char *add = json_str(j->payload, "add", NULL);
	const char *remove = json_str(j->payload, "remove", NULL);
	json_t *body, *names;

	(void)err;
	if (!add && !remove)
		return JOB_DONE;
	if (remove)
		return job_send(j, "DELETE",
				gh_path("/repos/%r/issues/%d/labels/%s", j->remote.full_name,
					job_number(j), remove),
				NULL, GH_REPEATABLE, "label", did_label);
	body = json_object();
	names = json_array();
	json_array_append_new(names, json_string(add));
	json_put(body, "labels", names);
	return job_send(j, "POST",
			gh_path("/repos/%r/issues/%d/labels", j->remote.full_name, job_number(j)),
			body, GH_REPEATABLE, "label", did_label);
}

/* A comment that is gone needs no reaction. */
static int did_react(struct job *j, const struct gh_answer *a, struct err *err)
{
	return a->outcome == GH_GONE ? JOB_DONE : job_check(j, a, err);
}

int github_act_react(struct job *j, struct err *err)
{
	json_t *body = json_object();

	(void)err;
	json_put_str(body, "content", json_str(j->payload, "reaction", "eyes"));
	return job_send(j, "POST",
			gh_path("/repos/%r/issues/comments/%d/reactions", j->remote.full_name,
				json_int(j->payload, "comment", 0)),
			body, GH_REPEATABLE, "reaction", did_react);
}

/* ---- PRs ---- */

/* Opened by this try or by an earlier one. */
static int opened(struct job *j, const json_t *o, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};

	if (gh_read_pull(o, j->remote.full_name, &p, err) < 0)
		return -1;
	json_put_int(j->result, "number", p.number);
	/* The head is what was pushed, whatever the API has noticed so far. */
	row_set(&p.head, json_str(j->payload, "head", p.head));
	return github_pull_store(j->g, &j->repo, &p, json_str(j->payload, "files", "[]"),
				 json_int(j->payload, "task", 0), err);
}

static int did_find_open(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o;
	size_t i;

	if (job_check(j, a, err) < 0)
		return -1;
	json_array_foreach (a->body, i, o) {
		const json_t *base = json_object_get(o, "base");

		if (!strcmp(json_str(base, "ref", ""), json_str(j->payload, "base", "")) &&
		    job_is_of(j, a, o, 0))
			return opened(j, o, err);
	}
	if (json_flag(j->memo, "lacks"))
		return job_again(j, err, "GitHub does not know the branch");
	return err_set(err, ERR_STATE, "%s: GitHub opened no PR from %s to %s: %s",
		       j->remote.full_name, json_str(j->payload, "topic", ""),
		       json_str(j->payload, "base", ""), json_str(j->memo, "why", "no reason"));
}

static int find_open(struct job *j)
{
	const char *slash = strchr(j->remote.full_name, '/');
	autofree char *head = xasprintf("%.*s:%s", (int)(slash - j->remote.full_name),
					j->remote.full_name, json_str(j->payload, "topic", ""));

	return job_get(j, gh_path("/repos/%r/pulls?state=open&head=%s", j->remote.full_name, head),
		       0, "pulls", did_find_open);
}

static int did_open(struct job *j, const struct gh_answer *a, struct err *err)
{
	/* "A pull request already exists", or the branch cannot be one: what is there decides. */
	if (a->outcome == GH_CONFLICT) {
		json_put_str(j->memo, "why", a->text);
		json_put_bool(j->memo, "lacks", job_lacks_push(j, a));
		return find_open(j);
	}
	return job_check_of(j, a, 0, err) < 0 ? -1 : opened(j, a->body, err);
}

static json_t *pull_body(struct job *j)
{
	const char *title = json_str(j->payload, "title", "");
	const char *body = json_str(j->payload, "body", "");
	autofree char *t = xstrndup(title, text_cut(title, strlen(title), 250));
	autofree char *b = xstrndup(body, text_cut(body, strlen(body), GITHUB_BODY_MAX));
	json_t *o = json_object();

	json_put_str(o, "title", *t ? t : "Change");
	json_put_str(o, "body", b);
	json_put_str(o, "head", json_str(j->payload, "topic", ""));
	json_put_str(o, "base", json_str(j->payload, "base", ""));
	json_put_bool(o, "draft", json_flag(j->payload, "draft"));
	return o;
}

int github_act_pr_open(struct job *j, struct err *err)
{
	(void)err;
	if (j->tries > 1)
		json_put_str(j->memo, "why", "an earlier try got no answer");
	return job_send(j, "POST", gh_path("/repos/%r/pulls", j->remote.full_name), pull_body(j),
			GH_CREATES, "pull-open", did_open);
}

/* The branch was pushed before; the ledger follows, and need not wait to be told. */
int github_act_pr_update(struct job *j, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autofree char *files = NULL;
	int rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &p, err, "ii", j->repo.id, job_number(j));

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "PR #%lld: not in the ledger",
			       (long long)job_number(j));
	if (rc < 0)
		return -1;
	if (strcmp(p.state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld: %s; only an open one takes a new head",
			       (long long)p.number, p.state);
	row_set(&p.head, json_str(j->payload, "head", p.head));
	files = xstrdup(json_str(j->payload, "files", p.files));
	return github_pull_store(j->g, &j->repo, &p, files, p.task, err);
}

/* The answer is the PR as it is now: what that means is told as if somebody else had closed it. */
static int did_pr_close(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(pr_release) struct pr now = {0};
	cleanup(pr_release) struct pr was = {0};
	int rc;

	if (a->outcome == GH_GONE)
		return JOB_DONE;
	if (job_check(j, a, err) < 0 || gh_read_pull(a->body, j->remote.full_name, &now, err) < 0)
		return -1;
	rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &was, err, "ii", j->repo.id, now.number);
	if (rc <= 0)
		return rc;
	/* A push that came between is heard of by itself. */
	row_set(&now.head, was.head);
	return github_pull_store(j->g, &j->repo, &now, was.files, was.task, err);
}

int github_act_pr_close(struct job *j, struct err *err)
{
	json_t *body = json_object();

	(void)err;
	json_put_str(body, "state", "closed");
	return job_send(j, "PATCH",
			gh_path("/repos/%r/pulls/%d", j->remote.full_name, job_number(j)), body,
			GH_REPEATABLE, "pull-close", did_pr_close);
}

static int did_close(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	int rc;

	if (a->outcome != GH_GONE && job_check(j, a, err) < 0)
		return -1;
	rc = issue_find(db_of(j), ST_ISSUE_BY_NUMBER, &i, err, "ii", j->repo.id, job_number(j));
	if (rc <= 0)
		return rc;
	row_set(&i.state, "closed");
	return issue_save(db_of(j), &i, err);
}

int github_act_issue_close(struct job *j, struct err *err)
{
	json_t *body = json_object();

	(void)err;
	json_put_str(body, "state", "closed");
	json_put_str(body, "state_reason", "completed");
	return job_send(j, "PATCH",
			gh_path("/repos/%r/issues/%d", j->remote.full_name, job_number(j)), body,
			GH_REPEATABLE, "issue-close", did_close);
}
