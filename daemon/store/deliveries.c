/* deliveries.c - see deliveries.h */
#include "store/deliveries.h"

#include "base/mem.h"

#include <lz4.h>

static const char *const names[DELIVERY_STATES] = {
	[DELIVERY_NEW] = "new",         [DELIVERY_DECODED] = "decoded",
	[DELIVERY_IGNORED] = "ignored", [DELIVERY_UNDECODABLE] = "undecodable",
	[DELIVERY_WAKE] = "wake",       [DELIVERY_REPLAY] = "replay",
};

const char *delivery_state_name(enum delivery_state s)
{
	return s >= 0 && s < DELIVERY_STATES ? names[s] : "unknown";
}

void delivery_release(struct delivery *d)
{
	free(d->guid);
	free(d->event);
	free(d->secret);
	buf_release(&d->body);
	*d = (struct delivery){.body = BUF_INIT};
}

/* --- in ------------------------------------------------------------------------------------------- */

char *delivery_pack(const void *p, size_t n, size_t *ret_len, struct err *err)
{
	int room = LZ4_compressBound((int)n), len;
	autofree char *packed = NULL;

	if (!n || n > DELIVERY_BODY_MAX) {
		err_set(err, ERR_INTERNAL, "delivery: a body of %zu bytes", n);
		return NULL;
	}
	packed = xmalloc((size_t)room);
	len = LZ4_compress_default(p, packed, (int)n, room);
	if (len <= 0) {
		err_set(err, ERR_INTERNAL, "delivery: LZ4 cannot compress %zu bytes", n);
		return NULL;
	}
	*ret_len = (size_t)len;
	return steal(&packed);
}

int delivery_add_packed(struct db *db, struct delivery *d, const void *packed, size_t len,
			int64_t *ret_stored, struct err *err)
{
	if (db_run(db, ST_DELIVERY_ADD, err, "sssiiiii", d->guid, d->event, d->secret, d->form,
		   d->mark, d->size, (int64_t)len, d->received_ms) < 0)
		return -1;
	d->id = db_last_id(db);
	if (packed && db_run(db, ST_DELIVERY_BODY_ADD, err, "ib", d->id, packed, len) < 0)
		return -1;
	*ret_stored = (int64_t)len + DELIVERY_ROW;
	return 0;
}

int delivery_add(struct db *db, struct delivery *d, const void *p, size_t n, int64_t *ret_stored,
		 struct err *err)
{
	autofree char *packed = NULL;
	size_t len = 0;

	if (p) {
		packed = delivery_pack(p, n, &len, err);
		if (!packed)
			return -1;
		d->size = (int64_t)n;
	}
	return delivery_add_packed(db, d, packed, len, ret_stored, err);
}

/* --- out ------------------------------------------------------------------------------------------ */

static char *column(sqlite3_stmt *st, int i)
{
	const char *s = (const char *)sqlite3_column_text(st, i);

	return xstrdup(s ? s : "");
}

static int unpack(sqlite3_stmt *st, int i, struct delivery *d, struct err *err)
{
	const char *packed = sqlite3_column_blob(st, i);
	int n = sqlite3_column_bytes(st, i), got = -1;
	char *room;

	if (sqlite3_column_type(st, i) == SQLITE_NULL)
		return 0;
	if (d->size > 0 && d->size <= (int64_t)DELIVERY_BODY_MAX) {
		room = buf_room(&d->body, (size_t)d->size);
		got = LZ4_decompress_safe(packed, room, n, (int)d->size);
	}
	if (got < 0 || got != d->size)
		return err_set(err, ERR_CORRUPT,
			       "delivery %lld: its stored body of %d bytes is not one of %lld",
			       (long long)d->id, n, (long long)d->size);
	buf_grown(&d->body, (size_t)got);
	return 0;
}

int deliveries_take(struct db *db, struct delivery *ret, struct err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (db_query(db, ST_DELIVERY_NEXT, &st, err, "") < 0)
		return -1;
	rc = db_step(db, st, err);
	if (rc <= 0) {
		if (rc == 0)
			db_done(st);
		return rc;
	}
	*ret = (struct delivery){.id = sqlite3_column_int64(st, 0),
				 .guid = column(st, 1),
				 .event = column(st, 2),
				 .secret = column(st, 3),
				 .form = sqlite3_column_int64(st, 4),
				 .mark = sqlite3_column_int64(st, 5),
				 .size = sqlite3_column_int64(st, 6),
				 .body = BUF_INIT,
				 .received_ms = sqlite3_column_int64(st, 7)};
	rc = unpack(st, 8, ret, err);
	db_done(st);
	return rc < 0 ? -1 : 1;
}

