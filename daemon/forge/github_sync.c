/* github_sync.c - see github.h: one issue or PR as it is now. */
#include "forge/github_job.h"

#include "forge/github_read.h"

#include <string.h>

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

/* ---- issues ---- */

static char *key_of(const struct job *j, const char *what, int64_t id)
{
	return xasprintf("gh-%s:%lld:%lld", what, (long long)j->remote.remote, (long long)id);
}

/* What a delivery has told of this issue or PR, or NULL. */
static const json_t *told_of(const struct job *j)
{
	return json_object_get(j->payload, "told");
}

static bool is_older(const struct job *j, const json_t *o)
{
	int64_t at = gh_time_ms(json_str(o, "updated_at", NULL));

	return at >= 0 && at < json_int(told_of(j), "at_ms", 0);
}

/* By whom it was set its list of events does not say. The delivery does; else a person is told, once. */
static int label_of_nobody(struct job *j, const char *name, bool told, struct err *err)
{
	bool known = !strcasecmp(json_str(told_of(j), "label", ""), name);
	const char *actor = known ? json_str(told_of(j), "actor", "") : "";
	int64_t at = known ? job_now(j) : 0;
	json_t *p;

	/* A later event of the list is told then; of one that is older this was it. */
	if (db_run(db_of(j), ST_LABEL_PUT, err, "iissi", j->repo.id, job_number(j), name,
		   known ? actor : "ghost", at) < 0)
		return -1;
	if (!told)
		return 0;
	p = github_payload(&j->repo, job_number(j), actor);
	json_put_str(p, "label", name);
	json_put_int(p, "at_ms", json_int(told_of(j), "at_ms", 0));
	return github_tell(j->g,
			   xasprintf("gh-label-told:%lld:%lld:%s:%lld", (long long)j->remote.remote,
				     (long long)job_number(j), name, (long long)job_now(j)),
			   "issue-labeled", p, err);
}

static const struct label *find_label(const struct label_list *known, const char *name)
{
	for (size_t i = 0; i < known->n; i++)
		if (!strcmp(known->v[i].name, name))
			return &known->v[i];
	return NULL;
}

/* What the issue and its events say of a label does not go together: one of them is behind. */
static int labels_lag(struct job *j, const json_t *o, const json_t *events, struct err *err)
{
	cleanup(strvec_release) struct strvec now = STRVEC_INIT;
	cleanup(label_list_release) struct label_list known = {0};
	const char *label = json_str(told_of(j), "label", NULL);
	struct gh_event e;

	gh_read_labels(o, &now);
	if (label_all(db_of(j), ST_LABEL_OF, &known, err, "ii", j->repo.id, job_number(j)) < 0)
		return -1;
	for (size_t i = 0; i < now.n; i++)
		if (!find_label(&known, now.v[i]) &&
		    !gh_latest_event(events, "labeled", now.v[i], &e))
			return 1;
	for (size_t i = 0; i < known.n; i++)
		if (!strvec_has(&now, known.v[i].name) &&
		    (!gh_latest_event(events, "unlabeled", known.v[i].name, &e) ||
		     e.at_ms < known.v[i].at_ms))
			return 1;
	return label && !strvec_has(&now, label) &&
	       !gh_latest_event(events, "unlabeled", label, &e);
}

/* A label that is there now: new, or set again since it was last seen? The issue's events say who set
 * it and when. */
static int label_is_set(struct job *j, const json_t *events, const char *name, bool told,
			struct err *err)
{
	cleanup(label_list_release) struct label_list known = {0};
	struct gh_event e;
	json_t *p;

	if (label_all(db_of(j), ST_LABEL_OF, &known, err, "ii", j->repo.id, job_number(j)) < 0)
		return -1;
	if (!gh_latest_event(events, "labeled", name, &e))
		return find_label(&known, name) ? 0 : label_of_nobody(j, name, told, err);
	for (size_t i = 0; i < known.n; i++)
		if (!strcmp(known.v[i].name, name) && known.v[i].at_ms >= e.at_ms)
			return 0;
	if (db_run(db_of(j), ST_LABEL_PUT, err, "iissi", j->repo.id, job_number(j), name,
		   e.actor.login, e.at_ms) < 0)
		return -1;
	if (e.actor.bot || !told)
		return 0;
	p = github_payload(&j->repo, job_number(j), e.actor.login);
	json_put_str(p, "label", name);
	json_put_int(p, "at_ms", e.at_ms);
	return github_tell(j->g, key_of(j, "label", e.id), "issue-labeled", p, err);
}

