/*
 * annotate.h - the places that the output of a compiler, linter or test names.
 *
 * Recognised, one a line, after colours and a runner's prefix have been taken off:
 *
 *     src/a.c:12:5: error: text        gcc, clang, rustc's short form, go vet, flake8, tsc --pretty false …
 *     src/a.c:12: text
 *     src/a.ts(12,5): error TS1: text  MSBuild, tsc
 *       File "src/a.py", line 12       Python: the message is the next line that is not indented
 *     --> src/a.rs:12:5                rustc: the message is the last "error…" or "warning…" line
 *
 * A path is relative, without "..", and has a dot or a slash in it; a place is reported once.
 */
#ifndef YM_BOT_ANNOTATE_H
#define YM_BOT_ANNOTATE_H

#include <jansson.h>
#include <stddef.h>

#define ANNOTATE_MAX 50 /* what a check run takes in one request */

/* [{path, start_line, end_line, annotation_level, message}, …], as a check run wants them. */
json_t *annotate(const char *log, size_t n);

#endif
