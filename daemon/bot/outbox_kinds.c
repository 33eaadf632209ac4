/*
 * outbox_kinds.c - every kind of effect: who carries it out, who decides about its result.
 *
 * Adding one: a row here. The git role's kinds carry its request as payload (git/role.h).
 */
#include "bot/outbox.h"

#include "base/mem.h"
#include "bot/ci.h"
#include "bot/pr_words.h"
#include "bot/queue_flow.h"
#include "bot/rebuild.h"
#include "bot/reconcile.h"
#include "bot/remote.h"
#include "bot/runs.h"
#include "bot/shadow.h"
#include "bot/task_flow.h"

const struct effect_kind outbox_kinds[] = {
	/* tasks */
	{"task-worktree", EXEC_WORK, task_did_worktree},
	{"task-restore", EXEC_WORK, task_did_restore},
	{"task-commit", EXEC_WORK, task_did_commit},
	{"task-base", EXEC_GIT, task_did_base},
	{"task-transplant", EXEC_WORK, task_did_transplant},
	{"task-layer-key", EXEC_WORK, task_did_layer_key},
	{"task-layer-apply", EXEC_WORK, task_did_layer_apply},
	{"task-layer-save", EXEC_WORK, task_did_layer_save},
	{"task-remove", EXEC_WORK, NULL},
	{"run-start", EXEC_RUN, runs_did_start},
	{"run-kill", EXEC_RUN, NULL},
	{"task-push", EXEC_NET, task_did_push},
	{"pr-ref", EXEC_GIT, task_did_pr_ref},
	/* the forge */
	{"forge-comment", EXEC_FORGE, NULL},
	{"forge-label", EXEC_FORGE, NULL},
	{"forge-react", EXEC_FORGE, NULL},
	{"forge-pr-open", EXEC_FORGE, task_did_pr_open},
	{"forge-pr-update", EXEC_FORGE, task_did_pr_open},
	{"forge-pr-merged", EXEC_FORGE, NULL},
	{"forge-issue-close", EXEC_FORGE, task_did_issue_close},
	{"forge-pr-close", EXEC_FORGE, NULL},
	{"forge-check", EXEC_FORGE, NULL},
	{"forge-look", EXEC_ASK, task_did_look},
	{"forge-checks", EXEC_ASK, ci_did},
	{"forge-list", EXEC_ASK, remote_did},
	{"forge-sync", EXEC_ASK, remote_did},
	{"forge-reviews", EXEC_ASK, remote_did},
	{"forge-level", EXEC_ASK, remote_did_level},
	{"forge-member", EXEC_ASK, remote_did_level},
	{"forge-fetch", EXEC_FETCH, remote_did},
	{"forge-changed", EXEC_READ, remote_did},
	{"notify", EXEC_NOTIFY, NULL},
	/* shadow mode */
	{"shadow-build", EXEC_GIT, shadow_did_build},
	{"shadow-pair", EXEC_GIT, shadow_did_pair},
	{"shadow-trees", EXEC_GIT, shadow_did_trees},
	{"shadow-drop", EXEC_GIT, NULL},
	{"shadow-checks", EXEC_ASK, shadow_did_checks},
	/* repositories and PRs */
	{"repo-base", EXEC_READ, reconcile_did_base},
	{"repo-sweep", EXEC_WORK, reconcile_did_sweep},
	{"repo-maintain", EXEC_UPKEEP, NULL},
	{"repo-config", EXEC_READ, reconcile_did_config},
	{"repo-log", EXEC_READ, rebuild_did_log},
	{"repo-receipt", EXEC_READ, rebuild_did_receipt},
	{"repo-pulls", EXEC_READ, rebuild_did_pulls},
	{"base-lost", EXEC_GIT, queue_did_lost},
	{"base-gained", EXEC_GIT, queue_did_gained},
	{"base-keep", EXEC_GIT, queue_did_keep},
	{"pr-log", EXEC_GIT, queue_did_log},
	{"pr-contained", EXEC_GIT, queue_did_contained},
	{"pr-words", EXEC_GIT, pr_words_did},
	{"pr-config", EXEC_GIT, queue_did_config_check},
	/* the merge queue */
	{"cand-build", EXEC_GIT, queue_did_build},
	{"cand-checkout", EXEC_WORK, queue_did_checkout},
	{"cand-clean", EXEC_WORK, NULL},
	{"cand-drop", EXEC_GIT, NULL},
	{"cand-verify", EXEC_GIT, queue_did_verify},
	{"forge-pr-retarget", EXEC_FORGE, queue_did_retarget},
	{"cand-head-push", EXEC_NET, queue_did_head_push},
	{"cand-head", EXEC_ASK, queue_did_head},
	{"head-restore", EXEC_NET, queue_did_restore},
	{"cand-branch", EXEC_NET, queue_did_branch},
	{"cand-draft", EXEC_FORGE, queue_did_draft},
	{"draft-close", EXEC_FORGE, queue_did_draft_close},
	{"branch-drop", EXEC_NET, NULL},
	{"cand-push", EXEC_NET, queue_did_push},
	{"cand-land", EXEC_GIT, queue_did_land},
	{"cand-fetch", EXEC_FETCH, queue_did_fetch},
	{"cand-settle-ref", EXEC_GIT, queue_did_settle_ref},
	{"cand-settle", EXEC_GIT, queue_did_settle},
	{"topic-merged", EXEC_ASK, queue_did_merged},
	{"topic-delete", EXEC_NET, NULL},
	{"head-keep", EXEC_NET, NULL},
	{"notes-fetch", EXEC_FETCH, queue_did_notes_fetch},
	{"notes-merge", EXEC_GIT, queue_did_notes_merge},
	{"notes-push", EXEC_NET, queue_did_notes_push},
	{0},
};

/* What comes by the hundred: others that ask the forge do not wait behind all of it, and a limit of the forge's meets
 * few in the middle of their requests. */
static const struct {
	const char *kind;
	int most;
} crowds[] = {
	{"forge-reviews", 16},
};

int outbox_most(const struct effect_kind *k)
{
	for (size_t i = 0; i < ARRAY_LEN(crowds); i++)
		if (!strcmp(crowds[i].kind, k->kind))
			return crowds[i].most;
	return 0;
}
