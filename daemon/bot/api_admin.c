/* api_admin.c - the whole: status, kill switch, audit, receipts. */
#include "bot/api_args.h"

#include "base/mem.h"
#include "bot/first_look.h"
#include "bot/outbox.h"
#include "bot/queue_flow.h"
#include "bot/remote.h"
#include "bot/shadow.h"
#include "bot/upkeep.h"

#include <unistd.h>

#define AUDIT_LIST_MAX 10000 /* of one answer; `audit verify` reads all, from the file */

static int states_json(struct bot *b, json_t **ret, struct err *err)
{
	sqlite3_stmt *st;
	int rc;

	if (db_query(b->db, ST_TASK_STATES, &st, err, "") < 0)
		return -1;
	*ret = json_object();
	while ((rc = db_step(b->db, st, err)) > 0)
		json_put_int(*ret, (const char *)sqlite3_column_text(st, 0),
			     sqlite3_column_int64(st, 1));
	db_done(st);
	return rc;
}

/* What would start if nothing held it back: shown while the daemon waits for a person. */
static int waiting_json(struct request *q, json_t **ret, struct err *err)
{
	struct bot *b = q->bot;
	cleanup(task_list_release) struct task_list l = {0};

	if (task_all(b->db, ST_TASK_WAITING, &l, err, "") < 0)
		return -1;
	*ret = json_array();
	for (size_t i = 0; i < l.n; i++) {
		if (args_need(q, l.v[i].repo, FORGE_READ, NULL) < 0)
			continue;
		json_array_append_new(*ret,
				      json_pack("{s:I,s:I,s:s,s:s}", "task", (json_int_t)l.v[i].id,
						"issue", (json_int_t)l.v[i].issue, "blueprint",
						l.v[i].blueprint, "title", l.v[i].title));
	}
	return 0;
}

static int count(struct bot *b, enum stmt_id st, int64_t arg, const char *types, json_t *o,
		 const char *key, struct err *err)
{
	int64_t n = 0;

	if (db_int(b->db, st, &n, err, types, arg) < 0)
		return -1;
	json_put_int(o, key, n);
	return 0;
}

