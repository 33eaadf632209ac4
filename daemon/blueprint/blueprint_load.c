/* blueprint_load.c - a blueprint from YAML; blueprint.h lists the keys. */
#include "base/mem.h"
#include "base/yaml.h"
#include "blueprint/blueprint.h"

#include <jansson.h>

#define LABEL_MAX       100
#define LINE_MAX_BYTES  200
#define PROMPT_PATH_MAX 200
#define REVIEWERS_MAX   20
#define MINUTE_MS       60000

/* What a loader of a part sees. */
struct load {
	const struct yaml_doc *doc;
	bp_read_fn read;
	void *read_arg;
	struct blueprint *bp;
	struct err *err;
};

static int wrong(struct load *l, const struct yaml_node *n, const char *allowed)
{
	autofree char *found = yaml_found(n);

	return yaml_fail(l->doc, n, allowed, l->err, "found %s", found);
}

/* --- the prompt --------------------------------------------------------------------------------- */

static bool prompt_path_ok(const char *p)
{
	cleanup(strvec_release) struct strvec parts = STRVEC_INIT;

	if (!*p || strlen(p) > PROMPT_PATH_MAX || strpbrk(p, "\r\n\t\\"))
		return false;
	strvec_split(&parts, p, '/');
	strvec_foreach (&parts, part) {
		if (!**part || !strcmp(*part, ".") || !strcmp(*part, ".."))
			return false;
	}
	return true;
}

static bool is_utf8(const struct buf *b)
{
	json_t *j = json_stringn(b->s, b->len);
	bool ok = j != NULL;

	json_decref(j);
	return ok;
}

static int check_prompt(struct load *l, const struct yaml_node *n, const struct buf *text)
{
	if (text->failed || text->len > BP_PROMPT_MAX)
		return yaml_fail(l->doc, n, "a prompt of at most 65536 bytes", l->err,
				 "found more in '%s'", n->text);
	if (!text->s[strspn(text->s, " \t\r\n")])
		return yaml_fail(l->doc, n, "a file with the instructions for the agent", l->err,
				 "found nothing in '%s'", n->text);
	if (memchr(text->s, 0, text->len) || !is_utf8(text))
		return yaml_fail(l->doc, n, "text in UTF-8 without NUL", l->err,
				 "found other bytes in '%s'", n->text);
	return 0;
}

static int load_prompt(struct load *l, const struct yaml_node *n, struct bp_step *s)
{
	cleanup(buf_release) struct buf text = BUF_INIT_MAX(BP_PROMPT_MAX);
	cleanup(err_release) struct err why = ERR_INIT;

	if (n->kind != YAML_TEXT || !prompt_path_ok(n->text))
		return wrong(l, n,
			     "the path of a prompt below the blueprint's folder, such as "
			     "prompts/fix.md");
	if (l->read(l->read_arg, n->text, &text, &why) < 0 && !text.failed)
		return yaml_fail(l->doc, n, "a file that can be read", l->err, "found '%s': %s",
				 n->text, err_text(&why));
	if (check_prompt(l, n, &text) < 0)
		return -1;
	s->prompt_file = xstrdup(n->text);
	s->prompt = buf_steal(&text);
	return 0;
}

/* --- one loader a kind of step ------------------------------------------------------------------ */

/* Each gets the step and the value of its kind's key. */
static int load_run(struct load *l, const struct yaml_node *step, const struct yaml_node *v,
		    struct bp_step *s)
{
	(void)step;
	if (yaml_commands(l->doc, v, &s->commands, l->err) < 0)
		return -1;
	return s->commands.n ? 0 : wrong(l, v, "a shell command or a list of them");
}

static int load_agent(struct load *l, const struct yaml_node *step, const struct yaml_node *v,
		      struct bp_step *s)
{
	const struct yaml_node *gates = yaml_get(step, "gates");

	if (load_prompt(l, v, s) < 0 ||
	    yaml_name(l->doc, yaml_get(step, "agent-name"), &s->agent, l->err) < 0)
		return -1;
	if (gates && gates->kind == YAML_TEXT && !strcmp(gates->text, "repository")) {
		s->gates_repository = true;
		return 0;
	}
	return yaml_commands(l->doc, gates, &s->gates, l->err);
}

static bool is_user(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 64 && !strpbrk(s, " \t\r\n@,/");
}

