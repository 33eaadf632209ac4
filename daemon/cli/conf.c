/* conf.c - see conf.h: the whole configuration. */
#include "cli/conf.h"

#include "base/mem.h"
#include "sys/fs.h"

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

int cli_conf_load(struct cli_call *call, struct cli_conf *ret, struct err *err)
{
	const char *said = json_str(call->args, "data", NULL);
	autofree char *file = NULL, *data = NULL, *default_data = NULL, *socket = NULL;

	if (said ? cli_conf_absolute(said, &data, err) < 0 : cli_conf_state(&default_data, err) < 0)
		return -1;
	if (cli_conf_said_socket(call, &socket, err) < 0 || cli_conf_file(call, &file, err) < 0)
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

char *cli_conf_ledger(const struct cli_conf *conf)
{
	return path_join(conf->c.data, "ledger.db");
}

char *cli_conf_lock(const struct cli_conf *conf)
{
	return path_join(conf->c.data, "lock");
}
