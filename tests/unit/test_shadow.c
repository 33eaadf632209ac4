/* test_shadow.c - shadow mode: its walls, what is counted, what would have landed, and its end. */
#include "bot_fixture.h"

#include "bot/outbox.h"
#include "bot/shadow.h"
#include "bot/stats.h"
#include "forge/github.h"

#define OID(n) "100000000000000000000000000000000000000" #n
#define H1     OID(a)
#define H2     OID(b)
#define H3     OID(c)
#define BASE2  OID(2)

static void set_names(struct fx *f, const char *name)
{
	strvec_release(&f->conf.github.shadow);
	f->conf.github.shadow_all = false;
	if (name)
		strvec_push(&f->conf.github.shadow, name);
}

/* The repository of the fixture becomes octo/app on GitHub, in shadow by its name. */
static int setup(void **state)
{
	struct github_repo gr = {
		.full_name = (char *)"octo/app",
		.remote = 5,
		.url = (char *)"https://github.com/octo/app.git",
		.installation = 7,
		.required =
			(char *)"{\"branch\":{},\"protection\":{},\"rules\":{},\"rulesets\":{}}",
		.listed_ms = 1};
	struct fx *f;

	fx_setup(state);
	f = *state;
	row_set(&f->repo.name, "octo/app");
	row_set(&f->repo.forge, "github");
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	gr.repo = f->repo.id;
	assert_int_equal(github_repo_insert(f->bot.db, &gr, NULL), 0);
	assert_int_equal(db_run(f->bot.db, ST_GITHUB_LEVEL_SET, NULL, "isii", f->repo.id, "anna",
				(int64_t)FORGE_WRITE, fx_now),
			 1);
	f->conf.github.set = true;
	set_names(f, "octo/app");
	assert_int_equal(shadow_start(&f->bot, NULL), 0);
	return 0;
}

static void turn_off(struct fx *f)
{
	set_names(f, NULL);
	fx_now += 1000;
	assert_int_equal(shadow_start(&f->bot, NULL), 0);
	fx_now += 1000;
}

/* ---- who ---- */

static void names_and_patterns(void **state)
{
	struct conf_github c = {0};

	(void)state;
	assert_false(conf_github_shadows(&c, "octo/app"));
	strvec_pushl(&c.shadow, "Octo/app", "acme/*", NULL);
	assert_true(conf_github_shadows(&c, "octo/APP"));
	assert_true(conf_github_shadows(&c, "ACME/site"));
	assert_false(conf_github_shadows(&c, "octo/app2"));
	assert_false(conf_github_shadows(&c, "acme2/site"));
	strvec_release(&c.shadow);
	c.shadow_all = true;
	assert_true(conf_github_shadows(&c, "any/thing"));
}

static void a_renamed_one_stays(void **state)
{
	struct fx *f = *state;

	row_set(&f->repo.name, "octo/other");
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	assert_true(shadow_on(&f->bot, f->repo.id));
	assert_int_equal(shadow_start(&f->bot, NULL), 0);
	assert_true(shadow_on(&f->bot, f->repo.id));
	set_names(f, "octo/x");
	assert_int_equal(shadow_start(&f->bot, NULL), 0);
	assert_false(shadow_on(&f->bot, f->repo.id));
}

static void what_cannot_be_found_out_is_in_it(void **state)
{
	struct fx *f = *state;

	assert_true(shadow_on(&f->bot, 4711));
	row_set(&f->repo.forge, "local");
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	assert_false(shadow_on(&f->bot, f->repo.id));
}

/* ---- walls ---- */

