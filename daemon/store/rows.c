/* rows.c - see rows.h */
#include "store/rows.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stddef.h>

void row_set(char **field, const char *value)
{
	row_take(field, xstrdup(value));
}

void row_take(char **field, char *value)
{
	free(*field);
	*field = value;
}

static int64_t *int_at(const struct column *c, void *row)
{
	return (int64_t *)((char *)row + c->offset);
}

static char **text_at(const struct column *c, void *row)
{
	return (char **)((char *)row + c->offset);
}

static void release(const struct table *t, void *row)
{
	if (!row)
		return;
	for (size_t i = 0; i < t->ncolumns; i++)
		if (t->columns[i].type == 's')
			free(*text_at(&t->columns[i], row));
	memset(row, 0, t->size);
}

json_t *row_json(const struct table *t, const void *row)
{
	json_t *o = json_object();

	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct column *c = &t->columns[i];

		if (c->type == 's')
			json_put_str(o, c->name, *text_at(c, (void *)row));
		else
			json_put_int(o, c->name, *int_at(c, (void *)row));
	}
	return o;
}

/* Columns that end in _ms, and references, store null for 0: "never" and "none". */
static bool zero_is_null(const char *name)
{
	static const char *const names[] = {"started_ms", "ended_ms", "edited_ms", "decided_ms",
					    "done_ms",    "void_ms",  "task",      "candidate",
					    "pr",         "entry",    "code",      "uid"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void bind_row(const struct table *t, const void *row, sqlite3_stmt *st)
{
	for (size_t i = 0; i < t->ncolumns; i++) {
		const struct column *c = &t->columns[i];
		int at = (int)i + 1;

		if (c->type == 's')
			sqlite3_bind_text(st, at, *text_at(c, (void *)row), -1, SQLITE_TRANSIENT);
		else if (*int_at(c, (void *)row) == 0 && (i == 0 || zero_is_null(c->name)))
			sqlite3_bind_null(st, at);
		else
			sqlite3_bind_int64(st, at, *int_at(c, (void *)row));
	}
}

static int run_row(struct db *d, const struct table *t, const char *sql, const void *row,
		   struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (db_begin(d, err) < 0 || db_prepare(d, sql, &st, err) < 0)
		return -1;
	bind_row(t, row, st);
	rc = db_step(d, st, err);
	sqlite3_finalize(st);
	return rc < 0 ? err_wrap(err, "write %s", t->name) : 0;
}

static int insert(struct db *d, const struct table *t, void *row, struct err *err)
{
	cleanup(buf_release) struct buf sql = BUF_INIT;

	buf_addf(&sql, "INSERT INTO \"%s\" (", t->name);
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_addf(&sql, "%s\"%s\"", i ? ", " : "", t->columns[i].name);
	buf_adds(&sql, ") VALUES (");
	for (size_t i = 0; i < t->ncolumns; i++)
		buf_addf(&sql, "%s?%zu", i ? ", " : "", i + 1);
	buf_adds(&sql, ")");
	if (run_row(d, t, sql.s, row, err) < 0)
		return -1;
	*int_at(&t->columns[0], row) = db_last_id(d);
	return 0;
}

static int save(struct db *d, const struct table *t, const void *row, struct err *err)
{
	cleanup(buf_release) struct buf sql = BUF_INIT;

	buf_addf(&sql, "UPDATE \"%s\" SET ", t->name);
	for (size_t i = 1; i < t->ncolumns; i++)
		buf_addf(&sql, "%s\"%s\" = ?%zu", i > 1 ? ", " : "", t->columns[i].name, i + 1);
	buf_adds(&sql, " WHERE id = ?1");
	return run_row(d, t, sql.s, row, err);
}

/* Reads the columns of a row by name; the statement may select them in any order, with others. */
static void read_row(const struct table *t, sqlite3_stmt *st, void *row)
{
	int n = sqlite3_column_count(st);

	for (int at = 0; at < n; at++) {
		const char *name = sqlite3_column_name(st, at);

		for (size_t i = 0; i < t->ncolumns; i++) {
			const struct column *c = &t->columns[i];

			if (strcmp(c->name, name) != 0)
				continue;
			if (c->type == 's')
				row_set(text_at(c, row), (const char *)sqlite3_column_text(st, at));
			else
				*int_at(c, row) = sqlite3_column_int64(st, at);
			break;
		}
	}
}

static int find(struct db *d, const struct table *t, sqlite3_stmt *st, void *ret, struct err *err)
{
	int rc = db_step(d, st, err);

	if (rc <= 0) {
		if (rc == 0)
			db_done(st);
		return rc;
	}
	release(t, ret);
	read_row(t, st, ret);
	db_done(st);
	return 1;
}

static int get(struct db *d, const struct table *t, int64_t id, void *ret, struct err *err)
{
	autofree char *sql = xasprintf("SELECT * FROM \"%s\" WHERE id = ?1", t->name);
	sqlite3_stmt *st = NULL;
	int rc;

	if (db_prepare(d, sql, &st, err) < 0)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	rc = find(d, t, st, ret, err);
	sqlite3_finalize(st);
	return rc;
}

static int all(struct db *d, const struct table *t, sqlite3_stmt *st, void **ret, size_t *ret_n,
	       struct err *err)
{
	size_t n = 0, cap = 0;
	char *v = NULL;
	int rc;

	while ((rc = db_step(d, st, err)) > 0) {
		if (n == cap) {
			cap = cap ? cap * 2 : 8;
			v = xreallocarray(v, cap, t->size);
		}
		memset(v + n * t->size, 0, t->size);
		read_row(t, st, v + n * t->size);
		n++;
	}
	if (rc == 0)
		db_done(st);
	*ret = v;
	*ret_n = n;
	return rc;
}

static int bind_va(struct db *d, enum stmt_id id, sqlite3_stmt **ret, struct err *err,
		   const char *types, va_list ap)
{
	if (db_query(d, id, ret, err, "") < 0)
		return -1;
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(*ret, i + 1, va_arg(ap, int64_t));
		else
			sqlite3_bind_text(*ret, i + 1, va_arg(ap, const char *), -1,
					  SQLITE_TRANSIENT);
	}
	return 0;
}

#define COLUMN_I(name) {#name, 'i', offsetof(struct ROW_T, name)},
#define COLUMN_S(name) {#name, 's', offsetof(struct ROW_T, name)},

#define DEFINE_ROW(T)                                                                              \
	const struct table T##_table = {#T, T##_columns, ARRAY_LEN(T##_columns),                   \
					sizeof(struct T)};                                         \
	void T##_release(struct T *row)                                                            \
	{                                                                                          \
		release(&T##_table, row);                                                          \
	}                                                                                          \
	void T##_list_release(struct T##_list *l)                                                  \
	{                                                                                          \
		for (size_t i = 0; i < l->n; i++)                                                  \
			release(&T##_table, &l->v[i]);                                             \
		free(l->v);                                                                        \
		*l = (struct T##_list){0};                                                         \
	}                                                                                          \
	int T##_insert(struct db *d, struct T *row, struct err *err)                               \
	{                                                                                          \
		return insert(d, &T##_table, row, err);                                            \
	}                                                                                          \
	int T##_save(struct db *d, const struct T *row, struct err *err)                           \
	{                                                                                          \
		return save(d, &T##_table, row, err);                                              \
	}                                                                                          \
	int T##_get(struct db *d, int64_t id, struct T *ret, struct err *err)                      \
	{                                                                                          \
		return get(d, &T##_table, id, ret, err);                                           \
	}                                                                                          \
	int T##_find(struct db *d, enum stmt_id id, struct T *ret, struct err *err,                \
		     const char *types, ...)                                                       \
	{                                                                                          \
		sqlite3_stmt *st;                                                                  \
		va_list ap;                                                                        \
		int rc;                                                                            \
                                                                                                   \
		va_start(ap, types);                                                               \
		rc = bind_va(d, id, &st, err, types, ap);                                          \
		va_end(ap);                                                                        \
		return rc < 0 ? rc : find(d, &T##_table, st, ret, err);                            \
	}                                                                                          \
	int T##_all(struct db *d, enum stmt_id id, struct T##_list *ret, struct err *err,          \
		    const char *types, ...)                                                        \
	{                                                                                          \
		sqlite3_stmt *st;                                                                  \
		va_list ap;                                                                        \
		void *v = NULL;                                                                    \
		int rc;                                                                            \
                                                                                                   \
		va_start(ap, types);                                                               \
		rc = bind_va(d, id, &st, err, types, ap);                                          \
		va_end(ap);                                                                        \
		if (rc < 0)                                                                        \
			return rc;                                                                 \
		T##_list_release(ret);                                                             \
		rc = all(d, &T##_table, st, &v, &ret->n, err);                                     \
		ret->v = v;                                                                        \
		return rc;                                                                         \
	}

#define ROW_T repo
static const struct column repo_columns[] = {ROW_REPO(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(repo)

#define ROW_T user
static const struct column user_columns[] = {ROW_USER(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(user)

#define ROW_T permission
static const struct column permission_columns[] = {ROW_PERMISSION(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(permission)

#define ROW_T issue
static const struct column issue_columns[] = {ROW_ISSUE(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(issue)

#define ROW_T label
static const struct column label_columns[] = {ROW_LABEL(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(label)

#define ROW_T comment
static const struct column comment_columns[] = {ROW_COMMENT(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(comment)

#define ROW_T pr
static const struct column pr_columns[] = {ROW_PR(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(pr)

#define ROW_T approval
static const struct column approval_columns[] = {ROW_APPROVAL(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(approval)

#define ROW_T dependency
static const struct column dependency_columns[] = {ROW_DEPENDENCY(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(dependency)

#define ROW_T dependency_odd
static const struct column dependency_odd_columns[] = {ROW_DEPENDENCY_ODD(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(dependency_odd)

#define ROW_T task
static const struct column task_columns[] = {ROW_TASK(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(task)

#define ROW_T attempt
static const struct column attempt_columns[] = {ROW_ATTEMPT(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(attempt)

#define ROW_T lease
static const struct column lease_columns[] = {ROW_LEASE(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(lease)

#define ROW_T queue_entry
static const struct column queue_entry_columns[] = {ROW_QUEUE_ENTRY(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(queue_entry)

#define ROW_T candidate
static const struct column candidate_columns[] = {ROW_CANDIDATE(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(candidate)

#define ROW_T landing
static const struct column landing_columns[] = {ROW_LANDING(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(landing)

#define ROW_T event
static const struct column event_columns[] = {ROW_EVENT(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(event)

#define ROW_T effect
static const struct column effect_columns[] = {ROW_EFFECT(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(effect)

#define ROW_T github_repo
static const struct column github_repo_columns[] = {ROW_GITHUB_REPO(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(github_repo)

#define ROW_T github_level
static const struct column github_level_columns[] = {ROW_GITHUB_LEVEL(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(github_level)

#define ROW_T github_review
static const struct column github_review_columns[] = {ROW_GITHUB_REVIEW(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(github_review)

#define ROW_T github_team
static const struct column github_team_columns[] = {ROW_GITHUB_TEAM(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(github_team)

#define ROW_T shadow_repo
static const struct column shadow_repo_columns[] = {ROW_SHADOW_REPO(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(shadow_repo)

#define ROW_T shadow_event
static const struct column shadow_event_columns[] = {ROW_SHADOW_EVENT(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(shadow_event)

#define ROW_T github_check
static const struct column github_check_columns[] = {ROW_GITHUB_CHECK(COLUMN_I, COLUMN_S)};
#undef ROW_T
DEFINE_ROW(github_check)
