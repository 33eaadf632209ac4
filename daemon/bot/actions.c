/* actions.c - see actions.h */
#include "bot/actions.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/allowed.h"
#include "bot/dispatch.h"
#include "bot/queue_depends.h"
#include "bot/queue_flow.h"
#include "bot/queue_rules.h"
#include "bot/report.h"
#include "bot/task_flow.h"
#include "forge/local.h"

typedef int (*action_fn)(const struct action *a, char **ret, struct err *err);

static int find_pr(const struct action *a, struct pr *ret, struct err *err)
{
	int rc = pr_find(a->bot->db, ST_PR_BY_NUMBER, ret, err, "ii", a->repo->id, a->number);

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "PR #%lld: no such PR in %s",
			       (long long)a->number, a->repo->name);
	return rc < 0 ? -1 : 0;
}

static int find_open_pr(const struct action *a, struct pr *ret, struct err *err)
{
	if (find_pr(a, ret, err) < 0)
		return -1;
	if (strcmp(ret->state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld is %s; only an open one can be changed",
			       (long long)a->number, ret->state);
	return 0;
}

/* The last task of the issue, or of the PR that it opened. */
static int find_task(const struct action *a, struct task *ret, struct err *err)
{
	int rc = task_find(a->bot->db, ST_TASK_LAST_OF_ISSUE, ret, err, "ii", a->repo->id,
			   a->number);

	if (rc == 0)
		rc = task_find(a->bot->db, ST_TASK_LAST_OF_PR, ret, err, "ii", a->repo->id,
			       a->number);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "#%lld: no task works on it",
			       (long long)a->number);
	return rc < 0 ? -1 : 0;
}

static int do_run(const struct action *a, char **ret, struct err *err)
{
	struct dispatch_request q = {.actor = a->actor,
				     .blueprint = a->cmd->blueprint,
				     .agent = a->cmd->agent,
				     .scopes = &a->cmd->scopes,
				     .asked_ms = a->said_ms};
	int rc = dispatch_create(a->bot, a->repo, a->number, &q, err);

	if (rc < 0)
		return -1;
	*ret = rc ? xasprintf("Assigned to blueprint `%s`.", a->cmd->blueprint)
		  : xstrdup("Nothing was started; the comment says why.");
	return 0;
}

static int do_cancel(const struct action *a, char **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc;

	if (find_task(a, &t, err) < 0)
		return -1;
	rc = dispatch_cancel(a->bot, a->repo, t.issue, a->actor, err);
	if (rc == 0)
		return err_set(err, ERR_STATE, "task %lld has ended already (%s)", (long long)t.id,
			       t.state);
	*ret = xasprintf("Task %lld is cancelled.", (long long)t.id);
	return rc < 0 ? -1 : 0;
}

