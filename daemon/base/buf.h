/*
 * buf.h - a growing byte buffer with a hard maximum that fails sticky.
 *
 * Appending past `max` sets `failed`, keeps what is there, and every later append does nothing: a
 * caller builds the whole text and asks once at the end. `s` is always NUL-terminated (and "" in an
 * empty buffer), so it can be printed at any time; the bytes may contain NUL.
 *
 *     cleanup(buf_release) struct buf b = BUF_INIT;
 *     buf_addf(&b, "%s:%d", name, port);
 *     return buf_steal(&b);
 */
#ifndef YM_BASE_BUF_H
#define YM_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *s;     /* never NULL once initialised; not owned while cap is 0 */
	size_t len;  /* bytes in use, without the terminator */
	size_t cap;  /* bytes allocated */
	size_t max;  /* 0: BUF_MAX_DEFAULT */
	bool failed; /* an append did not fit */
};

#define BUF_MAX_DEFAULT ((size_t)64 << 20)
extern char buf_empty[1];
#define BUF_INIT                                                                                   \
	{                                                                                          \
		.s = buf_empty                                                                     \
	}
#define BUF_INIT_MAX(m)                                                                            \
	{                                                                                          \
		.s = buf_empty, .max = (m)                                                         \
	}

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* frees; the buffer is empty and usable again, max kept */
void buf_reset(struct buf *b);   /* empties, keeps the memory, clears `failed` */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s); /* NULL adds nothing */
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for n more bytes at b->s + b->len, or NULL (and failed) over the maximum; the caller then
 * adds what it wrote to b->len with buf_grown(). */
char *buf_room(struct buf *b, size_t n);
void buf_grown(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t len);
void buf_consume(struct buf *b, size_t n); /* drops n bytes from the front */
void buf_rtrim(struct buf *b);             /* drops trailing white space */
char *buf_steal(struct buf *b);            /* hands the string over; the buffer is empty again */

#endif
