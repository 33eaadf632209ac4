/* ledger.c - see ledger.h */
#include "store/ledger.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

int event_add(struct db *d, const char *key, const char *kind, const json_t *payload, int64_t at_ms,
	      struct err *err)
{
	autofree char *text = json_text(payload);

	return db_run(d, ST_EVENT_ADD, err, "sssi", key, kind, text, at_ms);
}

int event_next(struct db *d, struct event *ret, struct err *err)
{
	return event_find(d, ST_EVENT_NEXT, ret, err, "");
}

int event_decided(struct db *d, int64_t id, enum event_state state, const char *note, int64_t at_ms,
		  struct err *err)
{
	return db_run(d, ST_EVENT_DECIDED, err, "iisi", id, (int64_t)state, note, at_ms);
}

int effect_add(struct db *d, const char *key, const char *subject, const char *kind,
	       const json_t *payload, int64_t at_ms, struct err *err)
{
	autofree char *text = json_text(payload);

	return db_run(d, ST_EFFECT_ADD, err, "ssssi", key, subject, kind, text, at_ms);
}

int effect_due(struct db *d, int64_t now_ms, struct effect_list *ret, struct err *err)
{
	return effect_all(d, ST_EFFECT_DUE, ret, err, "i", now_ms);
}

int effect_next_ms(struct db *d, int64_t now_ms, int64_t *ret, struct err *err)
{
	return db_int(d, ST_EFFECT_NEXT_MS, ret, err, "i", now_ms);
}

int effect_started(struct db *d, int64_t id, struct err *err)
{
	return db_run(d, ST_EFFECT_STARTED, err, "i", id);
}

int effect_done(struct db *d, int64_t id, bool ok, const char *result, int64_t at_ms,
		struct err *err)
{
	return db_run(d, ST_EFFECT_DONE, err, "iisi", id,
		      (int64_t)(ok ? EFFECT_DONE : EFFECT_FAILED), result, at_ms);
}

int effect_again(struct db *d, int64_t id, int64_t not_before_ms, struct err *err)
{
	return db_run(d, ST_EFFECT_AGAIN, err, "ii", id, not_before_ms);
}

int effect_wait(struct db *d, int64_t id, int64_t now_ms, int64_t wait_ms, struct err *err)
{
	return db_run(d, ST_EFFECT_WAIT, err, "iii", id, now_ms, now_ms + wait_ms);
}

int effect_clamp(struct db *d, int64_t now_ms, struct err *err)
{
	return db_run(d, ST_EFFECT_CLAMP, err, "i", now_ms);
}

int effect_withdraw(struct db *d, const char *subject, int64_t at_ms, struct err *err)
{
	return db_run(d, ST_EFFECT_WITHDRAW, err, "si", subject, at_ms);
}

int effect_recover(struct db *d, struct err *err)
{
	return db_run(d, ST_EFFECT_RECOVER, err, "");
}

static void add_field(struct buf *b, const char *s)
{
	buf_addf(b, "%zu:", strlen(s));
	buf_adds(b, s);
}

static char *chain(const char *before, int64_t at_ms, const char *actor, const char *action,
		   const char *subject, const char *detail)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	add_field(&b, before);
	buf_addf(&b, "%lld;", (long long)at_ms);
	add_field(&b, actor);
	add_field(&b, action);
	add_field(&b, subject);
	add_field(&b, detail);
	return text_sha256(b.s, b.len);
}

int audit_head(struct db *d, char **ret, struct err *err)
{
	int rc = db_text(d, ST_AUDIT_HEAD, ret, err, "");

	if (rc == 0)
		*ret = xstrdup("");
	return rc < 0 ? -1 : 0;
}

int audit_add(struct db *d, int64_t at_ms, const char *actor, const char *action,
	      const char *subject, const json_t *detail, struct err *err)
{
	autofree char *text = detail ? json_text(detail) : xstrdup("{}");
	autofree char *before = NULL, *hash = NULL;

	if (audit_head(d, &before, err) < 0)
		return -1;
	hash = chain(before, at_ms, actor, action, subject, text);
	return db_run(d, ST_AUDIT_ADD, err, "isssss", at_ms, actor, action, subject, text, hash);
}

int audit_verify(struct db *d, int64_t *ret_rows, char **ret_head, struct err *err)
{
	autofree char *before = xstrdup("");
	sqlite3_stmt *st;
	int64_t rows = 0;
	int rc;

	if (db_query(d, ST_AUDIT_ALL, &st, err, "") < 0)
		return -1;
	while ((rc = db_step(d, st, err)) > 0) {
		int64_t id = sqlite3_column_int64(st, 0);
		autofree char *hash = chain(before, sqlite3_column_int64(st, 1),
					    (const char *)sqlite3_column_text(st, 2),
					    (const char *)sqlite3_column_text(st, 3),
					    (const char *)sqlite3_column_text(st, 4),
					    (const char *)sqlite3_column_text(st, 5));

		rows++;
		if (id != rows || strcmp(hash, (const char *)sqlite3_column_text(st, 6)) != 0) {
			db_done(st);
			return err_set(err, ERR_CORRUPT,
				       "audit: row %lld does not continue the chain: found hash of "
				       "other content, or rows before it are missing",
				       (long long)id);
		}
		free(before);
		before = steal(&hash);
	}
	db_done(st);
	if (rc < 0)
		return -1;
	*ret_rows = rows;
	*ret_head = steal(&before);
	return 0;
}

int meta_get(struct db *d, const char *key, char **ret, struct err *err)
{
	return db_text(d, ST_META_GET, ret, err, "s", key);
}

int meta_set(struct db *d, const char *key, const char *value, struct err *err)
{
	return db_run(d, ST_META_SET, err, "ss", key, value) < 0 ? -1 : 0;
}

int meta_clear(struct db *d, const char *key, struct err *err)
{
	return db_run(d, ST_META_CLEAR, err, "s", key) < 0 ? -1 : 0;
}
