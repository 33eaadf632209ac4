/* api_repo.c - repositories, blueprints. */
#include "bot/api_args.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/outbox.h"
#include "bot/rebuild.h"
#include "bot/reconcile.h"
#include "bot/remote.h"
#include "bot/shadow.h"
#include "bot/source.h"
#include "bot/upkeep.h"
#include "bot/watch.h"
#include "forge/github.h"
#include "forge/local.h"
#include "forge/local_repo.h"
#include "queue/plan.h"
#include "sys/fs.h"

/* ---- repo add: made by the git role, then written into the ledger ---- */

struct adding {
	struct bot *bot;
	uint64_t ticket;
	char *name, *path, *base, *actor, *oid, *config;
	bool used;      /* the folder was there before */
	int64_t number; /* the next free one */
	struct err why; /* it failed: answered when what was begun is gone again */
};

static void adding_free(struct adding *a)
{
	free(a->name);
	free(a->path);
	free(a->base);
	free(a->actor);
	free(a->oid);
	free(a->config);
	err_release(&a->why);
	free(a);
}

static int insert_repo(struct adding *a, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	/* One that was removed is taken back as it was. */
	int rc = repo_find(a->bot->db, ST_REPO_REMOVED, &r, err, "s", a->name);

	if (rc < 0)
		return -1;
	row_set(&r.name, a->name);
	row_set(&r.forge, "local");
	row_set(&r.path, a->path);
	row_set(&r.base, rc ? r.base : a->base);
	r.next_number = r.next_number > a->number ? r.next_number : a->number;
	row_set(&r.config, a->config);
	row_set(&r.config_oid, a->config ? a->oid : NULL);
	r.created_ms = rc ? r.created_ms : bot_now(a->bot);
	r.removed_ms = 0;
	if (local_repo_hooks(a->path, a->bot->client, a->bot->conf->socket, r.base, err) < 0 ||
	    (rc ? repo_save(a->bot->db, &r, err) : repo_insert(a->bot->db, &r, err)) < 0 ||
	    (a->used && !rc ? reconcile_used : reconcile_base)(a->bot, &r, err) < 0)
		return -1;
	return bot_audit(a->bot, a->actor, "repo-add", NULL, err, "repo:%s", a->name);
}

static void add_answer(struct adding *a)
{
	json_t *ok = a->why.code
			     ? NULL
			     : api_text("repository %s added: %s\npush a change with: git push %s "
					"HEAD:refs/for/%s/TOPIC",
					a->name, a->path, a->path, a->base);

	api_answer(a->bot->api, a->ticket, ok, &a->why);
	adding_free(a);
}

static void on_removed(void *arg, const json_t *answer, const struct err *why)
{
	struct adding *a = arg;

	if (!answer)
		log_warn("repository %s, which was not added: %s", a->name, err_text(why));
	add_answer(a);
}

/* What a failed addition has begun goes away again before the answer, so that the name is free for
 * another try. False: there is nothing to wait for. */
static bool remove_begun(struct adding *a)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(repo_release) struct repo r = {0};
	json_t *req;

	/* Two at once with one name: the folder is the other one's. */
	if (repo_find(a->bot->db, ST_REPO_BY_PATH, &r, &err, "s", a->path) != 0)
		return false;
	req = json_object();
	json_put_str(req, "op", "remove");
	json_put_str(req, "path", a->path);
	if (outbox_ask_git(a->bot->outbox, req, on_removed, a, &err) == 0)
		return true;
	log_warn("repository %s: %s: %s", a->name, a->path, err_text(&err));
	return false;
}

static void add_end(struct adding *a, const struct err *why)
{
	if (why)
		err_set(&a->why, why->code, "repository %s: %s", a->name, err_text(why));
	else if (db_savepoint(a->bot->db, &a->why) == 0) {
		if (insert_repo(a, &a->why) < 0)
			db_rollback_to(a->bot->db);
		else if (db_release(a->bot->db, &a->why) == 0)
			watch_repos(a->bot->watch);
	}
	if (!a->why.code || a->used || !remove_begun(a))
		add_answer(a);
}

