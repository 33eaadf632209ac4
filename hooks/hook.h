/*
 * hook.h - the git hooks of a local forge's repository: `yardmaster hook NAME …`.
 *
 *   proc-receive --socket PATH         git speaks the proc-receive protocol (gitprotocol: version 1) on standard input
 *                                      and output; each refs/for/BASE/TOPIC is asked of the daemon.
 *                                      Daemon away: every one is refused, nothing is lost
 *   update --base BRANCH REF OLD NEW   refuses what only the queue may move; asks nobody
 *   post-receive --socket PATH         tells the daemon that something was pushed; the reconciler
 *                                      would find it anyway, so a daemon that is away is no error
 *   pre-commit, commit-msg, pre-push   those of a clone: local.h
 *
 * They guard against mistakes. Whoever may write the repository's files can go around them.
 */
#ifndef YM_HOOKS_HOOK_H
#define YM_HOOKS_HOOK_H

#include "base/err.h"

/* argv: what stands after `yardmaster hook`. Returns the exit code. */
int hook_main(char *const *argv);

/* One packet line of git's: 1 data (of *ret_n bytes in buf, NUL-terminated), 0 flush, -1 error. */
#define HOOK_PACKET_MAX 65520 /* git's LARGE_PACKET_MAX */
int hook_packet_read(int fd, char *buf, size_t *ret_n, struct err *err);
int hook_packet_write(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int hook_packet_flush(int fd);

/* Splits "OLD NEW REF" in place. */
int hook_command_parse(char *line, char **ret_old, char **ret_new, char **ret_ref, struct err *err);
/* NULL: this push may go on; else why not. Caller frees. */
char *hook_update_refusal(const char *base, const char *ref, const char *old_oid);

#endif
