/* conf_github.c - see conf_github.h */
#include "bot/conf_github.h"

#include "base/mem.h"
#include "bot/conf_hooks.h"

#include <stddef.h>
#include <string.h>

enum kind { LINE, SOURCE, PATH };

static const struct {
	const char *key;
	enum kind kind;
	size_t offset;
} table[] = {
	{"api", LINE, offsetof(struct conf_github, api)},
	{"app", LINE, offsetof(struct conf_github, app)},
	{"key", SOURCE, offsetof(struct conf_github, key)},
	{"token", SOURCE, offsetof(struct conf_github, token)},
	{"ca-file", PATH, offsetof(struct conf_github, ca_file)},
	{"proxy", LINE, offsetof(struct conf_github, proxy)},
	{"git", LINE, offsetof(struct conf_github, git)},
	{"ssh-key", PATH, offsetof(struct conf_github, ssh_key)},
	{"known-hosts", PATH, offsetof(struct conf_github, known_hosts)},
};

static const struct yaml_num nums[] = {
	{"head-seconds", offsetof(struct conf_github, head_wait_ms), 1, 600, 60, 1000},
	{0},
};

static const char *const allow_keys[] = {
	[CONF_ALLOW_NONE] = NULL,       [CONF_ALLOW_LABEL] = "label",
	[CONF_ALLOW_RUN] = "run",       [CONF_ALLOW_QUEUE] = "queue",
	[CONF_ALLOW_HALT] = "halt",     [CONF_ALLOW_FREEZE] = "freeze",
	[CONF_ALLOW_RESUME] = "resume",
};

#define WAYS_MAX 16

static char **field(const struct conf_github *c, size_t i)
{
	return (char **)(void *)((char *)(void *)c + table[i].offset);
}

static int load_one(const struct yaml_doc *doc, const struct yaml_node *n, size_t i,
		    const char *folder, conf_path_fn path, void *arg, struct conf_github *c,
		    struct err *err)
{
	switch (table[i].kind) {
	case LINE:
		return yaml_line(doc, n, 400, field(c, i), err);
	case SOURCE:
		return conf_secret_load(doc, n, folder, field(c, i), err);
	case PATH:
		return path(arg, n, field(c, i));
	}
	return -1;
}

static bool is_name(const char *s, size_t n)
{
	return n > 0 && n <= 100 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") >= n;
}

/* "write", "maintain", "team:ORG/SLUG". Less than write would let in everybody who can read. */
static bool is_way(const char *s)
{
	const char *slash = strchr(s, '/');

	if (strncmp(s, CONF_TEAM, strlen(CONF_TEAM)) != 0)
		return !strcmp(s, "write") || !strcmp(s, "maintain");
	s += strlen(CONF_TEAM);
	return slash && is_name(s, (size_t)(slash - s)) && is_name(slash + 1, strlen(slash + 1));
}

static int load_ways(const struct yaml_doc *doc, const struct yaml_node *n, struct strvec *ret,
		     struct err *err)
{
	if (!n)
		return 0;
	if (yaml_strs(doc, n, ret, err) < 0)
		return -1;
	if (!ret->n || ret->n > WAYS_MAX)
		return yaml_fail(doc, n, "1 to 16 of write, maintain, team:ORG/SLUG", err,
				 "found %zu of them", ret->n);
	for (size_t i = 0; i < ret->n; i++)
		if (!is_way(ret->v[i]))
			return yaml_fail(doc, n->kind == YAML_LIST ? n->items[i] : n,
					 "write, maintain or team:ORG/SLUG", err, "found '%.100s'",
					 ret->v[i]);
	return 0;
}

static int load_permissions(const struct yaml_doc *doc, const struct yaml_node *n,
			    struct conf_github *c, struct err *err)
{
	const char *keys[CONF_ALLOW_COUNT] = {NULL};

	for (size_t i = CONF_ALLOW_NONE + 1; i < CONF_ALLOW_COUNT; i++)
		keys[i - 1] = allow_keys[i];
	if (yaml_must_map(doc, n, err) < 0 || yaml_only(doc, n, keys, err) < 0)
		return -1;
	for (size_t i = CONF_ALLOW_NONE + 1; i < CONF_ALLOW_COUNT; i++)
		if (load_ways(doc, yaml_get(n, allow_keys[i]), &c->allow[i], err) < 0)
			return -1;
	return 0;
}

/* "OWNER/NAME" or "OWNER/" and an asterisk. */
static bool is_pattern(const char *s)
{
	const char *slash = strchr(s, '/');

	return slash && slash > s && slash[1] && !strchr(slash + 1, '/') && !strpbrk(s, " \t") &&
	       (!strchr(s, '*') || !strcmp(slash, "/*"));
}

