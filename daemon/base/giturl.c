/* giturl.c - see giturl.h */
#include "base/giturl.h"

#include <string.h>

const char *giturl_behind_host(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *slash = strchr(scheme ? scheme + 3 : url, '/'), *colon = strchr(url, ':');

	if (scheme)
		return strncmp(url, "file://", 7) != 0 ? slash : NULL;
	return colon && (!slash || colon < slash) ? colon + 1 : NULL;
}

static size_t without_git(const char *s)
{
	size_t n = strlen(s);

	while (n > 1 && s[n - 1] == '/')
		n--;
	return n > 4 && !strncmp(s + n - 4, ".git", 4) ? n - 4 : n;
}

bool giturl_is_name(const char *url, const char *name)
{
	const char *path = giturl_behind_host(url);
	size_t n = path ? without_git(path) : 0, m = strlen(name);

	return m && n >= m && !strncasecmp(path + n - m, name, m) &&
	       (n == m || path[n - m - 1] == '/');
}

bool giturl_is_path(const char *url, const char *path)
{
	const char *behind = giturl_behind_host(url);
	size_t n = without_git(path);

	return behind && behind[0] == '/' && without_git(behind) == n && !strncmp(behind, path, n);
}
