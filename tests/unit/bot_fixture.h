/*
 * bot_fixture.h - the bot with a real ledger in a folder of its own and a clock that is turned by hand,
 * without its loop: a test plays the git role and the runner.
 *
 *   fx_turn()      decides, passes over tasks and queues, lets the local forge act, until all is quiet
 *   fx_effect()    the open effect of a kind: its payload; NULL when there is none
 *   fx_answer()    its result, as the role would give it (takes result); then a turn
 *   fx_fail()      it failed for good; then a turn
 */
#ifndef YM_TESTS_BOT_FIXTURE_H
#define YM_TESTS_BOT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bot/bot.h"
#include "bot/dispatch.h"
#include "bot/queue_flow.h"
#include "forge/local.h"
#include "sys/fs.h"

#include <stdlib.h>
#include <string.h>

#define FX_BASE "1000000000000000000000000000000000000001"

struct fx {
	int fetches; /* of a forge over a network, that fx_turn() has answered */
	char *dir;
	struct bot bot;
	struct conf_daemon conf;
	struct clock clock;
	struct repo repo;
	struct forge forge;
};

static int64_t fx_now = 1000000;

static int64_t fx_clock(struct clock *c)
{
	(void)c;
	return fx_now;
}

static inline int fx_setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));
	char dir[] = "/tmp/yard-bot-XXXXXX";
	autofree char *path = NULL;

	f->dir = xstrdup(mkdtemp(dir));
	path = xasprintf("%s/ledger.db", f->dir);
	assert_int_equal(conf_daemon_load(NULL, "", 0, f->dir, &f->conf, NULL), 0);
	assert_int_equal(db_open(path, true, &f->bot.db, NULL), 0);
	f->clock = (struct clock){fx_clock, fx_clock};
	f->bot.clock = &f->clock;
	f->bot.conf = &f->conf;
	f->bot.data = f->dir;
	f->bot.runs = xasprintf("%s/runs", f->dir);
	f->repo.name = xstrdup("app");
	f->repo.forge = xstrdup("local");
	f->repo.path = xasprintf("%s/app.git", f->dir);
	f->repo.base = xstrdup("main");
	f->repo.base_oid = xstrdup(FX_BASE);
	f->repo.config_oid = xstrdup(FX_BASE);
	f->repo.next_number = 1;
	assert_int_equal(repo_insert(f->bot.db, &f->repo, NULL), 0);
	f->forge = (struct forge){&forge_local, f->bot.db, &f->clock, NULL};
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;

	db_close(f->bot.db);
	fs_remove_tree(f->dir, NULL);
	conf_daemon_release(&f->conf);
	repo_release(&f->repo);
	free(f->bot.runs);
	free(f->dir);
	free(f);
	return 0;
}

/* The local forge carries out what is meant for it. 1 something was done. */
static inline int fx_forge(struct fx *f)
{
	cleanup(effect_list_release) struct effect_list l = {0};
	int n = 0;

	assert_true(effect_due(f->bot.db, fx_now, &l, NULL) >= 0);
	for (size_t i = 0; i < l.n; i++) {
		autojson json_t *p = NULL, *result = NULL;

		if (strncmp(l.v[i].kind, "forge-", 6) != 0 || !strcmp(l.v[i].kind, "forge-look"))
			continue;
		/* Of one over a network nothing but what it is asked matters here. */
		if (strcmp(f->repo.forge, "local") != 0) {
			f->fetches += !strcmp(l.v[i].kind, "forge-fetch");
			assert_int_equal(
				effect_done(f->bot.db, l.v[i].id, true, NULL, fx_now, NULL), 1);
			n = 1;
			continue;
		}
		assert_int_equal(
			json_parse(l.v[i].payload, strlen(l.v[i].payload), SIZE_MAX, &p, NULL), 0);
		assert_int_equal(
			forge_local.act(&f->forge, l.v[i].id, l.v[i].kind, p, &result, NULL), 0);
		assert_int_equal(effect_done(f->bot.db, l.v[i].id, true, NULL, fx_now, NULL), 1);
		n = 1;
	}
	return n;
}

