/* The local forge: what people do on it becomes rows and events, what the program does has one effect. */
#include "store_fixture.h"

#include "forge/local.h"

struct world {
	struct fx *fx;
	struct clock clock;
	struct forge f;
	struct repo repo;
};

static int64_t now_ms; /* turned by the tests */

static int64_t fake_ms(struct clock *c)
{
	(void)c;
	return now_ms;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct user u = {.name = (char *)"anna", .uid = 1001, .created_ms = 1};
	void *fx = NULL;

	fx_setup(&fx);
	w->fx = fx;
	now_ms = 1000;
	w->clock = (struct clock){fake_ms, fake_ms};
	w->f = (struct forge){&forge_local, w->fx->db, &w->clock, NULL};
	w->repo.name = xstrdup("app");
	w->repo.forge = xstrdup("local");
	w->repo.path = xstrdup("/srv/app.git");
	w->repo.base = xstrdup("main");
	w->repo.next_number = 1;
	OK(w->fx, repo_insert(w->fx->db, &w->repo, &w->fx->err));
	OK(w->fx, user_insert(w->fx->db, &u, &w->fx->err));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *fx = w->fx;

	repo_release(&w->repo);
	free(w);
	return fx_teardown(&fx);
}

/* The newest event: "KIND PAYLOAD"; it is decided thereby. "" when there is none. */
static char *event(struct world *w)
{
	cleanup(event_release) struct event e = {0};
	int rc = event_next(w->fx->db, &e, &w->fx->err);

	OK(w->fx, rc);
	if (!rc)
		return xstrdup("");
	OK(w->fx, event_decided(w->fx->db, e.id, EVENT_DECIDED, NULL, now_ms, &w->fx->err));
	return xasprintf("%s %s", e.kind, e.payload);
}

static void assert_event(struct world *w, const char *expected)
{
	autofree char *found = event(w);

	assert_string_equal(found, expected);
}

static int act(struct world *w, const char *kind, json_t *payload)
{
	autojson json_t *p = payload, *result = NULL;

	json_put_int(p, "repo", w->repo.id);
	return forge_local.act(&w->f, 1, kind, p, &result, &w->fx->err);
}

static int64_t new_issue(struct world *w)
{
	int64_t n = 0;

	OK(w->fx,
	   local_issue_create(&w->f, &w->repo, "anna", "A title", "A body", &n, &w->fx->err));
	return n;
}

static void push(struct world *w, int64_t number, const char *head)
{
	struct local_push p = {.actor = "anna",
			       .base = "main",
			       .topic = "topic",
			       .head = head,
			       .title = "T",
			       .body = "B",
			       .files = "[\"a\"]"};

	OK(w->fx, local_push_apply(&w->f, &w->repo, number, &p, &w->fx->err));
}

static void test_issues(void **state)
{
	struct world *w = *state;
	cleanup(issue_release) struct issue i = {0};
	autofree char *long_title = xmalloc(LOCAL_TITLE_MAX + 2);
	int64_t n = new_issue(w);

	assert_int_equal(n, 1);
	assert_event(w, ""); /* an issue by itself asks nothing of anybody */
	now_ms = 2000;
	OK(w->fx, local_issue_edit(&w->f, &w->repo, "anna", n, NULL, "New", &w->fx->err));
	assert_event(w, "issue-edited {\"repo\":1,\"number\":1,\"actor\":\"anna\"}");
	OK(w->fx, local_issue_close(&w->f, &w->repo, "anna", n, &w->fx->err));
	OK(w->fx, local_issue_close(&w->f, &w->repo, "anna", n, &w->fx->err));
	assert_event(w, "issue-closed {\"repo\":1,\"number\":1,\"actor\":\"anna\"}");
	assert_event(w, "");
	assert_int_equal(
		issue_find(w->fx->db, ST_ISSUE_BY_NUMBER, &i, &w->fx->err, "ii", w->repo.id, n), 1);
	assert_string_equal(i.title, "A title");
	assert_string_equal(i.body, "New");
	assert_string_equal(i.state, "closed");
	assert_int_equal(i.created_ms, 1000);
	assert_int_equal(i.updated_ms, 2000);
	memset(long_title, 'x', LOCAL_TITLE_MAX + 1);
	long_title[LOCAL_TITLE_MAX + 1] = '\0';
	FAILS(w->fx, ERR_LIMIT,
	      local_issue_create(&w->f, &w->repo, "anna", long_title, "", &n, &w->fx->err));
	FAILS(w->fx, ERR_INPUT,
	      local_issue_create(&w->f, &w->repo, "anna", "", "", &n, &w->fx->err));
	FAILS(w->fx, ERR_NOT_FOUND, local_issue_close(&w->f, &w->repo, "anna", 99, &w->fx->err));
}

