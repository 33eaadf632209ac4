/*
 * github_look.c - see forge.h, "forge-look": an issue as it is now, and when its text was changed last. REST has
 * the times of new titles (an issue's events), but of a new text only GraphQL has one.
 */
#include "forge/github_job.h"

#include "forge/github_read.h"

#include <string.h>

static const char query[] = "query($owner:String!,$name:String!,$number:Int!){"
			    "repository(owner:$owner,name:$name){databaseId issue(number:$number){"
			    "lastEditedAt editor{login}}}}";

static void add_edit(struct job *j, int64_t at_ms, const char *by)
{
	json_t *e = json_object();

	json_put_int(e, "at_ms", at_ms);
	json_put_str(e, "by", by);
	json_array_append_new(json_object_get(j->result, "edits"), e);
}

static int did_edits(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *data, *repo, *issue, *errors;
	const char *at;

	/* The issue was there a moment ago: it is GraphQL that is not. */
	if (a->outcome == GH_GONE)
		return err_set(err, ERR_UNAVAILABLE, "%s#%lld: when it was changed last: %s",
			       j->remote.full_name, (long long)job_number(j), a->text);
	if (job_check(j, a, err) < 0)
		return -1;
	data = json_object_get(a->body, "data");
	repo = json_object_get(data, "repository");
	/* A name is followed to where the repository is now, or to another one that has it. */
	if (json_is_object(repo) && json_int(repo, "databaseId", 0) != j->remote.remote)
		return err_set(err, ERR_UNAVAILABLE, "%s#%lld: the answer is of another repository",
			       j->remote.full_name, (long long)job_number(j));
	issue = json_object_get(repo, "issue");
	errors = json_object_get(a->body, "errors");
	/* What cannot be found out is asked again: the text is not given away unseen. A time that could not be
	 * read is null, as that of a text that nobody changed is: half an answer is none. */
	if (!json_is_object(issue) || json_array_size(errors))
		return err_set(err, ERR_UNAVAILABLE, "%s#%lld: when it was changed last: %s",
			       j->remote.full_name, (long long)job_number(j),
			       json_str(json_array_get(errors, 0), "message", "no answer"));
	at = json_str(issue, "lastEditedAt", NULL);
	if (at && gh_time_ms(at) < 0)
		return err_set(err, ERR_UNAVAILABLE, "%s#%lld: 'lastEditedAt' is '%.40s'",
			       j->remote.full_name, (long long)job_number(j), at);
	if (at)
		add_edit(j, gh_time_ms(at), gh_read_user(issue, "editor").login);
	return JOB_DONE;
}

static int ask_edits(struct job *j)
{
	json_t *body = json_object(), *v = json_object();
	const char *slash = strchr(j->remote.full_name, '/');
	autofree char *owner = xstrndup(j->remote.full_name, (size_t)(slash - j->remote.full_name));

	json_put_str(v, "owner", owner);
	json_put_str(v, "name", slash + 1);
	json_put_int(v, "number", job_number(j));
	json_put_str(body, "query", query);
	json_put(body, "variables", v);
	return job_send(j, "POST", xstrdup("/graphql"), body, GH_READS | GH_REPEATABLE, "look",
			did_edits);
}

static int did_events(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *issue = json_object_get(j->memo, "issue"), *l;
	json_t *labels = json_array();
	struct gh_event renamed;
	size_t i;

	json_put(j->result, "labels", labels);
	json_put(j->result, "edits", json_array());
	if (job_check(j, a, err) < 0 || github_apply_issue(j, issue, a->body, err) < 0)
		return -1;
	json_put_str(j->result, "state", json_str(issue, "state", ""));
	json_array_foreach (json_object_get(issue, "labels"), i, l)
		json_array_append_new(labels,
				      json_string(json_is_string(l) ? json_string_value(l)
								    : json_str(l, "name", "")));
	if (gh_latest_event(a->body, "renamed", NULL, &renamed))
		add_edit(j, renamed.at_ms, renamed.actor.login);
	return ask_edits(j);
}

static int did_issue(struct job *j, const struct gh_answer *a, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	bool pull;

	if (a->outcome == GH_GONE && !a->moved && job_lags(j))
		return job_again(j, err, "GitHub does not find it");
	if (job_check_of(j, a, job_number(j), err) < 0 ||
	    gh_read_issue(a->body, &i, &pull, err) < 0)
		return -1;
	json_put(j->memo, "issue", json_incref(a->body));
	return job_get(
		j,
		gh_path("/repos/%r/issues/%d/events?per_page=100", j->remote.full_name, i.number),
		GH_ALL_PAGES, "look", did_events);
}

int github_act_look(struct job *j, struct err *err)
{
	(void)err;
	return job_get(j, gh_path("/repos/%r/issues/%d", j->remote.full_name, job_number(j)), 0,
		       "look", did_issue);
}
