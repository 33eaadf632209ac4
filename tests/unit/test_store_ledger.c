/* Inbox, outbox, audit chain: each thing once, in its order, and unbroken. */
#include "store_fixture.h"

static int add(struct fx *f, const char *key, const char *subject, const char *kind)
{
	autojson json_t *p = json_object();

	return effect_add(f->db, key, subject, kind, p, 10, &f->err);
}

/* The keys of what may start now, with blanks between them. */
static char *due(struct fx *f, int64_t now)
{
	cleanup(effect_list_release) struct effect_list l = {0};
	char *s = xstrdup("");

	OK(f, effect_due(f->db, now, &l, &f->err));
	for (size_t i = 0; i < l.n; i++)
		row_take(&s, xasprintf("%s%s%s", s, i ? " " : "", l.v[i].key));
	return s;
}

static void assert_due(struct fx *f, int64_t now, const char *expected)
{
	autofree char *found = due(f, now);

	assert_string_equal(found, expected);
}

static void test_events_once_in_order(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = json_object();
	cleanup(event_release) struct event e = {0};
	int64_t n = 0;

	json_put_str(p, "text", "first");
	assert_int_equal(event_add(f->db, "k1", "one", p, 1, &f->err), 1);
	assert_int_equal(event_add(f->db, "k2", "two", p, 2, &f->err), 1);
	json_put_str(p, "text", "second");
	assert_int_equal(event_add(f->db, "k1", "other", p, 3, &f->err), 0);
	assert_int_equal(event_next(f->db, &e, &f->err), 1);
	assert_string_equal(e.key, "k1");
	assert_string_equal(e.kind, "one");
	assert_string_equal(e.payload, "{\"text\":\"first\"}");
	OK(f, event_decided(f->db, e.id, EVENT_FAILED, "why", 4, &f->err));
	assert_int_equal(event_next(f->db, &e, &f->err), 1);
	assert_string_equal(e.key, "k2");
	OK(f, event_decided(f->db, e.id, EVENT_IGNORED, NULL, 4, &f->err));
	assert_int_equal(event_next(f->db, &e, &f->err), 0);
	assert_int_equal(event_add(f->db, "k2", "two", p, 5, &f->err), 0);
	assert_int_equal(event_next(f->db, &e, &f->err), 0);
	OK(f, db_int(f->db, ST_EVENT_COUNT, &n, &f->err, "i", (int64_t)EVENT_IGNORED));
	assert_int_equal(n, 1);
}

/* One subject's effects run one after the other; a blocked one holds up only its own subject. */
static void test_effects_order(void **state)
{
	struct fx *f = *state;

	assert_int_equal(add(f, "a1", "a", "x"), 1);
	assert_int_equal(add(f, "a2", "a", "x"), 1);
	assert_int_equal(add(f, "b1", "b", "x"), 1);
	assert_int_equal(add(f, "a1", "b", "y"), 0);
	assert_due(f, 0, "a1 b1");
	OK(f, effect_started(f->db, 1, &f->err));
	assert_due(f, 0, "b1");
	OK(f, effect_done(f->db, 1, true, NULL, 20, &f->err));
	assert_due(f, 0, "a2 b1");
	OK(f, effect_started(f->db, 2, &f->err));
	OK(f, effect_again(f->db, 2, 500, &f->err));
	assert_int_equal(add(f, "a3", "a", "x"), 1);
	assert_due(f, 499, "b1");
	assert_due(f, 500, "a2 b1");
	OK(f, effect_done(f->db, 2, false, "broken", 600, &f->err));
	assert_due(f, 600, "b1 a3");
}

/* However many of one subject wait, the others are not behind them. */
static void test_effects_fair(void **state)
{
	struct fx *f = *state;

	for (int i = 0; i < 100; i++) {
		autofree char *key = xasprintf("many%d", i);

		assert_int_equal(add(f, key, "many", "x"), 1);
	}
	assert_int_equal(add(f, "last", "one", "x"), 1);
	assert_due(f, 0, "many0 last");
}

