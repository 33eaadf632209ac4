/* dispatch.c - see dispatch.h */
#include "bot/dispatch.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/allowed.h"
#include "bot/prompt.h"
#include "bot/queue_flow.h"
#include "bot/remote.h"
#include "bot/runs.h"
#include "bot/shadow.h"
#include "bot/source.h"
#include "bot/task_flow.h"
#include "task/lease.h"
#include "task/life.h"

static int say(struct bot *b, const struct repo *r, int64_t issue, char *text, struct err *err)
{
	autofree char *hash = text_sha256(text, strlen(text));

	/* With the text: two answers of one moment are two comments. */
	return bot_say(b, r->id, issue, text, err, "dispatch:%lld:%lld:%lld:%.16s",
		       (long long)r->id, (long long)issue, (long long)bot_now(b), hash);
}

static int say_unknown(struct bot *b, const struct repo *r, int64_t issue,
		       const struct dispatch_request *q, const struct strvec *known,
		       struct err *err)
{
	const char *what = q->label ? q->label : q->blueprint;
	const char *near = known->n ? text_nearest(what, (const char *const *)known->v) : NULL;
	autofree char *all = strvec_join(known, "`, `");

	/* What is meant may be in a configuration that does not load. */
	return say(b, r, issue,
		   xasprintf("No blueprint %s `%s`%s%s%s There are: `%s`.%s%s",
			     q->label ? "has the label" : "is called", what,
			     near ? "; did you mean `" : ".", near ? near : "", near ? "`?" : "",
			     all,
			     r->config_error ? "\n\nThe configuration on the base branch is broken "
					       "and the last good one is in force: "
					     : "",
			     r->config_error ? r->config_error : ""),
		   err);
}

static json_t *strings(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_string(v->v[i]));
	return a;
}

static void parse_strings(const char *text, struct strvec *ret)
{
	autojson json_t *a = NULL;
	json_t *v;
	size_t i;

	if (json_parse(text, strlen(text), SIZE_MAX, &a, NULL) < 0)
		return;
	json_array_foreach (a, i, v)
		if (json_is_string(v))
			strvec_push(ret, json_string_value(v));
}

static int insert_task(struct bot *b, const struct repo *r, const struct issue *i,
		       const struct dispatch_request *q, char *source, const struct blueprint *bp,
		       struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(strvec_release) struct strvec scopes = STRVEC_INIT, bad = STRVEC_INIT;
	autojson json_t *list = NULL;
	autofree char *slug = NULL;
	json_t *d = json_object();

	t.repo = r->id;
	t.issue = i->number;
	t.blueprint = xstrdup(bp->name);
	t.source = source;
	t.agent = xstrdup(q->agent ? q->agent : bp->agent ? bp->agent : "");
	t.requester = xstrdup(q->actor);
	t.label = xstrdup(q->label);
	t.asked_ms = q->asked_ms;
	t.state = xstrdup("waiting");
	prompt_clean(i->title, i->body, &t.title, &t.body, &t.text_hash, &t.removed);
	if (q->scopes)
		strvec_extend(&scopes, q->scopes);
	lease_scopes_of_text(t.body, &scopes, &bad);
	list = strings(&scopes);
	t.scopes = json_text(list);
	t.files = xstrdup("[]");
	t.created_ms = t.updated_ms = bot_now(b);
	if (task_insert(b->db, &t, err) < 0) {
		json_decref(d);
		return -1;
	}
	slug = text_slug(t.title, 40);
	t.branch = xasprintf("yardmaster/%lld-%s", (long long)t.id, slug);
	if (task_save(b->db, &t, err) < 0) {
		json_decref(d);
		return -1;
	}
	if (bad.n) {
		autofree char *names = strvec_join(&bad, "`, `");

		if (say(b, r, i->number,
			xasprintf("Scopes that are no valid patterns were left out: `%s`.", names),
			err) < 0)
			return -1;
	}
	json_put_str(d, "blueprint", t.blueprint);
	json_put_int(d, "issue", t.issue);
	if (task_issue_taken(b, r, t.issue, t.id, err) < 0) {
		json_decref(d);
		return -1;
	}
	return bot_audit(b, q->actor, "assign", d, err, "task:%lld", (long long)t.id);
}