static int load_pull_request(struct load *l, const struct yaml_node *step,
			     const struct yaml_node *v, struct bp_step *s)
{
	static const char *const keys[] = {"draft", "reviewers", NULL};
	const struct yaml_node *reviewers = yaml_get(v, "reviewers");

	(void)step;
	if (yaml_must_map(l->doc, v, l->err) < 0 || yaml_only(l->doc, v, keys, l->err) < 0 ||
	    yaml_bool(l->doc, yaml_get(v, "draft"), &s->draft, l->err) < 0 ||
	    yaml_strs(l->doc, reviewers, &s->reviewers, l->err) < 0)
		return -1;
	if (s->reviewers.n > REVIEWERS_MAX)
		return yaml_fail(l->doc, reviewers, "at most 20", l->err, "found %zu reviewers",
				 s->reviewers.n);
	for (size_t i = 0; i < s->reviewers.n; i++)
		if (!is_user(s->reviewers.v[i]))
			return wrong(l,
				     reviewers->kind == YAML_LIST ? reviewers->items[i] : reviewers,
				     "a user's name without '@', or labeller");
	return 0;
}

static int load_empty(struct load *l, const struct yaml_node *step, const struct yaml_node *v,
		      struct bp_step *s)
{
	(void)step;
	if (s->kind == BP_QUEUE)
		s->approvals = 1;
	if (v->kind == YAML_NULL || (v->kind == YAML_MAP && !v->n))
		return 0;
	return wrong(l, v, "{}: this step has no keys");
}

static int load_review(struct load *l, const struct yaml_node *step, const struct yaml_node *v,
		       struct bp_step *s)
{
	static const char *const keys[] = {"approvals", NULL};

	(void)step;
	s->approvals = 1;
	if (yaml_must_map(l->doc, v, l->err) < 0 || yaml_only(l->doc, v, keys, l->err) < 0)
		return -1;
	return yaml_int(l->doc, yaml_get(v, "approvals"), 0, 10, &s->approvals, l->err);
}

/* Adding a kind: a row here, its value in enum bp_kind, its phase and edges in engine.c. */
static const struct step_kind {
	const char *name; /* the key that makes a step one of this kind */
	const char *keys[4];
	int (*load)(struct load *l, const struct yaml_node *step, const struct yaml_node *v,
		    struct bp_step *s);
} step_kinds[] = {
	[BP_RUN] = {"run", {"run"}, load_run},
	[BP_AGENT] = {"agent", {"agent", "agent-name", "gates"}, load_agent},
	[BP_PULL_REQUEST] = {"pull-request", {"pull-request"}, load_pull_request},
	[BP_CHECKS] = {"checks", {"checks"}, load_empty},
	[BP_REVIEW] = {"review", {"review"}, load_review},
	[BP_QUEUE] = {"queue", {"queue"}, load_empty},
};

const char *bp_kind_name(enum bp_kind k)
{
	return (size_t)k < ARRAY_LEN(step_kinds) ? step_kinds[k].name : "?";
}

/* --- steps -------------------------------------------------------------------------------------- */

static int unknown_kind(struct load *l, const struct yaml_node *n)
{
	const char *names[ARRAY_LEN(step_kinds) + 1] = {NULL};

	for (size_t i = 0; i < ARRAY_LEN(step_kinds); i++)
		names[i] = step_kinds[i].name;
	if (n->kind == YAML_MAP && n->n)
		return yaml_only(l->doc, n, names, l->err);
	return wrong(l, n,
		     "a mapping with one of run, agent, pull-request, checks, review, queue, such "
		     "as 'queue: {}'");
}

static int load_step(struct load *l, const struct yaml_node *n, struct bp_step *s)
{
	const struct step_kind *kind = NULL;

	for (size_t i = 0; i < ARRAY_LEN(step_kinds); i++) {
		if (!yaml_get(n, step_kinds[i].name))
			continue;
		if (kind)
			return yaml_fail(l->doc, n, "one kind a step; begin another with '- '",
					 l->err, "found '%s' and '%s' in one step", kind->name,
					 step_kinds[i].name);
		kind = &step_kinds[i];
		s->kind = (enum bp_kind)i;
	}
	s->line = n->line;
	if (!kind)
		return unknown_kind(l, n);
	if (yaml_only(l->doc, n, kind->keys, l->err) < 0)
		return -1;
	return kind->load(l, n, yaml_get(n, kind->name), s);
}

static bool is_work(enum bp_kind k)
{
	return k == BP_RUN || k == BP_AGENT;
}

