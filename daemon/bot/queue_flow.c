/* queue_flow.c - see queue_flow.h: the pass. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/queue_facts.h"
#include "bot/report.h"
#include "bot/shadow.h"
#include "bot/task_flow.h"

/* ---- in and out ---- */

static bool is_landing(const struct candidate *c)
{
	return !strcmp(c->state, "landing") || !strcmp(c->state, "doubt");
}

/* Said again, as a second approver does: it is there by the latest person's word, and without a priority it keeps
 * its own. */
static int enqueue_again(struct bot *b, struct queue_entry *e, const char *by,
			 const int64_t *priority, struct err *err)
{
	bool person = strcmp(by, QUEUE_BY_AUTO) != 0 && strcmp(by, QUEUE_BY_TASK) != 0;

	if (person)
		row_set(&e->by, by);
	if (priority)
		e->priority = *priority;
	return person || priority ? queue_entry_save(b->db, e, err) : 0;
}

int queue_enqueue(struct bot *b, const struct repo *r, int64_t pr, const char *head, const char *by,
		  const int64_t *priority, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	int rc = queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, err, "ii", r->id, pr);
	json_t *d;

	if (rc < 0)
		return -1;
	if (rc > 0)
		return enqueue_again(b, &e, by, priority, err);
	e.repo = r->id;
	e.pr = pr;
	e.head = xstrdup(head);
	e.by = xstrdup(by);
	e.priority = priority ? *priority : 0;
	e.state = xstrdup("queued");
	e.enqueued_ms = bot_now(b);
	if (queue_entry_insert(b->db, &e, err) < 0)
		return -1;
	d = json_object();
	json_put_str(d, "head", head);
	return bot_audit(b, by, "queue", d, err, "pr:%s:%lld", r->name, (long long)pr);
}

int queue_drop_ref(struct bot *b, const struct repo *r, int64_t candidate, struct err *err)
{
	autofree char *subject = xasprintf("cand:%lld", (long long)candidate);
	autofree char *ref = xasprintf("refs/yardmaster/candidates/%lld", (long long)candidate);
	json_t *p = json_object();

	json_put_str(p, "op", "ref-set");
	json_put_str(p, "repo", r->path);
	json_put_str(p, "ref", ref);
	json_put_bool(p, "any", true);
	if (bot_effect(b, subject, "cand-drop", p, err, "cand-drop:%lld", (long long)candidate) < 0)
		return -1;
	return queue_ci_end(b, r, candidate, err);
}

int queue_drop(struct bot *b, const struct repo *r, int64_t candidate, const char *why,
	       struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	int rc = candidate_get(b->db, candidate, &c, err);

	if (rc <= 0 || c.ended_ms)
		return rc < 0 ? -1 : 0;
	/* What a conflict consists of is asked for later: queue_conflict_of(). */
	if (strcmp(c.state, "conflict") != 0)
		row_set(&c.detail, why);
	row_set(&c.state, "dropped");
	c.ended_ms = bot_now(b);
	if (candidate_save(b->db, &c, err) < 0 || queue_clean(b, &c, why, err) < 0)
		return -1;
	return queue_drop_ref(b, r, c.id, err);
}

static int entry_leave(struct bot *b, const struct repo *r, struct queue_entry *e,
		       const char *state, const char *reason, struct err *err)
{
	json_t *d;

	if (e->candidate && queue_drop(b, r, e->candidate, reason, err) < 0)
		return -1;
	row_set(&e->state, state);
	row_set(&e->reason, reason);
	row_set(&e->waits, NULL);
	e->candidate = 0;
	e->ended_ms = bot_now(b);
	d = json_object();
	json_put_str(d, "reason", reason);
	if (queue_entry_save(b->db, e, err) < 0) {
		json_decref(d);
		return -1;
	}
	return bot_audit(b, "yardmaster", state, d, err, "pr:%s:%lld", r->name, (long long)e->pr);
}

/* What becomes of the task behind a PR. */
static int tell_task(struct bot *b, int64_t repo, int64_t pr, enum bp_ev ev, const char *text,
		     struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", repo, pr);

	return rc <= 0 ? rc : task_tell(b, t.id, ev, text, err);
}

