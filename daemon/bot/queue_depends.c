/* queue_depends.c - see queue_depends.h */
#include "bot/queue_depends.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/remote.h"

#include <strings.h>

#define TOLD "told"

bool queue_depends_here(const struct repo *r, const struct depend *d)
{
	return !d->name || !strcasecmp(d->name, r->name);
}

int queue_depends_forget(struct bot *b, const struct repo *r, int64_t pr, const char *source,
			 struct err *err)
{
	return db_run(b->db, ST_DEPENDENCY_CLEAR, err, "iis", r->id, pr, source) < 0 ||
			       db_run(b->db, ST_DEPENDENCY_ODD_CLEAR, err, "iis", r->id, pr,
				      source) < 0
		       ? -1
		       : 0;
}

int queue_depends_other(struct bot *b, const struct repo *r, int64_t pr, const struct depend *d,
			const char *source, struct err *err)
{
	autofree char *what = depend_text(d);

	return db_run(b->db, ST_DEPENDENCY_ODD_ADD, err, "iisssii", r->id, pr, source, what,
		      d->name, d->number, bot_now(b));
}

static int add_bad(struct bot *b, const struct repo *r, int64_t pr, const char *what,
		   const char *source, struct err *err)
{
	return db_run(b->db, ST_DEPENDENCY_ODD_ADD, err, "iisssii", r->id, pr, source, what, NULL,
		      (int64_t)0, bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* 1: it is an issue's number; 0 not. */
static int is_issue(struct bot *b, const struct repo *r, int64_t number, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	cleanup(issue_release) struct issue i = {0};
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, number);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return issue_find(b->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", r->id, number);
}

int queue_depends_want(struct bot *b, const struct repo *r, int64_t number, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, number);

	return rc != 0 ? (rc < 0 ? -1 : 0) : remote_want(b, r, number, err);
}

static int add_here(struct bot *b, const struct repo *r, int64_t pr, const struct depend *d,
		    const char *source, struct err *err)
{
	int issue = d->number == pr ? 0 : is_issue(b, r, d->number, err);
	autofree char *what = NULL;

	if (issue < 0)
		return -1;
	if (d->number != pr && !issue)
		return db_run(b->db, ST_DEPENDENCY_ADD, err, "iiisi", r->id, pr, d->number, source,
			      bot_now(b)) < 0
			       ? -1
			       : queue_depends_want(b, r, d->number, err);
	what = xasprintf("%s: %s", d->what,
			 issue ? "is an issue; a PR waits for pull requests only"
			       : "is this PR itself, which cannot wait for itself");
	return add_bad(b, r, pr, what, source, err);
}

int queue_depends_add(struct bot *b, const struct repo *r, int64_t pr, const struct depends *d,
		      const char *source, struct err *err)
{
	for (size_t i = 0; i < d->n; i++)
		if (queue_depends_here(r, &d->v[i])
			    ? add_here(b, r, pr, &d->v[i], source, err) < 0
			    : queue_depends_other(b, r, pr, &d->v[i], source, err) < 0)
			return -1;
	strvec_foreach (&d->bad, what)
		if (add_bad(b, r, pr, *what, source, err) < 0)
			return -1;
	return 0;
}

/* ---- what holds ---- */

/* 1: merged, as far as it is known here. */
static int is_merged(struct bot *b, const struct dependency_odd *o, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr p = {0};
	int rc = repo_find(b->db, ST_REPO_LIKE_NAME, &r, err, "s", o->name);

	if (rc > 0)
		rc = pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", r.id, o->number);
	return rc <= 0 ? rc : !strcmp(p.state, "merged");
}

static const char *place_of(const char *source)
{
	return !strcmp(source, "body") ? "its text" : "the message of a commit of it";
}

static int why_of(struct bot *b, const struct dependency_odd *o, char **ret, struct err *err)
{
	autofree char *shown = NULL;
	int merged;

	if (!o->name) {
		shown = text_code(o->what);
		*ret = xasprintf("says in %s what it depends on, and that is not understood: %s",
				 place_of(o->source), shown);
		return 1;
	}
	merged = is_merged(b, o, err);
	if (merged != 0)
		return merged < 0 ? -1 : 0;
	shown = text_code(o->what);
	*ret = xasprintf("waits for %s of another repository, which is not known here to be merged",
			 shown);
	return 1;
}

int queue_depends_held(struct bot *b, const struct repo *r, int64_t pr, char **ret_why,
		       struct err *err)
{
	cleanup(dependency_odd_list_release) struct dependency_odd_list l = {0};
	autofree char *why = NULL;
	int rc = 0;

	if (dependency_odd_all(b->db, ST_DEPENDENCY_ODD_OF, &l, err, "ii", r->id, pr) < 0)
		return -1;
	for (size_t i = 0; i < l.n && rc == 0; i++)
		if (strcmp(l.v[i].source, TOLD) != 0)
			rc = why_of(b, &l.v[i], &why, err);
	if (rc > 0 && ret_why)
		*ret_why = steal(&why);
	return rc;
}

/* ---- what people are told ---- */

static char *bad_text(const struct dependency_odd_list *l)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	buf_adds(&b,
		 "This PR says what it depends on, and that is not understood. It does not land "
		 "before this is corrected:\n\n");
	for (size_t i = 0; i < l->n; i++) {
		autofree char *shown = text_code(l->v[i].what);

		if (!l->v[i].name && strcmp(l->v[i].source, TOLD) != 0)
			buf_addf(&b, "- in %s: %s\n", place_of(l->v[i].source), shown);
	}
	buf_adds(&b,
		 "\nWrite a line `Depends-On: #12`, or `Depends-On: none`, or take it out. What is "
		 "in a code block, a quote or an HTML comment does not count.");
	return buf_steal(&b);
}

static int say(struct bot *b, const struct repo *r, int64_t pr, char *text, struct err *err)
{
	return bot_say(b, r->id, pr, text, err, "depends:%lld:%lld", (long long)r->id,
		       (long long)pr);
}

int queue_depends_tell(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err)
{
	cleanup(dependency_odd_list_release) struct dependency_odd_list l = {0};
	bool bad = false, told = false;

	if (dependency_odd_all(b->db, ST_DEPENDENCY_ODD_OF, &l, err, "ii", r->id, pr->number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		told = told || !strcmp(l.v[i].source, TOLD);
		bad = bad || (!l.v[i].name && strcmp(l.v[i].source, TOLD) != 0);
	}
	if (!bad && !told)
		return 0;
	if (db_run(b->db, ST_DEPENDENCY_ODD_CLEAR, err, "iis", r->id, pr->number, TOLD) < 0 ||
	    (bad && add_bad(b, r, pr->number, "", TOLD, err) < 0))
		return -1;
	return say(b, r, pr->number,
		   bad ? bad_text(&l) : xstrdup("What this PR depends on is understood now."), err);
}
