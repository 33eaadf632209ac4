/* ask.c - see ask.h */
#include "hooks/ask.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/chan.h"
#include "sys/usock.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

struct ask {
	int fd; /* the channel's */
	struct chan_sync *chan;
	int64_t deadline;
};

int64_t ask_now(void)
{
	return clock_system.mono_ms(&clock_system);
}

static int left_ms(int64_t deadline)
{
	int64_t left = deadline - ask_now();

	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

int ask_open(const char *socket, int64_t deadline_ms, struct ask **ret, struct err *err)
{
	struct ask *a;
	int fd = -1;

	if (usock_connect_within(socket, left_ms(deadline_ms), &fd, err) < 0)
		return -1;
	a = xcalloc(1, sizeof(*a));
	a->fd = fd;
	a->chan = chan_sync_new(fd, 0);
	a->deadline = deadline_ms;
	*ret = a;
	return 0;
}

void ask_free(struct ask *a)
{
	if (!a)
		return;
	chan_sync_free(a->chan);
	free(a);
}

/* chan_sync_send() waits for as long as it takes. */
static int send_line(const struct ask *a, const char *s, size_t n, struct err *err)
{
	while (n) {
		struct pollfd p = {.fd = a->fd, .events = POLLOUT};
		ssize_t w = send(a->fd, s, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (w > 0) {
			s += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN) {
			if (poll(&p, 1, left_ms(a->deadline)) == 0)
				return err_set(err, ERR_UNAVAILABLE,
					       "the daemon does not read what it is asked");
		} else if (errno != EINTR) {
			return err_set(err, ERR_UNAVAILABLE, "the daemon hung up");
		}
	}
	return 0;
}

static int answer_item(json_t *answer, json_t **ret_item, struct err *err)
{
	const json_t *e = json_object_get(answer, "error");
	json_t *item = json_object_get(answer, "item");

	if (!json_flag(answer, "ok"))
		return err_set(err, err_code_from_name(json_str(e, "code", NULL)), "%s",
			       json_str(e, "text", "the daemon gave no reason"));
	if (!json_is_object(item))
		return err_set(err, ERR_INTERNAL, "the daemon's answer has no item");
	*ret_item = json_incref(item);
	return 0;
}

int ask_item(struct ask *a, const char *cmd, json_t *args, json_t **ret_item, struct err *err)
{
	autojson json_t *req = json_object(), *answer = NULL;
	autofree char *text = NULL, *line = NULL;
	int rc;

	json_put_int(req, "v", 1);
	json_put_str(req, "cmd", cmd);
	json_put(req, "args", args);
	text = json_text(req);
	line = xasprintf("%s\n", text);
	if (send_line(a, line, strlen(line), err) < 0)
		return -1;
	rc = chan_sync_recv(a->chan, left_ms(a->deadline), &answer, err);
	if (rc == 0)
		return err_set(err, ERR_UNAVAILABLE, "the daemon hung up");
	return rc < 0 ? -1 : answer_item(answer, ret_item, err);
}