/* What an empty or restored ledger would go on with, for its owner. */
static int held_json(struct request *q, json_t **ret, struct err *err)
{
	cleanup(effect_list_release) struct effect_list l = {0};
	bool waits;

	*ret = json_array();
	if (bot_waits(q->bot, &waits, err) < 0)
		return -1;
	if (!waits || !q->owner)
		return 0;
	if (effect_all(q->bot->db, ST_EFFECT_HELD, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		json_array_append_new(*ret, json_pack("{s:s,s:s}", "kind", l.v[i].kind, "subject",
						      l.v[i].subject));
	return 0;
}

static void size_row(const struct repo *r, json_t *rows)
{
	json_t *o = json_object();

	json_put_str(o, "repo", r->name);
	upkeep_put(r->path, o);
	json_array_append_new(rows, o);
}

/* How large repositories are, what keeps them from being worked in, and what the first look at them found. */
static int repos_json(struct request *q, json_t *o, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	json_t *problems = json_array(), *first = json_array(), *sizes = json_array();

	json_put(o, "repositories", sizes);
	json_put(o, "problems", problems);
	json_put(o, "first_look", first);
	if (repo_all(q->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		if (args_need(q, l.v[i].id, FORGE_READ, NULL) < 0)
			continue;
		size_row(&l.v[i], sizes);
		if (remote_problem(q->bot, &l.v[i], problems, err) < 0 ||
		    queue_lost_row(q->bot, &l.v[i], problems, err) < 0 ||
		    first_look_rows(q->bot, &l.v[i], first, err) < 0)
			return -1;
	}
	if (json_array_size(first))
		json_put_str(o, "first_look_how", first_look_how);
	return 0;
}

/* The repositories that are only watched, as far as they may be seen. */
static int shadow_json(struct request *q, json_t **ret, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (repo_all(q->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	*ret = json_array();
	for (size_t i = 0; i < l.n; i++)
		if (shadow_on(q->bot, l.v[i].id) && args_need(q, l.v[i].id, FORGE_READ, NULL) == 0)
			json_array_append_new(*ret, json_string(l.v[i].name));
	return 0;
}

int api_status(struct request *q, json_t **ret, struct err *err)
{
	struct bot *b = q->bot;
	autojson json_t *o = json_object();
	json_t *tasks = NULL, *waiting = NULL, *held = NULL, *shadow = NULL;
	autofree char *why = NULL;
	bool halted = bot_halted(b, &why);
	int rc;

	json_put_str(o, "version", YM_VERSION);
	json_put_int(o, "pid", getpid());
	json_put_int(o, "uptime_ms", bot_now(b) - b->started_ms);
	json_put_str(o, "data", b->data);
	json_put_bool(o, "halted", halted);
	json_put_str(o, "halted_why", why);
	if (states_json(b, &tasks, err) < 0)
		return -1;
	json_put(o, "tasks", tasks);
	if (waiting_json(q, &waiting, err) < 0)
		return -1;
	json_put(o, "waiting", waiting);
	if (repos_json(q, o, err) < 0)
		return -1;
	if (shadow_json(q, &shadow, err) < 0)
		return -1;
	json_put(o, "shadow", shadow);
	rc = held_json(q, &held, err);
	json_put(o, "held", held);
	if (rc < 0)
		return -1;
	if (count(b, ST_EVENT_NEW_COUNT, 0, "", o, "events_new", err) < 0 ||
	    count(b, ST_EVENT_COUNT, EVENT_IGNORED, "i", o, "events_unknown", err) < 0 ||
	    count(b, ST_EVENT_COUNT, EVENT_FAILED, "i", o, "events_failed", err) < 0 ||
	    count(b, ST_EFFECT_OPEN, 0, "", o, "effects_open", err) < 0)
		return -1;
	if (q->owner)
		json_put(o, "github", remote_state(b));
	if (b->part && b->part->ops->status(b->part_self, q->owner, o, err) < 0)
		return -1;
	*ret = api_item(json_incref(o));
	return API_DONE;
}

int api_resume(struct request *q, json_t **ret, struct err *err)
{
	if (bot_resume(q->bot, q->actor, err) < 0)
		return -1;
	*ret = api_text("the kill switch is off");
	return API_DONE;
}

int api_audit_list(struct request *q, json_t **ret, struct err *err)
{
	static const char *const names[] = {"id", "at_ms", "actor", "action", "subject", "detail"};
	int64_t asked = json_int(q->args, "limit", 100);
	int64_t limit = asked < 1 ? 1 : asked > AUDIT_LIST_MAX ? AUDIT_LIST_MAX : asked;
	sqlite3_stmt *st;
	json_t *rows;
	int rc;

	if (db_query(q->bot->db, ST_AUDIT_LAST, &st, err, "i", limit) < 0)
		return -1;
	rows = json_array();
	while ((rc = db_step(q->bot->db, st, err)) > 0) {
		json_t *o = json_object();

		for (int i = 0; i < (int)ARRAY_LEN(names); i++)
			if (i < 2)
				json_put_int(o, names[i], sqlite3_column_int64(st, i));
			else
				json_put_str(o, names[i], (const char *)sqlite3_column_text(st, i));
		json_array_insert_new(rows, 0, o);
	}
	db_done(st);
	if (rc < 0) {
		json_decref(rows);
		return -1;
	}
	*ret = api_rows(rows);
	return API_DONE;
}

struct later {
	struct api *api;
	uint64_t ticket;
	char *commit;
};

static void on_receipt(void *arg, const json_t *answer, const struct err *why)
{
	struct later *l = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	json_t *item = NULL;

	if (answer && json_flag(answer, "found"))
		item = api_item(json_incref(json_object_get(answer, "receipt")));
	else if (answer)
		err_set(&err, ERR_NOT_FOUND, "commit %s: has no receipt; the queue did not land it",
			l->commit);
	else
		err_set(&err, why->code, "%s", err_text(why));
	api_answer(l->api, l->ticket, item, &err);
	free(l->commit);
	free(l);
}

int api_receipt_show(struct request *q, json_t **ret, struct err *err)
{
	const char *commit = args_str(q->args, "commit");
	cleanup(landing_release) struct landing x = {0};
	struct later *l;
	json_t *req;
	int rc;

	(void)ret;
	if (!commit || strspn(commit, "0123456789abcdef") != strlen(commit) || strlen(commit) < 7 ||
	    strlen(commit) > 40)
		return err_set(err, ERR_INPUT,
			       "commit '%s': expected 7 to 40 digits of its id, as `git rev-parse` "
			       "prints it",
			       commit ? commit : "");
	/* A short name is looked up among our landings first: it need not be the only object of that name. */
	rc = landing_find(q->bot->db, ST_LANDING_BY_PREFIX, &x, err, "is", q->repo.id, commit);
	if (rc < 0)
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->api = q->bot->api;
	l->ticket = q->ticket;
	l->commit = xstrdup(rc > 0 ? x.new : commit);
	req = json_object();
	json_put_str(req, "op", "receipt");
	json_put_str(req, "repo", q->repo.path);
	json_put_str(req, "commit", l->commit);
	if (outbox_ask_git(q->bot->outbox, req, on_receipt, l, err) < 0) {
		free(l->commit);
		free(l);
		return -1;
	}
	return API_LATER;
}
