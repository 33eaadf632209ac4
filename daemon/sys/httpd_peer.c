/* httpd_peer.c - see httpd_peer.h */
#include "sys/httpd_peer.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_MAX 64 /* connections a turn */

static int64_t now(const struct httpd *h)
{
	return h->clock->mono_ms(h->clock);
}

/* --- the lists ----------------------------------------------------------------------------------- */

static void leave_list(struct peer *p)
{
	if (p->state == PEER_IDLE)
		TAILQ_REMOVE(&p->of->idle, p, at);
	else if (p->state == PEER_BUSY)
		TAILQ_REMOVE(&p->of->busy, p, at);
}

static void enter(struct peer *p, enum peer_state state)
{
	if (p->state == PEER_LEAVING)
		return;
	leave_list(p);
	p->state = state;
	p->since_ms = now(p->of);
	if (state == PEER_IDLE)
		TAILQ_INSERT_TAIL(&p->of->idle, p, at);
	else if (state == PEER_BUSY)
		TAILQ_INSERT_TAIL(&p->of->busy, p, at);
}

void peer_idle(struct peer *p)
{
	enter(p, PEER_IDLE);
}

void peer_busy(struct peer *p)
{
	enter(p, PEER_BUSY);
}

void peer_waits(struct peer *p)
{
	enter(p, PEER_WAITS);
}

static uint64_t address_of(const struct sockaddr *sa)
{
	uint64_t v = 0;

	if (sa->sa_family == AF_INET6)
		memcpy(&v, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, sizeof(v));
	else if (sa->sa_family == AF_INET)
		v = ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
	return v;
}

static struct peer *peer_add(struct httpd *h, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	int number = fd ? fd->connect_fd : -1;
	const union MHD_ConnectionInfo *who =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct peer *p = xcalloc(1, sizeof(*p));

	*p = (struct peer){.of = h, .conn = c, .fd = number, .state = PEER_WAITS};
	p->address = who ? address_of(who->client_addr) : 0;
	LIST_INSERT_HEAD(&h->all, p, all);
	h->n++;
	h->taken++;
	peer_idle(p);
	httpd_wake_sweep(h);
	return p;
}

static void listen_set(struct httpd *h, bool on)
{
	if (h->listening)
		loop_watch_set(h->listening, on ? EPOLLIN : 0, NULL);
	h->full = !on;
}

static void peer_gone(struct peer *p)
{
	struct httpd *h = p->of;

	leave_list(p);
	if (p->state == PEER_LEAVING)
		h->leaving--;
	LIST_REMOVE(p, all);
	h->n--;
	free(p);
	if (h->full)
		listen_set(h, true);
}

void peer_notify(void *arg, struct MHD_Connection *c, void **context,
		 enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = peer_add(arg, c);
	else if (*context)
		peer_gone(steal((struct peer **)context));
}

/* --- who has to leave ---------------------------------------------------------------------------- */

/* libmicrohttpd sees the end of the stream and closes; the descriptor stays its own. */
static void cut(struct peer *p)
{
	leave_list(p);
	p->state = PEER_LEAVING;
	p->of->leaving++;
	shutdown(p->fd, SHUT_RDWR);
}

static struct peer *oldest(struct peers *list, bool any, uint64_t address, int64_t before_ms)
{
	struct peer *p;

	TAILQ_FOREACH(p, list, at)
	{
		if (p->since_ms > before_ms)
			return NULL;
		if (any || p->address == address)
			return p;
	}
	return NULL;
}

/* Makes room for one; false: nobody can be asked to leave. */
static bool evict(struct httpd *h, bool any, uint64_t address)
{
	struct peer *p = oldest(&h->idle, any, address, INT64_MAX);

	if (!p)
		p = oldest(&h->busy, any, address, now(h) - HTTPD_PATIENCE_MS);
	if (!p)
		return false;
	cut(p);
	h->evicted++;
	return true;
}

static size_t count_of(struct httpd *h, uint64_t address)
{
	struct peer *p;
	size_t n = 0;

	LIST_FOREACH(p, &h->all, all)
	n += p->address == address && p->state != PEER_LEAVING;
	return n;
}

/* The other side has ended its stream, and all of it was read. */
static bool has_ended(const struct peer *p)
{
	struct pollfd q = {.fd = p->fd, .events = POLLRDHUP};
	int unread = 0;

	return poll(&q, 1, 0) > 0 && ioctl(p->fd, FIONREAD, &unread) == 0 && unread == 0;
}

/* libmicrohttpd is told of each change once. Where the end of a stream came together with bytes it has read those
 * and not seen the end (0.9.75), and would keep a request that can never be whole. */
