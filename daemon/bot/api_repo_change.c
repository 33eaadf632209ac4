/*
 * api_repo_change.c - another base branch for a repository, and its removal.
 *
 * Both are refused while tasks work on it or PRs are in its queue: these have to be ended by people, who are told how.
 * A removed repository keeps its rows and its files, and `repo add` takes it back as it was; `--purge` takes its issues,
 * PRs, tasks and files away for good. Its row stays under another name, so that its id is nobody else's: keys of events
 * have it. The audit log keeps everything.
 */
#include "bot/api_args.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/git_request.h"
#include "bot/outbox.h"
#include "bot/reconcile.h"
#include "bot/task_flow.h"
#include "bot/watch.h"
#include "forge/local_repo.h"

static int find_repo(struct request *q, struct repo *ret, struct err *err)
{
	const char *name = args_str(q->args, "name");
	int rc = repo_find(q->bot->db, ST_REPO_BY_NAME, ret, err, "s", name ? name : "");

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "repository '%s': not known; `yardmaster repo list` names them",
			       name ? name : "");
	return rc < 0 ? -1 : 0;
}

/* Nothing may be under way in it. */
static int must_be_idle(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(task_list_release) struct task_list tasks = {0};
	cleanup(queue_entry_list_release) struct queue_entry_list queue = {0};
	cleanup(landing_list_release) struct landing_list landings = {0};

	if (task_all(b->db, ST_TASK_LIST, &tasks, err, "is", r->id, "open") < 0 ||
	    queue_entry_all(b->db, ST_QUEUE_OPEN, &queue, err, "i", r->id) < 0 ||
	    landing_all(b->db, ST_LANDING_OPEN, &landings, err, "i", r->id) < 0)
		return -1;
	if (landings.n)
		return err_set(err, ERR_STATE,
			       "repository %s: PR #%lld is landing; try again when it has", r->name,
			       (long long)landings.v[0].pr);
	if (queue.n)
		return err_set(
			err, ERR_STATE,
			"repository %s: %zu PRs are in its queue; take them out first: yardmaster "
			"queue remove %lld -R %s",
			r->name, queue.n, (long long)queue.v[0].pr, r->name);
	if (tasks.n)
		return err_set(
			err, ERR_STATE,
			"repository %s: %zu tasks work on it; end them first: yardmaster task "
			"cancel %lld",
			r->name, tasks.n, (long long)tasks.v[0].id);
	return 0;
}

struct change {
	struct bot *bot;
	uint64_t ticket;
	int64_t repo;
	char *actor, *base, *text;
};

static void change_end(struct change *c, const struct err *why)
{
	api_answer(c->bot->api, c->ticket, why ? NULL : api_text("%s", c->text), why);
	free(c->actor);
	free(c->base);
	free(c->text);
	free(c);
}

static struct change *change_new(struct request *q, const struct repo *r, const char *base)
{
	struct change *c = xcalloc(1, sizeof(*c));

	c->bot = q->bot;
	c->ticket = q->ticket;
	c->repo = r->id;
	c->actor = xstrdup(q->actor);
	c->base = base ? xstrdup(base) : NULL;
	return c;
}

static int ask(struct change *c, json_t *req, git_done_fn done, struct err *err)
{
	if (outbox_ask_git(c->bot->outbox, req, done, c, err) == 0)
		return API_LATER;
	free(c->actor);
	free(c->base);
	free(c->text);
	free(c);
	return -1;
}

/* ---- set-base ---- */

/* What was approved was approved for the other branch. */
static int move_pulls(struct bot *b, const struct repo *r, const char *old, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	if (pr_all(b->db, ST_PR_LIST, &l, err, "is", r->id, "open") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		struct pr *p = &l.v[i];

		if (strcmp(p->base, old) != 0)
			continue;
		row_set(&p->base, r->base);
		row_set(&p->known_head, NULL);
		if (pr_save(b->db, p, err) < 0 ||
		    db_run(b->db, ST_APPROVAL_VOID, err, "iiiss", r->id, p->number, bot_now(b),
			   "the base became another branch", "") < 0 ||
		    bot_say(b, r->id, p->number,
			    xasprintf("The base of this repository is `%s` now, no longer `%s`: "
				      "earlier "
				      "approvals are void.",
				      r->base, old),
			    err, "set-base:%lld:%lld", (long long)r->id, (long long)p->number) < 0)
			return -1;
	}
	return 0;
}

static int set_base(struct change *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	autofree char *old = NULL;
	struct bot *b = c->bot;

	if (bot_repo(b, c->repo, &r, err) < 0 || must_be_idle(b, &r, err) < 0)
		return -1;
	old = xstrdup(r.base);
	row_set(&r.base, c->base);
	row_set(&r.base_oid, NULL);
	row_set(&r.config_oid, NULL);
	r.health = 0;
	c->text = xasprintf("repository %s: the base is %s now, no longer %s", r.name, r.base, old);
	if (repo_save(b->db, &r, err) < 0 || move_pulls(b, &r, old, err) < 0 ||
	    local_repo_hooks(r.path, b->client, b->conf->socket, r.base, err) < 0 ||
	    reconcile_base(b, &r, err) < 0)
		return -1;
	return bot_audit(b, c->actor, "repo-set-base",
			 json_pack("{s:s,s:s}", "old", old, "new", r.base), err, "repo:%s", r.name);
}

