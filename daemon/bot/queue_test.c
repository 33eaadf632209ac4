/* queue_test.c - see queue_flow.h: building a candidate, testing it and the base. */
#include "bot/queue_flow.h"

#include "base/buf.h"
#include "base/landing_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "bot/git_request.h"
#include "bot/remote.h"
#include "bot/report.h"
#include "bot/runs.h"
#include "sys/fs.h"

#define LOG_KEEP ((size_t)48 << 10)
#define MB       ((int64_t)1 << 20)

json_t *queue_request(const struct repo *r, const struct candidate *c, const char *op)
{
	json_t *p = git_request_of(r, op);

	json_put_int(json_object_get(p, "ctx"), "candidate", c->id);
	return p;
}

static char *folder(struct bot *b, const struct candidate *c)
{
	return xasprintf("%s/checkouts/c%lld-%lld", b->data, (long long)c->id,
			 (long long)c->run_number);
}

/* A stacked child's merge base is its landed parent's approved head, however the parent landed; of
 * several the one that landed last, which is on top of the others. */
static int stack_parent(struct bot *b, const struct repo *r, int64_t pr, struct pr *ret,
			struct err *err)
{
	cleanup(dependency_list_release) struct dependency_list l = {0};

	if (dependency_all(b->db, ST_DEPENDENCY_OF, &l, err, "ii", r->id, pr) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		cleanup(pr_release) struct pr parent = {0};

		if (strcmp(l.v[i].source, "stack") != 0)
			continue;
		if (pr_find(b->db, ST_PR_BY_NUMBER, &parent, err, "ii", r->id, l.v[i].on_pr) < 0)
			return -1;
		if (!parent.state || strcmp(parent.state, "merged") != 0 ||
		    parent.updated_ms < ret->updated_ms)
			continue;
		pr_release(ret);
		*ret = parent;
		parent = (struct pr){0};
	}
	return 0;
}

/* What the message is filled with (base/landing_text.h); the git role adds what only it knows. */
static void put_message(json_t *q, const struct conf_repo *conf, const struct pr *pr,
			const char *method)
{
	json_t *f = json_object();

	json_put_str(q, "message",
		     conf->queue.message ? conf->queue.message : landing_text_default(method));
	json_put_str(f, "title", pr->title);
	json_put_str(f, "body", pr->body);
	json_put_int(f, "number", pr->number);
	json_put_str(f, "author", pr->author);
	json_put_str(f, "base", pr->base);
	json_put_str(f, "topic", pr->topic);
	json_put(q, "fields", f);
}

static char *gates_json(const struct conf_repo *conf)
{
	autojson json_t *a = json_array();

	for (size_t i = 0; i < conf->queue.gates.n; i++)
		json_array_append_new(a, json_string(conf->queue.gates.v[i]));
	return json_text(a);
}

json_t *queue_build_request(struct bot *b, const struct repo *r, const struct candidate *c,
			    const struct pr *pr, const char *ref, struct err *err)
{
	cleanup(pr_release) struct pr parent = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	json_t *p;

	if (bot_repo_conf(b, r, &conf, err) < 0 || stack_parent(b, r, pr->number, &parent, err) < 0)
		return NULL;
	p = queue_request(r, c, "candidate");
	json_put_str(p, "base", c->base);
	json_put_str(p, "head", c->head);
	json_put_str(p, "merge_base", parent.head);
	json_put_str(p, "merge_base_landed", parent.landed);
	json_put_str(p, "method", c->method);
	put_message(p, &conf, pr, c->method);
	json_put_str(p, "author_name", b->conf->author_name);
	json_put_str(p, "author_email", b->conf->author_email);
	json_put_int(p, "time_ms", c->created_ms);
	json_put_str(p, "sign_key", b->conf->sign_key);
	json_put_str(p, "ref", ref);
	json_put(p, "submodules", remote_submodules(b, r));
	if (queue_back_wanted(b, r, pr->number, c->head, p, err) == 0)
		return p;
	json_decref(p);
	return NULL;
}

