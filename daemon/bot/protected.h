/*
 * protected.h - files that an agent may not change unless its blueprint allows them by name.
 *
 * They are read by a program on somebody's machine that trusts the repository: a coding agent takes them for
 * instructions or for its settings, CI runs what they say with its secrets, Git and package managers execute
 * what they name, the forge asks those whom they name. Whoever can change them steers what comes after.
 * `allow-protected` of a blueprint lets single ones through, `protect` of the repository adds to them.
 *
 * Patterns are lower case: names are compared without case, since the file systems of many who check out do
 * (git/commit.c). At any depth, where the tool reads them at any depth, and most do.
 *
 * Adding one is a row with its reason, which the person reads who is told of the refusal.
 */
#ifndef YM_BOT_PROTECTED_H
#define YM_BOT_PROTECTED_H

#include <stddef.h>

struct protected_file {
	const char *glob;
	const char *why; /* "… : WHY" */
};

extern const struct protected_file protected_files[];
extern const size_t protected_files_n;

/* Why this path is protected, or NULL when no row names it (the repository's own list may). */
const char *protected_why(const char *path);

#endif
