/*
 * shadow_watch.c - see shadow.h: what the merge queue would do, by its own planner and its own builder.
 *
 * In every pass: the open PRs that are ready go to the planner as entries without candidates; those that it
 * would build, in its order, are built on the base that is there now, each alone. Two of them that change
 * the same files are merged with each other: who lands second would meet that conflict.
 */
#include "bot/shadow.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/ci.h"
#include "bot/dispatch.h"
#include "bot/git_request.h"
#include "bot/queue_facts.h"
#include "bot/queue_flow.h"
#include "bot/queue_rules.h"
#include "bot/remote.h"

#define BUILDS_MAX 50 /* of one base; who is further behind is built when others have landed */
#define PAIRS_MAX  200

/* One pass. */
struct watch_pass {
	struct bot *b;
	const struct repo *r;
	struct conf_repo conf;
	struct strvec names; /* required checks */
	struct queue_facts f;
	struct plan plan;
	size_t pairs;
};

static void pass_release(struct watch_pass *s)
{
	conf_repo_release(&s->conf);
	strvec_release(&s->names);
	queue_facts_release(&s->f);
	plan_release(&s->plan);
}

static int find(struct bot *b, int64_t repo, const char *kind, int64_t pr, const char *head,
		const char *base, int64_t other, struct shadow_event *ret, struct err *err)
{
	return shadow_event_find(b->db, ST_SHADOW_GET, ret, err, "isissi", repo, kind, pr, head,
				 base, other);
}

/* ---- what was begun before it came into shadow ---- */

static int end_tasks(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(b->db, ST_TASK_OPEN, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		cleanup(task_release) struct task t = {0};
		cleanup(err_release) struct err why = ERR_INIT;

		if (l.v[i].repo != r->id)
			continue;
		if (task_get(b->db, l.v[i].id, &t, err) < 0)
			return -1;
		if (dispatch_cancel(b, r, t.issue, "shadow mode", &why) >= 0)
			continue;
		/* Landing right now: its push is refused, and then it can be cancelled. */
		if (why.code != ERR_STATE)
			return err_move(err, &why);
	}
	return 0;
}

static int end_entries(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};

	if (queue_entry_all(b->db, ST_QUEUE_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (queue_leave(b, r, l.v[i].pr, "dequeued", "the repository is in shadow mode",
				err) < 0)
			return -1;
	/* What is landing is settled by looking at the base, and leaves then. */
	return l.n ? queue_all_wait(b, r, xstrdup("the repository is in shadow mode"), err) : 0;
}

/* ---- who is ready ---- */

/* 1 green, or none is wanted; 0 not (yet). */
static int checks_green(struct watch_pass *s, const struct pr *p, struct err *err)
{
	cleanup(shadow_event_release) struct shadow_event x = {0};
	int rc;

	if (!s->names.n)
		return 1;
	rc = find(s->b, s->r->id, "checks", p->number, p->head, "", 0, &x, err);
	if (rc != 0)
		return rc < 0 ? -1 : !strcmp(x.detail, "green");
	if (shadow_note(s->b,
			&(struct shadow_event){.repo = s->r->id,
					       .kind = (char *)"checks",
					       .pr = p->number,
					       .head = p->head,
					       .detail = (char *)"pending"},
			err) < 0)
		return -1;
	return shadow_ask_checks(s->b, s->r, p->head, &s->names, err) < 0 ? -1 : 0;
}

/* As the queue would take it: by `auto-queue:` where there is one, else when a person could queue it. */
static int is_wanted(struct watch_pass *s, const struct pr *p, struct err *err)
{
	bool yes = false, held = false;

	if (s->conf.auto_queue.on)
		return queue_auto_wants(s->b, s->r, &s->conf, p, err);
	if (queue_held(s->b, s->r, &s->conf, p, &held, err) < 0 ||
	    queue_approved(s->b, s->r, &s->conf, p, p->head, &yes, err) < 0)
		return -1;
	return yes && !held;
}

/* And as it would land it: with what the branch's rules want, of people and of checks. */
static int is_ready(struct watch_pass *s, const struct pr *p, struct err *err)
{
	autofree char *waits = NULL;
	int rc;

	if (strcmp(p->base, s->r->base) != 0)
		return 0;
	rc = is_wanted(s, p, err);
	if (rc <= 0)
		return rc;
	if (queue_rules(s->b, s->r, &s->conf, p, &waits, err) < 0)
		return -1;
	return waits ? 0 : checks_green(s, p, err);
}

static int add_entry(struct watch_pass *s, const struct pr *p, struct err *err)
{
	cleanup(shadow_event_release) struct shadow_event x = {0};
	struct shadow_event now = {
		.repo = s->r->id, .kind = (char *)"ready", .pr = p->number, .head = p->head};
	struct queue_entry_list *l = &s->f.entries;

	if (shadow_note(s->b, &now, err) < 0 ||
	    find(s->b, s->r->id, "ready", p->number, p->head, "", 0, &x, err) < 0)
		return -1;
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct queue_entry){.id = p->number,
					    .repo = s->r->id,
					    .pr = p->number,
					    .head = xstrdup(p->head),
					    .enqueued_ms = x.at_ms};
	return 0;
}

