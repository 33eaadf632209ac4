/*
 * ancestry.h - who descends from whom: merge bases and containment.
 *
 * A walk from both commits downwards, highest generation first, as Git's own: each commit is marked
 * with the sides that reach it; one that both reach is a common ancestor, and what is below one is
 * stale. The walk ends when only stale commits wait, so that it looks at what came after the merge
 * base and hardly at anything before it.
 *
 * A base that many heads are compared with has the set of all its ancestors, as bits: from each head
 * the walk then goes down to where it meets the set, which is the merge base, a few commits below. The
 * set grows as the base moves on.
 *
 * Parents and generations come from the commit-graph (commitgraph.h) where a commit is in it, else
 * from the commit itself. Those have no generation: they are all newer than the graph and walked by
 * date; as dates may lie, one that was passed is walked again when another mark reaches it, and of
 * several common ancestors those that others contain are taken out by a second walk. What was read
 * is kept as long as the repository is (commits do not change), at most GR_ANCESTRY_MAX of them; a
 * graph that was written since is taken over with the next question, one that contradicts itself is
 * put aside.
 *
 * A repository with `shallow` or `info/grafts` is undecided: there commits do not have the parents
 * that they name.
 */
#ifndef YM_GIT_ANCESTRY_H
#define YM_GIT_ANCESTRY_H

#include "git/repo.h"

#define GR_ANCESTRY_MAX ((size_t)1 << 19) /* commits outside of the graph that are remembered */

struct gr_ancestry;

struct gr_ancestry *gr_ancestry_new(void);
void gr_ancestry_free(struct gr_ancestry *a);

/* All merge bases, the newest first; none when the histories are unrelated. 1 known, 0 undecided,
 * -1 a commit is missing. *ret is the caller's. */
int gr_merge_bases(struct gr_repo *r, const git_oid *one, const git_oid *two, git_oid **ret,
		   size_t *ret_n, struct err *err);

/* The newest of them: 1, 0 there is none, -1. Where the above is undecided, libgit2's. */
int gr_merge_base(struct gr_repo *r, const git_oid *one, const git_oid *two, git_oid *ret,
		  struct err *err);

/* 1 when `in` is `commit` or has it in its history, 0 when not. */
int gr_contains(struct gr_repo *r, const git_oid *commit, const git_oid *in, struct err *err);

#endif