/* Set twice is one event; taken off and set anew is another one. */
static void test_labels(void **state)
{
	struct world *w = *state;
	int64_t n = new_issue(w);

	assert_int_equal(local_label_add(&w->f, &w->repo, "anna", n, "x", &w->fx->err), 1);
	assert_int_equal(local_label_add(&w->f, &w->repo, "anna", n, "x", &w->fx->err), 0);
	assert_event(w,
		     "issue-labeled {\"repo\":1,\"number\":1,\"actor\":\"anna\",\"label\":\"x\"}");
	assert_event(w, "");
	now_ms++;
	assert_int_equal(local_label_remove(&w->f, &w->repo, "anna", n, "x", &w->fx->err), 1);
	assert_int_equal(local_label_remove(&w->f, &w->repo, "anna", n, "x", &w->fx->err), 0);
	assert_event(
		w, "issue-unlabeled {\"repo\":1,\"number\":1,\"actor\":\"anna\",\"label\":\"x\"}");
	now_ms++;
	assert_int_equal(local_label_add(&w->f, &w->repo, "anna", n, "x", &w->fx->err), 1);
	assert_event(w,
		     "issue-labeled {\"repo\":1,\"number\":1,\"actor\":\"anna\",\"label\":\"x\"}");
	FAILS(w->fx, ERR_NOT_FOUND, local_label_add(&w->f, &w->repo, "anna", 99, "x", &w->fx->err));
}

/* Issues and PRs share their numbers; a push to the same topic is the same PR. */
static void test_pushes(void **state)
{
	struct world *w = *state;
	cleanup(pr_release) struct pr pr = {0};
	int64_t n = 0, comment = 0;

	new_issue(w);
	/* After a restored ledger none is given before the repository was read. */
	OK(w->fx, meta_set(w->f.db, LOCAL_UNREAD "1", "1", &w->fx->err));
	assert_int_equal(local_number(&w->f, &w->repo, &n, &w->fx->err), -1);
	assert_int_equal(w->fx->err.code, ERR_UNAVAILABLE);
	err_release(&w->fx->err);
	OK(w->fx, meta_clear(w->f.db, LOCAL_UNREAD "1", &w->fx->err));
	OK(w->fx, local_number(&w->f, &w->repo, &n, &w->fx->err));
	assert_int_equal(n, 2);
	assert_int_equal(
		local_push_find(&w->f, &w->repo, "anna", "main", "topic", &pr, &w->fx->err), 0);
	push(w, n, "aaaa");
	assert_event(w, "pr-opened {\"repo\":1,\"number\":2,\"actor\":\"anna\",\"head\":\"aaaa\"}");
	assert_int_equal(
		local_push_find(&w->f, &w->repo, "anna", "main", "topic", &pr, &w->fx->err), 1);
	assert_int_equal(pr.number, 2);
	assert_int_equal(
		local_push_find(&w->f, &w->repo, "bert", "main", "topic", &pr, &w->fx->err), 0);
	assert_int_equal(
		local_push_find(&w->f, &w->repo, "anna", "next", "topic", &pr, &w->fx->err), 0);
	push(w, n, "aaaa");
	assert_event(w, "");
	push(w, n, "bbbb");
	assert_event(w, "pr-updated {\"repo\":1,\"number\":2,\"actor\":\"anna\",\"old\":\"aaaa\","
			"\"head\":\"bbbb\"}");
	/* A command binds to the head that its writer could know of. */
	OK(w->fx, local_comment(&w->f, &w->repo, "anna", n, "/yard queue", &comment, &w->fx->err));
	assert_event(w, "comment-created {\"repo\":1,\"number\":2,\"actor\":\"anna\",\"comment\":1,"
			"\"body\":\"/yard queue\",\"head\":\"bbbb\"}");
}

static void test_approvals(void **state)
{
	struct world *w = *state;
	cleanup(pr_release) struct pr pr = {0};
	int64_t n = 0;

	OK(w->fx, local_number(&w->f, &w->repo, &n, &w->fx->err));
	push(w, n, "aaaa");
	free(event(w));
	OK(w->fx, local_push_find(&w->f, &w->repo, "anna", "main", "topic", &pr, &w->fx->err));
	assert_int_equal(local_pr_approve(&w->f, &w->repo, "bert", &pr, &w->fx->err), 1);
	assert_int_equal(local_pr_approve(&w->f, &w->repo, "bert", &pr, &w->fx->err), 0);
	assert_event(w,
		     "pr-approved {\"repo\":1,\"number\":1,\"actor\":\"bert\",\"head\":\"aaaa\"}");
	assert_event(w, "");
	OK(w->fx, local_pr_close(&w->f, &w->repo, "anna", &pr, &w->fx->err));
	assert_event(w, "pr-closed {\"repo\":1,\"number\":1,\"actor\":\"anna\"}");
	FAILS(w->fx, ERR_STATE,
	      act(w, "forge-pr-update",
		  json_pack("{s:I,s:s}", "number", (json_int_t)n, "head", "c")));
}

