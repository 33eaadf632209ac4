/* supervise.c - one run from bubblewrap's start to the death of its tree. */
#include "runner/supervise_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "runner/inside.h"
#include "runner/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX  2048 /* of bubblewrap's complaints */
#define INFO_MAX   4096 /* of bubblewrap's description of the sandbox */
#define LAST_READS 8    /* of a pipe that holds a few lines and then its end */

int64_t supervise_now(void)
{
	return clock_system.mono_ms(&clock_system);
}

void supervise_shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- ending ---------------------------------------------------------------------------------- */

static void kill_pid(pid_t pid, int pidfd)
{
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	else if (pid > 0)
		kill(pid, SIGKILL);
}

/* Children that are left: the tree's processes whose parent died come to us, the subreaper. */
static void kill_children(void)
{
	autofree char *path = xasprintf("/proc/self/task/%d/children", (int)getpid());
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	char *save = NULL;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *w = strtok_r(text, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		kill((pid_t)strtol(w, NULL, 10), SIGKILL);
}

/* What was written into a memory file so far. */
static void read_memfile(int fd, struct buf *ret)
{
	struct stat st;
	char *to;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	if ((size_t)st.st_size > ret->max)
		st.st_size = (off_t)ret->max;
	to = buf_room(ret, (size_t)st.st_size);
	n = to ? pread(fd, to, (size_t)st.st_size, 0) : -1;
	if (n > 0)
		buf_grown(ret, (size_t)n);
}

/* bubblewrap writes one object with "child-pid" before it lets its child go on. */
static void find_init(struct supervise *s)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(INFO_MAX);
	autojson json_t *o = NULL;
	int64_t pid;

	if (s->init_fd >= 0)
		return;
	read_memfile(s->info, &b);
	if (b.len == 0 || json_parse(b.s, b.len, INFO_MAX, &o, NULL) < 0)
		return;
	pid = json_int(o, "child-pid", 0);
	if (pid <= 1)
		return;
	s->init = (pid_t)pid;
	s->init_fd = (int)syscall(SYS_pidfd_open, s->init, 0);
}

void supervise_kill_tree(struct supervise *s)
{
	supervise_shut(&s->go);
	find_init(s);
	if (s->init_fd >= 0)
		kill_pid(s->init, s->init_fd);
	else
		kill_pid(s->bwrap, -1);
}

void supervise_decide(struct supervise *s, enum run_outcome o, const char *fmt, ...)
{
	va_list ap;

	if (s->decided)
		return;
	s->decided = true;
	s->phase = ENDING;
	s->exit->outcome = o;
	va_start(ap, fmt);
	s->exit->detail = xvasprintf(fmt, ap);
	va_end(ap);
}

void supervise_end_by(struct supervise *s, enum run_outcome o, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	supervise_decide(s, o, "%s", text);
	supervise_kill_tree(s);
}

void supervise_decide_procs(struct supervise *s, int64_t found)
{
	supervise_decide(s, RUN_PROCS, "found %lld processes and threads or more: allowed are %lld",
			 (long long)found, (long long)s->job->limits.procs);
}

/* A child that a signal ended tells by its shell's 128 + n, too. */
static void decide_by_status(struct supervise *s, int status)
{
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	int either = signo ? signo : code - 128;

	s->exit->code = code;
	s->exit->signo = signo;
	if (either == SIGXFSZ)
		supervise_decide(s, RUN_DISK,
				 "a file grew over fsize_bytes: allowed are %lld bytes",
				 (long long)s->job->limits.fsize_bytes);
	else if (either == SIGXCPU)
		supervise_decide(s, RUN_CPU, "a process used more than cpu_ms: allowed are %lld ms",
				 (long long)s->job->limits.cpu_ms);
	else if (signo)
		supervise_decide(s, RUN_SIGNALED, "the command ended by signal %d (%s)", signo,
				 strsignal(signo));
	else
		supervise_decide(s, RUN_EXITED, "the command exited with code %d", code);
}

/* --- what is heard ---------------------------------------------------------------------------- */

/* The kernel's out-of-memory killer takes a run before the daemon. */
static void first_to_die(pid_t init)
{
	autofree char *path = xasprintf("/proc/%d/oom_score_adj", (int)init);
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1000", 4) < 0)
		return; /* only makes a bad moment better; nothing depends on it */
}

