/*
 * tree.h - tree objects as sorted arrays, read and written without libgit2's index.
 *
 * Names point into the object that gr_tree_read() holds; gr_tree_release() ends them. A tree that
 * is not well-formed (order, duplicate names, empty names, '/', "." or "..") is ERR_CORRUPT:
 * everything above may rely on the order. Modes of old (0100664, a leading zero) are read as what
 * Git takes them for, and `odd` says that there were some.
 */
#ifndef YM_GIT_TREE_H
#define YM_GIT_TREE_H

#include "git/repo.h"

#include <stdbool.h>

struct gr_entry {
	const char *name; /* not terminated by NUL at len in general, but by the object's own NUL */
	unsigned len;
	unsigned mode; /* GIT_FILEMODE_* */
	git_oid oid;
};

struct gr_tree {
	git_odb_object *obj;
	struct gr_entry *e;
	size_t n;
	bool odd; /* some mode was not written the way Git writes it today */
};

#define GR_MODE_DIR  0040000u
#define GR_MODE_FILE 0100644u
#define GR_MODE_EXEC 0100755u
#define GR_MODE_LINK 0120000u
#define GR_MODE_SUB  0160000u

/* oid NULL is the empty tree. */
int gr_tree_read(struct gr_repo *r, const git_oid *oid, struct gr_tree *ret, struct err *err);
void gr_tree_release(struct gr_tree *t);
/* Git's order: a folder sorts as if its name ended in '/'. */
int gr_entry_cmp(const struct gr_entry *a, const struct gr_entry *b);
const struct gr_entry *gr_tree_find(const struct gr_tree *t, const char *name, size_t len);
/* The bytes of a tree object. Entries must be in order. */
void gr_tree_text(const struct gr_entry *e, size_t n, struct buf *ret);

/* The entry at a path below a tree: 1 found, 0 not there. */
int gr_tree_path(struct gr_repo *r, const git_oid *root, const char *path, unsigned *ret_mode,
		 git_oid *ret_oid, struct err *err);
int gr_tree_of(struct gr_repo *r, const git_oid *commit, git_oid *ret, struct err *err);
int gr_blob_read(struct gr_repo *r, const git_oid *oid, size_t max, git_odb_object **ret,
		 struct err *err);

/*
 * What differs between two trees, files only, in order of paths; identical subtrees are skipped.
 * `fn` returns 0 to go on, another value to stop, which is then returned. A changed type of entry
 * is one call with both modes; a side that is absent has mode 0.
 *
 * A few small trees that name each other many times are more paths than there are atoms, with files
 * or without: after GR_CHANGES_MAX entries it is ERR_LIMIT.
 */
#define GR_CHANGES_MAX ((size_t)1 << 21)

struct gr_change {
	const char *path;
	unsigned old_mode, new_mode;
	git_oid old_oid, new_oid;
};
typedef int (*gr_change_fn)(void *arg, const struct gr_change *c, struct err *err);
int gr_tree_changes(struct gr_repo *r, const git_oid *from, const git_oid *to, gr_change_fn fn,
		    void *arg, struct err *err);

#define GR_PATH_MAX 4096 /* bytes of a path inside a tree */

#endif
