/* roles.c - see roles.h */
#include "bot/roles.h"

#include "base/fault.h"
#include "base/mem.h"
#include "sys/chan.h"
#include "sys/child.h"

#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)32 << 20) /* a diff or a file list of a very large PR */

struct question {
	int64_t id;
	role_done_fn done;
	void *arg;
	struct question *next;
};

struct role {
	struct role_conf conf;
	struct chan *chan;
	struct loop_child *child;
	struct loop_timer *idle;
	pid_t pid;
	int64_t next_id;
	struct question *first, **last;
};

static void end_process(struct role *r)
{
	chan_free(r->chan); /* end of file ends the role */
	r->chan = NULL;
	loop_child_free(r->child);
	r->child = NULL;
	r->pid = 0;
}

/* Everything that was asked of a process that is gone is answered with the reason. Those who asked may
 * ask again from inside, which starts a new process and a new list. */
static void fail_all(struct role *r, const char *what)
{
	cleanup(err_release) struct err why = ERR_INIT;
	struct question *q = r->first;

	err_set(&why, ERR_UNAVAILABLE, "%s role: %s", r->conf.name, what);
	r->first = NULL;
	r->last = &r->first;
	while (q) {
		struct question *next = q->next;

		q->done(q->arg, NULL, &why);
		free(q);
		q = next;
	}
}

static void on_closed(void *arg, struct chan *c, const struct err *why)
{
	struct role *r = arg;
	autofree char *text = xstrdup(why->code ? err_text(why) : "the process ended");

	(void)c;
	end_process(r);
	fail_all(r, text);
}

static void on_message(void *arg, struct chan *c, json_t *msg)
{
	struct role *r = arg;
	cleanup(err_release) struct err why = ERR_INIT;
	struct question *q = r->first;

	(void)c;
	if (!q || json_int(msg, "id", 0) != q->id)
		return; /* an answer to nothing: the role restarted in between */
	r->first = q->next;
	if (!r->first)
		r->last = &r->first;
	if (json_flag(msg, "ok")) {
		q->done(q->arg, msg, &why);
	} else {
		const json_t *e = json_object_get(msg, "error");

		err_set(&why, err_code_from_name(json_str(e, "code", NULL)), "%s",
			json_str(e, "text", "the role gave no reason"));
		q->done(q->arg, NULL, &why);
	}
	free(q);
	if (!r->first)
		loop_timer_in(r->idle, r->conf.idle_ms);
}

static void on_idle(void *arg)
{
	struct role *r = arg;

	if (!r->first)
		end_process(r);
}

static void on_child(void *arg, pid_t pid, int wait_status)
{
	struct role *r = arg;

	/* Its end of the socket closes with it; on_closed() does the rest. */
	(void)pid;
	(void)wait_status;
	loop_child_free(r->child);
	r->child = NULL;
}

struct role *role_new(const struct role_conf *conf)
{
	struct role *r = xcalloc(1, sizeof(*r));

	r->conf = *conf;
	r->last = &r->first;
	r->idle = loop_timer_new(conf->loop, on_idle, r);
	return r;
}

void role_free(struct role *r)
{
	if (!r)
		return;
	end_process(r);
	loop_timer_free(r->idle);
	while (r->first) {
		struct question *next = r->first->next;

		free(r->first);
		r->first = next;
	}
	free(r);
}

static int start_process(struct role *r, struct err *err)
{
	static const struct chan_ops ops = {.message = on_message, .closed = on_closed};
	char *argv[] = {(char *)"yardmaster", (char *)"role", (char *)r->conf.name,
			(char *)r->conf.git, NULL};
	const char *crash = getenv(FAULT_VARIABLE);
	autofree char *fault = crash ? xasprintf(FAULT_VARIABLE "=%s", crash) : NULL;
	/* The net role wants it (git/net.c): names are resolved before there is a credential. */
	char *envp[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LC_ALL=C",
			(char *)"LD_BIND_NOW=1", fault, NULL};
	struct child_fd fds[] = {{-1, 0}, {STDERR_FILENO, 2}};
	struct child_opts o = {
		.file = r->conf.self,
		.argv = argv,
		.envp = envp,
		.fds = fds,
		.nfds = ARRAY_LEN(fds),
		.die_with_parent = true,
	};
	autoclose int ours = -1, theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "%s role: socket pair", r->conf.name);
	ours = pair[0];
	theirs = pair[1];
	fds[0].from = theirs;
	if (child_spawn(&o, &r->pid, err) < 0)
		return err_wrap(err, "%s role", r->conf.name);
	if (loop_child_new(r->conf.loop, r->pid, on_child, r, &r->child, err) < 0) {
		child_abort(r->pid, false);
		return err_wrap(err, "%s role", r->conf.name);
	}
	return chan_new(r->conf.loop, steal_fd(&ours), ANSWER_MAX, &ops, r, &r->chan, err);
}

int role_ask(struct role *r, json_t *req, role_done_fn done, void *arg, struct err *err)
{
	autojson json_t *msg = req;
	struct question *q;

	if (!r->chan && start_process(r, err) < 0) {
		end_process(r);
		return -1;
	}
	q = xcalloc(1, sizeof(*q));
	q->id = ++r->next_id;
	q->done = done;
	q->arg = arg;
	*r->last = q;
	r->last = &q->next;
	json_put_int(msg, "id", q->id);
	chan_send(r->chan, msg);
	loop_timer_stop(r->idle);
	return 0;
}

void role_flush(struct role *r)
{
	if (r->chan)
		chan_flush(r->chan);
}

pid_t role_pid(const struct role *r)
{
	return r->pid;
}