int deliveries_done(struct db *db, const struct delivery *d, enum delivery_state outcome,
		    const char *detail, int64_t at_ms, struct err *err)
{
	if (db_run(db, ST_DELIVERY_DONE, err, "iisi", d->id, (int64_t)outcome, detail, at_ms) < 0)
		return -1;
	return db_run(db, ST_DELIVERY_COUNT, err, "si", d->event, (int64_t)outcome) < 0 ? -1 : 0;
}

/* --- retention -------------------------------------------------------------------------------------- */

int deliveries_purge(struct db *db, int64_t before_ms, bool any, int64_t max, int64_t *ret_bytes,
		     struct err *err)
{
	int64_t first = 0, last = 0, bytes = 0;
	sqlite3_stmt *st;
	int rc, n = 0;

	*ret_bytes = 0;
	if (db_query(db, ST_DELIVERY_OLDEST, &st, err, "i", max) < 0)
		return -1;
	while ((rc = db_step(db, st, err)) > 0) {
		/* In the order in which they came: what is behind one that stays, stays too. */
		if (sqlite3_column_int64(st, 1) == DELIVERY_NEW ||
		    (!any && sqlite3_column_int64(st, 2) >= before_ms))
			break;
		last = sqlite3_column_int64(st, 0);
		first = n++ ? first : last;
		bytes += sqlite3_column_int64(st, 3) + DELIVERY_ROW;
	}
	if (rc >= 0)
		db_done(st);
	if (rc < 0 || !n)
		return rc < 0 ? -1 : 0;
	if (db_run(db, ST_DELIVERY_BODY_DROP, err, "ii", first, last) < 0 ||
	    db_run(db, ST_DELIVERY_DROP, err, "ii", first, last) < 0)
		return -1;
	*ret_bytes = bytes;
	return n;
}

int deliveries_size(struct db *db, int64_t *ret_bytes, int64_t *ret_new, struct err *err)
{
	return db_int(db, ST_DELIVERY_BYTES, ret_bytes, err, "i", (int64_t)DELIVERY_ROW) < 0 ||
			       db_int(db, ST_DELIVERY_NEW_COUNT, ret_new, err, "") < 0
		       ? -1
		       : 0;
}

int deliveries_recent(struct db *db, int64_t max, deliveries_fn fn, void *arg, struct err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (db_query(db, ST_DELIVERY_RECENT, &st, err, "i", max) < 0)
		return -1;
	while ((rc = db_step(db, st, err)) > 0)
		fn(arg, (const char *)sqlite3_column_text(st, 0), sqlite3_column_int64(st, 1));
	if (rc == 0)
		db_done(st);
	return rc;
}

/* --- for people --------------------------------------------------------------------------------------- */

int deliveries_tally(struct db *db, json_t **ret, struct err *err)
{
	autojson json_t *all = json_object();
	sqlite3_stmt *st;
	int rc;

	if (db_query(db, ST_DELIVERY_TALLY, &st, err, "") < 0)
		return -1;
	while ((rc = db_step(db, st, err)) > 0) {
		const char *event = (const char *)sqlite3_column_text(st, 0);
		json_t *one = json_object_get(all, event);

		if (!one) {
			one = json_object();
			json_put(all, event, one);
		}
		json_put_int(one,
			     delivery_state_name((enum delivery_state)sqlite3_column_int(st, 1)),
			     sqlite3_column_int64(st, 2));
	}
	if (rc < 0)
		return -1;
	db_done(st);
	*ret = steal(&all);
	return 0;
}

int deliveries_undecodable(struct db *db, int64_t max, json_t **ret, struct err *err)
{
	static const char *const keys[] = {"id",     "event",       "guid",
					   "secret", "received_ms", "detail"};
	autojson json_t *all = json_array();
	sqlite3_stmt *st;
	int rc;

	if (db_query(db, ST_DELIVERY_ODD, &st, err, "i", max) < 0)
		return -1;
	while ((rc = db_step(db, st, err)) > 0) {
		json_t *o = json_object();

		for (int i = 0; i < (int)ARRAY_LEN(keys); i++)
			if (sqlite3_column_type(st, i) == SQLITE_INTEGER)
				json_put_int(o, keys[i], sqlite3_column_int64(st, i));
			else
				json_put_str(o, keys[i], (const char *)sqlite3_column_text(st, i));
		json_array_append_new(all, o);
	}
	if (rc < 0)
		return -1;
	db_done(st);
	*ret = steal(&all);
	return 0;
}
