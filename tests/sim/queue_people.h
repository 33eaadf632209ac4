/*
 * queue_people.h - what people do to the queue while it works. Part of sim_queue.c.
 */
#ifndef YM_SIM_QUEUE_PEOPLE_H
#define YM_SIM_QUEUE_PEOPLE_H

#include "queue_daemon.h"

static void enqueue(struct sim *s, int pr)
{
	struct entry *e = &s->e[pr];
	const struct pr *p = &s->w.pr[pr];

	if (e->queued || !p->open)
		return;
	s->approved[pr] = p->head;
	if (below(&s->w, 3))
		s->known[pr] = p->head;
	*e = (struct entry){.queued = true,
			    .id = ++s->next_id,
			    .pr = pr,
			    .head = p->head,
			    .enqueued = ++s->now,
			    .priority = below(&s->w, 4) ? 0 : below(&s->w, 5) - 2,
			    .key = ++s->next_key};
	trace(&s->w, "#%d is queued at h%d, priority %d", pr, e->head, e->priority);
}

static enum nature some_nature(struct world *w)
{
	return chance(w, 750) ? WORKS : chance(w, 600) ? FAILS : HANGS;
}

static void push_pr(struct sim *s, int pr)
{
	struct pr *p = &s->w.pr[pr];
	const struct tree *base = &s->w.commit[s->w.base].tree;

	if (!p->open || p->head == HEADS)
		return;
	p->head++;
	p->nature[p->head] = some_nature(&s->w);
	for (int q = 1; q <= PRS; q++)
		if (base->head[q])
			p->knows[p->head] |= bit(q);
	if (s->head_follows && s->e[pr].queued)
		s->e[pr].head = p->head;
	trace(&s->w, "#%d is pushed to h%d", pr, p->head);
}

static void approve(struct sim *s, int pr)
{
	s->approved[pr] = s->w.pr[pr].head;
	s->e[pr].head = s->w.pr[pr].head;
	trace(&s->w, "#%d is approved at h%d", pr, s->approved[pr]);
}

static void close_pr(struct sim *s, int pr)
{
	if (!s->w.pr[pr].open || is_landing(&s->e[pr]))
		return;
	s->w.pr[pr].open = false;
	if (s->e[pr].queued)
		leave(s, &s->e[pr]);
	trace(&s->w, "#%d is closed", pr);
}

/* What a head depends on is read, later than it is queued. */
static void learn_deps(struct sim *s, int pr)
{
	s->known[pr] = s->w.pr[pr].head;
	trace(&s->w, "what #%d depends on at h%d is known", pr, s->known[pr]);
}

static void toggle_dep(struct sim *s, int pr)
{
	int on = 1 + below(&s->w, below(&s->w, 10) ? PRS : MISSING);

	s->deps[pr] ^= bit(on);
	trace(&s->w, "#%d %s #%d", pr, s->deps[pr] & bit(on) ? "depends on" : "drops", on);
}

/* The runs of gates are ended, which is no result. */
static void halt(struct sim *s)
{
	s->halted = true;
	trace(&s->w, "HALT");
	for (int pr = 1; pr <= PRS; pr++) {
		struct entry *e = &s->e[pr];

		if (!e->queued || e->life.cand != PLAN_CAND_TESTING)
			continue;
		drop_jobs(s, e->key);
		step(s, e, PLAN_EV_STOPPED);
	}
	if (s->health == PLAN_BASE_TESTING) {
		drop_jobs(s, s->base_key);
		s->health = s->base_reds ? PLAN_BASE_RED : PLAN_BASE_UNKNOWN;
		s->base_key = ++s->next_key;
	}
}

static void toggle_freeze(struct sim *s)
{
	s->frozen = !s->frozen;
	trace(&s->w, "%s", s->frozen ? "FREEZE" : "THAW");
}

static void somebody_acts(struct sim *s)
{
	int pr = 1 + below(&s->w, PRS), what = below(&s->w, 100);
	struct entry *e = &s->e[pr];

	if (what < 25)
		enqueue(s, pr);
	else if (what < 35)
		push_pr(s, pr);
	else if (what < 50)
		approve(s, pr);
	else if (what < 55)
		learn_deps(s, pr);
	else if (what < 60)
		s->approved[pr] = 0;
	else if (what < 72 && e->queued)
		e->held = !e->held;
	else if (what < 75)
		close_pr(s, pr);
	else if (what < 85)
		toggle_dep(s, pr);
	else if (what < 89)
		toggle_freeze(s);
	else if (what < 92)
		halt(s);
	else if (what < 96)
		s->halted = false;
	else if (s->w.ncommits < COMMITS - 100)
		push_foreign(&s->w, some_nature(&s->w));
}

#endif
