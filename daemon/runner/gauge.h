/*
 * gauge.h - what the processes of a sandbox use, added up from its own /proc.
 *
 * The /proc of the sandbox lists exactly the processes of its pid namespace, whoever their parent
 * is by now, and is reached through the root of its first process. The files read here are readable
 * whatever a process does to hide (stat is always, smaps_rollup by the owner of the user
 * namespace).
 *
 * Memory is the sum of resident pages, which counts a shared page once for each process, and so is
 * never too small; only when that is over the limit the proportional sum is made, which is exact
 * and dear. The tmpfs mounts of the sandbox are memory too, their empty files included, and so is
 * what was swapped out.
 *
 * CPU time is the larger of two sums that both may be too small: what the living have used and have
 * taken over from children that they waited for; and what each process had used when it was last
 * seen. The second is for children whose parent ignores SIGCHLD: the kernel forgets their time. Such
 * children that live for less than the time between two readings are seen by chance only, so that a
 * run that wants to can stay below its limit for as long as the wall clock lets it.
 */
#ifndef YM_RUNNER_GAUGE_H
#define YM_RUNNER_GAUGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct gauge_proc;

struct gauge {
	int root; /* the sandbox's root, O_PATH; -1 while closed */
	int proc; /* its /proc */
	/* the processes of the last reading, as /proc lists them: by pid */
	struct gauge_proc *last;
	size_t nlast;
	int64_t gone_ticks; /* CPU time of those that were in a reading and are in none any more */
};

#define GAUGE_INIT                                                                                 \
	{                                                                                          \
		.root = -1, .proc = -1                                                             \
	}

struct gauge_reading {
	int64_t procs; /* processes and threads */
	int64_t cpu_ms;
	int64_t mem_bytes;
};

int gauge_open(struct gauge *g, pid_t init, struct err *err); /* init: as the host numbers it */
void gauge_close(struct gauge *g);
/* Stops counting at max_procs + 1. Exact memory is looked for when the cheap sum is over max_mem.
 * 0, or -1 when the sandbox is gone. */
int gauge_read(struct gauge *g, int64_t max_procs, int64_t max_mem, struct gauge_reading *ret);

/*
 * Sends SIGSTOP or SIGCONT to every process of the sandbox but its first, which is ours. What forks while
 * it is stopped is found by looking again, a few times.
 */
void gauge_stop(const struct gauge *g);
void gauge_go_on(const struct gauge *g);

/*
 * Bytes of files on these file systems that have no name any more and are open in a process of the
 * sandbox. Looks at GAUGE_FDS_MAX descriptors at most; a file that is open twice counts once.
 * *ret_hidden: there was a process whose descriptors may not be listed.
 */
#define GAUGE_FDS_MAX 65536
int64_t gauge_deleted_bytes(const struct gauge *g, const dev_t *devs, size_t n, bool *ret_hidden);

#endif
