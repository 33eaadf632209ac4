/* blueprint_show.c - a blueprint as JSON, with the keys of its file, and as a person reads it. */
#include "base/json.h"
#include "base/mem.h"
#include "blueprint/blueprint.h"

#define MINUTE_MS 60000

static json_t *list_json(const struct strvec *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(a, json_utf8(v->v[i], strlen(v->v[i])));
	return a;
}

/* --- JSON ---------------------------------------------------------------------------------------- */

static void run_json(json_t *o, const struct bp_step *s)
{
	json_put(o, "run", list_json(&s->commands));
}

static void agent_json(json_t *o, const struct bp_step *s)
{
	json_put_str(o, "agent", s->prompt_file);
	json_put_str(o, "agent-name", s->agent);
	if (s->gates_repository && !s->gates.n)
		json_put_str(o, "gates", "repository");
	else
		json_put(o, "gates", list_json(&s->gates));
	json_put_str(o, "prompt", s->prompt);
}

static void pull_request_json(json_t *o, const struct bp_step *s)
{
	json_t *v = json_object();

	json_put_bool(v, "draft", s->draft);
	json_put(v, "reviewers", list_json(&s->reviewers));
	json_put(o, "pull-request", v);
}

static void review_json(json_t *o, const struct bp_step *s)
{
	json_t *v = json_object();

	json_put_int(v, "approvals", s->approvals);
	json_put(o, "review", v);
}

static void empty_json(json_t *o, const struct bp_step *s)
{
	json_put(o, bp_kind_name(s->kind), json_object());
}

static void (*const step_json[])(json_t *o, const struct bp_step *s) = {
	[BP_RUN] = run_json,      [BP_AGENT] = agent_json,   [BP_PULL_REQUEST] = pull_request_json,
	[BP_CHECKS] = empty_json, [BP_REVIEW] = review_json, [BP_QUEUE] = empty_json,
};

static json_t *steps_json(const struct blueprint *bp)
{
	json_t *a = json_array();

	for (size_t i = 0; i < bp->nsteps; i++) {
		json_t *o = json_object();

		json_put_str(o, "kind", bp_kind_name(bp->steps[i].kind));
		json_put_int(o, "line", bp->steps[i].line);
		step_json[bp->steps[i].kind](o, &bp->steps[i]);
		json_array_append_new(a, o);
	}
	return a;
}

/* A limit that is not set is null: the daemon's counts, or none does. */
static void put_limit(json_t *o, const char *key, int64_t v)
{
	json_put(o, key, v ? json_integer(v) : json_null());
}

static json_t *limits_json(const struct blueprint *bp)
{
	json_t *o = json_object();

	json_put_int(o, "rounds", bp->rounds);
	json_put_int(o, "ci-rounds", bp->ci_rounds);
	json_put_int(o, "timeout-minutes", bp->timeout_ms / MINUTE_MS);
	json_put_int(o, "gate-timeout-minutes", bp->gate_timeout_ms / MINUTE_MS);
	json_put_int(o, "silence-minutes", bp->silence_ms / MINUTE_MS);
	put_limit(o, "cost-microusd", bp->cost_microusd);
	put_limit(o, "turns", bp->turns);
	put_limit(o, "memory-mb", bp->memory_mb);
	put_limit(o, "processes", bp->processes);
	put_limit(o, "disk-mb", bp->disk_mb);
	put_limit(o, "output-mb", bp->output_mb);
	put_limit(o, "cpu-minutes", bp->cpu_minutes);
	return o;
}

static const char *network(bool host)
{
	return host ? "host" : "none";
}

static json_t *environment_json(const struct blueprint *bp)
{
	json_t *o = json_object();

	json_put(o, "setup", list_json(&bp->setup));
	json_put(o, "key", list_json(&bp->setup_key));
	json_put_str(o, "network", network(bp->setup_network_host));
	return o;
}

static json_t *label_json(const char *label)
{
	json_t *o = json_object();

	json_put_str(o, "label", label);
	return o;
}

char *blueprint_json(const struct blueprint *bp)
{
	autojson json_t *o = json_object();

	json_put_str(o, "name", bp->name);
	json_put_str(o, "file", bp->file);
	json_put_str(o, "description", bp->description);
	json_put(o, "on", label_json(bp->label));
	json_put_str(o, "agent", bp->agent);
	json_put_str(o, "preamble", bp->prompt_preamble);
	json_put_str(o, "network", network(bp->network_host));
	json_put(o, "allow", list_json(&bp->allow));
	json_put(o, "allow-protected", list_json(&bp->protect_except));
	json_put(o, "limits", limits_json(bp));
	json_put(o, "environment", environment_json(bp));
	json_put(o, "steps", steps_json(bp));
	json_put(o, "on-failure", label_json(bp->failure_label));
	return json_text(o);
}