static inline void fx_turn(struct fx *f)
{
	cleanup(err_release) struct err err = ERR_INIT;

	do {
		fx_now++;
		if (decide_events(&f->bot, &err) < 0 || dispatch_pass(&f->bot, &err) < 0 ||
		    queue_pass(&f->bot, &err) < 0)
			fail_msg("turn: %s", err_text(&err));
	} while (fx_forge(f));
	assert_int_equal(db_commit(f->bot.db, NULL), 0);
}

/* The effect of this kind that may start now. 0: none. */
static inline int64_t fx_due(struct fx *f, const char *kind, json_t **ret_payload)
{
	cleanup(effect_list_release) struct effect_list l = {0};

	assert_true(effect_due(f->bot.db, fx_now, &l, NULL) >= 0);
	for (size_t i = 0; i < l.n; i++) {
		if (strcmp(l.v[i].kind, kind) != 0)
			continue;
		if (ret_payload)
			assert_int_equal(json_parse(l.v[i].payload, strlen(l.v[i].payload),
						    SIZE_MAX, ret_payload, NULL),
					 0);
		return l.v[i].id;
	}
	return 0;
}

/* Without a turn: what happens at the same moment comes after it. */
static inline void fx_told(struct fx *f, const char *kind, json_t *result, const char *error)
{
	autojson json_t *payload = NULL, *p = json_object();
	autofree char *key = NULL, *event = xasprintf("did-%s", kind);
	int64_t id = fx_due(f, kind, &payload);

	if (!id)
		fail_msg("no effect '%s' is due", kind);
	json_put_int(p, "effect", id);
	json_put_bool(p, "ok", !error);
	if (json_object_get(payload, "ctx"))
		json_put(p, "ctx", json_incref(json_object_get(payload, "ctx")));
	json_put(p, "result", result ? result : json_object());
	if (error)
		json_put(p, "error", json_pack("{s:s,s:s}", "code", "internal", "text", error));
	assert_int_equal(effect_done(f->bot.db, id, !error, error, fx_now, NULL), 1);
	key = xasprintf("effect:%lld", (long long)id);
	assert_int_equal(event_add(f->bot.db, key, event, p, fx_now, NULL), 1);
}

static inline void fx_answer(struct fx *f, const char *kind, json_t *result)
{
	fx_told(f, kind, result, NULL);
	fx_turn(f);
}

static inline void fx_fail(struct fx *f, const char *kind, const char *error)
{
	fx_told(f, kind, NULL, error);
	fx_turn(f);
}

/* The end of the run of the last attempt, as its keeper recorded it. */
static inline void fx_run_ended(struct fx *f, const char *run, const char *outcome, int code,
				bool infrastructure)
{
	autojson json_t *p = json_pack("{s:s,s:s,s:i,s:b}", "run", run, "outcome", outcome, "code",
				       code, "infrastructure", infrastructure);
	autofree char *key = xasprintf("run:%s:ended", run);

	event_add(f->bot.db, key, "run-ended", p, fx_now, NULL);
	fx_turn(f);
	while (fx_due(f, "cand-clean", NULL))
		fx_answer(f, "cand-clean", NULL);
}

static inline void fx_config(struct fx *f, const char *yaml)
{
	autojson json_t *files = json_pack("{s:s}", CONF_REPO_PATH, yaml);

	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	row_take(&f->repo.config, json_text(files));
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
}

/* ---- PRs ---- */

/* Where the forge has reviews: those of this head were read, and nobody wants changes. */
static inline void fx_reviewed(struct fx *f, int64_t number, const char *head)
{
	cleanup(pr_release) struct pr p = {0};

	assert_int_equal(pr_find(f->bot.db, ST_PR_BY_NUMBER, &p, NULL, "ii", f->repo.id, number),
			 1);
	row_take(&p.verdict, xasprintf("{\"head\":\"%s\",\"by\":[]}", head));
	assert_int_equal(pr_save(f->bot.db, &p, NULL), 0);
}

