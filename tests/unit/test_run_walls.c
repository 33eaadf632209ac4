/* test_run_walls.c - what a run can see and reach, tried from inside. */
#include "run_fixture.h"
#include "unpriv.h"

#include "runner/landlock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The script must print exactly this. */
static void prints(struct fx *f, const char *script, const char *want)
{
	autofree char *out = fx_sh(f, script);

	assert_string_equal(out, want);
}

/* --- environment and descriptors -------------------------------------------------------------- */

static void environment_is_exact(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	const char *env[] = {"HOME=/home/host", "GITHUB_TOKEN=t0ken",       "API_KEY=k3y value",
			     "API_KEY2=no",     "LD_PRELOAD=/work/evil.so", NULL};

	fx_spec(f, &s, "");
	strvec_release(&s.argv);
	strvec_push(&s.argv, "/usr/bin/env");
	strvec_push(&s.env, "ROUND=1");
	strvec_push(&s.env, "LANG=de_DE.UTF-8");
	strvec_push(&s.env_pass, "API_KEY");
	fx_run(f, &s, env, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out,
			    "PATH=/usr/local/bin:/usr/bin:/bin\nHOME=/home/agent\nUSER=agent\n"
			    "LOGNAME=agent\nSHELL=/bin/sh\nLANG=de_DE.UTF-8\nTMPDIR=/tmp\n"
			    "PWD=/work\nROUND=1\nAPI_KEY=k3y value\n");
}

/* The environment of the sandbox is not the environment of bubblewrap, which runs on the host. */
static void preload_stays_inside(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *host = path_join(f->work, "evil.so");

	fx_write(f, "evil.so", "not a library");
	fx_spec(f, &s, "env | grep -c LD_PRELOAD");
	strvec_pushf(&s.env, "LD_PRELOAD=%s", host);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	/* each program inside complains that the host's path does not exist there; bubblewrap and
	 * process 1 did not even try, else the run would not have started */
	assert_non_null(strstr(e.out, "cannot be preloaded"));
	assert_non_null(strstr(e.out, "1\n"));
}

static void missing_secret_is_refused(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(err_release) struct err err = ERR_INIT;
	const char *env[] = {"OTHER=1", NULL};

	fx_spec(f, &s, "true");
	strvec_push(&s.env_pass, "API_KEY");
	assert_int_equal(run_create(f->runs, &s, NULL), 0);
	assert_int_equal(run_start(f->runs, s.id, f->keeper, (char *const *)env, NULL, NULL, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "API_KEY"));
	assert_int_equal(fx_state(f, s.id), RUN_STATE_CREATED);
}

static void secret_is_nowhere(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *spec = NULL;
	const char *env[] = {"API_KEY=s3cr3t-0815-value", NULL};

	fx_spec(f, &s,
		"echo ${#API_KEY}; grep -l s3c\"r3t\" /proc/[0-9]*/cmdline; grep -c s3c\"r3t\" "
		"/proc/1/environ; cat /proc/self/environ | tr '\\0' '\\n' | grep -c API_");
	strvec_push(&s.env_pass, "API_KEY");
	fx_run(f, &s, env, &e);
	spec = fx_file(f, s.id, "spec.json");
	assert_null(strstr(spec, "s3cr3t"));
	assert_non_null(strstr(spec, "API_KEY"));
	assert_non_null(strstr(e.out, "17\n"));
	assert_non_null(strstr(e.out, "/proc/1/environ: Permission denied"));
	assert_null(strstr(e.out, "cmdline"));
}

static void secret_is_in_no_argument(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	const char *env[] = {"API_KEY=s3cr3t-4711-value", NULL};

	fx_spec(f, &s, "echo up; sleep 300");
	strvec_push(&s.env_pass, "API_KEY");
	fx_start(f, &s, env);
	fx_wait_out(f, s.id, "up");
	assert_int_equal(fx_processes("s3cr3t-4711-value"), 0);
	assert_true(fx_processes(s.argv.v[3]) > 0);
	assert_int_equal(run_kill(f->runs, s.id, "enough", NULL), 0);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_KILLED);
}

