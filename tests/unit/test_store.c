/* test_store.c - the ledger: transactions that SQLite ends by itself, plans of the statements that every
 * turn runs, the audit chain, events and effects that are told twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/ledger.h"
#include "sys/fs.h"

#include <string.h>
#include <unistd.h>

struct fx {
	char *dir, *path;
	struct db *db;
};

static int setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));
	char dir[] = "/tmp/yard-store-XXXXXX";

	f->dir = xstrdup(mkdtemp(dir));
	f->path = xasprintf("%s/ledger.db", f->dir);
	assert_int_equal(db_open(f->path, true, &f->db, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;

	db_close(f->db);
	fs_remove_tree(f->dir, NULL);
	free(f->dir);
	free(f->path);
	free(f);
	return 0;
}

static int64_t count_events(struct db *d)
{
	int64_t n = -1;

	assert_int_equal(db_int(d, ST_EVENT_NEW_COUNT, &n, NULL, ""), 1);
	return n;
}

/* A full disk can end a transaction in the middle of a decision: nothing after it may be kept. */
static void a_lost_transaction_is_lost_whole(void **state)
{
	struct fx *f = *state;
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *p = json_object();
	sqlite3 *raw;

	db_close(f->db);
	assert_int_equal(sqlite3_open(f->path, &raw), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(raw,
			     "CREATE TRIGGER boom BEFORE INSERT ON meta WHEN NEW.key = 'boom' "
			     "BEGIN SELECT RAISE (ROLLBACK, 'boom'); END",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(raw);
	assert_int_equal(db_open(f->path, true, &f->db, NULL), 0);

	assert_int_equal(event_add(f->db, "before", "k", p, 1, NULL), 1);
	assert_int_equal(meta_set(f->db, "boom", "x", NULL), -1);
	assert_int_equal(event_add(f->db, "after", "k", p, 1, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS); /* as the statement that undid it had it */
	err_release(&err);
	assert_int_equal(db_commit(f->db, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(count_events(f->db), 0);
	assert_int_equal(event_add(f->db, "anew", "k", p, 1, NULL), 1);
	assert_int_equal(db_commit(f->db, NULL), 0);
	assert_int_equal(count_events(f->db), 1);
}

/* What every turn asks must not read every row that there ever was. */
static void no_statement_of_a_turn_scans_a_table(void **state)
{
	static const struct {
		const char *name, *sql;
	} all[] = {
#define X(id, sql) {#id, sql},
		STATEMENTS(X)
#undef X
	};
	static const char *const hot[] = {
		"EVENT_NEXT",
		"EFFECT_DUE",
		"EFFECT_NEXT_MS",
		"EFFECT_OPEN_OF",
		"EFFECT_OPEN",
		"EFFECT_WITHDRAW",
		"EFFECT_RECOVER",
		"EVENT_NEW_COUNT",
		"EVENT_COUNT",
		"TASK_OPEN",
		"TASK_WAITING",
		"TASK_OPEN_OF_ISSUE",
		"TASK_LAST_OF_PR",
		"TASK_LAST_OF_ISSUE",
		"ATTEMPT_OPEN",
		"ATTEMPT_OPEN_OF_TASK",
		"ATTEMPT_OPEN_OF_CANDIDATE",
		"QUEUE_OPEN",
		"QUEUE_OF_PR",
		"QUEUE_LAST_OF_PR",
		"CANDIDATE_CONFLICT",
		"CANDIDATE_KEEPS",
		"CANDIDATE_CHECKING",
		"CI_WAITED",
		"EFFECT_HELD",
		"GITHUB_CHECK",
		"GITHUB_CHECK_BY_REMOTE",
		"CANDIDATE_BASE_COUNT",
		"CANDIDATE_TESTING",
		"LANDING_OPEN",
		"LANDING_BY_CANDIDATE",
		"APPROVAL_OF",
		"LABEL_OF",
		"DEPENDENCY_OF",
		"PR_BY_NUMBER",
		"PR_BY_TOPIC",
		"TASK_AGENT_PRS",
		"COMMENT_BY_KEY",
		"LEASE_OF_REPO",
		"LEASE_END",
		"EVENT_WAKE",
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(hot); i++) {
		size_t at = 0;
		sqlite3_stmt *st = NULL;
		autofree char *sql = NULL;

		while (strcmp(all[at].name, hot[i]) != 0)
			assert_true(++at < ARRAY_LEN(all));
		sql = xasprintf("EXPLAIN QUERY PLAN %s", all[at].sql);
		assert_int_equal(db_prepare(f->db, sql, &st, NULL), 0);
		while (db_step(f->db, st, NULL) > 0) {
			const char *step = (const char *)sqlite3_column_text(st, 3);

			/* A scan of a partial index reads what is open, and nothing else. */
			if (!strncmp(step, "SCAN", 4) && !strstr(step, "INDEX") &&
			    strcmp(step, "SCAN CONSTANT ROW") != 0)
				fail_msg("%s: %s", hot[i], step);
		}
		sqlite3_finalize(st);
	}
}

static void told_twice_is_once(void **state)
{
	struct fx *f = *state;
	cleanup(effect_list_release) struct effect_list l = {0};
	autojson json_t *p = json_object();

	assert_int_equal(event_add(f->db, "k", "kind", p, 1, NULL), 1);
	assert_int_equal(event_add(f->db, "k", "kind", p, 2, NULL), 0);
	assert_int_equal(effect_add(f->db, "e1", "s", "kind", p, 1, NULL), 1);
	assert_int_equal(effect_add(f->db, "e1", "s", "kind", p, 1, NULL), 0);
	assert_int_equal(effect_add(f->db, "e2", "s", "kind", p, 1, NULL), 1);
	assert_int_equal(effect_add(f->db, "e3", "other", "kind", p, 1, NULL), 1);
	/* The second one of a subject waits for the first. */
	assert_int_equal(effect_due(f->db, 10, &l, NULL), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].key, "e1");
	assert_string_equal(l.v[1].key, "e3");
	/* Tried again later: it blocks its subject and no other. */
	assert_int_equal(effect_started(f->db, l.v[0].id, NULL), 1);
	assert_int_equal(effect_again(f->db, l.v[0].id, 100, NULL), 1);
	assert_int_equal(effect_due(f->db, 10, &l, NULL), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(effect_due(f->db, 100, &l, NULL), 0);
	assert_int_equal(l.n, 2);
}

static void the_audit_chain_shows_a_change(void **state)
{
	struct fx *f = *state;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *head = NULL;
	int64_t rows = 0;
	sqlite3 *raw;

	for (int i = 0; i < 3; i++)
		assert_true(audit_add(f->db, i, "alice", "act", "it", NULL, NULL) >= 0);
	assert_int_equal(db_commit(f->db, NULL), 0);
	assert_int_equal(audit_verify(f->db, &rows, &head, NULL), 0);
	assert_int_equal(rows, 3);
	assert_int_equal(db_commit(f->db, NULL), 0);
	assert_int_equal(sqlite3_open(f->path, &raw), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(raw,
			     "DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'bob' "
			     "WHERE id = 2",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(raw);
	assert_int_equal(audit_verify(f->db, &rows, &head, &err), -1);
	assert_int_equal(err.code, ERR_CORRUPT);
	assert_non_null(strstr(err_text(&err), "row 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lost_transaction_is_lost_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(no_statement_of_a_turn_scans_a_table, setup,
						teardown),
		cmocka_unit_test_setup_teardown(told_twice_is_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_audit_chain_shows_a_change, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
