/* bot.c - see bot.h: the turn, and what handlers use. */
#include "bot/bot.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/api.h"
#include "bot/dispatch.h"
#include "bot/outbox.h"
#include "bot/queue_flow.h"
#include "bot/reconcile.h"
#include "bot/shadow.h"
#include "bot/watch.h"
#include "runner/run.h"

int64_t bot_now(struct bot *b)
{
	return b->clock->wall_ms(b->clock);
}

int bot_effect(struct bot *b, const char *subject, const char *kind, json_t *payload,
	       struct err *err, const char *key_fmt, ...)
{
	autojson json_t *p = payload;
	autofree char *key = NULL;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	return effect_add(b->db, key, subject, kind, p, bot_now(b), err);
}

int bot_event(struct bot *b, const char *kind, json_t *payload, struct err *err,
	      const char *key_fmt, ...)
{
	autojson json_t *p = payload;
	autofree char *key = NULL;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	return event_add(b->db, key, kind, p, bot_now(b), err) < 0 ? -1 : 0;
}

int bot_audit(struct bot *b, const char *actor, const char *action, json_t *detail, struct err *err,
	      const char *subject_fmt, ...)
{
	autojson json_t *d = detail;
	autofree char *subject = NULL;
	va_list ap;

	va_start(ap, subject_fmt);
	subject = xvasprintf(subject_fmt, ap);
	va_end(ap);
	return audit_add(b->db, bot_now(b), actor, action, subject, d, err) < 0 ? -1 : 0;
}

int bot_say(struct bot *b, int64_t repo, int64_t number, char *body, struct err *err,
	    const char *key_fmt, ...)
{
	autojson json_t *p = json_object();
	autofree char *text = body, *key = NULL, *subject = NULL;
	int rc = 0;
	va_list ap;

	va_start(ap, key_fmt);
	key = xvasprintf(key_fmt, ap);
	va_end(ap);
	if (shadow_on(b, repo))
		return 0;
	subject = xasprintf("talk:%lld:%lld", (long long)repo, (long long)number);
	json_put_int(p, "repo", repo);
	json_put_int(p, "number", number);
	json_put_str(p, "key", key);
	json_put_str(p, "body", text);
	/* The comment's key says which comment, the rest which version of it: what is said last stands, also
	 * when it was said before within the same millisecond. Saying the same twice does no harm. */
	for (int again = 0; rc == 0; again++) {
		autofree char *effect =
			xasprintf("say:%s:%lld:%d", key, (long long)bot_now(b), again);

		rc = effect_add(b->db, effect, subject, "forge-comment", p, bot_now(b), err);
	}
	return rc < 0 ? -1 : 0;
}

int bot_notify(struct bot *b, const char *what, int64_t repo, int64_t number, const char *text,
	       const char *once, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	autofree char *when = once ? xstrdup(once) : xasprintf("%lld", (long long)bot_now(b));
	json_t *p;

	if (bot_repo(b, repo, &r, err) < 0)
		return -1;
	if (shadow_on(b, repo)) /* what nobody has done needs nobody */
		return 0;
	p = json_object();
	json_put_str(p, "what", what);
	json_put_str(p, "repo", r.name);
	json_put_int(p, "number", number);
	json_put_str(p, "text", text);
	return bot_effect(b, "notify", "notify", p, err, "notify:%s:%lld:%lld:%s", what,
			  (long long)repo, (long long)number, when) < 0
		       ? -1
		       : 0;
}

struct forge bot_forge(struct bot *b, const struct repo *r)
{
	const struct forge_ops *ops = forge_find(r->forge);

	return (struct forge){ops ? ops : &forge_local, b->db, b->clock, b->github};
}

int bot_repo(struct bot *b, int64_t id, struct repo *ret, struct err *err)
{
	int rc = repo_get(b->db, id, ret, err);

	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "repository %lld: not in the ledger",
			       (long long)id);
	return rc < 0 ? -1 : 0;
}

int bot_permission(struct bot *b, int64_t repo, const char *user, enum forge_level *ret,
		   struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	struct forge f = {&forge_local, b->db, b->clock, NULL};
	int rc;

	if (repo && bot_repo(b, repo, &r, err) < 0)
		return -1;
	if (repo)
		f = bot_forge(b, &r);
	rc = f.ops->permission(&f, repo, user, ret, err);
	if (rc != FORGE_LATER)
		return rc;
	b->asked_repo = repo;
	row_set(&b->asked_user, user);
	row_set(&b->asked_team, NULL);
	return err_set(err, ERR_UNAVAILABLE, "%s is asked what %s may do in %s", r.forge, user,
		       r.name);
}

