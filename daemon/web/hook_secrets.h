/*
 * hook_secrets.h - the secrets that a delivery may be signed with, and what each may speak for.
 *
 * All of them are tried on every delivery, each in constant time, so that several count while one is being
 * replaced. A set is shared: a delivery that began before a reload ends with the secrets of its beginning.
 */
#ifndef YM_WEB_HOOK_SECRETS_H
#define YM_WEB_HOOK_SECRETS_H

#include "base/hmac.h"
#include "bot/conf_hooks.h"

struct hook_secrets;
struct hook_check; /* one delivery's bytes, under all secrets */

int hook_secrets_new(const struct conf_hooks *conf, struct hook_secrets **ret, struct err *err);
void hook_secrets_unref(struct hook_secrets *s); /* NULL is fine */
size_t hook_secrets_count(const struct hook_secrets *s);

/* As the configuration names it. */
const char *hook_secrets_name(const struct hook_secrets *s, size_t i);
/* May what `name` signed be about this repository (NULL: about none)? A name that is not configured any more
 * may nothing. *ret_why (caller frees) when it may not. */
bool hook_secrets_may(const struct hook_secrets *s, const char *name, const char *repo,
		      char **ret_why);

struct hook_check *hook_check_begin(struct hook_secrets *s);
void hook_check_add(struct hook_check *c, const void *p, size_t n);
/* The number of the secret that gives this signature, or -1. */
int hook_check_end(struct hook_check *c, const unsigned char signature[HMAC_BYTES]);
struct hook_secrets *hook_check_set(const struct hook_check *c);
void hook_check_free(struct hook_check *c); /* NULL is fine */

/* "sha256=" and 64 hexadecimal digits, nothing else. */
bool hook_signature(const char *header, unsigned char ret[HMAC_BYTES]);

#endif
