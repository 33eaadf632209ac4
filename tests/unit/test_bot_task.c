/* test_bot_task.c - a task between its steps: results that come late, and failures that say nothing. */
#include "task_fixture.h"

/* Its agent is done and the gate is red: the second one is to begin. */
static void up_to_second_round(struct fx *f)
{
	prepare(f);
	up_to_first_round(f);
	fx_told(f, "run-start", NULL, NULL);
	write_output(f, "t1-r1", "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: done\n");
	fx_run_ended(f, "t1-r1", "exited", 0, false);
	fx_answer(f, "task-commit",
		  json_pack("{s:s,s:s,s:s,s:[s]}", "outcome", "committed", "commit", START, "tree",
			    START, "files", "src/a"));
	assert_due_run(f, "t1-r2");
	fx_told(f, "run-start", NULL, NULL);
	write_output(f, "t1-r2", "it is red\n");
	fx_run_ended(f, "t1-r2", "exited", 1, false);
	assert_int_not_equal(fx_due(f, "task-restore", NULL), 0);
}

/* What gates left behind may not come into the next commit, also when it could not be taken away. */
static void a_round_does_not_begin_on_what_gates_left(void **state)
{
	struct fx *f = *state;

	up_to_second_round(f);
	fx_fail(f, "task-restore", "the disk is full");
	{
		autofree char *run = due_run(f);

		assert_null(run);
	}
	assert_int_not_equal(fx_due(f, "task-restore", NULL), 0);
	fx_answer(f, "task-restore", NULL);
	assert_due_run(f, "t1-r4");
}

/* Its Git directory was the last run's: a round that goes on from its files has a new one. */
static void an_unfinished_round_is_followed_by_one_with_a_sound_git_directory(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	prepare(f);
	up_to_first_round(f);
	assert_int_equal(fx_due(f, "task-restore", NULL), 0); /* the first one was just made */
	ran(f, MINUTE, "exited", 1, "", "died\n");
	assert_int_not_equal(fx_due(f, "task-restore", &p), 0);
	assert_true(json_flag(p, "keep_files"));
	assert_string_equal(json_str(p, "commit", ""), FX_BASE);
	assert_due_run(f, "t1-r2");
}

static void a_restored_tree_goes_on(void **state)
{
	struct fx *f = *state;

	up_to_second_round(f);
	fx_answer(f, "task-restore", NULL);
	assert_due_run(f, "t1-r3");
}

/* A run that was given up ends while another one is at work: nothing is started beside it. */
static void the_end_of_an_older_run_starts_nothing(void **state)
{
	struct fx *f = *state;
	cleanup(attempt_release) struct attempt a = {0};
	cleanup(task_release) struct task t = {0};

	up_to_second_round(f);
	fx_answer(f, "task-restore", NULL);
	fx_told(f, "run-start", NULL, NULL);
	assert_int_equal(attempt_find(f->bot.db, ST_ATTEMPT_BY_RUN, &a, NULL, "s", "t1-r2"), 1);
	row_set(&a.state, "running");
	assert_int_equal(attempt_save(f->bot.db, &a, NULL), 0);
	{
		autojson json_t *p = json_pack("{s:s,s:s,s:b}", "run", "t1-r2", "outcome", "killed",
					       "infrastructure", 1);

		assert_int_equal(event_add(f->bot.db, "late", "run-ended", p, 1, NULL), 1);
	}
	fx_turn(f);
	{
		autofree char *run = due_run(f);

		assert_null(run);
	}
	t = task_now(f);
	assert_string_equal(t.state, "running");
	assert_int_equal(t.runs, 3);
}

/* Within one millisecond: on, off, on, off. The last word counts. */
static void labels_faster_than_the_clock(void **state)
{
	struct fx *f = *state;
	cleanup(task_list_release) struct task_list l = {0};
	int64_t n;

	prepare(f);
	assert_int_equal(local_issue_create(&f->forge, &f->repo, "anna", "Fix", "it", &n, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", n, "agent:fix", NULL),
				 1);
		assert_int_equal(
			local_label_remove(&f->forge, &f->repo, "anna", n, "agent:fix", NULL), 1);
	}
	fx_turn(f);
	assert_int_equal(task_all(f->bot.db, ST_TASK_OPEN, &l, NULL, ""), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(task_all(f->bot.db, ST_TASK_LIST, &l, NULL, "is", (int64_t)0, "all"), 0);
	assert_int_equal(l.n, 2);
}

/* Its comments and runs are named by its id: another task must not get it. */
static void the_id_of_a_removed_task_does_not_come_again(void **state)
{
	struct fx *f = *state;
	cleanup(task_list_release) struct task_list l = {0};
	int64_t n;

	prepare(f);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(
			local_issue_create(&f->forge, &f->repo, "anna", "Fix", "it", &n, NULL), 0);
		assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", n, "agent:fix", NULL),
				 1);
		fx_turn(f);
		assert_int_equal(task_all(f->bot.db, ST_TASK_OPEN, &l, NULL, ""), 0);
		assert_int_equal(l.n, 1);
		assert_int_equal(l.v[0].id, i);
		assert_int_equal(db_run(f->bot.db, ST_LEASE_END, NULL, "i", l.v[0].id), 0);
		assert_int_equal(db_run(f->bot.db, ST_TASK_PURGE, NULL, "i", l.v[0].id), 1);
	}
}

