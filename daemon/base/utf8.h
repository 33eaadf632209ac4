/*
 * utf8.h - one character of UTF-8 at a time.
 *
 * RFC 3629, table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */
#ifndef YM_BASE_UTF8_H
#define YM_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decodes the character at s with n > 0 bytes left: its length in bytes, 1 to 4, and the code point
 * in *ret; 0 when there is no well-formed one. */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

#endif