static int find_ready(struct watch_pass *s, struct err *err)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	if (pr_all(s->b->db, ST_PR_LIST, &l, err, "is", s->r->id, "open") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		struct shadow_event seen = {
			.repo = s->r->id, .kind = (char *)"seen", .pr = l.v[i].number};
		int rc = shadow_note(s->b, &seen, err);

		rc = rc < 0 ? -1 : is_ready(s, &l.v[i], err);
		if (rc < 0 || (rc && add_entry(s, &l.v[i], err) < 0))
			return -1;
	}
	return 0;
}

/* ---- what would land ---- */

static int ask_build(struct watch_pass *s, const struct pr *p, size_t place, struct err *err)
{
	struct candidate c = {.pr = p->number,
			      .base = s->r->base_oid,
			      .head = p->head,
			      .method = (char *)conf_method_name(s->conf.queue.method),
			      .created_ms = bot_now(s->b)};
	autofree char *subject = xasprintf("shadow:%lld", (long long)s->r->id);
	autofree char *ref = xasprintf("refs/yardmaster/shadow/%lld", (long long)p->number);
	json_t *q = queue_build_request(s->b, s->r, &c, p, ref, err), *x;

	if (!q)
		return -1;
	json_put(q, "sign_key", json_null()); /* nobody will see it */
	x = json_object_get(q, "ctx");
	json_put_int(x, "pr", p->number);
	json_put_str(x, "head", p->head);
	json_put_str(x, "base", s->r->base_oid);
	json_put_int(x, "place", (int64_t)place);
	return bot_effect(s->b, subject, "shadow-build", q, err, "shadow-build:%lld:%lld:%s:%s",
			  (long long)s->r->id, (long long)p->number, p->head, s->r->base_oid) < 0
		       ? -1
		       : 0;
}

/* 1: that was tried on this base, and failed. */
static int is_unbuilt(struct watch_pass *s, const struct pr *p, struct err *err)
{
	cleanup(shadow_event_release) struct shadow_event x = {0};

	return find(s->b, s->r->id, "unbuilt", p->number, p->head, s->r->base_oid, 0, &x, err);
}

/* 1 it would land, as *ret says; 0 it conflicts, or that is being found out. */
static int would_land(struct watch_pass *s, const struct pr *p, size_t place,
		      struct shadow_event *ret, struct err *err)
{
	cleanup(shadow_event_list_release) struct shadow_event_list bad = {0};
	int rc =
		find(s->b, s->r->id, "would-land", p->number, p->head, s->r->base_oid, 0, ret, err);

