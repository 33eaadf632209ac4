/* conf_repo.c - see conf_repo.h */
#include "bot/conf_repo.h"

#include "base/json.h"
#include "base/landing_text.h"
#include "base/mem.h"
#include "base/yaml.h"

#define LABEL_MAX      100
#define CHECK_NAME_MAX 255
#define CHECKS_MAX     64
#define MINUTE_MS      60000

static const char *const method_names[] = {"merge", "rebase", "squash", NULL};

const char *conf_method_name(enum conf_method m)
{
	return (size_t)m < ARRAY_LEN(method_names) - 1 ? method_names[m] : "?";
}

#define NUM(key, field, min, max, otherwise, scale)                                                \
	{                                                                                          \
		key, offsetof(struct conf_repo, field), min, max, otherwise, scale                 \
	}
static const struct yaml_num queue_nums[] = {
	NUM("approvals", queue.approvals, 0, 10, 1, 1),
	NUM("timeout-minutes", queue.timeout_ms, 1, 1440, 30, MINUTE_MS),
	NUM("flake-reruns", queue.flake_reruns, 0, 5, 1, 1),
	NUM("retries", queue.retries, 0, 10, 3, 1),
	NUM("check-minutes", queue.check_ms, 1, 1440, 60, MINUTE_MS),
	{0},
};
static const struct yaml_num auto_nums[] = {
	NUM("approvals", auto_queue.approvals, 1, 10, 1, 1),
	{0},
};
static const struct yaml_num root_nums[] = {
	NUM("agent-prs", agent_prs, 0, 1000, -1, 1),
	{0},
};

/* Keys that a blueprint's environment has and that would do nothing here. */
static int refuse_environment(const struct yaml_doc *d, const struct yaml_node *n, struct err *err)
{
	static const struct {
		const char *key, *why;
	} none[] = {
		{"network",
		 "nothing: what a PR's set-up starts (such as install scripts) never gets the "
		 "host's "
		 "network, and the gateway that would open single hosts to it does not exist yet; "
		 "remove the key, and keep what the gates need in the repository or on this "
		 "machine"},
		{"key",
		 "nothing: a candidate is set up from nothing each time, and no cache would be "
		 "named by these files; remove the key"},
	};

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		const struct yaml_node *at = yaml_get(n, none[i].key);

		if (at)
			return yaml_fail(d, at, none[i].why, err,
					 "found a key without an effect here");
	}
	return 0;
}

static int load_environment(const struct yaml_doc *d, const struct yaml_node *n,
			    struct conf_repo *c, struct err *err)
{
	static const char *const keys[] = {"setup", NULL};

	if (yaml_must_map(d, n, err) < 0 || refuse_environment(d, n, err) < 0 ||
	    yaml_only(d, n, keys, err) < 0)
		return -1;
	return yaml_commands(d, yaml_get(n, "setup"), &c->queue.setup, err);
}

