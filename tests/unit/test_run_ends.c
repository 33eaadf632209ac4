/* test_run_ends.c - run directories and their states: repeated starts, killed keepers, halt. */
#include "run_fixture.h"
#include "unpriv.h"

#include "runner/record.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void create_is_repeatable(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(strvec_release) struct strvec all = STRVEC_INIT;

	fx_spec(f, &s, "true");
	s.input = xstrdup("prompt");
	s.input_len = 6;
	assert_int_equal(fx_state(f, s.id), RUN_STATE_ABSENT);
	assert_int_equal(run_list(f->runs, &all, NULL), 0);
	assert_int_equal(all.n, 0);
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	assert_int_equal(fx_state(f, s.id), RUN_STATE_CREATED);
	s.input[0] = 'P';
	assert_int_equal(run_create(f->runs, &s, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	s.input[0] = 'p';
	s.limits.procs = 3;
	assert_int_equal(run_create(f->runs, &s, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(run_list(f->runs, &all, NULL), 0);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.v[0], s.id);
	assert_int_equal(run_remove(f->runs, s.id, NULL), 0);
	assert_int_equal(run_remove(f->runs, s.id, NULL), 0);
	assert_int_equal(fx_state(f, s.id), RUN_STATE_ABSENT);
}

static void refuses(struct fx *f, struct run_spec *s, enum err_code code, const char *words)
{
	cleanup(err_release) struct err err = ERR_INIT;

	assert_int_equal(run_create(f->runs, s, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("found '%s', expected '%s' in it", err.text, words);
}

static void bad_specs_are_refused(void **state)
{
	struct fx *f = *state;
	char long_id[66];
	const char *const ids[] = {"", ".", "..", "a/b", "a b", "a\n", long_id};
	cleanup(run_spec_release) struct run_spec s;

	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	fx_spec(f, &s, "true");
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		free(s.id);
		s.id = xstrdup(ids[i]);
		refuses(f, &s, ERR_INPUT, "id");
	}
	free(s.id);
	s.id = xstrdup("ok");
	free(s.workdir);
	s.workdir = xstrdup("relative");
	refuses(f, &s, ERR_INPUT, "absolute");
	free(s.workdir);
	s.workdir = xstrdup("/tmp/../etc");
	refuses(f, &s, ERR_INPUT, "'..'");
	free(s.workdir);
	s.workdir = xstrdup(f->work);
	strvec_push(&s.env, "NO VALUE");
	refuses(f, &s, ERR_INPUT, "NAME=value");
	strvec_release(&s.env);
	strvec_push(&s.env_pass, "A=B");
	refuses(f, &s, ERR_INPUT, "env_pass");
	strvec_release(&s.env_pass);
	s.limits.procs = -1;
	refuses(f, &s, ERR_INPUT, "procs");
	s.limits.procs = 0;
	strvec_push(&s.argv, "\xff");
	refuses(f, &s, ERR_INPUT, "UTF-8");
	strvec_release(&s.argv);
	refuses(f, &s, ERR_INPUT, "argv");
}

static void specs_come_back_as_written(void **state)
{
	cleanup(run_spec_release) struct run_spec s;
	cleanup(run_spec_release) struct run_spec back = {0};
	cleanup(err_release) struct err err = ERR_INIT;
	autojson json_t *o = NULL;
	autojson json_t *again = NULL;

	fx_spec(*state, &s, "echo \"ä\"\n");
	s.gitdir = xstrdup("/g");
	s.objects = xstrdup("/o");
	s.binds = xcalloc(1, sizeof(*s.binds));
	s.nbinds = 1;
	s.binds[0] = (struct run_bind){xstrdup("/f"), xstrdup("/t"), true};
	strvec_push(&s.env, "A=b=c");
	strvec_push(&s.env_pass, "KEY");
	s.network = RUN_NET_HOST;
	s.limits = (struct run_limits){1, 2, 3, 4, 5, 6, 7, 8, 9};
	o = run_spec_json(&s);
	if (run_spec_read(o, &back, &err) < 0)
		fail_msg("%s", err_text(&err));
	again = run_spec_json(&back);
	assert_true(json_equal(o, again));
	assert_memory_equal(&s.limits, &back.limits, sizeof(s.limits));
}

static void exit_records_come_back(void **state)
{
	(void)state;
	for (int i = RUN_EXITED; i <= RUN_LOST; i++) {
		struct run_exit e = {
			.outcome = (enum run_outcome)i,
			.code = 1,
			.signo = 2,
			.started_ms = 3,
			.ended_ms = 4,
			.cpu_ms = 5,
			.rss_bytes = 6,
			.out_bytes = 7,
		};
		cleanup(run_exit_release) struct run_exit back = {0};
		autojson json_t *o = NULL;
		autojson json_t *again = NULL;

		o = run_exit_json(&e);
		assert_int_equal(run_exit_read(o, &back, NULL), 0);
		assert_int_equal(back.outcome, e.outcome);
		again = run_exit_json(&back);
		assert_true(json_equal(o, again));
	}
}

/* A second start on a running and on an ended run does nothing. */
static void start_is_repeatable(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "echo once; while [ ! -e stop ]; do sleep 0.01; done");
	assert_true(fx_start(f, &s, NULL) > 1);
	assert_int_equal(fx_start(f, &s, NULL), 0);
	assert_int_equal(run_remove(f->runs, s.id, NULL), -1);
	fx_wait_out(f, s.id, "once");
	fx_write(f, "stop", "");
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_int_equal(fx_start(f, &s, NULL), 0);
	assert_string_equal(e.out, "once\n");
	assert_int_equal(run_remove(f->runs, s.id, NULL), 0);
}

/* Many processes start the same run at once: one keeper, one effect. */
static void starts_race(void **state)
{
	struct fx *f = *state;
	enum { STARTERS = 12, ROUNDS = 5 };

	for (int round = 0; round < ROUNDS; round++) {
		cleanup(run_spec_release) struct run_spec s;
		cleanup(fx_end_release) struct fx_end e = {0};
		pid_t starters[STARTERS];
		int started = 0;
		int fds[2];

		fx_spec(f, &s, "echo once; sleep 0.1");
		assert_int_equal(run_create(f->runs, &s, NULL), 0);
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		for (int i = 0; i < STARTERS; i++) {
			starters[i] = fork();
			if (starters[i] == 0) {
				pid_t pid = -1;
				char c;

				close(fds[1]);
				if (read(fds[0], &c, 1) != 0) /* all go when the pipe closes */
					_exit(3);
				if (run_start(f->runs, s.id, f->keeper, NULL, NULL, &pid, NULL) < 0)
					_exit(2);
				_exit(pid > 0);
			}
		}
		close(fds[0]);
		close(fds[1]);
		for (int i = 0; i < STARTERS; i++) {
			int status = 0;

			assert_int_equal(waitpid(starters[i], &status, 0), starters[i]);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
			started += WEXITSTATUS(status);
		}
		assert_int_equal(started, 1);
		fx_ended(f, s.id, &e);
		fx_expect(&s, &e, RUN_EXITED);
		assert_string_equal(e.out, "once\n");
	}
}

/* Probing takes the lock for a moment; a keeper that starts meanwhile must not be turned away. */
static void probing_does_not_hinder(void **state)
{
	struct fx *f = *state;
	pid_t prober = fork();

	if (prober == 0)
		for (;;)
			for (int i = 1; i <= 20; i++) {
				autofree char *id = xasprintf("t%d-%d", (int)getppid(), i);
				enum run_state st;

				run_probe(f->runs, id, &st, NULL, NULL, NULL);
			}
	for (int i = 0; i < 20; i++) {
		cleanup(run_spec_release) struct run_spec s;
		cleanup(fx_end_release) struct fx_end e = {0};

		fx_spec(f, &s, "true");
		fx_run(f, &s, NULL, &e);
		fx_expect(&s, &e, RUN_EXITED);
	}
	kill(prober, SIGKILL);
	waitpid(prober, NULL, 0);
}

/* The same without luck: somebody looks at the lock just when the keeper wants it. */
static void a_look_at_the_lock_is_waited_out(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *lock = NULL;
	int fds[2];
	pid_t looker;
	char c;

	fx_spec(f, &s, "true");
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	lock = run_path(f->runs, s.id, "lock");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	looker = fork();
	if (looker == 0) {
		int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (flock(fd, LOCK_SH) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		poll(NULL, 0, 15); /* well below what a keeper waits */
		_exit(0);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_true(fx_start(f, &s, NULL) > 0);
	waitpid(looker, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_EXITED);
}

static void kill_ends_with_the_reason(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"trap '' TERM INT HUP; (setsid sh -c 'sleep 300' $0 &); echo up; "
		"while :; do sleep 1; done");
	fx_start(f, &s, NULL);
	fx_wait_out(f, s.id, "up");
	assert_int_equal(run_kill(f->runs, s.id, "cancelled by alice", NULL), 0);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_KILLED);
	assert_string_equal(e.e.detail, "cancelled by alice");
	assert_true(e.e.started_ms > 0);
	assert_int_equal(run_kill(f->runs, s.id, "again", NULL), 0);
}

static void kill_before_the_start(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "touch ran");
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	assert_int_equal(run_kill(f->runs, s.id, "not needed", NULL), 0);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_KILLED);
	assert_string_equal(e.e.detail, "not needed");
	assert_int_equal(e.e.started_ms, 0);
	assert_int_equal(fx_start(f, &s, NULL), 0);
	assert_string_equal(e.out, "");
}