static void descriptors(void **state)
{
	struct fx *f = *state;
	int leak = open("/etc/hostname", O_RDONLY); /* on purpose without O_CLOEXEC */

	/* Listed without a pipe or a file, of which the shell may hold an end. */
	prints(f,
	       "for i in /proc/self/fd/*; do n=${i##*/}; [ $n -gt 2 ] || echo $n; done; "
	       "readlink /proc/$$/fd/0; ls /proc/$$/fd; readlink /proc/$$/fd/1 | "
	       "cut -d: "
	       "-f1; tty || true",
	       "0\n1\n2\n/dev/null\n0\n1\n2\npipe\nnot a tty\n");
	close(leak);
}

static void input_is_given_and_sealed(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *stored = NULL;

	fx_spec(f, &s, "wc -c; echo x >>/proc/self/fd/0");
	s.input_len = 300000;
	s.input = xmalloc(s.input_len + 1);
	memset(s.input, 'p', s.input_len);
	s.input[s.input_len] = '\0';
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_non_null(strstr(e.out, "300000\n"));
	assert_int_not_equal(e.e.code, 0);
	stored = fx_file(f, s.id, "stdin");
	assert_int_equal(strlen(stored), 300000);
}

/* --- files ------------------------------------------------------------------------------------ */

static void host_files_are_not_there(void **state)
{
	struct fx *f = *state;
	autofree char *script = xasprintf(
		"for p in /etc/shadow /etc/ssh /root /boot /srv /mnt /sys /var/lib /etc/hostname "
		"/etc/gitconfig %s %s /home/%s; do [ -e $p ] && echo found $p; done; ls -A /home "
		"/home/agent /tmp /run; id -un; cat /etc/passwd | wc -l",
		f->data, f->base, getenv("USER") ? getenv("USER") : "yardtest");

	prints(f, script, "/home:\nagent\n\n/home/agent:\n\n/run:\n\n/tmp:\nagent\n3\n");
}

static void host_is_not_writable(void **state)
{
	struct fx *f = *state;

	prints(f,
	       "for p in / /usr /usr/bin /etc /dev /var /yard /run /proc /home /lib /bin; do "
	       "(echo x >$p/yard-test) 2>/dev/null && echo wrote $p; done; "
	       "for p in /etc/passwd /usr/bin/env /yard/keeper /proc/sys/kernel/core_pattern "
	       "/proc/sys/kernel/hostname /proc/sys/user/max_user_namespaces /proc/sysrq-trigger "
	       "/proc/self/uid_map /proc/self/setgroups /proc/self/oom_score_adj; do "
	       "(echo 0 >$p) 2>/dev/null && echo wrote $p; done; "
	       "for p in /work /tmp /home/agent /dev/shm /var/tmp; do "
	       "echo x >$p/yard-test || echo lost $p; done; echo end",
	       "end\n");
}

/* Landlock forbids writing once more, so that the mounts are looked at themselves. */
static void mounts_are_read_only(void **state)
{
	struct fx *f = *state;

	prints(f,
	       "while read -r a b c d where opts rest; do case $opts in rw*) echo $where; esac; "
	       "case $opts in *nosuid*) ;; *) echo suid $where; esac; "
	       "done </proc/self/mountinfo | sort | tr '\\n' ' '",
	       "/dev/full /dev/null /dev/pts /dev/random /dev/shm /dev/tty /dev/urandom "
	       "/dev/zero /home/agent /tmp /work ");
}

static void namespaces_are_its_own(void **state)
{
	struct fx *f = *state;
	static const char *const kinds[] = {"user", "pid", "ipc", "uts", "net", "mnt"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		autofree char *path = xasprintf("/proc/self/ns/%s", kinds[i]);
		autofree char *script = xasprintf("readlink %s", path);
		autofree char *inside = fx_sh(f, script);
		char here[64] = "";

		assert_true(readlink(path, here, sizeof(here) - 1) > 0);
		assert_true(strncmp(inside, kinds[i], strlen(kinds[i])) == 0);
		if (strncmp(inside, here, strlen(here)) == 0)
			fail_msg("%s is the host's", path);
	}
}

