/*
 * child.h - starting a process with exactly the environment and descriptors that it is given.
 *
 * Between fork and exec: signals are blocked, handlers and mask are reset, the wanted descriptors
 * are moved into place, all others are closed with close_range(), the working directory is changed.
 * A failure in the child up to and including exec is reported by the parent's return value, with
 * the child reaped. The child is the caller's to reap (child_wait(), or a loop_child).
 */
#ifndef YM_SYS_CHILD_H
#define YM_SYS_CHILD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child_fd {
	int from; /* the parent's descriptor; -1 is /dev/null */
	int to;   /* its number in the child */
};

struct child_opts {
	const char *file;           /* absolute path; no PATH search happens */
	char *const *argv;          /* NULL-terminated */
	char *const *envp;          /* NULL-terminated; NULL is an empty environment */
	const char *cwd;            /* NULL: "/" */
	const struct child_fd *fds; /* 0, 1, 2 not named here are /dev/null */
	size_t nfds;
	bool new_session;     /* setsid(), so that the child outlives the terminal and is a group */
	bool die_with_parent; /* PR_SET_PDEATHSIG SIGKILL: for roles */
};

int child_spawn(const struct child_opts *o, pid_t *ret_pid, struct err *err);

/*
 * Runs a program to its end and appends its standard output to *ret_out, which may be NULL (at most
 * out_max bytes, more ends it with ERR_LIMIT), and puts the last lines of its standard error into
 * *err when it fails. Blocking: for roles, tests and the command line, never for the daemon.
 *
 * The program leads a session and group of its own. After timeout_ms (ERR_LIMIT; -1: never) the
 * group is killed, and so is, when the program has ended, what it left running in its group.
 * `input` NULL: standard input is o->fds' or /dev/null; o->fds' 1 and 2 are not used.
 * Returns the exit code (not 0: *err is filled, ERR_IO), or -1 when it did not run or was ended;
 * ERR_INTERNAL then means that it crashed (a failed assertion, a bad pointer).
 */
int child_run(const struct child_opts *o, const char *input, size_t input_len, size_t out_max,
	      int64_t timeout_ms, struct buf *ret_out, struct err *err);

/* Reaps pid; waits for it. The status is waitpid(2)'s; ret_status may be NULL. */
int child_wait(pid_t pid, int *ret_status, struct err *err);

/* Kills and reaps a child that was just started and cannot be watched. `whole`: and its group. */
void child_abort(pid_t pid, bool whole);

/* Finds a program in a PATH-like list ("/usr/bin:/bin"); only absolute folders in it count. Caller
 * frees. */
int child_which(const char *name, const char *path, char **ret, struct err *err);
/* Absolute path of the running executable, also when an upgrade has replaced the file; ERR_NOT_FOUND
 * when nothing is there any more. Caller frees. */
int child_self(char **ret, struct err *err);
/* Another program of this installation, by its name: beside this one (in a build), in ../libexec/yardmaster (seen from
 * bin), or in ../../bin (seen from there). Caller frees. ERR_NOT_FOUND names the places. */
int child_beside(const char *name, char **ret, struct err *err);

#endif
