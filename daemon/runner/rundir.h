/*
 * rundir.h - the files of one run directory, as keeper, daemon and command line share them.
 */
#ifndef YM_RUNNER_RUNDIR_H
#define YM_RUNNER_RUNDIR_H

#include "runner/run.h"

/* Variables of the keeper's environment, numbered, whose values its run's output must not show. */
#define RUN_MASK_VARIABLE "YARDMASTER_MASK_"

/* The halt file that goes with a folder of run directories: beside it. Caller frees. */
char *rundir_halt_path(const char *runs);

/* input stays NULL, input_len says how much there is. */
int rundir_read_spec(const char *runs, const char *id, struct run_spec *ret, struct err *err);
/* Fills s->input from the file "stdin" when input_len is not 0, checking the length. */
int rundir_read_input(const char *runs, struct run_spec *s, struct err *err);

bool rundir_ended(const char *runs, const char *id);
int rundir_write_exit(const char *runs, const char *id, const struct run_exit *e, struct err *err);

/* The keeper's pid in the lock file, 0 when none was written: nothing was started yet. */
pid_t rundir_keeper(const char *runs, const char *id);
int rundir_write_keeper(const char *runs, const char *id, pid_t pid, struct err *err);

/*
 * The tree's first process, as the host numbers it, with the time it started at (which tells it
 * from a later process of the same number). A keeper that was killed may be dead a moment before
 * its tree: 0 means that no process of the run is left, because the kernel ends the first process
 * of a pid namespace after all others.
 */
pid_t rundir_tree(const char *runs, const char *id);
int rundir_write_tree(const char *path, pid_t init, struct err *err);
void rundir_kill_tree(const char *runs, const char *id);

#endif
