/* rundir.c - reading and writing the files of a run directory. */
#include "runner/rundir.h"

#include "base/buf.h"
#include "base/mem.h"
#include "runner/record.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

char *run_path(const char *runs, const char *id, const char *file)
{
	autofree char *dir = path_join(runs, id);

	return path_join(dir, file);
}

char *rundir_halt_path(const char *runs)
{
	size_t n = strlen(runs);
	autofree char *data = NULL;

	while (n > 1 && runs[n - 1] == '/')
		n--;
	while (n > 0 && runs[n - 1] != '/')
		n--;
	while (n > 1 && runs[n - 1] == '/')
		n--;
	data = n ? xstrndup(runs, n) : xstrdup(".");
	return run_halt_path(data);
}

static int read_json(const char *path, json_t **ret, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(RUN_RECORD_MAX + 1);

	if (fs_read(path, RUN_RECORD_MAX, &b, err) < 0)
		return -1;
	if (json_parse(b.s, b.len, RUN_RECORD_MAX, ret, err) < 0)
		return err_wrap(err, "%s", path);
	return 0;
}

int rundir_read_spec(const char *runs, const char *id, struct run_spec *ret, struct err *err)
{
	autofree char *path = run_path(runs, id, "spec.json");
	autojson json_t *o = NULL;

	if (read_json(path, &o, err) < 0)
		return -1;
	if (run_spec_read(o, ret, err) < 0)
		return err_wrap(err, "%s", path);
	if (strcmp(ret->id, id) != 0) {
		err_set(err, ERR_CORRUPT, "%s: found id '%s'; expected '%s'", path, ret->id, id);
		run_spec_release(ret);
		return -1;
	}
	return 0;
}

int rundir_read_input(const char *runs, struct run_spec *s, struct err *err)
{
	autofree char *path = run_path(runs, s->id, "stdin");
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(RUN_INPUT_MAX + 1);

	if (s->input_len == 0)
		return 0;
	if (fs_read(path, RUN_INPUT_MAX, &b, err) < 0)
		return -1;
	if (b.len != s->input_len)
		return err_set(err, ERR_CORRUPT, "%s: found %zu bytes; spec.json says %zu", path,
			       b.len, s->input_len);
	s->input = buf_steal(&b);
	return 0;
}

bool rundir_ended(const char *runs, const char *id)
{
	autofree char *path = run_path(runs, id, "exit.json");

	return fs_exists(path);
}

int rundir_write_exit(const char *runs, const char *id, const struct run_exit *e, struct err *err)
{
	autofree char *path = run_path(runs, id, "exit.json");
	autojson json_t *o = run_exit_json(e);
	autofree char *text = json_text(o);

	return fs_write_atomic(path, text, strlen(text), 0600, err);
}

pid_t rundir_keeper(const char *runs, const char *id)
{
	autofree char *path = run_path(runs, id, "lock");
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(64);

	if (fs_read(path, 32, &b, NULL) < 0)
		return 0;
	return (pid_t)strtol(b.s, NULL, 10);
}

int rundir_write_keeper(const char *runs, const char *id, pid_t pid, struct err *err)
{
	autofree char *path = run_path(runs, id, "lock");
	autofree char *text = xasprintf("%d\n", (int)pid);
	autoclose int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_errno(err, "%s", path);
	return 0;
}

/* Field 22 of /proc/PID/stat, or 0 when there is no such process or it is dead but for its name. */
static int64_t started_at(pid_t pid)
{
	autofree char *path = xasprintf("/proc/%d/stat", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *save = NULL;
	char *w;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	w = strrchr(text, ')');
	w = w ? strtok_r(w + 1, " ", &save) : NULL;
	if (!w || *w == 'Z' || *w == 'X')
		return 0;
	for (int field = 3; w && field < 22; field++)
		w = strtok_r(NULL, " ", &save);
	return w ? strtoll(w, NULL, 10) : 0;
}

static pid_t read_tree(const char *runs, const char *id, int64_t *ret_started)
{
	autofree char *path = run_path(runs, id, "tree");
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(128);
	char *end = NULL;
	long pid;

	if (fs_read(path, 64, &b, NULL) < 0)
		return 0;
	pid = strtol(b.s, &end, 10);
	*ret_started = strtoll(end, NULL, 10);
	return (pid_t)pid;
}

pid_t rundir_tree(const char *runs, const char *id)
{
	int64_t then = 0;
	pid_t pid = read_tree(runs, id, &then);

	return pid > 1 && then > 0 && started_at(pid) == then ? pid : 0;
}

int rundir_write_tree(const char *path, pid_t init, struct err *err)
{
	autofree char *text = xasprintf("%d %lld\n", (int)init, (long long)started_at(init));
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_errno(err, "%s", path);
	return 0;
}

void rundir_kill_tree(const char *runs, const char *id)
{
	pid_t pid = rundir_tree(runs, id);
	autoclose int fd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd >= 0 && rundir_tree(runs, id) == pid)
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}