static void requests_are_walled_by_path(void **state)
{
	struct fx *f = *state;
	struct repo other = f->repo;
	struct github_repo gr = {.full_name = (char *)"octo/free",
				 .remote = 6,
				 .url = (char *)"https://github.com/octo/free.git"};

	other.id = 0;
	other.name = (char *)"octo/free";
	assert_int_equal(repo_insert(f->bot.db, &other, NULL), 0);
	gr.repo = other.id;
	assert_int_equal(github_repo_insert(f->bot.db, &gr, NULL), 0);
	assert_false(shadow_may_write(&f->bot, "/repos/octo/app/issues/1/comments"));
	assert_false(shadow_may_write(&f->bot, "/repos/Octo/App/check-runs?x=1"));
	assert_false(shadow_may_write(&f->bot, "/repos/octo/app"));
	assert_true(shadow_may_write(&f->bot, "/repos/octo/free/issues/1/comments"));
	assert_true(shadow_may_write(&f->bot, "/app/hook/deliveries/1/attempts"));
	/* Of whom, is not said: closed. */
	assert_false(shadow_may_write(&f->bot, "/repos/octo/unknown/issues"));
	assert_false(shadow_may_write(&f->bot, "/graphql"));
	assert_false(shadow_may_write(&f->bot, "/repositories/5/issues"));
	f->conf.github.shadow_all = true;
	assert_false(shadow_may_write(&f->bot, "/repos/octo/free/issues/1/comments"));
	assert_false(shadow_may_write(&f->bot, "/app/hook/deliveries/1/attempts"));
	set_names(f, NULL);
	assert_true(shadow_may_write(&f->bot, "/graphql"));
}

static void effects_that_write_do_not_start(void **state)
{
	struct fx *f = *state;
	autojson json_t *api = json_pack("{s:I}", "repo", (json_int_t)f->repo.id);
	autojson json_t *push = json_pack("{s:s,s:s}", "repo", f->repo.path, "op", "push");
	autojson json_t *fetch = json_pack("{s:s,s:s}", "repo", f->repo.path, "op", "fetch");
	autojson json_t *stray = json_pack("{s:s,s:s}", "repo", "/nowhere", "op", "push");
	size_t refused = 0;

	for (const struct effect_kind *k = outbox_kinds; k->kind; k++) {
		bool forge = k->executor == EXEC_FORGE, net = k->executor == EXEC_NET;

		assert_int_equal(shadow_refuses(&f->bot, k, forge ? api : push, fx_now),
				 forge || net || k->executor == EXEC_FETCH);
		assert_int_equal(shadow_refuses(&f->bot, k, fetch, fx_now), forge || net);
		if (net)
			assert_true(shadow_refuses(&f->bot, k, stray, fx_now));
		refused += forge || net;
	}
	assert_true(refused > 10);
}

static void an_effect_of_the_time_before_the_end_does_not_start_after_it(void **state)
{
	struct fx *f = *state;
	const struct effect_kind *k = outbox_kinds;
	autojson json_t *api = json_pack("{s:I}", "repo", (json_int_t)f->repo.id);
	int64_t then = fx_now;

	while (strcmp(k->kind, "forge-comment") != 0)
		k++;
	turn_off(f);
	assert_true(shadow_refuses(&f->bot, k, api, then));
	assert_false(shadow_refuses(&f->bot, k, api, fx_now));
}

static bool is_shadow(void *arg, int64_t repo)
{
	return shadow_on(arg, repo);
}

static void the_backend_begins_only_what_reads(void **state)
{
	static const char *const kinds[] = {
		"forge-comment",     "forge-label",       "forge-react",
		"forge-pr-open",     "forge-pr-update",   "forge-pr-merged",
		"forge-pr-retarget", "forge-issue-close", "forge-check"};
	struct fx *f = *state;
	struct gh_conf conf = GH_CONF_INIT;
	struct github_opts o = {.db = f->bot.db,
				.clock = &f->clock,
				.marker_key = "k",
				.shadow = is_shadow,
				.arg = &f->bot};
	struct loop *loop;
	struct forge forge = {&forge_github, f->bot.db, &f->clock, NULL};
	autojson json_t *p = json_pack("{s:I,s:i,s:s,s:s,s:s}", "repo", (json_int_t)f->repo.id,
				       "number", 1, "head", H1, "body", "b", "key", "k");
	json_t *out = NULL;

	conf.token = "ghp_0123456789012345678901234567890123456";
	assert_int_equal(loop_new(&clock_system, &loop, NULL), 0);
	assert_int_equal(gh_new(loop, &clock_system, &rnd_system, &conf, &o.client, NULL), 0);
	forge.github = github_new(&o);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		cleanup(err_release) struct err err = ERR_INIT;

		assert_int_equal(forge_github.act(&forge, 0, kinds[i], p, &out, &err), -1);
		assert_int_equal(err.code, ERR_DENIED);
		assert_non_null(strstr(err.text, "shadow mode"));
	}
	assert_int_equal(forge_github.act(&forge, 0, "forge-sync", p, &out, NULL), FORGE_LATER);
	assert_int_equal(
		forge_github.push(&forge, &f->repo, NULL, "main", H1, H2, true, &out, NULL), -1);
	assert_null(out);
	turn_off(f);
	assert_int_equal(
		forge_github.push(&forge, &f->repo, NULL, "main", H1, H2, true, &out, NULL), 0);
	json_decref(out);
	github_free(forge.github);
	gh_free(o.client);
	loop_free(loop);
}

