/*
 * run.h - one sandboxed run of a command: its folder, its keeper, its end.
 *
 * A run is an agent's round, a gate, a set-up step or a gate of a candidate. The daemon writes a
 * run directory, starts a keeper on it and forgets about it; the keeper builds the sandbox, keeps
 * the output, holds the limits and writes the exit record. The keeper is a session of its own and
 * outlives the daemon: a restarted daemon probes the directories and goes on.
 *
 *   RUNS/ID/            mode 0700, ID names the attempt ("t12-a3", "c7-g0"): [A-Za-z0-9._-]{1,64}
 *     spec.json         what to run; written and fsynced before the keeper starts
 *     stdin             the prompt, or absent
 *     lock              flock held by the keeper from before its first act until its death, and
 *                       inherited by nobody else; holds the keeper's pid as text
 *     tree              the first process of the sandbox as the host numbers it, for the moment in
 *                       which the keeper is dead and its tree is dying
 *     out               standard output and error of the command, in order, append-only, capped
 *     kill              created by run_kill(): a text, the reason
 *     exit.json         the exit record: written to a temporary name, fsynced, renamed. Once it is
 *                       there the process tree is dead and verified dead
 *
 * States:
 *
 *   ABSENT -> CREATED -> RUNNING -> ENDED
 *                             \---> LOST   (the keeper died without a record: kill -9, power)
 *
 * run_start() is repeatable: a second keeper on the same directory sees the lock, the exit record
 * or the pid of a dead keeper and leaves without effect. ENDED and LOST both mean that no process
 * of the run is left; a lost run never starts again.
 *
 * A keeper that is killed takes its tree with it: process 1 of the sandbox sees the pipe to it close
 * and leaves, and the sandbox's pid namespace dies with it.
 *
 * The kill switch is the file RUNS/../halt (see run_halt_path()): every keeper checks it after it
 * took its lock and before it executes anything, and while it waits; run_halt_all() also works with
 * no daemon alive.
 */
#ifndef YM_RUNNER_RUN_H
#define YM_RUNNER_RUN_H

#include "base/err.h"
#include "base/json.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum run_network {
	RUN_NET_NONE, /* an empty network namespace with loopback only */
	RUN_NET_HOST, /* the host's: a logged opt-in for agent and set-up steps, never for gates */
};

struct run_bind {
	char *from; /* host path */
	char *to;   /* path inside */
	bool writable;
};

/* 0 means: the default named here. Every default is a number that run.c documents at its table. */
struct run_limits {
	int64_t wall_ms;    /* whole run; 45 min */
	int64_t silence_ms; /* no byte of output and no processor time for so long; 0: no such limit */
	int64_t cpu_ms;     /* of the whole tree; 60 min */
	int64_t mem_bytes;   /* of the whole tree; 4 GiB */
	int64_t procs;       /* processes and threads of the tree; 512 */
	int64_t fsize_bytes; /* one file; 1 GiB */
	int64_t disk_bytes;  /* growth of the writable folders; 4 GiB */
	int64_t out_bytes;   /* standard output and error; 64 MiB */
	int64_t nofile;      /* 1024 */
};

struct run_spec {
	char *id;
	struct strvec argv; /* found on the sandbox's own PATH /usr/local/bin:/usr/bin:/bin */
	char *workdir;      /* host folder, bound read-write at /work, which is the cwd */
	char *gitdir;       /* private Git directory, bound read-write at /yard/git, or NULL; then
			       /work/.git is covered by a read-only file naming it */
	char *objects; /* the mirror's object folder, bound read-only at /yard/objects, or NULL */
	char *modules; /* histories of submodules, bound read-only at /yard/modules, or NULL */
	struct run_bind *binds; /* declared caches and tools; not inside workdir or gitdir */
	size_t nbinds;
	char *input; /* bytes for standard input, or NULL for /dev/null */
	size_t input_len;
	struct strvec env;      /* "NAME=value" set inside, for values that are not secret */
	struct strvec env_pass; /* names taken from the keeper's own environment: the opt-in */
	enum run_network network;
	struct run_limits limits;
};

enum run_outcome {
	RUN_EXITED,   /* by itself; code */
	RUN_SIGNALED, /* by a signal of its own making (a crash); signo */
	RUN_TIMEOUT,  /* wall clock */
	RUN_SILENT,   /* neither output nor processor time for silence_ms */
	RUN_CPU,
	RUN_MEMORY,
	RUN_PROCS,
	RUN_DISK,   /* disk_bytes, or one file over fsize_bytes */
	RUN_OUTPUT, /* wrote more than out_bytes */
	RUN_KILLED, /* run_kill(): cancel, halt */
	/* the sandbox could not be built, or it does not have the command: an infrastructure
	 * failure, not a round */
	RUN_NOT_STARTED,
	RUN_LOST, /* the keeper died; nothing is known */
};

