/* text_hash.c - the hashes of text.h, apart from it because only they need libcrypto */
#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static char *hex(const unsigned char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *s = xmalloc(2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		s[2 * i] = digits[p[i] >> 4];
		s[2 * i + 1] = digits[p[i] & 15];
	}
	s[2 * n] = '\0';
	return s;
}

/* The functions below fail only without memory or without a working libcrypto; a hash that was not
 * computed must not be compared or stored. */
char *text_sha256(const void *p, size_t n)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!EVP_Digest(p, n, md, &len, EVP_sha256(), NULL))
		abort();
	return hex(md, len);
}

char *text_hmac(const void *key, size_t key_len, const void *p, size_t n)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (key_len > INT_MAX ||
	    !HMAC(EVP_sha256(), key_len ? key : "", (int)key_len, p, n, md, &len))
		abort();
	return hex(md, len);
}
