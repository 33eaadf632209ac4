/* hook_secrets.c - see hook_secrets.h */
#include "web/hook_secrets.h"

#include "base/mem.h"
#include "sys/secret.h"

#include <strings.h>

#define SPARE_MAX 256 /* checks kept for the next deliveries */

struct hook_check {
	struct hook_secrets *of;
	struct hook_check *next; /* while it is spare */
	struct hmac *hmac[];     /* one a secret */
};

struct entry {
	char *name;
	struct secret secret;
	struct strvec repos;
};

struct hook_secrets {
	int refs;
	size_t n, nspare;
	struct entry *v;
	struct hook_check *spare;
};

int hook_secrets_new(const struct conf_hooks *conf, struct hook_secrets **ret, struct err *err)
{
	struct hook_secrets *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->v = xcalloc(conf->nsecrets + 1, sizeof(*s->v));
	for (size_t i = 0; i < conf->nsecrets; i++) {
		struct entry *e = &s->v[s->n++];

		e->name = xstrdup(conf->secrets[i].ref);
		strvec_extend(&e->repos, &conf->secrets[i].repos);
		if (secret_read(e->name, NULL, &e->secret, err) < 0) {
			hook_secrets_unref(s);
			return err_wrap(err, "github.webhook-secrets[%zu]", i);
		}
	}
	*ret = s;
	return 0;
}

static void check_drop(struct hook_check *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hmac_free(c->hmac[i]);
	free(c);
}

void hook_secrets_unref(struct hook_secrets *s)
{
	if (!s || --s->refs)
		return;
	while (s->spare) {
		struct hook_check *c = s->spare;

		s->spare = c->next;
		check_drop(c, s->n);
	}
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].name);
		secret_release(&s->v[i].secret);
		strvec_release(&s->v[i].repos);
	}
	free(s->v);
	free(s);
}

size_t hook_secrets_count(const struct hook_secrets *s)
{
	return s->n;
}

const char *hook_secrets_name(const struct hook_secrets *s, size_t i)
{
	return s->v[i].name;
}

/* GitHub's names do not differ in case alone. "owner/" + "*" is everything of the owner. */
static bool matches(const char *pattern, const char *repo)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? !strncasecmp(pattern, repo, n - 1)
				     : !strcasecmp(pattern, repo);
}

bool hook_secrets_may(const struct hook_secrets *s, const char *name, const char *repo,
		      char **ret_why)
{
	const struct entry *e = NULL;

	for (size_t i = 0; !e && i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			e = &s->v[i];
	for (size_t i = 0; e && repo && i < e->repos.n; i++)
		if (matches(e->repos.v[i], repo))
			return true;
	if (e && !e->repos.n)
		return true;
	*ret_why = !e     ? xasprintf("signed with %s, which is not configured any more", name)
		   : repo ? xasprintf("signed with %s, which may not speak for %s", name, repo)
			  : xasprintf("signed with %s, which may speak for its repositories only; "
				      "this event is of none",
				      name);
	return false;
}

/* --- checking ------------------------------------------------------------------------------------- */

struct hook_check *hook_check_begin(struct hook_secrets *s)
{
	struct hook_check *c = s->spare;

	s->refs++;
	if (c) {
		s->spare = c->next;
		s->nspare--;
		for (size_t i = 0; i < s->n; i++)
			hmac_begin(c->hmac[i]);
		return c;
	}
	c = xcalloc(1, sizeof(*c) + s->n * sizeof(struct hmac *));
	c->of = s;
	for (size_t i = 0; i < s->n; i++)
		c->hmac[i] = hmac_new(s->v[i].secret.s, s->v[i].secret.n);
	return c;
}

void hook_check_add(struct hook_check *c, const void *p, size_t n)
{
	for (size_t i = 0; i < c->of->n; i++)
		hmac_add(c->hmac[i], p, n);
}

int hook_check_end(struct hook_check *c, const unsigned char signature[HMAC_BYTES])
{
	int found = -1;

	/* All of them, so that the time does not tell which one it was. */
	for (size_t i = 0; i < c->of->n; i++) {
		unsigned char mac[HMAC_BYTES];

		hmac_end(c->hmac[i], mac);
		if (hmac_equal(mac, signature))
			found = (int)i;
	}
	return found;
}

struct hook_secrets *hook_check_set(const struct hook_check *c)
{
	return c->of;
}

void hook_check_free(struct hook_check *c)
{
	struct hook_secrets *s = c ? c->of : NULL;

	if (!s)
		return;
	if (s->refs > 1 && s->nspare < SPARE_MAX) {
		c->next = s->spare;
		s->spare = c;
		s->nspare++;
	} else {
		check_drop(c, s->n);
	}
	hook_secrets_unref(s);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hook_signature(const char *header, unsigned char ret[HMAC_BYTES])
{
	static const char kind[] = "sha256=";
	const char *s = header + sizeof(kind) - 1;

	if (strncmp(header, kind, sizeof(kind) - 1) != 0 || strlen(s) != 2 * HMAC_BYTES)
		return false;
	for (size_t i = 0; i < HMAC_BYTES; i++) {
		int high = digit(s[2 * i]), low = digit(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}
