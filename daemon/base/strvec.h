/*
 * strvec.h - a list of owned strings, always NULL-terminated so that it serves as an argv.
 */
#ifndef YM_BASE_STRVEC_H
#define YM_BASE_STRVEC_H

#include <stdbool.h>
#include <stddef.h>

struct strvec {
	char **v; /* v[n] is NULL; v itself is NULL while nothing was pushed */
	size_t n;
	size_t cap;
};

#define STRVEC_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}
#define strvec_foreach(vec, item) for (char **item = (vec)->v; item && *item; item++)

const char *strvec_push(struct strvec *vec, const char *s); /* copies */
void strvec_push_take(struct strvec *vec, char *s);         /* takes ownership */
void strvec_pushf(struct strvec *vec, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strvec_pushl(struct strvec *vec, ...) __attribute__((sentinel)); /* up to a NULL */
void strvec_extend(struct strvec *vec, const struct strvec *more);
bool strvec_has(const struct strvec *vec, const char *s);
void strvec_sort(struct strvec *vec);
void strvec_release(struct strvec *vec);

/* Cuts s at every `sep`; an empty s gives no element. */
void strvec_split(struct strvec *vec, const char *s, char sep);
char *strvec_join(const struct strvec *vec, const char *sep); /* caller frees */

#endif
