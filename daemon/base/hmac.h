/*
 * hmac.h - HMAC-SHA256 over bytes that come in pieces. (text_hmac() is for bytes that are all there.)
 *
 * One object is used again and again: the key is expanded once.
 */
#ifndef YM_BASE_HMAC_H
#define YM_BASE_HMAC_H

#include <stdbool.h>
#include <stddef.h>

#define HMAC_BYTES 32

struct hmac;

struct hmac *hmac_new(const void *key, size_t n);
void hmac_free(struct hmac *h);
void hmac_begin(struct hmac *h);
void hmac_add(struct hmac *h, const void *p, size_t n);
void hmac_end(struct hmac *h, unsigned char ret[HMAC_BYTES]);
/* In a time that does not depend on where they differ. */
bool hmac_equal(const unsigned char a[HMAC_BYTES], const unsigned char b[HMAC_BYTES]);

#endif