/* No agent works on what is closed. */
static int must_be_open(const struct action *a, int64_t issue, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	int rc = issue_find(a->bot->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", a->repo->id, issue);

	if (rc > 0 && strcmp(i.state, "open") != 0)
		return err_set(err, ERR_STATE,
			       "issue #%lld is closed, and no agent works on a closed issue; open "
			       "it again first",
			       (long long)issue);
	return rc < 0 ? -1 : 0;
}

/* A task that ended in a person's hands goes on in the worktree that was kept. */
static int can_go_on(const struct action *a, const struct task *t, struct err *err)
{
	if (must_be_open(a, t->issue, err) < 0)
		return -1;
	if (strcmp(t->state, "needs-human") != 0 && strcmp(t->state, "asking") != 0)
		return err_set(err, ERR_STATE,
			       "task %lld is %s; only one that asks or needs a person can go on",
			       (long long)t->id, t->state);
	if (!t->worktree || !t->position)
		return err_set(err, ERR_STATE,
			       "task %lld has no worktree any more; set the label again to start "
			       "anew",
			       (long long)t->id);
	return 0;
}

static int do_retry(const struct action *a, char **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(task_ctx_release) struct task_ctx c = {0};
	struct bp_event ev = {.ev = BP_EV_RETRY};
	autofree char *which = NULL;

	if (find_task(a, &t, err) < 0 || can_go_on(a, &t, err) < 0 ||
	    task_open(a->bot, t.id, &c, err) < 0)
		return -1;
	if (task_take_text(&c, &which, err) < 0)
		return -1;
	ev.count = a->cmd->rounds ? a->cmd->rounds : c.bp.rounds;
	*ret = xasprintf("Task %lld gets up to %lld more rounds.%s%s", (long long)t.id,
			 (long long)ev.count, which ? " " : "", which ? which : "");
	return task_step(&c, &ev, err);
}

static int do_say(const struct action *a, char **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(buf_release) struct buf said = BUF_INIT;
	struct bp_event ev = {.ev = BP_EV_SAY};

	/* what nobody sees in the comment, nobody said */
	text_clean(a->cmd->text, strlen(a->cmd->text), &said, NULL);
	ev.text = said.s;
	if (find_task(a, &t, err) < 0)
		return -1;
	if (t.ended_ms && can_go_on(a, &t, err) < 0)
		return -1;
	if (task_open(a->bot, t.id, &c, err) < 0)
		return -1;
	task_add_said(&c.task, a->actor, said.s);
	*ret = xasprintf("Task %lld hears it in its next round.", (long long)t.id);
	return task_step(&c, &ev, err);
}

/* A round for the conflict alone: it begins on the base, with both sides in the files (task_run.c). */
static int do_resolve(const struct action *a, char **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(task_ctx_release) struct task_ctx c = {0};
	autofree char *conflict = NULL, *text = NULL;
	struct bp_event ev = {.ev = BP_EV_SAY};
	int rc;

	if (find_task(a, &t, err) < 0)
		return err_wrap(err, "an agent resolves the conflicts of its own work only");
	rc = task_conflict(a->bot, a->repo, &t, &conflict, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_STATE,
			       "task %lld: no conflict of its pull request is known; the merge "
			       "queue finds one when it builds what would land",
			       (long long)t.id);
	if (can_go_on(a, &t, err) < 0 || task_open(a->bot, t.id, &c, err) < 0)
		return -1;
	text = xasprintf("Resolve this: %s", conflict);
	ev.text = text;
	*ret = xasprintf("Task %lld gets a round to resolve its conflict with `%s`. The new head "
			 "is approved and tested anew.",
			 (long long)t.id, a->repo->base);
	return task_step(&c, &ev, err);
}

static int do_status(const struct action *a, char **ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};

	if (find_task(a, &t, err) < 0)
		return -1;
	*ret = xasprintf("Task %lld: %s%s%s", (long long)t.id, t.state, t.reason ? ": " : "",
			 t.reason ? t.reason : "");
	return 0;
}

/* The approval is of the head that the writer could see, and of no other. */
static int approve_known(const struct action *a, const struct pr *pr, struct err *err)
{
	const char *known = a->known_head ? a->known_head : pr->head, *sha = a->cmd->sha;
	struct forge f = bot_forge(a->bot, a->repo);

	if (!strcmp(known, FORGE_HEAD_UNKNOWN))
		return err_set(err, ERR_STATE,
			       "PR #%lld: this was said before the head %.12s was seen here, and "
			       "may have been meant for another one; look at it and say it again",
			       (long long)pr->number, pr->head);
	if (strcmp(known, pr->head) != 0)
		return err_set(err, ERR_STATE,
			       "PR #%lld: a push came between: this was said of %.12s, the head is "
			       "%.12s now; look at it and say it again",
			       (long long)pr->number, known, pr->head);
	if (sha && (strlen(sha) < 7 || strncmp(pr->head, sha, strlen(sha)) != 0))
		return err_set(err, ERR_STATE,
			       "PR #%lld: its head is %.12s, not %s; nothing was approved",
			       (long long)pr->number, pr->head, sha);
	return local_pr_approve(&f, a->repo, a->actor, pr, err) < 0 ? -1 : 0;
}

static int do_queue(const struct action *a, char **ret, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};

	if (find_open_pr(a, &pr, err) < 0 || approve_known(a, &pr, err) < 0 ||
	    queue_enqueue(a->bot, a->repo, pr.number, pr.head, a->actor,
			  a->cmd->has_priority ? &a->cmd->priority : NULL, err) < 0)
		return -1;
	*ret = xasprintf("Approved at %.12s and in the merge queue.", pr.head);
	return 0;
}