/* A broken configuration is told of by the pass that reads it again and finds it so. */
static void on_files(void *arg, const json_t *answer, const struct err *why)
{
	struct adding *a = arg;
	autojson json_t *files = NULL;

	if (answer) {
		files = reconcile_files(answer);
		if (source_check(files, true, NULL) == 0)
			a->config = json_text(files);
	}
	add_end(a, answer ? NULL : why);
}

/* The configuration is read before the answer: a label that is set right after it must find the
 * repository's blueprints. */
static void on_base(void *arg, const json_t *answer, const struct err *why)
{
	struct adding *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	const char *oid = json_str(answer, "oid", NULL);
	json_t *req;

	if (!answer || !oid) {
		add_end(a, answer ? NULL : why);
		return;
	}
	a->oid = xstrdup(oid);
	req = json_object();
	json_put_str(req, "op", "tree-read");
	json_put_str(req, "repo", a->path);
	json_put_str(req, "commit", oid);
	json_put(req, "paths", reconcile_paths());
	if (outbox_ask_git(a->bot->outbox, req, on_files, a, &err) < 0)
		add_end(a, &err);
}

static void on_configured(void *arg, const json_t *answer, const struct err *why)
{
	struct adding *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *ref = xasprintf("refs/heads/%s", a->base);
	json_t *req;

	if (!answer) {
		add_end(a, why);
		return;
	}
	req = json_object();
	json_put_str(req, "op", "ref");
	json_put_str(req, "repo", a->path);
	json_put_str(req, "ref", ref);
	if (outbox_ask_git(a->bot->outbox, req, on_base, a, &err) < 0)
		add_end(a, &err);
}

/* What was ours before has PRs: their numbers are not given again. */
static void take_numbers(struct adding *a, json_t *refs)
{
	const char *name;
	json_t *oid;

	json_object_foreach (refs, name, oid) {
		int64_t n = rebuild_number(name);

		if (n >= a->number)
			a->number = n + 1;
	}
}

static void on_made(void *arg, const json_t *answer, const struct err *why)
{
	struct adding *a = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	json_t *req;

	if (!answer) {
		add_end(a, why);
		return;
	}
	if (json_str(answer, "base", NULL))
		row_set(&a->base, json_str(answer, "base", NULL));
	take_numbers(a, json_object_get(answer, "refs"));
	req = json_object();
	json_put_str(req, "op", "config-set");
	json_put_str(req, "repo", a->path);
	json_put(req, "values", local_repo_config(a->bot->conf->limits.push_mb));
	if (outbox_ask_git(a->bot->outbox, req, on_configured, a, &err) < 0)
		add_end(a, &err);
}

static int check_new(struct request *q, const char *name, const char *path, const char *from,
		     struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	int rc = repo_find(q->bot->db, ST_REPO_BY_NAME, &r, err, "s", name);

	if (rc > 0)
		return err_set(err, ERR_EXISTS, "repository %s: is here already, at %s", name,
			       r.path);
	if (rc == 0 && from && fs_exists(path))
		return err_set(err, ERR_EXISTS,
			       "%s: exists and is not in the ledger; without --from it is taken as "
			       "it is, or move it away",
			       path);
	return rc < 0 ? -1 : 0;
}

