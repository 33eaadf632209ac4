/* engine_move.c - see engine_move.h */
#include "blueprint/engine_move.h"

#include "base/mem.h"
#include "base/text.h"

/* --- words -------------------------------------------------------------------------------------- */

bool move_is_blank(const char *s)
{
	return !s || !s[strspn(s, " \t\r\n")];
}

char *move_tail(const struct move *m)
{
	const char *s = m->ev->text;

	return move_is_blank(s) ? NULL : xstrdup(s + text_tail(s, strlen(s), BP_FEEDBACK_MAX));
}

/* "<what>." and, quoted whole, what the log says. */
static char *with_log(const struct move *m, const char *what)
{
	autofree char *log = move_tail(m), *fence = NULL;

	if (!log)
		return xasprintf("%s.\n", what);
	fence = text_fence(log);
	return xasprintf("%s. It says:\n\n%s\n%s\n%s\n", what, fence, log, fence);
}

/* --- where to go -------------------------------------------------------------------------------- */

static const enum bp_do phase_do[] = {
	[BP_PH_SETUP] = BP_DO_SETUP,   [BP_PH_AGENT] = BP_DO_AGENT,   [BP_PH_COMMIT] = BP_DO_COMMIT,
	[BP_PH_GATE] = BP_DO_GATE,     [BP_PH_RUN] = BP_DO_RUN,       [BP_PH_PR] = BP_DO_PR,
	[BP_PH_CHECKS] = BP_DO_CHECKS, [BP_PH_REVIEW] = BP_DO_REVIEW, [BP_PH_QUEUE] = BP_DO_QUEUE,
	[BP_PH_ASK] = BP_DO_ASK,
};

void move_go(struct move *m, enum bp_phase phase, int64_t index)
{
	m->p->phase = phase;
	m->p->index = index;
	m->p->infra = 0;
	m->a->act = phase_do[phase];
}

void move_end(struct move *m, enum bp_do act, char *reason)
{
	m->p->phase = BP_PH_END;
	m->p->infra = 0;
	m->a->act = act;
	m->a->reason = reason;
}

void move_fail(struct move *m, enum bp_phase from, char *reason)
{
	move_end(m, BP_DO_FAIL, reason);
	m->p->failed = true;
	m->p->from = from;
	m->a->feedback = move_tail(m);
}

bool move_in_range(const struct blueprint *bp, int64_t step)
{
	return step >= 0 && (uint64_t)step < bp->nsteps;
}

int64_t move_agent_step(const struct blueprint *bp, int64_t step)
{
	for (int64_t i = move_in_range(bp, step) ? step : (int64_t)bp->nsteps - 1; i >= 0; i--)
		if (bp->steps[i].kind == BP_AGENT)
			return i;
	return -1;
}

static void start_round(struct move *m, int64_t step, char *feedback)
{
	struct bp_pos *p = m->p;

	p->step = step;
	p->resume_step = 0;
	p->no_change = false;
	if (p->in_ci)
		p->ci_round++;
	else
		p->round++;
	move_go(m, BP_PH_AGENT, 0);
	m->a->feedback = feedback;
}

/* A PR needs a change, and one that passed the gates as it is now. */
static void enter_pr(struct move *m)
{
	struct bp_pos *p = m->p;
	int64_t k = move_agent_step(m->bp, p->step);

	if (!p->head[0] && p->pr_open) {
		move_fail(m, BP_PH_AGENT,
			  xstrdup("Nothing is left of the change: the branch is the same as its "
				  "base."));
	} else if (!p->head[0]) {
		move_end(m, BP_DO_NO_CHANGE,
			 xstrdup("After all steps no file differs from the base branch."));
	} else if (k >= 0 && m->bp->steps[k].gates.n && strcmp(p->gated, p->head) != 0) {
		p->resume_step = p->step;
		p->step = k;
		move_go(m, BP_PH_GATE, 0);
	} else {
		move_go(m, BP_PH_PR, 0);
	}
}

