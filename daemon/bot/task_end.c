/* task_end.c - see task_flow.h: the PR, questions, and ends. */
#include "bot/task_flow.h"

#include "base/buf.h"
#include "base/depends.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/queue_flow.h"
#include "bot/remote.h"
#include "bot/report.h"
#include "task/life.h"

static char *pr_body(const struct task_ctx *c)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *agent = task_last_agent(c);
	const struct task *t = &c->task;

	if (t->summary) {
		autofree char *said = text_quote(t->summary);

		buf_addf(&b, "%s\n\n", said);
	}
	buf_addf(&b, "Blueprint `%s`", t->blueprint);
	if (agent)
		buf_addf(&b, ", round %lld, agent `%s`", (long long)bp_pos_rounds(&c->pos), agent);
	if (t->cost_microusd)
		buf_addf(&b, ", cost $%.2f", (double)t->cost_microusd / 1e6);
	buf_addf(&b, ". Asked for by %s.\n\n", t->requester);
	if (t->ignored)
		buf_addf(&b, "%s\n\n", t->ignored);
	task_add_edited(t, &b);
	buf_addf(&b, "Closes #%lld\n", (long long)t->issue);
	return buf_steal(&b);
}

/* Dependencies that the issue asks for hold for its PR too, and so does what is not understood of them. */
static void add_depends(const struct task_ctx *c, struct buf *b)
{
	cleanup(depends_release) struct depends d = {0};

	depends_read(c->task.body, strlen(c->task.body), &d);
	for (size_t i = 0; i < d.n; i++)
		buf_addf(b, "Depends-On: %s\n", d.v[i].what);
	strvec_foreach (&d.bad, what)
		buf_addf(b, "Depends-On: %s\n", *what);
}

static int open_pull(struct task_ctx *c, struct err *err)
{
	struct task *t = &c->task;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	cleanup(buf_release) struct buf body = BUF_INIT;
	autofree char *about = pr_body(c), *nonce = task_nonce(c);
	json_t *p = json_object();

	buf_adds(&body, about);
	add_depends(c, &body);
	buf_rtrim(&body);
	json_put_int(p, "repo", t->repo);
	json_put_int(p, "task", t->id);
	json_put_int(p, "number", t->pr);
	json_put_str(p, "title", t->title);
	json_put_str(p, "body", body.s);
	json_put_str(p, "base", c->repo.base);
	json_put_str(p, "topic", t->branch);
	json_put_str(p, "author", "yardmaster");
	json_put_str(p, "head", t->head);
	json_put_str(p, "files", t->files);
	json_put_bool(p, "draft", c->bp.steps[c->pos.step].draft);
	json_put(p, "ctx", task_ctx_json(t));
	if (bot_effect(c->bot, subject, t->pr ? "forge-pr-update" : "forge-pr-open", p, err,
		       "pr:%lld:%s:%s", (long long)t->id, t->head, nonce) < 0)
		return -1;
	return task_save(c->bot->db, t, err);
}