static void symlinks_lead_nowhere(void **state)
{
	struct fx *f = *state;
	autofree char *secret = path_join(f->data, "secret");
	autofree char *link = path_join(f->work, "link");
	autofree char *up = path_join(f->work, "up");
	autofree char *dir = path_join(f->work, "dir");
	autoclose int fd = open(secret, O_WRONLY | O_CREAT, 0644);

	assert_int_equal(symlink(secret, link), 0);
	assert_int_equal(symlink("../../../../../../../..", up), 0);
	assert_int_equal(symlink(f->data, dir), 0);
	prints(f,
	       "cat link dir/secret up/etc/shadow 2>/dev/null; echo x 2>/dev/null >link; "
	       "ls up | tr '\\n' ' '; ln -s /etc/shadow s; cat s 2>/dev/null; cd ..; pwd; echo end",
	       "bin dev etc home lib lib32 lib64 proc run sbin tmp usr var work yard /\nend\n");
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
}

static void git_file_is_covered(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *path = path_join(f->work, ".git");

	fx_write(f, ".git", "gitdir: /host/mirror/worktrees/t1\n");
	fx_spec(f, &s,
		"cat .git; (echo evil >.git) 2>/dev/null || echo no; rm -f .git 2>/dev/null || "
		"echo no; mv .git x 2>/dev/null || echo no; ln -sf /x .git 2>/dev/null || echo "
		"no; git init -q --bare /yard/git && git status --short | head -1; "
		"git -c user.name=a -c user.email=b commit -q --allow-empty -m x && git log "
		"--format=%s");
	s.gitdir = path_join(f->base, "git");
	assert_int_equal(mkdir(s.gitdir, 0700), 0);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_non_null(strstr(e.out, "gitdir: /yard/git\nno\nno\nno\nno\n"));
	assert_int_equal(fs_read(path, 100, &b, NULL), 0);
	assert_string_equal(b.s, "gitdir: /host/mirror/worktrees/t1\n");
}

/* Without a private Git directory the host's file is shown and still not writable; without a file
 * there is none afterwards. */
static void git_file_without_gitdir(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *path = path_join(f->work, ".git");
	autofree char *dir = path_join(f->base, "git");

	fx_spec(f, &s, "cat .git");
	s.gitdir = xstrdup(dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "gitdir: /yard/git\n");
	assert_false(fs_exists(path));

	fx_write(f, ".git", "host\n");
	prints(f,
	       "cat .git; (echo evil >.git) 2>/dev/null || echo no; rm -f .git 2>/dev/null || "
	       "echo no",
	       "host\nno\nno\n");
}

/* A symlink in the place of the .git file, left by an earlier round, is not followed. */
static void git_symlink_is_refused(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *path = path_join(f->work, ".git");
	autofree char *target = path_join(f->data, "target");

	assert_int_equal(symlink(target, path), 0);
	fx_spec(f, &s, "echo ran");
	s.gitdir = path_join(f->base, "git");
	assert_int_equal(mkdir(s.gitdir, 0700), 0);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_NOT_STARTED);
	assert_string_equal(e.out, "");
	assert_false(fs_exists(target));
}

static void objects_and_binds(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *cache = path_join(f->base, "cache");
	autofree char *file = path_join(cache, "hit");

	assert_int_equal(mkdir(cache, 0700), 0);
	fx_spec(f, &s,
		"for d in /yard/objects /opt/ro /home/agent/.cache; do (echo x >$d/hit) "
		"2>/dev/null || echo no $d; done");
	s.objects = xstrdup(cache);
	s.binds = xcalloc(2, sizeof(*s.binds));
	s.nbinds = 2;
	s.binds[0] = (struct run_bind){xstrdup(cache), xstrdup("/opt/ro"), false};
	s.binds[1] = (struct run_bind){xstrdup(cache), xstrdup("/home/agent/.cache"), true};
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "no /yard/objects\nno /opt/ro\n");
	assert_true(fs_exists(file));
}

