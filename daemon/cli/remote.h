/*
 * remote.h - asking the daemon: one request, any number of chunks, one final answer.
 *
 *   {"v":1,"cmd":"issue create","as":"anna","args":{"title":"...","label":["agent:bugfix"]}}
 *
 * `as` is absent when not given. The keys of `args` are the names of the positional arguments and
 * of the long options, with '_' for '-', absent when not given.
 */
#ifndef YM_CLI_REMOTE_H
#define YM_CLI_REMOTE_H

#include "cli/answer.h"
#include "cli/cli.h"

#define CLI_REQUEST_MAX    ((size_t)1 << 20) /* the daemon's limit for a line (CHAN_LINE_MAX) */
#define CLI_REMOTE_WAIT_MS 60000             /* for each line of an answer */

/* Returns 0, or -1 to stop with *err. The chunk is valid during the call. */
typedef int (*cli_chunk_fn)(void *arg, const char *s, size_t n, struct err *err);

/*
 * Asks and waits at most timeout_ms (-1: for ever) for each line. 0: *ret_msg is the final message
 * (the caller's reference) and *ret is decoded from it, kind OK. -1: no answer, or the daemon's own
 * error with its code; call->exit is CLI_EXIT_AWAY when the daemon could not be reached.
 */
int cli_remote(struct cli_call *call, const char *cmd, const json_t *args, int timeout_ms,
	       cli_chunk_fn chunk, void *arg, json_t **ret_msg, struct cli_answer *ret,
	       struct err *err);

#endif
