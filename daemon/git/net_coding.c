/* net_coding.c - see net_coding.h */
#include "git/net_coding.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

char *net_base64(const void *p, size_t n)
{
	char *s = xmalloc(4 * (n + 2) / 3 + 5);
	int len = EVP_EncodeBlock((unsigned char *)s, p, (int)n);

	while (len > 0 && s[len - 1] == '=')
		len--;
	s[len] = '\0';
	return s;
}

int net_unbase64(const char *s, size_t n, unsigned char *to, size_t max)
{
	int len;

	if (!n || n % 4 || n > INT_MAX || n / 4 * 3 > max)
		return -1;
	len = EVP_DecodeBlock(to, (const unsigned char *)s, (int)n);
	/* It decodes the padding to zero bytes. */
	return len < 0 ? -1 : len - (s[n - 1] == '=') - (s[n - 2] == '=');
}

bool net_hmac_sha1(const void *key, size_t key_len, const char *s, unsigned char *ret)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!HMAC(EVP_sha1(), key, (int)key_len, (const unsigned char *)s, strlen(s), md, &len) ||
	    len != NET_SHA1_LEN)
		return false;
	memcpy(ret, md, NET_SHA1_LEN);
	return true;
}