/* It would be looked for what the App lacks, which in shadow may be all but reading, and the watch would pause. */
static void a_push_that_is_refused_here_pauses_nothing(void **state)
{
	struct fx *f = *state;
	struct gh_conf conf = GH_CONF_INIT;
	struct github_opts o = {.db = f->bot.db, .clock = &f->clock, .marker_key = "k"};
	cleanup(github_repo_release) struct github_repo gr = {0};
	autojson json_t *p = json_pack("{s:s,s:s,s:s}", "op", "push", "repo", f->repo.path, "url",
				       "https://github.com/octo/app.git");

	conf.token = "ghp_0123456789012345678901234567890123456";
	assert_int_equal(loop_new(&clock_system, &f->bot.loop, NULL), 0);
	assert_int_equal(gh_new(f->bot.loop, &clock_system, &rnd_system, &conf, &o.client, NULL),
			 0);
	f->bot.github = github_new(&o);
	f->bot.client = (char *)"/nowhere";
	f->bot.git = (char *)"/nowhere";
	assert_int_equal(outbox_new(&f->bot, &f->bot.outbox, NULL), 0);
	assert_int_equal(effect_add(f->bot.db, "drop", "cand:1", "branch-drop", p, fx_now, NULL),
			 1);
	assert_int_equal(outbox_take(f->bot.outbox, NULL), 1);
	outbox_start(f->bot.outbox);
	assert_int_equal(fx_due(f, "branch-drop", NULL), 0);
	assert_int_equal(fx_due(f, "forge-list", NULL), 0);
	assert_int_equal(github_repo_of(f->bot.db, f->repo.id, &gr, NULL), 1);
	assert_null(gr.pause);
	outbox_free(steal(&f->bot.outbox));
	github_free(steal(&f->bot.github));
	gh_free(o.client);
	loop_free(steal(&f->bot.loop));
}

/* ---- what people ask for ---- */

static void tell(struct fx *f, const char *kind, const char *key, json_t *p)
{
	autojson json_t *payload = p;

	json_put_int(p, "repo", f->repo.id);
	json_put_str(p, "actor", "anna");
	assert_int_equal(event_add(f->bot.db, key, kind, p, fx_now, NULL), 1);
	fx_turn(f);
}

static int64_t noted(struct fx *f, const char *kind)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	int64_t n = 0;

	assert_int_equal(shadow_event_all(f->bot.db, ST_SHADOW_ALL, &l, NULL, "i", f->repo.id), 0);
	for (size_t i = 0; i < l.n; i++)
		n += !strcmp(l.v[i].kind, kind);
	return n;
}

/* Everything that would be written, or start something. */
static int64_t acted(struct fx *f)
{
	cleanup(effect_list_release) struct effect_list l = {0};
	cleanup(task_list_release) struct task_list tasks = {0};
	int64_t n = 0;

	assert_true(effect_due(f->bot.db, INT64_MAX, &l, NULL) >= 0);
	for (size_t i = 0; i < l.n; i++)
		n += (!strncmp(l.v[i].kind, "forge-", 6) || !strcmp(l.v[i].kind, "notify"));
	assert_int_equal(task_all(f->bot.db, ST_TASK_LIST, &tasks, NULL, "is", (int64_t)0, "all"),
			 0);
	return n + (int64_t)tasks.n;
}

static void an_issue(struct fx *f)
{
	struct issue i = {.repo = f->repo.id,
			  .number = 9,
			  .title = (char *)"Mend it",
			  .body = (char *)"",
			  .state = (char *)"open",
			  .author = (char *)"anna"};

	assert_int_equal(issue_insert(f->bot.db, &i, NULL), 0);
}

static json_t *label(void)
{
	return json_pack("{s:i,s:s}", "number", 9, "label", "agent:bugfix");
}

static json_t *comment(const char *body, int64_t at_ms)
{
	return json_pack("{s:i,s:i,s:s,s:I}", "number", 9, "comment", 3, "body", body, "at_ms",
			 (json_int_t)at_ms);
}

