/*
 * github_fixture.h - a client and, in the same loop, the server that it talks to.
 *
 * The server hands out tokens by itself ("ghs_<number>_" and 4,000 more characters) unless the test's
 * answers say otherwise; fx_get() and fx_send() send for installation 7, fx_expect() waits.
 */
#ifndef YM_TESTS_GITHUB_FIXTURE_H
#define YM_TESTS_GITHUB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "forge/github_client.h"
#include "http_stub.h"
#include "patience.h"

#include <time.h>

#define ERR_STATE libcrypto_ERR_STATE
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#undef ERR_STATE

#define FX_INSTALLATION 7
#define FX_TOKENS       "POST /app/installations/7/access_tokens"

/* What came of one request. */
struct ask {
	int calls;
	enum gh_outcome outcome;
	int status;
	json_t *body;
	char *text, *raw, *renamed;
	size_t raw_len;
	int64_t not_before_ms, number;
	bool changed;
};

struct fx {
	struct loop *loop;
	struct clock clock; /* of the loop and the client */
	int64_t wall_off, mono_off;
	struct stub *stub;
	struct gh *gh;
	EVP_PKEY *key;
	char *pem;
	size_t pem_len;
	char *base;
	int tokens;
	int64_t token_life_s;
	bool check_clock; /* tokens are for a JWT of the true time only */
	struct ask more;
	uint64_t victim;
	struct err err;
};

static inline void ask_release(struct ask *a)
{
	json_decref(a->body);
	free(a->text);
	free(a->raw);
	free(a->renamed);
	*a = (struct ask){0};
}

static inline void ask_done(void *arg, const struct gh_answer *a)
{
	struct ask *to = arg;

	to->calls++;
	to->outcome = a->outcome;
	to->status = a->status;
	to->body = json_incref(a->body);
	to->text = xstrdup(a->text);
	to->renamed = xstrdup(a->renamed);
	to->raw = a->raw ? xstrndup(a->raw, a->raw_len) : NULL;
	to->raw_len = a->raw_len;
	to->not_before_ms = a->not_before_ms;
	to->changed = a->changed;
}

static inline void fx_on_installation(void *arg, const struct gh_answer *a, int64_t installation)
{
	ask_done(arg, a);
	((struct ask *)arg)->number = installation;
}

static inline void fx_on_token(void *arg, const struct gh_answer *a, const char *token)
{
	ask_done(arg, a);
	((struct ask *)arg)->raw = xstrdup(token);
}

/* --- the JWT --- */

static inline size_t fx_base64url(const char *s, size_t n, unsigned char **ret)
{
	autofree char *plain = xmalloc(n + 4);
	int len;

	for (size_t i = 0; i < n; i++)
		plain[i] = s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];
	for (len = (int)n; len % 4; len++)
		plain[len] = '=';
	*ret = xcalloc(1, (size_t)len + 1);
	assert_true(EVP_DecodeBlock(*ret, (unsigned char *)plain, len) >= 0);
	return (size_t)(len / 4 * 3) - ((size_t)len - n);
}

/* Its claims, when it is one signed with the fixture's key. */
static inline json_t *fx_verify_jwt(struct fx *f, const char *jwt)
{
	const char *claims = strchr(jwt, '.') + 1, *sig = strchr(claims, '.') + 1;
	autofree unsigned char *head = NULL, *text = NULL, *raw = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = fx_base64url(sig, strlen(sig), &raw);

	fx_base64url(jwt, (size_t)(claims - 1 - jwt), &head);
	assert_string_equal((char *)head, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
	fx_base64url(claims, (size_t)(sig - 1 - claims), &text);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, f->key), 1);
	assert_int_equal(
		EVP_DigestVerify(ctx, raw, n, (const unsigned char *)jwt, (size_t)(sig - 1 - jwt)),
		1);
	EVP_MD_CTX_free(ctx);
	return json_loads((char *)text, 0, NULL);
}

/* A server whose clock is right refuses a JWT of the wrong hour. */
static inline bool fx_jwt_is_of_now(struct fx *f, const struct stub_seen *s)
{
	autofree char *value = stub_header(s, "Authorization");
	autojson json_t *claims = fx_verify_jwt(f, value + strlen("Bearer "));
	int64_t now = time(NULL);

	return json_int(claims, "iat", 0) <= now && json_int(claims, "exp", 0) >= now &&
	       json_int(claims, "exp", 0) <= now + 600;
}

/* --- the server's tokens --- */

static inline bool fx_hand_out_token(struct stub_conn *c, const struct stub_seen *s, void *arg)
{
	struct fx *f = arg;
	time_t date = time(NULL), end = date + f->token_life_s;
	autofree char *body = NULL;
	char expires[64];
	struct tm tm;

	for (size_t i = 0; f->stub->answers && f->stub->answers[i].what; i++)
		if (!strcmp(f->stub->answers[i].what, s->what) &&
		    (!f->stub->answers[i].times || f->stub->used[i] < f->stub->answers[i].times))
			return false;
	if (strcmp(s->what, FX_TOKENS))
		return false;
	if (f->check_clock && !fx_jwt_is_of_now(f, s)) {
		strftime(expires, sizeof(expires), "%a, %d %b %Y %H:%M:%S GMT",
			 gmtime_r(&date, &tm));
		body = xasprintf("Date: %s\r\n", expires);
		stub_reply(c, 401, body, "{\"message\":\"'exp' is too far in the future\"}", 0);
		return true;
	}
	strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &tm));
	body = xasprintf("{\"token\":\"ghs_%d_%04000d\",\"expires_at\":\"%s\"}", ++f->tokens, 0,
			 expires);
	stub_reply(c, 201, "", body, 0);
	return true;
}

