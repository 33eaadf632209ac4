/* loop.c - see loop.h; timers are in loop_timer.c */
#include "sys/loop.h"

#include "base/mem.h"
#include "sys/loop_timer.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH 128 /* events a turn */

/*
 * What epoll hands back is a slot's number and its generation, never a pointer: an event of a watch
 * that was freed earlier in the same batch, or whose descriptor lives on in another process, finds
 * another generation and is dropped.
 */
struct slot {
	struct loop_watch *watch; /* NULL while free */
	uint32_t generation;
	uint32_t next_free; /* of a free slot; slot numbers count from 1, 0 ends the list */
};

struct loop_watch {
	struct loop *loop;
	int fd;
	uint32_t slot;
	uint32_t events;
	loop_fd_fn fn;
	void *arg;
};

struct signal_entry {
	loop_signal_fn fn;
	void *arg;
};

struct loop {
	struct clock *clock;
	int epfd;
	bool stopping;
	struct slot *slots; /* [0] is not used */
	uint32_t nslots, free_slot;
	struct timers timers;
	void (*hook)(void *arg);
	void *hook_arg;
	int sigfd;
	sigset_t sigset;
	struct loop_watch *sigwatch;
	struct signal_entry signals[NSIG];
	struct loop_child
		*abandoned; /* children of ours that run on without an owner, to be reaped */
};

struct loop_child {
	struct loop *loop;
	pid_t pid;
	int pidfd;
	struct loop_watch *watch; /* NULL once the end was told */
	loop_child_fn fn;
	void *arg;
	struct loop_child *next; /* of the abandoned ones */
};

static void child_release(struct loop_child *c);

int loop_new(struct clock *clock, struct loop **ret, struct err *err)
{
	struct loop *l;
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	if (epfd < 0)
		return err_errno(err, "loop: epoll_create1");
	l = xcalloc(1, sizeof(*l));
	l->clock = clock;
	l->epfd = epfd;
	l->sigfd = -1;
	l->nslots = 1;
	l->slots = xcalloc(1, sizeof(*l->slots));
	sigemptyset(&l->sigset);
	timers_init(&l->timers, clock);
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (l->abandoned) {
		struct loop_child *next = l->abandoned->next;

		child_release(l->abandoned);
		l->abandoned = next;
	}
	loop_watch_free(l->sigwatch);
	if (l->sigfd >= 0)
		close(l->sigfd);
	timers_release(&l->timers);
	close(l->epfd);
	free(l->slots);
	free(l);
}

struct clock *loop_clock(struct loop *l)
{
	return l->clock;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}

void loop_set_turn_hook(struct loop *l, void (*hook)(void *arg), void *arg)
{
	l->hook = hook;
	l->hook_arg = arg;
}

/* --- descriptors --- */

static uint32_t slot_take(struct loop *l, struct loop_watch *w)
{
	uint32_t n = l->free_slot;

	if (n) {
		l->free_slot = l->slots[n].next_free;
	} else {
		n = l->nslots++;
		l->slots = xreallocarray(l->slots, l->nslots, sizeof(*l->slots));
		l->slots[n] = (struct slot){0};
	}
	l->slots[n].watch = w;
	return n;
}

static void slot_drop(struct loop *l, uint32_t n)
{
	l->slots[n].watch = NULL;
	l->slots[n].generation++;
	l->slots[n].next_free = l->free_slot;
	l->free_slot = n;
}

/* The events count as set only when epoll took them: a caller that tries again must not find them "the
 * same", which would leave the descriptor deaf. */
static int control(struct loop_watch *w, int op, uint32_t events, struct err *err)
{
	uint64_t generation = w->loop->slots[w->slot].generation;
	struct epoll_event ev = {.events = events, .data.u64 = generation << 32 | w->slot};

	if (epoll_ctl(w->loop->epfd, op, w->fd, &ev) < 0)
		return err_errno(err, "loop: watch descriptor %d", w->fd);
	w->events = events;
	return 0;
}

int loop_watch_new(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *arg,
		   struct loop_watch **ret, struct err *err)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));

	*w = (struct loop_watch){.loop = l, .fd = fd, .fn = fn, .arg = arg};
	w->slot = slot_take(l, w);
	if (control(w, EPOLL_CTL_ADD, events, err) < 0) {
		slot_drop(l, w->slot);
		free(w);
		return -1;
	}
	*ret = w;
	return 0;
}

int loop_watch_set(struct loop_watch *w, uint32_t events, struct err *err)
{
	return events == w->events ? 0 : control(w, EPOLL_CTL_MOD, events, err);
}

