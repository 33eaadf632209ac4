/*
 * body.h - where the bytes of a delivery are until it is whole.
 *
 * Up to BODY_MEMORY_MAX they are in memory, beyond in a file without a name below the data directory, and
 * beyond DELIVERY_BODY_MAX nowhere: such a delivery is only a wake-up. All bodies together may take
 * BODY_MEMORY_ALL in memory (the next ones go to files at once) and BODY_SPOOL_ALL in files; more is refused.
 * Room is taken for what has come, up to twice of it, never for what was announced: announcing costs nothing.
 */
#ifndef YM_WEB_BODY_H
#define YM_WEB_BODY_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define BODY_MEMORY_MAX ((size_t)64 << 10)
#define BODY_MEMORY_ALL ((size_t)8 << 20)
#define BODY_SPOOL_ALL  ((size_t)64 << 20)

struct body_space {
	const char *folder; /* for the files; made when the first one is needed */
	size_t memory, spool;
};

struct body {
	struct body_space *space;
	size_t size;                /* bytes that came */
	size_t length;              /* that were announced; 0: unknown */
	size_t memory_got, spooled; /* what it holds of the space */
	char *p;
	size_t cap;
	int fd;
	bool dropped; /* too large: nothing is kept */
};

/* length: Content-Length, -1 when unknown. */
void body_init(struct body *b, struct body_space *space, int64_t length);
/* ERR_LIMIT: there is no space now, and nothing was added; ERR_IO: the disk. */
int body_add(struct body *b, const void *p, size_t n, struct err *err);
/* The whole of it: *ret belongs to the body and is NULL when nothing was kept. */
int body_read(struct body *b, const char **ret, struct err *err);
/* What it holds of the space. */
size_t body_holds(const struct body *b);
void body_release(struct body *b);

#endif
