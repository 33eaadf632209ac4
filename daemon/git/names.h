/*
 * names.h - which names a path inside a repository may have.
 *
 * Whoever checks a tree out may sit on NTFS or HFS+, where several spellings mean ".git"; a name that
 * would be Git's own folder for anybody is Git's own folder here.
 */
#ifndef YM_GIT_NAMES_H
#define YM_GIT_NAMES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * ".git" in any case; with trailing blanks and dots, or a stream (":…") as NTFS reads them; its short
 * name "git~1"; with code points that HFS+ ignores in between; also as a part of a name cut at '\'.
 */
bool gr_name_is_dotgit(const char *name, size_t n);
/* Control characters (newline, DEL), bytes that are not UTF-8, "", "." and "..", characters that are
 * invisible or reorder others, U+017F and U+212A, which fold to "s" and "k". */
bool gr_name_is_bad(const char *name, size_t n);
/* Does a symbolic link with this target, at `depth` folders below the root, stay inside? Absolute
 * targets do not; ".." counts only at the beginning, because after a name it may start from
 * wherever that name, if it is a link itself, leads. */
bool gr_link_stays_inside(const char *target, size_t n, int depth);
/* Does the target go through Git's own folder? */
bool gr_link_into_dotgit(const char *target, size_t n);

#endif
