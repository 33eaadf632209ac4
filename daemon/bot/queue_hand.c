/*
 * queue_hand.c - see queue_flow.h: what somebody did to the base past the queue, seen by its commits.
 *
 *   base-gained  the commits that came. An open PR whose head is among them was merged by hand: on the local forge it
 *                becomes merged here, any other forge notices by itself and is asked.
 *   base-lost    the commits that went, for the branch was moved back or rewritten. What landed as one of them is not
 *                on the base any more: its PR stays merged (it was), but what depends on it waits, and people are told
 *                with what to do. It is over when the base contains its old tip again.
 *   base-keep    the tip from before, kept from Git's housekeeping before anything is built on the new base: it can be
 *                put back, and no PR brings back what went with it (git/rewound.h). Given up where nothing went.
 *
 * What is lost is kept in the ledger's `meta`, one value a repository: {"tip": OID, "text": …, "prs": [N…]}.
 */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "bot/git_request.h"
#include "bot/remote.h"
#include "forge/local.h"

#define SHOWN 10 /* PRs in one text */

static char *lost_key(int64_t repo)
{
	return xasprintf("lost:%lld", (long long)repo);
}

/* 1, 0 nothing is lost, -1. */
static int lost_of(struct bot *b, int64_t repo, json_t **ret, struct err *err)
{
	autofree char *key = lost_key(repo), *text = NULL;
	int rc = meta_get(b->db, key, &text, err);

	return rc <= 0 ? rc : json_parse(text, strlen(text), SIZE_MAX, ret, err) < 0 ? -1 : 1;
}

int queue_is_lost(struct bot *b, const struct repo *r, int64_t pr, struct err *err)
{
	autojson json_t *lost = NULL;
	const json_t *n;
	size_t i;
	int rc = lost_of(b, r->id, &lost, err);

	if (rc <= 0)
		return rc;
	json_array_foreach (json_object_get(lost, "prs"), i, n)
		if (json_integer_value(n) == pr)
			return 1;
	return 0;
}

int queue_lost_row(struct bot *b, const struct repo *r, json_t *rows, struct err *err)
{
	autojson json_t *lost = NULL;
	int rc = lost_of(b, r->id, &lost, err);

	if (rc > 0)
		json_array_append_new(rows, json_pack("{s:s,s:s}", "repo", r->name, "problem",
						      json_str(lost, "text", "")));
	return rc < 0 ? -1 : 0;
}

/* ---- asking ---- */

/* A name of its own for each move: that one is given up says nothing about another one from the same tip. */
static char *kept_ref(const char *tip, const struct event *move)
{
	return xasprintf("refs/yardmaster/rewound/%s-%lld", tip, (long long)move->id);
}

static int ask(struct bot *b, const struct repo *r, const struct event *e, const char *kind,
	       const char *old, const char *new, const char *by, struct err *err)
{
	autofree char *subject = xasprintf("base:%lld", (long long)r->id);
	autofree char *kept = kept_ref(old, e);
	json_t *p = git_request_of(r, "log"), *x = json_object_get(p, "ctx");
	bool gained = !strcmp(kind, "base-gained");

	json_put_str(p, "not", gained ? old : new);
	json_put_str(p, "commit", gained ? new : old);
	json_put_int(p, "max", QUEUE_COMMITS_MAX);
	json_put_str(x, "old", old);
	json_put_str(x, "new", new);
	json_put_str(x, "by", by);
	json_put_str(x, "kept", kept);
	return bot_effect(b, subject, kind, p, err, "%s:%lld", kind, (long long)e->id) < 0 ? -1 : 0;
}

static char *keep_subject(const struct repo *r)
{
	return xasprintf("rewound:%lld", (long long)r->id);
}

/* The tip from before is kept as `ref`, or (tip NULL) not any more. */
static int keep_tip(struct bot *b, const struct repo *r, const char *ref, const char *tip,
		    struct err *err)
{
	/* Nothing is built while one is being kept (queue_keeps_tip); that it is given up may take its time. */
	autofree char *subject = tip ? keep_subject(r) : xasprintf("base:%lld", (long long)r->id);
	json_t *p = git_request_of(r, "ref-set");

	json_put_str(p, "ref", ref);
	json_put_str(p, "new", tip);
	json_put_bool(p, "any", true);
	json_put_str(json_object_get(p, "ctx"), "tip", tip);
	return bot_effect(b, subject, "base-keep", p, err, "base-keep:%lld:%s:%s", (long long)r->id,
			  ref, tip ? "keep" : "drop") < 0
		       ? -1
		       : 0;
}

int queue_keeps_tip(struct bot *b, const struct repo *r, struct err *err)
{
	autofree char *subject = keep_subject(r);
	int64_t open = 0;

	return db_int(b->db, ST_EFFECT_OPEN_OF, &open, err, "s", subject) < 0 ? -1 : open > 0;
}

