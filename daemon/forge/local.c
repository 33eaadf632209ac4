/* local.c - see local.h: what people do on the local forge. */
#include "forge/local.h"

#include "base/mem.h"

static int64_t now(struct forge *f)
{
	return f->clock->wall_ms(f->clock);
}

/* An event of the local forge; takes payload. What people do here happens once and is told once: a key that
 * is known already is that of the same thing done twice within a millisecond. */
static int tell(struct forge *f, char *key, const char *kind, json_t *payload, struct err *err)
{
	autojson json_t *p = payload;
	autofree char *k = key;
	int rc = event_add(f->db, k, kind, p, now(f), err);

	for (int again = 2; rc == 0; again++) {
		autofree char *other = xasprintf("%s#%d", k, again);

		rc = event_add(f->db, other, kind, p, now(f), err);
	}
	return rc < 0 ? -1 : 0;
}

static json_t *payload(const struct repo *r, int64_t number, const char *actor)
{
	json_t *p = json_object();

	json_put_int(p, "repo", r->id);
	json_put_int(p, "number", number);
	json_put_str(p, "actor", actor);
	return p;
}

static int check_text(const char *what, const char *s, size_t max, bool may_be_empty,
		      struct err *err)
{
	size_t n = strlen(s);

	if (n > max)
		return err_set(err, ERR_LIMIT, "%s: %zu bytes; at most %zu are allowed", what, n,
			       max);
	if (!n && !may_be_empty)
		return err_set(err, ERR_INPUT, "%s: empty; write one", what);
	return 0;
}

int local_number(struct forge *f, const struct repo *r, int64_t *ret, struct err *err)
{
	autofree char *key = xasprintf(LOCAL_UNREAD "%lld", (long long)r->id), *unread = NULL;
	int rc = meta_get(f->db, key, &unread, err);

	if (rc > 0)
		return err_set(
			err, ERR_UNAVAILABLE,
			"repository %s: the ledger was restored, and which numbers are in use "
			"has not been read from the repository yet; try again in a moment",
			r->name);
	if (rc == 0)
		rc = db_int(f->db, ST_REPO_NUMBER, ret, err, "i", r->id);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "repository %s: gone from the ledger", r->name);
	return rc < 0 ? -1 : 0;
}

static int load_issue(struct forge *f, const struct repo *r, int64_t number, struct issue *ret,
		      struct err *err)
{
	int rc = issue_find(f->db, ST_ISSUE_BY_NUMBER, ret, err, "ii", r->id, number);

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "issue #%lld: no such issue in %s",
			       (long long)number, r->name);
	return rc < 0 ? -1 : 0;
}

int local_issue_create(struct forge *f, const struct repo *r, const char *actor, const char *title,
		       const char *body, int64_t *ret_number, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};

	if (check_text("title", title, LOCAL_TITLE_MAX, false, err) < 0 ||
	    check_text("body", body, LOCAL_BODY_MAX, true, err) < 0 ||
	    local_number(f, r, &i.number, err) < 0)
		return -1;
	i.repo = r->id;
	i.title = xstrdup(title);
	i.body = xstrdup(body);
	i.state = xstrdup("open");
	i.author = xstrdup(actor);
	i.created_ms = i.updated_ms = now(f);
	if (issue_insert(f->db, &i, err) < 0)
		return -1;
	*ret_number = i.number;
	return 0;
}

int local_issue_edit(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		     const char *title, const char *body, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};

	if (load_issue(f, r, number, &i, err) < 0 ||
	    check_text("title", title ? title : i.title, LOCAL_TITLE_MAX, false, err) < 0 ||
	    check_text("body", body ? body : i.body, LOCAL_BODY_MAX, true, err) < 0)
		return -1;
	if (title)
		row_set(&i.title, title);
	if (body)
		row_set(&i.body, body);
	i.updated_ms = now(f);
	if (issue_save(f->db, &i, err) < 0)
		return -1;
	return tell(f,
		    xasprintf("edit:%lld:%lld:%lld", (long long)r->id, (long long)number,
			      (long long)i.updated_ms),
		    "issue-edited", payload(r, number, actor), err);
}