static int do_dequeue(const struct action *a, char **ret, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	autofree char *why = xasprintf("taken out by %s", a->actor);
	int rc = find_pr(a, &pr, err);

	if (rc == 0)
		rc = queue_leave(a->bot, a->repo, a->number, "dequeued", why, err);
	if (rc == 0)
		return err_set(err, ERR_STATE,
			       "PR #%lld is not in the merge queue, or is landing right now",
			       (long long)a->number);
	*ret = xstrdup("Taken out of the merge queue.");
	return rc < 0 ? -1 : 0;
}

static int set_held(const struct action *a, bool held, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};

	if (find_open_pr(a, &pr, err) < 0)
		return -1;
	pr.held = held;
	row_set(&pr.held_by, held ? a->actor : NULL);
	row_set(&pr.held_reason, held ? a->cmd->text : NULL);
	if (pr_save(a->bot->db, &pr, err) < 0)
		return -1;
	return bot_audit(a->bot, a->actor, held ? "hold" : "unhold", NULL, err, "pr:%s:%lld",
			 a->repo->name, (long long)pr.number);
}

static int do_hold(const struct action *a, char **ret, struct err *err)
{
	*ret = xasprintf("Held by %s%s%s. `/yard unhold` lets it go on.", a->actor,
			 a->cmd->text ? ": " : "", a->cmd->text ? a->cmd->text : "");
	return set_held(a, true, err);
}

static int do_unhold(const struct action *a, char **ret, struct err *err)
{
	*ret = xstrdup("No longer held.");
	return set_held(a, false, err);
}

static int must_be_pr(const struct action *a, int64_t number, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(a->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", a->repo->id, number);

	/* It may have been over before we looked: that is found out, and said when the PR's turn comes. */
	if (rc == 0 && bot_forge(a->bot, a->repo).ops->remote)
		return queue_depends_want(a->bot, a->repo, number, err);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "#%lld is no PR of %s; nothing was changed: a PR that depends on "
			       "what does not exist never lands",
			       (long long)number, a->repo->name);
	return rc < 0 ? -1 : 0;
}

/* 1 it was added, 0 it was there already. */
static int add_depend(const struct action *a, const struct depend *d, const char *what,
		      struct err *err)
{
	cleanup(repo_release) struct repo other = {0};
	int rc;

	if (!queue_depends_here(a->repo, d)) {
		rc = repo_find(a->bot->db, ST_REPO_LIKE_NAME, &other, err, "s", d->name);
		if (rc == 0)
			return err_set(
				err, ERR_INPUT,
				"%s: is of a repository that is not looked after here, so nobody "
				"would know when it is merged; this one is %s",
				what, a->repo->name);
		return rc < 0 ? -1
			      : queue_depends_other(a->bot, a->repo, a->number, d, "command", err);
	}
	if (d->number == a->number)
		return err_set(err, ERR_INPUT, "PR #%lld cannot depend on itself",
			       (long long)d->number);
	if (must_be_pr(a, d->number, err) < 0)
		return -1;
	return db_run(a->bot->db, ST_DEPENDENCY_ADD, err, "iiisi", a->repo->id, a->number,
		      d->number, "command", bot_now(a->bot));
}

/* Each reference of the command; *said is the list of them. */
static int each_depend(const struct action *a, struct buf *said,
		       int (*fn)(const struct action *a, const struct depend *d, const char *what,
				 struct err *err),
		       struct err *err)
{
	for (size_t i = 0; i < a->cmd->depends.n; i++) {
		cleanup(depend_release) struct depend d = {0};
		const char *what = a->cmd->depends.v[i];

		if (!depends_word(what, &d))
			return err_set(err, ERR_INPUT, "%s: expected " DEPENDS_EXPECTED, what);
		if (fn(a, &d, what, err) < 0)
			return -1;
		buf_addf(said, "%s%s%s", i ? ", " : "", d.name ? "" : "#", what);
	}
	return 0;
}

static int do_depends(const struct action *a, char **ret, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	cleanup(buf_release) struct buf said = BUF_INIT;

	if (find_open_pr(a, &pr, err) < 0 || each_depend(a, &said, add_depend, err) < 0)
		return -1;
	*ret = xasprintf("Lands after %s.", said.s);
	return 0;
}

