/*
 * db.h - the one SQLite file: opening, migrations, transactions, named statements.
 *
 * WAL, synchronous=FULL, foreign keys on. The daemon is the only writer; the command line opens the
 * file read-only for `backup` and `audit verify`. All SQL of the program is in statements.h (named
 * statements) and migrations/ (schema); rows.c derives INSERT and UPDATE from its column tables.
 *
 * A turn of the daemon is one transaction (db_begin … db_commit), opened lazily by the first
 * write or read; each decision inside it is a savepoint. Where SQLite itself undoes the transaction (a
 * full disk), everything up to db_rollback() is refused with that reason.
 *
 * Binding is by a type string: 'i' int64_t, 's' const char * (NULL is null), 'b' const void * and size_t.
 *
 * A new file has pages of 16 kB, and the journal is written back every 250 of them. Measured with webhook
 * deliveries of 12 kB on two cores, one commit a turn: with raw bodies and SQLite's defaults 2.0 times the
 * acknowledgements a second of a receiver that stores nothing; with compressed bodies, these pages and these
 * steps 3.3 times, and p99 12 ms. Steps of 4,000 pages cost p99 68 ms: a turn waits for the whole write-back.
 * An older file keeps its page size. Each write-back syncs three times: where a sync takes milliseconds that is an
 * eighth of a flood's time, and less often is better (db_write_back).
 */
#ifndef YM_STORE_DB_H
#define YM_STORE_DB_H

#include "base/err.h"
#include "store/statements.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct db;

/* Opens (and creates when `create`), checks the header page, migrates. ERR_CORRUPT for a file that is no
 * ledger or whose pages SQLite reports as damaged; ERR_STATE for a ledger of a newer program. */
int db_open(const char *path, bool create, struct db **ret, struct err *err);
int db_open_readonly(const char *path, struct db **ret, struct err *err);
void db_close(struct db *d);
bool db_was_created(const struct db *d);
/* `PRAGMA integrity_check`, whole. */
int db_check(struct db *d, struct err *err);

/*
 * An outer transaction; repeated begins are one. db_commit with none open does nothing. SQLite may end a
 * transaction by itself (disk full, an I/O error): from then on every statement and the commit fail until
 * db_rollback(), so that no half of a decision is ever kept.
 */
int db_begin(struct db *d, struct err *err);
/* After how many pages the journal is written back, from now on. */
#define DB_PAGES      250
#define DB_PAGES_SLOW 1000
void db_write_back(struct db *d, int pages);
int db_commit(struct db *d, struct err *err);
void db_rollback(struct db *d);
bool db_in_transaction(const struct db *d);
/* Grows with every row that was written, also in what is rolled back: two equal answers mean that
 * nothing has changed in between. */
int64_t db_changes(const struct db *d);

int db_savepoint(struct db *d, struct err *err);
int db_release(struct db *d, struct err *err);
void db_rollback_to(struct db *d); /* the innermost savepoint; also removes it */

/* One statement that gives no rows. Returns the number of rows it changed, or -1. */
int db_run(struct db *d, enum stmt_id id, struct err *err, const char *types, ...);
/* One row's first column: 1 found, 0 no row, -1 error. */
int db_int(struct db *d, enum stmt_id id, int64_t *ret, struct err *err, const char *types, ...);
int db_text(struct db *d, enum stmt_id id, char **ret, struct err *err, const char *types, ...);

/* Rows: bind, then step; the statement is reset by db_done() or by the next use. */
int db_query(struct db *d, enum stmt_id id, sqlite3_stmt **ret, struct err *err, const char *types,
	     ...);
int db_step(struct db *d, sqlite3_stmt *st, struct err *err); /* 1 row, 0 end, -1 error */
void db_done(sqlite3_stmt *st);
int64_t db_last_id(struct db *d);

/* For rows.c: an unnamed statement, kept by the caller. */
int db_prepare(struct db *d, const char *sql, sqlite3_stmt **ret, struct err *err);

/* A consistent copy while others write; `to` must not exist, and is complete and synced on return. */
int db_backup(const char *from, const char *to, struct err *err);

#endif