static void refuses_bind(struct fx *f, const char *from, const char *to)
{
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "echo ran");
	s.binds = xcalloc(1, sizeof(*s.binds));
	s.nbinds = 1;
	s.binds[0] = (struct run_bind){xstrdup(from), xstrdup(to), true};
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_NOT_STARTED);
	assert_string_equal(e.out, "");
}

static void bad_binds_are_refused(void **state)
{
	struct fx *f = *state;
	static const char *const to[] = {
		"/usr/local", "/proc", "/work/node_modules", "/yard/x", "/", "/dev/x", "/etc"};

	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		refuses_bind(f, "/usr/share", to[i]);
	/* the run's own folder, where a symlink of an earlier round could lead anywhere */
	refuses_bind(f, f->work, "/opt/x");
	refuses_bind(f, f->data, "/opt/x");
	refuses_bind(f, f->runs, "/opt/x");
	refuses_bind(f, "/", "/opt/x");
	refuses_bind(f, "/no/such/folder", "/opt/x");
}

/* --- processes, kernel, network ---------------------------------------------------------------- */

static void own_processes_only(void **state)
{
	struct fx *f = *state;
	autofree char *script = xasprintf("kill -0 %d 2>/dev/null && echo reached; kill -9 1 "
					  "2>/dev/null; cat /proc/1/maps 2>/dev/null; ls "
					  "/proc/1/fd 2>/dev/null; echo $PPID",
					  (int)getpid());

	prints(f, script, "1\n");
}

/* Each line is a system call by its x86_64 number with arguments, and the errno that it must
 * give. perl's syscall() is the shortest way to them. */
static void system_calls_are_refused(void **state)
{
	struct fx *f = *state;

#ifdef __x86_64__
	prints(f,
	       "perl -e '"
	       "for ("
	       "[\"mount\",165,0,0,0,0,0],[\"umount2\",166,0,0],[\"pivot_root\",155,0,0],"
	       "[\"chroot\",161,0],[\"setns\",308,0,0],[\"unshare user\",272,0x10000000],"
	       "[\"unshare net\",272,0x40000000],[\"unshare time\",272,0x80],"
	       "[\"unshare pid+files\",272,0x20000400],[\"clone user\",56,0x10000011,0,0,0,0],"
	       "[\"clone3\",435,0,0],[\"ptrace\",101,0,0,0,0],[\"keyctl\",250,0,0,0,0,0],"
	       "[\"bpf\",321,0,0,0],[\"perf\",298,0,0,0,0,0],[\"userfaultfd\",323,0],"
	       "[\"kexec\",246,0,0,0,0],[\"init_module\",175,0,0,0],[\"finit\",313,0,0,0],"
	       "[\"swapon\",167,0,0],[\"reboot\",169,0,0,0,0],[\"io_uring\",425,0,0],"
	       "[\"process_vm_readv\",310,1,0,0,0,0,0],[\"open_tree\",428,0,0,0],"
	       "[\"fsopen\",430,0,0],[\"move_mount\",429,0,0,0,0,0],[\"mount_setattr\",442,0,0,0,0,"
	       "0],"
	       "[\"open_by_handle_at\",304,0,0,0],[\"memfd_create\",319,0,0],"
	       "[\"tiocsti\",16,0,0x5412,0],[\"tiocsti high\",16,0,0x100005412,0],"
	       "[\"vsock\",41,40,1,0],[\"packet\",41,17,3,0],[\"alg\",41,38,5,0],"
	       "[\"high family\",41,0x100000011,3,0],[\"netlink audit\",41,16,3,9],"
	       "[\"shmget\",29,0,1<<30,0x3ff],[\"new\",467,0,0,0,0,0],[\"newer\",999,0,0,0]"
	       ") { my ($n, $nr, @a) = @$_; $! = 0; my $r = syscall($nr, @a); "
	       "printf \"%s %d\\n\", $n, $r < 0 ? $!+0 : -$r }'",
	       "mount 1\numount2 1\npivot_root 1\nchroot 1\nsetns 1\nunshare user 1\n"
	       "unshare net 1\nunshare time 1\nunshare pid+files 1\nclone user 1\nclone3 38\n"
	       "ptrace 1\nkeyctl 1\nbpf 1\nperf 1\nuserfaultfd 1\nkexec 1\ninit_module 1\n"
	       "finit 1\nswapon 1\nreboot 1\nio_uring 38\nprocess_vm_readv 1\nopen_tree 1\n"
	       "fsopen 1\nmove_mount 1\nmount_setattr 1\nopen_by_handle_at 1\nmemfd_create 38\n"
	       "tiocsti 1\ntiocsti high 1\nvsock 97\npacket 97\nalg 97\nhigh family 97\n"
	       "netlink audit 97\nshmget 12\nnew 38\nnewer 38\n");
	/* x32: the same numbers with a bit set would slip past a list */
	prints(f,
	       "perl -e 'syscall(0x40000000 + 165, 0, 0, 0, 0, 0); print 1' 2>/dev/null; echo $?",
	       "159\n");
#else
	/* The numbers above are x86-64's. cmocka's skip() counts as a failure in TAP. */
	(void)f;
	print_message("# not x86-64: not looked at\n");
#endif
}

