/* The ledger's file: versions, transactions, savepoints, copies, damage and full disks. */
#include "store_fixture.h"

#include "base/embed.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SQLite's own calls come here, before those of the C library. */
static int synced;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	synced++;
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	synced++;
	return (int)syscall(SYS_fsync, fd);
}

static int64_t count_events(struct fx *f)
{
	int64_t n = -1;

	OK(f, db_int(f->db, ST_EVENT_NEW_COUNT, &n, &f->err, ""));
	return n;
}

static int add_event(struct fx *f, const char *key)
{
	autojson json_t *p = json_object();

	return event_add(f->db, key, "test", p, 1, &f->err);
}

static void test_versions(void **state)
{
	struct fx *f = *state;
	struct db *other = NULL;

	assert_true(db_was_created(f->db));
	fx_reopen(f);
	assert_false(db_was_created(f->db));
	assert_int_equal(fx_sql(f, "PRAGMA user_version = 4711"), SQLITE_OK);
	FAILS(f, ERR_STATE, db_open(f->path, true, &other, &f->err));
	assert_non_null(strstr(err_text(&f->err), "4711"));
	assert_null(other);
}

/* The number in a migration's name, as a reader of the folder sees it. */
static int migration_number(const struct embed_file *m)
{
	const char *name = strstr(m->path, "/migrations/");

	return name ? atoi(name + strlen("/migrations/")) : 0;
}

