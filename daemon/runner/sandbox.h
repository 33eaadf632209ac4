/*
 * sandbox.h - the walls around a run, built with bubblewrap.
 *
 * THREAT MODEL
 *
 * Everything inside is hostile: the agent may follow an instruction that it read in an issue or a
 * file, a gate runs code that the agent wrote a moment ago. It may run any program, make any system
 * call, fork, write what it likes into its own folders, and it knows this source. It must not:
 *
 *   1. read or change anything of the host but what it was given: no home folder, no data
 *      directory, no other run, no credential, no environment variable that was not passed;
 *   2. write outside /work, /yard/git, declared writable binds and its own temporary folders, also
 *      not later through something that the host would execute or follow (hooks, Git
 *      configuration, symlinks, the worktree's .git file, descriptors of the host's files);
 *   3. reach another process, a network (unless it was given the host's), a device or the kernel's
 *      tunables, or get a privilege that its user does not have;
 *   4. outlive its keeper, its limits or the kill switch, or take the machine down on the way.
 *
 * What stands against it, each on its own:
 *
 *   user namespace      the run's user is an ordinary user inside; no capabilities, no further user
 *                       namespaces (--disable-userns), no_new_privs: set-uid programs do nothing
 *   mount namespace     an empty root, read-only; /usr and named parts of /etc read-only; fresh
 *                       /proc (read-only as a whole), /dev, /tmp, HOME, each tmpfs with a size
 *   pid namespace       sees and signals only itself; dies as a whole with its first process, which
 *                       dies with bubblewrap, which dies with the keeper
 *   ipc, uts, cgroup    its own; network: its own with loopback only, unless RUN_NET_HOST
 *   seccomp             seccomp.h
 *   Landlock            landlock.h; optional, on top
 *   descriptors         0 is a sealed memory file or /dev/null, 1 and 2 a pipe; no descriptor of a
 *                       host file gets inside, because one can be opened anew through /proc/self/fd
 *   environment         built from nothing; secrets travel in a sealed memory file to process 1,
 *                       never in an argument, a file or bubblewrap's own environment
 *   rlimits, gauge.h    what one process may do is limited by the kernel, what the tree does is
 *   disk.h              added up by the keeper
 *
 * A wall that cannot be built ends the run before its command starts. Process 1 (inside.h) looks at
 * the walls once more from inside before it lets the command go.
 *
 * What is not covered:
 *
 *   - a bug in the kernel, and readable secrets in the host's /usr;
 *   - what a run does with the host's network when it was given that: services on the loopback
 *     interface, and abstract Unix sockets where Landlock is older than Linux 6.12;
 *   - kernel memory that no process maps (pipes, sockets, messages, shared anonymous memory that was
 *     unmapped in part) where there is no cgroup: processes of a run are the first that the kernel's
 *     out-of-memory killer takes;
 *   - what the kernel counts for a user of the machine, which is the daemon's: inotify instances,
 *     epoll watches, pages of pipes, descriptors on their way through sockets. A run can use them up
 *     while it lasts. Nothing that ends a run needs them: keepers poll, and the kill switch is a file;
 *   - files that were deleted and are held by a mapping or on their way through a socket only: they
 *     count when the file system becomes full (disk.h);
 *   - CPU time of children that live for milliseconds and that nobody waits for (gauge.h): the wall
 *     clock ends them.
 */
#ifndef YM_RUNNER_SANDBOX_H
#define YM_RUNNER_SANDBOX_H

#include "base/err.h"
#include "base/strvec.h"
#include "runner/inside.h"
#include "runner/run.h"

#include <sys/types.h>

/* Descriptors in bubblewrap, beside those of inside.h. */
enum { SANDBOX_INFO = 6, SANDBOX_SECCOMP = 7, SANDBOX_DATA = 8 };

#define SANDBOX_DATA_MAX 8

struct sandbox {
	struct strvec argv;         /* bubblewrap and its arguments */
	struct inside_plan plan;    /* for process 1; its env is filled in by sandbox_env() */
	int data[SANDBOX_DATA_MAX]; /* memory files, to be SANDBOX_DATA + i */
	size_t ndata;
	char *placeholder; /* a .git file that was made to be covered; removed at the end */
};

/*
 * Decides every wall from the specification. `keeper` is the executable bound inside, `runs` the
 * folder that no bind may contain. limits are filled ones.
 */
int sandbox_init(struct sandbox *ret, const struct run_spec *s, const struct run_limits *l,
		 const char *keeper, const char *runs, struct err *err);
void sandbox_release(struct sandbox *b);

/* The environment inside: the fixed part, then spec's env, then env_pass out of environ_. */
int sandbox_env(const struct run_spec *s, char *const *environ_, struct strvec *ret,
		struct err *err);

/* A sealed memory file with these bytes, at offset 0. */
int sandbox_memfile(const char *name, const void *p, size_t n, int *ret_fd, struct err *err);

/* What a person can do about bubblewrap's words; never NULL. */
const char *sandbox_hint(const char *bwrap_words);

#endif
