/*
 * candidate.h - the commits that a merge queue tests and lands.
 *
 *   merge    one commit with the parents base and head
 *   squash   one commit on base with the merge's tree; its author and the trailers behind its message
 *            are those of the PR's commits (credit.h)
 *   rebase   the commits of base..head one after the other (replay.h); the committer is the request's
 *
 * `message` is a template for `fields` (base/landing_text.h), which also says what reaches no message of ours.
 * Author of a merge commit and committer of all are the request's.
 *
 * Everything is made in memory and written as one pack before the reference moves. The same request
 * makes the same commits.
 *
 * Whatever the method, where the merge of head onto base is clean the tree is the merge's. A rebase leaves out
 * merge commits, and with them what somebody changed in one: that is "refused" (reason "rebase-differs"),
 * never landed. Where the merge conflicts and the replay does not it is built, and verify says so.
 *
 * What is not built is one of
 *   conflict  with the files; of a rebase also commit and subject of the step that did not apply
 *   refused   {reason, text}: rebase-differs (with the paths), unrelated, git-failed (merge.h), brings-back (rewound.h)
 *   merged    base contains head
 *   empty     head changes something, and base has all of it in other words
 * A PR that changes nothing of its own (an empty commit that starts a release; a merge that keeps
 * what is there) is built, and leaves the base's tree as it is.
 */
#ifndef YM_GIT_CANDIDATE_H
#define YM_GIT_CANDIDATE_H

#include "git/replay.h"

enum gr_method { GR_METHOD_MERGE, GR_METHOD_REBASE, GR_METHOD_SQUASH };

int gr_get_method(const json_t *req, enum gr_method *ret, struct err *err);

int gr_op_candidate(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