/* Where else it is said that it depends on this; NULL: nowhere. Caller frees. */
static char *said_elsewhere(const struct action *a, int64_t on, struct err *err)
{
	cleanup(dependency_list_release) struct dependency_list l = {0};
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (dependency_all(a->bot->db, ST_DEPENDENCY_OF, &l, err, "ii", a->repo->id, a->number) < 0)
		return NULL;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].on_pr == on)
			buf_addf(&b, "%s%s", b.len ? ", and " : "",
				 !strcmp(l.v[i].source, "body") ? "the PR's text says so: edit that"
				 : !strcmp(l.v[i].source, "trailer")
					 ? "the message of a commit says so: change that and push"
				 : !strcmp(l.v[i].source, "stack")
					 ? "it contains the commits of that PR: rebase it and push"
					 : "");
	return b.len ? buf_steal(&b) : NULL;
}

static int drop_depend(const struct action *a, const struct depend *d, const char *what,
		       struct err *err)
{
	autofree char *why = NULL;
	int rc = queue_depends_here(a->repo, d)
			 ? db_run(a->bot->db, ST_DEPENDENCY_DROP, err, "iiis", a->repo->id,
				  a->number, d->number, "command")
			 : db_run(a->bot->db, ST_DEPENDENCY_ODD_DROP, err, "iisis", a->repo->id,
				  a->number, d->name, d->number, "command");

	if (rc < 0)
		return -1;
	if (queue_depends_here(a->repo, d))
		why = said_elsewhere(a, d->number, err);
	if (err->code)
		return -1;
	if (why || rc == 0)
		return err_set(err, ERR_STATE, "%s%s: %s; nothing was changed", d->name ? "" : "#",
			       what, why ? why : "no `/yard depends` said so");
	return rc;
}

static int do_undepend(const struct action *a, char **ret, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	cleanup(buf_release) struct buf said = BUF_INIT;

	if (find_open_pr(a, &pr, err) < 0 || each_depend(a, &said, drop_depend, err) < 0)
		return -1;
	*ret = xasprintf("Does not wait for %s any more.", said.s);
	return 0;
}

static int do_why(const struct action *a, char **ret, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	cleanup(queue_entry_release) struct queue_entry e = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autofree char *approvals = NULL, *rules = NULL, *depends = NULL, *so_far = NULL;
	int rc;

	if (find_pr(a, &pr, err) < 0 ||
	    queue_depends_held(a->bot, a->repo, pr.number, &depends, err) < 0 ||
	    bot_repo_conf(a->bot, a->repo, &conf, err) < 0 ||
	    queue_rules(a->bot, a->repo, &conf, &pr, &rules, err) < 0)
		return -1;
	approvals = queue_approvals_text(a->bot, a->repo, &conf, &pr);
	rc = queue_entry_find(a->bot->db, ST_QUEUE_LAST_OF_PR, &e, err, "ii", a->repo->id,
			      pr.number);
	if (rc < 0)
		return -1;
	so_far = queue_busy_so_far(a->bot, e.candidate);
	if (strcmp(pr.state, "open") != 0)
		*ret = xasprintf("It is %s%s%.12s%s%s.", pr.state, pr.landed ? " as " : "",
				 pr.landed ? pr.landed : "", pr.held_reason ? ": " : "",
				 pr.held_reason ? pr.held_reason : "");
	else if (rc == 0)
		*ret = xasprintf("It is not in the merge queue: %s%s%s%s%s%s%s. `/yard queue` puts "
				 "it there.",
				 approvals, rules ? "; there it " : "", rules ? rules : "",
				 depends ? "; it " : "", depends ? depends : "",
				 pr.learn_why ? "; what it depends on is not known: " : "",
				 pr.learn_why ? pr.learn_why : "");
	else if (strcmp(e.state, "queued") != 0)
		*ret = xasprintf("It left the merge queue (%s): %s; %s.", e.state,
				 e.reason ? e.reason : "", approvals);
	else
		*ret = xasprintf("Place %s%s%s; %s%s%s.", e.waits ? e.waits : "is being found",
				 so_far ? "; so far " : "", so_far ? so_far : "", approvals,
				 a->repo->frozen ? "; the queue is frozen by " : "",
				 a->repo->frozen && a->repo->frozen_reason ? a->repo->frozen_reason
									   : "");
	return 0;
}

