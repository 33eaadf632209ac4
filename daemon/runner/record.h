/*
 * record.h - what a run directory holds, as JSON: spec.json and exit.json.
 *
 * spec.json carries everything of struct run_spec but the bytes of standard input (the file
 * "stdin"; spec.json has their number) and the values of env_pass (which are written nowhere).
 * Texts must be UTF-8 without NUL, because JSON holds nothing else; run_create() refuses others.
 */
#ifndef YM_RUNNER_RECORD_H
#define YM_RUNNER_RECORD_H

#include "runner/run.h"

#define RUN_RECORD_MAX ((size_t)4 << 20)  /* spec.json and exit.json */
#define RUN_INPUT_MAX  ((size_t)64 << 20) /* standard input */

bool run_id_ok(const char *id); /* [A-Za-z0-9._-]{1,64}, not "." or ".." */

/* Refuses what cannot be run or written down: id, empty argv, relative paths, bad names. */
int run_spec_check(const struct run_spec *s, struct err *err);
json_t *run_spec_json(const struct run_spec *s);
/* *ret is initialised here; input is not read, only input_len. */
int run_spec_read(const json_t *o, struct run_spec *ret, struct err *err);

/* Every 0 replaced by its default; silence_ms stays 0. */
struct run_limits run_limits_filled(const struct run_limits *l);

json_t *run_exit_json(const struct run_exit *e);
int run_exit_read(const json_t *o, struct run_exit *ret, struct err *err);

#endif
