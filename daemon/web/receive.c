/* receive.c - see receive.h */
#include "web/receive.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/statvfs.h>

#define EVENT_MAX   64
#define GUID_MAX    64
#define RETRY_S     30
#define DISK_MS     1000
#define STORE_MAX   4096 /* deliveries of one turn */
#define STORE_BYTES ((size_t)16 << 20)
#define ASIDE_MIN   8    /* deliveries: fewer are not worth a thread */
#define TURN_US_MAX 1000 /* a sender that pauses says nothing about how fast others are */
#define PACK_US     1000 /* with a disk as slow as this there is time to compress before the writing */

struct arrival {
	struct web *of;
	struct httpd_request *request; /* NULL: there is nobody to answer */
	struct hook_check *check;
	struct body body;
	char *packed; /* NULL: not yet, or nothing is kept */
	size_t npacked;
	unsigned char signature[HMAC_BYTES];
	char *guid, *event;
	int form; /* -1: neither JSON nor a form */
	const char *secret;
	uint64_t hook;       /* 0: it names none */
	struct arrivals *in; /* NULL: none */
	int status;          /* once it is stored, or not */
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

static int64_t *counter(struct web *w, int status)
{
	return status == 401   ? &w->refused_signature
	       : status == 400 ? &w->refused_malformed
			       : &w->refused_busy;
}

static void answer(struct arrival *a, int status)
{
	if (a->request)
		httpd_answer(a->request, status, status == 503 ? RETRY_S : 0);
}

static void refuse(struct arrival *a, int status)
{
	++*counter(a->of, status);
	answer(a, status);
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

static void move_to(struct arrival *a, struct arrivals *list)
{
	struct arrivals *arrived = &a->of->arrived;

	if (a->in)
		TAILQ_REMOVE(a->in, a, at);
	if (list)
		TAILQ_INSERT_TAIL(list, a, at);
	a->of->waiting += (size_t)(list == arrived) - (size_t)(a->in == arrived);
	a->in = list;
}

static void arrival_end(void *state)
{
	struct arrival *a = state;

	move_to(a, NULL);
	hook_check_free(a->check);
	body_release(&a->body);
	free(a->packed);
	free(a->guid);
	free(a->event);
	free(a);
}

static struct arrival *arrival_new(struct web *w, struct httpd_request *r)
{
	struct arrival *a = xcalloc(1, sizeof(*a));

	a->of = w;
	a->request = r;
	a->body.fd = -1;
	move_to(a, &w->coming);
	return a;
}

/* --- whose room it is ------------------------------------------------------------------------------------ */

/*
 * GitHub names the hook with each delivery, by a number that is shown to its owners only. It is not signed and proves
 * nothing, but behind a proxy, where all come from one address, it is what strangers do not know.
 */
static uint64_t hook_of(const char *s)
{
	char *end;
	uint64_t v;

	if (!s || !*s || strspn(s, "0123456789") != strlen(s))
		return 0;
	errno = 0;
	v = strtoull(s, &end, 10);
	return errno ? 0 : v;
}

static bool hook_is_known(const struct web *w, uint64_t hook)
{
	for (size_t i = 0; hook && i < w->nhooks && i < WEB_HOOKS_KNOWN; i++)
		if (w->hooks[i] == hook)
			return true;
	return false;
}

static void vouch(struct arrival *a)
{
	struct web *w = a->of;

	if (a->request)
		httpd_vouch(a->request);
	if (a->hook && !hook_is_known(w, a->hook))
		w->hooks[w->nhooks++ % WEB_HOOKS_KNOWN] = a->hook;
}

/* The one that holds most of all that may be asked; NULL: nobody. */
static struct arrival *whose_room(const struct arrival *a)
{
	struct arrival *b, *found = NULL;

	TAILQ_FOREACH(b, &a->of->coming, at)
	{
		if (b == a || !b->request || !body_holds(&b->body) ||
		    (found && body_holds(&b->body) <= body_holds(&found->body)))
			continue;
		if (!a->request || httpd_outranks(a->request, b->request))
			found = b;
	}
	return found;
}

/* Somebody else's delivery is given up for this one. */
static bool make_room(struct arrival *a)
{
	struct arrival *b = whose_room(a);

	if (!b)
		return false;
	body_release(&b->body);
	refuse(b, 503);
	httpd_cut(b->request);
	return true;
}

/* 0, or the status that refuses it. length: as for body_init(). */
static int begin(struct arrival *a, const struct receive_headers *h, int64_t length)
{
	struct web *w = a->of;

	if (!h->signature || !hook_signature(h->signature, a->signature))
		return 401;
	if (w->full || disk_full(w))
		return 503;
	body_init(&a->body, &w->space, length);
	a->hook = hook_of(h->hook);
	if (a->request && hook_is_known(w, a->hook))
		httpd_prefer(a->request);
	a->check = hook_check_begin(w->secrets);
	a->form = receive_form(h->type);
	a->event = receive_word(h->event, EVENT_MAX) ? xstrdup(h->event) : NULL;
	a->guid = receive_word(h->guid, GUID_MAX) ? xstrdup(h->guid) : NULL;
	return 0;
}

static int add(struct arrival *a, const void *p, size_t n)
{
	cleanup(err_release) struct err err = ERR_INIT;

	hook_check_add(a->check, p, n);
	while (body_add(&a->body, p, n, &err) < 0) {
		if (err.code != ERR_LIMIT)
			log_error("webhooks: %s", err_text(&err));
		if (err.code != ERR_LIMIT || !make_room(a))
			return 503;
		err_release(&err);
	}
	return 0;
}

static int pack(struct arrival *a, struct err *err)
{
	const char *p;

	if (body_read(&a->body, &p, err) < 0)
		return -1;
	a->packed = p ? delivery_pack(p, a->body.size, &a->npacked, err) : NULL;
	return p && !a->packed ? -1 : 0;
}

/* When as many came as were answered last: how long that took. */
static void learn_turn(struct web *w)
{
	struct clock *clock = w->bot->clock;
	int64_t us;

	if (!w->answered || ++w->back != w->answered)
		return;
	us = 1000 * (clock->mono_ms(clock) - w->answered_ms) / (int64_t)w->answered;
	w->turn_us += ((us < TURN_US_MAX ? us : TURN_US_MAX) - w->turn_us) / 4;
}

/* Verified and whole, it waits for the turn's storing. */
static int complete(struct arrival *a)
{
	struct web *w = a->of;
	int i = hook_check_end(a->check, a->signature);

	if (i < 0)
		return 401;
	vouch(a);
	if (!a->event || !a->guid || a->form < 0 || !a->body.size)
		return 400;
	/* Beside the writing of those before; a failure is told when it is written itself. */
	if (w->writing && w->sync_us > PACK_US && a->body.fd < 0 && !a->body.dropped)
		pack(a, NULL);
	a->secret = hook_secrets_name(hook_check_set(a->check), (size_t)i);
	move_to(a, &w->arrived);
	learn_turn(w);
	loop_timer_in(w->wake, 0); /* it may have come after this turn's storing */
	return 0;
}

static void *on_begin(void *arg, struct httpd_request *r)
{
	struct arrival *a = arrival_new(arg, r);
	struct receive_headers h = {.signature = httpd_header(r, "X-Hub-Signature-256"),
				    .event = httpd_header(r, "X-GitHub-Event"),
				    .guid = httpd_header(r, "X-GitHub-Delivery"),
				    .type = httpd_header(r, "Content-Type"),
				    .hook = httpd_header(r, "X-GitHub-Hook-ID")};
	int status = begin(a, &h, httpd_length(r));

	if (status)
		refuse(a, status);
	return a;
}

static void on_data(void *state, const void *p, size_t n)
{
	int status = add(state, p, n);

	if (status)
		refuse(state, status);
}

static void on_complete(void *state)
{
	int status = complete(state);

	if (status)
		refuse(state, status);
}

int receive_whole(struct web *w, const struct receive_headers *h, const char *body, size_t n)
{
	struct arrival *a = arrival_new(w, NULL);
	int status = begin(a, h, (int64_t)n);

	if (!status)
		status = add(a, body, n);
	if (!status)
		status = complete(a);
	if (!status)
		return 202;
	refuse(a, status);
	arrival_end(a);
	return status;
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

static int write_one(struct arrival *a, struct err *err)
{
	struct web *w = a->of;
	struct delivery d = {.guid = a->guid,
			     .event = a->event,
			     .secret = (char *)a->secret,
			     .form = a->form,
			     .mark = mark_of(a->signature),
			     .size = (int64_t)a->body.size,
			     .received_ms = w->batch_ms};
	int64_t bytes = 0;

	if ((!a->packed && pack(a, err) < 0) ||
	    delivery_add_packed(w->bot->db, &d, a->packed, a->npacked, &bytes, err) < 0)
		return -1;
	w->received_ms = d.received_ms;
	w->turn_bytes += bytes;
	w->stored++;
	return 0;
}

int receive_write(struct web *w, struct err *err)
{
	for (size_t i = 0; i < w->nbatch; i++)
		if (write_one(w->batch[i], err) < 0)
			return -1;
	return 0;
}

size_t receive_batch_max(size_t under_way, int64_t sync_us, int64_t turn_us)
{
	if (under_way < 4 * ASIDE_MIN || sync_us > (int64_t)under_way * turn_us)
		return STORE_MAX;
	return under_way / 2;
}

static void take_batch(struct web *w)
{
	struct arrival *a;
	size_t bytes = 0, n = w->http ? httpd_counts(w->http).requests : 0;
	size_t max = receive_batch_max(n, w->sync_us, w->turn_us);

	w->nbatch = 0;
	w->batch_ms = bot_now(w->bot);
	TAILQ_FOREACH(a, &w->arrived, at)
	{
		if (w->nbatch == max || bytes > STORE_BYTES)
			break;
		if (w->nbatch == w->batch_room) {
			w->batch_room = w->batch_room ? 2 * w->batch_room : 64;
			w->batch = xreallocarray(w->batch, w->batch_room, sizeof(struct arrival *));
		}
		w->batch[w->nbatch++] = a;
		bytes += a->body.dropped ? 0 : a->body.size;
	}
}

bool receive_more(const struct web *w)
{
	return w->http && w->waiting >= ASIDE_MIN;
}

int receive_store(void *web, struct err *err)
{
	struct web *w = web;

	w->stored = 0;
	w->turn_bytes = w->turn_done = 0;
	w->aside = receive_more(w);
	take_batch(w);
	return w->aside ? 0 : receive_write(w, err);
}

void receive_stored(struct web *w, int status)
{
	for (size_t i = 0; i < w->nbatch; i++) {
		struct arrival *a = w->batch[i];

		body_release(&a->body);
		a->status = status;
		move_to(a, &w->durable);
	}
	w->nbatch = w->stored = 0;
}

void receive_answer_all(struct web *w)
{
	struct clock *clock = w->bot->clock;
	struct arrival *a;

	if (!TAILQ_EMPTY(&w->durable)) {
		w->answered_ms = clock->mono_ms(clock);
		w->answered = w->back = 0;
	}
	while ((a = TAILQ_FIRST(&w->durable)) != NULL) {
		move_to(a, NULL);
		w->answered++;
		answer(a, a->status);
		if (!a->request)
			arrival_end(a);
	}
	if (w->http)
		httpd_flush(w->http);
}

void receive_release(struct web *w)
{
	struct arrivals *lists[] = {&w->arrived, &w->durable};
	struct arrival *a, *next;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (a = TAILQ_FIRST(lists[i]); a; a = next) {
			next = TAILQ_NEXT(a, at);
			if (!a->request)
				arrival_end(a);
		}
	free(w->batch);
	w->batch = NULL;
	w->batch_room = w->nbatch = 0;
}
