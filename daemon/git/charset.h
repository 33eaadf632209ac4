/*
 * charset.h - the texts of a commit that are not UTF-8.
 *
 * Git keeps names and message as bytes; the header `encoding` says what they are, and without it they
 * are UTF-8 (git-commit(1), "Discussion"). The C library's iconv() knows the names that Git knows: Git uses it, too.
 */
#ifndef YM_GIT_CHARSET_H
#define YM_GIT_CHARSET_H

#include "base/buf.h"

#include <stdbool.h>

bool gr_utf8_valid(const char *s, size_t n);
/* s in another charset, appended; false (and nothing is added) when one of the two is unknown or s is not what
 * `from` says. */
bool gr_charset(const char *from, const char *to, const char *s, size_t n, struct buf *ret);
/* s as UTF-8, whatever it is: as `encoding` (NULL: UTF-8) says, else as Latin-1, in which every byte is a letter. */
void gr_to_utf8(const char *encoding, const char *s, size_t n, struct buf *ret);

#endif
