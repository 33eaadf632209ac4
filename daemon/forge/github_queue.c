/* github_queue.c - see github_part.h: which job starts when, and how answers get out */
#include "base/mem.h"
#include "forge/github_part.h"

#include <stdarg.h>

enum gh_rate_kind gh_kind(const struct gh_job *j)
{
	if (j->flags & GH_READS)
		return strcmp(j->path, "/graphql") ? GH_RATE_READ : GH_RATE_QUERY;
	if (!strcmp(j->method, "GET"))
		return GH_RATE_READ;
	return j->flags & GH_CREATES ? GH_RATE_CREATE : GH_RATE_WRITE;
}

/* --- into and out of the lists --- */

void gh_wait(struct gh_job *j, struct gh_job *before)
{
	j->place = GH_WAITING;
	j->lane->nwaiting++;
	if (before)
		TAILQ_INSERT_BEFORE(before, j, link);
	else
		TAILQ_INSERT_TAIL(&j->lane->waiting, j, link);
}

/* It was taken out of the running ones. */
void gh_wait_first(struct gh_job *j, int64_t delay_ms)
{
	j->at_ms = gh_mono(j->g) + delay_ms;
	j->place = GH_WAITING;
	j->lane->nwaiting++;
	TAILQ_INSERT_HEAD(&j->lane->waiting, j, link);
}

void gh_finished(struct gh_job *j)
{
	j->place = GH_FINISHED;
	TAILQ_INSERT_TAIL(&j->g->finished, j, link);
	gh_kick(j->g);
}

/* A running job is out of its list already when its answer is judged. */
void gh_finish(struct gh_job *j, enum gh_outcome o, int64_t wait_ms, const char *fmt, ...)
{
	va_list ap;

	if (j->place == GH_WAITING) {
		TAILQ_REMOVE(&j->lane->waiting, j, link);
		j->lane->nwaiting--;
	}
	free(j->text);
	j->text = NULL;
	if (fmt) {
		va_start(ap, fmt);
		j->text = xvasprintf(fmt, ap);
		va_end(ap);
	}
	j->a.outcome = o;
	j->a.not_before_ms = wait_ms ? gh_wall(j->g) + wait_ms : 0;
	if (!gh_ask_name(j))
		gh_finished(j);
}

/* --- a pass over what waits --- */

static void sooner(int64_t *wake, int64_t t)
{
	if (t < *wake)
		*wake = t;
}

/* One job. *blocked: those of its class that come later wait for it. */
static void consider(struct gh_job *j, int64_t now, bool *blocked, int64_t *wake)
{
	const char *why = "";
	int64_t at;

	if (j->at_ms > now) {
		sooner(wake, j->at_ms);
		*blocked |= !gh_rate_reads(gh_kind(j)); /* the order of writes is kept */
		return;
	}
	if (!gh_login_ready(j, now))
		return;
	if (j->wants_token) {
		gh_finish(j, GH_OK, 0, NULL);
		return;
	}
	if (j->foreign) {
		gh_start(j);
		return;
	}
	if (*blocked)
		return;
	at = gh_rate_when(&j->lane->rate, gh_kind(j), now, &why);
	if (at <= now) {
		gh_start(j);
	} else if (at == GH_RATE_NEVER) {
		*blocked = true;
	} else if (at - now > j->g->conf.wait_ms) {
		gh_finish(j, GH_RETRY, at - now, "%s %.200s: not sent: %s", j->method, j->path,
			  why);
	} else {
		*blocked = true;
		sooner(wake, at);
	}
}

static void lane_pass(struct gh_lane *l, int64_t now, int64_t *wake)
{
	bool blocked[GH_RATE_KINDS] = {false}; /* all writes go by one */
	struct gh_job *j, *next;
	enum gh_rate_kind kind;

	for (j = TAILQ_FIRST(&l->waiting); j; j = next) {
		next = TAILQ_NEXT(j, link);
		kind = gh_kind(j);
		consider(j, now, &blocked[gh_rate_reads(kind) ? kind : GH_RATE_WRITE], wake);
	}
}

/* Those that are finished now: what they set off comes next time. */
static void hand_out(struct gh *g)
{
	uint64_t last = 0;
	struct gh_job *j;

	j = TAILQ_LAST(&g->finished, gh_jobs);
	if (j)
		last = j->id;
	while (last && (j = TAILQ_FIRST(&g->finished)) != NULL) {
		TAILQ_REMOVE(&g->finished, j, link);
		if (j->id == last)
			last = 0;
		j->a.text = j->text ? j->text : "";
		j->a.raw = j->raw;
		j->a.renamed = j->renamed;
		j->a.moved = j->moved;
		j->a.needs = j->needs;
		j->hand_out(j);
		gh_job_free(j);
	}
}

void gh_run(struct gh *g)
{
	int64_t now = gh_mono(g), wake = INT64_MAX;

	g->kicked = false;
	loop_timer_stop(g->timer);
	for (struct gh_lane *l = TAILQ_FIRST(&g->lanes); l; l = TAILQ_NEXT(l, link))
		lane_pass(l, now, &wake);
	if (!g->kicked && wake != INT64_MAX)
		loop_timer_set(g->timer, wake);
	hand_out(g);
}

void gh_kick(struct gh *g)
{
	g->kicked = true;
	loop_timer_in(g->timer, 0);
}
