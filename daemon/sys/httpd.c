/* httpd.c - see httpd.h; connections and who has to leave are in httpd_peer.c */
#include "sys/httpd_head.h"
#include "sys/httpd_peer.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The rest of a refused body of at most this many bytes is read, so that the client sees the answer and
 * keeps its connection; with a longer one it is answered at once and cut. */
#define DRAIN_MAX ((int64_t)1 << 20)
#define SWEEP_MS  1000

struct httpd_request {
	struct httpd *of;
	struct MHD_Connection *conn;
	struct peer *peer;
	const struct httpd_handler *handler; /* NULL: no route */
	void *state;                         /* NULL: none, or it has ended */
	int64_t length;
	size_t seen;
	int status; /* the answer; 0: not yet */
	int retry_s;
	bool queued;       /* libmicrohttpd has it */
	bool waiting;      /* suspended until the answer */
	bool close;        /* nothing behind this request is read */
	const char *allow; /* of a 405 */
	char *body;        /* of the caller; NULL: the table's */
	size_t body_len;
	const char *type;
};

/* What a person or a log of the sender reads. */
static const struct {
	int status;
	const char *text;
} answers[] = {
	{200, "ok\n"},
	{202, "accepted: stored, and handled after this answer\n"},
	{400, "malformed request\n"},
	{401, "the signature is missing or is of none of the secrets here\n"},
	{404, "there is nothing at this path\n"},
	{405, "not with this method\n"},
	{411, "the length of the body must be said\n"},
	{413, "the body is larger than what is taken here\n"},
	{500, "internal error\n"},
	{503, "cannot be stored now; try again later\n"},
};

static const char *text_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (answers[i].status == status)
			return answers[i].text;
	return "";
}

/* --- answers ------------------------------------------------------------------------------------- */

static struct MHD_Response *response_new(const struct httpd_request *r)
{
	const char *text = text_of(r->status);
	struct MHD_Response *x =
		r->body ? MHD_create_response_from_buffer(r->body_len, r->body,
							  MHD_RESPMEM_MUST_COPY)
			: MHD_create_response_from_buffer(strlen(text), (void *)text,
							  MHD_RESPMEM_PERSISTENT);
	char seconds[16];

	if (!x)
		return NULL;
	MHD_add_response_header(x, "Content-Type", r->type ? r->type : "text/plain; charset=utf-8");
	if (r->body)
		MHD_add_response_header(x, "Cache-Control", "no-store");
	if (r->retry_s > 0) {
		snprintf(seconds, sizeof(seconds), "%d", r->retry_s);
		MHD_add_response_header(x, "Retry-After", seconds);
	}
	if (r->allow)
		MHD_add_response_header(x, "Allow", r->allow);
	if (r->close)
		MHD_add_response_header(x, "Connection", "close");
	return x;
}

/* The one answer that matters for speed is made once. */
static enum MHD_Result queue(struct httpd_request *r)
{
	struct httpd *h = r->of;
	bool common = r->status == 202 && !r->body && !r->close;
	struct MHD_Response *x = common && h->accepted ? h->accepted : response_new(r);
	enum MHD_Result rc;

	if (!x)
		return MHD_NO;
	r->queued = true;
	rc = MHD_queue_response(r->conn, (unsigned)r->status, x);
	if (common)
		h->accepted = x;
	else
		MHD_destroy_response(x);
	return rc;
}

void httpd_answer(struct httpd_request *r, int status, int retry_s)
{
	if (r->status)
		return;
	r->status = status;
	r->retry_s = retry_s;
	if (!r->waiting)
		return; /* we are inside on_access(), which sees it */
	r->waiting = false;
	queue(r);
	peer_busy(r->peer);
	MHD_resume_connection(r->conn);
	r->of->answered = true;
}

void httpd_answer_with(struct httpd_request *r, int status, const char *type, const char *body,
		       size_t n)
{
	if (r->status)
		return;
	r->type = type;
	r->body = xmalloc(n + 1);
	memcpy(r->body, body, n);
	r->body_len = n;
	httpd_answer(r, status, 0);
}

/* --- a request ------------------------------------------------------------------------------------ */

