/* task_review.c - see task_flow.h: a reviewer wants something else. */
#include "bot/task_flow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/queue_flow.h"
#include "task/life.h"

#define SAID_MAX ((size_t)64 << 10) /* what was said last counts; a prompt takes less */

void task_add_said(struct task *t, const char *actor, const char *text)
{
	autofree char *all = t->said ? xasprintf("%s\n\n%s: %s", t->said, actor, text)
				     : xasprintf("%s: %s", actor, text);

	row_set(&t->said, all + text_tail(all, strlen(all), SAID_MAX));
}

/* Does a round begin with it? One that is at work is not interrupted, and what lands has been decided. */
static bool waits_for_review(const struct task_ctx *c, bool landing)
{
	return !landing && !life_ended(c->task.state) &&
	       (c->pos.phase == BP_PH_CHECKS || c->pos.phase == BP_PH_REVIEW ||
		c->pos.phase == BP_PH_QUEUE);
}

/* Nothing that a reviewer says is lost without a word. */
static int keep_for_later(struct task_ctx *c, const struct event *e, const char *actor,
			  const char *text, bool landing, struct err *err)
{
	const struct task *t = &c->task;
	bool human = !strcmp(t->state, "needs-human");

	if (life_ended(t->state) && !human)
		return 0; /* the PR is a person's */
	task_add_said(&c->task, actor, text);
	if (task_save(c->bot->db, &c->task, err) < 0)
		return -1;
	return bot_say(
		c->bot, t->repo, t->pr,
		landing ? xasprintf("@%s, this came too late for a round: the PR is landing. "
				    "If it comes back, ask for the changes again.",
				    actor)
		: human ? xasprintf("@%s, no round has begun: task %lld needs a person. The next "
				    "one hears this; `/yard retry` on #%lld begins it.",
				    actor, (long long)t->id, (long long)t->issue)
			: xasprintf("@%s, no round has begun with this: task %lld is %s. Its next "
				    "round hears it; if the new head does not have it, ask for "
				    "the changes again.",
				    actor, (long long)t->id, t->state),
		err, "changes-later:%lld", (long long)e->id);
}

int task_on_changes_requested(struct bot *b, const struct event *e, const json_t *p,
			      struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(task_release) struct task t = {0};
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(buf_release) struct buf said = BUF_INIT;
	const char *actor = json_str(p, "actor", "?"), *body = json_str(p, "body", "");
	autofree char *why = xasprintf("%s asked for changes", actor);
	struct bp_event ev = {.ev = BP_EV_CHANGES};
	int64_t pr = json_int(p, "number", 0);
	int rc = bot_repo(b, json_int(p, "repo", 0), &r, err), landing;

	/* Who asks for changes does not approve any more, and nothing lands over the head of a reviewer. */
	if (rc < 0 ||
	    db_run(b->db, ST_APPROVAL_VOID_BY, err, "iiiss", r.id, pr, bot_now(b), why, actor) < 0)
		return -1;
	landing = queue_is_landing(b, &r, pr, err);
	if (landing < 0 || queue_leave(b, &r, pr, "dequeued", why, err) < 0)
		return -1;
	rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", r.id, pr);
	if (rc <= 0 || task_open(b, t.id, &c, err) < 0)
		return rc <= 0 ? rc : -1;
	text_clean(body, strlen(body), &said, NULL);
	ev.text = said.s;
	if (waits_for_review(&c, landing)) /* what a person reads when no round is left */
		row_set(&c.task.log, said.s);
	return waits_for_review(&c, landing) ? task_step(&c, &ev, err)
					     : keep_for_later(&c, e, actor, said.s, landing, err);
}
