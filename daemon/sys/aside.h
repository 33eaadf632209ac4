/*
 * aside.h - one call on a thread of its own, for a wait that has no other form (fdatasync), while the caller
 * does something that has nothing to do with it.
 *
 * The thread lives for this one call: outside of aside() the process has one thread, as fork() wants it. It gets
 * no signals.
 */
#ifndef YM_SYS_ASIDE_H
#define YM_SYS_ASIDE_H

/*
 * Runs job(arg) on a thread and meanwhile(other, fd) here, and returns when both are over. `fd` becomes readable
 * when the job is done; `meanwhile` has to return soon after, and must not start a process or touch what the
 * job touches. Where no thread can be had the job runs here and `meanwhile` does not.
 */
void aside(void (*job)(void *arg), void *arg, void (*meanwhile)(void *other, int fd), void *other);

#endif
