/*
 * queue_head.c - see queue_part.h: a PR's head before the base.
 *
 * GitHub marks a PR merged when the base has reached its head. What a squash or rebase lands is another
 * commit than the head, so the head is moved to it first:
 *
 *   retarget  the PRs that are based on this one's branch              forge-pr-retarget
 *   record    landing.head, .new, .head_state "moving"                 (one transaction with the effect)
 *   push      the branch, under the lease of the approved head         cand-head-push
 *   confirm   ask until the forge shows it, for a bounded time         cand-head            "moved"
 *   base      queue_land.c
 *   restore   when anything of this failed: under the lease of `new`   head-restore   "restoring", "restored"
 *
 * What is recorded before it happens is recognised however it is heard of (github_pull.c): the ledger's
 * pr.head stays the approved head. Each push finds what an earlier try of it did.
 */
#include "bot/queue_part.h"

#include "base/mem.h"
#include "bot/remote.h"

#define ASK_MS 1000 /* between two questions for the head */

bool queue_head_is_foreign(const struct pr *pr)
{
	return pr->head_repo && (!strcmp(pr->head_repo, "deleted") || !pr->modify);
}

static int get_pr(struct bot *b, const struct landing_ctx *x, struct pr *ret, struct err *err)
{
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, ret, err, "ii", x->r.id, x->c.pr);

	if (rc == 0)
		return err_set(err, ERR_INTERNAL, "PR #%lld of %s: has a landing and no row",
			       (long long)x->c.pr, x->r.name);
	return rc < 0 ? -1 : 0;
}

static int set_head(struct bot *b, struct landing_ctx *x, const char *state, struct err *err)
{
	row_set(&x->l.head_state, state);
	x->l.head_ms = bot_now(b);
	return landing_save(b->db, &x->l, err);
}

static int64_t deadline(struct bot *b, const struct landing_ctx *x)
{
	return x->l.head_ms + b->conf->github.head_wait_ms;
}

/* ---- dependents ---- */

/* GitHub closes a PR whose base is deleted. */
static int retarget(struct bot *b, const struct landing_ctx *x, const struct pr *pr,
		    struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};
	autofree char *subject = queue_land_subject(&x->r);

	if (pr->head_repo)
		return 0;
	if (pr_all(b->db, ST_PR_OPEN_ON, &l, err, "isi", x->r.id, pr->topic, pr->number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		json_t *p = json_object(), *c = json_object();

		json_put_int(c, "repo", x->r.id);
		json_put_int(c, "number", l.v[i].number);
		json_put_int(c, "on", pr->number);
		json_put(p, "ctx", c);
		json_put_int(p, "repo", x->r.id);
		json_put_int(p, "number", l.v[i].number);
		json_put_str(p, "base", x->r.base);
		if (bot_effect(b, subject, "forge-pr-retarget", p, err, "retarget:%lld:%lld",
			       (long long)x->l.id, (long long)l.v[i].number) < 0)
			return -1;
	}
	return 0;
}

/* The landing goes on: it is the other PR's people who have to do something. */
int queue_did_retarget(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *c = json_object_get(p, "ctx");
	int64_t number = json_int(c, "number", 0);
	const char *why = json_str(json_object_get(p, "error"), "text", "no reason was given");

	(void)e;
	if (json_flag(p, "ok") || !number)
		return 0;
	if (bot_repo(b, json_int(c, "repo", 0), &r, err) < 0)
		return -1;
	return bot_say(b, r.id, number,
		       xasprintf("#%lld, on whose branch this PR is based, is landing, and this "
				 "PR's base could not be set to `%s`: %s. Until that is done the "
				 "merge queue cannot land it.",
				 (long long)json_int(c, "on", 0), r.base, why),
		       err, "retarget:%lld:%lld:%lld", (long long)r.id, (long long)number,
		       (long long)json_int(c, "on", 0));
}

/* ---- the push ---- */

static int push_head(struct bot *b, const struct landing_ctx *x, const struct pr *pr,
		     const char *kind, const char *new, const char *old, struct err *err)
{
	struct forge f = bot_forge(b, &x->r);
	autofree char *subject = queue_land_subject(&x->r);
	autofree char *ref = xasprintf("refs/heads/%s", pr->topic);
	json_t *q, *c;

	if (f.ops->push(&f, &x->r, pr->head_repo, ref, new, old, false, &q, err) < 0)
		return -1;
	c = json_object();
	json_put_int(c, "candidate", x->c.id);
	json_put_int(c, "landing", x->l.id);
	json_put(q, "ctx", c);
	return bot_effect(b, subject, kind, q, err, "%s:%lld", kind, (long long)x->l.id) < 0 ? -1
											     : 0;
}

