/* github_doctor_rules.c - see github_doctor_part.h */
#include "forge/github_doctor_part.h"

#include "base/mem.h"

#include <stdarg.h>
#include <string.h>

#define QUEUE_CHECK "yardmaster/queue"

void doctor_row(json_t *rows, const char *about, const char *check, bool ok, const char *mend,
		const char *fmt, ...)
{
	json_t *row = json_object();
	autofree char *name = about ? xasprintf("%s: %s", about, check) : xstrdup(check);
	autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	json_put_str(row, "check", name);
	json_put_bool(row, "ok", ok);
	json_put_str(row, "text", text);
	if (!ok && mend)
		json_put_str(row, "mend", mend);
	if (json_array_append_new(rows, row) < 0)
		abort(); /* out of memory */
}

static bool has_app(const json_t *apps, const char *slug)
{
	const json_t *one;
	size_t i;

	json_array_foreach (apps, i, one)
		if (slug && !strcmp(json_str(one, "slug", ""), slug))
			return true;
	return false;
}

static bool enabled(const json_t *p, const char *key)
{
	return json_flag(json_object_get(p, key), "enabled");
}

/* One thing that refuses a landing. */
static int refuses(const struct doctor_rules *d, json_t *rows, const char *mend, const char *text)
{
	doctor_row(rows, d->repo->full_name, "rules", false, mend, "%s: %s", d->repo->base, text);
	return 1;
}

static int requires_itself(const struct doctor_rules *d, json_t *rows)
{
	return refuses(d, rows,
		       "take " QUEUE_CHECK
		       " out of the required checks: it turns green by landing, "
		       "so that nothing would ever land",
		       "the check " QUEUE_CHECK " is required");
}

static int required(const struct doctor_rules *d, const char *check, json_t *rows)
{
	if (check && !strcmp(check, QUEUE_CHECK))
		return requires_itself(d, rows);
	if (check && !strvec_has(d->required, check))
		strvec_push(d->required, check);
	return 0;
}

static int unsigned_commits(const struct doctor_rules *d, json_t *rows)
{
	if (d->signs)
		return 0;
	return refuses(d, rows,
		       "name a key at 'sign-key' in yardmaster.yml and give its public half to an "
		       "account of GitHub as a signing key",
		       "signatures are required, and landings are not signed");
}

static int linear(const struct doctor_rules *d, json_t *rows)
{
	if (!d->repo->merges)
		return 0;
	return refuses(
		d, rows,
		"set queue.method to rebase or squash in .github/yardmaster.yml, or take the "
		"rule away",
		"a linear history is required, and the queue's method is merge");
}

static int stale(const struct doctor_rules *d, bool dismissed, bool last, json_t *rows)
{
	int n = 0;

	if (!d->repo->moves_heads)
		return 0;
	if (dismissed)
		n += refuses(
			d, rows,
			"set queue.method to merge, which moves no head, or let a push keep "
			"approvals",
			"a push dismisses approvals, and landing by rebase or squash pushes the "
			"PR's head");
	if (last)
		n += refuses(
			d, rows,
			"set queue.method to merge, which moves no head, or do not require the "
			"approval of the last push",
			"the last push needs somebody else's approval, and landing by rebase or "
			"squash is one");
	return n;
}

/* --- branch protection --- */

static int reviews(const struct doctor_rules *d, const json_t *p, json_t *rows)
{
	const json_t *r = json_object_get(p, "required_pull_request_reviews");
	const json_t *bypass = json_object_get(r, "bypass_pull_request_allowances");
	bool bypassed = has_app(json_object_get(bypass, "apps"), d->app);
	int n = 0;

	if (!r)
		return 0;
	if (!bypassed)
		n += refuses(d, rows,
			     "add the App to those who may bypass required pull requests in the "
			     "branch's protection; yardmaster waits for the reviews itself",
			     "changes need a pull request, and the App may not bypass that: its "
			     "push is refused");
	/* Whoever may bypass the rule loses the approvals all the same. */
	return n + stale(d, json_flag(r, "dismiss_stale_reviews"),
			 !bypassed && json_flag(r, "require_last_push_approval"), rows);
}

static int checks(const struct doctor_rules *d, const json_t *p, json_t *rows)
{
	const json_t *list =
		json_object_get(json_object_get(p, "required_status_checks"), "contexts");
	const json_t *one;
	size_t i;
	int n = 0;

	json_array_foreach (list, i, one)
		n += required(d, json_string_value(one), rows);
	return n;
}