static int set_issue_state(struct forge *f, const struct repo *r, const char *actor, int64_t number,
			   const char *state, const char *event, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};

	if (load_issue(f, r, number, &i, err) < 0)
		return -1;
	if (!strcmp(i.state, state))
		return 0;
	row_set(&i.state, state);
	i.updated_ms = now(f);
	if (issue_save(f->db, &i, err) < 0)
		return -1;
	return tell(f,
		    xasprintf("%s:%lld:%lld:%lld", event, (long long)r->id, (long long)number,
			      (long long)i.updated_ms),
		    event, payload(r, number, actor), err);
}

int local_issue_close(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		      struct err *err)
{
	return set_issue_state(f, r, actor, number, "closed", "issue-closed", err);
}

int local_issue_reopen(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		       struct err *err)
{
	return set_issue_state(f, r, actor, number, "open", "issue-reopened", err);
}

/* Is there an issue or a PR of this number? */
static int must_exist(struct forge *f, const struct repo *r, int64_t number, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	cleanup(pr_release) struct pr p = {0};
	int rc = issue_find(f->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", r->id, number);

	if (rc == 0)
		rc = pr_find(f->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, number);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "#%lld: no such issue or PR in %s",
			       (long long)number, r->name);
	return rc < 0 ? -1 : 0;
}

int local_label_add(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		    const char *label, struct err *err)
{
	json_t *p;
	int rc;

	if (check_text("label", label, LOCAL_LABEL_MAX, false, err) < 0 ||
	    must_exist(f, r, number, err) < 0)
		return -1;
	rc = db_run(f->db, ST_LABEL_SET, err, "iissi", r->id, number, label, actor, now(f));
	if (rc <= 0)
		return rc;
	p = payload(r, number, actor);
	json_put_str(p, "label", label);
	rc = tell(f, xasprintf("label:%lld:%lld", (long long)r->id, (long long)db_last_id(f->db)),
		  "issue-labeled", p, err);
	return rc < 0 ? -1 : 1;
}

int local_label_remove(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		       const char *label, struct err *err)
{
	json_t *p;
	int rc;

	if (must_exist(f, r, number, err) < 0)
		return -1;
	rc = db_run(f->db, ST_LABEL_CLEAR, err, "iis", r->id, number, label);
	if (rc <= 0)
		return rc;
	p = payload(r, number, actor);
	json_put_str(p, "label", label);
	rc = tell(f,
		  xasprintf("unlabel:%lld:%lld:%s:%lld", (long long)r->id, (long long)number, label,
			    (long long)now(f)),
		  "issue-unlabeled", p, err);
	return rc < 0 ? -1 : 1;
}

int local_comment(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		  const char *body, int64_t *ret_id, struct err *err)
{
	cleanup(comment_release) struct comment c = {0};
	cleanup(pr_release) struct pr pr = {0};
	json_t *p;

	if (check_text("comment", body, LOCAL_BODY_MAX, false, err) < 0 ||
	    must_exist(f, r, number, err) < 0)
		return -1;
	c.repo = r->id;
	c.number = number;
	c.author = xstrdup(actor);
	c.body = xstrdup(body);
	c.created_ms = now(f);
	if (comment_insert(f->db, &c, err) < 0)
		return -1;
	*ret_id = c.id;
	p = payload(r, number, actor);
	json_put_int(p, "comment", c.id);
	json_put_str(p, "body", body);
	/* On a PR: the head that the writer could know of; a command binds to it. */
	if (pr_find(f->db, ST_PR_BY_NUMBER, &pr, err, "ii", r->id, number) > 0)
		json_put_str(p, "head", pr.head);
	return tell(f, xasprintf("comment:%lld", (long long)c.id), "comment-created", p, err);
}

