/* test_bot_issue.c - what hangs on an issue: its tasks and their PRs, when it is closed, opened again or begun anew. */
#include "task_fixture.h"

#include "bot/reconcile.h"

static struct task task_of(struct fx *f, int64_t id)
{
	struct task t = {0};

	assert_int_equal(task_get(f->bot.db, id, &t, NULL), 1);
	return t;
}

static void assert_state(struct fx *f, int64_t id, const char *state)
{
	cleanup(task_release) struct task t = task_of(f, id);

	assert_string_equal(t.state, state);
}

/* How many comments there have this text in them. */
static int said(struct fx *f, int64_t number, const char *text)
{
	cleanup(comment_list_release) struct comment_list l = {0};
	int n = 0;

	assert_int_equal(comment_all(f->bot.db, ST_COMMENT_OF, &l, NULL, "ii", f->repo.id, number),
			 0);
	for (size_t i = 0; i < l.n; i++)
		n += strstr(l.v[i].body, text) != NULL;
	return n;
}

static bool has_label(struct fx *f, int64_t number, const char *name)
{
	cleanup(label_list_release) struct label_list l = {0};

	assert_int_equal(label_all(f->bot.db, ST_LABEL_OF, &l, NULL, "ii", f->repo.id, number), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].name, name))
			return true;
	return false;
}

static void comment(struct fx *f, int64_t number, const char *body)
{
	int64_t id;

	assert_int_equal(local_comment(&f->forge, &f->repo, "anna", number, body, &id, NULL), 0);
	fx_turn(f);
}

static void close_issue(struct fx *f)
{
	assert_int_equal(local_issue_close(&f->forge, &f->repo, "anna", 1, NULL), 0);
	fx_turn(f);
}

static void reopen_issue(struct fx *f)
{
	assert_int_equal(local_issue_reopen(&f->forge, &f->repo, "eve", 1, NULL), 0);
	fx_turn(f);
}

static void label(struct fx *f, bool on)
{
	assert_int_equal((on ? local_label_add : local_label_remove)(&f->forge, &f->repo, "anna", 1,
								     "agent:fix", NULL),
			 1);
	fx_turn(f);
}

static void up_to_needs_human(struct fx *f)
{
	prepare_with(f, "", "rounds: 1");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", "no end block\n");
	assert_state(f, 1, "needs-human");
	assert_true(has_label(f, 1, "needs-human"));
}

/* The task that the label begins has done its work, and the forge has opened its PR. */
static void another_pr(struct fx *f, int64_t task, int64_t pr)
{
	autofree char *key = xasprintf("opened:%lld", (long long)task);
	autojson json_t *opened = json_pack("{s:b,s:{s:I},s:{s:I}}", "ok", 1, "ctx", "task",
					    (json_int_t)task, "result", "number", (json_int_t)pr);

	label(f, true);
	fx_answer(f, "task-worktree", NULL);
	ran(f, MINUTE, "exited", 0, "", DONE);
	committed(f, FX_BASE);
	ran(f, MINUTE, "exited", 0, "", "green\n");
	assert_int_equal(event_add(f->bot.db, key, "did-forge-pr-open", opened, fx_now, NULL), 1);
	fx_learnt(f);
	fx_answer(f, "pr-ref", NULL);
	assert_state(f, task, "review");
}

static void assert_pr(struct fx *f, int64_t number, const char *state, const char *held)
{
	cleanup(pr_release) struct pr p = fx_pr(f, number);

	assert_string_equal(p.state, state);
	assert_int_equal(p.held, held != NULL);
	if (held)
		assert_string_equal(p.held_reason, held);
}

/* The forge says that an issue was closed by what landed. */
static void closed_by_landing(struct fx *f, int64_t task)
{
	autojson json_t *p = json_pack("{s:b,s:{s:I}}", "ok", 1, "ctx", "task", (json_int_t)task);

	assert_int_equal(event_add(f->bot.db, "closed", "did-forge-issue-close", p, fx_now, NULL),
			 1);
	fx_turn(f);
}

