/*
 * show.h - text from outside on somebody's terminal.
 *
 * Titles, logs, comments and error texts come from agents, issues and programs. A terminal obeys
 * escape sequences in them, and characters that change the direction of writing or are not there to
 * the eye make a line say something else than its bytes. Both are shown instead of sent:
 *
 *     ESC, other C0, DEL, C1      \x1b            (\t, \n and \r by these names where not kept)
 *     bidirectional controls      \u202e
 *     zero-width and tag letters  \u200b          (but U+200D and U+FE0F inside emoji are harmless
 *                                                  and kept)
 *     bytes that are not UTF-8    \xff
 *
 * The escapes are not meant to be read back: a backslash in the text stays one.
 */
#ifndef YM_CLI_SHOW_H
#define YM_CLI_SHOW_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Appends s; newline and tab are kept. */
void cli_show_text(struct buf *b, const char *s, size_t n);
/* Appends s as one cell or line: newline and tab are shown as \n and \t. */
void cli_show_line(struct buf *b, const char *s, size_t n);
/* Appends JSON text: the same characters inside its strings become \uXXXX, which JSON reads back. */
void cli_show_json(struct buf *b, const char *s, size_t n);

/* Columns that a terminal needs for valid UTF-8: wide characters two, combining ones none. */
size_t cli_width(const char *s, size_t n);
/* The length of the longest beginning that is at most `width` columns wide. */
size_t cli_width_cut(const char *s, size_t n, size_t width);

#endif
