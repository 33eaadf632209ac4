/*
 * net_fixture.h - real servers on loopback for the tests of the net role: git's own http-backend behind
 * a small HTTP server, with TLS when asked, and OpenSSH's sshd. Each is a process of the test; a struct
 * `bend` says where it misbehaves.
 *
 * The HTTP server answers one request a connection and writes "METHOD /path AUTHORIZATION" of each to
 * the file `log` of the test's folder.
 */
#ifndef YM_TESTS_NET_FIXTURE_H
#define YM_TESTS_NET_FIXTURE_H

#include <openssl/ssl.h>
#define ERR_STATE YM_ERR_STATE /* OpenSSL has a type of this name */
#include "git_fixture.h"

#include "git/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum bend_what { BEND_NOT, BEND_HANG, BEND_CUT };

struct bend {
	enum bend_what what;
	bool accept;           /* before a byte of the connection is read */
	bool post;             /* in the answer to a POST instead of the list of references */
	size_t after;          /* so many bytes of the body are sent before */
	const char *status;    /* "500 Oops": instead of an answer */
	const char *location;  /* a redirect there */
	const char *body;      /* instead of git's … */
	const char *body_file; /* … or what is in this file */
	bool damage;           /* one byte in the middle of the body is another one */
	bool garbage;          /* no end of bytes */
};

struct server {
	struct fx *fx;
	pid_t pid;
	int port;
	const char *token; /* NULL: everybody may do everything */
	const char *cert;  /* with CERT.key: TLS */
	const char *sshd;  /* a configuration: an SSH server instead */
	int relay;         /* a proxy instead: whatever is asked for, to this port; in proxy.log */
	struct bend bend;
};

struct conn {
	int fd;
	SSL *ssl;
};

static inline ssize_t conn_read(struct conn *c, void *p, size_t n)
{
	return c->ssl ? SSL_read(c->ssl, p, (int)n) : read(c->fd, p, n);
}

static inline void conn_write(struct conn *c, const char *p, size_t n)
{
	while (n) {
		ssize_t put = c->ssl ? SSL_write(c->ssl, p, (int)n) : write(c->fd, p, n);

		if (put <= 0)
			_exit(0);
		p += put;
		n -= (size_t)put;
	}
}

static inline void hang(void)
{
	for (;;)
		pause();
}

struct http_request {
	char method[8], path[2048], query[512], type[128], auth[512];
	bool chunked, gzip;
	size_t length;
	struct buf in; /* what was read behind the head, then the body */
};

static inline bool read_more(struct conn *c, struct buf *b)
{
	char chunk[65536];
	ssize_t n = conn_read(c, chunk, sizeof(chunk));

	if (n > 0)
		buf_add(b, chunk, (size_t)n);
	return n > 0;
}

static inline void header(struct http_request *r, const char *line)
{
	const char *v = strchr(line, ':');

	if (!v)
		return;
	v += 1 + strspn(v + 1, " ");
	if (!strncasecmp(line, "authorization:", 14))
		snprintf(r->auth, sizeof(r->auth), "%s", v);
	else if (!strncasecmp(line, "content-type:", 13))
		snprintf(r->type, sizeof(r->type), "%s", v);
	else if (!strncasecmp(line, "content-length:", 15))
		r->length = (size_t)atol(v);
	else if (!strncasecmp(line, "transfer-encoding: chunked", 26))
		r->chunked = true;
}

static inline void read_chunks(struct conn *c, struct http_request *r)
{
	struct buf body = BUF_INIT_MAX((size_t)256 << 20);
	size_t at = 0;

	for (;;) {
		char *end = memmem(r->in.s + at, r->in.len - at, "\r\n", 2);
		size_t n;

		if (!end) {
			if (!read_more(c, &r->in))
				_exit(0);
			continue;
		}
		n = strtoul(r->in.s + at, NULL, 16);
		at = (size_t)(end - r->in.s) + 2;
		while (r->in.len < at + n + 2)
			if (!read_more(c, &r->in))
				_exit(0);
		if (!n)
			break;
		buf_add(&body, r->in.s + at, n);
		at += n + 2;
	}
	r->in = body;
}

