/* turn.c - see turn.h. */
#include "bot/turn.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/api.h"
#include "bot/bot.h"
#include "bot/dispatch.h"
#include "bot/outbox.h"
#include "bot/queue_flow.h"
#include "bot/reconcile.h"
#include "bot/shadow.h"
#include "bot/waits.h"
#include "bot/watch.h"

/* The passes look at every waiting task and every queue; where nothing was written since, they would
 * find what they found before. */
static int pass(struct bot *b, struct err *err)
{
	bool halted = bot_halted(b, NULL);
	int64_t before = db_changes(b->db);

	if (!b->look && halted == b->seen_halted && before == b->seen_changes)
		return 0;
	if (dispatch_pass(b, err) < 0 || queue_pass(b, err) < 0)
		return -1;
	b->look = false;
	b->seen_halted = halted;
	b->seen_changes = before; /* what a pass wrote itself is looked at once more */
	return 0;
}

/* Decides until nothing new comes of it: results of the local forge are events of the same turn. */
static int settle(struct bot *b, struct err *err)
{
	int taken;

	do {
		if (decide_events(b, err) < 0 || pass(b, err) < 0)
			return -1;
		taken = outbox_take(b->outbox, err);
		if (taken < 0 || b->fatal.code)
			return -1;
	} while (taken > 0);
	return db_int(b->db, ST_AUDIT_COUNT, &b->audit_rows, err, "") < 0 ? -1 : 0;
}

static void arm_due(struct bot *b)
{
	int64_t at = 0, now = bot_now(b);

	if (effect_next_ms(b->db, now, &at, NULL) > 0)
		loop_timer_in(b->due, at > now ? at - now : 0);
}

static int store_part(struct bot *b, struct err *err)
{
	return b->part ? b->part->ops->store(b->part_self, err) : 0;
}

static int work_part(struct bot *b, struct err *err)
{
	return b->part ? b->part->ops->work(b->part_self, err) : 0;
}

static void tell_part(struct bot *b, bool committed)
{
	if (b->part)
		(committed ? b->part->ops->committed : b->part->ops->failed)(b->part_self);
}

/*
 * What came over the web, then everything else, then one commit. On a full disk a turn that wrote nothing but
 * deliveries is undone and they are refused, to be asked for again: nothing was promised. *ret_alone says that
 * the turn was of this kind.
 */
static int turn(struct bot *b, bool *ret_alone, struct err *err)
{
	bool alone = b->part && !db_in_transaction(b->db);
	int64_t stored;

	*ret_alone = alone;
	if (waits_clamp(b, err) < 0 || store_part(b, err) < 0 || work_part(b, err) < 0)
		return -1;
	stored = db_changes(b->db);
	*ret_alone = false;
	if (settle(b, err) < 0)
		return -1;
	arm_due(b);
	*ret_alone = alone && db_changes(b->db) == stored;
	return b->part ? b->part->ops->commit(b->part_self, err) : db_commit(b->db, err);
}

/* False: the daemon ends. */
static bool survive(struct bot *b, bool alone, struct err *err)
{
	if (alone && err->code == ERR_IO && !b->fatal.code) {
		log_error("webhooks: not stored, to be delivered again: %s", err_text(err));
		db_rollback(b->db);
		tell_part(b, false);
		return true;
	}
	if (!err->code && !b->fatal.code)
		err_set(err, ERR_INTERNAL, "the turn failed without a reason");
	if (!b->fatal.code)
		err_move(&b->fatal, err);
	return false;
}

static void on_turn(void *bot)
{
	struct bot *b = bot;
	cleanup(err_release) struct err err = ERR_INIT;
	bool alone = false, failed = !b->fatal.code && turn(b, &alone, &err) < 0;

	if (b->fatal.code || (failed && !survive(b, alone, &err))) {
		db_rollback(b->db);
		tell_part(b, false);
		api_fail_all(b->api, &b->fatal);
		loop_stop(b->loop);
		return;
	}
	if (!failed)
		tell_part(b, true);
	api_flush(b->api);
	outbox_start(b->outbox);
	reconcile_mark(b);
	/* What a start ended at once (an effect of no length) is decided in the next turn. */
	if (b->undecided || db_in_transaction(b->db))
		loop_timer_in(b->due, 0);
	if (b->stopping && (!b->part || b->part->ops->drained(b->part_self)))
		loop_stop(b->loop);
}

static void on_due(void *arg)
{
	(void)arg; /* waking up is all: the turn hook takes what has become due */
}

static void on_reconcile(void *arg)
{
	struct bot *b = arg;
	cleanup(err_release) struct err err = ERR_INIT;

	if (reconcile_all(b, &err) < 0)
		log_error("reconcile: %s", err_text(&err));
	watch_repos(b->watch);
	loop_timer_in(b->reconcile, b->conf->reconcile_seconds * 1000);
}

int turn_start(struct bot *b, struct err *err)
{
	b->started_ms = bot_now(b);
	b->look = true;
	b->due = loop_timer_new(b->loop, on_due, b);
	b->reconcile = loop_timer_new(b->loop, on_reconcile, b);
	b->watch = watch_new(b);
	watch_repos(b->watch); /* before the first look: what moves after it is seen */
	if (waits_clamp(b, err) < 0 || reconcile_ledger(b, err) < 0 || shadow_start(b, err) < 0 ||
	    outbox_new(b, &b->outbox, err) < 0 || reconcile_all(b, err) < 0 ||
	    (b->part && b->part->ops->start(b, b->part->arg, &b->part_self, err) < 0) ||
	    db_commit(b->db, err) < 0)
		return -1;
	reconcile_settings(b);
	loop_set_turn_hook(b->loop, on_turn, b);
	loop_timer_in(b->due, 0);
	loop_timer_in(b->reconcile, b->conf->reconcile_seconds * 1000);
	return 0;
}

void turn_stop(struct bot *b)
{
	b->marked_ms = 0;
	reconcile_mark(b);
	if (b->part_self)
		b->part->ops->stop(b->part_self);
	b->part_self = NULL;
	outbox_free(b->outbox);
	b->outbox = NULL;
	watch_free(b->watch);
	b->watch = NULL;
	loop_timer_free(b->due);
	loop_timer_free(b->reconcile);
	b->due = b->reconcile = NULL;
	err_release(&b->fatal);
}
