/* disk.c - walking a run's writable folders in slices. */
#include "runner/disk.h"

#include "base/clock.h"
#include "base/mem.h"
#include "runner/gauge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ASK_MS      100
#define SLICE_MS    5
#define HURRY_MS    10   /* between two slices, when it matters */
#define WALK_MS     5000 /* the folders are walked so often at least, when walking is cheap */
#define WALK_SHARE  30   /* a walk that took t is not repeated for t times this */
#define HURRY_SHARE 3    /* the same when it matters */
#define FILL_BYTES_PER_MS                                                                          \
	((int64_t)2 << 20) /* a quick disk; or 2,000 empty files, which no kernel makes */
#define LOOK_EVERY 64      /* entries between two looks at the clock */
#define FULL_SHARE 20      /* less free than one part of so many is nearly full */

/* Running out: so little is left, while so much was used up during the run. */
#define LOW_BYTES      ((int64_t)512 << 20)
#define LOW_BYTES_USED ((int64_t)64 << 20)
#define LOW_FILES      10000
#define LOW_FILES_USED 5000

static int64_t mono_ms(void)
{
	return clock_system.mono_ms(&clock_system);
}

static int64_t used_bytes(const char *path)
{
	struct statvfs v;

	if (statvfs(path, &v) < 0)
		return 0;
	return (int64_t)((v.f_blocks - v.f_bfree) * v.f_frsize +
			 (v.f_files - v.f_ffree) * DISK_ENTRY_BYTES);
}

static int64_t used_files(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) < 0 ? 0 : (int64_t)(v.f_files - v.f_ffree);
}

void disk_add(struct disk *d, const char *path)
{
	struct stat st;

	if (d->n == DISK_FOLDERS_MAX)
		return;
	d->folders[d->n++] = (struct disk_folder){
		.path = xstrdup(path),
		.dev = stat(path, &st) == 0 ? st.st_dev : 0,
		.used_then = used_bytes(path),
		.files_then = used_files(path),
	};
}

void disk_release(struct disk *d)
{
	while (d->walk.depth > 0)
		closedir(d->walk.open[--d->walk.depth]);
	for (size_t i = 0; i < d->n; i++)
		free(d->folders[i].path);
	*d = (struct disk){0};
}

/* --- walking --------------------------------------------------------------------------------- */

/* A file with several names counts in parts, so that hard links add up to one. */
static int64_t entry_bytes(const struct statx *st)
{
	int64_t bytes = (int64_t)st->stx_blocks * 512;

	if (!S_ISDIR(st->stx_mode) && st->stx_nlink > 1)
		bytes /= (int64_t)st->stx_nlink;
	return bytes > DISK_ENTRY_BYTES ? bytes : DISK_ENTRY_BYTES;
}

static bool born_after(const struct statx *st, const struct timespec *then)
{
	if (!(st->stx_mask & STATX_BTIME))
		return false;
	return st->stx_btime.tv_sec != then->tv_sec
		       ? st->stx_btime.tv_sec > then->tv_sec
		       : st->stx_btime.tv_nsec > (uint32_t)then->tv_nsec;
}

/* Goes into a folder; takes fd. */
static void enter(struct disk_walk *w, int fd)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir) {
		w->open[w->depth++] = dir;
		return;
	}
	w->hidden = true;
	if (fd >= 0)
		close(fd);
}

static void count_entry(struct disk *d, DIR *dir, const char *name)
{
	struct disk_walk *w = &d->walk;
	struct statx st;
	int fd;

	if (statx(dirfd(dir), name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_TYPE | STATX_NLINK | STATX_BLOCKS | STATX_BTIME, &st) < 0) {
		w->hidden |= errno == EACCES;
		return;
	}
	w->bytes += entry_bytes(&st);
	if (!d->walked && born_after(&st, &d->begun))
		w->fresh += entry_bytes(&st);
	if (!S_ISDIR(st.stx_mode))
		return;
	if (w->depth > DISK_DEPTH_MAX) {
		w->deep = true;
		return;
	}
	fd = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR)) /* else removed meanwhile */
		enter(w, fd);
}

/* One entry further; false at the end of all folders. */
static bool step(struct disk *d)
{
	struct disk_walk *w = &d->walk;
	struct dirent *e;
	DIR *dir;

	if (w->depth == 0) {
		if (w->folder == d->n)
			return false;
		enter(w, open(d->folders[w->folder++].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		return true;
	}
	dir = w->open[w->depth - 1];
	e = readdir(dir);
	if (!e) {
		closedir(dir);
		w->depth--;
	} else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
		count_entry(d, dir, e->d_name);
	}
	return true;
}

/* true when the walk is at its end. */
static bool walk_slice(struct disk *d)
{
	int64_t begun = mono_ms();
	bool more = true;

	for (int i = 0; more; i++) {
		if (i % LOOK_EVERY == LOOK_EVERY - 1 && mono_ms() - begun >= SLICE_MS)
			break;
		more = step(d);
	}
	d->walk_ms += mono_ms() - begun;
	d->walk.active = more;
	return !more;
}

/* --- judging --------------------------------------------------------------------------------- */

/* The largest growth of a file system: folders mostly share one. */
static int64_t used_growth(const struct disk *d)
{
	int64_t most = 0;

	for (size_t i = 0; i < d->n; i++) {
		int64_t more = used_bytes(d->folders[i].path) - d->folders[i].used_then;

		if (more > most)
			most = more;
	}
	return most;
}

static int64_t deleted_bytes(const struct disk *d, bool *ret_hidden)
{
	dev_t devs[DISK_FOLDERS_MAX];

	*ret_hidden = false;
	for (size_t i = 0; i < d->n; i++)
		devs[i] = d->folders[i].dev;
	return d->gauge ? gauge_deleted_bytes(d->gauge, devs, d->n, ret_hidden) : 0;
}

static bool nearly_full(const struct disk *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct statvfs v;

		if (statvfs(d->folders[i].path, &v) == 0 && v.f_bavail < v.f_blocks / FULL_SHARE)
			return true;
	}
	return false;
}

