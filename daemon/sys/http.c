/* http.c - see http.h; addresses are in http_url.c */
#include "sys/http.h"

#include "base/buf.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <strings.h>
#include <sys/epoll.h>

#define SECRET_ROOM ((size_t)16 << 10) /* at once, so that growing leaves no copies behind */
#define CONNECTIONS 16L                /* kept open */

struct http {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct http_call *calls;
	struct sock *socks;
	char *ca_file, *proxy, *user_agent;
	bool plain;
};

/* A descriptor that libcurl wants watched. */
struct sock {
	struct http *http;
	curl_socket_t fd;
	struct loop_watch *watch;
	struct sock *next, **link;
};

struct http_call {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	bool secret, too_large;
	size_t header_bytes;
	struct strvec seen; /* the answer's headers */
	struct buf got;
	char error[CURL_ERROR_SIZE];
	const struct http_stream *stream;
	bool headed; /* `head` was called */
	http_done_fn done;
	void *arg;
	struct http_call *next, **link;
};

/* --- the loop's side --- */

static void harvest(struct http *h);

static void act(struct http *h, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(h->multi, fd, mask, &running);
	harvest(h);
}

static void on_fd(void *arg, uint32_t events)
{
	struct sock *s = arg;
	int mask = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_IN;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_OUT;
	act(s->http, s->fd, mask);
}

static void on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(h->timer);
	else
		loop_timer_in(h->timer, ms);
	return 0;
}

static void sock_free(struct sock *s)
{
	loop_watch_free(s->watch);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	free(s);
}

static struct sock *sock_new(struct http *h, curl_socket_t fd)
{
	struct sock *s = xcalloc(1, sizeof(*s));

	*s = (struct sock){.http = h, .fd = fd, .next = h->socks, .link = &h->socks};
	if (s->next)
		s->next->link = &s->next;
	h->socks = s;
	curl_multi_assign(h->multi, fd, s);
	return s;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
	struct http *h = arg;
	struct sock *s = sockp;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			sock_free(s);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (!s)
		s = sock_new(h, fd);
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	/* What cannot be watched ends by its time-out. */
	if (s->watch)
		loop_watch_set(s->watch, events, NULL);
	else
		loop_watch_new(h->loop, fd, events, on_fd, s, &s->watch, NULL);
	return 0;
}

/* --- life --- */

int http_new(struct loop *l, const struct http_conf *conf, struct http **ret, struct err *err)
{
	struct http *h;
	CURLM *multi;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "http: libcurl cannot start");
	multi = curl_multi_init();
	if (!multi)
		return err_set(err, ERR_INTERNAL, "http: libcurl gives no handle");
	h = xcalloc(1, sizeof(*h));
	h->loop = l;
	h->multi = multi;
	h->ca_file = xstrdup(conf->ca_file);
	h->proxy = xstrdup(conf->proxy ? conf->proxy : "");
	h->user_agent = xstrdup(conf->user_agent);
	h->plain = conf->plain;
	h->timer = loop_timer_new(l, on_timer, h);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*ret = h;
	return 0;
}

/* Out of libcurl and out of the list. */
static void call_detach(struct http_call *c)
{
	if (!c->link)
		return;
	curl_multi_remove_handle(c->http->multi, c->easy);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->link = NULL;
}

static void call_free(struct http_call *c)
{
	call_detach(c);
	curl_easy_cleanup(c->easy);
	for (struct curl_slist *s = c->headers; s; s = s->next)
		mem_wipe(s->data, strlen(s->data));
	curl_slist_free_all(c->headers);
	if (c->secret && c->got.cap)
		mem_wipe(c->got.s, c->got.cap);
	buf_release(&c->got);
	strvec_release(&c->seen);
	free(c->body);
	free(c);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (struct http_call *c = h->calls, *next; c; c = next) {
		next = c->next;
		call_free(c);
	}
	curl_multi_cleanup(h->multi);
	for (struct sock *s = h->socks, *next; s; s = next) {
		next = s->next;
		sock_free(s);
	}
	loop_timer_free(h->timer);
	free(h->ca_file);
	free(h->proxy);
	free(h->user_agent);
	free(h);
	curl_global_cleanup();
}

void http_cancel(struct http_call *c)
{
	if (c)
		call_free(c);
}

/* --- an answer --- */

/* The line behind the headers. Those of a 1xx are not the answer's. */
static bool headers_end(struct http_call *c)
{
	struct http_answer a = {.headers = &c->seen, .text = ""};
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!c->stream || c->headed || status < 200)
		return true;
	a.status = (int)status;
	c->headed = true;
	return c->stream->head(c->arg, &a);
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	size_t len = size * n;

	c->header_bytes += len;
	if (c->header_bytes > HTTP_HEADERS_MAX)
		return 0;
	while (len && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	if (len > 5 && !memcmp(p, "HTTP/", 5))
		strvec_release(&c->seen); /* a 1xx came before */
	else if (len)
		strvec_push_take(&c->seen, xstrndup(p, len));
	else if (!headers_end(c))
		return 0;
	return size * n;
}

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;

	if (c->stream)
		return c->stream->data(c->arg, p, size * n) ? size * n : 0;
	buf_add(&c->got, p, size * n);
	c->too_large |= c->got.failed;
	return c->got.failed ? 0 : size * n;
}

