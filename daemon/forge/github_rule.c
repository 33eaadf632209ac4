/* github_rule.c - see github_rule.h */
#include "forge/github_rule.h"

#include "base/mem.h"

#include <string.h>

/* A kind that GitHub adds is a row here, and in contrib/doc/github.md. */
static const struct github_rule kinds[] = {
	/* who may push, and what a landing never does */
	{"creation", GITHUB_RULE_NONE, NULL, true},
	{"update", GITHUB_RULE_WHO, "updates are restricted", true},
	{"deletion", GITHUB_RULE_NONE, NULL, true},
	{"non_fast_forward", GITHUB_RULE_NONE, NULL, true},
	{"branch_name_pattern", GITHUB_RULE_NONE, NULL, true}, /* of a branch that is made */
	{"tag_name_pattern", GITHUB_RULE_NONE, NULL, false},
	{"copilot_code_review", GITHUB_RULE_NONE, NULL, false}, /* asks for one, blocks nothing */
	/* what the queue waits for, or keeps */
	{"pull_request", GITHUB_RULE_WAITED, "changes need a pull request", true},
	{"required_status_checks", GITHUB_RULE_WAITED, "checks must be green", true},
	{"required_linear_history", GITHUB_RULE_METHOD, "the history must be linear", false},
	{"required_signatures", GITHUB_RULE_SIGNED, "commits must have verified signatures", false},
	/* what only GitHub can judge */
	{"workflows", GITHUB_RULE_GITHUB, "workflows of the ruleset must have passed", true},
	{"code_scanning", GITHUB_RULE_GITHUB, "code scanning must have passed", true},
	{"code_quality", GITHUB_RULE_GITHUB, "code quality must have been judged good", true},
	{"license_compliance_scanning", GITHUB_RULE_GITHUB, "licenses must comply", true},
	{"required_deployments", GITHUB_RULE_GITHUB, "deployments must have succeeded", true},
	{"commit_message_pattern", GITHUB_RULE_GITHUB, "messages must match a pattern", true},
	{"commit_author_email_pattern", GITHUB_RULE_GITHUB, "authors must match a pattern", true},
	{"committer_email_pattern", GITHUB_RULE_GITHUB, "committers must match a pattern", true},
	{"file_path_restriction", GITHUB_RULE_GITHUB, "some paths are restricted", true},
	{"file_extension_restriction", GITHUB_RULE_GITHUB, "some files are restricted", true},
	{"max_file_path_length", GITHUB_RULE_GITHUB, "paths have a longest length", true},
	{"max_file_size", GITHUB_RULE_GITHUB, "files have a largest size", true},
	/* two queues on one branch */
	{"merge_queue", GITHUB_RULE_NEVER, "GitHub's own merge queue is required", true},
};
static const struct github_rule unknown = {
	NULL, GITHUB_RULE_GITHUB, "a kind that this version of yardmaster does not know", true};

const struct github_rule *github_rule_find(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].type, type))
			return &kinds[i];
	return &unknown;
}

/* "exempt": not even looked at. "pull_requests_only" is of a merge by button, and a landing is a push. */
bool github_rule_skipped(const char *bypass)
{
	return bypass && (!strcmp(bypass, "always") || !strcmp(bypass, "exempt"));
}

static bool is_judged(const char *bypass)
{
	return bypass && (!strcmp(bypass, "never") || !strcmp(bypass, "pull_requests_only"));
}

#define APART                                                                                      \
	"take it out of that ruleset's bypass list (rules that it must bypass go to another "      \
	"ruleset), so that GitHub judges each landing, or take the rule away"

char *github_rule_holds(const char *type, int64_t ruleset, const char *bypass)
{
	const struct github_rule *k = github_rule_find(type);
	autofree char *rule = xasprintf("the rule `%.60s` of ruleset %lld (%s)", type,
					(long long)ruleset, k->wants ? k->wants : "");

	if (k->how == GITHUB_RULE_NEVER)
		return xasprintf("%s: two queues on one branch would land beside each other; take "
				 "the rule away, or the repository from yardmaster",
				 rule);
	if (k->how != GITHUB_RULE_GITHUB || is_judged(bypass))
		return NULL;
	if (github_rule_skipped(bypass))
		return xasprintf("%s is GitHub's to judge, and does not hold for the App, which "
				 "may bypass it: " APART,
				 rule);
	return xasprintf("%s is GitHub's to judge, and whether the App may bypass it could not be "
			 "found out: if it may, " APART,
			 rule);
}

/* ---- refusals ---- */

/*
 * GitHub's words behind "remote:", for a ruleset (GH013) and for branch protection (GH006) alike, as people quote them:
 * dmf-mxl/mxl#355 (workflows), vercel/sandbox#169 and sustainable-computing-io/kepler#240 (signatures, of today and of
 * before), georust/proj#178 (merge queue), gleam-lang/gleam#6080 (pull request, checks, code scanning).
 */
static const struct {
	const char *words, *advice;
} advices[] = {
	{"without `workflows` permission",
	 "give the App the permission 'workflows: write' (on its page, 'Permissions & events'), "
	 "and let an owner accept that in the account's settings, 'Installed GitHub Apps'; or land "
	 "a change of workflow files by hand"},
	{"verified signatures",
	 "give `sign-key` a key of a machine user, and `author.email` an address of that account "
	 "(an App cannot have a key); or put the App on the bypass list of the rule"},
	{"valid signatures",
	 "give `sign-key` a key of a machine user, and `author.email` an address of that account "
	 "(an App cannot have a key); or put the App on the bypass list of the rule"},
	{"through the merge queue",
	 "take the rule that requires GitHub's own merge queue off the branch"},
	{"through a pull request",
	 "add the App to the bypass list of the rule that requires pull requests"},
	{"Cannot update this protected ref",
	 "add the App to the bypass list of the rule that restricts updates"},
	{"Code scanning is waiting",
	 "let the scanning run on pushes to yardmaster/queue/**, where candidates are pushed when "
	 "there are required checks"},
	{"Missing successful active",
	 "let the deployment run on pushes to yardmaster/queue/**, or take the rule away"},
	{"must not contain merge commits",
	 "set `queue.method` to squash or rebase in .github/yardmaster.yml"},
	{"status check", "let the check run on pushes to yardmaster/queue/**"},
};

const char *github_rule_advice(const char *refusal)
{
	for (size_t i = 0; i < ARRAY_LEN(advices); i++)
		if (strstr(refusal, advices[i].words))
			return advices[i].advice;
	return NULL;
}
