/*
 * queue_auto.c - see queue_flow.h: PRs that queue themselves, by the repository's `auto-queue:`.
 *
 * Looked at in every pass, so that it does not matter what came last: the label, the review or the push. A
 * head is queued so once: taken out, or dequeued by a person, it comes back by a person or with a push.
 */
#include "bot/queue_flow.h"

#include "base/mem.h"
#include "bot/approvals.h"
#include "bot/shadow.h"

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* What the author lacks; NULL: nothing. Caller frees. */
static char *author_refusal(const struct conf_repo *conf, const struct pr *p)
{
	if (ends_with(p->author, "[bot]") && !strvec_has(&conf->bots, p->author))
		return xasprintf("`bots` does not name its author, %s", p->author);
	if (conf->auto_queue.authors.n && !strvec_has(&conf->auto_queue.authors, p->author))
		return xasprintf("`auto-queue.authors` does not name its author, %s", p->author);
	return NULL;
}

static int has_label(struct bot *b, const struct pr *p, const char *name, struct err *err)
{
	cleanup(label_list_release) struct label_list l = {0};

	if (!name)
		return 1;
	if (label_all(b->db, ST_LABEL_OF, &l, err, "ii", p->repo, p->number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].name, name))
			return 1;
	return 0;
}

/* 1: this very head has been in the queue. One that was withdrawn comes back when all is as it was. */
static int was_queued(struct bot *b, const struct pr *p, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	int rc = queue_entry_find(b->db, ST_QUEUE_LAST_OF_PR, &e, err, "ii", p->repo, p->number);

	if (rc <= 0)
		return rc;
	return !e.ended_ms || (!strcmp(e.head, p->head) && strcmp(e.state, QUEUE_WITHDRAWN) != 0);
}

int queue_auto_refusal(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		       const struct pr *p, char **ret_why, struct err *err)
{
	autofree char *who = author_refusal(conf, p);
	int64_t have = 0;
	int rc;

	*ret_why = NULL;
	if (!conf->auto_queue.on) {
		*ret_why = xasprintf("the configuration of `%s` has no `auto-queue` any more",
				     r->base);
		return 0;
	}
	if (who) {
		*ret_why = steal(&who);
		return 0;
	}
	rc = has_label(b, p, conf->auto_queue.label, err);
	if (rc < 0 || queue_approvals(b, r, conf, p, p->head, &have, err) < 0)
		return -1;
	if (rc == 0)
		*ret_why =
			xasprintf("the label `%s` is not on it any more", conf->auto_queue.label);
	else if (have < conf->auto_queue.approvals)
		*ret_why = xasprintf("it has %lld of the %lld approvals that `auto-queue` wants",
				     (long long)have, (long long)conf->auto_queue.approvals);
	return 0;
}

int queue_auto_wants(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     const struct pr *p, struct err *err)
{
	autofree char *why = NULL;
	bool held = false;

	/* An agent's goes by its blueprint. */
	if (p->task || strcmp(p->base, r->base) != 0)
		return 0;
	if (queue_auto_refusal(b, r, conf, p, &why, err) < 0 ||
	    (!why && queue_held(b, r, conf, p, &held, err) < 0))
		return -1;
	return !why && !held;
}

/* Has nothing of it happened since the repository left shadow mode? What was asked for in it is left. */
static int is_of_shadow(struct bot *b, const struct pr *p, struct err *err)
{
	cleanup(label_list_release) struct label_list labels = {0};
	cleanup(approval_list_release) struct approval_list approvals = {0};
	int64_t until = 0;

	if (shadow_until(b, p->repo, &until, err) < 0)
		return -1;
	if (p->head_ms >= until)
		return 0;
	if (label_all(b->db, ST_LABEL_OF, &labels, err, "ii", p->repo, p->number) < 0 ||
	    approval_all(b->db, ST_APPROVAL_OF, &approvals, err, "ii", p->repo, p->number) < 0)
		return -1;
	for (size_t i = 0; i < labels.n; i++)
		if (labels.v[i].at_ms >= until)
			return 0;
	for (size_t i = 0; i < approvals.n; i++)
		if (approvals.v[i].at_ms >= until)
			return 0;
	return 1;
}

static int queue_one(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     const struct pr *p, struct err *err)
{
	int rc = queue_auto_wants(b, r, conf, p, err);

	if (rc > 0)
		rc = was_queued(b, p, err) == 0;
	if (rc > 0)
		rc = is_of_shadow(b, p, err) == 0;
	return rc <= 0 ? rc : queue_enqueue(b, r, p->number, p->head, QUEUE_BY_AUTO, NULL, err);
}

int queue_auto(struct bot *b, const struct repo *r, const struct conf_repo *conf, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	if (!conf->auto_queue.on)
		return 0;
	if (pr_all(b->db, ST_PR_LIST, &l, err, "is", r->id, "open") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (queue_one(b, r, conf, &l.v[i], err) < 0)
			return -1;
	return 0;
}
