/*
 * task_issue.c - see task_flow.h: what hangs on an issue ends, or comes back, with it.
 *
 *   the issue is closed       every task of it that has not ended for good is cancelled. What it has not published
 *                             stays in its worktree for `retention.failed-worktree-days`, and its position is one
 *                             that `retry` goes on from
 *   it is opened again        the last of these tasks comes back to a person. No agent is started by that: whoever
 *                             may open an issue need not be one who may assign
 *   a newer task of it begins what an older one left to a person ends in the same way
 *   its PR is opened          older ones of the issue are held, closed and say which one took their place, unless a
 *                             person has queued them
 *
 * Each of these says one thing on the issue, and one on a PR that it is about.
 */
#include "bot/task_flow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/queue_flow.h"
#include "task/life.h"

/* ---- ends ---- */

/* Where its worktree is kept, as a sentence, or "". Caller frees. */
static char *kept_text(struct task_ctx *c)
{
	autofree char *tree = task_tree(c->bot, c->task.id);

	if (!c->task.worktree || !c->task.position)
		return xstrdup("");
	return xasprintf(" What it has not published is kept in `%s` for %lld days.", tree,
			 (long long)c->bot->conf->retention.failed_worktree_days);
}

/* Its end, from outside; `retry` finds the position that a failure would have left. 1; 0 it is landing. */
static int end_one(struct bot *b, const struct repo *r, int64_t id, const char *why,
		   char **ret_kept, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	int rc;

	if (task_open(b, id, &c, err) < 0)
		return -1;
	rc = c.task.pr ? queue_is_landing(b, r, c.task.pr, err) : 0;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!strcmp(c.task.state, "needs-human") && task_unlabel(&c, err) < 0)
		return -1;
	task_keep_position(&c);
	if (c.task.position)
		c.task.closed_ms = bot_now(b);
	*ret_kept = kept_text(&c);
	return task_end(&c, "cancelled", why, err) < 0 ? -1 : 1;
}

/* One line for each task that ends; the tasks after `from` are left alone (0: none is). */
static int end_all(struct bot *b, const struct repo *r, int64_t issue, int64_t from,
		   const char *why, struct buf *ret_lines, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(b->db, ST_TASK_LIVE_OF_ISSUE, &l, err, "ii", r->id, issue) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct task *t = &l.v[i];
		autofree char *kept = NULL;
		int rc = from && t->id >= from ? 0 : end_one(b, r, t->id, why, &kept, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		buf_addf(ret_lines, "\n- Task %lld, which was %s, is cancelled.%s",
			 (long long)t->id,
			 !strcmp(t->state, "needs-human") ? "waiting for a person" : t->state,
			 kept ? kept : "");
	}
	return 0;
}

int task_issue_closed(struct bot *b, const struct repo *r, int64_t issue, const char *why,
		      struct err *err)
{
	cleanup(buf_release) struct buf lines = BUF_INIT;

	if (end_all(b, r, issue, 0, why, &lines, err) < 0)
		return -1;
	if (!lines.len)
		return 0;
	return bot_say(b, r->id, issue,
		       xasprintf("Ended, because %s:\n%s\n\nIf the issue is opened again, the last "
				 "of them comes back and `/yard retry` continues it.",
				 why, lines.s),
		       err, "closed:%lld:%lld:%lld", (long long)r->id, (long long)issue,
		       (long long)bot_now(b));
}

int task_issue_taken(struct bot *b, const struct repo *r, int64_t issue, int64_t newer,
		     struct err *err)
{
	cleanup(buf_release) struct buf lines = BUF_INIT;
	autofree char *why = xasprintf("task %lld begins the issue again", (long long)newer);

	if (end_all(b, r, issue, newer, why, &lines, err) < 0)
		return -1;
	return lines.len
		       ? bot_say(b, r->id, issue, xasprintf("Ended, because %s:\n%s", why, lines.s),
				 err, "taken:%lld", (long long)newer)
		       : 0;
}

int task_did_issue_close(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	autofree char *why = NULL;

	(void)e;
	if (!json_flag(p, "ok"))
		return 0;
	if (task_open(b, json_int(json_object_get(p, "ctx"), "task", 0), &c, err) < 0)
		return -1;
	why = xasprintf("PR #%lld of task %lld has landed and closed the issue",
			(long long)c.task.pr, (long long)c.task.id);
	return task_issue_closed(b, &c.repo, c.task.issue, why, err) < 0
		       ? -1
		       : task_supersede(&c, true, err);
}

int task_issues_look(struct bot *b, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(b->db, ST_TASK_LIVE_OF_CLOSED, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		cleanup(repo_release) struct repo r = {0};

		if (bot_repo(b, l.v[i].repo, &r, err) < 0 ||
		    task_issue_closed(b, &r, l.v[i].issue, "the issue is closed", err) < 0)
			return -1;
	}
	return 0;
}

/* ---- comes back ---- */

static int come_back(struct task_ctx *c, const char *who, struct err *err)
{
	struct task *t = &c->task;
	autofree char *pr =
		t->pr ? xasprintf(" Its pull request is #%lld.", (long long)t->pr) : xstrdup("");
	autofree char *why =
		xasprintf("%s opened the issue again, whose closing had cancelled it", who);

	t->closed_ms = 0;
	if (task_label(c, true, err) < 0 || task_set_state(c, "needs-human", why, err) < 0)
		return -1;
	return bot_say(c->bot, t->repo, t->issue,
		       xasprintf("Task %lld is back: %s. No agent was started. `/yard retry` "
				 "continues it, `/yard say <text>` too, with a hint.%s",
				 (long long)t->id, why, pr),
		       err, "reopened:%lld:%lld", (long long)t->id, (long long)bot_now(c->bot));
}