/* 1 there is one that is at work (said so), 0 none; one that waits for a new label gives way. */
static int running_already(struct bot *b, const struct repo *r, int64_t issue, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(task_ctx_release) struct task_ctx c = {0};
	int rc = task_find(b->db, ST_TASK_OPEN_OF_ISSUE, &t, err, "ii", r->id, issue);

	if (rc <= 0)
		return rc;
	if (strcmp(t.state, "relabel") != 0)
		return say(b, r, issue,
			   xasprintf("Task %lld is at work on this already (%s). `/yard cancel` "
				     "ends it.",
				     (long long)t.id, t.state),
			   err) < 0
			       ? -1
			       : 1;
	if (task_open(b, t.id, &c, err) < 0)
		return -1;
	return task_end(&c, "cancelled", "the label was set again", err);
}

int dispatch_create(struct bot *b, const struct repo *r, int64_t issue,
		    const struct dispatch_request *q, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(strvec_release) struct strvec known = STRVEC_INIT;
	cleanup(blueprint_release) struct blueprint bp = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	char *source = NULL;
	int rc = issue_find(b->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", r->id, issue);

	if (rc <= 0)
		return rc < 0 ? -1 : 0; /* a label on a PR assigns nothing */
	if (strcmp(i.state, "open") != 0)
		return say(b, r, issue, xstrdup("The issue is closed; open it first."), err);
	if (bot_repo_conf(b, r, &conf, err) < 0)
		return -1;
	rc = q->label ? source_of_label(r, &conf, q->label, &source, &known, &why)
		      : source_of_name(r, &conf, q->blueprint, &source, &known, &why);
	if (rc < 0)
		return say(b, r, issue,
			   xasprintf("The blueprint is broken, nothing was started:\n\n%s",
				     err_text(&why)),
			   err);
	if (rc == 0)
		return say_unknown(b, r, issue, q, &known, err);
	rc = running_already(b, r, issue, err);
	if (rc == 0 && q->agent && !conf_daemon_agent(b->conf, q->agent))
		rc = say(b, r, issue,
			 xasprintf("No agent `%s` in the daemon's configuration.", q->agent),
			 err) < 0
			     ? -1
			     : 1;
	if (rc != 0 || source_load(source, &bp, err) < 0) {
		free(source);
		return rc > 0 ? 0 : -1;
	}
	return insert_task(b, r, &i, q, source, &bp, err) < 0 ? -1 : 1;
}

static int refuse(struct bot *b, const struct repo *r, int64_t issue, const char *actor,
		  const char *why, struct err *err)
{
	return say(b, r, issue,
		   xasprintf("@%s, assigning an agent %s. Nothing was started.", actor, why), err);
}

int dispatch_on_labeled(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	const char *label = json_str(p, "label", ""), *actor = json_str(p, "actor", "");
	struct dispatch_request q = {
		.actor = actor, .label = label, .asked_ms = json_int(p, "at_ms", 0)};
	autofree char *subject = xasprintf("repo:%lld", (long long)json_int(p, "repo", 0));
	int64_t number = json_int(p, "number", 0), reading = 0;
	autofree char *refusal = NULL;

	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0 ||
	    bot_repo_conf(b, &r, &conf, err) < 0)
		return -1;
	/* What is being read may name this label; decided now it would be an unknown one. */
	if (db_int(b->db, ST_EFFECT_OPEN_OF, &reading, err, "s", subject) < 0)
		return -1;
	if (reading)
		return DECIDE_LATER;
	if (strncmp(label, conf.label_prefix, strlen(conf.label_prefix)) != 0)
		return 0;
	if (!*actor) /* the forge does not know, and was asked for a while */
		return bot_say(
			b, r.id, number,
			xasprintf("Nothing was started: GitHub does not say who set the label "
				  "`%s`. Take it off and set it again.",
				  label),
			err, "label-of-nobody:%lld", (long long)e->id);
	if (allowed(b, &r, CONF_ALLOW_LABEL, FORGE_WRITE, actor, &refusal, err) < 0)
		return -1;
	if (refusal)
		return refuse(b, &r, number, actor, refusal, err);
	return dispatch_create(b, &r, number, &q, err) < 0 ? -1 : 0;
}