int local_push_find(struct forge *f, const struct repo *r, const char *actor, const char *base,
		    const char *topic, struct pr *ret, struct err *err)
{
	return pr_find(f->db, ST_PR_BY_TOPIC, ret, err, "isss", r->id, topic, actor, base);
}

static int push_new(struct forge *f, const struct repo *r, int64_t number,
		    const struct local_push *p, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	json_t *told;

	pr.repo = r->id;
	pr.number = number;
	pr.title = xstrdup(p->title);
	pr.body = xstrdup(p->body);
	pr.state = xstrdup("open");
	pr.author = xstrdup(p->actor);
	pr.base = xstrdup(p->base);
	pr.topic = xstrdup(p->topic);
	pr.head = xstrdup(p->head);
	pr.files = xstrdup(p->files);
	pr.created_ms = pr.updated_ms = now(f);
	if (pr_insert(f->db, &pr, err) < 0)
		return -1;
	told = payload(r, number, p->actor);
	json_put_str(told, "head", p->head);
	return tell(f, xasprintf("pr-opened:%lld:%lld", (long long)r->id, (long long)number),
		    "pr-opened", told, err);
}

int local_push_apply(struct forge *f, const struct repo *r, int64_t number,
		     const struct local_push *p, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	autofree char *old = NULL;
	json_t *told;
	int rc = pr_find(f->db, ST_PR_BY_NUMBER, &pr, err, "ii", r->id, number);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return push_new(f, r, number, p, err);
	if (strcmp(pr.state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld is %s; only an open one takes a new head",
			       (long long)number, pr.state);
	if (!strcmp(pr.head, p->head))
		return 0;
	old = xstrdup(pr.head);
	row_set(&pr.head, p->head);
	if (!(pr.edited & PR_EDITED_TITLE))
		row_set(&pr.title, p->title);
	if (!(pr.edited & PR_EDITED_BODY))
		row_set(&pr.body, p->body);
	row_set(&pr.files, p->files);
	pr.updated_ms = now(f);
	if (pr_save(f->db, &pr, err) < 0)
		return -1;
	told = payload(r, number, p->actor);
	json_put_str(told, "old", old);
	json_put_str(told, "head", p->head);
	return tell(f,
		    xasprintf("pr-updated:%lld:%lld:%s:%lld", (long long)r->id, (long long)number,
			      p->head, (long long)pr.updated_ms),
		    "pr-updated", told, err);
}

int local_pr_approve(struct forge *f, const struct repo *r, const char *actor, const struct pr *pr,
		     struct err *err)
{
	json_t *p;
	int rc = db_run(f->db, ST_APPROVAL_SET, err, "iissi", r->id, pr->number, pr->head, actor,
			now(f));

	if (rc <= 0)
		return rc;
	p = payload(r, pr->number, actor);
	json_put_str(p, "head", pr->head);
	rc = tell(f,
		  xasprintf("approve:%lld:%lld:%s:%s:%lld", (long long)r->id, (long long)pr->number,
			    pr->head, actor, (long long)now(f)),
		  "pr-approved", p, err);
	return rc < 0 ? -1 : 1;
}

int local_pr_request_changes(struct forge *f, const struct repo *r, const char *actor,
			     const struct pr *pr, const char *body, struct err *err)
{
	int64_t comment;
	json_t *p;

	if (local_comment(f, r, actor, pr->number, body, &comment, err) < 0)
		return -1;
	p = payload(r, pr->number, actor);
	json_put_str(p, "head", pr->head);
	json_put_str(p, "body", body);
	return tell(f, xasprintf("changes:%lld", (long long)comment), "pr-changes-requested", p,
		    err);
}

int local_pr_close(struct forge *f, const struct repo *r, const char *actor, const struct pr *pr,
		   struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = pr_find(f->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, pr->number);

	if (rc <= 0 || strcmp(p.state, "open") != 0)
		return rc < 0 ? -1 : 0;
	row_set(&p.state, "closed");
	p.updated_ms = now(f);
	if (pr_save(f->db, &p, err) < 0)
		return -1;
	return tell(f,
		    xasprintf("pr-closed:%lld:%lld:%lld", (long long)r->id, (long long)pr->number,
			      (long long)p.updated_ms),
		    "pr-closed", payload(r, pr->number, actor), err);
}

static int load_pr(struct forge *f, const struct repo *r, int64_t number, struct pr *ret,
		   struct err *err)
{
	int rc = pr_find(f->db, ST_PR_BY_NUMBER, ret, err, "ii", r->id, number);

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "PR #%lld: no such PR in %s", (long long)number,
			       r->name);
	return rc < 0 ? -1 : 0;
}

