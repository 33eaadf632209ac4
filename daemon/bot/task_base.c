/*
 * task_base.c - see task_flow.h: the base was moved back under a task.
 *
 * A task's commits follow on the commit that the base was at when it began. When that is taken out of the base (a
 * secret, a mistake), a pull request of the task would bring it back under every method, and the forge would list only
 * the agent's files as changed. So before its head is given to the forge the base as it is must contain the task's
 * beginning. Where it does not, the work is put onto the base as it is: what changed since the beginning alone, merged
 * by Git with that beginning as the ancestor, committed and judged by `allow` and the protected files against the new
 * base, and tested by the gates once more. What conflicts is a round of the agent's.
 */
#include "bot/runs.h"
#include "bot/task_flow.h"

#include "base/mem.h"
#include "task/life.h"

int task_base_look(struct task_ctx *c, struct err *err)
{
	struct task *t = &c->task;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *nonce = task_nonce(c);
	json_t *p;

	if (!c->repo.base_oid || !strcmp(c->repo.base_oid, t->start))
		return 0;
	p = task_request(c, "contains");
	json_put_str(p, "commit", t->start);
	json_put_str(p, "in", c->repo.base_oid);
	json_put_str(json_object_get(p, "ctx"), "in", c->repo.base_oid);
	if (bot_effect(c->bot, subject, "task-base", p, err, "task-base:%lld:%s:%s:%s",
		       (long long)t->id, t->head, c->repo.base_oid, nonce) < 0)
		return -1;
	return task_save(c->bot->db, t, err) < 0 ? -1 : 1;
}

int task_transplant(struct task_ctx *c, struct err *err)
{
	struct task *t = &c->task;
	autofree char *subject = xasprintf("task:%lld", (long long)t->id);
	autofree char *tree = task_tree(c->bot, t->id), *gitdir = task_gitdir(c->bot, t->id);
	autofree char *nonce = task_nonce(c);
	json_t *p;

	if (!bp_pos_recommit(&c->bp, &c->pos))
		return 1;
	row_take(&t->position, bp_pos_json(&c->pos));
	p = task_request(c, "worktree-rebase");
	json_put_str(p, "head", t->head);
	json_put_str(p, "onto", c->repo.base_oid);
	json_put_str(p, "from", t->start);
	runs_base(c->bot, &c->repo, c->repo.base_oid, p);
	json_put_str(p, "path", tree);
	json_put_str(p, "gitdir", gitdir);
	json_put_str(json_object_get(p, "ctx"), "onto", c->repo.base_oid);
	if (bot_effect(c->bot, subject, "task-transplant", p, err, "transplant:%lld:%s:%s",
		       (long long)t->id, t->head, nonce) < 0 ||
	    bot_say(c->bot, t->repo, t->issue,
		    xasprintf("`%s` was moved back while task %lld was at work: %.12s, which it "
			      "began from, is no longer in it. The task's own changes are put onto "
			      "%.12s and tested again; what was taken out of `%s` does not come "
			      "with them.",
			      c->repo.base, (long long)t->id, t->start, c->repo.base_oid,
			      c->repo.base),
		    err, "transplant:%lld:%s", (long long)t->id, c->repo.base_oid) < 0)
		return -1;
	return task_set_state(c, "running", "puts its work onto the base as it is", err);
}

/* Is the answer still about where the task stands? */
static bool waits_for(const struct task_ctx *c, enum bp_phase phase)
{
	return !life_ended(c->task.state) && c->pos.phase == phase;
}

int task_did_base(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	const char *in = json_str(json_object_get(p, "ctx"), "in", "");
	struct bp_event none = {
		.ev = BP_EV_RED,
		.text = "the base was moved back, and no step of the blueprint could "
			"make the change anew"};
	int rc = task_went(b, p, &c, err);

	(void)e;
	if (rc <= 0 || !waits_for(&c, BP_PH_PR))
		return rc < 0 ? -1 : 0;
	if (!c.repo.base_oid || strcmp(in, c.repo.base_oid) != 0) /* it has moved again */
		return task_pull_request(&c, err);
	if (json_flag(json_object_get(p, "result"), "contains"))
		return task_open_pull(&c, err);
	rc = task_transplant(&c, err);
	return rc <= 0 ? rc : task_step(&c, &none, err);
}

/* "src/a, src/b", of the answer's conflicts. Caller frees. */
static char *paths_of(const json_t *conflicts)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const json_t *o;
	size_t i;

	json_array_foreach (conflicts, i, o)
		buf_addf(&b, "%s%s", i ? ", " : "", json_str(o, "path", "?"));
	return buf_steal(&b);
}

int task_did_transplant(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	const json_t *r = json_object_get(p, "result");
	const char *onto = json_str(json_object_get(p, "ctx"), "onto", NULL);
	int64_t id = json_int(json_object_get(p, "ctx"), "task", 0);
	autofree char *paths = NULL, *text = NULL;
	struct bp_event ev = {.ev = BP_EV_REFUSED};

	(void)e;
	if (!json_flag(p, "ok")) /* committed as it is it comes to the same question again */
		return task_tell(b, id, BP_EV_INFRA,
				 json_str(json_object_get(p, "error"), "text", NULL), err);
	if (task_rebased(b, id, onto, err) < 0 || task_open(b, id, &c, err) < 0)
		return -1;
	if (!waits_for(&c, BP_PH_COMMIT))
		return 0;
	if (strcmp(json_str(r, "outcome", ""), "conflict") != 0)
		return task_commit(&c, err);
	paths = paths_of(json_object_get(r, "conflicts"));
	text = xasprintf("The base branch was moved back, and your changes conflict with it in %s. "
			 "These files have conflict markers now: keep what both sides are meant to "
			 "do, and leave no marker behind.",
			 paths);
	ev.text = text;
	row_set(&c.task.log, text);
	return task_step(&c, &ev, err);
}
