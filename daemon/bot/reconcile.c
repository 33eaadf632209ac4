/* reconcile.c - see reconcile.h */
#include "bot/reconcile.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/ci.h"
#include "bot/git_request.h"
#include "bot/outbox.h"
#include "bot/queue_flow.h"
#include "bot/rebuild.h"
#include "bot/remote.h"
#include "bot/report.h"
#include "bot/retention.h"
#include "bot/shadow.h"
#include "bot/source.h"
#include "bot/sweep.h"
#include "bot/task_flow.h"
#include "bot/upkeep.h"
#include "forge/local.h"
#include "forge/local_repo.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

json_t *reconcile_paths(void)
{
	json_t *a = json_array();

	for (size_t i = 0; source_paths[i]; i++)
		json_array_append_new(a, json_string(source_paths[i]));
	return a;
}

json_t *reconcile_files(const json_t *tree_read)
{
	json_t *o = json_object(), *f;
	size_t i;

	json_array_foreach (json_object_get(tree_read, "files"), i, f) {
		json_put_str(o, json_str(f, "path", "?"), json_str(f, "text", ""));
	}
	return o;
}

static int ask_base(struct bot *b, const struct repo *r, bool anew, struct err *err)
{
	autofree char *subject = xasprintf("repo:%lld", (long long)r->id);
	autofree char *ref = xasprintf("refs/heads/%s", r->base);
	json_t *p = git_request_of(r, "ref");

	json_put_str(p, "ref", ref);
	json_put_bool(json_object_get(p, "ctx"), "rebuild", anew);
	json_put_str(json_object_get(p, "ctx"), "known", r->base_oid);
	return bot_effect(b, subject, "repo-base", p, err, "repo-base:%lld:%lld", (long long)r->id,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

int reconcile_base(struct bot *b, const struct repo *r, struct err *err)
{
	return ask_base(b, r, false, err);
}

int reconcile_used(struct bot *b, const struct repo *r, struct err *err)
{
	return ask_base(b, r, true, err);
}

int reconcile_config(struct bot *b, const struct repo *r, struct err *err)
{
	autofree char *subject = xasprintf("repo:%lld", (long long)r->id);
	json_t *p;

	if (!r->base_oid || (r->config_oid && !strcmp(r->config_oid, r->base_oid)))
		return 0;
	p = git_request_of(r, "tree-read");
	json_put_str(p, "commit", r->base_oid);
	json_put(p, "paths", reconcile_paths());
	json_put_str(json_object_get(p, "ctx"), "commit", r->base_oid);
	return bot_effect(b, subject, "repo-config", p, err, "repo-config:%lld:%s:%lld",
			  (long long)r->id, r->base_oid, (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* Events that waited for this repository's configuration are decided again; those that still have
 * to wait say so again. */
int reconcile_wake(struct bot *b, struct err *err)
{
	return db_run(b->db, ST_EVENT_WAKE, err, "") < 0 ? -1 : 0;
}

/* The repository may know more than the ledger does. */
static int rebuild(struct bot *b, const struct repo *r, const json_t *p, const char *oid,
		   struct err *err)
{
	autofree char *key = xasprintf(LOCAL_UNREAD "%lld", (long long)r->id), *unread = NULL;
	bool waits;

	if (bot_waits(b, &waits, err) < 0 || meta_get(b->db, key, &unread, err) < 0)
		return -1;
	return waits || unread || json_flag(json_object_get(p, "ctx"), "rebuild")
		       ? rebuild_start(b, r, oid, err)
		       : 0;
}

/* The base was read before the last move that is known here (a landing's, a push's): the answer would put it back, and
 * people would hear that what landed is lost. It is read again. */
static bool is_older(const struct repo *r, const json_t *p)
{
	const char *known = json_str(json_object_get(p, "ctx"), "known", NULL);

	return known && r->base_oid ? strcmp(known, r->base_oid) != 0 : known != r->base_oid;
}

int reconcile_did_base(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(landing_release) struct landing l = {0};
	const char *oid = json_str(json_object_get(p, "result"), "oid", NULL);
	json_t *q;
	int rc;

	if (!json_flag(p, "ok"))
		return reconcile_wake(b, err);
	if (bot_repo(b, json_int(json_object_get(p, "ctx"), "repo", 0), &r, err) < 0)
		return -1;
	if (rebuild(b, &r, p, oid, err) < 0)
		return -1;
	if ((!oid && !r.base_oid) || (oid && r.base_oid && !strcmp(oid, r.base_oid)))
		return reconcile_config(b, &r, err) < 0 ? -1 : reconcile_wake(b, err);
	rc = landing_find(b->db, ST_LANDING_OPEN, &l, err, "i", r.id);
	if (rc != 0) /* ours, on its way: its own result says so */
		return rc < 0 ? -1 : reconcile_wake(b, err);
	if (is_older(&r, p))
		return ask_base(b, &r, false, err) < 0 ? -1 : reconcile_wake(b, err);
	q = json_object();
	json_put_int(q, "repo", r.id);
	json_put_str(q, "old", r.base_oid);
	json_put_str(q, "new", oid);
	json_put_str(q, "by", r.base_oid ? "somebody else" : "the first push");
	return bot_event(b, "base-moved", q, err, "base:%lld:%s:%s:%lld", (long long)r.id,
			 r.base_oid ? r.base_oid : "", oid ? oid : "", (long long)e->id);
}

/* Says it where it was done: on the PR that brought it, else in the log and `repo list`. */
static int say_broken(struct bot *b, const struct repo *r, const char *commit, const char *why,
		      struct err *err)
{
	cleanup(pr_release) struct pr pr = {0};
	int rc = pr_find(b->db, ST_PR_LANDED_AS, &pr, err, "is", r->id, commit);

	log_warn("repository %s: configuration at %.12s: %s; the last good one stays in force",
		 r->name, commit, why);
	if (rc <= 0)
		return rc;
	return bot_say(b, r->id, pr.number,
		       xasprintf("The configuration that landed with this PR is broken:\n\n%s\n\n"
				 "The last good one stays in force.",
				 why),
		       err, "config:%lld:%s", (long long)r->id, commit);
}

static int broken(struct bot *b, struct repo *r, const char *commit, const char *why,
		  struct err *err)
{
	row_set(&r->config_oid, commit);
	row_set(&r->config_error, why);
	return say_broken(b, r, commit, why, err) < 0 ? -1 : repo_save(b->db, r, err);
}

/* Too large, too many: broken like one that does not load. What was only away is asked again at the
 * next reconciliation; the queue waits for it. */
static int unreadable(struct bot *b, struct repo *r, const char *commit, const json_t *e,
		      struct err *err)
{
	enum err_code code = err_code_from_name(json_str(e, "code", NULL));

	if (code == ERR_UNAVAILABLE || code == ERR_IO)
		return 0;
	return broken(b, r, commit, json_str(e, "text", "it could not be read"), err);
}

int reconcile_did_config(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	cleanup(repo_release) struct repo r = {0};
	cleanup(err_release) struct err why = ERR_INIT;
	autojson json_t *files = NULL;
	const json_t *x = json_object_get(p, "ctx");
	const char *commit = json_str(x, "commit", "");

	(void)e;
	if (reconcile_wake(b, err) < 0)
		return -1;
	if (bot_repo(b, json_int(x, "repo", 0), &r, err) < 0)
		return -1;
	if (!json_flag(p, "ok"))
		return unreadable(b, &r, commit, json_object_get(p, "error"), err);
	files = reconcile_files(json_object_get(p, "result"));
	if (source_check(files, !bot_forge(b, &r).ops->remote, &why) < 0)
		return broken(b, &r, commit, err_text(&why), err);
	row_set(&r.config_oid, commit);
	row_take(&r.config, json_text(files));
	row_set(&r.config_error, NULL);
	return repo_save(b->db, &r, err);
}

/* ---- settings ---- */

static void on_settings(void *arg, const json_t *answer, const struct err *why)
{
	(void)arg;
	if (!answer)
		log_warn("settings of a repository: %s", err_text(why));
}

void reconcile_settings(struct bot *b)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	cleanup(err_release) struct err err = ERR_INIT;

	if (repo_all(b->db, ST_REPO_ALL, &l, &err, "") < 0)
		log_warn("settings: %s", err_text(&err));
	for (size_t i = 0; i < l.n; i++) {
		json_t *p = git_request("config-set", l.v[i].path);

		json_put(p, "values", local_repo_config(b->conf->limits.push_mb));
		if (outbox_ask_git(b->outbox, p, on_settings, NULL, &err) < 0)
			log_warn("settings of repository %s: %s", l.v[i].name, err_text(&err));
		err_release(&err);
	}
}

/* ---- is this the ledger that we left? ---- */

#define MARK_EVERY_MS 1000

/* A file beside the ledger says how long the audit chain was, and its head: a ledger with a shorter one,
 * or with another one, is older than the repositories, and a new one knows nothing of them. */
static char *mark_path(struct bot *b)
{
	return xasprintf("%s/ledger.mark", b->data);
}

static int write_mark(struct bot *b, struct err *err)
{
	autofree char *path = mark_path(b), *text = NULL, *head = NULL;
	autoclose int fd = -1;

	if (db_int(b->db, ST_AUDIT_COUNT, &b->audit_rows, err, "") < 0 ||
	    audit_head(b->db, &head, err) < 0)
		return -1;
	text = xasprintf("%-20lld%-65s\n", (long long)b->audit_rows, head);
	b->marked_rows = b->audit_rows;
	b->marked_ms = bot_now(b);
	/* In place and not synced: nobody waits for it, and after a power failure an older one does. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		return err_errno(err, "write %s", path);
	return 0;
}

void reconcile_mark(struct bot *b)
{
	cleanup(err_release) struct err err = ERR_INIT;
	bool waits = true;

	if (b->fatal.code || b->audit_rows == b->marked_rows || db_in_transaction(b->db) ||
	    (bot_now(b) >= b->marked_ms && bot_now(b) - b->marked_ms < MARK_EVERY_MS))
		return;
	if (bot_waits(b, &waits, &err) < 0 || (!waits && write_mark(b, &err) < 0))
		log_warn("ledger.mark: %s", err_text(&err));
	b->marked_rows = b->audit_rows;
	db_rollback(b->db); /* it only read */
}

/* "ROWS HASH"; a mark of an empty ledger has no hash. */
static bool read_mark(const char *mark, int64_t *ret_rows, char hash[65])
{
	char *rest;
	int64_t rows;

	errno = 0;
	rows = strtoll(mark, &rest, 10);
	if (rest == mark || errno)
		return false;
	hash[0] = '\0';
	if (*rest && sscanf(rest, " %64[0-9a-f]", hash) < 0)
		hash[0] = '\0';
	*ret_rows = rows;
	return true;
}

/* 1 it goes on from the mark, 0 it does not, with the reason. */
static int continues(struct bot *b, const char *mark, char **ret_why, struct err *err)
{
	autofree char *head = NULL;
	int64_t n = 0, before = 0;
	char expected[65] = "";

	if (!read_mark(mark, &before, expected))
		return err_set(
			err, ERR_CORRUPT,
			"%s/ledger.mark: found '%.40s', expected the number of audit rows and "
			"a hash; remove the file when you know that the ledger is the latest",
			b->data, mark);
	if (db_int(b->db, ST_AUDIT_COUNT, &n, err, "") < 0 ||
	    (before && n >= before && db_text(b->db, ST_AUDIT_HASH, &head, err, "i", before) < 0))
		return -1;
	if (n >= before && (!*expected || (head && !strcmp(head, expected))))
		return 1;
	*ret_why =
		xasprintf("the ledger is %s than the one that was here before (%lld of %lld audit "
			  "rows): nothing starts by itself; `yardmaster status` shows what would, "
			  "`yardmaster resume` starts it",
			  !n           ? "empty and newer"
			  : n < before ? "older"
				       : "another one",
			  (long long)n, (long long)before);
	return 0;
}

/* The repositories know of numbers that this ledger does not. */
static int no_numbers(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		autofree char *key = xasprintf(LOCAL_UNREAD "%lld", (long long)l.v[i].id);

		if (meta_set(b->db, key, "1", err) < 0)
			return -1;
	}
	return 0;
}

int reconcile_ledger(struct bot *b, struct err *err)
{
	autofree char *path = mark_path(b), *why = NULL;
	cleanup(buf_release) struct buf mark = BUF_INIT;
	cleanup(err_release) struct err none = ERR_INIT;
	int rc = 1;

	if (fs_read(path, 128, &mark, &none) == 0 && mark.len)
		rc = continues(b, mark.s, &why, err);
	else if (none.code && none.code != ERR_NOT_FOUND)
		return err_move(err, &none);
	if (rc > 0)
		return write_mark(b, err);
	if (rc < 0)
		return -1;
	log_warn("%s", why);
	return meta_set(b->db, "waits", why, err) < 0 ? -1 : no_numbers(b, err);
}

int reconcile_all(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};

	if (repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (reconcile_base(b, &l.v[i], err) < 0 || queue_learn_missing(b, &l.v[i], err) < 0)
			return -1;
	if (task_issues_look(b, err) < 0 || remote_reconcile(b, err) < 0 ||
	    ci_wake(b, 0, "", err) < 0 || shadow_poll(b, err) < 0)
		return -1;
	return retention_purge(b, err) < 0 || sweep_look(b, err) < 0 ? -1 : upkeep_look(b, err);
}
