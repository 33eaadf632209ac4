/*
 * verify.h - is this candidate really the merge of exactly that head onto exactly that base?
 *
 * Recomputed by git itself, never by the code that built it. Beside the tree, the candidate's
 * parents have to be what its method makes: merge [base, head]; squash [base]; rebase a chain of
 * single parents down to base, no longer than the commits replayed.
 */
#ifndef YM_GIT_VERIFY_H
#define YM_GIT_VERIFY_H

#include "git/candidate.h"

int gr_op_verify(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