static void on_ref(void *arg, const json_t *answer, const struct err *why)
{
	struct change *c = arg;
	cleanup(err_release) struct err err = ERR_INIT;

	if (answer && !json_str(answer, "oid", NULL))
		err_set(&err, ERR_NOT_FOUND, "branch '%s': there is none; push it first", c->base);
	else if (answer && db_savepoint(c->bot->db, &err) == 0) {
		if (set_base(c, &err) < 0)
			db_rollback_to(c->bot->db);
		else if (db_release(c->bot->db, &err) == 0)
			watch_repos(c->bot->watch);
	}
	change_end(c, answer ? (err.code ? &err : NULL) : why);
}

int api_repo_set_base(struct request *q, json_t **ret, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const char *base = args_str(q->args, "base");
	autofree char *ref = xasprintf("refs/heads/%s", base ? base : "");
	json_t *req;

	(void)ret;
	if (find_repo(q, &r, err) < 0)
		return -1;
	if (bot_forge(q->bot, &r).ops->remote)
		return err_set(
			err, ERR_STATE,
			"repository %s: its base is the default branch on %s; change that there",
			r.name, r.forge);
	if (!strcmp(r.base, base ? base : ""))
		return err_set(err, ERR_STATE, "repository %s: its base is %s already", r.name,
			       r.base);
	if (must_be_idle(q->bot, &r, err) < 0)
		return -1;
	req = git_request("ref", r.path);
	json_put_str(req, "ref", ref);
	return ask(change_new(q, &r, base), req, on_ref, err);
}

/* ---- remove ---- */

static const enum stmt_id purges[] = {
	ST_PURGE_LABEL,   ST_PURGE_COMMENT,    ST_PURGE_APPROVAL,   ST_PURGE_DEPENDENCY,
	ST_PURGE_ODD,     ST_PURGE_LEASE,      ST_PURGE_ATTEMPT,    ST_PURGE_USAGE,
	ST_PURGE_LANDING, ST_PURGE_CANDIDATE,  ST_PURGE_QUEUE,      ST_PURGE_TASK,
	ST_PURGE_PR,      ST_PURGE_ISSUE,      ST_PURGE_CHECK,      ST_PURGE_LEVEL,
	ST_PURGE_SHADOW,  ST_PURGE_SHADOW_LOG, ST_PURGE_PERMISSION, ST_PURGE_GITHUB,
};

static int purge_rows(struct bot *b, struct repo *r, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(purges); i++)
		if (db_run(b->db, purges[i], err, "i", r->id) < 0)
			return -1;
	row_take(&r->name, xasprintf("(removed) %lld", (long long)r->id));
	row_take(&r->path, xasprintf("(removed) %lld", (long long)r->id));
	row_set(&r->config, NULL);
	row_set(&r->health_log, NULL);
	return 0;
}

static void on_folder_removed(void *arg, const json_t *answer, const struct err *why)
{
	(void)arg;
	if (!answer)
		log_warn("a folder of a removed repository: %s", err_text(why));
}

/* The kept worktrees of its tasks. */
static int purge_folders(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(b->db, ST_TASK_LIST, &l, err, "is", r->id, "all") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *folder = l.v[i].worktree ? task_worktree(b, l.v[i].id) : NULL;
		json_t *req;

		if (!folder)
			continue;
		req = json_object();
		json_put_str(req, "op", "remove");
		json_put_str(req, "path", folder);
		if (outbox_ask_git(b->outbox, req, on_folder_removed, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static void on_removed(void *arg, const json_t *answer, const struct err *why)
{
	change_end(arg, answer ? NULL : why);
}

int api_repo_remove(struct request *q, json_t **ret, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	struct bot *b = q->bot;
	bool purge = json_flag(q->args, "purge");
	autofree char *id = NULL, *name = NULL, *path = NULL;
	struct change *c;
	json_t *req;

	if (find_repo(q, &r, err) < 0 || must_be_idle(b, &r, err) < 0)
		return -1;
	id = xasprintf("%lld", (long long)r.id);
	name = xstrdup(r.name);
	path = xstrdup(r.path);
	r.removed_ms = bot_now(b);
	if (db_run(b->db, ST_EFFECT_REPO_GONE, err, "isi", r.id, r.path, bot_now(b)) < 0 ||
	    (purge && (purge_folders(b, &r, err) < 0 || purge_rows(b, &r, err) < 0)) ||
	    repo_save(b->db, &r, err) < 0 ||
	    bot_audit(b, q->actor, purge ? "repo-purge" : "repo-remove", NULL, err, "repo:%s",
		      name) < 0)
		return -1;
	if (!purge) {
		*ret = api_text(
			"repository %s removed; its files stay in %s, and `yardmaster repo add %s` "
			"takes it back",
			name, path, name);
		return API_DONE;
	}
	c = change_new(q, &r, NULL);
	c->text =
		xasprintf("repository %s removed, with its issues, pull requests and files", name);
	req = json_object();
	json_put_str(req, "op", "remove");
	json_put_str(req, "path", path);
	return ask(c, req, on_removed, err);
}
