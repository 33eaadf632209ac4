#!/bin/bash
# kill -9 of the daemon around a landing on GitHub: while CI checks the candidate on its branch or in its draft PR,
# when the agent's branch is deleted and receipts are pushed after a squash, when a team is asked about. In the end
# each PR landed once and nothing that was made for it is left.
. "$(dirname "$0")/crash_lib.sh"

# In the order in which one task comes by them.
way='cand-branch forge-checks branch-drop topic-merged topic-delete head-keep notes-fetch notes-merge notes-push'
drafts='cand-branch cand-draft forge-checks draft-close branch-drop'
# Each kind dies at one of the three moments; with ALL set, as crash_more_all.t does, at each of them in turn.
moments=(before after committed) nth=0
die() { # KIND ROUND
	kill_at "$1:${moments[$(((nth + $2) % 3))]}" ci
	nth=$((nth + 1))
}
rounds="0 ${ALL:+1 2}"

listed=$(sed -n "s/^more='\(.*\)'/\1/p" "$root/tests/integration/crash_effects.t")
# shellcheck disable=SC2086 # words
is "$(printf '%s\n' $way $drafts forge-member | sort -u)" "$(printf '%s\n' $listed | sort)" \
	'every kind of effect that is to be here is in this test'

fixer
gh_start
sample_source app
commit_blueprint "$T/src/app" fix '' 0 'limits: { rounds: 1 }'
queue='method: squash, gates: ["sh gate.sh"], approvals: 0, forge-checks: [build]'
commit_file "$T/src/app" .github/yardmaster.yml "queue: { $queue }"
crash_repo '  permissions: { queue: ["team:octo/release"] }'
gh_ctl PUT /team '{"org": "octo", "slug": "release", "members": ["eve"]}' >/dev/null
crash_seconds=60

# CI: every candidate that has a branch is green.
hooked=''
ci() {
	local sha
	[ "$hooked" = "$daemon" ] || { crash_hook && hooked=$daemon; }
	for sha in $(gh_candidates); do
		[ "$(gh_check "$sha" build)" = success ] || gh_ci "$sha" build success
	done
}
fixes=() prs=()
fix() {
	[ "$(ledger "SELECT count(*) FROM task WHERE ended_ms IS NULL")" = 0 ] || return
	fixes+=("$(gh_issue --label agent:fix 'Write a file')")
}
landed() { # every PR and every task that was begun
	[ "$(ledger "SELECT count(*) FROM task WHERE state = 'merged'")" = ${#fixes[@]} ] &&
		[ "$(gh_state '[.issues[] | select(.pull.merged == true)] | length')" = $((${#fixes[@]} + ${#prs[@]})) ]
}
finish() {
	ym_start
	wait_for 'ci; landed' 180 || bail "not all landed: $(ledger 'SELECT pr, state, detail FROM candidate ORDER BY id DESC LIMIT 5')"
	wait_ok "$1" '[ "$(ymj .effects_open status)" = 0 ]'
	ym_stop
	is $? 0 'the daemon ends when told'
}

# --- its branch, and what follows a landing -------------------------------------------------------
for round in $rounds; do
	nth=0
	for kind in $way; do
		fix
		die "$kind" "$round"
	done
done
finish 'all tasks are merged'

# --- a draft PR -----------------------------------------------------------------------------------
gh_push main .github/yardmaster.yml "queue: { $queue, candidate: draft-pr }" bob >/dev/null
begun=$((begun + 1))
for round in $rounds; do
	nth=0
	for kind in $drafts; do
		fix
		die "$kind" "$round"
	done
done

# --- a team ---------------------------------------------------------------------------------------
for when in "${moments[@]}"; do
	gh_push "pr-$when" "src/pr-$when.txt" fine >/dev/null
	prs+=("$(gh_pr "pr-$when" "PR $when")")
	gh_comment "${prs[-1]}" '/yard queue' eve >/dev/null
	ledger 'DELETE FROM github_team'
	kill_at "forge-member:$when" ci
done
finish 'and all with a draft PR'

# --- what is there in the end -----------------------------------------------------------------------
for n in "${fixes[@]}"; do
	k=$(ledger "SELECT id FROM task WHERE issue = $n")
	is "$(gh_state ".issues[] | select(.number == $n) | .state")" closed "issue #$n is closed"
	is "$(gh_base_file "src/t$k.txt")" "fixed by $k" 'its work is on the base, once'
done
merged=$((${#fixes[@]} + ${#prs[@]}))
for n in "${prs[@]}"; do
	is "$(ledger "SELECT count(*) FROM comment WHERE key LIKE 'answer:%' AND number = $n")" 1 "PR #$n: the command was answered once"
done
is "$(git -C "$dir" rev-list --count --first-parent main)" $((begun + merged)) 'one landing a PR'
is "$(ledger "SELECT count(*) FROM landing WHERE state = 'landed'")" "$merged" 'and the ledger has as many'
is "$(git -C "$dir" notes --ref yardmaster list | wc -l)" "$merged" 'as many receipts on the forge'
is "$(git -C "$dir" for-each-ref refs/yardmaster/heads | wc -l)" "$merged" 'and as many heads that were squashed'
is "$(ledger "SELECT count(*) FROM candidate WHERE kind <> 'base'")" "$merged" 'each was built and checked once'
is "$(git -C "$dir" for-each-ref --format='%(refname:short)' refs/heads | sort | tr '\n' ' ')" \
	'main pr-after pr-before pr-committed ' "no branch is left but people's"
is "$(gh_state '[.issues[] | select((.pull.head // "") | startswith("yardmaster/queue/")) | "\(.state) \(.pull.merged)"] | unique | join(", ")')" \
	'closed false' 'the draft PRs are closed, not merged'
is "$(gh_state '[.issues[] | .pull.head // empty | select(startswith("yardmaster/queue/"))] | group_by(.) | map(select(length > 1) | .[0]) | join(", ")')" \
	'' 'and each candidate had one at most'
is "$(gh_comments_twice)" '' 'no comment is there twice'
is "$(git -C "$(ledger 'SELECT path FROM repo')" for-each-ref refs/yardmaster/candidates | wc -l)" 0 \
	'no candidate is left'
is "$(find "$D/worktrees" -mindepth 1 -maxdepth 1)" '' 'no worktree is left'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
done_testing
