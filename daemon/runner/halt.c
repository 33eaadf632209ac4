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

#define FORCE_MS                                                                                   \
	300 /* a keeper that is building a sandbox sees the file in so long, or is killed */
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

/* --- ending everything ---------------------------------------------------------------------------- */

struct run_halting {
	char *runs;
	struct strvec left; /* ids of runs that may still have a process */
	size_t found;
	int64_t begun_ms;
	bool forced;
};

/*
 * A keeper without a tree is building its sandbox, and is not waited for longer than that takes: it looks for the halt
 * file before it lets the command go. One whose tree is dead only writes its record.
 */
static bool is_building(const char *runs, const char *id)
{
	autofree char *lock = run_path(runs, id, "lock");
	autofree char *tree = run_path(runs, id, "tree");

	return !fs_exists(tree) &&
	       fs_lock_held(lock, NULL) != 0; /* cannot find out: counts as running */
}

/* Whether a process of the run's command is there or may still come. */
static bool may_run(const char *runs, const char *id)
{
	return rundir_tree(runs, id) || is_building(runs, id);
}

/*
 * A keeper that is still building its sandbox and does not react is killed, and what it built goes with it.
 * The lock is looked at between getting a hold of the process and killing it: as long as it is held, its pid
 * is the keeper's.
 */
static void kill_keeper(const char *runs, const char *id)
{
	autofree char *lock = run_path(runs, id, "lock");
	pid_t pid = rundir_keeper(runs, id);
	autoclose int fd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd >= 0 && fs_lock_held(lock, NULL) == 1 && rundir_keeper(runs, id) == pid)
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

static int add_running(struct run_halting *h, struct err *err)
{
	cleanup(strvec_release) struct strvec all = STRVEC_INIT;

	if (run_list(h->runs, &all, err) < 0)
		return -1;
	strvec_foreach (&all, id)
		if (!strvec_has(&h->left, *id) && !rundir_ended(h->runs, *id) &&
		    may_run(h->runs, *id))
			strvec_push(&h->left, *id);
	return 0;
}

int run_halt_begin(const char *data, const char *who, struct run_halting **ret, struct err *err)
{
	autofree char *path = run_halt_path(data);
	autofree char *text = xasprintf("halted by %s\n", who);
	cleanup(run_halt_free) struct run_halting *h = xcalloc(1, sizeof(*h));

	h->runs = path_join(data, "runs");
	h->begun_ms = clock_system.mono_ms(&clock_system);
	/* Before the file, since keepers that see it end their trees at once and these count, too; and after it, since
	 * what begins from then on finds it. */
	(void)add_running(h, NULL); /* the file comes whatever this says; the second time says it */
	if (fs_write_atomic(path, text, strlen(text), 0600, err) < 0 || add_running(h, err) < 0)
		return -1;
	h->found = h->left.n;
	run_halt_look(h);
	*ret = steal(&h);
	return 0;
}

int run_halt_look(struct run_halting *h)
{
	cleanup(strvec_release) struct strvec before = h->left;
	int64_t waited = clock_system.mono_ms(&clock_system) - h->begun_ms;
	bool force = !h->forced && waited >= FORCE_MS;

	h->left = (struct strvec)STRVEC_INIT;
	/* The trees at once and from here, without waiting for each keeper's turn on a busy machine: the
	 * kernel ends a pid namespace whole with its first process. */
	strvec_foreach (&before, id)
		rundir_kill_tree(h->runs, *id);
	strvec_foreach (&before, id) {
		if (!may_run(h->runs, *id))
			continue;
		/* Not one whose tree has died since: it is writing its record. */
		if (force && is_building(h->runs, *id))
			kill_keeper(h->runs, *id);
		strvec_push(&h->left, *id);
	}
	h->forced |= force;
	return (int)h->left.n;
}

size_t run_halt_found(const struct run_halting *h)
{
	return h->found;
}

void run_halt_free(struct run_halting **h)
{
	if (!*h)
		return;
	free((*h)->runs);
	strvec_release(&(*h)->left);
	free(steal(h));
}

int run_halt_wait(struct run_halting *h, int64_t wait_ms)
{
	int64_t begun = clock_system.mono_ms(&clock_system);
	int left;

	while ((left = run_halt_look(h)) > 0 &&
	       clock_system.mono_ms(&clock_system) - begun < wait_ms)
		poll(NULL, 0, RUN_HALT_LOOK_MS);
	return left;
}

int run_halt_all(const char *data, const char *who, int64_t wait_ms, struct err *err)
{
	cleanup(run_halt_free) struct run_halting *h = NULL;

	return run_halt_begin(data, who, &h, err) < 0 ? -1 : run_halt_wait(h, wait_ms);
}
