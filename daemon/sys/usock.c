/* usock.c - see usock.h */
#include "sys/usock.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_MS 5000 /* how long a full backlog is waited for */

struct address {
	struct sockaddr_un un;
	int dir; /* keeps the /proc path of a long address alive; -1 for a short one */
};

static void address_release(struct address *a)
{
	if (a->dir >= 0)
		close(a->dir);
}

static int address_init(struct address *a, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	autofree char *dir = NULL;
	int n;

	*a = (struct address){.un.sun_family = AF_UNIX, .dir = -1};
	if (!*name)
		return err_set(err, ERR_INPUT, "socket '%s': expected a path that ends in a name",
			       path);
	n = snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", path);
	if ((size_t)n < sizeof(a->un.sun_path))
		return 0;
	dir = !slash          ? xstrdup(".")
	      : slash == path ? xstrdup("/")
			      : xstrndup(path, (size_t)(slash - path));
	a->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (a->dir < 0)
		return err_errno(err, "socket %s: open its folder", path);
	n = snprintf(a->un.sun_path, sizeof(a->un.sun_path), "/proc/self/fd/%d/%s", a->dir, name);
	if ((size_t)n >= sizeof(a->un.sun_path))
		return err_set(err, ERR_LIMIT,
			       "socket %s: its name is longer than the 80 bytes "
			       "that fit",
			       path);
	return 0;
}

static int try_connect(int fd, const struct address *a)
{
	return connect(fd, (const struct sockaddr *)&a->un, sizeof(a->un));
}

/* Takes away what a dead daemon left. Only a refused connection tells that nobody is there. */
static int clear_stale(const char *path, const struct address *a, struct err *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "socket %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_EXISTS,
			       "socket %s: there is something else than a socket; move it away",
			       path);
	if (fd < 0)
		return err_errno(err, "socket %s", path);
	if (try_connect(fd, a) == 0 || errno == EAGAIN)
		return err_set(err, ERR_EXISTS, "socket %s: another process listens on it", path);
	if (errno != ECONNREFUSED && errno != ENOENT)
		return err_errno(err, "socket %s: ask whether somebody listens", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, "socket %s: remove the stale one", path);
	return 0;
}

int usock_listen(const char *path, mode_t mode, int *ret_fd, struct err *err)
{
	cleanup(address_release) struct address a = {.dir = -1};
	autoclose int fd = -1;

	if (address_init(&a, path, err) < 0 || clear_stale(path, &a, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, "socket %s", path);
	/* Linux gives the file this mode less the umask, so that it is never wider than asked for;
	 * chmod then adds what the umask took. Nobody can connect before listen(). */
	if (fchmod(fd, mode) < 0)
		return err_errno(err, "socket %s: set mode %04o", path, (unsigned)mode);
	if (bind(fd, (const struct sockaddr *)&a.un, sizeof(a.un)) < 0)
		return err_errno(err, "socket %s: bind", path);
	if (chmod(path, mode) < 0)
		return err_errno(err, "socket %s: set mode %04o", path, (unsigned)mode);
	if (listen(fd, SOMAXCONN) < 0)
		return err_errno(err, "socket %s: listen", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int connect_failed(const char *path, int timeout_ms, struct err *err)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return err_set(err, ERR_UNAVAILABLE, "socket %s: nobody listens", path);
	case EAGAIN:
		return err_set(err, ERR_UNAVAILABLE,
			       "socket %s: the daemon took no connection in %d ms", path,
			       timeout_ms);
	case EACCES:
	case EPERM:
		return err_set(err, ERR_DENIED, "socket %s: its mode does not let this user in",
			       path);
	default:
		return err_errno(err, "socket %s: connect", path);
	}
}

int usock_connect(const char *path, int *ret_fd, struct err *err)
{
	return usock_connect_within(path, CONNECT_MS, ret_fd, err);
}

int usock_connect_within(const char *path, int timeout_ms, int *ret_fd, struct err *err)
{
	/* Zero would be no limit at all. */
	const int ms = timeout_ms > 0 ? timeout_ms : 1;
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}, none = {0};
	cleanup(address_release) struct address a = {.dir = -1};
	autoclose int fd = -1;
	int rc;

	if (address_init(&a, path, err) < 0)
		return err && err->code == ERR_NOT_FOUND
			       ? err_set(err, ERR_UNAVAILABLE, "socket %s: nobody listens", path)
			       : -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return err_errno(err, "socket %s", path);
	do
		rc = try_connect(fd, &a);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return connect_failed(path, ms, err);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) < 0)
		return err_errno(err, "socket %s", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int usock_accept(int listen_fd, int *ret_fd, struct err *err)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		*ret_fd = fd;
		return 1;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR)
		return 0;
	return err_errno(err, "accept a connection");
}

int usock_peer_uid(int fd, uid_t *ret, struct err *err)
{
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return err_errno(err, "who is at the other end");
	if (len != sizeof(cred) || cred.uid == (uid_t)-1)
		return err_set(err, ERR_UNSAFE,
			       "who is at the other end: not told by the system; "
			       "expected a connected Unix socket");
	*ret = cred.uid;
	return 0;
}
