/* test_bot_retention.c - what is gone when its time is over, and what stays: by a clock that is turned. */
#include "task_fixture.h"

#include "bot/reconcile.h"
#include "bot/waits.h"
#include "runner/run.h"

#define DAY ((int64_t)24 * 3600 * 1000)

static int64_t fx_begin, fx_day;

static void reconcile(struct fx *f)
{
	assert_int_equal(reconcile_all(&f->bot, NULL), 0);
	fx_turn(f);
	while (fx_due(f, "repo-base", NULL))
		fx_answer(f, "repo-base", json_pack("{s:s}", "oid", CAND));
}

/* To this day after the beginning: the daemon has run all the time. */
static void turn_to(struct fx *f, int64_t day)
{
	while (fx_day < day) {
		fx_now = fx_begin + ++fx_day * DAY;
		reconcile(f);
	}
}

/* How many folders of worktrees were given to be removed. */
static int removed(struct fx *f)
{
	int n = 0;

	for (; fx_due(f, "task-remove", NULL); n++)
		fx_answer(f, "task-remove", NULL);
	return n;
}

static bool has_task(struct fx *f, int64_t id)
{
	cleanup(task_release) struct task t = {0};

	return task_get(f->bot.db, id, &t, NULL) > 0;
}

static size_t attempts_of(struct fx *f, int64_t id)
{
	cleanup(attempt_list_release) struct attempt_list l = {0};

	assert_int_equal(attempt_all(f->bot.db, ST_ATTEMPT_OF_TASK, &l, NULL, "i", id), 0);
	return l.n;
}

static size_t logs(struct fx *f)
{
	cleanup(strvec_release) struct strvec names = STRVEC_INIT;

	assert_int_equal(run_list(f->bot.runs, &names, NULL), 0);
	return names.n;
}

/* An event is known as long as it is kept. */
static bool is_known(struct fx *f, const char *key)
{
	autojson json_t *p = json_object();
	int rc = db_savepoint(f->bot.db, NULL) < 0
			 ? -1
			 : event_add(f->bot.db, key, "x", p, fx_now, NULL);

	db_rollback_to(f->bot.db);
	assert_true(rc >= 0);
	return rc == 0;
}

static int64_t count(struct fx *f, enum stmt_id st)
{
	int64_t n = -1;

	assert_int_equal(db_int(f->bot.db, st, &n, NULL, ""), 1);
	return n;
}

static void start_another(struct fx *f)
{
	int64_t n;

	assert_int_equal(local_issue_create(&f->forge, &f->repo, "anna", "Fix", "it", &n, NULL), 0);
	assert_int_equal(local_label_add(&f->forge, &f->repo, "anna", n, "agent:fix", NULL), 1);
	fx_turn(f);
	fx_answer(f, "task-worktree", NULL);
}

/* Task 1 has landed, task 2 needs a person, task 3 waits for an answer. */
static void up_to_three_tasks(struct fx *f)
{
	fx_day = 0;
	fx_begin = fx_now =
		400 * DAY; /* later than any of the times that are counted back from it */
	up_to_landing(f);
	start_another(f);
	for (int i = 0; i < 3; i++)
		ran(f, MINUTE, "exited", 0, "", "no end block\n");
	start_another(f);
	ran(f, MINUTE, "exited", 0, "", "STATUS: QUESTION\nEXIT_SIGNAL: true\nSUMMARY: which?\n");
	fx_verified(f);
	fx_answer(f, "cand-land", json_pack("{s:s}", "outcome", "landed"));
	assert_int_not_equal(removed(f), 0);
	while (fx_due(f, "cand-drop", NULL))
		fx_answer(f, "cand-drop", NULL);
	while (fx_due(f, "repo-config", NULL))
		fx_answer(f, "repo-config", json_pack("{s:[]}", "files"));
}

static void assert_state(struct fx *f, int64_t id, const char *state)
{
	cleanup(task_release) struct task t = {0};

	assert_int_equal(task_get(f->bot.db, id, &t, NULL), 1);
	assert_string_equal(t.state, state);
}

static bool keeps_worktree(struct fx *f, int64_t id)
{
	cleanup(task_release) struct task t = {0};

	assert_int_equal(task_get(f->bot.db, id, &t, NULL), 1);
	return t.worktree != NULL;
}

