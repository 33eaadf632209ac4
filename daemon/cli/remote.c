/* remote.c - see remote.h */
#include "cli/remote.h"

#include "base/mem.h"
#include "cli/conf.h"
#include "sys/chan.h"
#include "sys/usock.h"

static json_t *request(const struct cli_call *call, const char *cmd, const json_t *args)
{
	json_t *r = json_object();

	json_put_int(r, "v", 1);
	json_put_str(r, "cmd", cmd);
	if (call->as)
		json_put_str(r, "as", call->as);
	json_put(r, "args", args ? json_deep_copy(args) : json_object());
	return r;
}

static int away(struct cli_call *call, const char *path, struct err *err)
{
	const char *hint = "the daemon does not answer (is 'yardmaster serve' running? --socket "
			   "names another socket)";

	call->exit = CLI_EXIT_AWAY;
	if (err && err->code == ERR_UNAVAILABLE)
		return err_set(err, ERR_UNAVAILABLE, "socket %s: %s", path, hint);
	return err_wrap(err, "%s", hint);
}

static int connect_daemon(struct cli_call *call, struct chan_sync **ret, struct err *err)
{
	autofree char *path = NULL;
	int fd = -1;

	if (cli_conf_socket(call, &path, err) < 0)
		return -1;
	if (usock_connect(path, &fd, err) < 0)
		return away(call, path, err);
	*ret = chan_sync_new(fd, CLI_ANSWER_LINE_MAX);
	return 0;
}

static int send_request(struct chan_sync *c, struct cli_call *call, const char *cmd,
			const json_t *args, struct err *err)
{
	autojson json_t *r = request(call, cmd, args);
	autofree char *text = json_text(r);
	autojson json_t *said = NULL;
	struct cli_answer a;

	if (strlen(text) >= CLI_REQUEST_MAX)
		return err_set(err, ERR_LIMIT, "%s: a request of %zu bytes; at most %zu are taken",
			       cmd, strlen(text), CLI_REQUEST_MAX);
	if (chan_sync_send(c, r, err) == 0)
		return 0;
	/* A daemon that has no place for us says so and hangs up without listening. */
	if (err && err->code == ERR_UNAVAILABLE && chan_sync_recv(c, 0, &said, NULL) > 0 &&
	    cli_answer_decode(said, &a, NULL) == 0 && a.kind == CLI_ANSWER_ERROR) {
		err_release(err);
		return err_set(err, a.code, "%s", a.text);
	}
	call->exit = err && err->code == ERR_UNAVAILABLE ? CLI_EXIT_AWAY : call->exit;
	return err_wrap(err, "sending the request to the daemon");
}

/* One line: 1 the final one, 0 a chunk, -1 error. */
static int one_answer(struct cli_call *call, struct chan_sync *c, int timeout_ms,
		      cli_chunk_fn chunk, void *arg, json_t **ret_msg, struct cli_answer *ret,
		      struct err *err)
{
	autojson json_t *msg = NULL;
	struct cli_answer a;
	int rc = chan_sync_recv(c, timeout_ms, &msg, err);

	if (rc < 0)
		return err_wrap(err, "waiting for the daemon's answer");
	if (rc == 0) {
		call->exit = CLI_EXIT_AWAY;
		return err_set(err, ERR_UNAVAILABLE,
			       "the daemon ended the connection before its answer was complete; "
			       "'yardmaster status' tells whether it is there");
	}
	if (cli_answer_decode(msg, &a, err) < 0)
		return -1;
	if (a.kind == CLI_ANSWER_CHUNK)
		return chunk ? chunk(arg, a.text, a.text_len, err) : 0;
	if (a.kind == CLI_ANSWER_ERROR)
		return err_set(err, a.code, "%s", a.text);
	*ret = a;
	*ret_msg = steal(&msg);
	return 1;
}

static void chan_sync_freep(struct chan_sync **c)
{
	if (*c)
		chan_sync_free(*c);
}

int cli_remote(struct cli_call *call, const char *cmd, const json_t *args, int timeout_ms,
	       cli_chunk_fn chunk, void *arg, json_t **ret_msg, struct cli_answer *ret,
	       struct err *err)
{
	cleanup(chan_sync_freep) struct chan_sync *c = NULL;
	int rc = 0;

	if (connect_daemon(call, &c, err) < 0 || send_request(c, call, cmd, args, err) < 0)
		return -1;
	while (rc == 0)
		rc = one_answer(call, c, timeout_ms, chunk, arg, ret_msg, ret, err);
	return rc < 0 ? -1 : 0;
}
