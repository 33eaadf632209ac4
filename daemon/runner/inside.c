/* inside.c - process 1 of the sandbox: limits, Landlock, exec, reaping. */
#include "runner/inside.h"

#include "base/clock.h"
#include "base/mem.h"
#include "runner/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAN_MAX ((size_t)8 << 20)
/* A run works behind the daemon, its keepers and people, when the machine is full. */
#define NICE 5

void inside_plan_release(struct inside_plan *p)
{
	strvec_release(&p->argv);
	strvec_release(&p->env);
	strvec_release(&p->writable);
	*p = (struct inside_plan){0};
}

static void put(struct buf *b, char kind, const char *text)
{
	buf_addc(b, kind);
	buf_add(b, text, strlen(text) + 1);
}

static void put_all(struct buf *b, char kind, const struct strvec *v)
{
	for (size_t i = 0; i < v->n; i++)
		put(b, kind, v->v[i]);
}

static void put_number(struct buf *b, char kind, int64_t n)
{
	autofree char *text = xasprintf("%lld", (long long)n);

	put(b, kind, text);
}

void inside_plan_write(const struct inside_plan *p, struct buf *ret)
{
	put_all(ret, 'a', &p->argv);
	put_all(ret, 'e', &p->env);
	put_all(ret, 'w', &p->writable);
	put_number(ret, 'f', p->fsize_bytes);
	put_number(ret, 'n', p->nofile);
	put_number(ret, 'c', p->cpu_s);
	put_number(ret, 'p', p->nproc);
}

static int take(struct inside_plan *p, char kind, const char *text, struct err *err)
{
	struct strvec *list = kind == 'a'   ? &p->argv
			      : kind == 'e' ? &p->env
			      : kind == 'w' ? &p->writable
					    : NULL;
	int64_t *number = kind == 'f'   ? &p->fsize_bytes
			  : kind == 'n' ? &p->nofile
			  : kind == 'c' ? &p->cpu_s
			  : kind == 'p' ? &p->nproc
					: NULL;

	if (list)
		strvec_push(list, text);
	else if (number)
		*number = strtoll(text, NULL, 10);
	else
		return err_set(err, ERR_INTERNAL, "plan: found a record of kind 0x%02x",
			       (unsigned)(unsigned char)kind);
	return 0;
}

int inside_plan_read(const char *s, size_t n, struct inside_plan *ret, struct err *err)
{
	cleanup(inside_plan_release) struct inside_plan p = {0};

	if (n == 0 || s[n - 1] != '\0')
		return err_set(err, ERR_INTERNAL, "plan: found no end; expected a NUL");
	while (n > 0) {
		size_t len = strlen(s);

		if (len == 0)
			return err_set(err, ERR_INTERNAL, "plan: found an empty record");
		if (take(&p, s[0], s + 1, err) < 0)
			return -1;
		s += len + 1;
		n -= len + 1;
	}
	if (p.argv.n == 0 || p.fsize_bytes <= 0 || p.nofile <= 0 || p.cpu_s <= 0 || p.nproc <= 0)
		return err_set(err, ERR_INTERNAL, "plan: found no command or no limits");
	*ret = p;
	p = (struct inside_plan){0};
	return 0;
}

/* --- speaking with the keeper ----------------------------------------------------------------- */

