/* test_child.c - what a child gets, what it does not, and how failures come back */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "patience.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOREVER (-1)
#define MB      ((size_t)1 << 20)

static char *const no_env[] = {NULL};

static int sh(const char *script, struct buf *out, struct err *err)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv, .envp = no_env};

	return child_run(&o, NULL, 0, MB, 20000, out, err);
}

static void environment_is_exact(void **state)
{
	char *argv[] = {(char *)"env", NULL};
	char *envp[] = {(char *)"A=1", (char *)"B=two words", NULL};
	struct child_opts o = {.file = "/usr/bin/env", .argv = argv, .envp = envp};
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	setenv("SECRET", "leaks", 1);
	assert_int_equal(child_run(&o, NULL, 0, MB, FOREVER, &out, &err), 0);
	assert_string_equal(out.s, "A=1\nB=two words\n");
	buf_reset(&out);
	o.envp = NULL;
	assert_int_equal(child_run(&o, NULL, 0, MB, FOREVER, &out, &err), 0);
	assert_string_equal(out.s, "");
}

/* The descriptors that the shell sees while its own listing is open through a builtin glob. */
static void descriptors_are_exact(void **state)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;
	int leak = open("/dev/zero", O_RDONLY); /* not close-on-exec, on purpose */
	int high = fcntl(leak, F_DUPFD, 200);

	(void)state;
	assert_true(leak >= 0 && high >= 200);
	assert_int_equal(sh("for f in /proc/$$/fd/*; do readlink $f; done | grep -c zero; "
			    "[ -e /proc/$$/fd/200 ] && echo leaked; "
			    "readlink /proc/$$/fd/0",
			    &out, &err),
			 0);
	assert_string_equal(out.s, "0\n/dev/null\n");
	close(leak);
	close(high);
}

