/*
 * ancestry_part.h - the inside of ancestry.h: ancestry_commit.c gives commits as numbers, ancestry.c walks.
 */
#ifndef YM_GIT_ANCESTRY_PART_H
#define YM_GIT_ANCESTRY_PART_H

#include "git/ancestry.h"
#include "git/commitgraph.h"

#define NEWEST UINT64_MAX /* the generation of a commit outside of the graph */
#define BAD    (-2)       /* the graph contradicts itself */

/* A commit outside of the graph; `c.more` is owned here, in the graph's own form. */
struct extra {
	git_oid oid;
	bool read;
	struct gr_cgraph_commit c;
};

struct waiting {
	uint64_t generation;
	int64_t date;
	uint32_t id;
};

struct list {
	uint32_t *v;
	size_t n, cap;
};

/* All that one commit has in its history, a bit each. */
struct members {
	uint8_t *bits;
	size_t n; /* of bytes */
	uint32_t tip;
	bool valid;
	uint32_t asked; /* the last commit that it would have been useful for */
	unsigned times; /* how often, one after the other */
};

/* Commits are numbers here: positions of the graph, then the extras. */
struct gr_ancestry {
	struct gr_cgraph *graph;
	struct gr_cgraph_stamp stamp;
	bool begun;
	uint32_t ngraph;
	struct extra *extra;
	size_t nextra, cap_extra;
	uint32_t *slots; /* hash table: number of the extra plus one */
	size_t nslots;
	struct members set;
	/* one walk */
	uint8_t *flags;
	size_t nflags;
	struct list touched, found;
	struct waiting *heap;
	size_t nheap, cap_heap, fresh; /* fresh: waiting and not stale */
};

/* All that is known of the history, and the numbers with it. */
void anc_forget(struct gr_ancestry *a);
uint32_t anc_id(struct gr_ancestry *a, const git_oid *oid);
void anc_oid(const struct gr_ancestry *a, uint32_t id, git_oid *ret);
/* 0, BAD, or -1: there is no such commit. */
int anc_get(struct gr_ancestry *a, struct gr_repo *r, uint32_t id, struct gr_cgraph_commit *ret,
	    struct err *err);

#endif