static int load_forge_checks(const struct yaml_doc *d, const struct yaml_node *n,
			     struct strvec *ret, struct err *err)
{
	if (yaml_strs(d, n, ret, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->n; i++) {
		const struct yaml_node *at = n->kind == YAML_LIST ? n->items[i] : n;
		autofree char *name = NULL;

		if (yaml_line(d, at, CHECK_NAME_MAX, &name, err) < 0)
			return -1;
		if (i >= CHECKS_MAX)
			return yaml_fail(d, at, "at most 64 names", err, "%zu names", ret->n);
	}
	return 0;
}

/* What only a forge with a CI, reviews and forks of its own can be asked for. */
static const char *forge_key(const struct yaml_node *n)
{
	static const char *const keys[] = {"forge-checks", "candidate", "check-minutes",
					   "conversations", "forks"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (yaml_get(n, keys[i]))
			return keys[i];
	return NULL;
}

/* A template that a rebase would not use is a slip. */
static int load_message(const struct yaml_doc *d, const struct yaml_node *n, int method, char **ret,
			struct err *err)
{
	cleanup(err_release) struct err why = ERR_INIT;

	if (!n || yaml_str(d, n, ret, err) < 0)
		return n ? -1 : 0;
	if (method == CONF_REBASE)
		return yaml_fail(d, n,
				 "nothing with method rebase, which keeps the messages of the "
				 "commits",
				 err, "found a key without an effect");
	if (!**ret || strlen(*ret) > LANDING_TEMPLATE_MAX)
		return yaml_fail(d, n, "a template of 1 to 4000 bytes", err, "%zu bytes",
				 strlen(*ret));
	if (landing_text_check(*ret, &why) < 0)
		return yaml_fail(d, n, "a text with these names in braces; {{ is a brace", err,
				 "%s", err_text(&why));
	return 0;
}

static int load_queue(const struct yaml_doc *d, const struct yaml_node *n, struct conf_repo *c,
		      struct err *err)
{
	static const char *const keys[] = {"method",
					   "message",
					   "gates",
					   "environment",
					   "approvals",
					   "labeller-may-approve",
					   "author-may-approve",
					   "code-owners",
					   "conversations",
					   "timeout-minutes",
					   "flake-reruns",
					   "retries",
					   "forks",
					   "forge-checks",
					   "candidate",
					   "check-minutes",
					   NULL};
	static const char *const forks[] = {"land", "refuse", NULL};
	static const char *const candidates[] = {"branch", "draft-pr", NULL};
	int method = CONF_MERGE, refused = 0, draft = 0;

	c->queue.labeller_may_approve = c->queue.author_may_approve = true;
	if (yaml_must_map(d, n, err) < 0 || yaml_only(d, n, keys, err) < 0 ||
	    yaml_enum(d, yaml_get(n, "method"), method_names, &method, err) < 0 ||
	    yaml_enum(d, yaml_get(n, "forks"), forks, &refused, err) < 0 ||
	    yaml_commands(d, yaml_get(n, "gates"), &c->queue.gates, err) < 0 ||
	    yaml_bool(d, yaml_get(n, "labeller-may-approve"), &c->queue.labeller_may_approve, err) <
		    0 ||
	    yaml_bool(d, yaml_get(n, "author-may-approve"), &c->queue.author_may_approve, err) <
		    0 ||
	    yaml_bool(d, yaml_get(n, "code-owners"), &c->queue.code_owners, err) < 0 ||
	    yaml_bool(d, yaml_get(n, "conversations"), &c->queue.conversations, err) < 0 ||
	    yaml_enum(d, yaml_get(n, "candidate"), candidates, &draft, err) < 0 ||
	    load_forge_checks(d, yaml_get(n, "forge-checks"), &c->queue.forge_checks, err) < 0 ||
	    yaml_nums(d, n, queue_nums, c, err) < 0)
		return -1;
	if (load_message(d, yaml_get(n, "message"), method, &c->queue.message, err) < 0)
		return -1;
	c->queue.method = (enum conf_method)method;
	c->queue.forks_refused = refused;
	c->queue.draft_pr = draft;
	c->queue.forge_key = forge_key(n);
	return load_environment(d, yaml_get(n, "environment"), c, err);
}

static int load_auto_queue(const struct yaml_doc *d, const struct yaml_node *n, struct conf_repo *c,
			   struct err *err)
{
	static const char *const keys[] = {"label", "authors", "approvals", NULL};

	c->auto_queue.on = n != NULL;
	if (yaml_must_map(d, n, err) < 0 || yaml_only(d, n, keys, err) < 0 ||
	    yaml_line(d, yaml_get(n, "label"), LABEL_MAX, &c->auto_queue.label, err) < 0 ||
	    yaml_strs(d, yaml_get(n, "authors"), &c->auto_queue.authors, err) < 0)
		return -1;
	return yaml_nums(d, n, auto_nums, c, err);
}

static int load_checkout(const struct yaml_doc *d, const struct yaml_node *n, struct conf_repo *c,
			 struct err *err)
{
	static const char *const keys[] = {"submodules", "lfs", NULL};

	c->checkout.submodules = c->checkout.lfs = true;
	if (yaml_must_map(d, n, err) < 0 || yaml_only(d, n, keys, err) < 0 ||
	    yaml_bool(d, yaml_get(n, "submodules"), &c->checkout.submodules, err) < 0)
		return -1;
	return yaml_bool(d, yaml_get(n, "lfs"), &c->checkout.lfs, err);
}

static int load_labels(const struct yaml_doc *d, const struct yaml_node *n, struct conf_repo *c,
		       struct err *err)
{
	static const char *const keys[] = {"prefix", "needs-human", "hold", NULL};

	c->label_prefix = xstrdup("agent:");
	c->label_needs_human = xstrdup("needs-human");
	c->label_hold = xstrdup("do-not-merge");
	if (yaml_must_map(d, n, err) < 0 || yaml_only(d, n, keys, err) < 0 ||
	    yaml_line(d, yaml_get(n, "prefix"), LABEL_MAX / 2, &c->label_prefix, err) < 0 ||
	    yaml_line(d, yaml_get(n, "needs-human"), LABEL_MAX, &c->label_needs_human, err) < 0)
		return -1;
	return yaml_line(d, yaml_get(n, "hold"), LABEL_MAX, &c->label_hold, err);
}

/* A name that is not shipped is a slip: the list would silently allow less than it says. */
static int load_blueprints(const struct yaml_doc *d, const struct yaml_node *n, struct conf_repo *c,
			   struct err *err)
{
	cleanup(strvec_release) struct strvec shipped = STRVEC_INIT;

	if (yaml_strs(d, n, &c->blueprints, err) < 0)
		return -1;
	if (!n)
		return 0;
	c->blueprints_listed = true;
	blueprint_shipped_names(&shipped);
	for (size_t i = 0; i < c->blueprints.n; i++) {
		const struct yaml_node *at = n->kind == YAML_LIST ? n->items[i] : n;
		int unused;

		if (yaml_enum(d, at, (const char *const *)shipped.v, &unused, err) < 0)
			return -1;
	}
	return 0;
}

static int load_root(const struct yaml_doc *d, struct conf_repo *c, struct err *err)
{
	static const char *const keys[] = {"queue",      "exclusive", "protect",    "labels",
					   "blueprints", "agent-prs", "auto-queue", "bots",
					   "checkout",   NULL};
	const struct yaml_node *root = d->root;

	if (yaml_must_map(d, root, err) < 0 || yaml_only(d, root, keys, err) < 0 ||
	    load_queue(d, yaml_get(root, "queue"), c, err) < 0 ||
	    load_auto_queue(d, yaml_get(root, "auto-queue"), c, err) < 0 ||
	    load_checkout(d, yaml_get(root, "checkout"), c, err) < 0 ||
	    yaml_strs(d, yaml_get(root, "bots"), &c->bots, err) < 0 ||
	    yaml_globs(d, yaml_get(root, "exclusive"), &c->exclusive, err) < 0 ||
	    yaml_globs(d, yaml_get(root, "protect"), &c->protect, err) < 0 ||
	    load_labels(d, yaml_get(root, "labels"), c, err) < 0 ||
	    load_blueprints(d, yaml_get(root, "blueprints"), c, err) < 0)
		return -1;
	return yaml_nums(d, root, root_nums, c, err);
}

int conf_repo_load(const char *file, const char *text, size_t n, struct conf_repo *ret,
		   struct err *err)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	cleanup(conf_repo_release) struct conf_repo c = {0};

	if (yaml_load(file, text, n, &doc, err) < 0 || load_root(&doc, &c, err) < 0)
		return -1;
	*ret = c;
	c = (struct conf_repo){0};
	return 0;
}

void conf_repo_default(struct conf_repo *ret)
{
	if (conf_repo_load("defaults", "", 0, ret, NULL) < 0)
		abort(); /* the empty file is valid by definition */
}

void conf_repo_release(struct conf_repo *c)
{
	if (!c)
		return;
	free(c->queue.message);
	strvec_release(&c->queue.gates);
	strvec_release(&c->queue.forge_checks);
	strvec_release(&c->queue.setup);
	strvec_release(&c->auto_queue.authors);
	strvec_release(&c->bots);
	free(c->auto_queue.label);
	strvec_release(&c->exclusive);
	strvec_release(&c->protect);
	strvec_release(&c->blueprints);
	free(c->label_prefix);
	free(c->label_needs_human);
	free(c->label_hold);
	*c = (struct conf_repo){0};
}

bool conf_repo_shipped_allowed(const struct conf_repo *c, const char *blueprint)
{
	return !c->blueprints_listed || strvec_has(&c->blueprints, blueprint);
}

void conf_repo_apply(const struct conf_repo *c, struct blueprint *bp)
{
	for (size_t i = 0; i < bp->nsteps; i++) {
		struct bp_step *s = &bp->steps[i];

		if (!s->gates_repository)
			continue;
		strvec_release(&s->gates);
		strvec_extend(&s->gates, &c->queue.gates);
		s->gates_repository = false;
	}
	if (bp->label_default) {
		free(bp->label);
		bp->label = xasprintf("%s%s", c->label_prefix, bp->name);
	}
	if (bp->failure_label_default) {
		free(bp->failure_label);
		bp->failure_label = xstrdup(c->label_needs_human);
	}
}

static json_t *list_json(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_utf8(v->v[i], strlen(v->v[i])));
	return a;
}

