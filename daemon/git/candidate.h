/*
 * candidate.h - the commits that a merge queue tests and lands.
 *
 *   merge    one commit with the parents base and head
 *   squash   one commit on base with the merge's tree
 *   rebase   each commit of base..head that is no merge, oldest first, applied to the commit before
 *            (three-way, its parent as the merge base); author and message kept, the committer is
 *            the request's; one that changes nothing any more is left out
 *
 * Everything is made in memory and written as one pack before the reference moves. The same request
 * makes the same commits.
 */
#ifndef YM_GIT_CANDIDATE_H
#define YM_GIT_CANDIDATE_H

#include "git/merge.h"

enum gr_method { GR_METHOD_MERGE, GR_METHOD_REBASE, GR_METHOD_SQUASH };

#define GR_REBASE_MAX 2000 /* commits of one rebase */

int gr_get_method(const json_t *req, enum gr_method *ret, struct err *err);

/* The commits of base..head (and not in merge_base when given) that a rebase replays, oldest first;
 * caller frees. */
int gr_rebase_list(struct gr_repo *r, const git_oid *base, const git_oid *head,
		   const git_oid *merge_base, git_oid **ret, size_t *ret_n, struct err *err);
/* The merge that applies commit `c` to a commit with tree `on`. */
int gr_rebase_step(struct gr_repo *r, git_commit *c, const git_oid *on, struct gr_merge_in *ret,
		   struct err *err);

int gr_op_candidate(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
