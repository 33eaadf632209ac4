/*
 * task_look.c - see task_flow.h: is the issue's text still what it was when somebody with permission asked for
 * the task? The ledger knows on the local forge. One over a network is read again right before the first
 * prompt: whoever wrote the issue may change it after the label was set, and webhooks get lost.
 */
#include "bot/task_flow.h"

#include "base/mem.h"
#include "bot/dispatch.h"
#include "bot/prompt.h"
#include "bot/remote.h"

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
