/*
 * init.h - the two halves of `yardmaster init`: the file, and the App at GitHub.
 */
#ifndef YM_CLI_INIT_H
#define YM_CLI_INIT_H

#include "cli/cli.h"

/* What --github asks for; strings are the call's. */
struct init_app {
	const char *api, *web; /* without '/' at the end */
	const char *owner;     /* NULL: a person's own */
	const char *name, *ca_file;
	const char *hook; /* NULL: no webhook */
	int64_t port;     /* 0: a free one */
	/* Called once, with GitHub's answer about the new App: keeps it. -1 with *err. */
	int (*keep)(void *arg, const json_t *app, struct err *err);
	void *arg;
};

/* Shows the local page and waits until the App is registered and kept, a signal, or the end of the hour
 * that GitHub gives. */
int init_app_register(struct cli_call *call, const struct init_app *want, struct err *err);

#endif
