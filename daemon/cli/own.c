/* own.c - the commands that only the daemon's program has. */
#include "cli/local.h"

const struct cli_own cli_daemon_own[] = {
	{"init", cli_init},
	{"doctor", cli_doctor},
	{"backup", cli_backup},
	{"config check", cli_config_check},
	{"blueprint check", cli_blueprint_check},
	{"audit verify", cli_audit_verify},
	{0},
};
