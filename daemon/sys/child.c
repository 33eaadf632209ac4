/* child.c - see child.h; child_run() is in child_run.c */
#include "sys/child.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child could not do; the texts are for the parent's error. */
enum stage {
	STAGE_FDS,
	STAGE_CLOSE,
	STAGE_SESSION,
	STAGE_PARENT,
	STAGE_CWD,
	STAGE_EXEC,
};

static const char *const stage_texts[] = {
	[STAGE_FDS] = "cannot move into place descriptor",
	[STAGE_CLOSE] = "cannot close all other descriptors (Linux 5.11 or later is needed)",
	[STAGE_SESSION] = "cannot start a session",
	[STAGE_PARENT] = "cannot bind its life to its parent's",
	[STAGE_CWD] = "cannot enter the working directory",
	[STAGE_EXEC] = "cannot execute it",
};

struct failure {
	enum stage stage;
	int errnum;
	int fd;
};

/* Everything that the child needs, laid out before fork: no allocation happens after it. */
struct plan {
	const struct child_opts *o;
	struct child_fd *fds; /* the wanted ones, and /dev/null for 0, 1, 2 not among them */
	int *parked;          /* where each source waits, above every target */
	size_t n;
	int first_free; /* above every target */
	int report;     /* the error pipe's writing end, close-on-exec */
	int null;
	pid_t parent;
};

static void plan_release(struct plan *p)
{
	free(p->fds);
	free(p->parked);
	if (p->null >= 0)
		close(p->null);
}

static bool plan_has(const struct plan *p, int to)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->fds[i].to == to)
			return true;
	return false;
}

static int plan_add(struct plan *p, int from, int to, struct err *err)
{
	if (to < 0 || plan_has(p, to))
		return err_set(err, ERR_INTERNAL,
			       "child %s: descriptor %d is %s; each target is named once, from 0",
			       p->o->file, to, to < 0 ? "negative" : "named twice");
	p->fds[p->n++] = (struct child_fd){.from = from < 0 ? p->null : from, .to = to};
	if (to >= p->first_free)
		p->first_free = to + 1;
	return 0;
}

static int plan_init(struct plan *p, const struct child_opts *o, struct err *err)
{
	*p = (struct plan){.o = o, .first_free = 3, .report = -1, .parent = getpid()};
	p->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (p->null < 0)
		return err_errno(err, "child %s: open /dev/null", o->file);
	p->fds = xcalloc(o->nfds + 3, sizeof(*p->fds));
	p->parked = xcalloc(o->nfds + 3, sizeof(*p->parked));
	for (size_t i = 0; i < o->nfds; i++)
		if (plan_add(p, o->fds[i].from, o->fds[i].to, err) < 0)
			return -1;
	for (int fd = 0; fd < 3; fd++)
		if (!plan_has(p, fd) && plan_add(p, -1, fd, err) < 0)
			return -1;
	return 0;
}

/* --- in the child: async-signal-safe calls only --- */

static void report(const struct plan *p, enum stage stage, int fd)
{
	struct failure f = {.stage = stage, .errnum = errno, .fd = fd};
	ssize_t n = write(p->report, &f, sizeof(f));

	(void)n;
	_exit(127);
}

/* By the system call: libc's sigaction() refuses the two signals that it keeps for itself (32 and
 * 33), and a parent that ignored them hands that down for ever. */
