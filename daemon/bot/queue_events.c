/* queue_events.c - see queue_flow.h: what happens to PRs and to the base. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/approvals.h"
#include "bot/reconcile.h"
#include "bot/report.h"
#include "bot/shadow.h"
#include "bot/source.h"
#include "bot/task_flow.h"

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
	p = queue_pr_request(r, pr, "tree-read");
	json_put_str(p, "commit", pr->head);
	json_put(p, "paths", reconcile_paths());
	return bot_effect(b, subject, "pr-config", p, err, "pr-config:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)e->id) < 0
		       ? -1
		       : 0;
}

static int learn(struct bot *b, const struct repo *r, struct pr *pr, const struct event *e,
		 struct err *err)
{
	if (queue_learn(b, r, pr, e->id, err) < 0)
		return -1;
	return r->base_oid ? ask_config(b, r, pr, e, err) : 0;
}

int queue_did_config_check(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	autojson json_t *files = NULL;
	int rc = queue_event_pr(b, json_object_get(p, "ctx"), &r, &pr, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (json_flag(p, "ok"))
		files = reconcile_files(json_object_get(p, "result"));
	else
		err_set(&why, ERR_INPUT, "%s",
			json_str(json_object_get(p, "error"), "text", "it could not be read"));
	if (!why.code && source_check(files, !bot_forge(b, &r).ops->remote, &why) == 0)
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
	int rc = queue_event_pr(b, p, &r, &pr, err);

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

static char *pushed_text(const char *old, const char *head, bool landing, bool left)
{
	if (landing)
		return xasprintf(
			"A push moved the head from %.12s to %.12s while the PR was landing. If "
			"it lands, then with %.12s, which was approved, and the push came too "
			"late; else the approval of the old head is void.",
			old, head, old);
	return xasprintf(
		"A push moved the head from %.12s to %.12s: the approval of the old head is "
		"void%s. Approve and queue the new one.",
		old, head, left ? ", and the PR has left the merge queue" : "");
}

int queue_on_pr_updated(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	int voided, left, landing, rc = queue_event_pr(b, p, &r, &pr, err);

	if (rc <= 0 || strcmp(pr.state, "open") != 0)
		return rc < 0 ? -1 : 0;
	landing = queue_is_landing(b, &r, pr.number, err);
	if (landing < 0)
		return -1;
	/* Of the head that is there now an approval may have come already: it is of this head. */
	voided = db_run(b->db, ST_APPROVAL_VOID, err, "iiiss", r.id, pr.number, bot_now(b),
			"a push came after it", pr.head);
	left = voided < 0 ? -1 : leave_old_head(b, &r, &pr, err);
	if (left < 0)
		return -1;
	if ((voided || left) &&
	    bot_say(b, r.id, pr.number,
		    pushed_text(json_str(p, "old", ""), json_str(p, "head", ""), landing > 0, left),
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
	int rc = queue_event_pr(b, p, &r, &pr, err);

	(void)e;
	if (rc <= 0 || shadow_closed(b, &r, &pr, err) < 0)
		return rc <= 0 ? rc : -1;
	/* The forge has noticed our own landing before we know its end, which tells of it. */
	if (!strcmp(pr.state, "merged"))
		rc = queue_is_landing(b, &r, pr.number, err);
	if (!strcmp(pr.state, "merged"))
		return rc < 0                                      ? -1
		       : rc > 0                                    ? 0
		       : queue_merged_by_hand(b, &r, &pr, err) < 0 ? -1
								   : 0;
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
	int rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", json_int(p, "repo", 0),
			   json_int(p, "number", 0));

	(void)e;
	if (rc <= 0 || strcmp(t.state, "review") != 0)
		return rc < 0 ? -1 : 0;
	if (task_open(b, t.id, &c, err) < 0)
		return -1;
	if (c.pos.phase != BP_PH_REVIEW)
		return 0;
	rc = task_review(&c, err);
	return rc <= 0 ? rc : task_step(&c, &ev, err);
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
	/* Two who looked at the same time bring the same news. */
	if (strcmp(by, "queue") != 0 &&
	    !(new ? r.base_oid && !strcmp(r.base_oid, new) : !r.base_oid)) {
		row_set(&r.base_oid, new);
		if (repo_save(b->db, &r, err) < 0)
			return -1;
		d = json_object();
		json_put_str(d, "old", json_str(p, "old", NULL));
		json_put_str(d, "new", new);
		if (old && !shadow_on(b, r.id))
			log_warn("repository %s: %s was moved to %.12s by %s, not by the queue",
				 r.name, r.base, new ? new : "nothing", by);
		else if (!old)
			log_info("repository %s: %s begins at %.12s", r.name, r.base, new);
		if (bot_audit(b, by, "base-moved", d, err, "repo:%s", r.name) < 0 ||
		    (old && say_moved(b, &r, e, by, old, new, err) < 0) ||
		    shadow_base_moved(b, &r, old, new, err) < 0)
			return -1;
		if (old && new && !shadow_on(b, r.id) &&
		    queue_hand_moved(b, &r, e, old, new, by, err) < 0)
			return -1;
	}
	if (queue_learn_missing(b, &r, err) < 0)
		return -1;
	return reconcile_config(b, &r, err) < 0 ? -1 : reconcile_wake(b, err);
}