static void it_is_counted_and_leads_to_nothing(void **state)
{
	struct fx *f = *state;

	an_issue(f);
	tell(f, "issue-labeled", "l1", label());
	tell(f, "comment-created", "c1", comment("/yard run bugfix\nplease\n/yard halt", fx_now));
	tell(f, "comment-created", "c2", comment("no command", fx_now));
	tell(f, "button-pressed", "b1",
	     json_pack("{s:i,s:s,s:s}", "number", 9, "command", "retry", "head", H1));
	assert_int_equal(noted(f, "label"), 1);
	assert_int_equal(noted(f, "command"), 2);
	assert_int_equal(noted(f, "button"), 1);
	assert_int_equal(acted(f), 0);
	assert_false(bot_halted(&f->bot, NULL));
}

static void after_its_end_only_what_is_new_is_heard(void **state)
{
	struct fx *f = *state;
	int64_t then = fx_now;

	an_issue(f);
	turn_off(f);
	/* Told late: written in the time of shadow. */
	tell(f, "comment-created", "c1", comment("/yard run bugfix", then));
	assert_int_equal(acted(f), 0);
	assert_int_equal(noted(f, "command"), 1);
	tell(f, "comment-created", "c2", comment("/yard run bugfix", fx_now));
	assert_true(acted(f) > 0);
}

/* A task of before does not go on in it. */
static void tasks_end_when_it_begins(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};

	an_issue(f);
	turn_off(f);
	tell(f, "issue-labeled", "l1", label());
	assert_int_equal(task_get(f->bot.db, 1, &t, NULL), 1);
	set_names(f, "octo/*");
	assert_int_equal(shadow_start(&f->bot, NULL), 0);
	fx_turn(f);
	task_release(&t);
	assert_int_equal(task_get(f->bot.db, 1, &t, NULL), 1);
	assert_string_equal(t.state, "cancelled");
}

/* A turn in which nobody carries out what is meant for the forge. */
static void pass(struct fx *f)
{
	fx_now++;
	assert_int_equal(decide_events(&f->bot, NULL), 0);
	assert_int_equal(dispatch_pass(&f->bot, NULL), 0);
	assert_int_equal(queue_pass(&f->bot, NULL), 0);
	assert_int_equal(db_commit(f->bot.db, NULL), 0);
}

static void say(struct fx *f, const char *kind, json_t *result, const char *error)
{
	fx_told(f, kind, result, error);
	pass(f);
}

/* What was landing when it began: the push is refused, the base is looked at, and it leaves the queue. */
static void a_landing_under_way_comes_to_nothing(void **state)
{
	struct fx *f = *state;

	turn_off(f);
	fx_push(f, 1, H1, NULL);
	pass(f);
	say(f, "pr-log", json_pack("{s:[],s:b}", "commits", "more", 0), NULL);
	fx_approve(f, 1);
	assert_int_equal(queue_enqueue(&f->bot, &f->repo, 1, H1, "anna", NULL, NULL), 0);
	pass(f);
	say(f, "cand-build",
	    json_pack("{s:s,s:s,s:s}", "outcome", "built", "commit", OID(d), "tree", OID(e)), NULL);
	say(f, "cand-verify", json_pack("{s:b,s:s}", "same", 1, "git_version", "2"), NULL);
	assert_true(fx_due(f, "cand-push", NULL) > 0);
	set_names(f, "octo/app");
	assert_int_equal(shadow_start(&f->bot, NULL), 0);
	pass(f);
	assert_entry(f, 1, "queued");
	say(f, "cand-push", NULL, "in shadow mode");
	for (int i = 0; i < 3 && fx_due(f, "cand-fetch", NULL); i++) {
		say(f, "cand-fetch", json_pack("{s:[]}", "updated"), NULL);
		if (fx_due(f, "cand-settle-ref", NULL))
			say(f, "cand-settle-ref", json_pack("{s:s}", "oid", FX_BASE), NULL);
		if (fx_due(f, "cand-settle", NULL))
			say(f, "cand-settle", json_pack("{s:b}", "contains", 0), NULL);
	}
	pass(f);
	assert_entry(f, 1, "dequeued");
}

/* ---- what would land ---- */