static int set_frozen(const struct action *a, bool frozen, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	json_t *d = json_object();

	json_put_str(d, "reason", a->cmd->text);
	if (bot_audit(a->bot, a->actor, frozen ? "freeze" : "thaw", d, err, "repo:%s",
		      a->repo->name) < 0 ||
	    bot_repo(a->bot, a->repo->id, &r, err) < 0 ||
	    (!frozen && queue_lost_forget(a->bot, &r, err) < 0))
		return -1;
	r.frozen = frozen;
	row_take(&r.frozen_reason, frozen ? xasprintf("%s%s%s", a->actor, a->cmd->text ? ": " : "",
						      a->cmd->text ? a->cmd->text : "")
					  : NULL);
	return repo_save(a->bot->db, &r, err);
}

static int do_freeze(const struct action *a, char **ret, struct err *err)
{
	*ret = xasprintf("The merge queue of %s is frozen by %s: nothing lands until `/yard thaw`.",
			 a->repo->name, a->actor);
	return set_frozen(a, true, err);
}

static int do_thaw(const struct action *a, char **ret, struct err *err)
{
	*ret = xasprintf("The merge queue of %s is open again.", a->repo->name);
	return set_frozen(a, false, err);
}

static int do_halt(const struct action *a, char **ret, struct err *err)
{
	*ret = xstrdup("The kill switch is on: every agent is ended, nothing starts until "
		       "`yardmaster resume`.");
	return bot_halt(a->bot, a->actor, a->cmd->text, NULL, err);
}

/* Why the actor may not do it in every repository, or NULL. A name of one forge says nothing about another
 * forge. */
static int refusal_anywhere(const struct action *a, char **ret, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	enum forge_level have;

	if (!bot_forge(a->bot, a->repo).ops->remote) {
		if (bot_permission_here(a->bot, 0, a->actor, &have, err) < 0)
			return -1;
		*ret = have >= FORGE_MAINTAIN
			       ? NULL
			       : xasprintf(
					 "needs the permission `maintain` on all of them; @%s has "
					 "`%s`",
					 a->actor, forge_level_name(have));
		return 0;
	}
	if (repo_all(a->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n && !*ret; i++)
		if (strcmp(l.v[i].forge, a->repo->forge) != 0)
			*ret = xasprintf(
				"needs the permission `maintain` on all of them, and %s is "
				"on another forge",
				l.v[i].name);
		else if (allowed(a->bot, &l.v[i], CONF_ALLOW_RESUME, FORGE_MAINTAIN, a->actor, ret,
				 err) < 0)
			return -1;
	return 0;
}

/* It lets agents of every repository go on: a permission on one of them is not enough. */
static int do_resume(const struct action *a, char **ret, struct err *err)
{
	autofree char *refusal = NULL;

	if (refusal_anywhere(a, &refusal, err) < 0)
		return -1;
	if (refusal)
		return err_set(err, ERR_DENIED,
			       "the kill switch is that of all repositories: turning it off %s",
			       refusal);
	*ret = xstrdup("The kill switch is off.");
	return bot_resume(a->bot, a->actor, err);
}

static const action_fn table[CMD_COUNT] = {
	[CMD_RUN] = do_run,         [CMD_CANCEL] = do_cancel,   [CMD_RETRY] = do_retry,
	[CMD_SAY] = do_say,         [CMD_STATUS] = do_status,   [CMD_QUEUE] = do_queue,
	[CMD_DEQUEUE] = do_dequeue, [CMD_HOLD] = do_hold,       [CMD_UNHOLD] = do_unhold,
	[CMD_RESOLVE] = do_resolve, [CMD_DEPENDS] = do_depends, [CMD_UNDEPEND] = do_undepend,
	[CMD_WHY] = do_why,         [CMD_FREEZE] = do_freeze,   [CMD_THAW] = do_thaw,
	[CMD_HALT] = do_halt,       [CMD_RESUME] = do_resume,
};

int action_do(const struct action *a, char **ret_text, struct err *err)
{
	autofree char *text = NULL;

	if (table[a->cmd->def->id](a, &text, err) < 0)
		return -1;
	*ret_text = steal(&text);
	return 0;
}

enum forge_level action_level(const struct command_def *def)
{
	static const enum forge_level of[] = {
		[PERM_READ] = FORGE_READ,
		[PERM_WRITE] = FORGE_WRITE,
		[PERM_MAINTAIN] = FORGE_MAINTAIN,
	};

	return of[def->perm];
}
