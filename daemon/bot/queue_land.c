/*
 * queue_land.c - see queue_flow.h: the last three steps, each of which may be cut off anywhere.
 *
 *   decide: candidate -> landing, a row in `landing` with the intent          (one transaction)
 *   verify: the tree is recomputed by another implementation (I2)             effect cand-verify
 *   head:   on a forge that shows by a PR's head what has landed (queue_head.c) effects cand-head…
 *   push:   the forge's base, under the lease of the one that was tested      effect cand-push
 *   land:   one ref transaction with the expected old value                   effect cand-land
 *   decide: landed | moved (the base went elsewhere: build anew) | doubt
 *
 * A landing that fails, and is known not to have gone through, is tried again LAND_TRIES times; then the entry
 * goes back to its people. A repeated `land` finds that the base contains the commit and says "already". When the outcome is
 * unknown for good (the effect failed), the candidate is in doubt: the base is asked, and nothing
 * else lands there before the answer.
 */
#include "bot/queue_part.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/remote.h"
#include "bot/report.h"
#include "bot/task_flow.h"

#define LAND_TRIES 3 /* that failed, of one candidate */

#define SETTLE_MS 2000 /* between two questions about a landing in doubt */

char *queue_land_subject(const struct repo *r)
{
	return xasprintf("land:%lld", (long long)r->id);
}

int queue_land(struct bot *b, const struct repo *r, struct candidate *c, struct err *err)
{
	cleanup(landing_release) struct landing l = {0};
	autofree char *subject = queue_land_subject(r);
	json_t *p;
	int rc = queue_ci_missing(b, c, err);

	/* What became required since it was checked is waited for first. */
	if (rc != 0)
		return rc < 0 || queue_ci_begin(b, c, err) < 0 ? -1 : 0;
	l.repo = r->id;
	l.candidate = c->id;
	l.pr = c->pr;
	l.old = xstrdup(c->base);
	l.new = xstrdup(c->oid);
	l.state = xstrdup("intent");
	l.receipt = xstrdup("{}");
	l.at_ms = bot_now(b);
	row_set(&c->state, "landing");
	if (landing_insert(b->db, &l, err) < 0 || candidate_save(b->db, c, err) < 0)
		return -1;
	p = queue_request(r, c, "verify");
	json_put_str(p, "base", c->base);
	json_put_str(p, "head", c->head);
	if (c->merge_base)
		json_put_str(p, "merge_base", c->merge_base);
	json_put_str(p, "method", c->method);
	json_put_str(p, "candidate", c->oid);
	json_put(p, "submodules", remote_submodules(b, r));
	return bot_effect(b, subject, "cand-verify", p, err, "verify:%lld", (long long)l.id) < 0
		       ? -1
		       : 0;
}

void landing_ctx_release(struct landing_ctx *x)
{
	candidate_release(&x->c);
	repo_release(&x->r);
	landing_release(&x->l);
}

int queue_open_ctx(struct bot *b, const json_t *p, struct landing_ctx *x, struct err *err)
{
	int rc = candidate_get(b->db, json_int(json_object_get(p, "ctx"), "candidate", 0), &x->c,
			       err);

	if (rc <= 0 || bot_repo(b, x->c.repo, &x->r, err) < 0)
		return -1;
	rc = landing_find(b->db, ST_LANDING_BY_CANDIDATE, &x->l, err, "i", x->c.id);
	return rc > 0 ? 0
		      : err_set(err, ERR_INTERNAL, "candidate %lld: has no landing",
				(long long)x->c.id);
}

/* ---- outcomes ---- */

static int close_landing(struct bot *b, struct landing_ctx *x, const char *state, struct err *err)
{
	json_t *d;

	row_set(&x->l.state, state);
	x->l.ended_ms = bot_now(b);
	if (landing_save(b->db, &x->l, err) < 0 ||
	    (strcmp(state, "landed") != 0 && queue_head_restore(b, x, err) < 0))
		return -1;
	d = json_object();
	json_put_str(d, "state", state);
	json_put_str(d, "old", x->l.old);
	json_put_str(d, "new", x->l.new);
	json_put_str(d, "reason", !strcmp(state, "called-off") ? x->c.detail : NULL);
	return bot_audit(b, "yardmaster", "landing", d, err, "pr:%s:%lld", x->r.name,
			 (long long)x->c.pr);
}