#define TOO_LATE 2 /* its PR is landing */

/* TOO_LATE with the sentence that says so, or 0. */
static int is_late(struct bot *b, const struct repo *r, const struct task *t, char **ret_late,
		   struct err *err)
{
	int late = t->pr ? queue_is_landing(b, r, t->pr, err) : 0;

	if (late <= 0)
		return late;
	*ret_late = xasprintf("task %lld is not cancelled: its PR #%lld is landing right now, "
			      "which cannot be called off. If it does not land, cancel again",
			      (long long)t->id, (long long)t->pr);
	return TOO_LATE;
}

/* 1, 0 nothing is at work, or TOO_LATE with the sentence that says so. */
static int cancel(struct bot *b, const struct repo *r, int64_t issue, const char *why,
		  char **ret_late, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_find(b->db, ST_TASK_OPEN_OF_ISSUE, &t, err, "ii", r->id, issue), late;

	if (rc <= 0)
		return rc;
	late = is_late(b, r, &t, ret_late, err);
	if (late)
		return late;
	if (!t.position) { /* nothing of the blueprint has begun */
		cleanup(task_ctx_release) struct task_ctx c = {0};

		return task_open(b, t.id, &c, err) < 0 || task_end(&c, "cancelled", why, err) < 0
			       ? -1
			       : 1;
	}
	return task_tell(b, t.id, BP_EV_CANCEL, why, err) < 0 ? -1 : 1;
}

int dispatch_cancel(struct bot *b, const struct repo *r, int64_t issue, const char *actor,
		    struct err *err)
{
	autofree char *why = xasprintf("by %s", actor), *late = NULL;
	int rc = cancel(b, r, issue, why, &late, err);

	return rc == TOO_LATE ? err_set(err, ERR_STATE, "%s", late) : rc;
}

/* The issue is closed while its PR lands, which closes it anyway. */
static int say_if_late(struct bot *b, const struct repo *r, int64_t issue, const char *why,
		       struct err *err)
{
	cleanup(task_release) struct task t = {0};
	autofree char *late = NULL;
	int rc = task_find(b->db, ST_TASK_OPEN_OF_ISSUE, &t, err, "ii", r->id, issue);

	if (rc > 0)
		rc = is_late(b, r, &t, &late, err);
	if (rc == TOO_LATE)
		rc = say(b, r, issue, xasprintf("%s (%s).", late, why), err);
	return rc < 0 ? -1 : 0;
}

/* By what happened on the issue: an answer is a comment there. */
static int cancel_or_say(struct bot *b, const struct repo *r, int64_t issue, const char *why,
			 struct err *err)
{
	autofree char *late = NULL;
	int rc = cancel(b, r, issue, why, &late, err);

	if (rc == TOO_LATE)
		rc = say(b, r, issue, xasprintf("%s (%s).", late, why), err);
	return rc < 0 ? -1 : 0;
}