static int ask_build(struct bot *b, const struct repo *r, const struct candidate *c,
		     const struct pr *pr, struct err *err)
{
	autofree char *subject = xasprintf("cand:%lld", (long long)c->id);
	autofree char *ref = xasprintf("refs/yardmaster/candidates/%lld", (long long)c->id);
	json_t *p = queue_build_request(b, r, c, pr, ref, err);

	if (!p)
		return -1;
	return bot_effect(b, subject, "cand-build", p, err, "cand-build:%lld", (long long)c->id) < 0
		       ? -1
		       : 0;
}

/* The queue lands on one branch. A PR based on another one is stacked on an open PR, and was given the
 * base when that landed; or it is meant for somewhere else. */
static int wrong_base(struct bot *b, const struct repo *r, const struct pr *pr, struct err *err)
{
	autofree char *text = xasprintf("its base is `%s`, and the merge queue lands on `%s` only; "
					"change the PR's base",
					pr->base, r->base);

	if (queue_leave(b, r, pr->number, "ejected", text, err) < 0)
		return -1;
	return bot_say(b, r->id, pr->number, xasprintf("Taken out of the merge queue: %s.", text),
		       err, "wrong-base:%lld:%lld", (long long)r->id, (long long)pr->number);
}

/* Commits know seconds: built again within the same one it would be the same commit, of which the forge's
 * checks have been told already. */
static int built_at(struct bot *b, const struct queue_entry *e, int64_t *ret_ms, struct err *err)
{
	cleanup(candidate_release) struct candidate before = {0};
	int64_t next;

	*ret_ms = bot_now(b);
	if (!e->candidate)
		return 0;
	if (candidate_get(b->db, e->candidate, &before, err) < 0)
		return -1;
	next = (before.created_ms / 1000 + 1) * 1000;
	*ret_ms = *ret_ms > next ? *ret_ms : next;
	return 0;
}

int queue_build(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		struct queue_entry *e, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(pr_release) struct pr pr = {0};

	if (pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", r->id, e->pr) <= 0)
		return -1;
	if (strcmp(pr.base, r->base) != 0)
		return wrong_base(b, r, &pr, err);
	if (built_at(b, e, &c.created_ms, err) < 0)
		return -1;
	/* The one before it, after an infrastructure failure or red checks of the forge. */
	if (e->candidate && queue_drop(b, r, e->candidate, "built again", err) < 0)
		return -1;
	c.repo = r->id;
	c.kind = xstrdup("pr");
	c.entry = e->id;
	c.pr = e->pr;
	c.base = xstrdup(r->base_oid);
	c.head = xstrdup(e->head);
	c.method = xstrdup(conf_method_name(conf->queue.method));
	c.gates = gates_json(conf);
	c.state = xstrdup("building");
	c.checks = xstrdup("[]");
	if (candidate_insert(b->db, &c, err) < 0)
		return -1;
	e->candidate = c.id;
	if (queue_entry_save(b->db, e, err) < 0)
		return -1;
	return ask_build(b, r, &c, &pr, err);
}

/* The candidate of a result, when it is still the one that is alive: 1, 0, -1. */
static int live_candidate(struct bot *b, const json_t *p, struct candidate *ret, struct err *err)
{
	int rc =
		candidate_get(b->db, json_int(json_object_get(p, "ctx"), "candidate", 0), ret, err);

	return rc <= 0 ? rc : ret->ended_ms ? 0 : 1;
}

/* A word about the code: errors are counted in a row. */
static int forget_errors(struct bot *b, const struct candidate *c, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	if (!c->entry || queue_entry_get(b->db, c->entry, &e, err) < 0)
		return c->entry ? -1 : 0;
	if (!e.id || !e.errors)
		return 0;
	e.errors = 0;
	return queue_entry_save(b->db, &e, err);
}

int queue_set_state(struct bot *b, struct candidate *c, enum plan_cand s, const char *detail,
		    struct err *err)
{
	if ((s == PLAN_CAND_GREEN || s == PLAN_CAND_RED || s == PLAN_CAND_CONFLICT) &&
	    forget_errors(b, c, err) < 0)
		return -1;
	row_set(&c->state, plan_cand_name(s));
	if (s == PLAN_CAND_GREEN || s == PLAN_CAND_RED || s == PLAN_CAND_CONFLICT)
		row_set(&c->verdict, plan_cand_name(s));
	if (detail)
		row_set(&c->detail, detail);
	return candidate_save(b->db, c, err);
}

/* An infrastructure failure: counted on the entry, which the planner retries within bounds. */
int queue_set_errored(struct bot *b, struct candidate *c, const char *why, struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	if (c->entry) {
		if (queue_entry_get(b->db, c->entry, &e, err) < 0)
			return -1;
		e.errors++;
		if (e.id && queue_entry_save(b->db, &e, err) < 0)
			return -1;
	}
	return queue_set_state(b, c, PLAN_CAND_ERRORED, why, err);
}

int queue_set_late(struct bot *b, struct candidate *c, int64_t retries, const char *why,
		   struct err *err)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	if (queue_entry_get(b->db, c->entry, &e, err) < 0)
		return -1;
	if (e.id && e.errors < retries - 1) {
		e.errors = retries - 1;
		if (queue_entry_save(b->db, &e, err) < 0)
			return -1;
	}
	return queue_set_errored(b, c, why, err);
}

