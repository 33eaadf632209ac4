/* run.c - run directories: creating, starting, looking at, ending and removing runs. */
#include "runner/run.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "runner/keeper.h"
#include "runner/record.h"
#include "runner/rundir.h"
#include "sys/child.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_MS     10000 /* a keeper answers in 3 ms; longer than this and something is broken */
#define LOOK_TRIES   10
#define LOOK_WAIT_MS 2
#define KILL_TRIES   50
#define KILL_WAIT_MS 2

static int check_id(const char *id, struct err *err)
{
	if (run_id_ok(id))
		return 0;
	return err_set(err, ERR_INPUT, "run id '%s': expected 1 to 64 of [A-Za-z0-9._-]",
		       id ? id : "");
}

static int refuse_root(struct err *err)
{
	if (getuid() != 0 && geteuid() != 0)
		return 0;
	return err_set(err, ERR_UNSAFE,
		       "runs are not started by uid 0: root inside a user namespace reaches the "
		       "host; start the daemon as an ordinary user");
}

/* --- creating -------------------------------------------------------------------------------- */

/* 1 the same, 0 another one. */
static int same_spec(const char *runs, const struct run_spec *s, const char *text, struct err *err)
{
	autofree char *spec = run_path(runs, s->id, "spec.json");
	autofree char *in = run_path(runs, s->id, "stdin");
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(RUN_INPUT_MAX + 1);

	if (fs_read(spec, RUN_RECORD_MAX, &b, err) < 0)
		return -1;
	if (strcmp(b.s, text) != 0)
		return 0;
	if (s->input_len == 0)
		return 1;
	buf_reset(&b);
	if (fs_read(in, RUN_INPUT_MAX, &b, err) < 0)
		return -1;
	return b.len == s->input_len && memcmp(b.s, s->input, b.len) == 0;
}

static int write_spec(const char *runs, const struct run_spec *s, const char *text, struct err *err)
{
	autofree char *dir = path_join(runs, s->id);
	autofree char *spec = path_join(dir, "spec.json");
	autofree char *in = path_join(dir, "stdin");

	if (fs_mkdir_p(runs, 0700, err) < 0)
		return -1;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "run %s: %s", s->id, dir);
	if (s->input_len > 0 && fs_write_atomic(in, s->input, s->input_len, 0600, err) < 0)
		return -1;
	return fs_write_atomic(spec, text, strlen(text), 0600, err);
}

int run_create(const char *runs, const struct run_spec *s, struct err *err)
{
	autofree char *spec = NULL;
	autofree char *text = NULL;
	autojson json_t *o = NULL;
	int same;

	if (run_spec_check(s, err) < 0)
		return -1;
	if (s->input_len > 0 && !s->input)
		return err_set(err, ERR_INTERNAL, "run %s: input_len without input", s->id);
	o = run_spec_json(s);
	text = json_text(o);
	spec = run_path(runs, s->id, "spec.json");
	if (!fs_exists(spec))
		return write_spec(runs, s, text, err);
	same = same_spec(runs, s, text, err);
	if (same < 0)
		return err_wrap(err, "run %s", s->id);
	if (!same)
		return err_set(err, ERR_EXISTS,
			       "run %s: exists with another specification; use a new id", s->id);
	return 0;
}

/* --- starting -------------------------------------------------------------------------------- */

static int pick_env(const struct run_spec *s, char *const *environ_, struct strvec *ret,
		    struct err *err)
{
	for (size_t i = 0; i < s->env_pass.n; i++) {
		const char *name = s->env_pass.v[i];
		size_t n = strlen(name);
		char *const *e = environ_;

		while (e && *e && !(strncmp(*e, name, n) == 0 && (*e)[n] == '='))
			e++;
		if (!e || !*e)
			return err_set(err, ERR_NOT_FOUND,
				       "run %s: env-pass names %s, which is not set in the "
				       "daemon's environment; set it there or take it off the list",
				       s->id, name);
		strvec_push(ret, *e);
	}
	return 0;
}

/* Reads the keeper's one line. */
static int read_line(int fd, struct buf *ret, struct err *err)
{
	int64_t end = clock_system.mono_ms(&clock_system) + START_MS;

	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		int64_t left = end - clock_system.mono_ms(&clock_system);
		char text[256];
		ssize_t n;
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (r == 0)
			return err_set(err, ERR_UNAVAILABLE,
				       "the keeper did not answer within %d s", START_MS / 1000);
		n = r < 0 ? -1 : read(fd, text, sizeof(text));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "the keeper's answer");
		if (n == 0)
			return 0;
		buf_add(ret, text, (size_t)n);
	}
}

