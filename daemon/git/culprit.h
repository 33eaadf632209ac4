/*
 * culprit.h - which landing on the base brought the lines that a head conflicts with.
 *
 * The base's own history since the merge base, newest first, along first parents: each step is a landing
 * (or a commit of one, or somebody's push). The lines of the conflict are followed back through the steps
 * that changed the file; the step that last touched them is the one. Where no lines are known (a file that
 * one side deleted, say) it is the last step that changed the file.
 */
#ifndef YM_GIT_CULPRIT_H
#define YM_GIT_CULPRIT_H

#include "git/decode.h"

/* Adds "by":[oid] to each of the conflicts (role.h): the commits that landed, newest first; none when the
 * base's history does not say. Never fails: without it the report only says less. */
void gr_culprits(struct gr_repo *r, const git_oid *base, const git_oid *merge_base,
		 json_t *conflicts);

#endif
