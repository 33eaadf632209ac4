/* supervise_limits.c - what ends a run that does not end by itself. */
#include "base/mem.h"
#include "runner/supervise_state.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define BUILD_MS    20000 /* bubblewrap and process 1 take 10 ms; a machine under load takes longer */
#define TICK_SOON   20    /* when there are many processes */
#define LIFE_MS     1000 /* over so long is the share counted */
#define LIFE_SHARE  50   /* one part of so many of a processor is life: 2 % */
#define BLIND_TICKS 20   /* two seconds */
#define QUIET_DISK_MS                                                                              \
	5000 /* between two looks at the disk of a run that does nothing: others may fill it */
#define REASON_MAX 1024 /* of the kill and halt files */
/* Faster than a machine can hand out pages: from this and the distance to the limit follows when
 * to look again. */
#define FILL_BYTES_PER_MS ((int64_t)8 << 20)

static bool check_file(struct supervise *s, const char *path, const char *otherwise)
{
	cleanup(buf_release) struct buf reason = BUF_INIT_MAX(REASON_MAX + 1);
	struct stat st;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return false;
	fs_read(path, REASON_MAX, &reason, NULL);
	buf_rtrim(&reason);
	supervise_end_by(s, RUN_KILLED, "%s", reason.len ? reason.s : otherwise);
	return true;
}

bool supervise_check_files(struct supervise *s)
{
	return check_file(s, s->job->kill_path, "killed") ||
	       check_file(s, s->job->halt_path, "halted");
}

/*
 * A silent run may be at work: a compiler that prints nothing, an agent that says what it did at the end. It
 * is taken for dead only when its processes do not compute either. An idle event loop's timers take less
 * than LIFE_SHARE of a processor.
 */
static void look_for_life(struct supervise *s, int64_t cpu_ms)
{
	int64_t now = supervise_now();

	if (s->last_out > s->last_life)
		s->last_life = s->last_out;
	if (now - s->life_from < LIFE_MS)
		return;
	if ((cpu_ms - s->life_cpu) * LIFE_SHARE > now - s->life_from)
		s->last_life = now;
	s->life_from = now;
	s->life_cpu = cpu_ms;
}

static int64_t last_life(const struct supervise *s)
{
	return s->last_out > s->last_life ? s->last_out : s->last_life;
}

/* The moment at which a clock ends the run, if nothing happens before. */
static int64_t next_deadline(const struct supervise *s)
{
	const struct run_limits *l = &s->job->limits;
	int64_t at = s->started + l->wall_ms;

	if (s->phase == BUILDING)
		return s->begun + BUILD_MS + 1;
	if (l->silence_ms > 0 && last_life(s) + l->silence_ms < at)
		at = last_life(s) + l->silence_ms;
	return at;
}

static void check_clocks(struct supervise *s, int64_t now)
{
	const struct run_limits *l = &s->job->limits;

	if (s->phase == BUILDING && now - s->begun > BUILD_MS)
		supervise_end_by(s, RUN_NOT_STARTED, "the sandbox was not ready after %d s",
				 BUILD_MS / 1000);
	if (s->phase != RUNNING)
		return;
	if (now - s->started >= l->wall_ms)
		supervise_end_by(s, RUN_TIMEOUT, "ran for %lld ms: allowed are %lld",
				 (long long)(now - s->started), (long long)l->wall_ms);
	else if (l->silence_ms > 0 && now - last_life(s) >= l->silence_ms)
		supervise_end_by(s, RUN_SILENT,
				 "wrote nothing and computed nothing for %lld ms: allowed are %lld",
				 (long long)(now - last_life(s)), (long long)l->silence_ms);
}

static void keep_highest(struct supervise *s, const struct gauge_reading *r)
{
	if (r->cpu_ms > s->exit->cpu_ms)
		s->exit->cpu_ms = r->cpu_ms;
	if (r->mem_bytes > s->exit->rss_bytes)
		s->exit->rss_bytes = r->mem_bytes;
}

