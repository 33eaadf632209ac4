/*
 * scan.h - reading a folder that somebody hostile wrote, into a tree.
 *
 * Text, eol, ident and working-tree-encoding of the folder's own .gitattributes count, as for `git add` (convert.h). A file
 * of Git LFS is unchanged when its bytes are the object of its pointer; another one is taken only as a pointer: what is
 * behind it would have to get into the store, here and on the forge, which nothing here does.
 *
 * Nothing runs and nothing is followed: folders are opened from the folder above with O_NOFOLLOW,
 * files are opened O_NOFOLLOW | O_NONBLOCK and looked at again after opening. What is read is capped
 * while it is read. The objects go into the repository's memory store; the caller writes them out or
 * drops them.
 *
 * Against the parent tree: what is tracked there counts even when it is ignored; a new name must not
 * mean ".git" nor hold control characters; a symbolic link that is new or changed must stay inside
 * the tree; the folder of a submodule must be empty, or hold what its commit has (`modules`); a FIFO, socket or device is skipped when it is
 * new (git does not track such things) and refused in the place of a tracked file. The `.git` of the
 * root is skipped when it is a file.
 */
#ifndef YM_GIT_SCAN_H
#define YM_GIT_SCAN_H

#include "git/stats.h"

struct gr_limits {
	int64_t file_bytes; /* one new or changed file */
	int64_t files;      /* new or changed files */
	int64_t bytes;      /* all of them */
};

struct gr_refusal {
	char *path;         /* NULL: not refused */
	const char *reason; /* as in role.h */
	char *text;         /* a sentence for a person */
};

void gr_refusal_release(struct gr_refusal *r);
/* Fills *ret unless it is filled; returns 1. */
int gr_refuse(struct gr_refusal *ret, const char *path, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#define GR_IGNORED_MAX  20    /* names that are told */
#define GR_IGNORED_LOOK 10000 /* names below ignored folders that are looked at for them */

struct gr_modules;

struct gr_scan {
	struct gr_repo *r;
	const struct gr_modules
		*modules; /* that were checked out; NULL: none, then `g` is not needed */
	struct gr *g;
	const char *
		prefix; /* of the folder in what `modules` names, with '/' at its end; NULL: none */
	const struct gr_stats *known; /* may be NULL */
	git_index *index; /* gets every file of the new tree, in no order; may be NULL */
	struct gr_limits limits;
	/* What a .gitignore names and was changed since then (by its ctime, which no program can set) is told:
	 * it is no part of the tree, and whoever made it may believe that it is. 0: nothing is told. */
	int64_t since_ms;
	struct gr_refusal refusal; /* out */
	struct strvec ignored;     /* out: paths of files; the caller releases it */
	bool ignored_more;         /* out: there may be others */
};

/* 0: *ret_tree is the folder's tree; 1: s->refusal says why not; -1. */
int gr_scan_folder(struct gr_scan *s, const char *path, const git_oid *parent_tree,
		   git_oid *ret_tree, struct err *err);

#endif