void loop_watch_free(struct loop_watch *w)
{
	if (!w)
		return;
	epoll_ctl(w->loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	slot_drop(w->loop, w->slot);
	free(w);
}

static void dispatch(struct loop *l, const struct epoll_event *ev)
{
	uint32_t n = (uint32_t)ev->data.u64;
	const struct slot *s = &l->slots[n];

	if (s->watch && s->generation == (uint32_t)(ev->data.u64 >> 32))
		s->watch->fn(s->watch->arg, ev->events);
}

/* --- a turn --- */

static int wait_time(struct loop *l, int timeout_ms)
{
	int64_t due = timers_next(&l->timers), now, left;

	if (due == INT64_MAX)
		return timeout_ms;
	now = l->clock->mono_ms(l->clock);
	left = due <= now ? 0 : due - now;
	if (left > INT_MAX)
		left = INT_MAX;
	return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

int loop_turn(struct loop *l, int timeout_ms, struct err *err)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(l->epfd, events, BATCH, wait_time(l, timeout_ms));

	if (n < 0 && errno != EINTR)
		return err_errno(err, "loop: epoll_wait");
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	timers_fire(&l->timers);
	if (l->hook)
		l->hook(l->hook_arg);
	return 0;
}

int loop_run(struct loop *l, struct err *err)
{
	while (!l->stopping)
		if (loop_turn(l, -1, err) < 0)
			return -1;
	l->stopping = false;
	return 0;
}

/* --- timers: the handles --- */

struct loop_timer *loop_timer_new(struct loop *l, loop_fn fn, void *arg)
{
	return timer_new(&l->timers, fn, arg);
}

/* --- signals --- */

static void on_signal(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo si;

	(void)events;
	while (read(l->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		const struct signal_entry *e = &l->signals[si.ssi_signo];

		if (e->fn)
			e->fn(e->arg, (int)si.ssi_signo);
	}
}

int loop_signal(struct loop *l, int signo, loop_signal_fn fn, void *arg, struct err *err)
{
	sigset_t one;
	int fd;

	if (signo <= 0 || signo >= NSIG || signo == SIGKILL || signo == SIGSTOP)
		return err_set(err, ERR_INTERNAL, "loop: signal %d cannot be handled", signo);
	sigemptyset(&one);
	sigaddset(&one, signo);
	sigaddset(&l->sigset, signo);
	if (sigprocmask(SIG_BLOCK, &one, NULL) < 0)
		return err_errno(err, "loop: block signal %d", signo);
	fd = signalfd(l->sigfd, &l->sigset, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(err, "loop: signalfd for signal %d", signo);
	l->sigfd = fd;
	l->signals[signo] = (struct signal_entry){fn, arg};
	if (l->sigwatch)
		return 0;
	return loop_watch_new(l, fd, EPOLLIN, on_signal, l, &l->sigwatch, err);
}

/* --- processes --- */

/* The wait status as waitpid() would give it: by pidfd no other process can be meant, even when the
 * number has been given out again. -1 for a stranger's child, -2 while it still runs. */
static int reap(int pidfd)
{
	siginfo_t si = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG) < 0)
		return -1;
	if (!si.si_pid)
		return -2;
	if (si.si_code == CLD_EXITED)
		return W_EXITCODE(si.si_status & 0xff, 0);
	return W_EXITCODE(0, si.si_status) | (si.si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

static void child_release(struct loop_child *c)
{
	loop_watch_free(c->watch);
	close(c->pidfd);
	free(c);
}

static void abandoned_remove(struct loop_child *c)
{
	struct loop_child **at = &c->loop->abandoned;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

static void on_pidfd(void *arg, uint32_t events)
{
	struct loop_child *c = arg;
	int status = reap(c->pidfd);

	(void)events;
	if (status == -2)
		return;
	if (!c->fn) {
		abandoned_remove(c);
		child_release(c);
		return;
	}
	loop_watch_free(steal(&c->watch)); /* once, also when its owner keeps the object */
	c->fn(c->arg, c->pid, status);
}

int loop_child_new(struct loop *l, pid_t pid, loop_child_fn fn, void *arg, struct loop_child **ret,
		   struct err *err)
{
	struct loop_child *c;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno == ESRCH)
		return err_set(err, ERR_NOT_FOUND, "watch process %d: there is none", (int)pid);
	if (fd < 0)
		return err_errno(err, "watch process %d", (int)pid);
	c = xcalloc(1, sizeof(*c));
	*c = (struct loop_child){.loop = l, .pid = pid, .pidfd = fd, .fn = fn, .arg = arg};
	if (loop_watch_new(l, fd, EPOLLIN, on_pidfd, c, &c->watch, err) < 0) {
		child_release(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void loop_child_free(struct loop_child *c)
{
	if (!c)
		return;
	if (!c->watch || reap(c->pidfd) != -2) {
		child_release(c);
		return;
	}
	c->fn = NULL;
	c->next = c->loop->abandoned;
	c->loop->abandoned = c;
}
