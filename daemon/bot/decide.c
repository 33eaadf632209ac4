/*
 * decide.c - one event at a time: find its handler, decide in a savepoint, mark it.
 *
 * Adding an event kind: a row here and a handler. The results of effects are events too; their kind
 * is "did-" and the effect's kind, and their handlers are in the outbox's table, beside the
 * executors.
 */
#include "bot/bot.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/ci.h"
#include "bot/outbox.h"
#include "bot/remote.h"
#include "bot/shadow.h"
#include "bot/task_flow.h"

static const struct {
	const char *kind;
	decide_fn decide;
} handlers[] = {
	{"issue-labeled", dispatch_on_labeled},
	{"issue-unlabeled", dispatch_on_unlabeled},
	{"issue-closed", dispatch_on_issue_closed},
	{"issue-edited", task_on_issue_edited},
	{"issue-reopened", dispatch_on_issue_reopened},
	{"comment-created", commands_on_comment},
	{"button-pressed", commands_on_button},
	{"pr-opened", queue_on_pr_opened},
	{"pr-updated", queue_on_pr_updated},
	{"pr-closed", queue_on_pr_closed},
	{"pr-approved", queue_on_pr_approved},
	{"pr-changes-requested", task_on_changes_requested},
	{"base-moved", queue_on_base_moved},
	{"checks-changed", ci_on_changed},
	{"run-ended", runs_on_ended},
	{"label-renamed", label_on_renamed},
	{"repo-paused", remote_on_paused},
	{"repo-resumed", remote_on_resumed},
};

static decide_fn handler_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		if (!strcmp(handlers[i].kind, kind))
			return handlers[i].decide;
	return strncmp(kind, "did-", 4) == 0 ? outbox_handler(kind + 4) : NULL;
}

/* Decides in a savepoint. 0, 1 for later, or -1 with everything of the decision rolled back. */
static int decide_in_savepoint(struct bot *b, decide_fn decide, const struct event *e,
			       struct err *err)
{
	autojson json_t *p = NULL;
	int rc;

	if (json_parse(e->payload, strlen(e->payload), SIZE_MAX, &p, err) < 0)
		return -1;
	if (db_savepoint(b->db, err) < 0)
		return -1;
	rc = shadow_take(b, e, p, err);
	if (rc == 0)
		rc = decide(b, e, p, err);
	else if (rc > 0)
		rc = 0;
	if (rc < 0) {
		db_rollback_to(b->db);
		return -1;
	}
	return db_release(b->db, err) < 0 ? -1 : rc == DECIDE_LATER;
}

/* The task that waited for this would wait for ever. */
static int tell_task(struct bot *b, const struct event *e, const struct err *why, struct err *err)
{
	autojson json_t *p = NULL;

	if (json_parse(e->payload, strlen(e->payload), SIZE_MAX, &p, NULL) < 0)
		return 0;
	return task_undecided(b, p, why, err);
}

/* The decision needs to know what somebody may do; the answer wakes it (remote.c). */
static int ask_level(struct bot *b, struct err *err)
{
	autofree char *user = steal(&b->asked_user), *team = steal(&b->asked_team);

	return team ? bot_ask_member(b, b->asked_repo, team, user, err)
		    : bot_ask_level(b, b->asked_repo, user, err);
}

static int decide_one(struct bot *b, const struct event *e, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	decide_fn decide = handler_of(e->kind);
	enum event_state state = decide ? EVENT_DECIDED : EVENT_IGNORED;

	int rc;

	row_set(&b->asked_user, NULL);
	row_set(&b->asked_team, NULL);
	rc = decide ? decide_in_savepoint(b, decide, e, &why) : 0;

	if (rc > 0)
		state = EVENT_WAITS;
	else if (rc < 0 && b->asked_user) {
		if (ask_level(b, err) < 0)
			return -1;
		state = EVENT_WAITS;
	} else if (rc < 0) {
		if (why.code == ERR_IO || why.code == ERR_CORRUPT)
			return err_move(err, &why); /* the ledger itself: nothing can be decided */
		log_error("event %lld (%s): %s", (long long)e->id, e->kind, err_text(&why));
		state = EVENT_FAILED;
		if (tell_task(b, e, &why, err) < 0)
			return -1;
	}
	return event_decided(b->db, e->id, state, why.text, bot_now(b), err) < 0 ? -1 : 0;
}

/* What is left over is the next turn's: between two turns answers leave and effects start. */
#define TURN_MS 50

int decide_events(struct bot *b, struct err *err)
{
	int64_t until = b->clock->mono_ms(b->clock) + TURN_MS;
	int rc;

	b->undecided = false;
	for (;;) {
		cleanup(event_release) struct event e = {0};

		rc = event_next(b->db, &e, err);
		if (rc <= 0)
			return rc;
		if (decide_one(b, &e, err) < 0)
			return -1;
		if (b->clock->mono_ms(b->clock) >= until) {
			b->undecided = true;
			return 0;
		}
	}
}
