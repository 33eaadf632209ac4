/* secret.c - see secret.h */
#include "sys/secret.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void secret_release(struct secret *s)
{
	if (!s || !s->s)
		return;
	mem_wipe(s->s, s->n);
	free(s->s);
	*s = (struct secret){0};
}

/* Takes the bytes over, and judges them. */
static int finish(const char *source, char *s, size_t n, struct secret *ret, struct err *err)
{
	cleanup(secret_release) struct secret found = {s, n};

	if (n && s[n - 1] == '\n')
		found.n--;
	if (found.n && s[found.n - 1] == '\r')
		found.n--;
	s[found.n] = '\0';
	if (!found.n)
		return err_set(err, ERR_INPUT, "secret %s: empty", source);
	if (strlen(s) != found.n)
		return err_set(err, ERR_INPUT, "secret %s: has a NUL byte; expected text", source);
	*ret = found;
	found = (struct secret){0};
	return 0;
}

static int read_env(const char *source, const char *name, struct secret *ret, struct err *err)
{
	const char *value = getenv(name);

	if (!value)
		return err_set(err, ERR_NOT_FOUND,
			       "secret %s: the daemon's environment has no such variable", source);
	return finish(source, xstrdup(value), strlen(value), ret, err);
}

static int check_file(const char *source, int fd, bool guarded, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "secret %s", source);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_UNSAFE, "secret %s: not a regular file", source);
	if ((size_t)st.st_size > SECRET_MAX)
		return err_set(err, ERR_LIMIT, "secret %s: %lld bytes; at most %zu are read",
			       source, (long long)st.st_size, SECRET_MAX);
	/* systemd guards the folder of credentials itself. */
	if (guarded || !(st.st_mode & 077))
		return 0;
	return err_set(err, ERR_UNSAFE,
		       "secret %s: its mode is %04o, so that others can read it; make it 0600",
		       source, (unsigned)st.st_mode & 07777);
}

static int read_file(const char *source, const char *path, bool guarded, struct secret *ret,
		     struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup(secret_release) struct secret found = {0};
	size_t have = 0;

	if (fd < 0)
		return err_errno(err, "secret %s: open %s", source, path);
	if (check_file(source, fd, guarded, err) < 0)
		return -1;
	found.s = xcalloc(1, SECRET_MAX + 1);
	found.n = SECRET_MAX;
	while (have < SECRET_MAX) {
		ssize_t n = read(fd, found.s + have, SECRET_MAX - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "secret %s: read %s", source, path);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return finish(source, steal(&found.s), have, ret, err);
}

/* What stands behind "KIND:", or NULL. */
static const char *rest(const char *source, const char *kind)
{
	size_t n = strlen(kind);

	return strncmp(source, kind, n) == 0 && source[n] ? source + n : NULL;
}

int secret_check(const char *source, struct err *err)
{
	const char *cred = rest(source, "cred:");

	if (rest(source, "env:") || rest(source, "file:") || (cred && !strchr(cred, '/')))
		return 0;
	/* Somebody may have written the secret itself: it is not repeated. */
	return err_set(err, ERR_INPUT,
		       "expected env:NAME, file:PATH or cred:NAME: where the secret is, never the "
		       "secret itself");
}

int secret_read(const char *source, const char *folder, struct secret *ret, struct err *err)
{
	const char *name = rest(source, "env:"), *file = rest(source, "file:");
	const char *cred = rest(source, "cred:"), *dir = getenv("CREDENTIALS_DIRECTORY");
	autofree char *path = NULL;

	if (secret_check(source, err) < 0)
		return -1;
	if (name)
		return read_env(source, name, ret, err);
	if (cred && !dir)
		return err_set(err, ERR_NOT_FOUND,
			       "secret %s: there is no $CREDENTIALS_DIRECTORY; the systemd unit "
			       "needs LoadCredential=%s:PATH",
			       source, cred);
	path = cred                      ? xasprintf("%s/%s", dir, cred)
	       : *file == '/' || !folder ? xstrdup(file)
					 : xasprintf("%s/%s", folder, file);
	return read_file(source, path, cred != NULL, ret, err);
}
