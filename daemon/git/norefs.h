/*
 * norefs.h - a repository's objects and configuration without its references.
 *
 * libgit2's pack writer looks at every reference of its repository, since objects at tags go first in a pack
 * (pack-objects.c of 1.5: compute_write_order, git_tag_foreach). Each landing writes packs of a few objects and leaves two
 * references, so that the 5,000th would take a third longer than the first.
 */
#ifndef YM_GIT_NOREFS_H
#define YM_GIT_NOREFS_H

#include "git/repo.h"

/* Its object store and configuration are those of r and must not outlive it. Freed with git_repository_free(). */
int gr_norefs_new(struct gr_repo *r, git_repository **ret, struct err *err);

#endif
