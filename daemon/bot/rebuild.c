/* rebuild.c - see rebuild.h */
#include "bot/rebuild.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/git_request.h"
#include "bot/queue_flow.h"
#include "bot/reconcile.h"
#include "bot/task_flow.h"
#include "forge/local.h"

#define LOG_MAX   1000 /* commits of the base that are looked at */
#define TRIES_MAX 3    /* of one question */

/* Takes p. */
static int ask(struct bot *b, const struct repo *r, const char *kind, json_t *p, const char *what,
	       struct err *err)
{
	autofree char *subject = xasprintf("repo:%lld", (long long)r->id);

	return bot_effect(b, subject, kind, p, err, "%s:%lld:%s:%lld", kind, (long long)r->id, what,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* `part` says what the answer is for. The base is now at `base` and was at `known` for this ledger: by the time
 * of the answer its row may say that it has moved. */
static int ask_refs(struct bot *b, const struct repo *r, const char *prefix, const char *part,
		    const char *base, const char *known, struct err *err)
{
	json_t *p = git_request_of(r, "refs"), *x = json_object_get(p, "ctx");

	json_put_str(p, "prefix", prefix);
	json_put_str(x, "part", part);
	json_put_str(x, "base", base);
	json_put_str(x, "known", known);
	return ask(b, r, "repo-pulls", p, part, err);
}

static int ask_pulls(struct bot *b, const struct repo *r, struct err *err)
{
	return ask_refs(b, r, "refs/pull/", "pulls", NULL, NULL, err);
}

int rebuild_start(struct bot *b, const struct repo *r, const char *base, struct err *err)
{
	return ask_refs(b, r, "refs/pull/", "numbers", base, r->base_oid, err);
}

/* What could not be read is not "there is none": it is asked again, for no later look asks for it. 1 when it is. */
static int asked_again(struct bot *b, const struct repo *r, const char *kind, const json_t *p,
		       json_t *question, const char *what, struct err *err)
{
	autojson json_t *q = question;
	int64_t tries = json_int(json_object_get(p, "ctx"), "tries", 1);
	autofree char *key = xasprintf("%s:%lld", what, (long long)tries);

	log_warn("repository %s: %s of %s could not be read (try %lld of %d): %s", r->name,
		 !strcmp(kind, "repo-log") ? "the commits" : "the receipt", what, (long long)tries,
		 TRIES_MAX, json_str(json_object_get(p, "error"), "text", "no reason was given"));
	if (tries >= TRIES_MAX)
		return 0;
	json_put_int(json_object_get(q, "ctx"), "tries", tries + 1);
	return ask(b, r, kind, json_incref(q), key, err) < 0 ? -1 : 1;
}

static json_t *log_question(const struct repo *r, const char *base, const char *known)
{
	json_t *p = git_request_of(r, "log"), *x = json_object_get(p, "ctx");

	json_put_str(p, "not", known);
	json_put_str(p, "commit", base);
	json_put_int(p, "max", LOG_MAX);
	json_put_str(x, "base", base);
	json_put_str(x, "known", known);
	return p;
}

static json_t *receipt_question(const struct repo *r, const char *commit)
{
	json_t *p = git_request_of(r, "receipt");

	json_put_str(p, "commit", commit);
	json_put_bool(p, "exact", true);
	json_put_str(json_object_get(p, "ctx"), "commit", commit);
	return p;
}

static int ask_log(struct bot *b, const struct repo *r, const char *base, const char *known,
		   struct err *err)
{
	if (!base || (known && !strcmp(known, base)))
		return ask_pulls(b, r, err);
	return ask(b, r, "repo-log", log_question(r, base, known), base, err);
}

int rebuild_did_log(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *commits = json_object_get(json_object_get(p, "result"), "commits");
	const json_t *x = json_object_get(p, "ctx");
	const char *base = json_str(x, "base", NULL);

	(void)e;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	if (!json_flag(p, "ok") && base) {
		int rc = asked_again(b, &r, "repo-log", p,
				     log_question(&r, base, json_str(x, "known", NULL)), base, err);

		if (rc)
			return rc < 0 ? -1 : 0;
	}
	for (size_t i = json_array_size(commits); i > 0; i--) { /* oldest first */
		const char *commit = json_str(json_array_get(commits, i - 1), "oid", "");

		if (ask(b, &r, "repo-receipt", receipt_question(&r, commit), commit, err) < 0)
			return -1;
	}
	return ask_pulls(b, &r, err);
}

/* The number is taken, whatever the ledger thought. */
static int take_number(struct bot *b, struct repo *r, int64_t number, struct err *err)
{
	if (number < r->next_number)
		return 0;
	r->next_number = number + 1;
	return repo_save(b->db, r, err);
}

/* A PR of which only its number and its head are known. */
static void unknown_pr(struct bot *b, const struct repo *r, int64_t number, struct pr *ret)
{
	ret->repo = r->id;
	ret->number = number;
	ret->title = xasprintf("PR %lld, found in the repository", (long long)number);
	ret->body = xstrdup("");
	ret->state = xstrdup("open");
	ret->author = xstrdup("unknown");
	ret->base = xstrdup(r->base);
	ret->topic = xasprintf("found-%lld", (long long)number);
	ret->files = xstrdup("[]");
	ret->created_ms = ret->updated_ms = bot_now(b);
}

static int leave_queue(struct bot *b, const struct repo *r, int64_t number, const char *commit,
		       struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	int rc = queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, err, "ii", r->id, number);

	if (rc <= 0)
		return rc;
	if (e.candidate && queue_drop(b, r, e.candidate, "its PR has landed", err) < 0)
		return -1;
	row_set(&e.state, "landed");
	row_set(&e.reason, commit);
	row_set(&e.waits, NULL);
	e.candidate = 0;
	e.ended_ms = bot_now(b);
	return queue_entry_save(b->db, &e, err);
}

/* A task that began after the receipt only happens to have the number of one that is lost. */
static int end_task(struct bot *b, const struct repo *r, const json_t *x, int64_t number,
		    const char *commit, struct err *err)
{
	cleanup(task_ctx_release) struct task_ctx c = {0};
	cleanup(task_release) struct task t = {0};
	autofree char *subject = NULL;
	int rc = task_get(b->db, json_int(x, "task", 0), &t, err);

	if (rc <= 0 || t.repo != r->id || t.ended_ms || t.created_ms > json_int(x, "at_ms", 0))
		return rc < 0 ? -1 : 0;
	subject = xasprintf("task:%lld", (long long)t.id);
	if (effect_withdraw(b->db, subject, bot_now(b), err) < 0 || task_open(b, t.id, &c, err) < 0)
		return -1;
	c.task.pr = number;
	return task_end(&c, "merged", commit, err);
}

static int merged(struct bot *b, struct repo *r, const json_t *x, const char *commit,
		  struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int64_t number = json_int(x, "pr", 0);
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", r->id, number);
	json_t *d;

	if (rc < 0 || (rc > 0 && !strcmp(pr.state, "merged")))
		return rc < 0 ? -1 : 0;
	if (rc == 0)
		unknown_pr(b, r, number, &pr);
	row_set(&pr.state, "merged");
	row_set(&pr.head, json_str(x, "head", ""));
	row_set(&pr.landed, commit);
	row_set(&pr.landed_base, json_str(x, "base", NULL));
	if ((rc ? pr_save(b->db, &pr, err) : pr_insert(b->db, &pr, err)) < 0 ||
	    take_number(b, r, number, err) < 0 || leave_queue(b, r, number, commit, err) < 0 ||
	    end_task(b, r, x, number, commit, err) < 0)
		return -1;
	log_info("repository %s: PR #%lld: its receipt says that it landed as %.12s", r->name,
		 (long long)number, commit);
	d = json_object();
	json_put_str(d, "commit", commit);
	return bot_audit(b, "yardmaster", "rebuilt", d, err, "pr:%s:%lld", r->name,
			 (long long)number);
}

int rebuild_did_receipt(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "ctx"), *res = json_object_get(p, "result");
	const char *commit = json_str(x, "commit", "");