/* ---- limits ---- */

/* All its runs count, gates as well; what is under way ends as it began, and the next round does not
 * begin. */
static void a_task_has_so_many_minutes(void **state)
{
	struct fx *f = *state;

	prepare_with(f, "limits: { task-minutes: 60 }\n", "rounds: 9");
	up_to_first_round(f);
	ran(f, 40 * MINUTE, "exited", 0, "", DONE);
	committed(f, START);
	ran(f, 19 * MINUTE, "exited", 1, "", "it is red\n");
	fx_answer(f, "task-restore", NULL);
	assert_due_run(f, "t1-r3"); /* 59 minutes */
	ran(f, 2 * MINUTE, "exited", 0, "", "no end block\n");
	assert_with_a_person(f, "its runs took 61 minutes together; `limits.task-minutes` of the "
				"daemon's configuration allows 60");
}

static void no_minutes_are_no_limit(void **state)
{
	struct fx *f = *state;

	prepare_with(f, "limits: { task-minutes: 0 }\n", "rounds: 9");
	up_to_first_round(f);
	ran(f, 100000 * MINUTE, "exited", 0, "", "no end block\n");
	assert_due_run(f, "t1-r2");
}

/* What the agent says that it has cost ends the task in front of the next round. */
static void a_task_has_so_much_money(void **state)
{
	struct fx *f = *state;

	prepare_with(f, "", "rounds: 9, cost-usd: 5");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", "COST_USD: 2.5\n" DONE);
	committed(f, START);
	ran(f, MINUTE, "exited", 1, "", "it is red\nCOST_USD: 99\n"); /* a gate costs nothing */
	fx_answer(f, "task-restore", NULL);
	{
		autojson json_t *p = NULL;
		autofree char *spec = NULL;

		assert_int_not_equal(fx_due(f, "run-start", &p), 0);
		spec = json_text(p);
		assert_non_null(strstr(spec, "YARDMASTER_COST_USD=2.500000")); /* what is left */
	}
	ran(f, MINUTE, "timeout", 0, "ran too long", "COST_USD: 2.5\n");
	assert_with_a_person(f,
			     "it has cost $5.00; `limits.cost-usd` of its blueprint allows $5.00");
}

/* Work that is done is not thrown away because it was dear. */
static void dear_work_that_is_done_goes_on(void **state)
{
	struct fx *f = *state;

	prepare_with(f, "", "rounds: 9, cost-usd: 1");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", DONE "COST_USD: 7\n");
	committed(f, START);
	assert_due_run(f, "t1-r2"); /* the gate */
}

/* The limits of the blueprint, else the daemon's, reach the keeper. */
static void limits_reach_the_run(void **state)
{
	static const struct {
		const char *conf, *limits;
		int64_t cpu_ms, wall_ms, silence_ms;
	} cases[] = {
		{"", "rounds: 1", 60 * MINUTE, 45 * MINUTE, 10 * MINUTE},
		{"runs: { cpu-minutes: 3 }\n", "rounds: 1", 3 * MINUTE, 45 * MINUTE, 10 * MINUTE},
		{"runs: { cpu-minutes: 3 }\n",
		 "cpu-minutes: 7, timeout-minutes: 8, silence-minutes: 9", 7 * MINUTE, 8 * MINUTE,
		 9 * MINUTE},
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autojson json_t *p = NULL;
		const json_t *l;

		fx_teardown(state);
		fx_setup(state);
		f = *state;
		prepare_with(f, cases[i].conf, cases[i].limits);
		up_to_first_round(f);
		assert_int_not_equal(fx_due(f, "run-start", &p), 0);
		l = json_object_get(json_object_get(p, "spec"), "limits");
		assert_int_equal(json_int(l, "cpu_ms", 0), cases[i].cpu_ms);
		assert_int_equal(json_int(l, "wall_ms", 0), cases[i].wall_ms);
		assert_int_equal(json_int(l, "silence_ms", 0), cases[i].silence_ms);
	}
}

