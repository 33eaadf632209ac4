/*
 * local.h - the commands that run in the client, each in the file of its name, and the few things
 * that several of them need.
 */
#ifndef YM_CLI_LOCAL_H
#define YM_CLI_LOCAL_H

#include "cli/cli.h"

int cli_serve(struct cli_call *call, json_t *ret, struct err *err); /* entry.c */
int cli_role(struct cli_call *call, json_t *ret, struct err *err);  /* entry.c */
int cli_hook(struct cli_call *call, json_t *ret, struct err *err);  /* entry.c */
int cli_backup(struct cli_call *call, json_t *ret, struct err *err);
int cli_own(struct cli_call *call, json_t *ret, struct err *err); /* entry.c */
int cli_audit_verify(struct cli_call *call, json_t *ret, struct err *err);
int cli_doctor(struct cli_call *call, json_t *ret, struct err *err);
int cli_init(struct cli_call *call, json_t *ret, struct err *err);
int cli_halt(struct cli_call *call, json_t *ret, struct err *err);
int cli_config_check(struct cli_call *call, json_t *ret, struct err *err);
int cli_blueprint_check(struct cli_call *call, json_t *ret, struct err *err);
int cli_pr_checkout(struct cli_call *call, json_t *ret, struct err *err);
int cli_man(struct cli_call *call, json_t *ret, struct err *err);

/* What only the daemon's program has: own.c. */
extern const struct cli_own cli_daemon_own[];
int cli_halt_here(struct cli_call *call, json_t *ret, struct err *err);

/* For a command whose entry point the main function left empty: hands it over. Returns -1 when that cannot be. */
int cli_elsewhere(const struct cli_call *call, struct err *err);

#endif