static enum http_end how_it_ended(struct http_call *c, CURLcode rc)
{
	long sent = 0;

	if (rc == CURLE_OK)
		return HTTP_WHOLE;
	if (c->too_large)
		return HTTP_TOO_LARGE;
	curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0 ? HTTP_CUT : HTTP_UNSENT;
}

static void call_done(struct http_call *c, CURLcode rc)
{
	struct http_answer a = {.headers = &c->seen, .body = c->got.s, .len = c->got.len};
	long status = 0;

	a.end = how_it_ended(c, rc);
	if (a.end == HTTP_WHOLE)
		a.text = "";
	else if (a.end == HTTP_TOO_LARGE)
		a.text = "the answer is too large";
	else if (c->header_bytes > HTTP_HEADERS_MAX)
		a.text = "the headers of the answer are too large";
	else
		a.text = *c->error ? c->error : curl_easy_strerror(rc);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	a.status = (int)status;
	call_detach(c); /* before `done`, which may start the next */
	c->done(c->arg, &a);
	call_free(c);
}

static void harvest(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct http_call *c = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		call_done(c, m->data.result);
	}
}

const char *http_header(const struct http_answer *a, const char *name)
{
	size_t n = strlen(name);

	strvec_foreach (a->headers, h) {
		if (!strncasecmp(*h, name, n) && (*h)[n] == ':')
			return *h + n + 1 + strspn(*h + n + 1, " \t");
	}
	return NULL;
}

int64_t http_date(const char *s)
{
	return curl_getdate(s, NULL);
}

/* --- a request --- */

static void set_request(struct http_call *c, const struct http_req *r)
{
	CURL *e = c->easy;

	curl_easy_setopt(e, CURLOPT_URL, r->url);
	if (r->body || strcmp(r->method, "GET")) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body);
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)((r->stall_ms + 999) / 1000));
	for (size_t i = 0; r->headers && i < r->headers->n; i++)
		c->headers = curl_slist_append(c->headers, r->headers->v[i]);
	if (!r->body) /* libcurl would call an empty one a form */
		c->headers = curl_slist_append(c->headers, "Content-Type:");
	c->headers = curl_slist_append(c->headers, "Expect:");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
}

/* What is the same for all requests. 0, or the first refusal: a libcurl that cannot do what safety
 * rests on is not used. */
static CURLcode set_manners(struct http_call *c)
{
	const struct http *h = c->http;
	CURL *e = c->easy;
	CURLcode rc = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, h->plain ? "http,https" : "https");

	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_PROXY, h->proxy);
	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!rc && h->ca_file)
		rc = curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_file);
	if (!rc && h->ca_file)
		rc = curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	if (!rc)
		rc = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	return rc;
}

static void set_ways(struct http_call *c)
{
	CURL *e = c->easy;

	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (!c->stream)
		curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* Giving up must not wait for a resolver thread that hangs. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	if (c->http->user_agent)
		curl_easy_setopt(e, CURLOPT_USERAGENT, c->http->user_agent);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
}

static void call_link(struct http_call *c)
{
	struct http *h = c->http;

	c->next = h->calls;
	c->link = &h->calls;
	if (c->next)
		c->next->link = &c->next;
	h->calls = c;
}

int http_start(struct http *h, const struct http_req *r, http_done_fn done, void *arg,
	       struct http_call **ret, struct err *err)
{
	struct http_call *c = xcalloc(1, sizeof(*c));
	CURLcode rc;

	c->http = h;
	c->done = done;
	c->arg = arg;
	c->secret = r->secret;
	c->stream = r->stream;
	c->body = xmalloc(r->body_len + 1);
	if (r->body_len)
		memcpy(c->body, r->body, r->body_len);
	c->body[r->body_len] = '\0';
	buf_init(&c->got, r->max);
	if (r->secret)
		buf_room(&c->got, SECRET_ROOM < r->max ? SECRET_ROOM : r->max);
	c->easy = curl_easy_init();
	rc = c->easy ? set_manners(c) : CURLE_FAILED_INIT;
	if (rc) {
		call_free(c);
		return err_set(err, ERR_INTERNAL, "http: libcurl: %s", curl_easy_strerror(rc));
	}
	set_ways(c);
	set_request(c, r);
	if (curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		call_free(c);
		return err_set(err, ERR_INTERNAL, "http: libcurl takes no request");
	}
	call_link(c);
	*ret = c;
	return 0;
}