int local_pr_edit(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		  const char *title, const char *body, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};

	if (load_pr(f, r, number, &p, err) < 0 ||
	    check_text("title", title ? title : p.title, LOCAL_TITLE_MAX, false, err) < 0 ||
	    check_text("body", body ? body : p.body, LOCAL_BODY_MAX, true, err) < 0)
		return -1;
	if (title && strpbrk(title, "\r\n"))
		return err_set(err, ERR_INPUT, "title: has several lines; expected one");
	if (title)
		row_set(&p.title, title);
	if (body)
		row_set(&p.body, body);
	p.edited |= (title ? PR_EDITED_TITLE : 0) | (body ? PR_EDITED_BODY : 0);
	p.updated_ms = now(f);
	if (pr_save(f->db, &p, err) < 0)
		return -1;
	/* What it depends on, and the message that lands, may be others now. */
	return tell(f,
		    xasprintf("pr-edited:%lld:%lld:%lld", (long long)r->id, (long long)number,
			      (long long)p.updated_ms),
		    "pr-opened", payload(r, number, actor), err);
}

int local_pr_reopen(struct forge *f, const struct repo *r, const char *actor, int64_t number,
		    struct err *err)
{
	cleanup(pr_release) struct pr p = {0}, other = {0};
	int rc = load_pr(f, r, number, &p, err);

	if (rc == 0 && !strcmp(p.state, "open"))
		return 0;
	if (rc == 0 && strcmp(p.state, "closed") != 0)
		return err_set(err, ERR_STATE, "PR #%lld is %s as %.12s; it cannot be opened again",
			       (long long)number, p.state, p.landed ? p.landed : "?");
	if (rc == 0)
		rc = pr_find(f->db, ST_PR_BY_TOPIC, &other, err, "isss", r->id, p.topic, p.author,
			     p.base);
	if (rc > 0)
		return err_set(
			err, ERR_EXISTS,
			"PR #%lld: its topic '%s' is that of PR #%lld now; close that first, or "
			"go on there",
			(long long)number, p.topic, (long long)other.number);
	if (rc < 0)
		return -1;
	row_set(&p.state, "open");
	p.updated_ms = now(f);
	if (pr_save(f->db, &p, err) < 0)
		return -1;
	rc = tell(f,
		  xasprintf("pr-reopened:%lld:%lld:%lld", (long long)r->id, (long long)number,
			    (long long)p.updated_ms),
		  "pr-opened", payload(r, number, actor), err);
	return rc < 0 ? -1 : 1;
}

int local_pr_merged(struct forge *f, const struct repo *r, const struct pr *pr, const char *base,
		    struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = pr_find(f->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, pr->number);

	if (rc <= 0 || strcmp(p.state, "open") != 0)
		return rc < 0 ? -1 : 0;
	row_set(&p.state, "merged");
	row_set(&p.landed, p.head);
	row_set(&p.landed_base, base);
	p.updated_ms = now(f);
	if (pr_save(f->db, &p, err) < 0)
		return -1;
	return tell(f,
		    xasprintf("pr-merged:%lld:%lld:%lld", (long long)r->id, (long long)pr->number,
			      (long long)p.updated_ms),
		    "pr-closed", payload(r, pr->number, "somebody"), err);
}