/* Whichever it is, the task says what was found and which setting it was. */
static void the_task_says_which_limit(void **state)
{
	static const struct {
		const char *outcome, *detail, *names;
	} cases[] = {
		{"timeout", "ran for 2700001 ms", "`limits.timeout-minutes` of the blueprint"},
		{"silent", "wrote nothing and computed nothing for 600001 ms",
		 "`limits.silence-minutes` of the blueprint"},
		{"cpu", "used 3600001 ms of CPU time",
		 "`limits.cpu-minutes` of the blueprint, or `runs.cpu-minutes`"},
		{"memory", "used 1 byte too much", "`limits.memory-mb` of the blueprint"},
		{"procs", "513 processes", "`limits.processes` of the blueprint"},
		{"disk", "grew", "`limits.disk-mb` of the blueprint"},
		{"output", "wrote more", "`limits.output-mb` of the blueprint"},
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *why = xasprintf("The agent was ended by a limit: %s (%s",
					       cases[i].detail, cases[i].names);

		fx_teardown(state);
		fx_setup(state);
		f = *state;
		prepare_with(f, "", "rounds: 1");
		up_to_first_round(f);
		ran(f, MINUTE, cases[i].outcome, 0, cases[i].detail, "");
		assert_with_a_person(f, why);
	}
}

/* Of a gate it is the gate's own. */
static void a_gate_has_its_own_time(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};

	prepare_with(f, "", "rounds: 1");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", DONE);
	committed(f, START);
	ran(f, MINUTE, "timeout", 0, "ran for 900001 ms", "");
	assert_with_a_person(f, "The gate `make check` is red");
	t = task_now(f);
	assert_non_null(strstr(t.log, "`make check` was ended: ran for 900001 ms "
				      "(`limits.gate-timeout-minutes` of the blueprint)"));
}

/* ---- the base is moved back ---- */

#define GOOD "e000000000000000000000000000000000000009"

static void base_is(struct fx *f, const char *oid)
{
	assert_int_equal(repo_get(f->bot.db, f->repo.id, &f->repo, NULL), 1);
	row_set(&f->repo.base_oid, oid);
	row_set(&f->repo.config_oid, oid);
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
}

/* Its work is green, and its PR would be opened. */
static void up_to_pr(struct fx *f)
{
	prepare_with(f, "", "rounds: 1");
	up_to_first_round(f);
	ran(f, MINUTE, "exited", 0, "", DONE);
	committed(f, START);
	base_is(f, GOOD);
	ran(f, MINUTE, "exited", 0, "", "green\n");
}

static int64_t prs(struct fx *f)
{
	cleanup(pr_list_release) struct pr_list l = {0};

	assert_int_equal(pr_all(f->bot.db, ST_PR_LIST, &l, NULL, "is", f->repo.id, "all"), 0);
	return (int64_t)l.n;
}

static void a_base_that_moved_on_changes_nothing(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	up_to_pr(f);
	assert_int_not_equal(fx_due(f, "task-base", &p), 0);
	assert_string_equal(json_str(p, "commit", ""), FX_BASE);
	assert_string_equal(json_str(p, "in", ""), GOOD);
	assert_int_equal(prs(f), 0); /* nobody sees it before that is known */
	fx_answer(f, "task-base", json_pack("{s:b}", "contains", 1));
	assert_int_equal(prs(f), 1);
}

/* What it began from is not in the base: its own changes alone are put onto that, and tested again. */
static void what_was_taken_out_of_the_base_does_not_come_back(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;
	autojson json_t *q = NULL;
	cleanup(task_release) struct task t = {0};

	up_to_pr(f);
	fx_answer(f, "task-base", json_pack("{s:b}", "contains", 0));
	assert_int_not_equal(fx_due(f, "task-transplant", &p), 0);
	assert_string_equal(json_str(p, "head", ""), START);
	assert_string_equal(json_str(p, "from", ""), FX_BASE);
	assert_string_equal(json_str(p, "onto", ""), GOOD);
	fx_answer(f, "task-transplant", json_pack("{s:s}", "outcome", "clean"));
	assert_int_not_equal(fx_due(f, "task-commit", &q), 0);
	assert_string_equal(json_str(q, "parent", ""), GOOD);
	assert_string_equal(json_str(q, "base", ""), GOOD); /* `allow` is judged against it */
	committed(f, CAND);
	assert_int_equal(prs(f), 0);
	ran(f, MINUTE, "exited", 0, "", "green\n"); /* the gate, of the new tree */
	assert_int_equal(prs(f), 1);
	t = task_now(f);
	assert_string_equal(t.start, GOOD);
}