static void cut_ended(struct httpd *h)
{
	struct peer *p;

	LIST_FOREACH(p, &h->all, all)
	if ((p->state == PEER_IDLE || p->state == PEER_BUSY) && has_ended(p))
		cut(p);
}

void peers_sweep(struct httpd *h)
{
	int64_t t = now(h);
	struct peer *p;

	cut_ended(h);
	while ((p = oldest(&h->idle, true, 0, t - HTTPD_IDLE_MS)) != NULL ||
	       (p = oldest(&h->busy, true, 0, t - HTTPD_REQUEST_MS)) != NULL) {
		cut(p);
		h->timed_out++;
	}
	if (h->full)
		listen_set(h, true);
}

void peers_resume(struct httpd *h)
{
	struct peer *p;

	LIST_FOREACH(p, &h->all, all)
	if (p->state == PEER_WAITS)
		MHD_resume_connection(p->conn);
}

/* --- listening ----------------------------------------------------------------------------------- */

static bool somebody_waits(const struct httpd *h)
{
	struct pollfd p = {.fd = h->fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* 1 taken, 0 nobody waits or there is no room. */
static int take_one(struct httpd *h)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	int one = 1, fd;
	uint64_t address;

	/* What was asked to leave is gone after libmicrohttpd's next look; until then both are here. */
	if (h->n - h->leaving >= h->max) {
		if (!somebody_waits(h))
			return 0;
		if (!evict(h, true, 0)) {
			listen_set(h, false);
			return 0;
		}
	}
	if (h->n >= 2 * h->max)
		return 0;
	fd = accept4(h->fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE) {
			/* Said also when nobody waits: the one that was just taken must not go for that. */
			if (!somebody_waits(h))
				return 0;
			evict(h, true, 0);
			listen_set(h, false); /* the sweep looks again */
		}
		return errno == ECONNABORTED || errno == EINTR;
	}
	address = address_of((const struct sockaddr *)&sa);
	if (count_of(h, address) >= h->per_address && !evict(h, false, address)) {
		close(fd);
		return 1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	MHD_add_connection(h->mhd, fd, (const struct sockaddr *)&sa,
			   len); /* closes it on failure */
	return 1;
}

static void on_connect(void *arg, uint32_t events)
{
	struct httpd *h = arg;

	(void)events;
	for (int i = 0; i < ACCEPT_MAX && take_one(h); i++)
		;
}

static int parse_address(const char *s, struct addrinfo **ret, struct err *err)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(s, ':');
	autofree char *host = colon ? xstrndup(s, (size_t)(colon - s)) : NULL;
	size_t n = host ? strlen(host) : 0;
	const char *name = host;
	int rc = EAI_NONAME;

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		name = host + 1;
	} else if (host && strchr(host, ':')) {
		n = 0; /* IPv6 without brackets: where does the port begin? */
	}
	if (n && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1) &&
	    strtol(colon + 1, NULL, 10) <= 65535)
		rc = getaddrinfo(name, colon + 1, &hints, ret);
	return rc == 0 ? 0
		       : err_set(err, ERR_INPUT,
				 "address '%s': expected ADDRESS:PORT in numbers, as in "
				 "127.0.0.1:8080 or [::1]:8080",
				 s);
}

int httpd_check_address(const char *address, struct err *err)
{
	struct addrinfo *a;

	if (parse_address(address, &a, err) < 0)
		return -1;
	freeaddrinfo(a);
	return 0;
}

static int open_socket(const struct addrinfo *a, const char *address, int *ret, struct err *err)
{
	autoclose int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return err_errno(err, "listen on %s", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
		if (errno == EADDRINUSE)
			return err_set(err, ERR_UNAVAILABLE,
				       "listen on %s: another program has this port; end it, or "
				       "name another port at 'listen'",
				       address);
		return err_errno(err, "listen on %s", address);
	}
	*ret = steal_fd(&fd);
	return 0;
}

/* The address as it is now, for people and for `status`. */
static int name_socket(struct httpd *h, struct err *err)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	char host[64], port[16];

	if (getsockname(h->fd, (struct sockaddr *)&sa, &len) < 0)
		return err_errno(err, "listen: which port");
	if (getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return err_set(err, ERR_INTERNAL, "listen: which port");
	h->address = xasprintf(sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return 0;
}

int peers_listen(struct httpd *h, const char *address, struct err *err)
{
	struct addrinfo *a;
	int rc;

	if (parse_address(address, &a, err) < 0)
		return -1;
	rc = open_socket(a, address, &h->fd, err);
	freeaddrinfo(a);
	if (rc < 0 || name_socket(h, err) < 0)
		return -1;
	return loop_watch_new(h->loop, h->fd, EPOLLIN, on_connect, h, &h->listening, err);
}
