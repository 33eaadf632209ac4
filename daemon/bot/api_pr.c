/* api_pr.c - pull requests of the local forge. */
#include "bot/api_args.h"

#include "base/mem.h"
#include "bot/approvals.h"
#include "bot/outbox.h"
#include "bot/pr_words.h"
#include "bot/queue_flow.h"
#include "forge/local.h"

#define DIFF_MAX ((int64_t)8 << 20)

static json_t *pr_json(const struct pr *p)
{
	json_t *o = row_json(&pr_table, p);

	api_list(o, "files");
	json_put_bool(o, "draft", p->draft);
	json_put_bool(o, "held", p->held);
	return o;
}

int api_pr_list(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	json_t *rows;

	if (pr_all(q->bot->db, ST_PR_LIST, &l, err, "is", q->repo.id,
		   json_str(q->args, "state", "open")) < 0)
		return -1;
	rows = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(rows, pr_json(&l.v[i]));
	*ret = api_rows(rows);
	return API_DONE;
}

/* A list of rows as JSON; the lists of a PR that `pr show` prints. */
#define LIST_JSON(T, statement, number, key)                                                       \
	do {                                                                                       \
		cleanup(T##_list_release) struct T##_list l = {0};                                 \
		json_t *a = json_array();                                                          \
                                                                                                   \
		json_put(o, key, a);                                                               \
		if (T##_all(q->bot->db, statement, &l, err, "ii", q->repo.id, number) < 0)         \
			return -1;                                                                 \
		for (size_t i = 0; i < l.n; i++)                                                   \
			json_array_append_new(a, row_json(&T##_table, &l.v[i]));                   \
	} while (0)

/* What it says to depend on beside PRs of its repository, and whether that holds it. */
static int add_odd(struct request *q, int64_t number, json_t *o, struct err *err)
{
	cleanup(dependency_odd_list_release) struct dependency_odd_list l = {0};
	json_t *a = json_array();

	json_put(o, "depends_other", a);
	if (dependency_odd_all(q->bot->db, ST_DEPENDENCY_ODD_OF, &l, err, "ii", q->repo.id,
			       number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (*l.v[i].what)
			json_array_append_new(a, row_json(&dependency_odd_table, &l.v[i]));
	return 0;
}

static int add_lists(struct request *q, int64_t number, json_t *o, struct err *err)
{
	LIST_JSON(comment, ST_COMMENT_OF, number, "comments");
	LIST_JSON(dependency, ST_DEPENDENCY_OF, number, "depends");
	LIST_JSON(label, ST_LABEL_OF, number, "labels");
	return add_odd(q, number, o, err);
}

/* One that does not count although nobody has voided it says why. */
static int add_approvals(struct request *q, int64_t number, json_t *o, struct err *err)
{
	cleanup(approval_list_release) struct approval_list l = {0};
	json_t *a = json_array();

	json_put(o, "approvals", a);
	if (approval_all(q->bot->db, ST_APPROVAL_OF, &l, err, "ii", q->repo.id, number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *why = NULL;
		bool counts;

		if (approval_counts(q->bot, &q->repo, &l.v[i], &counts, &why, err) < 0)
			return -1;
		if (why)
			row_set(&l.v[i].void_reason, why);
		json_array_append_new(a, row_json(&approval_table, &l.v[i]));
	}
	return 0;
}

int api_pr_show(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autojson json_t *o = NULL;

	if (args_pr(q, &p, err) < 0)
		return -1;
	o = pr_json(&p);
	if (add_lists(q, p.number, o, err) < 0 || add_approvals(q, p.number, o, err) < 0)
		return -1;
	*ret = api_item(json_incref(o));
	return API_DONE;
}

/* ---- diff: asked of the git role ---- */

struct later {
	struct api *api;
	uint64_t ticket;
};

static void on_diff(void *arg, const json_t *answer, const struct err *why)
{
	struct later *l = arg;

	api_answer(l->api, l->ticket,
		   answer ? api_text("%s%s", json_str(answer, "text", ""),
				     json_flag(answer, "cut") ? "\n(cut; the whole is in a clone)"
							      : "")
			  : NULL,
		   why);
	free(l);
}

int api_pr_diff(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	struct later *l;
	json_t *req, *also;

	(void)ret;
	if (args_pr(q, &p, err) < 0)
		return -1;
	/* Its own part: of a stack not what those below it change, be they merged or not. */
	also = pr_words_stack(q->bot, &q->repo, p.number, err);
	if (!also)
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->api = q->bot->api;
	l->ticket = q->ticket;
	req = json_object();
	json_put_str(req, "op", "diff");
	json_put_str(req, "repo", q->repo.path);
	json_put_str(req, "base", p.landed_base ? p.landed_base : q->repo.base_oid);
	json_put(req, "also", also);
	json_put_str(req, "head", p.head);
	json_put_int(req, "max", DIFF_MAX);
	if (outbox_ask_git(q->bot->outbox, req, on_diff, l, err) < 0) {
		free(l);
		return -1;
	}
	return API_LATER;
}

int api_pr_checkout(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autofree char *ref = NULL;
	json_t *o;

	if (args_pr(q, &p, err) < 0)
		return -1;
	ref = xasprintf("refs/pull/%lld/head", (long long)p.number);
	o = json_object();
	json_put_str(o, "path", q->repo.path);
	json_put_str(o, "ref", ref);
	json_put_str(o, "head", p.head);
	json_put_str(o, "topic", p.topic);
	json_put_int(o, "number", p.number);
	*ret = api_item(o);
	return API_DONE;
}

int api_pr_approve(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	struct forge f = bot_forge(q->bot, &q->repo);
	const char *head = args_str(q->args, "head");
	int rc;

	if (args_pr(q, &p, err) < 0)
		return -1;
	if (strcmp(p.state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld is %s; only an open one is approved",
			       (long long)p.number, p.state);
	if (head && (strlen(head) < 7 || strncmp(p.head, head, strlen(head)) != 0))
		return err_set(err, ERR_STATE,
			       "PR #%lld: its head is %s, not %s; nothing was approved",
			       (long long)p.number, p.head, head);
	rc = local_pr_approve(&f, &q->repo, q->actor, &p, err);
	if (rc < 0)
		return -1;
	if (bot_audit(q->bot, q->actor, "approve", json_pack("{s:s}", "head", p.head), err,
		      "pr:%s:%lld", q->repo.name, (long long)p.number) < 0)
		return -1;
	if (bot_repo_conf(q->bot, &q->repo, &conf, err) < 0)
		return -1;
	*ret = api_text("PR #%lld approved at %.12s%s%s", (long long)p.number, p.head,
			rc ? "" : " (it was already)",
			conf.queue.author_may_approve || strcmp(p.author, q->actor) != 0
				? ""
				: "; by its author, which does not count in this repository");
	return API_DONE;
}

int api_pr_request_changes(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	struct forge f = bot_forge(q->bot, &q->repo);
	const char *body = args_str(q->args, "body");
	int landing;

	if (args_pr(q, &p, err) < 0)
		return -1;
	if (strcmp(p.state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld is %s; only an open one is sent back",
			       (long long)p.number, p.state);
	if (local_pr_request_changes(&f, &q->repo, q->actor, &p, body ? body : "", err) < 0)
		return -1;
	landing = queue_is_landing(q->bot, &q->repo, p.number, err);
	if (landing < 0)
		return -1;
	*ret = landing ? api_text(
				 "PR #%lld is landing right now; what you wrote is a comment on it",
				 (long long)p.number)
		       : api_text("PR #%lld sent back", (long long)p.number);
	return API_DONE;
}

int api_pr_close(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	struct forge f = bot_forge(q->bot, &q->repo);

	if (args_pr(q, &p, err) < 0)
		return -1;
	if (!strcmp(p.state, "merged"))
		return err_set(err, ERR_STATE, "PR #%lld is merged as %.12s; it cannot be closed",
			       (long long)p.number, p.landed ? p.landed : "?");
	if (local_pr_close(&f, &q->repo, q->actor, &p, err) < 0)
		return -1;
	*ret = api_text("PR #%lld closed%s", (long long)p.number,
			strcmp(p.state, "open") ? " (it was already)" : "");
	return API_DONE;
}

/* Of a forge over a network these rows are only what was read there. */
static int must_be_here(struct request *q, const struct pr *p, const char *what, struct err *err)
{
	if (!bot_forge(q->bot, &q->repo).ops->remote)
		return 0;
	return err_set(err, ERR_STATE, "PR #%lld is on %s; %s it there", (long long)p->number,
		       q->repo.forge, what);
}

int api_pr_edit(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	struct forge f = bot_forge(q->bot, &q->repo);
	int landing;

	if (args_pr(q, &p, err) < 0 || must_be_here(q, &p, "edit", err) < 0)
		return -1;
	landing = queue_is_landing(q->bot, &q->repo, p.number, err);
	if (landing != 0)
		return landing < 0
			       ? -1
			       : err_set(err, ERR_STATE,
					 "PR #%lld is landing right now, with the text that it had",
					 (long long)p.number);
	if (local_pr_edit(&f, &q->repo, q->actor, p.number, args_str(q->args, "title"),
			  args_str(q->args, "body"), err) < 0 ||
	    bot_audit(q->bot, q->actor, "pr-edit", NULL, err, "pr:%s:%lld", q->repo.name,
		      (long long)p.number) < 0)
		return -1;
	*ret = api_text("PR #%lld edited; a push does not change that again", (long long)p.number);
	return API_DONE;
}

int api_pr_reopen(struct request *q, json_t **ret, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	struct forge f = bot_forge(q->bot, &q->repo);
	int rc;

	if (args_pr(q, &p, err) < 0 || must_be_here(q, &p, "open", err) < 0)
		return -1;
	rc = local_pr_reopen(&f, &q->repo, q->actor, p.number, err);
	if (rc < 0 || (rc && bot_audit(q->bot, q->actor, "pr-reopen", NULL, err, "pr:%s:%lld",
				       q->repo.name, (long long)p.number) < 0))
		return -1;
	*ret = api_text("PR #%lld is open%s", (long long)p.number,
			rc ? " again" : " (it was already)");
	return API_DONE;
}
