/* jsonl.c - see jsonl.h */
#include "sys/jsonl.h"

void jsonl_init(struct jsonl *d, size_t line_max)
{
	*d = (struct jsonl){.line_max = line_max};
	buf_init(&d->in, SIZE_MAX / 2); /* jsonl_next() holds the limit */
}

void jsonl_release(struct jsonl *d)
{
	buf_release(&d->in);
}

void jsonl_add(struct jsonl *d, const void *p, size_t n)
{
	if (d->failed)
		return;
	buf_consume(&d->in, d->at);
	d->scanned -= d->at;
	d->at = 0;
	buf_add(&d->in, p, n);
}

static int fail(struct jsonl *d)
{
	d->failed = true;
	buf_release(&d->in);
	d->at = d->scanned = 0;
	return -1;
}

static int too_long(struct jsonl *d, struct err *err)
{
	err_set(err, ERR_LIMIT, "a line of more than %zu bytes; at most that is taken",
		d->line_max);
	return fail(d);
}

int jsonl_next(struct jsonl *d, json_t **ret, struct err *err)
{
	const char *line, *end;
	json_t *j;
	size_t n;

	if (d->failed)
		return err_set(err, ERR_STATE, "the stream was given up after a broken line");
	line = d->in.s + d->at;
	end = memchr(d->in.s + d->scanned, '\n', d->in.len - d->scanned);
	n = end ? (size_t)(end - line) : d->in.len - d->at;
	if (n > d->line_max)
		return too_long(d, err);
	if (!end) {
		d->scanned = d->in.len;
		return 0;
	}
	if (json_parse(line, n, d->line_max, &j, err) < 0) {
		err_wrap(err, "a line of %zu bytes", n);
		return fail(d);
	}
	d->at = d->scanned = (size_t)(end - d->in.s) + 1;
	if (!json_is_object(j)) {
		json_decref(j);
		err_set(err, ERR_INPUT, "a line of %zu bytes is JSON but not an object", n);
		return fail(d);
	}
	*ret = j;
	return 1;
}

int jsonl_end(const struct jsonl *d, struct err *err)
{
	if (d->in.len > d->at)
		return err_set(err, ERR_INPUT, "ended within a line, after %zu bytes of it",
			       d->in.len - d->at);
	return 0;
}