static int label_is_gone(struct job *j, const json_t *events, const char *name, struct err *err)
{
	struct gh_event e = {.id = job_now(j), .actor = {"ghost", false}};
	json_t *p;

	if (db_run(db_of(j), ST_LABEL_CLEAR, err, "iis", j->repo.id, job_number(j), name) < 0)
		return -1;
	if (gh_latest_event(events, "unlabeled", name, &e) && e.actor.bot)
		return 0;
	p = github_payload(&j->repo, job_number(j), e.actor.login);
	json_put_str(p, "label", name);
	return github_tell(j->g, key_of(j, "unlabel", e.id), "issue-unlabeled", p, err);
}

static int compare_labels(struct job *j, const struct strvec *now, const json_t *events, bool told,
			  struct err *err)
{
	cleanup(label_list_release) struct label_list known = {0};

	if (label_all(db_of(j), ST_LABEL_OF, &known, err, "ii", j->repo.id, job_number(j)) < 0)
		return -1;
	for (size_t i = 0; i < known.n; i++)
		if (!strvec_has(now, known.v[i].name) &&
		    label_is_gone(j, events, known.v[i].name, err) < 0)
			return -1;
	for (size_t i = 0; i < now->n; i++)
		if (label_is_set(j, events, now->v[i], told, err) < 0)
			return -1;
	return 0;
}

/* By a bot, too: nothing is started by it. */
static int tell_reopened(struct job *j, const json_t *events, struct err *err)
{
	struct gh_event e = {.id = job_now(j), .actor = {"ghost", false}};

	gh_latest_event(events, "reopened", NULL, &e);
	return github_tell(j->g, key_of(j, "reopened", e.id), "issue-reopened",
			   github_payload(&j->repo, job_number(j), e.actor.login), err);
}

static int tell_closed(struct job *j, const json_t *events, struct err *err)
{
	struct gh_event e = {.id = job_now(j), .actor = {"ghost", false}};

	/* Ours, or the forge's own after a landing: nobody has to be told. */
	if (gh_latest_event(events, "closed", NULL, &e) && e.actor.bot)
		return 0;
	return github_tell(j->g, key_of(j, "closed", e.id), "issue-closed",
			   github_payload(&j->repo, job_number(j), e.actor.login), err);
}

/* What is another one than it was. */
struct changes {
	bool closed, reopened, edited;
};

static int store_issue(struct job *j, struct issue *now, struct changes *ret, struct err *err)
{
	cleanup(issue_release) struct issue was = {0};
	int rc = issue_find(db_of(j), ST_ISSUE_BY_NUMBER, &was, err, "ii", j->repo.id, now->number);

	if (rc < 0)
		return -1;
	now->repo = j->repo.id;
	now->id = was.id;
	ret->closed = rc > 0 && !strcmp(was.state, "open") && !strcmp(now->state, "closed");
	ret->reopened = rc > 0 && !strcmp(was.state, "closed") && !strcmp(now->state, "open");
	ret->edited = rc > 0 && (strcmp(was.title, now->title) || strcmp(was.body, now->body));
	return rc ? issue_save(db_of(j), now, err) : issue_insert(db_of(j), now, err);
}

int github_apply_issue(struct job *j, const json_t *o, const json_t *events, struct err *err)
{
	cleanup(issue_release) struct issue now = {0};
	cleanup(strvec_release) struct strvec labels = STRVEC_INIT;
	bool pull, told = !json_flag(j->payload, "first");
	struct changes changed = {0};

	gh_read_labels(o, &labels);
	if (gh_read_issue(o, &now, &pull, err) < 0 || store_issue(j, &now, &changed, err) < 0 ||
	    compare_labels(j, &labels, events, told && !strcmp(now.state, "open"), err) < 0)
		return -1;
	if ((changed.closed && tell_closed(j, events, err) < 0) ||
	    (changed.reopened && tell_reopened(j, events, err) < 0))
		return -1;
	if (changed.edited &&
	    github_tell(j->g, key_of(j, "edit", job_now(j)), "issue-edited",
			github_payload(&j->repo, now.number, now.author), err) < 0)
		return -1;
	return github_tell_then(j->g, json_object_get(j->payload, "then"), err);
}

static int did_events(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *o = json_object_get(j->memo, "issue");
	int rc;

	if (job_check(j, a, err) < 0)
		return -1;
	rc = job_lags(j) && !strcmp(json_str(o, "state", ""), "open")
		     ? labels_lag(j, o, a->body, err)
		     : 0;
	if (rc != 0)
		return rc < 0 ? -1 : job_again(j, err, "its events do not say who set its labels");
	return github_apply_issue(j, o, a->body, err);
}

/* ---- PRs ---- */

/* Known with this head already: its reviews can be read at once. Else its objects come first, and the
 * reviews are read when it is known. */
