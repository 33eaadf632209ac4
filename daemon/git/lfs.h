/*
 * lfs.h - files that are kept with Git LFS: a small pointer in the repository, the bytes in a store beside it.
 *
 * A file whose attribute is filter=lfs and whose blob is a pointer (the specification of git-lfs, docs/spec.md: under 1,024
 * bytes, "version", "oid sha256:…", "size …"; what is none goes through as it is, an empty file too, as with git-lfs) gets
 * its bytes in a checkout. No filter is run, whatever a repository or a machine configures: git-lfs is not needed here.
 *
 * The store is REPO/lfs/objects/AA/BB/OID, where `git lfs push` (and every `git push` of a clone with git-lfs) puts objects
 * of a remote on the same machine: git-lfs 2.10 and later, tried with Debian 12's 3.3.0, also for a push to refs/for/….
 * It makes hard links to the file of whoever pushed, so that an object may change after it came: each is compared with
 * its name (SHA-256) and size every time that it is read. No link is followed in the store.
 *
 * What is not in the store is fetched where the repository is one of a network over https: by the net role (net_lfs.h), within
 * GR_LFS_OBJECT_MAX and GR_LFS_CHECKOUT_MAX; the answer is then {outcome:"wants"} (role.h), and the request comes again. The
 * own repository's with the forge's credential, a submodule's as its history was (modules.h).
 *
 * What is not there afterwards, or on a forge of this machine, is never left as a pointer without a word: the checkout is refused and names files and objects.
 */
#ifndef YM_GIT_LFS_H
#define YM_GIT_LFS_H

#include "git/repo.h"

#include <sys/stat.h>

#define GR_LFS_POINTER_MAX  1024
#define GR_LFS_OID_HEX      64
#define GR_LFS_MISSING      10                 /* files that are named */
#define GR_LFS_OBJECT_MAX   ((int64_t)4 << 30) /* bytes of one object that is fetched */
#define GR_LFS_CHECKOUT_MAX ((int64_t)8 << 30) /* ... and of all that one checkout lacks */
#define GR_LFS_FETCH_MAX    10000 /* objects of one repository that one checkout lacks */

struct gr_lfs {
	char oid[GR_LFS_OID_HEX + 1];
	int64_t size;
};

/* The attribute's value. */
bool gr_lfs_filter(const char *filter);
/* Are these bytes a pointer to at least one byte? */
bool gr_lfs_pointer(const char *p, size_t n, struct gr_lfs *ret);
/* Writes the object to `to`. 1; 0: the store does not have it; -1: reading, writing, or it is not what its name says. */
int gr_lfs_copy(const struct gr_repo *r, const struct gr_lfs *l, int to, struct err *err);
/* Is the file `name` of the folder `dir` the object that the pointer `was` stands for? 1, 0, -1. */
int gr_lfs_unchanged(struct gr_repo *r, const git_oid *was, int dir, const char *name,
		     const struct stat *st, struct err *err);
/* May a commit have these bytes in the place of `was` (NULL: a new file)? A pointer, an empty file, and what was no pointer
 * before. 1, 0, -1. */
int gr_lfs_takes(struct gr_repo *r, const git_oid *was, const char *p, size_t n, struct err *err);
/* What a git folder (bare or not) has in its store, into r's: hard links, or copies. */
int gr_lfs_import(const struct gr_repo *r, const char *from, struct err *err);

/* Objects that a checkout did not find. */
struct gr_lfs_missing {
	bool on;         /* else pointers stay as they are */
	const char *url; /* where those of the repository at hand are from; NULL: from nowhere */
	bool credential; /* ... with the forge's */
	struct strvec tried; /* of the request: "fetched" */
	struct strvec files; /* "path (oid, size)", at most GR_LFS_MISSING */
	size_t n, lost;      /* lost: of these, what cannot be fetched */
	int64_t bytes;
	json_t *fetch; /* requests for the net role */
};
/* Of a request: lfs?:bool, lfs_url?, fetched?:[text]. */
int gr_lfs_missing_decode(const json_t *req, struct gr_lfs_missing *ret, struct err *err);
void gr_lfs_missing_release(struct gr_lfs_missing *m);
void gr_lfs_missing_add(struct gr_lfs_missing *m, const struct gr_repo *r, const char *path,
			const struct gr_lfs *l);
/* 0 there are none; 1: `ans` says what is to be fetched first; -1 with ERR_DENIED and what to do. */
int gr_lfs_missing_settle(const struct gr_lfs_missing *m, const struct gr_repo *r, json_t *ans,
			  struct err *err);

#endif