static pid_t keeper_of(struct fx *f, const char *id)
{
	enum run_state st;
	pid_t pid = 0;

	assert_int_equal(run_probe(f->runs, id, &st, &pid, NULL, NULL), 0);
	assert_int_equal(st, RUN_STATE_RUNNING);
	return pid;
}

static void wait_gone(const char *mark)
{
	for (int64_t end = fx_now() + PATIENT_MS; fx_processes(mark) > 0; poll(NULL, 0, 2))
		if (fx_now() > end)
			fail_msg("processes of %s are left", mark);
}

static void killed_keeper_takes_its_tree(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;

	fx_spec(f, &s,
		"(setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' $0 &); echo up; "
		"sleep 300");
	fx_start(f, &s, NULL);
	fx_wait_out(f, s.id, "up");
	while (fx_processes(s.argv.v[3]) < 2)
		usleep(1000); /* the one behind "&" may not be there yet */
	assert_int_equal(kill(keeper_of(f, s.id), SIGKILL), 0);
	wait_gone(s.argv.v[3]);
	fx_wait_state(f, s.id, RUN_STATE_LOST);
	assert_int_equal(fx_start(f, &s, NULL), 0); /* never a second time */
	assert_int_equal(fx_state(f, s.id), RUN_STATE_LOST);
}

