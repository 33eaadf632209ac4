/* conf.c - see conf.h */
#include "cli/conf.h"

#include "base/mem.h"
#include "sys/fs.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <unistd.h>

/* A variable that is set and not empty. */
static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static int home(char **ret, struct err *err)
{
	const char *h = env("HOME");
	const struct passwd *pw;

	if (!h) {
		pw = getpwuid(getuid());
		h = pw ? pw->pw_dir : NULL;
	}
	if (!h || h[0] != '/')
		return err_set(err, ERR_NOT_FOUND,
			       "no home directory is known: set HOME, or name the files with "
			       "--config and --socket");
	*ret = xstrdup(h);
	return 0;
}

/* DIR/yardmaster of the base directory specification. */
static int xdg(const char *variable, const char *below_home, char **ret, struct err *err)
{
	const char *dir = env(variable);
	autofree char *h = NULL;

	if (dir && dir[0] == '/') {
		*ret = path_join(dir, "yardmaster");
		return 0;
	}
	if (home(&h, err) < 0)
		return -1;
	*ret = xasprintf("%s/%s/yardmaster", h, below_home);
	return 0;
}

int cli_conf_absolute(const char *path, char **ret, struct err *err)
{
	autofree char *cwd = NULL;

	if (path[0] == '/') {
		*ret = xstrdup(path);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_errno(err, "the working directory");
	*ret = path_join(cwd, path);
	return 0;
}

int cli_conf_file(const struct cli_call *call, char **ret, struct err *err)
{
	const char *said = call->config ? call->config : env("YARDMASTER_CONFIG");
	autofree char *dir = NULL, *mine = NULL;

	*ret = NULL;
	if (said) {
		*ret = xstrdup(said);
		return 0;
	}
	/* Without a home directory there is still the machine's file. */
	if (xdg("XDG_CONFIG_HOME", ".config", &dir, NULL) == 0)
		mine = path_join(dir, "yardmaster.yml");
	if (mine && fs_exists(mine))
		*ret = steal(&mine);
	else if (fs_exists("/etc/yardmaster/yardmaster.yml"))
		*ret = xstrdup("/etc/yardmaster/yardmaster.yml");
	(void)err;
	return 0;
}

int cli_conf_new_file(const struct cli_call *call, char **ret, struct err *err)
{
	const char *said = call->config ? call->config : env("YARDMASTER_CONFIG");
	autofree char *dir = NULL;

	if (said)
		return cli_conf_absolute(said, ret, err);
	if (xdg("XDG_CONFIG_HOME", ".config", &dir, err) < 0)
		return -1;
	*ret = path_join(dir, "yardmaster.yml");
	return 0;
}

static int parse(const char *file, const char *default_data, struct conf_daemon *ret,
		 struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT_MAX(CLI_CONF_MAX + 1);

	if (file && fs_read(file, CLI_CONF_MAX, &text, err) < 0)
		return err_wrap(err, "the configuration");
	return conf_daemon_load(file, text.s, text.len, default_data, ret, err);
}

/* --data goes before the configuration; a socket inside the old data directory moves along. */
static void use_data(struct conf_daemon *c, char *data)
{
	autofree char *usual = path_join(c->data, "socket");

	if (!strcmp(c->socket, usual)) {
		free(c->socket);
		c->socket = path_join(data, "socket");
	}
	free(c->data);
	c->data = data;
}

static int said_socket(const struct cli_call *call, char **ret, struct err *err)
{
	const char *said = call->socket ? call->socket : env("YARDMASTER_SOCKET");

	*ret = NULL;
	return said ? cli_conf_absolute(said, ret, err) : 0;
}

int cli_conf_load(struct cli_call *call, struct cli_conf *ret, struct err *err)
{
	const char *said = json_str(call->args, "data", NULL);
	autofree char *file = NULL, *data = NULL, *default_data = NULL, *socket = NULL;

	if (said ? cli_conf_absolute(said, &data, err) < 0
		 : xdg("XDG_STATE_HOME", ".local/state", &default_data, err) < 0)
		return -1;
	if (said_socket(call, &socket, err) < 0 || cli_conf_file(call, &file, err) < 0)
		return -1;
	if (parse(file, data ? data : default_data, &ret->c, err) < 0) {
		call->exit = CLI_EXIT_CONFIG;
		return -1;
	}
	ret->file = steal(&file);
	if (data)
		use_data(&ret->c, steal(&data));
	if (socket) {
		free(ret->c.socket);
		ret->c.socket = steal(&socket);
	}
	return 0;
}

void cli_conf_release(struct cli_conf *conf)
{
	free(conf->file);
	conf->file = NULL;
	conf_daemon_release(&conf->c);
}

int cli_conf_socket(struct cli_call *call, char **ret, struct err *err)
{
	cleanup(cli_conf_release) struct cli_conf conf = {0};

	if (said_socket(call, ret, err) < 0)
		return -1;
	if (*ret)
		return 0;
	if (cli_conf_load(call, &conf, err) < 0)
		return -1;
	*ret = steal(&conf.c.socket);
	return 0;
}

char *cli_conf_ledger(const struct cli_conf *conf)
{
	return path_join(conf->c.data, "ledger.db");
}

char *cli_conf_lock(const struct cli_conf *conf)
{
	return path_join(conf->c.data, "lock");
}