/* What landed is proven for ever. */
static void assert_proven(struct fx *f, int64_t audit)
{
	cleanup(landing_release) struct landing l = {0};
	cleanup(pr_release) struct pr p = fx_pr(f, 2);
	cleanup(comment_list_release) struct comment_list c = {0};
	cleanup(approval_list_release) struct approval_list a = {0};
	autofree char *head = NULL;
	int64_t rows = 0;

	assert_string_equal(p.state, "merged");
	assert_int_equal(
		landing_find(f->bot.db, ST_LANDING_BY_NEW, &l, NULL, "is", f->repo.id, CAND), 1);
	assert_string_equal(l.state, "landed");
	assert_non_null(strstr(l.receipt, "\"task\":1"));
	assert_int_equal(
		approval_all(f->bot.db, ST_APPROVAL_OF, &a, NULL, "ii", f->repo.id, (int64_t)2), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(
		comment_all(f->bot.db, ST_COMMENT_OF, &c, NULL, "ii", f->repo.id, (int64_t)1), 0);
	assert_true(c.n > 0);
	assert_true(count(f, ST_AUDIT_COUNT) >= audit);
	assert_int_equal(audit_verify(f->bot.db, &rows, &head, NULL), 0);
	assert_int_equal(rows, count(f, ST_AUDIT_COUNT));
}

static void each_thing_has_its_time(void **state)
{
	struct fx *f = *state;
	int64_t audit;
	size_t runs;

	up_to_three_tasks(f);
	assert_state(f, 1, "merged");
	assert_state(f, 2, "needs-human");
	assert_state(f, 3, "asking");
	assert_false(keeps_worktree(f, 1));
	audit = count(f, ST_AUDIT_COUNT);
	runs = logs(f);
	assert_int_equal(runs, 6);

	turn_to(f, 6);
	assert_int_equal(removed(f), 0);
	assert_true(keeps_worktree(f, 2));
	turn_to(f, 8); /* failed-worktree-days: 7 */
	assert_int_not_equal(removed(f), 0);
	assert_false(keeps_worktree(f, 2));
	assert_true(keeps_worktree(f, 3));

	turn_to(f, 29);
	assert_int_equal(logs(f), runs);
	assert_true(is_known(f, "t1-r1"));
	turn_to(f, 31); /* logs-days, events-days: 30 */
	assert_int_equal(logs(f), 0);
	assert_false(is_known(f, "t1-r1"));
	assert_int_equal(attempts_of(f, 1), 2); /* what ran is still known */
	assert_proven(f, audit);

	turn_to(f, 179);
	assert_true(has_task(f, 1));
	assert_true(has_task(f, 2));
	turn_to(f,
		181); /* task-days: 180; task 2's branch goes with it, task 1's went when it landed */
	assert_int_equal(removed(f), 2);
	assert_false(has_task(f, 1));
	assert_false(has_task(f, 2));
	assert_int_equal(attempts_of(f, 1), 0);
	assert_state(f, 3, "asking"); /* it has not ended */
	assert_true(keeps_worktree(f, 3));
	assert_proven(f, audit);

	turn_to(f, 700);
	assert_state(f, 3, "asking");
	assert_proven(f, audit);
}

/* The times are the configuration's. */
static void times_can_be_set(void **state)
{
	struct fx *f = *state;

	up_to_three_tasks(f);
	f->conf.retention.logs_days = 3;
	f->conf.retention.events_days = 2;
	f->conf.retention.task_days = 5;
	f->conf.retention.failed_worktree_days = 1;
	turn_to(f, 1);
	assert_false(is_known(f, "nothing of that name"));
	assert_true(is_known(f, "t1-r1"));
	turn_to(f, 2);
	turn_to(f, 3);
	assert_false(is_known(f, "t1-r1"));
	assert_int_not_equal(logs(f), 0);
	turn_to(f, 4);
	assert_int_equal(logs(f), 0);
	assert_true(has_task(f, 1));
	turn_to(f, 6);
	assert_false(has_task(f, 1));
	assert_false(has_task(f, 2));
	assert_true(has_task(f, 3));
}

/* What could not be decided or carried out yet is not old, however long it waits. */
static void what_is_open_stays(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = json_object();

	up_to_three_tasks(f);
	assert_int_equal(
		bot_effect(&f->bot, "s", "task-remove", json_object(), NULL, "open effect"), 1);
	assert_int_equal(event_add(f->bot.db, "open event", "x", p, fx_now, NULL), 1);
	for (int i = 0; i < 300; i++) { /* nothing is decided meanwhile */
		fx_now += DAY;
		assert_int_equal(reconcile_all(&f->bot, NULL), 0);
	}
	assert_false(is_known(f, "t1-r1"));
	assert_true(is_known(f, "open event"));
	assert_int_equal(
		bot_effect(&f->bot, "s", "task-remove", json_object(), NULL, "open effect"), 0);
}

/* ---- leftovers ---- */

static void make_folder(struct fx *f, const char *name)
{
	autofree char *path = xasprintf("%s/worktrees/%s", f->dir, name);

	assert_int_equal(fs_mkdir_p(path, 0700, NULL), 0);
}

/* The folders that are given to be removed, "t1 t5". Caller frees. */
static char *swept(struct fx *f)
{
	cleanup(strvec_release) struct strvec v = STRVEC_INIT;

	for (;;) {
		autojson json_t *p = NULL;

		if (!fx_due(f, "task-remove", &p)) {
			strvec_sort(&v);
			return strvec_join(&v, " ");
		}
		strvec_push(&v, strrchr(json_str(p, "path", "/?"), '/') + 1);
		fx_answer(f, "task-remove", NULL);
	}
}

/* Of task 1, which has landed, whatever was left of it; not of those that are at work, nor what a later ledger knew. */
static void what_killed_processes_left_goes(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = NULL;
	autofree char *names = NULL, *again = NULL;

	up_to_three_tasks(f);
	make_folder(f, "t1");
	make_folder(f, "t2");
	make_folder(f, "t3");
	make_folder(f, "t4");
	make_folder(f, "mine");
	f->bot.started_ms = fx_now;
	turn_to(f, 1);
	assert_int_not_equal(fx_due(f, "repo-sweep", &p), 0);
	assert_int_equal(json_int(p, "before_ms", 0), f->bot.started_ms);
	assert_int_equal(json_int(p, "last", 0), 3);
	{
		autofree char *keep = json_text(json_object_get(p, "keep"));

		assert_string_equal(keep, "[\"t2\",\"t3\"]");
	}
	fx_answer(f, "repo-sweep", json_pack("{s:i}", "removed", 2));
	names = swept(f);
	assert_string_equal(names, "t1");
	fx_now += DAY / 2;
	reconcile(f);
	assert_int_equal(fx_due(f, "repo-sweep", NULL), 0); /* once a day */
	again = swept(f);
	assert_string_equal(again, "");
}

static void sql(struct fx *f, const char *text)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(db_prepare(f->bot.db, text, &st, NULL), 0);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

/* The first column of the first row; "": no row. Caller frees. */
static char *sql_text(struct fx *f, const char *text)
{
	sqlite3_stmt *st = NULL;
	char *s;

	assert_int_equal(db_prepare(f->bot.db, text, &st, NULL), 0);
	s = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0)
		    ? xstrdup((const char *)sqlite3_column_text(st, 0))
		    : xstrdup("");
	sqlite3_finalize(st);
	return s;
}

