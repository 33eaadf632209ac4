/* child_run.c - child_run() of child.h: a program run to its end, fed and drained by one poll loop */
#include "base/clock.h"
#include "base/mem.h"
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_KEPT  ((size_t)4096) /* of this much, the last lines go into the error's text */
#define STDERR_LINES ((size_t)8)
#define PIPE_HOLDS   ((size_t)1 << 20) /* /proc/sys/fs/pipe-max-size */

struct run {
	const char *file;
	pid_t pid;
	int pidfd;
	int in, out, errs; /* our ends; -1 once done */
	const char *input;
	size_t input_left;
	size_t out_max;
	struct buf *output;
	size_t output_start; /* what was in the caller's buffer before */
	struct buf tail;
	int64_t deadline; /* of the monotonic clock; INT64_MAX: none */
};

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void run_release(struct run *r)
{
	close_one(&r->in);
	close_one(&r->out);
	close_one(&r->errs);
	close_one(&r->pidfd);
	buf_release(&r->tail);
}

static int make_pipe(int *ours, int *theirs, bool we_write, struct err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	*ours = p[we_write];
	*theirs = p[!we_write];
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, "pipe: set non-blocking");
	return 0;
}

/* The caller's descriptors but 1 and 2 (and 0 when there is input), which are the pipes. */
static void merge_fds(struct child_opts *o, struct child_fd *fds, size_t n)
{
	size_t ours = n;

	for (size_t i = 0; i < o->nfds; i++) {
		bool taken = false;

		for (size_t j = 0; j < ours; j++)
			taken = taken || fds[j].to == o->fds[i].to;
		if (!taken)
			fds[n++] = o->fds[i];
	}
	o->fds = fds;
	o->nfds = n;
}

static int start(struct run *r, const struct child_opts *given, struct err *err)
{
	autofree struct child_fd *fds = xcalloc(given->nfds + 3, sizeof(*fds));
	autoclose int in = -1;
	autoclose int out = -1;
	autoclose int errs = -1;
	struct child_opts o = *given;
	size_t n = 0;

	if (make_pipe(&r->out, &out, false, err) < 0 || make_pipe(&r->errs, &errs, false, err) < 0)
		return err_wrap(err, "run %s", given->file);
	fds[n++] = (struct child_fd){.from = out, .to = STDOUT_FILENO};
	fds[n++] = (struct child_fd){.from = errs, .to = STDERR_FILENO};
	if (r->input) {
		if (make_pipe(&r->in, &in, true, err) < 0)
			return err_wrap(err, "run %s", given->file);
		fds[n++] = (struct child_fd){.from = in, .to = STDIN_FILENO};
	}
	merge_fds(&o, fds, n);
	o.new_session = true; /* its own group, so that it can be ended whole */
	if (child_spawn(&o, &r->pid, err) < 0)
		return -1;
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return r->pidfd < 0 ? err_errno(err, "run %s: pidfd_open", given->file) : 0;
}

static void feed(struct run *r)
{
	ssize_t n = 0;

	if (r->input_left)
		n = write(r->in, r->input, r->input_left);
	if (n > 0) {
		r->input += n;
		r->input_left -= (size_t)n;
	}
	/* EPIPE: it does not want the rest, which is its right (head, grep -q). */
	if (!r->input_left || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_one(&r->in);
}

/* Reads what is there. 1 when bytes came, 0 when none are there now or ever (then *fd is -1). */
static int pull(int *fd, char *chunk, size_t size, size_t *ret_n)
{
	ssize_t n;

	if (*fd < 0)
		return 0;
	n = read(*fd, chunk, size);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close_one(fd);
		return 0;
	}
	*ret_n = (size_t)n;
	return 1;
}

static int take_output(struct run *r, const char *p, size_t n, struct err *err)
{
	size_t have = r->output ? r->output->len - r->output_start : 0;

	if (!r->output)
		return 0;
	if (n <= r->out_max && have <= r->out_max - n)
		buf_add(r->output, p, n);
	else
		r->output->failed = true;
	if (r->output->failed)
		return err_set(err, ERR_LIMIT,
			       "%s: wrote more than the %zu bytes of output that are taken",
			       r->file, r->out_max);
	return 0;
}

static void take_stderr(struct run *r, const char *p, size_t n)
{
	buf_add(&r->tail, p, n);
	if (r->tail.len > STDERR_KEPT)
		buf_consume(&r->tail, r->tail.len - STDERR_KEPT);
}

