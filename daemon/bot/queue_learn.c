/*
 * queue_learn.c - see queue_flow.h: what a PR depends on.
 *
 * Its text says a part, the git role the rest: first the trailers of its commits, then which open PRs it
 * contains and which contain it. Only when both have been answered for this very head is pr.known_head
 * the head; until then the queue does not build it. A question that fails for good is asked again, later
 * each time, and people are told.
 */
#include "bot/queue_flow.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/git_request.h"
#include "bot/pr_words.h"
#include "bot/queue_depends.h"

#define AGAIN_MS     ((int64_t)5000) /* before a question that failed; doubled with each failure */
#define AGAIN_MAX_MS ((int64_t)600000)

static int add_dependency(struct bot *b, const struct repo *r, int64_t pr, int64_t on,
			  const char *source, struct err *err)
{
	if (on == pr || on <= 0)
		return 0;
	return db_run(b->db, ST_DEPENDENCY_ADD, err, "iiisi", r->id, pr, on, source, bot_now(b)) < 0
		       ? -1
		       : 0;
}

int queue_event_pr(struct bot *b, const json_t *p, struct repo *r, struct pr *pr, struct err *err)
{
	if (bot_repo(b, json_int(p, "repo", 0), r, err) < 0)
		return -1;
	return pr_find(b->db, ST_PR_BY_NUMBER, pr, err, "ii", r->id,
		       json_int(p, "number", json_int(p, "pr", 0)));
}

/* ---- asking ---- */

json_t *queue_pr_request(const struct repo *r, const struct pr *pr, const char *op)
{
	json_t *p = git_request_of(r, op), *x = json_object_get(p, "ctx");

	json_put_int(x, "pr", pr->number);
	json_put_str(x, "head", pr->head);
	return p;
}

static char *subject_of(const struct repo *r, int64_t pr)
{
	return xasprintf("pr:%lld:%lld", (long long)r->id, (long long)pr);
}

/* Asked once for each time that the PR was pushed (`nonce`): a head may come back after another one, and
 * what was known of it has been forgotten by then. */
static int ask_log(struct bot *b, const struct repo *r, const struct pr *pr, int64_t nonce,
		   struct err *err)
{
	autofree char *subject = subject_of(r, pr->number);
	json_t *p = queue_pr_request(r, pr, "log");

	json_put_str(p, "not", r->base_oid);
	json_put_str(p, "commit", pr->head);
	json_put_int(p, "max", QUEUE_COMMITS_MAX);
	return bot_effect(b, subject, "pr-log", p, err, "pr-log:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)nonce);
}

/* The heads of the other open PRs; what they contain of each other does not change by this push. And of closed ones
 * that it stood on: it does so until it was pushed without their commits. */
static json_t *other_heads(struct bot *b, const struct repo *r, const struct pr *pr,
			   struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0}, closed = {0};
	json_t *heads;

	if (pr_all(b->db, ST_PR_HEADS, &l, err, "ii", r->id, pr->number) < 0 ||
	    pr_all(b->db, ST_PR_HEADS_CLOSED, &closed, err, "ii", r->id, pr->number) < 0)
		return NULL;
	heads = json_array();
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(heads, json_string(l.v[i].head));
	for (size_t i = 0; i < closed.n; i++)
		json_array_append_new(heads, json_string(closed.v[i].head));
	return heads;
}

/* 1 asked, 0 there is nothing to ask. */
static int ask_contained(struct bot *b, const struct repo *r, const struct pr *pr, int64_t nonce,
			 struct err *err)
{
	autofree char *subject = subject_of(r, pr->number);
	json_t *heads = other_heads(b, r, pr, err), *p;

	if (!heads)
		return -1;
	if (!json_array_size(heads)) {
		json_decref(heads);
		return 0;
	}
	p = queue_pr_request(r, pr, "contained");
	json_put_str(p, "base", r->base_oid);
	json_put_str(p, "head", pr->head);
	json_put(p, "heads", heads);
	return bot_effect(b, subject, "pr-contained", p, err, "pr-contained:%lld:%lld:%s:%lld",
			  (long long)r->id, (long long)pr->number, pr->head, (long long)nonce) < 0
		       ? -1
		       : 1;
}

