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

enum { RANK_NEAR = 1, RANK_KNOWN }; /* 0: a stranger */

static int64_t now(const struct httpd *h)
{
	return h->clock->mono_ms(h->clock);
}

/* --- the lists ----------------------------------------------------------------------------------- */

static void leave_list(struct peer *p)
{
	if (p->state == PEER_IDLE) {
		TAILQ_REMOVE(&p->of->idle, p, at);
		p->of->nidle--;
	} else if (p->state == PEER_BUSY) {
		TAILQ_REMOVE(&p->of->busy, p, at);
	}
}

static void enter(struct peer *p, enum peer_state state)
{
	if (p->state == PEER_LEAVING)
		return;
	leave_list(p);
	p->state = state;
	p->since_ms = now(p->of);
	p->got = p->seen = p->speed = 0;
	p->slow = 0;
	if (state == PEER_IDLE) {
		TAILQ_INSERT_TAIL(&p->of->idle, p, at);
		p->of->nidle++;
	} else if (state == PEER_BUSY) {
		TAILQ_INSERT_TAIL(&p->of->busy, p, at);
	}
}

void peer_idle(struct peer *p)
{
	p->preferred = false;
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

void peer_got(struct peer *p, size_t n)
{
	p->got += n;
}

/* --- where they come from ------------------------------------------------------------------------ */

static uint64_t bytes_of(const void *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* An IPv4 client of a socket that listens on [::] is the IPv4 address. ret_net: its /24, or the /48 of IPv6. */
static uint64_t address_of(const struct sockaddr *sa, uint64_t *ret_net)
{
	const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	const void *four = NULL;

	if (sa->sa_family == AF_INET)
		four = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six))
		four = six->s6_addr + 12;
	else if (sa->sa_family != AF_INET6)
		return *ret_net = 0;
	*ret_net = four ? bytes_of(four, 3) : bytes_of(six, 6);
	return four ? bytes_of(four, 4) : bytes_of(six, 8);
}

static struct origin *origin_of(struct httpd *h, uint64_t address)
{
	struct origin *o;

	LIST_FOREACH(o, &h->origins, at)
	if (o->address == address)
		return o;
	o = xcalloc(1, sizeof(*o));
	o->address = address;
	LIST_INSERT_HEAD(&h->origins, o, at);
	return o;
}

static void origin_less(struct peer *p)
{
	struct origin *o = steal(&p->from);

	if (!o || --o->n)
		return;
	LIST_REMOVE(o, at);
	free(o);
}

static bool is_near(const struct httpd *h, uint64_t net)
{
	for (size_t i = 0; i < h->nnets && i < NETS_KNOWN; i++)
		if (h->nets[i] == net)
			return true;
	return false;
}

void peer_prefer(struct peer *p)
{
	p->preferred = true;
}

void peer_vouch(struct peer *p)
{
	struct httpd *h = p->of;
	struct peer *other;

	p->proven = true;
	if (p->near)
		return;
	h->nets[h->nnets++ % NETS_KNOWN] = p->net;
	LIST_FOREACH(other, &h->all, all)
	other->near = is_near(h, other->net);
}

/* --- coming and going ---------------------------------------------------------------------------- */

static struct peer *peer_add(struct httpd *h, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	int number = fd ? fd->connect_fd : -1;
	const union MHD_ConnectionInfo *who =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct peer *p = xcalloc(1, sizeof(*p));

	*p = (struct peer){.of = h, .conn = c, .fd = number, .state = PEER_WAITS, .look = h->looks};
	p->from = origin_of(h, who ? address_of(who->client_addr, &p->net) : 0);
	p->from->n++;
	p->near = is_near(h, p->net);
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
	if (on && h->next.fd >= 0)
		loop_timer_in(h->retry, 0); /* nobody may stand behind the one that waits */
}

static void peer_gone(struct peer *p)
{
	struct httpd *h = p->of;

	leave_list(p);
	if (p->state == PEER_LEAVING)
		h->leaving--;
	origin_less(p);
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
	origin_less(p);
	shutdown(p->fd, SHUT_RDWR);
}

void peer_cut(struct peer *p)
{
	if (p->state == PEER_LEAVING)
		return;
	cut(p);
	p->of->evicted++;
}

static struct peer *oldest(struct peers *list, int64_t before_ms)
{
	struct peer *p = TAILQ_FIRST(list);

	return p && p->since_ms <= before_ms ? p : NULL;
}

static int rank(const struct peer *p)
{
	return p->proven || p->preferred ? RANK_KNOWN : p->near ? RANK_NEAR : 0;
}

/* An honest delivery is here with its headers or a moment later: what lasts longer is looked at. */
static bool is_young(const struct peer *p)
{
	return now(p->of) - p->since_ms < HTTPD_GRACE_MS;
}

bool peer_outranks(const struct peer *p, const struct peer *q)
{
	if (rank(p) != rank(q))
		return rank(p) > rank(q);
	return !is_young(q) && (is_young(p) || q->speed < p->speed);
}