/* Of what was done a day ago nobody needs more than that it was. */
static void the_payload_of_what_is_done_goes_first(void **state)
{
	struct fx *f = *state;
	cleanup(effect_release) struct effect e = {0};
	autojson json_t *p = json_pack("{s:s}", "body", "long");
	autofree char *result = xasprintf("{\"text\":\"%0*d\"}", 600, 1);
	int64_t id;

	fx_begin = fx_now = 400 * DAY;
	fx_day = 0;
	assert_int_equal(bot_effect(&f->bot, "s", "x", json_incref(p), NULL, "k"), 1);
	id = db_last_id(f->bot.db);
	assert_int_equal(effect_done(f->bot.db, id, true, result, fx_now, NULL), 1);
	turn_to(f, 1);
	assert_int_equal(effect_get(f->bot.db, id, &e, NULL), 1);
	assert_non_null(strstr(e.payload, "long"));
	assert_non_null(e.result);
	effect_release(&e);
	turn_to(f, 2);
	assert_int_equal(effect_get(f->bot.db, id, &e, NULL), 1);
	assert_string_equal(e.payload, "{}");
	assert_null(e.result);
	assert_int_equal(bot_effect(&f->bot, "s", "x", json_incref(p), NULL, "k"), 0);
	turn_to(f, 32);
	effect_release(&e);
	assert_int_equal(effect_get(f->bot.db, id, &e, NULL), 0);
}

