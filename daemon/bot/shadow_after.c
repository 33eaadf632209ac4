/* shadow_after.c - see shadow.h: what people did, held against what would have been done. */
#include "bot/shadow.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/ci.h"
#include "bot/git_request.h"

#define BASE_MS ((int64_t)6 * 3600 * 1000)      /* how long the checks of a base are asked for */
#define PR_MS   ((int64_t)3 * 24 * 3600 * 1000) /* and those of a PR, without a word of the forge */
#define AT_ONCE 200                             /* commits in one question */
/* A merge whose commit was not there as often, and for as long, never comes: it was force-pushed away. */
#define TREES_TRIES 20
#define TREES_MS    ((int64_t)24 * 3600 * 1000)

static int save(struct bot *b, const struct shadow_event *x, struct err *err)
{
	return db_run(b->db, ST_SHADOW_SET, err, "isss", x->id, x->base, x->tree, x->detail) < 0
		       ? -1
		       : 0;
}

/* ---- checks ---- */

int shadow_ask_checks(struct bot *b, const struct repo *r, const char *head,
		      const struct strvec *names, struct err *err)
{
	autofree char *subject = xasprintf("shadow-ci:%lld:%s", (long long)r->id, head);
	int64_t waits = 0;
	json_t *p, *x;

	if (db_int(b->db, ST_EFFECT_PENDING_OF, &waits, err, "ss", subject, "shadow-checks") < 0)
		return -1;
	if (waits)
		return 0;
	p = json_object();
	x = json_object();
	json_put_int(p, "repo", r->id);
	json_put_str(p, "head", head);
	json_put(p, "names", ci_names_json(names));
	json_put_int(x, "repo", r->id);
	json_put_str(x, "head", head);
	json_put(p, "ctx", x);
	return bot_effect(b, subject, "shadow-checks", p, err, "%s:%lld", subject,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

static int required(struct bot *b, const struct repo *r, struct strvec *ret, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};

	return bot_repo_conf(b, r, &conf, err) < 0 ? -1 : ci_required(b, r, &conf, ret, err);
}

/* Rows whose checks are not known to be green; head "": of any. */
static int wake(struct bot *b, const struct repo *r, const char *head, int64_t since_ms,
		struct err *err)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	if (shadow_event_all(b->db, ST_SHADOW_CHECKS_OPEN, &l, err, "iis", r->id, since_ms, head) <
		    0 ||
	    (l.n && required(b, r, &names, err) < 0))
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		if (!*head && !strcmp(l.v[i].kind, "base") && l.v[i].at_ms < bot_now(b) - BASE_MS)
			continue;
		if (names.n && shadow_ask_checks(b, r, l.v[i].head, &names, err) < 0)
			return -1;
	}
	return 0;
}

int shadow_checks_changed(struct bot *b, int64_t repo, const char *head, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	if (!shadow_on(b, repo))
		return 0;
	return bot_repo(b, repo, &r, err) < 0 ? -1 : wake(b, &r, head, 0, err);
}

