/* sse.c - see sse.h */
#include "web/sse.h"

#include "base/mem.h"

#include <string.h>

#define FIELD_ROOM ((size_t)16)       /* "data: " beside its value */
#define KEEP_MAX   ((size_t)64 << 10) /* memory that is kept for the next event */

void sse_init(struct sse *s, size_t max, sse_fn fn, void *arg)
{
	*s = (struct sse){.fn = fn, .arg = arg, .retry_ms = -1};
	buf_init(&s->line, max + FIELD_ROOM);
	buf_init(&s->data, max + 1); /* each line's LF, the last one's too */
	buf_init(&s->name, SSE_NAME_MAX);
	buf_init(&s->id, SSE_ID_MAX);
	buf_init(&s->last_id, SSE_ID_MAX);
}

static void empty(struct buf *b)
{
	if (b->cap > KEEP_MAX)
		buf_release(b);
	buf_reset(b);
}

void sse_again(struct sse *s)
{
	empty(&s->line);
	empty(&s->data);
	buf_reset(&s->name);
	buf_reset(&s->id);
	buf_add(&s->id, s->last_id.s, s->last_id.len);
	s->began = s->after_cr = s->has_data = s->over = false;
}

void sse_release(struct sse *s)
{
	buf_release(&s->line);
	buf_release(&s->data);
	buf_release(&s->name);
	buf_release(&s->id);
	buf_release(&s->last_id);
}

/* --- fields ----------------------------------------------------------------------------------------- */

static void on_name(struct sse *s, const char *p, size_t n)
{
	buf_reset(&s->name);
	buf_add(&s->name, p, n);
}

static void on_value(struct sse *s, const char *p, size_t n)
{
	s->has_data = true;
	buf_add(&s->data, p, n);
	buf_addc(&s->data, '\n');
	s->over |= s->data.failed;
	if (s->over)
		empty(&s->data);
}

static void on_id(struct sse *s, const char *p, size_t n)
{
	if (n > SSE_ID_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return;
	buf_reset(&s->id);
	buf_add(&s->id, p, n);
}

static void on_retry(struct sse *s, const char *p, size_t n)
{
	int64_t ms = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return;
		ms = ms * 10 + (p[i] - '0');
		if (ms > SSE_RETRY_MAX)
			ms = SSE_RETRY_MAX;
	}
	if (n)
		s->retry_ms = ms;
}

static const struct {
	const char *name;
	void (*take)(struct sse *s, const char *p, size_t n);
} fields[] = {
	{"data", on_value},
	{"event", on_name},
	{"id", on_id},
	{"retry", on_retry},
};

static void on_field(struct sse *s, const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	size_t name = colon ? (size_t)(colon - p) : n, skip = colon ? name + 1 : n;

	if (colon && skip < n && p[skip] == ' ')
		skip++;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strlen(fields[i].name) == name && !memcmp(fields[i].name, p, name))
			fields[i].take(s, p + skip, n - skip);
}

/* --- lines and events ------------------------------------------------------------------------------- */

static void on_end(struct sse *s)
{
	struct sse_event e = {.name = s->name.failed ? ""
				      : s->name.len  ? s->name.s
						     : "message",
			      .data = "",
			      .too_large = s->over};

	buf_reset(&s->last_id);
	buf_add(&s->last_id, s->id.s, s->id.len);
	if (s->has_data && !s->over) {
		buf_truncate(&s->data, s->data.len - 1);
		e.data = s->data.s;
		e.len = s->data.len;
	}
	if (s->has_data || s->over)
		s->fn(s->arg, &e);
	empty(&s->data);
	buf_reset(&s->name);
	s->has_data = s->over = false;
}

static void on_line(struct sse *s)
{
	static const char mark[] = "\xEF\xBB\xBF";
	const char *p = s->line.s;
	size_t n = s->line.len;

	if (!s->began && n >= 3 && !memcmp(p, mark, 3)) {
		p += 3;
		n -= 3;
	}
	s->began = true;
	/* Too long for any field: with `data`, so is the event. */
	if (s->line.failed)
		s->over |= n > 4 && !memcmp(p, "data", 4);
	else if (n)
		on_field(s, p, n);
	else
		on_end(s);
	empty(&s->line);
}

/* Bytes up to the end of the line. */
static size_t up_to_end(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n), *cr;
	size_t len = lf ? (size_t)(lf - p) : n;

	cr = memchr(p, '\r', len);
	return cr ? (size_t)(cr - p) : len;
}

/* What fits is kept, so that it is known which field was too long. */
static void add_part(struct buf *b, const char *p, size_t n)
{
	size_t room = b->max - b->len;

	if (!b->failed && n > room)
		buf_add(b, p, room);
	buf_add(b, p, n);
}

void sse_feed(struct sse *s, const char *p, size_t n)
{
	while (n) {
		size_t len;

		if (s->after_cr && *p == '\n') { /* the other half of a CRLF */
			p++;
			n--;
		}
		s->after_cr = false;
		len = up_to_end(p, n);
		add_part(&s->line, p, len);
		if (len == n)
			return;
		s->after_cr = p[len] == '\r';
		on_line(s);
		p += len + 1;
		n -= len + 1;
	}
}
