/* test_loop.c - descriptors, timers, signals and processes in one loop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "patience.h"
#include "sys/child.h"
#include "sys/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY  10000
#define PIPES 50

/* A clock that is turned by hand. */
struct hand {
	struct clock clock;
	int64_t now;
};

static int64_t hand_ms(struct clock *c)
{
	return ((struct hand *)c)->now;
}

struct fixture {
	struct hand hand;
	struct loop *loop;
	struct err err;
	struct loop_timer *timers[MANY];
	struct loop_watch *watches[PIPES];
	int pipes[PIPES][2];
	struct loop_child *child;
	size_t calls, hooks;
	int64_t order[MANY]; /* what was called, in order */
	int last_signal, last_status;
	pid_t last_pid;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->hand = (struct hand){{hand_ms, hand_ms}, 1000};
	*state = f;
	return loop_new(&f->hand.clock, &f->loop, &f->err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < MANY; i++)
		loop_timer_free(f->timers[i]);
	for (size_t i = 0; i < PIPES; i++)
		loop_watch_free(f->watches[i]);
	for (size_t i = 0; i < PIPES; i++)
		if (f->pipes[i][1]) {
			close(f->pipes[i][0]);
			close(f->pipes[i][1]);
		}
	loop_child_free(f->child);
	loop_free(f->loop);
	err_release(&f->err);
	free(f);
	return 0;
}

