/*
 * local.h - the commands that run in the client, each in the file of its name, and the few things
 * that several of them need.
 */
#ifndef YM_CLI_LOCAL_H
#define YM_CLI_LOCAL_H

#include "cli/cli.h"

int cli_serve(struct cli_call *call, json_t *ret, struct err *err);  /* entry.c */
int cli_role(struct cli_call *call, json_t *ret, struct err *err);   /* entry.c */
int cli_hook(struct cli_call *call, json_t *ret, struct err *err);   /* entry.c */
int cli_backup(struct cli_call *call, json_t *ret, struct err *err); /* entry.c */
int cli_doctor(struct cli_call *call, json_t *ret, struct err *err);
int cli_init(struct cli_call *call, json_t *ret, struct err *err);
int cli_halt(struct cli_call *call, json_t *ret, struct err *err);
int cli_config_check(struct cli_call *call, json_t *ret, struct err *err);
int cli_blueprint_check(struct cli_call *call, json_t *ret, struct err *err);
int cli_pr_checkout(struct cli_call *call, json_t *ret, struct err *err);
int cli_man(struct cli_call *call, json_t *ret, struct err *err);

/* For a command whose entry point main.c left empty. Returns -1. */
int cli_not_built(const struct cli_call *call, struct err *err);

#endif