/* A comment with a key is said once, and edited when it is said again otherwise. */
static void test_sticky_comment(void **state)
{
	struct world *w = *state;
	cleanup(comment_list_release) struct comment_list l = {0};
	static const char *const texts[] = {"one", "one", "two"};
	int64_t n = new_issue(w);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		now_ms = 5000 + (int64_t)i;
		assert_int_equal(act(w, "forge-comment",
				     json_pack("{s:I,s:s,s:s}", "number", (json_int_t)n, "key",
					       "task:1", "body", texts[i])),
				 FORGE_DONE);
	}
	OK(w->fx, comment_all(w->fx->db, ST_COMMENT_OF, &l, &w->fx->err, "ii", w->repo.id, n));
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].body, "two");
	assert_string_equal(l.v[0].author, "yardmaster");
	assert_int_equal(l.v[0].bot, 1);
	assert_int_equal(l.v[0].created_ms, 5000);
	assert_int_equal(l.v[0].edited_ms, 5002);
	assert_event(w, ""); /* its own words command nothing */
}

/* Every effect may be carried out twice and has one effect. */
static void test_effects_twice(void **state)
{
	struct world *w = *state;
	cleanup(pr_list_release) struct pr_list prs = {0};
	cleanup(issue_release) struct issue issue = {0};
	cleanup(label_list_release) struct label_list labels = {0};
	int64_t n = new_issue(w);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			act(w, "forge-pr-open",
			    json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "task", 7, "author",
				      "yardmaster", "base", "main", "topic", "t7", "head", "aaaa",
				      "title", "T", "body", "B", "files", "[]")),
			FORGE_DONE);
		assert_int_equal(
			act(w, "forge-label",
			    json_pack("{s:I,s:s}", "number", (json_int_t)n, "add", "needs-human")),
			FORGE_DONE);
		assert_int_equal(act(w, "forge-pr-merged",
				     json_pack("{s:i,s:s,s:s}", "number", 2, "commit", "cccc",
					       "base", "bbbb")),
				 FORGE_DONE);
		assert_int_equal(
			act(w, "forge-issue-close",
			    json_pack("{s:I,s:s}", "number", (json_int_t)n, "reason", "merged")),
			FORGE_DONE);
		if (i == 0) { /* as after a crash: the PR is still open when it is opened again */
			cleanup(pr_release) struct pr pr = {0};

			OK(w->fx, pr_get(w->fx->db, 1, &pr, &w->fx->err));
			row_set(&pr.state, "open");
			OK(w->fx, pr_save(w->fx->db, &pr, &w->fx->err));
		}
	}
	OK(w->fx, pr_all(w->fx->db, ST_PR_LIST, &prs, &w->fx->err, "is", w->repo.id, "all"));
	assert_int_equal(prs.n, 1);
	assert_string_equal(prs.v[0].state, "merged");
	assert_string_equal(prs.v[0].landed, "cccc");
	assert_int_equal(prs.v[0].task, 7);
	OK(w->fx, label_all(w->fx->db, ST_LABEL_OF, &labels, &w->fx->err, "ii", w->repo.id, n));
	assert_int_equal(labels.n, 1);
	assert_int_equal(issue_get(w->fx->db, 1, &issue, &w->fx->err), 1);
	assert_string_equal(issue.state, "closed");
	FAILS(w->fx, ERR_INTERNAL, act(w, "forge-teleport", json_object()));
}

static void test_permissions(void **state)
{
	struct world *w = *state;
	enum forge_level level = FORGE_MAINTAIN;

	OK(w->fx, forge_local.permission(&w->f, w->repo.id, "anna", &level, &w->fx->err));
	assert_int_equal(level, FORGE_NONE);
	OK(w->fx, db_run(w->fx->db, ST_PERMISSION_SET, &w->fx->err, "iii", (int64_t)1, w->repo.id,
			 (int64_t)FORGE_WRITE));
	OK(w->fx, forge_local.permission(&w->f, w->repo.id, "anna", &level, &w->fx->err));
	assert_int_equal(level, FORGE_WRITE);
	OK(w->fx, forge_local.permission(&w->f, w->repo.id + 1, "anna", &level, &w->fx->err));
	assert_int_equal(level, FORGE_NONE);
	/* On every repository: the best of the two counts. */
	OK(w->fx, db_run(w->fx->db, ST_PERMISSION_SET, &w->fx->err, "iii", (int64_t)1, (int64_t)0,
			 (int64_t)FORGE_READ));
	OK(w->fx, forge_local.permission(&w->f, w->repo.id + 1, "anna", &level, &w->fx->err));
	assert_int_equal(level, FORGE_READ);
	OK(w->fx, forge_local.permission(&w->f, w->repo.id, "anna", &level, &w->fx->err));
	assert_int_equal(level, FORGE_WRITE);
	OK(w->fx, forge_local.permission(&w->f, w->repo.id, "nobody", &level, &w->fx->err));
	assert_int_equal(level, FORGE_NONE);
	OK(w->fx, forge_local.permission(&w->f, w->repo.id, "yardmaster", &level, &w->fx->err));
	assert_int_equal(level, FORGE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issues, setup, teardown),
		cmocka_unit_test_setup_teardown(test_labels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pushes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_approvals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sticky_comment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_effects_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_permissions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
