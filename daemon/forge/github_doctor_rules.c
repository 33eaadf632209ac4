/* github_doctor_rules.c - see github_doctor_part.h */
#include "forge/github_doctor_part.h"

#include "base/mem.h"
#include "forge/github_rule.h"

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

#define SIGNING                                                                                    \
	"name a key of a machine user at 'sign-key' in yardmaster.yml, an address of that "        \
	"account "                                                                                 \
	"at 'author.email', and give the account the key's public half as a signing key (an App "  \
	"has no account that a key could belong to); or have the rule in a ruleset that the App "  \
	"may bypass: landings then show as unverified"

static int unsigned_commits(const struct doctor_rules *d, json_t *rows)
{
	if (!d->signs)
		return refuses(d, rows, SIGNING,
			       "signatures are required, and landings are not signed");
	if (d->wants_signed)
		*d->wants_signed = true;
	return 0;
}

int doctor_signed(const struct doctor_rules *d, const char *email, const json_t *commits,
		  json_t *rows)
{
	const json_t *one = json_array_get(commits, 0);
	const json_t *v = json_object_get(json_object_get(one, "commit"), "verification");
	const char *reason = json_str(v, "reason", "no reason");
	autofree char *text = NULL;

	if (one && !json_flag(v, "verified")) {
		text = xasprintf("signatures are required, and GitHub does not verify that of "
				 "%.12s, the last commit by %s: %.40s",
				 json_str(one, "sha", "?"), email, reason);
		return refuses(d, rows, SIGNING, text);
	}
	doctor_row(
		rows, d->repo->full_name, "rules", true, NULL,
		one ? "%s: signatures are required, and GitHub verifies those of %s"
		    : "%s: signatures are required, and there is no commit by %s yet to see "
		      "whether GitHub verifies them: it does when 'sign-key' is a signing key of "
		      "the account with this address",
		d->repo->base, email);
	return 0;
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

static int rule_methods(const struct doctor_rules *d, const json_t *parameters, json_t *rows)
{
	const json_t *list = json_object_get(parameters, "allowed_merge_methods"), *one;
	autofree char *text = NULL;
	size_t i;

	json_array_foreach (list, i, one)
		if (d->repo->method &&
		    !strcmp(json_string_value(one) ? json_string_value(one) : "", d->repo->method))
			return 0;
	if (!json_array_size(list) || !d->repo->method)
		return 0;
	text = xasprintf("a ruleset does not allow the method %s, so that nothing lands",
			 d->repo->method);
	return refuses(d, rows,
		       "set queue.method in .github/yardmaster.yml to one that it allows, or allow "
		       "this one",
		       text);
}

/* What a rule wants of us beside its place in the table of kinds, bypassed or not. */
static const struct {
	const char *type;
	int (*judge)(const struct doctor_rules *d, const json_t *parameters, json_t *rows);
	bool bypassed; /* also then */
} judges[] = {
	{"pull_request", rule_reviews, false},
	{"pull_request", rule_methods, true},
	{"required_status_checks", rule_checks, true}, /* they are waited for all the same */
	{"required_signatures", rule_signatures, false},
	{"required_linear_history", rule_linear, true},
};

static int judge(const struct doctor_rules *d, const json_t *rule, bool bypassed, json_t *rows)
{
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(judges); i++)
		if (!strcmp(judges[i].type, json_str(rule, "type", "")) &&
		    (!bypassed || judges[i].bypassed))
			n += judges[i].judge(d, json_object_get(rule, "parameters"), rows);
	return n;
}

/* Without a bypass no landing gets through. */
static int refuses_pushes(const struct doctor_rules *d, const struct github_rule *k,
			  int64_t ruleset, const char *bypass, json_t *rows)
{
	autofree char *text =
		xasprintf("%s by the ruleset %lld, and %s", k->wants, (long long)ruleset,
			  bypass ? "the App may not bypass it: its push is refused"
				 : "whether the App may bypass it could not be found out");

	return refuses(d, rows, "add the App to the ruleset's bypass list, 'always'", text);
}

/* What is as it should be, and yet to be known. */
static void name(const struct doctor_rules *d, json_t *rows, const char *type, int64_t ruleset,
		 const char *text)
{
	doctor_row(rows, d->repo->full_name, "rules", true, NULL,
		   "%s: the rule '%.60s' of ruleset "
		   "%lld %s",
		   d->repo->base, type, (long long)ruleset, text);
}

int doctor_rule(const struct doctor_rules *d, const json_t *rule, const char *bypass, json_t *rows)
{
	const char *type = json_str(rule, "type", "");
	const struct github_rule *k = github_rule_find(type);
	int64_t ruleset = json_int(rule, "ruleset_id", 0);
	autofree char *holds = github_rule_holds(type, ruleset, bypass);
	bool skipped = github_rule_skipped(bypass);
	int n = 0;

	if (holds)
		return refuses(d, rows, "as it says; until then nothing lands", holds);
	if (k->how == GITHUB_RULE_GITHUB)
		name(d, rows, type, ruleset,
		     "is judged by GitHub at each landing: what it asks for has to run on pushes "
		     "to "
		     "yardmaster/queue/**");
	if (k->how == GITHUB_RULE_SIGNED && skipped)
		name(d, rows, type, ruleset,
		     "does not hold for the App, which may bypass it: landings show as unverified, "
		     "unless 'sign-key' is a machine user's");
	if (skipped)
		return judge(d, rule, true, rows) + rule_bypassed(d, rule, rows);
	if (k->how == GITHUB_RULE_WHO || !strcmp(type, "pull_request"))
		n = refuses_pushes(d, k, ruleset, bypass, rows);
	return n + judge(d, rule, false, rows);
}

int doctor_candidate_rules(const struct doctor_rules *d, const json_t *rules, json_t *rows)
{
	const json_t *one;
	size_t i;
	int n = 0;

	json_array_foreach (rules, i, one) {
		const char *type = json_str(one, "type", "");

		if (!github_rule_find(type)->candidates)
			continue;
		doctor_row(rows, d->repo->full_name, "rules", false,
			   "exclude yardmaster/queue/** from that ruleset",
			   "the rule '%.60s' of ruleset %lld is in force on yardmaster/queue/**, "
			   "where candidates are pushed, moved and removed",
			   type, (long long)json_int(one, "ruleset_id", 0));
		n++;
	}
	return n;
}
