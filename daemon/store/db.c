/* db.c - see db.h */
#include "store/db.h"

#include "base/buf.h"
#include "base/embed.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct db {
	sqlite3 *h;
	bool created;
	bool writable;
	bool in_tx;
	int depth;         /* of savepoints */
	struct err broken; /* SQLite has rolled the transaction back by itself: why */
	sqlite3_stmt *stmt[ST_COUNT];
};

static const struct {
	const char *name, *sql;
} statements[ST_COUNT] = {
#define X(id, sql) [ST_##id] = {#id, sql},
	STATEMENTS(X)
#undef X
};

static enum err_code code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_UNAVAILABLE;
	case SQLITE_CONSTRAINT:
		return ERR_EXISTS;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return ERR_IO;
	default:
		return ERR_INTERNAL;
	}
}

/* A statement in a message is its beginning: a name, not a wall of text. */
static int fail(struct db *d, int rc, const char *what, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	enum err_code code = code_of(rc);
	size_t n = strcspn(what, "\n");

	n = n > 60 ? 60 : n;
	err_set(&why, code, "ledger: %.*s: %s%s", (int)n, what,
		d->h ? sqlite3_errmsg(d->h) : sqlite3_errstr(rc),
		code == ERR_CORRUPT
			? "; end the daemon, move the file away with its -wal and -shm, and put a "
			  "backup in its place"
			: "");
	if (d->h && d->in_tx && sqlite3_get_autocommit(d->h) && !d->broken.code)
		err_set(&d->broken, code, "%s", err_text(&why));
	return err_move(err, &why);
}

/* After a full disk or a failed write SQLite may have undone the whole transaction, not only the
 * statement. What is written then would be committed by itself, a part of a decision. */
static int whole(const struct db *d, struct err *err)
{
	return d->broken.code ? err_set(err, d->broken.code, "%s", err_text(&d->broken)) : 0;
}

static int exec(struct db *d, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(d, rc, sql, err);
}