static void turn(struct fixture *f, int timeout_ms)
{
	if (loop_turn(f->loop, timeout_ms, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static void on_ready(void *arg, uint32_t events)
{
	struct fixture *f = arg;

	(void)events;
	f->calls++;
}

/* --- timers --- */

struct tick {
	struct fixture *f;
	int64_t id;
};

static struct tick ticks[MANY];

static void on_tick(void *arg)
{
	struct tick *t = arg;

	t->f->order[t->f->calls++] = t->id;
}

static void add_tick(struct fixture *f, size_t i, int64_t at)
{
	ticks[i] = (struct tick){f, (int64_t)i};
	f->timers[i] = loop_timer_new(f->loop, on_tick, &ticks[i]);
	loop_timer_set(f->timers[i], at);
}

static void timers_fire_in_order(void **state)
{
	struct fixture *f = *state;
	static const int64_t at[] = {1030, 1010, 1020, 1010, 500, 1010};
	static const int64_t want[] = {4, 1, 3, 5, 2};

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		add_tick(f, i, at[i]);
	turn(f, 0);
	assert_int_equal(f->calls, 1); /* only the overdue one */
	f->hand.now = 1029;
	turn(f, 0);
	assert_int_equal(f->calls, ARRAY_LEN(want));
	assert_memory_equal(f->order, want, sizeof(want));
	turn(f, 0);
	assert_int_equal(f->calls, ARRAY_LEN(want)); /* each once */
	f->hand.now = 1030;
	turn(f, 0);
	assert_int_equal(f->order[f->calls - 1], 0);
}

static void timers_are_stopped_and_moved(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 5; i++)
		add_tick(f, i, 1010 + (int64_t)i);
	loop_timer_stop(f->timers[1]);
	loop_timer_stop(f->timers[1]);
	loop_timer_set(f->timers[0], 1050);
	loop_timer_in(f->timers[4], 1);
	f->hand.now = 1040;
	turn(f, 0);
	assert_int_equal(f->calls, 3);
	assert_int_equal(f->order[0], 4);
	assert_int_equal(f->order[1], 2);
	assert_int_equal(f->order[2], 3);
	loop_timer_in(f->timers[2], INT64_MAX); /* never, without overflow */
	f->hand.now = 1060;
	turn(f, 0);
	assert_int_equal(f->calls, 4);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static void ten_thousand_timers(void **state)
{
	static int64_t at[MANY];
	struct fixture *f = *state;
	uint64_t seed = 3;
	size_t stopped = 0;

	for (size_t i = 0; i < MANY; i++) {
		at[i] = 1001 + next_random(&seed) % 5000;
		add_tick(f, i, at[i]);
	}
	for (size_t i = 0; i < MANY; i += 3) {
		at[i] = 1001 + next_random(&seed) % 5000;
		loop_timer_set(f->timers[i], at[i]);
	}
	for (size_t i = 0; i < MANY; i += 7, stopped++)
		loop_timer_stop(f->timers[i]);
	while (f->hand.now < 6100) {
		f->hand.now += 100;
		turn(f, 0);
	}
	assert_int_equal(f->calls, MANY - stopped);
	for (size_t i = 0; i < f->calls; i++) {
		assert_int_not_equal(f->order[i] % 7, 0);
		if (i)
			assert_true(at[f->order[i - 1]] <= at[f->order[i]]);
	}
}

static void on_free_all_timers(void *arg)
{
	struct tick *t = arg;
	struct fixture *f = t->f;

	f->calls++;
	for (size_t i = 0; i < 10; i++) {
		loop_timer_free(f->timers[i]);
		f->timers[i] = NULL;
	}
}

/* All are due in one turn; the first to be called frees all, itself included. */
static void timers_are_freed_inside(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 10; i++) {
		ticks[i] = (struct tick){f, 0};
		f->timers[i] = loop_timer_new(f->loop, on_free_all_timers, &ticks[i]);
		loop_timer_set(f->timers[i], 900);
	}
	turn(f, 0);
	assert_int_equal(f->calls, 1);
	turn(f, 0);
	assert_int_equal(f->calls, 1);
}

static void on_rearm(void *arg)
{
	struct tick *t = arg;

	t->f->calls++;
	loop_timer_set(t->f->timers[0], 0);
}

/* A timer that always arms itself for the past fires once a turn and starves nobody. */
static void timer_armed_inside_waits_a_turn(void **state)
{
	struct fixture *f = *state;

	ticks[0] = (struct tick){f, 0};
	f->timers[0] = loop_timer_new(f->loop, on_rearm, &ticks[0]);
	loop_timer_set(f->timers[0], 0);
	for (size_t i = 1; i < 5; i++) {
		turn(f, -1); /* and it does not wait: something is due */
		assert_int_equal(f->calls, i);
	}
}

/* --- descriptors --- */

static void open_pipe(struct fixture *f, size_t i, loop_fd_fn fn, void *arg)
{
	assert_int_equal(pipe2(f->pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
	if (loop_watch_new(f->loop, f->pipes[i][0], EPOLLIN, fn, arg, &f->watches[i], &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static void on_readable(void *arg, uint32_t events)
{
	struct tick *t = arg;
	char c;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(t->f->pipes[t->id][0], &c, 1), 1);
	t->f->order[t->f->calls++] = t->id;
}

static void on_hook(void *arg)
{
	struct fixture *f = arg;

	f->hooks++;
	f->order[f->calls++] = -1;
}

static void descriptors_and_the_turn_hook(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		ticks[i] = (struct tick){f, (int64_t)i};
		open_pipe(f, i, on_readable, &ticks[i]);
	}
	add_tick(f, 5, 0);
	ticks[5].id = 5;
	loop_set_turn_hook(f->loop, on_hook, f);
	assert_int_equal(write(f->pipes[1][1], "x", 1), 1);
	turn(f, PATIENT_MS);
	/* descriptor, timer, hook: in this order, each once */
	assert_int_equal(f->calls, 3);
	assert_int_equal(f->order[0], 1);
	assert_int_equal(f->order[1], 5);
	assert_int_equal(f->order[2], -1);
	assert_int_equal(loop_watch_set(f->watches[0], 0, &f->err), 0);
	assert_int_equal(write(f->pipes[0][1], "x", 1), 1);
	turn(f, 0);
	assert_int_equal(f->calls, 4); /* the hook alone */
	assert_int_equal(loop_watch_set(f->watches[0], EPOLLIN, &f->err), 0);
	turn(f, PATIENT_MS);
	assert_int_equal(f->order[4], 0);
	loop_set_turn_hook(f->loop, NULL, NULL);
	turn(f, 0);
	assert_int_equal(f->hooks, 3);
}

static void on_free_all_watches(void *arg, uint32_t events)
{
	struct fixture *f = arg;

	(void)events;
	f->calls++;
	for (size_t i = 0; i < PIPES; i++) {
		loop_watch_free(f->watches[i]);
		f->watches[i] = NULL;
	}
}

/* All are ready in one batch; the first frees all. */
static void watches_are_freed_inside(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < PIPES; i++) {
		open_pipe(f, i, on_free_all_watches, f);
		assert_int_equal(write(f->pipes[i][1], "x", 1), 1);
	}
	turn(f, PATIENT_MS);
	assert_int_equal(f->calls, 1);
	turn(f, 0);
	assert_int_equal(f->calls, 1);
}

static void on_never(void *arg, uint32_t events)
{
	(void)events;
	(void)arg;
	fail_msg("an event of a freed watch reached the new one in its place");
}

static void on_replace(void *arg, uint32_t events)
{
	struct fixture *f = arg;
	int idle[2];

	(void)events;
	if (f->calls++)
		return;
	/* The others' places are taken at once by watches on which nothing ever happens. */
	for (size_t i = 0; i < 2; i++) {
		loop_watch_free(f->watches[i]);
		f->watches[i] = NULL;
	}
	for (size_t i = 2; i < 4; i++) {
		assert_int_equal(pipe(idle), 0);
		f->pipes[i][0] = idle[0];
		f->pipes[i][1] = idle[1];
		assert_int_equal(loop_watch_new(f->loop, idle[0], EPOLLIN, on_never, f,
						&f->watches[i], &f->err),
				 0);
	}
}

static void stale_events_reach_nobody(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		open_pipe(f, i, on_replace, f);
		assert_int_equal(write(f->pipes[i][1], "x", 1), 1);
	}
	turn(f, PATIENT_MS);
	assert_int_equal(f->calls, 1);
}

static void bad_descriptor_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct loop_watch *w = NULL;

	assert_int_equal(loop_watch_new(f->loop, 9999, EPOLLIN, on_never, f, &w, &f->err), -1);
	assert_null(w);
	assert_non_null(strstr(err_text(&f->err), "9999"));
	open_pipe(f, 0, on_never, f); /* the slot is usable again */
	turn(f, 0);
}

/* --- signals --- */

static void on_signal(void *arg, int signo)
{
	struct fixture *f = arg;

	f->last_signal = signo;
	f->calls++;
	if (signo == SIGTERM)
		loop_stop(f->loop);
}

static void signals_come_through_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_signal(f->loop, SIGUSR1, on_signal, f, &f->err), 0);
	assert_int_equal(loop_signal(f->loop, SIGTERM, on_signal, f, &f->err), 0);
	kill(getpid(), SIGUSR1);
	turn(f, PATIENT_MS);
	assert_int_equal(f->last_signal, SIGUSR1);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGTERM);
	assert_int_equal(loop_run(f->loop, &f->err), 0);
	assert_int_equal(f->calls, 3);
	assert_int_equal(loop_signal(f->loop, SIGUSR1, NULL, NULL, &f->err), 0);
	kill(getpid(), SIGUSR1); /* would end us were it not blocked */
	turn(f, PATIENT_MS);
	assert_int_equal(f->calls, 3);
	assert_int_equal(loop_signal(f->loop, SIGKILL, on_signal, f, &f->err), -1);
	assert_int_equal(loop_signal(f->loop, 0, on_signal, f, &f->err), -1);
}