/* The branch has to be on the forge before a PR of it can be. */
static int push_branch(struct task_ctx *c, const struct forge *f, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	struct task *t = &c->task;
	struct forge forge = *f;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *nonce = task_nonce(c);
	bool anew;
	json_t *p;

	if (t->pr && pr_find(c->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", t->repo, t->pr) < 0)
		return -1;
	/* The lease is what the forge has, which may be what somebody else has pushed meanwhile: nothing of that
	 * is pushed over. Only after a conflict of its own the branch begins anew, and that head is left. */
	anew = pr.head && t->replaces && !strcmp(pr.head, t->replaces);
	if (f->ops->push(&forge, &c->repo, NULL, t->branch, t->head, pr.head, !anew, &p, err) < 0)
		return -1;
	json_put(p, "ctx", task_ctx_json(t));
	if (bot_effect(c->bot, subject, "task-push", p, err, "task-push:%lld:%s:%s",
		       (long long)t->id, t->head, nonce) < 0)
		return -1;
	return task_save(c->bot->db, t, err);
}

int task_pull_request(struct task_ctx *c, struct err *err)
{
	int rc = task_base_look(c, err);

	return rc ? (rc < 0 ? -1 : 0) : task_open_pull(c, err);
}

int task_open_pull(struct task_ctx *c, struct err *err)
{
	struct forge f = bot_forge(c->bot, &c->repo);

	return f.ops->push ? push_branch(c, &f, err) : open_pull(c, err);
}

int task_did_push(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);
	int rc = task_went(b, p, &c, err);
	const json_t *r =
		json_array_get(json_object_get(json_object_get(p, "result"), "results"), 0);
	const char *outcome = json_str(r, "outcome", "");
	autofree char *why = NULL, *words = NULL;

	(void)e;
	if (rc <= 0)
		return rc;
	if (!strcmp(outcome, "pushed") || !strcmp(outcome, "already")) {
		row_set(&c.task.replaces, NULL);
		return open_pull(&c, err);
	}
	words = remote_refusal(b, &c.repo, json_object_get(p, "result"));
	if (!strcmp(json_str(r, "text", ""), "not a fast-forward"))
		why = xasprintf("somebody else pushed to `%s`, and what they did would be lost",
				c.task.branch);
	else
		why = !strcmp(outcome, "stale")
			      ? xasprintf("somebody else pushed to `%s`, which is at %.12s now",
					  c.task.branch, json_str(r, "found", "nothing"))
			      : xasprintf("the forge took no push to `%s`: %s", c.task.branch,
					  words);
	return task_tell(b, id, BP_EV_INFRA, why, err);
}

static int set_ref(struct task_ctx *c, struct err *err)
{
	const struct task *t = &c->task;
	autofree char *nonce = task_nonce(c);
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *ref = xasprintf("refs/pull/%lld/head", (long long)t->pr);
	json_t *p = json_object();

	json_put_str(p, "op", "ref-set");
	json_put_str(p, "repo", c->repo.path);
	json_put_str(p, "ref", ref);
	json_put_bool(p, "any", true);
	json_put_str(p, "new", t->head);
	json_put(p, "ctx", task_ctx_json(t));
	return bot_effect(c->bot, subject, "pr-ref", p, err, "pr-ref:%lld:%s:%s", (long long)t->id,
			  t->head, nonce) < 0
		       ? -1
		       : 0;
}

static int ask_reviewers(struct task_ctx *c, struct err *err)
{
	const struct strvec *who = &c->bp.steps[c->pos.step].reviewers;
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *how = NULL;

	for (size_t i = 0; i < who->n; i++)
		buf_addf(&b, "%s@%s", i ? ", " : "",
			 !strcmp(who->v[i], "labeller") ? c->task.requester : who->v[i]);
	if (!b.len)
		return 0;
	how = bot_forge(c->bot, &c->repo).ops->remote
		      ? xstrdup("An approving review")
		      : xasprintf("`yardmaster pr approve %lld`", (long long)c->task.pr);
	return bot_say(c->bot, c->task.repo, c->task.pr,
		       xasprintf("%s, please review. %s approves the head as it is; `/yard queue` "
				 "approves it and queues it.",
				 b.s, how),
		       err, "review:%lld", (long long)c->task.id);
}

/* Opened, or its new head is known: the leases end, and the head gets its ref. */
int task_did_pr_open(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);
	int rc = task_went(b, p, &c, err);
	bool is_new;

	(void)e;
	if (rc <= 0)
		return rc;
	is_new = !c.task.pr;
	if (is_new)
		c.task.pr = json_int(json_object_get(p, "result"), "number", 0);
	if (db_run(b->db, ST_LEASE_END, err, "i", id) < 0 || task_save(b->db, &c.task, err) < 0 ||
	    (is_new && task_supersede(&c, false, err) < 0) || ask_reviewers(&c, err) < 0)
		return -1;
	return set_ref(&c, err);
}

int task_did_pr_ref(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);

	(void)e;
	return task_tell(b, id, json_flag(p, "ok") ? BP_EV_OK : BP_EV_INFRA,
			 json_str(json_object_get(p, "error"), "text", NULL), err);
}