/* What was taken out could come back, and nobody would see it: nothing lands before a person has looked. */
static int not_kept(struct bot *b, struct repo *r, const char *tip, const char *why,
		    struct err *err)
{
	autofree char *text =
		xasprintf("what `%s` was before it was moved (%s) could not be kept: %s. Without "
			  "it a commit that was taken out could come back unseen",
			  r->base, tip, why);

	r->frozen = 1;
	row_take(&r->frozen_reason, xasprintf("yardmaster: %s", text));
	return repo_save(b->db, r, err) < 0 ? -1
					    : bot_notify(b, "frozen", r->id, 0, text, NULL, err);
}

/* The queue goes on: that it is told makes the pass. */
int queue_did_keep(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "ctx");
	const char *tip = json_str(x, "tip", NULL);
	const char *why = json_str(json_object_get(p, "error"), "text", "no reason was given");

	(void)e;
	if (json_flag(p, "ok"))
		return 0;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	log_warn("repository %s: what a base was before is not %s: %s", r.name,
		 tip ? "kept" : "given up", why);
	return tip ? not_kept(b, &r, tip, why, err) : 0;
}

int queue_hand_moved(struct bot *b, const struct repo *r, const struct event *e, const char *old,
		     const char *new, const char *by, struct err *err)
{
	autofree char *kept = kept_ref(old, e);

	return keep_tip(b, r, kept, old, err) < 0 ||
			       ask(b, r, e, "base-lost", old, new, by, err) < 0 ||
			       ask(b, r, e, "base-gained", old, new, by, err) < 0
		       ? -1
		       : 0;
}

/* ---- what came ---- */

static bool has_commit(const json_t *commits, const char *oid)
{
	const json_t *c;
	size_t i;

	json_array_foreach (commits, i, c)
		if (!strcmp(json_str(c, "oid", ""), oid))
			return true;
	return false;
}

int queue_merge_by_hand(struct bot *b, const struct repo *r, struct pr *pr, const char *old,
			const char *new, struct err *err)
{
	struct forge f = bot_forge(b, r);
	int landing = queue_is_landing(b, r, pr->number, err);

	/* What lands tells of its end itself. */
	if (landing != 0)
		return landing < 0 ? -1 : 0;
	if (f.ops->remote)
		return remote_look(b, r, pr->number, err);
	if (local_pr_merged(&f, r, pr, old, err) < 0)
		return -1;
	return bot_say(
		b, r->id, pr->number,
		xasprintf("Merged by hand: `%s` is at %.12s and contains the head of this PR, "
			  "%.12s. The merge queue has not tested it.",
			  r->base, new, pr->head),
		err, "by-hand:%lld:%lld", (long long)r->id, (long long)pr->number);
}

/* The base contains again what it had lost. */
static int found_again(struct bot *b, const struct repo *r, const json_t *commits, struct err *err)
{
	autofree char *key = lost_key(r->id);
	autojson json_t *lost = NULL;
	const json_t *n;
	size_t i;
	int rc = lost_of(b, r->id, &lost, err);

	if (rc <= 0 || !has_commit(commits, json_str(lost, "tip", "")))
		return rc < 0 ? -1 : 0;
	json_array_foreach (json_object_get(lost, "prs"), i, n) {
		long long pr = (long long)json_integer_value(n);

		if (bot_say(b, r->id, pr,
			    xasprintf("What landed of this PR is on `%s` again.", r->base), err,
			    "lost:%lld:%lld", (long long)r->id, pr) < 0)
			return -1;
	}
	return meta_clear(b->db, key, err);
}

int queue_did_gained(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_list_release) struct pr_list l = {0};
	const json_t *x = json_object_get(p, "ctx");
	const json_t *commits = json_object_get(json_object_get(p, "result"), "commits");

	(void)e;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	if (!json_flag(p, "ok")) {
		log_warn("repository %s: what came to %s is not known: %s", r.name, r.base,
			 json_str(json_object_get(p, "error"), "text", "no reason was given"));
		return 0;
	}
	if (found_again(b, &r, commits, err) < 0 ||
	    pr_all(b->db, ST_PR_LIST, &l, err, "is", r.id, "open") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (has_commit(commits, l.v[i].head) &&
		    queue_merge_by_hand(b, &r, &l.v[i], json_str(x, "old", NULL),
					json_str(x, "new", ""), err) < 0)
			return -1;
	return 0;
}

/* ---- what went ---- */

/* The PRs that landed as one of the commits. */
static json_t *lost_prs(struct bot *b, const struct repo *r, const json_t *commits, struct err *err)
{
	autojson json_t *prs = json_array();
	const json_t *c;
	size_t i;

	json_array_foreach (commits, i, c) {
		cleanup(pr_release) struct pr pr = {0};
		int rc = pr_find(b->db, ST_PR_LANDED_AS, &pr, err, "is", r->id,
				 json_str(c, "oid", ""));

		if (rc < 0)
			return NULL;
		if (rc > 0)
			json_array_append_new(prs, json_integer(pr.number));
	}
	return steal(&prs);
}

