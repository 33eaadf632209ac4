/* conf_daemon.c - see conf_daemon.h */
#include "bot/conf_daemon.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "bot/conf_place.h"
#include "bot/conf_submodules.h"

struct load {
	const struct yaml_doc *doc;
	const char *folder; /* of the file: where relative paths begin */
	struct conf_daemon *c;
	struct err *err;
};

static int wrong(struct load *l, const struct yaml_node *n, const char *allowed)
{
	autofree char *found = yaml_found(n);

	return yaml_fail(l->doc, n, allowed, l->err, "found %s", found);
}

/* --- paths --------------------------------------------------------------------------------------- */

static int load_path(struct load *l, const struct yaml_node *n, char **ret)
{
	return conf_path(l->doc, l->folder, n, ret, l->err);
}

static int load_paths(struct load *l, const struct yaml_node *n, struct strvec *ret)
{
	cleanup(strvec_release) struct strvec unused = STRVEC_INIT;

	if (yaml_strs(l->doc, n, &unused, l->err) < 0)
		return -1;
	for (size_t i = 0; i < unused.n; i++) {
		char *path = NULL;

		if (load_path(l, n->kind == YAML_LIST ? n->items[i] : n, &path) < 0)
			return -1;
		strvec_push_take(ret, path);
	}
	return 0;
}

/* argv: not empty, and a program with a '/' in its name is a path like any other here. */
static int load_argv(struct load *l, const struct yaml_node *n, struct strvec *ret)
{
	static const char allowed[] = "a list: the program and its arguments";

	if (yaml_must_list(l->doc, n, l->err) < 0 || yaml_strs(l->doc, n, ret, l->err) < 0)
		return -1;
	if (!ret->n)
		return wrong(l, n, allowed);
	if (!*ret->v[0] || *ret->v[0] == '~')
		return wrong(l, n->items[0], "a program's name or path ('~' is not expanded)");
	if (strchr(ret->v[0], '/')) {
		char *path = conf_absolute(l->folder, ret->v[0]);

		free(ret->v[0]);
		ret->v[0] = path;
	}
	return 0;
}

/* --- agents --------------------------------------------------------------------------------------- */

static int load_env(struct load *l, const struct yaml_node *n, struct strvec *ret)
{
	if (yaml_strs(l->doc, n, ret, l->err) < 0)
		return -1;
	for (size_t i = 0; i < ret->n; i++) {
		const char *s = ret->v[i];
		size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
				       "0123456789");

		if (!len || s[len] || (*s >= '0' && *s <= '9'))
			return wrong(l, n->kind == YAML_LIST ? n->items[i] : n,
				     "the name of a variable of the daemon's environment, without "
				     "its value");
	}
	return 0;
}

static int load_kind(struct load *l, const struct yaml_node *n, char **ret)
{
	cleanup(strvec_release) struct strvec kinds = STRVEC_INIT;
	int i = -1;

	*ret = xstrdup("command");
	agent_adapter_kinds(&kinds);
	if (yaml_enum(l->doc, n, (const char *const *)kinds.v, &i, l->err) < 0)
		return -1;
	return yaml_str(l->doc, n, ret, l->err);
}

static int load_agent(struct load *l, const struct yaml_node *n, struct agent_conf *a)
{
	static const char *const keys[] = {"command", "kind", "model",     "read-only",
					   "network", "env",  "env-plain", NULL};
	const struct yaml_node *command = yaml_get(n, "command");

	if (n->kind != YAML_MAP || !n->n)
		return wrong(l, n, "a mapping with at least 'command'");
	if (yaml_only(l->doc, n, keys, l->err) < 0)
		return -1;
	if (!command)
		return yaml_fail(l->doc, n, "command: a list, the program and its arguments",
				 l->err, "found no key 'command'");
	if (load_argv(l, command, &a->command) < 0 ||
	    load_kind(l, yaml_get(n, "kind"), &a->kind) < 0 ||
	    yaml_line(l->doc, yaml_get(n, "model"), 100, &a->model, l->err) < 0 ||
	    load_paths(l, yaml_get(n, "read-only"), &a->read_only) < 0 ||
	    load_env(l, yaml_get(n, "env"), &a->env) < 0 ||
	    load_env(l, yaml_get(n, "env-plain"), &a->env_plain) < 0)
		return -1;
	return yaml_network(l->doc, yaml_get(n, "network"), &a->network_host, l->err);
}