/* Killed at any moment of the start, too. */
static void keeper_killed_while_starting(void **state)
{
	struct fx *f = *state;

	for (int i = 0; i < 80; i++) {
		cleanup(run_spec_release) struct run_spec s;
		struct timespec wait = {0, i * 500000L}; /* bubblewrap is at work from 2 to 12 ms */
		pid_t pid;

		fx_spec(f, &s, "while :; do sleep 1; done");
		pid = fx_start(f, &s, NULL);
		nanosleep(&wait, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		fx_wait_state(f, s.id, RUN_STATE_LOST);
		wait_gone(s.argv.v[3]);
		wait_gone(s.id); /* bubblewrap names the folders, not the id; the keeper does */
	}
	wait_gone(f->work); /* bubblewrap */
}

static void keeper_outlives_its_starter(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	pid_t pid;
	pid_t starter;

	fx_spec(f, &s, "echo up; while [ ! -e stop ]; do sleep 0.01; done; echo down");
	starter = fork();
	if (starter == 0) {
		setsid();
		fx_start(f, &s, NULL);
		kill(0, SIGKILL); /* the whole group, as a service manager might */
	}
	waitpid(starter, NULL, 0);
	fx_wait_out(f, s.id, "up");
	pid = keeper_of(f, s.id);
	kill(pid, SIGTERM);
	kill(pid, SIGHUP);
	assert_int_equal(getsid(pid), pid);
	fx_write(f, "stop", "");
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "up\ndown\n");
}

/* A daemon that was started with `nice` is not refused its runs. */
static void starts_from_a_low_priority(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	pid_t starter;

	fx_spec(f, &s, "nice");
	starter = fork();
	if (starter == 0) {
		if (setpriority(PRIO_PROCESS, 0, 15) == 0)
			fx_start(f, &s, NULL);
		_exit(0);
	}
	waitpid(starter, NULL, 0);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "15\n");
}

static int64_t rss_anon(pid_t pid)
{
	autofree char *path = xasprintf("/proc/%d/status", (int)pid);
	char text[4096];
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *p;

	assert_true(n > 0);
	text[n] = '\0';
	p = strstr(text, "RssAnon:");
	assert_non_null(p);
	return strtoll(p + 8, NULL, 10) * 1024;
}

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature) /* clang's way to say it */
#define WITH_ASAN __has_feature(address_sanitizer)
#else
#define WITH_ASAN 0
#endif

static void keeper_is_small(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "yes 0123456789 | head -c 4000000; echo up; sleep 300");
	fx_start(f, &s, NULL);
	fx_wait_out(f, s.id, "up");
#if !WITH_ASAN
	assert_true(rss_anon(keeper_of(f, s.id)) < 3 << 20);
#else
	assert_true(rss_anon(keeper_of(f, s.id)) > 0);
#endif
	/* Nothing of it writes while its folder is taken away. */
	assert_int_equal(run_halt_all(f->data, "test", PATIENT_MS, NULL), 0);
	fx_ended(f, s.id, &e);
}

