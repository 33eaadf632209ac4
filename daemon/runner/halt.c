/* halt.c - the kill switch. */
#include "runner/run.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/rundir.h"
#include "sys/fs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_MS         10
#define HALT_TEXT_MAX   ((size_t)1 << 20)
#define HALT_TEXT_SHOWN ((size_t)300)

char *run_halt_path(const char *data)
{
	return path_join(data, "halt");
}

int run_halted(const char *data, struct err *err)
{
	autofree char *path = run_halt_path(data);
	struct stat st;

	if (lstat(path, &st) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return err_errno(err, "halt file %s", path);
}

char *run_halt_text(const char *data)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *path = run_halt_path(data);

	if (fs_read(path, HALT_TEXT_MAX, &b, NULL) < 0)
		return NULL;
	buf_truncate(&b, strcspn(b.s, "\n"));
	buf_truncate(&b, text_cut(b.s, b.len, HALT_TEXT_SHOWN));
	return text_code(b.s);
}

int run_halt_clear(const char *data, struct err *err)
{
	autofree char *path = run_halt_path(data);

	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, "halt file %s", path);
	return 0;
}

/* Puts the runs that somebody keeps, or that have processes left, into *ret; returns their number. */
static int running(const char *runs, const struct strvec *all, struct strvec *ret)
{
	strvec_foreach (all, id) {
		autofree char *lock = run_path(runs, *id, "lock");

		/* cannot find out: counts as running */
		if (fs_lock_held(lock, NULL) != 0 || rundir_tree(runs, *id))
			strvec_push(ret, *id);
	}
	return (int)ret->n;
}

/*
 * A keeper that does not react is killed, and its tree with it. The lock is looked at between
 * getting a hold of the process and killing it: as long as it is held, its pid is the keeper's.
 */
static void kill_keepers(const char *runs, const struct strvec *ids)
{
	strvec_foreach (ids, id) {
		autofree char *lock = run_path(runs, *id, "lock");
		pid_t pid = rundir_keeper(runs, *id);
		autoclose int fd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

		if (fd >= 0 && fs_lock_held(lock, NULL) == 1 && rundir_keeper(runs, *id) == pid)
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		rundir_kill_tree(runs, *id);
	}
}

int run_halt_all(const char *data, const char *who, int64_t wait_ms, struct err *err)
{
	autofree char *path = run_halt_path(data);
	autofree char *runs = path_join(data, "runs");
	autofree char *text = xasprintf("halted by %s\n", who);
	cleanup(strvec_release) struct strvec all = STRVEC_INIT;
	int64_t begun = clock_system.mono_ms(&clock_system);
	bool forced = false;

	if (fs_write_atomic(path, text, strlen(text), 0600, err) < 0 ||
	    run_list(runs, &all, err) < 0)
		return -1;
	for (;;) {
		cleanup(strvec_release) struct strvec left = STRVEC_INIT;
		int n = running(runs, &all, &left);
		int64_t waited = clock_system.mono_ms(&clock_system) - begun;

		if (n == 0 || waited >= wait_ms)
			return n;
		if (!forced && waited >= wait_ms / 2) {
			kill_keepers(runs, &left);
			forced = true;
		}
		poll(NULL, 0, LOOK_MS);
	}
}
