/*
 * text.h - what is done to text that people and programs wrote.
 */
#ifndef YM_BASE_TEXT_H
#define YM_BASE_TEXT_H

#include "base/buf.h"
#include "base/strvec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes out of an issue or comment what a person who reads it on the forge does not see: HTML
 * comments (also unclosed ones, to the end), invisible and bidirectional-control characters
 * (Unicode's Default_Ignorable_Code_Point and Cf without a mark: U+00AD, U+034F, U+061C,
 * U+115F-1160, U+17B4-17B5, U+180B-180F, U+200B-200F, U+202A-202E, U+2060-206F, U+3164,
 * U+FE00-FE0F except FE0F right after a visible character, U+FEFF, U+FFA0, U+FFF0-FFFB,
 * U+1BCA0-1BCA3, U+1D173-1D17A, U+E0000-E0FFF), C0 and C1 controls but tab and newline; bytes that
 * are not UTF-8 become U+FFFD each. The carriage return of a CRLF goes without being counted. What
 * comes out holds no "<!--" and is left alone by a second call.
 */
struct text_cleaned {
	size_t comments;  /* HTML comments taken out */
	size_t invisible; /* characters taken out */
	size_t broken;    /* bytes replaced */
};
void text_clean(const char *s, size_t n, struct buf *ret, struct text_cleaned *ret_what);

/* The longest beginning of s that is at most max bytes and ends at a character's boundary: returns
 * the length to keep. */
size_t text_cut(const char *s, size_t n, size_t max);
/* The last max bytes, from the first line that begins in them (a single long line: from a
 * character's boundary); returns the offset. */
size_t text_tail(const char *s, size_t n, size_t max);

/* A slug for branch names: lower-case letters, digits and single '-', at most max bytes; "task"
 * when nothing is left. Caller frees. */
char *text_slug(const char *s, size_t max);

/* The word of the NULL-terminated list nearest to s by edit distance (with transpositions), or
 * NULL when none is within a third of s's length, at least 1. The first of equally near ones. */
const char *text_nearest(const char *s, const char *const *words);

/* "45s", "1m 5s", "3h 2m", "2d": two units at most, without a zero; caller frees. */
char *text_duration(int64_t ms);

/* A fence of backticks longer than any in s, so that s can be quoted in Markdown whole; caller
 * frees. */
char *text_fence(const char *s);

/*
 * What a program said, to be shown under our name: quoted line by line ("> "), cleaned as by
 * text_clean(), and without what a forge acts on: a space goes behind the '@' of a mention and behind
 * the '#' (or "GH-") of a number, so that nobody is called and "Closes #12" closes nothing. Behind
 * "> " no line is a command, a trailer, a heading of ours or the end of a fence. Empty for "".
 * Caller frees.
 */
char *text_quote(const char *s);
/* A name in backticks, on one line: what is no visible character, and backticks, become '?'. */
char *text_code(const char *s);
/* A word for sh, whatever it contains: in single quotes. Caller frees. */
char *text_shell(const char *s);
/* The same as text_quote() without "> ", but where a line would say what a PR depends on: for one that stands in a
 * commit message. */
char *text_defuse(const char *s);

/* SHA-256 of the bytes as 64 lower-case hexadecimal digits; caller frees. */
char *text_sha256(const void *p, size_t n);
/* HMAC-SHA256, the same form. */
char *text_hmac(const void *key, size_t key_len, const void *p, size_t n);

#endif