static char *running_out(const struct disk *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct disk_folder *f = &d->folders[i];
		int64_t more = used_bytes(f->path) - f->used_then;
		int64_t files = used_files(f->path) - f->files_then;
		struct statvfs v;

		if (statvfs(f->path, &v) < 0)
			continue;
		if ((int64_t)(v.f_bavail * v.f_frsize) < LOW_BYTES && more > LOW_BYTES_USED)
			return xasprintf(
				"the file system has %lld MiB left and %lld MiB were used up "
				"during this run: make room on it",
				(long long)(v.f_bavail * v.f_frsize >> 20),
				(long long)(more >> 20));
		if (v.f_files && v.f_favail < LOW_FILES && files > LOW_FILES_USED)
			return xasprintf(
				"the file system has %lld inodes left and %lld were used up "
				"during this run: make room on it",
				(long long)v.f_favail, (long long)files);
	}
	return NULL;
}

/* Stops the run, or lets it go on. */
static void hold(struct disk *d, bool stop)
{
	if (stop == d->stopped || !d->gauge)
		return;
	(stop ? gauge_stop : gauge_go_on)(d->gauge);
	d->stopped = stop;
}

static bool begin_when_due(struct disk *d, int64_t limit)
{
	int64_t since = mono_ms() - d->last_walk;
	int64_t used;

	if (d->walked && !d->written)
		return false;
	used = used_growth(d);
	d->room = limit - d->growth - (used - d->used_walk);
	d->hurry = d->walked && d->room < 0;
	/* A run that is stopped for each walk gets three times as long in between, however little of the
	 * machine its keeper was given for the walk. */
	if (d->walked && since < (d->hurry ? d->walk_took * HURRY_SHARE : d->walk_ms * WALK_SHARE))
		return false;
	if (d->walked && !d->hurry && since < WALK_MS)
		return false;
	memset(&d->walk, 0, sizeof(d->walk));
	d->walk.active = true;
	d->walk_ms = 0;
	d->walk_begun = mono_ms();
	d->used_walk = used;
	d->written = false;
	if (!d->walked)
		clock_gettime(CLOCK_REALTIME_COARSE, &d->begun);
	hold(d, d->hurry);
	return true;
}

/* What a whole walk, or the part of it so far, says. */
static char *judge(const struct disk *d, int64_t bytes, int64_t limit, bool whole)
{
	int64_t used;

	if (d->walk.deep)
		return xasprintf("made folders nested deeper than %d", DISK_DEPTH_MAX);
	if (bytes > limit)
		return xasprintf("its folders grew by %lld bytes: allowed are %lld",
				 (long long)bytes, (long long)limit);
	if (!whole)
		return NULL;
	used = used_growth(d);
	if (d->walk.hidden && used > limit)
		return xasprintf("hid folders or open files from being measured while the disk "
				 "filled by %lld "
				 "bytes: allowed are %lld",
				 (long long)used, (long long)limit);
	if (used > limit && nearly_full(d))
		return xasprintf("the file system is nearly full and %lld bytes were used up "
				 "during this run: allowed are %lld",
				 (long long)used, (long long)limit);
	return NULL;
}

bool disk_over(struct disk *d, int64_t limit, bool quiet, char **ret_why)
{
	bool whole;

	d->written |= !quiet;
	*ret_why = running_out(d);
	if (*ret_why)
		return true;
	if (!d->walk.active && !begin_when_due(d, limit))
		return false;
	/* The first walk could go on as long as the run makes files, if it were not held still. */
	if (!d->walked && used_growth(d) > limit)
		hold(d, true);
	whole = walk_slice(d);
	if (whole && !d->walked) {
		d->walked = true;
		d->before = d->walk.bytes - d->walk.fresh;
	}
	if (!d->walked) {
		*ret_why = judge(d, d->walk.fresh, limit, false);
		return *ret_why != NULL;
	}
	if (whole) {
		bool hidden;

		d->walk.bytes += deleted_bytes(d, &hidden);
		d->walk.hidden |= hidden;
		d->growth = d->walk.bytes - d->before;
		d->last_walk = mono_ms();
		d->walk_took = d->last_walk - d->walk_begun;
	}
	*ret_why = judge(d, d->walk.bytes - d->before, limit, whole);
	if (whole && !*ret_why)
		hold(d, false);
	return *ret_why != NULL;
}

bool disk_walks(const struct disk *d)
{
	return d->walk.active;
}

int64_t disk_wait_ms(const struct disk *d)
{
	int64_t wait;

	if (d->stopped)
		return 1; /* for the kill and halt files alone */
	if (d->walk.active)
		return d->hurry || !d->walked ? HURRY_MS : ASK_MS;
	wait = d->room / FILL_BYTES_PER_MS;
	return wait < HURRY_MS ? HURRY_MS : wait > ASK_MS ? ASK_MS : wait;
}
