/* sandbox.c - from a run's specification to bubblewrap's arguments. The threat model is in
 * sandbox.h. */
#include "runner/sandbox.h"

#include "base/mem.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a run may have over its limit of processes before fork fails: enough for the keeper to see
 * that it is over, too few to hurt the machine before it does. */
#define NPROC_SPARE 64

/* The distribution's own one first: AppArmor on Ubuntu grants user namespaces by this path. */
static const char *const bwrap_places[] = {"/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"};

/* Of the host's root, beside /usr: links into it where /usr is merged, folders where it is not. */
static const char *const root_entries[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

/* Of the host's /etc: what programs in /usr need to work, and nothing that differs by machine or
 * may hold a secret. Patterns as in glob(7); what does not exist is left out. */
static const char *const etc_entries[] = {
	"/etc/ld.so.cache",     "/etc/ld.so.conf",
	"/etc/ld.so.conf.d",    "/etc/alternatives",
	"/etc/ssl/certs",       "/etc/ssl/openssl.cnf",
	"/etc/ca-certificates", "/etc/ca-certificates.conf",
	"/etc/pki/tls/certs",   "/etc/localtime",
	"/etc/timezone",        "/etc/os-release",
	"/etc/debian_version",  "/etc/mime.types",
	"/etc/magic",           "/etc/protocols",
	"/etc/services",        "/etc/gai.conf",
	"/etc/host.conf",       "/etc/terminfo",
	"/etc/fonts",           "/etc/perl",
	"/etc/python3*",        "/etc/java-*-openjdk",
};
static const char *const etc_network[] = {"/etc/resolv.conf", "/etc/hosts"};

static const struct synthetic {
	const char *path;
	const char *text;
	bool without_network; /* with the host's network, the host's file is there instead */
} synthetic[] = {
	{"/etc/passwd",
	 "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
	 "agent:x:1000:1000:agent:/home/agent:/bin/sh\n"
	 "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	 false},
	{"/etc/group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n", false},
	{"/etc/nsswitch.conf",
	 "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n"
	 "protocols: files\n",
	 false},
	{"/etc/hosts", "127.0.0.1 localhost yard\n::1 localhost yard\n", true},
};

/* Where a declared bind may not go: these places are the sandbox's own. Below /work a symlink of
 * the agent's could lead the mount elsewhere. */
static const struct reserved {
	const char *path;
	bool below;
} reserved[] = {
	{"/", false},           {"/usr", true},   {"/bin", true},   {"/sbin", true},
	{"/lib", true},         {"/lib32", true}, {"/lib64", true}, {"/libx32", true},
	{"/etc", false},        {"/proc", true},  {"/sys", true},   {"/dev", true},
	{"/work", true},        {"/yard", true},  {"/tmp", false},  {"/home", false},
	{"/home/agent", false}, {"/run", false},
};

static const char *const base_env[] = {
	"PATH=/usr/local/bin:/usr/bin:/bin",
	"HOME=/home/agent",
	"USER=agent",
	"LOGNAME=agent",
	"SHELL=/bin/sh",
	"LANG=C.UTF-8",
	"TMPDIR=/tmp",
	"PWD=/work",
};

static const char *const device_writes[] = {"/dev/null",   "/dev/zero",    "/dev/full", "/dev/tty",
					    "/dev/random", "/dev/urandom", "/dev/pts",  "/dev/shm"};

static const struct hint {
	const char *words;
	const char *hint;
} hints[] = {
	{"No permissions to create",
	 "this kernel or container refuses user namespaces to ordinary users; set sysctl "
	 "kernel.unprivileged_userns_clone=1 (Debian) or install Debian's own bubblewrap package "
	 "with its AppArmor profile (Ubuntu), or leave the container"},
	{"setting up uid map",
	 "user namespaces are restricted, usually by AppArmor (sysctl "
	 "kernel.apparmor_restrict_unprivileged_userns) or by a container; use the "
	 "distribution's /usr/bin/bwrap or run on a host or VM"},
	{"Creating new namespace failed",
	 "the limit on namespaces is reached or 0; raise sysctl user.max_user_namespaces, or leave "
	 "the container"},
	{"Can't mount proc",
	 "/proc is masked here, as in most containers; run on a host or VM, or give the container "
	 "an unmasked /proc"},
	{"max_user_namespaces: Read-only",
	 "/proc/sys is read-only here, as in most containers; run on a host or VM"},
	{"Unknown option", "this bubblewrap is too old; version 0.8 or newer is needed"},
	{"NO_NEW_PRIVS", "the kernel has no no_new_privs; use Linux 5.13 or newer"},
};

const char *sandbox_hint(const char *bwrap_words)
{
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if (bwrap_words && strstr(bwrap_words, hints[i].words))
			return hints[i].hint;
	return "run 'yardmaster doctor' as the daemon's user to see which wall it is";
}

int sandbox_memfile(const char *name, const void *p, size_t n, int *ret_fd, struct err *err)
{
	autoclose int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *from = p;

	if (fd < 0)
		return err_errno(err, "memory file %s", name);
	for (size_t done = 0; done < n;) {
		ssize_t w = pwrite(fd, from + done, n - done, (off_t)done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return err_errno(err, "memory file %s: write", name);
		done += (size_t)w;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_errno(err, "memory file %s: seal", name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

void sandbox_release(struct sandbox *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->ndata; i++)
		close(b->data[i]);
	if (b->placeholder) {
		struct stat st;

		if (lstat(b->placeholder, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
			unlink(b->placeholder);
	}
	free(b->placeholder);
	strvec_release(&b->argv);
	inside_plan_release(&b->plan);
	*b = (struct sandbox){0};
}

/* --- the environment ------------------------------------------------------------------------- */

static const char *env_find(char *const *environ_, const char *name)
{
	size_t n = strlen(name);

	for (; environ_ && *environ_; environ_++)
		if (strncmp(*environ_, name, n) == 0 && (*environ_)[n] == '=')
			return *environ_;
	return NULL;
}

static void env_set(struct strvec *env, const char *entry)
{
	size_t n = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], entry, n) == 0) {
			free(env->v[i]);
			env->v[i] = xstrdup(entry);
			return;
		}
	strvec_push(env, entry);
}

int sandbox_env(const struct run_spec *s, char *const *environ_, struct strvec *ret,
		struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(base_env); i++)
		env_set(ret, base_env[i]);
	for (size_t i = 0; i < s->env.n; i++)
		env_set(ret, s->env.v[i]);
	for (size_t i = 0; i < s->env_pass.n; i++) {
		const char *e = env_find(environ_, s->env_pass.v[i]);

		if (!e)
			return err_set(err, ERR_NOT_FOUND,
				       "env_pass: %s is not set in the daemon's environment",
				       s->env_pass.v[i]);
		env_set(ret, e);
	}
	return 0;
}

/* --- arguments ------------------------------------------------------------------------------- */

static void arg(struct sandbox *b, const char *opt, const char *x, const char *y)
{
	strvec_push(&b->argv, opt);
	if (x)
		strvec_push(&b->argv, x);
	if (y)
		strvec_push(&b->argv, y);
}

static bool below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0' || folder[n - 1] == '/');
}

/* A read-only view of a host path. A link into /usr stays a link, which saves a mount. */
static void show(struct sandbox *b, const char *path)
{
	autofree char *real = realpath(path, NULL);

	if (!real)
		return;
	if (strcmp(real, path) != 0 && below(real, "/usr"))
		arg(b, "--symlink", real, path);
	else
		arg(b, "--ro-bind", real, path);
}

static void show_pattern(struct sandbox *b, const char *pattern)
{
	glob_t g = {0};

	if (glob(pattern, 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			show(b, g.gl_pathv[i]);
	globfree(&g);
}

static void add_tmpfs(struct sandbox *b, const char *where, const char *perms, int64_t size)
{
	strvec_pushl(&b->argv, "--perms", perms, "--size", NULL);
	strvec_pushf(&b->argv, "%lld", (long long)(size < 1 << 20 ? 1 << 20 : size));
	arg(b, "--tmpfs", where, NULL);
}

static int add_data(struct sandbox *b, const char *option, const char *where, const char *text,
		    struct err *err)
{
	if (b->ndata == SANDBOX_DATA_MAX)
		return err_set(err, ERR_INTERNAL, "sandbox: more than %d data files",
			       SANDBOX_DATA_MAX);
	if (sandbox_memfile("data", text, strlen(text), &b->data[b->ndata], err) < 0)
		return -1;
	strvec_pushl(&b->argv, "--perms", "0444", option, NULL);
	strvec_pushf(&b->argv, "%d", SANDBOX_DATA + (int)b->ndata);
	strvec_push(&b->argv, where);
	b->ndata++;
	return 0;
}

static int find_bwrap(struct sandbox *b, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(bwrap_places); i++)
		if (access(bwrap_places[i], X_OK) == 0) {
			strvec_push(&b->argv, bwrap_places[i]);
			return 0;
		}
	return err_set(err, ERR_UNSAFE,
		       "bubblewrap: found none at /usr/bin/bwrap; install the package 'bubblewrap' "
		       "(0.8 or newer): nothing runs without it");
}

static void add_namespaces(struct sandbox *b, enum run_network network)
{
	strvec_pushl(&b->argv, "--unshare-user", "--disable-userns", "--assert-userns-disabled",
		     "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-ipc",
		     "--unshare-uts", "--unshare-cgroup-try", "--hostname", "yard", "--as-pid-1",
		     "--new-session", "--cap-drop", "ALL", "--clearenv", NULL);
	if (network != RUN_NET_HOST)
		strvec_push(&b->argv, "--unshare-net");
}

static int add_system(struct sandbox *b, const struct run_limits *l, enum run_network network,
		      struct err *err)
{
	arg(b, "--ro-bind", "/usr", "/usr");
	for (size_t i = 0; i < ARRAY_LEN(root_entries); i++)
		show(b, root_entries[i]);
	arg(b, "--dir", "/etc", NULL);
	for (size_t i = 0; i < ARRAY_LEN(etc_entries); i++)
		show_pattern(b, etc_entries[i]);
	for (size_t i = 0; network == RUN_NET_HOST && i < ARRAY_LEN(etc_network); i++)
		show(b, etc_network[i]);
	for (size_t i = 0; i < ARRAY_LEN(synthetic); i++)
		if ((!synthetic[i].without_network || network != RUN_NET_HOST) &&
		    add_data(b, "--file", synthetic[i].path, synthetic[i].text, err) < 0)
			return -1;
	arg(b, "--symlink", "/proc/self/mounts", "/etc/mtab");
	arg(b, "--proc", "/proc", NULL);
	arg(b, "--remount-ro", "/proc", NULL);
	arg(b, "--dev", "/dev", NULL);
	add_tmpfs(b, "/dev/shm", "1777", l->mem_bytes / 4);
	arg(b, "--remount-ro", "/dev", NULL);
	add_tmpfs(b, "/tmp", "1777", l->mem_bytes / 2);
	arg(b, "--dir", "/var", NULL);
	arg(b, "--symlink", "/tmp", "/var/tmp");
	arg(b, "--dir", "/run", NULL);
	add_tmpfs(b, "/home/agent", "0700", l->mem_bytes / 4);
	return 0;
}

/* --- the run's own folders ------------------------------------------------------------------- */

/* The real path of a folder that goes inside. One that contains the run directories would show
 * every run's records, and inputs, to this one. */
static int own_folder(const char *what, const char *path, const char *runs, char **ret,
		      struct err *err)
{
	autofree char *real = realpath(path, NULL);
	autofree char *real_runs = realpath(runs, NULL);

	if (!real)
		return err_errno(err, "sandbox: %s '%s'", what, path);
	if (!real_runs)
		return err_errno(err, "sandbox: %s", runs);
	if (below(real_runs, real) || below(real, real_runs))
		return err_set(err, ERR_UNSAFE,
			       "sandbox: %s '%s' and the run directories '%s' contain one another; "
			       "name a folder of its own",
			       what, real, real_runs);
	*ret = steal(&real);
	return 0;
}

/* The round before may have closed its own folder: that is no reason for this run not to start. */
static void reopen(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    (st.st_mode & 0700) != 0700)
		chmod(path, (st.st_mode & 0777) | 0700);
}

static int add_folder(struct sandbox *b, const char *what, const char *path, const char *to,
		      bool writable, const char *runs, struct err *err)
{
	autofree char *real = NULL;

	if (own_folder(what, path, runs, &real, err) < 0)
		return -1;
	if (writable)
		reopen(real);
	arg(b, writable ? "--bind" : "--ro-bind", real, to);
	if (writable)
		strvec_push(&b->plan.writable, to);
	return 0;
}

/*
 * The worktree's .git file is the host's: inside it is covered by a read-only one. There must be
 * something to cover, else bubblewrap would make a file on the host; an empty one is made here and
 * taken away at the end.
 */
static int cover_git(struct sandbox *b, const struct run_spec *s, struct err *err)
{
	autofree char *git = path_join(s->workdir, ".git");
	struct stat st;

	if (lstat(git, &st) < 0) {
		autoclose int fd = -1;

		if (errno != ENOENT)
			return err_errno(err, "sandbox: %s", git);
		if (!s->gitdir)
			return 0;
		fd = open(git, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0)
			return err_errno(err, "sandbox: %s", git);
		b->placeholder = steal(&git);
		return add_data(b, "--ro-bind-data", "/work/.git", "gitdir: /yard/git\n", err);
	}
	if (s->gitdir && S_ISREG(st.st_mode))
		return add_data(b, "--ro-bind-data", "/work/.git", "gitdir: /yard/git\n", err);
	if (s->gitdir || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return err_set(err, ERR_UNSAFE,
			       "sandbox: %s: found something that is no plain file; expected the "
			       "file that git worktree makes",
			       git);
	arg(b, "--ro-bind", git, "/work/.git");
	return 0;
}

static int check_target(const struct run_spec *s, size_t which, struct err *err)
{
	const char *to = s->binds[which].to;

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (strcmp(to, reserved[i].path) == 0 ||
		    (reserved[i].below && below(to, reserved[i].path)))
			return err_set(err, ERR_INPUT,
				       "sandbox: bind to '%s': this place belongs to the sandbox; "
				       "use /opt/NAME or /home/agent/NAME",
				       to);
	for (size_t i = 0; i < which; i++)
		if (below(to, s->binds[i].to) || below(s->binds[i].to, to))
			return err_set(err, ERR_INPUT,
				       "sandbox: bind to '%s' and to '%s' contain one another", to,
				       s->binds[i].to);
	return 0;
}

/* What the run writes may not decide what is shown to it. */
static int check_source(const struct run_spec *s, const char *from, struct err *err)
{
	const char *own[] = {s->workdir, s->gitdir};

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		autofree char *real = own[i] ? realpath(own[i], NULL) : NULL;

		if (real && (below(from, real) || below(from, own[i])))
			return err_set(err, ERR_INPUT,
				       "sandbox: bind from '%s': lies in '%s', which the run "
				       "writes itself; name a folder outside",
				       from, own[i]);
	}
	return 0;
}

static int add_folders(struct sandbox *b, const struct run_spec *s, const char *runs,
		       struct err *err)
{
	if (add_folder(b, "workdir", s->workdir, "/work", true, runs, err) < 0)
		return -1;
	if (s->gitdir && add_folder(b, "gitdir", s->gitdir, "/yard/git", true, runs, err) < 0)
		return -1;
	if (s->objects &&
	    add_folder(b, "objects", s->objects, "/yard/objects", false, runs, err) < 0)
		return -1;
	if (s->modules &&
	    add_folder(b, "modules", s->modules, "/yard/modules", false, runs, err) < 0)
		return -1;
	for (size_t i = 0; i < s->nbinds; i++)
		if (check_target(s, i, err) < 0 || check_source(s, s->binds[i].from, err) < 0 ||
		    add_folder(b, "bind", s->binds[i].from, s->binds[i].to, s->binds[i].writable,
			       runs, err) < 0)
			return -1;
	return cover_git(b, s, err);
}

static void add_writable(struct sandbox *b)
{
	strvec_pushl(&b->plan.writable, "/tmp", "/home/agent", NULL);
	for (size_t i = 0; i < ARRAY_LEN(device_writes); i++)
		strvec_push(&b->plan.writable, device_writes[i]);
}

int sandbox_init(struct sandbox *ret, const struct run_spec *s, const struct run_limits *l,
		 const char *keeper, const char *runs, struct err *err)
{
	cleanup(sandbox_release) struct sandbox b = {0};

	if (find_bwrap(&b, err) < 0)
		return -1;
	add_namespaces(&b, s->network);
	if (add_system(&b, l, s->network, err) < 0)
		return -1;
	arg(&b, "--dir", "/yard", NULL);
	arg(&b, "--ro-bind", keeper, "/yard/keeper");
	if (add_folders(&b, s, runs, err) < 0)
		return -1;
	add_writable(&b);
	arg(&b, "--chdir", "/work", NULL);
	arg(&b, "--remount-ro", "/", NULL);
	arg(&b, "--info-fd", NULL, NULL);
	strvec_pushf(&b.argv, "%d", SANDBOX_INFO);
	arg(&b, "--seccomp", NULL, NULL);
	strvec_pushf(&b.argv, "%d", SANDBOX_SECCOMP);
	strvec_pushl(&b.argv, "--", "/yard/keeper", "--inside", NULL);
	strvec_extend(&b.plan.argv, &s->argv);
	b.plan.fsize_bytes = l->fsize_bytes;
	b.plan.nofile = l->nofile;
	b.plan.nproc = l->procs + NPROC_SPARE;
	b.plan.cpu_s = (l->cpu_ms + 999) / 1000;
	*ret = b;
	b = (struct sandbox){0};
	return 0;
}