static void enter_agent(struct move *m)
{
	m->p->round = 0;
	m->p->extra = 0;
	m->p->in_ci = false;
	start_round(m, m->p->step, NULL);
}

void move_enter(struct move *m, int64_t i)
{
	static const enum bp_phase waits[] = {
		[BP_CHECKS] = BP_PH_CHECKS, [BP_REVIEW] = BP_PH_REVIEW, [BP_QUEUE] = BP_PH_QUEUE};
	const struct blueprint *bp = m->bp;

	while (move_in_range(bp, i) && bp->steps[i].kind == BP_REVIEW && !bp->steps[i].approvals)
		i++;
	m->p->step = i;
	m->p->resume_step = 0;
	if (!move_in_range(bp, i))
		move_end(m, BP_DO_DONE, NULL);
	else if (bp->steps[i].kind == BP_RUN)
		move_go(m, BP_PH_RUN, 0);
	else if (bp->steps[i].kind == BP_AGENT)
		enter_agent(m);
	else if (bp->steps[i].kind == BP_PULL_REQUEST)
		enter_pr(m);
	else
		move_go(m, waits[bp->steps[i].kind], 0);
}

void move_next_step(struct move *m)
{
	move_enter(m, m->p->resume_step ? m->p->resume_step : m->p->step + 1);
}

/* --- rounds ------------------------------------------------------------------------------------- */

/* Is a round of the present kind left? */
static bool round_left(const struct move *m)
{
	const struct bp_pos *p = m->p;

	return p->in_ci ? p->ci_round < m->bp->ci_rounds : p->round < m->bp->rounds + p->extra;
}

static void fail_spent(struct move *m, const char *what)
{
	const struct bp_pos *p = m->p;
	int64_t used = p->in_ci ? p->ci_round : p->round;
	int64_t all = p->in_ci ? m->bp->ci_rounds : m->bp->rounds + p->extra;

	move_fail(m, BP_PH_AGENT,
		  xasprintf("%s. %s spent: %lld of %lld. `/yard retry rounds=N` grants more.", what,
			    p->in_ci ? "CI rounds" : "Rounds", (long long)used, (long long)all));
}

void move_failed_round(struct move *m, const char *what)
{
	int64_t k = move_agent_step(m->bp, m->p->step);

	if (k < 0)
		move_fail(m, m->p->phase == BP_PH_COMMIT ? BP_PH_RUN : m->p->phase,
			  xasprintf("%s. No agent step precedes it that could repair it.", what));
	else if (!round_left(m))
		fail_spent(m, what);
	else
		start_round(m, k, with_log(m, what));
}

void move_asked_round(struct move *m, char *feedback)
{
	struct bp_pos *p = m->p;

	p->failed = false;
	p->in_ci = false;
	p->signature[0] = p->tree[0] = '\0';
	if (!round_left(m))
		p->extra = p->round + 1 - m->bp->rounds;
	start_round(m, move_agent_step(m->bp, p->step), feedback);
}

/* --- infrastructure ----------------------------------------------------------------------------- */

void move_infra(struct move *m)
{
	struct bp_pos *p = m->p;
	const char *why = move_is_blank(m->ev->text) ? "no reason was given" : m->ev->text;

	if (p->infra < BP_INFRA_MAX && !m->ev->for_good) {
		p->infra++;
		m->a->act = phase_do[p->phase];
		return;
	}
	if (p->phase == BP_PH_AGENT && p->in_ci)
		p->ci_round--;
	else if (p->phase == BP_PH_AGENT)
		p->round--; /* it never took place */
	move_fail(m, p->phase,
		  m->ev->for_good
			  ? xasprintf("%.2000s. This was not tried again, since the configuration "
				      "has to "
				      "change first. No round was spent; then `/yard retry`.",
				      why)
			  : xasprintf("Infrastructure failed %d times in a row, last: %.2000s. No "
				      "round was "
				      "spent; `/yard retry` tries again.",
				      BP_INFRA_MAX + 1, why));
}
