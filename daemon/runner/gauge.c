/* gauge.c - reading a sandbox's /proc. */
#include "runner/gauge.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static const char *const memory_mounts[] = {"tmp", "home/agent", "dev/shm"};

int gauge_open(struct gauge *g, pid_t init, struct err *err)
{
	autofree char *path = xasprintf("/proc/%d/root", (int)init);
	autoclose int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int proc =
		root < 0 ? -1 : openat(root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || proc < 0)
		return err_errno(err, "the sandbox's processes cannot be counted: %s/proc", path);
	g->root = steal_fd(&root);
	g->proc = steal_fd(&proc);
	return 0;
}

void gauge_close(struct gauge *g)
{
	if (g->root >= 0)
		close(g->root);
	if (g->proc >= 0)
		close(g->proc);
	free(g->last);
	*g = (struct gauge)GAUGE_INIT;
}

static ssize_t read_file(int dir, const char *pid, const char *name, char *to, size_t size)
{
	char path[64];
	autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", pid, name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, to, size - 1);
	to[n < 0 ? 0 : n] = '\0';
	return n;
}

#define PF_EXITING 4 /* include/linux/sched.h */

struct usage {
	bool exiting;
	int64_t threads;
	int64_t ticks; /* with those of children that were waited for */
	int64_t own_ticks;
	int64_t start;
	int64_t pages;
};

/* proc(5): field 9 has the kernel's flags, fields 14 to 17 are times, 20 the threads, 22 the start, 24 the resident
 * pages; the name in field 2 may hold anything, so counting starts behind its last parenthesis, at field 3. */
static int parse_stat(const char *text, struct usage *ret)
{
	const char *p = strrchr(text, ')');
	char *save = NULL;
	char copy[1024];
	int64_t field[25] = {0};
	int i = 3;

	if (!p || strlen(p) >= sizeof(copy))
		return -1;
	snprintf(copy, sizeof(copy), "%s", p + 1);
	for (char *w = strtok_r(copy, " \n", &save); w && i <= 24; w = strtok_r(NULL, " \n", &save))
		field[i++] = strtoll(w, NULL, 10);
	if (i <= 24)
		return -1;
	*ret = (struct usage){
		.exiting = field[9] & PF_EXITING,
		.threads = field[20],
		.ticks = field[14] + field[15] + field[16] + field[17],
		.own_ticks = field[14] + field[15],
		.start = field[22],
		.pages = field[24],
	};
	return 0;
}

static int64_t kilobytes_after(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p ? strtoll(p + strlen(name), NULL, 10) : 0;
}

/* Swapped out bytes of one process. */
static int64_t swapped(int proc, const char *pid)
{
	char text[4096];

	if (read_file(proc, pid, "status", text, sizeof(text)) <= 0)
		return 0;
	return kilobytes_after(text, "\nVmSwap:") * 1024;
}

/* Resident pages do not have what the machine has put aside. */
static bool machine_swaps(void)
{
	struct sysinfo si;

	return sysinfo(&si) == 0 && si.totalswap > si.freeswap;
}

/* Proportional bytes of one process, or -1. */
static int64_t proportional(int proc, const char *pid)
{
	char text[2048];

	if (read_file(proc, pid, "smaps_rollup", text, sizeof(text)) <= 0 ||
	    !strstr(text, "\nPss:"))
		return -1;
	return (kilobytes_after(text, "\nPss:") + kilobytes_after(text, "\nSwapPss:")) * 1024;
}

/* What the kernel spends on a file of tmpfs beside its pages; a million empty ones are a gigabyte. */
#define TMPFS_FILE_BYTES 1024

static int64_t tmpfs_bytes(int root)
{
	int64_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(memory_mounts); i++) {
		autoclose int fd = openat(root, memory_mounts[i], O_PATH | O_CLOEXEC);
		struct statvfs v;

		if (fd >= 0 && fstatvfs(fd, &v) == 0)
			sum += (int64_t)((v.f_blocks - v.f_bfree) * v.f_frsize +
					 (v.f_files - v.f_ffree) * TMPFS_FILE_BYTES);
	}
	return sum;
}

