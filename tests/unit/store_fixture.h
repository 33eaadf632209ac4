/*
 * store_fixture.h - a ledger in a folder of its own for the tests of the store.
 */
#ifndef YM_TESTS_STORE_FIXTURE_H
#define YM_TESTS_STORE_FIXTURE_H

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
	char *dir;
	char *path;
	struct db *db;
	struct err err;
};

/* Every call that must succeed goes through this, which says why it did not. */
#define OK(fx, expr)                                                                               \
	do {                                                                                       \
		if ((expr) < 0)                                                                    \
			fail_msg("%s: %s", #expr, err_text(&(fx)->err));                           \
	} while (0)
#define FAILS(fx, expected, expr)                                                                  \
	do {                                                                                       \
		err_release(&(fx)->err);                                                           \
		if ((expr) >= 0)                                                                   \
			fail_msg("%s: succeeded", #expr);                                          \
		assert_string_equal(err_code_name((fx)->err.code), err_code_name(expected));       \
	} while (0)

static inline int fx_setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));

	f->dir = xstrdup("/tmp/yard-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = path_join(f->dir, "ledger.db");
	OK(f, db_open(f->path, true, &f->db, &f->err));
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;

	db_close(f->db);
	OK(f, fs_remove_tree(f->dir, &f->err));
	err_release(&f->err);
	free(f->dir);
	free(f->path);
	free(f);
	return 0;
}

static inline void fx_reopen(struct fx *f)
{
	db_close(f->db);
	f->db = NULL;
	OK(f, db_open(f->path, false, &f->db, &f->err));
}

/* SQL from outside, as somebody with the file in his hands could. */
static inline int fx_sql(struct fx *f, const char *sql)
{
	sqlite3 *h = NULL;
	int rc = sqlite3_open(f->path, &h);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h, sql, NULL, NULL, NULL);
	sqlite3_close(h);
	return rc;
}

#endif
