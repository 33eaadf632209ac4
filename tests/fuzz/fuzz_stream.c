/*
 * fuzz_stream.c - what a server sends on an event channel.
 *
 * However the bytes are cut into pieces, the events are the same. The body that is cut out of an event is what a JSON
 * decoder finds there.
 */
#include "base/json.h"
#include "base/mem.h"
#include "web/smee.h"
#include "web/sse.h"

#include <stdint.h>
#include <stdlib.h>

#define EVENT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A member twice is refused by both, but only among those that are looked at by the one. */
static void same_body(const struct sse_event *e, const struct smee_delivery *d)
{
	autojson json_t *whole = NULL, *cut = NULL;
	const json_t *body;

	if (json_parse(e->data, e->len, EVENT_MAX, &whole, NULL) < 0 ||
	    json_object_get(whole, "bodyB"))
		return;
	body = json_object_get(whole, "body");
	if (json_is_string(body)) {
		if (json_string_length(body) != d->len ||
		    memcmp(json_string_value(body), d->body, d->len) != 0)
			abort();
	} else if (json_parse(d->body, d->len, EVENT_MAX, &cut, NULL) < 0 ||
		   !json_equal(cut, body)) {
		abort();
	}
}

static void on_event(void *arg, const struct sse_event *e)
{
	cleanup(smee_delivery_release) struct smee_delivery d = {0};

	if (e->len > EVENT_MAX || e->data[e->len] || (e->too_large && e->len))
		abort();
	buf_addf(arg, "%s %d ", e->name, e->too_large);
	buf_add(arg, e->data, e->len);
	if (smee_read(e->data, e->len, &d, NULL) > 0)
		same_body(e, &d);
}

static void run(const char *p, size_t n, size_t piece, struct buf *ret)
{
	struct sse s;

	sse_init(&s, EVENT_MAX, on_event, ret);
	for (size_t at = 0; at < n; at += piece)
		sse_feed(&s, p + at, n - at < piece ? n - at : piece);
	buf_addf(ret, "%s %lld", s.last_id.s, (long long)s.retry_ms);
	sse_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(buf_release) struct buf whole = BUF_INIT, cut = BUF_INIT;

	if (!size)
		return 0;
	run((const char *)data + 1, size - 1, size, &whole);
	run((const char *)data + 1, size - 1, 1 + *data % 16, &cut);
	if (whole.len != cut.len || memcmp(whole.s, cut.s, cut.len) != 0)
		abort();
	return 0;
}