static DIR *open_list_at(int proc, const char *path)
{
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

static bool is_pid(const char *name)
{
	return name[0] >= '1' && name[0] <= '9';
}

static int64_t exact_memory(int proc)
{
	DIR *d = open_list_at(proc, ".");
	struct dirent *e;
	int64_t sum = 0;

	while (d && (e = readdir(d)) != NULL) {
		char text[1024];
		struct usage u;
		int64_t pss;

		if (!is_pid(e->d_name))
			continue;
		pss = proportional(proc, e->d_name);
		if (pss >= 0)
			sum += pss;
		else if (read_file(proc, e->d_name, "stat", text, sizeof(text)) > 0 &&
			 parse_stat(text, &u) == 0)
			sum += u.pages * sysconf(_SC_PAGESIZE) + swapped(proc, e->d_name);
	}
	if (d)
		closedir(d);
	return sum;
}

struct gauge_proc {
	int64_t pid;
	int64_t start;
	int64_t ticks;
};

struct proc_list {
	struct gauge_proc *v;
	size_t n;
	size_t cap;
};

static void proc_add(struct proc_list *l, const char *pid, const struct usage *u)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = (struct gauge_proc){strtoll(pid, NULL, 10), u->start, u->own_ticks};
}

/* The ticks of all processes that were ever seen; takes the list. Both lists ascend by pid. */
static int64_t ticks_seen(struct gauge *g, struct proc_list *now)
{
	int64_t living = 0;
	size_t k = 0;

	for (size_t i = 0; i < g->nlast; i++) {
		while (k < now->n && now->v[k].pid < g->last[i].pid)
			k++;
		if (k == now->n || now->v[k].pid != g->last[i].pid ||
		    now->v[k].start != g->last[i].start)
			g->gone_ticks += g->last[i].ticks;
	}
	for (size_t i = 0; i < now->n; i++)
		living += now->v[i].ticks;
	free(g->last);
	g->last = now->v;
	g->nlast = now->n;
	return g->gone_ticks + living;
}

int gauge_read(struct gauge *g, int64_t max_procs, int64_t max_mem, struct gauge_reading *ret)
{
	struct gauge_reading r = {0};
	DIR *d = open_list_at(g->proc, ".");
	struct proc_list procs = {0};
	struct dirent *e;
	int64_t ticks = 0;
	int64_t seen;
	int64_t pages = 0;
	int64_t other = 0; /* bytes that are not resident pages */
	bool swaps = machine_swaps();

	if (!d)
		return -1;
	while (r.procs <= max_procs + 1 && (e = readdir(d)) != NULL) {
		char text[1024];
		struct usage u;

		if (!is_pid(e->d_name) ||
		    read_file(g->proc, e->d_name, "stat", text, sizeof(text)) <= 0 ||
		    parse_stat(text, &u) < 0)
			continue;
		r.procs += u.threads > 0 ? u.threads : 1;
		ticks += u.ticks;
		proc_add(&procs, e->d_name, &u);
		pages += u.pages;
		other += swaps ? swapped(g->proc, e->d_name) : 0;
	}
	closedir(d);
	seen = ticks_seen(g, &procs);
	if (r.procs == 0)
		return -1;
	r.procs--; /* process 1 is not the run's */
	r.cpu_ms = (ticks > seen ? ticks : seen) * 1000 / sysconf(_SC_CLK_TCK);
	r.mem_bytes = pages * sysconf(_SC_PAGESIZE) + other + tmpfs_bytes(g->root);
	if (r.mem_bytes > max_mem && r.procs <= max_procs)
		r.mem_bytes = exact_memory(g->proc) + tmpfs_bytes(g->root);
	*ret = r;
	return 0;
}

/* --- holding still ------------------------------------------------------------------------------ */