int dispatch_on_unlabeled(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(task_release) struct task t = {0};
	cleanup(blueprint_release) struct blueprint bp = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autofree char *why = NULL, *refusal = NULL;
	const char *actor = json_str(p, "actor", "");
	int64_t number = json_int(p, "number", 0);
	int rc;

	(void)e;
	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0 ||
	    bot_repo_conf(b, &r, &conf, err) < 0 ||
	    allowed(b, &r, CONF_ALLOW_LABEL, FORGE_WRITE, actor, &refusal, err) < 0)
		return -1;
	if (refusal) /* whoever may not assign may not cancel */
		return 0;
	rc = task_find(b->db, ST_TASK_OPEN_OF_ISSUE, &t, err, "ii", r.id, number);
	if (rc <= 0 || source_load(t.source, &bp, err) < 0)
		return rc <= 0 ? rc : -1;
	conf_repo_apply(&conf, &bp);
	if (strcmp(t.label ? t.label : bp.label, json_str(p, "label", "")) != 0)
		return 0;
	why = xasprintf("%s took the label off", json_str(p, "actor", "somebody"));
	return cancel_or_say(b, &r, number, why, err);
}

int dispatch_on_issue_closed(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	autofree char *why = xasprintf("%s closed the issue", json_str(p, "actor", "somebody"));

	(void)e;
	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0 ||
	    say_if_late(b, &r, json_int(p, "number", 0), why, err) < 0)
		return -1;
	return task_issue_closed(b, &r, json_int(p, "number", 0), why, err);
}

int dispatch_on_issue_reopened(struct bot *b, const struct event *e, const json_t *p,
			       struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	(void)e;
	return bot_repo(b, json_int(p, "repo", 0), &r, err) < 0
		       ? -1
		       : task_issue_reopened(b, &r, json_int(p, "number", 0),
					     json_str(p, "actor", "somebody"), err);
}

/* ---- the pass ---- */

/* Why a waiting task may not start now (caller frees), or NULL. -1 through *rc. */
static char *lease_in_the_way(struct bot *b, struct task_ctx *c, struct strvec *wanted, int *rc,
			      struct err *err)
{
	cleanup(lease_list_release) struct lease_list l = {0};
	cleanup(strvec_release) struct strvec scopes = STRVEC_INIT;
	autofree struct lease_held *held = NULL;
	const struct lease_held *found;

	parse_strings(c->task.scopes, &scopes);
	lease_wanted(&scopes, &c->bp.allow, &c->conf.exclusive, wanted);
	*rc = lease_all(b->db, ST_LEASE_OF_REPO, &l, err, "i", c->task.repo);
	if (*rc < 0)
		return NULL;
	held = xcalloc(l.n, sizeof(*held));
	for (size_t i = 0; i < l.n; i++)
		held[i] = (struct lease_held){l.v[i].task, l.v[i].pattern};
	found = lease_conflict(held, l.n, c->task.id, wanted);
	return found ? xasprintf("waits for task %lld, which has a lease on `%s`",
				 (long long)found->task, found->pattern)
		     : NULL;
}

static int lease(struct bot *b, const struct task *t, const struct strvec *wanted, struct err *err)
{
	for (size_t i = 0; i < wanted->n; i++) {
		struct lease l = {.repo = t->repo,
				  .task = t->id,
				  .pattern = wanted->v[i],
				  .at_ms = bot_now(b)};

		if (lease_insert(b->db, &l, err) < 0)
			return -1;
	}
	return 0;
}

int dispatch_lease_again(struct bot *b, struct task_ctx *c, struct err *err)
{
	cleanup(strvec_release) struct strvec wanted = STRVEC_INIT;
	autofree char *why = NULL;
	int rc = 0;

	why = lease_in_the_way(b, c, &wanted, &rc, err);
	if (rc < 0)
		return -1;
	if (why)
		return err_set(err, ERR_STATE, "%s; ask again when that one's PR is open", why);
	return lease(b, &c->task, &wanted, err);
}

/* A reload of the configuration may bring it. */
static char *agent_missing(struct bot *b, const struct task_ctx *c)
{
	for (size_t i = 0; i < c->bp.nsteps; i++) {
		const struct bp_step *s = &c->bp.steps[i];
		const char *name = s->agent ? s->agent : *c->task.agent ? c->task.agent : NULL;

		if (s->kind != BP_AGENT || conf_daemon_agent(b->conf, name))
			continue;
		return name ? xasprintf("waits for agent `%s`, which the daemon's configuration "
					"does not have (`agents:`)",
					name)
			    : xstrdup("waits for an agent: the daemon's configuration names no "
				      "`default-agent`");
	}
	return NULL;
}