static int load_shadow(const struct yaml_doc *doc, const struct yaml_node *n, struct conf_github *c,
		       struct err *err)
{
	if (!n)
		return 0;
	if (n->kind != YAML_LIST)
		return yaml_bool(doc, n, &c->shadow_all, err);
	if (yaml_strs(doc, n, &c->shadow, err) < 0)
		return -1;
	for (size_t i = 0; i < c->shadow.n; i++)
		if (!is_pattern(c->shadow.v[i]))
			return yaml_fail(doc, n->items[i],
					 "OWNER/NAME, or OWNER/* for all of an account", err,
					 "found '%s'", c->shadow.v[i]);
	return 0;
}

bool conf_github_shadows(const struct conf_github *c, const char *full_name)
{
	for (size_t i = 0; i < c->shadow.n; i++) {
		const char *s = c->shadow.v[i];
		size_t n = strlen(s);

		if (s[n - 1] == '*' ? !strncasecmp(s, full_name, n - 1) : !strcasecmp(s, full_name))
			return true;
	}
	return c->shadow_all;
}

static int check(const struct yaml_doc *doc, const struct yaml_node *n, const struct conf_github *c,
		 struct err *err)
{
	if (c->app && c->token)
		return yaml_fail(doc, n, "an App ('app' and 'key') or a 'token', not both", err,
				 "found 'app' and 'token'");
	if (!c->app != !c->key)
		return yaml_fail(doc, n, "both of 'app' and 'key'", err, "found only '%s'",
				 c->app ? "app" : "key");
	if (!c->ssh_key != !c->known_hosts)
		return yaml_fail(doc, n, "both of 'ssh-key' and 'known-hosts'", err,
				 "found only '%s'", c->ssh_key ? "ssh-key" : "known-hosts");
	return 0;
}

int conf_github_load(const struct yaml_doc *doc, const struct yaml_node *n, const char *folder,
		     conf_path_fn path, void *arg, struct conf_github *ret, struct err *err)
{
	cleanup(conf_github_release) struct conf_github c = {0};
	const char *keys[ARRAY_LEN(table) + 6] = {NULL};

	if (!n)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		keys[i] = table[i].key;
	keys[ARRAY_LEN(table)] = "webhook-secrets";
	keys[ARRAY_LEN(table) + 1] = "head-seconds";
	keys[ARRAY_LEN(table) + 2] = "events";
	keys[ARRAY_LEN(table) + 3] = "shadow";
	keys[ARRAY_LEN(table) + 4] = "permissions";
	if (yaml_must_map(doc, n, err) < 0 || yaml_only(doc, n, keys, err) < 0)
		return -1;
	c.api = xstrdup("https://api.github.com");
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (load_one(doc, yaml_get(n, table[i].key), i, folder, path, arg, &c, err) < 0)
			return -1;
	if (yaml_nums(doc, n, nums, &c, err) < 0 ||
	    load_permissions(doc, yaml_get(n, "permissions"), &c, err) < 0 ||
	    load_shadow(doc, yaml_get(n, "shadow"), &c, err) < 0 || check(doc, n, &c, err) < 0)
		return -1;
	c.set = c.app || c.token;
	*ret = c;
	c = (struct conf_github){0};
	return 0;
}

void conf_github_release(struct conf_github *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		free(*field(c, i));
	for (size_t i = 0; i < CONF_ALLOW_COUNT; i++)
		strvec_release(&c->allow[i]);
	strvec_release(&c->shadow);
	*c = (struct conf_github){0};
}

static json_t *permissions_json(const struct conf_github *c)
{
	json_t *o = json_object();

	for (size_t i = CONF_ALLOW_NONE + 1; i < CONF_ALLOW_COUNT; i++) {
		json_t *list;

		if (!c->allow[i].n)
			continue;
		list = json_array();
		for (size_t k = 0; k < c->allow[i].n; k++)
			json_array_append_new(list, json_string(c->allow[i].v[k]));
		json_put(o, allow_keys[i], list);
	}
	return o;
}

json_t *conf_github_json(const struct conf_github *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (*field(c, i))
			json_put_str(o, table[i].key, *field(c, i));
	if (c->set)
		json_put_int(o, "head-seconds", c->head_wait_ms / 1000);
	json_put(o, "permissions", permissions_json(c));
	if (!json_object_size(json_object_get(o, "permissions")))
		json_object_del(o, "permissions");
	if (c->shadow_all) {
		json_put_bool(o, "shadow", true);
	} else if (c->shadow.n) {
		json_t *list = json_array();

		for (size_t i = 0; i < c->shadow.n; i++)
			json_array_append_new(list, json_string(c->shadow.v[i]));
		json_put(o, "shadow", list);
	}
	return o;
}

bool conf_github_same(const struct conf_github *a, const struct conf_github *b)
{
	autojson json_t *x = conf_github_json(a), *y = conf_github_json(b);

	json_object_del(x, "permissions");
	json_object_del(y, "permissions");
	return json_equal(x, y);
}