/* --- life --- */

static inline struct fx *fx_of(struct clock *c)
{
	return (struct fx *)((char *)c - offsetof(struct fx, clock));
}

static inline int64_t fx_wall(struct clock *c)
{
	return clock_system.wall_ms(&clock_system) + fx_of(c)->wall_off;
}

static inline int64_t fx_mono(struct clock *c)
{
	return clock_system.mono_ms(&clock_system) + fx_of(c)->mono_off;
}

static inline struct gh_conf fx_conf(struct fx *f)
{
	struct gh_conf c = GH_CONF_INIT;

	c.base_url = f->base;
	c.app = "Iv23test";
	c.key = f->pem;
	c.key_len = f->pem_len;
	c.backoff_ms = 10;
	c.create_gap_ms = 100;
	c.wait_ms = 2000;
	c.stall_ms = 1000;
	c.total_ms = 4000;
	return c;
}

static inline void fx_client(struct fx *f, const struct gh_conf *c)
{
	gh_free(f->gh);
	f->gh = NULL;
	if (gh_new(f->loop, &f->clock, &rnd_system, c, &f->gh, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static inline char *fx_pem(EVP_PKEY *key, size_t *ret_len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p, *copy;

	assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL),
			 1);
	*ret_len = (size_t)BIO_get_mem_data(bio, &p);
	copy = xstrndup(p, *ret_len);
	BIO_free(bio);
	return copy;
}

static inline int fx_setup(void **state)
{
	struct fx *f = xcalloc(1, sizeof(*f));
	struct gh_conf c;
	static EVP_PKEY *key; /* making one takes a while */

	f->clock = (struct clock){fx_wall, fx_mono};
	f->token_life_s = 3600;
	if (loop_new(&f->clock, &f->loop, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
	f->stub = stub_new(f->loop);
	f->stub->handler = fx_hand_out_token;
	f->stub->arg = f;
	f->base = xasprintf("http://127.0.0.1:%d", f->stub->port);
	if (!key)
		key = EVP_RSA_gen(2048);
	f->key = key;
	EVP_PKEY_up_ref(key);
	f->pem = fx_pem(f->key, &f->pem_len);
	c = fx_conf(f);
	fx_client(f, &c);
	*state = f;
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *f = *state;

	gh_free(f->gh);
	stub_free(f->stub);
	loop_free(f->loop);
	EVP_PKEY_free(f->key);
	err_release(&f->err);
	free(f->pem);
	free(f->base);
	free(f);
	return 0;
}

/* --- asking --- */

static inline int64_t fx_now(void)
{
	return clock_system.mono_ms(&clock_system);
}

static inline void fx_turn(struct fx *f)
{
	if (loop_turn(f->loop, 100, &f->err) < 0)
		fail_msg("%s", err_text(&f->err));
}

static inline uint64_t fx_send(struct fx *f, struct ask *a, const char *method, const char *path,
			       json_t *body, unsigned flags)
{
	struct gh_req r = {.method = method, .path = path, .body = body, .flags = flags};
	uint64_t id;

	r.installation = FX_INSTALLATION;
	r.done = ask_done;
	r.arg = a;
	id = gh_send(f->gh, &r);
	json_decref(body);
	assert_int_equal(a->calls, 0); /* never from inside */
	return id;
}

static inline uint64_t fx_get(struct fx *f, struct ask *a, const char *path, unsigned flags)
{
	return fx_send(f, a, "GET", path, NULL, flags);
}

static inline void fx_wait(struct fx *f, const struct ask *a)
{
	for (int64_t end = fx_now() + PATIENT_MS; !a->calls;) {
		fx_turn(f);
		if (fx_now() > end)
			fail_msg("no answer came");
	}
	assert_int_equal(a->calls, 1);
}

static inline void fx_expect(struct fx *f, const struct ask *a, enum gh_outcome o, int status)
{
	fx_wait(f, a);
	if (a->outcome != o || a->status != status)
		fail_msg("found %s, status %d (%s); expected %s, status %d",
			 gh_outcome_name(a->outcome), a->status, a->text, gh_outcome_name(o),
			 status);
}

/* One on which nobody listens. */
static inline int fx_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* The i-th request was this, and had this in its headers. */
static inline void fx_seen_with(struct fx *f, size_t i, const char *what, const char *header)
{
	if (i >= f->stub->n || strcmp(f->stub->seen[i].what, what))
		fail_msg("request %zu: found %s, expected %s", i,
			 i < f->stub->n ? f->stub->seen[i].what : "none", what);
	if (!strstr(f->stub->seen[i].headers, header))
		fail_msg("request %zu, %s: no '%s' in its headers: %s", i, what, header,
			 f->stub->seen[i].headers);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

#endif
