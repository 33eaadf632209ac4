/*
 * api_hook.c - pushes to refs/for/BASE/TOPIC, as the proc-receive hook reports them.
 *
 *   args    {"path": REPOSITORY, "ref": "refs/for/main/topic", "new": OID}
 *   answer  {"item": {"ref": "refs/pull/7/head", "number": 7, "old": OID|null}, "text": …}
 *
 * The objects are in the repository when the hook runs. Questions to the git role, in order: is the
 * commit new against the base, what does it change, what does it say; then the head's ref is set by
 * its expected old value; then the rows are written. A push while the PR is landing is refused: it
 * would be of a PR that is merged a moment later.
 */
#include "bot/api_args.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/git_request.h"
#include "bot/outbox.h"
#include "bot/pr_words.h"
#include "bot/queue_flow.h"
#include "bot/reconcile.h"
#include "forge/local.h"
#include "task/life.h"

#define NUMBERS_SKIPPED_MAX 10000

struct push {
	struct bot *bot;
	uint64_t ticket;
	struct repo repo;
	char *actor, *base, *topic, *new;
	char *title, *body, *files;
	int64_t number;
	int skipped; /* numbers that were in use */
	char *old;   /* the PR's head before; NULL: a new PR */
	char *at;    /* where its ref is instead, after a crash between ref and row */
};

static void push_free(struct push *p)
{
	repo_release(&p->repo);
	free(p->actor);
	free(p->base);
	free(p->topic);
	free(p->new);
	free(p->title);
	free(p->body);
	free(p->files);
	free(p->old);
	free(p->at);
	free(p);
}

static void push_fail(struct push *p, const struct err *why)
{
	api_answer(p->bot->api, p->ticket, NULL, why);
	push_free(p);
}

static void ask(struct push *p, json_t *req, git_done_fn done)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (outbox_ask_git(p->bot->outbox, req, done, p, &err) < 0)
		push_fail(p, &err);
}

static int write_push(struct push *p, struct err *err)
{
	struct forge f = bot_forge(p->bot, &p->repo);
	struct local_push lp = {.actor = p->actor,
				.base = p->base,
				.topic = p->topic,
				.head = p->new,
				.title = p->title,
				.body = p->body,
				.files = p->files};

	if (db_savepoint(p->bot->db, err) < 0)
		return -1;
	if (local_push_apply(&f, &p->repo, p->number, &lp, err) < 0) {
		db_rollback_to(p->bot->db);
		return -1;
	}
	return db_release(p->bot->db, err);
}

/* Landing: its head must stay what was tested. */
static int check_landing(struct push *p, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	cleanup(candidate_release) struct candidate c = {0};
	int rc = queue_entry_find(p->bot->db, ST_QUEUE_OF_PR, &e, err, "ii", p->repo.id, p->number);

	if (rc > 0 && e.candidate)
		rc = candidate_get(p->bot->db, e.candidate, &c, err);
	if (rc < 0)
		return -1;
	if (c.id && (!strcmp(c.state, "landing") || !strcmp(c.state, "doubt")))
		return err_set(err, ERR_STATE,
			       "PR #%lld is landing at this moment; push to a new topic",
			       (long long)p->number);
	return 0;
}

static void on_put_back(void *arg, const json_t *answer, const struct err *why)
{
	(void)arg;
	if (!answer)
		log_warn("the head of a PR that is landing was not put back: %s", err_text(why));
}

/* The queue was quicker while the ref was on its way: what lands is the head that was approved, and
 * the ref says so again. */
static void put_back(struct push *p)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *ref = xasprintf("refs/pull/%lld/head", (long long)p->number);
	json_t *req = git_request("ref-set", p->repo.path);

	json_put_str(req, "ref", ref);
	json_put_str(req, "old", p->new);
	json_put_str(req, "new", p->old);
	if (outbox_ask_git(p->bot->outbox, req, on_put_back, NULL, &err) < 0)
		log_warn("%s: %s", ref, err_text(&err));
}