/* So of events; what failed is kept whole until its time. */
static void the_payload_of_handled_events_goes_first(void **state)
{
	static const enum event_state ends[] = {EVENT_DECIDED, EVENT_IGNORED, EVENT_FAILED};
	struct fx *f = *state;
	autojson json_t *p = json_pack("{s:s}", "body", "long");
	autofree char *first = NULL, *second = NULL;

	fx_begin = fx_now = 400 * DAY;
	fx_day = 0;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		autofree char *key = xasprintf("k%zu", i);

		assert_int_equal(event_add(f->bot.db, key, "x", p, fx_now, NULL), 1);
		assert_int_equal(event_decided(f->bot.db, db_last_id(f->bot.db), ends[i], NULL,
					       fx_now, NULL),
				 1);
	}
	turn_to(f, 1);
	first = sql_text(
		f, "SELECT count(*) FROM event WHERE key LIKE 'k_' AND payload LIKE '%long%'");
	assert_string_equal(first, "3");
	turn_to(f, 2);
	second = sql_text(
		f, "SELECT group_concat(key) FROM (SELECT key FROM event WHERE key LIKE 'k_' "
		   "AND payload LIKE '%long%' ORDER BY key)");
	assert_string_equal(second, "k2");
	assert_true(is_known(f, "k0"));
	turn_to(f, 32);
	assert_false(is_known(f, "k0"));
}

/* What the queue tried and did not land: with the tasks' time, but for what an open PR tells of itself. */
static void tries_of_the_queue_go(void **state)
{
	struct fx *f = *state;
	autofree char *cands = NULL, *runs = NULL, *entries = NULL, *before = NULL, *after = NULL;

	up_to_three_tasks(f);
	before = sql_text(f, "SELECT group_concat(id) FROM queue_entry WHERE id < 900");
	sql(f, "DELETE FROM attempt WHERE candidate IS NOT NULL");
	sql(f, "UPDATE pr SET state = 'open' WHERE number = 2");
	sql(f, "INSERT INTO candidate (id, repo, kind, pr, base, head, method, gates, state, "
	       "created_ms, "
	       "ended_ms) SELECT 900 + value, 1, 'pr', value, 'b', 'h', 'merge', '[]', 'dropped', "
	       "1, 1 "
	       "FROM json_each('[2, 50]')");
	sql(f, "INSERT INTO attempt (id, repo, candidate, run, kind, command, state, created_ms, "
	       "ended_ms) "
	       "SELECT 900 + value, 1, 900 + value, 'run' || value, 'queue-gate', 'make', 'ended', "
	       "1, 1 "
	       "FROM json_each('[2, 50]')");
	sql(f,
	    "INSERT INTO queue_entry (id, repo, pr, head, by, state, enqueued_ms, ended_ms) "
	    "SELECT 900 + value, 1, value, 'h', 'anna', 'ejected', 1, 1 FROM json_each('[2, 50]')");
	turn_to(f, 1);
	cands = sql_text(f, "SELECT group_concat(id) FROM candidate WHERE id > 900");
	runs = sql_text(f, "SELECT group_concat(id) FROM attempt WHERE id > 900");
	entries = sql_text(f, "SELECT group_concat(id) FROM queue_entry WHERE id > 900");
	assert_string_equal(cands, "902");
	assert_string_equal(runs, "902");
	assert_string_equal(entries, "902");
	sql(f, "DELETE FROM candidate WHERE id = 902");
	sql(f, "UPDATE pr SET state = 'merged' WHERE number = 2");
	turn_to(f, 200);
	after = sql_text(f, "SELECT group_concat(id) FROM queue_entry WHERE id < 900");
	assert_string_equal(after, before); /* what landed */
	assert_proven(f, count(f, ST_AUDIT_COUNT));
}

/* ---- a clock that jumps ---- */