/* A key that is a name: the same rule as yaml_name(). */
static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && !s[n] && n <= 40 && *s != '-';
}

static int load_agents(struct load *l, const struct yaml_node *n)
{
	struct conf_daemon *c = l->c;

	if (yaml_must_map(l->doc, n, l->err) < 0)
		return -1;
	if (!n || !n->n)
		return 0;
	if (n->n > CONF_AGENTS_MAX)
		return yaml_fail(l->doc, n, "at most 32", l->err, "found %zu agents", n->n);
	c->agents = xcalloc(n->n, sizeof(*c->agents));
	for (size_t i = 0; i < n->n; i++) {
		struct agent_conf *a = &c->agents[c->nagents++];

		if (!is_name(n->keys[i]))
			return yaml_fail(l->doc, n->items[i],
					 "an agent's name: 1 to 40 of a-z, 0-9 and '-'", l->err,
					 "found '%s'", n->keys[i]);
		a->name = xstrdup(n->keys[i]);
		if (load_agent(l, n->items[i], a) < 0)
			return -1;
	}
	return 0;
}

static int load_default_agent(struct load *l, const struct yaml_node *n)
{
	struct conf_daemon *c = l->c;
	const char *names[CONF_AGENTS_MAX + 1] = {NULL};
	int i = 0;

	if (!n && c->nagents == 1)
		c->default_agent = xstrdup(c->agents[0].name);
	if (!n)
		return 0;
	if (!c->nagents)
		return yaml_fail(l->doc, n, "a name of the mapping 'agents', which is empty",
				 l->err, "found a default agent");
	for (size_t k = 0; k < c->nagents; k++)
		names[k] = c->agents[k].name;
	if (yaml_enum(l->doc, n, names, &i, l->err) < 0)
		return -1;
	return yaml_str(l->doc, n, &c->default_agent, l->err);
}

/* --- numbers -------------------------------------------------------------------------------------- */

#define NUM(key, field, min, max, otherwise)                                                       \
	{                                                                                          \
		key, offsetof(struct conf_daemon, field), min, max, otherwise, 1                   \
	}
static const struct yaml_num limit_nums[] = {
	NUM("agents", limits.agents, 1, 100, 2),
	NUM("gates", limits.gates, 1, 100, 2),
	NUM("agent-prs", limits.agent_prs, 1, 1000, 10),
	NUM("task-minutes", limits.task_minutes, 0, 100000, 480),
	NUM("push-mb", limits.push_mb, 1, 102400, 512),
	{0},
};
static const struct yaml_num run_nums[] = {
	NUM("memory-mb", runs.memory_mb, 64, 1048576, 4096),
	NUM("processes", runs.processes, 8, 65536, 512),
	NUM("disk-mb", runs.disk_mb, 16, 1048576, 4096),
	NUM("file-mb", runs.file_mb, 1, 1048576, 1024),
	NUM("output-mb", runs.output_mb, 1, 10240, 64),
	NUM("cpu-minutes", runs.cpu_minutes, 1, 10080, 60),
	{0},
};
static const struct yaml_num retention_nums[] = {
	NUM("events-days", retention.events_days, 1, 3650, 30),
	NUM("logs-days", retention.logs_days, 1, 3650, 30),
	NUM("task-days", retention.task_days, 1, 3650, 180),
	NUM("failed-worktree-days", retention.failed_worktree_days, 0, 365, 7),
	NUM("deliveries-days", retention.deliveries_days, 1, 3650, 3),
	NUM("deliveries-mb", retention.deliveries_mb, 1, 1048576, 512),
	{0},
};
static const struct yaml_num notify_nums[] = {
	NUM("timeout-seconds", notify_seconds, 1, 3600, 60),
	{0},
};
static const struct yaml_num root_nums[] = {
	NUM("reconcile-seconds", reconcile_seconds, 5, 86400, 300),
	{0},
};