static char *lost_text(const struct repo *r, const json_t *x, const json_t *commits, bool more,
		       const json_t *prs, bool local)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	const char *old = json_str(x, "old", ""), *new = json_str(x, "new", "");
	const json_t *n;
	size_t i;

	buf_addf(&out, "`%s` was moved from %.12s to %.12s by %s and has lost %zu%s commit%s",
		 r->base, old, new, json_str(x, "by", "?"), json_array_size(commits),
		 more ? " or more" : "", json_array_size(commits) == 1 ? "" : "s");
	json_array_foreach (prs, i, n) {
		if (i < SHOWN)
			buf_addf(&out, "%s#%lld", i ? ", " : ", with what landed of ",
				 (long long)json_integer_value(n));
		else if (i == SHOWN)
			buf_adds(&out, " …");
	}
	buf_adds(&out, ". What depends on that waits. If it was not meant, ");
	/* There the hooks refuse a push to the base, whoever pushes. */
	if (local)
		buf_addf(&out, "put it back: `git -C %s update-ref refs/heads/%s %s`", r->path,
			 r->base, old);
	else
		buf_addf(&out, "push %s to `%s` again", old, r->base);
	buf_addf(&out,
		 " (yardmaster keeps it as %s). If it was, `/yard thaw` says so; what is "
		 "still wanted comes as a new PR",
		 json_str(x, "kept", old));
	return buf_steal(&out);
}

static int say_lost(struct bot *b, const struct repo *r, const json_t *prs, const char *text,
		    struct err *err)
{
	const json_t *n;
	size_t i;

	json_array_foreach (prs, i, n) {
		long long pr = (long long)json_integer_value(n);

		if (bot_say(b, r->id, pr,
			    xasprintf("What landed of this PR is not on `%s` any more. %s.",
				      r->base, text),
			    err, "lost:%lld:%lld", (long long)r->id, pr) < 0)
			return -1;
	}
	return bot_notify(b, "base-rewound", r->id, 0, text, NULL, err);
}

/* Moved back twice, the first tip is the one to come back to, and what was lost then still is. */
static int add_before(struct bot *b, const struct repo *r, json_t *lost, struct err *err)
{
	autojson json_t *before = NULL;
	int rc = lost_of(b, r->id, &before, err);

	if (rc <= 0)
		return rc;
	json_put_str(lost, "tip", json_str(before, "tip", ""));
	json_array_extend(json_object_get(lost, "prs"), json_object_get(before, "prs"));
	return 0;
}

int queue_lost_forget(struct bot *b, const struct repo *r, struct err *err)
{
	autofree char *key = lost_key(r->id);

	return meta_clear(b->db, key, err);
}

static int drop_kept(struct bot *b, const struct repo *r, const json_t *x, struct err *err)
{
	const char *kept = json_str(x, "kept", NULL);

	return kept ? keep_tip(b, r, kept, NULL, err) : 0;
}

int queue_did_lost(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	const json_t *x = json_object_get(p, "ctx"), *result = json_object_get(p, "result");
	const json_t *commits = json_object_get(result, "commits");
	autojson json_t *lost = json_object();
	autofree char *key = NULL, *text = NULL, *value = NULL, *url = NULL;
	json_t *prs;

	(void)e;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		log_warn("repository %s: what %s has lost is not known: %s", r.name, r.base,
			 json_str(json_object_get(p, "error"), "text", "no reason was given"));
	if (!json_array_size(commits))
		return json_flag(p, "ok") ? drop_kept(b, &r, x, err) : 0;
	prs = lost_prs(b, &r, commits, err);
	if (!prs)
		return -1;
	url = remote_url(b, &r);
	json_put(lost, "prs", prs);
	json_put_str(lost, "tip", json_str(x, "old", ""));
	text = lost_text(&r, x, commits, json_flag(result, "more"), prs, !url);
	json_put_str(lost, "text", text);
	log_warn("repository %s: %s", r.name, text);
	if (say_lost(b, &r, prs, text, err) < 0 || add_before(b, &r, lost, err) < 0)
		return -1;
	/* Commits that no PR brought are told of, and nothing waits for them. */
	if (!json_array_size(prs))
		return 0;
	key = lost_key(r.id);
	value = json_text(lost);
	return meta_set(b->db, key, value, err);
}

char *queue_too_long_text(const char *base)
{
	return xasprintf(
		"it has more than %d commits that `%s` has not, and more are not read; bring "
		"it as fewer (`git merge --squash` on a new branch from `%s`, or several PRs, "
		"one after the other)",
		QUEUE_COMMITS_MAX, base, base);
}