int doctor_protection(const struct doctor_rules *d, const json_t *p, json_t *rows)
{
	const json_t *who = json_object_get(p, "restrictions");
	int n = checks(d, p, rows) + reviews(d, p, rows);

	if (json_is_object(who) && !has_app(json_object_get(who, "apps"), d->app))
		n += refuses(d, rows,
			     "add the App to those who may push in the branch's protection",
			     "only some may push, and the App is not one of them");
	if (enabled(p, "lock_branch"))
		n += refuses(d, rows, "unlock the branch", "the branch is locked");
	if (enabled(p, "required_signatures"))
		n += unsigned_commits(d, rows);
	if (enabled(p, "required_linear_history"))
		n += linear(d, rows);
	return n;
}

/* --- rulesets --- */

static int rule_checks(const struct doctor_rules *d, const json_t *parameters, json_t *rows)
{
	const json_t *list = json_object_get(parameters, "required_status_checks"), *one;
	size_t i;
	int n = 0;

	json_array_foreach (list, i, one)
		n += required(d, json_str(one, "context", NULL), rows);
	return n;
}

static int rule_reviews(const struct doctor_rules *d, const json_t *parameters, json_t *rows)
{
	return stale(d, json_flag(parameters, "dismiss_stale_reviews_on_push"),
		     json_flag(parameters, "require_last_push_approval"), rows);
}

/* Bypassed or not, a push takes the approvals away. */
static int rule_bypassed(const struct doctor_rules *d, const json_t *rule, json_t *rows)
{
	const json_t *parameters = json_object_get(rule, "parameters");

	return stale(d,
		     !strcmp(json_str(rule, "type", ""), "pull_request") &&
			     json_flag(parameters, "dismiss_stale_reviews_on_push"),
		     false, rows);
}

static int rule_signatures(const struct doctor_rules *d, const json_t *parameters, json_t *rows)
{
	(void)parameters;
	return unsigned_commits(d, rows);
}

static int rule_linear(const struct doctor_rules *d, const json_t *parameters, json_t *rows)
{
	(void)parameters;
	return linear(d, rows);
}

/* Rules that refuse a push by whoever cannot bypass them, and those that depend. */
static const struct {
	const char *type, *refusal;
	int (*judge)(const struct doctor_rules *d, const json_t *parameters, json_t *rows);
} kinds[] = {
	{"update", "updates are restricted", NULL},
	{"pull_request", "changes need a pull request", rule_reviews},
	{"merge_queue", "GitHub's own merge queue is required", NULL},
	{"workflows", "workflows must pass before a push", NULL},
	{"required_status_checks", NULL, rule_checks},
	{"required_signatures", NULL, rule_signatures},
	{"required_linear_history", NULL, rule_linear},
};

int doctor_rule(const struct doctor_rules *d, const json_t *rule, const char *bypass, json_t *rows)
{
	const char *type = json_str(rule, "type", "");
	autofree char *text = NULL;
	size_t i = 0;
	int n = 0;

	if (bypass && !strcmp(bypass, "always"))
		return rule_bypassed(d, rule, rows);
	while (i < ARRAY_LEN(kinds) && strcmp(kinds[i].type, type) != 0)
		i++;
	if (i == ARRAY_LEN(kinds))
		return 0;
	if (kinds[i].refusal) {
		text = xasprintf("%s by the ruleset %lld, and %s", kinds[i].refusal,
				 (long long)json_int(rule, "ruleset_id", 0),
				 bypass ? "the App may not bypass it: its push is refused"
					: "whether the App may bypass it could not be found out");
		n += refuses(d, rows, "add the App to the ruleset's bypass list, 'always'", text);
	}
	if (kinds[i].judge)
		n += kinds[i].judge(d, json_object_get(rule, "parameters"), rows);
	return n;
}

int doctor_candidate_rules(const struct doctor_rules *d, const json_t *rules, json_t *rows)
{
	static const char *const bad[] = {"creation",         "update",
					  "deletion",         "pull_request",
					  "non_fast_forward", "required_status_checks"};
	const json_t *one;
	size_t k;
	int n = 0;

	json_array_foreach (rules, k, one) {
		const char *type = json_str(one, "type", "");

		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			if (strcmp(type, bad[i]) != 0)
				continue;
			doctor_row(
				rows, d->repo->full_name, "rules", false,
				"exclude yardmaster/queue/** from that ruleset",
				"the rule '%s' of ruleset %lld is in force on yardmaster/queue/**, "
				"where candidates are pushed, moved and removed",
				type, (long long)json_int(one, "ruleset_id", 0));
			n++;
		}
	}
	return n;
}
