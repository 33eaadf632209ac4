/*
 * jobs_fixture.h - what the tests of GitHub's effects share: a backend with a client, a server that answers as it is
 * told (github_fixture.h), and a ledger with one repository, octo/app.
 */
#ifndef YM_TEST_JOBS_FIXTURE_H
#define YM_TEST_JOBS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "github_fixture.h"

#include "forge/forge.h"
#include "forge/github.h"
#include "store/ledger.h"
#include "sys/fs.h"

#include <stdlib.h>

#define HEAD_1 "1000000000000000000000000000000000000004"
#define SINCE  "2026-01-01T00:00:00Z"
#define WHEN   "since=2026-01-01T00%3A00%3A00Z"

struct world {
	struct fx *f;
	char *dir;
	struct repo repo;
	struct forge forge;
	bool ended;
	struct err why;
	json_t *result;
};

static inline void on_done(void *arg, int64_t effect, json_t *result, const struct err *why,
			   int64_t not_before_ms)
{
	struct world *w = arg;

	(void)effect;
	(void)not_before_ms;
	w->ended = true;
	w->result = result;
	err_release(&w->why);
	if (why && why->code)
		err_set(&w->why, why->code, "%s", err_text(why));
}

static inline void world_open(struct world *w, struct fx *f, const struct canned *answers)
{
	char dir[] = "/tmp/yard-jobs-XXXXXX";
	autofree char *path = NULL;
	struct github_repo gr = {.full_name = (char *)"octo/app",
				 .remote = 5,
				 .url = (char *)"https://github.com/octo/app.git",
				 .installation = FX_INSTALLATION,
				 .since = (char *)SINCE,
				 .comments_since = (char *)SINCE,
				 .listed_ms = 1};

	*w = (struct world){.f = f, .dir = xstrdup(mkdtemp(dir))};
	path = xasprintf("%s/ledger.db", w->dir);
	assert_int_equal(db_open(path, true, &w->forge.db, NULL), 0);
	w->repo = (struct repo){.name = xstrdup("octo/app"),
				.forge = xstrdup("github"),
				.path = xasprintf("%s/app.git", w->dir),
				.base = xstrdup("main"),
				.next_number = 1};
	assert_int_equal(repo_insert(w->forge.db, &w->repo, NULL), 0);
	gr.repo = w->repo.id;
	assert_int_equal(github_repo_insert(w->forge.db, &gr, NULL), 0);
	w->forge.ops = &forge_github;
	w->forge.clock = &f->clock;
	w->forge.github = github_new(&(struct github_opts){.db = w->forge.db,
							   .clock = &f->clock,
							   .client = f->gh,
							   .marker_key = "k",
							   .done = on_done,
							   .arg = w});
	f->stub->answers = answers;
}

static inline void world_release(struct world *w)
{
	github_free(w->forge.github);
	db_close(w->forge.db);
	fs_remove_tree(w->dir, NULL);
	repo_release(&w->repo);
	err_release(&w->why);
	json_decref(w->result);
	free(w->dir);
}

/* To its end. Takes payload. */
static inline void act(struct world *w, const char *kind, json_t *payload)
{
	autojson json_t *p = payload;
	json_t *out = NULL;

	json_put_int(p, "repo", w->repo.id);
	w->ended = false;
	json_decref(w->result);
	w->result = NULL;
	assert_int_equal(w->forge.ops->act(&w->forge, 0, kind, p, &out, &w->f->err), FORGE_LATER);
	for (int64_t end = fx_now() + FX_WAIT_MS; !w->ended;) {
		fx_turn(w->f);
		if (fx_now() > end)
			fail_msg("%s does not end", kind);
	}
}

/* The If-None-Match of the latest request; NULL: it was not conditional. */
static inline char *known_as(struct world *w, const char *what)
{
	for (size_t i = w->f->stub->n; i-- > 0;)
		if (!strcmp(w->f->stub->seen[i].what, what))
			return stub_header(&w->f->stub->seen[i], "If-None-Match");
	fail_msg("%s was not asked for", what);
	return NULL;
}

/* Ends what is open, and says which of this kind there were and how many PRs they name: "heads:1*2 …". */
static inline char *effects(struct world *w, const char *kind)
{
	cleanup(strvec_release) struct strvec all = STRVEC_INIT;

	for (;;) { /* of one subject one is due after the other */
		cleanup(effect_list_release) struct effect_list l = {0};

		assert_int_equal(effect_due(w->forge.db, INT64_MAX, &l, NULL), 0);
		if (!l.n)
			return strvec_join(&all, " ");
		for (size_t i = 0; i < l.n; i++) {
			autojson json_t *p = json_loads(l.v[i].payload, 0, NULL);
			const json_t *x = json_object_get(p, "ctx");

			if (!strcmp(l.v[i].kind, kind))
				strvec_pushf(&all, "%s*%zu", l.v[i].subject,
					     json_array_size(json_object_get(x, "pulls")));
			assert_int_equal(effect_done(w->forge.db, l.v[i].id, true, NULL, 1, NULL),
					 1);
		}
	}
}

#define REPO       "/repos/octo/app"
#define BRANCH     "GET " REPO "/branches/main"
#define PROTECTION BRANCH "/protection"
#define RULES      "GET " REPO "/rules/branches/main?per_page=100"
#define LISTS                                                                                      \
	SAY("GET " REPO, 200, "",                                                                  \
	    "{\"id\":5,\"full_name\":\"octo/app\",\"default_branch\":\"main\","                    \
	    "\"clone_url\":\"https://github.com/octo/app.git\"}"),                                 \
		SAY("GET " REPO "/issues?state=all&sort=updated&direction=asc&per_page=100&" WHEN, \
		    200, "", "[]"),                                                                \
		SAY("GET " REPO "/pulls?state=open&per_page=100", 200, "", "[]"),                  \
		SAY("GET " REPO "/issues/comments?sort=updated&direction=asc&per_page=100&" WHEN,  \
		    200, "", "[]")
#define REFUSED "{\"message\":\"Sorry, no.\"}"
#define GUARDED                                                                                    \
	"{\"protected\":true,\"protection\":{\"required_status_checks\":{"                         \
	"\"contexts\":[\"build\"],\"checks\":[]}}}"
#define REVIEWS "{\"required_pull_request_reviews\":{\"required_approving_review_count\":2}}"

static inline bool is_shadow(void *arg, int64_t repo)
{
	(void)repo;
	return arg != NULL;
}

static inline void in_shadow(struct world *w)
{
	github_free(w->forge.github);
	w->forge.github = github_new(&(struct github_opts){.db = w->forge.db,
							   .clock = &w->f->clock,
							   .client = w->f->gh,
							   .marker_key = "k",
							   .shadow = is_shadow,
							   .done = on_done,
							   .arg = w});
}

#endif
