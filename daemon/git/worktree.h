/*
 * worktree.h - the worktrees of tasks.
 *
 * A worktree has the shape that git knows (REPO/worktrees/NAME with gitdir, commondir, HEAD, index),
 * so that a person can look into one with plain git, and its index is the record of stats.h. The
 * worktree's own `.git` file is written for people and for the sandbox to bind over; the role never
 * reads it.
 *
 * The index is put in place last: a worktree with an index is complete, one without is made anew.
 */
#ifndef YM_GIT_WORKTREE_H
#define YM_GIT_WORKTREE_H

#include "git/decode.h"

/* REPO/worktrees/NAME; caller frees. */
char *gr_admin_dir(const struct gr_repo *r, const char *name);

int gr_op_worktree_add(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_worktree_restore(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_worktree_rebase(struct gr *g, const json_t *req, json_t *ans, struct err *err);
int gr_op_worktree_remove(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