static inline void read_request(struct conn *c, struct http_request *r)
{
	char *end, *line, *save, *q;

	buf_init(&r->in, (size_t)256 << 20);
	while (!(end = strstr(r->in.s, "\r\n\r\n")))
		if (!read_more(c, &r->in))
			_exit(0);
	*end = 0;
	line = strtok_r(r->in.s, "\r\n", &save);
	if (sscanf(line, "%7s %2047s", r->method, r->path) != 2)
		_exit(0);
	while ((line = strtok_r(NULL, "\r\n", &save)))
		header(r, line);
	q = strchr(r->path, '?');
	if (q) {
		*q++ = 0;
		snprintf(r->query, sizeof(r->query), "%s", q);
	}
	buf_consume(&r->in, (size_t)(end - r->in.s) + 4);
	if (r->chunked)
		read_chunks(c, r);
	else
		while (r->in.len < r->length)
			if (!read_more(c, &r->in))
				_exit(0);
}

/* Runs git http-backend on the request; its output: head, empty line, body. */
static inline void run_backend(struct server *s, struct http_request *r, struct buf *out)
{
	int in = memfd_create("in", MFD_CLOEXEC), to = memfd_create("out", MFD_CLOEXEC);
	char root[4200], path[2100], query[600], method[40], type[200], chunk[65536];
	char *const env[] = {root,
			     path,
			     query,
			     method,
			     type,
			     (char *)"GIT_HTTP_EXPORT_ALL=1",
			     (char *)"REMOTE_USER=tester",
			     (char *)"REMOTE_ADDR=127.0.0.1",
			     (char *)"PATH=/usr/bin:/bin",
			     (char *)"GIT_CONFIG_NOSYSTEM=1",
			     (char *)"GIT_CONFIG_GLOBAL=/dev/null",
			     NULL};
	ssize_t n;
	pid_t pid;

	snprintf(root, sizeof(root), "GIT_PROJECT_ROOT=%s", s->fx->dir);
	snprintf(path, sizeof(path), "PATH_INFO=%s", r->path);
	snprintf(query, sizeof(query), "QUERY_STRING=%s", r->query);
	snprintf(method, sizeof(method), "REQUEST_METHOD=%s", r->method);
	snprintf(type, sizeof(type), "CONTENT_TYPE=%s", r->type);
	if (write(in, r->in.s, r->in.len) != (ssize_t)r->in.len)
		_exit(1);
	lseek(in, 0, SEEK_SET);
	pid = fork();
	if (!pid) {
		dup2(in, 0);
		dup2(to, 1);
		execle("/usr/bin/git", "git", "http-backend", NULL, env);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	lseek(to, 0, SEEK_SET);
	while ((n = read(to, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
}

static inline void answer(struct conn *c, const char *status, const char *head, const char *body,
			  size_t n, size_t send)
{
	autofree char *all = xasprintf("HTTP/1.1 %s\r\nConnection: close\r\n%s"
				       "Content-Length: %zu\r\n\r\n",
				       status, head, n);

	conn_write(c, all, strlen(all));
	conn_write(c, body, send);
}

static inline void log_request(struct server *s, const struct http_request *r)
{
	autofree char *path = path_join(s->fx->dir, "log");
	autofree char *line = xasprintf("%s %s%s%s %s\n", r->method, r->path, *r->query ? "?" : "",
					r->query, r->auth);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		_exit(1);
	close(fd);
}

static inline bool authorised(const struct server *s, const struct http_request *r)
{
	char plain[600];
	unsigned char coded[900];

	if (!s->token)
		return true;
	snprintf(plain, sizeof(plain), "x-access-token:%s", s->token);
	EVP_EncodeBlock(coded, (unsigned char *)plain, (int)strlen(plain));
	return !strncmp(r->auth, "Basic ", 6) && !strcmp(r->auth + 6, (char *)coded);
}

static inline void answer_git(struct server *s, struct conn *c, struct http_request *r, bool bent)
{
	struct buf out = BUF_INIT_MAX((size_t)256 << 20), head = BUF_INIT;
	const char *status = "200 OK", *line, *end, *body;
	size_t n;

	run_backend(s, r, &out);
	body = strstr(out.s, "\r\n\r\n");
	if (!body)
		_exit(1);
	for (line = out.s; line < body; line = end + 2) {
		end = strstr(line, "\r\n");
		if (!strncmp(line, "Status: ", 8))
			status = xstrndup(line + 8, (size_t)(end - line) - 8);
		else
			buf_add(&head, line, (size_t)(end + 2 - line));
	}
	body += 4;
	n = out.len - (size_t)(body - out.s);
	if (bent && s->bend.damage)
		((char *)body)[n - n / 3] ^= 0x55;
	if (bent && s->bend.body) {
		body = s->bend.body;
		n = strlen(body);
	}
	if (bent && s->bend.body_file) {
		buf_reset(&out);
		if (fs_read(s->bend.body_file, (size_t)1 << 20, &out, NULL) < 0)
			_exit(1);
		body = out.s;
		n = out.len;
	}
	if (!bent || s->bend.what == BEND_NOT || s->bend.after >= n) {
		answer(c, status, head.s, body, n, n);
		return;
	}
	answer(c, status, head.s, body, n, s->bend.after);
	if (s->bend.what == BEND_HANG)
		hang();
}

static inline void answer_http(struct server *s, struct conn *c)
{
	struct http_request r = {0};
	bool bent;

	read_request(c, &r);
	log_request(s, &r);
	bent = s->bend.post == !strcmp(r.method, "POST");
	if (!authorised(s, &r)) {
		answer(c, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"t\"\r\n", "", 0, 0);
	} else if (bent && s->bend.garbage) {
		answer(c, "200 OK", "Content-Type: application/x-git-upload-pack-advertisement\r\n",
		       "001e# service=git-upload-pack\n0000", (size_t)1 << 40, 34);
		for (char line[] = "003d0123456789012345678901234567890123456789 refs/heads/aaaa\n";
		     ;)
			conn_write(c, line, 61);
	} else if (bent && s->bend.location) {
		autofree char *to = xasprintf("Location: %s%s%s%s\r\n", s->bend.location, r.path,
					      *r.query ? "?" : "", r.query);

		answer(c, "301 Moved Permanently", to, "", 0, 0);
	} else if (bent && s->bend.status) {
		answer(c, s->bend.status, "Content-Type: text/html\r\n", "<html>", 6, 6);
	} else {
		answer_git(s, c, &r, bent);
	}
}

static inline void serve_ssh(struct server *s, int fd)
{
	autofree char *e = path_join(s->fx->dir, "sshd.log");

	dup2(fd, 0);
	dup2(fd, 1);
	execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-i", "-f", s->sshd, "-E", e, NULL);
	_exit(1);
}

/* The request for a tunnel, and no byte of what follows it. */
static inline void read_connect(struct server *s, int fd)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *path = path_join(s->fx->dir, "proxy.log");
	FILE *log = fopen(path, "a");
	char c;

	while (!b.len || !strstr(b.s, "\r\n\r\n")) {
		if (read(fd, &c, 1) != 1)
			_exit(0);
		buf_addc(&b, c);
	}
	fprintf(log, "%.*s\n", (int)strcspn(b.s, "\r"), b.s);
	fclose(log);
}

static inline void serve_proxy(struct server *s, int fd)
{
	static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct pollfd p[2] = {{fd, POLLIN, 0}, {socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0}};
	char chunk[65536];

	a.sin_port = htons((uint16_t)s->relay);
	read_connect(s, fd);
	if (connect(p[1].fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    write(fd, yes, sizeof(yes) - 1) < 0)
		_exit(1);
	while (poll(p, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, chunk, sizeof(chunk)) : -1;

			if (n == 0 || (n > 0 && write(p[!i].fd, chunk, (size_t)n) != n))
				_exit(0);
		}
}

static inline void serve_one(struct server *s, int fd)
{
	struct conn c = {fd, NULL};

	if (s->bend.accept) {
		if (s->bend.what == BEND_HANG)
			hang();
		return;
	}
	if (s->sshd)
		serve_ssh(s, fd);
	if (s->relay)
		serve_proxy(s, fd);
	if (s->cert) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
		autofree char *key = xasprintf("%s.key", s->cert);

		if (SSL_CTX_use_certificate_chain_file(ctx, s->cert) != 1 ||
		    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
			_exit(1);
		c.ssl = SSL_new(ctx);
		SSL_set_fd(c.ssl, fd);
		if (SSL_accept(c.ssl) != 1)
			return;
	}
	answer_http(s, &c);
	if (c.ssl)
		SSL_shutdown(c.ssl);
}

static inline void server_start(struct server *s, struct fx *f)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	s->fx = f;
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (!s->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

			if (c >= 0 && fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				signal(SIGCHLD, SIG_DFL);
				serve_one(s, c);
				_exit(0);
			}
			close(c);
		}
	}
	close(fd);
}

static inline void server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static inline char *server_url(const struct server *s, const char *repo)
{
	return xasprintf("%s://%s:%d/%s", s->cert ? "https" : "http",
			 s->cert ? "localhost" : "127.0.0.1", s->port, repo);
}

/* ca.pem, which has signed localhost.pem and elsewhere.pem; other.pem, which has signed nothing. */
static inline void make_certificates(struct fx *f)
{
	fx_run(f,
	       "new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
	       "\"$@\""
	       " 2>/dev/null; };"
	       "new -x509 -subj /CN=ca -keyout ca.key -out ca.pem -days 2"
	       " -addext basicConstraints=critical,CA:TRUE;"
	       "new -x509 -subj /CN=other -keyout other.key -out other.pem -days 2;"
	       "for n in localhost elsewhere; do new -subj /CN=$n -keyout $n.pem.key -out $n.csr;"
	       "printf \"subjectAltName=DNS:$n\\n\" >$n.ext;"
	       "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
	       " -extfile $n.ext -out $n.pem 2>/dev/null; done");
}

/* One request; repo and address are added. */
static inline json_t *net_vask(struct server *s, const char *fmt, va_list ap)
{
	autofree char *url = server_url(s, "remote.git");
	json_t *req = json_vpack_ex(NULL, 0, fmt, ap), *ans;

	assert_non_null(req);
	if (!json_object_get(req, "url"))
		json_object_set_new(req, "url", json_string(url));
	json_object_set_new(req, "repo", json_string(s->fx->repo));
	json_object_set_new(req, "id", json_integer(7));
	ans = net_request(&s->fx->g, -1, req);
	json_decref(req);
	assert_int_equal(json_int(ans, "id", 0), 7);
	return ans;
}

static inline json_t *net_ask(struct server *s, const char *fmt, ...)
{
	json_t *ans;
	va_list ap;

	va_start(ap, fmt);
	ans = net_vask(s, fmt, ap);
	va_end(ap);
	return ans;
}

#define net_ok(s, ...)                                                                             \
	({                                                                                         \
		json_t *net_ans = net_ask(s, __VA_ARGS__);                                         \
		if (!json_flag(net_ans, "ok"))                                                     \
			print_error("%s\n", json_text(net_ans));                                   \
		assert_true(json_flag(net_ans, "ok"));                                             \
		net_ans;                                                                           \
	})

static inline const char *net_text(const json_t *ans)
{
	return json_str(json_object_get(ans, "error"), "text", "");
}

static inline char *net_make(struct fx *f)
{
	return fx_sh(f,
		     "git init -q -b main src; cd src; for i in 1 2 3; do echo $i >f$i; git add -A;"
		     "git commit -qm $i; done; git tag v1; git branch topic main~1;"
		     "git clone -q --bare . ../remote.git; cd ../remote.git; mkdir hooks;"
		     "git update-ref refs/pull/7/head main~2; git config http.receivepack true;"
		     "git init -q --bare -b main ../app.git");
}

/* The remote: main with three commits, a topic, a tag, a pull request's head; and an empty app.git. */
static inline void net_seed(struct fx *f)
{
	free(fx_once(f, net_make));
}

#endif
