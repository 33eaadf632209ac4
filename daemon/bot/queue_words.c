/* queue_words.c - see queue_flow.h: what people read about a PR in the queue. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/approvals.h"
#include "bot/queue_depends.h"
#include "bot/queue_rules.h"
#include "bot/remote.h"

/* Does the rule that a labeller is not enough alone stand in the way? Caller frees the name. */
static char *labeller_alone(struct bot *b, const struct repo *r, const struct conf_repo *conf,
			    const struct pr *pr)
{
	cleanup(task_release) struct task t = {0};
	int64_t others = 0;

	if (conf->queue.labeller_may_approve || !pr->task || !conf->queue.approvals ||
	    task_get(b->db, pr->task, &t, NULL) <= 0 ||
	    approvals_count(b, r, pr->number, pr->head, t.requester, &others, NULL) < 0)
		return NULL;
	return others ? NULL : steal(&t.requester);
}

char *queue_approvals_text(struct bot *b, const struct repo *r, const struct conf_repo *conf,
			   const struct pr *pr)
{
	autofree char *alone = labeller_alone(b, r, conf, pr);
	int64_t have = 0, all = 0;

	if (queue_approvals(b, r, conf, pr, pr->head, &have, NULL) < 0 ||
	    approvals_count(b, r, pr->number, pr->head, NULL, &all, NULL) < 0)
		have = all = 0;
	return xasprintf("%lld of %lld approvals of %.12s%s%s%s%s%s%s", (long long)have,
			 (long long)conf->queue.approvals, pr->head,
			 alone ? ", and somebody else than " : "", alone ? alone : "",
			 alone ? ", who labelled the issue, must approve" : "",
			 all > have ? ", and that of " : "", all > have ? pr->author : "",
			 all > have ? ", the author, does not count" : "");
}

char *queue_reason_text(const struct plan_action *a)
{
	autofree char *text = plan_reason_text(a);
	const char *colon =
		a->act == PLAN_EJECT || a->act == PLAN_DISCARD ? strstr(text, ": ") : NULL;

	return colon ? xstrdup(colon + 2) : steal(&text);
}

/* Who queued it has to be asked about. */
static char *unsure_text(struct bot *b, const struct repo *r, const struct conf_repo *conf,
			 const struct pr *pr)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	enum queue_stand stand;
	char *why = NULL;

	if (queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, NULL, "ii", r->id, pr->number) <= 0 ||
	    queue_stands(b, r, conf, &e, pr, &stand, &why, NULL) < 0)
		return NULL;
	return why;
}

static char *held_text(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		       const struct pr *pr)
{
	cleanup(label_list_release) struct label_list l = {0};
	autofree char *why = NULL;

	if (pr->held)
		return xasprintf("is held by %s%s%s", pr->held_by ? pr->held_by : "somebody",
				 pr->held_reason ? ": " : "",
				 pr->held_reason ? pr->held_reason : "");
	if (label_all(b->db, ST_LABEL_OF, &l, NULL, "ii", r->id, pr->number) == 0)
		for (size_t i = 0; i < l.n; i++)
			if (!strcmp(l.v[i].name, conf->label_hold))
				return xasprintf("is held by the label %s, set by %s", l.v[i].name,
						 l.v[i].by);
	if (pr->draft)
		return xstrdup("is a draft");
	if (queue_depends_held(b, r, pr->number, &why, NULL) > 0)
		return steal(&why);
	if (queue_rules(b, r, conf, pr, &why, NULL) < 0)
		return xstrdup("waits for what the branch's rules want");
	if (!why)
		why = unsure_text(b, r, conf, pr);
	return why ? steal(&why) : xstrdup("waits for what the branch's rules want");
}

/* Nobody froze it: what the branch demands could not be found out lately. */
static char *unread_text(struct bot *b, const struct repo *r)
{
	char *why = NULL;

	return !r->frozen && queue_rules_unread(b, r, &why, NULL) == 0 ? why : NULL;
}

char *queue_wait_text(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		      const struct pr *pr, const struct candidate *c, const struct plan_action *a)
{
	autofree char *text = plan_reason_text(a), *more = NULL;

	switch (a->reason) {
	case PLAN_R_HELD:
		return held_text(b, r, conf, pr);
	case PLAN_R_FROZEN:
		if (remote_paused(b, r, &more, NULL) > 0)
			return xasprintf("waits: %s is paused: %s", r->name, more);
		more = unread_text(b, r);
		if (more)
			return steal(&more);
		more = xstrdup(r->frozen_reason);
		break;
	case PLAN_R_NOT_APPROVED:
		more = queue_approvals_text(b, r, conf, pr);
		break;
	case PLAN_R_UNKNOWN:
		more = pr->learn_why ? xstrdup(pr->learn_why) : NULL;
		break;
	case PLAN_R_BUSY:
		more = c && c->id ? queue_busy_text(b, r, c) : NULL;
		return more ? steal(&more) : steal(&text);
	case PLAN_R_CHECKS:
		return queue_checks_text(text, c);
	case PLAN_R_BLAME:
		more = queue_base_busy_text(b, r);
		break;
	case PLAN_R_HALTED:
		bot_halted(b, &more);
		break;
	default:
		break;
	}
	return more ? xasprintf("%s (%s)", text, more) : steal(&text);
}
