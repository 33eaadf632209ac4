/* conf_place.c - see conf.h: what the small program needs, too. */
#include "cli/conf.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bot/conf_place.h"
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

int cli_conf_state(char **ret, struct err *err)
{
	return xdg("XDG_STATE_HOME", ".local/state", ret, err);
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

int cli_conf_said_socket(const struct cli_call *call, char **ret, struct err *err)
{
	const char *said = call->socket ? call->socket : env("YARDMASTER_SOCKET");

	*ret = NULL;
	return said ? cli_conf_absolute(said, ret, err) : 0;
}

int cli_conf_socket(struct cli_call *call, char **ret, struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT_MAX(CLI_CONF_MAX + 1);
	autofree char *data = NULL, *file = NULL;

	if (cli_conf_said_socket(call, ret, err) < 0 || *ret)
		return *ret ? 0 : -1;
	if (cli_conf_state(&data, err) < 0 || cli_conf_file(call, &file, err) < 0)
		return -1;
	call->exit = CLI_EXIT_CONFIG;
	if (file && fs_read(file, CLI_CONF_MAX, &text, err) < 0)
		return err_wrap(err, "the configuration");
	if (conf_socket_of(file, text.s, text.len, data, ret, err) < 0)
		return -1;
	call->exit = 0;
	return 0;
}