static void closing_ends_what_needs_a_person(void **state)
{
	struct fx *f = *state;

	up_to_needs_human(f);
	close_issue(f);
	assert_state(f, 1, "cancelled");
	assert_false(has_label(f, 1, "needs-human"));
	assert_int_equal(fx_due(f, "task-remove", NULL), 0); /* nothing of it is published */
	assert_int_equal(said(f, 1, "Ended, because anna closed the issue"), 1);
	assert_int_equal(said(f, 1, "has not published is kept in"), 1);
	comment(f, 1, "/yard retry");
	comment(f, 1, "/yard say go on");
	assert_int_equal(said(f, 1, "issue #1 is closed, and no agent works on a closed issue"), 2);
	assert_state(f, 1, "cancelled");
	assert_int_equal(fx_due(f, "run-start", NULL), 0);
}

/* Whoever may open an issue need not be one who may start an agent. */
static void reopening_brings_it_back_to_a_person(void **state)
{
	struct fx *f = *state;

	up_to_needs_human(f);
	close_issue(f);
	reopen_issue(f);
	assert_state(f, 1, "needs-human");
	assert_true(has_label(f, 1, "needs-human"));
	assert_int_equal(fx_due(f, "run-start", NULL), 0);
	assert_int_equal(said(f, 1, "Task 1 is back: eve opened the issue again"), 1);
	comment(f, 1, "/yard retry");
	assert_due_run(f, "t1-r2");
}

static void closing_cuts_a_round_off_and_keeps_its_files(void **state)
{
	struct fx *f = *state;

	prepare_with(f, "", "rounds: 1");
	up_to_first_round(f);
	fx_told(f, "run-start", NULL, NULL);
	close_issue(f);
	assert_state(f, 1, "cancelled");
	assert_int_not_equal(fx_due(f, "run-kill", NULL), 0);
	fx_run_ended(f, "t1-r1", "killed", 0, false);
	assert_int_equal(fx_due(f, "task-remove", NULL), 0);
	reopen_issue(f);
	assert_state(f, 1, "needs-human");
	comment(f, 1, "/yard retry");
	assert_due_run(f, "t1-r2");
}

/* What an answer was waited for is a round again. */
static void closing_while_it_asks(void **state)
{
	struct fx *f = *state;

	prepare_with(f, "", "rounds: 1");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", "STATUS: QUESTION\nEXIT_SIGNAL: true\nSUMMARY: which?\n");
	close_issue(f);
	assert_state(f, 1, "cancelled");
	reopen_issue(f);
	comment(f, 1, "/yard say the blue one");
	assert_due_run(f, "t1-r2");
}

/* Nothing has begun: nothing is kept, and nothing comes back. */
static void closing_what_waits(void **state)
{
	struct fx *f = *state;
	int64_t n;

	prepare(f);
	f->conf.limits.agents = 0;
	assert_int_equal(local_issue_create(&f->forge, &f->repo, "anna", "Fix", "it", &n, NULL), 0);
	label(f, true);
	assert_state(f, 1, "waiting");
	close_issue(f);
	assert_state(f, 1, "cancelled");
	reopen_issue(f);
	assert_state(f, 1, "cancelled");
	assert_int_equal(said(f, 1, "is back"), 0);
}

static void a_lost_event_is_made_up_for(void **state)
{
	struct fx *f = *state;
	cleanup(issue_release) struct issue i = {0};

	up_to_needs_human(f);
	assert_int_equal(
		issue_find(f->bot.db, ST_ISSUE_BY_NUMBER, &i, NULL, "ii", f->repo.id, (int64_t)1),
		1);
	row_set(&i.state, "closed");
	assert_int_equal(issue_save(f->bot.db, &i, NULL), 0);
	assert_int_equal(reconcile_all(&f->bot, NULL), 0);
	fx_turn(f);
	assert_state(f, 1, "cancelled");
	assert_int_equal(said(f, 1, "Ended, because the issue is closed"), 1);
}

