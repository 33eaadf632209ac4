/*
 * fs.h - files and folders: whole-file reads with a limit, atomic writes, removal of trees that
 * somebody hostile has written.
 */
#ifndef YM_SYS_FS_H
#define YM_SYS_FS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

char *path_join(const char *a, const char *b);                  /* caller frees */
bool fs_exists(const char *path);                               /* lstat succeeds */
int fs_mkdir_p(const char *path, mode_t mode, struct err *err); /* also the parents */

/* Reads a regular file of at most max bytes (a larger one is ERR_LIMIT), never following a final
 * symlink, never blocking on a FIFO: both are ERR_UNSAFE. Appends to *ret, only on success. */
int fs_read(const char *path, size_t max, struct buf *ret, struct err *err);
/* The last `max` bytes of a file, starting at a line's beginning where there is one (text_tail()
 * has the rule). Appends as well. */
int fs_read_tail(const char *path, size_t max, struct buf *ret, struct err *err);

/* Writes a temporary file in the same folder, fsyncs it, renames it over path, fsyncs the folder.
 * A symlink at path is replaced, not followed. */
int fs_write_atomic(const char *path, const void *p, size_t n, mode_t mode, struct err *err);
/* What is left of `in`, to `out`: shared, or moved within the kernel, or through a buffer where neither can be, as from one
 * file system to another. 0, or -1 with errno. */
int fs_copy(int in, int out);

/*
 * Removes a tree without following symlinks and without leaving it by a renamed folder (openat
 * with O_NOFOLLOW all the way), giving itself permission on folders that forbid it. Depth is limited
 * by memory alone. A path that does not exist is success; a mount point inside, or a folder that
 * was moved meanwhile, is ERR_UNSAFE. Nobody may write in the tree any more: end its processes first.
 */
int fs_remove_tree(const char *path, struct err *err);

/*
 * Locks a file (created with mode 0600) exclusively without waiting, by flock(2). ERR_EXISTS when
 * somebody holds it. The lock belongs to the open file, not to the process: it lasts until every
 * copy of the descriptor is closed. The descriptor is close-on-exec; whoever wants a child to hold
 * the lock too passes it on by name in child_opts.fds. Do not remove a lock file.
 */
int fs_lock(const char *path, int *ret_fd, struct err *err);
/* 1 somebody holds it, 0 nobody does or no such file. Asking does not disturb an fs_lock(). */
int fs_lock_held(const char *path, struct err *err);

#endif
