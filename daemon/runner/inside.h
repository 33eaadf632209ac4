/*
 * inside.h - the first process of the sandbox: its init, and the last wall before the command.
 *
 * The keeper's executable is started once more inside the sandbox, by bubblewrap, as process 1 of
 * the new pid namespace ("yardmaster-keeper --inside"). It finds three descriptors:
 *
 *     INSIDE_PLAN    what to run: a sealed memory file, see struct inside_plan
 *     INSIDE_STATUS  to the keeper: one message a write
 *     INSIDE_GO      from the keeper: one byte, "go"; end of file, at any time, means that the
 *                    keeper is dead and ends the sandbox
 *
 *   inside                                        keeper
 *     checks that it is process 1, that no new
 *     privileges and a seccomp filter are in force
 *     "R" ready                          ------>    opens /proc of the sandbox, asks for halt
 *                                        <------    go
 *     forks; the child sets limits and Landlock
 *     and executes the command
 *     "S <wall ms>" executed, or         ------>    started_ms
 *     "F <sentence>" it could not be
 *     reaps everything until the command ends
 *     "E <wait status> <processes left>" ------>    the outcome, if nothing else ended it before
 *     exits, whereby the kernel kills whatever
 *     is left in the pid namespace
 *
 * As process 1 it cannot be signalled from inside, and being undumpable it cannot be read or
 * traced: the environment it was given stays with the command that was meant to have it.
 */
#ifndef YM_RUNNER_INSIDE_H
#define YM_RUNNER_INSIDE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strvec.h"

#include <stdint.h>

enum { INSIDE_PLAN = 3, INSIDE_STATUS = 4, INSIDE_GO = 5 };

#define INSIDE_STATUS_MAX 1024 /* one message */

/*
 * On the wire: records of one letter, a text and a NUL. Bytes are kept as they are, because values
 * of the environment need not be UTF-8.
 */
struct inside_plan {
	struct strvec argv;     /* 'a' */
	struct strvec env;      /* 'e' "NAME=value", the whole environment */
	struct strvec writable; /* 'w' paths below which Landlock allows writing */
	int64_t fsize_bytes;    /* 'f' */
	int64_t nofile;         /* 'n' */
	int64_t nproc;          /* 'p' */
	int64_t cpu_s;          /* 'c' of one process; a bound that needs no polling */
};

void inside_plan_release(struct inside_plan *p);
void inside_plan_write(const struct inside_plan *p, struct buf *ret);
int inside_plan_read(const char *s, size_t n, struct inside_plan *ret, struct err *err);

/* The whole life of process 1; the return value is its exit code. */
int inside_main(void);

#endif