static void test_effects_time(void **state)
{
	struct fx *f = *state;
	int64_t at = 0;

	assert_int_equal(add(f, "a", "a", "x"), 1);
	assert_int_equal(add(f, "b", "b", "x"), 1);
	assert_int_equal(effect_next_ms(f->db, 0, &at, &f->err), 0);
	OK(f, effect_again(f->db, 1, 900, &f->err));
	OK(f, effect_again(f->db, 2, 700, &f->err));
	assert_int_equal(effect_next_ms(f->db, 0, &at, &f->err), 1);
	assert_int_equal(at, 700);
	assert_int_equal(effect_next_ms(f->db, 700, &at, &f->err), 1);
	assert_int_equal(at, 900);
	assert_int_equal(effect_next_ms(f->db, 900, &at, &f->err), 0);
}

/* After a crash what was under way is asked for again; what was over or withdrawn is not. */
static void test_effects_recover(void **state)
{
	struct fx *f = *state;
	cleanup(effect_release) struct effect e = {0};

	assert_int_equal(add(f, "over", "a", "x"), 1);
	assert_int_equal(add(f, "cut", "b", "x"), 1);
	assert_int_equal(add(f, "gone", "c", "x"), 1);
	for (int64_t id = 1; id <= 2; id++)
		OK(f, effect_started(f->db, id, &f->err));
	OK(f, effect_done(f->db, 1, true, NULL, 1, &f->err));
	OK(f, effect_withdraw(f->db, "b", 1, &f->err));
	OK(f, effect_withdraw(f->db, "c", 1, &f->err));
	OK(f, db_commit(f->db, &f->err));
	fx_reopen(f);
	assert_due(f, 9999, "");
	OK(f, effect_recover(f->db, &f->err));
	assert_due(f, 9999, "cut");
	OK(f, effect_started(f->db, 2, &f->err));
	assert_int_equal(effect_get(f->db, 2, &e, &f->err), 1);
	assert_int_equal(e.tries, 2);
	assert_int_equal(effect_get(f->db, 3, &e, &f->err), 1);
	assert_int_equal(e.state, EFFECT_WITHDRAWN);
}

static void test_retention(void **state)
{
	struct fx *f = *state;
	autojson json_t *p = json_object();

	assert_int_equal(event_add(f->db, "old", "x", p, 1, &f->err), 1);
	assert_int_equal(event_add(f->db, "undecided", "x", p, 1, &f->err), 1);
	assert_int_equal(event_add(f->db, "young", "x", p, 100, &f->err), 1);
	OK(f, event_decided(f->db, 1, EVENT_DECIDED, NULL, 2, &f->err));
	OK(f, event_decided(f->db, 3, EVENT_DECIDED, NULL, 101, &f->err));
	assert_int_equal(db_run(f->db, ST_EVENT_PURGE, &f->err, "i", (int64_t)50), 1);
	assert_int_equal(add(f, "done", "a", "x"), 1);
	assert_int_equal(add(f, "open", "b", "x"), 1);
	OK(f, effect_done(f->db, 1, true, NULL, 20, &f->err));
	assert_int_equal(db_run(f->db, ST_EFFECT_PURGE, &f->err, "i", (int64_t)50), 1);
	assert_due(f, 999, "open");
}

static void fill_audit(struct fx *f)
{
	for (int i = 0; i < 5; i++) {
		autojson json_t *d = json_object();

		json_put_int(d, "n", i);
		OK(f, audit_add(f->db, 100 + i, "anna", "land", "pr:1", d, &f->err));
	}
	OK(f, db_commit(f->db, &f->err));
}

