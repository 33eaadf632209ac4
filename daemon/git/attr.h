/*
 * attr.h - gitattributes(5), read from bytes: what a tree's .gitattributes files say of a path.
 *
 * The levels form a chain from the folder being looked at up to the root, one for each folder (empty where it has no
 * file). As Git has it: a deeper file comes before a higher one, a later line before an earlier one; macros ([attr]) count
 * in the root's file only, and there the last one of a name; "binary" is built in; a line that Git leaves out (over 2,047
 * bytes, a bad name, a negative pattern) is left out here. Neither the machine's nor a user's file is read.
 *
 * Two readers differ in where the file comes from: gr_attr_tree() has the blobs of a tree object, for merges; checkout and
 * scan keep levels of their own. A .gitattributes that is a symbolic link is none.
 */
#ifndef YM_GIT_ATTR_H
#define YM_GIT_ATTR_H

#include "git/repo.h"

#include <stdbool.h>

#define GR_ATTR_BYTES ((size_t)1 << 20) /* of one file; Git: 100 MB */
#define GR_ATTR_RULES 20000             /* of one file */
/* What all files together may cost, in steps of pattern times path; seconds. */
#define GR_ATTR_WORK ((int64_t)1 << 31)

enum gr_attr {
	GR_ATTR_MERGE,
	GR_ATTR_TEXT,
	GR_ATTR_CRLF,
	GR_ATTR_EOL,
	GR_ATTR_IDENT,
	GR_ATTR_ENCODING,
	GR_ATTR_FILTER,
	GR_ATTRS
};

/* "set" and "unset" are these very pointers, unspecified is NULL, anything else a text. */
extern const char gr_attr_set[], gr_attr_unset[];

struct gr_attr_rule;

struct gr_attr_level {
	const struct gr_attr_level *up;
	size_t dir_len; /* bytes of this folder's path, with its '/', 0 at the root */
	struct gr_attr_rule *rules;
	size_t n;
	struct strvec macros; /* names; of the root only */
	struct gr_attr_rule **macro;
	int64_t *work; /* of the whole chain; set at the root */
	bool doubtful; /* a pattern that versions of Git read differently (pattern.h) */
};

void gr_attr_init(struct gr_attr_level *l, const struct gr_attr_level *up, size_t dir_len);
void gr_attr_release(struct gr_attr_level *l);
/* The file of this level; called at most once, and on the root before levels below it read theirs. */
int gr_attr_add(struct gr_attr_level *l, const char *s, size_t n, struct err *err);
/* Is there a rule on any level? */
bool gr_attr_any(const struct gr_attr_level *l);
/* The values for a file at `path` (from the root); texts belong to the levels. */
int gr_attr_get(const struct gr_attr_level *l, const char *path, const char *ret[GR_ATTRS],
		struct err *err);

/* Of a tree object, for any path in any order; near ones share what was read. */
struct gr_attr_tree;
struct gr_attr_tree *gr_attr_tree_new(struct gr_repo *r, const git_oid *tree);
void gr_attr_tree_free(struct gr_attr_tree *t);
/* 1: a rule for it may be read differently by another version of Git. */
int gr_attr_tree_get(struct gr_attr_tree *t, const char *path, const char *ret[GR_ATTRS],
		     struct err *err);

/* Writes every .gitattributes of a tree, at any depth, into the empty folder `dir` at its place, for Git to read. */
int gr_attr_files(struct gr *g, struct gr_repo *r, const git_oid *tree, const char *dir,
		  struct err *err);

#endif
