/*
 * cli.h - the command line of the program: from argv to an exit code.
 *
 * main.c calls cli_main() and nothing else of this room:
 *
 *     static const struct cli_entry_points entry = { .serve = serve_main, ... };
 *     int main(int argc, char **argv) { return cli_main(argc, argv, &entry); }
 *
 * The parts, in the order in which a command passes through them:
 *
 *     parse.h    argv -> struct cli_call, by the tables of command.h
 *     conf.h     where the socket and the data directory are
 *     remote.h   the request to the daemon and its answers
 *     render.h   an answer -> text, a table, or JSON
 *     exitcode.h an error -> an exit code
 */
#ifndef YM_CLI_CLI_H
#define YM_CLI_CLI_H

#include "cli/command.h"
#include "cli/exitcode.h"
#include "cli/out.h"

/* A command's own function, where it is in one of the two programs only. */
struct cli_own {
	const char *path; /* NULL ends */
	int (*run)(struct cli_call *call, json_t *ret, struct err *err);
};

/*
 * Two programs have this command line, the same to whoever calls it. `yardmaster` is what people and hooks start: it
 * asks the daemon and shows the answer, and needs no more than JSON and YAML. What needs the daemon's libraries it hands
 * over, by exec, to `yardmaster-daemon`.
 *
 * What the command line starts but must not know (it sees no room beside its own). Each may be NULL: the command is
 * handed over then, or says that this build is without it, with CLI_EXIT_INTERNAL.
 */
struct cli_entry_points {
	/* Runs the other program with this call's words. Returns only when it could not: -1. */
	int (*hand_over)(const struct cli_call *call, struct err *err);
	const struct cli_own *
		own; /* the commands whose row says cli_own; local.h has those of the daemon's program */
	int (*halt_here)(struct cli_call *call, json_t *ret,
			 struct err *err); /* without the daemon: halt_here.c */
	/* These own the process from here on, print for themselves and return its exit code.
	 * role: call->rest is what stands after `yardmaster role`; hook: after `yardmaster hook`. */
	int (*serve)(const struct cli_call *call);
	int (*role)(const struct cli_call *call);
	int (*hook)(const struct cli_call *call);
	/* The local hooks of the clone that dir is in (hooks/clone.h): verb "install", "status" or
	 * "uninstall"; socket and repo may be NULL. 1 done, 0 not all is in force; fills "text", "item". */
	int (*hooks)(const char *verb, const char *dir, const char *socket, const char *repo,
		     json_t *ret, struct err *err);
	/* Copies the ledger file `from` to `to`, which must not exist, while others write. */
	int (*backup)(const char *from, const char *to, struct err *err);
	/* 1: the receipt of commit in the repository at repo_path holds. 0: it does not; *ret has
	 * "text" and what was found. -1: could not find out. Fills "item" or "rows". */
	int (*receipt_verify)(const char *repo_path, const char *commit, json_t *ret,
			      struct err *err);
	/* The same for the audit chain in the ledger file. */
	int (*audit_verify)(const char *ledger, json_t *ret, struct err *err);
};

/* One command, decoded. */
struct cli_call {
	const struct cli_command *cmd;
	char *const *argv; /* the whole of it, NULL-terminated */
	/* What was said, by the keys of the tables with '_' for '-'; absent means not said. This is
	 * also what goes to the daemon. Read it with json_str(), json_int(), json_flag(). */
	json_t *args;
	char *const *rest; /* CLI_RAW: the words after the command, NULL-terminated */
	const struct cli_entry_points *entry;
	struct cli_out *out;
	/* The options that every command takes. */
	bool json;
	const char *as, *socket, *config; /* NULL: not given */
	/* Set by whoever fails and knows better than err's code what to exit with; 0: by the code. */
	enum cli_exit exit;
};

void cli_call_release(struct cli_call *call);

/* Runs one command on the process's own descriptors and environment; returns its exit code. */
int cli_main(int argc, char **argv, const struct cli_entry_points *entry);
/* The same with the descriptors chosen: for tests. Nothing is printed elsewhere. */
int cli_run(int argc, char *const *argv, const struct cli_entry_points *entry, struct cli_out *out);

#endif
