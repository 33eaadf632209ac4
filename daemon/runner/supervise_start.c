/* supervise_start.c - everything a keeper sets up before bubblewrap runs. */
#include "base/mem.h"
#include "runner/inside.h"
#include "runner/seccomp.h"
#include "runner/supervise_state.h"
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct ends {
	int in;
	int out;
	int words;
	int plan;
	int status;
	int go;
	int info;
	int filter;
};

static void ends_close(struct ends *e)
{
	int *all[] = {&e->in,     &e->out, &e->words, &e->plan,
		      &e->status, &e->go,  &e->info,  &e->filter};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		supervise_shut(all[i]);
}

/* A pipe whose end here does not block. */
static int make_pipe(int *ours, int *theirs, bool we_read, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	*ours = fds[we_read ? 0 : 1];
	*theirs = fds[we_read ? 1 : 0];
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, "pipe");
	return 0;
}

/* What bubblewrap writes to while it works: writing never fails, whoever has died meanwhile. */
static int make_memory(const char *name, int *ours, int *theirs, struct err *err)
{
	*ours = memfd_create(name, MFD_CLOEXEC);
	*theirs = *ours < 0 ? -1 : fcntl(*ours, F_DUPFD_CLOEXEC, 0);
	return *theirs < 0 ? err_errno(err, "memory file %s", name) : 0;
}

static int make_plan(const struct supervise_job *job, struct sandbox *b, int *ret_fd,
		     struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT;
	int r;

	if (sandbox_env(job->spec, job->environ_, &b->plan.env, err) < 0)
		return -1;
	inside_plan_write(&b->plan, &text);
	r = sandbox_memfile("plan", text.s, text.len, ret_fd, err);
	mem_wipe(text.s, text.len);
	return r;
}

static int make_ends(struct supervise *s, struct sandbox *b, struct ends *e, struct err *err)
{
	const struct run_spec *spec = s->job->spec;

	if (make_plan(s->job, b, &e->plan, err) < 0 || seccomp_filter_fd(&e->filter, err) < 0 ||
	    make_pipe(&s->out, &e->out, true, err) < 0 ||
	    make_memory("words", &s->words, &e->words, err) < 0 ||
	    make_pipe(&s->status, &e->status, true, err) < 0 ||
	    make_memory("info", &s->info, &e->info, err) < 0 ||
	    make_pipe(&s->go, &e->go, false, err) < 0)
		return -1;
	if (spec->input && sandbox_memfile("stdin", spec->input, spec->input_len, &e->in, err) < 0)
		return -1;
	return 0;
}

/*
 * bubblewrap is not tied to the keeper's life by its --die-with-parent: killed by that in the middle
 * of its work, it leaves a process behind that waits for it for ever. If the keeper dies, bubblewrap
 * finishes, process 1 finds INSIDE_GO closed, now or whenever it happens, and both leave. For the same
 * reason it writes to memory files: a pipe that nobody reads any more would end it.
 */
static int spawn(struct supervise *s, const struct sandbox *b, const struct ends *e,
		 struct err *err)
{
	struct child_fd fds[SANDBOX_DATA + SANDBOX_DATA_MAX] = {
		{e->in, 0},
		{e->out, 1},
		{e->words, 2},
		{e->plan, INSIDE_PLAN},
		{e->status, INSIDE_STATUS},
		{e->go, INSIDE_GO},
		{e->info, SANDBOX_INFO},
		{e->filter, SANDBOX_SECCOMP},
	};
	struct child_opts o = {
		.file = b->argv.v[0],
		.argv = b->argv.v,
		.fds = fds,
		.nfds = SANDBOX_DATA + b->ndata,
	};

	for (size_t i = 0; i < b->ndata; i++)
		fds[SANDBOX_DATA + i] = (struct child_fd){b->data[i], SANDBOX_DATA + (int)i};
	return child_spawn(&o, &s->bwrap, err);
}

static int start_bwrap(struct supervise *s, struct sandbox *b, struct err *err)
{
	cleanup(ends_close) struct ends e = {-1, -1, -1, -1, -1, -1, -1, -1};
	const struct supervise_job *job = s->job;

	if (sandbox_init(b, job->spec, &job->limits, job->keeper, job->runs, err) < 0 ||
	    make_ends(s, b, &e, err) < 0)
		return -1;
	return spawn(s, b, &e, err);
}

static int watch_signals(struct supervise *s, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, "signals");
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return err_errno(err, "signalfd");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_errno(err, "subreaper");
	return 0;
}

/*
 * No core files, from here on down. 1 and not 0: a core handler behind a pipe in core_pattern runs
 * on the host, as root, and is started whatever the limit is, but for the value 1 (fs/coredump.c).
 * The filter of seccomp.h keeps the value. Where the hard limit is 0 already, 0 it stays.
 */
static int forbid_cores(struct err *err)
{
	struct rlimit l = {1, 1};

	if (setrlimit(RLIMIT_CORE, &l) == 0)
		return 0;
	l.rlim_cur = l.rlim_max = 0;
	return setrlimit(RLIMIT_CORE, &l) < 0 ? err_errno(err, "limit core") : 0;
}

/* Only makes the reaction quick; the files are looked at in each tick as well. */
static void watch_folder_of(int notify, const char *path)
{
	autofree char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');

	if (!slash)
		return;
	*slash = '\0';
	inotify_add_watch(notify, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void watch_files(struct supervise *s)
{
	s->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->notify < 0)
		return;
	watch_folder_of(s->notify, s->job->kill_path);
	watch_folder_of(s->notify, s->job->halt_path);
}

int supervise_start(struct supervise *s, struct sandbox *b, struct err *err)
{
	watch_files(s);
	if (forbid_cores(err) < 0 || watch_signals(s, err) < 0)
		return -1;
	return start_bwrap(s, b, err);
}
