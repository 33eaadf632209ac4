/* github_land.c - see github.h: what the queue wants of a PR while it lands, and after. */
#include "forge/github_job.h"

#include "forge/github_read.h"

#include <string.h>

#define LOOK_MS 2000 /* between two looks for what GitHub has not noticed yet */

static struct db *db_of(struct job *j)
{
	return j->g->o.db;
}

/* 1 the ledger's row, 0 none, -1. */
static int known(struct job *j, struct pr *ret, struct err *err)
{
	return pr_find(db_of(j), ST_PR_BY_NUMBER, ret, err, "ii", j->repo.id, job_number(j));
}

static int patch(struct job *j, const char *key, const char *value, const char *kind, job_fn next)
{
	json_t *body = json_object();

	json_put_str(body, key, value);
	return job_send(j, "PATCH",
			gh_path("/repos/%r/pulls/%d", j->remote.full_name, job_number(j)), body,
			GH_REPEATABLE, kind, next);
}

/* ---- merged ---- */

static int did_close(struct job *j, const struct gh_answer *a, struct err *err)
{
	return a->outcome == GH_GONE ? JOB_DONE : job_check(j, a, err);
}

/* GitHub notices by itself that the base has reached the head; the ledger need not wait for it. */
int github_act_pr_merged(struct job *j, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = known(j, &p, err);

	if (rc <= 0)
		return rc;
	row_set(&p.state, "merged");
	row_set(&p.landed, json_str(j->payload, "commit", NULL));
	row_set(&p.landed_base, json_str(j->payload, "base", NULL));
	p.updated_ms = job_now(j);
	if (pr_save(db_of(j), &p, err) < 0)
		return -1;
	return json_flag(j->payload, "close") ? patch(j, "state", "closed", "pull-close", did_close)
					      : JOB_DONE;
}

/* ---- another base ---- */

/* Only the base is another one: what is known of its commits stays known. */
static int keep_base(struct job *j, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = known(j, &p, err);

	if (rc <= 0)
		return rc;
	row_set(&p.base, json_str(j->payload, "base", p.base));
	return pr_save(db_of(j), &p, err) < 0 ? -1 : JOB_DONE;
}

/*
 * GitHub has refused it. A member of a native stack keeps its base: 422 "Cannot change the base branch because the pull
 * request is part of a stack.", also where it is the base already (theBGuy/GitDesktop#146, ezyang/ghstack#363), and the
 * stack is dissolved by its own command only. So it counts what the PR is now.
 */
static int did_retarget_look(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(pr_release) struct pr now = {0};
	const json_t *stack = json_object_get(a->body, "stack");
	const char *base = json_str(j->payload, "base", ""), *why = json_str(j->memo, "why", "");

	if (a->outcome == GH_GONE)
		return JOB_DONE;
	if (job_check_of(j, a, job_number(j), err) < 0 ||
	    gh_read_pull(a->body, j->remote.full_name, &now, err) < 0)
		return -1;
	if (strcmp(now.state, "open") != 0) /* there is nothing to keep open */
		return JOB_DONE;
	if (!strcmp(now.base, base))
		return keep_base(j, err);
	if (json_is_object(stack) || strstr(why, "part of a stack"))
		return err_set(err, ERR_STATE,
			       "it is part of GitHub's stack %lld, whose members keep their base: "
			       "dissolve the stack (`gh stack unstack %lld`), then set the PR's "
			       "base to `%s`",
			       (long long)json_int(stack, "number", 0),
			       (long long)json_int(stack, "number", 0), base);
	return err_set(err, ERR_STATE, "GitHub has refused it: %s", why);
}

static int did_retarget(struct job *j, const struct gh_answer *a, struct err *err)
{
	if (a->outcome == GH_GONE)
		return JOB_DONE;
	if (a->outcome == GH_CONFLICT) {
		json_put_str(j->memo, "why", a->text);
		return job_get(j, gh_path("/repos/%r/pulls/%d", j->remote.full_name, job_number(j)),
			       0, "pull-look", did_retarget_look);
	}
	return job_check(j, a, err) < 0 ? -1 : keep_base(j, err);
}

int github_act_pr_retarget(struct job *j, struct err *err)
{
	(void)err;
	return patch(j, "base", json_str(j->payload, "base", ""), "pull-base", did_retarget);
}

/* ---- how is it now? ---- */

/* It has not come true, and will be asked for again, up to its time. */
static int not_yet(struct job *j, int64_t not_before_ms, const char *why, struct err *err)
{
	int64_t until = json_int(j->payload, "until_ms", 0);
	int64_t next = not_before_ms ? not_before_ms : job_now(j) + LOOK_MS;

	if (next >= until) {
		json_put_str(j->result, "why", why);
		return JOB_DONE;
	}
	j->not_before_ms = next;
	return err_set(err, ERR_UNAVAILABLE, "%s#%lld: %s", j->remote.full_name,
		       (long long)job_number(j), why);
}

static int did_look(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(pr_release) struct pr now = {0};
	bool merged;

	if (a->outcome == GH_RETRY || a->outcome == GH_UNKNOWN || a->outcome == GH_NO_ACCESS ||
	    (a->outcome == GH_GONE && job_lags(j)))
		return not_yet(j, a->not_before_ms, a->text, err);
	if (job_check_of(j, a, job_number(j), err) < 0 ||
	    gh_read_pull(a->body, j->remote.full_name, &now, err) < 0)
		return -1;
	merged = !strcmp(now.state, "merged");
	if (json_flag(j->payload, "merged") && !merged && !strcmp(now.state, "open"))
		return not_yet(j, 0, "GitHub has not noticed yet that it is merged", err);
	json_put_str(j->result, "head", now.head);
	json_put_bool(j->result, "merged", merged);
	return JOB_DONE;
}

int github_act_pr_look(struct job *j, struct err *err)
{
	(void)err;
	return job_get(j, gh_path("/repos/%r/pulls/%d", j->remote.full_name, job_number(j)), 0,
		       "pull-look", did_look);
}
