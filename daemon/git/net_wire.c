/*
 * net_wire.c - the connection of a worker: see net_part.h.
 *
 * libgit2 1.5 calls back rarely: once when the remote is ready, for the certificate and the credential,
 * and then only while objects move. Nothing is called while it looks a name up, connects, shakes hands,
 * waits for the list of references or negotiates. So progress is read from the kernel: a thread sums what
 * the process' TCP sockets received and had acknowledged (TCP_INFO), and any change is progress. That
 * counts the keep-alives of a server that works, and stops when it does not.
 */
#include "base/clock.h"
#include "git/net_coding.h"
#include "git/net_part.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/stream.h>
#include <linux/tcp.h> /* not netinet/tcp.h, whose tcp_info ends before the counts of bytes */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CA_FILE    "/etc/ssl/certs/ca-certificates.crt"
#define WATCH_MS   50
#define WATCH_FDS  256
#define REF_BYTES  512 /* of the list of references, for each that max_refs allows */
#define CONNECT_MS 15000
#define SIDE_MAX   4096
#define HOSTS_MAX  ((size_t)4 << 20)
#define X_ACCESS   "x-access-token"

void net_progress(struct net_watch *w)
{
	atomic_store(&w->progress_ms, clock_system.mono_ms(&clock_system));
}

void net_phase(struct net_watch *w, enum net_phase p)
{
	if (atomic_exchange(&w->phase, (int)p) != (int)p)
		net_progress(w);
}

const char *net_phase_name(int phase)
{
	static const char *const names[] = {"connecting",
					    "waiting for its list of references",
					    "negotiating which objects are missing",
					    "receiving objects",
					    "checking the objects",
					    "moving references",
					    "packing objects",
					    "sending objects and waiting for its report"};

	return names[phase];
}

/* ---- the thread that watches ---- */

struct watcher {
	pthread_t thread;
	int stop; /* an eventfd */
	int64_t max_bytes, max_list;
	struct net_watch *watch;
};

static void sum_sockets(uint64_t *ret_received, uint64_t *ret_acked)
{
	*ret_received = *ret_acked = 0;
	for (int fd = 3; fd < WATCH_FDS; fd++) {
		struct tcp_info info = {0};
		socklen_t len = sizeof(info);

		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
			*ret_received += info.tcpi_bytes_received;
			*ret_acked += info.tcpi_bytes_acked;
		}
	}
}

static void *watch_main(void *arg)
{
	struct watcher *w = arg;
	uint64_t received = 0, acked = 0, base = 0, last = 0, last_acked = 0;
	struct pollfd p = {.fd = w->stop, .events = POLLIN};

	while (poll(&p, 1, WATCH_MS) <= 0) {
		int64_t max =
			atomic_load(&w->watch->phase) <= NET_LISTING ? w->max_list : w->max_bytes;

		sum_sockets(&received, &acked);
		/* A connection that was closed and opened again begins at zero. */
		if (received < last)
			base += last;
		if (received != last || acked != last_acked)
			net_progress(w->watch);
		last = received;
		last_acked = acked;
		if ((int64_t)(base + received) > max)
			atomic_store(&w->watch->over, true);
	}
	return NULL;
}

static int watch_start(struct net_call *c, struct net_link *l, struct err *err)
{
	struct watcher *w = xcalloc(1, sizeof(*w));

	w->stop = eventfd(0, EFD_CLOEXEC);
	w->watch = c->watch;
	w->max_bytes = c->limits.max_bytes;
	w->max_list = c->limits.max_refs * REF_BYTES + (1 << 20);
	if (w->max_list > w->max_bytes)
		w->max_list = w->max_bytes;
	if (w->stop < 0 || pthread_create(&w->thread, NULL, watch_main, w) != 0) {
		free(w);
		return err_set(err, ERR_IO, "start a thread");
	}
	l->thread = w;
	return 0;
}

