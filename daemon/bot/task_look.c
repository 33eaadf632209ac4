/*
 * task_look.c - see task_flow.h: is the issue's text still what it was when somebody with permission asked for
 * the task? The ledger knows on the local forge. One over a network is read again right before the first
 * prompt: whoever wrote the issue may change it after the label was set, and webhooks get lost. What is changed
 * after that prompt reaches no agent by itself: the issue and the PR say so, and a person who begins the task again
 * takes the new text when nobody but people who may assign wrote it.
 */
#include "bot/task_flow.h"

#include "base/mem.h"
#include "bot/allowed.h"
#include "bot/dispatch.h"
#include "bot/prompt.h"
#include "bot/remote.h"
#include "task/life.h"

static int text_unchanged(struct task_ctx *c, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	autofree char *title = NULL, *body = NULL, *hash = NULL, *removed = NULL;
	int rc = issue_find(c->bot->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", c->task.repo,
			    c->task.issue);

	if (rc <= 0)
		return rc;
	prompt_clean(i.title, i.body, &title, &body, &hash, &removed);
	return strcmp(hash, c->task.text_hash) == 0;
}

/* ---- changed after the agent had it ---- */

static bool agent_has_text(const struct task *t)
{
	return t->prompted && (!life_ended(t->state) || !strcmp(t->state, "needs-human"));
}

/* One over a network does not say who changed it: then it counts as somebody who may not assign. */
static int may_assign(struct bot *b, const struct repo *r, const char *actor, bool *ret,
		      struct err *err)
{
	autofree char *refusal = NULL;

	*ret = false;
	if (bot_forge(b, r).ops->remote)
		return 0;
	if (allowed(b, r, CONF_ALLOW_LABEL, FORGE_WRITE, actor, &refusal, err) < 0)
		return -1;
	*ret = !refusal;
	return 0;
}

static const char *new_text_how(const struct task *t)
{
	return t->edited == 1 ? "`/yard retry` works from the new one"
			      : "the label taken off and set again begins with the new one";
}

static int say_edited(struct task_ctx *c, struct err *err)
{
	const struct task *t = &c->task;

	if (bot_say(c->bot, t->repo, t->issue,
		    xasprintf("This issue has a new text. Task %lld was given the old one and "
			      "works from that; %s.",
			      (long long)t->id, new_text_how(t)),
		    err, "edited:%lld", (long long)t->id) < 0)
		return -1;
	if (!t->pr)
		return 0;
	return bot_say(c->bot, t->repo, t->pr,
		       xasprintf("The text of issue #%lld was changed after the agent had it: this "
				 "pull request is of the text as it was before.",
				 (long long)t->issue),
		       err, "edited-pr:%lld", (long long)t->id);
}

int task_on_issue_edited(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(task_release) struct task t = {0};
	const char *actor = json_str(p, "actor", "somebody");
	int rc = task_find(b->db, ST_TASK_LAST_OF_ISSUE, &t, err, "ii", json_int(p, "repo", 0),
			   json_int(p, "number", 0));
	bool may;

	(void)e;
	if (rc <= 0 || !agent_has_text(&t))
		return rc < 0 ? -1 : 0;
	if (task_open(b, t.id, &c, err) < 0 || may_assign(b, &c.repo, actor, &may, err) < 0)
		return -1;
	rc = text_unchanged(&c, err);
	if (rc < 0)
		return -1;
	if (rc) { /* as it was, again */
		c.task.edited = 0;
		return task_save(b->db, &c.task, err);
	}
	c.task.edited = c.task.edited == 2 || !may ? 2 : 1;
	row_set(&c.task.edited_by, may ? actor : NULL);
	return task_save(b->db, &c.task, err) < 0 ? -1 : say_edited(&c, err);
}

void task_add_edited(const struct task *t, struct buf *b)
{
	if (t->edited)
		buf_adds(b, "The issue's text was changed after the agent had it; this is of the "
			    "text as it was before.\n\n");
}