static void wait_for_exit(pid_t pid, int code)
{
	cleanup(err_release) struct err err = ERR_INIT;
	int status = 0;

	assert_int_equal(child_wait(pid, &status, &err), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Sources and targets that cross: 50 wants to be 51 and 51 wants to be 50. */
static void descriptors_can_change_places(void **state)
{
	char one[] = "/tmp/ym-child-XXXXXX", two[] = "/tmp/ym-child-XXXXXX";
	char *argv[] = {(char *)"sh", (char *)"-c",
			(char *)"read c <&9; exec 3</proc/self/fd/50 4</proc/self/fd/51; read a "
				"<&3; read b <&4; [ $a$b$c = twoonetwo ]",
			NULL};
	struct child_fd fds[3];
	struct child_opts o = {.file = "/bin/sh", .argv = argv, .fds = fds, .nfds = ARRAY_LEN(fds)};
	cleanup(err_release) struct err err = ERR_INIT;
	int first, second, third;
	pid_t pid;

	(void)state;
	write_file(one, "one\n");
	write_file(two, "two\n");
	first = open(one, O_RDONLY | O_CLOEXEC);
	second = open(two, O_RDONLY | O_CLOEXEC);
	third = open(two, O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(first, 50), 50);
	assert_int_equal(dup2(second, 51), 51);
	fds[0] = (struct child_fd){.from = 50, .to = 51};
	fds[1] = (struct child_fd){.from = 51, .to = 50};
	fds[2] = (struct child_fd){.from = third, .to = 9};
	assert_int_equal(child_spawn(&o, &pid, &err), 0);
	wait_for_exit(pid, 0);
	close(first);
	close(second);
	close(third);
	close(50);
	close(51);
	unlink(one);
	unlink(two);
}

static void standard_descriptors_are_null(void **state)
{
	char *argv[] = {(char *)"sh", (char *)"-c",
			(char *)"for n in 0 1 2; do [ /proc/$$/fd/$n -ef /dev/null ] || "
				"exit $((n + 1)); done",
			NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv};
	cleanup(err_release) struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(child_spawn(&o, &pid, &err), 0);
	wait_for_exit(pid, 0);
}

static void bad_descriptors_are_reported(void **state)
{
	char *argv[] = {(char *)"true", NULL};
	struct child_fd fds[] = {{.from = 777, .to = 3}, {.from = -1, .to = 3}};
	struct child_opts o = {.file = "/bin/true", .argv = argv, .fds = fds, .nfds = 1};
	cleanup(err_release) struct err err = ERR_INIT;
	pid_t pid = -7;

	(void)state;
	assert_int_equal(child_spawn(&o, &pid, &err), -1);
	assert_non_null(strstr(err_text(&err), "777"));
	fds[0].from = -1;
	o.nfds = 2;
	assert_int_equal(child_spawn(&o, &pid, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_non_null(strstr(err_text(&err), "twice"));
	assert_int_equal(pid, -7);
}

static void exec_failures_come_back(void **state)
{
	char *argv[] = {(char *)"x", NULL};
	struct child_opts o = {.file = "/nowhere/x", .argv = argv};
	cleanup(err_release) struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(child_spawn(&o, &pid, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err_text(&err), "/nowhere/x"));
	o.file = "/etc/passwd";
	assert_int_equal(child_spawn(&o, &pid, &err), -1);
	assert_non_null(strstr(err_text(&err), strerror(EACCES)));
	o.file = "/bin/true";
	o.cwd = "/nowhere";
	assert_int_equal(child_spawn(&o, &pid, &err), -1);
	assert_non_null(strstr(err_text(&err), "/nowhere"));
	/* And none of them is left to reap. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void working_directory(void **state)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"pwd -P", NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv, .cwd = "/usr"};
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(child_run(&o, NULL, 0, MB, FOREVER, &out, &err), 0);
	o.cwd = NULL;
	assert_int_equal(child_run(&o, NULL, 0, MB, FOREVER, &out, &err), 0);
	assert_string_equal(out.s, "/usr\n/\n");
}

static void signals_are_reset(void **state)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;
	sigset_t some, before, now;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigaddset(&some, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &some, &before);
	assert_int_equal(sh("exec sed -n '/^Sig[BIC]/p' /proc/self/status", &out, &err), 0);
	assert_string_equal(out.s, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
				   "SigCgt:\t0000000000000000\n");
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGTERM), 1); /* ours is as it was */
	assert_int_equal(sigismember(&now, SIGPIPE), 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

/* Far more than a pipe holds goes in and comes out at once. */
static void input_of_megabytes(void **state)
{
	char *argv[] = {(char *)"cat", NULL};
	struct child_opts o = {.file = "/bin/cat", .argv = argv};
	size_t n = 5 * MB + 17;
	autofree char *input = xmalloc(n);
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < n; i++)
		input[i] = (char)(i * 31 >> 3);
	assert_int_equal(child_run(&o, input, n, n, 60000, &out, &err), 0);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.s, input, n);
}

/* A reader that stops early is no error, and SIGPIPE does not reach us. */
static void input_nobody_reads(void **state)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"exec 0<&-; echo done", NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv};
	size_t n = 4 * MB;
	autofree char *input = xcalloc(n, 1);
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(child_run(&o, input, n, MB, 60000, &out, &err), 0);
	assert_string_equal(out.s, "done\n");
	buf_reset(&out);
	assert_int_equal(child_run(&o, "", 0, MB, 60000, &out, &err), 0);
	assert_string_equal(out.s, "done\n");
}

static void output_has_a_limit(void **state)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"while :; do echo yyyyyyyy; done",
			NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv};
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(child_run(&o, NULL, 0, 100000, 60000, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_true(out.len <= 100000);
	/* One who floods standard error instead is stopped by the clock. */
	argv[2] = (char *)"while :; do echo yyyyyyyy; done >&2";
	buf_reset(&out);
	assert_int_equal(child_run(&o, NULL, 0, 100000, 300, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err_text(&err), "time limit"));
}

static void failure_says_why(void **state)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(sh("echo partial; for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i >&2; "
			    "done; exit 3",
			    &out, &err),
			 3);
	assert_string_equal(out.s, "partial\n");
	assert_non_null(strstr(err_text(&err), "exit code 3: line 3\nline 4"));
	assert_non_null(strstr(err_text(&err), "line 10"));
	assert_null(strstr(err_text(&err), "line 2\n"));
	assert_int_equal(sh("kill -SEGV $$", &out, &err), -1);
	assert_non_null(strstr(err_text(&err), "signal 11"));
}

/* The program's own child, which holds the pipe, goes with it. */
static void time_out_ends_the_group(void **state)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"sleep 1000 & echo $!; sleep 1000",
			NULL};
	struct child_opts o = {.file = "/bin/sh", .argv = argv};
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *proc = NULL;

	(void)state;
	assert_int_equal(child_run(&o, NULL, 0, MB, 500, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	buf_rtrim(&out);
	assert_true(out.len > 0);
	proc = xasprintf("/proc/%s/exe", out.s);
	/* Its death is asynchronous, and whoever reaps it is not us; a zombie has no exe. */
	for (int64_t end = clock_system.mono_ms(&clock_system) + PATIENT_MS;
	     access(proc, F_OK) == 0;)
		if (clock_system.mono_ms(&clock_system) > end)
			fail_msg("process %s outlived its group", out.s);
}

static void what_it_leaves_running_does_not_keep_us(void **state)
{
	cleanup(buf_release) struct buf out = BUF_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(sh("sleep 100000 & echo $!", &out, &err), 0);
	assert_int_equal(kill((pid_t)strtol(out.s, NULL, 10), SIGKILL), 0); /* it still runs */
}

static void new_session_and_its_absence(void **state)
{
	char *argv[] = {(char *)"sleep", (char *)"1000", NULL};
	struct child_opts o = {.file = "/bin/sleep", .argv = argv, .new_session = true};
	cleanup(err_release) struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(child_spawn(&o, &pid, &err), 0);
	assert_int_equal(getsid(pid), pid);
	assert_int_equal(getpgid(pid), pid);
	kill(pid, SIGKILL);
	assert_int_equal(child_wait(pid, NULL, &err), 0);
	o.new_session = false;
	assert_int_equal(child_spawn(&o, &pid, &err), 0);
	assert_int_equal(getsid(pid), getsid(0));
	kill(pid, SIGKILL);
	assert_int_equal(child_wait(pid, NULL, &err), 0);
}

/* A process in between starts the child and dies; the pipe that the child holds closes with it. */
static void dies_with_its_parent(void **state)
{
	char *argv[] = {(char *)"sleep", (char *)"1000", NULL};
	cleanup(err_release) struct err err = ERR_INIT;
	int ends[2];
	char c;
	pid_t between, pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	between = fork();
	if (!between) {
		struct child_fd fd = {.from = ends[1], .to = 3};
		struct child_opts o = {.file = "/bin/sleep",
				       .argv = argv,
				       .fds = &fd,
				       .nfds = 1,
				       .die_with_parent = true};

		_exit(child_spawn(&o, &pid, &err) < 0);
	}
	close(ends[1]);
	wait_for_exit(between, 0);
	assert_int_equal(read(ends[0], &c, 1), 0);
	close(ends[0]);
}

static void programs_are_found(void **state)
{
	cleanup(err_release) struct err err = ERR_INIT;
	autofree char *path = NULL;
	autofree char *self = NULL;

	(void)state;
	assert_int_equal(child_which("sh", "/nowhere:bin:/bin:/usr/bin", &path, &err), 0);
	assert_string_equal(path, "/bin/sh");
	assert_int_equal(child_which("no-such-program", "/bin", &self, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err_text(&err), "no-such-program"));
	assert_int_equal(child_which("passwd", "/etc", &self, &err), -1);    /* not executable */
	assert_int_equal(child_which("bin", "/", &self, &err), -1);          /* a folder */
	assert_int_equal(child_which("../bin/sh", "/usr", &self, &err), -1); /* a path */
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(child_self(&self, &err), 0);
	assert_non_null(strstr(self, "/test_child"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_is_exact),
		cmocka_unit_test(descriptors_are_exact),
		cmocka_unit_test(descriptors_can_change_places),
		cmocka_unit_test(standard_descriptors_are_null),
		cmocka_unit_test(bad_descriptors_are_reported),
		cmocka_unit_test(exec_failures_come_back),
		cmocka_unit_test(working_directory),
		cmocka_unit_test(signals_are_reset),
		cmocka_unit_test(input_of_megabytes),
		cmocka_unit_test(input_nobody_reads),
		cmocka_unit_test(output_has_a_limit),
		cmocka_unit_test(failure_says_why),
		cmocka_unit_test(time_out_ends_the_group),
		cmocka_unit_test(what_it_leaves_running_does_not_keep_us),
		cmocka_unit_test(new_session_and_its_absence),
		cmocka_unit_test(dies_with_its_parent),
		cmocka_unit_test(programs_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
