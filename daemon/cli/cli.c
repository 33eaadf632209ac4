/* cli.c - see cli.h */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/remote.h"
#include "cli/render.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void cli_call_release(struct cli_call *call)
{
	json_decref(call->args);
	call->args = NULL;
}

/* Asked of the words, because the error may have come before the parser saw the option. */
static bool wants_json(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

static int fail(struct cli_call *call, const struct err *err, bool json)
{
	if (!(call->out->error == EPIPE && call->out->pipe_quiet))
		cli_render_error(call->out, err, json);
	return (int)(call->exit ? call->exit : cli_exit_of(err->code));
}

static int usage_error(struct cli_call *call, const struct err *err, bool json)
{
	autofree char *usage = call->cmd ? cli_usage_line(call->cmd) : NULL;
	autofree char *line = usage ? xasprintf("usage: %s\n", usage) : NULL;

	cli_render_error(call->out, err, json);
	if (line && !json)
		cli_out_error_raw(call->out, line);
	return CLI_EXIT_USAGE;
}

static void show_help(struct cli_out *out, const struct cli_command *cmd,
		      const struct cli_group *group)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	if (cmd)
		help_command(&b, cmd);
	else if (group)
		help_group(&b, group);
	else
		help_all(&b);
	cli_out_add(out, b.s, b.len);
}

static int print_chunk(void *arg, const char *s, size_t n, struct err *err)
{
	const struct cli_call *call = arg;

	cli_render_chunk(call->out, call->cmd, s, n, call->json);
	return cli_out_flush(call->out, err);
}

static int run_remote(struct cli_call *call, struct err *err)
{
	bool patient = call->cmd->flags & CLI_SLOW || json_flag(call->args, "follow");
	autojson json_t *msg = NULL;
	struct cli_answer a = {0};

	if (call->cmd->prepare && call->cmd->prepare(call, err) < 0)
		return -1;
	if (cli_remote(call, call->cmd->path, call->args, patient ? -1 : CLI_REMOTE_WAIT_MS,
		       print_chunk, call, &msg, &a, err) < 0)
		return -1;
	/* The end of a stream is no result of its own. */
	if (call->cmd->flags & CLI_CONTENT && !a.text && !a.item && !a.rows)
		return CLI_EXIT_OK;
	cli_render(call->out, call->cmd, &a, call->json);
	return CLI_EXIT_OK;
}

static int run_local(struct cli_call *call, struct err *err)
{
	autojson json_t *result = json_object();
	struct cli_answer a = {0};
	int rc = call->cmd->run(call, result, err);

	if (rc < 0 || !json_object_size(result))
		return rc;
	json_put_bool(result, "ok", true);
	if (cli_answer_decode(result, &a, err) < 0)
		return -1;
	cli_render(call->out, call->cmd, &a, call->json);
	return rc;
}

static int run(struct cli_call *call, struct err *err)
{
	cleanup(err_release) struct err lost = ERR_INIT;
	int rc = call->cmd->run ? run_local(call, err) : run_remote(call, err);

	/* The command's own failure says more than that of the output. */
	if (cli_out_flush(call->out, &lost) < 0 && rc >= 0) {
		call->exit = CLI_EXIT_IO;
		return err_move(err, &lost);
	}
	return rc;
}

int cli_run(int argc, char *const *argv, const struct cli_entry_points *entry, struct cli_out *out)
{
	cleanup(cli_call_release) struct cli_call call = {.argv = argv, .entry = entry, .out = out};
	cleanup(err_release) struct err err = ERR_INIT;
	const struct cli_group *group = NULL;
	enum cli_wish wish = CLI_WISH_RUN;
	int rc;

	if (cli_parse(argc, argv, &call, &group, &wish, &err) < 0)
		return usage_error(&call, &err, wants_json(argc, argv));
	if (wish == CLI_WISH_RUN) {
		rc = run(&call, &err);
		return rc < 0 ? fail(&call, &err, call.json) : rc;
	}
	if (wish == CLI_WISH_HELP)
		show_help(out, call.cmd, group);
	else
		cli_out_adds(out, "yardmaster " YM_VERSION "\n");
	return cli_out_flush(out, &err) < 0 ? fail(&call, &err, call.json) : CLI_EXIT_OK;
}

/* A descriptor that is closed would be given to the next file or socket, and the output written into
 * that. It is opened the wrong way round, so that using it is an error as before. */
static void hold_std_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(CLI_EXIT_IO);
	}
}

/* A reader that has gone is how `| head` ends: quietly and by the signal, as everybody expects. Only
 * who was started with SIGPIPE ignored gets the error. */
static void die_of_pipe(const struct cli_out *out, void (*before)(int))
{
	if (out->error != EPIPE || before == SIG_IGN)
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

int cli_main(int argc, char **argv, const struct cli_entry_points *entry)
{
	cleanup(cli_out_release) struct cli_out out;
	void (*before)(int);
	int rc;

	hold_std_descriptors();
	before = signal(SIGPIPE, SIG_IGN);
	cli_out_init(&out, STDOUT_FILENO, STDERR_FILENO);
	out.pipe_quiet = before != SIG_IGN;
	rc = cli_run(argc, argv, entry, &out);
	die_of_pipe(&out, before);
	return rc;
}
