/*
 * jobs_fixture.h - what the tests of GitHub's effects share beside github_world.h: the answers to a look at the
 * repository and its branch, and what is looked for afterwards.
 */
#ifndef YM_TEST_JOBS_FIXTURE_H
#define YM_TEST_JOBS_FIXTURE_H

#include "github_world.h"

#define HEAD_1 "1000000000000000000000000000000000000004"
#define WHEN   "since=2026-01-01T00%3A00%3A00Z"

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
	world_github(w, is_shadow);
}

#endif