/* Based on another PR's branch, whatever its commits are. */
static int depends_of_base(struct bot *b, const struct repo *r, const struct pr *pr,
			   struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	if (!strcmp(pr->base, r->base))
		return 0;
	if (pr_all(b->db, ST_PR_OPEN_TOPIC, &l, err, "is", r->id, pr->base) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (add_dependency(b, r, pr->number, l.v[i].number, "stack", err) < 0)
			return -1;
	return 0;
}

int queue_learn_body(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err)
{
	cleanup(depends_release) struct depends d = {0};

	depends_read(pr->body, strlen(pr->body), &d);
	return queue_depends_forget(b, r, pr->number, "body", err) < 0
		       ? -1
		       : queue_depends_add(b, r, pr->number, &d, "body", err);
}

int queue_learn(struct bot *b, const struct repo *r, struct pr *pr, int64_t nonce, struct err *err)
{
	autofree char *subject = subject_of(r, pr->number);

	row_set(&pr->known_head, NULL);
	row_set(&pr->learn_why, NULL);
	pr->learn_tries = 0;
	/* What is merged is kept of the stacks: a child's merge base is known by it. */
	if (pr_save(b->db, pr, err) < 0 || effect_withdraw(b->db, subject, bot_now(b), err) < 0 ||
	    db_run(b->db, ST_DEPENDENCY_CLEAR_STACK, err, "ii", r->id, pr->number) < 0 ||
	    queue_depends_forget(b, r, pr->number, "trailer", err) < 0 ||
	    queue_learn_body(b, r, pr, err) < 0 || depends_of_base(b, r, pr, err) < 0)
		return -1;
	/* Without a base nothing is new against it; queue_learn_missing() asks when there is one. */
	return r->base_oid && ask_log(b, r, pr, nonce, err) < 0 ? -1 : 0;
}

int queue_learn_missing(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	if (!r->base_oid)
		return 0;
	if (pr_all(b->db, ST_PR_NOT_KNOWN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *subject = subject_of(r, l.v[i].number);
		int64_t open = 0;

		if (db_int(b->db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0 ||
		    (!open && ask_log(b, r, &l.v[i], bot_now(b), err) < 0))
			return -1;
	}
	return 0;
}

/* ---- answers ---- */

static int say(struct bot *b, const struct repo *r, const struct pr *pr, char *text,
	       struct err *err)
{
	return bot_say(b, r->id, pr->number, text, err, "unknown:%lld:%lld", (long long)r->id,
		       (long long)pr->number);
}

/* It does not land as if it depended on nothing: it waits, people hear why, and it is asked again. */
static int not_known(struct bot *b, const struct repo *r, struct pr *pr, const char *why,
		     const struct event *e, struct err *err)
{
	bool told = pr->learn_why && !strcmp(pr->learn_why, why);
	int64_t pause = AGAIN_MS << (pr->learn_tries < 10 ? pr->learn_tries : 10);
	int rc;

	row_set(&pr->learn_why, why);
	pr->learn_tries++;
	if (pr_save(b->db, pr, err) < 0)
		return -1;
	rc = ask_log(b, r, pr, e->id, err);
	if (rc > 0)
		rc = effect_wait(b->db, db_last_id(b->db), bot_now(b),
				 pause < AGAIN_MAX_MS ? pause : AGAIN_MAX_MS, err);
	if (rc < 0)
		return -1;
	if (told)
		return 0;
	log_warn("repository %s: PR #%lld: what it depends on is not known: %s", r->name,
		 (long long)pr->number, why);
	if (say(b, r, pr,
		xasprintf("What this PR depends on could not be found out: %s. It does not land "
			  "before that is known. It is asked again by itself, at least every %d "
			  "minutes.",
			  why, (int)(AGAIN_MAX_MS / 60000)),
		err) < 0)
		return -1;
	return bot_notify(b, "unknown-dependencies", r->id, pr->number, why, pr->head, err);
}

static int known(struct bot *b, const struct repo *r, struct pr *pr, struct err *err)
{
	bool told = pr->learn_why != NULL;

	row_set(&pr->known_head, pr->head);
	row_set(&pr->learn_why, NULL);
	pr->learn_tries = 0;
	if (pr_save(b->db, pr, err) < 0)
		return -1;
	if (told && say(b, r, pr, xstrdup("What this PR depends on is known now."), err) < 0)
		return -1;
	return queue_depends_tell(b, r, pr, err);
}

/* The PR that the result is about: 1; 0 gone, or a push came after the question and asks for itself. */
static int result_pr(struct bot *b, const json_t *p, struct repo *r, struct pr *pr, struct err *err)
{
	const json_t *x = json_object_get(p, "ctx");
	int rc = queue_event_pr(b, x, r, pr, err);

	return rc <= 0 ? rc : !strcmp(json_str(x, "head", ""), pr->head);
}

static const char *error_text(const json_t *p)
{
	return json_str(json_object_get(p, "error"), "text", "no reason was given");
}

/* The whole message counts, as the commit-msg hook reads it: not each has its trailers at its end. */
static int add_messages(struct bot *b, const struct repo *r, int64_t pr, const json_t *commits,
			struct err *err)
{
	size_t i;
	json_t *c;

	json_array_foreach (commits, i, c) {
		cleanup(depends_release) struct depends d = {0};

		depends_of_message(json_str(c, "message", ""), &d);
		if (queue_depends_add(b, r, pr, &d, "trailer", err) < 0)
			return -1;
	}
	return 0;
}

int queue_did_log(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	const json_t *result = json_object_get(p, "result");
	autofree char *why = NULL;
	int rc = result_pr(b, p, &r, &pr, err);

	if (rc <= 0)
		return rc;
	if (!json_flag(p, "ok"))
		return not_known(b, &r, &pr, error_text(p), e, err);
	if (json_flag(result, "more")) {
		why = queue_too_long_text(r.base);
		return not_known(b, &r, &pr, why, e, err);
	}
	if (add_messages(b, &r, pr.number, json_object_get(result, "commits"), err) < 0)
		return -1;
	rc = ask_contained(b, &r, &pr, e->id, err);
	return rc != 0 ? (rc < 0 ? -1 : 0) : known(b, &r, &pr, err);
}

/* PRs by their heads as they are now: of one that was pushed meanwhile the answer says nothing. `below`:
 * they are what pr stands on; else they stand on pr. */
static int add_stack(struct bot *b, const struct repo *r, int64_t pr, const json_t *heads,
		     bool below, struct err *err)
{
	size_t i;
	json_t *h;

	json_array_foreach (heads, i, h) {
		cleanup(pr_list_release) struct pr_list l = {0};

		if (!json_is_string(h))
			continue;
		if (pr_all(b->db, ST_PR_OPEN_AT, &l, err, "is", r->id, json_string_value(h)) < 0)
			return -1;
		for (size_t k = 0; k < l.n; k++)
			if (add_dependency(b, r, below ? pr : l.v[k].number,
					   below ? l.v[k].number : pr, "stack", err) < 0)
				return -1;
	}
	return 0;
}

static bool has_text(const json_t *list, const char *s)
{
	const json_t *e;
	size_t i;

	json_array_foreach (list, i, e)
		if (json_is_string(e) && !strcmp(json_string_value(e), s))
			return true;
	return false;
}

/* A PR that was closed is below it no more when its commits are gone from it. */
static int drop_closed(struct bot *b, const struct repo *r, int64_t pr, const json_t *below,
		       struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	if (pr_all(b->db, ST_PR_HEADS_CLOSED, &l, err, "ii", r->id, pr) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (!has_text(below, l.v[i].head) && db_run(b->db, ST_DEPENDENCY_DROP, err, "iiis",
							    r->id, pr, l.v[i].number, "stack") < 0)
			return -1;
	return 0;
}

/* The stack is known: titles and texts of those that stand on others are those of their own commits. */
static int own_words(struct bot *b, const struct repo *r, const struct pr *pr, const json_t *above,
		     int64_t nonce, struct err *err)
{
	size_t i;
	json_t *h;

	if (pr_words_ask(b, r, pr, nonce, err) < 0)
		return -1;
	json_array_foreach (above, i, h) {
		cleanup(pr_list_release) struct pr_list l = {0};

		if (pr_all(b->db, ST_PR_OPEN_AT, &l, err, "is", r->id, json_string_value(h)) < 0)
			return -1;
		for (size_t k = 0; k < l.n; k++)
			if (pr_words_ask(b, r, &l.v[k], nonce, err) < 0)
				return -1;
	}
	return 0;
}

int queue_did_contained(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};
	const json_t *result = json_object_get(p, "result");
	int rc = result_pr(b, p, &r, &pr, err);

	if (rc <= 0)
		return rc;
	if (!json_flag(p, "ok"))
		return not_known(b, &r, &pr, error_text(p), e, err);
	if (drop_closed(b, &r, pr.number, json_object_get(result, "below"), err) < 0 ||
	    add_stack(b, &r, pr.number, json_object_get(result, "below"), true, err) < 0 ||
	    add_stack(b, &r, pr.number, json_object_get(result, "above"), false, err) < 0 ||
	    own_words(b, &r, &pr, json_object_get(result, "above"), e->id, err) < 0)
		return -1;
	return known(b, &r, &pr, err);
}