	(void)e;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return asked_again(b, &r, "repo-receipt", p, receipt_question(&r, commit), commit,
				   err) < 0
			       ? -1
			       : 0;
	if (!json_flag(res, "found"))
		return 0;
	return merged(b, &r, json_object_get(res, "receipt"), commit, err);
}

int64_t rebuild_number(const char *ref)
{
	static const struct {
		const char *before, *after;
	} forms[] = {{"refs/pull/", "/head"}, {"refs/yardmaster/heads/", ""}};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t len = strlen(forms[i].before);
		char *end;
		long long n;

		if (strncmp(ref, forms[i].before, len) != 0)
			continue;
		n = strtoll(ref + len, &end, 10);
		return n > 0 && !strcmp(end, forms[i].after) ? n : 0;
	}
	return 0;
}

static int found(struct bot *b, struct repo *r, int64_t number, const char *head, struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", r->id, number);
	json_t *p;

	if (rc < 0 || take_number(b, r, number, err) < 0)
		return -1;
	if (rc > 0)
		return 0;
	unknown_pr(b, r, number, &pr);
	row_set(&pr.head, head);
	if (pr_insert(b->db, &pr, err) < 0)
		return -1;
	p = json_object();
	json_put_int(p, "repo", r->id);
	json_put_int(p, "number", number);
	json_put_str(p, "actor", pr.author);
	json_put_str(p, "head", head);
	return bot_event(b, "pr-opened", p, err, "found:%lld:%lld", (long long)r->id,
			 (long long)number);
}

/* Until both lists of references have been read no number is given: local.h. */
static int take_numbers(struct bot *b, struct repo *r, const json_t *x, const json_t *refs,
			struct err *err)
{
	autofree char *key = xasprintf(LOCAL_UNREAD "%lld", (long long)r->id);
	const char *base = json_str(x, "base", NULL), *known = json_str(x, "known", NULL), *name;
	json_t *oid;

	json_object_foreach ((json_t *)refs, name, oid) {
		int64_t number = rebuild_number(name);

		if (number && take_number(b, r, number, err) < 0)
			return -1;
	}
	if (!strcmp(json_str(x, "part", ""), "numbers"))
		return ask_refs(b, r, "refs/yardmaster/heads/", "heads", base, known, err);
	return meta_clear(b->db, key, err) < 0 ? -1 : ask_log(b, r, base, known, err);
}

int rebuild_did_pulls(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "ctx");
	json_t *refs = json_object_get(json_object_get(p, "result"), "refs"), *oid;
	const char *name;

	(void)e;
	if (!json_flag(p, "ok"))
		return reconcile_wake(b, err); /* asked again at the next reconciliation */
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	if (strcmp(json_str(x, "part", "pulls"), "pulls") != 0)
		return take_numbers(b, &r, x, refs, err);
	json_object_foreach (refs, name, oid) {
		int64_t number = rebuild_number(name);

		if (number && found(b, &r, number, json_string_value(oid), err) < 0)
			return -1;
	}
	return reconcile_wake(b, err); /* a label may have waited for all this reading */
}