#define STOP_LOOKS 4 /* a fork bomb is bounded by its process limit, and is stopped within these */

/* pidfd_send_signal(2) takes the folder of a process in /proc for a pidfd, also in the /proc of a pid
 * namespace below ours, where the numbers are not those that kill(2) here would take. */
static size_t signal_all(const struct gauge *g, int signo)
{
	DIR *d = open_list_at(g->proc, ".");
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)) != NULL) {
		autoclose int fd = -1;

		if (!is_pid(e->d_name) || !strcmp(e->d_name, "1"))
			continue;
		fd = openat(g->proc, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		n += fd >= 0 && syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0) == 0;
	}
	if (d)
		closedir(d);
	return n;
}

void gauge_stop(const struct gauge *g)
{
	size_t before = 0, n;

	for (int i = 0; i < STOP_LOOKS; i++) {
		n = signal_all(g, SIGSTOP);
		if (n == before)
			return;
		before = n;
	}
}

void gauge_go_on(const struct gauge *g)
{
	signal_all(g, SIGCONT);
}

/* --- files without a name ---------------------------------------------------------------------- */

#define SEEN_MAX 2048

struct seen {
	struct {
		dev_t dev;
		ino_t ino;
	} * v;
	size_t n;
	size_t cap;
	size_t looked;
	bool hidden;
};

/* Few files are deleted and open at a time; of a run that has thousands the rest count each time. */
static bool seen_before(struct seen *s, const struct stat *st)
{
	if (s->n == SEEN_MAX)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].ino == st->st_ino && s->v[i].dev == st->st_dev)
			return true;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n].dev = st->st_dev;
	s->v[s->n++].ino = st->st_ino;
	return false;
}

static bool on_one_of(const struct stat *st, const dev_t *devs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (st->st_dev == devs[i])
			return true;
	return false;
}

/* A process that has ended and waits for its parent, or is about to: nothing of it is open, or will be in a moment, and
 * nothing can be listed from when its memory is gone. (It takes a while to close large files without a name; its state
 * is "running" meanwhile.) One whose first thread alone has ended has others that hold what it held. */
static bool is_dead(int proc, const char *pid)
{
	char text[1024];
	const char *state;
	struct usage u;

	if (read_file(proc, pid, "stat", text, sizeof(text)) <= 0)
		return true;
	state = strrchr(text, ')');
	return state && parse_stat(text, &u) == 0 && u.threads <= 1 &&
	       (u.exiting || strchr("ZX", state[1] ? state[2] : 0));
}

static int64_t deleted_of(int proc, const char *pid, const dev_t *devs, size_t n, struct seen *seen)
{
	autofree char *path = xasprintf("%s/fd", pid);
	DIR *d = open_list_at(proc, path);
	struct dirent *e;
	int64_t sum = 0;

	/* A process makes itself undumpable, or executes a file that it may not read. */
	seen->hidden |= !d && errno == EACCES && !is_dead(proc, pid);
	while (d && seen->looked < GAUGE_FDS_MAX && (e = readdir(d)) != NULL) {
		struct stat st;

		seen->looked++;
		if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode) && st.st_nlink == 0 && on_one_of(&st, devs, n) &&
		    !seen_before(seen, &st))
			sum += (int64_t)st.st_blocks * 512;
	}
	if (d)
		closedir(d);
	return sum;
}

int64_t gauge_deleted_bytes(const struct gauge *g, const dev_t *devs, size_t n, bool *ret_hidden)
{
	struct seen seen = {0};
	DIR *d = open_list_at(g->proc, ".");
	struct dirent *e;
	int64_t sum = 0;

	while (d && (e = readdir(d)) != NULL)
		if (is_pid(e->d_name) &&
		    strcmp(e->d_name, "1") != 0) /* which is ours, and closed */
			sum += deleted_of(g->proc, e->d_name, devs, n, &seen);
	if (d)
		closedir(d);
	free(seen.v);
	*ret_hidden = seen.hidden;
	return sum;
}