static void a_conflict_with_the_base_that_was_moved_back_is_a_round(void **state)
{
	struct fx *f = *state;

	up_to_pr(f);
	fx_answer(f, "task-base", json_pack("{s:b}", "contains", 0));
	fx_answer(
		f, "task-transplant",
		json_pack("{s:s,s:[{s:s}]}", "outcome", "conflict", "conflicts", "path", "src/a"));
	assert_with_a_person(f, "The change was refused");
	assert_int_equal(prs(f), 0);
}

/* The answer was of a base that is not there any more: asked again. */
static void a_base_that_moves_twice_is_asked_for_twice(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;

	up_to_pr(f);
	base_is(f, CAND);
	fx_answer(f, "task-base", json_pack("{s:b}", "contains", 1));
	assert_int_equal(prs(f), 0);
	assert_int_not_equal(fx_due(f, "task-base", &p), 0);
	assert_string_equal(json_str(p, "in", ""), CAND);
}

/* ---- cancelled while its PR lands ---- */

static void cancelled_before_its_landing_it_does_not_land(void **state)
{
	struct fx *f = *state;
	cleanup(task_release) struct task t = {0};
	cleanup(pr_release) struct pr p = {0};

	up_to_landing(f);
	assert_int_equal(dispatch_cancel(&f->bot, &f->repo, 1, "anna", NULL), 1);
	fx_turn(f);
	fx_verified(f);
	assert_int_equal(fx_due(f, "cand-land", NULL), 0);
	assert_entry(f, 2, "dequeued");
	t = task_now(f);
	assert_string_equal(t.state, "cancelled");
	p = fx_pr(f, 2);
	assert_string_equal(p.state, "open");
	/* A person may land it all the same. */
	fx_enqueue(f, 2);
	fx_turn(f);
	fx_built(f, CAND);
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_entry(f, 2, "landed");
}

static void cancelled_too_late_it_says_so(void **state)
{
	struct fx *f = *state;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(task_release) struct task t = {0};

	up_to_landing(f);
	fx_verified(f);
	assert_int_not_equal(fx_due(f, "cand-land", NULL), 0);
	assert_int_equal(dispatch_cancel(&f->bot, &f->repo, 1, "anna", &err), -1);
	assert_int_equal(err.code, ERR_STATE);
	assert_non_null(
		strstr(err.text, "task 1 is not cancelled: its PR #2 is landing right now"));
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	t = task_now(f);
	assert_string_equal(t.state, "merged");
}

/* What did not land after all can be cancelled again. */
static void a_landing_that_failed_can_be_cancelled(void **state)
{
	struct fx *f = *state;

	up_to_landing(f);
	fx_verified(f);
	assert_int_equal(dispatch_cancel(&f->bot, &f->repo, 1, "anna", NULL), -1);
	fx_answer(f, "cand-land", json_pack("{s:s,s:s}", "outcome", "moved", "found", CAND));
	assert_int_equal(dispatch_cancel(&f->bot, &f->repo, 1, "anna", NULL), 1);
	fx_turn(f);
	assert_entry(f, 2, "dequeued");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_round_does_not_begin_on_what_gates_left),
		TEST(an_unfinished_round_is_followed_by_one_with_a_sound_git_directory),
		TEST(a_restored_tree_goes_on),
		TEST(the_end_of_an_older_run_starts_nothing),
		TEST(labels_faster_than_the_clock),
		TEST(the_id_of_a_removed_task_does_not_come_again),
		TEST(a_task_has_so_many_minutes),
		TEST(no_minutes_are_no_limit),
		TEST(a_task_has_so_much_money),
		TEST(dear_work_that_is_done_goes_on),
		TEST(limits_reach_the_run),
		TEST(the_task_says_which_limit),
		TEST(a_gate_has_its_own_time),
		TEST(a_base_that_moved_on_changes_nothing),
		TEST(what_was_taken_out_of_the_base_does_not_come_back),
		TEST(a_conflict_with_the_base_that_was_moved_back_is_a_round),
		TEST(a_base_that_moves_twice_is_asked_for_twice),
		TEST(cancelled_before_its_landing_it_does_not_land),
		TEST(cancelled_too_late_it_says_so),
		TEST(a_landing_that_failed_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