/* --- for people ---------------------------------------------------------------------------------- */

/* A long command is shown by its first line. */
static void add_commands(struct buf *b, const struct strvec *v)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *s = v->v[i] + strspn(v->v[i], " \t\r\n");
		int n = (int)strcspn(s, "\r\n");

		buf_addf(b, "%s`%.*s%s`", i ? ", " : "", n, s, s[n] ? " …" : "");
	}
}

static void show_run(struct buf *b, const struct bp_step *s)
{
	buf_adds(b, "run ");
	add_commands(b, &s->commands);
}

static void show_agent(struct buf *b, const struct bp_step *s)
{
	buf_addf(b, "agent%s%s with %s; gates: ", s->agent ? " " : "", s->agent ? s->agent : "",
		 s->prompt_file);
	if (s->gates.n)
		add_commands(b, &s->gates);
	else
		buf_adds(b, s->gates_repository ? "the repository's" : "none");
}

static void show_pull_request(struct buf *b, const struct bp_step *s)
{
	autofree char *names = strvec_join(&s->reviewers, ", ");

	buf_addf(b, "pull request%s%s%s", s->draft ? ", as a draft" : "",
		 *names ? ", reviewers: " : "", names);
}

static void show_checks(struct buf *b, const struct bp_step *s)
{
	(void)s;
	buf_adds(b, "the forge's required checks");
}

static void show_review(struct buf *b, const struct bp_step *s)
{
	if (s->approvals)
		buf_addf(b, "review: %lld approval%s", (long long)s->approvals,
			 s->approvals == 1 ? "" : "s");
	else
		buf_adds(b, "review: nobody is asked here");
}

static void show_queue(struct buf *b, const struct bp_step *s)
{
	(void)s;
	buf_adds(b, "merge queue");
}

static void (*const step_show[])(struct buf *b, const struct bp_step *s) = {
	[BP_RUN] = show_run,       [BP_AGENT] = show_agent,   [BP_PULL_REQUEST] = show_pull_request,
	[BP_CHECKS] = show_checks, [BP_REVIEW] = show_review, [BP_QUEUE] = show_queue,
};

static void show_limits(struct buf *b, const struct blueprint *bp)
{
	buf_addf(b, "  limits       %lld round%s, %lld CI round%s, %lld minutes a round",
		 (long long)bp->rounds, bp->rounds == 1 ? "" : "s", (long long)bp->ci_rounds,
		 bp->ci_rounds == 1 ? "" : "s", (long long)(bp->timeout_ms / MINUTE_MS));
	if (bp->silence_ms)
		buf_addf(b, ", %lld without output", (long long)(bp->silence_ms / MINUTE_MS));
	if (bp->cost_microusd)
		buf_addf(b, ", $%.2f", (double)bp->cost_microusd / 1e6);
	if (bp->turns)
		buf_addf(b, ", %lld turns", (long long)bp->turns);
	buf_addc(b, '\n');
}

char *blueprint_describe(const struct blueprint *bp)
{
	cleanup(buf_release) struct buf b = BUF_INIT;
	autofree char *allow = strvec_join(&bp->allow, ", ");
	autofree char *protected = strvec_join(&bp->protect_except, ", ");

	buf_addf(&b, "%s (%s)\n", bp->name, bp->file);
	if (bp->description)
		buf_addf(&b, "  %s\n", bp->description);
	buf_addf(&b, "  label        %s\n", bp->label);
	buf_addf(&b, "  agent        %s%s\n", bp->agent ? bp->agent : "the daemon's default",
		 bp->network_host ? ", with the host's network" : "");
	buf_addf(&b, "  may touch    %s\n", allow);
	if (*protected)
		buf_addf(&b, "  protected    %s\n", protected);
	show_limits(&b, bp);
	if (bp->setup.n) {
		buf_adds(&b, "  set-up       ");
		add_commands(&b, &bp->setup);
		buf_adds(&b, bp->setup_network_host ? ", with the host's network\n" : "\n");
	}
	buf_adds(&b, "  steps\n");
	for (size_t i = 0; i < bp->nsteps; i++) {
		buf_addf(&b, "    %zu. ", i + 1);
		step_show[bp->steps[i].kind](&b, &bp->steps[i]);
		buf_addc(&b, '\n');
	}
	buf_addf(&b, "  on failure   label %s\n", bp->failure_label);
	return buf_steal(&b);
}