/* A year ahead, and an hour later back: nothing was that old. */
static void a_clock_a_year_ahead_removes_nothing(void **state)
{
	struct fx *f = *state;

	up_to_three_tasks(f);
	turn_to(f, 1);
	fx_now += 365 * DAY;
	reconcile(f);
	fx_now += DAY / 24;
	reconcile(f);
	assert_int_equal(removed(f), 0);
	assert_true(has_task(f, 1));
	assert_true(keeps_worktree(f, 2));
	assert_true(is_known(f, "t1-r1"));
	turn_to(f, 6);
	assert_true(keeps_worktree(f, 2));
	assert_int_equal(removed(f), 0);
	turn_to(f, 8); /* and what is old is old */
	assert_false(keeps_worktree(f, 2));
	assert_int_not_equal(removed(f), 0);
}

/* The machine was off for so long, or the clock is right now: it goes on from there. */
static void a_clock_that_stays_ahead_is_believed_after_a_day(void **state)
{
	struct fx *f = *state;

	up_to_three_tasks(f);
	turn_to(f, 1);
	fx_now += 365 * DAY;
	reconcile(f);
	fx_now += DAY - 1000;
	reconcile(f);
	assert_true(has_task(f, 1));
	fx_now += 2000;
	reconcile(f);
	assert_false(has_task(f, 1));
}

/* The clock is put back while something waits five minutes: it waits five minutes, in this daemon or the next. */
static void a_pause_is_not_longer_than_it_was_meant(void **state)
{
	struct fx *f = *state;
	autojson json_t *until = NULL;
	autojson json_t *p = NULL;
	int64_t id, asked;

	fx_begin = fx_now = 400 * DAY;
	assert_int_equal(waits_clamp(&f->bot, NULL), 0);
	until = json_pack("{s:I}", "until_ms", (json_int_t)(fx_now + 2 * MINUTE));
	assert_int_equal(bot_effect(&f->bot, "a", "x", json_object(), NULL, "a"), 1);
	id = db_last_id(f->bot.db);
	assert_int_equal(bot_effect(&f->bot, "b", "y", json_incref(until), NULL, "b"), 1);
	asked = db_last_id(f->bot.db);
	assert_int_equal(effect_wait(f->bot.db, id, fx_now, 5 * MINUTE, NULL), 1);
	assert_int_equal(effect_wait(f->bot.db, asked, fx_now, 1000, NULL), 1);
	assert_int_equal(db_run(f->bot.db, ST_GITHUB_LEVEL_SET, NULL, "isii", f->repo.id, "anna",
				(int64_t)2, fx_now),
			 1);
	fx_now += 1000;
	assert_int_equal(waits_clamp(&f->bot, NULL), 0); /* it goes on: nothing is changed */
	assert_int_equal(fx_due(f, "x", NULL), 0);

	for (int again = 0; again < 2; again++) {
		cleanup(github_level_release) struct github_level l = {0};

		fx_now -= 10 * DAY;
		if (again)
			f->bot.seen_ms = 0; /* another daemon */
		assert_int_equal(waits_clamp(&f->bot, NULL), 0);
		assert_int_equal(fx_due(f, "x", NULL), 0);
		assert_int_equal(github_level_find(f->bot.db, ST_GITHUB_LEVEL, &l, NULL, "is",
						   f->repo.id, "anna"),
				 0); /* what anna may do is asked again */
		fx_now += 5 * MINUTE - 1;
		assert_int_equal(fx_due(f, "x", NULL), 0);
		fx_now++;
		assert_int_equal(fx_due(f, "x", NULL), id);
	}
	assert_int_equal(fx_due(f, "y", &p), asked);
	/* its own limit was moved as well: two minutes from when the clock was put back */
	assert_true(json_int(p, "until_ms", 0) <= fx_now - 5 * MINUTE + 2 * MINUTE);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_thing_has_its_time),
		TEST(times_can_be_set),
		TEST(what_is_open_stays),
		TEST(what_killed_processes_left_goes),
		TEST(the_payload_of_what_is_done_goes_first),
		TEST(the_payload_of_handled_events_goes_first),
		TEST(tries_of_the_queue_go),
		TEST(a_clock_a_year_ahead_removes_nothing),
		TEST(a_clock_that_stays_ahead_is_believed_after_a_day),
		TEST(a_pause_is_not_longer_than_it_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