const char *httpd_header(struct httpd_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *httpd_query(struct httpd_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

int64_t httpd_length(const struct httpd_request *r)
{
	return r->length;
}

void httpd_prefer(struct httpd_request *r)
{
	peer_prefer(r->peer);
}

void httpd_vouch(struct httpd_request *r)
{
	peer_vouch(r->peer);
}

bool httpd_outranks(const struct httpd_request *a, const struct httpd_request *b)
{
	return peer_outranks(a->peer, b->peer);
}

void httpd_cut(struct httpd_request *r)
{
	if (!r->status)
		r->status = 503; /* what is in the socket already is not handed out any more */
	peer_cut(r->peer);
}

/* Content-Length as a number, -1 when absent. libmicrohttpd has refused one that is none. */
static int64_t length_of(struct httpd_request *r)
{
	const char *s = httpd_header(r, "Content-Length");
	char *end;
	long long v;

	if (!s)
		return -1;
	errno = 0;
	v = strtoll(s, &end, 10);
	return errno || *end || v < 0 ? INT64_MAX : v;
}

static void route(struct httpd_request *r, const char *path, const char *method)
{
	for (const struct httpd_route *t = r->of->routes; t->path; t++) {
		if (strcmp(t->path, path) != 0)
			continue;
		if (!strcmp(t->method, method)) {
			r->handler = t->handler;
			return;
		}
		r->allow = t->method;
	}
	httpd_answer(r, r->allow ? 405 : 404, 0);
}

/* Where it ends is read differently by different programs: what follows on this connection may be of somebody else. */
static enum MHD_Result refuse_head(struct httpd_request *r, const char *fault)
{
	autofree char *text = xasprintf("malformed request: %s\n", fault);

	r->close = true;
	httpd_answer_with(r, 400, NULL, text, strlen(text));
	return queue(r);
}

static enum MHD_Result begin(struct httpd *h, struct MHD_Connection *c, const char *path,
			     const char *method, const char *version, void **con_cls)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct httpd_request *r = xcalloc(1, sizeof(*r));
	const char *fault;

	*con_cls = r;
	*r = (struct httpd_request){.of = h, .conn = c, .peer = info->socket_context};
	h->requests++;
	peer_busy(r->peer);
	fault = httpd_head_fault(c, method, version, h->old_library);
	if (fault)
		return refuse_head(r, fault);
	/* Chunks, too, are read differently (a bare LF, extensions): nothing can stand behind them. */
	r->close = httpd_header(r, "Transfer-Encoding") != NULL;
	r->length = length_of(r);
	route(r, path, method);
	if (r->handler && r->length > (int64_t)r->handler->body_max)
		httpd_answer(r, 413, 0);
	if (r->handler && !r->status)
		r->state = r->handler->begin(h->arg, r);
	/* Before the body is the one moment at which libmicrohttpd takes an early answer. */
	if (r->status && r->length > DRAIN_MAX)
		return queue(r);
	return MHD_YES;
}

static enum MHD_Result take(struct httpd_request *r, const char *p, size_t n)
{
	size_t max = r->handler ? r->handler->body_max : (size_t)DRAIN_MAX;

	r->seen += n;
	peer_got(r->peer, n);
	if (r->seen > max)
		httpd_answer(r, 413, 0);
	if (r->handler && !r->status)
		r->handler->data(r->state, p, n);
	/* It said no length and goes on and on: there is no end at which it could be answered. */
	return r->seen > 2 * max ? MHD_NO : MHD_YES;
}

static enum MHD_Result complete(struct httpd_request *r)
{
	if (!r->status)
		r->handler->complete(r->state);
	if (r->status)
		return r->queued ? MHD_YES : queue(r);
	r->waiting = true;
	peer_waits(r->peer);
	MHD_suspend_connection(r->conn);
	return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *c, const char *path,
				 const char *method, const char *version, const char *p, size_t *n,
				 void **con_cls)
{
	if (!*con_cls)
		return begin(arg, c, path, method, version, con_cls);
	if (*n) {
		size_t got = *n;

		*n = 0;
		return take(*con_cls, p, got);
	}
	return complete(*con_cls);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct httpd *h = arg;
	struct httpd_request *r = *con_cls;

	(void)c;
	(void)why;
	if (!r)
		return;
	*con_cls = NULL;
	if (r->state)
		r->handler->end(r->state);
	h->requests--;
	peer_idle(r->peer);
	free(r->body);
	free(r);
}

/* --- the loop -------------------------------------------------------------------------------------- */

static void run(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	h->answered = false;
	MHD_run(h->mhd);
	h->looks++;
	/* Connections that it has looked at and not finished with are in no descriptor's readiness. */
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES && ms == 0)
		loop_timer_in(h->again, 0);
}