static void halted_machine_starts_nothing(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(fx_end_release) struct fx_end e = {0};
	const char *argv[4] = {f->keeper, f->runs, NULL, NULL};
	struct child_opts o = {.file = f->keeper, .argv = (char *const *)argv};

	fx_spec(f, &s, "echo ran");
	argv[2] = s.id;
	assert_int_equal(run_halted(f->data, NULL), 0);
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	assert_int_equal(run_halt_all(f->data, "alice", 1000, NULL), 0);
	assert_int_equal(run_halted(f->data, NULL), 1);
	assert_int_equal(run_start(f->runs, s.id, f->keeper, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_STATE);
	/* and the keeper itself, started by somebody who did not look */
	assert_int_equal(child_run(&o, NULL, 0, 1000, 5000, NULL, NULL), 1);
	assert_int_equal(fx_state(f, s.id), RUN_STATE_CREATED);
	assert_int_equal(run_halt_clear(f->data, NULL), 0);
	assert_int_equal(run_halt_clear(f->data, NULL), 0);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "ran\n");
}

/* The number in the design is 100; YARD_HALT_RUNS sets another for small machines. How long it takes is
 * tests/bench/bench_runs.sh's to say. */
static void halt_answers_when_everything_is_gone(void **state)
{
	struct fx *f = *state;
	const char *wanted = getenv("YARD_HALT_RUNS");
	int n = wanted ? atoi(wanted) : 100;
	autofree char *mark = xasprintf("mark-%d-", (int)getpid());
	struct run_spec *s = xcalloc((size_t)n, sizeof(*s));
	int left;

	for (int i = 0; i < n; i++) {
		fx_spec(f, &s[i],
			"trap '' TERM INT; (setsid sh -c 'sleep 300' $0 &); echo up; sleep 300");
		fx_start(f, &s[i], NULL);
	}
	for (int i = 0; i < n; i++)
		fx_wait_out(f, s[i].id, "up");
	assert_true(fx_processes(mark) >= 2 * n);
	left = run_halt_all(f->data, "bob", PATIENT_MS, NULL);
	assert_int_equal(left, 0);
	assert_int_equal(fx_processes(mark), 0); /* at the very moment of the answer */
	for (int i = 0; i < n; i++) {
		cleanup(fx_end_release) struct fx_end e = {0};

		fx_ended(f, s[i].id, &e);
		assert_int_equal(e.e.outcome, RUN_KILLED);
		assert_string_equal(e.e.detail, "halted by bob");
		run_spec_release(&s[i]);
	}
	free(s);
}

/* The trees are ended from outside: a keeper that does not get its turn hinders nothing, and says so later. */
static void halt_does_not_wait_for_keepers(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	pid_t pid;

	fx_spec(f, &s, "echo up; sleep 300");
	fx_start(f, &s, NULL);
	fx_wait_out(f, s.id, "up");
	pid = keeper_of(f, s.id);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(run_halt_all(f->data, "bob", PATIENT_MS, NULL), 0);
	assert_int_equal(fx_processes(s.argv.v[3]), 0);
	assert_int_equal(kill(pid, SIGCONT), 0);
	fx_ended(f, s.id, &e);
	assert_int_equal(e.e.outcome, RUN_KILLED);
	assert_string_equal(e.e.detail, "halted by bob");
}

/* Without bubblewrap's walls nothing runs: here, a worktree that is gone. */
static void no_walls_no_run(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "echo ran");
	free(s.workdir);
	s.workdir = path_join(f->base, "missing");
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_NOT_STARTED);
	assert_string_equal(e.out, "");
	assert_non_null(strstr(e.e.detail, s.workdir));
}

static void torn_directory(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *in = NULL;

	fx_spec(f, &s, "cat");
	s.input = xstrdup("prompt");
	s.input_len = 6;
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	in = run_path(f->runs, s.id, "stdin");
	assert_int_equal(truncate(in, 3), 0);
	assert_int_equal(run_start(f->runs, s.id, f->keeper, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CORRUPT);
	assert_int_equal(run_start(f->runs, "none", f->keeper, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
		T(create_is_repeatable),
		T(bad_specs_are_refused),
		T(specs_come_back_as_written),
		T(exit_records_come_back),
		T(start_is_repeatable),
		T(starts_race),
		T(probing_does_not_hinder),
		T(a_look_at_the_lock_is_waited_out),
		T(kill_ends_with_the_reason),
		T(kill_before_the_start),
		T(killed_keeper_takes_its_tree),
		T(keeper_killed_while_starting),
		T(keeper_outlives_its_starter),
		T(starts_from_a_low_priority),
		T(keeper_is_small),
		T(halted_machine_starts_nothing),
		T(halt_answers_when_everything_is_gone),
		T(halt_does_not_wait_for_keepers),
		T(no_walls_no_run),
		T(torn_directory),
#undef T
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
