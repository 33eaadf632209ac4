/* local_act.c - the local forge as a backend: carrying out effects, answering permissions. */
#include "forge/local.h"

#include "base/mem.h"
#include "base/text.h"

static int64_t now(struct forge *f)
{
	return f->clock->wall_ms(f->clock);
}

/* The name under which the program itself speaks. */
static const char self[] = "yardmaster";

static int act_comment(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(comment_release) struct comment c = {0};
	const char *key = json_str(p, "key", NULL), *body = json_str(p, "body", "");
	int rc = comment_find(f->db, ST_COMMENT_BY_KEY, &c, err, "s", key);

	if (rc < 0)
		return -1;
	if (rc > 0 && !strcmp(c.body, body))
		return 0;
	row_take(&c.body, xstrndup(body, text_cut(body, strlen(body), LOCAL_BODY_MAX)));
	if (rc > 0) {
		c.edited_ms = now(f);
		return comment_save(f->db, &c, err);
	}
	c.repo = json_int(p, "repo", 0);
	c.number = json_int(p, "number", 0);
	c.author = xstrdup(self);
	c.bot = 1;
	c.key = xstrdup(key);
	c.created_ms = now(f);
	if (comment_insert(f->db, &c, err) < 0)
		return -1;
	json_put_int(result, "comment", c.id);
	return 0;
}

static int act_label(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	const char *add = json_str(p, "add", NULL), *remove = json_str(p, "remove", NULL);
	int64_t repo = json_int(p, "repo", 0), number = json_int(p, "number", 0);

	(void)result;
	if (add && db_run(f->db, ST_LABEL_SET, err, "iissi", repo, number, add, self, now(f)) < 0)
		return -1;
	if (remove && db_run(f->db, ST_LABEL_CLEAR, err, "iis", repo, number, remove) < 0)
		return -1;
	return 0;
}

static int act_react(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(comment_release) struct comment c = {0};
	int rc = comment_get(f->db, json_int(p, "comment", 0), &c, err);

	(void)result;
	if (rc <= 0)
		return rc;
	row_set(&c.reaction, json_str(p, "reaction", NULL));
	return comment_save(f->db, &c, err);
}

static int act_pr_open(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	struct local_push push = {
		.actor = json_str(p, "author", self),
		.base = json_str(p, "base", ""),
		.topic = json_str(p, "topic", ""),
		.head = json_str(p, "head", ""),
		.title = json_str(p, "title", ""),
		.body = json_str(p, "body", ""),
		.files = json_str(p, "files", "[]"),
	};
	int64_t number;
	int rc = repo_get(f->db, json_int(p, "repo", 0), &r, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "repository: not in the ledger");
	rc = local_push_find(f, &r, push.actor, push.base, push.topic, &pr, err);
	if (rc < 0)
		return -1;
	number = pr.number;
	if (rc == 0 && local_number(f, &r, &number, err) < 0)
		return -1;
	if (local_push_apply(f, &r, number, &push, err) < 0 ||
	    pr_find(f->db, ST_PR_BY_NUMBER, &pr, err, "ii", r.id, number) <= 0)
		return -1;
	pr.task = json_int(p, "task", 0);
	pr.draft = json_flag(p, "draft");
	json_put_int(result, "number", number);
	return pr_save(f->db, &pr, err);
}

static int act_pr_update(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	int rc = repo_get(f->db, json_int(p, "repo", 0), &r, err);

	(void)result;
	if (rc > 0)
		rc = pr_find(f->db, ST_PR_BY_NUMBER, &pr, err, "ii", r.id,
			     json_int(p, "number", 0));
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_NOT_FOUND, "PR: not in the ledger");
	if (strcmp(pr.state, "open") != 0)
		return err_set(err, ERR_STATE, "PR #%lld: %s; only an open one takes a new head",
			       (long long)pr.number, pr.state);
	struct local_push push = {.actor = pr.author,
				  .base = pr.base,
				  .topic = pr.topic,
				  .head = json_str(p, "head", ""),
				  .title = pr.title,
				  .body = json_str(p, "body", pr.body),
				  .files = json_str(p, "files", "[]")};

	return local_push_apply(f, &r, pr.number, &push, err);
}

static int act_pr_merged(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(f->db, ST_PR_BY_NUMBER, &pr, err, "ii", json_int(p, "repo", 0),
			 json_int(p, "number", 0));

	(void)result;
	if (rc <= 0)
		return rc;
	row_set(&pr.state, "merged");
	/* What was pushed while it was landing is not in it. */
	if (json_str(p, "head", NULL))
		row_set(&pr.head, json_str(p, "head", NULL));
	row_set(&pr.landed, json_str(p, "commit", NULL));
	row_set(&pr.landed_base, json_str(p, "base", NULL));
	pr.updated_ms = now(f);
	return pr_save(f->db, &pr, err);
}

static int act_pr_close(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const struct pr pr = {.number = json_int(p, "number", 0)};
	int rc = repo_get(f->db, json_int(p, "repo", 0), &r, err);

	(void)result;
	return rc <= 0 ? rc : local_pr_close(f, &r, self, &pr, err);
}

static int act_issue_close(struct forge *f, const json_t *p, json_t *result, struct err *err)
{
	cleanup(issue_release) struct issue i = {0};
	int rc = issue_find(f->db, ST_ISSUE_BY_NUMBER, &i, err, "ii", json_int(p, "repo", 0),
			    json_int(p, "number", 0));

	(void)result;
	if (rc <= 0)
		return rc;
	row_set(&i.state, "closed");
	i.updated_ms = now(f);
	return issue_save(f->db, &i, err);
}

static const struct {
	const char *kind;
	int (*act)(struct forge *f, const json_t *p, json_t *result, struct err *err);
} acts[] = {
	{"forge-comment", act_comment},     {"forge-label", act_label},
	{"forge-react", act_react},         {"forge-pr-open", act_pr_open},
	{"forge-pr-update", act_pr_update}, {"forge-pr-merged", act_pr_merged},
	{"forge-pr-close", act_pr_close},   {"forge-issue-close", act_issue_close},
};

static int local_act(struct forge *f, int64_t effect, const char *kind, const json_t *payload,
		     json_t **ret_result, struct err *err)
{
	(void)effect;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		autojson json_t *result = NULL;

		if (strcmp(acts[i].kind, kind) != 0)
			continue;
		result = json_object();
		if (acts[i].act(f, payload, result, err) < 0)
			return -1;
		*ret_result = steal(&result);
		return FORGE_DONE;
	}
	return err_set(err, ERR_INTERNAL, "local forge: effect '%s' is not known", kind);
}

static int local_permission(struct forge *f, int64_t repo, const char *user, enum forge_level *ret,
			    struct err *err)
{
	cleanup(user_release) struct user u = {0};
	int64_t level = FORGE_NONE;
	int rc = user_find(f->db, ST_USER_BY_NAME, &u, err, "s", user);

	if (rc > 0)
		rc = db_int(f->db, ST_PERMISSION_OF, &level, err, "ii", u.id, repo);
	if (rc < 0)
		return -1;
	*ret = (enum forge_level)level;
	return 0;
}

const struct forge_ops forge_local = {
	.name = "local",
	.act = local_act,
	.permission = local_permission,
};
