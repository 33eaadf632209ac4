/* visible.c - see visible.h */
#include "runner/visible.h"

#include "base/mem.h"
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define LINKS_MAX 40  /* as the kernel: path_resolution(7) */
#define LINE_MAX_ 256 /* of `#!`, as the kernel reads it: execve(2) */

static bool below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool shown(const char *path, const struct strvec *read_only)
{
	static const char *const always[] = {"/usr",   "/bin",   "/sbin",  "/lib",
					     "/lib32", "/lib64", "/libx32"};

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (below(path, always[i]))
			return true;
	for (size_t i = 0; i < read_only->n; i++)
		if (below(path, read_only->v[i]))
			return true;
	return false;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash > path ? xstrndup(path, (size_t)(slash - path)) : xstrdup("/");
}

static int hidden(const char *what, const char *path, struct err *err)
{
	autofree char *folder = folder_of(path);

	return err_set(err, ERR_DENIED,
		       "%s is not visible inside the sandbox, which shows /usr and what "
		       "'read-only' of the "
		       "agent names; add its folder there (read-only: [%s]), or install it below "
		       "/usr/local",
		       what, folder);
}

/* Each name on the way, and where it leads in the end. */
static int follow(const char *path, const struct strvec *read_only, char **ret, struct err *err)
{
	autofree char *at = xstrdup(path);

	for (int i = 0; i < LINKS_MAX; i++) {
		char target[PATH_MAX];
		ssize_t n = readlink(at, target, sizeof(target) - 1);
		autofree char *was = NULL, *folder = NULL;

		if (!shown(at, read_only))
			return hidden(at, at, err);
		if (n < 0) {
			autofree char *real = realpath(at, NULL);

			if (!real)
				return err_errno(err, "%s", at);
			if (!shown(real, read_only))
				return hidden(real, real, err);
			*ret = steal(&real);
			return 0;
		}
		target[n] = '\0';
		was = steal(&at);
		folder = folder_of(was);
		at = target[0] == '/' ? xstrdup(target) : xasprintf("%s/%s", folder, target);
	}
	return err_set(err, ERR_LIMIT, "%s: more than %d symbolic links", path, LINKS_MAX);
}

static char *word(const char **p)
{
	const char *from = *p + strspn(*p, " \t");
	size_t n = strcspn(from, " \t\r\n");

	*p = from + n;
	return n ? xstrndup(from, n) : NULL;
}

/* "#!/usr/bin/env node": the program that it asks for; NULL: the file is none that another one runs. */
static char *interpreter(const char *file, bool *ret_by_env)
{
	autoclose int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[LINE_MAX_ + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, text, LINE_MAX_);
	const char *p = text + 2;
	autofree char *first = NULL;
	char *next;

	*ret_by_env = false;
	if (n < 3 || text[0] != '#' || text[1] != '!')
		return NULL;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	first = word(&p);
	if (!first || (strcmp(first, "/usr/bin/env") != 0 && strcmp(first, "/bin/env") != 0))
		return steal(&first);
	do {
		next = word(&p);
		if (!next || (next[0] != '-' && !strchr(next, '=')))
			break;
		free(next); /* an option of env's, or a variable */
	} while (1);
	*ret_by_env = true;
	return next;
}

static int check_interpreter(const char *file, const struct strvec *read_only, struct err *err)
{
	bool by_env;
	autofree char *name = interpreter(file, &by_env), *found = NULL, *end = NULL;

	if (!name)
		return 0;
	if (by_env && !strchr(name, '/')) {
		if (child_which(name, VISIBLE_PATH, &found, NULL) < 0)
			return err_set(
				err, ERR_NOT_FOUND,
				"%s: its first line asks for '%s', which is not on " VISIBLE_PATH
				", where the sandbox looks; install it there, or make the command "
				"[/PATH/TO/%s, %s]",
				file, name, name, file);
	} else {
		found = xstrdup(name);
	}
	if (follow(found, read_only, &end, err) < 0)
		return err_wrap(err, "%s: its first line asks for '%s'", file, name);
	return 0;
}

int visible_command(const char *command, const struct strvec *read_only, char **ret_file,
		    struct err *err)
{
	autofree char *path = NULL, *file = NULL;

	if (strchr(command, '/'))
		path = xstrdup(command);
	else if (child_which(command, VISIBLE_PATH, &path, NULL) < 0)
		return err_set(err, ERR_NOT_FOUND,
			       "'%s' is not on " VISIBLE_PATH
			       ", where the sandbox looks; name its absolute "
			       "path and, when that is not below /usr, its folder in 'read-only'",
			       command);
	if (access(path, F_OK) < 0)
		return err_set(err, ERR_NOT_FOUND, "%s: %s; install it, or name another command",
			       path, strerror(errno));
	if (access(path, X_OK) < 0)
		return err_set(err, ERR_DENIED, "%s may not be executed: %s", path,
			       strerror(errno));
	if (follow(path, read_only, &file, err) < 0 || check_interpreter(file, read_only, err) < 0)
		return -1;
	*ret_file = steal(&path);
	return 0;
}
