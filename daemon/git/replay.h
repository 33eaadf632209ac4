/*
 * replay.h - what a rebase makes of a PR's commits.
 *
 * Like `git rebase` (2.39.5, sequencer.c; tried with it in tests/unit/test_git_replay.c) with --topo-order:
 * each commit of base..head that is no merge, oldest first, is applied to the one before (three-way, its
 * parent as the merge base).
 *
 *   kept     author, author's date and message, byte for byte, with the header `encoding`
 *   dropped  the commit's signature and every other header, as git does; a note on the old commit stays there
 *            (Git copies notes only where `notes.rewriteRef` says so): the receipt names which commit became which
 *   a commit that was empty from the beginning stays, as an empty one
 *
 * Two kinds of commits are left out, and named:
 *   GR_PICK_EMPTY  applying it changes nothing: the base has what it does
 *   GR_PICK_TWIN   it does not apply, and the base has a commit with the same patch (Git's patch-id)
 * git rebase leaves a twin out without trying. That loses a change which the base took and reverted; here
 * it is applied when it can be.
 *
 * Two ways, as with a merge: GR_MERGE_ANY walks and merges in memory as far as that gives Git's answer;
 * GR_MERGE_BY_GIT takes list and order from `git rev-list` and every tree from `git merge-tree`. (`git replay` came with
 * 2.44. `git rebase` needs a worktree, whose attributes would start filters that a PR chose.)
 */
#ifndef YM_GIT_REPLAY_H
#define YM_GIT_REPLAY_H

#include "git/merge.h"

#define GR_REBASE_MAX 2000 /* commits of one rebase */

enum gr_pick_end { GR_PICK_DONE, GR_PICK_EMPTY, GR_PICK_TWIN };

struct gr_pick {
	git_oid from;
	enum gr_pick_end end;
	git_oid tree; /* done: what it leaves */
};

struct gr_replay {
	struct gr *g;
	struct gr_repo *r;
	git_oid base, head, merge_base;
	bool has_merge_base; /* only what is not in merge_base's history either */
	enum gr_merge_way way;
	struct gr_submodules *sub; /* as in a merge */

	git_oid tree; /* base's, then what the commits so far leave */
	git_oid attrs; /* base's: what an earlier commit says in .gitattributes counts for no later one */
	struct gr_pick *v;
	size_t n;
	git_oid *merges; /* merge commits, whose own changes are in none of v */
	size_t nmerges;
	git_oid *twins;
	size_t ntwins;
	bool twins_known;
	struct gr_merge_out out; /* of the commit that did not apply */
	git_oid stopped;
};

/* 1 all applied, 0 `stopped` did not: conflict or refused. g, r, base, head, way, sub and merge_base are the caller's. */
int gr_replay(struct gr_replay *p, struct err *err);
void gr_replay_release(struct gr_replay *p);

/* "left_out": [{commit, subject, why}] and "merges": [{commit, subject}] (at most ten of each), when there are some. */
void gr_replay_put(const struct gr_replay *p, json_t *ans);
/* {commit, subject} into o. */
void gr_put_commit(struct gr_repo *r, const git_oid *oid, json_t *o);

#endif
