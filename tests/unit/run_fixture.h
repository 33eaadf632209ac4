/*
 * run_fixture.h - a data directory, a worktree and the real keeper for the tests of the runner.
 */
#ifndef YM_TESTS_RUN_FIXTURE_H
#define YM_TESTS_RUN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "patience.h"
#include "runner/run.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fx {
	char *base;
	char *data;
	char *runs;
	char *work;
	char *keeper;
	int n; /* runs so far */
};

/* What came of one run. */
struct fx_end {
	struct run_exit e;
	char *out;
};

/* build/tests/unit/test_x -> build/yardmaster-keeper */
static inline char *fx_keeper(void)
{
	autofree char *self = NULL;

	assert_int_equal(child_self(&self, NULL), 0);
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	return path_join(self, "yardmaster-keeper");
}

static inline int fx_setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));

	/* Elsewhere for the tests of a small disk, which they mount themselves. */
	f->base = xasprintf("%s/yard-run-XXXXXX",
			    getenv("YARD_SMALL") ? getenv("YARD_SMALL") : "/tmp");
	assert_non_null(mkdtemp(f->base));
	f->data = path_join(f->base, "data");
	f->runs = path_join(f->data, "runs");
	f->work = path_join(f->base, "work");
	f->keeper = fx_keeper();
	assert_int_equal(mkdir(f->data, 0700), 0);
	assert_int_equal(mkdir(f->work, 0700), 0);
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;
	cleanup(err_release) struct err err = ERR_INIT;

	run_halt_all(f->data, "the test's end", 5000, NULL);
	if (fs_remove_tree(f->base, &err) < 0)
		fail_msg("%s", err_text(&err));
	free(f->base);
	free(f->data);
	free(f->runs);
	free(f->work);
	free(f->keeper);
	free(f);
	return 0;
}

static inline void fx_end_release(struct fx_end *e)
{
	run_exit_release(&e->e);
	free(e->out);
}

/* A specification of `sh -c SCRIPT MARK`; MARK is in every process's argv. */
static inline void fx_spec(struct fx *f, struct run_spec *s, const char *script)
{
	run_spec_init(s);
	s->id = xasprintf("t%d-%d", (int)getpid(), ++f->n);
	strvec_pushl(&s->argv, "sh", "-c", script, NULL);
	strvec_pushf(&s->argv, "mark-%d-%d-", (int)getpid(), f->n);
	s->workdir = xstrdup(f->work);
	s->limits.wall_ms = PATIENT_MS; /* who tests this limit sets a short one */
}

static inline int64_t fx_now(void)
{
	return clock_system.mono_ms(&clock_system);
}

static inline enum run_state fx_state(struct fx *f, const char *id)
{
	cleanup(err_release) struct err err = ERR_INIT;
	enum run_state st = RUN_STATE_ABSENT;

	if (run_probe(f->runs, id, &st, NULL, NULL, &err) < 0)
		fail_msg("%s", err_text(&err));
	return st;
}

static inline void fx_wait_state(struct fx *f, const char *id, enum run_state want)
{
	for (int64_t end = fx_now() + PATIENT_MS; fx_state(f, id) != want; poll(NULL, 0, 2))
		if (fx_now() > end ||
		    (want == RUN_STATE_ENDED && fx_state(f, id) == RUN_STATE_LOST))
			fail_msg("run %s: in state %d, not in %d", id, (int)fx_state(f, id),
				 (int)want);
}

static inline pid_t fx_start(struct fx *f, const struct run_spec *s, const char *const *env)
{
	cleanup(err_release) struct err err = ERR_INIT;
	pid_t pid = -1;

	if (run_create(f->runs, s, &err) < 0 ||
	    run_start(f->runs, s->id, f->keeper, (char *const *)env, NULL, &pid, &err) < 0)
		fail_msg("%s", err_text(&err));
	return pid;
}

static inline char *fx_file(struct fx *f, const char *id, const char *name)
{
	autofree char *path = run_path(f->runs, id, name);
	struct buf b = BUF_INIT_MAX((size_t)256 << 20);

	fs_read(path, (size_t)255 << 20, &b, NULL);
	return buf_steal(&b);
}

/* Waits until the output of a run contains the text. */
static inline void fx_wait_out(struct fx *f, const char *id, const char *text)
{
	for (int64_t end = fx_now() + PATIENT_MS;; poll(NULL, 0, 2)) {
		autofree char *out = fx_file(f, id, "out");

		if (strstr(out, text))
			return;
		if (fx_now() > end)
			fail_msg("run %s: no '%s' in its output: %s", id, text, out);
	}
}

static inline void fx_ended(struct fx *f, const char *id, struct fx_end *ret)
{
	cleanup(err_release) struct err err = ERR_INIT;
	enum run_state st;

	fx_wait_state(f, id, RUN_STATE_ENDED);
	if (run_probe(f->runs, id, &st, NULL, &ret->e, &err) < 0)
		fail_msg("%s", err_text(&err));
	ret->out = fx_file(f, id, "out");
}

static inline void fx_run(struct fx *f, const struct run_spec *s, const char *const *env,
			  struct fx_end *ret)
{
	fx_start(f, s, env);
	fx_ended(f, s->id, ret);
}

/* Processes on this machine whose command line contains the text. */
static inline int fx_processes(const char *text)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) != NULL) {
		autofree char *path = xasprintf("/proc/%s/cmdline", e->d_name);
		char cmd[8192];
		autoclose int fd = -1;
		ssize_t len;

		if (!isdigit((unsigned char)e->d_name[0]) || atoi(e->d_name) == (int)getpid())
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = fd < 0 ? 0 : read(fd, cmd, sizeof(cmd));
		n += len > 0 && memmem(cmd, (size_t)len, text, strlen(text)) != NULL;
	}
	closedir(d);
	return n;
}

/* The outcome as expected, and nothing of the tree left: at once, not after a while. */
static inline void fx_expect(const struct run_spec *s, const struct fx_end *e,
			     enum run_outcome want)
{
	const char *mark = s->argv.v[s->argv.n - 1];

	if (e->e.outcome != want)
		fail_msg("found %s (%s), expected %s; output: %s", run_outcome_name(e->e.outcome),
			 e->e.detail, run_outcome_name(want), e->out);
	assert_int_equal(fx_processes(mark), 0);
}

/* Runs a script that must exit with 0; the output is its caller's to free. */
static inline char *fx_sh(struct fx *f, const char *script)
{
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, script);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	if (e.e.code != 0)
		fail_msg("'%s' exited with %d: %s", script, e.e.code, e.out);
	return steal(&e.out);
}

static inline void fx_write(struct fx *f, const char *name, const char *text)
{
	autofree char *path = path_join(f->work, name);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

#endif
