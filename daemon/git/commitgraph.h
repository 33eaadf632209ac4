/*
 * commitgraph.h - Git's commit-graph: the history as an array, read in place.
 *
 * Written by `git commit-graph write`: objects/info/commit-graph, or a chain of files that
 * objects/info/commit-graphs/commit-graph-chain names, lowest first (gitformat-commit-graph(5)). As
 * in Git the single file is asked first. A commit is known by its position; whatever a commit's
 * history has is in the graph, too, so that a commit that is not in it is newer than all of it.
 *
 * A generation is higher than those of all parents: the corrected commit date where every file of
 * the chain has one (chunk GDA2), else the topological level. The files are the role's own, but they
 * may be cut or stale: what does not fit (sizes, positions, a chain whose files do not name each
 * other) is no graph at all, and a generation that is not above its parent's is found by whoever
 * walks (bases.c), who goes on without. Nothing here is an error: without a graph the same answers
 * take longer.
 */
#ifndef YM_GIT_COMMITGRAPH_H
#define YM_GIT_COMMITGRAPH_H

#include "git/repo.h"

struct gr_cgraph;

/* Which files there are, to see whether they were written since. */
struct gr_cgraph_stamp {
	struct timespec time[2];
	ino_t ino[2];
};

struct gr_cgraph_commit {
	uint64_t generation;
	int64_t date;
	uint32_t parent[2];
	uint32_t n;                /* of parents */
	const unsigned char *more; /* the second and later ones, when there are more than two */
};

void gr_cgraph_stamp(const char *repo, struct gr_cgraph_stamp *ret);
/* NULL: there is none that can be used. */
struct gr_cgraph *gr_cgraph_open(const char *repo);
void gr_cgraph_free(struct gr_cgraph *c);

uint32_t gr_cgraph_size(const struct gr_cgraph *c);
bool gr_cgraph_find(const struct gr_cgraph *c, const git_oid *oid, uint32_t *ret);
void gr_cgraph_oid(const struct gr_cgraph *c, uint32_t pos, git_oid *ret);
/* false: what the files say of it makes no sense. */
bool gr_cgraph_get(const struct gr_cgraph *c, uint32_t pos, struct gr_cgraph_commit *ret);
uint32_t gr_cgraph_parent(const struct gr_cgraph_commit *c, uint32_t i);

#endif