static void ready(struct fx *f, int64_t number, const char *head)
{
	fx_push(f, number, head, NULL);
	fx_learnt(f);
	fx_approve(f, number);
	fx_turn(f);
}

static json_t *built(const char *oid, const char *tree)
{
	return json_pack("{s:s,s:s,s:s}", "outcome", "built", "commit", oid, "tree", tree);
}

static json_t *conflict(const char *by)
{
	return json_pack("{s:s,s:[{s:s,s:s,s:[s]}]}", "outcome", "conflict", "conflicts", "path",
			 "a", "kind", "content", "by", by);
}

/* The row of `stats`. Caller frees what it makes of it. */
static char *stat(struct fx *f, const char *key)
{
	cleanup(shadow_event_list_release) struct shadow_event_list l = {0};
	autojson json_t *rows = NULL;
	json_t *row;
	size_t i;

	assert_int_equal(shadow_event_all(f->bot.db, ST_SHADOW_ALL, &l, NULL, "i", f->repo.id), 0);
	rows = stats_shadow(&l, 0);
	json_array_foreach (rows, i, row)
		if (!strcmp(json_str(row, "key", ""), key))
			return json_dumps(json_object_get(row, "value"),
					  JSON_ENCODE_ANY | JSON_COMPACT);
	fail_msg("no row '%s'", key);
	return NULL;
}

#define assert_stat(f, key, expected)                                                              \
	do {                                                                                       \
		autofree char *value_ = stat(f, key);                                              \
                                                                                                   \
		assert_string_equal(value_, expected);                                             \
	} while (0)

static void the_order_and_who_would_meet_whom(void **state)
{
	struct fx *f = *state;

	ready(f, 1, H1);
	fx_push(f, 3, H3, "Depends-On: #2");
	ready(f, 2, H2);
	fx_learnt(f);
	fx_approve(f, 3);
	fx_turn(f);
	assert_stat(f, "prs_seen", "3");
	assert_stat(f, "ready", "3");
	fx_answer(f, "shadow-build", built(OID(d), OID(e)));
	fx_answer(f, "shadow-build", built(OID(f), OID(0)));
	/* The third waits for the second, and is not built. */
	assert_int_equal(fx_due(f, "shadow-build", NULL), 0);
	assert_stat(f, "landing_order", "[1,2]");
	fx_answer(f, "shadow-pair", conflict(H1));
	assert_stat(f, "collisions", "[{\"pr\":2,\"other\":1,\"files\":[\"a\"]}]");
	assert_stat(f, "conflicts", "[]");
	assert_int_equal(acted(f), 0);
	assert_entry(f, 1, "");
}

static void without_approval_or_held_it_is_not_ready(void **state)
{
	struct fx *f = *state;
	struct pr p;

	fx_push(f, 1, H1, NULL);
	fx_learnt(f);
	ready(f, 2, H2);
	assert_stat(f, "ready", "1");
	p = fx_pr(f, 2);
	p.draft = 1;
	row_set(&p.head, H3);
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	pr_release(&p);
	fx_approve(f, 2);
	fx_turn(f);
	assert_int_equal(noted(f, "ready"), 1);
}

static void set_rules(struct fx *f, const char *required)
{
	cleanup(github_repo_release) struct github_repo gr = {0};

	assert_int_equal(github_repo_of(f->bot.db, f->repo.id, &gr, NULL), 1);
	row_set(&gr.required, required);
	assert_int_equal(github_repo_save(f->bot.db, &gr, NULL), 0);
}

static void required_reviews_are_waited_for(void **state)
{
	struct fx *f = *state;
	struct pr p;

	set_rules(f, NULL);
	ready(f, 1, H1);
	assert_stat(f, "ready", "0"); /* what the rules are is not known yet */
	set_rules(f,
		  "{\"branch\":{},\"protection\":{\"approvals\":1},\"rules\":{},\"rulesets\":{}}");
	fx_turn(f);
	assert_stat(f, "ready", "0");
	p = fx_pr(f, 1);
	row_take(&p.verdict,
		 xasprintf("{\"decision\":\"approved\",\"unresolved\":0,\"head\":\"%s\"}", H1));
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	pr_release(&p);
	fx_turn(f);
	assert_stat(f, "ready", "1");
}