/* A ledger as the program that knew only the migrations up to this one left it. */
static void old_ledger(const char *path, int version)
{
	autofree char *set = xasprintf("PRAGMA user_version = %d", version);
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	for (const struct embed_file *m = embed_files; m->path; m++)
		if (migration_number(m) > 0 && migration_number(m) <= version)
			assert_int_equal(sqlite3_exec(h, m->data, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, set, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
}

/* Every table and index, and the version. */
static char *schema_of(const char *path)
{
	static const char sql[] = "SELECT group_concat(s, char(10)) || (SELECT user_version FROM "
				  "pragma_user_version) "
				  "FROM (SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS "
				  "s FROM sqlite_schema "
				  "ORDER BY type, name)";
	sqlite3_stmt *st = NULL;
	sqlite3 *h = NULL;
	char *text = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	text = xstrdup((const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(h);
	return text;
}

/* A migration goes by the number in its name: a ledger of each version becomes the same as a new one. */
static void test_old_versions(void **state)
{
	struct fx *f = *state;
	autofree char *new_schema = NULL;

	db_close(f->db);
	f->db = NULL;
	new_schema = schema_of(f->path);
	for (const struct embed_file *m = embed_files; m->path; m++) {
		int version = migration_number(m);
		autofree char *name = xasprintf("old-%d.db", version), *schema = NULL;
		autofree char *path = path_join(f->dir, name);
		struct db *old = NULL;

		if (version == 0)
			continue;
		old_ledger(path, version);
		OK(f, db_open(path, false, &old, &f->err));
		db_close(old);
		schema = schema_of(path);
		assert_string_equal(schema, new_schema);
	}
}

static void test_no_ledger(void **state)
{
	struct fx *f = *state;
	autofree char *missing = path_join(f->dir, "missing"), *text = path_join(f->dir, "text");
	struct db *other = NULL;

	FAILS(f, ERR_IO, db_open(missing, false, &other, &f->err));
	assert_false(fs_exists(missing));
	OK(f, fs_write_atomic(text,
			      "no ledger, and longer than a header of SQLite is: 0123456789"
			      "012345678901234567890123456789012345678901234567890123456789",
			      120, 0600, &f->err));
	FAILS(f, ERR_CORRUPT, db_open(text, true, &other, &f->err));
}

/* Committed means on the disk: whoever was told so may lose power. All that is in one transaction is synced once. */
static void test_commits_are_synced(void **state)
{
	struct fx *f = *state;

	for (int n = 1; n < 4; n++) {
		autofree char *one = xasprintf("one %d", n), *two = xasprintf("two %d", n);

		assert_int_equal(add_event(f, one), 1);
		assert_int_equal(add_event(f, two), 1);
		synced = 0;
		OK(f, db_commit(f->db, &f->err));
		assert_in_range(synced, 1, 2); /* the log, and its header when it begins anew */
	}
	OK(f, db_commit(f->db, &f->err)); /* of nothing */
}

/* What was not committed is gone, what was committed is there. */
static void test_transactions(void **state)
{
	struct fx *f = *state;

	assert_false(db_in_transaction(f->db));
	assert_int_equal(add_event(f, "a"), 1);
	assert_true(db_in_transaction(f->db));
	OK(f, db_commit(f->db, &f->err));
	OK(f, db_commit(f->db, &f->err));
	assert_int_equal(add_event(f, "b"), 1);
	db_rollback(f->db);
	assert_int_equal(count_events(f), 1);
	db_rollback(f->db);
	assert_int_equal(add_event(f, "c"), 1);
	fx_reopen(f);
	assert_int_equal(count_events(f), 1);
}

static void test_savepoints(void **state)
{
	struct fx *f = *state;

	assert_int_equal(add_event(f, "outer"), 1);
	OK(f, db_savepoint(f->db, &f->err));
	assert_int_equal(add_event(f, "kept"), 1);
	OK(f, db_savepoint(f->db, &f->err));
	assert_int_equal(add_event(f, "undone"), 1);
	db_rollback_to(f->db);
	OK(f, db_release(f->db, &f->err));
	OK(f, db_savepoint(f->db, &f->err));
	assert_int_equal(add_event(f, "undone too"), 1);
	db_rollback_to(f->db);
	OK(f, db_commit(f->db, &f->err));
	assert_int_equal(count_events(f), 2);
	assert_int_equal(add_event(f, "kept"), 0);
	assert_int_equal(add_event(f, "undone"), 1);
}

/* A copy that is taken in the middle of somebody's writing is what was committed, whole. */
static void test_backup(void **state)
{
	struct fx *f = *state;
	autofree char *to = path_join(f->dir, "copy.db");
	struct db *copy = NULL;
	int64_t n = 0;

	for (int i = 0; i < 500; i++) {
		autofree char *key = xasprintf("k%d", i);

		assert_int_equal(add_event(f, key), 1);
	}
	OK(f, db_commit(f->db, &f->err));
	assert_int_equal(add_event(f, "not committed"), 1);
	OK(f, db_backup(f->path, to, &f->err));
	FAILS(f, ERR_EXISTS, db_backup(f->path, to, &f->err));
	OK(f, db_commit(f->db, &f->err));
	OK(f, db_open(to, false, &copy, &f->err));
	OK(f, db_check(copy, &f->err));
	OK(f, db_int(copy, ST_EVENT_NEW_COUNT, &n, &f->err, ""));
	db_close(copy);
	assert_int_equal(n, 500);
	assert_int_equal(count_events(f), 501);
}

/* Enough pages that some are the table's and not only its indices'. */
#define NOISE (16 * 4096)

/* Pages of the middle overwritten: found by the check, and by whoever reads it. */
static void test_damage(void **state)
{
	struct fx *f = *state;
	autofree char *noise = xmalloc(NOISE);
	int rc, fd;

	for (int i = 0; i < 2000; i++) {
		autofree char *key = xasprintf("key number %d", i);

		assert_int_equal(add_event(f, key), 1);
	}
	OK(f, db_commit(f->db, &f->err));
	db_close(f->db);
	f->db = NULL;
	memset(noise, 0xa5, NOISE);
	fd = open(f->path, O_WRONLY | O_CLOEXEC);
	/* Near the end: what grew last, and nothing of the schema. */
	assert_int_equal(pwrite(fd, noise, NOISE, lseek(fd, 0, SEEK_END) - 2 * NOISE), NOISE);
	close(fd);
	OK(f, db_open(f->path, false, &f->db, &f->err));
	FAILS(f, ERR_CORRUPT, db_check(f->db, &f->err));
	rc = 0;
	for (int i = 0; rc >= 0 && i < 2000; i++) {
		cleanup(event_release) struct event e = {0};

		rc = event_get(f->db, i + 1, &e, &f->err);
	}
	assert_int_equal(rc, -1);
	assert_int_equal(f->err.code, ERR_CORRUPT);
	assert_non_null(strstr(err_text(&f->err), "backup"));
}

/* No space for more: nothing of the transaction is kept and nothing is written by itself behind it, what
 * was there before stays, and with space again it goes on. */
static void test_full_disk(void **state)
{
	struct fx *f = *state;
	struct rlimit old, low = {256 << 10, 256 << 10};
	autofree char *big = xmalloc(100001);
	autojson json_t *p = json_object();
	int rc = 0;

	memset(big, 'x', 100000);
	big[100000] = '\0';
	json_put_str(p, "text", big);
	assert_int_equal(add_event(f, "before"), 1);
	OK(f, db_commit(f->db, &f->err));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (int i = 0; rc >= 0 && i < 100; i++) {
		autofree char *key = xasprintf("big %d", i);

		rc = event_add(f->db, key, "test", p, 1, &f->err);
		if (rc >= 0)
			rc = db_commit(f->db, &f->err);
	}
	assert_int_equal(rc, -1);
	assert_int_equal(f->err.code, ERR_IO);
	db_rollback(f->db);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(add_event(f, "before"), 0);
	assert_int_equal(add_event(f, "after"), 1);
	OK(f, db_commit(f->db, &f->err));
	fx_reopen(f);
	OK(f, db_check(f->db, &f->err));
	assert_int_equal(add_event(f, "after"), 0);
}

/* SQLite undid the whole transaction: what follows is refused until the caller knows. */
static void test_undone_transaction(void **state)
{
	struct fx *f = *state;
	sqlite3_stmt *st;

	assert_int_equal(add_event(f, "first"), 1);
	OK(f, db_savepoint(f->db, &f->err));
	OK(f, db_prepare(f->db,
			 "INSERT OR ROLLBACK INTO event (key, kind, payload, at_ms) "
			 "VALUES ('first', '', '', 0)",
			 &st, &f->err));
	FAILS(f, ERR_EXISTS, db_step(f->db, st, &f->err));
	sqlite3_finalize(st);
	FAILS(f, ERR_EXISTS, add_event(f, "a part"));
	FAILS(f, ERR_EXISTS, db_release(f->db, &f->err));
	FAILS(f, ERR_EXISTS, db_commit(f->db, &f->err));
	assert_int_equal(count_events(f), 0);
	assert_int_equal(add_event(f, "again"), 1);
	OK(f, db_commit(f->db, &f->err));
}

static void test_read_only(void **state)
{
	struct fx *f = *state;
	struct db *other = NULL;
	autofree char *text = NULL;

	assert_int_equal(add_event(f, "a"), 1);
	OK(f, db_commit(f->db, &f->err));
	OK(f, db_open_readonly(f->path, &other, &f->err));
	FAILS(f, ERR_IO, meta_set(other, "k", "v", &f->err));
	assert_int_equal(meta_get(other, "k", &text, &f->err), 0);
	db_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_versions, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_old_versions, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_no_ledger, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_commits_are_synced, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_transactions, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_savepoints, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_backup, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_damage, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_undone_transaction, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_read_only, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
