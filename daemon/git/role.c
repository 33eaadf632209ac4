/* role.c - see role.h */
#include "git/role.h"

#include "base/log.h"
#include "git/extract.h"
#include "git/ops.h"
#include "git/repo.h"
#include "sys/chan.h"
#include "sys/fs.h"

#include <unistd.h>

typedef int (*op_fn)(struct gr *g, const json_t *req, json_t *ans, struct err *err);

/* One row an operation; adding one: a row here, its handler in ops.h, its lines in role.h. */
static const struct {
	const char *name;
	op_fn fn;
} ops[] = {
	{"init", gr_op_init},
	{"import", gr_op_import},
	{"maintain", gr_op_maintain},
	{"sweep", gr_op_sweep},
	{"ref", gr_op_ref},
	{"refs", gr_op_refs},
	{"ref-set", gr_op_ref_set},
	{"file", gr_op_file},
	{"files", gr_op_files},
	{"log", gr_op_log},
	{"changed", gr_op_changed},
	{"diff", gr_op_diff},
	{"trees", gr_op_trees},
	{"contains", gr_op_contains},
	{"contained", gr_op_contained},
	{"worktree-add", gr_op_worktree_add},
	{"worktree-restore", gr_op_worktree_restore},
	{"worktree-rebase", gr_op_worktree_rebase},
	{"worktree-commit", gr_op_worktree_commit},
	{"worktree-remove", gr_op_worktree_remove},
	{"checkout", gr_op_checkout},
	{"layer-save", gr_op_layer_save},
	{"layer-apply", gr_op_layer_apply},
	{"merge", gr_op_merge},
	{"candidate", gr_op_candidate},
	{"verify", gr_op_verify},
	{"land", gr_op_land},
	{"receipt", gr_op_receipt},
	{"notes-merge", gr_op_notes_merge},
	{"tree-read", gr_op_tree_read},
	{"config-set", gr_op_config_set},
	{"remove", gr_op_remove},
};

static int dispatch(struct gr *g, const json_t *req, json_t *ans, struct err *err)
{
	const char *op;

	if (json_get_str(req, "op", &op, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (!strcmp(op, ops[i].name))
			return ops[i].fn(g, req, ans, err);
	return err_set(err, ERR_INPUT, "key 'op': found '%.50s', which is no operation", op);
}

static void put_error(json_t *ans, const struct err *err)
{
	json_t *e = json_object();

	json_put_str(e, "code", err_code_name(err->code));
	json_put_str(e, "text", err_text(err));
	json_put(ans, "error", e);
}

json_t *gr_request(struct gr *g, const json_t *req)
{
	cleanup(err_release) struct err err = ERR_INIT;
	json_t *id = json_object_get(req, "id");
	json_t *ans = json_object();

	json_put(ans, "id", id ? json_incref(id) : json_null());
	json_put_bool(ans, "ok", true);
	if (dispatch(g, req, ans, &err) == 0)
		return ans;
	/* Nothing half-said goes out with an error. */
	json_object_clear(ans);
	json_put(ans, "id", id ? json_incref(id) : json_null());
	json_put_bool(ans, "ok", false);
	put_error(ans, &err);
	return ans;
}

/* What could not be removed is taken away by the next sweep (sweep.h). */
static void remove_folders(struct strvec *l)
{
	strvec_foreach (l, dir)
		fs_remove_tree(*dir, NULL);
	strvec_release(l);
}

static int serve(struct gr *g, struct chan_sync *c, struct err *err)
{
	for (;;) {
		autojson json_t *req = NULL;
		autojson json_t *ans = NULL;
		cleanup(remove_folders) struct strvec later = STRVEC_INIT;
		int rc = chan_sync_recv(c, -1, &req, err);

		if (rc <= 0)
			return rc;
		g->later = &later;
		ans = gr_request(g, req);
		g->later = NULL;
		if (chan_sync_send(c, ans, err) < 0)
			return -1;
	}
}

int git_role_main(int fd, const char *git)
{
	cleanup(err_release) struct err err = ERR_INIT;
	struct chan_sync *c;
	struct gr g;
	int rc;

	log_set_name("git");
	if (geteuid() == 0) {
		log_error("refused as uid 0: repositories hold what others wrote; "
			  "start yardmaster as an unprivileged user");
		return 1;
	}
	if (gr_init(&g, git, &err) < 0) {
		log_error("%s", err_text(&err));
		return 1;
	}
	c = chan_sync_new(fd, GR_REQUEST_MAX);
	rc = serve(&g, c, &err);
	if (rc < 0)
		log_error("%s", err_text(&err));
	chan_sync_free(c);
	gr_release(&g);
	return rc < 0;
}
