/* stream.c - see stream.h */
#include "web/stream.h"

#include "base/log.h"
#include "base/mem.h"
#include "sys/http.h"
#include "web/sse.h"

#include <strings.h>

#define SAID_MAX 200 /* bytes of a server's words in a message */

enum state { WAITING, CONNECTING, CONNECTED };
static const char *const state_names[] = {"waiting", "connecting", "connected"};

struct stream {
	struct loop *loop;
	struct clock *clock;
	struct rnd *rnd;
	struct stream_options o; /* without its texts */
	char *url, *address;
	struct http *http;
	struct http_call *call;
	struct loop_timer *again, *quiet, *late;
	struct sse sse;
	enum state state;
	int64_t since_ms,
		since_mono; /* in this state: wall clock, and the one that does not jump */
	int64_t again_mono;
	int64_t asked_ms; /* Retry-After of the last answer */
	int tries;        /* that failed, one after the other */
	bool gap;         /* there was a time without a connection */
	bool told;        /* of one, at told_mono */
	int64_t told_mono;
	char *problem;
	int64_t deliveries, ignored, malformed, too_large;
};

static void set_state(struct stream *s, enum state state)
{
	s->state = state;
	s->since_ms = s->clock->wall_ms(s->clock);
	s->since_mono = s->clock->mono_ms(s->clock);
}

static void set_problem(struct stream *s, char *text)
{
	free(s->problem);
	s->problem = text;
}

/* --- gaps --------------------------------------------------------------------------------------------- */

static void tell_gap(void *arg)
{
	struct stream *s = arg;

	loop_timer_stop(s->late);
	s->told = true;
	s->told_mono = s->clock->mono_ms(s->clock);
	s->o.again(s->o.arg);
}

/* At once, or with others of this time at its end. */
static void note_gap(struct stream *s)
{
	int64_t due = s->told_mono + STREAM_AGAIN_MS;

	if (!s->told || due <= s->clock->mono_ms(s->clock))
		tell_gap(s);
	else
		loop_timer_set(s->late, due);
}

/* --- what comes ------------------------------------------------------------------------------------- */

static void on_event(void *arg, const struct sse_event *e)
{
	struct stream *s = arg;
	cleanup(err_release) struct err err = ERR_INIT;
	cleanup(smee_delivery_release) struct smee_delivery d = {0};
	int rc;

	if (e->too_large) {
		s->too_large++;
		note_gap(s);
		set_problem(s, xasprintf("an event of more than %zu bytes was dropped",
					 STREAM_EVENT_MAX));
		return;
	}
	rc = strcmp(e->name, "message") != 0 ? 0 : smee_read(e->data, e->len, &d, &err);
	if (rc < 0) {
		s->malformed++;
		note_gap(s);
		set_problem(s, xasprintf("an event was no delivery: %s", err_text(&err)));
	} else if (rc == 0) {
		s->ignored++;
	} else {
		s->deliveries++;
		if (!s->o.deliver(s->o.arg, &d))
			note_gap(s);
	}
}

static bool on_data(void *arg, const char *p, size_t n)
{
	struct stream *s = arg;

	loop_timer_in(s->quiet, STREAM_IDLE_MS);
	sse_feed(&s->sse, p, n);
	return true;
}

/* "https://smee.io": what may be shown. */
static char *origin(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n = host ? (size_t)(host - url) + 3 : 0;

	return xstrndup(url, n + strcspn(url + n, "/?#"));
}

/* Why this is no stream of events; NULL: it is one. */
static char *refusal(const struct http_answer *a)
{
	static const char wanted[] = "text/event-stream";
	const size_t n = sizeof(wanted) - 1;
	const char *type = http_header(a, "Content-Type"), *to = http_header(a, "Location");

	if (a->status / 100 == 3 && to) {
		autofree char *where = strstr(to, "://") ? origin(to) : xstrdup("another path");

		return xasprintf("it redirects to %.*s (the rest is not shown: who knows a channel "
				 "can read it): where that is right, name that address at "
				 "github.events",
				 SAID_MAX, where);
	}
	if (a->status != 200)
		return xasprintf("it answers with HTTP status %d", a->status);
	if (type && !strncasecmp(type, wanted, n) && (!type[n] || strchr("; \t", type[n])))
		return NULL;
	return xasprintf("it answers with '%.*s', not with %s: is it the address of a channel?",
			 SAID_MAX, type ? type : "no content type", wanted);
}

static bool on_head(void *arg, const struct http_answer *a)
{
	struct stream *s = arg;
	const char *after = http_header(a, "Retry-After");
	char *why = refusal(a);

	s->asked_ms = after && strspn(after, "0123456789") && strlen(after) < 10
			      ? strtoll(after, NULL, 10) * 1000
			      : 0;
	if (why) {
		set_problem(s, why);
		return false;
	}
	set_state(s, CONNECTED);
	set_problem(s, NULL);
	loop_timer_in(s->quiet, STREAM_IDLE_MS);
	log_info("webhooks: the event channel at %s is connected", s->address);
	if (s->gap)
		note_gap(s);
	return true;
}

/* --- the connection ----------------------------------------------------------------------------------- */

static const struct http_stream stream_ops = {.head = on_head, .data = on_data};

