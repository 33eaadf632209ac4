/*
 * loop.h - the one event loop of the daemon.
 *
 * One thread, one epoll descriptor. A turn is: wait, call back everything that is ready, then call
 * the turn hook once. The daemon's turn hook commits the ledger and only then lets answers and
 * effects out, which is how an acknowledgement comes to mean "durable".
 *
 * Watches, timers and child watches are owned by whoever made them and are freed with their own
 * _free function, which is allowed from inside any callback, also for the object being called, and
 * before loop_free(). A watch is freed before its descriptor is closed.
 * Times are milliseconds of clock->mono_ms.
 */
#ifndef YM_SYS_LOOP_H
#define YM_SYS_LOOP_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct loop_watch;
struct loop_timer;
struct loop_child;

int loop_new(struct clock *clock, struct loop **ret, struct err *err);
void loop_free(struct loop *l);
struct clock *loop_clock(struct loop *l);

/* Runs until loop_stop(); 0, or -1 when epoll itself fails. */
int loop_run(struct loop *l, struct err *err);
void loop_stop(struct loop *l);
/* One turn that waits at most timeout_ms (-1: until something happens). For tests. */
int loop_turn(struct loop *l, int timeout_ms, struct err *err);

/* Called at the end of each turn. One hook; NULL takes it off. */
void loop_set_turn_hook(struct loop *l, void (*hook)(void *arg), void *arg);

/* Descriptors. `events` are EPOLLIN, EPOLLOUT …; the descriptor stays the caller's. */
typedef void (*loop_fd_fn)(void *arg, uint32_t events);
int loop_watch_new(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *arg,
		   struct loop_watch **ret, struct err *err);
int loop_watch_set(struct loop_watch *w, uint32_t events, struct err *err);
void loop_watch_free(struct loop_watch *w); /* NULL is fine */

/* Timers fire once, at or after `at_ms`, in the order of their times, equal ones in the order of
 * arming; a timer is armed again with loop_timer_set(), in a callback for the next turn at the
 * earliest. */
typedef void (*loop_fn)(void *arg);
struct loop_timer *loop_timer_new(struct loop *l, loop_fn fn, void *arg); /* not armed */
void loop_timer_set(struct loop_timer *t, int64_t at_ms);
void loop_timer_in(struct loop_timer *t, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* Signals by signalfd: the signal is blocked in the process from then on. A second call for the same
 * signal replaces the first; fn NULL drops it silently. */
typedef void (*loop_signal_fn)(void *arg, int signo);
int loop_signal(struct loop *l, int signo, loop_signal_fn fn, void *arg, struct err *err);

/*
 * Processes by pidfd. `fn` gets the wait status for a child of ours, or -1 for a process that is
 * not our child (a keeper of an earlier daemon), which has ended all the same. ERR_NOT_FOUND: it had
 * ended before. Freeing the watch does not end the process; the loop reaps a child of ours that is still
 * running then, once it ends, so that it leaves no zombie. A child that could not be watched is the
 * caller's to end and reap: child_abort() in child.h.
 */
typedef void (*loop_child_fn)(void *arg, pid_t pid, int wait_status);
int loop_child_new(struct loop *l, pid_t pid, loop_child_fn fn, void *arg, struct loop_child **ret,
		   struct err *err);
void loop_child_free(struct loop_child *c);

#endif
