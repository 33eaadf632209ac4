/* checks.c - see checks.h */
#include "bot/checks.h"

#include "base/mem.h"
#include "base/text.h"
#include "bot/annotate.h"
#include "bot/queue_flow.h"
#include "bot/report.h"
#include "bot/shadow.h"

#include <string.h>

/* A button: at most three a check run; label 20, description 40, identifier 20 characters. */
struct button {
	const char *label, *description, *identifier;
};
static const struct button retry = {"Retry", "Give the agent more rounds", "retry"};
static const struct button resolve = {"Resolve", "Have the agent resolve the conflict", "resolve"};
static const struct button cancel = {"Cancel", "End the task", "cancel"};
static const struct button queue = {"Queue", "Approve this head and queue it", "queue"};
static const struct button dequeue = {"Dequeue", "Take it out of the merge queue", "dequeue"};
static const struct button why = {"Why", "Say what it waits for", "why"};

static json_t *buttons(const struct button *const *list)
{
	json_t *a = json_array();

	for (; *list; list++) {
		json_t *o = json_object();

		json_put_str(o, "label", (*list)->label);
		json_put_str(o, "description", (*list)->description);
		json_put_str(o, "identifier", (*list)->identifier);
		json_array_append_new(a, o);
	}
	return a;
}

/* What a state means on the tab. conclusion NULL: it goes on. */
struct shown {
	const char *state, *conclusion;
	const struct button *const *buttons;
};
static const struct button *const while_running[] = {&cancel, NULL};
static const struct button *const when_over[] = {&retry, NULL};
static const struct button *const in_conflict[] = {&resolve, &retry, NULL};
static const struct button *const none[] = {NULL};
static const struct shown tasks[] = {
	{"review", "success", while_running},  {"queued", "success", while_running},
	{"merged", "success", none},           {"done", "success", none},
	{"no-change", "neutral", none},        {"cancelled", "cancelled", when_over},
	{"needs-human", "failure", when_over}, {NULL, NULL, while_running},
};
static const struct button *const outside[] = {&queue, &why, NULL};
static const struct button *const inside[] = {&dequeue, &why, NULL};
static const struct shown entries[] = {
	{"landed", "success", none},
	{"ejected", "failure", outside},
	{"dequeued", "neutral", outside},
	{QUEUE_WITHDRAWN, "neutral", outside},
	{NULL, NULL, inside},
};

static const struct shown *shown_of(const struct shown *table, const char *state)
{
	while (table->state && strcmp(table->state, state) != 0)
		table++;
	return table;
}

static char *first_line(const char *text)
{
	size_t n = strcspn(text, "\n");

	return xstrndup(text, text_cut(text, n, 200));
}

/* The check on one head. Takes payload, which has what is special to it. */
static int tell(struct bot *b, const struct pr *pr, const char *name, const struct shown *s,
		const char *text, json_t *p, struct err *err)
{
	autofree char *subject =
		xasprintf("check:%lld:%lld:%s", (long long)pr->repo, (long long)pr->number, name);
	autofree char *title = first_line(text);
	autofree char *key = xasprintf("%s:%lld:%s", name, (long long)pr->number, pr->head);
	autofree char *hash = text_sha256(text, strlen(text));

	json_put_int(p, "repo", pr->repo);
	json_put_int(p, "number", pr->number);
	json_put_str(p, "head", pr->head);
	json_put_str(p, "name", name);
	json_put_str(p, "key", key);
	json_put_str(p, "title", title);
	json_put_str(p, "summary", text);
	if (s->conclusion)
		json_put_str(p, "conclusion", s->conclusion);
	else
		json_put_str(p, "status", "in_progress");
	json_put(p, "actions", buttons(s->buttons));
	return bot_effect(b, subject, "forge-check", p, err, "check:%s:%s:%lld", key, hash,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* The PR, when its forge has a checks tab: 1, 0, -1. */
static int find(struct bot *b, int64_t repo, int64_t number, struct pr *ret, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	if (bot_repo(b, repo, &r, err) < 0)
		return -1;
	if (!bot_forge(b, &r).ops->checks_tab || shadow_on(b, repo))
		return 0;
	return pr_find(b->db, ST_PR_BY_NUMBER, ret, err, "ii", repo, number);
}

static void put_log(json_t *p, const char *log)
{
	autofree char *shown = report_log(log);

	json_put_str(p, "text", shown);
	json_put(p, "annotations", annotate(log, strlen(log)));
}

int checks_task(struct task_ctx *c, const char *text, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	const struct task *t = &c->task;
	int rc = t->pr ? find(c->bot, t->repo, t->pr, &pr, err) : 0;
	struct shown shown;
	json_t *p;

	if (rc <= 0)
		return rc;
	shown = *shown_of(tasks, t->state);
	rc = shown.buttons == when_over ? task_conflict(c->bot, &c->repo, t, NULL, err) : 0;
	if (rc < 0)
		return -1;
	if (rc > 0)
		shown.buttons = in_conflict;
	p = json_object();
	if (t->log && !strcmp(t->state, "needs-human"))
		put_log(p, t->log);
	return tell(c->bot, &pr, CHECK_TASK, &shown, text, p, err);
}

int checks_queue(struct bot *b, int64_t repo, int64_t number, const char *text, const char *log,
		 struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	cleanup(queue_entry_release) struct queue_entry e = {0};
	int rc = find(b, repo, number, &pr, err);
	json_t *p;

	if (rc > 0)
		rc = queue_entry_find(b->db, ST_QUEUE_LAST_OF_PR, &e, err, "ii", repo, number);
	if (rc <= 0)
		return rc;
	p = json_object();
	if (log)
		put_log(p, log);
	return tell(b, &pr, CHECK_QUEUE, shown_of(entries, e.state), text, p, err);
}
