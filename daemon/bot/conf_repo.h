/*
 * conf_repo.h - a repository's configuration, `.github/yardmaster.yml` on its default branch.
 *
 * It is read from the default branch and never from a PR. Every key has a default; an empty file,
 * and no file, is a valid configuration. When a later version does not load, the caller keeps the
 * last good one in force and says so.
 *
 *   queue:
 *     method: merge | rebase | squash   merge
 *     message: TEMPLATE                 "Merge #{number}: {title}" or, with squash, "{title} (#{number})", and
 *                                       "{body}" below, as GitHub's "title and description"; what may stand
 *                                       in it, and what is taken out of every message, has
 *                                       base/landing_text.h. Not with rebase, which keeps the commits' own
 *     gates: [COMMAND…]                 none: nothing but the merge itself is tested. `sh -c` texts,
 *                                       run in order in one fresh checkout (each sees what the one
 *                                       before it left), without network; also what a blueprint's
 *                                       `gates: repository` stands for
 *     environment:                      prepared before the gates of each candidate
 *       setup: [COMMAND…]               none; without network, as the gates. `network` and `key`, which a
 *                                       blueprint's environment has, are refused with the reason
 *     approvals: 1                      0..10, of the head that is queued
 *     labeller-may-approve: true        false: who labelled an agent's issue is not enough alone
 *     author-may-approve: true          false: an approval by the PR's own author does not count
 *     code-owners: false                true: who owns a changed file by CODEOWNERS must approve, also when
 *                                       the branch's rules do not say so or cannot be read
 *     conversations: false              true: every conversation of the PR must be resolved; the same
 *     timeout-minutes: 30               of one gate; 1..1440
 *     flake-reruns: 1                   how often a lone red candidate is run again; 0..5
 *     retries: 3                        how often a time-out or infrastructure failure is; 0..10
 *     forks: land | refuse              land; on GitHub, of a PR whose head cannot be written, by squash
 *                                       or rebase: it lands and is closed, naming the commit, because
 *                                       GitHub cannot show it as merged; or it is not landed
 *     forge-checks: [NAME…]             none: check runs or status contexts of the forge's own CI
 *                                       that must be green on the candidate (which is pushed to
 *                                       `yardmaster/queue/…` for them) and, by a `checks:` step, on
 *                                       a task's PR; beside those that the forge's protection of the
 *                                       branch and its rulesets name. `yardmaster/…` never counts
 *     candidate: branch | draft-pr      branch; draft-pr: the candidate's branch gets a draft PR, so that
 *                                       workflows on `pull_request` run; it is closed afterwards
 *     check-minutes: 60                 how long they may take; 1..1440. One that is not there is
 *                                       waited for, and is never green
 *                                     These four and `conversations` are refused in a local repository,
 *                                       which has no forge to ask (source_check())
 *   auto-queue:                         absent: a PR is queued by a person. Else one queues itself, once
 *                                       a head, when all of this is so (agents' PRs go by blueprint); it is
 *                                       withdrawn when one of it is not so any more, and comes back:
 *     label: NAME                       none: it has this label
 *     authors: [LOGIN…]                 anybody: it is by one of these
 *     approvals: 1                      1..10, of its head; never none, whatever queue.approvals says
 *   bots: [LOGIN…]                      none: "dependabot[bot]" …, whose PRs may queue themselves, too
 *   exclusive: [GLOB…]                  leased to one task at a time (migrations, lock files)
 *   protect: [GLOB…]                    refused in an agent's diff, beside the built-in list
 *   labels:
 *     prefix: "agent:"                  prefix + blueprint name on an issue assigns it
 *     needs-human: needs-human          where a task that went to a person is
 *     hold: do-not-merge                on a PR: it is not queued and not landed
 *   checkout:                           what gates and agents find in their files
 *     submodules: true                  submodules have their files at the recorded commit, nested ones too; which ones may
 *                                       be had says the daemon's own file (conf_daemon.h); one that cannot be had is a
 *                                       refusal. false: empty folders, as with actions/checkout's default
 *     lfs: true                         files of Git LFS have their bytes, from the repository's store here, or fetched from
 *                                       its forge over https (git/lfs.h); one that is not there is a refusal. false: pointers, as with actions/checkout's default
 *   blueprints: [NAME…]                 which shipped blueprints may be used; absent: all
 *   agent-prs: N                        open PRs by agents; absent: the daemon's limit
 */
#ifndef YM_BOT_CONF_REPO_H
#define YM_BOT_CONF_REPO_H

#include "base/err.h"
#include "base/strvec.h"
#include "blueprint/blueprint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONF_REPO_PATH ".github/yardmaster.yml"

enum conf_method { CONF_MERGE, CONF_REBASE, CONF_SQUASH };

struct conf_repo {
	struct {
		enum conf_method method;
		char *message; /* NULL: the method's own */
		struct strvec gates;
		struct strvec setup;
		int64_t approvals;
		bool labeller_may_approve, author_may_approve;
		bool code_owners, conversations;
		int64_t timeout_ms;
		int64_t flake_reruns, retries;
		bool forks_refused;
		struct strvec forge_checks;
		bool draft_pr;
		int64_t check_ms;
		const char *forge_key; /* the first key of GitHub's alone that is there, or NULL */
	} queue;
	struct {
		bool on;
		char *label;
		struct strvec authors;
		int64_t approvals;
	} auto_queue;
	struct {
		bool submodules, lfs;
	} checkout;
	struct strvec bots;
	struct strvec exclusive, protect;
	char *label_prefix, *label_needs_human, *label_hold;
	bool blueprints_listed; /* `blueprints` is there: only those; may be empty */
	struct strvec blueprints;
	int64_t agent_prs; /* -1: the daemon's limit */
};

void conf_repo_default(struct conf_repo *ret);
/* `file` names the file in messages. On error *ret is left alone. */
int conf_repo_load(const char *file, const char *text, size_t n, struct conf_repo *ret,
		   struct err *err);
void conf_repo_release(struct conf_repo *c);

bool conf_repo_shipped_allowed(const struct conf_repo *c, const char *blueprint);
/*
 * Makes a loaded blueprint the one that is in force in this repository: `gates: repository` becomes
 * the repository's gates, and a label or failure label that the blueprint leaves open becomes the
 * repository's. Once, after loading and before bp_next() sees it.
 */
void conf_repo_apply(const struct conf_repo *c, struct blueprint *bp);

const char *conf_method_name(enum conf_method m); /* "merge" … */
/* Everything that is in force, with the keys of the file. Caller frees. */
char *conf_repo_json(const struct conf_repo *c);

#endif