/* One line in one write, so that lines do not mix. */
static void say(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(int fd, const char *fmt, ...)
{
	va_list ap;
	autofree char *text = NULL;
	size_t n;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (n > INSIDE_STATUS_MAX - 1)
		n = INSIDE_STATUS_MAX - 1;
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	text[n++] = '\n';
	while (write(fd, text, n) < 0 && errno == EINTR)
		;
}

/* 1 when a byte came, 0 when the other side is gone. */
static int wait_go(void)
{
	char c;
	ssize_t n;

	do
		n = read(INSIDE_GO, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

static int read_plan(struct inside_plan *ret, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(PLAN_MAX);
	struct stat st;
	char *to;

	if (fstat(INSIDE_PLAN, &st) < 0)
		return err_errno(err, "plan: fstat");
	to = buf_room(&b, (size_t)st.st_size);
	if (!to || pread(INSIDE_PLAN, to, (size_t)st.st_size, 0) != st.st_size)
		return err_set(err, ERR_INTERNAL, "plan: could not be read");
	buf_grown(&b, (size_t)st.st_size);
	if (inside_plan_read(b.s, b.len, ret, err) < 0)
		return -1;
	mem_wipe(b.s, b.len); /* it holds the values of the environment */
	return 0;
}

/* What bubblewrap was told to do is looked at once more from here: no wall is taken on trust. */
static int check_walls(struct err *err)
{
	struct stat st;
	struct statvfs v;

	if (getpid() != 1)
		return err_set(err, ERR_UNSAFE, "pid namespace: found to be process %d; expected 1",
			       (int)getpid());
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_set(err, ERR_UNSAFE, "no_new_privs is not set inside the sandbox");
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return err_set(err, ERR_UNSAFE, "no seccomp filter is in force inside the sandbox");
	if (getuid() == 0 || geteuid() == 0)
		return err_set(err, ERR_UNSAFE, "found uid 0 inside the sandbox");
	if (statvfs("/proc/sys", &v) < 0 || !(v.f_flag & ST_RDONLY))
		return err_set(err, ERR_UNSAFE,
			       "/proc/sys is not on a read-only mount inside the sandbox");
	if (stat("/oldroot", &st) == 0)
		return err_set(err, ERR_UNSAFE, "the host's root is visible inside the sandbox");
	return 0;
}

/* --- the command ------------------------------------------------------------------------------ */

/* Linux 5.14 or newer. */
static bool nproc_is_ours(void)
{
	struct utsname u;
	char *rest = NULL;
	long major;
	long minor;

	if (uname(&u) < 0)
		return false;
	major = strtol(u.release, &rest, 10);
	minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	return major > 5 || (major == 5 && minor >= 14);
}

static int set_limit(const char *name, int what, int64_t value, struct err *err)
{
	struct rlimit old;
	struct rlimit new = {.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value};

	if (getrlimit((__rlimit_resource_t)what, &old) < 0)
		return err_errno(err, "limit %s", name);
	if (old.rlim_max != RLIM_INFINITY && new.rlim_max > old.rlim_max)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	if (setrlimit((__rlimit_resource_t)what, &new) < 0)
		return err_errno(err, "limit %s", name);
	return 0;
}

/*
 * Since Linux 5.14 NPROC counts the processes of one user namespace, which is this run's alone; it
 * is set above the run's limit, so that the keeper sees the excess and ends the run, and the excess
 * stays small. Earlier kernels count the user's processes on the whole machine: there it is not
 * set, runs would take from each other and from the daemon.
 *
 * AS and DATA are not here: they count address space that is reserved and never used, which
 * sanitizers do by the terabyte (a program with AddressSanitizer does not start under any
 * sensible value of either); the keeper adds up the memory that is really used.
 */
static int set_limits(const struct inside_plan *p, struct err *err)
{
	if (set_limit("nofile", RLIMIT_NOFILE, p->nofile, err) < 0 ||
	    set_limit("fsize", RLIMIT_FSIZE, p->fsize_bytes, err) < 0 ||
	    set_limit("memlock", RLIMIT_MEMLOCK, (int64_t)8 << 20, err) < 0 ||
	    set_limit("msgqueue", RLIMIT_MSGQUEUE, 819200, err) < 0 ||
	    set_limit("sigpending", RLIMIT_SIGPENDING, 4096, err) < 0 ||
	    set_limit("rtprio", RLIMIT_RTPRIO, 0, err) < 0 ||
	    set_limit("nice", RLIMIT_NICE, 0, err) < 0 ||
	    set_limit("cpu", RLIMIT_CPU, p->cpu_s, err) < 0)
		return -1;
	return nproc_is_ours() ? set_limit("nproc", RLIMIT_NPROC, p->nproc, err) : 0;
}

static void reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int exec_command(const struct inside_plan *p, struct err *err)
{
	static const char *const folders[] = {"/usr/local/bin", "/usr/bin", "/bin"};
	const char *name = p->argv.v[0];
	char *const none[] = {NULL};
	char *const *envp = p->env.v ? p->env.v : none;

	if (strchr(name, '/')) {
		execve(name, p->argv.v, envp);
		return err_set(
			err, ERR_NOT_FOUND,
			"command '%s': exec inside the sandbox: %s; the sandbox shows /usr and "
			"what "
			"'read-only' of the agent names: 'yardmaster doctor' says what is missing",
			name, strerror(errno));
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		autofree char *path = xasprintf("%s/%s", folders[i], name);

		execve(path, p->argv.v, envp);
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(err, "command '%s': exec inside the sandbox", path);
	}
	return err_set(
		err, ERR_NOT_FOUND,
		"command '%s': not found on /usr/local/bin:/usr/bin:/bin inside the sandbox; "
		"install it on this machine or name a bind that holds it",
		name);
}

static int become_walls(const struct inside_plan *p, struct err *err)
{
	if (setsid() < 0)
		return err_errno(err, "setsid");
	reset_signals();
	if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return err_errno(err, "standard error");
	if (getpriority(PRIO_PROCESS, 0) < NICE && setpriority(PRIO_PROCESS, 0, NICE) < 0)
		return err_errno(err, "priority");
	if (chdir("/work") < 0)
		return err_errno(err, "/work");
	if (set_limits(p, err) < 0)
		return -1;
	if (landlock_available() > 0 && landlock_restrict(&p->writable, err) < 0)
		return -1;
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_errno(err, "close_range");
	return 0;
}

/* Forks the command; *ret_report is the end of a pipe that closes when the exec succeeded and carries a
 * letter and a sentence when it did not: C the command could not be executed, F what comes before. */
static pid_t start_command(const struct inside_plan *p, int *ret_report)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		cleanup(err_release) struct err err = ERR_INIT;
		int walls;

		walls = become_walls(p, &err);
		if (walls == 0)
			exec_command(p, &err);
		say(fds[1], "%c%s", walls == 0 ? 'C' : 'F', err_text(&err));
		_exit(127);
	}
	close(fds[1]);
	*ret_report = fds[0];
	return pid;
}

/* 0 when the command was executed; -1 when it was not, which has been said then. */
static int tell_started(int report)
{
	char text[INSIDE_STATUS_MAX];
	ssize_t n;

	do
		n = read(report, text, sizeof(text));
	while (n < 0 && errno == EINTR);
	close(report);
	if (n > 0) {
		say(INSIDE_STATUS, "%.*s", (int)n - 1, text);
		return -1;
	}
	say(INSIDE_STATUS, "S%lld", (long long)clock_system.wall_ms(&clock_system));
	return 0;
}

/* true when the command is among those that ended; the others are just reaped. */
static bool reap(pid_t command, int *ret_status)
{
	int status = 0;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid == command) {
			*ret_status = status;
			return true;
		}
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	return false;
}

