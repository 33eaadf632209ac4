/*
 * maintain.h - a repository in few packs again.
 *
 * Each candidate is a pack, each landing's receipt another; a merge that has to look for an object in hundreds of packs
 * takes several times as long. In turn: references into packed-refs, the small packs and what is loose into larger
 * packs (git repack --geometric: a large pack stays as it is, so that the work goes with what is new), loose objects
 * that nothing has reached for two weeks away, and the commit-graph (commitgraph.h), written as a chain, so that this
 * goes with what is new, too. No changed-path filters: nothing here reads them.
 *
 * Once in GR_WHOLE_EVERY_S all of it is packed (git repack --cruft), for a geometric packing never drops what is in a
 * pack: candidates that did not land, heads that were pushed over. What nothing reaches goes into a pack of its own, and
 * out of that when it has been there for two weeks.
 *
 * What somebody is about to use is never dropped (git-gc(1), NOTES, has the danger: an object is found to be there, and gone
 * before a reference names it). An object's time is when it was last found to be reached or was written, not when it was
 * made: packs are given the present time before they are packed. So whatever is dropped was unreached two weeks ago,
 * when no operation of today had begun. Who makes such an object again writes it again: this program writes what it makes
 * as a whole pack and asks for nothing that is there (gr_mem_put), and Git does not count what is in such a pack as there
 * (object-file.c: freshen_packed_object; 2.37 to today). Private Git directories borrow objects by an alternate: what a
 * worktree or checkout is at is reached by its branch or the candidate's reference, or was so within two weeks.
 *
 * Other roles read and write meanwhile. Only the packing of references holds their guard (reflock.h). A pack that is
 * replaced goes when the new one is in place; libgit2, as Git, looks at the folder again when an object is not where it
 * was. All of it together is ended after GR_MAINTAIN_MS, and what was finished until then stays.
 */
#ifndef YM_GIT_MAINTAIN_H
#define YM_GIT_MAINTAIN_H

#include "git/decode.h"

#define GR_MAINTAIN_MS   ((int64_t)30 * 60 * 1000)
#define GR_WHOLE_EVERY_S ((int64_t)7 * 24 * 3600)

int gr_op_maintain(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
