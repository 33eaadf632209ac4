/* test_bot_task.c - a task between its steps: results that come late, and failures that say nothing. */
#include "bot_fixture.h"

#include "bot/task_flow.h"

#define START "d000000000000000000000000000000000000001"

static const char blueprint[] = "name: fix\n"
				"allow: [\"src/**\"]\n"
				"limits: { rounds: 3 }\n"
				"steps:\n"
				"  - agent: fix.md\n"
				"    gates: [\"make check\"]\n"
				"  - pull-request: {}\n"
				"  - review: {}\n";

static void prepare(struct fx *f)
{
	static const char conf[] = "agents:\n  scripted:\n    command: [\"/bin/true\"]\n";
	autojson json_t *files = json_pack("{s:s,s:s}", ".github/blueprints/fix.yml", blueprint,
					   ".github/blueprints/fix.md", "Do it.");
	struct user u = {.name = xstrdup("anna"), .uid = 4711};

	conf_daemon_release(&f->conf);
	assert_int_equal(conf_daemon_load("y.yml", conf, strlen(conf), f->dir, &f->conf, NULL), 0);
	row_take(&f->repo.config, json_text(files));
	assert_int_equal(repo_save(f->bot.db, &f->repo, NULL), 0);
	assert_int_equal(user_insert(f->bot.db, &u, NULL), 0);
	assert_int_equal(db_run(f->bot.db, ST_PERMISSION_SET, NULL, "iii", u.id, (int64_t)0,
				(int64_t)FORGE_MAINTAIN),
			 1);
	user_release(&u);
}

static struct task task_now(struct fx *f)
{
	struct task t = {0};

	assert_int_equal(task_get(f->bot.db, 1, &t, NULL), 1);
	return t;
}

static char *due_run(struct fx *f)
{
	autojson json_t *p = NULL;

	return fx_due(f, "run-start", &p) ? xstrdup(json_str(p, "run", "")) : NULL;
}

#define assert_due_run(f, expected)                                                                \
	do {                                                                                       \
		autofree char *run_ = due_run(f);                                                  \
                                                                                                   \
		assert_non_null(run_);                                                             \
		assert_string_equal(run_, expected);                                               \
	} while (0)

static void write_output(struct fx *f, const char *run, const char *text)
{
	autofree char *dir = xasprintf("%s/%s", f->bot.runs, run);
	autofree char *path = xasprintf("%s/out", dir);

	assert_int_equal(fs_mkdir_p(dir, 0700, NULL), 0);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

/* Issue 1, task 1, its agent done once and the gate red: the second round is to begin. */
static void up_to_second_round(struct fx *f)
{
	int64_t n;

	prepare(f);
	assert_int_equal(local_issue_create(&f->forge, &f->repo, "anna", "Fix", "it", &n, NULL), 0);
	assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", n, "agent:fix", NULL), 1);
	fx_turn(f);
	fx_answer(f, "task-worktree", NULL);
	assert_due_run(f, "t1-r1");
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

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_round_does_not_begin_on_what_gates_left),
		TEST(a_restored_tree_goes_on),
		TEST(the_end_of_an_older_run_starts_nothing),
		TEST(labels_faster_than_the_clock),
		TEST(the_id_of_a_removed_task_does_not_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
