/*
 * usock.h - the daemon's Unix socket: listening, connecting, and who is at the other end.
 */
#ifndef YM_SYS_USOCK_H
#define YM_SYS_USOCK_H

#include "base/err.h"

#include <sys/types.h>

/* Listens at path with exactly `mode`; a socket left by a dead daemon is replaced, one that
 * somebody answers on is ERR_EXISTS. Paths longer than sun_path are reached through the
 * directory's descriptor (/proc/self/fd/N/name), so their length does not matter. */
int usock_listen(const char *path, mode_t mode, int *ret_fd, struct err *err);
/* A blocking descriptor. ERR_UNAVAILABLE when nobody listens, ERR_DENIED when the mode forbids it. */
int usock_connect(const char *path, int *ret_fd, struct err *err);
/* The same for one who cannot wait long for a daemon that takes no connections. */
int usock_connect_within(const char *path, int timeout_ms, int *ret_fd, struct err *err);
/* 1 accepted (a non-blocking descriptor), 0 nobody waits. */
int usock_accept(int listen_fd, int *ret_fd, struct err *err);
/* The uid of the process that connected, by SO_PEERCRED. */
int usock_peer_uid(int fd, uid_t *ret, struct err *err);

#endif
