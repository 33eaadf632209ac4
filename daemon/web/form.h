/*
 * form.h - application/x-www-form-urlencoded, as far as a webhook uses it.
 */
#ifndef YM_WEB_FORM_H
#define YM_WEB_FORM_H

#include "base/buf.h"
#include "base/err.h"

/* The decoded value of the only field of this name. ERR_INPUT: absent, twice, or badly escaped. */
int form_field(const char *s, size_t n, const char *name, struct buf *ret, struct err *err);

#endif
