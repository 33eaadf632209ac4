/*
 * jsonl.h - the decoder of a stream of JSON objects, one a line. Pure: bytes in, objects out.
 *
 *     jsonl_add(&d, chunk, n);
 *     while ((rc = jsonl_next(&d, &msg, err)) > 0)
 *             …
 *
 * A decoder that has failed stays failed: after a broken line nothing tells where the next begins.
 */
#ifndef YM_SYS_JSONL_H
#define YM_SYS_JSONL_H

#include "base/buf.h"
#include "base/json.h"

struct jsonl {
	struct buf in;
	size_t at;      /* where the first line not handed out begins */
	size_t scanned; /* up to here there is no newline after `at` */
	size_t line_max;
	bool failed;
};

void jsonl_init(struct jsonl *d, size_t line_max);
void jsonl_release(struct jsonl *d);
/* Takes n bytes as they came. At most line_max and what one call brings is ever kept. */
void jsonl_add(struct jsonl *d, const void *p, size_t n);
/*
 * 1: the next object; 0: more bytes are needed; -1: the line is longer than line_max (ERR_LIMIT) or
 * no JSON object (ERR_INPUT). An empty line is no object; a carriage return before the newline is
 * taken for white space.
 */
int jsonl_next(struct jsonl *d, json_t **ret, struct err *err);
/* At the stream's end: 0, or -1 when it ends within a line. */
int jsonl_end(const struct jsonl *d, struct err *err);

#endif