static void watch_stop(struct net_link *l)
{
	struct watcher *w = steal(&l->thread);
	uint64_t one = 1;

	if (!w || write(w->stop, &one, sizeof(one)) < 0)
		return;
	pthread_join(w->thread, NULL);
	close(w->stop);
	free(w);
}

/* HTTP connects again later on, in another phase. */
static void connected(struct net_call *c)
{
	if (atomic_load(&c->watch->phase) == NET_CONNECTING)
		net_phase(c->watch, NET_LISTING);
}

/* ---- the socket below HTTP ---- */

/*
 * libgit2's own would follow a redirect to another port of the host, wait for two minutes for an address
 * that drops packets, and take any address for "localhost". Its constructor is given no argument of ours,
 * so the call is in a variable; a worker has one.
 */
static struct net_call *the_call;

struct stream {
	git_stream parent;
	const struct net_url *to;
	int fd;
};

/* The reason for libgit2 and, in full, for net_fail(). */
__attribute__((format(printf, 2, 3))) static int wire_error(enum err_code code, const char *fmt,
							    ...)
{
	autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	git_error_set_str(GIT_ERROR_NET, text);
	return err_set(&the_call->why, code, "%s", text);
}

static bool addr_is_loopback(const struct sockaddr *a)
{
	const struct sockaddr_in *four = (const void *)a;
	const struct sockaddr_in6 *six = (const void *)a;

	return a->sa_family == AF_INET    ? ntohl(four->sin_addr.s_addr) >> 24 == 127
	       : a->sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&six->sin6_addr)
					  : false;
}