/*
 * Waits for the command's end. The pipe to the keeper closes when the keeper dies, however that
 * happens and in whatever state bubblewrap is: then the sandbox ends here. -1 for that.
 */
static int wait_command(pid_t command, int children, int *ret_status)
{
	while (!reap(command, ret_status)) {
		struct pollfd p[] = {{children, POLLIN, 0}, {INSIDE_GO, POLLIN, 0}};
		struct signalfd_siginfo si;

		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return -1;
		if (p[1].revents)
			return -1;
		if (p[0].revents && read(children, &si, sizeof(si)) < 0 && errno != EAGAIN)
			return -1;
	}
	return 0;
}

static int watch_children(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, "signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(err, "signalfd") : fd;
}

/* Processes that the command leaves behind, itself not counted: whoever forked so often that it
 * failed at the kernel's limit may be gone before the keeper looks, its children are not. */
static int count_processes(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) != NULL)
		n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
	if (d)
		closedir(d);
	return n > 0 ? n - 1 : 0;
}

int inside_main(void)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(inside_plan_release) struct inside_plan plan = {0};
	int report = -1;
	int status = 0;
	int children = -1;
	pid_t pid;

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		err_errno(&err, "prctl");
	else if (check_walls(&err) == 0 && read_plan(&plan, &err) == 0)
		children = watch_children(&err);
	if (children < 0) {
		say(INSIDE_STATUS, "F%s", err_text(&err));
		return 125;
	}
	close(INSIDE_PLAN);
	say(INSIDE_STATUS, "R");
	if (!wait_go())
		return 125;
	pid = start_command(&plan, &report);
	if (pid < 0) {
		say(INSIDE_STATUS, "Ffork: %s", strerror(errno));
		return 125;
	}
	if (tell_started(report) < 0)
		return 127;
	if (wait_command(pid, children, &status) < 0)
		return 125;
	say(INSIDE_STATUS, "E%d %d", status, count_processes());
	return 0;
}
