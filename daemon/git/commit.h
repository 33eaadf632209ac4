/*
 * commit.h - the host's commit from the files of a worktree that an agent wrote.
 *
 * scan.h reads the folder; then every path that differs between `base` and the new tree is checked:
 * a submodule, a component that means ".git", `protect` without `except`, `allow` (an empty list
 * allows nothing), the sizes and counts again, now for the whole difference, and markers of a conflict
 * that worktree-rebase left. Only then are the
 * objects written (as one pack), the branch moved and the index replaced; whatever was killed in
 * between is done again by the repeated call, which makes the same commit.
 *
 * When the files are those of `parent` although they differ from `base`, there is nothing to commit
 * and the answer is "committed" with `parent` itself.
 */
#ifndef YM_GIT_COMMIT_H
#define YM_GIT_COMMIT_H

#include "git/decode.h"

int gr_op_worktree_commit(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
