/* github_auth.c - see github_auth.h */
#include "forge/github_auth.h"

#include "base/buf.h"
#include "base/mem.h"

#include <time.h>

/* libcrypto has a type of the name that base/err.h gives a number. */
#define ERR_STATE libcrypto_ERR_STATE
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#undef ERR_STATE

#define RSA_BITS_MIN 2048

struct gh_key {
	EVP_PKEY *pkey;
};

/* --- the key --- */

/* Without it libcrypto would ask on the terminal for the password of an encrypted key. */
static int no_password(char *to, int size, int rw, void *arg)
{
	(void)to;
	(void)size;
	(void)rw;
	*(int *)arg = 1;
	return -1;
}

static EVP_PKEY *read_key(const char *pem, size_t len, int *ret_encrypted)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *k;

	if (!bio)
		abort();
	k = PEM_read_bio_PrivateKey(bio, NULL, no_password, ret_encrypted);
	BIO_free(bio);
	ERR_clear_error();
	return k;
}

int gh_key_new(const char *pem, size_t len, struct gh_key **ret, struct err *err)
{
	int encrypted = 0;
	EVP_PKEY *pkey;
	const char *found = NULL;

	if (len > GH_KEY_MAX)
		return err_set(err, ERR_INPUT, "App key: %zu bytes; a PEM has at most %zu", len,
			       GH_KEY_MAX);
	pkey = read_key(pem, len, &encrypted);
	if (encrypted)
		found = "an encrypted key";
	else if (!pkey)
		found = "no private key";
	else if (EVP_PKEY_base_id(pkey) != EVP_PKEY_RSA)
		found = "a key that is not RSA";
	else if (EVP_PKEY_bits(pkey) < RSA_BITS_MIN)
		found = "an RSA key below 2048 bits";
	if (found) {
		EVP_PKEY_free(pkey);
		return err_set(err, ERR_INPUT,
			       "App key: found %s; expected the PEM file that GitHub generated for "
			       "the App (BEGIN RSA PRIVATE KEY)",
			       found);
	}
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->pkey = pkey;
	return 0;
}

void gh_key_free(struct gh_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey); /* clears the private parts */
	free(k);
}

void gh_secret_free(char *s)
{
	if (s)
		mem_wipe(s, strlen(s));
	free(s);
}

/* --- the JWT --- */

static void add_base64url(struct buf *b, const unsigned char *p, size_t n)
{
	autofree char *s = xmalloc(4 * ((n + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *)s, p, (int)n);
	s[strcspn(s, "=")] = '\0';
	for (char *c = s; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	buf_adds(b, s);
}

static void add_json(struct buf *b, char *text)
{
	add_base64url(b, (unsigned char *)text, strlen(text));
	free(text);
}

static int add_signature(struct buf *b, const struct gh_key *k)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = (size_t)EVP_PKEY_size(k->pkey);
	autofree unsigned char *sig = xmalloc(n);
	int ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
		 EVP_DigestSign(ctx, sig, &n, (const unsigned char *)b->s, b->len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return -1;
	buf_addc(b, '.');
	add_base64url(b, sig, n);
	return 0;
}

int gh_jwt_new(const struct gh_key *k, const char *issuer, int64_t now_s, char **ret,
	       struct err *err)
{
	cleanup(buf_release) struct buf b = BUF_INIT;

	add_json(&b, xstrdup("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
	buf_addc(&b, '.');
	/* The issuer was checked to be letters, digits and the like: it needs no quoting. */
	add_json(&b, xasprintf("{\"iat\":%lld,\"exp\":%lld,\"iss\":\"%s\"}",
			       (long long)(now_s - GH_JWT_BACK_S),
			       (long long)(now_s + GH_JWT_AHEAD_S), issuer));
	if (add_signature(&b, k) < 0)
		return err_set(err, ERR_INTERNAL, "App key: libcrypto cannot sign with it");
	*ret = buf_steal(&b);
	return 0;
}

/* --- tokens --- */

int gh_token_check(const char *token, struct err *err)
{
	size_t n = strlen(token);

	if (!n || n > GH_TOKEN_MAX)
		return err_set(err, ERR_INPUT, "token: found %zu characters; expected 1 to %zu", n,
			       GH_TOKEN_MAX);
	for (size_t i = 0; i < n; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return err_set(err, ERR_INPUT,
				       "token: character %zu is a blank or not ASCII; expected "
				       "the token alone",
				       i + 1);
	return 0;
}

int64_t gh_time(const char *iso)
{
	struct tm tm = {0};
	const char *rest = strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t t, hours, minutes;

	if (!rest || tm.tm_year < 70)
		return -1;
	t = timegm(&tm);
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!strcmp(rest, "Z"))
		return t;
	if ((*rest != '+' && *rest != '-') || strlen(rest) != 6 || rest[3] != ':' ||
	    strspn(rest + 1, "0123456789") != 2 || strspn(rest + 4, "0123456789") != 2)
		return -1;
	hours = (rest[1] - '0') * 10 + rest[2] - '0';
	minutes = (rest[4] - '0') * 10 + rest[5] - '0';
	t -= (*rest == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return t < 0 ? -1 : t;
}
