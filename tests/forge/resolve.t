#!/bin/bash
# A conflict on GitHub: it is reported with the file and the other PR, the agent resolves it in a round of its own,
# and when its rounds are spent a person has it do so, by a button or a comment.
. "$(dirname "$0")/lib.sh"

agent fixer <<'END2'
echo "round $YARDMASTER_ROUND" >>"src/t$YARDMASTER_TASK.txt"
if grep -q '^<<<<<<<' src/a.txt; then
	sed -i '/^[<=>]\{7\}/d' src/a.txt
	complete "Kept both lines."
fi
sed -i 's/^line 3$/line 3 of the agent/' src/a.txt
complete "Changed line 3."
END2
gh_start
sample_source app
for rounds in 0 1; do
	commit_blueprint "$T/src/app" "fix$rounds" '' '' "limits: { rounds: 1, ci-rounds: $rounds }"
done
gh_publish app
gh_daemon
gh_add
waiting() { # LABEL [PATH]: an issue whose PR waits for a review (where a person pushed PATH); sets $n, $pr, $k
	n=$(gh_issue 'Fix line 3')
	gh_label "$n" "$1"
	wait_for "[ \"\$(task_state \"\$(task_of $n)\")\" = review ]" || bail 'the task does not wait for a review'
	k=$(task_of "$n")
	pr=$(ymj .pr task show "$k")
	[ $# = 2 ] || return 0
	gh_push "$(gh_as alice GET "/repos/$GH_REPO/pulls/$pr" | jq -r .head.ref)" "$2" mine bob >/dev/null
	gh_known "$pr" || bail 'what a person pushed is not known'
}
reviewed() { # the same, and then somebody else's PR lands on its line; sets $old, its head
	local other
	waiting "$@"
	wait_for '[ "$(ymj .effects_open status)" = 0 ]'
	ledger 'DELETE FROM effect WHERE state >= 2' # it has waited for longer than `events-days`
	gh_push "theirs$n" src/a.txt "$(gh_base_file src/a.txt | sed 's/^line 3$/line 3 of somebody/')" >/dev/null
	other=$(gh_pr "theirs$n" 'Another line 3')
	gh_known "$other" || bail 'the other PR is not known'
	gh_comment "$other" '/yard queue' bob >/dev/null
	wait_for "[ \"\$(gh_pr_state $other)\" = merged ]" || bail 'the other PR did not land'
	wait_for "[ \"\$(ymj .state pr show $other)\" = merged ]" || bail 'its landing is not over'
	old=$(gh_head "$pr")
	gh_review "$pr" APPROVE
	[ $# = 1 ] || gh_comment "$pr" '/yard queue' >/dev/null # it does so by itself only with the agent's head
	wait_ok 'the conflict is reported with the file and the other PR' \
		"gh_comments $pr | grep -q 'src/a.txt. (contents) lines 3-3, changed by #$other (Another line 3)'" 30 ||
		bail "$(gh_comments "$pr"; ym queue why "$pr"; ymj .reason task show "$k"; ym_log | tail -5)"
}

again() { # the file on the base as it was
	gh_push main src/a.txt "$(seq -f 'line %g' 1 20)" bob >/dev/null
	wait_for "[ \"\$(ymj '.[0].head' repo list)\" = \"\$(gh_base_oid)\" ]" || bail 'the push to the base was not noticed'
}

# --- in a round that is left -----------------------------------------------------------------------
reviewed agent:fix1
wait_ok 'the agent resolves it' "[ \"\$(task_state $k)\" = review ] && [ \"\$(gh_head $pr)\" != $old ]"
is "$(git -C "$(gh_state .dir)" rev-parse "$(gh_head "$pr")^")" "$(gh_base_oid)" 'on the tip of the base'
like "$(ymj .reason task show "$k")" '0 of 1 approvals' 'the new head is approved by nobody'
gh_review "$pr" APPROVE
wait_ok 'approved anew it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"
like "$(gh_base_file src/a.txt)" $'line 3 of somebody\nline 3 of the agent' 'with what both wrote'

# --- when none is left ----------------------------------------------------------------------------
again
reviewed agent:fix0
wait_ok 'a person is needed' "gh_comments $n | grep -q '^@alice, this needs a person'"
old=$(gh_head "$pr")
wait_ok 'the checks tab says so' "[ \"\$(gh_check $old yardmaster/task)\" = failure ]"
is "$(gh_state "[.checks[] | select(.head_sha == \"$old\" and .name == \"yardmaster/task\")] | last | [.actions[].identifier] | join(\" \")")" \
	'resolve retry' 'and has the buttons'
gh_click "$old" yardmaster/task resolve eve
wait_ok 'not for everybody' "gh_comments $pr | grep -q 'needs the permission .write.; @eve has .read.'"
gh_click "$old" yardmaster/task resolve
wait_ok 'pressed, the agent resolves it' "[ \"\$(task_state $k)\" = review ] && [ \"\$(gh_head $pr)\" != $old ]"
gh_review "$pr" APPROVE
wait_ok 'and it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"
like "$(gh_base_file src/a.txt)" $'line 3 of somebody\nline 3 of the agent' 'with what both wrote'

# --- of a person ----------------------------------------------------------------------------------
gh_push mine src/mine.txt fine >/dev/null
mine=$(gh_pr mine Mine)
gh_known "$mine" || bail 'the PR is not known'
gh_comment "$mine" '/yard resolve' >/dev/null
wait_ok "a person's PR is the person's" "gh_comments $mine | grep -q 'an agent resolves the conflicts of its own work only'"

# --- of both --------------------------------------------------------------------------------------
again
waiting agent:fix1 src/person.txt
theirs=$(gh_head "$pr")
gh_review "$pr" REQUEST_CHANGES 'More of it' bob
wait_ok "the agent's next round does not push over what a person pushed" "[ \"\$(task_state $k)\" = needs-human ]"
is "$(gh_head "$pr")" "$theirs" 'which is still there'
wait_ok 'and a person reads why' "gh_comments $n | grep -q 'somebody else pushed to .yardmaster/.*would be lost'"
again
reviewed agent:fix1 src/person2.txt
gh_review "$pr" REQUEST_CHANGES 'More of it' bob
wait_ok 'nor after a conflict of what the person pushed' "[ \"\$(task_state $k)\" = needs-human ]"
is "$(gh_head "$pr")" "$old" 'which is still there, too'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
