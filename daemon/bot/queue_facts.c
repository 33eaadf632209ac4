/* queue_facts.c - see queue_facts.h */
#include "bot/queue_facts.h"

#include "base/mem.h"
#include "bot/approvals.h"
#include "bot/queue_depends.h"
#include "bot/queue_rules.h"
#include "bot/remote.h"

int queue_approvals(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		    const struct pr *pr, const char *head, int64_t *ret, struct err *err)
{
	return approvals_count(b, r, pr->number, head,
			       conf->queue.author_may_approve ? NULL : pr->author, ret, err);
}

int queue_approved(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		   const struct pr *pr, const char *head, bool *ret, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int64_t have = 0;
	int rc;

	*ret = false;
	if (strcmp(pr->head, head) != 0)
		return 0;
	rc = conf->queue.approvals ? queue_approvals(b, r, conf, pr, head, &have, err) : 0;
	if (rc < 0)
		return -1;
	if (have < conf->queue.approvals)
		return 0;
	if (conf->queue.labeller_may_approve || !pr->task || !conf->queue.approvals) {
		*ret = true;
		return 0;
	}
	/* Who labelled the agent's issue may not be the only one. */
	rc = task_get(b->db, pr->task, &t, err);
	if (rc <= 0)
		return rc;
	if (approvals_count(b, r, pr->number, head, t.requester, &have, err) < 0)
		return -1;
	*ret = have > 0;
	return 0;
}

void queue_facts_release(struct queue_facts *f)
{
	for (size_t i = 0; f->v && i < f->entries.n; i++) {
		pr_release(&f->prs[i]);
		candidate_release(&f->cands[i]);
		free((void *)f->v[i].deps);
		for (size_t j = 0; j < f->v[i].nfiles; j++)
			free((void *)f->v[i].files[j]);
		free((void *)f->v[i].files);
	}
	queue_entry_list_release(&f->entries);
	free(f->prs);
	free(f->cands);
	free(f->v);
}

static int dep_state(struct bot *b, const struct repo *r, int64_t number, enum plan_dep_state *ret,
		     struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int lost = 0, rc = pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, number);
	int asked = rc == 0 ? remote_is_looking(b, r, number, err) : 0;

	if (rc > 0 && !strcmp(p.state, "merged"))
		lost = queue_is_lost(b, r, number, err);
	if (rc < 0 || lost < 0 || asked < 0)
		return -1;
	*ret = rc == 0                      ? (asked ? PLAN_DEP_OPEN : PLAN_DEP_MISSING)
	       : !strcmp(p.state, "merged") ? (lost ? PLAN_DEP_OPEN : PLAN_DEP_MERGED)
	       : !strcmp(p.state, "open")   ? PLAN_DEP_OPEN
					    : PLAN_DEP_CLOSED;
	return 0;
}

static int fill_deps(struct bot *b, const struct repo *r, struct plan_entry *v, struct err *err)
{
	cleanup(dependency_list_release) struct dependency_list l = {0};
	struct plan_dep *deps;

	if (dependency_all(b->db, ST_DEPENDENCY_OF, &l, err, "ii", r->id, v->pr) < 0)
		return -1;
	deps = xcalloc(l.n, sizeof(*deps));
	v->deps = deps;
	for (size_t i = 0; i < l.n; i++) {
		if (v->ndeps && deps[v->ndeps - 1].pr == l.v[i].on_pr)
			continue; /* named by two sources */
		deps[v->ndeps].pr = l.v[i].on_pr;
		if (dep_state(b, r, l.v[i].on_pr, &deps[v->ndeps].state, err) < 0)
			return -1;
		v->ndeps++;
	}
	return 0;
}

int queue_depends_text(struct bot *b, const struct repo *r, const struct pr *pr, const char *head,
		       char **ret_why, struct err *err)
{
	cleanup(dependency_list_release) struct dependency_list l = {0};

	*ret_why = NULL;
	if (!pr->known_head || strcmp(pr->known_head, head) != 0) {
		*ret_why = xstrdup("what it depends on is not known");
		return 0;
	}
	if (dependency_all(b->db, ST_DEPENDENCY_OF, &l, err, "ii", r->id, pr->number) < 0)
		return -1;
	for (size_t i = 0; i < l.n && !*ret_why; i++) {
		enum plan_dep_state state;

		if (dep_state(b, r, l.v[i].on_pr, &state, err) < 0)
			return -1;
		if (state != PLAN_DEP_MERGED)
			*ret_why = xasprintf("it depends on #%lld, which is not merged",
					     (long long)l.v[i].on_pr);
	}
	return 0;
}

static void fill_files(const struct pr *p, struct plan_entry *v)
{
	autojson json_t *a = NULL;
	const char **files;
	json_t *s;
	size_t i;

	if (json_parse(p->files, strlen(p->files), SIZE_MAX, &a, NULL) < 0)
		return;
	files = xcalloc(json_array_size(a), sizeof(*files));
	json_array_foreach (a, i, s)
		if (json_is_string(s))
			files[v->nfiles++] = xstrdup(json_string_value(s));
	v->files = files;
}

