/* task_ci.c - see task_flow.h: a `checks:` step waits for the forge's required checks of the PR's head. */
#include "bot/task_flow.h"

#include "base/mem.h"
#include "bot/ci.h"

static int wait(struct task_ctx *c, const char *what, struct err *err)
{
	autofree char *why = xasprintf("PR #%lld waits for the forge's checks%s%s",
				       (long long)c->task.pr, *what ? ": " : "", what);

	return task_set_state(c, "review", why, err);
}

static int ask(struct task_ctx *c, const struct strvec *names, struct err *err)
{
	return ci_ask(c->bot, &c->repo, c->task.head, names, CI_TASK, c->task.id, err);
}

int task_ci_begin(struct task_ctx *c, bool *ret_green, struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	int known = ci_required(c->bot, &c->repo, &c->conf, &names, err);

	if (known < 0)
		return -1;
	/* None to wait for; the queue's gates still come. Not known yet: asked again, as those are that
	 * are not green. */
	*ret_green = known && !names.n;
	if (!*ret_green)
		c->task.ci_ms = bot_now(c->bot);
	if (wait(c, known ? "" : "which ones are required is not known yet", err) < 0)
		return -1;
	return *ret_green ? 0 : ask(c, &names, err);
}

int task_ci_ask(struct bot *b, int64_t task, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	if (task_open(b, task, &c, err) < 0 || ci_required(b, &c.repo, &c.conf, &names, err) < 0)
		return -1; /* one that is not known yet is judged by the answer */
	return c.pos.phase == BP_PH_CHECKS ? ask(&c, &names, err) : 0;
}

static int pending(struct task_ctx *c, const char *what, struct err *err)
{
	struct bp_event late = {.ev = BP_EV_LIMIT, .text = what};

	if (bot_now(c->bot) - c->task.ci_ms >= c->conf.queue.check_ms)
		return task_step(c, &late, err);
	return wait(c, what, err);
}

int task_ci_told(struct bot *b, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	const json_t *x = json_object_get(p, "ctx");
	autofree char *text = NULL;
	enum ci_verdict v = CI_PENDING;
	struct bp_event ev;
	int known;

	if (task_open(b, json_int(x, CI_TASK, 0), &c, err) < 0)
		return -1;
	known = ci_required(b, &c.repo, &c.conf, &names, err);
	if (known < 0)
		return -1;
	/* Of another head, or too late: nobody waits for it. */
	if (c.pos.phase != BP_PH_CHECKS || strcmp(c.task.state, "review") != 0 || !c.task.head ||
	    strcmp(json_str(x, "head", ""), c.task.head) != 0)
		return 0;
	if (json_flag(p, "ok"))
		v = ci_judge(json_object_get(p, "result"), &names, &text);
	else
		text = xstrdup(json_str(json_object_get(p, "error"), "text", "not readable"));
	if (v == CI_GREEN && !known)
		return pending(&c, "which ones are required is not known yet", err);
	if (v == CI_PENDING)
		return pending(&c, text, err);
	ev = (struct bp_event){.ev = v == CI_RED ? BP_EV_RED : BP_EV_GREEN, .text = text};
	if (v == CI_RED) /* what a person reads when no round is left */
		row_set(&c.task.log, text);
	return task_step(&c, &ev, err);
}
