/*
 * queue_world.h - the truth of the simulated world: pull requests, commits, the base branch, and
 * what the gates say. Part of sim_queue.c.
 */
#ifndef YM_SIM_QUEUE_WORLD_H
#define YM_SIM_QUEUE_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PRS     8 /* pull requests, numbered from 1 */
#define MISSING (PRS + 1)
#define HEADS   6 /* pushes of one pull request, numbered from 1 */
#define COMMITS 600

/* What becomes of a tree's gates. */
enum nature { WORKS, FAILS, HANGS };

/* A tree is the set of what is in it: which head of each pull request, and what somebody from
 * outside has made of it. */
struct tree {
	uint8_t head[PRS + 1];
	enum nature foreign_nature;
	uint16_t foreign; /* pushes from outside so far */
};

enum ci { CI_NONE, CI_GREEN, CI_RED, CI_LATE };

struct commit {
	struct tree tree;
	int parent;
	int pr, head; /* of a candidate; 0: pushed from outside */
	int greens;   /* gate runs of exactly this commit that were green */
	enum ci ci;   /* what the forge's checks said */
	bool landed;  /* has been the base */
	char name[8];
};

struct pr {
	int head;
	bool open, landed;
	bool fixer;                    /* repairs a base that somebody broke */
	enum nature nature[HEADS + 1]; /* of the code of each head, by itself */
	unsigned knows[HEADS + 1];     /* each head: the PRs that it was rebased on */
	unsigned clash;                /* PRs that change the same lines */
	unsigned quarrel; /* PRs that merge cleanly with it and fail together with it */
	int flake;        /* of 1000 gate runs that should be green, how many are red */
	int files;        /* how many files it changes, from `first_file` on */
	int first_file;
};

struct world {
	uint64_t random;
	struct pr pr[PRS + 1];
	struct commit commit[COMMITS];
	int ncommits, base;
	int base_flake, error; /* of 1000 runs */
	bool verbose, failed;
};

/* splitmix64: a schedule is its seed. */
static uint64_t next_random(struct world *w)
{
	uint64_t z = (w->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int below(struct world *w, int n)
{
	return (int)(next_random(w) % (uint64_t)n);
}

static bool chance(struct world *w, int of_1000)
{
	return of_1000 > 0 && below(w, 1000) < of_1000;
}

__attribute__((format(printf, 2, 3))) static void trace(const struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->verbose)
		return;
	va_start(ap, fmt);
	fputs("  ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
}

/* A rule is broken: the schedule ends, and the caller runs it again with its trace. */
__attribute__((format(printf, 3, 4))) static void violate(struct world *w, const char *rule,
							  const char *fmt, ...)
{
	va_list ap;

	if (w->verbose && !w->failed) {
		va_start(ap, fmt);
		printf("  VIOLATED %s: ", rule);
		vprintf(fmt, ap);
		putchar('\n');
		va_end(ap);
	}
	w->failed = true;
}

static unsigned bit(int pr)
{
	return 1u << pr;
}

/* Do the pull requests of the tree that are in `marks` for pr disturb its head? */
static bool disturbed(const struct world *w, const struct tree *t, int pr, int head, unsigned marks)
{
	for (int q = 1; q <= PRS; q++)
		if (q != pr && (marks & bit(q)) && t->head[q] &&
		    !(w->pr[pr].knows[head] & bit(q)) && !(w->pr[q].knows[t->head[q]] & bit(pr)))
			return true;
	return false;
}

static bool conflicts(const struct world *w, const struct tree *base, int pr, int head)
{
	return disturbed(w, base, pr, head, w->pr[pr].clash);
}

static struct tree merge(const struct world *w, const struct tree *base, int pr, int head)
{
	struct tree t = *base;

	t.head[pr] = (uint8_t)head;
	if (w->pr[pr].fixer && w->pr[pr].nature[head] == WORKS)
		t.foreign_nature = WORKS;
	return t;
}

static enum nature nature_of(const struct world *w, const struct tree *t)
{
	enum nature n = t->foreign_nature;

	for (int pr = 1; pr <= PRS; pr++) {
		enum nature own = t->head[pr] ? w->pr[pr].nature[t->head[pr]] : WORKS;

		if (own == WORKS && t->head[pr] &&
		    disturbed(w, t, pr, t->head[pr], w->pr[pr].quarrel))
			own = FAILS;
		n = own > n ? own : n;
	}
	return n;
}

static int add_commit(struct world *w, struct tree tree, int parent, int pr, int head)
{
	int i = w->ncommits;

	if (i == COMMITS) { /* more than any schedule needs */
		violate(w, "I8", "%d commits were built", COMMITS);
		return i - 1;
	}
	w->ncommits++;
	w->commit[i] = (struct commit){.tree = tree, .parent = parent, .pr = pr, .head = head};
	snprintf(w->commit[i].name, sizeof(w->commit[i].name), "c%d", i % 100000);
	return i;
}

static bool contains(const struct world *w, int commit, int ancestor)
{
	for (; commit >= 0; commit = w->commit[commit].parent)
		if (commit == ancestor)
			return true;
	return false;
}

static void push_foreign(struct world *w, enum nature n)
{
	static const char *const names[] = {"working", "failing", "hanging"};
	struct tree t = w->commit[w->base].tree;

	t.foreign++;
	t.foreign_nature = n;
	w->base = add_commit(w, t, w->base, 0, 0);
	w->commit[w->base].landed = true;
	trace(w, "somebody pushes c%d to the base, %s", w->base, names[n]);
}

enum verdict { VERDICT_GREEN, VERDICT_RED, VERDICT_ERRORED };

/* One run of all gates on a commit. They never say green of what does not work. */
static enum verdict run_gates(struct world *w, int commit)
{
	struct commit *c = &w->commit[commit];
	int flake = c->pr ? w->pr[c->pr].flake : w->base_flake;

	if (nature_of(w, &c->tree) == HANGS || chance(w, w->error))
		return VERDICT_ERRORED;
	if (nature_of(w, &c->tree) == FAILS || chance(w, flake))
		return VERDICT_RED;
	c->greens++;
	return VERDICT_GREEN;
}

/* The ref update: the one act that cannot be taken back. The rules are checked here against the
 * truth, whatever the ledger believes. True: the base is the candidate now. */
static bool update_base(struct world *w, int commit, int expected)
{
	struct commit *c = &w->commit[commit];
	struct tree again;

	if (w->base != expected)
		return false;
	again = merge(w, &w->commit[w->base].tree, c->pr, c->head);
	if (!c->greens)
		violate(w, "I1", "c%d lands and no gate run of it was green", commit);
	if (nature_of(w, &c->tree) != WORKS)
		violate(w, "I1", "c%d lands and does not work", commit);
	if (c->parent != w->base)
		violate(w, "I4", "c%d lands on c%d and was built on c%d", commit, w->base,
			c->parent);
	if (memcmp(again.head, c->tree.head, sizeof(again.head)) != 0 ||
	    again.foreign_nature != c->tree.foreign_nature || again.foreign != c->tree.foreign)
		violate(w, "I2", "the tree of c%d is not that of #%d on c%d", commit, c->pr,
			w->base);
	if (w->pr[c->pr].landed || c->landed)
		violate(w, "I7", "#%d lands a second time as c%d", c->pr, commit);
	w->base = commit;
	c->landed = true;
	w->pr[c->pr].landed = true;
	w->pr[c->pr].open = false;
	trace(w, "c%d of #%d is the base", commit, c->pr);
	return true;
}

#endif