static int tell_forge_merged(struct bot *b, const struct landing_ctx *x, struct err *err)
{
	autofree char *subject =
		xasprintf("talk:%lld:%lld", (long long)x->r.id, (long long)x->c.pr);
	json_t *p = json_object();

	json_put_int(p, "repo", x->r.id);
	json_put_int(p, "number", x->c.pr);
	json_put_str(p, "commit", x->c.oid);
	json_put_str(p, "base", x->c.base);
	json_put_str(p, "head", x->c.head);
	/* The forge does not see it in the base, and cannot be made to. */
	json_put_bool(p, "close", x->l.head_state && !strcmp(x->l.head_state, "kept"));
	return bot_effect(b, subject, "forge-pr-merged", p, err, "merged:%lld:%lld",
			  (long long)x->r.id, (long long)x->c.pr) < 0
		       ? -1
		       : 0;
}

static int close_entry(struct bot *b, const struct landing_ctx *x, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	if (queue_entry_get(b->db, x->c.entry, &e, err) < 0)
		return -1;
	row_set(&e.state, "landed");
	row_set(&e.reason, x->c.oid);
	row_set(&e.waits, NULL);
	e.candidate = 0;
	e.ended_ms = bot_now(b);
	return queue_entry_save(b->db, &e, err);
}

static int tell_base_moved(struct bot *b, const struct repo *r, int64_t landing, const char *old,
			   const char *new, const char *by, struct err *err)
{
	json_t *p = json_object();

	json_put_int(p, "repo", r->id);
	json_put_str(p, "old", old);
	json_put_str(p, "new", new);
	json_put_str(p, "by", by);
	/* A branch may go to and fro: the same move again is another one. */
	return bot_event(b, "base-moved", p, err, "base:%lld:%s:%s:%lld", (long long)r->id, old,
			 new ? new : "", (long long)landing);
}

/* A push that came while the landing was on its way is not in it. */
static int tell_late_push(struct bot *b, const struct landing_ctx *x, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", x->r.id, x->c.pr);

	if (rc <= 0 || !strcmp(pr.head, x->c.head))
		return rc < 0 ? -1 : 0;
	return bot_say(
		b, x->r.id, x->c.pr,
		xasprintf("The push came too late: the PR has landed with the head %.12s, which "
			  "was approved and tested. %.12s is not in it; push that to a new topic.",
			  x->c.head, pr.head),
		err, "late:%lld", (long long)x->l.id);
}

static int landed(struct bot *b, struct landing_ctx *x, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc;

	if (close_landing(b, x, "landed", err) < 0 || close_entry(b, x, err) < 0 ||
	    tell_late_push(b, x, err) < 0 || tell_forge_merged(b, x, err) < 0 ||
	    queue_drop_ref(b, &x->r, x->c.id, err) < 0 || queue_after_landing(b, x, err) < 0 ||
	    tell_base_moved(b, &x->r, x->l.id, x->c.base, x->c.oid, "queue", err) < 0)
		return -1;
	row_set(&x->c.state, "landed");
	x->c.ended_ms = bot_now(b);
	/* The exact tree passed: the base is known green at this commit. */
	row_set(&x->r.base_oid, x->c.oid);
	row_set(&x->r.health_oid, x->c.oid);
	x->r.health = PLAN_BASE_GREEN;
	if (candidate_save(b->db, &x->c, err) < 0 || repo_save(b->db, &x->r, err) < 0 ||
	    report_pr(b, x->r.id, x->c.pr,
		      xasprintf("Landed on `%s` as %.12s (%s). `yardmaster receipt show %.12s` has "
				"what was approved and tested.",
				x->r.base, x->c.oid, x->c.method, x->c.oid),
		      err) < 0)
		return -1;
	rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", x->r.id, x->c.pr);
	return rc <= 0 ? rc : task_tell(b, t.id, BP_EV_MERGED, NULL, err);
}

/* The candidate is not on the base, which is at `found` (NULL: there is no such branch). When somebody
 * else moved it the candidate is stale; the entry stays. */
