/* runs_env.c - see runs.h: what a run is told of itself. */
#include "bot/runs.h"

#include "base/mem.h"
#include "bot/remote.h"
#include "sys/fs.h"

static void put_str(struct run_spec *spec, const char *name, const char *value)
{
	if (value)
		strvec_pushf(&spec->env, "%s=%s", name, value);
}

static void put_int(struct run_spec *spec, const char *name, int64_t value)
{
	if (value)
		strvec_pushf(&spec->env, "%s=%lld", name, (long long)value);
}

void runs_env(const struct runs_env *e, struct run_spec *spec)
{
	put_str(spec, "CI", "true");
	put_str(spec, "YARDMASTER_REPO", e->repo->name);
	put_str(spec, "YARDMASTER_BASE", e->repo->base);
	put_str(spec, "YARDMASTER_BASE_SHA", e->base_sha);
	put_int(spec, "YARDMASTER_PR", e->pr);
	put_str(spec, "YARDMASTER_HEAD", e->head);
	put_str(spec, "YARDMASTER_COMMIT", e->commit);
	put_int(spec, "YARDMASTER_TASK", e->task);
	put_int(spec, "YARDMASTER_ROUND", e->round);
	put_int(spec, "YARDMASTER_ISSUE", e->issue);
}

/* A configuration that does not load now was in force once, or there is none: the strict side of each. */
void runs_checkout(struct bot *b, const struct repo *r, json_t *req)
{
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autofree char *url = remote_url(b, r);

	if (bot_repo_conf(b, r, &conf, NULL) < 0)
		conf_repo_default(&conf);
	json_put_bool(req, "lfs", conf.checkout.lfs);
	if (conf.checkout.lfs)
		json_put_str(req, "lfs_url", url);
	if (conf.checkout.submodules)
		json_put(req, "submodules", remote_submodules(b, r));
}

void runs_base(struct bot *b, const struct repo *r, const char *base_sha, json_t *req)
{
	autofree char *origin = remote_origin(b, r);

	runs_checkout(b, r, req);
	if (!base_sha)
		return;
	json_put_str(req, "base_branch", r->base);
	json_put_str(req, "base_oid", base_sha);
	json_put_str(req, "origin", origin);
}

char *runs_modules(const struct repo *r)
{
	char *path = path_join(r->path, "modules");

	if (fs_exists(path))
		return path;
	free(path);
	return NULL;
}