/* 0 connected, else errno. */
static int connect_in_time(int fd, const struct sockaddr *a, socklen_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int code = 0;
	socklen_t size = sizeof(code);

	if (connect(fd, a, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, CONNECT_MS) <= 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
		return errno;
	return code;
}

static int connect_one(const struct addrinfo *a, int *ret_fd)
{
	autoclose int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code, flags;

	if (fd < 0)
		return errno;
	code = connect_in_time(fd, a->ai_addr, a->ai_addrlen);
	flags = code ? 0 : fcntl(fd, F_GETFL);
	if (code || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return code ? code : errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int stream_connect(git_stream *s)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	struct stream *st = (struct stream *)s;
	bool here = !the_call->url.tls;
	int code = EACCES, rc;

	rc = getaddrinfo(st->to->host, st->to->port, &hints, &list);
	if (rc)
		return wire_error(ERR_UNAVAILABLE, "look up %s: %s", st->to->host,
				  gai_strerror(rc));
	for (struct addrinfo *a = list; a && st->fd < 0; a = a->ai_next)
		if (!here || addr_is_loopback(a->ai_addr))
			code = connect_one(a, &st->fd);
	freeaddrinfo(list);
	if (st->fd < 0)
		return wire_error(ERR_UNAVAILABLE, "connect to %s: %s", st->to->host,
				  strerrordesc_np(code));
	connected(the_call);
	return 0;
}

static ssize_t stream_read(git_stream *s, void *p, size_t n)
{
	struct stream *st = (struct stream *)s;
	ssize_t got;

	do
		got = recv(st->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	return got < 0 ? wire_error(ERR_UNAVAILABLE, "receive from %s: %s", st->to->host,
				    strerrordesc_np(errno))
		       : got;
}

static ssize_t stream_write(git_stream *s, const char *p, size_t n, int flags)
{
	struct stream *st = (struct stream *)s;
	ssize_t put;

	do
		put = send(st->fd, p, n, flags | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put < 0 ? wire_error(ERR_UNAVAILABLE, "send to %s: %s", st->to->host,
				    strerrordesc_np(errno))
		       : put;
}

static int stream_close(git_stream *s)
{
	struct stream *st = (struct stream *)s;

	if (st->fd >= 0)
		close(steal_fd(&st->fd));
	return 0;
}

static void stream_free(git_stream *s)
{
	stream_close(s);
	free(s);
}

static bool same_place(const struct net_url *u, const char *host, const char *port)
{
	return u->host && !strcasecmp(u->host, host) && !strcmp(u->port, port);
}

static int stream_init(git_stream **ret, const char *host, const char *port)
{
	const struct net_url *to = the_call->proxy.text ? &the_call->proxy : &the_call->url;
	struct stream *st;

	if (!same_place(to, host, port))
		return wire_error(ERR_UNSAFE,
				  "it redirects to another place, %s:%s, to which no credential "
				  "goes; if it has moved, change the address",
				  host, port);
	st = xcalloc(1, sizeof(*st));
	st->fd = -1;
	st->to = to;
	st->parent = (git_stream){.version = GIT_STREAM_VERSION,
				  .connect = stream_connect,
				  .read = stream_read,
				  .write = stream_write,
				  .close = stream_close,
				  .free = stream_free};
	*ret = &st->parent;
	return 0;
}

/* ---- what libgit2 asks ---- */

static const char *kind_of(const struct net_auth *a)
{
	return a->token ? "token" : a->ssh_key ? "SSH key" : "credential";
}

static int on_credential(git_credential **ret, const char *url, const char *user,
			 unsigned int allowed, void *arg)
{
	struct net_call *c = arg;
	const struct net_auth *a = &c->auth;

	(void)url;
	(void)user;
	if (allowed & GIT_CREDENTIAL_USERNAME && a->user)
		return git_credential_username_new(ret, a->user);
	if (c->asked++)
		err_set(&c->why, ERR_DENIED, "%s did not accept the %s%s%s%s", c->url.host,
			kind_of(a), a->ssh_key ? " " : "", a->ssh_key ? a->ssh_key : "",
			a->ssh_key ? " (an RSA key is signed with SHA-1 here, which servers refuse;"
				     " take an ed25519 one)"
				   : "");
	else if (a->token && allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT)
		return git_credential_userpass_plaintext_new(ret, X_ACCESS, a->token);
	else if (a->ssh_key && allowed & GIT_CREDENTIAL_SSH_KEY)
		return git_credential_ssh_key_new(ret, a->user, a->ssh_pub, a->ssh_key, NULL);
	else if (!a->token && !a->ssh_key)
		err_set(&c->why, ERR_DENIED, "%s asks for a credential, and there is none for it",
			c->url.host);
	else
		err_set(&c->why, ERR_DENIED, "%s takes no %s", c->url.host, kind_of(a));
	git_error_set_str(GIT_ERROR_NET, err_text(&c->why));
	return GIT_EUSER;
}

static void hosts_refusal(struct net_call *c, enum net_hosts found, const char *print,
			  const struct strvec *types)
{
	static const char *const what[] = {
		[NET_HOST_UNKNOWN] = "is not in",
		[NET_HOST_CHANGED] = "is another one than in",
		[NET_HOST_REVOKED] = "is marked as revoked in",
	};
	autofree char *have = strvec_join(types, ", ");
	autofree char *only = types->n ? xasprintf(" (which has, for this host: %s)", have) : NULL;

	err_set(&c->why, ERR_UNSAFE,
		"the SSH key of %s port %s, %s, %s %s%s; nothing was sent. Compare the fingerprint "
		"with what the host's operator publishes, and only then put the key into the file",
		c->url.host, c->url.port, print, what[found], c->auth.known_hosts,
		only ? only : "");
	git_error_set_str(GIT_ERROR_SSH, err_text(&c->why));
}

static int check_host_key(struct net_call *c, const git_cert_hostkey *key)
{
	cleanup(strvec_release) struct strvec types = STRVEC_INIT;
	autofree char *hash = NULL, *print = NULL;
	enum net_hosts found;

	/* The preference was read when the connection began. */
	fs_remove_tree(c->home, NULL);
	if (!(key->type & GIT_CERT_SSH_RAW) || !(key->type & GIT_CERT_SSH_SHA256))
		return wire_error(ERR_UNSAFE, "%s: no host key", c->url.host);
	found = net_hosts_check(c->hosts.s, c->hosts.len, c->url.host, c->url.port, key->hostkey,
				key->hostkey_len, &types);
	if (found == NET_HOST_KNOWN)
		return 0;
	hash = net_base64(key->hash_sha256, 32);
	print = xasprintf("SHA256:%s", hash); /* as ssh-keygen -l shows it */
	hosts_refusal(c, found, print, &types);
	return GIT_ECERTIFICATE;
}

static int on_certificate(git_cert *cert, int valid, const char *host, void *arg)
{
	struct net_call *c = arg;
	const git_error *e = git_error_last();

	(void)host;
	connected(c);
	if (cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2)
		return check_host_key(c, (const git_cert_hostkey *)cert);
	if (valid)
		return 0;
	err_set(&c->why, ERR_UNSAFE,
		"the certificate of %s is not valid for it: %s; nothing was sent. Checked against "
		"%s",
		c->url.host, e ? e->message : "no reason was given",
		json_str(c->req, "ca_file", CA_FILE));
	return GIT_ECERTIFICATE;
}

static int on_side(const char *s, int n, void *arg)
{
	struct net_call *c = arg;

	net_progress(c->watch);
	if (atomic_load(&c->watch->phase) == NET_NEGOTIATING)
		net_phase(c->watch, NET_RECEIVING);
	if (n > 0)
		buf_add(&c->side, s, (size_t)n);
	if (c->side.len > 4 * SIDE_MAX)
		buf_consume(&c->side, c->side.len - SIDE_MAX);
	return 0;
}

static int on_received(const git_indexer_progress *p, void *arg)
{
	struct net_call *c = arg;

	net_phase(c->watch, NET_RECEIVING);
	net_progress(c->watch);
	if ((int64_t)p->total_objects <= c->limits.max_objects &&
	    (int64_t)p->received_bytes <= c->limits.max_bytes)
		return 0;
	err_set(&c->why, ERR_LIMIT,
		"it sends %u objects, %zu bytes of them so far; at most %lld objects and %lld "
		"bytes are taken (max_objects, max_bytes)",
		p->total_objects, p->received_bytes, (long long)c->limits.max_objects,
		(long long)c->limits.max_bytes);
	return GIT_EUSER;
}

static int on_packing(int stage, uint32_t now, uint32_t total, void *arg)
{
	struct net_call *c = arg;

	(void)stage;
	(void)now;
	(void)total;
	net_progress(c->watch);
	return 0;
}

/* Called while objects leave, twice a second at most, and once more after the report: where the one ends
 * and the other begins is not told. */
static int on_sent(unsigned now, unsigned total, size_t bytes, void *arg)
{
	struct net_call *c = arg;

	(void)now;
	(void)total;
	(void)bytes;
	net_phase(c->watch, NET_SENDING);
	return 0;
}

/* ---- connecting ---- */

/*
 * libgit2 insists on $HOME/.ssh/known_hosts and asks the host for the first type of key that it finds
 * there. It gets a folder of its own with one line of the right type, so that a host with several keys
 * shows the one that we know. What counts is check_host_key().
 */
static int prepare_ssh(struct net_call *c, struct err *err)
{
	autofree char *line = NULL, *dir = NULL, *file = NULL;

	buf_init(&c->hosts, HOSTS_MAX + 1);
	if (fs_read(c->auth.known_hosts, HOSTS_MAX, &c->hosts, err) < 0)
		return err_wrap(err, "known-hosts file %s", c->auth.known_hosts);
	line = net_hosts_preferred(c->hosts.s, c->hosts.len, c->url.host, c->url.port);
	dir = path_join(c->home, ".ssh");
	file = path_join(dir, "known_hosts");
	if (setenv("HOME", c->home, 1) < 0)
		return err_errno(err, "set HOME");
	if (!line)
		return 0;
	if (fs_mkdir_p(dir, 0700, err) < 0)
		return -1;
	return fs_write_atomic(file, line, strlen(line), 0600, err);
}

static int prepare_http(struct net_call *c, struct err *err)
{
	git_stream_registration mine = {.version = GIT_STREAM_VERSION, .init = stream_init};
	const char *ca = json_str(c->req, "ca_file", NULL);
	int rc = git_stream_register(GIT_STREAM_STANDARD, &mine);

	if (rc < 0)
		return gr_fail(err, rc, "register a stream");
	if (!c->url.tls)
		return 0;
	if (ca && gr_get_path(c->req, "ca_file", &ca, err) < 0)
		return -1;
	rc = git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, ca ? ca : CA_FILE, NULL);
	return rc < 0 ? err_set(err, ERR_NOT_FOUND, "certificates %s: not readable; %s",
				ca ? ca : CA_FILE,
				ca ? "name a PEM file with ca_file"
				   : "install the package ca-certificates")
		      : 0;
}

/* Without it every operation begins with a request that is refused. No redirect is followed, and over https
 * it is sent behind the certificate's check: nobody else gets to read it. */
static void bring_token(const struct net_call *c, struct net_link *l)
{
	static const char pads[3][3] = {"", "==", "="};
	autofree char *pair = NULL, *text = NULL;
	size_t n;

	if (!c->auth.token)
		return;
	pair = xasprintf(X_ACCESS ":%s", c->auth.token);
	n = strlen(pair);
	text = net_base64(pair, n);
	l->authorization = xasprintf("Authorization: Basic %s%s", text, pads[n % 3]);
	l->headers = (git_strarray){&l->authorization, 1};
	mem_wipe(pair, n);
	mem_wipe(text, strlen(text));
}

int net_connect(struct net_call *c, git_repository *git, git_direction dir, struct net_link *l,
		struct err *err)
{
	git_remote_create_options o;
	git_remote_connect_options how;
	int rc;

	*l = (struct net_link){0};
	git_remote_init_callbacks(&l->cb, GIT_REMOTE_CALLBACKS_VERSION);
	git_remote_connect_options_init(&how, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	git_remote_create_options_init(&o, GIT_REMOTE_CREATE_OPTIONS_VERSION);
	the_call = c;
	net_phase(c->watch, NET_CONNECTING);
	if ((c->url.ssh ? prepare_ssh(c, err) : prepare_http(c, err)) < 0 ||
	    watch_start(c, l, err) < 0)
		return -1;
	l->cb.sideband_progress = on_side;
	l->cb.credentials = on_credential;
	l->cb.certificate_check = on_certificate;
	l->cb.transfer_progress = on_received;
	l->cb.pack_progress = on_packing;
	l->cb.push_transfer_progress = on_sent;
	l->cb.payload = c;
	o.repository = git;
	o.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
	bring_token(c, l);
	how.callbacks = l->cb;
	how.custom_headers = l->headers;
	how.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	how.proxy_opts.type = c->proxy.text ? GIT_PROXY_SPECIFIED : GIT_PROXY_NONE;
	how.proxy_opts.url = c->proxy.text;
	rc = git_remote_create_with_opts(&l->remote, c->url.text, &o);
	if (rc == 0)
		rc = git_remote_connect_ext(l->remote, dir, &how);
	if (rc < 0) {
		net_fail(c, rc, err);
		net_close(l);
		return -1;
	}
	return 0;
}

void net_close(struct net_link *l)
{
	if (l->remote)
		git_remote_disconnect(l->remote);
	git_remote_free(steal(&l->remote));
	if (l->authorization)
		mem_wipe(l->authorization, strlen(l->authorization));
	free(steal(&l->authorization));
	watch_stop(l);
}

int net_heads(struct net_call *c, struct net_link *l, const git_remote_head ***ret, size_t *ret_n,
	      struct err *err)
{
	int rc = git_remote_ls(ret, ret_n, l->remote);

	if (rc < 0)
		return net_fail(c, rc, err);
	if ((int64_t)*ret_n > c->limits.max_refs)
		return err_set(err, ERR_LIMIT,
			       "it has %zu references; at most %lld are read "
			       "(max_refs)",
			       *ret_n, (long long)c->limits.max_refs);
	return 0;
}
