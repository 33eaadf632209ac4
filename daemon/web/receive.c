/* receive.c - see receive.h */
#include "web/receive.h"

#include "base/log.h"
#include "base/mem.h"

#include <strings.h>
#include <sys/statvfs.h>

#define EVENT_MAX   64
#define GUID_MAX    64
#define RETRY_S     30
#define DISK_MS     1000
#define STORE_MAX   4096 /* deliveries of one turn */
#define STORE_BYTES ((size_t)16 << 20)

struct arrival {
	struct web *of;
	struct httpd_request *request;
	struct hook_check *check;
	struct body body;
	unsigned char signature[HMAC_BYTES];
	char *guid, *event;
	int form; /* -1: neither JSON nor a form */
	const char *secret;
	bool waits, stored;
	TAILQ_ENTRY(arrival) at;
};

/* --- headers ---------------------------------------------------------------------------------------- */

bool receive_word(const char *s, size_t max)
{
	size_t n = s ? strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				 "_-.:")
		     : 0;

	return n && n <= max && !s[n];
}

static bool is_type(const char *s, const char *type)
{
	size_t n = strlen(type);

	return !strncasecmp(s, type, n) && (!s[n] || strchr("; \t", s[n]));
}

int receive_form(const char *s)
{
	if (s && is_type(s, "application/json"))
		return 0;
	return s && is_type(s, "application/x-www-form-urlencoded") ? 1 : -1;
}

/* --- a request ---------------------------------------------------------------------------------------- */

static void refuse(struct arrival *a, int status, int64_t *counter)
{
	++*counter;
	httpd_answer(a->request, status, status == 503 ? RETRY_S : 0);
}

/* Asked for once a second: a delivery is small beside the reserve. */
static bool disk_full(struct web *w)
{
	struct clock *clock = w->bot->clock;
	int64_t now = clock->mono_ms(clock);
	struct statvfs v;
	bool full;

	if (w->disk_ms && now - w->disk_ms < DISK_MS)
		return w->disk_full;
	w->disk_ms = now;
	full = statvfs(w->bot->data, &v) == 0 &&
	       (int64_t)v.f_bavail * (int64_t)v.f_frsize < WEB_DISK_RESERVE;
	if (full != w->disk_full)
		log_warn(full ? "webhooks: less than %lld MiB free below %s; deliveries are "
				"answered with 503 until there is more"
			      : "webhooks: at least %lld MiB free below %s; deliveries are taken "
				"again",
			 (long long)(WEB_DISK_RESERVE >> 20), w->bot->data);
	w->disk_full = full;
	return full;
}

static void arrival_end(void *state)
{
	struct arrival *a = state;

	if (a->waits)
		TAILQ_REMOVE(&a->of->arrived, a, at);
	hook_check_free(a->check);
	body_release(&a->body);
	free(a->guid);
	free(a->event);
	free(a);
}

static void *on_begin(void *arg, struct httpd_request *r)
{
	struct web *w = arg;
	struct arrival *a = xcalloc(1, sizeof(*a));
	const char *signature = httpd_header(r, "X-Hub-Signature-256");
	const char *event = httpd_header(r, "X-GitHub-Event");
	const char *guid = httpd_header(r, "X-GitHub-Delivery");

	a->of = w;
	a->request = r;
	a->body.fd = -1;
	if (!signature || !hook_signature(signature, a->signature)) {
		refuse(a, 401, &w->refused_signature);
	} else if (w->full || disk_full(w) ||
		   body_init(&a->body, &w->space, httpd_length(r), NULL) < 0) {
		refuse(a, 503, &w->refused_busy);
	} else {
		a->check = hook_check_begin(w->secrets);
		a->form = receive_form(httpd_header(r, "Content-Type"));
		a->event = receive_word(event, EVENT_MAX) ? xstrdup(event) : NULL;
		a->guid = receive_word(guid, GUID_MAX) ? xstrdup(guid) : NULL;
	}
	return a;
}

static void on_data(void *state, const void *p, size_t n)
{
	struct arrival *a = state;
	cleanup(err_release) struct err err = ERR_INIT;

	hook_check_add(a->check, p, n);
	if (body_add(&a->body, p, n, &err) == 0)
		return;
	if (err.code != ERR_LIMIT)
		log_error("webhooks: %s", err_text(&err));
	refuse(a, 503, &a->of->refused_busy);
}

static void on_complete(void *state)
{
	struct arrival *a = state;
	struct web *w = a->of;
	int i = hook_check_end(a->check, a->signature);

	if (i < 0) {
		refuse(a, 401, &w->refused_signature);
	} else if (!a->event || !a->guid || a->form < 0 || !a->body.size) {
		refuse(a, 400, &w->refused_malformed);
	} else {
		a->secret = hook_secrets_name(hook_check_set(a->check), (size_t)i);
		a->waits = true;
		TAILQ_INSERT_TAIL(&w->arrived, a, at);
		loop_timer_in(w->wake, 0); /* it may have come after this turn's storing */
	}
}

const struct httpd_handler receive_handler = {
	.body_max = WEB_BODY_MAX,
	.begin = on_begin,
	.data = on_data,
	.complete = on_complete,
	.end = arrival_end,
};

/* --- storing and answering ------------------------------------------------------------------------------ */

static int64_t mark_of(const unsigned char *signature)
{
	int64_t v;

	memcpy(&v, signature, sizeof(v));
	return v;
}

static int store_one(struct arrival *a, struct err *err)
{
	struct delivery d = {.guid = a->guid,
			     .event = a->event,
			     .secret = (char *)a->secret,
			     .form = a->form,
			     .mark = mark_of(a->signature),
			     .size = (int64_t)a->body.size,
			     .received_ms = bot_now(a->of->bot)};
	const char *p;
	int64_t bytes = 0;

	if (body_read(&a->body, &p, err) < 0 ||
	    delivery_add(a->of->bot->db, &d, p, p ? a->body.size : 0, &bytes, err) < 0)
		return -1;
	a->of->received_ms = d.received_ms;
	a->of->turn_bytes += bytes;
	a->of->stored++;
	/* What is in the ledger's hands needs no place here. */
	body_release(&a->body);
	return 0;
}

int receive_store(void *web, struct err *err)
{
	struct web *w = web;
	struct arrival *a;
	size_t bytes = 0;
	int n = 0;

	w->stored = 0;
	w->turn_bytes = w->turn_done = 0;
	TAILQ_FOREACH(a, &w->arrived, at)
	{
		if (n++ == STORE_MAX || bytes > STORE_BYTES)
			break;
		bytes += a->body.dropped ? 0 : a->body.size;
		a->stored = true;
		if (store_one(a, err) < 0)
			return -1;
	}
	return 0;
}

void receive_answer_all(struct web *w, int status)
{
	struct arrival *a, *next;

	for (a = TAILQ_FIRST(&w->arrived); a && a->stored; a = next) {
		next = TAILQ_NEXT(a, at);
		TAILQ_REMOVE(&w->arrived, a, at);
		a->waits = false;
		httpd_answer(a->request, status, status == 503 ? RETRY_S : 0);
	}
	w->stored = 0;
	if (w->http)
		httpd_flush(w->http);
}