/* Until its verification has ended what is landing can still be called off (queue_land.c). */
int queue_is_landing(struct bot *b, const struct repo *r, int64_t pr, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(landing_release) struct landing l = {0};
	int rc = queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, err, "ii", r->id, pr);

	if (rc > 0 && e.candidate)
		rc = candidate_get(b->db, e.candidate, &c, err);
	if (rc <= 0 || !c.id || !is_landing(&c))
		return rc < 0 ? -1 : 0;
	rc = landing_find(b->db, ST_LANDING_BY_CANDIDATE, &l, err, "i", c.id);
	return rc <= 0 ? rc : strcmp(l.receipt, "{}") != 0;
}

int queue_leave(struct bot *b, const struct repo *r, int64_t pr, const char *state,
		const char *reason, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	cleanup(candidate_release) struct candidate c = {0};
	int rc = queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, err, "ii", r->id, pr);

	if (rc <= 0)
		return rc;
	if (e.candidate && candidate_get(b->db, e.candidate, &c, err) < 0)
		return -1;
	if (c.id && is_landing(&c))
		return 0; /* too late: what is landing was approved, tested and decided */
	if (entry_leave(b, r, &e, state, reason, err) < 0 ||
	    report_pr(b, r->id, pr, xasprintf("Not in the merge queue: %s.", reason), err) < 0)
		return -1;
	return tell_task(b, r->id, pr, BP_EV_DEQUEUED, reason, err) < 0 ? -1 : 1;
}

int queue_task_cancelled(struct bot *b, const struct repo *r, const struct queue_entry *e,
			 struct err *err)
{
	cleanup(task_release) struct task t = {0};
	int rc = task_find(b->db, ST_TASK_LAST_OF_PR, &t, err, "ii", r->id, e->pr);

	return rc <= 0 ? rc : !strcmp(t.state, "cancelled") && t.ended_ms >= e->enqueued_ms;
}

/* While it is landing nothing is told: that ends first, and finds out which of the two it was. */
int queue_merged_by_hand(struct bot *b, const struct repo *r, const struct pr *p, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};
	cleanup(candidate_release) struct candidate c = {0};
	autofree char *what = xasprintf("merged by hand: by %s, as %.12s, not by the merge queue",
					p->merged_by ? p->merged_by : "somebody",
					p->landed ? p->landed : "an unknown commit");

	if (queue_entry_find(b->db, ST_QUEUE_OF_PR, &e, err, "ii", r->id, p->number) < 0 ||
	    (e.candidate && candidate_get(b->db, e.candidate, &c, err) < 0))
		return -1;
	if (c.id && is_landing(&c))
		return 0;
	if (tell_task(b, r->id, p->number, BP_EV_MERGED, what, err) < 0)
		return -1;
	return queue_leave(b, r, p->number, "dequeued", what, err);
}

/*
 * An entry stands for a PR that is open, at the head that was queued, of a task that goes on. What
 * ended that has taken it out, except while it was landing: when that came to nothing it leaves now.
 */
static int leave_if_over(struct bot *b, const struct repo *r, const struct queue_entry *e,
			 struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, e->pr);

	if (rc <= 0)
		return rc;
	if (!strcmp(p.state, "merged"))
		return queue_merged_by_hand(b, r, &p, err);
	if (strcmp(p.state, "open") != 0) {
		rc = queue_leave(b, r, e->pr, "dequeued", "the PR is not open any more", err);
		/* Closed while it was landing, which nobody was told then. */
		return rc <= 0 ? rc
			       : tell_task(b, r->id, e->pr, BP_EV_PR_CLOSED, "the PR was closed",
					   err);
	}
	if (strcmp(p.head, e->head) != 0)
		return queue_leave(b, r, e->pr, "dequeued", "a push came after the approval", err);
	rc = queue_task_cancelled(b, r, e, err);
	return rc <= 0 ? rc : queue_leave(b, r, e->pr, "dequeued", "its task was cancelled", err);
}

/* Its base was changed while it was tested: that was for nothing, and queue_build() says what it means. */
static int drop_if_of_another_base(struct bot *b, const struct repo *r, struct queue_entry *e,
				   const struct pr *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};

	if (!e->candidate || !strcmp(p->base, r->base))
		return 0;
	if (candidate_get(b->db, e->candidate, &c, err) < 0)
		return -1;
	if (is_landing(&c))
		return 0;
	if (queue_drop(b, r, e->candidate, "its base was changed", err) < 0)
		return -1;
	e->candidate = 0;
	return queue_entry_save(b->db, e, err);
}

