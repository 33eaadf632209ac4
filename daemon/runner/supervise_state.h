/*
 * supervise_state.h - what the three files of supervise.h share: the state of one run.
 *
 *     supervise.c        the loop: hearing, judging, ending, reaping
 *     supervise_start.c  building the sandbox and starting bubblewrap
 *     supervise_limits.c clocks, memory, processes, disk, kill and halt files
 */
#ifndef YM_RUNNER_SUPERVISE_STATE_H
#define YM_RUNNER_SUPERVISE_STATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mask.h"
#include "runner/disk.h"
#include "runner/gauge.h"
#include "runner/sandbox.h"
#include "runner/supervise.h"

/*
 * How often a run's memory, processes and time are read. Kill and halt files come as events (inotify),
 * limits of time at their very moment; what is left has no event without a cgroup of our own. A tree that
 * has used no processor time since the last reading can have allocated nothing, so it is read seldom; the
 * distance to the memory limit shortens both (supervise_limits.c).
 */
#define SUPERVISE_TICK_MS  100
#define SUPERVISE_QUIET_MS 500
#define SUPERVISE_TICK_MIN 5

enum supervise_phase { BUILDING, RUNNING, ENDING };

struct supervise {
	const struct supervise_job *job;
	struct run_exit *exit;
	enum supervise_phase phase;
	bool decided;
	bool gone; /* no child is left */
	int blind; /* ticks in a row without a reading */

	pid_t bwrap;
	pid_t init; /* process 1 of the sandbox, as the host numbers it; 0 while not known */
	int init_fd;
	int signals;
	int notify;
	int out;    /* read end */
	int status; /* read end, from inside */
	int words;  /* bubblewrap's standard error: a memory file */
	int info;   /* what bubblewrap says about the sandbox: a memory file */
	int go;     /* write end */

	struct mask *mask; /* of the output */
	struct mask_stream masked;
	struct buf said;  /* bubblewrap's words */
	struct buf lines; /* from inside, not yet a whole line */
	struct gauge gauge;
	struct disk disk;
	int64_t begun; /* monotonic, as all that follow */
	int64_t started;
	int64_t last_out;
	int64_t last_life;           /* output, or processor time worth the name */
	int64_t life_from, life_cpu; /* since when that is counted, and what it was then */
	int64_t next_tick;
	int64_t next_disk;
	bool quiet;       /* nothing has run between the last two readings … */
	int64_t last_cpu; /* … which said this */
	int64_t last_procs;
};

/* --- supervise.c --- */
int64_t supervise_now(void);  /* monotonic */
void supervise_shut(int *fd); /* closes when open, leaves -1 */
/* The first reason is the outcome; later ones do nothing. */
void supervise_decide(struct supervise *s, enum run_outcome o, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void supervise_decide_procs(struct supervise *s, int64_t found);
/* The same, and kills the tree. */
void supervise_end_by(struct supervise *s, enum run_outcome o, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void supervise_kill_tree(struct supervise *s);

/* --- supervise_start.c --- */
/* Descriptors, signals and limits of this process, then bubblewrap. b is released by the caller
 * when the tree is dead. */
int supervise_start(struct supervise *s, struct sandbox *b, struct err *err);

/* --- supervise_limits.c --- */
/* true when the kill file or the halt file was there, which has ended the run then. */
bool supervise_check_files(struct supervise *s);
/* Looks at everything that ends a run; sets when to look again. */
void supervise_check(struct supervise *s, int64_t now);
void supervise_final_usage(struct supervise *s); /* after the last child was reaped */

#endif