/* Which order makes sense: the table's words stand in the header. */
static int check_order(struct load *l, const struct yaml_node *steps)
{
	bool worked = false, opened = false;
	const struct blueprint *bp = l->bp;

	for (size_t i = 0; i < bp->nsteps; i++) {
		enum bp_kind k = bp->steps[i].kind;
		const struct yaml_node *at = steps->items[i];
		const char *name = bp_kind_name(k);

		if (is_work(k) && opened)
			return yaml_fail(l->doc, at,
					 "checks, review, queue there; run and agent before it",
					 l->err, "found '%s' after 'pull-request'", name);
		if (k == BP_PULL_REQUEST && opened)
			return yaml_fail(l->doc, at, "one; a round after it pushes to the same PR",
					 l->err, "found a second 'pull-request'");
		if (k == BP_PULL_REQUEST && !worked)
			return yaml_fail(l->doc, at, "an 'agent' or 'run' step first", l->err,
					 "found 'pull-request' before any work");
		if (!is_work(k) && k != BP_PULL_REQUEST && !opened)
			return yaml_fail(l->doc, at, "a 'pull-request' step first", l->err,
					 "found '%s' without a pull request", name);
		if (k == BP_QUEUE && i + 1 < bp->nsteps)
			return yaml_fail(l->doc, steps->items[i + 1], "nothing: queue is last",
					 l->err, "found '%s' after 'queue'",
					 bp_kind_name(bp->steps[i + 1].kind));
		worked = worked || is_work(k);
		opened = opened || k == BP_PULL_REQUEST;
	}
	return 0;
}

static int load_steps(struct load *l, const struct yaml_node *root)
{
	const struct yaml_node *n = yaml_get(root, "steps");

	if (!n)
		return yaml_fail(l->doc, root, "a list of 1 to 32 steps", l->err,
				 "found no key 'steps'");
	if (n->kind != YAML_LIST || !n->n || n->n > BP_STEPS_MAX)
		return wrong(l, n, "a list of 1 to 32 steps");
	l->bp->steps = xcalloc(n->n, sizeof(*l->bp->steps));
	for (size_t i = 0; i < n->n; i++) {
		l->bp->nsteps++;
		if (load_step(l, n->items[i], &l->bp->steps[i]) < 0)
			return -1;
	}
	return check_order(l, n);
}

/* --- the rest ----------------------------------------------------------------------------------- */

#define NUM(key, field, min, max, otherwise, scale)                                                \
	{                                                                                          \
		key, offsetof(struct blueprint, field), min, max, otherwise, scale                 \
	}
/* Keys of `limits:` that are numbers. */
static const struct yaml_num limit_nums[] = {
	NUM("rounds", rounds, 1, 10, 3, 1),
	NUM("ci-rounds", ci_rounds, 0, 10, 2, 1),
	NUM("timeout-minutes", timeout_ms, 1, 1440, 45, MINUTE_MS),
	NUM("gate-timeout-minutes", gate_timeout_ms, 1, 1440, 15, MINUTE_MS),
	NUM("silence-minutes", silence_ms, 0, 1440, 10, MINUTE_MS),
	NUM("turns", turns, 0, 10000, 0, 1),
	NUM("memory-mb", memory_mb, 64, 1048576, 0, 1),
	NUM("processes", processes, 8, 65536, 0, 1),
	NUM("disk-mb", disk_mb, 16, 1048576, 0, 1),
	NUM("output-mb", output_mb, 1, 10240, 0, 1),
	NUM("cpu-minutes", cpu_minutes, 1, 10080, 0, 1),
	{0},
};

static int load_limits(struct load *l, const struct yaml_node *n)
{
	static const char *const keys[] = {"rounds",
					   "ci-rounds",
					   "timeout-minutes",
					   "gate-timeout-minutes",
					   "silence-minutes",
					   "cost-usd",
					   "turns",
					   "memory-mb",
					   "processes",
					   "disk-mb",
					   "output-mb",
					   "cpu-minutes",
					   NULL};

	if (yaml_must_map(l->doc, n, l->err) < 0 || yaml_only(l->doc, n, keys, l->err) < 0 ||
	    yaml_money(l->doc, yaml_get(n, "cost-usd"), &l->bp->cost_microusd, l->err) < 0)
		return -1;
	return yaml_nums(l->doc, n, limit_nums, l->bp, l->err);
}

static int load_environment(struct load *l, const struct yaml_node *n)
{
	static const char *const keys[] = {"setup", "key", "network", NULL};
	struct blueprint *bp = l->bp;

	if (yaml_must_map(l->doc, n, l->err) < 0 || yaml_only(l->doc, n, keys, l->err) < 0 ||
	    yaml_commands(l->doc, yaml_get(n, "setup"), &bp->setup, l->err) < 0 ||
	    yaml_globs(l->doc, yaml_get(n, "key"), &bp->setup_key, l->err) < 0)
		return -1;
	return yaml_network(l->doc, yaml_get(n, "network"), &bp->setup_network_host, l->err);
}