static void test_audit_chain(void **state)
{
	struct fx *f = *state;
	autofree char *empty = NULL, *head = NULL, *found = NULL;
	int64_t rows = -1;

	OK(f, audit_head(f->db, &empty, &f->err));
	assert_string_equal(empty, "");
	fill_audit(f);
	OK(f, audit_head(f->db, &head, &f->err));
	OK(f, audit_verify(f->db, &rows, &found, &f->err));
	assert_int_equal(rows, 5);
	assert_string_equal(head, found);
	assert_int_equal(strlen(head), 64);
}

/* Whatever somebody changes in the file is found, with the row. */
static void test_audit_tampering(void **state)
{
	static const struct {
		const char *sql;
		const char *row;
	} changes[] = {
		{"UPDATE audit SET at_ms = at_ms + 1 WHERE id = 3", "row 3"},
		{"UPDATE audit SET actor = 'bert' WHERE id = 3", "row 3"},
		{"UPDATE audit SET action = 'landed' WHERE id = 3", "row 3"},
		{"UPDATE audit SET subject = 'pr:2' WHERE id = 3", "row 3"},
		{"UPDATE audit SET detail = '{\"n\":7}' WHERE id = 3", "row 3"},
		{"UPDATE audit SET actor = 'annal', action = 'and' WHERE id = 3", "row 3"},
		{"UPDATE audit SET hash = (SELECT hash FROM audit WHERE id = 2) WHERE id = 3",
		 "row 3"},
		{"DELETE FROM audit WHERE id = 1", "row 2"},
		{"DELETE FROM audit WHERE id = 3", "row 4"},
		{"DELETE FROM audit WHERE id = 3; UPDATE audit SET id = id - 1 WHERE id > 3",
		 "row 3"},
		{"UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; "
		 "UPDATE audit SET id = 3 WHERE id = 99",
		 "row 2"},
		{"INSERT INTO audit SELECT 6, at_ms, actor, action, subject, detail, hash "
		 "FROM audit WHERE id = 5",
		 "row 6"},
	};
	struct fx *f = *state;

	fill_audit(f);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		autofree char *copy = xasprintf("%s.copy%zu", f->path, i), *sql = NULL,
			      *head = NULL;
		struct fx at = {.path = copy};
		struct db *d = NULL;
		int64_t rows;

		sql = xasprintf("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; %s",
				changes[i].sql);
		OK(f, db_backup(f->path, copy, &f->err));
		assert_int_equal(fx_sql(&at, sql), SQLITE_OK);
		OK(f, db_open_readonly(copy, &d, &f->err));
		FAILS(f, ERR_CORRUPT, audit_verify(d, &rows, &head, &f->err));
		if (!strstr(err_text(&f->err), changes[i].row))
			fail_msg("%s: expected %s: %s", changes[i].sql, changes[i].row,
				 err_text(&f->err));
		db_close(d);
	}
}

/* A mistake is stopped before it needs to be found. */
static void test_audit_append_only(void **state)
{
	struct fx *f = *state;

	fill_audit(f);
	assert_int_not_equal(fx_sql(f, "UPDATE audit SET actor = 'bert' WHERE id = 1"), SQLITE_OK);
	assert_int_not_equal(fx_sql(f, "DELETE FROM audit WHERE id = 5"), SQLITE_OK);
	assert_int_not_equal(fx_sql(f, "DELETE FROM audit"), SQLITE_OK);
}

static void test_meta(void **state)
{
	struct fx *f = *state;
	autofree char *v = NULL;

	assert_int_equal(meta_get(f->db, "k", &v, &f->err), 0);
	OK(f, meta_set(f->db, "k", "one", &f->err));
	OK(f, meta_set(f->db, "k", "two", &f->err));
	assert_int_equal(meta_get(f->db, "k", &v, &f->err), 1);
	assert_string_equal(v, "two");
	OK(f, meta_clear(f->db, "k", &f->err));
	free(steal(&v));
	assert_int_equal(meta_get(f->db, "k", &v, &f->err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_events_once_in_order, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_effects_order, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_effects_fair, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_effects_time, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_effects_recover, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_retention, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_audit_chain, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_audit_tampering, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_audit_append_only, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_meta, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
