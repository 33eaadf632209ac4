/*
 * github_verdict.c - see github.h: what GitHub makes of the reviews of a PR, by its rules: the last step of
 * a "forge-sync" of an open one. Only GraphQL says it (whether a thread is resolved, and the decision).
 *
 * Kept in pr.verdict, for the head that it is of:
 *
 *   {head, by: [LOGIN] who wants changes, decision?: approved | changes-requested | review-required | none,
 *    unresolved: N, threads: N, why?: it could not be read}     threads: conversations in all
 *
 * `by` is found out here (github_reviews.c) and holds for every head: where the branch requires no review GitHub's
 * decision is null, whatever was said. Without `decision` GitHub has not been asked: of a PR that is based on another, or
 * not yet.
 */
#include "forge/github_job.h"

#include "base/buf.h"
#include "forge/github_read.h"

#include <string.h>

#define PAGES 10 /* of 100 threads; what is behind them counts as unresolved */

static const char query[] =
	"query($owner: String!, $name: String!, $number: Int!, $after: String) { "
	"repository(owner: $owner, name: $name) { databaseId pullRequest(number: $number) { "
	"headRefOid reviewDecision reviewThreads(first: 100, after: $after) { "
	"nodes { isResolved } pageInfo { hasNextPage endCursor } } } } }";

static const struct {
	const char *theirs, *ours;
} decisions[] = {
	{"APPROVED", "approved"},
	{"CHANGES_REQUESTED", "changes-requested"},
	{"REVIEW_REQUIRED", "review-required"},
};

/* Null: no review is required. One that is not known is as good as one that is still required. */
static const char *decision_of(const json_t *pull)
{
	const char *said = json_str(pull, "reviewDecision", NULL);

	for (size_t i = 0; said && i < ARRAY_LEN(decisions); i++)
		if (!strcmp(decisions[i].theirs, said))
			return decisions[i].ours;
	return said ? "review-required" : "none";
}

/* Takes v. A head that a landing of ours has moved is not one that people were asked about. */
static int keep(struct job *j, const char *head, json_t *v, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	cleanup(pr_release) struct pr moved = {.number = job_number(j), .head = xstrdup(head)};
	autojson json_t *verdict = v;
	autofree char *text = NULL;
	int rc = pr_find(j->g->o.db, ST_PR_BY_NUMBER, &pr, err, "ii", j->repo.id, job_number(j));

	if (rc <= 0 || github_pull_head(j->g, &j->repo, &moved, err) < 0)
		return rc <= 0 ? rc : -1;
	if (strcmp(moved.head, head) != 0)
		return JOB_DONE;
	json_put_str(verdict, "head", head);
	json_put(verdict, "by", json_incref(json_object_get(j->memo, "by")));
	text = json_text(verdict);
	if (pr.verdict && !strcmp(pr.verdict, text))
		return JOB_DONE;
	row_take(&pr.verdict, steal(&text));
	return pr_save(j->g->o.db, &pr, err) < 0 ? -1 : JOB_DONE;
}

static int keep_failure(struct job *j, const char *why, struct err *err)
{
	json_t *v = json_object();

	json_put_str(v, "why", why);
	return keep(j, json_str(j->memo, "head", ""), v, err);
}

static int ask(struct job *j, const char *after);

/* NULL: there is none, or it is of another repository: a name is followed to where it leads now. */
static const json_t *repo_of(const struct job *j, const struct gh_answer *a)
{
	const json_t *repo = json_object_get(json_object_get(a->body, "data"), "repository");

	return json_int(repo, "databaseId", 0) == j->remote.remote ? repo : NULL;
}

/* GraphQL answers from another copy than REST: it may not have a new PR or its new head yet. 1, 0, -1. */
static int is_behind(struct job *j, const struct gh_answer *a, const json_t *pull, struct err *err)
{
	cleanup(pr_release) struct pr now = {.number = job_number(j)};
	const char *head = json_str(pull, "headRefOid", NULL);

	if (!job_lags(j) || !repo_of(j, a))
		return 0;
	if (!head)
		return !json_is_object(pull);
	now.head = xstrdup(head);
	if (github_pull_head(j->g, &j->repo, &now, err) < 0)
		return -1;
	return strcmp(now.head, json_str(j->memo, "head", head)) != 0;
}