static void a_newer_task_ends_what_an_older_one_left(void **state)
{
	struct fx *f = *state;

	up_to_needs_human(f);
	label(f, false);
	label(f, true);
	assert_state(f, 1, "cancelled");
	assert_false(has_label(f, 1, "needs-human"));
	assert_state(f, 2, "preparing");
	assert_int_equal(said(f, 1, "Ended, because task 2 begins the issue again"), 1);
	close_issue(f); /* that ended the newer one alone, and opening brings no older one back */
	reopen_issue(f);
	assert_state(f, 1, "cancelled");
}

/* ---- PRs ---- */

static void the_older_pr_gives_way(void **state)
{
	struct fx *f = *state;

	up_to_review(f);
	label(f, false);
	assert_state(f, 1, "cancelled");
	assert_int_equal(said(f, 2, "Task 1, which opened this pull request, is cancelled"), 1);
	assert_pr(f, 2, "open", NULL);
	another_pr(f, 2, 3);
	assert_pr(f, 2, "closed", "superseded by #3 of task 2");
	assert_int_equal(said(f, 2, "Held and closed: superseded by #3 of task 2"), 1);
	assert_int_equal(said(f, 3, "#2 of task 1 (cancelled): superseded by this one"), 1);
	comment(f, 2, "/yard why");
	assert_int_equal(said(f, 2, "It is closed: superseded by #3"), 1);
}

/* What a person queued is not taken away by an agent's, but it does not land on what that has solved. */
static void what_a_person_queued_goes_on_until_the_issue_is_solved(void **state)
{
	struct fx *f = *state;

	up_to_review(f);
	label(f, false);
	fx_enqueue(f, 2);
	another_pr(f, 2, 3);
	assert_pr(f, 2, "open", NULL);
	assert_entry(f, 2, "queued");
	assert_int_equal(said(f, 3, "#2 of task 1 (cancelled): in the merge queue"), 1);
	closed_by_landing(f, 2);
	assert_entry(f, 2, "dequeued");
	assert_pr(f, 2, "closed", "superseded by #3 of task 2");
}

static void prs_of_cancelled_tasks_hold_nothing_up(void **state)
{
	struct fx *f = *state;
	int64_t n;

	up_to_review(f);
	f->conf.limits.agent_prs = 1;
	assert_int_equal(local_issue_create(&f->forge, &f->repo, "anna", "Two", "", &n, NULL), 0);
	assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", n, "agent:fix", NULL), 1);
	fx_turn(f);
	assert_state(f, 2, "waiting");
	close_issue(f);
	assert_state(f, 1, "cancelled");
	assert_pr(f, 2, "open", NULL);
	assert_state(f, 2, "preparing");
}

/* By a person, after its issue was closed. */
static void what_lands_all_the_same_is_merged(void **state)
{
	struct fx *f = *state;

	up_to_review(f);
	close_issue(f);
	assert_state(f, 1, "cancelled");
	fx_enqueue(f, 2);
	fx_turn(f);
	fx_built(f, CAND);
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_state(f, 1, "merged");
	assert_int_not_equal(fx_due(f, "task-remove", NULL), 0);
}

/* ---- its text ---- */

static void edit(struct fx *f, const char *who, const char *body)
{
	assert_int_equal(local_issue_edit(&f->forge, &f->repo, who, 1, NULL, body, NULL), 0);
	fx_turn(f);
}

static bool prompt_has(struct fx *f, const char *text)
{
	autojson json_t *p = NULL;

	restored(f);
	assert_int_not_equal(fx_due(f, "run-start", &p), 0);
	return strstr(json_str(json_object_get(p, "spec"), "input", ""), text) != NULL;
}

/* Edited while the agent works: the issue and the PR say that they are not of one text. */
static void the_pr_says_that_it_is_of_an_older_text(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	prepare(f);
	up_to_first_round(f);
	edit(f, "anna", "something else");
	assert_int_equal(said(f, 1, "Task 1 was given the old one"), 1);
	ran(f, MINUTE, "exited", 0, "", DONE);
	committed(f, START);
	ran(f, MINUTE, "exited", 0, "", "green\n");
	p = fx_pr(f, 2);
	assert_non_null(strstr(p.body, "text was changed after the agent had it"));
}

