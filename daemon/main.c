/*
 * main.c - the one place where the parts are put together: the command line, and what it starts
 * but does not know.
 */
#include "base/log.h"
#include "base/mem.h"
#include "bot/receipt.h"
#include "bot/serve.h"
#include "cli/cli.h"
#include "cli/conf.h"
#include "git/role.h"
#include "hooks/clone.h"
#include "hooks/hook.h"
#include "store/ledger.h"

#include <unistd.h>

static int reload(void *arg, struct conf_daemon *ret, struct err *err)
{
	struct cli_conf conf = {0};

	if (cli_conf_load(arg, &conf, err) < 0)
		return -1;
	*ret = conf.c;
	free(conf.file);
	return 0;
}

static enum log_level level_of(const char *name)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return (enum log_level)i;
	return LOG_INFO;
}

static int serve(const struct cli_call *call)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	struct cli_call copy = *call;
	struct serve_options o = {
		.conf = &conf.c, .environ_ = environ, .reload = reload, .arg = &copy};
	bool loaded;

	log_set_level(level_of(json_str(call->args, "log_level", NULL)));
	loaded = cli_conf_load(&copy, &conf, &err) == 0;
	if (loaded && serve_run(&o, &err) == 0)
		return CLI_EXIT_OK;
	log_error("%s", err_text(&err));
	return loaded ? (int)cli_exit_of(err.code) : (int)CLI_EXIT_CONFIG;
}

static int role(const struct cli_call *call)
{
	if (call->rest[0] && call->rest[1] && !strcmp(call->rest[0], "git"))
		return git_role_main(STDIN_FILENO, call->rest[1]);
	log_error("role '%s': not known; roles are started by the daemon",
		  call->rest[0] ? call->rest[0] : "");
	return CLI_EXIT_USAGE;
}

static int hook(const struct cli_call *call)
{
	return hook_main(call->rest);
}

static int hooks(const char *verb, const char *dir, const char *socket, const char *repo,
		 json_t *ret, struct err *err)
{
	const struct clone_opts o = {.verb = verb, .dir = dir, .socket = socket, .repo = repo};

	return clone_main(&o, ret, err);
}

static int verify_audit(const char *ledger, json_t *ret, struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	autofree char *head = NULL, *text = NULL;
	int64_t rows = 0;
	struct db *d;
	int rc;

	if (db_open_readonly(ledger, &d, err) < 0)
		return -1;
	rc = audit_verify(d, &rows, &head, &why);
	db_close(d);
	if (rc < 0 && why.code != ERR_CORRUPT)
		return err_move(err, &why);
	text = rc < 0 ? xstrdup(err_text(&why))
		      : xasprintf("audit: %lld rows, unbroken; head %s", (long long)rows, head);
	json_put_str(ret, "text", text);
	json_put(
		ret, "item",
		json_pack("{s:b,s:I,s:s*}", "ok", rc == 0, "rows", (json_int_t)rows, "head", head));
	return rc == 0;
}

int main(int argc, char **argv)
{
	static const struct cli_entry_points entry = {
		.serve = serve,
		.role = role,
		.hook = hook,
		.hooks = hooks,
		.backup = db_backup,
		.receipt_verify = receipt_verify,
		.audit_verify = verify_audit,
	};

	return cli_main(argc, argv, &entry);
}
