/* deliver.c - see deliver.h */
#include "web/deliver.h"

#include "base/mem.h"
#include "web/form.h"

#define SEEN 16384 /* a power of two */

struct deliver {
	struct bot *bot;
	deliver_fn fn;
	int64_t last_ms, credit_ms; /* time that passed and was not paid back by decoding one */
	/* What was handled lately, by what makes it the same. Each place remembers the last one only: that
	 * a replay is found saves work, and nothing hangs on it. */
	uint64_t seen[SEEN];
};

/* The id alone is unsigned, and some senders repeat it for other bodies. */
static uint64_t sameness(const char *guid, int64_t mark)
{
	uint64_t h = 14695981039346656037ULL ^ (uint64_t)mark;

	for (; *guid; guid++)
		h = (h ^ (unsigned char)*guid) * 1099511628211ULL;
	return h ? h : 1;
}

static void remember(void *arg, const char *guid, int64_t mark)
{
	struct deliver *d = arg;
	uint64_t h = sameness(guid, mark);

	d->seen[h % SEEN] = h;
}

int deliver_new(struct bot *b, deliver_fn fn, struct deliver **ret, struct err *err)
{
	struct deliver *d = xcalloc(1, sizeof(*d));

	d->bot = b;
	d->fn = fn;
	if (deliveries_recent(b->db, SEEN / 4, remember, d, err) < 0) {
		free(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void deliver_free(struct deliver *d)
{
	free(d);
}

/* Which ones it were is not known here: all are forgotten, and a replay among them costs its work again. */
void deliver_undone(struct deliver *d)
{
	memset(d->seen, 0, sizeof(d->seen));
}

int deliver_payload(const struct delivery *d, json_t **ret, struct err *err)
{
	cleanup(buf_release) struct buf field = BUF_INIT_MAX(DELIVERY_BODY_MAX);
	const struct buf *text = &d->body;
	autojson json_t *j = NULL;

	if (d->form) {
		if (form_field(d->body.s, d->body.len, "payload", &field, err) < 0)
			return -1;
		text = &field;
	}
	if (json_parse(text->s, text->len, DELIVERY_BODY_MAX, &j, err) < 0)
		return err_wrap(err, "not JSON");
	if (!json_is_object(j))
		return err_set(err, ERR_INPUT, "its JSON is not an object");
	*ret = steal(&j);
	return 0;
}

static const char *repo_of(const json_t *payload)
{
	return json_str(json_object_get(payload, "repository"), "full_name", NULL);
}

/* -1 and why: it is undecodable, or the ledger failed (err). */
static int hand_over(struct deliver *x, const struct delivery *d, const json_t *payload,
		     struct deliver_said *ret, struct err *why)
{
	struct db *db = x->bot->db;

	if (!x->fn) {
		ret->outcome = DELIVERY_IGNORED;
		ret->detail = xstrdup("no forge is configured that takes it");
		return 0;
	}
	if (db_savepoint(db, why) < 0)
		return -1;
	if (x->fn(x->bot, d, payload, ret, why) == 0)
		return db_release(db, why);
	db_rollback_to(db);
	return -1;
}

static int judge(struct deliver *x, const struct hook_secrets *secrets, const struct delivery *d,
		 struct deliver_said *ret, struct err *why)
{
	uint64_t h = sameness(d->guid, d->mark);
	autojson json_t *payload = NULL;

	if (!d->body.len) {
		ret->outcome = DELIVERY_WAKE;
		loop_timer_in(x->bot->reconcile, 0);
		return 0;
	}
	if (x->seen[h % SEEN] == h) {
		ret->outcome = DELIVERY_REPLAY;
		return 0;
	}
	if (deliver_payload(d, &payload, why) < 0)
		return -1;
	if (!hook_secrets_may(secrets, d->secret, repo_of(payload), &ret->detail)) {
		ret->outcome = DELIVERY_IGNORED;
		return 0;
	}
	return hand_over(x, d, payload, ret, why);
}

static int deliver_one(struct deliver *x, const struct hook_secrets *secrets, struct err *err)
{
	cleanup(delivery_release) struct delivery d = {.body = BUF_INIT};
	cleanup(err_release) struct err why = ERR_INIT;
	struct deliver_said said = {.outcome = DELIVERY_DECODED};
	autofree char *detail = NULL;
	int rc = deliveries_take(x->bot->db, &d, &why);

	if (rc == 0)
		return 0;
	if (rc > 0)
		rc = judge(x, secrets, &d, &said, &why);
	detail = said.detail;
	/* A body that cannot be read back is this delivery's trouble; anything else is the ledger's. */
	if (rc < 0 && (!d.id || (d.body.len && (why.code == ERR_IO || why.code == ERR_CORRUPT))))
		return err_move(err, &why);
	if (rc < 0)
		said.outcome = DELIVERY_UNDECODABLE;
	else if (said.outcome == DELIVERY_DECODED)
		remember(x, d.guid, d.mark);
	return deliveries_done(x->bot->db, &d, said.outcome, rc < 0 ? err_text(&why) : detail,
			       bot_now(x->bot), err) < 0
		       ? -1
		       : 1;
}

/* A long wait is no reason to decode for long. */
#define CREDIT_MAX_MS 40

int deliver_pass(struct deliver *x, const struct hook_secrets *secrets, enum deliver_pace pace,
		 struct err *err)
{
	struct clock *clock = x->bot->clock;
	int64_t now = clock->mono_ms(clock), until = now + DELIVER_TURN_MS;
	static const int64_t ms[] = {[DELIVER_BUSY] = DELIVER_BUSY_MS,
				     [DELIVER_HURRY] = DELIVER_HURRY_MS,
				     [DELIVER_FLOOD] = DELIVER_FLOOD_MS};
	int64_t each = ms[pace];
	int rc, n = 0;

	x->credit_ms += now - x->last_ms;
	x->last_ms = now;
	if (x->credit_ms > CREDIT_MAX_MS)
		x->credit_ms = CREDIT_MAX_MS;
	while (pace == DELIVER_QUIET ? clock->mono_ms(clock) < until : x->credit_ms >= each) {
		rc = deliver_one(x, secrets, err);
		if (rc <= 0)
			return rc < 0 ? -1 : n;
		n++;
		if (pace != DELIVER_QUIET)
			x->credit_ms -= each;
	}
	return n;
}
