/* test_stream.c - the event channel: events out of bytes, deliveries out of events, and the connection */
#include "http_fixture.h"

#include "base/text.h"
#include "web/sse.h"
#include "web/stream.h"

/* --- events --- */

/* "name|data" a line, "NAME!" for one that was too large. */
static void note(void *arg, const struct sse_event *e)
{
	struct buf *b = arg;

	assert_int_equal(strlen(e->data), e->len);
	if (e->too_large)
		buf_addf(b, "%s!\n", e->name);
	else
		buf_addf(b, "%s|%s\n", e->name, e->data);
}

static char *events_of(const char *s, size_t n, size_t piece, size_t max, struct sse *sse)
{
	struct buf b = BUF_INIT;

	sse_init(sse, max, note, &b);
	for (size_t at = 0; at < n; at += piece)
		sse_feed(sse, s + at, n - at < piece ? n - at : piece);
	return buf_steal(&b);
}

static void events(void **state)
{
	static const struct {
		const char *stream, *events;
	} cases[] = {
		{"data: a\n\n", "message|a\n"},
		{"data:a\n\ndata:  b\n\n", "message|a\nmessage| b\n"},
		{"data: a\r\n\r\ndata: b\r\rdata: c\n\n", "message|a\nmessage|b\nmessage|c\n"},
		{"\xEF\xBB\xBF"
		 "data: a\n\n",
		 "message|a\n"},
		{"event: ping\ndata: {}\n\ndata: a\n\n", "ping|{}\nmessage|a\n"},
		{"data: a\ndata\ndata: b\n\n", "message|a\n\nb\n"},
		{"data\n\n", "message|\n"},
		{"event: x\n\n\n\ndata: a\n\n", "message|a\n"},
		{": comment\ndata: a\n:\nnothing: x\ndatas: x\nDATA: x\n\n", "message|a\n"},
		{"data: a\n", ""},
		{"data: a:b\nid\n\n", "message|a:b\n"},
		{"data: 0123456789\n\n", "message|0123456789\n"},
		{"data: 0123456789x\n\ndata: b\n\n", "message!\nmessage|b\n"},
		{"data: 01234\ndata: 5678\n\n", "message|01234\n5678\n"},
		{"event: e\ndata: 01234\ndata: 56789\ndata: 0\n\ndata: b\n\n", "e!\nmessage|b\n"},
		{"data: 012345678901234567890123456789\n\ndata: b\n\n", "message!\nmessage|b\n"},
		{": 0123456789012345678901234567890123\ndata: b\n\n", "message|b\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t piece = 1; piece < 20; piece++) {
			struct sse sse;
			autofree char *got = events_of(cases[i].stream, strlen(cases[i].stream),
						       piece, 10, &sse);

			sse_release(&sse);
			if (strcmp(got, cases[i].events) != 0)
				fail_msg("case %zu in pieces of %zu: '%s'", i, piece, got);
		}
}

static void ids_and_times(void **state)
{
	static const char text[] = "id: 1\nretry: 250\ndata: a\n\nid: b\x01\nretry: 2x\ndata: b\n\n"
				   "id: 3\ndata: c\n";
	static const char rest[] = "\n\nid:\nretry: 99999999999999999999\ndata: d\n\n";
	cleanup(buf_release) struct buf more = BUF_INIT;
	struct sse s;
	autofree char *got = events_of(text, strlen(text), 5, 100, &s);

	(void)state;
	assert_string_equal(got, "message|a\nmessage|b\n");
	assert_string_equal(s.last_id.s, "1"); /* the third one has no end */
	assert_int_equal(s.retry_ms, 250);
	s.arg = &more;
	sse_again(&s); /* what had no end is forgotten, and what was known is not */
	sse_feed(&s, rest, strlen(rest));
	assert_string_equal(more.s, "message|d\n");
	assert_string_equal(s.last_id.s, "");
	assert_int_equal(s.retry_ms, SSE_RETRY_MAX);
	sse_release(&s);
}

static void long_names(void **state)
{
	autofree char *name = xasprintf("%0*d", SSE_NAME_MAX + 1, 0);
	autofree char *text = xasprintf("event: %s\ndata: a\n\nevent: %s\ndata: b\n\ndata: c\n\n",
					name, name + 1);
	autofree char *want = xasprintf("|a\n%s|b\nmessage|c\n", name + 1);
	struct sse s;
	autofree char *got = events_of(text, strlen(text), 7, 100, &s);

	(void)state;
	assert_string_equal(got, want);
	sse_release(&s);
}

/* --- deliveries --- */

#define HEAD                                                                                       \
	"{\"host\":\"smee.io\",\"x-github-event\":\"issues\",\"x-github-delivery\":\"g-1\","       \
	"\"x-hub-signature-256\":\"sha256=0\",\"content-type\":\"application/json\","

static void the_signed_bytes(void **state)
{
	static const struct {
		const char *event, *body; /* NULL: none; "!…": refused with these words */
	} cases[] = {
		/* Not one byte of it is written anew: escapes, numbers, order, blanks, strange strings. */
		{HEAD "\"body\":{\"b\":1.50,\"a\":\"\\u003c\\/\\u00e9 }{\\\"\"},\"query\":{}}",
		 "{\"b\":1.50,\"a\":\"\\u003c\\/\\u00e9 }{\\\"\"}"},
		{HEAD "\"body\" : { \"a\" : [ {}, \"]\" ] } , \"timestamp\":1}",
		 "{ \"a\" : [ {}, \"]\" ] }"},
		{HEAD "\"body\":\"payload=%7B%7D\\n\"}", "payload=%7B%7D\n"},
		{HEAD "\"bodyB\":\"eyJhIjoxfQ==\",\"body\":{\"a\":2}}", "{\"a\":1}"},
		{HEAD "\"bodyB\":\"eyJhIjoxfQ=\"}", "!no base64"},
		{HEAD "\"query\":{\"body\":{}}}", NULL},
		{"{}", NULL},
		{"{\"message\":\"connected\"}", NULL},
		{HEAD "\"body\":[1]}", "!neither an object nor text"},
		{HEAD "\"body\":{},\"body\":{}}", "!'body' twice"},
		{HEAD "\"X-GitHub-Event\":\"push\",\"body\":{}}", "!'x-github-event' twice"},
		{"{\"x-github-event\":[],\"body\":{}}", "!'x-github-event' is no text"},
		{"{\"body\":{}", "!broken at byte 10"},
		{"{\"body\":{\"a\":\"}", "!broken"},
		{"{\"body\":{}}x", "!more behind"},
		{"{\"body\":{} \"a\":1}", "!broken"},
		{"{,}", "!broken"},
		{"[]", "!no JSON object"},
		{"", "!no JSON object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(smee_delivery_release) struct smee_delivery d = {0};
		cleanup(err_release) struct err err = ERR_INIT;
		const char *want = cases[i].body;
		int rc = smee_read(cases[i].event, strlen(cases[i].event), &d, &err);

		if (rc != (!want ? 0 : *want == '!' ? -1 : 1))
			fail_msg("case %zu: %d %s", i, rc, err_text(&err));
		if (rc < 0 && !strstr(err_text(&err), want + 1))
			fail_msg("case %zu: %s", i, err_text(&err));
		if (rc > 0) {
			assert_int_equal(d.len, strlen(want));
			assert_memory_equal(d.body, want, d.len);
			assert_string_equal(d.event, "issues");
			assert_string_equal(d.guid, "g-1");
			assert_string_equal(d.signature, "sha256=0");
			assert_string_equal(d.type, "application/json");
		}
	}
}

/* --- the connection --- */

struct world {
	struct fx *f;
	struct stream *s;
	int delivered, gaps;
	bool no_room;
	char *last;
};

static bool on_delivery(void *arg, const struct smee_delivery *d)
{
	struct world *w = arg;

	w->delivered++;
	free(w->last);
	w->last = xstrndup(d->body, d->len);
	return !w->no_room;
}

static void on_gap(void *arg)
{
	((struct world *)arg)->gaps++;
}

static void to_channel(struct world *w, struct fx *f, const struct canned *answers)
{
	autofree char *url = xasprintf("http://127.0.0.1:%d/abc", f->stub->port);
	struct stream_options o = {.url = url, .deliver = on_delivery, .again = on_gap, .arg = w};

	w->f = f;
	f->stub->answers = answers;
	if (stream_new(f->loop, &rnd_system, &o, &w->s, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static void world_release(struct world *w)
{
	stream_free(w->s);
	free(w->last);
}

/* Turns until the channel's state has this text below this key. */
static json_t *until(struct world *w, const char *key, const char *text)
{
	int64_t end = now_ms() + PATIENT_MS;

	for (;;) {
		json_t *o = stream_state(w->s);
		const json_t *v = json_object_get(o, key);

		if (json_is_string(v) ? strstr(json_string_value(v), text) != NULL
				      : json_int(o, key, -1) == strtol(text, NULL, 10))
			return o;
		if (now_ms() > end)
			fail_msg("'%s' is not '%s': %s", key, text, json_dumps(o, 0));
		json_decref(o);
		turn(w->f);
	}
}

#define STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"

static void a_cut_stream_is_taken_up(void **state)
{
	static const struct canned answers[] = {
		{.what = "GET /abc",
		 .body = STREAM_HEAD "retry: 0\nevent: ready\ndata: {}\n\nid: 7\ndata: " HEAD
				     "\"body\":{\"n\":1}}\n\nevent: ping\ndata: {}\n\ndata: "
				     "x\n\ndata: {\"body\":{}",
		 .trick = STUB_RAW,
		 .times = 1},
		{.what = "GET /abc",
		 .body = STREAM_HEAD "data: " HEAD "\"body\":{\"n\":2}}\n\n",
		 .trick = STUB_RAW,
		 .times = 1},
		TRICK("GET /abc", STUB_HANG),
		END};
	cleanup(world_release) struct world w = {0};
	struct fx *f = *state;
	autojson json_t *o = NULL;
	autofree char *accept = NULL, *first = NULL, *id = NULL;

	to_channel(&w, f, answers);
	o = until(&w, "deliveries", "2");
	assert_int_equal(w.delivered, 2);
	assert_string_equal(w.last, "{\"n\":2}");
	assert_int_equal(w.gaps, 1); /* the first connection was none */
	assert_int_equal(json_int(o, "ignored", 0), 2);
	assert_int_equal(json_int(o, "malformed", 0), 1);
	accept = stub_header(&f->stub->seen[0], "Accept");
	assert_string_equal(accept, "text/event-stream");
	assert_null(strcasestr(f->stub->seen[0].headers, "Accept-Encoding"));
	first = stub_header(&f->stub->seen[0], "Last-Event-ID");
	assert_null(first);
	id = stub_header(&f->stub->seen[1], "Last-Event-ID");
	assert_string_equal(id, "7");
	json_decref(o);
	o = until(&w, "state", "connecting");
}

/* The server has told the forge that all is well: what is lost here is looked for, at once, and more of it together. */
static void what_is_not_taken_is_a_gap(void **state)
{
	static const char good[] = STREAM_HEAD "data: " HEAD "\"body\":{\"n\":1}}\n\n"
					       "data: " HEAD "\"body\":{\"n\":2}}\n\n";
	autofree char *large = xmalloc(STREAM_EVENT_MAX + 1);
	autofree char *too_large = NULL;

	memset(large, 'x', STREAM_EVENT_MAX);
	large[STREAM_EVENT_MAX] = '\0';
	too_large = xasprintf("%sdata: %sx\n\n", STREAM_HEAD, large);
	for (int i = 0; i < 4; i++) {
		const struct {
			const char *body, *counted;
		} cases[] = {{good, "deliveries"},
			     {good, "deliveries"},
			     {too_large, "too_large"},
			     {STREAM_HEAD "data: x\n\n", "malformed"}};
		const struct canned answers[] = {
			{.what = "GET /abc", .body = cases[i].body, .trick = STUB_RAW, .times = 1},
			TRICK("GET /abc", STUB_HANG),
			END};
		cleanup(world_release) struct world w = {.no_room = i == 1};
		struct fx *f = *state;
		autojson json_t *o = NULL;
		size_t asked = f->stub->n;

		memset(f->stub->used, 0, sizeof(f->stub->used));
		to_channel(&w, f, answers);
		o = until(&w, cases[i].counted, i < 2 ? "2" : "1");
		assert_int_equal(f->stub->n, asked + 1);
		assert_int_equal(w.gaps, i > 0);
	}
}

/* What is no stream is said to be none, and asked again later and later. */
static void what_is_no_channel(void **state)
{
	static const struct {
		struct canned answers[2];
		const char *problem;
	} cases[] = {
		{{SAY("GET /abc", 302, "Location: https://elsewhere.example/abc\r\n", ""), END},
		 "redirects to https://elsewhere.example (the rest is not shown"},
		{{SAY("GET /abc", 307, "Location: /abc/\r\n", ""), END},
		 "redirects to another path ("},
		{{SAY("GET /abc", 200, "Content-Type: text/html\r\n", "<html>"), END},
		 "answers with 'text/html'"},
		{{SAY("GET /abc", 403, "", "{}"), END}, "HTTP status 403"},
		{{TRICK("GET /abc", STUB_CUT), END}, "mpty reply"},
		{{{.what = "GET /abc",
		   .body = "HTTP/1.1 200 OK\r\nContent-Type: text/event-streamer\r\n\r\ndata: "
			   "x\n\n",
		   .trick = STUB_RAW},
		  END},
		 "text/event-streamer"},
	};
	struct fx *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup(world_release) struct world w = {0};
		autojson json_t *o = NULL;
		size_t asked = f->stub->n;

		memset(f->stub->used, 0, sizeof(f->stub->used));
		to_channel(&w, f, cases[i].answers);
		o = until(&w, "problem", cases[i].problem);
		if (strcmp(json_str(o, "state", ""), "waiting") != 0) {
			json_decref(o);
			o = until(&w, "state", "waiting");
		}
		assert_non_null(strstr(json_str(o, "problem", ""), cases[i].problem));
		assert_in_range(json_int(o, "again_in_ms", 0), 500, STREAM_WAIT_MS * 3 / 2);
		/* Whoever knows it can read all that is delivered. */
		assert_null(strstr(json_str(o, "address", ""), "/abc"));
		assert_null(strstr(json_str(o, "problem", ""), "/abc"));
		assert_int_equal(f->stub->n, asked + 1);
		assert_int_equal(w.delivered, 0);
	}
}

/* As the server says, and longer each time; never sooner than STREAM_WAIT_MIN_MS. */
static void it_waits_longer_each_time(void **state)
{
	static const struct canned answers[] = {
		{.what = "GET /abc", .body = STREAM_HEAD "retry: 100\n\n", .trick = STUB_RAW}, END};
	cleanup(world_release) struct world w = {0};
	struct fx *f = *state;
	int64_t gap[4];

	to_channel(&w, f, answers);
	for (int64_t end = now_ms() + PATIENT_MS; f->stub->n < 5 && now_ms() < end;)
		turn(f);
	assert_int_equal(f->stub->n, 5);
	for (size_t i = 0; i < ARRAY_LEN(gap); i++)
		gap[i] = f->stub->seen[i + 1].at_ms - f->stub->seen[i].at_ms;
	for (size_t i = 0; i < ARRAY_LEN(gap); i++)
		assert_true(gap[i] >= 100 << i);
}

static void it_waits_as_told(void **state)
{
	static const struct canned answers[] = {SAY("GET /abc", 429, "Retry-After: 120\r\n", "{}"),
						END};
	cleanup(world_release) struct world w = {0};
	autojson json_t *o = NULL;

	to_channel(&w, *state, answers);
	o = until(&w, "state", "waiting");
	json_decref(o);
	o = until(&w, "problem", "429");
	assert_in_range(json_int(o, "again_in_ms", 0), 119000, 180000);
}

/* --- silence: with a clock that is ahead --- */

static int64_t ahead_ms;

static int64_t wall_ahead(struct clock *c)
{
	(void)c;
	return clock_system.wall_ms(&clock_system) + ahead_ms;
}

static int64_t mono_ahead(struct clock *c)
{
	(void)c;
	return now_ms() + ahead_ms;
}

static bool hold(struct stub_conn *c, const struct stub_seen *s, void *arg)
{
	static const char head[] = STREAM_HEAD ":\n\n";

	(void)s;
	*(struct stub_conn **)arg = c;
	stub_write(c, head, sizeof(head) - 1);
	return true;
}

static void silence_is_noticed(void **state)
{
	struct clock clock = {wall_ahead, mono_ahead};
	struct fx f = {0};
	struct stub_conn *conn = NULL;
	json_t *o;

	(void)state;
	ahead_ms = 0;
	assert_int_equal(loop_new(&clock, &f.loop, &f.err), 0);
	f.stub = stub_new(f.loop);
	f.stub->handler = hold;
	f.stub->arg = &conn;
	{
		cleanup(world_release) struct world w = {0};

		to_channel(&w, &f, NULL);
		json_decref(until(&w, "state", "connected"));
		/* A comment is a sign of life, too. */
		for (int i = 0; i < 3; i++) {
			ahead_ms += STREAM_IDLE_MS - 5000;
			stub_write(conn, ":\n", 2);
			for (int k = 0; k < 5; k++)
				turn(&f);
			o = stream_state(w.s);
			assert_string_equal(json_str(o, "state", ""), "connected");
			json_decref(o);
		}
		ahead_ms += STREAM_IDLE_MS;
		json_decref(until(&w, "problem", "nothing came for 100 s"));
		ahead_ms += 2 * STREAM_WAIT_MS;
		json_decref(until(&w, "state", "connected"));
		assert_int_equal(w.gaps, 1);
	}
	stub_free(f.stub);
	loop_free(f.loop);
}

static void until_asked(struct fx *f, size_t n)
{
	for (int64_t end = now_ms() + PATIENT_MS; f->stub->n < n; turn(f)) {
		ahead_ms += 1000; /* it need not be waited for */
		if (now_ms() > end)
			fail_msg("asked %zu times, not %zu", f->stub->n, n);
	}
}

/* A server that ends every connection does not have everything read at each. */
static void many_gaps_are_told_together(void **state)
{
	static const struct canned cut[] = {
		{.what = "GET /abc", .body = STREAM_HEAD "retry: 100\n\n", .trick = STUB_RAW}, END};
	static const struct canned hang[] = {TRICK("GET /abc", STUB_HANG), END};
	struct clock clock = {wall_ahead, mono_ahead};
	struct fx f = {0};

	(void)state;
	ahead_ms = 0;
	assert_int_equal(loop_new(&clock, &f.loop, &f.err), 0);
	f.stub = stub_new(f.loop);
	{
		cleanup(world_release) struct world w = {0};

		to_channel(&w, &f, cut);
		until_asked(&f, 6);
		assert_int_equal(w.gaps, 1); /* the first one, at once */
		f.stub->answers = hang;
		until_asked(&f, 7);
		assert_true(ahead_ms < STREAM_AGAIN_MS - 60000);
		assert_int_equal(w.gaps, 1);
		ahead_ms += STREAM_AGAIN_MS;
		for (int64_t end = now_ms() + PATIENT_MS; w.gaps < 2 && now_ms() < end;)
			turn(&f);
		assert_int_equal(w.gaps, 2); /* and those after it, also when no other comes */
	}
	stub_free(f.stub);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(ids_and_times),
		cmocka_unit_test(long_names),
		cmocka_unit_test(the_signed_bytes),
		TEST(a_cut_stream_is_taken_up),
		TEST(what_is_not_taken_is_a_gap),
		TEST(what_is_no_channel),
		TEST(it_waits_longer_each_time),
		TEST(it_waits_as_told),
		cmocka_unit_test(silence_is_noticed),
		cmocka_unit_test(many_gaps_are_told_together),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
