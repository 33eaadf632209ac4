/*
 * fs_remove.c - fs_remove_tree() of fs.h
 *
 * One descriptor walks the tree, whatever its depth: down by openat() of one component without
 * following symlinks, up by "..". What it finds at ".." has to be the folder that it came from, by
 * device and inode; somebody who moves a folder meanwhile makes the removal fail, not stray. Folders
 * on other mounts are not entered.
 */
#include "base/mem.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct level {
	dev_t dev; /* of the folder that holds `name` */
	ino_t ino;
	char *name; /* of the folder that was entered from it */
};

struct walk {
	const char *path; /* for error texts */
	int fd;           /* the folder being emptied */
	struct level *up;
	size_t depth, cap;
};

static void walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		free(w->up[i].name);
	free(w->up);
	if (w->fd >= 0)
		close(w->fd);
}

/* A name as it may stand in a message: whoever made the tree chose it. */
static char *printable(const char *name)
{
	char *s = xstrdup(name);

	for (char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return s;
}

static int failed(const struct walk *w, const char *what, const char *name, struct err *err)
{
	int saved = errno;
	autofree char *shown = printable(name);

	errno = saved;
	return err_errno(err, "remove %s: %s '%s', %zu folders down", w->path, what, shown,
			 w->depth);
}

static int unsafe(const struct walk *w, const char *name, const char *what, struct err *err)
{
	autofree char *shown = printable(name);

	return err_set(err, ERR_UNSAFE, "remove %s: '%s', %zu folders down, %s", w->path, shown,
		       w->depth, what);
}

/* Opens a folder for emptying, giving us permission when it has none. -1 with errno. */
static int open_folder(int at, const char *name)
{
	autoclose int handle = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char link[32];
	struct stat st;

	if (handle < 0 || fstat(handle, &st) < 0)
		return -1;
	if ((st.st_mode & 0700) != 0700) {
		/* Through the handle: the name may mean another folder by now. */
		snprintf(link, sizeof(link), "/proc/self/fd/%d", handle);
		if (chmod(link, 0700) < 0)
			return -1;
	}
	return openat(handle, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_mount(int fd)
{
	struct statx sx;

	return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx) < 0 ||
	       (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int go_down(struct walk *w, const char *name, struct err *err)
{
	autoclose int below = open_folder(w->fd, name);
	struct stat here, there;

	if (below < 0)
		return failed(w, "open", name, err);
	if (fstat(w->fd, &here) < 0 || fstat(below, &there) < 0)
		return failed(w, "stat", name, err);
	if (here.st_dev != there.st_dev || is_mount(below))
		return unsafe(w, name, "is a mount point; unmount it first", err);
	if (w->depth == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 32;
		w->up = xreallocarray(w->up, w->cap, sizeof(*w->up));
	}
	w->up[w->depth++] = (struct level){here.st_dev, here.st_ino, xstrdup(name)};
	close(w->fd);
	w->fd = steal_fd(&below);
	return 0;
}

static int go_up(struct walk *w, struct err *err)
{
	struct level *from = &w->up[w->depth - 1];
	autofree char *name = NULL;
	autoclose int above = openat(w->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (above < 0 || fstat(above, &st) < 0)
		return failed(w, "go up from", from->name, err);
	if (st.st_dev != from->dev || st.st_ino != from->ino)
		return unsafe(w, from->name, "was moved away meanwhile", err);
	name = from->name;
	w->depth--;
	close(w->fd);
	w->fd = steal_fd(&above);
	if (unlinkat(w->fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return failed(w, "remove folder", name, err);
	return 0;
}

/* 0 gone, 1 it is a folder with something in it. */
static int remove_entry(const struct walk *w, const char *name, struct err *err)
{
	if (unlinkat(w->fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return failed(w, "remove", name, err);
	if (unlinkat(w->fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return 1;
	if (errno == ENOTDIR) /* a file after all, which may not be removed */
		errno = EPERM;
	return failed(w, "remove", name, err);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Empties the current folder up to the first one below that is not empty, which it enters: 1. An
 * empty one is left with 0. */
static int empty_or_enter(struct walk *w, struct err *err)
{
	int again = openat(w->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(close_dir) DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *e;

	if (!dir && again >= 0)
		close(again);
	if (!dir)
		return failed(w, "list", ".", err);
	errno = 0;
	while ((e = readdir(dir))) {
		int full;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		full = remove_entry(w, e->d_name, err);
		if (full < 0)
			return -1;
		if (full)
			return go_down(w, e->d_name, err) < 0 ? -1 : 1;
		errno = 0;
	}
	return errno ? failed(w, "list", ".", err) : 0;
}

static int empty_tree(struct walk *w, struct err *err)
{
	for (;;) {
		int entered = empty_or_enter(w, err);

		if (entered < 0)
			return -1;
		if (!entered && !w->depth)
			return 0;
		if (!entered && go_up(w, err) < 0)
			return -1;
	}
}

/* Splits "a/b/" into the folder "a" and the name "b". */
static int split(const char *path, char **ret_dir, char **ret_name, struct err *err)
{
	autofree char *trimmed = xstrdup(path);
	size_t n = strlen(trimmed);
	char *slash;
	const char *name;

	while (n > 1 && trimmed[n - 1] == '/')
		trimmed[--n] = '\0';
	slash = strrchr(trimmed, '/');
	name = slash ? slash + 1 : trimmed;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(err, ERR_INPUT, "remove '%s': expected a path that ends in a name",
			       path);
	*ret_name = xstrdup(name);
	*ret_dir = !slash             ? xstrdup(".")
		   : slash == trimmed ? xstrdup("/")
				      : xstrndup(trimmed, (size_t)(slash - trimmed));
	return 0;
}

int fs_remove_tree(const char *path, struct err *err)
{
	cleanup(walk_release) struct walk w = {.path = path, .fd = -1};
	autofree char *dir = NULL;
	autofree char *name = NULL;
	autoclose int top = -1;

	if (split(path, &dir, &name, err) < 0)
		return -1;
	top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 && errno == ENOENT)
		return 0;
	if (top < 0)
		return err_errno(err, "remove %s: open %s", path, dir);
	if (unlinkat(top, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(err, "remove %s", path);
	w.fd = open_folder(top, name);
	if (w.fd < 0)
		return err_errno(err, "remove %s: open it", path);
	if (empty_tree(&w, err) < 0)
		return -1;
	if (unlinkat(top, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(err, "remove %s: the emptied folder", path);
	return 0;
}
