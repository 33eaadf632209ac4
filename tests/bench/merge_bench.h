/*
 * merge_bench.h - what the benchmarks of merges share: git as a program, our role over a socket pair.
 */
#ifndef YM_TESTS_MERGE_BENCH_H
#define YM_TESTS_MERGE_BENCH_H

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "git/role.h"
#include "sys/chan.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <git2.h>
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GIT "/usr/bin/git"

static char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
			    (char *)(uintptr_t) "HOME=/nonexistent",
			    (char *)(uintptr_t) "GIT_CONFIG_NOSYSTEM=1",
			    (char *)(uintptr_t) "GIT_CONFIG_GLOBAL=/dev/null",
			    (char *)(uintptr_t) "GIT_AUTHOR_NAME=A",
			    (char *)(uintptr_t) "GIT_AUTHOR_EMAIL=a@example.org",
			    (char *)(uintptr_t) "GIT_COMMITTER_NAME=C",
			    (char *)(uintptr_t) "GIT_COMMITTER_EMAIL=c@example.org",
			    NULL};

struct bench {
	char *dir, *ours, *theirs; /* the two repositories */
	struct chan_sync *role;
	pid_t pid;
	struct strvec ids; /* commits, by mark */
	unsigned next;     /* the next pair of marks that was not used */
};

static inline void die(const char *what, const struct err *err)
{
	fprintf(stderr, "bench: %s: %s\n", what, err ? err_text(err) : "failed");
	exit(1);
}

static inline double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What it prints, without the last newline; *ret_code NULL: it has to succeed. */
static inline char *run_code(const char *repo, const char *const *argv, const char *input, size_t n,
			     int *ret_code)
{
	struct child_opts o = {.file = GIT, .argv = (char *const *)argv, .envp = env, .cwd = repo};
	struct err err = ERR_INIT;
	struct buf out = BUF_INIT;
	int rc = child_run(&o, input, n, (size_t)64 << 20, 300000, &out, &err);

	if (rc != 0 && (!ret_code || rc != 1))
		die(argv[1], &err);
	err_release(&err);
	if (ret_code)
		*ret_code = rc;
	buf_rtrim(&out);
	return buf_steal(&out);
}

static inline char *run(const char *repo, const char *const *argv, const char *input, size_t n)
{
	return run_code(repo, argv, input, n, NULL);
}

/* The ids of a file of marks. */
static inline void read_marks(struct bench *b, const char *file, unsigned n)
{
	cleanup(buf_release) struct buf marks = BUF_INIT;
	struct strvec lines = STRVEC_INIT;

	if (fs_read(file, (size_t)16 << 20, &marks, NULL) < 0)
		die(file, NULL);
	strvec_split(&lines, marks.s, '\n');
	while (b->ids.n < n)
		strvec_push(&b->ids, "");
	strvec_foreach (&lines, line) {
		unsigned m;
		char id[41];

		if (sscanf(*line, ":%u %40s", &m, id) == 2 && m < n) {
			free(b->ids.v[m]);
			b->ids.v[m] = xstrdup(id);
		}
	}
	strvec_release(&lines);
}

static inline void start_role(struct bench *b)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die("socketpair", NULL);
	b->pid = fork();
	if (b->pid == 0) {
		close(fds[0]);
		_exit(git_role_main(fds[1], GIT));
	}
	close(fds[1]);
	b->role = chan_sync_new(fds[0], (size_t)16 << 20);
}

static inline json_t *ask(struct bench *b, json_t *req)
{
	struct err err = ERR_INIT;
	json_t *ans = NULL;

	if (chan_sync_send(b->role, req, &err) < 0 ||
	    chan_sync_recv(b->role, 60000, &ans, &err) != 1 || !json_flag(ans, "ok")) {
		autofree char *text = json_text(ans);

		fprintf(stderr, "%s\n", text);
		die("role", &err);
	}
	json_decref(req);
	return ans;
}

static inline int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static inline double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

/* A folder of our own, as somebody whom the role does not refuse. */
static inline void bench_begin(struct bench *b)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
		die("become unprivileged", NULL);
	b->dir = xstrdup("/tmp/ym-bench-merge-XXXXXX");
	if (!mkdtemp(b->dir))
		die(b->dir, NULL);
	b->ours = path_join(b->dir, "ours.git");
	b->theirs = path_join(b->dir, "theirs.git");
}

static inline void bench_end(struct bench *b)
{
	chan_sync_free(b->role);
	child_wait(b->pid, NULL, NULL);
	fs_remove_tree(b->dir, NULL);
	strvec_release(&b->ids);
	free(b->dir);
	free(b->ours);
	free(b->theirs);
}

#endif
