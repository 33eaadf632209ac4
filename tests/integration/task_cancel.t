#!/bin/bash
# Cancelling: by comment, command line, label and a closed issue, at any moment. The agent's whole process tree
# is gone, nothing is left behind, and setting the label again starts anew.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
agent other <<'END'
echo "I am the other" >>src/a.txt
complete other
END
conf <<END
default-agent: doer
limits: { agents: 2 }
END
usual_blueprint fix queue 'rounds: 1' repository
ym_start
me
task_repo app

# An agent that writes without end and leaves children in sessions of their own.
busy() { # MARK
	do_issue agent:fix "(trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do :; sleep 9$1; done') & sleep 8$1 & while :; do mktemp -p src >/dev/null; done"
	until_state running
	wait_ok "its tree runs" "alive 'sleep 9$1' && alive 'sleep 8$1'"
}
gone() { # MARK
	until_state cancelled
	wait_ok 'the whole tree is gone' "! alive 'sleep 9$1' && ! alive 'sleep 8$1'"
	wait_ok 'the worktree is gone' "[ ! -e '$D/worktrees/t$K' ]"
	not_ok 'the branch is gone' git -C "$(repo_path app)" rev-parse -q --verify "refs/heads/$(ymj .branch task show "$K")"
	is "$(ymj '[.runs[] | select(.state != "ended")] | length' task show "$K")" 0 'every run is known to have ended'
}

busy 01
say "$N" '/yard cancel'
gone 01
like "$(comments "$N")" "Task $K is cancelled" '/yard cancel is answered'
is "$(reason)" "by $ME" 'and the task says by whom'
say "$N" '/yard cancel'
wait_ok 'a second cancel is told that it has ended' "comments $N | grep -q 'task $K has ended already (cancelled)'"

busy 02
ok 'the command line cancels' ym task cancel "$K"
gone 02
exits 5 'a second time it says so' ym task cancel "$K"

busy 03
ym issue label "$N" --remove agent:fix >/dev/null
gone 03
is "$(reason)" "$ME took the label off" 'taking the label off cancels'
before=$K
ym issue label "$N" --add agent:fix >/dev/null
wait_ok 'setting it again starts anew' "[ \"\$(task_of $N)\" != $before ] && [ \"\$(task_state \$(task_of $N))\" = running ]"
K=$(task_of "$N")
ym issue close "$N" >/dev/null
until_state cancelled
wait_ok 'the whole tree is gone' "! alive 'sleep 903' && ! alive 'sleep 803'" 5
is "$(reason)" "$ME closed the issue" 'closing the issue cancels'
wait_ok 'which is said once' "[ \"\$(comments $N | grep -c 'Ended, because $ME closed the issue')\" = 1 ]"
ok 'what was not published is kept' test -d "$D/worktrees/t$K/tree"
exits 5 'no agent starts on a closed issue' ym task retry "$K"
ok 'the issue is opened again' ym issue reopen "$N"
until_state needs-human
ok 'and then the task goes on' ym task retry "$K"
until_state running
ym task cancel "$K" >/dev/null
gone 03

# --- while it waits for a place
busy 04
first=$K
busy 05
second=$K
do_issue agent:fix 'complete'
until_state waiting
like "$(reason)" 'waits for a place: 2 of 2' 'a third one waits for a place and says so'
say "$N" '/yard say nothing in particular'
wait_ok 'it hears what is said meanwhile' "comments $N | grep -q 'hears it in its next round'"
say "$N" '/yard cancel'
until_state cancelled
like "$(comments "$N")" 'cancelled' 'a waiting task can be cancelled, also after somebody said something'
K=$first
ym task cancel "$first" >/dev/null
gone 04
K=$second
ym task cancel "$second" >/dev/null
gone 05

# --- with an open PR, and in the queue
do_issue agent:fix 'echo fine >>src/a.txt'
until_pr review
topic=$(ymj .branch task show "$K")
clone app "$T/mine"
git -C "$T/mine" fetch -q origin "refs/pull/$PR/head" && git -C "$T/mine" checkout -q FETCH_HEAD
commit_file "$T/mine" src/mine.txt 'by a person'
out=$(git -C "$T/mine" push origin "HEAD:refs/heads/$topic" 2>&1)
like "$out" "a task's branch, which takes no push" "a push to a task's branch is refused in words"
unlike "$out" 'checked out' "and not in Git's"
like "$(git -C "$T/mine" push origin ":refs/heads/$topic" 2>&1)" "a task's branch, which takes no push" 'so is its deletion'
out=$(git -C "$T/mine" push origin "HEAD:refs/for/main/$topic" 2>&1)
like "$out" "PR #$PR, which task $K \\(review\\) commits to: nothing was" 'one to its topic is refused while the task goes on'
is "$(ymj length pr list)" 1 'and opens no second PR'
say "$N" '/yard cancel'
until_state cancelled
is "$(pr_state "$PR")" open 'the PR stays a matter of people'
ok 'who may push to it now' git -C "$T/mine" push -q origin "HEAD:refs/for/main/$topic"
is "$(ymj .head pr show "$PR")" "$(git -C "$T/mine" rev-parse HEAD)" 'that updates the same PR'
like "$(ymj .body pr show "$PR")" "Closes #$N" 'and leaves its text'
is "$(ymj length pr list)" 1 'there is no second one'
ok 'its branch stays as long' git -C "$(repo_path app)" rev-parse -q --verify "refs/heads/$(ymj .branch task show "$K")"
ok 'the PR is closed' ym pr close "$PR"
wait_ok 'then the branch goes' "! git -C '$(repo_path app)' rev-parse -q --verify 'refs/heads/$(ymj .branch task show "$K")'"

do_issue agent:fix 'echo fine >>src/a.txt'
until_state review
ym pr close "$(ymj .pr task show "$K")" >/dev/null
until_state cancelled
like "$(reason)" 'was closed' 'closing the PR ends the task'
wait_ok 'and removes its branch' "! git -C '$(repo_path app)' rev-parse -q --verify 'refs/heads/$(ymj .branch task show "$K")'"

do_issue agent:fix 'echo fine >>src/a.txt'
until_pr review
say "$PR" '/yard hold wait for me' 2>/dev/null || ym pr comment "$PR" -b '/yard hold wait for me' >/dev/null
ym pr approve "$PR" >/dev/null
until_state queued
ym task cancel "$K" >/dev/null
until_state cancelled
wait_ok 'a cancelled task leaves the queue' "! ymj '.[].pr' queue list | grep -qx $PR"
is "$(pr_state "$PR")" open 'and does not land'

# --- run, status, and what is asked twice
n=$(issue 'By hand')
say "$n" '/yard run fix agent=other scope=src/**'
wait_ok '/yard run starts a task' "[ \"\$(task_state \$(task_of $n))\" = review ]"
K=$(task_of "$n")
is "$(ymj .agent task show "$K")" other 'with the agent that was asked for'
is "$(ymj '.scopes | if type == "string" then fromjson else . end | tojson' task show "$K")" '["src/**"]' 'and the scope'
like "$(ym pr diff "$(ymj .pr task show "$K")")" '\+I am the other' 'which did the work'
say "$n" '/yard status'
wait_ok '/yard status answers' "comments $n | grep -q 'Task $K: review: PR #'"
say "$n" '/yard run fix'
wait_ok 'a second run says what is at work' "comments $n | grep -q 'Task $K is at work on this already (review)'"
say "$n" '/yard run fix agent=nobody'
say "$n" '/yard run fxi'
wait_ok 'a typo gets the nearest blueprint' "comments $n | grep -q 'did you mean .fix.'"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