static void required_checks_are_waited_for(void **state)
{
	struct fx *f = *state;

	fx_config(f, "queue: { forge-checks: [build] }");
	ready(f, 1, H1);
	assert_stat(f, "ready", "0");
	fx_answer(f, "shadow-checks",
		  json_pack("{s:[{s:s,s:s}]}", "checks", "name", "build", "state", "pending"));
	assert_int_equal(fx_due(f, "shadow-checks", NULL), 0);
	assert_stat(f, "ready", "0");
	/* CI tells that something has changed. */
	tell(f, "checks-changed", "ci1", json_pack("{s:s}", "head", H1));
	fx_answer(f, "shadow-checks",
		  json_pack("{s:[{s:s,s:s}]}", "checks", "name", "build", "state", "green"));
	assert_stat(f, "ready", "1");
}

static void merge(struct fx *f, int64_t number, const char *oid)
{
	cleanup(pr_release) struct pr p = fx_pr(f, number);
	autofree char *key = xasprintf("closed%lld", (long long)number);

	row_set(&p.state, "merged");
	row_set(&p.landed, oid);
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	tell(f, "pr-closed", key, json_pack("{s:I}", "number", (json_int_t)number));
}

static json_t *tree(const char *oid, const char *parent)
{
	return json_pack("{s:s,s:s}", "tree", oid, "parent", parent);
}

static void move_base(struct fx *f, const char *old, const char *new)
{
	tell(f, "base-moved", new,
	     json_pack("{s:s,s:s,s:s}", "old", old, "new", new, "by", "somebody else"));
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	row_set(&f->repo.config_oid, new);
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
}

static void what_people_merge_is_compared(void **state)
{
	struct fx *f = *state;

	ready(f, 1, H1);
	ready(f, 2, H2);
	fx_answer(f, "shadow-build", built(OID(d), OID(e)));
	fx_answer(f, "shadow-build", built(OID(f), OID(0)));
	fx_answer(f, "shadow-pair", json_pack("{s:s,s:s}", "outcome", "clean", "tree", OID(3)));
	fx_now += 60000;
	merge(f, 1, BASE2);
	while (fx_due(f, "shadow-drop", NULL))
		fx_answer(f, "shadow-drop", NULL);
	/* Before it was fetched: asked again when the base has moved. */
	fx_answer(f, "shadow-trees", json_pack("{s:{s:n,s:n}}", "trees", BASE2, H1));
	assert_int_equal(noted(f, "merged"), 1);
	assert_stat(f, "same_tree", "0");
	move_base(f, FX_BASE, BASE2);
	while (fx_due(f, "shadow-drop", NULL))
		fx_answer(f, "shadow-drop", NULL);
	fx_answer(f, "shadow-trees",
		  json_pack("{s:{s:o,s:o}}", "trees", BASE2, tree(OID(e), FX_BASE), H1,
			    tree(OID(e), FX_BASE)));
	assert_stat(f, "same_tree", "1");
	assert_stat(f, "unseen_tree", "0");
	/* The second on the new base: by people with another tree, which no check has seen. */
	fx_turn(f);
	fx_answer(f, "shadow-build", built(OID(4), OID(5)));
	merge(f, 2, OID(6));
	while (fx_due(f, "shadow-drop", NULL))
		fx_answer(f, "shadow-drop", NULL);
	fx_answer(f, "shadow-trees",
		  json_pack("{s:{s:o,s:o}}", "trees", OID(6), tree(OID(7), BASE2), H2,
			    tree(OID(8), FX_BASE)));
	assert_stat(f, "merged", "2");
	assert_stat(f, "other_tree", "1");
	assert_stat(f, "unseen_tree", "1");
	assert_stat(f, "base_moves", "1");
	assert_stat(f, "merged_unready", "0");
	assert_int_equal(acted(f), 0);
}

/* Answers the next question for trees: of none of them is the commit there. *ret_first: which was asked for first. */
static size_t none_there(struct fx *f, char **ret_first)
{
	autojson json_t *p = NULL, *trees = json_object();
	const json_t *oid;
	size_t i, n;

	assert_int_not_equal(fx_due(f, "shadow-trees", &p), 0);
	n = json_array_size(json_object_get(p, "commits"));
	free(*ret_first);
	*ret_first = xstrdup(json_string_value(json_array_get(json_object_get(p, "commits"), 0)));
	json_array_foreach (json_object_get(p, "commits"), i, oid)
		json_put(trees, json_string_value(oid), json_null());
	fx_answer(f, "shadow-trees", json_pack("{s:O}", "trees", trees));
	return n / 2;
}