	if (rc != 0)
		return rc;
	if (shadow_event_all(s->b->db, ST_SHADOW_OF_HEAD, &bad, err, "isis", s->r->id, "conflict",
			     p->number, p->head) < 0)
		return -1;
	for (size_t i = 0; i < bad.n; i++)
		if (!strcmp(bad.v[i].base, s->r->base_oid))
			return 0;
	return ask_build(s, p, place, err);
}

static json_t *paths_of(const json_t *result)
{
	json_t *list = json_array(), *c;
	size_t i;

	json_array_foreach (json_object_get(result, "conflicts"), i, c)
		if (json_array_size(list) < 100)
			json_array_append_new(list, json_string(json_str(c, "path", "?")));
	return list;
}

/* The PR that brought the lines to the base; 0: none that is known. */
static int64_t culprit(struct bot *b, int64_t repo, const json_t *result)
{
	size_t i, k;
	json_t *c, *oid;

	json_array_foreach (json_object_get(result, "conflicts"), i, c) {
		json_array_foreach (json_object_get(c, "by"), k, oid) {
			cleanup(pr_release) struct pr p = {0};

			if (json_is_string(oid) && pr_find(b->db, ST_PR_LANDED_AS, &p, NULL, "is",
							   repo, json_string_value(oid)) > 0)
				return p.number;
		}
	}
	return 0;
}

int shadow_did_build(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	const json_t *x = json_object_get(p, "ctx"), *r = json_object_get(p, "result");
	autojson json_t *paths = paths_of(r);
	autofree char *text = json_text(paths), *place = NULL;
	struct shadow_event n = {.repo = json_int(x, "repo", 0),
				 .pr = json_int(x, "pr", 0),
				 .head = (char *)json_str(x, "head", ""),
				 .base = (char *)json_str(x, "base", "")};

	(void)e;
	if (!json_flag(p, "ok")) {
		n.kind = (char *)"unbuilt";
		n.detail = (char *)json_str(json_object_get(p, "error"), "text", "?");
		log_warn("shadow mode: PR #%lld could not be merged: %s", (long long)n.pr,
			 n.detail);
	} else if (!strcmp(json_str(r, "outcome", ""), "built")) {
		place = xasprintf("%lld", (long long)json_int(x, "place", 0));
		n.kind = (char *)"would-land";
		n.oid = (char *)json_str(r, "commit", NULL);
		n.tree = (char *)json_str(r, "tree", NULL);
		n.detail = place;
	} else {
		n.kind = (char *)"conflict";
		n.other = culprit(b, n.repo, r);
		n.detail = text;
	}
	if (shadow_note(b, &n, err) < 0)
		return -1;
	/* Of a busy base there would be one for each of its moves. */
	return db_run(b->db, ST_SHADOW_THIN, err, "isis", n.repo, n.kind, n.pr, n.head) < 0 ? -1
											    : 0;
}

/* ---- two that are both ready ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sorted(const struct plan_entry *v)
{
	const char **files = xcalloc(v->nfiles + 1, sizeof(*files));

	for (size_t i = 0; i < v->nfiles; i++)
		files[i] = v->files[i];
	qsort(files, v->nfiles, sizeof(*files), by_name);
	return files;
}

static bool share_files(const struct plan_entry *a, const struct plan_entry *b)
{
	autofree const char **x = sorted(a), **y = sorted(b);

	for (size_t i = 0, k = 0; i < a->nfiles && k < b->nfiles;) {
		int rc = strcmp(x[i], y[k]);

		if (rc == 0)
			return true;
		i += rc < 0;
		k += rc > 0;
	}
	return false;
}

/* `second` would meet what `first` has landed as. */
static int ask_pair(struct watch_pass *s, size_t first, const char *oid, size_t second,
		    struct err *err)
{
	const struct plan_entry *a = &s->f.v[first], *c = &s->f.v[second];
	cleanup(shadow_event_release) struct shadow_event known = {0};
	autofree char *subject = xasprintf("shadow:%lld", (long long)s->r->id);
	json_t *q, *x;
	int rc = find(s->b, s->r->id, "collision", c->pr, c->head, a->head, a->pr, &known, err);