/* Mappings that hold numbers and nothing else. */
static const struct conf_numbers sections[] = {
	{"limits", limit_nums},
	{"runs", run_nums},
	{"retention", retention_nums},
};
const struct conf_numbers conf_daemon_numbers[] = {
	{"limits", limit_nums},  {"runs", run_nums}, {"retention", retention_nums},
	{"notify", notify_nums}, {"", root_nums},    {0},
};

static int load_sections(struct load *l, const struct yaml_node *root)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct yaml_node *n = yaml_get(root, sections[i].key);
		const char *keys[8] = {NULL};

		for (size_t k = 0; sections[i].nums[k].key; k++)
			keys[k] = sections[i].nums[k].key;
		if (yaml_must_map(l->doc, n, l->err) < 0 ||
		    yaml_only(l->doc, n, keys, l->err) < 0 ||
		    yaml_nums(l->doc, n, sections[i].nums, l->c, l->err) < 0)
			return -1;
	}
	return yaml_nums(l->doc, root, root_nums, l->c, l->err);
}

/* --- the rest ------------------------------------------------------------------------------------- */

static int load_places(struct load *l, const struct yaml_node *root)
{
	struct conf_daemon *c = l->c;

	if (conf_places(l->doc, l->folder, &c->data, &c->socket, l->err) < 0)
		return -1;
	if (yaml_line(l->doc, yaml_get(root, "socket-group"), 64, &c->socket_group, l->err) < 0)
		return -1;
	return load_path(l, yaml_get(root, "sign-key"), &c->sign_key);
}

static int load_author(struct load *l, const struct yaml_node *n)
{
	static const char *const keys[] = {"name", "email", NULL};
	const struct yaml_node *name = yaml_get(n, "name"), *email = yaml_get(n, "email");
	struct conf_daemon *c = l->c;

	c->author_name = xstrdup("Yardmaster");
	c->author_email = xstrdup("yardmaster@localhost");
	if (yaml_must_map(l->doc, n, l->err) < 0 || yaml_only(l->doc, n, keys, l->err) < 0 ||
	    yaml_line(l->doc, name, 100, &c->author_name, l->err) < 0 ||
	    yaml_line(l->doc, email, 254, &c->author_email, l->err) < 0)
		return -1;
	if (strpbrk(c->author_name, "<>"))
		return wrong(l, name, "a name without '<' and '>'");
	if (strpbrk(c->author_email, "<> ") || !strchr(c->author_email, '@'))
		return wrong(l, email, "an address such as yard@example.org");
	return 0;
}

static int load_notify(struct load *l, const struct yaml_node *n)
{
	static const char *const keys[] = {"command", "timeout-seconds", NULL};
	const struct yaml_node *command = yaml_get(n, "command");

	if (yaml_must_map(l->doc, n, l->err) < 0 || yaml_only(l->doc, n, keys, l->err) < 0 ||
	    yaml_nums(l->doc, n, notify_nums, l->c, l->err) < 0)
		return -1;
	return command ? load_argv(l, command, &l->c->notify) : 0;
}

static int load_path_of(void *load, const struct yaml_node *n, char **ret)
{
	return load_path(load, n, ret);
}

static int load_hooks(struct load *l, const struct yaml_node *root)
{
	return conf_hooks_load(l->doc, yaml_get(root, "listen"), yaml_get(root, "github"),
			       l->folder, &l->c->hooks, l->err);
}

static int load_root(struct load *l, const struct yaml_node *root)
{
	l->c->handle = xstrdup("yard");
	if (yaml_must_map(l->doc, root, l->err) < 0 ||
	    yaml_only(l->doc, root, conf_daemon_keys, l->err) < 0 || load_places(l, root) < 0 ||
	    yaml_name(l->doc, yaml_get(root, "handle"), &l->c->handle, l->err) < 0 ||
	    load_agents(l, yaml_get(root, "agents")) < 0 ||
	    load_default_agent(l, yaml_get(root, "default-agent")) < 0 ||
	    load_sections(l, root) < 0 || load_notify(l, yaml_get(root, "notify")) < 0 ||
	    conf_submodules_load(l->doc, yaml_get(root, "submodules"), l->c, l->err) < 0 ||
	    load_hooks(l, root) < 0)
		return -1;
	return load_author(l, yaml_get(root, "author")) < 0
		       ? -1
		       : conf_github_load(l->doc, yaml_get(root, "github"), l->folder, load_path_of,
					  l, &l->c->github, l->err);
}

