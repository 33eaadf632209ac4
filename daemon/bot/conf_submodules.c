/* conf_submodules.c - see conf_daemon.h: `submodules`. */
#include "bot/conf_submodules.h"

#include "base/mem.h"
#include "git/module_url.h"

#define REPOS_MAX 1000
#define RULES_MAX 1000

static int load_rules(const struct yaml_doc *doc, const struct yaml_node *n, struct strvec *ret,
		      struct err *err)
{
	if (yaml_strs(doc, n, ret, err) < 0)
		return -1;
	if (ret->n > RULES_MAX)
		return yaml_fail(doc, n, "at most 1000", err, "found %zu addresses", ret->n);
	for (size_t i = 0; i < ret->n; i++) {
		cleanup(err_release) struct err why = ERR_INIT;

		if (gr_module_rule_check(ret->v[i], &why) < 0)
			return yaml_fail(doc, n->kind == YAML_LIST ? n->items[i] : n,
					 err_text(&why), err, "found '%.200s'", ret->v[i]);
	}
	return 0;
}

int conf_submodules_load(const struct yaml_doc *doc, const struct yaml_node *n,
			 struct conf_daemon *c, struct err *err)
{
	if (yaml_must_map(doc, n, err) < 0)
		return -1;
	if (!n || !n->n)
		return 0;
	if (n->n > REPOS_MAX)
		return yaml_fail(doc, n, "at most 1000", err, "found %zu repositories", n->n);
	c->submodules = xcalloc(n->n, sizeof(*c->submodules));
	for (size_t i = 0; i < n->n; i++) {
		struct conf_submodules *s = &c->submodules[c->nsubmodules++];

		s->repo = xstrdup(n->keys[i]);
		if (load_rules(doc, n->items[i], &s->allowed, err) < 0)
			return -1;
	}
	return 0;
}

void conf_submodules_release(struct conf_daemon *c)
{
	for (size_t i = 0; i < c->nsubmodules; i++) {
		free(c->submodules[i].repo);
		strvec_release(&c->submodules[i].allowed);
	}
	free(c->submodules);
}

json_t *conf_submodules_json(const struct conf_daemon *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < c->nsubmodules; i++) {
		json_t *list = json_array();

		strvec_foreach (&c->submodules[i].allowed, s)
			json_array_append_new(list, json_string(*s));
		json_put(o, c->submodules[i].repo, list);
	}
	return o;
}

/* GitHub's names are the same in any case. */
void conf_daemon_submodules(const struct conf_daemon *c, const char *repo, struct strvec *ret)
{
	for (size_t i = 0; i < c->nsubmodules; i++)
		if (!strcmp(c->submodules[i].repo, "*") || !strcasecmp(c->submodules[i].repo, repo))
			strvec_extend(ret, &c->submodules[i].allowed);
}