	if (rc != 0 || !share_files(a, c))
		return rc < 0 ? -1 : 0;
	q = git_request_of(s->r, "merge");
	x = json_object_get(q, "ctx");
	json_put_str(q, "base", oid);
	json_put_str(q, "head", c->head);
	json_put(q, "submodules", remote_submodules(s->b, s->r));
	json_put_int(x, "pr", c->pr);
	json_put_str(x, "head", c->head);
	json_put_int(x, "other", a->pr);
	json_put_str(x, "other_head", a->head);
	return bot_effect(s->b, subject, "shadow-pair", q, err, "shadow-pair:%lld:%s:%s",
			  (long long)s->r->id, oid, c->head) < 0
		       ? -1
		       : 0;
}

int shadow_did_pair(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	const json_t *x = json_object_get(p, "ctx"), *r = json_object_get(p, "result");
	autojson json_t *paths = paths_of(r);
	autofree char *text = json_text(paths);
	struct shadow_event n = {.repo = json_int(x, "repo", 0),
				 .kind = (char *)"collision",
				 .pr = json_int(x, "pr", 0),
				 .head = (char *)json_str(x, "head", ""),
				 .base = (char *)json_str(x, "other_head", ""),
				 .other = json_int(x, "other", 0),
				 .detail = text};

	(void)e;
	if (strcmp(json_str(r, "outcome", ""), "conflict") != 0)
		return 0;
	return shadow_note(b, &n, err) < 0 ? -1 : 0;
}

/* ---- the pass ---- */

static size_t index_of(const struct watch_pass *s, int64_t entry)
{
	size_t i = 0;

	while (i < s->f.entries.n && s->f.entries.v[i].id != entry)
		i++;
	return i;
}

/* Those whose turn would come, in the planner's order. */
static int look(struct watch_pass *s, struct err *err)
{
	size_t landing[BUILDS_MAX], n = 0, place = 0;
	char *oids[BUILDS_MAX] = {NULL};
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < s->plan.nactions && place < BUILDS_MAX; k++) {
		const struct plan_action *a = &s->plan.actions[k];
		cleanup(shadow_event_release) struct shadow_event x = {0};
		size_t i = index_of(s, a->entry);

		if (i == s->f.entries.n ||
		    (a->act != PLAN_BUILD && !(a->act == PLAN_WAIT && a->reason == PLAN_R_AHEAD)))
			continue;
		rc = is_unbuilt(s, &s->f.prs[i], err);
		if (rc != 0) {
			rc = rc < 0 ? -1 : 0;
			continue;
		}
		rc = would_land(s, &s->f.prs[i], ++place, &x, err);
		for (size_t j = 0; rc > 0 && j < n && s->pairs < PAIRS_MAX; j++, s->pairs++)
			if (ask_pair(s, landing[j], oids[j], i, err) < 0)
				rc = -1;
		if (rc > 0) {
			landing[n] = i;
			oids[n++] = steal(&x.oid);
		}
		rc = rc < 0 ? -1 : 0;
	}
	for (size_t j = 0; j < n; j++)
		free(oids[j]);
	return rc;
}

int shadow_pass(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(pass_release) struct watch_pass s = {.b = b, .r = r};

	if (end_tasks(b, r, err) < 0 || end_entries(b, r, err) < 0)
		return -1;
	/* The rules of this very base are on their way, or there are none that load. */
	if (!r->base_oid || !r->config_oid || strcmp(r->config_oid, r->base_oid) != 0 ||
	    (r->config_error && !r->config))
		return 0;
	if (bot_repo_conf(b, r, &s.conf, err) < 0 ||
	    ci_required(b, r, &s.conf, &s.names, err) < 0 || find_ready(&s, err) < 0 ||
	    queue_facts_fill(b, r, &s.conf, &s.f, err) < 0)
		return -1;
	s.f.plan.halted = s.f.plan.frozen = false; /* nothing starts here in any case */
	plan_next(&s.f.plan, &s.plan);
	return look(&s, err);
}