int task_issue_reopened(struct bot *b, const struct repo *r, int64_t issue, const char *who,
			struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(task_ctx_release) struct task_ctx c = {0};
	int rc = task_find(b->db, ST_TASK_LAST_OF_ISSUE, &t, err, "ii", r->id, issue);

	if (rc <= 0 || strcmp(t.state, "cancelled") != 0 || !t.closed_ms)
		return rc < 0 ? -1 : 0;
	if (!t.worktree) /* its days are over */
		return bot_say(b, r->id, issue,
			       xasprintf("Task %lld, which the closing of the issue cancelled, is "
					 "not kept any longer; set the label again to start a new "
					 "one.",
					 (long long)t.id),
			       err, "reopened:%lld:gone", (long long)t.id);
	return task_open(b, t.id, &c, err) < 0 ? -1 : come_back(&c, who, err);
}

/* ---- its PRs ---- */

/* 1: it stays as it is: queued by a person, until the issue is solved; and what is landing always. */
static int goes_on(struct bot *b, const struct repo *r, int64_t pr, bool solved, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	return solved ? queue_is_landing(b, r, pr, err)
		      : queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, err, "ii", r->id, pr);
}

static int close_pr(struct task_ctx *c, struct pr *old, struct err *err)
{
	autofree char *subject =
		xasprintf("talk:%lld:%lld", (long long)old->repo, (long long)old->number);
	json_t *p = json_object();

	json_put_int(p, "repo", old->repo);
	json_put_int(p, "number", old->number);
	return bot_effect(c->bot, subject, "forge-pr-close", p, err, "supersede:%lld:%lld",
			  (long long)c->task.id, (long long)old->number) < 0
		       ? -1
		       : 0;
}

/* Held as well as closed: opened again by a person, it does not land without a word. */
static int supersede(struct task_ctx *c, struct pr *old, struct err *err)
{
	const struct task *t = &c->task;
	autofree char *why =
		xasprintf("superseded by #%lld of task %lld", (long long)t->pr, (long long)t->id);

	if (queue_leave(c->bot, &c->repo, old->number, "dequeued", why, err) < 0)
		return -1;
	if (!old->held) { /* what a person held stays that person's */
		old->held = 1;
		row_set(&old->held_by, "yardmaster");
		row_set(&old->held_reason, why);
	}
	if (pr_save(c->bot->db, old, err) < 0 ||
	    bot_say(c->bot, old->repo, old->number,
		    xasprintf("Held and closed: %s, which works on the same issue #%lld. To land "
			      "this one all the same, open it again and comment `/yard unhold`.",
			      why, (long long)t->issue),
		    err, "superseded:%lld:%lld", (long long)old->repo, (long long)old->number) < 0)
		return -1;
	return close_pr(c, old, err);
}

static int look_at_other(struct task_ctx *c, const struct task *t, bool solved,
			 struct buf *ret_lines, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int stays = 0, rc = 0;

	if (t->pr && t->pr != c->task.pr)
		rc = pr_find(c->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", t->repo, t->pr);
	if (rc > 0)
		stays = goes_on(c->bot, &c->repo, pr.number, solved, err);
	if (rc < 0 || stays < 0)
		return -1;
	if (rc == 0 || strcmp(pr.state, "open") != 0)
		return 0;
	buf_addf(ret_lines, "\n- #%lld of task %lld (%s): %s", (long long)pr.number,
		 (long long)t->id, t->state,
		 !stays   ? "superseded by this one, held and closed"
		 : solved ? "it is landing at this moment"
			  : "in the merge queue, where a person put it; whichever lands first "
			    "closes the issue and takes the place of the other");
	return stays ? 0 : supersede(c, &pr, err);
}

int task_supersede(struct task_ctx *c, bool solved, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};
	cleanup(buf_release) struct buf lines = BUF_INIT;
	const struct task *t = &c->task;

	if (task_all(c->bot->db, ST_TASK_OF_ISSUE, &l, err, "ii", t->repo, t->issue) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].id != t->id && look_at_other(c, &l.v[i], solved, &lines, err) < 0)
			return -1;
	if (!lines.len)
		return 0;
	return bot_say(
		c->bot, t->repo, t->pr,
		xasprintf("Other pull requests of issue #%lld:\n%s", (long long)t->issue, lines.s),
		err, "others:%lld:%d", (long long)t->id, solved);
}

int task_pr_left(struct task_ctx *c, const char *why, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	const struct task *t = &c->task;
	int rc = t->pr ? pr_find(c->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", t->repo, t->pr) : 0;

	if (rc <= 0 || strcmp(pr.state, "open") != 0)
		return rc < 0 ? -1 : 0;
	return bot_say(c->bot, t->repo, t->pr,
		       xasprintf("Task %lld, which opened this pull request, is cancelled: %s. No "
				 "agent works on it any longer, and it does not count as an open "
				 "pull request of an agent (`agent-prs`). Close it, or review it "
				 "and approve and queue it as it is.",
				 (long long)t->id, why ? why : "no reason was given"),
		       err, "left:%lld:%lld", (long long)t->id, (long long)bot_now(c->bot));
}