static void reset_signals(void)
{
	/* The kernel's own struct sigaction, all zero: SIG_DFL, no flags, no restorer, no mask. */
	const unsigned long sa[4] = {0};
	sigset_t none;

	for (int s = 1; s <= SIGRTMAX; s++)
		syscall(SYS_rt_sigaction, s, sa, NULL, sizeof(sa[3])); /* KILL and STOP refuse */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Sources are first parked above all targets, so that no move overwrites one still needed. All
 * descriptors then close at exec, but dup2() gives its copies without that flag. */
static void place_fds(struct plan *p)
{
	int at;

	for (size_t i = 0; i < p->n; i++) {
		p->parked[i] = fcntl(p->fds[i].from, F_DUPFD_CLOEXEC, p->first_free);
		if (p->parked[i] < 0)
			report(p, STAGE_FDS, p->fds[i].from);
	}
	at = fcntl(p->report, F_DUPFD_CLOEXEC, p->first_free);
	if (at < 0)
		report(p, STAGE_FDS, p->report);
	p->report = at;
	if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		report(p, STAGE_CLOSE, -1);
	for (size_t i = 0; i < p->n; i++)
		if (dup2(p->parked[i], p->fds[i].to) < 0)
			report(p, STAGE_FDS, p->fds[i].to);
}

static void run_child(struct plan *p)
{
	static char *const no_env[] = {NULL};
	const struct child_opts *o = p->o;

	reset_signals();
	place_fds(p);
	if (o->new_session && setsid() < 0)
		report(p, STAGE_SESSION, -1);
	if (o->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		report(p, STAGE_PARENT, -1);
	if (o->die_with_parent && getppid() != p->parent)
		_exit(127); /* it died before the signal was asked for */
	if (chdir(o->cwd ? o->cwd : "/") < 0)
		report(p, STAGE_CWD, -1);
	execve(o->file, o->argv, o->envp ? o->envp : no_env);
	report(p, STAGE_EXEC, -1);
}

/* --- in the parent --- */

static ssize_t read_all(int fd, void *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, (char *)p + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -1 : (ssize_t)have;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Waits until the child has executed its program (the pipe closes) or said why not. */
static int await_exec(const struct child_opts *o, int fd, pid_t pid, struct err *err)
{
	autofree char *detail = NULL;
	struct failure f;
	ssize_t n = read_all(fd, &f, sizeof(f));

	if (n == 0)
		return 0;
	child_wait(pid, NULL, NULL);
	if (n != (ssize_t)sizeof(f))
		return err_set(err, ERR_IO, "child %s: ended before it could run", o->file);
	if (f.stage == STAGE_FDS)
		detail = xasprintf(" %d", f.fd);
	else if (f.stage == STAGE_CWD)
		detail = xasprintf(" %s", o->cwd ? o->cwd : "/");
	errno = f.errnum;
	return err_errno(err, "child %s: %s%s", o->file, stage_texts[f.stage],
			 detail ? detail : "");
}

static pid_t fork_blocked(struct plan *p)
{
	sigset_t all, before;
	pid_t pid;
	int saved;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	/* What the child does is laid out, ends in exec or _exit, and leaves nothing in memory that is read
	 * again. A copy of a large process' page tables would cost more than a whole git. */
	// NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork)
	pid = vfork();
	if (pid == 0)
		run_child(p);
	saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

int child_spawn(const struct child_opts *o, pid_t *ret_pid, struct err *err)
{
	cleanup(plan_release) struct plan p = {.null = -1};
	autoclose int reader = -1;
	autoclose int writer = -1;
	int pipefd[2];
	pid_t pid;

	if (plan_init(&p, o, err) < 0)
		return -1;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_errno(err, "child %s: pipe", o->file);
	reader = pipefd[0];
	writer = p.report = pipefd[1];
	pid = fork_blocked(&p);
	if (pid < 0)
		return err_errno(err, "child %s: fork", o->file);
	close(steal_fd(&writer));
	if (await_exec(o, reader, pid, err) < 0)
		return -1;
	*ret_pid = pid;
	return 0;
}

int child_wait(pid_t pid, int *ret_status, struct err *err)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_errno(err, "wait for process %d", (int)pid);
	if (ret_status)
		*ret_status = status;
	return 0;
}

void child_abort(pid_t pid, bool whole)
{
	kill(whole ? -pid : pid, SIGKILL);
	child_wait(pid, NULL, NULL);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

int child_which(const char *name, const char *path, char **ret, struct err *err)
{
	cleanup(strvec_release) struct strvec dirs = STRVEC_INIT;

	if (!*name || strchr(name, '/'))
		return err_set(err, ERR_INPUT, "program '%s': expected a name without '/'", name);
	strvec_split(&dirs, path ? path : "", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		autofree char *full = xasprintf("%s/%s", dirs.v[i], name);

		/* A relative folder in PATH would make the answer depend on where we stand. */
		if (*dirs.v[i] != '/' || !is_program(full))
			continue;
		*ret = steal(&full);
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "program '%s' is not in %s; install it", name,
		       path ? path : "an empty PATH");
}

int child_self(char **ret, struct err *err)
{
	static const char gone[] = " (deleted)";
	autofree char *path = xmalloc(PATH_MAX + 1);
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
	size_t len, cut = sizeof(gone) - 1;

	if (n < 0)
		return err_errno(err, "read /proc/self/exe");
	len = (size_t)n;
	path[len] = '\0';
	if (len > cut && !strcmp(path + len - cut, gone) && access(path, F_OK) < 0)
		path[len - cut] = '\0';
	if (!is_program(path))
		return err_set(err, ERR_NOT_FOUND,
			       "the running program's file %s is gone; install it again", path);
	*ret = steal(&path);
	return 0;
}

int child_beside(const char *name, char **ret, struct err *err)
{
	static const char *const places[] = {"", "/../libexec/yardmaster", "/../../bin"};
	autofree char *dir = NULL;

	if (child_self(&dir, err) < 0)
		return -1;
	*strrchr(dir, '/') = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		autofree char *path = xasprintf("%s%s/%s", dir, places[i], name);

		if (!is_program(path))
			continue;
		*ret = steal(&path);
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
		       "%s: is neither in %s nor in %s%s; install the whole of yardmaster again",
		       name, dir, dir, places[1]);
}