static int did_verdict(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *pull = json_object_get(repo_of(j, a), "pullRequest"), *threads, *page, *o;
	int64_t open = json_int(j->memo, "unresolved", 0);
	int64_t all = json_int(j->memo, "threads", 0);
	int64_t pages = json_int(j->memo, "pages", 0) + 1;
	json_t *v;
	size_t i;
	int rc;

	/* Not for us to see: the one who asks is told why. Anything else is asked again. */
	if (a->outcome == GH_REFUSED || a->outcome == GH_GONE)
		return keep_failure(j, a->text, err);
	if (job_check(j, a, err) < 0)
		return -1;
	rc = is_behind(j, a, pull, err);
	if (rc != 0)
		return rc < 0 ? -1 : job_again(j, err, "GraphQL does not show the pushed head");
	/* A field that could not be read is null, as one that says "none" is: half an answer is none. */
	if (!json_is_object(pull) || json_array_size(json_object_get(a->body, "errors")) ||
	    !json_is_array(json_object_get(json_object_get(pull, "reviewThreads"), "nodes")))
		return keep_failure(j,
				    json_str(json_array_get(json_object_get(a->body, "errors"), 0),
					     "message", "GitHub's answer is not whole"),
				    err);
	threads = json_object_get(pull, "reviewThreads");
	json_array_foreach (json_object_get(threads, "nodes"), i, o)
		open += !json_flag(o, "isResolved");
	all += (int64_t)i;
	page = json_object_get(threads, "pageInfo");
	json_put_int(j->memo, "unresolved", open);
	json_put_int(j->memo, "threads", all);
	json_put_int(j->memo, "pages", pages);
	if (json_flag(page, "hasNextPage") && pages < PAGES && json_str(page, "endCursor", NULL))
		return ask(j, json_str(page, "endCursor", NULL));
	v = json_object();
	json_put_str(v, "decision", decision_of(pull));
	json_put_int(v, "unresolved", open + json_flag(page, "hasNextPage"));
	json_put_int(v, "threads", all + json_flag(page, "hasNextPage"));
	return keep(j, json_str(pull, "headRefOid", ""), v, err);
}

static json_t *repo_variables(const struct job *j)
{
	const char *slash = strchr(j->remote.full_name, '/');
	autofree char *owner = xstrndup(j->remote.full_name, (size_t)(slash - j->remote.full_name));
	json_t *variables = json_object();

	json_put_str(variables, "owner", owner);
	json_put_str(variables, "name", slash + 1);
	return variables;
}

static int ask(struct job *j, const char *after)
{
	json_t *body = json_object(), *variables = repo_variables(j);

	json_put_int(variables, "number", job_number(j));
	if (after)
		json_put_str(variables, "after", after);
	json_put_str(body, "query", query);
	json_put(body, "variables", variables);
	return job_send(j, "POST", xstrdup("/graphql"), body, GH_READS, "verdict", did_verdict);
}

/* Who wants changes is known already, and does not wait for the rest. */
static int keep_wanting(struct job *j, const struct pr *pr, struct err *err)
{
	autojson json_t *v = NULL;

	if (!pr->verdict || json_parse(pr->verdict, strlen(pr->verdict), SIZE_MAX, &v, NULL) < 0 ||
	    strcmp(json_str(v, "head", ""), pr->head) != 0 || strcmp(pr->base, j->repo.base) != 0) {
		json_decref(v);
		v = json_object();
	}
	return keep(j, pr->head, json_incref(v), err);
}

int github_ask_verdict(struct job *j, const struct pr *pr, struct err *err)
{
	if (keep_wanting(j, pr, err) < 0)
		return -1;
	/* One that is based on another PR is not under these rules yet. */
	if (strcmp(pr->base, j->repo.base) != 0)
		return JOB_DONE;
	json_put_str(j->memo, "head", pr->head);
	return ask(j, NULL);
}

/* ---- conversations of PRs that are only watched ---- */

#define THREADS_AT_ONCE 50
#define THREADS_MAX                                                                                \
	1000 /* PRs in one look; of more than that the first one is another one each minute */

/* What is known of its conversations is of this head: 1, with the verdict; 0 it is not. */
static int verdict_of(const struct pr *p, json_t **ret)
{
	if (!p->verdict || json_parse(p->verdict, strlen(p->verdict), SIZE_MAX, ret, NULL) < 0)
		return 0;
	return !strcmp(json_str(*ret, "head", ""), p->head) && !json_object_get(*ret, "why");
}

static int find_threads(struct job *j, json_t *numbers, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	size_t from = 0;

	if (pr_all(j->g->o.db, ST_PR_LIST, &l, err, "is", j->repo.id, "open") < 0)
		return -1;
	if (l.n > THREADS_MAX)
		from = (size_t)(job_now(j) / 60000) % l.n;
	for (size_t i = 0; i < l.n && json_array_size(numbers) < THREADS_MAX; i++) {
		const struct pr *p = &l.v[(from + i) % l.n];
		autojson json_t *v = NULL;

		/* An older row says only how many were open. */
		if (!strcmp(p->base, j->repo.base) && verdict_of(p, &v) &&
		    json_int(v, "threads", json_int(v, "unresolved", 0)) > 0)
			json_array_append_new(numbers, json_integer(p->number));
	}
	return 0;
}

/* 1 the verdict is another one now, 0 it is not. */
static int count_threads(struct job *j, json_t *v, int64_t number, const json_t *pull,
			 struct err *err)
{
	const json_t *threads = json_object_get(pull, "reviewThreads"), *o;
	int64_t open = 0;
	size_t i;

