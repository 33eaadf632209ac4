/*
 * maintain.h - a repository in few packs again.
 *
 * Each candidate is a pack, each landing some loose objects; a merge that has to look for an object in hundreds of packs
 * takes several times as long. In turn: references into packed-refs, the small packs and what is loose into larger
 * packs (git repack --geometric: a large pack stays as it is, so that the work goes with what is new), loose objects
 * that nothing has reached for two weeks away, and the commit-graph (commitgraph.h), written as a chain, so that this
 * goes with what is new, too. No changed-path filters: nothing here reads them.
 *
 * Other roles read and write meanwhile. Only the packing of references holds their guard (reflock.h). A pack that is
 * replaced goes when the new one is in place; libgit2, as Git, looks at the folder again when an object is not where it
 * was. All of it together is ended after GR_MAINTAIN_MS, and what was finished until then stays.
 */
#ifndef YM_GIT_MAINTAIN_H
#define YM_GIT_MAINTAIN_H

#include "git/decode.h"

#define GR_MAINTAIN_MS ((int64_t)30 * 60 * 1000)

int gr_op_maintain(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
