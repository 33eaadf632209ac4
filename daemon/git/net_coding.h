/*
 * net_coding.h - the codings of SSH and HTTP that the net role needs, apart from the rest because
 * OpenSSL's headers and ours have names in common.
 */
#ifndef YM_GIT_NET_CODING_H
#define YM_GIT_NET_CODING_H

#include <stdbool.h>
#include <stddef.h>

#define NET_SHA1_LEN 20

/* Base64 without its padding; caller frees. */
char *net_base64(const void *p, size_t n);
/* Bytes of a padded base64 text of n characters, or -1: none, or more than max. */
int net_unbase64(const char *s, size_t n, unsigned char *to, size_t max);
bool net_hmac_sha1(const void *key, size_t key_len, const char *s, unsigned char *ret);

#endif