/* Merges whose commits never come: of more than are asked for at once all have their turn, and none is asked for for
 * ever. */
static void what_never_comes_is_given_up(void **state)
{
	struct fx *f = *state;
	autofree char *first = NULL, *last = NULL;
	const int merges = 103;

	for (int i = 0; i < merges; i++) {
		autofree char *oid = xasprintf("%040x", 0x1000 + i);
		struct shadow_event n = {.repo = f->repo.id,
					 .kind = (char *)"merged",
					 .pr = i + 1,
					 .head = (char *)H1,
					 .oid = oid};

		assert_int_equal(shadow_note(&f->bot, &n, NULL), 1);
	}
	assert_int_equal(shadow_poll(&f->bot, NULL), 0);
	assert_int_equal(none_there(f, &first), 100);
	assert_string_equal(first, "0000000000000000000000000000000000001000");
	fx_now++;
	assert_int_equal(shadow_poll(&f->bot, NULL), 0);
	assert_int_equal(none_there(f, &last), 100);
	assert_string_equal(last, "0000000000000000000000000000000000001064"); /* the 101st */
	for (int i = 0; i < 30; i++) {
		fx_now++;
		assert_int_equal(shadow_poll(&f->bot, NULL), 0);
		assert_int_equal(none_there(f, &last), 100); /* not before its day is over */
	}
	assert_stat(f, "not_compared", "0");
	fx_now += (int64_t)25 * 3600 * 1000;
	for (int i = 0; i < 2; i++) {
		fx_now++;
		assert_int_equal(shadow_poll(&f->bot, NULL), 0);
		assert_int_equal(none_there(f, &last), i ? 3 : 100);
	}
	assert_stat(f, "not_compared", "103");
	assert_int_equal(shadow_poll(&f->bot, NULL), 0);
	assert_int_equal(fx_due(f, "shadow-trees", NULL), 0);
}

/* Into another branch than the queue's nothing is merged that it would have merged. */
static void a_merge_into_another_branch_is_none(void **state)
{
	struct fx *f = *state;
	struct pr p;

	ready(f, 1, H1);
	p = fx_pr(f, 1);
	row_set(&p.base, "another");
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	pr_release(&p);
	merge(f, 1, BASE2);
	assert_int_equal(noted(f, "merged"), 0);
}

/* One that cannot be built keeps no place of another one, and is not tried on this base again. */
static void what_cannot_be_built_is_left(void **state)
{
	struct fx *f = *state;
	size_t n = 0;

	for (int i = 1; i <= 51; i++) { /* one more than are built on a base */
		autofree char *head = xasprintf("%040x", 0x2000 + i);

		ready(f, i, head);
	}
	fx_fail(f, "shadow-build", "its objects are not there");
	for (; fx_due(f, "shadow-build", NULL); n++)
		fx_answer(f, "shadow-build", built(OID(f), OID(0)));
	assert_int_equal(n, 50);
	assert_stat(f, "unbuilt", "1");
	assert_stat(f, "would_land", "50");
}

/* However often the base moves. */
static void what_would_land_is_kept_for_few_bases(void **state)
{
	static const char *const bases[] = {FX_BASE, OID(2), OID(3), OID(4), OID(5), OID(6)};
	struct fx *f = *state;

	ready(f, 1, H1);
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		if (i)
			move_base(f, bases[i - 1], bases[i]);
		fx_turn(f);
		fx_answer(f, "shadow-build", built(OID(d), bases[i]));
	}
	assert_int_equal(noted(f, "would-land"), 4);
	assert_stat(f, "base_moves", "5");
	merge(f, 1, OID(9));
	while (fx_due(f, "shadow-drop", NULL))
		fx_answer(f, "shadow-drop", NULL);
	fx_answer(f, "shadow-trees",
		  json_pack("{s:{s:o,s:o}}", "trees", OID(9), tree(bases[5], bases[5]), H1,
			    tree(H1, FX_BASE)));
	assert_stat(f, "same_tree", "1");
}

static void a_base_that_was_left_red(void **state)
{
	struct fx *f = *state;

	fx_config(f, "queue: { forge-checks: [build] }");
	move_base(f, FX_BASE, BASE2);
	assert_stat(f, "base_red", "0");
	fx_answer(f, "shadow-checks",
		  json_pack("{s:[{s:s,s:s}]}", "checks", "name", "build", "state", "red"));
	assert_stat(f, "base_red", "1");
}