/* May it be asked to leave for a newcomer? An idle one that libmicrohttpd has not read from may have its request in
 * the socket, and one that has just come may be about to send it: with such the place is not filled, unless they take
 * more than half of it. Who is known waits longer than who is not. */
static bool may_leave(const struct httpd *h, const struct peer *p, const struct newcomer *n)
{
	if (rank(p) > n->rank && now(h) - p->since_ms < HTTPD_PATIENCE_MS)
		return false;
	if (p->state == PEER_IDLE && h->looks == p->look)
		return false;
	return !is_young(p) || (p->state == PEER_IDLE && 2 * h->nidle > h->max) ||
	       (2 * p->from->n > h->max && p->from->address != n->address);
}

static bool is_idle(const struct peer *p)
{
	return p->state == PEER_IDLE && !is_young(p);
}

/* Of one address: whose body trickles, then who has just come and may be about to send, then whose body flows. On a
 * busy machine, or over a long line, a moment passes between a connection and its request, and a crowd that comes
 * again whenever it is cut makes a newcomer of itself in each such moment. */
static int merit(const struct peer *p)
{
	return p->state == PEER_IDLE ? 1 : p->slow ? 0 : 2;
}

static bool leaves_before(const struct peer *p, const struct peer *q)
{
	if (rank(p) != rank(q))
		return rank(p) < rank(q);
	if (is_idle(p) != is_idle(q))
		return is_idle(p);
	if (p->from->n != q->from->n)
		return p->from->n > q->from->n;
	if (merit(p) != merit(q))
		return merit(p) < merit(q);
	if (p->speed != q->speed)
		return p->speed < q->speed;
	return p->since_ms < q->since_ms;
}

static struct peer *first_to_leave(const struct httpd *h, const struct peers *list,
				   const struct newcomer *n, struct peer *best)
{
	struct peer *p;

	TAILQ_FOREACH(p, list, at)
	if (may_leave(h, p, n) && (!best || leaves_before(p, best)))
		best = p;
	return best;
}

/* Makes room for one; false: nobody can be asked to leave. */
static bool evict(struct httpd *h, const struct newcomer *n)
{
	struct peer *p = first_to_leave(h, &h->idle, n, NULL);

	p = first_to_leave(h, &h->busy, n, p);
	if (p)
		peer_cut(p);
	return p != NULL;
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

static void cut_late(struct httpd *h, struct peer *p)
{
	cut(p);
	h->timed_out++;
}

static void weigh(struct httpd *h)
{
	struct peer *p, *next;

	for (p = TAILQ_FIRST(&h->busy); p; p = next) {
		next = TAILQ_NEXT(p, at);
		p->speed = p->got - p->seen;
		p->seen = p->got;
		p->slow = p->speed < HTTPD_RATE_MIN ? p->slow + 1 : 0;
		if (p->slow > HTTPD_SLOW_S)
			cut_late(h, p);
	}
}

void peers_sweep(struct httpd *h)
{
	int64_t t = now(h);
	struct peer *p;

	cut_ended(h);
	weigh(h);
	while ((p = oldest(&h->idle, t - HTTPD_IDLE_MS)) != NULL ||
	       (p = oldest(&h->busy, t - HTTPD_REQUEST_MS)) != NULL)
		cut_late(h, p);
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

/* The next of the backlog becomes h->next. False: nobody is there, or there is no descriptor for one. */
static bool accept_next(struct httpd *h)
{
	struct newcomer *n = &h->next;
	uint64_t net;

	do {
		n->len = sizeof(n->sa);
		n->fd = accept4(h->fd, (struct sockaddr *)&n->sa, &n->len,
				SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (n->fd < 0 && (errno == ECONNABORTED || errno == EINTR));
	/* The lack of descriptors is said also when nobody waits: the one that was just taken must not go for that. */
	if (n->fd < 0 && (errno == EMFILE || errno == ENFILE) && somebody_waits(h)) {
		evict(h, &(struct newcomer){.rank = RANK_KNOWN});
		listen_set(h, false); /* the sweep looks again */
	}
	n->address = address_of((const struct sockaddr *)&n->sa, &net);
	n->rank = is_near(h, net) ? RANK_NEAR : 0;
	return n->fd >= 0;
}

/* False: nobody waits, or there is no room. */
static bool take_one(struct httpd *h)
{
	struct newcomer *n = &h->next;
	int one = 1, fd;

	if (n->fd < 0 && (h->fd < 0 || !accept_next(h)))
		return false;
	/* What was asked to leave is gone after libmicrohttpd's next look; until then both are here. */
	if (h->n >= 2 * h->max || (h->n - h->leaving >= h->max && !evict(h, n))) {
		listen_set(h, false);
		return false;
	}
	fd = steal_fd(&n->fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	MHD_add_connection(h->mhd, fd, (const struct sockaddr *)&n->sa,
			   n->len); /* closes it on failure */
	return true;
}

void peers_take(struct httpd *h)
{
	for (int i = 0; i < ACCEPT_MAX && take_one(h); i++)
		;
	/* Who has just come is read from before anybody has to leave again. */
	loop_timer_in(h->again, 0);
}

static void on_connect(void *arg, uint32_t events)
{
	(void)events;
	peers_take(arg);
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
