/*
 * queue_check.h - what must be true of each decision of the planner, seen with the ledger and the
 * truth side by side. Part of sim_queue.c.
 */
#ifndef YM_SIM_QUEUE_CHECK_H
#define YM_SIM_QUEUE_CHECK_H

#include "queue_daemon.h"

static struct entry *entry_by_id(struct sim *s, int64_t id)
{
	for (int pr = 1; pr <= PRS; pr++)
		if (s->e[pr].queued && s->e[pr].id == id)
			return &s->e[pr];
	return NULL;
}

static bool is_landing(const struct entry *e)
{
	return e->queued && (e->life.cand == PLAN_CAND_LANDING || e->life.cand == PLAN_CAND_DOUBT);
}

/* BUILD, TEST and LAND: the entry may go, and nothing is being landed. */
static void check_start(struct sim *s, const struct entry *e, const char *what)
{
	struct world *w = &s->w;

	if (s->halted)
		violate(w, "halt", "%s of #%d while halted", what, e->pr);
	if (s->known[e->pr] != e->head)
		violate(w, "I6", "%s of #%d, whose dependencies are not known", what, e->pr);
	if (e->held)
		violate(w, "hold", "%s of #%d, which is held", what, e->pr);
	if (s->approved[e->pr] != w->pr[e->pr].head)
		violate(w, "I3", "%s of #%d without an approval of its head", what, e->pr);
	for (int pr = 1; pr <= PRS; pr++) {
		if ((s->deps[e->pr] & bit(pr)) && !w->pr[pr].landed)
			violate(w, "I6", "%s of #%d before #%d has landed", what, e->pr, pr);
		if (is_landing(&s->e[pr]))
			violate(w, "I4", "%s of #%d beside the landing of #%d", what, e->pr, pr);
	}
	if (s->deps[e->pr] & bit(MISSING))
		violate(w, "I6", "%s of #%d, which needs a missing one", what, e->pr);
}

static void check_candidate(struct sim *s, const struct entry *e, const char *what)
{
	if (e->base != s->base)
		violate(&s->w, "I1", "%s of #%d's candidate on an old base", what, e->pr);
	if (e->cand_head != s->approved[e->pr] || e->cand_head != s->w.pr[e->pr].head)
		violate(&s->w, "I3", "%s of #%d at a head that is not approved", what, e->pr);
}

static bool evidence_of_red(const struct sim *s, const struct entry *e)
{
	return e->life.cand == PLAN_CAND_RED && e->reds > s->flake_reruns &&
	       s->w.commit[s->base].greens > 0 && e->base == s->base;
}

static bool evidence_in_graph(const struct sim *s, const struct entry *e,
			      const struct plan_action *a)
{
	if (a->reason == PLAN_R_DEP_MISSING)
		return s->deps[e->pr] & bit(MISSING);
	if (!(s->deps[e->pr] & bit((int)a->pr)))
		return false;
	if (a->reason == PLAN_R_DEP_CLOSED)
		return dep_state(s, (int)a->pr) == PLAN_DEP_CLOSED;
	return s->e[a->pr].ejected && !s->e[a->pr].queued;
}

static bool evidence_of_cycle(const struct sim *s, const struct entry *e,
			      const struct plan_action *a)
{
	if (a->ncycle < 2 || a->cycle[0] != e->pr || a->cycle[a->ncycle - 1] != e->pr)
		return false;
	for (size_t i = 0; i + 1 < a->ncycle; i++)
		if (!(s->deps[a->cycle[i]] & bit((int)a->cycle[i + 1])) ||
		    s->w.pr[a->cycle[i + 1]].landed)
			return false;
	return true;
}

static void check_ejection(struct sim *s, const struct entry *e, const struct plan_action *a)
{
	bool fair = false;

	if (a->reason == PLAN_R_RED)
		fair = evidence_of_red(s, e);
	else if (a->reason == PLAN_R_CONFLICT)
		fair = conflicts(&s->w, &s->w.commit[s->base].tree, e->pr, e->head);
	else if (a->reason == PLAN_R_ERRORS)
		fair = e->errors > s->retries;
	else if (a->reason == PLAN_R_CYCLE)
		fair = evidence_of_cycle(s, e, a);
	else
		fair = evidence_in_graph(s, e, a);
	if (!fair || s->halted || is_landing(e))
		violate(&s->w, "I9", "#%d is ejected as %s without evidence", e->pr,
			plan_reason_name(a->reason));
}

static void check_waiting(struct sim *s, const struct entry *e, const struct plan_action *a)
{
	enum plan_cand c = e->life.cand;
	bool red = c == PLAN_CAND_RED && e->life.reruns >= s->flake_reruns;
	bool fair = false;

	if (a->reason == PLAN_R_HELD)
		fair = e->held;
	else if (a->reason == PLAN_R_NOT_APPROVED)
		fair = !is_approved(s, e);
	else if (a->reason == PLAN_R_UNKNOWN)
		fair = s->known[e->pr] != e->head;
	else if (a->reason == PLAN_R_DEP_OPEN)
		fair = (s->deps[e->pr] & bit((int)a->pr)) &&
		       dep_state(s, (int)a->pr) == PLAN_DEP_OPEN;
	else if (a->reason == PLAN_R_FROZEN)
		fair = s->frozen && c == PLAN_CAND_GREEN;
	else if (a->reason == PLAN_R_HALTED)
		fair = s->halted;
	else if (a->reason == PLAN_R_BASE_RED)
		fair = red && s->health == PLAN_BASE_RED && s->base_reds > s->flake_reruns;
	else if (a->reason == PLAN_R_BASE_ERRORS)
		fair = red && s->base_errors > s->retries;
	else if (a->reason == PLAN_R_BLAME)
		fair = red;
	else if (a->reason == PLAN_R_BUSY)
		fair = awaits(e);
	else if (a->reason == PLAN_R_CHECKS)
		fair = c == PLAN_CAND_CHECKING;
	else if (a->reason == PLAN_R_AHEAD)
		fair = a->pr >= 1 && a->pr <= PRS && a->pr != e->pr;
	if (!fair)
		violate(&s->w, "reason", "#%d is said to wait for %s", e->pr,
			plan_reason_name(a->reason));
}

/* After all actions of a plan: one candidate is alive, and all else stands still. */
static void check_one_alive(struct sim *s)
{
	int alive = 0;

	for (int pr = 1; pr <= PRS; pr++) {
		enum plan_cand c = s->e[pr].life.cand;

		if (s->e[pr].queued && c != PLAN_CAND_NONE && c != PLAN_CAND_CONFLICT &&
		    !(c == PLAN_CAND_RED && s->e[pr].life.reruns >= s->flake_reruns))
			alive++;
	}
	if (alive > 1)
		violate(&s->w, "serial", "%d candidates are alive", alive);
}

/* A dependent does not stay behind when what it needs is ejected. */
static void check_dependents(struct sim *s)
{
	for (int pr = 1; pr <= PRS; pr++) {
		const struct entry *e = &s->e[pr];

		for (int on = 1; on <= PRS && e->queued && !is_landing(e); on++)
			if ((s->deps[pr] & bit(on)) && s->e[on].ejected_in == s->plans &&
			    !s->e[on].queued)
				violate(&s->w, "I6", "#%d stays when #%d is ejected", pr, on);
	}
}

#endif
