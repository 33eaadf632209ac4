/*
 * cli_world.h - for tests of the command line: a folder, a fake daemon, and what was printed.
 *
 * The fake daemon is a process that takes one connection, keeps the request line, writes the bytes
 * that it was given and closes.
 */
#ifndef YM_TESTS_CLI_WORLD_H
#define YM_TESTS_CLI_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/local.h"
#include "patience.h"
#include "sys/fs.h"
#include "sys/usock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
	char dir[64];
	char *socket;
	int out_fd, err_fd, request_fd; /* files in memory */
	struct cli_out out;
	pid_t server;
	struct cli_entry_points entry;
	char *printed, *complained, *request; /* of the last world_run() */
};

static inline void world_close_all(struct world *w)
{
	close(w->out_fd);
	close(w->err_fd);
	close(w->request_fd);
}

static inline int world_set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");

	snprintf(w->dir, sizeof(w->dir), "%s/ym-cli-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	w->socket = path_join(w->dir, "socket");
	w->out_fd = memfd_create("out", MFD_CLOEXEC);
	w->err_fd = memfd_create("err", MFD_CLOEXEC);
	w->request_fd = memfd_create("request", MFD_CLOEXEC);
	assert_true(w->out_fd >= 0 && w->err_fd >= 0 && w->request_fd >= 0);
	cli_out_init(&w->out, w->out_fd, w->err_fd);
	w->entry.own = cli_daemon_own;
	w->entry.halt_here = cli_halt_here;
	/* Nothing of the developer's own set-up is seen. */
	setenv("HOME", w->dir, 1);
	setenv("YARDMASTER_SOCKET", w->socket, 1);
	unsetenv("YARDMASTER_CONFIG");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	signal(SIGPIPE, SIG_IGN);
	*state = w;
	return 0;
}

static inline int world_tear_down(void **state)
{
	struct world *w = *state;

	cli_out_release(&w->out);
	world_close_all(w);
	fs_remove_tree(w->dir, NULL);
	free(w->socket);
	free(w->printed);
	free(w->complained);
	free(w->request);
	free(w);
	return 0;
}

/* As on a terminal, `width` columns wide, without colours. */
static inline void world_terminal(struct world *w, size_t width)
{
	w->out.terminal = true;
	w->out.width = width;
}

static inline void world_serve_one(int listener, int request_fd, const char *answer, size_t n)
{
	char c;
	int fd = accept(listener, NULL, NULL);

	alarm(PATIENT_MS / 1000); /* a test that hangs must end */
	while (fd >= 0 && read(fd, &c, 1) == 1) {
		if (write(request_fd, &c, 1) != 1)
			_exit(1);
		if (c == '\n')
			break;
	}
	while (n) {
		ssize_t done = send(fd, answer, n, MSG_NOSIGNAL);

		if (done <= 0)
			break;
		answer += done;
		n -= (size_t)done;
	}
	_exit(0);
}

/* The next command finds a daemon that answers with these bytes. */
static inline void world_answer_bytes(struct world *w, const char *answer, size_t n)
{
	struct err err = ERR_INIT;
	int listener = -1;

	assert_int_equal(usock_listen(w->socket, 0600, &listener, &err), 0);
	assert_int_equal(fcntl(listener, F_SETFL, 0), 0); /* accept() is to wait */
	w->server = fork();
	assert_true(w->server >= 0);
	if (!w->server)
		world_serve_one(listener, w->request_fd, answer, n);
	close(listener);
}

static inline void world_answer(struct world *w, const char *answer)
{
	world_answer_bytes(w, answer, strlen(answer));
}

/* Everything in the file, which is empty afterwards. */
static inline char *world_take(int fd)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	ssize_t n;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, buf_room(&b, 4096), 4096)) > 0)
		buf_grown(&b, (size_t)n);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return buf_steal(&b);
}

static inline void world_end_server(struct world *w)
{
	int status;

	if (w->server <= 0)
		return;
	kill(w->server, SIGTERM); /* nobody came: it still waits */
	assert_int_equal(waitpid(w->server, &status, 0), w->server);
	unlink(w->socket);
	w->server = 0;
}

static inline int world_runv(struct world *w, int argc, char *const *argv)
{
	int rc = cli_run(argc, argv, &w->entry, &w->out);

	world_end_server(w);
	free(w->printed);
	free(w->complained);
	free(w->request);
	w->printed = world_take(w->out_fd);
	w->complained = world_take(w->err_fd);
	w->request = world_take(w->request_fd);
	return rc;
}

/* world_run(w, "issue", "create", ...) is the exit code. */
#define world_run(w, ...)                                                                          \
	({                                                                                         \
		const char *world_argv[] = {"yardmaster", __VA_ARGS__, NULL};                      \
		world_runv((w), (int)ARRAY_LEN(world_argv) - 1, (char *const *)world_argv);        \
	})

#define assert_contains(text, part)                                                                \
	do {                                                                                       \
		if (!strstr((text), (part)))                                                       \
			fail_msg("expected '%s' in: %s", (part), (text));                          \
	} while (0)

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

#endif
