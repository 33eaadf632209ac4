/*
 * queue_after.c - see queue_part.h: what is done on a forge after a landing.
 *
 *   branch   the agent's, when the forge has marked its PR merged: deleted earlier it would be a closed one
 *            ask (topic-merged), delete under the lease of the last head (topic-delete)
 *   receipts refs/notes/yardmaster: fetch the forge's (notes-fetch), add them to ours (notes-merge), push
 *            (notes-push); a race is run again, a few times. The approved head of a squash or rebase is
 *            kept as refs/yardmaster/heads/PR (head-keep): verifying recomputes the tree from it
 *
 * None of it holds up a landing, and none of it is needed for the next one.
 */
#include "bot/queue_part.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/remote.h"

#define MERGED_MS   ((int64_t)10 * 60 * 1000) /* until the forge has noticed; then the branch stays */
#define NOTES_REF   "refs/notes/yardmaster"
#define NOTES_THERE "refs/yardmaster/notes/forge"
#define NOTES_TRIES 5

/* ---- the agent's branch ---- */

/* 1 the PR's branch is the agent's, and no other open PR needs it. */
static int may_delete(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	cleanup(pr_list_release) struct pr_list on = {0};
	cleanup(pr_list_release) struct pr_list of = {0};
	int rc = pr->head_repo
			 ? 0
			 : task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", r->id, pr->number);

	if (rc <= 0 || !t.branch || strcmp(t.branch, pr->topic) != 0 || !strcmp(pr->topic, r->base))
		return rc < 0 ? -1 : 0;
	if (pr_all(b->db, ST_PR_OPEN_ON, &on, err, "isi", r->id, pr->topic, pr->number) < 0 ||
	    pr_all(b->db, ST_PR_OPEN_TOPIC, &of, err, "is", r->id, pr->topic) < 0)
		return -1;
	for (size_t i = 0; i < of.n; i++)
		if (of.v[i].number != pr->number)
			return 0;
	return on.n == 0;
}

static int ask_merged(struct bot *b, const struct landing_ctx *x, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	autofree char *subject =
		xasprintf("topic:%lld:%lld", (long long)x->r.id, (long long)x->c.pr);
	json_t *p, *c;
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", x->r.id, x->c.pr);

	if (rc > 0)
		rc = may_delete(b, &x->r, &pr, err);
	if (rc <= 0)
		return rc;
	p = json_object();
	c = json_object();
	json_put_int(c, "candidate", x->c.id);
	json_put(p, "ctx", c);
	json_put_int(p, "repo", x->r.id);
	json_put_int(p, "number", x->c.pr);
	json_put_int(p, "until_ms", bot_now(b) + MERGED_MS);
	json_put_bool(p, "merged", true);
	return bot_effect(b, subject, "topic-merged", p, err, "topic-merged:%lld",
			  (long long)x->l.id) < 0
		       ? -1
		       : 0;
}

int queue_did_merged(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	cleanup(pr_release) struct pr pr = {0};
	const json_t *r = json_object_get(p, "result");
	struct forge f;
	autofree char *subject = NULL, *ref = NULL;
	json_t *q;
	int rc;

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok") || !json_flag(r, "merged"))
		return 0; /* it stays */
	rc = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", x.r.id, x.c.pr);
	if (rc > 0)
		rc = may_delete(b, &x.r, &pr, err);
	if (rc <= 0)
		return rc;
	f = bot_forge(b, &x.r);
	subject = xasprintf("topic:%lld:%lld", (long long)x.r.id, (long long)x.c.pr);
	ref = xasprintf("refs/heads/%s", pr.topic);
	/* Somebody may have pushed to it after the landing: then it is not ours any more. */
	if (f.ops->push(&f, &x.r, NULL, ref, NULL, json_str(r, "head", x.c.head), false, &q, err) <
	    0)
		return -1;
	return bot_effect(b, subject, "topic-delete", q, err, "topic-delete:%lld",
			  (long long)x.l.id) < 0
		       ? -1
		       : 0;
}

/* ---- receipts ---- */

static json_t *notes_ctx(const struct repo *r, int64_t nonce, int64_t tries)
{
	json_t *c = json_object();

	json_put_int(c, "repo", r->id);
	json_put_int(c, "landing", nonce);
	json_put_int(c, "tries", tries);
	return c;
}

/* Takes p. */
static int notes_effect(struct bot *b, const struct repo *r, const char *kind, json_t *p,
			int64_t nonce, int64_t tries, struct err *err)
{
	autofree char *subject = xasprintf("notes:%lld", (long long)r->id);

	json_put(p, "ctx", notes_ctx(r, nonce, tries));
	return bot_effect(b, subject, kind, p, err, "%s:%lld:%lld:%lld", kind, (long long)r->id,
			  (long long)nonce, (long long)tries) < 0
		       ? -1
		       : 0;
}

static int notes_fetch(struct bot *b, const struct repo *r, int64_t nonce, int64_t tries,
		       struct err *err)
{
	struct forge f = bot_forge(b, r);
	json_t *p, *refs;

