/*
 * mem.h - allocation that cannot fail, and scope cleanup.
 *
 * Out of memory is the one condition, beside a broken invariant, in which this program aborts:
 * there is no meaningful way on, the ledger is on disk, and the next start continues from it.
 *
 * Ownership is shown by type: `autofree char *s` is freed when the scope ends; `steal(&s)` hands
 * the value over and leaves NULL behind, so that the cleanup then does nothing.
 */
#ifndef YM_BASE_MEM_H
#define YM_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
/* Grows an array of `n` elements of `size` bytes; aborts when the product overflows. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);            /* NULL gives NULL */
char *xstrndup(const char *s, size_t n); /* copies at most n bytes and terminates */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* Overwrites memory in a way that the compiler may not remove; for secrets. */
void mem_wipe(void *p, size_t n);

void ym_cleanup_free(void *p);  /* p is the address of the pointer */
void ym_cleanup_close(int *fd); /* closes when >= 0, keeps errno */

/* unused: clang does not count the clean-up as a use, gcc does. */
#define autofree   __attribute__((__cleanup__(ym_cleanup_free), __unused__))
#define autoclose  __attribute__((__cleanup__(ym_cleanup_close), __unused__))
#define cleanup(f) __attribute__((__cleanup__(f), __unused__))

#define steal(pp)                                                                                  \
	({                                                                                         \
		__typeof__(pp) ym_pp = (pp);                                                       \
		__typeof__(*ym_pp) ym_v = *ym_pp;                                                  \
		*ym_pp = NULL;                                                                     \
		ym_v;                                                                              \
	})
#define steal_fd(pfd)                                                                              \
	({                                                                                         \
		int *ym_pfd = (pfd);                                                               \
		int ym_fd = *ym_pfd;                                                               \
		*ym_pfd = -1;                                                                      \
		ym_fd;                                                                             \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
