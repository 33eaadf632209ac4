/*
 * conf.h - which configuration file, data directory and socket a command means.
 *
 *   configuration   --config, $YARDMASTER_CONFIG (either must exist), else the first that exists of
 *                   $XDG_CONFIG_HOME/yardmaster/yardmaster.yml (~/.config without the variable) and
 *                   /etc/yardmaster/yardmaster.yml; none is fine, every key has a default
 *   data directory  --data (of serve), else the configuration, else $XDG_STATE_HOME/yardmaster
 *                   (~/.local/state without the variable)
 *   socket          --socket, $YARDMASTER_SOCKET, else the configuration, else DATA/socket
 *
 * Inside the data directory: `socket`, `lock` (held by the daemon), `ledger.db`, `runs`, `halt`.
 */
#ifndef YM_CLI_CONF_H
#define YM_CLI_CONF_H

#include "bot/conf_daemon.h"
#include "cli/cli.h"

#define CLI_CONF_MAX ((size_t)256 << 10) /* bytes of a configuration file */

struct cli_conf {
	char *file;           /* NULL: there is none */
	struct conf_daemon c; /* with --data and --socket worked in */
};

/* A configuration that cannot be read or is wrong sets call->exit to CLI_EXIT_CONFIG. */
int cli_conf_load(struct cli_call *call, struct cli_conf *ret, struct err *err);
void cli_conf_release(struct cli_conf *conf);

/* The socket that was said, made absolute, or NULL; caller frees. */
int cli_conf_said_socket(const struct cli_call *call, char **ret, struct err *err);
/* The data directory where nothing says another; caller frees. */
int cli_conf_state(char **ret, struct err *err);
/* The socket alone, without the rest of the configuration, which is not read at all when the socket was named.
 * Caller frees. */
int cli_conf_socket(struct cli_call *call, char **ret, struct err *err);
/* The file that would be read, or NULL; caller frees. */
int cli_conf_file(const struct cli_call *call, char **ret, struct err *err);
/* The file that `init` would write: what was said, else the user's own. Caller frees. */
int cli_conf_new_file(const struct cli_call *call, char **ret, struct err *err);
/* An absolute path of what was said relative to the working directory; caller frees. */
int cli_conf_absolute(const char *path, char **ret, struct err *err);
char *cli_conf_ledger(const struct cli_conf *conf); /* caller frees */
char *cli_conf_lock(const struct cli_conf *conf);   /* caller frees */

#endif
