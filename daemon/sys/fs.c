/* fs.c - see fs.h; fs_remove_tree() is in fs_remove.c */
#include "sys/fs.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *path_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	if (!n)
		return xstrdup(b);
	return xasprintf("%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

bool fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int make_one(const char *path, mode_t mode, struct err *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_errno(err, "make folder %s", path);
}

int fs_mkdir_p(const char *path, mode_t mode, struct err *err)
{
	autofree char *part = xstrdup(path);

	for (char *p = part + 1; *part && *p; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		if (make_one(part, mode, err) < 0)
			return -1;
		*p = '/';
	}
	return make_one(part, mode, err);
}

/* Opens a regular file and nothing else: a symlink is not followed, a FIFO does not block. */
static int open_regular(const char *path, int *ret_fd, struct stat *ret_st, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_UNSAFE, "read %s: is a symlink, expected a regular file",
			       path);
	if (fd < 0 && errno == ENXIO)
		return err_set(err, ERR_UNSAFE,
			       "read %s: is a socket or device, expected a "
			       "regular file",
			       path);
	if (fd < 0)
		return err_errno(err, "read %s", path);
	if (fstat(fd, ret_st) < 0)
		return err_errno(err, "read %s: stat", path);
	if (!S_ISREG(ret_st->st_mode))
		return err_set(err, ERR_UNSAFE, "read %s: is a %s, expected a regular file", path,
			       S_ISDIR(ret_st->st_mode)    ? "folder"
			       : S_ISFIFO(ret_st->st_mode) ? "FIFO"
							   : "special file");
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int too_large(const char *path, size_t max, struct err *err)
{
	return err_set(err, ERR_LIMIT, "read %s: larger than the %zu bytes that are read", path,
		       max);
}

/* Reads to the end or until the buffer refuses. 0, or -1 with errno set. */
static int slurp(int fd, struct buf *b)
{
	for (;;) {
		char chunk[16384];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_add(b, chunk, (size_t)n);
		if (b->failed)
			return 0;
	}
}

int fs_read(const char *path, size_t max, struct buf *ret, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autoclose int fd = -1;
	struct stat st;

	if (open_regular(path, &fd, &st, err) < 0)
		return -1;
	if ((uintmax_t)st.st_size > max)
		return too_large(path, max, err);
	b.max = max ? max : 1;
	if (slurp(fd, &b) < 0)
		return err_errno(err, "read %s", path);
	/* It may have grown since; and files of /proc say that they are empty. */
	if (b.failed || b.len > max)
		return too_large(path, max, err);
	buf_add(ret, b.s, b.len);
	if (ret->failed)
		return too_large(path, ret->len, err);
	return 0;
}

int fs_read_tail(const char *path, size_t max, struct buf *ret, struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autoclose int fd = -1;
	struct stat st;
	size_t from;

	if (open_regular(path, &fd, &st, err) < 0)
		return -1;
	/* One byte more: whether it is a newline tells if a line begins exactly at the cut. */
	if ((uintmax_t)st.st_size > (uintmax_t)max + 1 &&
	    lseek(fd, st.st_size - (off_t)max - 1, SEEK_SET) < 0)
		return err_errno(err, "read %s: seek", path);
	b.max = max + 1; /* what is written meanwhile is not read */
	while (!b.failed) {
		char chunk[16384];
		size_t want = b.max - b.len < sizeof(chunk) ? b.max - b.len : sizeof(chunk);
		ssize_t n = want ? read(fd, chunk, want) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read %s", path);
		if (n == 0)
			break;
		buf_add(&b, chunk, (size_t)n);
	}
	from = text_tail(b.s, b.len, max);
	buf_add(ret, b.s + from, b.len - from);
	return ret->failed ? too_large(path, ret->len, err) : 0;
}

/* --- atomic writes --- */

static int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t w = write(fd, at, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

static int copy_by_buffer(int in, int out)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(in, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write_all(out, chunk, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

int fs_copy(int in, int out)
{
	ssize_t n;

	if (lseek(in, 0, SEEK_CUR) == 0 && ioctl(out, FICLONE, in) == 0)
		return 0;
	do
		n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
	while (n > 0);
	if (n == 0 || (errno != EXDEV && errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP))
		return (int)n;
	return copy_by_buffer(in, out);
}

static int fill_temp(const char *temp, int fd, const void *p, size_t n, mode_t mode,
		     struct err *err)
{
	if (write_all(fd, p, n) < 0)
		return err_errno(err, "write %s", temp);
	if (fchmod(fd, mode) < 0)
		return err_errno(err, "write %s: set mode %04o", temp, (unsigned)mode);
	if (fsync(fd) < 0)
		return err_errno(err, "write %s: fsync", temp);
	return 0;
}

static int sync_folder(const char *dir, struct err *err)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, "write in %s: fsync of the folder", dir);
	return 0;
}

/* The folder that holds path; caller frees. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

int fs_write_atomic(const char *path, const void *p, size_t n, mode_t mode, struct err *err)
{
	autofree char *dir = folder_of(path);
	autofree char *temp = path_join(dir, ".tmp-XXXXXX");
	autoclose int fd = mkostemp(temp, O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_errno(err, "write %s: make a temporary file in %s", path, dir);
	rc = fill_temp(temp, fd, p, n, mode, err);
	if (rc == 0 && rename(temp, path) < 0)
		rc = err_errno(err, "write %s: rename %s", path, temp);
	if (rc < 0) {
		unlink(temp);
		return -1;
	}
	return sync_folder(dir, err);
}

/* --- locks --- */

#define LOCK_TRIES                                                                                 \
	1000 /* of a millisecond each: a probe takes microseconds, unless it is preempted */

/* 1 locked, 0 somebody else has it. A shared lock is a probe by fs_lock_held(), which must not make
 * a start fail: it is told from an exclusive one by whether we can share it. */
static int lock_exclusively(int fd)
{
	static const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 1;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
			return 0;
		flock(fd, LOCK_UN);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* The file may have been removed or replaced between open and flock. */
static bool still_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	       mine.st_ino == there.st_ino;
}

int fs_lock(const char *path, int *ret_fd, struct err *err)
{
	autoclose int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;
	int got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "lock %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_UNSAFE, "lock %s: is not a regular file", path);
	got = lock_exclusively(fd);
	if (got < 0)
		return err_errno(err, "lock %s", path);
	if (!got)
		return err_set(err, ERR_EXISTS, "lock %s: another process holds it", path);
	if (!still_at(fd, path))
		return err_set(err, ERR_EXISTS, "lock %s: another process has just replaced it",
			       path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int fs_lock_held(const char *path, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(err, "probe lock %s", path);
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : err_errno(err, "probe lock %s", path);
}