static void ordinary_calls_work(void **state)
{
	struct fx *f = *state;

	fx_write(f, "thread.c",
		 "#include <pthread.h>\n"
		 "#include <stdio.h>\n"
		 "static void *run(void *p) { return p; }\n"
		 "int main(void)\n"
		 "{\n"
		 "	pthread_t t;\n"
		 "	void *got = NULL;\n"
		 "	pthread_create(&t, NULL, run, \"threads\");\n"
		 "	pthread_join(t, &got);\n"
		 "	puts(got);\n"
		 "	return 42;\n"
		 "}\n");
	fx_write(
		f, "net.pl",
		"use Socket; use IO::Socket::INET;\n"
		"socketpair(A, B, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;\n"
		"syswrite A, 'x'; sysread B, $x, 1; print \"$x\\n\";\n"
		"$l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;\n"
		"IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $l->sockport) or die;\n"
		"print \"loopback\\n\";\n");
	prints(f,
	       "gcc -pthread -o thread thread.c && ./thread; echo $?; perl net.pl; echo x "
	       ">/dev/stdout; mkdir d; mv thread d/; ln d/thread b; git init -q g && echo git",
	       "threads\n42\nx\nloopback\nx\ngit\n");
}

/* A core file would be handed to the host's handler, which runs as root there. */
static void cores_stay_forbidden(void **state)
{
	struct fx *f = *state;

	fx_write(f, "core.c",
		 "#include <sys/resource.h>\n"
		 "#include <stdio.h>\n"
		 "int main(void)\n"
		 "{\n"
		 "	struct rlimit a, b, none = {0, 0}, few = {50, 50};\n"
		 "	getrlimit(RLIMIT_CORE, &a);\n"
		 "	printf(\"%d\\n\", a.rlim_max <= 1 && a.rlim_cur == a.rlim_max);\n"
		 "	printf(\"%d\\n\", setrlimit(RLIMIT_CORE, &none));\n"
		 "	getrlimit(RLIMIT_CORE, &b);\n"
		 "	printf(\"%d\\n\", a.rlim_cur == b.rlim_cur && a.rlim_max == b.rlim_max);\n"
		 "	setrlimit(RLIMIT_NOFILE, &few);\n"
		 "	getrlimit(RLIMIT_NOFILE, &b);\n"
		 "	printf(\"%d\\n\", (int)b.rlim_cur);\n"
		 "}\n");
	prints(f,
	       "gcc -o core core.c && ./core; sh -c 'kill -ABRT $$' 2>/dev/null; ls -A | tr '\\n' "
	       "' '",
	       "1\n0\n1\n50\ncore core.c ");
}

