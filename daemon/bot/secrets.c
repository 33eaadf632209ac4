/* secrets.c - see secrets.h */
#include "bot/secrets.h"

#include "base/mask.h"
#include "base/mem.h"

static const char *value_of(char *const *environ_, const char *name)
{
	size_t n = strlen(name);

	for (; environ_ && *environ_; environ_++)
		if (!strncmp(*environ_, name, n) && (*environ_)[n] == '=')
			return *environ_ + n + 1;
	return NULL;
}

static void add(struct bot *b, const char *name)
{
	const char *value = value_of(b->environ_, name);

	if (!value || strlen(value) < MASK_MIN)
		return;
	strvec_foreach (&b->secret_values, known)
		if (!strcmp(*known, value))
			return;
	strvec_push(&b->secret_values, value);
	mask_add(b->mask, value);
}

void secrets_release(struct bot *b)
{
	strvec_foreach (&b->secret_values, value)
		mem_wipe(*value, strlen(*value));
	strvec_release(&b->secret_values);
	mask_free(steal(&b->mask));
}

void secrets_load(struct bot *b)
{
	secrets_release(b);
	b->mask = mask_new();
	for (size_t i = 0; i < b->conf->nagents; i++)
		strvec_foreach (&b->conf->agents[i].env, name)
			add(b, *name);
}

void secrets_mask_effect(const struct bot *b, const char *kind, json_t *payload)
{
	if (!strncmp(kind, "forge-", 6) || !strcmp(kind, "notify") || !strcmp(kind, "cand-draft"))
		mask_json(b->mask, payload);
}

void secrets_for_git(const struct bot *b, json_t *req)
{
	json_t *a;

	if (strcmp(json_str(req, "op", ""), "worktree-commit") != 0 || !b->secret_values.n)
		return;
	a = json_array();
	for (size_t i = 0; i < b->secret_values.n; i++)
		json_array_append_new(
			a, json_utf8(b->secret_values.v[i], strlen(b->secret_values.v[i])));
	json_put(req, "secrets", a);
}