int task_ask(struct task_ctx *c, const char *reason, struct err *err)
{
	struct task *t = &c->task;

	if (bot_say(c->bot, t->repo, t->issue,
		    xasprintf("@%s: %s\n\nThe next round begins with the answer. `/yard cancel` "
			      "ends the task.",
			      t->requester, reason ? reason : "the agent stopped without a reason"),
		    err, "ask:%lld:%lld", (long long)t->id, (long long)t->runs) < 0)
		return -1;
	return task_set_state(c, "asking", reason, err);
}

int task_cleanup(struct bot *b, const struct repo *r, const struct task *t, bool drop_branch,
		 struct err *err)
{
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *name = xasprintf("t%lld", (long long)t->id);
	autofree char *tree = task_tree(b, t->id), *gitdir = task_gitdir(b, t->id);
	autofree char *folder = task_worktree(b, t->id);
	json_t *p;

	if (!t->branch)
		return 0;
	p = json_object();
	json_put_str(p, "op", "worktree-remove");
	json_put_str(p, "repo", r->path);
	json_put_str(p, "name", name);
	json_put_str(p, "path", tree);
	json_put_str(p, "gitdir", gitdir);
	json_put_str(p, "branch", t->branch);
	json_put_bool(p, "delete_branch", drop_branch);
	if (bot_effect(b, subject, "task-remove", p, err, "remove:%lld:%lld", (long long)t->id,
		       (long long)bot_now(b)) < 0)
		return -1;
	p = json_object(); /* and the folder that held both */
	json_put_str(p, "op", "remove");
	json_put_str(p, "path", folder);
	return bot_effect(b, subject, "task-remove", p, err, "remove-folder:%lld:%lld",
			  (long long)t->id, (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

int task_label(struct task_ctx *c, bool on, struct err *err)
{
	const char *how = on ? "add" : "remove";
	json_t *p = json_object();
	autofree char *subject =
		xasprintf("talk:%lld:%lld", (long long)c->task.repo, (long long)c->task.issue);

	json_put_int(p, "repo", c->task.repo);
	json_put_int(p, "number", c->task.issue);
	json_put_str(p, how, c->bp.failure_label ? c->bp.failure_label : c->conf.label_needs_human);
	return bot_effect(c->bot, subject, "forge-label", p, err, "label:%lld:%s:%lld",
			  (long long)c->task.id, how, (long long)bot_now(c->bot)) < 0
		       ? -1
		       : 0;
}

int task_unlabel(struct task_ctx *c, struct err *err)
{
	return task_label(c, false, err);
}

/* To a person: label, mention, the last log, the notification command. */
static int end_needs_human(struct task_ctx *c, const char *reason, struct err *err)
{
	struct task *t = &c->task;
	autofree char *log = report_log(t->log), *tree = task_tree(c->bot, t->id);
	int conflict = task_conflict(c->bot, &c->repo, t, NULL, err);

	if (conflict < 0 || task_label(c, true, err) < 0)
		return -1;
	if (bot_say(c->bot, t->repo, t->issue,
		    xasprintf("@%s, this needs a person: %s\n\n%s%s%s\nThe work is kept %s `%s`. "
			      "`/yard retry` gives it more rounds, `/yard say <text>` a hint and a "
			      "round%s.",
			      t->requester, reason ? reason : "no reason was given", log,
			      t->ignored ? t->ignored : "", t->ignored ? "\n" : "",
			      t->head ? "on branch" : "in", t->head ? t->branch : tree,
			      conflict ? ", `/yard resolve` one for the conflict" : ""),
		    err, "needs-human:%lld:%lld", (long long)t->id, (long long)bot_now(c->bot)) < 0)
		return -1;
	return bot_notify(c->bot, "needs-human", t->repo, t->issue, reason, NULL, err);
}

static int close_issue(struct task_ctx *c, const char *reason, struct err *err)
{
	json_t *p = json_object();
	autofree char *subject =
		xasprintf("talk:%lld:%lld", (long long)c->task.repo, (long long)c->task.issue);

	json_put_int(p, "repo", c->task.repo);
	json_put_int(p, "number", c->task.issue);
	json_put_str(p, "reason", reason);
	json_put(p, "ctx", task_ctx_json(&c->task));
	return bot_effect(c->bot, subject, "forge-issue-close", p, err, "close:%lld",
			  (long long)c->task.id) < 0
		       ? -1
		       : 0;
}

/* A branch stays as long as a PR of it is open. */
static int branch_is_wanted(struct task_ctx *c, bool *ret, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = c->task.pr ? pr_find(c->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", c->task.repo,
				      c->task.pr)
			    : 0;

	*ret = rc > 0 && !strcmp(pr.state, "open");
	return rc < 0 ? -1 : 0;
}

/* Failed work is kept for days, and so is what the closing of its issue cut off. A run that is being ended may still write: its end comes back here. */
static int tidy(struct task_ctx *c, const char *state, struct err *err)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};
	bool wanted = false;

	if (!strcmp(state, "needs-human") || (!strcmp(state, "cancelled") && c->task.closed_ms))
		return 0;
	if (attempt_all(c->bot->db, ST_ATTEMPT_OPEN_OF_TASK, &l, err, "i", c->task.id) < 0 ||
	    branch_is_wanted(c, &wanted, err) < 0)
		return -1;
	if (l.n)
		return 0;
	if (task_cleanup(c->bot, &c->repo, &c->task, !strcmp(state, "merged") || !wanted, err) < 0)
		return -1;
	row_set(&c->task.worktree, NULL);
	return task_save(c->bot->db, &c->task, err);
}

int task_run_is_over(struct task_ctx *c, struct err *err)
{
	return tidy(c, c->task.state, err);
}

int task_end(struct task_ctx *c, const char *state, const char *reason, struct err *err)
{
	struct task *t = &c->task;
	bool human = !strcmp(state, "needs-human");

	if (task_kill_runs(c->bot, t->id, state, err) < 0 ||
	    db_run(c->bot->db, ST_LEASE_END, err, "i", t->id) < 0)
		return -1;
	if (human && end_needs_human(c, reason, err) < 0)
		return -1;
	if (!strcmp(state, "merged") && close_issue(c, "merged", err) < 0)
		return -1;
	if (tidy(c, state, err) < 0 || task_set_state(c, state, reason, err) < 0)
		return -1;
	if (strcmp(state, "cancelled") != 0 || !t->pr)
		return 0;
	/* Nothing of it lands any more; the PR itself is a person's to close. */
	if (queue_leave(c->bot, &c->repo, t->pr, "dequeued", reason, err) < 0)
		return -1;
	return task_pr_left(c, reason, err);
}

void task_keep_position(struct task_ctx *c)
{
	struct bp_pos *p = &c->pos;
	int64_t *rounds = p->in_ci ? &p->ci_round : &p->round;

	if (!p->started || p->phase == BP_PH_END)
		return;
	if (p->phase == BP_PH_AGENT && *rounds > 0)
		--*rounds; /* it never took place */
	/* What was asked for is not what is done again: the round that follows the answer is. */
	p->from = p->phase == BP_PH_ASK ? BP_PH_AGENT : p->phase;
	p->phase = BP_PH_END;
	p->failed = true;
	p->infra = 0;
	row_take(&c->task.position, bp_pos_json(p));
}

int task_stop(struct task_ctx *c, const char *reason, struct err *err)
{
	task_keep_position(c);
	return task_end(c, "needs-human", reason, err);
}

int task_pr_ended(struct task_ctx *c, bool merged, const char *why, struct err *err)
{
	const char *now = c->task.state;

	if (merged && strcmp(now, "merged") != 0 && life_may(now, "merged"))
		return task_unlabel(c, err) < 0 ? -1 : task_end(c, "merged", why, err);
	if (!merged && !strcmp(now, "needs-human"))
		return task_end(c, "cancelled", why, err);
	return tidy(c, merged ? "merged" : now, err);
}
