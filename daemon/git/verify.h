/*
 * verify.h - is this candidate really the merge of exactly that head onto exactly that base?
 *
 * Recomputed by git itself, never by the code that built it and without the commit-graph that it read: the merge by `git merge-tree`; of a rebase also
 * the list of commits and their order by `git rev-list`, and each step by `git merge-tree`. Beside the tree, the
 * candidate's parents have to be what its method makes: merge [base, head]; squash [base]; rebase a chain of
 * single parents down to base, one for each commit that was applied, with the tree that it gave.
 *
 * A rebase is also compared with the merge of head onto base, where that is clean: the list alone would agree with a
 * replay that lost what a merge commit changed. "merge" in the answer says whether there was that to compare with.
 */
#ifndef YM_GIT_VERIFY_H
#define YM_GIT_VERIFY_H

#include "git/candidate.h"

int gr_op_verify(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