/* What is in the pipes now: at most as much as a pipe holds, so that somebody who writes without
 * end cannot keep us from looking at the clock. */
static int drain(struct run *r, struct err *err)
{
	char chunk[16384];
	size_t n;

	for (size_t got = 0; got < PIPE_HOLDS && pull(&r->errs, chunk, sizeof(chunk), &n); got += n)
		take_stderr(r, chunk, n);
	for (size_t got = 0; got < PIPE_HOLDS && pull(&r->out, chunk, sizeof(chunk), &n); got += n)
		if (take_output(r, chunk, n, err) < 0)
			return -1;
	return 0;
}

static int wait_ms(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - clock_system.mono_ms(&clock_system);
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Until the program has ended; what it left running in its group does not keep us. */
static int attend(struct run *r, struct err *err)
{
	for (;;) {
		struct pollfd fds[] = {{.fd = r->pidfd, .events = POLLIN},
				       {.fd = r->in, .events = POLLOUT},
				       {.fd = r->out, .events = POLLIN},
				       {.fd = r->errs, .events = POLLIN}};
		int timeout = wait_ms(r->deadline);
		int n = poll(fds, ARRAY_LEN(fds), timeout);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "%s: poll", r->file);
		if (n > 0 && fds[1].revents)
			feed(r);
		if (n > 0 && drain(r, err) < 0)
			return -1;
		if (n > 0 && fds[0].revents)
			return drain(r, err);
		if (r->deadline != INT64_MAX && wait_ms(r->deadline) == 0)
			return err_set(err, ERR_LIMIT, "%s: ended after its time limit", r->file);
	}
}

static const char *last_lines(struct run *r)
{
	size_t lines = 0, i;

	buf_rtrim(&r->tail);
	for (i = r->tail.len; i > 0; i--)
		if (r->tail.s[i - 1] == '\n' && ++lines == STDERR_LINES)
			break;
	return r->tail.len ? r->tail.s + i : "nothing on its standard error";
}

/* What a program gets for a fault of its own: a failed assertion, a bad pointer. */
static bool is_crash(int sig)
{
	return sig == SIGABRT || sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

static int judge(struct run *r, int status, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, is_crash(WTERMSIG(status)) ? ERR_INTERNAL : ERR_IO,
			       "%s: ended by signal %d (%s): %s", r->file, WTERMSIG(status),
			       strsignal(WTERMSIG(status)), last_lines(r));
	if (WEXITSTATUS(status))
		err_set(err, ERR_IO, "%s: exit code %d: %s", r->file, WEXITSTATUS(status),
			last_lines(r));
	return WEXITSTATUS(status);
}

static int run_blocked(struct run *r, const struct child_opts *o, struct err *err)
{
	int status = 0, rc;

	if (start(r, o, err) < 0 && r->pid <= 0)
		return -1;
	rc = r->pidfd < 0 ? -1 : attend(r, err);
	kill(-r->pid, SIGKILL); /* not reaped yet, so that the group's number is still its own */
	if (child_wait(r->pid, &status, rc < 0 ? NULL : err) < 0 || rc < 0)
		return -1;
	return judge(r, status, err);
}

/* A SIGPIPE of ours that arrived while it was blocked is taken away, then the mask is restored. */
static void unblock_sigpipe(const sigset_t *before, bool was_pending)
{
	static const struct timespec now = {0};
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (!was_pending)
		sigtimedwait(&pipe_only, NULL, &now);
	sigprocmask(SIG_SETMASK, before, NULL);
}

int child_run(const struct child_opts *o, const char *input, size_t input_len, size_t out_max,
	      int64_t timeout_ms, struct buf *ret_out, struct err *err)
{
	cleanup(run_release) struct run r = {
		.file = o->file,
		.pidfd = -1,
		.in = -1,
		.out = -1,
		.errs = -1,
		.input = input,
		.input_left = input_len,
		.out_max = out_max,
		.output = ret_out,
		.output_start = ret_out ? ret_out->len : 0,
		.tail = BUF_INIT,
		.deadline = INT64_MAX,
	};
	sigset_t pipe_only, before, pending;
	int rc;

	if (timeout_ms >= 0)
		r.deadline = clock_system.mono_ms(&clock_system) + timeout_ms;
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	sigprocmask(SIG_BLOCK, &pipe_only, &before);
	rc = run_blocked(&r, o, err);
	unblock_sigpipe(&before, sigismember(&pending, SIGPIPE) == 1);
	return rc;
}