static json_t *queue_json(const struct conf_repo *c)
{
	json_t *q = json_object(), *env = json_object();

	json_put_str(q, "method", conf_method_name(c->queue.method));
	json_put_str(q, "message", c->queue.message);
	json_put(q, "gates", list_json(&c->queue.gates));
	json_put(env, "setup", list_json(&c->queue.setup));
	json_put(q, "environment", env);
	json_put_int(q, "approvals", c->queue.approvals);
	json_put_bool(q, "labeller-may-approve", c->queue.labeller_may_approve);
	json_put_bool(q, "author-may-approve", c->queue.author_may_approve);
	json_put_bool(q, "code-owners", c->queue.code_owners);
	json_put_bool(q, "conversations", c->queue.conversations);
	json_put_int(q, "timeout-minutes", c->queue.timeout_ms / MINUTE_MS);
	json_put_int(q, "flake-reruns", c->queue.flake_reruns);
	json_put_int(q, "retries", c->queue.retries);
	json_put_str(q, "forks", c->queue.forks_refused ? "refuse" : "land");
	json_put(q, "forge-checks", list_json(&c->queue.forge_checks));
	json_put_str(q, "candidate", c->queue.draft_pr ? "draft-pr" : "branch");
	json_put_int(q, "check-minutes", c->queue.check_ms / MINUTE_MS);
	return q;
}

