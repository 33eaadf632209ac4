/*
 * ignore.h - .gitignore, read from bytes, never from a path.
 *
 * The rules of gitignore(5) for the files of the tree: comments, '!', a '/' at the end for folders, a
 * '/' elsewhere anchors, '*', '?', '[…]', '**', '\' quotes; a deeper file overrides a higher one, a
 * later line an earlier one; below an ignored folder everything is ignored. Whoever wrote the file
 * may be hostile: a pattern matches in time linear in pattern times path, and a file has limits.
 *
 * The levels form a chain from the folder being looked at up to the root.
 */
#ifndef YM_GIT_IGNORE_H
#define YM_GIT_IGNORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GR_IGNORE_BYTES ((size_t)256 << 10) /* of one .gitignore */
#define GR_IGNORE_RULES 4096                /* of one .gitignore; later ones do not count */
/* Many rules on many levels and many files multiply. So much is tried for all files together, in
 * steps of pattern times name; that is seconds. */
#define GR_IGNORE_WORK ((int64_t)1 << 31)

struct gr_ignore_rule;

struct gr_ignore {
	const struct gr_ignore *up; /* the parent folder's, or NULL */
	size_t dir_len;             /* bytes of this folder's path, with its '/', "" at the root */
	struct gr_ignore_rule *rules;
	size_t n;
	char *text;
	int64_t *work; /* steps so far, of the whole chain; set at the root, NULL: not counted */
};

void gr_ignore_init(struct gr_ignore *i, const struct gr_ignore *up, size_t dir_len);
void gr_ignore_add(struct gr_ignore *i, const char *s, size_t n);
void gr_ignore_release(struct gr_ignore *i);
/* `path` is from the root; asks this level, then the ones above. false once the work is over
 * GR_IGNORE_WORK. */
bool gr_ignored(const struct gr_ignore *i, const char *path, bool is_dir);

#endif
