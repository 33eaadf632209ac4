/*
 * github_rule.h - every kind of rule that a ruleset of GitHub can put on a branch, and what becomes of it when a PR lands.
 *
 * A landing is a push. Some rules refuse any push to the branch ("changes must be made through a pull request"), so that
 * the App has to be on the bypass list of their ruleset; but a bypass is of the whole ruleset, and GitHub then enforces
 * none of its rules for us. So each kind has an answer here, and one that is not in the table is never passed over:
 *
 *   NONE    wants nothing of a landing
 *   WHO     says who may push: without a bypass GitHub refuses every landing, which `doctor` tells beforehand
 *   WAITED  is waited for here, bypassed or not: reviews (queue_rules.h), required checks (ci.h)
 *   METHOD  allows some methods only: with another one nothing lands
 *   SIGNED  signatures, which only some keys can give (conf_daemon.h, sign-key): `doctor` says what works
 *   GITHUB  cannot be judged from here, so GitHub has to. A bypass would skip it: while the App may bypass its ruleset, or
 *           that cannot be found out, nothing lands, and `queue why`, the PR and `doctor` say what to do. Without one
 *           GitHub judges the landing's push, and what it refuses is told on the PR in its words
 *   NEVER   cannot be together with this queue: nothing lands, bypassed or not
 *
 * The kinds are those of GitHub's OpenAPI description ("repository-rule-detailed", @octokit/openapi 23.0.2) and of its page
 * "Available rules for rulesets". `code_quality` is in neither, but rulesets that were exported have it
 * (KooshaPari/zz-aa-dep-CliproxyApiPlusPlus#942): kinds come before their description does. Any that is not known is GITHUB.
 */
#ifndef YM_FORGE_GITHUB_RULE_H
#define YM_FORGE_GITHUB_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum github_rule_how {
	GITHUB_RULE_NONE,
	GITHUB_RULE_WHO,
	GITHUB_RULE_WAITED,
	GITHUB_RULE_METHOD,
	GITHUB_RULE_SIGNED,
	GITHUB_RULE_GITHUB,
	GITHUB_RULE_NEVER,
};

struct github_rule {
	const char *type; /* as GitHub spells it; NULL: any that is not known */
	enum github_rule_how how;
	const char *wants; /* "code scanning must have passed"; of NONE NULL */
	/* Where it is in force on the branches of candidates, which are pushed, moved and removed without a PR, it
	 * refuses that. */
	bool candidates;
};

/* Never NULL. */
const struct github_rule *github_rule_find(const char *type);

/* May we bypass it, by GitHub's current_user_can_bypass? NULL: that is not known. */
bool github_rule_skipped(const char *bypass);

/* Why nothing lands where such a rule is in force, and what to do: "the rule `code_scanning` …"; NULL: it does not
 * stand in the way. bypass: as above. Caller frees. */
char *github_rule_holds(const char *type, int64_t ruleset, const char *bypass);

/* What to do where GitHub has refused a push with these words; NULL: there is no advice. */
const char *github_rule_advice(const char *refusal);

#endif
