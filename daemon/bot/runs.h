/*
 * runs.h - the daemon's side of sandboxed runs: starting keepers, watching their ends, finding them
 * again after a restart.
 *
 * Effect "run-start": {"run":ID, "spec":{…}}; the row of the attempt exists already. The end of a
 * run is the event "run-ended" {"run", "outcome", "code", …}, whoever saw it first: the keys of the
 * events are the same, so it is decided once.
 */
#ifndef YM_BOT_RUNS_H
#define YM_BOT_RUNS_H

#include "bot/bot.h"
#include "runner/run.h"

struct runs;

struct runs *runs_new(struct bot *b);
void runs_free(struct runs *r);
/* Every attempt that is not ended is probed: watched again, or its end is told. */
int runs_recover(struct runs *r, struct err *err);
/* The executors of "run-start" and "run-kill". */
int runs_start(struct runs *r, const json_t *payload, json_t **ret, struct err *err);
int runs_kill(struct runs *r, const json_t *payload, json_t **ret, struct err *err);

/* The result of "run-start": a refusal is the end of a run that never began. */
int runs_did_start(struct bot *b, const struct event *e, const json_t *p, struct err *err);

/* A run_spec as JSON and back. */
json_t *runs_spec_json(const struct run_spec *s);
int runs_spec_parse(const json_t *j, struct run_spec *ret, struct err *err);

/*
 * What every run is told of itself, as variables (runs_env.c; contrib/doc/agents.md has the same table):
 *   CI=true               as every CI service sets it
 *   YARDMASTER_REPO       the repository's name
 *   YARDMASTER_BASE       the base branch
 *   YARDMASTER_BASE_SHA   the commit of it that this run builds on: `git diff origin/$YARDMASTER_BASE...HEAD`
 *   YARDMASTER_PR         the number of the pull request, where there is one
 *   YARDMASTER_HEAD       its approved head (queue)
 *   YARDMASTER_COMMIT     the commit under test (queue)
 *   YARDMASTER_TASK, YARDMASTER_ROUND, YARDMASTER_ISSUE   of a task's runs
 * A number of 0 or a text of NULL leaves its variable out.
 */
struct runs_env {
	const struct repo *repo;
	const char *base_sha, *head, *commit;
	int64_t pr, task, round, issue;
};
void runs_env(const struct runs_env *e, struct run_spec *spec);
/* The same for the request that makes the files: base_branch, base_oid, origin, and what `checkout:` of the repository's
 * configuration says. */
void runs_base(struct bot *b, const struct repo *r, const char *base_sha, json_t *req);
/* Where the repository's submodules have their histories (git/modules.h); NULL: it has none. Caller frees. */
char *runs_modules(const struct repo *r);
/* What `checkout:` says alone, for the request that reads the files again. */
void runs_checkout(struct bot *b, const struct repo *r, json_t *req);

#endif