static int understand(const char *id, struct buf *line, pid_t *ret_pid, struct err *err)
{
	char *text = NULL;
	long n = line->len > 1 ? strtol(line->s + 1, &text, 10) : 0;

	buf_rtrim(line);
	switch (line->s[0]) {
	case 'P':
		*ret_pid = (pid_t)n;
		return 0;
	case 'N':
		*ret_pid = 0;
		return 0;
	case 'E':
		return err_set(err, (enum err_code)n, "run %s: %s", id,
			       text && *text ? text + 1 : "");
	default:
		return err_set(err, ERR_INTERNAL,
			       "run %s: the keeper ended without an answer; found '%s'", id,
			       line->s);
	}
}

static int start_keeper(const char *runs, const char *id, const char *keeper,
			const struct strvec *env, pid_t *ret_pid, struct err *err)
{
	cleanup(buf_release) struct buf line = BUF_INIT_MAX(KEEPER_LINE_MAX);
	const char *argv[] = {keeper, runs, id, NULL};
	struct child_fd fds[] = {{-1, KEEPER_REPORT}};
	struct child_opts o = {
		.file = keeper,
		.argv = (char *const *)argv,
		.envp = env->v,
		.fds = fds,
		.nfds = 1,
		.new_session = true,
	};
	autoclose int ours = -1;
	autoclose int theirs = -1;
	int both[2];
	pid_t first;
	int r;

	if (pipe2(both, O_CLOEXEC) < 0)
		return err_errno(err, "run %s: pipe", id);
	ours = both[0];
	theirs = both[1];
	fds[0].from = theirs;
	r = child_spawn(&o, &first, err);
	if (r < 0)
		return err_wrap(err, "run %s: keeper", id);
	close(steal_fd(&theirs));
	r = read_line(ours, &line, err);
	/* The first process leaves as soon as it has forked; the keeper is nobody's child. */
	if (child_wait(first, NULL, r < 0 ? NULL : err) < 0 || r < 0)
		return err_wrap(err, "run %s", id);
	return understand(id, &line, ret_pid, err);
}

static int check_halt(const char *runs, const char *id, struct err *err)
{
	autofree char *halt = rundir_halt_path(runs);
	struct stat st;

	if (lstat(halt, &st) < 0 && errno == ENOENT)
		return 0;
	return err_set(err, ERR_STATE,
		       "run %s: refused, everything is halted by the file %s; 'yardmaster resume' "
		       "takes it away",
		       id, halt);
}

/* The keeper's environment is the one way to it that leaves nothing in a file. */
static void add_masked(const struct strvec *masked, struct strvec *ret)
{
	for (size_t i = 0; masked && i < masked->n; i++)
		strvec_pushf(ret, RUN_MASK_VARIABLE "%zu=%s", i, masked->v[i]);
}

int run_start(const char *runs, const char *id, const char *keeper, char *const *environ_,
	      const struct strvec *masked, pid_t *ret_pid, struct err *err)
{
	cleanup(run_spec_release) struct run_spec s = {0};
	cleanup(strvec_release) struct strvec env = STRVEC_INIT;
	autofree char *lock = NULL;
	pid_t pid = 0;

	if (check_id(id, err) < 0 || refuse_root(err) < 0 || check_halt(runs, id, err) < 0 ||
	    rundir_read_spec(runs, id, &s, err) < 0)
		return -1;
	lock = run_path(runs, id, "lock");
	if (!rundir_ended(runs, id) && fs_lock_held(lock, NULL) != 1) {
		if (pick_env(&s, environ_, &env, err) < 0)
			return -1;
		add_masked(masked, &env);
		if (start_keeper(runs, id, keeper, &env, &pid, err) < 0)
			return -1;
	}
	if (ret_pid)
		*ret_pid = pid;
	return 0;
}

/* --- looking --------------------------------------------------------------------------------- */

static int probe_exit(const char *runs, const char *id, struct run_exit *ret, struct err *err)
{
	autofree char *path = run_path(runs, id, "exit.json");
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(RUN_RECORD_MAX + 1);
	autojson json_t *o = NULL;

	if (!ret)
		return 0;
	if (fs_read(path, RUN_RECORD_MAX, &b, err) < 0 ||
	    json_parse(b.s, b.len, RUN_RECORD_MAX, &o, err) < 0 || run_exit_read(o, ret, err) < 0)
		return err_wrap(err, "%s", path);
	return 0;
}

/*
 * 1 running, with its pid; 2 ended; 0 neither. The order matters: a keeper writes its record before
 * it gives up the lock, so that the record is looked for once more after the lock was found free.
 */
