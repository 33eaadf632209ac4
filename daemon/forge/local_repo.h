/*
 * local_repo.h - a bare repository as a local forge: its configuration and its hooks.
 *
 * The hooks guard against mistakes: `update` refuses pushes to the base branch and to the refs that
 * are yardmaster's; `proc-receive` hands refs/for/BASE/TOPIC to the daemon. Whoever may write the
 * repository's files may do anything with it, and is a maintainer.
 */
#ifndef YM_FORGE_LOCAL_REPO_H
#define YM_FORGE_LOCAL_REPO_H

#include "base/json.h"

/* Key to value. A push of more than push_mb MiB is refused while it comes in. */
json_t *local_repo_config(int64_t push_mb);
/* Writes the hooks; they run `self` (an absolute path) and ask the daemon at `socket`. */
int local_repo_hooks(const char *path, const char *self, const char *socket, const char *base,
		     struct err *err);

#endif