static void let_go(struct supervise *s)
{
	cleanup(err_release) struct err err = ERR_INIT;

	find_init(s);
	if (s->init_fd < 0) {
		supervise_end_by(s, RUN_NOT_STARTED,
				 "bubblewrap did not name the sandbox's first process");
		return;
	}
	first_to_die(s->init);
	if (gauge_open(&s->gauge, s->init, &err) < 0 ||
	    (s->job->tree_path && rundir_write_tree(s->job->tree_path, s->init, &err) < 0)) {
		supervise_end_by(s, RUN_NOT_STARTED, "%s", err_text(&err));
		return;
	}
	if (supervise_check_files(s))
		return;
	if (write(s->go, "g", 1) != 1)
		supervise_end_by(s, RUN_NOT_STARTED, "the sandbox's first process is gone");
}

static int write_out(struct supervise *s, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(s->job->out_fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		s->exit->out_bytes += w;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* What may be the beginning of a masked value waits for the rest of it, or for the end. */
static int write_masked(struct supervise *s, const char *p, size_t n, bool end)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (mask_empty(s->mask))
		return write_out(s, p, n);
	mask_feed(s->mask, &s->masked, p, n, end, &b);
	return write_out(s, b.s, b.len);
}

/* true while there may be more */
static bool hear_out(struct supervise *s)
{
	static char text[64 << 10];
	int64_t room = s->job->limits.out_bytes - s->exit->out_bytes;
	ssize_t n = read(s->out, text, sizeof(text));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		write_masked(s, "", 0, true);
		supervise_shut(&s->out);
		return false;
	}
	s->last_out = supervise_now();
	if (write_masked(s, text, n < room ? (size_t)n : (size_t)room, n > room) < 0) {
		supervise_end_by(s, RUN_DISK, "the run's output could not be stored: %s",
				 strerror(errno));
		supervise_shut(&s->out);
		return false;
	}
	if (n > room) {
		supervise_end_by(s, RUN_OUTPUT, "wrote more than out_bytes: allowed are %lld bytes",
				 (long long)s->job->limits.out_bytes);
		supervise_shut(&s->out);
		return false;
	}
	return true;
}

static void hear_end(struct supervise *s, const char *text)
{
	char *left = NULL;
	long status = strtol(text, &left, 10);
	long procs = strtol(left, NULL, 10);

	/* What the command wrote is in the pipe by now, and may be too much. */
	while (s->out >= 0 && hear_out(s))
		;
	if (procs > s->job->limits.procs)
		supervise_decide_procs(s, procs);
	else
		decide_by_status(s, (int)status);
}

static void hear_line(struct supervise *s, const char *line)
{
	switch (line[0]) {
	case 'R':
		let_go(s);
		break;
	case 'S':
		s->exit->started_ms = strtoll(line + 1, NULL, 10);
		s->started = s->last_out = supervise_now();
		s->next_disk = s->started;
		if (s->phase == BUILDING)
			s->phase = RUNNING;
		s->next_tick = s->started + SUPERVISE_TICK_MIN;
		break;
	case 'C': /* nothing that a second try could change */
		s->exit->code = RUN_CODE_NO_COMMAND;
		supervise_end_by(s, RUN_NOT_STARTED, "%s", line + 1);
		break;
	case 'F':
		supervise_end_by(s, RUN_NOT_STARTED, "%s", line + 1);
		break;
	case 'E':
		hear_end(s, line + 1);
		break;
	default:
		supervise_end_by(s, RUN_NOT_STARTED, "the sandbox's first process said '%s'", line);
	}
}

static void hear_status(struct supervise *s)
{
	char text[4096];
	ssize_t n = read(s->status, text, sizeof(text));
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		supervise_shut(&s->status);
		return;
	}
	buf_add(&s->lines, text, (size_t)n);
	while ((end = memchr(s->lines.s, '\n', s->lines.len)) != NULL) {
		*end = '\0';
		hear_line(s, s->lines.s);
		buf_consume(&s->lines, (size_t)(end - s->lines.s) + 1);
	}
}

