/*
 * http.h - HTTP requests out of the one loop: libcurl's multi interface on loop.h.
 *
 * HTTP/1.1 over TLS 1.2 or later, no redirects followed, no cookies, no .netrc, no environment
 * variable looked at. Names are resolved by libcurl's resolver thread (so what signals the loop handles is
 * set up before the first request), everything else happens in turns of the loop. SIGPIPE is ignored by
 * the program. An answer counts only whole: what it says of its length, it must hold.
 */
#ifndef YM_SYS_HTTP_H
#define YM_SYS_HTTP_H

#include "base/err.h"
#include "base/strvec.h"
#include "sys/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct http_call;

#define HTTP_HEADERS_MAX                                                                           \
	((size_t)64 << 10) /* bytes of all headers of an answer; more is HTTP_CUT */

struct http_conf {
	const char *ca_file; /* PEM; NULL: the system's. Read when a connection is made */
	const char *proxy;   /* NULL: none */
	const char *user_agent;
	bool plain; /* http:// is allowed beside https:// */
};

int http_new(struct loop *l, const struct http_conf *conf, struct http **ret, struct err *err);
/* Cuts what runs, without a call of `done`. Not from inside a `done`. */
void http_free(struct http *h);

/*
 * An answer without an end (a stream): `head` is called when its headers are there, `data` with its bytes as
 * they come, both from inside libcurl: neither may start or cancel a call. false ends the call, `done` then
 * has HTTP_CUT. No compression is asked for, and `max` does not count.
 */
struct http_answer;
struct http_stream {
	bool (*head)(void *arg,
		     const struct http_answer *a); /* `end`, `body` and `text` are not set */
	bool (*data)(void *arg, const char *p, size_t n);
};

/* Everything is copied. */
struct http_req {
	const char *method;
	const char *url;
	const struct strvec
		*headers; /* "Name: value"; wiped inside when they are not needed any more */
	const char *body; /* NULL: none */
	size_t body_len;
	bool once;   /* must not arrive twice: on a connection of its own, for on one that was idle
		      * libcurl sends again what got no answer */
	bool secret; /* the answer is wiped */
	size_t max;  /* bytes of an answer */
	int64_t connect_ms, total_ms; /* total_ms 0: no limit */
	int64_t stall_ms;             /* without a byte either way; whole seconds. 0: no limit */
	const struct http_stream
		*stream; /* NULL: the answer is kept whole for `done`; else it stays the caller's */
};

enum http_end {
	HTTP_WHOLE,
	HTTP_UNSENT,    /* no byte of the request has left: no name, no connection, no TLS */
	HTTP_CUT,       /* anything later: broken, half, timed out, not HTTP */
	HTTP_TOO_LARGE, /* over `max` */
};

struct http_answer {
	enum http_end end;
	int status; /* 0: none was read; HTTP_CUT may have one */
	const struct strvec *headers;
	const char *body; /* NUL-terminated */
	size_t len;
	const char *text; /* for people: why it is not HTTP_WHOLE; else "" */
};

/* Called once, from a turn of the loop; what it points to ends with the call. It may start and cancel
 * other calls. */
typedef void (*http_done_fn)(void *arg, const struct http_answer *a);
int http_start(struct http *h, const struct http_req *req, http_done_fn done, void *arg,
	       struct http_call **ret, struct err *err);
/* `done` will not be called. Not for a call whose `done` was entered. NULL is fine. */
void http_cancel(struct http_call *c);

/* The value of the first header of that name, without blanks around; NULL when there is none. */
const char *http_header(const struct http_answer *a, const char *name);
/* An HTTP date as seconds since 1970; -1 when it is none. */
int64_t http_date(const char *s);

/* --- addresses --- */

/* Is it an absolute http or https URL without user, query and fragment? Http is for loopback addresses
 * only. *ret is it in normal form without a '/' at its end. */
int http_url_base(const char *url, char **ret, struct err *err);
/* `ref` as found in an answer from `base`, made absolute; NULL when it is no http(s) URL. Caller
 * frees. */
char *http_url_join(const char *base, const char *ref);
/* The same scheme, host and port, and no user in either? */
bool http_url_same_origin(const char *a, const char *b);
bool http_url_is_https(const char *url);
/* Path and query of an absolute URL; caller frees, NULL when it is none. */
char *http_url_path(const char *url);

#endif
