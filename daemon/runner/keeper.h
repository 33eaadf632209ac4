/*
 * keeper.h - the program yardmaster-keeper.
 *
 *     yardmaster-keeper RUNS ID    keeps the run RUNS/ID until its end
 *     yardmaster-keeper --check    tries the walls; prints one JSON object
 *     yardmaster-keeper --inside   process 1 of the sandbox (inside.h)
 *
 * With descriptor KEEPER_REPORT open, the first form forks and lets the parent leave, so that the
 * keeper belongs to nobody and leads a session of its own, and answers one line there as soon as
 * its lock is held and nothing stands against the start, or as soon as it knows that it will not
 * start:
 *
 *     P <pid>                the keeper holds the lock
 *     N                      nothing to do: another keeper has the run, or it has ended
 *     E <err code> <text>    it refuses; the directory is as before
 */
#ifndef YM_RUNNER_KEEPER_H
#define YM_RUNNER_KEEPER_H

enum { KEEPER_REPORT = 3 };

#define KEEPER_LINE_MAX 2048

int keeper_main(const char *runs, const char *id); /* exit codes: 0, 1 */
int keeper_check_main(void);

#endif
