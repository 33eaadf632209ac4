/*
 * test_run_limits.c - each way in which a run goes wrong has its own end, and its tree is gone.
 *
 * What goes "without end" here ends by itself well over the limit: a feature that is broken shall
 * fail its test and not the machine.
 */
#include "run_fixture.h"
#include "unpriv.h"

#include "runner/disk.h"

#include <signal.h>

#define MIB ((int64_t)1 << 20)

static void ends_by_itself(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	int64_t before = clock_system.wall_ms(&clock_system);

	fx_spec(f, &s, "echo out; echo err >&2; sh -c 'sleep 300' $0 & exit 7");
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_int_equal(e.e.code, 7);
	assert_string_equal(e.out, "out\nerr\n");
	assert_int_equal(e.e.out_bytes, 8);
	assert_true(e.e.started_ms >= before && e.e.ended_ms >= e.e.started_ms);
}

static void crashes(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "kill -SEGV $$");
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_SIGNALED);
	assert_int_equal(e.e.signo, 11);
}

static void command_is_missing(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "");
	strvec_release(&s.argv);
	strvec_push(&s.argv, "no-such-agent");
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_NOT_STARTED);
	assert_non_null(strstr(e.e.detail, "'no-such-agent': not found"));
	assert_int_equal(e.e.started_ms, 0);
	assert_true(run_outcome_infrastructure(e.e.outcome));
	assert_int_equal(e.e.code, RUN_CODE_NO_COMMAND);
}

static void hangs(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	/* deaf to polite signals, in a session of its own, reparented */
	fx_spec(f, &s,
		"trap '' TERM INT HUP; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' "
		"$0 &); while :; do echo x; sleep 0.05; done");
	s.limits.wall_ms = 400;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_TIMEOUT);
	assert_true(e.e.ended_ms - e.e.started_ms >= 400);
	assert_non_null(strstr(e.e.detail, "400"));
}

static void says_nothing(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "for i in 1 2 3 4; do echo $i; sleep 0.1; done; sleep 300");
	s.limits.silence_ms = 300;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_SILENT);
	assert_string_equal(e.out, "1\n2\n3\n4\n");
}

/* What prints nothing and computes is at work: an agent that says what it did when it has done it. */
static void works_in_silence(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "timeout 5 sh -c 'while :; do :; done' $0; echo done");
	s.limits.silence_ms = 2500;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "done\n");
}

static void burns_time(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	/* two processes: the limit is the tree's */
	fx_spec(f, &s, "while :; do :; done & while :; do :; done");
	s.limits.cpu_ms = 900;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_CPU);
	assert_true(e.e.cpu_ms >= 900);
}

static void fills_memory(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "exec perl -e 'push @a, \"y\" x 20_000_000 for 1..40; sleep 300'");
	s.limits.mem_bytes = 200 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_MEMORY);
	assert_true(e.e.rss_bytes > 200 * MIB);
	assert_true(e.e.rss_bytes < 600 * MIB);
}

/* Each process is small; the sum is over. */
static void fills_memory_together(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"for i in 1 2 3 4 5 6 7 8 9 10; do perl -e '$x = \"y\" x 30_000_000; sleep 300' & "
		"done; wait");
	s.limits.mem_bytes = 200 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_MEMORY);
}

/* Memory that belongs to no process. */
static void fills_memory_with_files(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"for d in /tmp $HOME /dev/shm; do dd if=/dev/zero of=$d/x bs=1M 2>&1; done; "
		"sleep 300");
	s.limits.mem_bytes = 64 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_MEMORY);
}

/* Pages shared after a fork count once. */
static void shared_memory_counts_once(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"exec perl -e '$x = \"y\" x 60_000_000; for (1..8) { fork or do { sleep 1; exit } "
		"} 1 while wait > 0; print \"fine\"'");
	s.limits.mem_bytes = 250 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "fine");
}

static void forks_without_end(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "exec perl -e 'fork for 1..9; sleep 300' $0");
	s.limits.procs = 60;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_PROCS);
}

/* Even a keeper that is kept from looking leaves a bomb no room: the kernel stops it. */
static void bomb_meets_the_kernel(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	enum run_state st;
	pid_t keeper = 0;
	autofree char *tried = NULL;
	int most;

	fx_spec(f, &s,
		"echo up; while [ ! -e go ]; do sleep 0.01; done; exec perl -e 'for (1..300) "
		"{ my $p = fork; sleep 300 if defined $p && !$p } open my $f, q(>), q(tried); "
		"sleep 300' $0");
	s.limits.procs = 60;
	fx_start(f, &s, NULL);
	fx_wait_out(f, s.id, "up");
	assert_int_equal(run_probe(f->runs, s.id, &st, &keeper, NULL, NULL), 0);
	assert_int_equal(kill(keeper, SIGSTOP), 0);
	fx_write(f, "go", "");
	tried = path_join(f->work, "tried");
	for (int64_t end = fx_now() + PATIENT_MS; access(tried, F_OK) < 0; poll(NULL, 0, 20))
		assert_true(fx_now() < end);
	most = fx_processes(s.argv.v[3]);
	assert_int_equal(kill(keeper, SIGCONT), 0);
	fx_ended(f, s.id, &e);
	fx_expect(&s, &e, RUN_PROCS);
	assert_true(most > 60);
	assert_true(most < 200);
}

