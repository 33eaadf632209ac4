/* test_run_attack.c - what a hostile run tries once the plain ways are closed. */
#include "run_fixture.h"
#include "unpriv.h"

#include <sys/wait.h>

#define MIB ((int64_t)1 << 20)

/* Runs the script of perl with the limits that are set in *s; it must end like this. */
static void attack(struct fx *f, struct run_spec *s, const char *perl, enum run_outcome want)
{
	cleanup(fx_end_release) struct fx_end e = {0};
	struct run_limits l = s->limits;

	run_spec_release(s);
	fx_spec(f, s, "exec perl -e \"$ATTACK\"");
	if (l.wall_ms)
		s->limits = l;
	strvec_pushf(&s->env, "ATTACK=%s", perl);
	fx_run(f, s, NULL, &e);
	fx_expect(s, &e, want);
}

/* The script must print exactly this. */
static void prints(struct fx *f, const char *perl, const char *want)
{
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "exec perl -e \"$ATTACK\"");
	strvec_pushf(&s.env, "ATTACK=%s", perl);
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, want);
}

/* An empty file in memory has no pages, and costs the kernel a kilobyte. */
static void fills_memory_with_empty_files(void **state)
{
	cleanup(run_spec_release) struct run_spec s;

	run_spec_init(&s);
	s.limits.wall_ms = PATIENT_MS;
	s.limits.mem_bytes = 48 * MIB;
	attack(*state, &s,
	       "for my $i (1..200_000) { open(my $h, '>', \"/tmp/$i\") or die; } sleep 300",
	       RUN_MEMORY);
}

/* Arrays of semaphores are the kernel's memory, 64 bytes each, and belong to no process. */
static void takes_no_arrays_of_semaphores(void **state)
{
	prints(*state,
	       "print defined semget(0, 32000, 0600) ? 'large' : 'none', ' ';"
	       "print defined semget(0, 16, 0600) ? 'small' : 'none';",
	       "none small");
}

/* The list of descriptors of a process that may not be dumped is closed to the keeper. */
static void fills_disk_undumpable(void **state)
{
	cleanup(run_spec_release) struct run_spec s;

	run_spec_init(&s);
	s.limits.wall_ms = PATIENT_MS;
	s.limits.disk_bytes = 60 * MIB;
	attack(*state, &s,
	       "syscall(157, 4, 0, 0, 0, 0) == 0 or die; my @h; for (1..60) { open(my $h, '>', "
	       "'f') "
	       "or die; unlink 'f'; syswrite $h, 'x' x 4_000_000; push @h, $h; select undef, "
	       "undef, "
	       "undef, 0.02 } sleep 300",
	       RUN_DISK);
}

/* Others fill the disk meanwhile: a child that nobody has waited for yet hides nothing. */
static void the_dead_hide_nothing(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *other = path_join(f->base, "other");
	autoclose int fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	fx_spec(f, &s, "exec perl -e 'fork or exit; $| = 1; print \"up\"; sleep 9'");
	s.limits.disk_bytes = 40 * MIB;
	fx_start(f, &s, NULL);
	fx_wait_out(f, s.id, "up");
	assert_int_equal(posix_fallocate(fd, 0, 80 * MIB), 0);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_EXITED);
}

/* The time of children that nobody waits for is in no sum of the kernel's. */
static void burns_time_of_forgotten_children(void **state)
{
	cleanup(run_spec_release) struct run_spec s;

	run_spec_init(&s);
	s.limits.wall_ms = PATIENT_MS;
	s.limits.cpu_ms = 2000;
	s.limits.procs = 16;
	attack(*state, &s,
	       "$SIG{CHLD} = 'IGNORE'; while (1) { my $p = fork; if (!$p) { my $e = times() + 0.3; "
	       "1 while times() < $e; exit } waitpid($p, 0) }",
	       RUN_CPU);
}