int queue_held(struct bot *b, const struct repo *r, const struct conf_repo *conf,
	       const struct pr *p, bool *ret, struct err *err)
{
	cleanup(label_list_release) struct label_list l = {0};
	int depends = queue_depends_held(b, r, p->number, NULL, err);

	*ret = p->held || p->draft || depends > 0;
	if (depends < 0 || label_all(b->db, ST_LABEL_OF, &l, err, "ii", r->id, p->number) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		*ret = *ret || !strcmp(l.v[i].name, conf->label_hold);
	return 0;
}

/* By people, by what the forge's rules still want, or until the forge has said what who queued it may do. */
static int waits_outside(struct bot *b, const struct repo *r, const struct conf_repo *conf,
			 const struct queue_entry *e, const struct pr *p, bool *ret,
			 struct err *err)
{
	autofree char *why = NULL, *unsure = NULL;
	enum queue_stand stand;

	if (queue_held(b, r, conf, p, ret, err) < 0 ||
	    queue_stands(b, r, conf, e, p, &stand, &unsure, err) < 0)
		return -1;
	*ret = *ret || stand != QUEUE_STANDS;
	if (*ret || strcmp(p->base, r->base) != 0)
		return 0;
	if (queue_rules(b, r, conf, p, &why, err) < 0)
		return -1;
	*ret = why != NULL;
	return 0;
}

static int fill_entry(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		      struct queue_facts *f, size_t i, struct err *err)
{
	const struct queue_entry *e = &f->entries.v[i];
	struct plan_entry *v = &f->v[i];
	struct pr *p = &f->prs[i];
	struct candidate *c = &f->cands[i];
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, p, err, "ii", r->id, e->pr);

	if (rc == 0)
		err_set(err, ERR_INTERNAL, "queue: PR #%lld has an entry and no row",
			(long long)e->pr);
	if (rc <= 0)
		return -1;
	v->id = e->id;
	v->pr = e->pr;
	v->head = e->head;
	v->priority = (int)e->priority;
	v->enqueued_ms = e->enqueued_ms;
	v->reruns = (int)e->reruns;
	v->errors = (int)e->errors;
	v->unknown = !p->known_head || strcmp(p->known_head, e->head) != 0;
	if (e->candidate && candidate_get(b->db, e->candidate, c, err) < 0)
		return -1;
	if (c->id) {
		v->cand = plan_cand_of(c->state);
		v->rebuild = c->ci_red;
		v->cand_base = c->base;
		v->cand_head = c->head;
	}
	fill_files(p, v);
	if (queue_approved(b, r, conf, p, e->head, &v->approved, err) < 0 ||
	    waits_outside(b, r, conf, e, p, &v->held, err) < 0)
		return -1;
	return fill_deps(b, r, v, err);
}

static enum plan_health health_of(const struct repo *r)
{
	return r->health_oid && r->base_oid && !strcmp(r->health_oid, r->base_oid)
		       ? (enum plan_health)r->health
		       : PLAN_BASE_UNKNOWN;
}

/* How often the checks of exactly this base ended so. */
static int count_base(struct bot *b, const struct repo *r, const char *state, int64_t *ret,
		      struct err *err)
{
	return db_int(b->db, ST_CANDIDATE_BASE_COUNT, ret, err, "iss", r->id, r->base_oid, state) <
			       0
		       ? -1
		       : 0;
}

int queue_facts_fill(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     struct queue_facts *f, struct err *err)
{
	int64_t reds = 0, errors = 0;
	int paused = remote_paused(b, r, NULL, err);
	autofree char *unread = NULL;

	if (paused < 0 || queue_rules_unread(b, r, &unread, err) < 0)
		return -1;
	f->prs = xcalloc(f->entries.n, sizeof(*f->prs));
	f->cands = xcalloc(f->entries.n, sizeof(*f->cands));
	f->v = xcalloc(f->entries.n, sizeof(*f->v));
	for (size_t i = 0; i < f->entries.n; i++)
		if (fill_entry(b, r, conf, f, i, err) < 0)
			return -1;
	if (count_base(b, r, "red", &reds, err) < 0 ||
	    count_base(b, r, "errored", &errors, err) < 0)
		return -1;
	f->plan = (struct plan_facts){
		.base = r->base_oid,
		.health = health_of(r),
		.base_reds = (int)reds,
		.base_errors = (int)errors,
		.frozen = r->frozen || unread || paused,
		.halted = bot_halted(b, NULL),
		.flake_reruns = (int)conf->queue.flake_reruns,
		.retries = (int)conf->queue.retries,
		.entries = f->v,
		.nentries = f->entries.n,
	};
	return 0;
}

int queue_facts_read(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		     struct queue_facts *f, struct err *err)
{
	return queue_entry_all(b->db, ST_QUEUE_OPEN, &f->entries, err, "i", r->id) < 0
		       ? -1
		       : queue_facts_fill(b, r, conf, f, err);
}
