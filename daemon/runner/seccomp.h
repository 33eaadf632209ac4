/*
 * seccomp.h - the system calls that a run may not make.
 *
 * A deny list: what a compiler, an interpreter, a test suite or an agent needs is allowed, and what
 * reaches for the machine (mounts, namespaces, modules, tracing, keys, BPF, io_uring, odd sockets)
 * is refused with an errno that programs know how to take. Foreign architectures (x32, i386) are
 * killed: their call numbers would slip past the list. Calls that are newer than the list
 * answer ENOSYS, as an older kernel would.
 *
 * ENOSYS is for calls that libraries probe for and have another way for (clone3, io_uring,
 * memfd_create), EPERM for the rest.
 */
#ifndef YM_RUNNER_SECCOMP_H
#define YM_RUNNER_SECCOMP_H

#include "base/err.h"

/* The filter as a memory file at offset 0, in the form that bwrap --seccomp reads. */
int seccomp_filter_fd(int *ret_fd, struct err *err);

#endif
