/*
 * out.h - where a command's output goes, and what that place can show.
 *
 * Writes are collected and sent in one go. The first failure sticks: what follows is dropped, and
 * cli_out_flush() reports it, so that a full disk or a closed descriptor is an exit code and never
 * a truncated file with exit code 0.
 */
#ifndef YM_CLI_OUT_H
#define YM_CLI_OUT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct cli_out {
	int fd;          /* standard output; not owned */
	int err_fd;      /* standard error; not owned */
	bool terminal;   /* a person reads: tables with a header, cut to the width */
	bool colour;     /* states may be coloured */
	size_t width;    /* columns of the terminal; 0: no limit */
	bool pipe_quiet; /* a reader that went away is not worth a message */
	struct buf buf;  /* not sent yet */
	int error;       /* errno of the first write that failed; 0: none */
};

/* Looks at the descriptors and at NO_COLOR, TERM and COLUMNS. */
void cli_out_init(struct cli_out *o, int fd, int err_fd);
void cli_out_release(struct cli_out *o);

void cli_out_add(struct cli_out *o, const char *s, size_t n);
void cli_out_adds(struct cli_out *o, const char *s);
void cli_out_addf(struct cli_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sends what is collected. 0, or -1 with the first failure of all (ERR_IO). */
int cli_out_flush(struct cli_out *o, struct err *err);
/* One message on standard error, "yardmaster: TEXT", made safe (show.h). Never fails. */
void cli_out_complain(struct cli_out *o, const char *text);
void cli_out_error_raw(struct cli_out *o, const char *s);

#endif
