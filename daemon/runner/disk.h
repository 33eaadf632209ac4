/*
 * disk.h - how much the writable folders of a run have grown.
 *
 * Two measures. Used blocks of the file system cost nothing to ask for, see deleted files that are
 * still open, and mix with what others write. A walk adds up the files themselves and is dear on a
 * large worktree. So: the first walk, begun with the run, is what was there before; afterwards the
 * folders are walked again when the file system has used up what was left to the limit, and
 * otherwise seldom.
 *
 * A walk is done in slices of a few milliseconds, because a keeper that walks does not look at
 * memory, processes and the kill switch: a run must not win time by making a million files. While the file
 * system says that more than the limit was used up, the run's processes are stopped (SIGSTOP) until the walk
 * is over: a busy machine may leave a keeper little time, and a run that makes files as fast as they are
 * counted would be far over its limit by then. The first walk goes on beside the run; what it finds that was
 * born after it began (statx: btime, which ext4, xfs, btrfs and tmpfs have) is the run's.
 *
 * What a run does to hide from the walk is counted elsewhere or ends it: deleted files that are
 * still open are found through their processes, folders nested too deep end the run, and where
 * folders may not be read, or the file system becomes nearly full, its own number is believed.
 *
 * A limit may be more than there is. When the file system runs out of space or of inodes, a run that
 * began before is ended if much was used up since, because what else is on it (the ledger) matters
 * more.
 */
#ifndef YM_RUNNER_DISK_H
#define YM_RUNNER_DISK_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define DISK_FOLDERS_MAX 16
#define DISK_DEPTH_MAX   200
/* A file costs its blocks and at least this, so that a million empty ones count. */
#define DISK_ENTRY_BYTES 1024

struct gauge;

struct disk_folder {
	char *path;
	dev_t dev;
	int64_t used_then; /* used bytes of its file system at the start, with a share for each file */
	int64_t files_then;
};

struct disk_walk {
	DIR *open[DISK_DEPTH_MAX + 1]; /* the way down to where the walk is */
	size_t depth;                  /* of them in use; 0: between two folders */
	size_t folder;                 /* the next folder to begin */
	int64_t bytes;
	int64_t fresh; /* of these, what was made after `begun` */
	bool deep;     /* there was a folder below DISK_DEPTH_MAX */
	bool hidden;   /* there was a folder that could not be read */
	bool active;
};

struct disk {
	const struct gauge
		*gauge; /* finds files that were deleted and are still open; stops the run */
	struct disk_folder folders[DISK_FOLDERS_MAX];
	size_t n;
	struct disk_walk walk;
	bool walked;    /* `before` is known */
	int64_t before; /* bytes of the first walk */
	int64_t growth; /* at the last walk */
	int64_t room; /* bytes to the limit when last asked, if all that the disk took was the run's */
	int64_t walk_begun;    /* monotonic */
	int64_t walk_took;     /* from then to its end */
	int64_t used_walk;     /* the file systems' growth when the last walk began */
	int64_t walk_ms;       /* the time in all slices of the last walk */
	int64_t last_walk;     /* when it ended; monotonic */
	bool hurry;            /* the file system says that much was written */
	bool stopped;          /* the run is, until the walk is over */
	bool written;          /* the run was not quiet since the last walk began */
	struct timespec begun; /* of the first walk; wall clock, as files have it */
};

void disk_add(struct disk *d, const char *path); /* before the run starts; copies */
void disk_release(struct disk *d);
/* Works for one slice at most. true: over the limit; *ret_why is a sentence, the caller frees it. */
/* `quiet`: the run has used no processor time since the last call, so it has written nothing. */
bool disk_over(struct disk *d, int64_t limit, bool quiet, char **ret_why);
bool disk_walks(const struct disk *d);      /* a walk is on */
int64_t disk_wait_ms(const struct disk *d); /* until asking again makes sense */

#endif
