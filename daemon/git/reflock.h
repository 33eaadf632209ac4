/*
 * reflock.h - the guard under which references are moved, and locks that a killed process of ours left.
 *
 * The guard is an exclusive flock on the file `yardmaster.lock` in the repository: of all processes of ours at most
 * one is between lock and rename. While it is held, what is about to be locked is written into
 * `yardmaster.locks` (a line a lock: when, what the lock will hold, the reference); the release of the guard empties
 * that file. So, whoever takes the guard and finds lines there knows that the holder before died, and which
 * `*.lock` files of Git it may have left: of those references, made since the line was written, and empty or with
 * what was to be written. They are taken away when they are older than this process or than GR_LOCK_AGE_S (a git
 * that creates a lock fills it at once). Also taken away is a lock from before this machine started.
 *
 * Every other lock may be that of a living process, however old: `git update-ref --stdin` holds one between "prepare" and
 * "commit" with no file open and its working directory anywhere. It is never touched; the error has its path and age.
 */
#ifndef YM_GIT_REFLOCK_H
#define YM_GIT_REFLOCK_H

#include "git/repo.h"

#include <stdbool.h>

#define GR_LOCK_AGE_S 10

struct gr_guard {
	int fd;      /* -1: not held */
	char *lines; /* path of yardmaster.locks; owned */
	bool keep;   /* there are locks that are too young to be taken away: the lines stay */
};
#define GR_GUARD_NONE                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Takes the guard, waiting for it, and the locks that its last holder left away. */
int gr_ref_guard(struct gr_repo *r, struct gr_guard *ret, struct err *err);
void gr_guard_release(struct gr_guard *g);

/* With the guard held, before the lock is made. `to`: what it will hold, once it holds something (NULL: never anything). */
int gr_lock_intend(struct gr_repo *r, const char *ref, const git_oid *to, struct err *err);
/* The same for packed-refs, whose content nobody knows beforehand, and, with "*", for every reference (git pack-refs). */
int gr_lock_intend_any(struct gr_repo *r, const char *ref, struct err *err);

/* A reference was found locked: true when it is not any longer, or its lock was from before this machine started and is
 * gone now. */
bool gr_lock_is_old(struct gr_repo *r, const char *ref);
/* The error of a reference that is locked by somebody else: ERR_UNAVAILABLE with path and age. */
int gr_lock_held(struct gr_repo *r, const char *ref, struct err *err);

#endif
