/*
 * annotate.h - the places that the output of a compiler, linter or test names.
 *
 * Recognised, one a line, after colours, indentation and what a runner puts before a line (the time of GitHub
 * Actions and its "##[error]", "# " of TAP, cmocka's "[ LINE ] --- ") have been taken off:
 *
 *     src/a.c:12:5: error: text        gcc, clang, rustc's short form, go vet, flake8, tsc --pretty false …
 *     src/a.c:12: text
 *     src/a.ts(12,5): error TS1: text  MSBuild, tsc
 *       File "src/a.py", line 12       Python: the message is the next line that is not indented
 *     --> src/a.rs:12:5                rustc: the message is the last "error…" or "warning…" line
 *     thread 't' panicked at src/a.rs:12:5:    Rust's tests: the message is the next line
 *     at f (src/a.test.js:12:5)        Node's tests: the innermost call; the message is the last "…Error…" line
 *     at t/a.t line 12.                Perl's tests: the message is the last "Failed test…" line
 *
 * A path is relative, without "..", and has a dot or a slash in it; a place is reported once. Where the checkout is
 * in a sandbox of ours (/work) or on a runner of GitHub's is taken off.
 */
#ifndef YM_BOT_ANNOTATE_H
#define YM_BOT_ANNOTATE_H

#include <jansson.h>
#include <stddef.h>

#define ANNOTATE_MAX 50 /* what a check run takes in one request */

/* [{path, start_line, end_line, annotation_level, message}, …], as a check run wants them. */
json_t *annotate(const char *log, size_t n);

#endif