int task_take_text(struct task_ctx *c, char **ret, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	struct task *t = &c->task;
	int rc = text_unchanged(c, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (t->edited != 1) {
		*ret = xasprintf("It works from the issue's text as it was when it was asked for, "
				 "not from the text as it is now: %s.",
				 new_text_how(t));
		return 0;
	}
	if (issue_find(c->bot->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", t->repo, t->issue) <= 0)
		return -1;
	free(steal(&t->title));
	free(steal(&t->body));
	free(steal(&t->text_hash));
	free(steal(&t->removed));
	prompt_clean(i.title, i.body, &t->title, &t->body, &t->text_hash, &t->removed);
	t->edited = 0;
	*ret = xasprintf("It works from the issue's text as %s has changed it.", t->edited_by);
	return 0;
}

/* It never goes on: the label set again begins another one. */
static int relabel(struct task_ctx *c, const char *what, struct err *err)
{
	autofree char *why = xasprintf("%s; take the label off and set it again to start with the "
				       "text as it is now",
				       what);

	if (bot_say(c->bot, c->task.repo, c->task.issue, xasprintf("Not started: %s.", why), err,
		    "relabel:%lld", (long long)c->task.id) < 0 ||
	    db_run(c->bot->db, ST_LEASE_END, err, "i", c->task.id) < 0)
		return -1;
	return task_set_state(c, "relabel", why, err);
}

static const char changed[] = "the issue's text changed after it was labelled";

/* Asks the forge. */
static int ask(struct task_ctx *c, struct err *err)
{
	autofree char *subject = xasprintf("task:%lld", (long long)c->task.id);
	json_t *p = json_object();

	json_put_int(p, "repo", c->task.repo);
	json_put_int(p, "number", c->task.issue);
	json_put(p, "ctx", task_ctx_json(&c->task));
	if (bot_effect(c->bot, subject, "forge-look", p, err, "look:%lld:%lld",
		       (long long)c->task.id, (long long)bot_now(c->bot)) < 0)
		return -1;
	return task_set_state(c, "running", "reads the issue again before the first prompt", err);
}

int task_look(struct task_ctx *c, struct err *err)
{
	int same = text_unchanged(c, err);

	if (same < 0)
		return -1;
	if (!same)
		return relabel(c, changed, err) < 0 ? -1 : 1;
	if (!bot_forge(c->bot, &c->repo).ops->remote)
		return 0;
	return ask(c, err) < 0 ? -1 : 1;
}

int task_look_waits(struct bot *b, int64_t id, const char *why, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	autofree char *subject = xasprintf("task:%lld", (long long)id), *text = NULL;
	int64_t open = 0;
	int rc = 0;

	if (db_int(b->db, ST_EFFECT_PENDING_OF, &open, err, "ss", subject, "forge-look") < 0)
		return -1;
	if (!open)
		return 0;
	if (task_open(b, id, &c, err) < 0)
		return -1;
	text = dispatch_paused(b, &c.repo, &rc, err);
	if (rc < 0 || effect_withdraw(b->db, subject, bot_now(b), err) < 0)
		return -1;
	return task_set_state(&c, "waiting", text ? text : why, err);
}

/* ---- what the forge says ---- */

static bool has_label(const json_t *result, const char *label)
{
	const json_t *l;
	size_t i;

	json_array_foreach (json_object_get(result, "labels"), i, l)
		if (json_is_string(l) && !strcasecmp(json_string_value(l), label))
			return true;
	return false;
}

/*
 * Was the text changed after it was asked for, though before it was read here for the first time? The forge
 * counts seconds: what the same person changed in the very second (one request can do both) was asked for
 * as it is.
 */
static bool edited(const struct task *t, const json_t *result)
{
	const json_t *e;
	size_t i;

	json_array_foreach (json_object_get(result, "edits"), i, e) {
		int64_t at = json_int(e, "at_ms", 0);

		if (t->asked_ms && at &&
		    (at > t->asked_ms ||
		     (at == t->asked_ms && strcmp(json_str(e, "by", ""), t->requester) != 0)))
			return true;
	}
	return false;
}

/* It was seen: the first prompt, or why there is none. */
static int seen(struct task_ctx *c, const json_t *result, struct err *err)
{
	const struct task *t = &c->task;
	int same;

	if (strcmp(json_str(result, "state", "open"), "open") != 0)
		return task_end(c, "cancelled", "the issue is closed", err);
	if (t->label && !has_label(result, t->label))
		return relabel(c, "the label was taken off before anything began", err);
	same = text_unchanged(c, err);
	if (same < 0)
		return -1;
	return !same || edited(t, result) ? relabel(c, changed, err) : task_begin_round(c, err);
}

/* Unreadable: nothing is prompted from what was read before. */
static int unreadable(struct task_ctx *c, const json_t *e, struct err *err)
{
	autofree char *why = NULL;
	const char *text = json_str(e, "text", "no reason");
	struct bp_event ev = {.ev = BP_EV_INFRA};
	int rc = 0;

	why = dispatch_paused(c->bot, &c->repo, &rc, err);
	if (rc < 0)
		return -1;
	if (why)
		return task_set_state(c, "waiting", why, err);
	if (err_code_from_name(json_str(e, "code", NULL)) == ERR_NOT_FOUND)
		return task_end(c, "cancelled", "the issue is not there any more", err);
	why = xasprintf("the issue could not be read again before the first prompt: %s", text);
	ev.text = why;
	return task_step(c, &ev, err);
}

int task_did_look(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};

	(void)e;
	if (task_open(b, json_int(json_object_get(p, "ctx"), "task", 0), &c, err) < 0)
		return -1;
	/* Ended, halted or waiting for something else meanwhile: it is looked at anew when it goes on. */
	if (c.task.prompted || c.pos.phase != BP_PH_AGENT || strcmp(c.task.state, "running") != 0)
		return 0;
	if (bot_halted(b, NULL))
		return task_set_state(&c, "halted", NULL, err);
	return json_flag(p, "ok") ? seen(&c, json_object_get(p, "result"), err)
				  : unreadable(&c, json_object_get(p, "error"), err);
}