static int did_pull(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(pr_release) struct pr now = {0};
	cleanup(pr_release) struct pr was = {0};
	json_t *x;
	int rc;

	if (a->outcome == GH_GONE && job_lags(j))
		return job_again(j, err, "GitHub does not find it");
	if (a->outcome == GH_OK && is_older(j, a->body) && job_lags(j))
		return job_again(j, err, "what was told of it is not there");
	if (job_check_of(j, a, job_number(j), err) < 0 ||
	    gh_read_pull(a->body, j->remote.full_name, &now, err) < 0 ||
	    github_pull_head(j->g, &j->repo, &now, err) < 0)
		return -1;
	if (github_is_candidate(&now))
		return JOB_DONE; /* nor what was said on it: it is nobody's to command */
	rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &was, err, "ii", j->repo.id, now.number);
	if (rc < 0)
		return -1;
	/* Over before we ever saw it: nothing of it is ours to do, but to know that it is when another depends on it. */
	if (rc == 0 && strcmp(now.state, "open") != 0 && json_flag(told_of(j), "wanted") &&
	    github_pull_store(j->g, &j->repo, &now, "[]", 0, err) < 0)
		return -1;
	if (rc == 0 && strcmp(now.state, "open") != 0)
		return github_tell_then(j->g, json_object_get(j->payload, "then"), err);
	if (rc == 0 || strcmp(was.head, now.head) != 0) {
		x = github_payload(&j->repo, now.number, now.author);
		json_put(x, "pull", gh_pull_brief(a->body));
		if (json_object_get(j->payload, "then"))
			json_put(x, "then", json_incref(json_object_get(j->payload, "then")));
		return github_pull_fetch(j->g, &j->repo, &j->remote, x, err);
	}
	if (github_pull_store(j->g, &j->repo, &now, was.files, was.task, err) < 0 ||
	    github_pull_labels(j->g, &j->repo, now.number, a->body, err) < 0 ||
	    github_tell_then(j->g, json_object_get(j->payload, "then"), err) < 0)
		return -1;
	return strcmp(now.state, "open") ? JOB_DONE : github_ask_reviews(j, now.number);
}

/* GitHub says so with 410 where we may read the repository; of one whose issues are switched off it says 410, too. */
static bool is_deleted(const struct gh_answer *a)
{
	return a->status == 410 && strcasestr(a->text, "deleted");
}

/* Transferred or deleted: here it is closed. What became of it elsewhere is nothing of ours. */
static int issue_is_gone(struct job *j, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	int rc = issue_find(db_of(j), ST_ISSUE_BY_NUMBER, &i, err, "ii", j->repo.id, job_number(j));

	if (rc <= 0 || strcmp(i.state, "open") != 0)
		return rc < 0 ? -1 : JOB_DONE;
	row_set(&i.state, "closed");
	if (issue_save(db_of(j), &i, err) < 0 ||
	    github_tell(j->g, key_of(j, "gone", job_number(j)), "issue-closed",
			github_payload(&j->repo, i.number, "ghost"), err) < 0)
		return -1;
	return JOB_DONE;
}

static int did_issue(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	bool pull;

	if (a->outcome == GH_GONE && !a->moved && !is_deleted(a) && job_lags(j))
		return job_again(j, err, "GitHub does not find it");
	if (a->outcome == GH_GONE)
		return a->moved || is_deleted(a) ? issue_is_gone(j, err) : JOB_DONE;
	if (job_check_of(j, a, job_number(j), err) < 0 ||
	    gh_read_issue(a->body, &i, &pull, err) < 0)
		return -1;
	if (is_older(j, a->body) && job_lags(j))
		return job_again(j, err, "what was told of it is not there");
	if (pull)
		return job_get(j, gh_path("/repos/%r/pulls/%d", j->remote.full_name, i.number), 0,
			       "pull", did_pull);
	json_put(j->memo, "issue", json_incref(a->body));
	return job_get(
		j,
		gh_path("/repos/%r/issues/%d/events?per_page=100", j->remote.full_name, i.number),
		GH_ALL_PAGES, "events", did_events);
}

int github_act_sync(struct job *j, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(db_of(j), ST_PR_BY_NUMBER, &pr, err, "ii", j->repo.id, job_number(j));

	if (rc < 0)
		return -1;
	return rc || json_flag(j->payload, "pull")
		       ? job_get(j,
				 gh_path("/repos/%r/pulls/%d", j->remote.full_name, job_number(j)),
				 0, "pull", did_pull)
		       : job_get(j,
				 gh_path("/repos/%r/issues/%d", j->remote.full_name, job_number(j)),
				 0, "issue", did_issue);
}
