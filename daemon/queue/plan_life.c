/* plan_life.c - the steps of a candidate's life as data; plan.h has the drawing. */
#include "base/mem.h"
#include "queue/plan.h"

enum count {
	COUNT_KEEP,
	COUNT_RERUN,   /* one rerun more */
	COUNT_ERROR,   /* one error more */
	COUNT_VERDICT, /* a word about the code: errors are over */
	COUNT_FORGET,  /* reruns belong to this candidate only */
};

struct step {
	enum plan_cand from;
	enum plan_event ev;
	enum plan_cand to;
	enum count count;
};

/* One row a step; what is not here does not happen. */
static const struct step steps[] = {
	{PLAN_CAND_NONE, PLAN_EV_BUILD, PLAN_CAND_BUILDING, COUNT_KEEP},
	{PLAN_CAND_BUILDING, PLAN_EV_BUILT, PLAN_CAND_BUILT, COUNT_KEEP},
	{PLAN_CAND_BUILDING, PLAN_EV_CONFLICT, PLAN_CAND_CONFLICT, COUNT_VERDICT},
	{PLAN_CAND_BUILDING, PLAN_EV_ERRORED, PLAN_CAND_ERRORED, COUNT_ERROR},
	{PLAN_CAND_BUILDING, PLAN_EV_STOPPED, PLAN_CAND_NONE, COUNT_KEEP},
	{PLAN_CAND_BUILT, PLAN_EV_TEST, PLAN_CAND_TESTING, COUNT_KEEP},
	{PLAN_CAND_TESTING, PLAN_EV_GREEN, PLAN_CAND_GREEN, COUNT_VERDICT},
	{PLAN_CAND_TESTING, PLAN_EV_RED, PLAN_CAND_RED, COUNT_VERDICT},
	{PLAN_CAND_TESTING, PLAN_EV_ERRORED, PLAN_CAND_ERRORED, COUNT_ERROR},
	{PLAN_CAND_TESTING, PLAN_EV_STOPPED, PLAN_CAND_BUILT, COUNT_KEEP},
	{PLAN_CAND_RED, PLAN_EV_TEST, PLAN_CAND_TESTING, COUNT_RERUN},
	{PLAN_CAND_ERRORED, PLAN_EV_BUILD, PLAN_CAND_BUILDING, COUNT_KEEP},
	{PLAN_CAND_GREEN, PLAN_EV_LAND, PLAN_CAND_LANDING, COUNT_KEEP},
	{PLAN_CAND_LANDING, PLAN_EV_UNSURE, PLAN_CAND_DOUBT, COUNT_KEEP},
	{PLAN_CAND_LANDING, PLAN_EV_NOT_LANDED, PLAN_CAND_GREEN, COUNT_KEEP},
	{PLAN_CAND_DOUBT, PLAN_EV_NOT_LANDED, PLAN_CAND_GREEN, COUNT_KEEP},
	{PLAN_CAND_BUILDING, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
	{PLAN_CAND_BUILT, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
	{PLAN_CAND_CONFLICT, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
	{PLAN_CAND_TESTING, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
	{PLAN_CAND_GREEN, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
	{PLAN_CAND_RED, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
	{PLAN_CAND_ERRORED, PLAN_EV_DISCARD, PLAN_CAND_NONE, COUNT_FORGET},
};

static void count(struct plan_life *l, enum count how)
{
	if (how == COUNT_RERUN)
		l->reruns++;
	else if (how == COUNT_ERROR)
		l->errors++;
	else if (how == COUNT_VERDICT)
		l->errors = 0;
	else if (how == COUNT_FORGET)
		l->reruns = 0;
}

bool plan_life_step(struct plan_life *l, enum plan_event ev)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i].from != l->cand || steps[i].ev != ev)
			continue;
		l->cand = steps[i].to;
		count(l, steps[i].count);
		return true;
	}
	return false;
}