static json_t *auto_json(const struct conf_repo *c)
{
	json_t *o = json_object();

	if (c->auto_queue.label)
		json_put_str(o, "label", c->auto_queue.label);
	json_put(o, "authors", list_json(&c->auto_queue.authors));
	json_put_int(o, "approvals", c->auto_queue.approvals);
	return o;
}

char *conf_repo_json(const struct conf_repo *c)
{
	autojson json_t *o = json_object();
	json_t *labels = json_object(), *checkout = json_object();

	json_put(o, "queue", queue_json(c));
	json_put_bool(checkout, "submodules", c->checkout.submodules);
	json_put_bool(checkout, "lfs", c->checkout.lfs);
	json_put(o, "checkout", checkout);
	if (c->auto_queue.on)
		json_put(o, "auto-queue", auto_json(c));
	json_put(o, "bots", list_json(&c->bots));
	json_put(o, "exclusive", list_json(&c->exclusive));
	json_put(o, "protect", list_json(&c->protect));
	json_put_str(labels, "prefix", c->label_prefix);
	json_put_str(labels, "needs-human", c->label_needs_human);
	json_put_str(labels, "hold", c->label_hold);
	json_put(o, "labels", labels);
	json_put(o, "blueprints", c->blueprints_listed ? list_json(&c->blueprints) : json_null());
	json_put(o, "agent-prs", c->agent_prs < 0 ? json_null() : json_integer(c->agent_prs));
	return json_text(o);
}
