#!/bin/bash
# kill -9 of the daemon at every kind of effect that goes over the network, before it starts, after it was
# carried out and after its result was written; no webhook comes. In the end GitHub has one PR a task, one
# comment a key, one check run a head, one landing a PR.
. "$(dirname "$0")/crash_lib.sh"

# In the order in which one task comes by them.
way='forge-list forge-fetch forge-sync forge-level forge-comment forge-look task-push forge-pr-open forge-check
	cand-push forge-pr-merged forge-issue-close'
others='forge-label forge-react forge-changed forge-reviews cand-fetch'
# Those with a way of their own here that tests/integration/crash_effects.t has too.
both='forge-comment forge-label forge-react forge-pr-open forge-pr-merged forge-issue-close'

remote=$(sed -n "s/^remote='\(.*\)'/\1/p" "$root/tests/integration/crash_effects.t")
# shellcheck disable=SC2086 # words
is "$(printf '%s\n' $way $others | sort)" "$(printf '%s\n' $remote $both | sort)" \
	'every kind of effect that goes over the network is in this test'

fixer
gh_start
sample_source app
commit_blueprint "$T/src/app" fix true 0 'limits: { rounds: 1 }'
commit_blueprint "$T/src/app" never false 0 'limits: { rounds: 1 }'
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  approvals: 0'
crash_repo

fixes=()
open_fixes() { ledger "SELECT count(*) FROM task WHERE ended_ms IS NULL AND blueprint = 'fix'"; }
fix() {
	[ "$(open_fixes)" = 0 ] || return
	fixes+=("$(gh_issue --label agent:fix "Write a file")")
}
nevers=0 prs=()
open_pr() { # TOPIC
	gh_push "$1" "src/$1.txt" fine >/dev/null
	prs+=("$(gh_pr "$1" "$1")")
}

# Each kind dies at one of the three moments; with ALL set, as crash_all.t does, at each of them in turn.
moments=(before after committed) nth=0
die() { # KIND
	kill_at "$1:${moments[$(((nth + round) % 3))]}"
	nth=$((nth + 1))
}
for round in 0 ${ALL:+1 2}; do
	nth=0
	for kind in $way; do
		case $kind in
		forge-list | forge-fetch) ;;
		forge-sync) fixes+=("$(gh_issue --label agent:fix "Write a file")") ;;
		forge-level) ledger 'DELETE FROM github_level' ;;
		cand-push) # the last forge-check may have been the one after the landing
			ym_start
			wait_for "[ \"\$(open_fixes)\" = 0 ]" || bail 'the task does not end'
			ym_stop
			fix
			;;
		*) fix ;;
		esac
		die "$kind"
	done
	gh_issue --label agent:never 'Never' >/dev/null
	nevers=$((nevers + 1))
	die forge-label
	open_pr "one-$round"
	die forge-changed
	die forge-reviews
	gh_comment "${prs[-1]}" '/yard status' >/dev/null
	die forge-react
	# A push to the base gets no answer that says whether it was taken; the first refusal is looked into.
	# What other pushes are still to come would take the refusals.
	ym_start
	wait_for '[ "$(ymj .effects_open status)" = 0 ]' || bail 'the effects do not end'
	ym_stop
	gh_comment "${prs[-1]}" '/yard queue' >/dev/null
	gh_fault '{"method": "POST", "path": "git-receive-pack", "status": 403, "times": 2}'
	die cand-fetch
done

# The forge notices the landing before the daemon knows of it.
fix
kill_at cand-push:after

ym_start
wait_ok 'every task comes to its end' \
	"[ \"\$(ledger \"SELECT count(*) FROM task WHERE blueprint = 'fix' AND state <> 'merged'\")\" = 0 ]"
for pr in "${prs[@]}"; do
	wait_ok "PR #$pr is merged" "[ \"\$(gh_pr_state $pr)\" = merged ]"
done
wait_ok 'no effect is left' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(ymj .events_failed status)" 0 'no event failed'
is "$(ledger "SELECT count(*) FROM task WHERE blueprint = 'fix'")" ${#fixes[@]} 'one task an issue'
for n in "${fixes[@]}"; do
	is "$(gh_state ".issues[] | select(.number == $n) | .state")" closed "issue #$n is closed"
	is "$(gh_base_file "src/t$(task_of "$n").txt")" "fixed by $(task_of "$n")" 'its work is on the base, once'
done
merged=$(gh_state '[.issues[] | select(.pull.merged == true)] | length')
is "$merged" $((${#fixes[@]} + ${#prs[@]})) 'one PR a task'
is "$(git -C "$dir" rev-list --count --first-parent main)" $((begun + merged)) 'one landing a PR'
is "$(git -C "$(repo_path octo/app)" notes --ref yardmaster list | wc -l)" "$merged" 'as many receipts'
is "$(gh_comments_twice)" '' 'no comment is there twice'
is "$(gh_checks_twice)" '' 'no check run is there twice'
is "$(ledger "SELECT count(*) FROM task WHERE blueprint = 'never' AND state = 'needs-human'")" "$nevers" \
	'what cannot be done came back to a person'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
