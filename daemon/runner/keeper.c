/* keeper.c - one run's keeper: lock, checks, supervision, exit record. */
#include "runner/keeper.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "runner/landlock.h"
#include "runner/record.h"
#include "runner/rundir.h"
#include "runner/supervise.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Somebody who asks whether the lock is held holds it for a moment. */
#define LOCK_TRIES     25
#define LOCK_WAIT_MS   2
#define RECORD_TRIES   20
#define RECORD_WAIT_MS 500

extern char **environ;

struct keeper {
	const char *runs;
	const char *id;
	char *self;
	int report; /* -1: started by hand */
	int lock;
	struct run_spec spec;
};

static void answer(struct keeper *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void answer(struct keeper *k, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (k->report >= 0) {
		if (write(k->report, text, n < KEEPER_LINE_MAX ? n : KEEPER_LINE_MAX - 1) < 0)
			errno = 0; /* whoever started us is gone; the run goes on all the same */
		close(steal_fd(&k->report));
	} else if (text[0] == 'E') {
		fprintf(stderr, "yardmaster-keeper: %s\n", text);
	}
}

static void leave_parent(struct keeper *k)
{
	static const int ignored[] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP};

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	if (fcntl(KEEPER_REPORT, F_GETFD) < 0)
		return;
	k->report = KEEPER_REPORT;
	fcntl(KEEPER_REPORT, F_SETFD, FD_CLOEXEC);
	if (fork() > 0)
		_exit(0);
	setsid(); /* after a failed fork this is a session leader already */
}

/* 1 the lock is ours, 0 another keeper has the run. */
static int take_lock(struct keeper *k, struct err *err)
{
	autofree char *path = run_path(k->runs, k->id, "lock");

	for (int i = 0; i < LOCK_TRIES; i++) {
		cleanup(err_release) struct err why = ERR_INIT;

		if (fs_lock(path, &k->lock, &why) == 0)
			return 1;
		if (why.code != ERR_EXISTS)
			return err_move(err, &why);
		if (rundir_keeper(k->runs, k->id))
			return 0;
		poll(NULL, 0, LOCK_WAIT_MS);
	}
	return 0;
}

static int check_start(struct keeper *k, struct err *err)
{
	autofree char *halt = rundir_halt_path(k->runs);
	struct stat st;

	if (getuid() == 0 || geteuid() == 0)
		return err_set(err, ERR_UNSAFE, "keepers do not run as uid 0");
	if (lstat(halt, &st) == 0 || errno != ENOENT)
		return err_set(err, ERR_STATE, "refused, everything is halted by the file %s",
			       halt);
	if (rundir_read_spec(k->runs, k->id, &k->spec, err) < 0 ||
	    rundir_read_input(k->runs, &k->spec, err) < 0)
		return -1;
	return child_self(&k->self, err);
}

/* The record must be there before the lock goes; a disk that is full may have room in a moment. */
static int record(const struct keeper *k, const struct run_exit *e)
{
	for (int i = 0; i < RECORD_TRIES; i++) {
		if (rundir_write_exit(k->runs, k->id, e, NULL) == 0)
			return 0;
		poll(NULL, 0, RECORD_WAIT_MS);
	}
	return 1;
}

static int keep(struct keeper *k)
{
	autofree char *out = run_path(k->runs, k->id, "out");
	autofree char *kill_path = run_path(k->runs, k->id, "kill");
	autofree char *tree = run_path(k->runs, k->id, "tree");
	autofree char *halt = rundir_halt_path(k->runs);
	autoclose int fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	cleanup(run_exit_release) struct run_exit e = {0};
	struct supervise_job job = {
		.spec = &k->spec,
		.limits = run_limits_filled(&k->spec.limits),
		.keeper = k->self,
		.runs = k->runs,
		.environ_ = environ,
		.kill_path = kill_path,
		.halt_path = halt,
		.tree_path = tree,
		.out_fd = fd,
	};

	if (fd < 0) {
		e.outcome = RUN_NOT_STARTED;
		e.detail = xasprintf("%s: %s", out, strerror(errno));
		e.ended_ms = clock_system.wall_ms(&clock_system);
	} else {
		supervise(&job, &e);
	}
	return record(k, &e);
}

/* The lock goes first: whoever reads the answer and looks must not find it held. */
static void let_lock_go(struct keeper *k)
{
	if (k->lock >= 0)
		close(steal_fd(&k->lock));
}

static int refuse(struct keeper *k, const struct err *err)
{
	let_lock_go(k);
	answer(k, "E%d %s", (int)err->code, err_text(err));
	return 1;
}

static void keeper_release(struct keeper *k)
{
	if (k->lock >= 0)
		close(k->lock);
	if (k->report >= 0)
		close(k->report);
	free(k->self);
	run_spec_release(&k->spec);
}

int keeper_main(const char *runs, const char *id)
{
	cleanup(keeper_release) struct keeper k = {
		.runs = runs, .id = id, .report = -1, .lock = -1};
	cleanup(err_release) struct err err = ERR_INIT;
	int locked;

	leave_parent(&k);
	if (!run_id_ok(id)) {
		err_set(&err, ERR_INPUT, "run id: expected 1 to 64 of [A-Za-z0-9._-]");
		return refuse(&k, &err);
	}
	locked = take_lock(&k, &err);
	if (locked < 0)
		return refuse(&k, &err);
	/* An own pid in the file without a record is a keeper that died: what it began is lost and
	 * not begun again. */
	if (!locked || rundir_ended(runs, id) || rundir_keeper(runs, id)) {
		let_lock_go(&k);
		answer(&k, "N");
		return 0;
	}
	if (check_start(&k, &err) < 0 || rundir_write_keeper(runs, id, getpid(), &err) < 0)
		return refuse(&k, &err);
	answer(&k, "P%d", (int)getpid());
	return keep(&k);
}
