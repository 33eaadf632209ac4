/* test_fs.c - files and folders that somebody else may have prepared */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *dir;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->dir = xstrdup("/tmp/ym-fs-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc = fs_remove_tree(f->dir, NULL);

	err_release(&f->err);
	free(f->dir);
	free(f);
	return rc;
}

static void put(const char *path, const char *text)
{
	cleanup(err_release) struct err err = ERR_INIT;

	if (fs_write_atomic(path, text, strlen(text), 0644, &err) < 0)
		fail_msg("%s", err_text(&err));
}

static void expect(struct fixture *f, int rc, enum err_code code, const char *text)
{
	assert_int_equal(rc, -1);
	if (f->err.code != code || !strstr(err_text(&f->err), text))
		fail_msg("expected %s with '%s', found %s: %s", err_code_name(code), text,
			 err_code_name(f->err.code), err_text(&f->err));
}

static void paths_are_joined(void **state)
{
	static const char *const rows[][3] = {
		{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autofree char *joined = path_join(rows[i][0], rows[i][1]);

		assert_string_equal(joined, rows[i][2]);
	}
}

static void folders_with_their_parents(void **state)
{
	struct fixture *f = *state;
	autofree char *deep = path_join(f->dir, "a//b/c/");
	autofree char *file = path_join(f->dir, "file");
	autofree char *below = path_join(file, "x");

	assert_int_equal(fs_mkdir_p(deep, 0700, &f->err), 0);
	assert_int_equal(fs_mkdir_p(deep, 0700, &f->err), 0);
	assert_true(fs_exists(deep));
	put(file, "");
	expect(f, fs_mkdir_p(file, 0700, &f->err), ERR_EXISTS, file);
	expect(f, fs_mkdir_p(below, 0700, &f->err), ERR_EXISTS, file);
	expect(f, fs_mkdir_p("", 0700, &f->err), ERR_NOT_FOUND, "");
}

static void read_has_a_limit(void **state)
{
	struct fixture *f = *state;
	autofree char *path = path_join(f->dir, "x");
	cleanup(buf_release) struct buf b = BUF_INIT;

	put(path, "12345");
	buf_adds(&b, ">");
	assert_int_equal(fs_read(path, 5, &b, &f->err), 0);
	assert_string_equal(b.s, ">12345");
	expect(f, fs_read(path, 4, &b, &f->err), ERR_LIMIT, path);
	assert_string_equal(b.s, ">12345");
	put(path, "");
	assert_int_equal(fs_read(path, 0, &b, &f->err), 0);
	/* A file that says it is empty and is not. */
	expect(f, fs_read("/proc/self/status", 10, &b, &f->err), ERR_LIMIT, "10");
	assert_int_equal(fs_read("/proc/self/status", 100000, &b, &f->err), 0);
	assert_non_null(strstr(b.s, "Pid:"));
}

static void read_falls_into_no_trap(void **state)
{
	struct fixture *f = *state;
	autofree char *link = path_join(f->dir, "link");
	autofree char *fifo = path_join(f->dir, "fifo");
	autofree char *sock = path_join(f->dir, "sock");
	cleanup(buf_release) struct buf b = BUF_INIT;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", sock);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	expect(f, fs_read(link, 100000, &b, &f->err), ERR_UNSAFE, "symlink");
	expect(f, fs_read(fifo, 100000, &b, &f->err), ERR_UNSAFE, "FIFO");
	expect(f, fs_read(sock, 100000, &b, &f->err), ERR_UNSAFE, "socket");
	expect(f, fs_read(f->dir, 100000, &b, &f->err), ERR_UNSAFE, "folder");
	expect(f, fs_read("/dev/zero", 100000, &b, &f->err), ERR_UNSAFE, "special");
	expect(f, fs_read_tail(link, 10, &b, &f->err), ERR_UNSAFE, "symlink");
	expect(f, fs_read_tail(fifo, 10, &b, &f->err), ERR_UNSAFE, "FIFO");
	expect(f, fs_read("/nowhere/x", 10, &b, &f->err), ERR_NOT_FOUND, "/nowhere/x");
	assert_int_equal(b.len, 0);
}

static void tail_begins_at_a_line(void **state)
{
	static const struct {
		size_t max;
		const char *tail;
	} rows[] = {{100, "one\ntwo\nthree\n"},
		    {14, "one\ntwo\nthree\n"},
		    {13, "two\nthree\n"},
		    {10, "two\nthree\n"},
		    {9, "three\n"},
		    {6, "three\n"},
		    {5, "hree\n"},
		    {0, ""}};
	struct fixture *f = *state;
	autofree char *path = path_join(f->dir, "log");

	put(path, "one\ntwo\nthree\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(buf_release) struct buf b = BUF_INIT;

		assert_int_equal(fs_read_tail(path, rows[i].max, &b, &f->err), 0);
		assert_string_equal(b.s, rows[i].tail);
	}
}

static size_t count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void write_is_atomic(void **state)
{
	struct fixture *f = *state;
	autofree char *path = path_join(f->dir, "x");
	autofree char *link = path_join(f->dir, "link");
	autofree char *sub = path_join(f->dir, "sub");
	autofree char *inside = path_join(sub, "file");
	cleanup(buf_release) struct buf b = BUF_INIT;
	mode_t before = umask(0077);
	struct stat st, old;

	put(path, "old");
	assert_int_equal(stat(path, &old), 0);
	assert_int_equal(fs_write_atomic(path, "a\0b", 3, 0644, &f->err), 0);
	umask(before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_not_equal(st.st_ino, old.st_ino); /* replaced, never written into */
	assert_int_equal(st.st_size, 3);
	assert_int_equal(symlink(path, link), 0);
	put(link, "new");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fs_read(path, 10, &b, &f->err), 0);
	assert_memory_equal(b.s, "a\0b", 3);
	/* What fails leaves nothing behind. */
	assert_int_equal(mkdir(sub, 0700), 0);
	put(inside, "");
	assert_int_equal(fs_write_atomic(sub, "x", 1, 0644, &f->err), -1);
	assert_int_equal(count_entries(f->dir), 3);
	expect(f, fs_write_atomic("/nowhere/x", "x", 1, 0644, &f->err), ERR_NOT_FOUND,
	       "/nowhere/x");
}

/* --- removal --- */

static void remove_does_not_follow_symlinks(void **state)
{
	struct fixture *f = *state;
	autofree char *tree = path_join(f->dir, "tree");
	autofree char *outside = path_join(f->dir, "outside");
	autofree char *precious = path_join(outside, "precious");
	autofree char *sub = path_join(tree, "sub");
	autofree char *link1 = path_join(tree, "link");
	autofree char *link2 = path_join(sub, "link");
	autofree char *top = path_join(f->dir, "top");

	assert_int_equal(fs_mkdir_p(outside, 0700, &f->err), 0);
	assert_int_equal(fs_mkdir_p(sub, 0700, &f->err), 0);
	put(precious, "gold");
	assert_int_equal(symlink(outside, link1), 0);
	assert_int_equal(symlink("../../outside", link2), 0);
	assert_int_equal(symlink(outside, top), 0);
	assert_int_equal(fs_remove_tree(tree, &f->err), 0);
	assert_int_equal(fs_remove_tree(top, &f->err), 0);
	assert_false(fs_exists(tree));
	assert_false(fs_exists(top));
	assert_true(fs_exists(precious));
}

static void remove_gets_past_modes(void **state)
{
	struct fixture *f = *state;
	autofree char *tree = path_join(f->dir, "tree");
	autofree char *closed = path_join(tree, "closed");
	autofree char *inner = path_join(closed, "inner");
	autofree char *file = path_join(inner, "file");

	assert_int_not_equal(geteuid(), 0); /* modes do not bind root; main() leaves it */
	assert_int_equal(fs_mkdir_p(inner, 0700, &f->err), 0);
	put(file, "x");
	assert_int_equal(chmod(file, 0), 0);
	assert_int_equal(chmod(inner, 0555), 0);
	assert_int_equal(chmod(closed, 0), 0);
	assert_int_equal(chmod(tree, 0), 0);
	assert_int_equal(fs_remove_tree(tree, &f->err), 0);
	assert_false(fs_exists(tree));
}

static void remove_takes_strange_names(void **state)
{
	static const char *const names[] = {"new\nline", "-rf",  " ",  "\001\377",
					    "*",         "a\\b", "..."};
	struct fixture *f = *state;
	autofree char *tree = path_join(f->dir, "tree");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *dir = path_join(tree, names[i]);
		autofree char *file = path_join(dir, names[i]);

		assert_int_equal(fs_mkdir_p(dir, 0700, &f->err), 0);
		put(file, "x");
	}
	autofree char *fifo = path_join(tree, "fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(fs_remove_tree(tree, &f->err), 0);
	assert_false(fs_exists(tree));
}

#define DEEP 5000 /* levels; as a path this is longer than any call takes */

static void remove_goes_deep(void **state)
{
	struct fixture *f = *state;
	autofree char *tree = path_join(f->dir, "tree");
	struct rlimit limit, few = {.rlim_cur = 32};
	int fd, next, rc;

	assert_int_equal(mkdir(tree, 0700), 0);
	fd = open(tree, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < DEEP; i++) {
		assert_int_equal(mkdirat(fd, "folder", 0700), 0);
		next = openat(fd, "sibling", O_WRONLY | O_CREAT, 0600);
		close(next);
		next = openat(fd, "folder", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	/* However deep, a handful of descriptors has to do. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = fs_remove_tree(tree, &f->err);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(rc, 0);
	assert_false(fs_exists(tree));
}

static void remove_many_full_folders(void **state)
{
	struct fixture *f = *state;
	autofree char *tree = path_join(f->dir, "tree");

	for (int i = 0; i < 2000; i++) {
		autofree char *name = xasprintf("%s/%d/x", tree, i);

		assert_int_equal(fs_mkdir_p(name, 0700, &f->err), 0);
	}
	assert_int_equal(fs_remove_tree(tree, &f->err), 0);
	assert_false(fs_exists(tree));
}

static void remove_knows_its_limits(void **state)
{
	static const char *const bad[] = {"", "/", ".", "..", "x/..", "/tmp/."};
	struct fixture *f = *state;
	autofree char *file = path_join(f->dir, "file");
	autofree char *slash = path_join(f->dir, "folder/");

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect(f, fs_remove_tree(bad[i], &f->err), ERR_INPUT, "ends in a name");
	put(file, "x");
	assert_int_equal(fs_remove_tree(file, &f->err), 0);
	assert_int_equal(fs_remove_tree(file, &f->err), 0);
	assert_int_equal(fs_remove_tree("/nowhere/at/all", &f->err), 0);
	assert_int_equal(mkdir(slash, 0700), 0);
	assert_int_equal(fs_remove_tree(slash, &f->err), 0);
	assert_false(fs_exists(slash));
}

/* A mover turns the same folder in and out of the tree as fast as it can: the removal may fail, but
 * what is outside stays. */
static void remove_is_not_led_out_by_moves(void **state)
{
	struct fixture *f = *state;
	autofree char *tree = path_join(f->dir, "tree");
	autofree char *in = path_join(tree, "a/b/c");
	autofree char *moved = path_join(tree, "a/b");
	autofree char *out = path_join(f->dir, "out");
	autofree char *gold = path_join(f->dir, "gold");
	pid_t mover;

	put(gold, "gold");
	assert_int_equal(fs_mkdir_p(in, 0700, &f->err), 0);
	mover = fork();
	assert_true(mover >= 0);
	while (!mover) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rename(moved, out);
		rename(out, moved);
	}
	for (int i = 0; i < 300; i++) {
		fs_mkdir_p(in, 0700, NULL);
		if (fs_remove_tree(tree, &f->err) < 0)
			assert_true(f->err.code == ERR_UNSAFE || f->err.code == ERR_IO ||
				    f->err.code == ERR_NOT_FOUND);
		assert_true(fs_exists(gold));
	}
	kill(mover, SIGKILL);
	waitpid(mover, NULL, 0);
}

/* --- locks --- */

static void lock_is_held_by_one(void **state)
{
	struct fixture *f = *state;
	autofree char *path = path_join(f->dir, "lock");
	int fd = -1, second = -1;
	struct stat st;
	pid_t pid;

	assert_int_equal(fs_lock_held(path, &f->err), 0);
	assert_int_equal(fs_lock(path, &fd, &f->err), 0);
	assert_int_equal(fs_lock_held(path, &f->err), 1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	pid = fork(); /* another process */
	if (!pid)
		_exit(fs_lock(path, &second, &f->err) == -1 && f->err.code == ERR_EXISTS ? 7 : 1);
	int status = 0;
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 7);
	close(fd);
	assert_int_equal(fs_lock_held(path, &f->err), 0);
	assert_int_equal(fs_lock(path, &fd, &f->err), 0);
	close(fd);
}

/* A child that has the descriptor keeps the lock when its parent lets go. */
static void lock_is_inherited(void **state)
{
	struct fixture *f = *state;
	autofree char *path = path_join(f->dir, "lock");
	int fd = -1, hold[2], status;
	char c;
	pid_t pid;

	assert_int_equal(fs_lock(path, &fd, &f->err), 0);
	assert_int_equal(pipe(hold), 0);
	pid = fork();
	if (!pid) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
	}
	close(hold[0]);
	close(fd);
	assert_int_equal(fs_lock_held(path, &f->err), 1);
	close(hold[1]);
	waitpid(pid, &status, 0);
	assert_int_equal(fs_lock_held(path, &f->err), 0);
}

static int asking; /* the descriptor of somebody who asks whether the lock is held */

static void on_alarm(int signo)
{
	(void)signo;
	close(asking);
}

/* Somebody who only asks must not make a start fail: here one who is slow about it. */
static void lock_is_not_disturbed_by_questions(void **state)
{
	static const struct itimerval soon = {.it_value.tv_usec = 30000};
	struct sigaction act = {.sa_handler = on_alarm}, before;
	struct fixture *f = *state;
	autofree char *path = path_join(f->dir, "lock");
	int fd = -1;

	put(path, "");
	asking = open(path, O_RDONLY);
	assert_int_equal(flock(asking, LOCK_SH), 0);
	sigaction(SIGALRM, &act, &before);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (fs_lock(path, &fd, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	close(fd);
	sigaction(SIGALRM, &before, NULL);
}

static void lock_refuses_traps(void **state)
{
	struct fixture *f = *state;
	autofree char *link = path_join(f->dir, "link");
	autofree char *target = path_join(f->dir, "target");
	autofree char *fifo = path_join(f->dir, "fifo");
	int fd = -1;

	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(fs_lock(link, &fd, &f->err), -1);
	assert_false(fs_exists(target));
	expect(f, fs_lock(fifo, &fd, &f->err), ERR_UNSAFE, "regular");
}

/* Root passes every mode: the tests go on as somebody who does not. */
static int leave_root(void)
{
	const id_t nobody = 65534;

	if (geteuid())
		return 0;
	return setgroups(0, NULL) < 0 || setresgid(nobody, nobody, nobody) < 0 ||
	       setresuid(nobody, nobody, nobody) < 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Within a file system, and from another one, where the kernel copies nothing itself (EXDEV). */
static void copying(void **state)
{
	static const char *const from[] = {"/tmp", "/dev/shm"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		autofree char *a = xasprintf("%s/ym-copy-XXXXXX", from[i]);
		autofree char *b = path_join(f->dir, "copy");
		cleanup(buf_release) struct buf text = BUF_INIT;
		autoclose int in = mkstemp(a);
		autoclose int out = open(b, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		if (in < 0) /* no such folder here */
			continue;
		unlink(a);
		assert_int_equal(write(in, "the bytes", 9), 9);
		assert_int_equal(lseek(in, 0, SEEK_SET), 0);
		assert_int_equal(fs_copy(in, out), 0);
		assert_int_equal(fs_read(b, 100, &text, &f->err), 0);
		assert_string_equal(text.s, "the bytes");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_joined),
		TEST(folders_with_their_parents),
		TEST(read_has_a_limit),
		TEST(read_falls_into_no_trap),
		TEST(tail_begins_at_a_line),
		TEST(write_is_atomic),
		TEST(copying),
		TEST(remove_does_not_follow_symlinks),
		TEST(remove_gets_past_modes),
		TEST(remove_takes_strange_names),
		TEST(remove_goes_deep),
		TEST(remove_many_full_folders),
		TEST(remove_knows_its_limits),
		TEST(remove_is_not_led_out_by_moves),
		TEST(lock_is_held_by_one),
		TEST(lock_is_inherited),
		TEST(lock_is_not_disturbed_by_questions),
		TEST(lock_refuses_traps),
	};

	if (leave_root())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
