/* report.c - see report.h */
#include "bot/report.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/checks.h"

char *report_log(const char *log)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *fence = NULL;
	size_t n = log ? strlen(log) : 0, from;

	if (!n)
		return xstrdup("(no output)\n");
	from = text_tail(log, n, REPORT_LOG_MAX);
	fence = text_fence(log + from);
	if (from)
		buf_addf(&b, "The last %zu bytes of %zu:\n", n - from, n);
	buf_addf(&b, "%s\n%s", fence, log + from);
	buf_addf(&b, "%s%s\n", b.s[b.len - 1] == '\n' ? "" : "\n", fence);
	return buf_steal(&b);
}

static void add_runs(struct task_ctx *c, struct buf *b)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};

	if (attempt_all(c->bot->db, ST_ATTEMPT_OF_TASK, &l, NULL, "i", c->task.id) < 0 || !l.n)
		return;
	buf_adds(b, "\n| run | what | result | time |\n|---|---|---|---|\n");
	for (size_t i = 0; i < l.n; i++) {
		const struct attempt *a = &l.v[i];
		autofree char *time = text_duration(
			a->ended_ms && a->started_ms ? a->ended_ms - a->started_ms : 0);
		autofree char *what = xstrndup(a->command, 60);

		for (char *p = what; *p; p++)
			if (*p == '\n' || *p == '|' || *p == '`')
				*p = ' ';
		buf_addf(b, "| %s | %s", a->run, a->kind);
		if (!strcmp(a->kind, "agent") || !strcmp(a->kind, "gate"))
			buf_addf(b, ", round %lld", (long long)a->round);
		buf_addf(b, ": `%s` | ", what);
		if (!a->outcome)
			buf_adds(b, "running");
		else if (!strcmp(a->outcome, "exited"))
			buf_addf(b, "%s", a->code ? "failed" : "ok");
		else
			buf_addf(b, "%s", a->outcome);
		buf_addf(b, " | %s |\n", a->ended_ms ? time : "");
	}
}

static char *task_text(struct task_ctx *c)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	const struct task *t = &c->task;

	buf_addf(&b, "**Task %lld** (`%s`): **%s**", (long long)t->id, t->blueprint, t->state);
	if (t->reason)
		buf_addf(&b, ": %s", t->reason);
	buf_adds(&b, "\n");
	if (t->pr)
		buf_addf(&b, "\nPR #%lld\n", (long long)t->pr);
	if (t->cost_microusd)
		buf_addf(&b, "\nCost so far: $%.2f\n", (double)t->cost_microusd / 1e6);
	if (t->removed)
		buf_addf(&b, "\nLeft out of the issue's text before the agent saw it: %s.\n",
			 t->removed);
	if (t->ignored)
		buf_addf(&b, "\n%s\n", t->ignored);
	add_runs(c, &b);
	buf_addf(&b, "\n`yardmaster task logs %lld` has the whole output.\n", (long long)t->id);
	return buf_steal(&b);
}

int report_task(struct task_ctx *c, struct err *err)
{
	autofree char *text = task_text(c);

	if (checks_task(c, text, err) < 0)
		return -1;
	return bot_say(c->bot, c->task.repo, c->task.issue, steal(&text), err, "task:%lld",
		       (long long)c->task.id);
}

int report_pr(struct bot *b, int64_t repo, int64_t pr, char *text, struct err *err)
{
	return report_pr_log(b, repo, pr, text, NULL, err);
}

int report_pr_log(struct bot *b, int64_t repo, int64_t pr, char *text, const char *log,
		  struct err *err)
{
	autofree char *body = text;

	if (checks_queue(b, repo, pr, body, log, err) < 0)
		return -1;
	return bot_say(b, repo, pr, steal(&body), err, "pr:%lld:%lld", (long long)repo,
		       (long long)pr);
}