static int moved(struct bot *b, struct landing_ctx *x, const char *found, struct err *err)
{
	if (close_landing(b, x, "moved", err) < 0)
		return -1;
	row_set(&x->c.state, "green"); /* stale by its base; the planner discards it */
	if (candidate_save(b->db, &x->c, err) < 0)
		return -1;
	if (found && !strcmp(found, x->c.base))
		return 0; /* it is where it was: the candidate is still good */
	return tell_base_moved(b, &x->r, x->l.id, x->c.base, found, "somebody else", err);
}

static int doubt(struct bot *b, struct landing_ctx *x, const char *why, struct err *err)
{
	json_t *d = json_object();

	json_put_str(d, "reason", why);
	row_set(&x->c.state, "doubt");
	row_set(&x->c.detail, why);
	if (candidate_save(b->db, &x->c, err) < 0) {
		json_decref(d);
		return -1;
	}
	return bot_audit(b, "yardmaster", "doubt", d, err, "pr:%s:%lld", x->r.name,
			 (long long)x->c.pr);
}

/* I2 is broken: two implementations do not agree about what would land. Nothing lands here until a person
 * has looked, and this PR not before it is queued again: it would only freeze the others anew. */
static int mismatch(struct bot *b, struct landing_ctx *x, const char *why, struct err *err)
{
	autofree char *text =
		xasprintf("not landed: the tree could not be verified independently: %s", why);

	row_set(&x->c.state, "green");
	x->r.frozen = 1;
	row_take(&x->r.frozen_reason, xasprintf("yardmaster: %s", text));
	if (close_landing(b, x, "failed", err) < 0 || candidate_save(b->db, &x->c, err) < 0 ||
	    repo_save(b->db, &x->r, err) < 0 ||
	    queue_leave(b, &x->r, x->c.pr, "ejected", text, err) < 0 ||
	    bot_say(b, x->r.id, x->c.pr,
		    xasprintf("%s. The queue is frozen; `/yard thaw` opens it again.", text), err,
		    "verify:%lld", (long long)x->l.id) < 0)
		return -1;
	return bot_notify(b, "verify", x->r.id, x->c.pr, text, NULL, err);
}

/* Bounded: the entry goes back to its people, and the others go on. */
static int give_back(struct bot *b, struct landing_ctx *x, const char *why, int64_t tries,
		     struct err *err)
{
	autofree char *text =
		xasprintf("it could not be landed, tried %lld times: %s", (long long)tries, why);

	if (queue_leave(b, &x->r, x->c.pr, "ejected", text, err) < 0 ||
	    bot_say(b, x->r.id, x->c.pr,
		    xasprintf("Taken out of the merge queue: %s.\n\nIts checks passed; this is "
			      "about the repository or the machine. `/yard queue` queues it again "
			      "when that is mended.",
			      text),
		    err, "landing:%lld", (long long)x->l.id) < 0)
		return -1;
	return bot_notify(b, "landing-failed", x->r.id, x->c.pr, text, NULL, err);
}

/* The landing failed, and the base does not contain the candidate, for certain. Once more is worth a try, for
 * ever is not. */
int queue_failed(struct bot *b, struct landing_ctx *x, const char *why, struct err *err)
{
	autofree char *text = xstrdup(why && *why ? why : "no reason was given");
	int64_t n = 0;

	row_set(&x->c.state, "green");
	if (close_landing(b, x, "failed", err) < 0 || candidate_save(b->db, &x->c, err) < 0 ||
	    db_int(b->db, ST_LANDING_FAILED, &n, err, "i", x->c.id) < 0)
		return -1;
	return n < LAND_TRIES ? 0 : give_back(b, x, text, n, err);
}

/* ---- results ---- */

/* Not a failure: the candidate is as good as before, and the planner decides what that means now. */
int queue_call_off(struct bot *b, struct landing_ctx *x, const char *why, struct err *err)
{
	row_set(&x->c.detail, why);
	row_set(&x->c.state, "green");
	return close_landing(b, x, "called-off", err) < 0 ? -1 : candidate_save(b->db, &x->c, err);
}