/* Returns after how many milliseconds to look again. */
static int64_t check_usage(struct supervise *s)
{
	const struct run_limits *l = &s->job->limits;
	struct gauge_reading r;
	int64_t begun = supervise_now();
	int64_t longest, wait;

	if (s->phase != RUNNING)
		return SUPERVISE_TICK_MS;
	if (gauge_read(&s->gauge, l->procs, l->mem_bytes, &r) < 0) {
		/* Ending, and about to say so; if not, a run that cannot be measured is ended. */
		if (++s->blind > BLIND_TICKS)
			supervise_end_by(s, RUN_KILLED, "its processes cannot be counted any more");
		return SUPERVISE_TICK_MS;
	}
	s->blind = 0;
	s->quiet = r.cpu_ms == s->last_cpu && r.procs == s->last_procs;
	s->last_cpu = r.cpu_ms;
	s->last_procs = r.procs;
	look_for_life(s, r.cpu_ms);
	keep_highest(s, &r);
	if (r.procs > l->procs)
		supervise_decide_procs(s, r.procs);
	else if (r.mem_bytes > l->mem_bytes)
		supervise_end_by(s, RUN_MEMORY, "used %lld bytes of memory: allowed are %lld",
				 (long long)r.mem_bytes, (long long)l->mem_bytes);
	else if (s->exit->cpu_ms > l->cpu_ms)
		supervise_end_by(s, RUN_CPU, "used %lld ms of CPU time: allowed are %lld",
				 (long long)s->exit->cpu_ms, (long long)l->cpu_ms);
	if (s->decided)
		supervise_kill_tree(s);
	wait = (l->mem_bytes - r.mem_bytes) / FILL_BYTES_PER_MS;
	if (r.procs > l->procs / 2 && wait > TICK_SOON)
		wait = TICK_SOON;
	if (wait < 2 * (supervise_now() - begun)) /* looking must not be all that the keeper does */
		wait = 2 * (supervise_now() - begun);
	/* Without events for the kill and halt files they are looked for as often as ever. */
	longest = s->quiet && s->notify >= 0 ? SUPERVISE_QUIET_MS : SUPERVISE_TICK_MS;
	return wait < SUPERVISE_TICK_MIN ? SUPERVISE_TICK_MIN : wait > longest ? longest : wait;
}

static void check_disk(struct supervise *s, int64_t now)
{
	bool rest = s->quiet && !disk_walks(&s->disk);
	autofree char *why = NULL;

	if (s->phase != RUNNING || now < s->next_disk + (rest ? QUIET_DISK_MS : 0))
		return;
	if (disk_over(&s->disk, s->job->limits.disk_bytes, s->quiet, &why))
		supervise_end_by(s, RUN_DISK, "%s", why);
	s->next_disk = supervise_now() + disk_wait_ms(&s->disk);
}

void supervise_check(struct supervise *s, int64_t now)
{
	if (supervise_check_files(s))
		return;
	check_clocks(s, now);
	s->next_tick = now + check_usage(s);
	check_disk(s, now);
	/* A quiet run writes nothing either: its folders wait for the next reading, but for a walk that is on. */
	if (s->phase == RUNNING && s->next_disk < s->next_tick &&
	    (!s->quiet || disk_walks(&s->disk)))
		s->next_tick = s->next_disk;
	if (s->phase != ENDING && next_deadline(s) < s->next_tick)
		s->next_tick = next_deadline(s);
}

void supervise_final_usage(struct supervise *s)
{
	struct rusage u;
	int64_t cpu;

	if (getrusage(RUSAGE_CHILDREN, &u) < 0)
		return;
	cpu = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	      (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
	keep_highest(s, &(struct gauge_reading){.cpu_ms = cpu,
						.mem_bytes = (int64_t)u.ru_maxrss * 1024});
}