/* The base has its head already: the PR is merged before the planner takes it for a conflict. */
static int merged_by_hand(struct bot *b, const struct candidate *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(pr_release) struct pr pr = {0};

	if (bot_repo(b, c->repo, &r, err) < 0 ||
	    pr_find(b->db, ST_PR_BY_NUMBER, &pr, err, "ii", r.id, c->pr) < 0)
		return -1;
	return pr.id ? queue_merge_by_hand(b, &r, &pr, c->base, c->base, err) : 0;
}

int queue_did_build(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	const json_t *r = json_object_get(p, "result");
	const char *outcome = json_str(r, "outcome", "");
	autofree char *detail = NULL;
	int rc = live_candidate(b, p, &c, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (!json_flag(p, "ok"))
		return queue_set_errored(b, &c, json_str(json_object_get(p, "error"), "text", ""),
					 err);
	if (strcmp(outcome, "built") != 0) {
		if (!strcmp(outcome, "merged") && merged_by_hand(b, &c, err) < 0)
			return -1;
		detail = json_text(r);
		return queue_set_state(b, &c, PLAN_CAND_CONFLICT, detail, err);
	}
	row_set(&c.merge_base, json_str(r, "merge_base", NULL));
	row_set(&c.oid, json_str(r, "commit", NULL));
	row_set(&c.tree, json_str(r, "tree", NULL));
	return queue_set_state(b, &c, PLAN_CAND_BUILT, NULL, err);
}

/* ---- gates ---- */

static int gate_count(const struct candidate *c, json_t **ret, struct err *err)
{
	return json_parse(c->gates, strlen(c->gates), SIZE_MAX, ret, err);
}

/* Our own say is said; the forge's may be to come. */
static int gates_green(struct bot *b, struct candidate *c, struct err *err)
{
	int rc = queue_ci_begin(b, c, err);

	return rc ? (rc < 0 ? -1 : 0) : queue_set_state(b, c, PLAN_CAND_GREEN, NULL, err);
}

int queue_test(struct bot *b, const struct repo *r, struct candidate *c, struct err *err)
{
	autojson json_t *gates = NULL;
	autofree char *subject = xasprintf("cand:%lld", (long long)c->id), *dir = NULL;
	autofree char *tree = NULL, *git = NULL;
	json_t *p;

	if (gate_count(c, &gates, err) < 0)
		return -1;
	c->run_number++;
	c->gate = 0;
	row_set(&c->checks, "[]");
	c->ci_red = 0;
	if (!json_array_size(gates))
		return gates_green(b, c, err);
	dir = folder(b, c);
	tree = xasprintf("%s/tree", dir);
	git = xasprintf("%s/git", dir);
	p = queue_request(r, c, "checkout");
	json_put_str(p, "commit", c->oid);
	json_put_str(p, "path", tree);
	json_put_str(p, "gitdir", git);
	runs_base(b, r, c->base, p);
	if (bot_effect(b, subject, "cand-checkout", p, err, "checkout:%lld:%lld", (long long)c->id,
		       (long long)c->run_number) < 0)
		return -1;
	return queue_set_state(b, c, PLAN_CAND_TESTING, NULL, err);
}

static void gate_limits(struct bot *b, int64_t timeout_ms, struct run_limits *l)
{
	const struct conf_daemon *d = b->conf;

	l->wall_ms = timeout_ms;
	l->cpu_ms = d->runs.cpu_minutes * 60000;
	l->mem_bytes = d->runs.memory_mb * MB;
	l->procs = d->runs.processes;
	l->disk_bytes = d->runs.disk_mb * MB;
	l->fsize_bytes = d->runs.file_mb * MB;
	l->out_bytes = d->runs.output_mb * MB;
}

/* The set-up of the queue's environment goes before the first gate, in the same run folder. */
static char *gate_script(const struct conf_repo *conf, const char *gate, int64_t index)
{
	autofree char *setup = NULL;

	if (index || !conf->queue.setup.n)
		return xstrdup(gate);
	setup = strvec_join(&conf->queue.setup, "\n");
	return xasprintf("set -e\n%s\nset +e\n%s", setup, gate);
}

static int start_gate(struct bot *b, struct candidate *c, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(run_spec_release) struct run_spec spec;
	cleanup(attempt_release) struct attempt a = {0};
	autofree char *subject = xasprintf("cand:%lld", (long long)c->id);
	autofree char *dir = folder(b, c), *script = NULL;
	autojson json_t *gates = NULL;
	const char *gate;
	json_t *p;

	run_spec_init(&spec);
	if (bot_repo(b, c->repo, &r, err) < 0 || bot_repo_conf(b, &r, &conf, err) < 0 ||
	    gate_count(c, &gates, err) < 0)
		return -1;
	gate = json_string_value(json_array_get(gates, (size_t)c->gate));
	script = gate_script(&conf, gate, c->gate);
	a.repo = c->repo;
	a.candidate = c->id;
	a.run = xasprintf("c%lld-g%lld-%lld", (long long)c->id, (long long)c->gate,
			  (long long)c->run_number);
	a.kind = xstrdup(!strcmp(c->kind, "base") ? "base-gate" : "queue-gate");
	a.number = c->gate;
	a.round = c->run_number;
	a.command = xstrdup(gate);
	a.network = xstrdup("none");
	a.state = xstrdup("running");
	a.created_ms = bot_now(b);
	spec.id = xstrdup(a.run);
	strvec_pushl(&spec.argv, "/bin/sh", "-c", script, NULL);
	spec.workdir = xasprintf("%s/tree", dir);
	spec.gitdir = xasprintf("%s/git", dir);
	spec.objects = xasprintf("%s/objects", r.path);
	spec.modules = runs_modules(&r);
	runs_env(&(struct runs_env){.repo = &r,
				    .base_sha = c->base,
				    .head = c->pr ? c->head : NULL,
				    .commit = c->oid,
				    .pr = c->pr},
		 &spec);
	gate_limits(b, conf.queue.timeout_ms, &spec.limits);
	p = json_object();
	json_put_str(p, "run", a.run);
	json_put(p, "ctx", json_pack("{s:s}", "run", a.run));
	json_put(p, "spec", runs_spec_json(&spec));
	if (attempt_insert(b->db, &a, err) < 0)
		return -1;
	return bot_effect(b, subject, "run-start", p, err, "run:%s", a.run) < 0 ? -1 : 0;
}

static int set_health(struct bot *b, const struct candidate *c, enum plan_health h, const char *log,
		      struct err *err)
{
	cleanup(repo_release) struct repo r = {0};

	if (bot_repo(b, c->repo, &r, err) < 0)
		return -1;
	r.health = h;
	row_set(&r.health_oid, c->base);
	row_set(&r.health_log, log);
	return repo_save(b->db, &r, err);
}

/* A base candidate has one purpose: to know who is to blame. */
int queue_base_ended(struct bot *b, struct candidate *c, enum plan_cand s, const char *log,
		     struct err *err)
{
	enum plan_health h = s == PLAN_CAND_GREEN ? PLAN_BASE_GREEN
			     : s == PLAN_CAND_RED ? PLAN_BASE_RED
						  : PLAN_BASE_UNKNOWN;

	c->ended_ms = bot_now(b);
	if (queue_set_state(b, c, s, log, err) < 0)
		return -1;
	return set_health(b, c, h, log, err);
}

static int finish(struct bot *b, struct candidate *c, enum plan_cand s, const char *log,
		  struct err *err)
{
	int rc = queue_clean(b, c, NULL, err) < 0 ? -1 : 0;

	if (rc == 0 && s == PLAN_CAND_GREEN)
		rc = queue_ci_begin(b, c, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (!strcmp(c->kind, "base"))
		return queue_base_ended(b, c, s, log, err);
	return s == PLAN_CAND_ERRORED ? queue_set_errored(b, c, log, err)
				      : queue_set_state(b, c, s, log, err);
}

/* Files that the checkout must have cannot be had: another try would find the same, and a person has to act. */
static int cannot_check_out(struct bot *b, struct candidate *c, const char *text, struct err *err)
{
	autojson json_t *detail = json_object();
	autofree char *said = NULL;

	json_put_str(detail, "outcome", "refused");
	json_put_str(detail, "reason", "checkout");
	json_put_str(detail, "text", text);
	said = json_text(detail);
	return queue_clean(b, c, NULL, err) < 0
		       ? -1
		       : queue_set_state(b, c, PLAN_CAND_CONFLICT, said, err);
}

int queue_did_checkout(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	const json_t *error = json_object_get(p, "error");
	const char *filters, *code = json_str(error, "code", "");
	int rc = live_candidate(b, p, &c, err);

	(void)e;
	if (rc <= 0)
		return rc;
	if (!json_flag(p, "ok") && !strcmp(code, "denied") && !strcmp(c.kind, "pr"))
		return cannot_check_out(b, &c, json_str(error, "text", ""), err);
	if (!json_flag(p, "ok"))
		return finish(b, &c, PLAN_CAND_ERRORED, json_str(error, "text", ""), err);
	filters = json_str(json_object_get(p, "result"), "filters", NULL);
	if (filters)
		log_info("candidate %lld: files of filter %s are tested as they are stored; no "
			 "filter "
			 "is run",
			 (long long)c.id, filters);
	return start_gate(b, &c, err);
}

static int add_check(struct candidate *c, const struct attempt *a, struct err *err)
{
	autojson json_t *list = NULL;
	json_t *k = json_object();

	if (json_parse(c->checks, strlen(c->checks), SIZE_MAX, &list, err) < 0) {
		json_decref(k);
		return -1;
	}
	json_put_str(k, "command", a->command);
	json_put_str(k, "run", a->run);
	json_put_str(k, "outcome", a->outcome);
	json_put_int(k, "code", a->code);
	json_put_int(k, "ms", a->ended_ms - a->started_ms);
	json_array_append_new(list, k);
	row_take(&c->checks, json_text(list));
	return 0;
}

/* What a gate's end says about the candidate; GREEN means: of this gate. */
static enum plan_cand verdict(const char *outcome, bool infrastructure, int64_t code)
{
	if (infrastructure || !strcmp(outcome, run_outcome_name(RUN_TIMEOUT)) ||
	    !strcmp(outcome, run_outcome_name(RUN_SILENT)))
		return PLAN_CAND_ERRORED;
	if (!strcmp(outcome, run_outcome_name(RUN_EXITED)) && code == 0)
		return PLAN_CAND_GREEN;
	return PLAN_CAND_RED;
}

static char *gate_log(struct bot *b, const struct attempt *a)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *path = run_path(b->runs, a->run, "out");

	if (fs_read_tail(path, LOG_KEEP, &out, &err) < 0)
		log_warn("run %s: %s", a->run, err_text(&err));
	return xasprintf("`%s` ended: %s %lld%s%s\nIts whole output is in runs/%s/out of the data "
			 "directory.\n\n%s",
			 a->command, a->outcome, (long long)a->code, a->detail ? ": " : "",
			 a->detail ? a->detail : "", a->run, out.s);
}

/* The kill switch says nothing about the base: it is tested again after it. */
static int base_dropped(struct bot *b, struct candidate *c, struct err *err)
{
	row_set(&c->state, "dropped");
	c->ended_ms = bot_now(b);
	if (candidate_save(b->db, c, err) < 0)
		return -1;
	return set_health(b, c, PLAN_BASE_UNKNOWN, NULL, err);
}

/* By the kill switch: what was tested is tested again after it, and nobody is blamed. */
static int stopped(struct bot *b, struct candidate *c, struct err *err)
{
	if (queue_clean(b, c, NULL, err) < 0)
		return -1;
	if (strcmp(c->kind, "base") != 0)
		return queue_set_state(b, c, PLAN_CAND_BUILT, NULL, err);
	return base_dropped(b, c, err);
}

int queue_gate_ended(struct bot *b, struct attempt *a, const json_t *p, struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	autojson json_t *gates = NULL;
	autofree char *log = NULL;
	enum plan_cand v = verdict(a->outcome, json_flag(p, "infrastructure"), a->code);
	int rc = candidate_get(b->db, a->candidate, &c, err);

	if (rc <= 0 || c.ended_ms || a->round != c.run_number || a->number != c.gate ||
	    strcmp(c.state, "testing") != 0)
		return rc < 0 ? -1
			      : 0; /* of a run before this one: it says nothing about this one */
	if (!strcmp(a->outcome, run_outcome_name(RUN_KILLED)))
		return stopped(b, &c, err);
	if (add_check(&c, a, err) < 0 || gate_count(&c, &gates, err) < 0)
		return -1;
	if (v == PLAN_CAND_GREEN && (size_t)++c.gate < json_array_size(gates)) {
		if (candidate_save(b->db, &c, err) < 0)
			return -1;
		return start_gate(b, &c, err);
	}
	log = v == PLAN_CAND_GREEN ? NULL : gate_log(b, a);
	return finish(b, &c, v, log, err);
}

int queue_test_base(struct bot *b, const struct repo *r, const struct conf_repo *conf,
		    struct err *err)
{
	cleanup(candidate_release) struct candidate c = {0};
	cleanup(repo_release) struct repo now = {0};

	c.repo = r->id;
	c.kind = xstrdup("base");
	c.base = xstrdup(r->base_oid);
	c.head = xstrdup(r->base_oid);
	c.oid = xstrdup(r->base_oid);
	c.method = xstrdup("merge");
	c.gates = gates_json(conf);
	c.state = xstrdup("built");
	c.checks = xstrdup("[]");
	c.created_ms = bot_now(b);
	if (candidate_insert(b->db, &c, err) < 0 || bot_repo(b, r->id, &now, err) < 0)
		return -1;
	now.health = PLAN_BASE_TESTING;
	row_set(&now.health_oid, r->base_oid);
	if (repo_save(b->db, &now, err) < 0 || queue_test(b, r, &c, err) < 0)
		return -1;
	return strcmp(c.state, "green") ? 0 : queue_base_ended(b, &c, PLAN_CAND_GREEN, NULL, err);
}

int queue_clean(struct bot *b, const struct candidate *c, const char *why, struct err *err)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};
	autofree char *subject = xasprintf("cand:%lld", (long long)c->id), *dir = folder(b, c);
	json_t *p;

	if (attempt_all(b->db, ST_ATTEMPT_OPEN_OF_CANDIDATE, &l, err, "i", c->id) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *kill = xasprintf("kill:%s", l.v[i].run);

		p = json_object();
		json_put_str(p, "run", l.v[i].run);
		json_put_str(p, "reason", why ? why : "over");
		if (bot_effect(b, kill, "run-kill", p, err, "kill:%s", l.v[i].run) < 0)
			return -1;
	}
	if (!c->run_number)
		return 0;
	p = json_object();
	json_put_str(p, "op", "remove");
	json_put_str(p, "path", dir);
	return bot_effect(b, subject, "cand-clean", p, err, "clean:%lld:%lld:%lld",
			  (long long)c->id, (long long)c->run_number, (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}