static inline void fx_push(struct fx *f, int64_t number, const char *head, const char *body)
{
	struct local_push p = {.actor = "dora",
			       .base = "main",
			       .topic = "t",
			       .head = head,
			       .title = "A change",
			       .body = body ? body : "",
			       .files = "[\"a\"]"};

	assert_int_equal(local_push_apply(&f->forge, &f->repo, number, &p, NULL), 0);
	fx_reviewed(f, number, head);
}

static inline struct pr fx_pr(struct fx *f, int64_t number)
{
	struct pr p = {0};

	assert_int_equal(pr_find(f->bot.db, ST_PR_BY_NUMBER, &p, NULL, "ii", f->repo.id, number),
			 1);
	return p;
}

/* Gives somebody a permission on all repositories. */
static inline void fx_permit(struct fx *f, const char *name, enum forge_level level)
{
	cleanup(user_release) struct user u = {0};

	if (user_find(f->bot.db, ST_USER_BY_NAME, &u, NULL, "s", name) == 0) {
		u.name = xstrdup(name);
		u.created_ms = fx_now;
		assert_int_equal(user_insert(f->bot.db, &u, NULL), 0);
	}
	assert_int_equal(
		db_run(f->bot.db, ST_PERMISSION_SET, NULL, "iii", u.id, (int64_t)0, (int64_t)level),
		1);
}

static inline void fx_approve(struct fx *f, int64_t number)
{
	cleanup(pr_release) struct pr p = fx_pr(f, number);

	fx_permit(f, "anna", FORGE_WRITE);
	assert_true(local_pr_approve(&f->forge, &f->repo, "anna", &p, NULL) >= 0);
}

static inline void fx_enqueue(struct fx *f, int64_t number)
{
	cleanup(pr_release) struct pr p = fx_pr(f, number);

	fx_approve(f, number);
	assert_int_equal(queue_enqueue(&f->bot, &f->repo, number, p.head, "anna", NULL, NULL), 0);
}

/* The git role has nothing to say about what was pushed. */
static inline void fx_learnt(struct fx *f)
{
	fx_turn(f);
	while (fx_due(f, "pr-log", NULL))
		fx_answer(f, "pr-log", json_pack("{s:[],s:b}", "commits", "more", 0));
	while (fx_due(f, "pr-contained", NULL))
		fx_answer(f, "pr-contained", json_pack("{s:[],s:[]}", "below", "above"));
}

/* The state of a PR's last entry in the queue, "" for none. Caller frees. */
static inline char *fx_entry(struct fx *f, int64_t number)
{
	cleanup(queue_entry_release) struct queue_entry e = {0};

	if (queue_entry_find(f->bot.db, ST_QUEUE_LAST_OF_PR, &e, NULL, "ii", f->repo.id, number) <=
	    0)
		return xstrdup("");
	return steal(&e.state);
}

#define assert_entry(f, number, expected)                                                          \
	do {                                                                                       \
		autofree char *state_ = fx_entry(f, number);                                       \
                                                                                                   \
		assert_string_equal(state_, expected);                                             \
	} while (0)

/* The repository is one of GitHub, whose rules are known: there are none. */
static inline void fx_on_github(struct fx *f)
{
	struct github_repo gr = {
		.repo = f->repo.id,
		.remote = 4711,
		.full_name = (char *)"octo/app",
		.url = (char *)"https://github.com/octo/app.git",
		.required =
			(char *)"{\"protection\":{},\"branch\":{},\"rules\":{},\"rulesets\":{}}"};

	row_set(&f->repo.forge, "github");
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	assert_int_equal(github_repo_insert(f->bot.db, &gr, NULL), 0);
}

/* Builds the candidate of what is at the head of the queue. */
static inline void fx_built(struct fx *f, const char *oid)
{
	fx_answer(f, "cand-build",
		  json_pack("{s:s,s:s,s:s}", "outcome", "built", "commit", oid, "tree", oid));
}

static inline void fx_verified(struct fx *f)
{
	fx_answer(f, "cand-verify", json_pack("{s:b,s:s}", "same", 1, "git_version", "2"));
}

#endif