static void forks_and_detaches(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"i=0; while [ $i -lt 200 ]; do i=$((i+1)); setsid sh -c 'sleep 300' $0 & done; "
		"exec sleep 300");
	s.limits.procs = 60;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_PROCS);
}

/* Over before the keeper looks, but for what it leaves behind. */
static void leaves_many_behind(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "exec perl -e 'for (1..40) { fork or do { sleep 300; exit } }' $0");
	s.limits.procs = 20;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_PROCS);
}

static void fills_disk(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_write(f, "before", "what was there does not count");
	fx_spec(f, &s,
		"for i in $(seq 60); do dd if=/dev/zero of=f$i bs=1M count=4 2>/dev/null; "
		"sleep 0.01; done; sleep 300");
	s.limits.disk_bytes = 60 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_DISK);
	if (!strstr(e.e.detail, "grew"))
		fail_msg("found: %s", e.e.detail);
}

#define BUSY 2

/* Processes that leave the keeper as little of the machine as they can. */
static void busy_loops(pid_t *pids, bool start)
{
	for (size_t i = 0; i < BUSY; i++) {
		if (start && (pids[i] = fork()) == 0)
			for (;;)
				;
		if (!start)
			child_abort(pids[i], false);
	}
}

/* Empty files count, too, and on a busy machine a run must not make them as fast as they are counted: it is
 * stopped while its keeper counts. Three times the limit is room for what is made before the keeper gets its turn. */
static void makes_files_without_end(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	const int64_t limit = 40 * MIB / DISK_ENTRY_BYTES;
	int64_t n = 0;
	pid_t busy[BUSY];

	fx_spec(f, &s, "seq -f f%.0f 1 3000000 | xargs touch");
	s.limits.disk_bytes = 40 * MIB;
	s.limits.wall_ms = 20 * 60 * 1000; /* a stopped run on a busy machine takes its time */
	busy_loops(busy, true);
	fx_run(f, &s, NULL, &e);
	busy_loops(busy, false);
	fx_expect(&s, &e, RUN_DISK);
	for (DIR *d = opendir(f->work); d; n++)
		if (!readdir(d)) {
			closedir(d);
			break;
		}
	if (n > 3 * limit)
		fail_msg("%lld files were made, allowed are %lld", (long long)n, (long long)limit);
}

static void fills_disk_with_one_file(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};
	autofree char *path = path_join(f->work, "big");
	struct stat st;

	fx_spec(f, &s, "exec dd if=/dev/zero of=big bs=1M count=100");
	s.limits.fsize_bytes = 10 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_DISK);
	assert_non_null(strstr(e.e.detail, "fsize_bytes"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 10 * MIB);
}

/* Files that have no name any more. */
static void fills_disk_unseen(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"exec perl -e 'for (1..60) { open($h, \">\", \"f\") or die; unlink \"f\"; syswrite "
		"$h, \"x\" x 4_000_000; push @h, $h; undef $h; select undef, undef, undef, 0.02 } "
		"sleep 300'");
	s.limits.disk_bytes = 60 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_DISK);
}

static void nests_folders(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s,
		"exec perl -e 'for (1..400) { mkdir \"d\"; chdir \"d\" } for (1..60) { open($h, "
		"\">\", \"f$_\"); syswrite $h, \"x\" x 4_000_000; close $h; select undef, undef, "
		"undef, 0.02 } sleep 300'");
	s.limits.disk_bytes = 60 * MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_DISK);
	assert_non_null(strstr(e.e.detail, "deeper"));
}

static void prints_without_end(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "yes | head -c 30000000; sleep 300");
	s.limits.out_bytes = MIB;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_OUTPUT);
	assert_int_equal(strlen(e.out), MIB);
	assert_int_equal(e.e.out_bytes, MIB);
}

static void rlimits(void **state)
{
	struct fx *f = *state;
	cleanup(run_spec_release) struct run_spec s;
	cleanup(fx_end_release) struct fx_end e = {0};

	fx_spec(f, &s, "ulimit -n; ulimit -c; ulimit -Hn");
	s.limits.nofile = 64;
	fx_run(f, &s, NULL, &e);
	fx_expect(&s, &e, RUN_EXITED);
	assert_string_equal(e.out, "64\n0\n64\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
		T(ends_by_itself),
		T(crashes),
		T(command_is_missing),
		T(hangs),
		T(says_nothing),
		T(works_in_silence),
		T(burns_time),
		T(fills_memory),
		T(fills_memory_together),
		T(fills_memory_with_files),
		T(shared_memory_counts_once),
		T(forks_without_end),
		T(bomb_meets_the_kernel),
		T(forks_and_detaches),
		T(leaves_many_behind),
		T(fills_disk),
		T(makes_files_without_end),
		T(fills_disk_with_one_file),
		T(fills_disk_unseen),
		T(nests_folders),
		T(prints_without_end),
		T(rlimits),
#undef T
	};

	(void)argc;
	unpriv(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
