/*
 * glob.h - path patterns as people know them from .gitignore and GitHub Actions.
 *
 *   *      any run of characters except '/'          ?   one byte except '/'
 *   **     any number of whole path components       [a-c] one of, [!a-c] or [^a-c] none of
 *   a '/' at the end means everything below
 *
 * At the end of a pattern "**" is at least one component: behind "src/" it means, as "src/" itself
 * does, what is below src, not a file of that name. "**" beside other characters is "*". There is no
 * escape: [*] is a star, [[] a bracket. Leading dots are characters like others.
 *
 * A pattern always matches the whole path from the root of the repository: "*.c" matches "a.c" and
 * not "src/a.c"; "**" + "/" + "*.c" matches both. Bytes are compared, case counts. Matching takes
 * time linear in pattern times path, whatever the pattern.
 */
#ifndef YM_BASE_GLOB_H
#define YM_BASE_GLOB_H

#include "base/err.h"
#include "base/strvec.h"

#include <stdbool.h>

/* Refuses an empty pattern, one that starts with '/', has an empty component or "." or ".." as one,
 * an unclosed '[', a range that runs backward, more than 4096 bytes. The functions below take
 * checked patterns. */
int glob_check(const char *pattern, struct err *err);
bool glob_match(const char *pattern, const char *path);
bool glob_match_any(const struct strvec *patterns, const char *path);
/* Could one path match both? May say true wrongly, never false wrongly: for leases. */
bool glob_overlap(const char *a, const char *b);

#endif
