/*
 * main.c - yardmaster-daemon, the one place where all the parts are put together: the command line, and what it starts
 * but does not know.
 */
#include "base/log.h"
#include "base/mem.h"
#include "bot/receipt.h"
#include "bot/remote.h"
#include "bot/serve.h"
#include "cli/cli.h"
#include "cli/conf.h"
#include "cli/local.h"
#include "git/net.h"
#include "git/role.h"
#include "hooks/clone.h"
#include "hooks/hook.h"
#include "store/ledger.h"
#include "sys/fs.h"
#include "web/web.h"

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

/* What a webhook means is the forge's business; how it came is that of the web. */
static int deliver(struct bot *b, const struct delivery *d, const json_t *payload,
		   struct deliver_said *ret, struct err *err)
{
	static const enum delivery_state outcomes[] = {
		[REMOTE_IGNORED] = DELIVERY_IGNORED,
		[REMOTE_HEARD] = DELIVERY_DECODED,
		[REMOTE_NOT_OURS] = DELIVERY_IGNORED,
	};
	enum remote_heard heard;

	if (remote_deliver(b, d->event, payload, &heard, err) < 0)
		return -1;
	ret->outcome = outcomes[heard];
	ret->detail = heard == REMOTE_NOT_OURS ? xstrdup("of a repository that is not here") : NULL;
	return 0;
}

static int serve(const struct cli_call *call)
{
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(cli_conf_release) struct cli_conf conf = {0};
	struct cli_call copy = *call;
	struct web_options web_options = {.deliver = deliver};
	const struct bot_part web = {&web_part, &web_options};
	struct serve_options o = {
		.conf = &conf.c, .environ_ = environ, .reload = reload, .arg = &copy, .part = &web};
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
	static const struct {
		const char *name;
		int (*main)(int fd, const char *git);
	} roles[] = {{"git", git_role_main}, {"net", net_role_main}};

	for (size_t i = 0; call->rest[0] && call->rest[1] && i < ARRAY_LEN(roles); i++)
		if (!strcmp(call->rest[0], roles[i].name))
			return roles[i].main(STDIN_FILENO, call->rest[1]);
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

	if (!fs_exists(ledger))
		return err_set(err, ERR_NOT_FOUND,
			       "ledger %s: is not there; --config names the configuration whose "
			       "data directory is meant",
			       ledger);
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
		.own = cli_daemon_own,
		.halt_here = cli_halt_here,
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
