/* queue_receipt.c - see queue_part.h: what a landing leaves in its note. */
#include "bot/queue_part.h"

#include "base/mem.h"
#include "bot/approvals.h"

static json_t *approvals_json(struct bot *b, const struct repo *r, const struct candidate *c,
			      struct err *err)
{
	cleanup(approval_list_release) struct approval_list l = {0};
	json_t *a = json_array();

	if (approval_all(b->db, ST_APPROVAL_OF, &l, err, "ii", c->repo, c->pr) < 0) {
		json_decref(a);
		return NULL;
	}
	for (size_t i = 0; i < l.n; i++) {
		bool counts;
		json_t *o;

		if (approval_counts(b, r, &l.v[i], &counts, NULL, err) < 0) {
			json_decref(a);
			return NULL;
		}
		if (!counts || strcmp(l.v[i].head, c->head) != 0)
			continue;
		o = json_object();
		json_put_str(o, "user", l.v[i].user);
		json_put_str(o, "head", l.v[i].head);
		json_put_int(o, "at_ms", l.v[i].at_ms);
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *policy_json(const struct conf_repo *conf, const struct candidate *c)
{
	json_t *o = json_object(), *gates = NULL;

	json_put_str(o, "method", c->method);
	json_put_int(o, "approvals", conf->queue.approvals);
	if (json_parse(c->gates, strlen(c->gates), SIZE_MAX, &gates, NULL) == 0)
		json_put(o, "gates", gates);
	return o;
}

static int task_json(struct bot *b, const struct candidate *c, json_t *o, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", c->repo, c->pr);

	if (rc <= 0)
		return rc;
	json_put_int(o, "task", t.id);
	json_put_int(o, "cost_microusd", t.cost_microusd);
	return 0;
}

/* Of a rebase: which commit became which, what was left out, and whether there was a clean merge to compare with. */
static json_t *replay_json(const json_t *verified)
{
	static const char *const same[] = {"merge", "commits", "left_out", "merges"};
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (json_object_get(verified, same[i]))
			json_put(o, same[i], json_incref(json_object_get(verified, same[i])));
	return o;
}

json_t *queue_receipt(struct bot *b, const struct landing_ctx *x, const json_t *verified,
		      struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autojson json_t *o = json_object();
	autofree char *head = NULL;
	json_t *checks = NULL, *approvals;

	if (bot_repo_conf(b, &x->r, &conf, err) < 0 || audit_head(b->db, &head, err) < 0)
		return NULL;
	json_put_int(o, "version", 1);
	json_put_str(o, "repo", x->r.name);
	json_put_str(o, "branch", x->r.base);
	json_put_int(o, "pr", x->c.pr);
	json_put_str(o, "base", x->c.base);
	json_put_str(o, "head", x->c.head);
	json_put_str(o, "merge_base", x->c.merge_base);
	json_put_str(o, "method", x->c.method);
	json_put_str(o, "commit", x->c.oid);
	json_put_str(o, "tree", x->c.tree);
	if (json_parse(x->c.checks, strlen(x->c.checks), SIZE_MAX, &checks, err) < 0)
		return NULL;
	json_put(o, "checks", checks);
	approvals = approvals_json(b, &x->r, &x->c, err);
	if (!approvals)
		return NULL;
	json_put(o, "approvals", approvals);
	json_put(o, "policy", policy_json(&conf, &x->c));
	if (task_json(b, &x->c, o, err) < 0)
		return NULL;
	json_put_str(o, "audit_head", head);
	if (!strcmp(x->c.method, "rebase"))
		json_put(o, "replay", replay_json(verified));
	json_put_str(o, "git_version", json_str(verified, "git_version", "?"));
	json_put_int(o, "at_ms", bot_now(b));
	return steal(&o);
}