int shadow_did_checks(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	static const char *const words[] = {
		[CI_PENDING] = "pending", [CI_GREEN] = "green", [CI_RED] = "red"};
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	cleanup(repo_release) struct repo r = {0};
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	const json_t *x = json_object_get(p, "ctx");
	autofree char *text = NULL;
	enum ci_verdict v;

	(void)e;
	if (!json_flag(p, "ok") || bot_repo(b, json_int(x, "repo", 0), &r, NULL) < 0)
		return 0;
	if (required(b, &r, &names, err) < 0 ||
	    shadow_event_all(b->db, ST_SHADOW_CHECKS_OPEN, &l, err, "iis", r.id, (int64_t)0,
			     json_str(x, "head", "?")) < 0)
		return -1;
	v = ci_judge(json_object_get(p, "result"), &names, &text);
	for (size_t i = 0; i < l.n; i++) {
		row_set(&l.v[i].detail, words[v]);
		if (save(b, &l.v[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- merges ---- */

/* Their commits and heads may not have been fetched yet: asked for again when the base has moved. */
static int ask_trees(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	autofree char *subject = xasprintf("shadow:%lld", (long long)r->id);
	json_t *q, *list;

	if (shadow_event_all(b->db, ST_SHADOW_MERGED_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < l.n && json_array_size(list) < AT_ONCE; i++) {
		json_array_append_new(list, json_string(l.v[i].oid));
		json_array_append_new(list, json_string(l.v[i].head));
	}
	if (!json_array_size(list)) {
		json_decref(list);
		return 0;
	}
	q = git_request_of(r, "trees");
	json_put(q, "commits", list);
	return bot_effect(b, subject, "shadow-trees", q, err, "shadow-trees:%lld:%lld",
			  (long long)r->id, (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* What was built of it holds nothing any more. */
static int drop_ref(struct bot *b, const struct repo *r, int64_t pr, struct err *err)
{
	autofree char *subject = xasprintf("shadow:%lld", (long long)r->id);
	autofree char *ref = xasprintf("refs/yardmaster/shadow/%lld", (long long)pr);
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	json_t *q;

	if (shadow_event_all(b->db, ST_SHADOW_OF_PR, &l, err, "isi", r->id, "would-land", pr) < 0)
		return -1;
	if (!l.n)
		return 0;
	q = git_request_of(r, "ref-set");
	json_put_str(q, "ref", ref);
	json_put_bool(q, "any", true);
	return bot_effect(b, subject, "shadow-drop", q, err, "shadow-drop:%lld:%lld:%lld",
			  (long long)r->id, (long long)pr, (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

int shadow_closed(struct bot *b, const struct repo *r, const struct pr *p, struct err *err)
{
	struct shadow_event n = {.repo = r->id,
				 .kind = (char *)"merged",
				 .pr = p->number,
				 .head = p->head,
				 .oid = p->landed};
	cleanup(shadow_event_release) struct shadow_event known = {0};
	int rc;

	if (drop_ref(b, r, p->number, err) < 0)
		return -1;
	/* Into another branch: nothing of that the queue would have done, nor is it fetched. */
	if (strcmp(p->state, "merged") != 0 || !shadow_on(b, r->id) ||
	    strcmp(p->base, r->base) != 0)
		return 0;
	rc = shadow_event_find(b->db, ST_SHADOW_OF_PR, &known, err, "isi", r->id, "merged",
			       p->number);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return shadow_note(b, &n, err) < 0 ? -1 : ask_trees(b, r, err);
}

/* -1: nothing was computed for this head; 0 another tree; 1 the very same. -2: error. */
static int compare(struct bot *b, const struct shadow_event *m, struct err *err)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};

	if (shadow_event_all(b->db, ST_SHADOW_OF_HEAD, &l, err, "isis", m->repo, "would-land",
			     m->pr, m->head) < 0)
		return -2;
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].tree && !strcmp(l.v[i].tree, m->tree))
			return 1;
	return l.n ? 0 : -1;
}

/*
 * Had any check seen this very tree? Those of the head had when it is the head's; and those of a PR, which
 * test it merged with the base of that moment, when the base has not moved since the head was pushed.
 * 1: no check had.
 */
static int is_unseen(struct bot *b, const struct shadow_event *m, const char *head_tree,
		     struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int64_t at = 0, n = 0;
	int rc;

	if (!strcmp(m->tree, head_tree))
		return 0;
	if (pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", m->repo, m->pr) < 0)
		return -1;
	rc = db_int(b->db, ST_SHADOW_BASE_AT, &at, err, "is", m->repo, m->base);
	if (rc != 0)
		return rc < 0 ? -1 : at > p.head_ms;
	/* Not a base that was seen: an older one, or two merges came at once. */
	if (db_int(b->db, ST_SHADOW_MERGED_AS, &n, err, "is", m->repo, m->base) < 0)
		return -1;
	if (n)
		return 1;
	return db_int(b->db, ST_SHADOW_BASE_MOVED, &n, err, "iis", m->repo, p.head_ms, m->oid) < 0
		       ? -1
		       : n > 0;
}

/* It was asked for once more, and is not there. */
static int not_there(struct bot *b, struct shadow_event *m, struct err *err)
{
	int64_t tries = m->detail && !strncmp(m->detail, "tries=", 6)
				? strtoll(m->detail + 6, NULL, 10) + 1
				: 1;

	if (tries < TREES_TRIES || bot_now(b) - m->at_ms < TREES_MS) {
		row_take(&m->detail, xasprintf("tries=%lld", (long long)tries));
	} else {
		row_set(&m->tree, "");
		row_set(&m->detail, "not fetched");
		log_warn("shadow mode: what PR #%lld was merged as, %.12s, has not come with the "
			 "base within a day; stats counts it as not compared",
			 (long long)m->pr, m->oid);
	}
	return save(b, m, err);
}

static int judge(struct bot *b, struct shadow_event *m, const json_t *trees, struct err *err)
{
	const json_t *there = json_object_get(trees, m->oid);
	const char *tree = json_str(there, "tree", NULL);
	const char *head = json_str(json_object_get(trees, m->head), "tree", "");
	int same, unseen;

	if (!there)
		return 0; /* it was not asked for this time */
	if (!tree)
		return not_there(b, m, err);
	row_set(&m->tree, tree);
	row_set(&m->base, json_str(there, "parent", ""));
	same = compare(b, m, err);
	unseen = same < -1 ? -1 : is_unseen(b, m, head, err);
	if (unseen < 0)
		return -1;
	row_take(&m->detail, xasprintf("same=%d unseen=%d", same, unseen));
	return save(b, m, err);
}

int shadow_did_trees(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	const json_t *trees = json_object_get(json_object_get(p, "result"), "trees");

	(void)e;
	if (!json_flag(p, "ok"))
		return 0;
	if (shadow_event_all(b->db, ST_SHADOW_MERGED_OPEN, &l, err, "i",
			     json_int(json_object_get(p, "ctx"), "repo", 0)) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (judge(b, &l.v[i], trees, err) < 0)
			return -1;
	return 0;
}

/* ---- the base ---- */

int shadow_base_moved(struct bot *b, const struct repo *r, const char *old, const char *new,
		      struct err *err)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;
	struct shadow_event n = {
		.repo = r->id, .kind = (char *)"base", .head = (char *)new, .base = (char *)old};

	if (!old || !new || !shadow_on(b, r->id))
		return 0;
	if (required(b, r, &names, err) < 0)
		return -1;
	n.detail = names.n ? (char *)"pending" : NULL;
	if (shadow_note(b, &n, err) < 0 ||
	    (names.n && shadow_ask_checks(b, r, new, &names, err) < 0))
		return -1;
	return ask_trees(b, r, err);
}

int shadow_poll(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (shadow_on(b, l.v[i].id) && (wake(b, &l.v[i], "", bot_now(b) - PR_MS, err) < 0 ||
						ask_trees(b, &l.v[i], err) < 0))
			return -1;
	return 0;
}
