/*
 * merge_fast.h - a three-way merge of tree objects that decides only what is plain.
 *
 * Subtrees that one side left as they were are taken from the other side without being opened, so
 * that the work is in proportion to what both changed. New trees and blobs go to the memory store.
 *
 * "Undecided" is the answer wherever git's rename detection, its handling of directories that became
 * files, submodules or attributes could have a say. Why what is left needs none of it:
 *   - A rename matters only through its source. A source that the other side changed shows up here
 *     as "deleted / modified", one that both deleted as "both deleted": undecided. Any other source
 *     was left alone by the other side, and then a rename is what it looks like: a deletion and an
 *     addition.
 *   - A renamed folder matters only if it is gone on the side that renamed it while the other side
 *     added to it: "deleted / modified" of a subtree, undecided. The root is never gone, and Git takes
 *     it for renamed by nobody, whatever was moved out of it.
 *   - Both sides added the same path with different content: undecided.
 *   - A name that is a file on one side and a folder on another: undecided, found by looking the
 *     name up in its other sorting place.
 *   - A path that both changed is merged only if it is a regular file in all three trees, and only by
 *     textmerge.h's sure answers. Where its lines conflict (or it is binary, or a link), that is the
 *     answer: a path that is in all three trees is neither source nor target of a rename, so that
 *     nothing else can become of it. The walk goes on to find the others.
 *   - Attributes: a file whose `merge` attribute in the tree `attrs` (attr.h) is anything but the text merge is git's;
 *     and every merge where the repository has an info/attributes.
 */
#ifndef YM_GIT_MERGE_FAST_H
#define YM_GIT_MERGE_FAST_H

#include "git/merge.h"

/* The two trees of `in` against that of `ancestor`. 1: *ret is filled, clean or with conflicts; 0:
 * undecided; -1. */
int gr_merge_fast(struct gr_repo *r, const git_oid *ancestor, const struct gr_merge_in *in,
		  struct gr_merge_out *ret, struct err *err);

#endif
