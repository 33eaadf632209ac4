/*
 * watch.c - runs a command for contrib/check for as long as it gets on, and says what it took.
 *
 *   watch OUTPUT COMMAND [ARGUMENT...]
 *
 * OUTPUT gets standard output and standard error of the command. When it has ended, one line goes to our own
 * standard output: its exit code (128 + N after signal N), its milliseconds, and the milliseconds of
 * processor time that it and everything below it used, also what it left to itself: orphans become ours.
 *
 * There is no limit of time. A command is ended (SIGTERM, then SIGKILL, its whole tree) when it neither writes
 * nor computes: no output for IDLE_S seconds of a quiet machine, and in these less than BUSY_MS of
 * processor time; or when it computed for BUSY_MAX_S without a word. (WATCH_IDLE_S in the environment is another IDLE_S.) How much slower than a quiet machine this one is,
 * a reference says that is measured each few seconds meanwhile: a start of a program, and an fsync beside OUTPUT.
 * The exit code is then 124, and OUTPUT ends with a line that says so. What still runs when the command has
 * ended by itself is ended too, and named there.
 *
 * SIGTERM, SIGINT and SIGHUP end the tree and us.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IDLE_S     400
#define BUSY_MS    10000
#define BUSY_MAX_S 7200
#define LOOK_S     5 /* between two looks at a command that writes nothing */
#define SLOWER_MAX 30
#define START_MS   1.5 /* what the reference takes on a quiet machine: a start ... */
#define SYNC_MS    5.0 /* ... and an fsync on a disk */

extern char **environ;

struct watch {
	const char *output, *reference; /* files */
	double idle_limit_s;
	pid_t child;
	int code;        /* -1: it runs */
	off_t size;      /* of the output at the last look */
	double idle_s;   /* of a quiet machine since it grew */
	int64_t cpu_ms;  /* of the tree when it grew, or when it was last found to compute */
	int64_t said_ms; /* of the tree when it grew */
};

struct process {
	pid_t pid, parent;
	int64_t cpu_ms;
	bool ours;
};

struct processes {
	struct process *v;
	size_t n, room;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* --- the tree --- */

/* From /proc/PID/stat, whose second field is in parentheses and may hold anything. */
static bool read_process(const char *pid, struct process *ret)
{
	char path[64], text[1024], *end;
	unsigned long long t[4];
	int fd, parent;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	end = strrchr(text, ')');
	if (!end || end[2] == 'Z' || end[2] == 'X' ||
	    sscanf(end + 4, "%d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &parent,
		   &t[0], &t[1], &t[2], &t[3]) != 5)
		return false;
	*ret = (struct process){.pid = (pid_t)strtol(pid, NULL, 10), .parent = parent};
	ret->cpu_ms = (int64_t)(t[0] + t[1] + t[2] + t[3]) * 1000 / sysconf(_SC_CLK_TCK);
	return true;
}

static void mark_ours(struct processes *all)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < all->n; i++)
			for (size_t k = 0; !all->v[i].ours && k <= all->n; k++) {
				bool below = k == all->n
						     ? all->v[i].parent == getpid()
						     : all->v[k].ours &&
							       all->v[k].pid == all->v[i].parent;

				if (below)
					more = all->v[i].ours = true;
			}
	}
}

/* What lives below us. Returns how many; the caller frees ret->v. */
static size_t find_tree(struct processes *ret)
{
	DIR *dir = opendir("/proc");
	size_t n = 0;

	*ret = (struct processes){0};
	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		if (ret->n == ret->room) {
			ret->room = ret->room ? 2 * ret->room : 256;
			ret->v = realloc(ret->v, ret->room * sizeof(*ret->v));
			if (!ret->v)
				abort();
		}
		if (read_process(e->d_name, &ret->v[ret->n]))
			ret->n++;
	}
	if (dir)
		closedir(dir);
	mark_ours(ret);
	for (size_t i = 0; i < ret->n; i++)
		n += ret->v[i].ours;
	return n;
}