/* --- processes --- */

static void on_child(void *arg, pid_t pid, int status)
{
	struct fixture *f = arg;

	f->calls++;
	f->last_pid = pid;
	f->last_status = status;
	loop_child_free(f->child);
	f->child = NULL;
}

static void watch_child(struct fixture *f, pid_t pid)
{
	f->last_status = -99;
	f->calls = 0;
	if (loop_child_new(f->loop, pid, on_child, f, &f->child, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static void await_child(struct fixture *f, pid_t pid)
{
	turn(f, PATIENT_MS);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->last_pid, pid);
	turn(f, 0);
	assert_int_equal(f->calls, 1);
}

static void own_children_have_a_status(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();

	if (!pid)
		_exit(42);
	watch_child(f, pid);
	await_child(f, pid);
	assert_true(WIFEXITED(f->last_status));
	assert_int_equal(WEXITSTATUS(f->last_status), 42);
	assert_int_equal(waitpid(pid, NULL, 0), -1); /* it has been reaped */

	pid = fork();
	while (!pid)
		pause();
	watch_child(f, pid);
	turn(f, 0);
	assert_int_equal(f->calls, 0);
	kill(pid, SIGKILL);
	await_child(f, pid);
	assert_true(WIFSIGNALED(f->last_status));
	assert_int_equal(WTERMSIG(f->last_status), SIGKILL);
}

/* One who ended before anybody watched is told all the same: it is not reaped yet. */
static void ended_children_are_told(void **state)
{
	struct fixture *f = *state;
	siginfo_t si;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	watch_child(f, pid);
	await_child(f, pid);
	assert_int_equal(f->last_status, 0);
	assert_int_equal(loop_child_new(f->loop, pid, on_child, f, &f->child, &f->err), -1);
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
}

/* A grandchild stands for a keeper whose daemon is gone. */
static void foreign_processes_are_told(void **state)
{
	struct fixture *f = *state;
	int told[2], hold[2];
	pid_t between, stranger = 0;
	char c;

	assert_int_equal(pipe(told) + pipe(hold), 0);
	between = fork();
	if (!between) {
		stranger = fork();
		if (!stranger) {
			close(hold[1]);
			_exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
		}
		_exit(write(told[1], &stranger, sizeof(stranger)) != sizeof(stranger));
	}
	assert_int_equal(waitpid(between, NULL, 0), between);
	assert_int_equal(read(told[0], &stranger, sizeof(stranger)), sizeof(stranger));
	watch_child(f, stranger);
	turn(f, 0);
	assert_int_equal(f->calls, 0);
	close(hold[1]);
	await_child(f, stranger);
	assert_int_equal(f->last_status, -1);
	close(told[0]);
	close(told[1]);
	close(hold[0]);
}

/* Waits until the process is neither running nor a zombie any more. */
static void await_reaped(struct fixture *f, pid_t pid)
{
	for (int i = 0; i < PATIENT_MS && kill(pid, 0) == 0; i++)
		turn(f, 1);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* An owner that loses interest (an idle role is told to end and forgotten) leaves no zombie. */
static void children_without_an_owner_are_reaped(void **state)
{
	struct fixture *f = *state;
	pid_t pids[3];

	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		while (!pids[i])
			pause();
		watch_child(f, pids[i]);
		loop_child_free(steal(&f->child));
	}
	turn(f, 0);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		kill(pids[(i + 1) % ARRAY_LEN(pids)], SIGKILL);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		await_reaped(f, pids[i]);
	assert_int_equal(f->calls, 0);
}

/* One that has ended already is reaped at once, and one that outlives the loop costs no memory. */
static void children_are_forgotten_in_any_state(void **state)
{
	struct fixture *f = *state;
	siginfo_t si;
	pid_t ended = fork(), running;

	if (!ended)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)ended, &si, WEXITED | WNOWAIT), 0);
	watch_child(f, ended);
	loop_child_free(steal(&f->child));
	assert_int_equal(waitpid(ended, NULL, WNOHANG), -1);
	running = fork();
	while (!running)
		pause();
	watch_child(f, running);
	loop_child_free(steal(&f->child));
	loop_free(f->loop);
	child_abort(running, false);
	assert_int_equal(loop_new(&f->hand.clock, &f->loop, &f->err), 0);
}

