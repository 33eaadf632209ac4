/* test_usock.c - the daemon's socket: stale and live ones, modes, long paths, the peer */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sys/fs.h"
#include "sys/usock.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *dir, *path;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->dir = xstrdup("/tmp/ym-usock-XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	f->path = path_join(f->dir, "sock");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc = fs_remove_tree(f->dir, NULL);

	err_release(&f->err);
	free(f->path);
	free(f->dir);
	free(f);
	return rc;
}

static void must(struct fixture *f, int rc)
{
	if (rc < 0)
		fail_msg("%s", err_text(&f->err));
}

static void talks_and_names_the_peer(void **state)
{
	struct fixture *f = *state;
	int listener, client, server = -1;
	uid_t uid = 4711;
	char c = 0;

	must(f, usock_listen(f->path, 0600, &listener, &f->err));
	assert_int_equal(usock_accept(listener, &server, &f->err), 0);
	must(f, usock_connect(f->path, &client, &f->err));
	assert_int_equal(usock_accept(listener, &server, &f->err), 1);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(read(server, &c, 1), 1);
	must(f, usock_peer_uid(server, &uid, &f->err));
	assert_int_equal(uid, geteuid());
	assert_int_equal(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(server, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_true(fcntl(client, F_GETFD) & fcntl(server, F_GETFD) & fcntl(listener, F_GETFD) &
		    FD_CLOEXEC);
	close(client);
	close(server);
	close(listener);
}

/* Only root can be somebody else; for others the test above has to do. */
static void names_another_peer(void **state)
{
	struct fixture *f = *state;
	int listener, client, server = -1, status;
	uid_t uid = 4711;
	pid_t pid;

	if (geteuid()) {
		/* Only root can be somebody else. cmocka's skip() counts as a failure in TAP. */
		print_message("# needs root: not looked at\n");
		return;
	}
	assert_int_equal(chmod(f->dir, 0711), 0);
	must(f, usock_listen(f->path, 0666, &listener, &f->err));
	pid = fork();
	if (!pid)
		_exit(setresuid(65534, 65534, 65534) < 0 ||
		      usock_connect(f->path, &client, &f->err) < 0);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(usock_accept(listener, &server, &f->err), 1);
	must(f, usock_peer_uid(server, &uid, &f->err));
	assert_int_equal(uid, 65534);
	close(server);
	close(listener);
}

static void no_peer_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), p[2];
	uid_t uid = 4711;

	assert_int_equal(usock_peer_uid(fd, &uid, &f->err), -1);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(usock_peer_uid(p[0], &uid, &f->err), -1);
	assert_int_equal(uid, 4711);
	close(fd);
	close(p[0]);
	close(p[1]);
}

static void stale_one_is_replaced(void **state)
{
	struct fixture *f = *state;
	int first, second, client;

	must(f, usock_listen(f->path, 0600, &first, &f->err));
	close(first); /* as a killed daemon does */
	assert_int_equal(usock_connect(f->path, &client, &f->err), -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	must(f, usock_listen(f->path, 0600, &second, &f->err));
	must(f, usock_connect(f->path, &client, &f->err));
	close(client);
	close(second);
}

static void live_one_is_left_alone(void **state)
{
	struct fixture *f = *state;
	int first, second, client;

	must(f, usock_listen(f->path, 0600, &first, &f->err));
	assert_int_equal(usock_listen(f->path, 0600, &second, &f->err), -1);
	assert_int_equal(f->err.code, ERR_EXISTS);
	must(f, usock_connect(f->path, &client, &f->err));
	close(client);
	close(first);
}

static void other_files_are_left_alone(void **state)
{
	struct fixture *f = *state;
	int fd;

	must(f, fs_write_atomic(f->path, "precious", 8, 0600, &f->err));
	assert_int_equal(usock_listen(f->path, 0600, &fd, &f->err), -1);
	assert_int_equal(f->err.code, ERR_EXISTS);
	assert_true(fs_exists(f->path));
}

static void mode_is_exact(void **state)
{
	static const mode_t modes[] = {0600, 0660, 0666, 0620};
	static const mode_t masks[] = {0, 0022, 0077, 0777};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(modes) * ARRAY_LEN(masks); i++) {
		mode_t mode = modes[i % ARRAY_LEN(modes)], before;
		struct stat st;
		int fd, rc;

		before = umask(masks[i / ARRAY_LEN(modes)]);
		rc = usock_listen(f->path, mode, &fd, &f->err);
		umask(before);
		must(f, rc);
		assert_int_equal(stat(f->path, &st), 0);
		assert_int_equal(st.st_mode & 07777, mode);
		close(fd);
	}
}

static void paths_may_be_long(void **state)
{
	struct fixture *f = *state;
	autofree char *name = xmalloc(151);
	autofree char *deep = NULL;
	autofree char *path = NULL;
	autofree char *too_long = NULL;
	int listener, client, again;

	memset(name, 'x', 150);
	name[150] = '\0';
	deep = xasprintf("%s/%s/%s", f->dir, name, name);
	path = path_join(deep, "sock");
	too_long = path_join(deep, name);
	assert_int_equal(usock_connect(path, &client, &f->err), -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	must(f, fs_mkdir_p(deep, 0700, &f->err));
	must(f, usock_listen(path, 0600, &listener, &f->err));
	assert_true(fs_exists(path));
	must(f, usock_connect(path, &client, &f->err));
	assert_int_equal(usock_listen(path, 0600, &again, &f->err), -1);
	assert_int_equal(f->err.code, ERR_EXISTS);
	close(client);
	close(listener);
	must(f, usock_listen(path, 0600, &listener, &f->err));
	close(listener);
	assert_int_equal(usock_listen(too_long, 0600, &listener, &f->err), -1);
	assert_int_equal(f->err.code, ERR_LIMIT);
	assert_int_equal(usock_listen("/tmp/", 0600, &listener, &f->err), -1);
	assert_int_equal(f->err.code, ERR_INPUT);
}

static void nobody_is_there(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(usock_connect(f->path, &fd, &f->err), -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_text(&f->err), f->path));
	assert_int_equal(usock_listen("/nowhere/sock", 0600, &fd, &f->err), -1);
	assert_int_equal(f->err.code, ERR_NOT_FOUND);
}

/* A daemon that hangs takes no connections: whoever cannot wait is told in time. */
static void full_backlog(void **state)
{
	struct fixture *f = *state;
	int listener, fds[8], n = 0;
	int64_t before;

	must(f, usock_listen(f->path, 0600, &listener, &f->err));
	assert_int_equal(listen(listener, 0), 0);
	while (n < 8 && usock_connect_within(f->path, 1, &fds[n], &f->err) == 0)
		n++;
	assert_in_range(n, 1, 7);
	before = clock_system.mono_ms(&clock_system);
	assert_int_equal(usock_connect_within(f->path, 50, &fds[n], &f->err), -1);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err_text(&f->err), "no connection in 50 ms"));
	assert_true(clock_system.mono_ms(&clock_system) - before >= 40);
	while (n)
		close(fds[--n]);
	close(listener);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(talks_and_names_the_peer),
		TEST(names_another_peer),
		TEST(no_peer_is_refused),
		TEST(stale_one_is_replaced),
		TEST(live_one_is_left_alone),
		TEST(other_files_are_left_alone),
		TEST(mode_is_exact),
		TEST(paths_may_be_long),
		TEST(nobody_is_there),
		TEST(full_backlog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
