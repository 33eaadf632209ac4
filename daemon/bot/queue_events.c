/* queue_events.c - see queue_flow.h: what happens to PRs and to the base. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/approvals.h"
#include "bot/reconcile.h"
#include "bot/report.h"
#include "bot/source.h"
#include "bot/task_flow.h"

#include <ctype.h>
#include <errno.h>

/* ---- dependencies ---- */

static int add_dependency(struct bot *b, const struct repo *r, int64_t pr, int64_t on,
			  const char *source, struct err *err)
{
	if (on == pr || on <= 0)
		return 0;
	return db_run(b->db, ST_DEPENDENCY_ADD, err, "iiisi", r->id, pr, on, source, bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* The numbers of "#12, owner/repo#13, https://…/pull/14" that are of this repository. */
static int add_numbers(struct bot *b, const struct repo *r, int64_t pr, const char *list,
		       const char *source, struct err *err)
{
	for (const char *p = list; *p && *p != '\n';) {
		const char *mark = strpbrk(p, "#\n");
		char *end;
		long long n;

		if (!mark || *mark == '\n')
			return 0;
		/* A name before '#' is another repository's, unless it is ours. */
		const char *word = mark;
		size_t len = strlen(r->name);

		while (word > p && !isspace((unsigned char)word[-1]) && word[-1] != ',')
			word--;
		errno = 0;
		n = strtoll(mark + 1, &end, 10);
		if (end > mark + 1 && !errno &&
		    (word == mark ||
		     ((size_t)(mark - word) == len && !strncmp(word, r->name, len))) &&
		    add_dependency(b, r, pr, n, source, err) < 0)
			return -1;
		p = end > mark + 1 ? end : mark + 1;
	}
	return 0;
}

static int depends_of_text(struct bot *b, const struct repo *r, int64_t pr, const char *text,
			   const char *source, struct err *err)
{
	static const char word[] = "depends-on:";

	for (const char *line = text; line; line = strchr(line, '\n')) {
		while (*line == '\n' || *line == ' ')
			line++;
		if (!strncasecmp(line, word, sizeof(word) - 1) &&
		    add_numbers(b, r, pr, line + sizeof(word) - 1, source, err) < 0)
			return -1;
	}
	return 0;
}

static json_t *request(const struct repo *r, const struct pr *pr, const char *op)
{
	json_t *p = json_object(), *x = json_object();

	json_put_int(x, "repo", r->id);
	json_put_int(x, "pr", pr->number);
	json_put_str(x, "head", pr->head);
	json_put_str(p, "op", op);
	json_put_str(p, "repo", r->path);
	json_put(p, "ctx", x);
	return p;
}

/* Asked once for each time that the PR was pushed: a head may come back after another one, and what was
 * known of it has been forgotten by then. */
static int ask_log(struct bot *b, const struct repo *r, const struct pr *pr, const struct event *e,
		   struct err *err)
{
	autofree char *subject = xasprintf("pr:%lld:%lld", (long long)r->id, (long long)pr->number);
	json_t *p = request(r, pr, "log");

	json_put_str(p, "not", r->base_oid);
	json_put_str(p, "commit", pr->head);
	json_put_int(p, "max", 100);
	return bot_effect(b, subject, "pr-log", p, err, "pr-log:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)e->id) < 0
		       ? -1
		       : 0;
}

/* Which open PRs contain which? Asked with all heads, so that the answer names pairs of them. */
static int ask_contained(struct bot *b, const struct repo *r, const struct pr *pr,
			 const struct event *e, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	autofree char *subject = xasprintf("pr:%lld:%lld", (long long)r->id, (long long)pr->number);
	json_t *p, *heads, *numbers;

	if (pr_all(b->db, ST_PR_LIST, &l, err, "is", r->id, "open") < 0)
		return -1;
	if (l.n < 2)
		return 0;
	p = request(r, pr, "contained");
	heads = json_array();
	numbers = json_array();
	for (size_t i = 0; i < l.n; i++) {
		json_array_append_new(heads, json_string(l.v[i].head));
		json_array_append_new(numbers, json_integer(l.v[i].number));
	}
	json_put_str(p, "base", r->base_oid);
	json_put(p, "heads", heads);
	json_put(json_object_get(p, "ctx"), "numbers", numbers);
	json_put(json_object_get(p, "ctx"), "heads", json_incref(heads));
	return bot_effect(b, subject, "pr-contained", p, err, "pr-contained:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)e->id) < 0
		       ? -1
		       : 0;
}

static bool touches_config(const struct pr *pr)
{
	return strstr(pr->files, "\"" CONF_REPO_PATH "\"") || strstr(pr->files, "\"" SOURCE_FOLDER);
}

/* A PR that changes the configuration gets a check of the change. */
static int ask_config(struct bot *b, const struct repo *r, const struct pr *pr,
		      const struct event *e, struct err *err)
{
	autofree char *subject = xasprintf("pr:%lld:%lld", (long long)r->id, (long long)pr->number);
	json_t *p;

	if (!touches_config(pr))
		return 0;
	p = request(r, pr, "tree-read");
	json_put_str(p, "commit", pr->head);
	json_put(p, "paths", reconcile_paths());
	return bot_effect(b, subject, "pr-config", p, err, "pr-config:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)e->id) < 0
		       ? -1
		       : 0;
}

static int learn(struct bot *b, const struct repo *r, const struct pr *pr, const struct event *e,
		 struct err *err)
{
	/* What is merged is kept of the stacks: a child's merge base is known by it. */
	if (db_run(b->db, ST_DEPENDENCY_CLEAR_STACK, err, "ii", r->id, pr->number) < 0 ||
	    db_run(b->db, ST_DEPENDENCY_CLEAR, err, "iis", r->id, pr->number, "body") < 0 ||
	    db_run(b->db, ST_DEPENDENCY_CLEAR, err, "iis", r->id, pr->number, "trailer") < 0 ||
	    depends_of_text(b, r, pr->number, pr->body, "body", err) < 0)
		return -1;
	if (!r->base_oid)
		return 0;
	return ask_log(b, r, pr, e, err) < 0 || ask_contained(b, r, pr, e, err) < 0 ||
			       ask_config(b, r, pr, e, err) < 0
		       ? -1
		       : 0;
}

/* The PR of an event: 1, 0 gone, -1. */
static int open_pr(struct bot *b, const json_t *p, struct repo *r, struct pr *pr, struct err *err)
{
	if (bot_repo(b, json_int(p, "repo", 0), r, err) < 0)
		return -1;
	return pr_find(b->db, ST_PR_BY_NUMBER, pr, err, "ii", r->id,
		       json_int(p, "number", json_int(p, "pr", 0)));
}

/* What it depends on could not be found out: it does not land as if it depended on nothing. */
static int unknown(struct bot *b, const struct repo *r, const struct pr *pr, const json_t *p,
		   struct err *err)
{
	autofree char *why =
		xasprintf("what it depends on could not be read: %s; push it again",
			  json_str(json_object_get(p, "error"), "text", "no reason was given"));

	return queue_leave(b, r, pr->number, "dequeued", why, err) < 0 ? -1 : 0;
}

int queue_did_log(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	const json_t *commits = json_object_get(json_object_get(p, "result"), "commits");
	int rc = open_pr(b, json_object_get(p, "ctx"), &r, &pr, err);
	size_t i, j;
	json_t *c, *t;

	(void)e;
	if (rc <= 0)
		return rc;
	if (strcmp(json_str(json_object_get(p, "ctx"), "head", ""), pr.head) != 0)
		return 0; /* a push came after it, and asks for itself */
	if (!json_flag(p, "ok"))
		return unknown(b, &r, &pr, p, err);
	json_array_foreach (commits, i, c) {
		json_array_foreach (json_object_get(c, "trailers"), j, t) {
			if (!strcasecmp(json_str(t, "key", ""), "Depends-On") &&
			    add_numbers(b, &r, pr.number, json_str(t, "value", ""), "trailer",
					err) < 0)
				return -1;
		}
	}
	return 0;
}

/* One of the PRs that were asked about, if its head is still the one that was asked about. */
static int pr_at(struct bot *b, const struct repo *r, const json_t *x, size_t i, struct pr *ret,
		 struct err *err)
{
	int64_t n = json_integer_value(json_array_get(json_object_get(x, "numbers"), i));
	const char *head = json_string_value(json_array_get(json_object_get(x, "heads"), i));
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, ret, err, "ii", r->id, n);

	return rc <= 0 ? rc : head && !strcmp(head, ret->head);
}

/* Two PRs of the same head contain each other, and neither is on top. */
static int add_stack(struct bot *b, const struct repo *r, const json_t *x, const json_t *pair,
		     struct err *err)
{
	cleanup(pr_release) struct pr child = {0};
	cleanup(pr_release) struct pr parent = {0};
	int rc = pr_at(b, r, x, (size_t)json_integer_value(json_array_get(pair, 0)), &parent, err);
	int64_t of, on;

	if (rc > 0)
		rc = pr_at(b, r, x, (size_t)json_integer_value(json_array_get(pair, 1)), &child,
			   err);
	if (rc <= 0 || !strcmp(child.head, parent.head))
		return rc < 0 ? -1 : 0;
	of = child.number;
	on = parent.number;
	return add_dependency(b, r, of, on, "stack", err);
}

int queue_did_contained(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	const json_t *x = json_object_get(p, "ctx");
	const json_t *pairs = json_object_get(json_object_get(p, "result"), "pairs");
	int rc = open_pr(b, x, &r, &pr, err);
	size_t i;
	json_t *pair;

	(void)e;
	if (rc <= 0)
		return rc;
	if (!json_flag(p, "ok"))
		return strcmp(json_str(x, "head", ""), pr.head) ? 0 : unknown(b, &r, &pr, p, err);
	json_array_foreach (pairs, i, pair)
		if (add_stack(b, &r, x, pair, err) < 0)
			return -1;
	return 0;
}

int queue_did_config_check(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	autojson json_t *files = NULL;
	int rc = open_pr(b, json_object_get(p, "ctx"), &r, &pr, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (json_flag(p, "ok"))
		files = reconcile_files(json_object_get(p, "result"));
	else
		err_set(&why, ERR_INPUT, "%s",
			json_str(json_object_get(p, "error"), "text", "it could not be read"));
	if (!why.code && source_check(files, &why) == 0)
		return bot_say(
			b, r.id, pr.number,
			xstrdup("The configuration in this PR loads without errors. It comes "
				"into force when it is on the base branch."),
			err, "config:%lld:%lld", (long long)r.id, (long long)pr.number);
	return bot_say(
		b, r.id, pr.number,
		xasprintf("The configuration in this PR is broken:\n\n%s\n\nIf it lands, the "
			  "last good one stays in force.",
			  err_text(&why)),
		err, "config:%lld:%lld", (long long)r.id, (long long)pr.number);
}

/* ---- PRs ---- */

int queue_on_pr_opened(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	int rc = open_pr(b, p, &r, &pr, err);

	(void)e;
	return rc <= 0 ? rc : learn(b, &r, &pr, e, err);
}

static int leave_old_head(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry q = {0};
	int rc = queue_entry_find(b->db, ST_QUEUE_OF_PR, &q, err, "ii", r->id, pr->number);

	if (rc <= 0 || !strcmp(q.head, pr->head))
		return rc < 0 ? -1 : 0;
	return queue_leave(b, r, pr->number, "dequeued", "a push came after the approval", err);
}

int queue_on_pr_updated(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	const char *old = json_str(p, "old", "");
	int voided, left, rc = open_pr(b, p, &r, &pr, err);

	(void)e;
	if (rc <= 0)
		return rc;
	/* Of the head that is there now an approval may have come already: it is of this head. */
	voided = db_run(b->db, ST_APPROVAL_VOID, err, "iiiss", r.id, pr.number, bot_now(b),
			"a push came after it", pr.head);
	left = voided < 0 ? -1 : leave_old_head(b, &r, &pr, err);
	if (left < 0)
		return -1;
	if ((voided || left) &&
	    bot_say(b, r.id, pr.number,
		    xasprintf("A push moved the head from %.12s to %.12s: the approval of the old "
			      "head "
			      "is void%s. Approve and queue the new one.",
			      old, json_str(p, "head", ""),
			      left ? ", and the PR has left the merge queue" : ""),
		    err, "void:%lld", (long long)e->id) < 0)
		return -1;
	return learn(b, &r, &pr, e, err);
}

int queue_on_pr_closed(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	cleanup(task_release) struct task t = {0};
	autofree char *why = xasprintf("the PR was closed by %s", json_str(p, "actor", "somebody"));
	int rc = open_pr(b, p, &r, &pr, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (queue_leave(b, &r, pr.number, "dequeued", why, err) < 0)
		return -1;
	rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", r.id, pr.number);
	return rc <= 0 ? rc : task_tell(b, t.id, BP_EV_PR_CLOSED, why, err);
}

int queue_on_pr_approved(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(task_release) struct task t = {0};
	struct bp_event ev = {.ev = BP_EV_GREEN};
	int64_t have = 0;
	int rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", json_int(p, "repo", 0),
			   json_int(p, "number", 0));

	(void)e;
	if (rc <= 0 || strcmp(t.state, "review") != 0)
		return rc < 0 ? -1 : 0;
	if (task_open(b, t.id, &c, err) < 0 ||
	    approvals_count(b, &c.repo, t.pr, t.head, NULL, &have, err) < 0)
		return -1;
	if (c.pos.phase != BP_PH_REVIEW || have < c.bp.steps[c.pos.step].approvals)
		return 0;
	return task_step(&c, &ev, err);
}

int task_on_changes_requested(struct bot *b, const struct event *e, const json_t *p,
			      struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(task_release) struct task t = {0};
	const char *actor = json_str(p, "actor", "?");
	autofree char *why = xasprintf("%s asked for changes", actor);
	cleanup(buf_release) struct buf said = BUF_INIT;
	const char *body = json_str(p, "body", "");
	int64_t pr = json_int(p, "number", 0);
	int rc = bot_repo(b, json_int(p, "repo", 0), &r, err);

	(void)e;
	/* Who asks for changes does not approve any more, and nothing lands over the head of a reviewer. */
	if (rc < 0 ||
	    db_run(b->db, ST_APPROVAL_VOID_BY, err, "iiiss", r.id, pr, bot_now(b), why, actor) <
		    0 ||
	    queue_leave(b, &r, pr, "dequeued", why, err) < 0)
		return -1;
	rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", r.id, pr);
	text_clean(body, strlen(body), &said, NULL);
	return rc <= 0 ? rc : task_tell(b, t.id, BP_EV_CHANGES, said.s, err);
}

/* ---- the base ---- */

/* Told to whoever is asked for it, and on the PR whose tests were for nothing. */
static int say_moved(struct bot *b, const struct repo *r, const struct event *e, const char *by,
		     const char *old, const char *new, struct err *err)
{
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};
	autofree char *what =
		new ? xasprintf("`%s` was moved from %.12s to %.12s by %s, not by the merge queue",
				r->base, old, new, by)
		    : xasprintf("`%s`, which was at %.12s, was deleted by %s", r->base, old, by);

	if (queue_entry_all(b->db, ST_QUEUE_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].candidate &&
		    bot_say(b, r->id, l.v[i].pr,
			    xasprintf("%s. What was tested of this PR is out of date; %s.", what,
				      new ? "it is built and tested again on the new base"
					  : "it waits for the branch"),
			    err, "base-moved:%lld:%lld", (long long)e->id,
			    (long long)l.v[i].pr) < 0)
			return -1;
	return bot_notify(b, "base-moved", r->id, 0, what, NULL, err);
}

int queue_on_base_moved(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const char *by = json_str(p, "by", "?"), *new = json_str(p, "new", NULL);
	const char *old = json_str(p, "old", NULL);
	json_t *d;

	(void)e;
	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0)
		return -1;
	if (strcmp(by, "queue") != 0) {
		row_set(&r.base_oid, new);
		if (repo_save(b->db, &r, err) < 0)
			return -1;
		d = json_object();
		json_put_str(d, "old", json_str(p, "old", NULL));
		json_put_str(d, "new", new);
		log_warn("repository %s: %s was moved to %.12s by %s, not by the queue", r.name,
			 r.base, new ? new : "nothing", by);
		if (bot_audit(b, by, "base-moved", d, err, "repo:%s", r.name) < 0 ||
		    (old && say_moved(b, &r, e, by, old, new, err) < 0))
			return -1;
	}
	return reconcile_config(b, &r, err) < 0 ? -1 : reconcile_wake(b, err);
}

/* ---- the conflict report ---- */

/* The PR that landed last and changed this file. */
static const struct pr *culprit(const struct pr_list *landed, const char *path)
{
	autofree char *quoted = NULL;
	autojson json_t *s = json_string(path);

	quoted = json_text(s);
	for (size_t i = 0; i < landed->n; i++)
		if (strstr(landed->v[i].files, quoted))
			return &landed->v[i];
	return NULL;
}

static void add_lines(struct buf *out, const json_t *lines)
{
	size_t i;
	json_t *range;

	json_array_foreach (lines, i, range) {
		buf_addf(out, "%s%lld-%lld", i ? ", " : " lines ",
			 (long long)json_integer_value(json_array_get(range, 0)),
			 (long long)json_integer_value(json_array_get(range, 1)));
	}
}

char *queue_conflict_text(struct bot *b, const struct repo *r, const char *detail)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(pr_list_release) struct pr_list landed = {0};
	autojson json_t *j = NULL;
	json_t *c;
	size_t i;

	if (!detail || json_parse(detail, strlen(detail), SIZE_MAX, &j, NULL) < 0 ||
	    pr_all(b->db, ST_PR_LAST_LANDED, &landed, NULL, "i", r->id) < 0)
		return xstrdup("it conflicts with the base");
	if (!strcmp(json_str(j, "outcome", ""), "empty"))
		return xasprintf("nothing of it is left to land: `%s` has its changes already",
				 r->base);
	buf_addf(&out, "it conflicts with `%s`:\n\n", r->base);
	json_array_foreach (json_object_get(j, "conflicts"), i, c) {
		const char *path = json_str(c, "path", "?");
		const struct pr *other = culprit(&landed, path);
		autofree char *name = text_code(path), *title = NULL;

		buf_addf(&out, "- %s (%s)", name, json_str(c, "kind", "content"));
		add_lines(&out, json_object_get(c, "lines"));
		if (other) {
			title = text_defuse(other->title);
			buf_addf(&out, ", changed by #%lld (%s)", (long long)other->number, title);
		}
		buf_addc(&out, '\n');
	}
	buf_adds(&out, "\nRebase it and push; the new head is approved and tested anew.");
	return buf_steal(&out);
}
