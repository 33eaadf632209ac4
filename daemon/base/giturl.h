/*
 * giturl.h - the addresses that git takes for a remote: "ssh://git@host:22/a/b.git", "git@host:a/b.git",
 * "https://host/a/b", "file:///srv/b.git", "../b.git".
 */
#ifndef YM_BASE_GITURL_H
#define YM_BASE_GITURL_H

#include <stdbool.h>

/* What stands behind the host, into the address; NULL when there is no host (a path, file://). */
const char *giturl_behind_host(const char *url);
/* Does the address end with NAME ("owner/name"), as whole components, with or without ".git" and '/'?
 * Forges do not tell upper and lower case apart in names. */
bool giturl_is_name(const char *url, const char *name);
/* Is it PATH on some host, with or without ".git" and '/'? */
bool giturl_is_path(const char *url, const char *path);

#endif
