/*
 * fuzz_blueprint.c - any bytes as a blueprint, as a repository's and as the daemon's configuration:
 * what loads can be shown, written and run, and what does not is told where.
 */
#include "base/json.h"
#include "base/mem.h"
#include "blueprint/engine.h"
#include "bot/conf_daemon.h"
#include "bot/conf_repo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static int prompt(void *arg, const char *path, struct buf *ret, struct err *err)
{
	autofree char *inside = xasprintf("/%s/", path);

	(void)arg;
	(void)err;
	require(*path != '/' && !strstr(inside, "/../"));
	buf_adds(ret, path);
	return 0;
}

static void is_json(char *text)
{
	autojson json_t *o = NULL;

	require(json_parse(text, strlen(text), 64 << 20, &o, NULL) == 0);
	free(text);
}

static void located(int rc, const struct err *err)
{
	require(rc == 0 || !strncmp(err_text(err), "f.yml:", 6));
}

/* Good events only, so that a blueprint that loads also comes to its end. */
static void to_the_end(const struct blueprint *bp)
{
	static const enum bp_ev answer[] = {
		[BP_DO_SETUP] = BP_EV_OK,         [BP_DO_AGENT] = BP_EV_AGENT,
		[BP_DO_COMMIT] = BP_EV_COMMITTED, [BP_DO_GATE] = BP_EV_OK,
		[BP_DO_RUN] = BP_EV_OK,           [BP_DO_PR] = BP_EV_OK,
		[BP_DO_CHECKS] = BP_EV_GREEN,     [BP_DO_REVIEW] = BP_EV_GREEN,
		[BP_DO_QUEUE] = BP_EV_MERGED,
	};
	struct bp_event ev = {
		.status = BP_ST_COMPLETE, .exit_signal = true, .exit_zero = true, .tree = "a"};
	struct bp_pos pos = {0};

	for (int i = 0; i < 10000; i++) {
		cleanup(bp_action_release) struct bp_action a = {0};

		bp_next(bp, &pos, &ev, &pos, &a);
		if (a.act == BP_DO_DONE)
			return;
		require((size_t)a.act < ARRAY_LEN(answer) && answer[a.act]);
		ev.ev = answer[a.act];
	}
	abort();
}

static void as_blueprint(const char *s, size_t n, const struct conf_repo *repo)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(blueprint_release) struct blueprint bp = {0};
	int rc = blueprint_load("f.yml", s, n, prompt, NULL, &bp, &err);

	located(rc, &err);
	if (rc < 0)
		return;
	require(bp.nsteps && bp.allow.n && bp.name && bp.label && bp.rounds >= 1);
	is_json(blueprint_json(&bp));
	free(blueprint_describe(&bp));
	conf_repo_apply(repo, &bp);
	to_the_end(&bp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(conf_repo_release) struct conf_repo repo = {0};
	cleanup(conf_daemon_release) struct conf_daemon daemon = {0};
	const char *s = (const char *)data;
	int rc = conf_repo_load("f.yml", s, size, &repo, &err);

	located(rc, &err);
	if (rc < 0)
		conf_repo_default(&repo);
	is_json(conf_repo_json(&repo));
	as_blueprint(s, size, &repo);
	rc = conf_daemon_load("f.yml", s, size, "/var/lib/yard", &daemon, &err);
	located(rc, &err);
	if (rc == 0)
		is_json(conf_daemon_json(&daemon));
	return 0;
}
