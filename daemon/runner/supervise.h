/*
 * supervise.h - the keeper's work between the first fork and the verified death of the tree.
 *
 * Starts bubblewrap, lets the command go, keeps its output, watches clocks and limits, ends the
 * tree when one is over, and returns when no process of it is left. Everything that can go wrong is
 * an outcome in the exit record; there is no other kind of failure.
 *
 *   BUILDING ──"R": go──► RUNNING ──"E"──► ENDING ──no children left──► done
 *       │                    │                ▲
 *       └── cannot be built  └── a limit,     │
 *           kill, halt ──────    kill, halt ──┘ (SIGKILL to process 1 of the pid namespace)
 *
 * The first reason to end is the outcome; later ones do not change it.
 */
#ifndef YM_RUNNER_SUPERVISE_H
#define YM_RUNNER_SUPERVISE_H

#include "runner/run.h"

struct supervise_job {
	const struct run_spec *spec; /* with input */
	struct run_limits limits;    /* filled */
	const char *keeper;          /* executable, bound inside */
	const char *runs;            /* the folder of all run directories */
	char *const *environ_;       /* where env_pass is taken from */
	const char *kill_path;       /* ends the run when it appears; its text is the reason */
	const char *halt_path;       /* the same */
	const char *tree_path;       /* where the tree's first process is noted; NULL: nowhere */
	int out_fd;                  /* the output file, for appending */
};

/* Call once in a process that has no other children: it becomes a subreaper. */
void supervise(const struct supervise_job *job, struct run_exit *ret);

#endif
