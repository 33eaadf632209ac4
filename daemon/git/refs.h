/*
 * refs.h - reading and moving references, and who else may be writing them.
 *
 * Every reference that the role moves is moved under the guard: an exclusive flock on the file
 * `yardmaster.lock` in the repository, so that of all git roles at most one is between lock and
 * rename. A `*.lock` file of a reference that is there although we hold the guard belongs either to
 * a role that was killed or to a git process; gr_ref_unlock_stale() removes it only when it can rule
 * out the second (see there).
 */
#ifndef YM_GIT_REFS_H
#define YM_GIT_REFS_H

#include "git/decode.h"

/* Takes the guard, waiting for it; close the descriptor to release it. */
int gr_ref_guard(struct gr_repo *r, int *ret_fd, struct err *err);

/* 1 and the id, 0 no such reference. Symbolic references are followed. */
int gr_ref_read(struct gr_repo *r, const char *name, git_oid *ret, struct err *err);

/*
 * Moves, creates (old_oid NULL) or deletes (new_oid NULL) a reference if its value is old_oid; `any`:
 * whatever it is. The guard must be held. 1 done (or it was so already), 0 another value is there,
 * which *ret_found then holds (*ret_has false: none).
 */
int gr_ref_move(struct gr *g, struct gr_repo *r, const char *name, const git_oid *old_oid,
		const git_oid *new_oid, bool any, git_oid *ret_found, bool *ret_has,
		struct err *err);

/*
 * Call with the guard held after a reference was found locked. Removes NAME.lock when all of this
 * holds: it is a regular file; it is older than this process or than ten seconds; and no process of
 * the file's owner could be holding it: none has its working directory in the repository or a file
 * below refs/ open, and none whose folder we may not see is a git.
 * 1 removed, 0 left alone.
 */
int gr_ref_unlock_stale(struct gr *g, struct gr_repo *r, const char *name, struct err *err);

int gr_op_ref(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_refs(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_ref_set(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