static void reap(struct supervise *s)
{
	struct signalfd_siginfo si[8];
	pid_t pid;

	while (read(s->signals, si, sizeof(si)) > 0)
		;
	do {
		pid = waitpid(-1, NULL, WNOHANG);
		if (pid == s->bwrap)
			s->bwrap = 0;
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	s->gone = pid < 0 && errno == ECHILD;
}

static void tick(struct supervise *s, int64_t now)
{
	if (s->phase == ENDING) {
		supervise_kill_tree(s);
		if (s->bwrap == 0)
			kill_children();
		s->next_tick = now + SUPERVISE_TICK_MS;
		return;
	}
	supervise_check(s, now);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void turn(struct supervise *s)
{
	struct pollfd p[] = {
		{s->signals, POLLIN, 0},
		{s->out, POLLIN, 0},
		{s->status, POLLIN, 0},
		{s->notify, POLLIN, 0},
	};
	int64_t wait = s->next_tick - supervise_now();
	int64_t now;

	if (poll(p, ARRAY_LEN(p), wait < 0 ? 0 : (int)wait) < 0)
		return;
	if (p[2].revents)
		hear_status(s);
	for (int i = 0; p[1].revents && i < 8 && hear_out(s); i++)
		;
	if (p[3].revents) {
		char drop[4096];

		while (read(s->notify, drop, sizeof(drop)) > 0)
			;
		s->next_tick = supervise_now();
	}
	if (p[0].revents)
		reap(s);
	now = supervise_now();
	if (now >= s->next_tick)
		tick(s, now);
}

static void finish(struct supervise *s)
{
	for (int i = 0; i < LAST_READS && s->status >= 0 && !s->decided; i++)
		hear_status(s);
	while (s->out >= 0 && hear_out(s))
		;
	read_memfile(s->words, &s->said);
	buf_rtrim(&s->said);
	/* Whoever halts kills the tree himself, and may be quicker than the news of his file. */
	if (!s->decided)
		supervise_check_files(s);
	if (!s->decided && s->started)
		supervise_decide(s, RUN_SIGNALED, "the sandbox was ended from outside");
	if (!s->decided)
		supervise_decide(s, RUN_NOT_STARTED, "bubblewrap: %s: %s",
				 s->said.len ? s->said.s : "ended without a word",
				 sandbox_hint(s->said.s));
	if (s->exit->outcome == RUN_SIGNALED && s->exit->signo == 0)
		s->exit->signo = SIGKILL;
	supervise_final_usage(s);
}

static void supervise_release(struct supervise *s)
{
	int *all[] = {&s->init_fd, &s->signals, &s->notify, &s->out,
		      &s->words,   &s->status,  &s->info,   &s->go};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		supervise_shut(all[i]);
	mask_free(s->mask);
	mask_stream_release(&s->masked);
	buf_release(&s->said);
	buf_release(&s->lines);
	gauge_close(&s->gauge);
	disk_release(&s->disk);
}

static struct mask *make_mask(char *const *environ_)
{
	struct mask *m = mask_new();

	for (; environ_ && *environ_; environ_++)
		if (!strncmp(*environ_, RUN_MASK_VARIABLE, strlen(RUN_MASK_VARIABLE)))
			mask_add(m, *environ_ + strcspn(*environ_, "=") + 1);
	return m;
}

static void add_disk_folders(struct supervise *s)
{
	const struct run_spec *spec = s->job->spec;

	s->disk.gauge = &s->gauge;
	disk_add(&s->disk, spec->workdir);
	if (spec->gitdir)
		disk_add(&s->disk, spec->gitdir);
	for (size_t i = 0; i < spec->nbinds; i++)
		if (spec->binds[i].writable)
			disk_add(&s->disk, spec->binds[i].from);
}

void supervise(const struct supervise_job *job, struct run_exit *ret)
{
	cleanup(supervise_release) struct supervise s = {
		.job = job,
		.exit = ret,
		.init_fd = -1,
		.signals = -1,
		.notify = -1,
		.out = -1,
		.words = -1,
		.status = -1,
		.info = -1,
		.go = -1,
		.said = BUF_INIT_MAX(WORDS_MAX),
		.lines = BUF_INIT_MAX(2 * INSIDE_STATUS_MAX + 4096),
		.gauge = GAUGE_INIT,
		.begun = supervise_now(),
	};
	cleanup(sandbox_release) struct sandbox b = {0};
	cleanup(err_release) struct err err = ERR_INIT;

	*ret = (struct run_exit){0};
	s.mask = make_mask(job->environ_);
	s.next_tick = s.begun + SUPERVISE_TICK_MS;
	add_disk_folders(&s);
	if (supervise_start(&s, &b, &err) < 0) {
		supervise_decide(&s, RUN_NOT_STARTED, "%s", err_text(&err));
	} else {
		while (!s.gone)
			turn(&s);
		finish(&s);
	}
	ret->ended_ms = clock_system.wall_ms(&clock_system);
}
