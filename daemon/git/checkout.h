/*
 * checkout.h - making a folder hold exactly the files of a tree.
 *
 * Files are written as a checkout by Git leaves them: the tree's own attributes text, eol, ident and working-tree-encoding
 * count (convert.h). A `filter` is never run, here or anywhere on the host: such a file has its stored bytes, as in a
 * fresh clone without that filter's configuration, and the filter's name is told. Files of Git LFS get their bytes from
 * the repository's store (lfs.h) where that is asked for. No hook is run either.
 * Every step goes through the descriptor of the folder above (openat with O_NOFOLLOW), so that no
 * link in the folder leads anywhere. A tree with a name that means ".git" is refused (ERR_UNSAFE).
 */
#ifndef YM_GIT_CHECKOUT_H
#define YM_GIT_CHECKOUT_H

#include "git/decode.h"
#include "git/lfs.h"
#include "git/stats.h"

struct gr_sync {
	struct gr_repo *r;
	const struct gr_stats *known; /* files that need not be written again; may be NULL */
	git_index *index;             /* gets an entry for each file; may be NULL */
	struct strvec *filters; /* gets the names of filters that were left out; may be NULL */
	bool keep_ignored;      /* what the tree's .gitignore names stays */
	struct gr_lfs_missing
		*lfs; /* gets what is not in the store; NULL: pointers stay as they are */
};

#define GR_DEPTH_MAX 256 /* folders below each other */

/* The folder exists and is a real one. Its ".git" is removed, whatever it is. */
int gr_sync_tree(const struct gr_sync *s, const git_oid *tree, const char *path, struct err *err);

/* Opens a folder that a run could write, and so could close to us; a link is not followed. */
int gr_open_folder(const char *path, int *ret, struct err *err);
/* Removes `path` and makes it anew, empty, with mode 0700. */
int gr_fresh_dir(const char *path, struct err *err);
/* A new file in a folder of this program's own; not synced. */
int gr_write_text(const char *dir, const char *name, const char *text, struct err *err);
int gr_write_bytes(const char *dir, const char *name, const char *p, size_t n, struct err *err);
/* Writes the file `.git` of a folder. */
int gr_write_dotgit(const char *path, const char *gitdir, struct err *err);
int gr_op_checkout(struct gr *g, const json_t *req, json_t *ans, struct err *err);

#endif