	if (f.ops->fetch(&f, r, &p, err) < 0)
		return -1;
	refs = json_array();
	json_array_append_new(refs, json_string("+" NOTES_REF ":" NOTES_THERE));
	json_put(p, "refs", refs);
	return notes_effect(b, r, "notes-fetch", p, nonce, tries, err);
}

/* The repository of a result and where it stands; 1, or 0 with a word in the log. */
static int notes_result(struct bot *b, const json_t *p, struct repo *r, int64_t *ret_nonce,
			int64_t *ret_tries, struct err *err)
{
	const json_t *c = json_object_get(p, "ctx");

	if (bot_repo(b, json_int(c, "repo", 0), r, err) < 0)
		return -1;
	*ret_nonce = json_int(c, "landing", 0);
	*ret_tries = json_int(c, "tries", 0);
	if (json_flag(p, "ok"))
		return 1;
	log_warn("repository %s: the receipts are not on the forge: %s; the next landing tries "
		 "again",
		 r->name, json_str(json_object_get(p, "error"), "text", "no reason"));
	return 0;
}

static bool is_missing(const json_t *result, const char *ref)
{
	const json_t *m;
	size_t i;

	json_array_foreach (json_object_get(result, "missing"), i, m)
		if (json_is_string(m) && !strcmp(json_string_value(m), ref))
			return true;
	return false;
}

int queue_did_notes_fetch(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	int64_t nonce, tries;
	int rc = notes_result(b, p, &r, &nonce, &tries, err);
	json_t *q;

	(void)e;
	if (rc <= 0)
		return rc;
	q = json_object();
	json_put_str(q, "op", "notes-merge");
	json_put_str(q, "repo", r.path);
	if (!is_missing(json_object_get(p, "result"), NOTES_REF))
		json_put_str(q, "from", NOTES_THERE);
	return notes_effect(b, &r, "notes-merge", q, nonce, tries, err);
}

int queue_did_notes_merge(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "result");
	const char *theirs = json_str(x, "theirs", NULL), *ours = json_str(x, "ours", NULL);
	struct forge f;
	int64_t nonce, tries;
	json_t *q;
	int rc = notes_result(b, p, &r, &nonce, &tries, err);

	(void)e;
	if (rc <= 0 || !ours || (theirs && !strcmp(ours, theirs)))
		return rc < 0 ? -1 : 0;
	f = bot_forge(b, &r);
	if (f.ops->push(&f, &r, NULL, NOTES_REF, ours, theirs, theirs != NULL, &q, err) < 0)
		return -1;
	return notes_effect(b, &r, "notes-push", q, nonce, tries, err);
}

int queue_did_notes_push(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x =
		json_array_get(json_object_get(json_object_get(p, "result"), "results"), 0);
	const char *outcome = json_str(x, "outcome", "");
	autofree char *words = NULL;
	int64_t nonce, tries;
	int rc = notes_result(b, p, &r, &nonce, &tries, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (!strcmp(outcome, "stale") && tries + 1 < NOTES_TRIES)
		return notes_fetch(b, &r, nonce, tries + 1, err);
	if (!strcmp(outcome, "pushed") || !strcmp(outcome, "already"))
		return 0;
	words = remote_refusal(b, &r, json_object_get(p, "result"));
	log_warn("repository %s: the forge took no receipts: %s", r.name, words);
	return 0;
}

/* What a squash or rebase was made of is in no branch: `receipt verify` needs it in a clone, too. */
static int keep_there(struct bot *b, const struct landing_ctx *x, struct err *err)
{
	struct forge f = bot_forge(b, &x->r);
	autofree char *subject = xasprintf("notes:%lld", (long long)x->r.id);
	autofree char *ref = xasprintf("refs/yardmaster/heads/%lld", (long long)x->c.pr);
	json_t *q;

	if (!strcmp(x->c.method, "merge"))
		return 0;
	if (f.ops->push(&f, &x->r, NULL, ref, x->c.head, NULL, false, &q, err) < 0)
		return -1;
	return bot_effect(b, subject, "head-keep", q, err, "head-keep:%lld", (long long)x->l.id) < 0
		       ? -1
		       : 0;
}

int queue_after_landing(struct bot *b, struct landing_ctx *x, struct err *err)
{
	bool kept = x->l.head_state && !strcmp(x->l.head_state, "kept");

	if (kept &&
	    bot_say(b, x->r.id, x->c.pr,
		    xasprintf("This landed on `%s` as %s (%s). Its branch is in a fork and cannot "
			      "be written from here, so GitHub shows the PR as closed, not as "
			      "merged.",
			      x->r.base, x->c.oid, x->c.method),
		    err, "landed:%lld", (long long)x->l.id) < 0)
		return -1;
	if (!bot_forge(b, &x->r).ops->push)
		return 0;
	return ask_merged(b, x, err) < 0 || keep_there(b, x, err) < 0
		       ? -1
		       : notes_fetch(b, &x->r, x->l.id, 0, err);
}