/* What put it into the queue is looked at again in every pass. */
static int leave_if_not_wanted(struct bot *b, const struct repo *r, const struct conf_repo *conf,
			       struct queue_entry *e, struct err *err)
{
	cleanup(pr_release) struct pr p = {0};
	autofree char *why = NULL;
	enum queue_stand stand;
	int rc = pr_find(b->db, ST_PR_BY_NUMBER, &p, err, "ii", r->id, e->pr);

	if (rc <= 0)
		return rc;
	if (drop_if_of_another_base(b, r, e, &p, err) < 0 ||
	    queue_stands(b, r, conf, e, &p, &stand, &why, err) < 0)
		return -1;
	if (stand != QUEUE_OVER)
		return 0;
	return queue_leave(b, r, e->pr, QUEUE_WITHDRAWN, why, err);
}

static int leave_what_is_not_wanted(struct bot *b, const struct repo *r,
				    const struct conf_repo *conf, struct err *err)
{
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};

	if (queue_entry_all(b->db, ST_QUEUE_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (leave_if_not_wanted(b, r, conf, &l.v[i], err) < 0)
			return -1;
	return 0;
}

static int leave_what_is_over(struct bot *b, const struct repo *r, struct err *err)
{
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};

	if (queue_entry_all(b->db, ST_QUEUE_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (leave_if_over(b, r, &l.v[i], err) < 0)
			return -1;
	return 0;
}

/* ---- actions ---- */

static char *ejection_text(struct bot *b, const struct repo *r, const struct candidate *c,
			   const struct plan_action *a)
{
	autofree char *why = queue_reason_text(a), *log = NULL;

	if (a->reason == PLAN_R_CONFLICT)
		return queue_conflict_text(b, r, c->detail);
	if (a->reason != PLAN_R_RED && a->reason != PLAN_R_ERRORS)
		return xstrdup(why);
	log = report_log(c->detail);
	return xasprintf("%s\n\n%s", why, log);
}

#define SHORT_DETAIL 600 /* bytes */

/* The same for `queue why` and the title of a check: of what failed around the code its first line, which says what
 * a person has to mend. */
static char *ejection_word(const struct repo *r, const struct candidate *c,
			   const struct plan_action *a)
{
	autofree char *why = queue_reason_text(a);
	size_t n = c->detail ? strcspn(c->detail, "\n") : 0;

	if (a->reason == PLAN_R_CONFLICT)
		return queue_conflict_word(r, c->detail);
	if (a->reason != PLAN_R_ERRORS || !n)
		return steal(&why);
	return xasprintf("%s: %.*s", why, (int)text_cut(c->detail, n, SHORT_DETAIL), c->detail);
}

static int eject(struct bot *b, const struct repo *r, struct queue_entry *e,
		 const struct candidate *c, const struct plan_action *a, struct err *err)
{
	autofree char *text = ejection_text(b, r, c, a);
	autofree char *short_ = ejection_word(r, c, a);
	bool failed = a->reason == PLAN_R_RED || a->reason == PLAN_R_ERRORS;
	int64_t id = e->id;

	if (entry_leave(b, r, e, "ejected", short_, err) < 0 || queue_back_told(b, c, err) < 0 ||
	    report_pr_log(b, r->id, e->pr, xasprintf("Not in the merge queue: %s.", short_),
			  failed ? c->detail : NULL, err) < 0 ||
	    bot_say(b, r->id, e->pr, xasprintf("Taken out of the merge queue: %s", text), err,
		    "eject:%lld", (long long)id) < 0)
		return -1;
	if (a->reason == PLAN_R_CONFLICT && queue_is_conflict(c->detail) &&
	    bot_notify(b, "conflict", r->id, e->pr, text, NULL, err) < 0)
		return -1;
	if (a->reason == PLAN_R_ERRORS &&
	    bot_notify(b, "errors", r->id, e->pr, text, NULL, err) < 0)
		return -1;
	return tell_task(b, r->id, e->pr, BP_EV_EJECTED, text, err);
}

/* Takes why. */
static int wait_text(struct bot *b, const struct repo *r, struct queue_entry *e, size_t place,
		     char *why_, struct err *err)
{
	autofree char *why = why_;
	autofree char *waits = xasprintf("%zu: %s", place, why);

	if (e->waits && !strcmp(e->waits, waits))
		return 0;
	row_set(&e->waits, waits);
	if (queue_entry_save(b->db, e, err) < 0)
		return -1;
	return report_pr(b, r->id, e->pr,
			 xasprintf("In the merge queue, place %zu: %s.", place, why), err);
}

static int count_rerun(struct bot *b, struct queue_entry *e, const struct plan_action *a,
		       struct err *err)
{
	if (a->reason == PLAN_R_FLAKE)
		e->reruns++;
	return a->reason == PLAN_R_FLAKE ? queue_entry_save(b->db, e, err) : 0;
}

static int discard(struct bot *b, const struct repo *r, struct queue_entry *e,
		   const struct plan_action *a, struct err *err)
{
	autofree char *why = queue_reason_text(a);

	if (queue_drop(b, r, e->candidate, why, err) < 0)
		return -1;
	e->candidate = 0;
	e->reruns = 0;
	return queue_entry_save(b->db, e, err);
}

static int act(struct bot *b, const struct repo *r, const struct conf_repo *conf,
	       struct queue_facts *f, const struct plan_action *a, size_t place, struct err *err)
{
	size_t i = 0;

	while (i < f->entries.n && f->entries.v[i].id != a->entry)
		i++;
	if (a->act == PLAN_TEST_BASE)
		return queue_test_base(b, r, conf, err);
	if (i == f->entries.n)
		return err_set(err, ERR_INTERNAL, "queue: the plan names entry %lld, unknown",
			       (long long)a->entry);
	struct queue_entry *e = &f->entries.v[i];

	switch (a->act) {
	case PLAN_BUILD:
		return count_rerun(b, e, a, err) < 0 ? -1 : queue_build(b, r, conf, e, err);
	case PLAN_TEST:
		return count_rerun(b, e, a, err) < 0 ? -1 : queue_test(b, r, &f->cands[i], err);
	case PLAN_LAND:
		return queue_land(b, r, &f->cands[i], err);
	case PLAN_SETTLE:
		return wait_text(b, r, e, place, plan_reason_text(a), err) < 0
			       ? -1
			       : queue_settle(b, r, &f->cands[i], err);
	case PLAN_DISCARD:
		return discard(b, r, e, a, err);
	case PLAN_EJECT:
		return eject(b, r, e, &f->cands[i], a, err);
	case PLAN_WAIT:
		if (a->reason == PLAN_R_BASE_RED &&
		    bot_notify(b, "base-red", r->id, 0, r->health_log, r->base_oid, err) < 0)
			return -1;
		return wait_text(b, r, e, place,
				 queue_wait_text(b, r, conf, &f->prs[i], &f->cands[i], a), err);
	case PLAN_TEST_BASE:
		break;
	}
	return 0;
}

/* 1: as many gates run as may (limits.gates, over all repositories); the end of one comes back here. */
static int must_wait(struct bot *b, enum plan_act act, struct err *err)
{
	int64_t busy = 0;

	if (act != PLAN_TEST && act != PLAN_TEST_BASE)
		return 0;
	if (db_int(b->db, ST_CANDIDATE_TESTING, &busy, err, "") < 0)
		return -1;
	return busy >= b->conf->limits.gates;
}

/* What tests the base says nothing of itself: the entry that it is tested for does. */
static int wait_for_place(struct bot *b, const struct repo *r, struct queue_facts *f,
			  const struct plan_action *a, size_t place, struct err *err)
{
	size_t i = 0;

	while (i < f->entries.n && f->entries.v[i].id != a->entry)
		i++;
	if (i == f->entries.n)
		return 0;
	return wait_text(b, r, &f->entries.v[i], place,
			 xasprintf("is built and waits for a place to be tested: %lld of %lld are "
				   "taken (limits.gates)",
				   (long long)b->conf->limits.gates,
				   (long long)b->conf->limits.gates),
			 err);
}

/* Without a base, or without rules, nothing is built: all wait, and say for what. Takes why. */
int queue_all_wait(struct bot *b, const struct repo *r, char *why_, struct err *err)
{
	autofree char *why = why_;
	cleanup(queue_entry_list_release) struct queue_entry_list l = {0};

	if (queue_entry_all(b->db, ST_QUEUE_OPEN, &l, err, "i", r->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		cleanup(candidate_release) struct candidate c = {0};
		struct queue_entry *e = &l.v[i];

		if (e->candidate && candidate_get(b->db, e->candidate, &c, err) < 0)
			return -1;
		if (c.id && is_landing(&c)) {
			if (!strcmp(c.state, "doubt") && queue_settle(b, r, &c, err) < 0)
				return -1;
			continue;
		}
		if (e->candidate && queue_drop(b, r, e->candidate, why, err) < 0)
			return -1;
		e->candidate = 0;
		if (wait_text(b, r, e, i + 1, xstrdup(why), err) < 0)
			return -1;
	}
	return 0;
}

static int pass_once(struct bot *b, const struct repo *r, bool *ret_again, struct err *err)
{
	cleanup(queue_facts_release) struct queue_facts f = {0};
	cleanup(plan_release) struct plan plan = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	int keeps;

	*ret_again = false;
	if (leave_what_is_over(b, r, err) < 0)
		return -1;
	if (shadow_on(b, r->id))
		return shadow_pass(b, r, err);
	if (!r->base_oid)
		return queue_all_wait(b, r, xasprintf("waits: there is no branch `%s`", r->base),
				      err);
	/* The rules of this very base are on their way: nothing is tested by older ones. */
	if (!r->config_oid || strcmp(r->config_oid, r->base_oid) != 0)
		return 0;
	/* Until it is known what a move took out of the base nothing is built that could bring it back. In a halt nothing
	 * is built anyway, and the entries say that this is why. */
	keeps = bot_halted(b, NULL) ? 0 : queue_keeps_tip(b, r, err);
	if (keeps != 0)
		return keeps < 0 ? -1 : 0;
	/* No rules at all are not the default ones: those test nothing. */
	if (r->config_error && !r->config)
		return queue_all_wait(
			b, r,
			xasprintf("waits: the configuration on `%s` is broken and there is "
				  "no earlier one; mend it in the repository itself (%s)",
				  r->base, r->config_error),
			err);
	/* Written for another version of the program: it was taken then, and is refused now. */
	if (bot_repo_conf(b, r, &conf, &why) < 0)
		return queue_all_wait(
			b, r,
			xasprintf(
				"waits: the configuration of `%s` that was in force is refused by "
				"this version; fix it in the repository itself (%s)",
				r->base, err_text(&why)),
			err);
	if (leave_what_is_not_wanted(b, r, &conf, err) < 0 || queue_auto(b, r, &conf, err) < 0 ||
	    queue_facts_read(b, r, &conf, &f, err) < 0)
		return -1;
	if (!f.entries.n)
		return 0;
	plan_next(&f.plan, &plan);
	for (size_t i = 0; i < plan.nactions; i++) {
		const struct plan_action *a = &plan.actions[i];

		int rc = must_wait(b, a->act, err);

		if (rc < 0 || (rc ? wait_for_place(b, r, &f, a, i + 1, err)
				  : act(b, r, &conf, &f, a, i + 1, err)) < 0)
			return -1;
		/* A doubt is asked, not decided: its answer is an event. */
		*ret_again =
			*ret_again || (rc == 0 && a->act != PLAN_WAIT && a->act != PLAN_SETTLE);
	}
	return 0;
}

/* The repository's row is read anew: the pass before may have changed it. */
static int pass_fresh(struct bot *b, int64_t repo, bool *ret_again, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	return bot_repo(b, repo, &r, err) < 0 ? -1 : pass_once(b, &r, ret_again, err);
}

/* In a savepoint: what one repository's queue cannot decide must not end the daemon, which would not
 * decide it after a restart either, nor stop the others. */
static int pass_kept(struct bot *b, const struct repo *r, bool *ret_again, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;

	if (db_savepoint(b->db, err) < 0)
		return -1;
	if (pass_fresh(b, r->id, ret_again, &why) == 0)
		return db_release(b->db, err);
	db_rollback_to(b->db);
	*ret_again = false;
	if (why.code == ERR_IO || why.code == ERR_CORRUPT)
		return err_move(err, &why);
	log_error("queue of %s: %s", r->name, err_text(&why));
	return 0;
}

int queue_pass(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list repos = {0};

	if (repo_all(b->db, ST_REPO_ALL, &repos, err, "") < 0)
		return -1;
	for (size_t i = 0; i < repos.n; i++) {
		bool again = true;

		/* Every action changes the facts. Bounded: each one takes an entry out, or brings a
		 * candidate one step on or away, until all wait for something outside. */
		while (again)
			if (pass_kept(b, &repos.v[i], &again, err) < 0)
				return err_wrap(err, "queue of %s", repos.v[i].name);
	}
	return 0;
}