int db_prepare(struct db *d, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	int rc = sqlite3_prepare_v3(d->h, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return rc == SQLITE_OK ? 0 : fail(d, rc, sql, err);
}

static int pragma_int(struct db *d, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (db_prepare(d, sql, &st, err) < 0)
		return -1;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : fail(d, rc, sql, err);
}

/* One migration and its version number in one transaction. */
static int migrate_one(struct db *d, const struct embed_file *f, int64_t version, struct err *err)
{
	autofree char *set = xasprintf("PRAGMA user_version = %lld", (long long)version);

	if (exec(d, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (exec(d, f->data, err) < 0 || exec(d, set, err) < 0 || exec(d, "COMMIT", err) < 0) {
		sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
		return err_wrap(err, "ledger: migration %s", f->path);
	}
	return 0;
}

/* The number in a migration's name; 0 for a file that is none. */
static int64_t migration_version(const char *path)
{
	static const char folder[] = "daemon/store/migrations/";

	if (strncmp(path, folder, sizeof(folder) - 1) != 0)
		return 0;
	return strtoll(path + sizeof(folder) - 1, NULL, 10);
}

/* The files are sorted by name, and contrib/migrations.sh has proved that the numbers have no gap. */
static int migrate(struct db *d, struct err *err)
{
	int64_t have = 0, newest = 0;

	if (pragma_int(d, "PRAGMA user_version", &have, err) < 0)
		return -1;
	d->created = have == 0;
	for (const struct embed_file *f = embed_files; f->path; f++) {
		int64_t version = migration_version(f->path);

		if (version == 0)
			continue;
		newest = version;
		if (version > have && migrate_one(d, f, version, err) < 0)
			return -1;
	}
	if (have > newest)
		return err_set(
			err, ERR_STATE,
			"ledger: written by a newer program: found version %lld, this program "
			"knows %lld; install the newer program again",
			(long long)have, (long long)newest);
	return 0;
}

static int open_handle(const char *path, int flags, struct db **ret, struct err *err)
{
	struct db *d = xcalloc(1, sizeof(*d));
	int rc = sqlite3_open_v2(path, &d->h, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK) {
		fail(d, rc, path, err);
		db_close(d);
		return -1;
	}
	sqlite3_extended_result_codes(d->h, 1);
	sqlite3_busy_timeout(d->h, 5000);
	*ret = d;
	return 0;
}

int db_open(const char *path, bool create, struct db **ret, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	struct db *d;

	if (open_handle(path, flags, &d, err) < 0)
		return -1;
	if (exec(d,
		 "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
		 "PRAGMA foreign_keys = ON; PRAGMA cache_size = -2048; "
		 "PRAGMA trusted_schema = OFF; "
		 "PRAGMA cell_size_check = ON",
		 err) < 0 ||
	    migrate(d, err) < 0) {
		db_close(d);
		return err_wrap(err, "%s", path);
	}
	db_write_back(d, DB_PAGES);
	d->writable = true;
	*ret = d;
	return 0;
}

int db_open_readonly(const char *path, struct db **ret, struct err *err)
{
	return open_handle(path, SQLITE_OPEN_READONLY, ret, err);
}

void db_close(struct db *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < ST_COUNT; i++)
		sqlite3_finalize(d->stmt[i]);
	sqlite3_close_v2(d->h);
	err_release(&d->broken);
	free(d);
}

bool db_was_created(const struct db *d)
{
	return d->created;
}

int db_check(struct db *d, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (db_prepare(d, "PRAGMA integrity_check(1)", &st, err) < 0)
		return -1;
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		fail(d, rc, "integrity check", err);
	else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
		rc = err_set(err, ERR_CORRUPT, "ledger: integrity check: %s",
			     (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : -1;
}

void db_write_back(struct db *d, int pages)
{
	sqlite3_wal_autocheckpoint(d->h, pages);
}

int db_begin(struct db *d, struct err *err)
{
	if (d->in_tx)
		return whole(d, err);
	if (exec(d, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	d->in_tx = true;
	return 0;
}

int db_commit(struct db *d, struct err *err)
{
	if (!d->in_tx)
		return 0;
	if (whole(d, err) < 0 || exec(d, "COMMIT", err) < 0) {
		db_rollback(d);
		return -1;
	}
	d->in_tx = false;
	return 0;
}

void db_rollback(struct db *d)
{
	if (!d->in_tx)
		return;
	sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
	d->in_tx = false;
	d->depth = 0;
	err_release(&d->broken);
}

bool db_in_transaction(const struct db *d)
{
	return d->in_tx;
}

int64_t db_changes(const struct db *d)
{
	return sqlite3_total_changes64(d->h);
}

static int savepoint_exec(struct db *d, const char *verb, int level, struct err *err)
{
	autofree char *sql = xasprintf("%s s%d", verb, level);

	return exec(d, sql, err);
}

int db_savepoint(struct db *d, struct err *err)
{
	if (db_begin(d, err) < 0 || savepoint_exec(d, "SAVEPOINT", d->depth + 1, err) < 0)
		return -1;
	d->depth++;
	return 0;
}

int db_release(struct db *d, struct err *err)
{
	if (whole(d, err) < 0 || savepoint_exec(d, "RELEASE", d->depth, err) < 0)
		return -1;
	d->depth--;
	return 0;
}

void db_rollback_to(struct db *d)
{
	if (!d->depth)
		return;
	savepoint_exec(d, "ROLLBACK TO", d->depth, NULL);
	savepoint_exec(d, "RELEASE", d->depth, NULL);
	d->depth--;
}

/* how: SQLITE_STATIC where the statement is over before the caller goes on, SQLITE_TRANSIENT makes copies. */
static int bind(struct db *d, enum stmt_id id, sqlite3_stmt **ret, struct err *err,
		sqlite3_destructor_type how, const char *types, va_list ap)
{
	if (d->writable && db_begin(d, err) < 0)
		return -1;
	if (!d->stmt[id] && db_prepare(d, statements[id].sql, &d->stmt[id], err) < 0)
		return err_wrap(err, "statement %s", statements[id].name);
	sqlite3_reset(d->stmt[id]);
	sqlite3_clear_bindings(d->stmt[id]);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(d->stmt[id], i + 1, va_arg(ap, int64_t));
		} else if (types[i] == 'b') {
			const void *p = va_arg(ap, const void *);

			sqlite3_bind_blob64(d->stmt[id], i + 1, p, va_arg(ap, size_t), how);
		} else {
			sqlite3_bind_text(d->stmt[id], i + 1, va_arg(ap, const char *), -1, how);
		}
	}
	*ret = d->stmt[id];
	return 0;
}

int db_step(struct db *d, sqlite3_stmt *st, struct err *err)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	fail(d, rc, sqlite3_sql(st), err);
	sqlite3_reset(st);
	return -1;
}

void db_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
}

int db_query(struct db *d, enum stmt_id id, sqlite3_stmt **ret, struct err *err, const char *types,
	     ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = bind(d, id, ret, err, SQLITE_TRANSIENT, types, ap);
	va_end(ap);
	return rc;
}

int db_run(struct db *d, enum stmt_id id, struct err *err, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = bind(d, id, &st, err, SQLITE_STATIC, types, ap);
	va_end(ap);
	if (rc < 0 || db_step(d, st, err) < 0)
		return -1;
	db_done(st);
	return sqlite3_changes(d->h);
}

int db_int(struct db *d, enum stmt_id id, int64_t *ret, struct err *err, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = bind(d, id, &st, err, SQLITE_STATIC, types, ap);
	va_end(ap);
	if (rc == 0)
		rc = db_step(d, st, err);
	if (rc > 0)
		*ret = sqlite3_column_int64(st, 0);
	if (rc >= 0)
		db_done(st);
	return rc;
}

int db_text(struct db *d, enum stmt_id id, char **ret, struct err *err, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = bind(d, id, &st, err, SQLITE_STATIC, types, ap);
	va_end(ap);
	if (rc == 0)
		rc = db_step(d, st, err);
	if (rc > 0)
		*ret = xstrdup((const char *)sqlite3_column_text(st, 0));
	if (rc >= 0)
		db_done(st);
	return rc;
}

int64_t db_last_id(struct db *d)
{
	return sqlite3_last_insert_rowid(d->h);
}

static int copy_pages(struct db *from, struct db *to, struct err *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");
	int rc;

	if (!b)
		return fail(to, sqlite3_errcode(to->h), "backup", err);
	do {
		rc = sqlite3_backup_step(b, 1024);
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			sqlite3_sleep(10);
	} while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? 0 : fail(to, rc, "backup", err);
}

static int sync_file(const char *path, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? 0 : err_errno(err, "backup: sync %s", path);
}

int db_backup(const char *from, const char *to, struct err *err)
{
	autofree char *tmp = xasprintf("%s.partial", to);
	struct db *a = NULL, *b = NULL;
	int rc = -1;

	if (access(to, F_OK) == 0)
		return err_set(err, ERR_EXISTS, "backup: %s exists; name a file that does not", to);
	if (unlink(tmp) < 0 && errno != ENOENT)
		return err_errno(err, "backup: remove the left-over %s", tmp);
	if (db_open_readonly(from, &a, err) == 0 &&
	    open_handle(tmp, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &b, err) == 0 &&
	    copy_pages(a, b, err) == 0 && exec(b, "PRAGMA journal_mode = DELETE", err) == 0 &&
	    db_check(b, err) == 0)
		rc = 0;
	db_close(a);
	db_close(b);
	if (rc == 0 && (sync_file(tmp, err) < 0 ||
			(link(tmp, to) < 0 && err_errno(err, "backup: name %s", to) < 0)))
		rc = -1;
	unlink(tmp);
	return rc;
}
