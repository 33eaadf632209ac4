/* sweep.c - see sweep.h */
#include "bot/sweep.h"

#include "base/log.h"
#include "base/mem.h"
#include "bot/git_request.h"
#include "bot/reconcile.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static int sweep_repo(struct bot *b, const struct repo *r, int64_t before_ms, int64_t last,
		      struct err *err)
{
	cleanup(task_list_release) struct task_list l = {0};
	autofree char *subject = xasprintf("sweep:%lld", (long long)r->id);
	json_t *p, *keep = json_array();

	if (task_all(b->db, ST_TASK_WITH_FOLDER, &l, err, "i", r->id) < 0) {
		json_decref(keep);
		return -1;
	}
	for (size_t i = 0; i < l.n; i++) {
		autofree char *name = xasprintf("t%lld", (long long)l.v[i].id);

		json_array_append_new(keep, json_string(name));
	}
	p = git_request_of(r, "sweep");
	json_put_int(p, "before_ms", before_ms);
	json_put_int(p, "last", last);
	json_put(p, "keep", keep);
	return bot_effect(b, subject, "repo-sweep", p, err, "sweep:%lld:%lld", (long long)r->id,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

/* 1: the folder of this name is of a task that the ledger knows to be over, or to have been. */
static int is_over(struct bot *b, const char *name, int64_t last, struct err *err)
{
	cleanup(task_release) struct task t = {0};
	char *end;
	int64_t id = name[0] == 't' ? strtoll(name + 1, &end, 10) : 0;
	int rc;

	if (id < 1 || id > last || *end)
		return 0;
	rc = task_get(b->db, id, &t, err);
	return rc < 0 ? -1 : rc == 0 || (t.ended_ms && !t.worktree);
}

static int sweep_folder(struct bot *b, const char *dir, const char *name, int64_t last,
			struct err *err)
{
	int rc = is_over(b, name, last, err);
	autofree char *path = xasprintf("%s/%s", dir, name);
	json_t *p;

	if (rc <= 0)
		return rc;
	p = json_object();
	json_put_str(p, "op", "remove");
	json_put_str(p, "path", path);
	return bot_effect(b, "sweep", "task-remove", p, err, "sweep-folder:%s:%lld", name,
			  (long long)bot_now(b)) < 0
		       ? -1
		       : 0;
}

static int sweep_folders(struct bot *b, int64_t last, struct err *err)
{
	autofree char *path = xasprintf("%s/worktrees", b->data);
	DIR *dir = opendir(path);
	struct dirent *d;
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, "read folder %s", path);
	while (rc == 0 && (d = readdir(dir)))
		rc = sweep_folder(b, path, d->d_name, last, err);
	closedir(dir);
	return rc;
}

int sweep_look(struct bot *b, struct err *err)
{
	cleanup(repo_list_release) struct repo_list l = {0};
	int64_t now = bot_now(b), last = 0;
	int64_t before = b->swept_ms ? now - DAY_MS : b->started_ms;
	bool waits;

	if (b->swept_ms && now >= b->swept_ms && now - b->swept_ms < DAY_MS)
		return 0;
	if (bot_waits(b, &waits, err) < 0)
		return -1;
	if (waits) /* a restored ledger does not know what it has forgotten */
		return 0;
	b->swept_ms = now;
	if (db_int(b->db, ST_TASK_LAST, &last, err, "") < 0 ||
	    repo_all(b->db, ST_REPO_ALL, &l, err, "") < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (sweep_repo(b, &l.v[i], before, last, err) < 0)
			return -1;
	return sweep_folders(b, last, err);
}

int reconcile_did_sweep(struct bot *b, const struct event *e, const json_t *p, struct err *err)
{
	int64_t n = json_int(json_object_get(p, "result"), "removed", 0);

	(void)b;
	(void)e;
	(void)err;
	if (n)
		log_info("took away %lld leftovers of processes that were killed", (long long)n);
	return 0;
}