/* It lands all the same and is closed, or not at all; by the same method in any case. */
static int head_is_kept(struct bot *b, struct landing_ctx *x, const char *why, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autofree char *text = NULL;

	if (bot_repo_conf(b, &x->r, &conf, err) < 0)
		return -1;
	if (!conf.queue.forks_refused) {
		row_set(&x->l.head, NULL);
		return set_head(b, x, "kept", err) < 0 ? -1 : queue_land_there(b, x, err);
	}
	text = xasprintf("the head of this PR from a fork cannot be written (%s), and "
			 "`queue.forks: refuse` lands no such PR by %s",
			 why, x->c.method);
	row_set(&x->l.head_state, NULL);
	if (queue_call_off(b, x, why, err) < 0 ||
	    queue_leave(b, &x->r, x->c.pr, "ejected", text, err) < 0)
		return -1;
	return bot_say(b, x->r.id, x->c.pr, xasprintf("Taken out of the merge queue: %s.", text),
		       err, "forks:%lld", (long long)x->l.id);
}

int queue_head_first(struct bot *b, struct landing_ctx *x, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};

	if (get_pr(b, x, &pr, err) < 0 || retarget(b, x, &pr, err) < 0)
		return -1;
	if (!bot_forge(b, &x->r).ops->moves_head || !strcmp(x->c.method, "merge") ||
	    !strcmp(x->c.head, x->c.oid))
		return queue_land_there(b, x, err);
	if (queue_head_is_foreign(&pr))
		return head_is_kept(b, x,
				    strcmp(pr.head_repo, "deleted") != 0
					    ? "its author does not let maintainers edit it"
					    : "the fork is deleted",
				    err);
	row_set(&x->l.head, x->c.head);
	return set_head(b, x, "moving", err) < 0
		       ? -1
		       : push_head(b, x, &pr, "cand-head-push", x->l.new, x->l.head, err);
}

/* ---- is it there? ---- */

static int ask_head(struct bot *b, const struct landing_ctx *x, int64_t wait_ms, struct err *err)
{
	autofree char *subject = queue_land_subject(&x->r);
	json_t *p = json_object(), *c = json_object();
	int rc;

	json_put_int(c, "candidate", x->c.id);
	json_put(p, "ctx", c);
	json_put_int(p, "repo", x->r.id);
	json_put_int(p, "number", x->c.pr);
	json_put_int(p, "until_ms", deadline(b, x));
	rc = bot_effect(b, subject, "cand-head", p, err, "head:%lld:%lld", (long long)x->l.id,
			(long long)bot_now(b));
	if (rc > 0 && wait_ms)
		rc = effect_wait(b->db, db_last_id(b->db), bot_now(b), wait_ms, err);
	return rc < 0 ? -1 : 0;
}

int queue_did_head_push(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	cleanup(pr_release) struct pr pr = {0};
	const json_t *r =
		json_array_get(json_object_get(json_object_get(p, "result"), "results"), 0);
	const char *outcome = json_str(r, "outcome", "");
	const char *code = json_str(json_object_get(p, "error"), "code", "");
	autofree char *why = NULL, *words = NULL;

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0 || get_pr(b, &x, &pr, err) < 0)
		return -1;
	words = remote_refusal(b, &x.r, json_object_get(p, "result"));
	if (pr.head_repo && (!strcmp(code, "denied") || !strcmp(code, "not-found"))) {
		row_set(&x.l.head_state, NULL);
		return head_is_kept(b, &x, "the fork takes no push from here", err);
	}
	/* It may have come through: the restoration finds out. */
	if (!json_flag(p, "ok")) {
		why = xasprintf("the head of the PR could not be moved: %s",
				json_str(json_object_get(p, "error"), "text", "no reason"));
		return queue_failed(b, &x, why, err);
	}
	if (!strcmp(outcome, "pushed") || !strcmp(outcome, "already")) {
		x.l.head_ms = bot_now(b);
		return landing_save(b->db, &x.l, err) < 0 ? -1 : ask_head(b, &x, 0, err);
	}
	row_set(&x.l.head_state, NULL); /* there is nothing to restore */
	if (!strcmp(outcome, "refused") && pr.head_repo)
		return head_is_kept(b, &x, words, err);
	if (!strcmp(outcome, "stale") && remote_look(b, &x.r, x.c.pr, err) < 0)
		return -1;
	why = !strcmp(outcome, "stale")
		      ? xasprintf("`%s` is at %.12s, not at the approved head", pr.topic,
				  json_str(r, "found", "nothing"))
		      : xasprintf("the forge took no push to `%s`: %s", pr.topic, words);
	return queue_failed(b, &x, why, err);
}