static void set_head(struct push *p);

/* Closed, or landed, while the ref was on its way? */
static int check_still(struct push *p, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(p->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", p->repo.id, p->number);

	if (rc <= 0)
		return rc; /* none yet: the push opens it */
	if (strcmp(pr.state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld is %s; push to a new topic",
			       (long long)p->number, pr.state);
	return check_landing(p, err);
}

/*
 * The ref is not where the ledger says. Only the daemon moves it, and writes the row right after it: either
 * another push was quicker, which the ledger knows by now, or the daemon ended between the two. Then the
 * ref is ahead of the ledger, and this push goes on from there. 1 it does, 0 not.
 */
static int go_on_from(struct push *p, const char *found, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(p->bot->db, ST_PR_BY_NUMBER, &pr, err, "ii", p->repo.id, p->number);

	if (rc <= 0)
		return rc;
	if (p->at || !found || !p->old || strcmp(pr.head, p->old) != 0)
		return 0;
	log_warn("repository %s: PR #%lld: its ref is at %.12s and the ledger at %.12s: a push was "
		 "cut off there",
		 p->repo.name, (long long)p->number, found, p->old);
	row_set(&p->at, found);
	set_head(p);
	return 1;
}

/* A task commits to its PR itself, and would not know of what somebody else has put there. */
static int check_task(const struct push *p, const struct pr *pr, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_get(p->bot->db, pr->task, &t, err);

	if (rc <= 0 || (life_ended(t.state) && strcmp(t.state, "needs-human") != 0))
		return rc < 0 ? -1 : 0;
	return err_set(
		err, ERR_STATE,
		"'%s' is the topic of PR #%lld, which task %lld (%s) commits to: nothing was "
		"pushed. Say on the PR what is to be changed, or end the task (`yardmaster task "
		"cancel %lld`%s) and push again: then this updates the PR",
		p->topic, (long long)pr->number, (long long)t.id, t.state, (long long)t.id,
		strcmp(t.state, "needs-human") ? "" : ", `yardmaster issue close`");
}

/*
 * The open PR of a topic that an agent's task has opened: whoever pushes to that topic means this PR, and not another
 * one of the same name. Its title and text stay: they name the issue. 1 it is one, 0 not.
 */
static int find_of_task(struct push *p, struct pr *ret, struct err *err)
{
	int rc = pr_find(p->bot->db, ST_PR_OPEN_TOPIC, ret, err, "is", p->repo.id, p->topic);

	if (rc <= 0 || !ret->task || strcmp(ret->base, p->base) != 0)
		return rc < 0 ? -1 : 0;
	if (check_task(p, ret, err) < 0)
		return -1;
	row_set(&p->title, ret->title);
	row_set(&p->body, ret->body);
	return 1;
}

/* Which PR is it? Asked last, in the turn in which the ref is set. */
static int choose_number(struct push *p, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	struct forge f = bot_forge(p->bot, &p->repo);
	int rc = find_of_task(p, &pr, err);

	if (rc == 0) {
		pr_release(&pr);
		rc = local_push_find(&f, &p->repo, p->actor, p->base, p->topic, &pr, err);
	}
	if (rc < 0)
		return -1;
	if (rc == 0)
		return local_number(&f, &p->repo, &p->number, err);
	p->number = pr.number;
	p->old = xstrdup(pr.head);
	return check_landing(p, err);
}

static void on_ref(void *arg, const json_t *answer, const struct err *why);

static void set_head(struct push *p)
{
	autofree char *ref = xasprintf("refs/pull/%lld/head", (long long)p->number);
	json_t *req = git_request("ref-set", p->repo.path);

	json_put_str(req, "ref", ref);
	json_put_str(req, "new", p->new);
	json_put_str(req, "old", p->at ? p->at : p->old); /* a new PR: there must be none */
	ask(p, req, on_ref);
}

/* A restored ledger counts numbers again that are in use: the next one, then. */
static bool try_next(struct push *p, struct err *err)
{
	return !p->old && p->skipped++ < NUMBERS_SKIPPED_MAX && choose_number(p, err) == 0;
}

static void on_ref(void *arg, const json_t *answer, const struct err *why)
{
	struct push *p = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *ref = xasprintf("refs/pull/%lld/head", (long long)p->number);
	json_t *item, *result;

	if (!answer) {
		push_fail(p, why);
		return;
	}
	if (strcmp(json_str(answer, "outcome", ""), "set") != 0) {
		if (try_next(p, &err)) {
			set_head(p);
			return;
		}
		if (!err.code && go_on_from(p, json_str(answer, "found", NULL), &err) > 0)
			return;
		if (!err.code)
			err_set(&err, ERR_EXISTS, "%s: moved while you pushed; push again", ref);
	} else if (check_still(p, &err) < 0 || write_push(p, &err) < 0) {
		if (p->old)
			put_back(p);
	}
	if (err.code) {
		push_fail(p, &err);
		return;
	}
	item = json_object();
	json_put_str(item, "ref", ref);
	json_put_int(item, "number", p->number);
	json_put_str(item, "old", p->old);
	result = api_text("PR #%lld %s: %s", (long long)p->number, p->old ? "updated" : "opened",
			  p->title);
	json_put(result, "item", item);
	api_answer(p->bot->api, p->ticket, result, NULL);
	push_free(p);
}

static void on_changed(void *arg, const json_t *answer, const struct err *why)
{
	struct push *p = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *files = forge_changed_paths(answer);

	if (!answer) {
		push_fail(p, why);
		return;
	}
	p->files = json_text(files);
	if (choose_number(p, &err) < 0) {
		push_fail(p, &err);
		return;
	}
	set_head(p);
}

/* Its own commits are known. */
static void go_on(struct push *p, const json_t *commits)
{
	json_t *req = git_request("changed", p->repo.path);

	pr_words_of(commits, p->topic, &p->title, &p->body);
	json_put_str(req, "base", p->repo.base_oid);
	json_put_str(req, "head", p->new);
	ask(p, req, on_changed);
}

static void on_own_log(void *arg, const json_t *answer, const struct err *why)
{
	struct push *p = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	const json_t *commits = json_object_get(answer, "commits");

	if (answer && json_array_size(commits)) {
		go_on(p, commits);
		return;
	}
	if (answer)
		err_set(&err, ERR_INPUT, "%.12s: has no commit that other PRs have not", p->new);
	push_fail(p, answer ? &err : why);
}

static json_t *log_request(const struct push *p, json_t * not )
{
	json_t *req = git_request("log", p->repo.path);

	json_array_append_new(not, json_string(p->repo.base_oid));
	json_put(req, "not", not );
	json_put_str(req, "commit", p->new);
	json_put_int(req, "max", QUEUE_COMMITS_MAX);
	return req;
}

/* The heads of other PRs among its commits; NULL: error. */
static json_t *below(struct push *p, const json_t *commits, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	struct forge f = bot_forge(p->bot, &p->repo);

	if (local_push_find(&f, &p->repo, p->actor, p->base, p->topic, &pr, err) < 0)
		return NULL;
	return pr_words_below(p->bot, &p->repo, pr.number, p->new, commits, err);
}

static int too_long(struct push *p, struct err *err)
{
	autofree char *why = queue_too_long_text(p->base);

	return err_set(err, ERR_LIMIT, "%.12s: %s", p->new, why);
}

static void on_log(void *arg, const json_t *answer, const struct err *why)
{
	struct push *p = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	const json_t *commits = json_object_get(answer, "commits");
	json_t *others = NULL;

	if (!answer) {
		push_fail(p, why);
		return;
	}
	if (!json_array_size(commits))
		err_set(&err, ERR_INPUT, "%.12s: is in '%s' already; there is nothing to propose",
			p->new, p->base);
	else if (json_flag(answer, "more"))
		too_long(p, &err);
	else
		others = below(p, commits, &err);
	if (err.code) {
		push_fail(p, &err);
		return;
	}
	if (json_array_size(others)) {
		ask(p, log_request(p, others), on_own_log);
		return;
	}
	json_decref(others);
	go_on(p, commits);
}

/* refs/for/BASE/TOPIC; the base is the repository's, so its own '/' do not matter. */
static int decode_ref(struct push *p, const char *ref, struct err *err)
{
	static const char prefix[] = "refs/for/";
	cleanup(buf_release) struct buf clean = BUF_INIT;
	struct text_cleaned what = {0};
	size_t n = strlen(p->repo.base);
	const char *rest;

	if (strncmp(ref, prefix, sizeof(prefix) - 1) != 0)
		return err_set(err, ERR_INPUT, "%s: expected refs/for/%s/TOPIC", ref, p->repo.base);
	rest = ref + sizeof(prefix) - 1;
	if (strncmp(rest, p->repo.base, n) != 0 || rest[n] != '/' || !rest[n + 1])
		return err_set(
			err, ERR_INPUT,
			"%s: expected refs/for/%s/TOPIC: the base is '%s', and a topic names "
			"your PR",
			ref, p->repo.base, p->repo.base);
	if (strlen(rest + n + 1) > 200)
		return err_set(err, ERR_LIMIT, "%s: the topic is longer than 200 bytes", ref);
	text_clean(rest + n + 1, strlen(rest + n + 1), &clean, &what);
	/* the hook has put U+FFFD for what is not UTF-8 */
	if (what.comments || what.invisible || what.broken || strstr(clean.s, "\xef\xbf\xbd"))
		return err_set(
			err, ERR_INPUT,
			"the topic '%s': has characters that are not seen, or is not in UTF-8",
			clean.s);
	p->base = xstrdup(p->repo.base);
	p->topic = xstrdup(rest + n + 1);
	return 0;
}

int api_hook_receive(struct request *q, json_t **ret, struct err *err)
{
	const char *path = args_str(q->args, "path"), *ref = args_str(q->args, "ref");
	const char *new = args_str(q->args, "new");
	struct push *p = xcalloc(1, sizeof(*p));
	json_t *req;
	int rc;

	(void)ret;
	p->bot = q->bot;
	p->ticket = q->ticket;
	p->actor = xstrdup(q->actor);
	p->new = xstrdup(new ? new : "");
	rc = repo_find(q->bot->db, ST_REPO_BY_PATH, &p->repo, err, "s", path ? path : "");
	if (rc == 0)
		err_set(err, ERR_NOT_FOUND, "%s: not a repository of this daemon",
			path ? path : "(no path)");
	if (rc <= 0 || args_need(q, p->repo.id, FORGE_WRITE, err) < 0 ||
	    decode_ref(p, ref ? ref : "", err) < 0) {
		push_free(p);
		return -1;
	}
	if (strspn(p->new, "0") == strlen(p->new))
		err_set(err, ERR_INPUT,
			"%s: a PR is closed with `yardmaster pr close`, not by deleting its ref",
			ref);
	else if (!p->repo.base_oid)
		err_set(err, ERR_STATE,
			"branch '%s' has no commit yet; push the first one to refs/heads/%s",
			p->base, p->base);
	if (err->code) {
		push_free(p);
		return -1;
	}
	req = log_request(p, json_array());
	if (outbox_ask_git(q->bot->outbox, req, on_log, p, err) < 0) {
		push_free(p);
		return -1;
	}
	return API_LATER;
}

/* Something was pushed: look where the base is. */
int api_hook_pushed(struct request *q, json_t **ret, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const char *path = args_str(q->args, "path");
	int rc = repo_find(q->bot->db, ST_REPO_BY_PATH, &r, err, "s", path ? path : "");

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "%s: not a repository of this daemon",
			       path ? path : "(no path)");
	if (rc < 0 || reconcile_base(q->bot, &r, err) < 0)
		return -1;
	*ret = api_text("noted");
	return API_DONE;
}
