/*
 * submodule.h - the histories of submodules, for Git's merge to look into.
 *
 * Git merges two changes of a submodule when one commit contains the other, and asks the submodule's own repository for
 * that (merge-ort.c: merge_submodule); without one it is a conflict. So the histories of submodules that a merge stops at
 * are fetched to REPO/submodules/HASH.git, and shown to a second try. No run sees them there: what a base's .gitmodules names
 * need not be what a pull request may read (modules.h has those, in another folder).
 *
 * Whose: a submodule's name and address come from the base's .gitmodules, never from the head's. Only a repository of the
 * local forge (`yardmaster.submodules = local` in its configuration) has any, and only from this machine: an absolute
 * path, or one beside the repository ("../lib.git"). Every other address is passed over, and the submodule conflicts as before.
 */
#ifndef YM_GIT_SUBMODULE_H
#define YM_GIT_SUBMODULE_H

#include "git/merge.h"
#include "git/mergedir.h"

/* For the submodules among the conflicts. 1: some are in dir now, another try may go further; 0: none; -1: a history that
 * should be there could not be had. */
int gr_submodules_show(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		       const json_t *conflicts, const struct gr_mergedir *dir, struct err *err);

#endif