static char *no_place(struct bot *b, int64_t busy)
{
	return xasprintf("waits for a place: %lld of %lld tasks are at work", (long long)busy,
			 (long long)b->conf->limits.agents);
}

/* What keeps every task from starting, whichever it is, or NULL. Caller frees. */
static char *all_wait(struct bot *b, int64_t busy)
{
	char *why = NULL;

	if (bot_halted(b, &why))
		return why;
	return busy >= b->conf->limits.agents ? no_place(b, busy) : NULL;
}

bool dispatch_at_work(const struct task *t)
{
	return !strcmp(t->state, "preparing") || !strcmp(t->state, "running");
}

char *dispatch_no_place(struct bot *b, int64_t busy)
{
	return xasprintf("waits for a place: %lld of %lld tasks are at work", (long long)busy,
			 (long long)b->conf->limits.agents);
}

char *dispatch_paused(struct bot *b, const struct repo *r, int *rc, struct err *err)
{
	autofree char *why = NULL;

	*rc = remote_paused(b, r, &why, err);
	return *rc > 0 ? xasprintf("waits: %s is paused: %s", r->name, why) : NULL;
}

static char *in_the_way(struct bot *b, struct task_ctx *c, int64_t busy, struct strvec *wanted,
			int *rc, struct err *err)
{
	int64_t prs = 0;
	int64_t cap = c->conf.agent_prs >= 0 ? c->conf.agent_prs : b->conf->limits.agent_prs;
	char *why = NULL;

	if (bot_halted(b, &why))
		return why;
	why = dispatch_paused(b, &c->repo, rc, err);
	if (why || *rc < 0)
		return why;
	if (shadow_on(b, c->repo.id))
		return xstrdup("waits: the repository is in shadow mode");
	if (!c->repo.base_oid)
		return xasprintf("waits for branch `%s` to have a commit", c->repo.base);
	why = agent_missing(b, c);
	if (why)
		return why;
	if (busy >= b->conf->limits.agents)
		return dispatch_no_place(b, busy);
	if (c->task.position) /* it goes on: its leases and its PR are its own */
		return NULL;
	*rc = db_int(b->db, ST_TASK_AGENT_PRS, &prs, err, "i", c->task.repo);
	if (*rc < 0)
		return NULL;
	if (prs >= cap)
		return xasprintf("waits: %lld PRs by agents are open, at most %lld may be",
				 (long long)prs, (long long)cap);
	return lease_in_the_way(b, c, wanted, rc, err);
}

static int start(struct bot *b, struct task_ctx *c, const struct strvec *wanted, struct err *err)
{
	struct task *t = &c->task;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *name = xasprintf("t%lld", (long long)t->id);
	autofree char *tree = task_tree(b, t->id), *gitdir = task_gitdir(b, t->id);
	json_t *p, *x;

	if (lease(b, t, wanted, err) < 0)
		return -1;
	row_set(&t->start, c->repo.base_oid);
	row_set(&t->worktree, tree);
	t->started_ms = bot_now(b);
	p = json_object();
	x = json_object();
	json_put_int(x, "task", t->id);
	json_put(p, "ctx", x);
	json_put_str(p, "op", "worktree-add");
	json_put_str(p, "repo", c->repo.path);
	json_put_str(p, "name", name);
	json_put_str(p, "path", tree);
	json_put_str(p, "gitdir", gitdir);
	json_put_str(p, "branch", t->branch);
	json_put_str(p, "start", t->start);
	runs_base(b, &c->repo, t->start, p);
	if (bot_effect(b, subject, "task-worktree", p, err, "worktree:%lld:%lld", (long long)t->id,
		       (long long)t->started_ms) < 0)
		return -1;
	return task_set_state(c, "preparing", NULL, err);
}

