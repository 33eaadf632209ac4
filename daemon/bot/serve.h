/*
 * serve.h - the daemon's life: lock, ledger, loop, signals, reload, end.
 *
 * Refuses uid 0, a data directory that another daemon has locked, a ledger that is damaged. Exit
 * codes are the command line's (cli/exitcode.h), from the error's code.
 */
#ifndef YM_BOT_SERVE_H
#define YM_BOT_SERVE_H

#include "bot/conf_daemon.h"

struct serve_options {
	struct conf_daemon *conf; /* in force; replaced on reload */
	char *const *environ_;    /* from which an agent's opt-in variables are taken */
	/* SIGHUP: reads the configuration again; on error the old one stays in force. */
	int (*reload)(void *arg, struct conf_daemon *ret, struct err *err);
	void *arg;
	const struct bot_part *part; /* what lives above this room; may be NULL */
};

/* 0 after a SIGTERM or SIGINT; -1 with the reason. */
int serve_run(const struct serve_options *o, struct err *err);

#endif
