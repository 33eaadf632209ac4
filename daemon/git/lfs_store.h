/*
 * lfs_store.h - an object of Git LFS that comes from elsewhere, on its way into the store (lfs.h).
 *
 * It is written to REPO/lfs/incoming, a folder of ours, and moved to its place when it is whole: its size and SHA-256 are
 * those of its name. What a killed process left there is removed after an hour. No link is followed.
 */
#ifndef YM_GIT_LFS_STORE_H
#define YM_GIT_LFS_STORE_H

#include "git/lfs.h"

struct gr_lfs_write {
	struct gr_lfs what;
	int dir, fd; /* of REPO/lfs; the unfinished file */
	char *name;  /* below dir */
	void *md;
	int64_t n;
};

/* Has the store a file of this name and size? */
bool gr_lfs_has(const struct gr_repo *r, const struct gr_lfs *l);
int gr_lfs_write_begin(const struct gr_repo *r, const struct gr_lfs *l, struct gr_lfs_write *ret,
		       struct err *err);
/* -1: it could not be written, or has more bytes than the object. */
int gr_lfs_write_add(struct gr_lfs_write *w, const char *p, size_t n, struct err *err);
/* 1 it is in the store; 0 the bytes are not those of its name; -1. */
int gr_lfs_write_end(struct gr_lfs_write *w, struct err *err);
/* Takes away what was not ended. */
void gr_lfs_write_release(struct gr_lfs_write *w);

#endif
