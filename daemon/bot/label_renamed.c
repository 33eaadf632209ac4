/*
 * label_renamed.c - a label that means something here was renamed on the forge. What it meant is not carried
 * over by itself: the configuration names labels, and it is read from the base branch. What was under way goes
 * on, what was held stays held, and both are said.
 */
#include "bot/bot.h"

#include "base/log.h"
#include "base/mem.h"

struct renamed {
	struct bot *bot;
	const struct repo *repo;
	const char *from, *to;
};

/* The task goes on; taking the label off by its new name cancels it. */
static int tell_task(const struct renamed *x, struct task *t, struct err *err)
{
	row_set(&t->label, x->to);
	if (task_save(x->bot->db, t, err) < 0)
		return -1;
	return bot_say(
		x->bot, t->repo, t->issue,
		xasprintf("The label `%s` was renamed to `%s`. Task %lld goes on, and taking "
			  "`%s` off cancels it; another task is started by the labels that "
			  "the blueprints name.",
			  x->from, x->to, (long long)t->id, x->to),
		err, "label-renamed:task%lld:%s", (long long)t->id, x->to);
}

static int tell_tasks(const struct renamed *x, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(x->bot->db, ST_TASK_LIST, &l, err, "is", x->repo->id, "open") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].label && !strcasecmp(l.v[i].label, x->from) &&
		    tell_task(x, &l.v[i], err) < 0)
			return -1;
	return 0;
}

/* Nobody has said that it may land. */
static int hold(const struct renamed *x, int64_t number, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = pr_find(x->bot->db, ST_PR_BY_NUMBER, &p, err, "ii", x->repo->id, number);

	if (rc <= 0 || strcmp(p.state, "open") != 0 || p.held)
		return rc < 0 ? -1 : 0;
	p.held = 1;
	row_set(&p.held_by, "yardmaster");
	row_take(&p.held_reason,
		 xasprintf("the label that held it, %s, was renamed to %s", x->from, x->to));
	if (pr_save(x->bot->db, &p, err) < 0)
		return -1;
	return bot_say(x->bot, x->repo->id, number,
		       xasprintf("The label `%s`, which held this PR, was renamed to `%s`, which "
				 "holds nothing. The PR stays held; `/yard unhold` lets it go.",
				 x->from, x->to),
		       err, "label-renamed:%lld:pr%lld:%s", (long long)x->repo->id,
		       (long long)number, x->to);
}

static int hold_all(const struct renamed *x, struct err *err)
{
	cleanup(label_list_release) struct label_list l = {0};

	if (label_all(x->bot->db, ST_LABEL_NAMED, &l, err, "is", x->repo->id, x->to) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (hold(x, l.v[i].number, err) < 0)
			return -1;
	return 0;
}

/* To whoever looks after the configuration. */
static int tell_owner(const struct renamed *x, const struct event *e, const char *what,
		      struct err *err)
{
	autofree char *once = xasprintf("%lld", (long long)e->id);
	autofree char *text = xasprintf(
		"the label %s, %s, was renamed to %s; rename it back, or name the new one in "
		".github/yardmaster.yml (labels) or in the blueprint (on.label)",
		x->from, what, x->to);

	log_warn("repository %s: %s", x->repo->name, text);
	return bot_notify(x->bot, "label-renamed", x->repo->id, 0, text, once, err);
}

int label_on_renamed(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	struct renamed x = {b, &r, json_str(p, "label", ""), json_str(p, "to", "")};
	const char *what = NULL;

	if (bot_repo(b, json_int(p, "repo", 0), &r, err) < 0 ||
	    bot_repo_conf(b, &r, &conf, err) < 0)
		return -1;
	if (!strncmp(x.from, conf.label_prefix, strlen(conf.label_prefix)))
		what = "which assigned an agent";
	else if (!strcasecmp(x.from, conf.label_hold))
		what = "which held PRs";
	else if (!strcasecmp(x.from, conf.label_needs_human))
		what = "which calls for a person";
	if (!what)
		return 0;
	if (!strcasecmp(x.from, conf.label_hold) && hold_all(&x, err) < 0)
		return -1;
	return tell_tasks(&x, err) < 0 ? -1 : tell_owner(&x, e, what, err);
}
