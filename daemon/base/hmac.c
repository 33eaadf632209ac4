/* hmac.c - see hmac.h; OpenSSL's headers come first: they use names that ours ban. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/hmac.h"
#include "base/mem.h"

#include <stdlib.h>

struct hmac {
	EVP_MAC_CTX *ctx;
};

/* Out of memory is the one reason for which these calls fail. */
static void must(int rc)
{
	if (rc != 1)
		abort();
}

struct hmac *hmac_new(const void *key, size_t n)
{
	struct hmac *h = xcalloc(1, sizeof(*h));
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	must(mac != NULL);
	h->ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	must(h->ctx != NULL);
	must(EVP_MAC_init(h->ctx, key, n, params));
	return h;
}

void hmac_free(struct hmac *h)
{
	if (!h)
		return;
	EVP_MAC_CTX_free(h->ctx); /* wipes the key */
	free(h);
}

void hmac_begin(struct hmac *h)
{
	must(EVP_MAC_init(h->ctx, NULL, 0, NULL));
}

void hmac_add(struct hmac *h, const void *p, size_t n)
{
	must(EVP_MAC_update(h->ctx, p, n));
}

void hmac_end(struct hmac *h, unsigned char ret[HMAC_BYTES])
{
	size_t n = 0;

	must(EVP_MAC_final(h->ctx, ret, &n, HMAC_BYTES));
	must(n == HMAC_BYTES);
}

bool hmac_equal(const unsigned char a[HMAC_BYTES], const unsigned char b[HMAC_BYTES])
{
	return CRYPTO_memcmp(a, b, HMAC_BYTES) == 0;
}
