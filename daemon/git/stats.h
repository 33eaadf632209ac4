/*
 * stats.h - what a file looked like when its content was last known: the host's private index.
 *
 * A Git index in the repository (worktrees/NAME/index), out of reach of whatever runs in the
 * sandbox. A file is taken as unchanged when size, inode, mode, mtime and ctime are the recorded
 * ones and it is not racily clean: its ctime and mtime are older than the index itself, so that a
 * change within the same tick of the clock after the index was written is looked at.
 */
#ifndef YM_GIT_STATS_H
#define YM_GIT_STATS_H

#include "git/repo.h"

#include <sys/stat.h>

struct gr_stats {
	git_index *index;
	struct timespec stamp; /* mtime of the file it was read from */
};

/* A file that is not there or not readable as an index gives an empty one: everything is looked at. */
int gr_stats_load(const char *path, struct gr_stats *ret, struct err *err);
void gr_stats_release(struct gr_stats *s);
/* The recorded entry when the file is unchanged, else NULL. s may be NULL. */
const git_index_entry *gr_stats_match(const struct gr_stats *s, const char *path,
				      const struct stat *st);

/* A new index: begun empty, filled in the order of the tree, put in place by rename. */
int gr_stats_begin(const char *path, git_index **ret, struct err *err);
int gr_stats_add(git_index *index, const char *path, unsigned mode, const git_oid *oid,
		 const struct stat *st, struct err *err);
int gr_stats_finish(git_index *index, const char *path, struct err *err);
/* The first half of gr_stats_finish(): written as PATH.new, not in place yet. */
int gr_stats_write(git_index *index, const char *path, struct err *err);

#endif