/* ---- its end ---- */

/* Ready in shadow, it does not queue itself after it; with a push of now it does. */
static void what_was_ready_does_not_queue_itself(void **state)
{
	struct fx *f = *state;
	struct pr p;

	fx_config(f, "auto-queue: { approvals: 1 }");
	ready(f, 1, H1);
	p = fx_pr(f, 1);
	p.head_ms = fx_now;
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	assert_stat(f, "ready", "1");
	turn_off(f);
	fx_turn(f);
	assert_entry(f, 1, "");
	p.head_ms = fx_now;
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
	pr_release(&p);
	assert_int_equal(queue_pass(&f->bot, NULL), 0);
	assert_entry(f, 1, "queued");
}

/* ---- numbers ---- */

static void medians(void **state)
{
	static const int64_t v[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 100};

	(void)state;
	assert_int_equal(stats_median(v, 1), 1);
	assert_int_equal(stats_median(v, 2), 1);
	assert_int_equal(stats_median(v, 3), 2);
	assert_int_equal(stats_median(v + 8, 2), 54);
	assert_int_equal(stats_p90(v, 1), 1);
	assert_int_equal(stats_p90(v, 9), 9);
	assert_int_equal(stats_p90(v, 10), 9);
}

#define EVENT(k, n, h, ms)                                                                         \
	{                                                                                          \
		.kind = (char *)(k), .pr = (n), .head = (char *)(h), .base = (char *)"",           \
		.at_ms = (ms)                                                                      \
	}

static void times_are_those_of_the_head_that_was_merged(void **state)
{
	struct shadow_event v[] = {
		EVENT("ready", 1, H1, 1000),   EVENT("ready", 1, H2, 5000),
		EVENT("merged", 1, H2, 65000), EVENT("merged", 2, H3, 70000),
		EVENT("ready", 3, H3, 10000),  EVENT("merged", 3, H3, 130000),
	};
	struct shadow_event_list l = {v, ARRAY_LEN(v)};
	autojson json_t *rows = stats_shadow(&l, 60000);
	json_t *row;
	size_t i, n = 0;

	(void)state;
	json_array_foreach (rows, i, row) {
		const char *key = json_str(row, "key", "");
		int64_t value = json_int(row, "value", -1);

		if (!strcmp(key, "ready_to_merge_median"))
			n += value == 90000 && !strcmp(json_str(row, "shown", ""), "1m 30s");
		if (!strcmp(key, "ready_to_merge_p90"))
			n += value == 120000;
		if (!strcmp(key, "merged_unready"))
			n += value == 1;
		/* What was ready before the time that is asked for is looked up, and not counted. */
		if (!strcmp(key, "ready"))
			n += value == 0;
	}
	assert_int_equal(n, 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int teardown(void **state)
{
	struct fx *f = *state;

	f->conf.github.set = false;
	return fx_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_patterns),
		TEST(a_renamed_one_stays),
		TEST(what_cannot_be_found_out_is_in_it),
		TEST(requests_are_walled_by_path),
		TEST(effects_that_write_do_not_start),
		TEST(an_effect_of_the_time_before_the_end_does_not_start_after_it),
		TEST(the_backend_begins_only_what_reads),
		TEST(it_is_counted_and_leads_to_nothing),
		TEST(after_its_end_only_what_is_new_is_heard),
		TEST(tasks_end_when_it_begins),
		TEST(a_landing_under_way_comes_to_nothing),
		TEST(the_order_and_who_would_meet_whom),
		TEST(without_approval_or_held_it_is_not_ready),
		TEST(a_push_that_is_refused_here_pauses_nothing),
		TEST(required_checks_are_waited_for),
		TEST(required_reviews_are_waited_for),
		TEST(what_people_merge_is_compared),
		TEST(what_would_land_is_kept_for_few_bases),
		TEST(what_never_comes_is_given_up),
		TEST(a_merge_into_another_branch_is_none),
		TEST(what_cannot_be_built_is_left),
		TEST(a_base_that_was_left_red),
		TEST(what_was_ready_does_not_queue_itself),
		cmocka_unit_test(medians),
		cmocka_unit_test(times_are_those_of_the_head_that_was_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
