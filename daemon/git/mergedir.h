/*
 * mergedir.h - where Git's own merge runs: a private Git directory that says all that Git is to know.
 *
 * A folder in the repository's objects/, with a prefix that `git prune` clears away after a kill. Some hundred objects
 * in as many folders take longer to remove than many a merge takes: the role does it when its answer is out (gr.later).
 *     HEAD, config, refs   the least that Git takes for a repository; no configuration of anybody's is read, so that no
 *                          merge driver, filter or rename limit is (`merge=CUSTOM` falls back to the text merge)
 *     objects              what the merge writes, with the repository's as an alternate: nothing of a merge is left there
 *                          but what the caller takes (gr_mergedir_keep); and what is in memory so far (repo.h) as a pack
 *     info/attributes      the repository's, where its owner made one: it comes before every other, as in Git
 *     tree                 the working tree: the base's .gitattributes files, each at its place, and nothing else
 *
 * Why a working tree: which attributes a bare repository reads changes with Git's version (none before 2.43, HEAD's in 2.43
 * to 2.45, none again from 2.46; attr.c: compute_default_attr_source), `--attr-source` came with 2.41, and info/attributes
 * knows patterns from the root only. A file in the working tree is read alike by every version, with nested files,
 * precedence and macros as Git has them. Two merges at once have two folders.
 */
#ifndef YM_GIT_MERGEDIR_H
#define YM_GIT_MERGEDIR_H

#include "git/repo.h"

struct gr_mergedir {
	char *dir, *tree;
	git_odb *odb;         /* of what the merge wrote */
	struct strvec env;    /* for gr_git(), which is run with -C tree */
	struct strvec *later; /* of struct gr */
};

/* `attrs` is the tree that the merge attributes come from: the base's. */
int gr_mergedir_make(struct gr *g, struct gr_repo *r, const git_oid *attrs, struct gr_mergedir *ret,
		     struct err *err);
/* The tree that was merged, and all in it that is new, into memory. */
int gr_mergedir_keep(const struct gr_mergedir *m, struct gr_repo *r, const git_oid *tree,
		     struct err *err);
void gr_mergedir_release(struct gr_mergedir *m);

#endif