/* A program with the daemon's identity, left on the host for another user of the machine. */
static void leaves_no_setuid_program(void **state)
{
	prints(*state,
	       "open(my $h, '>', 'f'); my ($f, $g) = ('f', 'g'); umask 0;"
	       "print chmod(04755, $f) + 0, chmod(04711, $h) + 0, chmod(06777, $f) + 0, ' ';"
	       "print syscall(268, -100, $f, 04755), syscall(452, -100, $f, 04755, 0), ' ';"
	       "print syscall(2, $g, 0101, 04755), syscall(85, $g, 04755), "
	       "syscall(257, -100, $g, 0101, 04755), syscall(133, $g, 0104755, 0), ' ';"
	       "print syscall(452, -100, $f, 0711, 0), chmod(0755, $f), mkdir('d'), chmod(03775, "
	       "'d');",
	       "000 -1-1 -1-1-1-1 0111");
}

/* Process 1 counts what is left and tells the keeper. */
static void leaves_process_1_its_limits(void **state)
{
	prints(*state,
	       "my $l = pack('QQ', 0, 0); print syscall(302, 1, 7, $l, 0), ' ', syscall(302, 0, 7, "
	       "0, "
	       "$l), ' ', syscall(302, $$ + 0, 7, $l, 0);",
	       "-1 0 0");
}

/* The next run in the same folder starts all the same. */
static void closes_its_folder(void **state)
{
	prints(*state, "chmod 0, '/work'; print 'closed'", "closed");
	prints(*state, "print 'open'", "open");
}

/* Contexts of asynchronous input and output are counted for the whole machine. */
static void takes_no_aio_of_the_machine(void **state)
{
	prints(*state, "my $c = pack('Q', 0); print syscall(206, 60000, $c) == 0 ? 'yes' : 'no';",
	       "no");
}

/* --- on a small disk: a tmpfs of this process's own mount namespace ----------------------------- */

#define SMALL_DISK "small-disk"

static void runs_out_of_space(void **state)
{
	cleanup(run_spec_release) struct run_spec s;

	run_spec_init(&s);
	s.limits.wall_ms = PATIENT_MS;
	attack(*state, &s,
	       "for my $i (1..70) { open(my $h, '>', $i); syswrite $h, 'x' x 1_000_000; } "
	       "open(my $h, '>', 'rest'); print 'all'; $| = 1; for (1..400) { syswrite $h, 'x' x "
	       "1_000_000 or last; select undef, undef, undef, 0.01 } sleep 300",
	       RUN_DISK);
}

static void runs_out_of_inodes(void **state)
{
	cleanup(run_spec_release) struct run_spec s;

	run_spec_init(&s);
	s.limits.wall_ms = PATIENT_MS;
	attack(*state, &s,
	       "for my $i (1..30_000) { open(my $h, '>', $i) or last; $i % 100 or select undef, "
	       "undef, "
	       "undef, 0.01 } sleep 300",
	       RUN_DISK);
}

static int small_disk(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(runs_out_of_space, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(runs_out_of_inodes, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

static void small_disks_are_not_filled(void **state)
{
	/* Its own TAP is a comment of ours. */
	static const char script[] =
		"mount -t tmpfs -o size=560m,nr_inodes=18000,mode=1777 small /mnt || exit; "
		"out=$(YARD_SMALL=/mnt setpriv --inh-caps=-all --ambient-caps=-all "
		"--bounding-set=-all \"$0\" " SMALL_DISK " 2>&1); code=$?; "
		"printf '%s\\n' \"$out\" | sed 's/^/# /'; exit $code";
	autofree char *self = NULL;
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(child_self(&self, NULL), 0);
	pid = fork();
	if (pid == 0) {
		execlp("unshare", "unshare", "--user", "--map-user=1000", "--map-group=1000",
		       "--keep-caps", "--mount", "sh", "-c", script, self, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
		T(fills_memory_with_empty_files),
		T(takes_no_arrays_of_semaphores),
		T(fills_disk_undumpable),
		T(the_dead_hide_nothing),
		T(burns_time_of_forgotten_children),
		T(leaves_no_setuid_program),
		T(closes_its_folder),
		T(leaves_process_1_its_limits),
		T(takes_no_aio_of_the_machine),
		cmocka_unit_test(small_disks_are_not_filled),
#undef T
	};

	if (argc > 1 && strcmp(argv[1], SMALL_DISK) == 0)
		return small_disk();
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
