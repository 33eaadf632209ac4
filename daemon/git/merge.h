/*
 * merge.h - the verdict and the tree of a three-way merge.
 *
 * The verdict is, by definition, that of `git merge-tree --write-tree` with empty configuration and the merge attributes of
 * the base's tree: `merge=union`, `-merge`, `binary` and the rest count as the base has them, at any depth, and a head
 * never chooses how it is merged. A driver that is not built in (`merge=CUSTOM`) is never run: the text merge takes its
 * place, as in Git without configuration. Two ways lead to it:
 *   - fast (merge_fast.h): decides in memory what is clean and what conflicts in the contents of
 *     files, and says "undecided" to everything in which a rename, a submodule or anything unusual
 *     could matter;
 *   - slow: git itself, with its objects in a quarantine folder (mergedir.h).
 * A clean merge has its objects in the memory store, to be written as one pack by whoever wants them; one found by the
 * slow way only with `keep`, else they are nowhere. A conflict leaves none.
 *
 * GR_MERGE_BY_GIT is the second opinion: git alone, and without the commit-graph, which the fast way reads, too.
 *
 * What nobody can merge is neither clean nor a conflict: `refused` has the reason. "unrelated": the
 * two have no commit in common (git 2.39.5: "refusing to merge unrelated histories", exit code 128,
 * with nothing on its output). "git-failed": git itself crashed; some versions do on some inputs (an
 * assertion in merge-ort on a directory rename onto itself, say), and another try ends the same.
 */
#ifndef YM_GIT_MERGE_H
#define YM_GIT_MERGE_H

#include "git/decode.h"
#include "git/textmerge.h"

struct gr_submodules;

enum gr_merge_way { GR_MERGE_ANY, GR_MERGE_BY_GIT };

struct gr_merge_in {
	git_oid ours, theirs; /* commits; not used when explicit */
	git_oid ours_tree, theirs_tree;
	git_oid attrs; /* the tree that the merge attributes come from: the base's, also in each step of a rebase */
	git_oid ancestor_tree; /* when explicit */
	bool explicit_base;    /* merge against ancestor_tree, whatever the history says */
	bool keep;             /* what a clean merge makes is put into memory */
	bool keep_conflict;    /* ... and what a conflict leaves, with Git's markers; by git only */
	enum gr_merge_way way;
	struct gr_submodules
		*sub; /* whose histories may be had (submodule.h); NULL: of this machine only */
};

struct gr_merge_out {
	bool clean;
	git_oid tree;        /* clean, or kept of a conflict */
	json_t *conflicts;   /* owned; a list as role.h has it, NULL when clean or refused */
	const char *refused; /* the reason, or NULL */
	char *text;          /* refused: for people; owned */
	bool fast;
};

void gr_merge_out_release(struct gr_merge_out *o);
int gr_merge(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
	     struct gr_merge_out *ret, struct err *err);

/* The trees of req's base, head and merge_base (optional) as a merge. */
int gr_merge_decode(struct gr *g, const json_t *req, struct gr_repo **ret_r,
		    struct gr_merge_in *ret, struct err *err);
/* One of the list: ranges of "ours" (textmerge.h), NULL or none when there are no lines to name. */
json_t *gr_conflict_json(const char *path, const char *kind, const struct gr_ranges *where);
void gr_put_refused(json_t *ans, const char *reason, const char *text);
/* outcome "conflict" with its list, or "refused" with its reason. */
void gr_put_conflict(json_t *ans, const struct gr_merge_out *out);

/* The way through git: 0, or -1 when it could not find out. */
int gr_merge_by_git(struct gr *g, struct gr_repo *r, const struct gr_merge_in *in,
		    struct gr_merge_out *ret, struct err *err);

int gr_op_merge(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#define GR_MERGE_TIMEOUT_MS 120000

#endif
