/* Every kind of row comes back from the ledger as it was written, column by column. */
#include "store_fixture.h"

/* What the generated functions of each row type have in common. */
struct type {
	const struct table *table;
	int (*insert)(struct db *, void *, struct err *);
	int (*save)(struct db *, const void *, struct err *);
	int (*get)(struct db *, int64_t, void *, struct err *);
	void (*release)(void *);
};

#define WRAP(T, COLUMNS)                                                                           \
	static int w_insert_##T(struct db *d, void *row, struct err *err)                          \
	{                                                                                          \
		return T##_insert(d, row, err);                                                    \
	}                                                                                          \
	static int w_save_##T(struct db *d, const void *row, struct err *err)                      \
	{                                                                                          \
		return T##_save(d, row, err);                                                      \
	}                                                                                          \
	static int w_get_##T(struct db *d, int64_t id, void *ret, struct err *err)                 \
	{                                                                                          \
		return T##_get(d, id, ret, err);                                                   \
	}                                                                                          \
	static void w_release_##T(void *row)                                                       \
	{                                                                                          \
		T##_release(row);                                                                  \
	}
ROWS(WRAP)

static const struct type types[] = {
#define ROW_TYPE(T, COLUMNS) {&T##_table, w_insert_##T, w_save_##T, w_get_##T, w_release_##T},
	ROWS(ROW_TYPE)
#undef ROW_TYPE
};

static int64_t *int_at(void *row, const struct column *c)
{
	return (int64_t *)((char *)row + c->offset);
}

static char **text_at(void *row, const struct column *c)
{
	return (char **)((char *)row + c->offset);
}

/* Different in each column; references point to row 1, which is there. */
static void fill(const struct table *t, void *row, int salt)
{
	static const char *const references[] = {"repo", "user", "task", "candidate"};

	for (size_t i = 1; i < t->ncolumns; i++) {
		const struct column *c = &t->columns[i];
		bool reference = false;

		for (size_t k = 0; k < ARRAY_LEN(references); k++)
			reference |= !strcmp(references[k], c->name) && c->type == 'i';
		if (c->type == 's')
			row_take(text_at(row, c),
				 xasprintf("%s '%d' \"\xc3\xa4\n%%", c->name, salt));
		else
			*int_at(row, c) = reference ? 1 : INT64_C(1) << 40 | (int64_t)i << 8 | salt;
	}
}

static void assert_same(const struct table *t, void *a, void *b)
{
	autojson json_t *x = row_json(t, a), *y = row_json(t, b);
	autofree char *p = json_text(x), *q = json_text(y);

	assert_string_equal(p, q);
}

static void check_type(struct fx *f, const struct type *t)
{
	void *row = xcalloc(1, t->table->size), *found = xcalloc(1, t->table->size);

	fill(t->table, row, 1);
	OK(f, t->insert(f->db, row, &f->err));
	assert_true(*int_at(row, &t->table->columns[0]) > 0);
	assert_int_equal(t->get(f->db, *int_at(row, &t->table->columns[0]), found, &f->err), 1);
	assert_same(t->table, row, found);
	fill(t->table, row, 2);
	OK(f, t->save(f->db, row, &f->err));
	assert_int_equal(t->get(f->db, *int_at(row, &t->table->columns[0]), found, &f->err), 1);
	assert_same(t->table, row, found);
	t->release(row);
	for (size_t i = 0; i < t->table->ncolumns; i++)
		if (t->table->columns[i].type == 's')
			assert_null(*text_at(row, &t->table->columns[i]));
	assert_int_equal(t->get(f->db, 4711, found, &f->err), 0);
	t->release(found);
	free(row);
	free(found);
}

/* In the order of ROWS, so that what is referred to is there. */
static void test_round_trip(void **state)
{
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		check_type(f, &types[i]);
	OK(f, db_commit(f->db, &f->err));
}

/* The column table of each struct names every column of its table in the schema, in any order. */
static void test_columns_are_the_schema(void **state)
{
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct table *t = types[i].table;
		autofree char *sql = xasprintf("SELECT * FROM \"%s\"", t->name);
		sqlite3_stmt *st;

		OK(f, db_prepare(f->db, sql, &st, &f->err));
		assert_int_equal(sqlite3_column_count(st), t->ncolumns);
		for (size_t k = 0; k < t->ncolumns; k++) {
			bool found = false;

			for (int n = 0; n < sqlite3_column_count(st); n++)
				found |= !strcmp(sqlite3_column_name(st, n), t->columns[k].name);
			if (!found)
				fail_msg("table %s has no column %s", t->name, t->columns[k].name);
		}
		sqlite3_finalize(st);
	}
}

/* Every statement of the program fits the schema. */
static void test_statements(void **state)
{
	struct fx *f = *state;

	for (int id = 0; id < ST_COUNT; id++) {
		sqlite3_stmt *st;

		OK(f, db_query(f->db, (enum stmt_id)id, &st, &f->err, ""));
		db_done(st);
	}
}

/* Absent texts and "never" come back as such, and a list has the rows in their order. */
static void test_null_and_lists(void **state)
{
	struct fx *f = *state;
	cleanup(repo_list_release) struct repo_list l = {0};

	for (int i = 3; i > 0; i--) {
		cleanup(repo_release) struct repo r = {0};

		r.name = xasprintf("r%d", i);
		r.forge = xstrdup("local");
		r.path = xstrdup("/x");
		r.base = xstrdup("main");
		OK(f, repo_insert(f->db, &r, &f->err));
	}
	OK(f, repo_all(f->db, ST_REPO_ALL, &l, &f->err, ""));
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0].name, "r1");
	assert_string_equal(l.v[2].name, "r3");
	assert_null(l.v[0].base_oid);
	assert_int_equal(l.v[0].frozen, 0);
	row_set(&l.v[1].name, "r1");
	FAILS(f, ERR_EXISTS, repo_save(f->db, &l.v[1], &f->err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_columns_are_the_schema, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_statements, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_null_and_lists, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