static int64_t wait_ms(struct stream *s)
{
	int64_t base = s->sse.retry_ms >= 0 ? s->sse.retry_ms : STREAM_WAIT_MS;
	uint16_t chance;

	if (base < STREAM_WAIT_MIN_MS)
		base = STREAM_WAIT_MIN_MS;
	for (int i = 1; i < s->tries && base < STREAM_WAIT_MAX_MS; i++)
		base *= 2;
	if (base < s->asked_ms)
		base = s->asked_ms;
	if (base > STREAM_WAIT_MAX_MS)
		base = STREAM_WAIT_MAX_MS;
	s->rnd->fill(s->rnd, &chance, sizeof(chance));
	return base + base * chance / (2 * UINT16_MAX);
}

/* The connection is gone; `text` is why where nothing better is known. */
static void lost(struct stream *s, const char *text)
{
	bool was = s->state == CONNECTED;
	int64_t now = s->clock->mono_ms(s->clock), wait;

	s->call = NULL;
	loop_timer_stop(s->quiet);
	if (was && now - s->since_mono >= STREAM_STEADY_MS)
		s->tries = 0;
	if (was || !s->problem)
		set_problem(s, xasprintf("%s", text));
	s->tries++;
	s->gap = true;
	wait = wait_ms(s);
	s->asked_ms = 0;
	s->again_mono = now + wait;
	set_state(s, WAITING);
	loop_timer_set(s->again, s->again_mono);
	if (was || s->tries == 1)
		log_warn("webhooks: no event channel at %s: %s; tried again in %lld s", s->address,
			 s->problem, (long long)(wait + 999) / 1000);
}

static void on_done(void *arg, const struct http_answer *a)
{
	struct stream *s = arg;

	lost(s, a->end == HTTP_WHOLE ? "the server has ended the stream" : a->text);
}

static void on_quiet(void *arg)
{
	struct stream *s = arg;

	http_cancel(s->call);
	lost(s, "nothing came for 100 s, not even a ping");
}

static int start(struct stream *s, struct err *err)
{
	cleanup(strvec_release) struct strvec headers = STRVEC_INIT;

	strvec_push(&headers, "Accept: text/event-stream");
	strvec_push(&headers, "Cache-Control: no-cache");
	if (s->sse.last_id.len)
		strvec_push_take(&headers, xasprintf("Last-Event-ID: %s", s->sse.last_id.s));
	sse_again(&s->sse);
	return http_start(s->http,
			  &(struct http_req){.method = "GET",
					     .url = s->url,
					     .headers = &headers,
					     .once = true,
					     .connect_ms = STREAM_CONNECT_MS,
					     .stream = &stream_ops},
			  on_done, s, &s->call, err);
}

static void on_again(void *arg)
{
	struct stream *s = arg;
	cleanup(err_release) struct err err = ERR_INIT;

	set_state(s, CONNECTING);
	set_problem(s, NULL);
	/* Headers that never come are as quiet as a stream that is. */
	loop_timer_in(s->quiet, STREAM_IDLE_MS);
	if (start(s, &err) < 0)
		lost(s, err_text(&err));
}

/* --- life --------------------------------------------------------------------------------------------- */

int stream_new(struct loop *l, struct rnd *rnd, const struct stream_options *o, struct stream **ret,
	       struct err *err)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	struct http_conf conf = {.user_agent = "yardmaster/" YM_VERSION,
				 .proxy = o->proxy,
				 .ca_file = o->ca_file,
				 .plain = !http_url_is_https(o->url)};

	s->loop = l;
	s->clock = loop_clock(l);
	s->rnd = rnd;
	s->o = (struct stream_options){.deliver = o->deliver, .again = o->again, .arg = o->arg};
	s->url = xstrdup(o->url);
	s->address = origin(o->url);
	s->again = loop_timer_new(l, on_again, s);
	s->quiet = loop_timer_new(l, on_quiet, s);
	s->late = loop_timer_new(l, tell_gap, s);
	sse_init(&s->sse, STREAM_EVENT_MAX, on_event, s);
	set_state(s, WAITING);
	if (http_new(l, &conf, &s->http, err) < 0) {
		stream_free(s);
		return -1;
	}
	loop_timer_in(s->again, 0);
	*ret = s;
	return 0;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	http_free(s->http);
	loop_timer_free(s->again);
	loop_timer_free(s->quiet);
	loop_timer_free(s->late);
	sse_release(&s->sse);
	free(s->url);
	free(s->address);
	free(s->problem);
	free(s);
}

const char *stream_url(const struct stream *s)
{
	return s->url;
}

json_t *stream_state(const struct stream *s)
{
	json_t *o = json_object();
	int64_t now = s->clock->mono_ms(s->clock);

	json_put_str(o, "address", s->address);
	json_put_str(o, "state", state_names[s->state]);
	json_put_int(o, "since_ms", s->since_ms);
	json_put_int(o, "deliveries", s->deliveries);
	json_put_int(o, "ignored", s->ignored);
	json_put_int(o, "malformed", s->malformed);
	json_put_int(o, "too_large", s->too_large);
	if (s->state == WAITING)
		json_put_int(o, "again_in_ms", s->again_mono > now ? s->again_mono - now : 0);
	if (s->problem)
		json_put_str(o, "problem", s->problem);
	return o;
}
