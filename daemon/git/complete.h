/*
 * complete.h - is everything there that a branch is about to be moved to?
 *
 * Of each commit of old..new all that differs from its first parent is looked for: trees are read, of blobs the
 * header. What is the same is the parent's matter, and old's is what the branch has already. A commit of a submodule is
 * none of ours. The cost goes by what is new, never by the size of the repository.
 */
#ifndef YM_GIT_COMPLETE_H
#define YM_GIT_COMPLETE_H

#include "git/decode.h"

/* 0, or ERR_CORRUPT with the commit, what it lacks, and what to do. */
int gr_complete(struct gr_repo *r, const git_oid *new_oid, const git_oid *old_oid, struct err *err);

#endif