	if (strcmp(json_str(pull, "headRefOid", ""), json_str(v, "head", "?")) != 0)
		return 0; /* a push, which is heard of in another way */
	/* More than is told here, or another decision: it is read as a whole. */
	if (json_flag(json_object_get(threads, "pageInfo"), "hasNextPage") ||
	    strcmp(decision_of(pull), json_str(v, "decision", "")) != 0)
		return github_reviews(j->g, j->repo.id, number, err);
	json_array_foreach (json_object_get(threads, "nodes"), i, o)
		open += !json_flag(o, "isResolved");
	if (json_int(v, "unresolved", -1) == open && json_int(v, "threads", -1) == (int64_t)i)
		return 0;
	json_put_int(v, "unresolved", open);
	json_put_int(v, "threads", (int64_t)i);
	return 1;
}

static int take_threads(struct job *j, int64_t number, const json_t *pull, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autojson json_t *v = NULL;
	int rc = pr_find(j->g->o.db, ST_PR_BY_NUMBER, &p, err, "ii", j->repo.id, number);

	if (rc <= 0 || !verdict_of(&p, &v) ||
	    !json_is_array(json_object_get(json_object_get(pull, "reviewThreads"), "nodes")))
		return rc < 0 ? -1 : 0;
	rc = count_threads(j, v, number, pull, err);
	if (rc <= 0)
		return rc;
	row_take(&p.verdict, json_text(v));
	return pr_save(j->g->o.db, &p, err) < 0 ? -1 : 0;
}

static int ask_threads(struct job *j);

static int did_threads(struct job *j, const struct gh_answer *a, struct err *err)
{
	const json_t *repo = repo_of(j, a);
	const json_t *numbers = json_object_get(j->memo, "numbers");
	size_t from = (size_t)json_int(j->memo, "asked", 0);

	/* Not for us to see: what is known stays. */
	if (a->outcome == GH_REFUSED || a->outcome == GH_GONE)
		return JOB_DONE;
	if (job_check(j, a, err) < 0)
		return -1;
	for (size_t i = 0; i < THREADS_AT_ONCE && from + i < json_array_size(numbers); i++) {
		int64_t number = json_integer_value(json_array_get(numbers, from + i));
		autofree char *alias = xasprintf("p%lld", (long long)number);

		if (take_threads(j, number, json_object_get(repo, alias), err) < 0)
			return -1;
	}
	json_put_int(j->memo, "asked", (int64_t)from + THREADS_AT_ONCE);
	return ask_threads(j);
}

static int ask_threads(struct job *j)
{
	cleanup(buf_release) struct buf q = BUF_INIT;
	const json_t *numbers = json_object_get(j->memo, "numbers");
	size_t from = (size_t)json_int(j->memo, "asked", 0);
	json_t *body;

	if (from >= json_array_size(numbers))
		return JOB_DONE;
	buf_adds(&q, "query($owner: String!, $name: String!) { repository(owner: $owner, name: "
		     "$name) { databaseId");
	for (size_t i = from; i < from + THREADS_AT_ONCE && i < json_array_size(numbers); i++) {
		long long n = (long long)json_integer_value(json_array_get(numbers, i));

		buf_addf(&q,
			 " p%lld: pullRequest(number: %lld) { headRefOid reviewDecision "
			 "reviewThreads(first: 100) { nodes { isResolved } pageInfo { hasNextPage "
			 "} } }",
			 n, n);
	}
	buf_adds(&q, " } }");
	body = json_object();
	json_put_str(body, "query", q.s);
	json_put(body, "variables", repo_variables(j));
	return job_send(j, "POST", xstrdup("/graphql"), body, GH_READS, "threads", did_threads);
}

int github_ask_threads(struct job *j, struct err *err)
{
	const struct github_opts *o = &j->g->o;
	json_t *numbers;

	if (!o->shadow || !o->shadow(o->arg, j->repo.id))
		return JOB_DONE;
	numbers = json_array();
	json_put(j->memo, "numbers", numbers);
	return find_threads(j, numbers, err) < 0 ? -1 : ask_threads(j);
}

/* ---- PRs that wait in the queue ---- */

#define LOOKS_MAX 20 /* at a time */

/* Is it one whose reviews are waited for, or that may land next? */
static int look_again(struct github *g, const struct repo *r, const struct queue_entry *e,
		      struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autojson json_t *v = NULL;
	int rc = e->candidate ? 1 : pr_find(g->o.db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, e->pr);

	if (rc <= 0 || e->candidate)
		return rc;
	if (!p.verdict || json_parse(p.verdict, strlen(p.verdict), SIZE_MAX, &v, NULL) < 0)
		return 1;
	return strcmp(json_str(v, "head", ""), p.head) != 0 || json_int(v, "unresolved", 1) ||
	       json_array_size(json_object_get(v, "by")) ||
	       !strcmp(json_str(v, "decision", "review-required"), "review-required") ||
	       !strcmp(json_str(v, "decision", ""), "changes-requested");
}

/* Whether a thread is resolved changes no time of the PR: no list tells of it. */
int github_look_at_queue(struct github *g, const struct repo *r, struct err *err)
{
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};
	int n = 0;

	if (queue_entry_all(g->o.db, ST_QUEUE_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n && n < LOOKS_MAX; i++) {
		int rc = look_again(g, r, &l.v[i], err);

		if (rc < 0 || (rc && github_sync(g, r->id, l.v[i].pr, NULL, err) < 0))
			return -1;
		n += rc;
	}
	return 0;
}