/* One ref transaction in the repository here: the base, the receipt, the approved head. */
static int land_here(struct bot *b, struct landing_ctx *x, struct err *err)
{
	autofree char *subject = queue_land_subject(&x->r);
	autofree char *keep_ref = xasprintf("refs/yardmaster/heads/%lld", (long long)x->c.pr);
	json_t *q, *keep = json_array(), *k = json_object(), *note;

	if (json_parse(x->l.receipt, strlen(x->l.receipt), SIZE_MAX, &note, err) < 0) {
		json_decref(keep);
		json_decref(k);
		return -1;
	}
	q = queue_request(&x->r, &x->c, "land");
	json_put_str(q, "branch", x->r.base);
	json_put_str(q, "old", x->c.base);
	json_put_str(q, "new", x->c.oid);
	json_put(q, "receipt", note);
	json_put_str(k, "ref", keep_ref);
	json_put_str(k, "oid", x->c.head);
	json_array_append_new(keep, k);
	json_put(q, "keep", keep);
	return bot_effect(b, subject, "cand-land", q, err, "land:%lld:%lld", (long long)x->l.id,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* On the forge first, under the lease of the base that was tested. */
int queue_land_there(struct bot *b, struct landing_ctx *x, struct err *err)
{
	struct forge f = bot_forge(b, &x->r);
	autofree char *subject = queue_land_subject(&x->r);
	json_t *q, *c = json_object();

	if (f.ops->push(&f, &x->r, NULL, x->r.base, x->c.oid, x->c.base, true, &q, err) < 0) {
		json_decref(c);
		return -1;
	}
	json_put_int(c, "candidate", x->c.id);
	json_put(q, "ctx", c);
	return bot_effect(b, subject, "cand-push", q, err, "push:%lld", (long long)x->l.id) < 0 ? -1
												: 0;
}

static int put_back(struct bot *b, struct landing_ctx *x, struct err *err)
{
	row_set(&x->c.state, "green"); /* stale by its base; the planner discards it */
	return candidate_save(b->db, &x->c, err);
}

int queue_did_verify(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const json_t *r = json_object_get(p, "result");
	autofree char *why = NULL;
	json_t *note;

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return queue_failed(b, &x, json_str(json_object_get(p, "error"), "text", ""), err);
	if (!json_flag(r, "same")) {
		why = xasprintf("expected %s, found %s", json_str(r, "expected", "?"),
				json_str(r, "found", "?"));
		return mismatch(b, &x, why, err);
	}
	if (queue_called_off(b, &x, &why, err) < 0)
		return -1;
	if (why)
		return queue_call_off(b, &x, why, err);
	note = queue_receipt(b, &x, r, err);
	if (!note)
		return -1;
	row_take(&x.l.receipt, json_text(note));
	json_decref(note);
	if (landing_save(b->db, &x.l, err) < 0)
		return -1;
	return bot_forge(b, &x.r).ops->push ? queue_head_first(b, &x, err) : land_here(b, &x, err);
}

/* The forge has answered: when its base is the candidate now, the mirror follows, with the receipt. */
int queue_did_push(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const json_t *r =
		json_array_get(json_object_get(json_object_get(p, "result"), "results"), 0);
	const char *outcome = json_str(r, "outcome", "");
	autofree char *why = NULL, *words = NULL;

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return doubt(b, &x, json_str(json_object_get(p, "error"), "text", ""), err);
	if (!strcmp(outcome, "pushed") || !strcmp(outcome, "already"))
		return land_here(b, &x, err);
	if (!strcmp(outcome, "stale")) /* read it, and build anew: reconcile_did_base tells */
		return close_landing(b, &x, "moved", err) < 0 || put_back(b, &x, err) < 0 ||
				       remote_fetch(b, &x.r, err) < 0
			       ? -1
			       : 0;
	words = remote_refusal(b, &x.r, json_object_get(p, "result"));
	why = xasprintf("the forge took no push to `%s`: %s", x.r.base, words);
	return queue_failed(b, &x, why, err);
}

int queue_did_land(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const json_t *r = json_object_get(p, "result");
	const char *outcome = json_str(r, "outcome", "");

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return doubt(b, &x, json_str(json_object_get(p, "error"), "text", ""), err);
	if (!strcmp(outcome, "landed") || !strcmp(outcome, "already"))
		return landed(b, &x, err);
	return moved(b, &x, json_str(r, "found", NULL), err);
}

static json_t *ref_question(const struct repo *r, const struct candidate *c)
{
	autofree char *ref = xasprintf("refs/heads/%s", r->base);
	json_t *p = queue_request(r, c, "ref");

	json_put_str(p, "ref", ref);
	return p;
}

/* The first question: where is the base? Of one that is elsewhere Git has to be asked for it first. */
static int first_question(struct bot *b, const struct repo *r, const struct candidate *c,
			  const char **ret_kind, json_t **ret, struct err *err)
{
	struct forge f = bot_forge(b, r);
	json_t *x;

	*ret_kind = f.ops->fetch ? "cand-fetch" : "cand-settle-ref";
	if (!f.ops->fetch) {
		*ret = ref_question(r, c);
		return 0;
	}
	if (f.ops->fetch(&f, r, ret, err) < 0)
		return -1;
	x = json_object();
	json_put_int(x, "candidate", c->id);
	json_put(*ret, "ctx", x);
	return 0;
}

/* A doubt is settled in two questions: where is the base, and does it contain the candidate? */
int queue_settle(struct bot *b, const struct repo *r, const struct candidate *c, struct err *err)
{
	autofree char *subject = queue_land_subject(r);
	const char *kind;
	int64_t open = 0;
	json_t *p;
	int rc;

	/* One question at a time: every turn in between would ask again. */
	if (db_int(b->db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0)
		return -1;
	if (open)
		return 0;
	if (first_question(b, r, c, &kind, &p, err) < 0)
		return -1;
	rc = bot_effect(b, subject, kind, json_incref(p), err, "settle-ref:%lld:first",
			(long long)c->id);
	if (rc == 0) { /* asked before, without an answer: not as fast as the role can fail */
		rc = bot_effect(b, subject, kind, json_incref(p), err, "settle-ref:%lld:%lld",
				(long long)c->id, (long long)bot_now(b));
		if (rc > 0)
			rc = effect_wait(b->db, db_last_id(b->db), bot_now(b), SETTLE_MS, err);
	}
	json_decref(p);
	return rc < 0 ? -1 : 0;
}

/* The planner asks again, for as long as it takes; a person may have to mend what stands in the way. */
static int still_in_doubt(struct bot *b, const struct landing_ctx *x, const json_t *p,
			  struct err *err)
{
	autofree char *once = xasprintf("%lld", (long long)x->l.id);
	autofree char *text =
		xasprintf("it may have landed, and the base could not be asked: %s; nothing else "
			  "lands before "
			  "that is known",
			  json_str(json_object_get(p, "error"), "text", "no reason was given"));

	return bot_notify(b, "landing-in-doubt", x->r.id, x->c.pr, text, once, err);
}

/* The mirror has the base as it is on the forge. */
int queue_did_fetch(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	autofree char *subject = NULL;

	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return still_in_doubt(b, &x, p, err);
	subject = queue_land_subject(&x.r);
	return bot_effect(b, subject, "cand-settle-ref", ref_question(&x.r, &x.c), err,
			  "settle-fetched:%lld:%lld", (long long)x.c.id, (long long)e->id) < 0
		       ? -1
		       : 0;
}

int queue_did_settle_ref(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const char *oid = json_str(json_object_get(p, "result"), "oid", NULL);
	autofree char *subject = NULL;
	json_t *q;

	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return still_in_doubt(b, &x, p, err);
	if (!oid)
		return moved(b, &x, NULL, err); /* no branch contains nothing */
	subject = queue_land_subject(&x.r);
	q = queue_request(&x.r, &x.c, "contains");
	json_put_str(q, "commit", x.c.oid);
	json_put_str(q, "in", oid);
	json_put_str(json_object_get(q, "ctx"), "base", oid);
	return bot_effect(b, subject, "cand-settle", q, err, "settle:%lld:%lld", (long long)x.c.id,
			  (long long)e->id) < 0
		       ? -1
		       : 0;
}

int queue_did_settle(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const char *base = json_str(json_object_get(p, "ctx"), "base", NULL);

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return still_in_doubt(b, &x, p, err);
	if (json_flag(json_object_get(p, "result"), "contains"))
		return bot_forge(b, &x.r).ops->push ? land_here(b, &x, err) : landed(b, &x, err);
	if (!base || !strcmp(base, x.c.base))
		return queue_failed(b, &x, x.c.detail, err);
	return moved(b, &x, base, err);
}
