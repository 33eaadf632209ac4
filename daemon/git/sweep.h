/*
 * sweep.h - taking away what killed processes have left in a repository.
 *
 * Names are those that libgit2 1.5 (indexer.c, odb_loose.c: futils mktmp) and Git (tmp_pack_, tmp_idx_, tmp_obj_,
 * .tmp-PID-pack-, tmp_objdir-) give to what they have not finished. A file that was changed after `before_ms` may be
 * somebody's who is at work; the quarantine of a push belongs to a person's process, which outlives the daemon, and has
 * a day at least. Locks are not touched here: whoever meets one judges it (refs.h).
 *
 * Of worktrees only those are looked at that a task could have made ("t7", up to the number `last`): one that is not in
 * `keep` is nobody's any more.
 */
#ifndef YM_GIT_SWEEP_H
#define YM_GIT_SWEEP_H

#include "git/decode.h"

int gr_op_sweep(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
