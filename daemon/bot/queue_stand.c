/*
 * queue_stand.c - see queue_flow.h: does what put a PR into the queue still hold?
 *
 * Looked at in every pass, and once more between the verification and the landing, the same on every forge.
 *
 *   what put it there                    when it is no longer so
 *   a person's `/yard queue`             who may not queue any more: it waits for one who may, or for the permission
 *   the repository's `auto-queue:`       the section, the label, the author or the approvals are not what they were: it
 *                                        leaves as "withdrawn", and comes back by itself when they are
 *   an agent's blueprint                 its task was cancelled: it leaves (queue_task_cancelled())
 *
 *   what keeps it out
 *   closed, merged, another head         it leaves (queue_flow.c)
 *   another base                         what was built of it is dropped; queue_build() says what that means
 *   no approval, a hold, a label that holds, a draft, requested changes, the forge's rules, a dependency
 *                                        it waits, or is called off (queue_called_off())
 *   halt, freeze, a paused repository    it waits
 */
#include "bot/queue_part.h"

#include "base/mem.h"
#include "bot/allowed.h"
#include "bot/queue_rules.h"
#include "bot/remote.h"

/* An entry names who queued it; these two are no people. */
bool queue_is_by_auto(const struct queue_entry *e)
{
	return !strcmp(e->by, QUEUE_BY_AUTO);
}

static int of_person(struct bot *b, const struct repo *r, const struct queue_entry *e,
		     enum queue_stand *ret, char **ret_why, struct err *err)
{
	autofree char *refusal = NULL;
	enum allowed_still still;

	if (allowed_still(b, r, CONF_ALLOW_QUEUE, FORGE_WRITE, e->by, &still, &refusal, err) < 0)
		return -1;
	if (still == ALLOWED_YES)
		return 0;
	*ret = QUEUE_WAITS;
	*ret_why =
		still == ALLOWED_NO
			? xasprintf("waits: %s, who queued it, may not do that any more (it %s); "
				    "`/yard queue` by somebody who may lets it go on",
				    e->by, refusal)
			: xasprintf("waits for the forge to say whether %s, who queued it, still "
				    "may",
				    e->by);
	return 0;
}

int queue_stands(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		 const struct queue_entry *e, const struct pr *pr, enum queue_stand *ret,
		 char **ret_why, struct err *err)
{
	autofree char *why = NULL;

	*ret = QUEUE_STANDS;
	/* Of one that is only asked about (shadow.h) nobody has queued it. */
	if (!e->by)
		return 0;
	if (!queue_is_by_auto(e))
		return strcmp(e->by, QUEUE_BY_TASK) ? of_person(b, r, e, ret, ret_why, err) : 0;
	if (queue_auto_refusal(b, r, conf, pr, &why, err) < 0)
		return -1;
	if (!why)
		return 0;
	*ret = QUEUE_OVER;
	*ret_why = xasprintf("it had queued itself, and %s", why);
	return 0;
}

/* ---- called off ---- */

/* What people said of the PR since the decision to land. Sets *ret_why, or leaves it NULL. */
static int said_of_pr(struct bot *b, const struct landing_ctx *x, const struct conf_repo *conf,
		      const struct pr *pr, char **ret_why, struct err *err)
{
	bool approved = false, held = false;

	if (strcmp(pr->state, "open") != 0)
		*ret_why = xstrdup("the PR is not open any more");
	else if (strcmp(pr->head, x->c.head) != 0)
		*ret_why = xstrdup("a push came after the approval");
	else if (strcmp(pr->base, x->r.base) != 0)
		*ret_why = xasprintf("its base is `%s` now", pr->base);
	if (*ret_why)
		return 0;
	if (queue_approved(b, &x->r, conf, pr, x->c.head, &approved, err) < 0 ||
	    queue_held(b, &x->r, conf, pr, &held, err) < 0)
		return -1;
	if (!approved)
		*ret_why = xstrdup("it is not approved any more");
	else if (held)
		*ret_why = xstrdup("it is held");
	else if (queue_rules(b, &x->r, conf, pr, ret_why, err) < 0)
		return -1;
	return *ret_why ? 0 : queue_depends_text(b, &x->r, pr, x->c.head, ret_why, err);
}

/* Does what put it into the queue still hold? */
static int said_of_entry(struct bot *b, const struct landing_ctx *x, const struct conf_repo *conf,
			 const struct pr *pr, char **ret_why, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	enum queue_stand stand;
	int rc = queue_entry_get(b->db, x->c.entry, &e, err), cancelled;

	if (rc <= 0 || strcmp(e.state, "queued") != 0) {
		*ret_why = rc < 0 ? NULL : xstrdup("it is not in the queue any more");
		return rc < 0 ? -1 : 0;
	}
	cancelled = queue_task_cancelled(b, &x->r, &e, err);
	if (cancelled < 0)
		return -1;
	if (cancelled)
		*ret_why = xstrdup("its task was cancelled");
	return cancelled ? 0 : queue_stands(b, &x->r, conf, &e, pr, &stand, ret_why, err);
}

/*
 * Between the decision to land and the landing itself anything may have happened to the PR and to what put it
 * into the queue. NULL: nothing has changed; caller frees.
 */
int queue_called_off(struct bot *b, const struct landing_ctx *x, char **ret_why, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(err_release) struct err broken = ERR_INIT;
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", x->r.id, x->c.pr);

	*ret_why = NULL;
	if (rc < 0)
		return -1;
	if (rc == 0)
		*ret_why = xstrdup("there is no such PR any more");
	else if (bot_halted(b, NULL) || x->r.frozen || remote_paused(b, &x->r, NULL, NULL) != 0)
		*ret_why = xstrdup("the queue was stopped");
	else if (bot_repo_conf(b, &x->r, &conf, &broken) < 0)
		*ret_why = xasprintf("the configuration cannot be loaded: %s", err_text(&broken));
	else if (said_of_pr(b, x, &conf, &pr, ret_why, err) < 0 ||
		 (!*ret_why && said_of_entry(b, x, &conf, &pr, ret_why, err) < 0))
		return -1;
	return 0;
}
