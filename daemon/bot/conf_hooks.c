/* conf_hooks.c - see conf_hooks.h */
#include "bot/conf_hooks.h"

#include "base/mem.h"
#include "sys/http.h"
#include "sys/httpd.h"
#include "sys/secret.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static int load_listen(const struct yaml_doc *doc, const struct yaml_node *n, char **ret,
		       struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;

	if (yaml_line(doc, n, 100, ret, err) < 0)
		return -1;
	if (*ret && httpd_check_address(*ret, &why) < 0)
		return yaml_fail(doc, n,
				 "ADDRESS:PORT in numbers, as in 127.0.0.1:8080 or [::1]:8080", err,
				 "found '%s'", n->text);
	return 0;
}

static int load_events(const struct yaml_doc *doc, const struct yaml_node *n, char **ret,
		       struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;
	autofree char *url = NULL;

	if (yaml_line(doc, n, 400, &url, err) < 0)
		return -1;
	if (url && http_url_base(url, ret, &why) < 0)
		return yaml_fail(doc, n,
				 "the address of an event channel, https://HOST/CHANNEL (http for "
				 "127.0.0.1, ::1 and localhost only)",
				 err, "found '%s'", url);
	return 0;
}

/* The text is not repeated: it may be the secret itself, set by mistake. */
int conf_secret_load(const struct yaml_doc *doc, const struct yaml_node *n, const char *folder,
		     char **ret, struct err *err)
{
	static const char file[] = "file:";

	if (!n)
		return 0;
	/* What was found is not shown: it may be the secret itself. */
	if (n->kind != YAML_TEXT || secret_check(n->text, NULL) < 0)
		return yaml_fail(doc, n,
				 "file:PATH, env:NAME or cred:NAME: where the secret is, never the "
				 "secret itself",
				 err, "found something else");
	if (strncmp(n->text, file, sizeof(file) - 1) != 0 || n->text[sizeof(file) - 1] == '/')
		*ret = xstrdup(n->text);
	else
		*ret = xasprintf("%s%s/%s", file, folder, n->text + sizeof(file) - 1);
	return 0;
}

static bool is_pattern(const char *s)
{
	size_t owner = strspn(s, NAME_CHARS);
	const char *name = s + owner + 1;

	if (!owner || s[owner] != '/')
		return false;
	return !strcmp(name, "*") || (*name && !name[strspn(name, NAME_CHARS)]);
}

static int load_repos(const struct yaml_doc *doc, const struct yaml_node *n, struct strvec *ret,
		      struct err *err)
{
	if (!n)
		return 0;
	if (yaml_strs(doc, n, ret, err) < 0)
		return -1;
	if (!ret->n || ret->n > CONF_REPOS_MAX)
		return yaml_fail(doc, n, "1 to 256 of owner/name and owner/*", err, "found %zu",
				 ret->n);
	for (size_t i = 0; i < ret->n; i++)
		if (!is_pattern(ret->v[i]))
			return yaml_fail(doc, n->kind == YAML_LIST ? n->items[i] : n,
					 "owner/name or owner/*", err, "found '%s'", ret->v[i]);
	return 0;
}

static int load_secret(const struct yaml_doc *doc, const struct yaml_node *n, const char *folder,
		       struct conf_secret *s, struct err *err)
{
	static const char *const keys[] = {"secret", "repos", NULL};
	const struct yaml_node *ref = yaml_get(n, "secret");

	if (yaml_must_map(doc, n, err) < 0 || yaml_only(doc, n, keys, err) < 0)
		return -1;
	if (!ref)
		return yaml_fail(doc, n, "secret: file:PATH, env:NAME or cred:NAME", err,
				 "found no key 'secret'");
	if (conf_secret_load(doc, ref, folder, &s->ref, err) < 0)
		return -1;
	return load_repos(doc, yaml_get(n, "repos"), &s->repos, err);
}

static int load_secrets(const struct yaml_doc *doc, const struct yaml_node *n, const char *folder,
			struct conf_hooks *c, struct err *err)
{
	if (!n)
		return 0;
	if (yaml_must_list(doc, n, err) < 0)
		return -1;
	if (n->n > CONF_SECRETS_MAX)
		return yaml_fail(doc, n, "at most 16", err, "found %zu secrets", n->n);
	c->secrets = xcalloc(n->n + 1, sizeof(*c->secrets));
	for (size_t i = 0; i < n->n; i++) {
		c->secrets[c->nsecrets++].repos = (struct strvec)STRVEC_INIT;
		if (load_secret(doc, n->items[i], folder, &c->secrets[i], err) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(c->secrets[k].ref, c->secrets[i].ref))
				return yaml_fail(doc, n->items[i], "each secret once", err,
						 "found %s a second time", c->secrets[i].ref);
	}
	return 0;
}

int conf_hooks_load(const struct yaml_doc *doc, const struct yaml_node *listen,
		    const struct yaml_node *github, const char *folder, struct conf_hooks *ret,
		    struct err *err)
{
	if (load_listen(doc, listen, &ret->listen, err) < 0 ||
	    load_events(doc, yaml_get(github, "events"), &ret->events, err) < 0)
		return -1;
	return load_secrets(doc, yaml_get(github, "webhook-secrets"), folder, ret, err);
}

void conf_hooks_release(struct conf_hooks *c)
{
	for (size_t i = 0; i < c->nsecrets; i++) {
		free(c->secrets[i].ref);
		strvec_release(&c->secrets[i].repos);
	}
	free(c->secrets);
	free(c->listen);
	free(c->events);
	*c = (struct conf_hooks){0};
}

json_t *conf_hooks_json(const struct conf_hooks *c)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->nsecrets; i++) {
		json_t *o = json_object(), *repos = json_array();

		for (size_t k = 0; k < c->secrets[i].repos.n; k++)
			json_array_append_new(repos, json_string(c->secrets[i].repos.v[k]));
		json_put_str(o, "secret", c->secrets[i].ref);
		if (c->secrets[i].repos.n)
			json_put(o, "repos", repos);
		else
			json_decref(repos);
		json_array_append_new(all, o);
	}
	return all;
}