/* Events count as set only when epoll took them: what failed once is tried again. */
static void a_refused_change_of_events_is_tried_again(void **state)
{
	struct fixture *f = *state;
	int ends[2], other;

	assert_int_equal(pipe(ends), 0);
	f->pipes[0][0] = ends[0];
	f->pipes[0][1] = ends[1];
	assert_int_equal(loop_watch_new(f->loop, ends[1], 0, on_ready, f, &f->watches[0], &f->err),
			 0);
	other = dup(ends[1]);
	close(ends[1]); /* epoll no longer knows the number */
	assert_int_equal(loop_watch_set(f->watches[0], EPOLLOUT, &f->err), -1);
	assert_int_equal(dup2(other, ends[1]), ends[1]);
	close(other);
	assert_int_equal(loop_watch_set(f->watches[0], EPOLLOUT, &f->err), 0);
	turn(f, PATIENT_MS);
	assert_int_equal(f->calls, 1);
}

/* Its owner keeps the object: it is called once and does not keep the loop busy. */
static void on_child_kept(void *arg, pid_t pid, int status)
{
	struct fixture *f = arg;

	(void)pid;
	(void)status;
	f->calls++;
}

static void child_is_told_once(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(loop_child_new(f->loop, pid, on_child_kept, f, &f->child, &f->err), 0);
	turn(f, PATIENT_MS);
	turn(f, 0);
	turn(f, 0);
	assert_int_equal(f->calls, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timers_fire_in_order),
		TEST(timers_are_stopped_and_moved),
		TEST(ten_thousand_timers),
		TEST(timers_are_freed_inside),
		TEST(timer_armed_inside_waits_a_turn),
		TEST(descriptors_and_the_turn_hook),
		TEST(watches_are_freed_inside),
		TEST(stale_events_reach_nobody),
		TEST(bad_descriptor_is_an_error),
		TEST(signals_come_through_the_loop),
		TEST(own_children_have_a_status),
		TEST(ended_children_are_told),
		TEST(foreign_processes_are_told),
		TEST(child_is_told_once),
		TEST(children_without_an_owner_are_reaped),
		TEST(children_are_forgotten_in_any_state),
		TEST(a_refused_change_of_events_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