void httpd_flush(struct httpd *h)
{
	if (h->answered)
		run(h);
}

void httpd_until(struct httpd *h, int fd)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd p[] = {{fd, POLLIN, 0}, {info->epoll_fd, POLLIN, 0}};
	MHD_UNSIGNED_LONG_LONG ms;

	for (;;) {
		bool now = MHD_get_timeout(h->mhd, &ms) == MHD_YES && ms == 0;

		if (poll(p, ARRAY_LEN(p), now ? 0 : -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			break;
		run(h);
	}
}

static void on_ready(void *arg, uint32_t events)
{
	(void)events;
	run(arg);
}

static void on_again(void *arg)
{
	run(arg);
}

static void on_retry(void *arg)
{
	peers_take(arg);
}

static void on_sweep(void *arg)
{
	struct httpd *h = arg;

	peers_sweep(h);
	if (h->n)
		loop_timer_in(h->sweep, SWEEP_MS);
}

void httpd_wake_sweep(struct httpd *h)
{
	if (h->n == 1)
		loop_timer_in(h->sweep, SWEEP_MS);
}

/* A path is what was sent: "%2e%2e" is no "..", and "%67" no "g". */
static size_t no_unescape(void *arg, struct MHD_Connection *c, char *s)
{
	(void)arg;
	(void)c;
	return strlen(s);
}

static int start(struct httpd *h, struct err *err)
{
	const union MHD_DaemonInfo *info;

	h->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_SUPPRESS_DATE_NO_CLOCK,
		0, NULL, NULL, on_access, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, peer_notify, h, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(2 * h->max), MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTPD_HEADERS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_END);
	info = h->mhd ? MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return err_set(err, ERR_IO, "http: libmicrohttpd cannot start with epoll");
	return loop_watch_new(h->loop, info->epoll_fd, EPOLLIN, on_ready, h, &h->watch, err);
}

int httpd_new(struct loop *l, const struct httpd_options *o, struct httpd **ret, struct err *err)
{
	struct httpd *h = xcalloc(1, sizeof(*h));

	*h = (struct httpd){.loop = l,
			    .clock = loop_clock(l),
			    .fd = -1,
			    .next.fd = -1,
			    .max = o->connections,
			    .old_library = MHD_get_version()[0] == '0',
			    .routes = o->routes,
			    .arg = o->arg};
	TAILQ_INIT(&h->idle);
	TAILQ_INIT(&h->busy);
	h->again = loop_timer_new(l, on_again, h);
	h->sweep = loop_timer_new(l, on_sweep, h);
	h->retry = loop_timer_new(l, on_retry, h);
	if (peers_listen(h, o->listen, err) < 0 || start(h, err) < 0) {
		httpd_free(h);
		return -1;
	}
	*ret = h;
	return 0;
}

void httpd_free(struct httpd *h)
{
	if (!h)
		return;
	httpd_drain(h);
	if (h->next.fd >= 0)
		close(steal_fd(&h->next.fd));
	loop_watch_free(h->watch);
	loop_timer_free(h->again);
	loop_timer_free(h->sweep);
	loop_timer_free(h->retry);
	/* libmicrohttpd must not be stopped with a suspended connection. */
	peers_resume(h);
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	if (h->accepted)
		MHD_destroy_response(h->accepted);
	free(h->address);
	free(h);
}

void httpd_drain(struct httpd *h)
{
	loop_watch_free(steal(&h->listening));
	if (h->fd >= 0)
		close(steal_fd(&h->fd));
}

const char *httpd_address(const struct httpd *h)
{
	return h->address;
}

struct httpd_counts httpd_counts(const struct httpd *h)
{
	return (struct httpd_counts){h->n - h->leaving, h->requests, h->taken, h->evicted,
				     h->timed_out};
}