/* The sandbox was ready and does not have the command: a fault of the configuration. As shells have it. */
#define RUN_CODE_NO_COMMAND 127

struct run_exit {
	enum run_outcome outcome;
	int code;     /* RUN_EXITED; RUN_NOT_STARTED: RUN_CODE_NO_COMMAND, or 0 */
	int signo;    /* RUN_SIGNALED */
	char *detail; /* a sentence for a person: which limit, what was found, what was allowed */
	int64_t started_ms; /* wall clock of the exec inside; 0 when it never happened */
	int64_t ended_ms;
	int64_t cpu_ms;
	int64_t rss_bytes; /* highest sum seen */
	int64_t out_bytes;
};

enum run_state {
	RUN_STATE_ABSENT,
	RUN_STATE_CREATED,
	RUN_STATE_RUNNING,
	RUN_STATE_ENDED,
	RUN_STATE_LOST
};

void run_spec_init(struct run_spec *s);
void run_spec_release(struct run_spec *s);
void run_exit_release(struct run_exit *e);
const char *run_outcome_name(enum run_outcome o);    /* "exited", "timeout" …: as in exit.json */
bool run_outcome_infrastructure(enum run_outcome o); /* does not count as a round */

/* Writes RUNS/ID. Existing with the same spec: 0 (a repeated effect). Other spec: ERR_EXISTS. */
int run_create(const char *runs, const struct run_spec *s, struct err *err);
/*
 * Starts a keeper on RUNS/ID and returns its pid, or 0 in *ret_pid when one runs already or the run
 * has ended. `keeper` is the absolute path of yardmaster-keeper. Names in env_pass are read from
 * `environ_` (the daemon's environment) and given to the keeper alone; a name that is not set there
 * is ERR_NOT_FOUND. `masked` (may be NULL) are values that the run's output must not show, whether it was
 * handed them or finds them in a file (base/mask.h): they replaced by *** before they are written. Refused (ERR_STATE) while halted. Refused as uid 0 (ERR_UNSAFE).
 */
int run_start(const char *runs, const char *id, const char *keeper, char *const *environ_,
	      const struct strvec *masked, pid_t *ret_pid, struct err *err);
/* RUNNING fills *ret_pid (the keeper; when that died a moment ago, the last of its tree: probe again
 * when it is gone), ENDED fills *ret_exit; either may be NULL. */
int run_probe(const char *runs, const char *id, enum run_state *ret, pid_t *ret_pid,
	      struct run_exit *ret_exit, struct err *err);
/* Asks the keeper to end its tree; the end is seen by run_probe(). No keeper: an exit record with
 * RUN_KILLED is written, so that the run can never start later. */
int run_kill(const char *runs, const char *id, const char *reason, struct err *err);
/* Names of all run directories. */
int run_list(const char *runs, struct strvec *ret, struct err *err);
int run_remove(const char *runs, const char *id, struct err *err);  /* refuses a running one */
char *run_path(const char *runs, const char *id, const char *file); /* caller frees */

/* The kill switch. `data` is the data directory, which holds "runs" and the file "halt". */
char *run_halt_path(const char *data);
int run_halted(const char *data, struct err *err); /* 1, 0, -1 could not find out (treat as 1) */
/* The file's line, who did it and why, in backticks and fit to be shown. Caller frees; NULL when it cannot be
 * read. */
char *run_halt_text(const char *data);
/*
 * Ends everything. run_halt_begin() writes the file (`who` is a line of text), finds every run that has
 * processes and kills their trees, from the outside: no keeper has to get its turn on a busy machine
 * first. run_halt_look() does so again for those that are left and returns their number; it is called
 * every RUN_HALT_LOOK_MS until that is 0. Nothing of a run's command is running then, nor can it be
 * started; its keeper may still be writing the record. run_halt_found(): how many there were.
 */
#define RUN_HALT_LOOK_MS 10
struct run_halting;
int run_halt_begin(const char *data, const char *who, struct run_halting **ret, struct err *err);
int run_halt_look(struct run_halting *h);
size_t run_halt_found(const struct run_halting *h);
void run_halt_free(struct run_halting **h); /* for cleanup(); a NULL in it is fine */
/* Blocking, for the command line and tests: until nothing is left, at most wait_ms; returns what is. */
int run_halt_wait(struct run_halting *h, int64_t wait_ms);
int run_halt_all(const char *data, const char *who, int64_t wait_ms, struct err *err);
int run_halt_clear(const char *data, struct err *err);

/*
 * Tries the walls of the sandbox with a harmless command. 0: all mandatory walls stand. -1: *err is
 * one sentence: what does not work on this machine and what to change. `ret_extra` (may be NULL)
 * gets the optional walls that stand: "landlock", "cgroup2".
 */
int sandbox_check(const char *keeper, struct strvec *ret_extra, struct err *err);

#endif