static int look(const char *runs, const char *id, pid_t *ret_pid, struct err *err)
{
	autofree char *lock = run_path(runs, id, "lock");
	int held;

	if (rundir_ended(runs, id))
		return 2;
	held = fs_lock_held(lock, err);
	if (held < 0)
		return -1;
	if (!held && rundir_ended(runs, id))
		return 2;
	*ret_pid = held ? rundir_keeper(runs, id) : rundir_tree(runs, id);
	return held || *ret_pid;
}

/* A lock without a pid is a keeper at its very beginning, or somebody who kills or removes. */
static int look_patiently(const char *runs, const char *id, pid_t *ret_pid, struct err *err)
{
	int r = look(runs, id, ret_pid, err);

	for (int i = 0; i < LOOK_TRIES && r == 1 && *ret_pid == 0; i++) {
		poll(NULL, 0, LOOK_WAIT_MS);
		r = look(runs, id, ret_pid, err);
	}
	return r;
}

int run_probe(const char *runs, const char *id, enum run_state *ret, pid_t *ret_pid,
	      struct run_exit *ret_exit, struct err *err)
{
	autofree char *spec = NULL;
	pid_t pid = 0;
	int found;

	if (check_id(id, err) < 0)
		return -1;
	found = look_patiently(runs, id, &pid, err);
	if (found < 0 || (found == 2 && probe_exit(runs, id, ret_exit, err) < 0))
		return -1;
	spec = run_path(runs, id, "spec.json");
	if (found == 2)
		*ret = RUN_STATE_ENDED;
	else if (found == 1)
		*ret = RUN_STATE_RUNNING;
	else if (!fs_exists(spec))
		*ret = RUN_STATE_ABSENT;
	else
		*ret = rundir_keeper(runs, id) ? RUN_STATE_LOST : RUN_STATE_CREATED;
	if (found == 1 && ret_pid)
		*ret_pid = pid;
	return 0;
}

int run_list(const char *runs, struct strvec *ret, struct err *err)
{
	DIR *d = opendir(runs);
	struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "%s", runs);
	while ((e = readdir(d)) != NULL)
		if (run_id_ok(e->d_name) && e->d_type == DT_DIR)
			strvec_push(ret, e->d_name);
	closedir(d);
	strvec_sort(ret);
	return 0;
}

/* --- ending ---------------------------------------------------------------------------------- */

/* Nobody keeps the run and we hold its lock: it is recorded as killed and can never start. */
static int kill_here(const char *runs, const char *id, const char *reason, struct err *err)
{
	struct run_exit e = {.outcome = RUN_KILLED, .detail = (char *)reason};

	if (rundir_ended(runs, id))
		return 0;
	e.ended_ms = clock_system.wall_ms(&clock_system);
	return rundir_write_exit(runs, id, &e, err);
}

int run_kill(const char *runs, const char *id, const char *reason, struct err *err)
{
	autofree char *lock = NULL;
	autofree char *file = NULL;

	if (check_id(id, err) < 0)
		return -1;
	lock = run_path(runs, id, "lock");
	file = run_path(runs, id, "kill");
	for (int i = 0; i < KILL_TRIES; i++) {
		cleanup(err_release) struct err why = ERR_INIT;
		autoclose int fd = -1;

		if (rundir_ended(runs, id))
			return 0;
		if (fs_lock(lock, &fd, &why) == 0) {
			if (!rundir_tree(runs, id))
				return kill_here(runs, id, reason, err);
			rundir_kill_tree(runs, id); /* its keeper died a moment ago */
			poll(NULL, 0, KILL_WAIT_MS);
			continue;
		}
		if (why.code != ERR_EXISTS)
			return err_move(err, &why);
		if (fs_write_atomic(file, reason, strlen(reason), 0600, err) < 0)
			return -1;
		if (fs_lock_held(lock, NULL) == 1)
			return 0;
	}
	return err_set(err, ERR_UNAVAILABLE,
		       "run %s: it does not end, or its lock %s changes hands all the time", id,
		       lock);
}

int run_remove(const char *runs, const char *id, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	autofree char *dir = NULL;
	autofree char *lock = NULL;
	autoclose int fd = -1;

	if (check_id(id, err) < 0)
		return -1;
	dir = path_join(runs, id);
	if (!fs_exists(dir))
		return 0;
	lock = path_join(dir, "lock");
	/* After its record a keeper only leaves. */
	if (!rundir_ended(runs, id) && fs_lock(lock, &fd, &why) < 0) {
		if (why.code == ERR_EXISTS)
			return err_set(err, ERR_STATE, "run %s: is running; end it first", id);
		return err_move(err, &why);
	}
	if (rundir_tree(runs, id))
		return err_set(err, ERR_STATE, "run %s: its processes are ending; try again", id);
	return fs_remove_tree(dir, err);
}