int conf_daemon_load(const char *file, const char *text, size_t n, const char *default_data,
		     struct conf_daemon *ret, struct err *err)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	cleanup(conf_daemon_release) struct conf_daemon c = {.data = xstrdup(default_data)};
	autofree char *folder = conf_folder(file, default_data);
	struct load l = {.doc = &doc, .folder = folder, .c = &c, .err = err};

	if (yaml_load(file ? file : "no configuration file", text, n, &doc, err) < 0 ||
	    load_root(&l, doc.root) < 0)
		return -1;
	*ret = c;
	c = (struct conf_daemon){0};
	return 0;
}

void conf_daemon_release(struct conf_daemon *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nagents; i++)
		agent_conf_release(&c->agents[i]);
	free(c->agents);
	free(c->data);
	free(c->socket);
	free(c->socket_group);
	free(c->handle);
	free(c->default_agent);
	free(c->author_name);
	free(c->author_email);
	free(c->sign_key);
	strvec_release(&c->notify);
	conf_submodules_release(c);
	conf_github_release(&c->github);
	conf_hooks_release(&c->hooks);
	*c = (struct conf_daemon){0};
}

const struct agent_conf *conf_daemon_agent(const struct conf_daemon *c, const char *name)
{
	const char *want = name ? name : c->default_agent;

	for (size_t i = 0; want && i < c->nagents; i++)
		if (!strcmp(c->agents[i].name, want))
			return &c->agents[i];
	return NULL;
}

static json_t *list_json(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_utf8(v->v[i], strlen(v->v[i])));
	return a;
}

static json_t *agent_json(const struct agent_conf *a)
{
	json_t *o = json_object();

	json_put(o, "command", list_json(&a->command));
	json_put_str(o, "kind", a->kind);
	json_put_str(o, "model", a->model);
	json_put(o, "read-only", list_json(&a->read_only));
	json_put_str(o, "network", a->network_host ? "host" : "none");
	json_put(o, "env", list_json(&a->env));
	json_put(o, "env-plain", list_json(&a->env_plain));
	return o;
}

static void put_nums(json_t *o, const struct yaml_num *t, const struct conf_daemon *c)
{
	for (; t->key; t++)
		json_put_int(o, t->key,
			     *(const int64_t *)(const void *)((const char *)c + t->offset));
}

char *conf_daemon_json(const struct conf_daemon *c)
{
	autojson json_t *o = json_object();
	json_t *agents = json_object(), *notify = json_object(), *author = json_object();
	json_t *github;

	json_put_str(o, "data", c->data);
	json_put_str(o, "socket", c->socket);
	json_put_str(o, "socket-group", c->socket_group);
	json_put_str(o, "handle", c->handle);
	for (size_t i = 0; i < c->nagents; i++)
		json_put(agents, c->agents[i].name, agent_json(&c->agents[i]));
	json_put(o, "agents", agents);
	json_put_str(o, "default-agent", c->default_agent);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		json_t *s = json_object();

		put_nums(s, sections[i].nums, c);
		json_put(o, sections[i].key, s);
	}
	put_nums(o, root_nums, c);
	json_put(notify, "command", list_json(&c->notify));
	put_nums(notify, notify_nums, c);
	json_put(o, "notify", notify);
	json_put_str(author, "name", c->author_name);
	json_put_str(author, "email", c->author_email);
	json_put(o, "author", author);
	json_put_str(o, "sign-key", c->sign_key);
	json_put(o, "submodules", conf_submodules_json(c));
	if (c->hooks.listen)
		json_put_str(o, "listen", c->hooks.listen);
	github = conf_github_json(&c->github);
	if (c->hooks.events)
		json_put_str(github, "events", c->hooks.events);
	json_put(github, "webhook-secrets", conf_hooks_json(&c->hooks));
	json_put(o, "github", github);
	return json_text(o);
}
