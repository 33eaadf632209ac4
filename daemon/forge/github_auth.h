/*
 * github_auth.h - who we are to GitHub: the App's key, its JWT, and how long a token is good for.
 */
#ifndef YM_FORGE_GITHUB_AUTH_H
#define YM_FORGE_GITHUB_AUTH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct gh_key;

#define GH_KEY_MAX   ((size_t)64 << 10) /* bytes of a PEM */
#define GH_TOKEN_MAX ((size_t)64 << 10) /* tokens are opaque; this only bounds memory */

/* An RSA private key of at least 2048 bits as PEM (PKCS#1, as GitHub hands it out, or PKCS#8), not
 * encrypted. ERR_INPUT says what else it is. */
int gh_key_new(const char *pem, size_t len, struct gh_key **ret, struct err *err);
void gh_key_free(struct gh_key *k);

/*
 * The App's JWT (RS256) for `issuer`, its client ID or App ID: from 60 s before now_s, because clocks
 * differ, to 9 minutes after it, as GitHub takes ten at most. Caller wipes with gh_secret_free().
 */
#define GH_JWT_BACK_S  60
#define GH_JWT_AHEAD_S 540
int gh_jwt_new(const struct gh_key *k, const char *issuer, int64_t now_s, char **ret,
	       struct err *err);

/* Wipes and frees; NULL is fine. */
void gh_secret_free(char *s);

/* "2026-11-21T12:00:00Z" (also with a fraction, or an offset) as seconds since 1970; -1 when it is
 * none. */
int64_t gh_time(const char *iso);

/* Can it be the value of an Authorization header? 1 to GH_TOKEN_MAX visible ASCII characters. */
int gh_token_check(const char *token, struct err *err);

#endif