/* The forge shows it. While that took its time people may have changed their mind. */
static int confirmed(struct bot *b, struct landing_ctx *x, struct err *err)
{
	autofree char *why = NULL;

	if (set_head(b, x, "moved", err) < 0 || queue_called_off(b, x, &why, err) < 0)
		return -1;
	return why ? queue_call_off(b, x, why, err) : queue_land_there(b, x, err);
}

int queue_did_head(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const json_t *r = json_object_get(p, "result");
	const char *head = json_str(r, "head", NULL);
	const char *why = json_str(r, "why", json_str(json_object_get(p, "error"), "text", NULL));
	autofree char *text = NULL;

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	if (head && !strcmp(head, x.l.new))
		return confirmed(b, &x, err);
	if (head && strcmp(head, x.l.head) != 0) {
		/* Somebody else's: the restoration is stale, and the push is heard of. */
		text = xasprintf("its head became %.12s while it was landing", head);
		return remote_look(b, &x.r, x.c.pr, err) < 0 ? -1 : queue_failed(b, &x, text, err);
	}
	if (bot_now(b) < deadline(b, &x) && json_flag(p, "ok"))
		return ask_head(b, &x, ASK_MS, err);
	text = xasprintf("the forge did not show the moved head within %lld s%s%s",
			 (long long)b->conf->github.head_wait_ms / 1000, why ? ": " : "",
			 why ? why : "");
	return queue_failed(b, &x, text, err);
}

/* ---- back ---- */

int queue_head_restore(struct bot *b, struct landing_ctx *x, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};

	if (!x->l.head_state ||
	    (strcmp(x->l.head_state, "moving") != 0 && strcmp(x->l.head_state, "moved") != 0))
		return 0;
	if (get_pr(b, x, &pr, err) < 0 || set_head(b, x, "restoring", err) < 0)
		return -1;
	return push_head(b, x, &pr, "head-restore", x->l.head, x->l.new, err);
}

/* The PR has a head that nobody approved, and is told so. */
static int not_restored(struct bot *b, struct landing_ctx *x, const char *why, struct err *err)
{
	autofree char *once = xasprintf("%lld", (long long)x->l.id);
	autofree char *text = xasprintf(
		"the head of the PR was moved to %.12s for its landing, which failed, and could "
		"not be moved back to %.12s: %s",
		x->l.new, x->l.head, why);

	if (bot_say(b, x->r.id, x->c.pr, xasprintf("Sorry: %s. Push it again, please.", text), err,
		    "restore:%lld", (long long)x->l.id) < 0)
		return -1;
	return bot_notify(b, "head-not-restored", x->r.id, x->c.pr, text, once, err);
}

int queue_did_restore(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(landing_ctx_release) struct landing_ctx x = {0};
	const json_t *r =
		json_array_get(json_object_get(json_object_get(p, "result"), "results"), 0);
	const char *outcome = json_str(r, "outcome", "");
	int64_t id = json_int(json_object_get(p, "ctx"), "landing", 0);
	bool back = !strcmp(outcome, "pushed") || !strcmp(outcome, "already");

	(void)e;
	if (queue_open_ctx(b, p, &x, err) < 0)
		return -1;
	landing_release(&x.l); /* of an earlier landing than the latest, perhaps */
	if (landing_get(b->db, id, &x.l, err) <= 0 ||
	    set_head(b, &x, back ? "restored" : "lost", err) < 0)
		return -1;
	if (back)
		return 0;
	/* A push of somebody else's came: it is what counts. */
	if (strcmp(outcome, "stale") != 0 &&
	    not_restored(
		    b, &x,
		    json_str(r, "text", json_str(json_object_get(p, "error"), "text", "no reason")),
		    err) < 0)
		return -1;
	return remote_look(b, &x.r, x.c.pr, err);
}