int api_repo_add(struct request *q, json_t **ret, struct err *err)
{
	struct bot *b = q->bot;
	const char *name = args_str(q->args, "name"), *from = args_str(q->args, "from");
	const char *base = args_str(q->args, "base");
	autofree char *path = NULL, *parent = NULL;
	struct adding *a;
	json_t *req;

	(void)ret;
	if (name && strchr(name, '/'))
		return remote_repo_add(q, name, err);
	if (args_name("repository", name, err) < 0)
		return -1;
	parent = path_join(b->data, "repos");
	path = xasprintf("%s/%s.git", parent, name);
	if (check_new(q, name, path, from, err) < 0 || fs_mkdir_p(parent, 0755, err) < 0)
		return -1;
	a = xcalloc(1, sizeof(*a));
	a->bot = b;
	a->number = 1;
	a->ticket = q->ticket;
	a->name = xstrdup(name);
	a->path = steal(&path);
	a->base = xstrdup(base ? base : "main"); /* with `from`: its HEAD, when it is known */
	a->actor = xstrdup(q->actor);
	a->used = fs_exists(a->path);
	req = json_object();
	/* One of ours that an empty or older ledger does not know is taken as it is. */
	json_put_str(req, "op", a->used ? "refs" : from ? "import" : "init");
	json_put_str(req, "prefix", "refs/");
	json_put_str(req, "repo", a->path);
	json_put_str(req, "from", from);
	json_put_str(req, "base", from ? base : a->base);
	if (outbox_ask_git(b->outbox, req, on_made, a, err) < 0) {
		adding_free(a);
		return -1;
	}
	return API_LATER;
}

int api_repo_list(struct request *q, json_t **ret, struct err *err)
{
	static const char *const health[] = {"unknown", "testing", "green", "red"};
	cleanup(repo_list_release) struct repo_list l = {0};
	json_t *rows;

	if (repo_all(q->bot->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	rows = json_array();
	for (size_t i = 0; i < l.n; i++) {
		const struct repo *r = &l.v[i];
		cleanup(github_repo_release) struct github_repo gr = {0};
		bool known = r->health_oid && r->base_oid && !strcmp(r->health_oid, r->base_oid);
		json_t *o;

		if (args_need(q, r->id, FORGE_READ, NULL) < 0)
			continue; /* its last log would be in it */
		o = row_json(&repo_table, r);
		json_object_del(o, "config");
		json_put_str(o, "head", r->base_oid);
		json_put_str(o, "health", health[known ? r->health : 0]);
		json_put_bool(o, "shadow", shadow_on(q->bot, r->id));
		upkeep_put(r->path, o);
		if (github_repo_of(q->bot->db, r->id, &gr, NULL) > 0)
			json_put_str(o, "problem", gr.problem);
		json_array_append_new(rows, o);
	}
	*ret = api_rows(rows);
	return API_DONE;
}

/* ---- blueprints ---- */

int api_blueprint_list(struct request *q, json_t **ret, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};

	if (bot_repo_conf(q->bot, &q->repo, &conf, err) < 0)
		return -1;
	*ret = api_rows(source_list(&q->repo, &conf));
	return API_DONE;
}

int api_blueprint_show(struct request *q, json_t **ret, struct err *err)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	cleanup(strvec_release) struct strvec known = STRVEC_INIT;
	cleanup(blueprint_release) struct blueprint bp = {0};
	const char *name = args_str(q->args, "name");
	autofree char *source = NULL, *text = NULL, *json = NULL;
	json_t *item;
	int rc;

	if (bot_repo_conf(q->bot, &q->repo, &conf, err) < 0)
		return -1;
	rc = source_of_name(&q->repo, &conf, name ? name : "", &source, &known, err);
	if (rc == 0) {
		autofree char *all = strvec_join(&known, ", ");

		return err_set(err, ERR_NOT_FOUND, "blueprint '%s': not known; there are: %s",
			       name ? name : "", all);
	}
	if (rc < 0 || source_load(source, &bp, err) < 0)
		return -1;
	conf_repo_apply(&conf, &bp);
	text = blueprint_describe(&bp);
	json = blueprint_json(&bp);
	*ret = api_text("%s", text);
	if (json_parse(json, strlen(json), SIZE_MAX, &item, NULL) == 0)
		json_put(*ret, "item", item);
	return API_DONE;
}
