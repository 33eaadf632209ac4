/* body.c - see body.h */
#include "cli/body.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "sys/fs.h"

#include <errno.h>
#include <unistd.h>

static int read_stdin(struct buf *ret, struct err *err)
{
	for (;;) {
		char *to = buf_room(ret, 4096);
		ssize_t n;

		if (!to)
			return err_set(err, ERR_LIMIT, "--file -: the text is longer than %d bytes",
				       CLI_BODY_MAX);
		n = read(STDIN_FILENO, to, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "--file -: standard input");
		if (n == 0)
			return 0;
		buf_grown(ret, (size_t)n);
	}
}

static int read_body(const char *file, struct buf *ret, struct err *err)
{
	if (!strcmp(file, "-"))
		return read_stdin(ret, err);
	if (fs_read(file, CLI_BODY_MAX, ret, err) < 0)
		return err_wrap(err, "--file");
	return 0;
}

static int take_file(struct cli_call *call, const char *file, struct err *err)
{
	/* One read more than is allowed, so that "too long" is seen and not cut. */
	cleanup(buf_release) struct buf b = BUF_INIT_MAX(CLI_BODY_MAX + 4096);
	json_t *text;

	if (read_body(file, &b, err) < 0)
		return -1;
	if (b.len > CLI_BODY_MAX)
		return err_set(err, ERR_LIMIT, "--file %s: %zu bytes; at most %d are taken", file,
			       b.len, CLI_BODY_MAX);
	text = json_stringn(b.s, b.len);
	if (!text)
		return err_set(err, ERR_INPUT, "--file %s: the text is not valid UTF-8", file);
	json_put(call->args, "body", text);
	json_object_del(call->args, "file");
	return 0;
}

int cli_body_optional(struct cli_call *call, struct err *err)
{
	const char *file = json_str(call->args, "file", NULL);
	const char *body = json_str(call->args, "body", NULL);

	if (file && body)
		return err_set(err, ERR_INPUT,
			       "%s: --body and --file were both given, expected one of them",
			       call->cmd->path);
	if (file)
		return take_file(call, file, err);
	if (body && strlen(body) > CLI_BODY_MAX)
		return err_set(err, ERR_LIMIT, "--body: %zu bytes; at most %d are taken",
			       strlen(body), CLI_BODY_MAX);
	return 0;
}

int cli_body_required(struct cli_call *call, struct err *err)
{
	if (!json_object_get(call->args, "body") && !json_object_get(call->args, "file"))
		return err_set(err, ERR_INPUT,
			       "%s: the text is missing; expected --body TEXT or --file FILE",
			       call->cmd->path);
	return cli_body_optional(call, err);
}

int cli_body_or_title(struct cli_call *call, struct err *err)
{
	if (!json_object_get(call->args, "title") && !json_object_get(call->args, "body") &&
	    !json_object_get(call->args, "file"))
		return err_set(err, ERR_INPUT,
			       "%s: nothing is to be changed; expected --title, --body or --file",
			       call->cmd->path);
	return cli_body_optional(call, err);
}

int cli_labels_some(struct cli_call *call, struct err *err)
{
	if (json_object_get(call->args, "add") || json_object_get(call->args, "remove"))
		return 0;
	return err_set(err, ERR_INPUT, "%s: no label was named; expected --add or --remove LABEL",
		       call->cmd->path);
}