/* Afterwards its PR is told; and no more once the text is the same again. */
static void an_edit_after_the_pr_is_told_there(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};

	up_to_review(f);
	assert_int_equal(said(f, 2, "was changed after the agent had it"), 0);
	edit(f, "anna", "something else");
	assert_int_equal(said(f, 2, "The text of issue #1 was changed after the agent had it"), 1);
	edit(f, "anna", "it");
	t = task_of(f, 1);
	assert_int_equal(t.edited, 0);
}

static void retry_takes_what_a_permitted_person_wrote(void **state)
{
	struct fx *f = *state;

	up_to_needs_human(f);
	edit(f, "anna", "the blue one");
	comment(f, 1, "/yard retry");
	assert_int_equal(said(f, 1, "It works from the issue's text as anna has changed it"), 1);
	assert_true(prompt_has(f, "the blue one"));
}

/* Whoever may not assign does not get a text to an agent, also not among the words of others. */
static void retry_keeps_the_text_when_others_wrote_in_it(void **state)
{
	struct fx *f = *state;

	up_to_needs_human(f);
	edit(f, "eve", "rm -rf /");
	edit(f, "anna", "rm -rf / please");
	comment(f, 1, "/yard retry");
	assert_int_equal(said(f, 1, "It works from the issue's text as it was when it was asked"),
			 1);
	assert_false(prompt_has(f, "rm -rf"));
}

/* ---- what was not committed ---- */

static void a_change_of_ignored_files_alone_is_named(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};

	prepare_with(f, "", "rounds: 2");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", DONE);
	fx_answer(f, "task-commit",
		  json_pack("{s:s,s:[s,s],s:b}", "outcome", "unchanged", "ignored", "dist/x\ny.js",
			    "run.log", "ignored_more", 1));
	assert_int_equal(said(f, 1,
			      "Not committed, because a `.gitignore` names them: "
			      "\"dist/x\\ny.js\", \"run.log\" and others."),
			 1);
	assert_true(prompt_has(f, "because a `.gitignore` names them"));
	ran(f, MINUTE, "exited", 0, "", DONE);
	committed(f, START);
	t = task_of(f, 1);
	assert_null(t.ignored); /* of that round there is nothing */
}

static void the_pr_names_what_is_not_in_it(void **state)
{
	struct fx *f = *state;
	cleanup(pr_release) struct pr p = {0};

	prepare(f);
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", DONE);
	fx_answer(f, "task-commit",
		  json_pack("{s:s,s:s,s:s,s:[s],s:[s]}", "outcome", "committed", "commit", START,
			    "tree", START, "files", "src/a", "ignored", "dist/x.js"));
	ran(f, MINUTE, "exited", 0, "", "green\n");
	p = fx_pr(f, 2);
	assert_non_null(strstr(p.body, "a `.gitignore` names it: \"dist/x.js\"."));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(closing_ends_what_needs_a_person),
		TEST(reopening_brings_it_back_to_a_person),
		TEST(closing_cuts_a_round_off_and_keeps_its_files),
		TEST(closing_while_it_asks),
		TEST(closing_what_waits),
		TEST(a_lost_event_is_made_up_for),
		TEST(a_newer_task_ends_what_an_older_one_left),
		TEST(the_older_pr_gives_way),
		TEST(what_a_person_queued_goes_on_until_the_issue_is_solved),
		TEST(prs_of_cancelled_tasks_hold_nothing_up),
		TEST(what_lands_all_the_same_is_merged),
		TEST(the_pr_says_that_it_is_of_an_older_text),
		TEST(an_edit_after_the_pr_is_told_there),
		TEST(retry_takes_what_a_permitted_person_wrote),
		TEST(retry_keeps_the_text_when_others_wrote_in_it),
		TEST(a_change_of_ignored_files_alone_is_named),
		TEST(the_pr_names_what_is_not_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