/* `on:` and `on-failure:` are both { label: TEXT }. */
static int load_label(struct load *l, const struct yaml_node *n, char **ret)
{
	static const char *const keys[] = {"label", NULL};

	if (n && n->kind != YAML_MAP)
		return wrong(l, n, "a mapping such as { label: \"agent:bugfix\" }");
	if (yaml_only(l->doc, n, keys, l->err) < 0)
		return -1;
	return yaml_line(l->doc, yaml_get(n, "label"), LABEL_MAX, ret, l->err);
}

static int load_labels(struct load *l, const struct yaml_node *root)
{
	struct blueprint *bp = l->bp;

	if (load_label(l, yaml_get(root, "on"), &bp->label) < 0 ||
	    load_label(l, yaml_get(root, "on-failure"), &bp->failure_label) < 0)
		return -1;
	bp->label_default = !bp->label;
	if (!bp->label)
		bp->label = xasprintf("agent:%s", bp->name);
	bp->failure_label_default = !bp->failure_label;
	if (!bp->failure_label)
		bp->failure_label = xstrdup("needs-human");
	return 0;
}

static int load_allow(struct load *l, const struct yaml_node *root)
{
	const struct yaml_node *n = yaml_get(root, "allow");

	if (!n)
		return yaml_fail(l->doc, root,
				 "a list of path patterns: what the change may touch, such as "
				 "[\"src/**\", \"tests/**\"]",
				 l->err, "found no key 'allow'");
	if (yaml_globs(l->doc, n, &l->bp->allow, l->err) < 0)
		return -1;
	if (!l->bp->allow.n)
		return wrong(l, n, "at least one path pattern");
	return yaml_globs(l->doc, yaml_get(root, "allow-protected"), &l->bp->protect_except,
			  l->err);
}

static int load_head(struct load *l, const struct yaml_node *root)
{
	const struct yaml_node *name = yaml_get(root, "name");
	const struct yaml_node *preamble = yaml_get(root, "preamble");
	struct blueprint *bp = l->bp;

	if (!name)
		return yaml_fail(l->doc, root, "name: 1 to 40 of a-z, 0-9 and '-'", l->err,
				 "found no key 'name'");
	if (yaml_name(l->doc, name, &bp->name, l->err) < 0 ||
	    yaml_line(l->doc, yaml_get(root, "description"), LINE_MAX_BYTES, &bp->description,
		      l->err) < 0 ||
	    yaml_name(l->doc, yaml_get(root, "agent"), &bp->agent, l->err) < 0 ||
	    yaml_str(l->doc, preamble, &bp->prompt_preamble, l->err) < 0)
		return -1;
	if (bp->prompt_preamble && strlen(bp->prompt_preamble) > BP_PROMPT_MAX)
		return yaml_fail(l->doc, preamble, "at most 65536 bytes", l->err,
				 "found a text of %zu bytes", strlen(bp->prompt_preamble));
	return yaml_network(l->doc, yaml_get(root, "network"), &bp->network_host, l->err);
}

static int load_root(struct load *l, const struct yaml_node *root)
{
	static const char *const keys[] = {"name",     "description", "on",    "agent",
					   "preamble", "network",     "allow", "allow-protected",
					   "limits",   "environment", "steps", "on-failure",
					   NULL};

	if (root->kind != YAML_MAP)
		return wrong(l, root, "a blueprint: name, allow, steps");
	if (yaml_only(l->doc, root, keys, l->err) < 0 || load_head(l, root) < 0 ||
	    load_labels(l, root) < 0 || load_allow(l, root) < 0 ||
	    load_limits(l, yaml_get(root, "limits")) < 0 ||
	    load_environment(l, yaml_get(root, "environment")) < 0)
		return -1;
	return load_steps(l, root);
}

int blueprint_load(const char *file, const char *s, size_t n, bp_read_fn read, void *arg,
		   struct blueprint *ret, struct err *err)
{
	cleanup(yaml_doc_release) struct yaml_doc doc = {0};
	cleanup(blueprint_release) struct blueprint bp = {0};
	struct load l = {.doc = &doc, .read = read, .read_arg = arg, .bp = &bp, .err = err};

	if (yaml_load(file, s, n, &doc, err) < 0)
		return -1;
	bp.file = xstrdup(file);
	if (load_root(&l, doc.root) < 0)
		return -1;
	*ret = bp;
	bp = (struct blueprint){0};
	return 0;
}