static int64_t tree_cpu_ms(void)
{
	struct processes all;
	struct rusage r;
	int64_t ms;

	find_tree(&all);
	getrusage(RUSAGE_CHILDREN, &r);
	ms = (int64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000 +
	     (int64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1000;
	for (size_t i = 0; i < all.n; i++)
		ms += all.v[i].ours ? all.v[i].cpu_ms : 0;
	free(all.v);
	return ms;
}

static void note(struct watch *w, const char *what, const char *name)
{
	FILE *f = fopen(w->output, "a");

	if (!f)
		return;
	fprintf(f, "# check: %s%s\n", what, name);
	fclose(f);
}

static void reap(struct watch *w)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		if (pid == w->child && w->code < 0)
			w->code =
				WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void name_process(struct watch *w, pid_t pid)
{
	char path[64], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n > 0 ? n : 0] = '\0';
	if (n > 0)
		note(w, "was left running: ", text);
}

/* Until nothing lives below us: first time to go by itself, then SIGTERM to it, then SIGKILL. */
static void end_tree(struct watch *w, bool at_once)
{
	for (int try = at_once ? 40 : 0;; try++) {
		struct processes all;
		size_t n;

		reap(w);
		n = find_tree(&all);
		for (size_t i = 0; i < all.n; i++) {
			if (!all.v[i].ours || try < 40)
				continue;
			if (try == 40 && !at_once)
				name_process(w, all.v[i].pid);
			kill(all.v[i].pid, try < 80 ? SIGTERM : SIGKILL);
		}
		free(all.v);
		if (!n)
			return;
		usleep(50000);
	}
}

/* --- whether it gets on --- */

/* How many times slower than a quiet machine, from 1 to SLOWER_MAX. */
static double slower(struct watch *w)
{
	char *argv[] = {(char *)"true", NULL};
	double from = now_ms(), start, sync;
	pid_t pid;
	int fd;

	if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0)
		waitpid(pid, NULL, 0);
	start = (now_ms() - from) / START_MS;
	from = now_ms();
	fd = open(w->reference, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)!write(fd, "x", 1);
		fsync(fd);
		close(fd);
	}
	unlink(w->reference);
	sync = (now_ms() - from) / SYNC_MS;
	start = start > sync ? start : sync;
	if (start > SLOWER_MAX)
		return SLOWER_MAX;
	return start > 1 ? start : 1;
}

/* Called every few seconds. Why it is to be ended, or NULL. */
static const char *gets_on(struct watch *w, double seconds)
{
	struct stat st;
	int64_t cpu_ms;

	if (stat(w->output, &st) == 0 && st.st_size != w->size) {
		w->size = st.st_size;
		w->idle_s = 0;
		w->cpu_ms = -1;
		return NULL;
	}
	cpu_ms = tree_cpu_ms();
	if (w->cpu_ms < 0)
		w->said_ms = w->cpu_ms = cpu_ms;
	w->idle_s += seconds / slower(w);
	if (cpu_ms - w->said_ms > BUSY_MAX_S * (int64_t)1000)
		return "ended, because it computed for two hours without a word";
	if (cpu_ms - w->cpu_ms >= BUSY_MS) {
		w->idle_s = 0;
		w->cpu_ms = cpu_ms;
	}
	if (w->idle_s > w->idle_limit_s)
		return "ended, because it neither wrote nor computed for long";
	return NULL;
}

static pid_t start(struct watch *w, char **argv, const sigset_t *old)
{
	pid_t pid = fork();
	int out;

	if (pid != 0)
		return pid;
	out = open(w->output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
	if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	close(out);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, old, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int run(struct watch *w, const sigset_t *signals)
{
	double looked = now_ms();
	struct timespec turn = {LOOK_S, 0};

	while (w->code < 0) {
		int signo = sigtimedwait(signals, NULL, &turn);
		const char *why;
		double now;

		reap(w);
		if (signo > 0 && signo != SIGCHLD) {
			end_tree(w, true);
			return signo;
		}
		now = now_ms();
		if (w->code >= 0 || now - looked < LOOK_S * 1000.0)
			continue;
		why = gets_on(w, (now - looked) / 1000);
		looked = now;
		if (why) {
			end_tree(w, true);
			note(w, why, "");
			w->code = 124;
		}
	}
	end_tree(w, false);
	return 0;
}

int main(int argc, char **argv)
{
	static const int which[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	struct watch w = {.code = -1, .cpu_ms = -1};
	double from = now_ms();
	char reference[4096];
	sigset_t signals, old;
	int signo;

	if (argc < 3) {
		fprintf(stderr, "usage: watch OUTPUT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	w.output = argv[1];
	w.idle_limit_s = getenv("WATCH_IDLE_S") ? strtod(getenv("WATCH_IDLE_S"), NULL) : IDLE_S;
	snprintf(reference, sizeof(reference), "%s.pace", w.output);
	w.reference = reference;
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
		sigaddset(&signals, which[i]);
	sigprocmask(SIG_BLOCK, &signals, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	w.child = start(&w, argv + 2, &old);
	if (w.child < 0) {
		perror("watch: fork");
		return 1;
	}
	signo = run(&w, &signals);
	printf("%d %.0f %lld\n", signo ? 128 + signo : w.code, now_ms() - from,
	       (long long)tree_cpu_ms());
	return 0;
}