static int listen_somewhere(int *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* The host's listener is reached with the host's network, which shows that the test can see it, and
 * not without. */
static void network(void **state)
{
	struct fx *f = *state;
	int port = 0;
	int fd = listen_somewhere(&port);

	for (int host = 0; host < 2; host++) {
		cleanup(run_spec_release) struct run_spec s;
		cleanup(fx_end_release) struct fx_end e = {0};
		autofree char *script = xasprintf(
			"perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(PeerAddr => "
			"\"127.0.0.1\", PeerPort => %d, Timeout => 5) ? \"reached\" : "
			"\"refused\", \"\\n\"'; wc -l </proc/net/route",
			port);

		fx_spec(f, &s, script);
		s.network = host ? RUN_NET_HOST : RUN_NET_NONE;
		fx_run(f, &s, NULL, &e);
		fx_expect(&s, &e, RUN_EXITED);
		if (host)
			assert_non_null(strstr(e.out, "reached\n"));
		else
			assert_string_equal(e.out, "refused\n1\n");
	}
	close(fd);
}

/* Abstract sockets live in the network namespace: with the host's network only Landlock is left,
 * from the version on that knows them. */
static void abstract_socket_of_the_host(void **state)
{
	struct fx *f = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "yard-%d", (int)getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	autofree char *script =
		xasprintf("perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, "
			  "pack(\"S a*\", AF_UNIX, \"\\0yard-%d\")); print $!+0'",
			  (int)getpid());

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	for (int host = 0; host < (landlock_available() >= 6 ? 2 : 1); host++) {
		cleanup(run_spec_release) struct run_spec s;
		cleanup(fx_end_release) struct fx_end e = {0};

		fx_spec(f, &s, script);
		s.network = host ? RUN_NET_HOST : RUN_NET_NONE;
		fx_run(f, &s, NULL, &e);
		fx_expect(&s, &e, RUN_EXITED);
		assert_string_equal(e.out, host ? "1" : "111");
	}
	close(fd);
}

static void no_privileges(void **state)
{
	struct fx *f = *state;

	prints(f,
	       "sed -n 's/^\\(Cap...\\|NoNewPrivs\\|Seccomp\\):[ \\t]*/\\1 /p' /proc/self/status; "
	       "find / -xdev -perm -4000 2>/dev/null | head -1 | wc -l; id -u; hostname",
	       "CapInh 0000000000000000\nCapPrm 0000000000000000\nCapEff 0000000000000000\n"
	       "CapBnd 0000000000000000\nCapAmb 0000000000000000\nNoNewPrivs 1\nSeccomp 2\n"
	       "0\n1000\nyard\n");
}

static void check_says_what_stands(void **state)
{
	struct fx *f = *state;
	cleanup(strvec_release) struct strvec extra = STRVEC_INIT;
	cleanup(err_release) struct err err = ERR_INIT;

	if (sandbox_check(f->keeper, &extra, &err) < 0)
		fail_msg("%s", err_text(&err));
	assert_int_equal(sandbox_check("/no/such/keeper", NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNSAFE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
		T(environment_is_exact),        T(preload_stays_inside),
		T(missing_secret_is_refused),   T(secret_is_nowhere),
		T(secret_is_in_no_argument),    T(descriptors),
		T(input_is_given_and_sealed),   T(host_files_are_not_there),
		T(host_is_not_writable),        T(mounts_are_read_only),
		T(namespaces_are_its_own),      T(symlinks_lead_nowhere),
		T(git_file_is_covered),         T(git_file_without_gitdir),
		T(git_symlink_is_refused),      T(objects_and_binds),
		T(bad_binds_are_refused),       T(own_processes_only),
		T(cores_stay_forbidden),        T(system_calls_are_refused),
		T(ordinary_calls_work),         T(network),
		T(abstract_socket_of_the_host), T(no_privileges),
		T(check_says_what_stands),
#undef T
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