int bot_permission_here(struct bot *b, int64_t repo, const char *user, enum forge_level *ret,
			struct err *err)
{
	struct forge f = {&forge_local, b->db, b->clock, NULL};

	return forge_local.permission(&f, repo, user, ret, err);
}

int bot_repo_conf(struct bot *b, const struct repo *r, struct conf_repo *ret, struct err *err)
{
	autojson json_t *files = NULL;
	const char *text;

	(void)b;
	conf_repo_default(ret);
	if (!r->config)
		return 0;
	if (json_parse(r->config, strlen(r->config), SIZE_MAX, &files, err) < 0)
		return err_wrap(err, "repository %s: stored configuration", r->name);
	text = json_str(files, CONF_REPO_PATH, NULL);
	if (!text)
		return 0;
	conf_repo_release(ret);
	return conf_repo_load(CONF_REPO_PATH, text, strlen(text), ret, err);
}

bool bot_halted(struct bot *b, char **ret_why)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *why = NULL;
	int halted = run_halted(b->data, &err);
	int waits;

	if (halted) {
		autofree char *by = halted > 0 && ret_why ? run_halt_text(b->data) : NULL;

		if (ret_why)
			*ret_why = halted < 0
					   ? xstrdup(err_text(&err))
					   : xasprintf("the kill switch is on%s%s%s; `yardmaster "
						       "resume` turns it off",
						       by ? " (" : "", by ? by : "", by ? ")" : "");
		return true;
	}
	waits = meta_get(b->db, "waits", &why, &err);
	if (waits && ret_why)
		*ret_why = waits < 0 ? xstrdup(err_text(&err)) : steal(&why);
	return waits != 0;
}

int bot_waits(struct bot *b, bool *ret, struct err *err)
{
	autofree char *why = NULL;
	int rc = meta_get(b->db, "waits", &why, err);

	*ret = rc > 0;
	return rc < 0 ? -1 : 0;
}

int bot_halt(struct bot *b, const char *actor, const char *reason, struct err *err)
{
	json_t *d = json_object();
	autofree char *who =
		reason && *reason ? xasprintf("%s: %s", actor, reason) : xstrdup(actor);
	int left;

	for (char *s = who; *s; s++) /* the file is one line */
		*s = (unsigned char)*s < ' ' ? ' ' : *s;
	left = run_halt_all(b->data, who, 0, err);

	json_put_str(d, "reason", reason);
	if (left < 0) {
		json_decref(d);
		return -1;
	}
	return bot_audit(b, actor, "halt", d, err, "all");
}

int bot_resume(struct bot *b, const char *actor, struct err *err)
{
	if (run_halt_clear(b->data, err) < 0 || meta_clear(b->db, "waits", err) < 0)
		return -1;
	return bot_audit(b, actor, "resume", NULL, err, "all");
}

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
	if (store_part(b, err) < 0 || work_part(b, err) < 0)
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

void bot_turn(void *bot)
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

int bot_start(struct bot *b, struct err *err)
{
	b->started_ms = bot_now(b);
	b->look = true;
	b->due = loop_timer_new(b->loop, on_due, b);
	b->reconcile = loop_timer_new(b->loop, on_reconcile, b);
	b->watch = watch_new(b);
	watch_repos(b->watch); /* before the first look: what moves after it is seen */
	if (reconcile_ledger(b, err) < 0 || shadow_start(b, err) < 0 ||
	    outbox_new(b, &b->outbox, err) < 0 || reconcile_all(b, err) < 0 ||
	    (b->part && b->part->ops->start(b, b->part->arg, &b->part_self, err) < 0) ||
	    db_commit(b->db, err) < 0)
		return -1;
	reconcile_settings(b);
	loop_set_turn_hook(b->loop, bot_turn, b);
	loop_timer_in(b->due, 0);
	loop_timer_in(b->reconcile, b->conf->reconcile_seconds * 1000);
	return 0;
}

void bot_stop(struct bot *b)
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
