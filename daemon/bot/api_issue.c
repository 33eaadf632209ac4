/* api_issue.c - issues of the local forge, and comments on issues and PRs. */
#include "bot/api_args.h"

#include "base/mem.h"
#include "forge/local.h"

static int labels_json(struct bot *b, int64_t repo, int64_t number, json_t **ret, struct err *err)
{
	cleanup(label_list_release) struct label_list l = {0};

	if (label_all(b->db, ST_LABEL_OF, &l, err, "ii", repo, number) < 0)
		return -1;
	*ret = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(*ret, json_utf8(l.v[i].name, strlen(l.v[i].name)));
	return 0;
}

static int add_labels(struct request *q, struct forge *f, int64_t number, const char *key,
		      bool remove, int *ret_changed, struct err *err)
{
	json_t *list = json_object_get(q->args, key), *v;
	size_t i;

	json_array_foreach (list, i, v) {
		const char *label = json_string_value(v);
		int rc;

		if (!label)
			return err_set(err, ERR_INPUT,
				       "%s: found a list with something else; expected texts", key);
		rc = remove ? local_label_remove(f, &q->repo, q->actor, number, label, err)
			    : local_label_add(f, &q->repo, q->actor, number, label, err);
		if (rc < 0)
			return -1;
		*ret_changed += rc;
	}
	return 0;
}

int api_issue_create(struct request *q, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(q->bot, &q->repo);
	const char *title = args_str(q->args, "title"), *body = args_str(q->args, "body");
	int changed = 0;
	int64_t n;

	/* Whoever may read may report; a label assigns, holds and releases. */
	if (json_array_size(json_object_get(q->args, "label")) &&
	    args_need(q, q->repo.id, FORGE_WRITE, err) < 0)
		return err_wrap(err, "label");
	if (local_issue_create(&f, &q->repo, q->actor, title ? title : "", body ? body : "", &n,
			       err) < 0 ||
	    add_labels(q, &f, n, "label", false, &changed, err) < 0)
		return -1;
	*ret = api_text("issue #%lld created", (long long)n);
	json_put(*ret, "item", json_pack("{s:I}", "number", (json_int_t)n));
	return API_DONE;
}

int api_issue_edit(struct request *q, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(q->bot, &q->repo);
	int64_t n;

	if (args_number(q->args, "number", &n, err) < 0 ||
	    local_issue_edit(&f, &q->repo, q->actor, n, args_str(q->args, "title"),
			     args_str(q->args, "body"), err) < 0)
		return -1;
	*ret = api_text("issue #%lld edited", (long long)n);
	return API_DONE;
}

int api_issue_list(struct request *q, json_t **ret, struct err *err)
{
	cleanup(issue_list_release) struct issue_list l = {0};
	json_t *rows = json_array();

	if (issue_all(q->bot->db, ST_ISSUE_LIST, &l, err, "is", q->repo.id,
		      json_str(q->args, "state", "open")) < 0) {
		json_decref(rows);
		return -1;
	}
	for (size_t i = 0; i < l.n; i++) {
		json_t *o = row_json(&issue_table, &l.v[i]), *labels = NULL;

		json_array_append_new(rows, o);
		if (labels_json(q->bot, q->repo.id, l.v[i].number, &labels, err) < 0) {
			json_decref(rows);
			return -1;
		}
		json_put(o, "labels", labels);
	}
	*ret = api_rows(rows);
	return API_DONE;
}

static int comments_json(struct bot *b, int64_t repo, int64_t number, json_t **ret, struct err *err)
{
	cleanup(comment_list_release) struct comment_list l = {0};

	if (comment_all(b->db, ST_COMMENT_OF, &l, err, "ii", repo, number) < 0)
		return -1;
	*ret = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(*ret, row_json(&comment_table, &l.v[i]));
	return 0;
}

int api_issue_show(struct request *q, json_t **ret, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	json_t *labels = NULL, *comments = NULL, *o;

	if (args_issue(q, &i, err) < 0 ||
	    labels_json(q->bot, q->repo.id, i.number, &labels, err) < 0)
		return -1;
	if (comments_json(q->bot, q->repo.id, i.number, &comments, err) < 0) {
		json_decref(labels);
		return -1;
	}
	o = row_json(&issue_table, &i);
	json_put(o, "labels", labels);
	json_put(o, "comments", comments);
	*ret = api_item(o);
	return API_DONE;
}

int api_issue_label(struct request *q, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(q->bot, &q->repo);
	int changed = 0;
	int64_t n;

	if (args_number(q->args, "number", &n, err) < 0 ||
	    add_labels(q, &f, n, "add", false, &changed, err) < 0 ||
	    add_labels(q, &f, n, "remove", true, &changed, err) < 0)
		return -1;
	*ret = api_text("#%lld: %d label%s changed", (long long)n, changed,
			changed == 1 ? "" : "s");
	return API_DONE;
}

int api_issue_close(struct request *q, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(q->bot, &q->repo);
	int64_t n;

	if (args_number(q->args, "number", &n, err) < 0 ||
	    local_issue_close(&f, &q->repo, q->actor, n, err) < 0)
		return -1;
	*ret = api_text("issue #%lld closed", (long long)n);
	return API_DONE;
}

int api_issue_reopen(struct request *q, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(q->bot, &q->repo);
	int64_t n;

	if (args_number(q->args, "number", &n, err) < 0 ||
	    local_issue_reopen(&f, &q->repo, q->actor, n, err) < 0)
		return -1;
	*ret = api_text("issue #%lld is open again", (long long)n);
	return API_DONE;
}

int api_comment(struct request *q, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(q->bot, &q->repo);
	const char *body = args_str(q->args, "body");
	int64_t n, id;

	if (args_number(q->args, "number", &n, err) < 0 ||
	    local_comment(&f, &q->repo, q->actor, n, body ? body : "", &id, err) < 0)
		return -1;
	*ret = api_text("comment %lld on #%lld", (long long)id, (long long)n);
	json_put(*ret, "item", json_pack("{s:I}", "comment", (json_int_t)id));
	return API_DONE;
}