static int consider_one(struct bot *b, int64_t id, int64_t busy, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(strvec_release) struct strvec wanted = STRVEC_INIT;
	autofree char *why = NULL;
	int rc = 0;

	if (task_open(b, id, &c, err) < 0)
		return -1;
	why = in_the_way(b, &c, busy, &wanted, &rc, err);
	if (rc < 0)
		return -1;
	if (!why && c.task.position)
		return task_continue(b, id, "has a place again", err) < 0 ? -1 : 1;
	if (!why)
		return start(b, &c, &wanted, err) < 0 ? -1 : 1;
	if (c.task.reason && !strcmp(c.task.reason, why))
		return 0;
	return task_set_state(&c, "waiting", why, err);
}

/* In a savepoint: what one task cannot do is that task's, and no reason for the others to stand. */
static int in_savepoint(struct bot *b, int64_t id, int64_t busy,
			int (*fn)(struct bot *b, int64_t id, int64_t busy, struct err *err),
			struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	int rc;

	if (db_savepoint(b->db, err) < 0)
		return -1;
	rc = fn(b, id, busy, &why);
	if (rc >= 0)
		return db_release(b->db, err) < 0 ? -1 : rc;
	db_rollback_to(b->db);
	if (why.code == ERR_IO || why.code == ERR_CORRUPT)
		return err_move(err, &why);
	log_error("task %lld: %s", (long long)id, err_text(&why));
	return task_give_up(b, id, &why, err) < 0 ? -1 : 0;
}

static int continue_one(struct bot *b, int64_t id, int64_t busy, struct err *err)
{
	(void)busy;
	return task_continue(b, id, "continues after a halt", err);
}

static int continue_halted(struct bot *b, const struct task_list *open, struct err *err)
{
	if (bot_halted(b, NULL))
		return 0;
	for (size_t i = 0; i < open->n; i++)
		if (!strcmp(open->v[i].state, "halted") &&
		    in_savepoint(b, open->v[i].id, 0, continue_one, err) < 0)
			return -1;
	return 0;
}

/* A long line of tasks that wait for one and the same thing, and know it, is not opened one by one. */
static bool knows(struct bot *b, const struct task *t, int64_t busy)
{
	autofree char *why = t->reason ? all_wait(b, busy) : NULL;

	return why && !strcmp(t->reason, why);
}

int dispatch_pass(struct bot *b, struct err *err)
{
	cleanup(task_list_release) struct task_list open = {0};
	int64_t busy = 0;

	if (task_all(b->db, ST_TASK_OPEN, &open, err, "") < 0 || continue_halted(b, &open, err) < 0)
		return -1;
	task_list_release(&open); /* what goes on has its place before what is new */
	if (task_all(b->db, ST_TASK_OPEN, &open, err, "") < 0)
		return -1;
	for (size_t i = 0; i < open.n; i++)
		busy += dispatch_at_work(&open.v[i]);
	for (size_t i = 0; i < open.n; i++) {
		int rc;

		if (strcmp(open.v[i].state, "waiting") != 0 || knows(b, &open.v[i], busy))
			continue;
		rc = in_savepoint(b, open.v[i].id, busy, consider_one, err);
		if (rc < 0)
			return -1;
		busy += rc;
	}
	return 0;
}

int task_did_worktree(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	struct bp_event ev = {.ev = BP_EV_START};
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);

	(void)e;
	if (task_open(b, id, &c, err) < 0)
		return -1;
	if (c.task.ended_ms)
		return task_cleanup(b, &c.repo, &c.task, true, err);
	if (!json_flag(p, "ok")) {
		autofree char *why =
			xasprintf("the worktree could not be made: %s",
				  json_str(json_object_get(p, "error"), "text", "no reason"));

		return task_end(&c, "needs-human", why, err);
	}
	return task_step(&c, &ev, err);
}
