/* config_check.c - `yardmaster config check`: the daemon's file, or a repository's. */
#include "bot/conf_repo.h"
#include "cli/conf.h"
#include "cli/local.h"

#include "base/mem.h"
#include "runner/visible.h"
#include "sys/fs.h"

static int wrong(struct cli_call *call)
{
	call->exit = CLI_EXIT_CONFIG;
	return -1;
}

/* What is in force, with the file's keys; `said` is for people. */
static int take_json(const char *text, const char *said, json_t *ret, struct err *err)
{
	autojson json_t *item = NULL;

	if (json_parse(text, strlen(text), CLI_CONF_MAX * 4, &item, err) < 0)
		return err_wrap(err, "config check: what is in force");
	json_put(ret, "item", steal(&item));
	json_put_str(ret, "text", said);
	return CLI_EXIT_OK;
}

static int check_repository(struct cli_call *call, const char *file, json_t *ret, struct err *err)
{
	cleanup(buf_release) struct buf text = BUF_INIT_MAX(CLI_CONF_MAX + 1);
	cleanup(conf_repo_release) struct conf_repo conf = {0};
	autofree char *said = NULL, *json = NULL;

	if (fs_read(file, CLI_CONF_MAX, &text, err) < 0)
		return -1;
	if (conf_repo_load(file, text.s, text.len, &conf, err) < 0)
		return wrong(call);
	json = conf_repo_json(&conf);
	said = xasprintf("%s: good. What is in force is above.", file);
	return take_json(json, said, ret, err);
}

/* The file is right, and an agent of it could still not start here. */
static void put_warnings(const struct conf_daemon *c, json_t *item)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->nagents; i++) {
		cleanup(err_release) struct err why = ERR_INIT;
		const struct agent_conf *a = &c->agents[i];
		autofree char *file = NULL, *text = NULL;

		if (visible_command(a->command.v[0], &a->read_only, &file, &why) == 0)
			continue;
		text = xasprintf("agents.%s: %s", a->name, err_text(&why));
		json_array_append_new(list, json_utf8(text, strlen(text)));
	}
	if (json_array_size(list))
		json_put(item, "warnings", json_incref(list));
	json_decref(list);
}

static int check_daemon(struct cli_call *call, json_t *ret, struct err *err)
{
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	autofree char *text = NULL, *said = NULL;

	if (cli_conf_load(call, &conf, err) < 0)
		return -1;
	text = conf_daemon_json(&conf.c);
	said = conf.file ? xasprintf("%s: good. What is in force is above.", conf.file)
			 : xstrdup("There is no configuration file; the defaults are in force.");
	if (take_json(text, said, ret, err) < 0)
		return -1;
	put_warnings(&conf.c, json_object_get(ret, "item"));
	return CLI_EXIT_OK;
}

int cli_config_check(struct cli_call *call, json_t *ret, struct err *err)
{
	const char *file = json_str(call->args, "file", NULL);
	const char *repository = json_str(call->args, "repository", NULL);

	if (file && repository) {
		call->exit = CLI_EXIT_USAGE;
		return err_set(err, ERR_INPUT,
			       "config check: FILE and --repository FILE were both given, expected "
			       "one of them");
	}
	if (repository)
		return check_repository(call, repository, ret, err);
	if (file)
		call->config = file;
	return check_daemon(call, ret, err);
}
