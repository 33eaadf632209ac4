#!/bin/bash
# A reviewer sends an agent's PR back: one round per review with its text, a new head that is approved anew, and a
# landing. Who may not review changes nothing, and nothing that a reviewer says is lost without a word.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
cat >"$T/repo.yml" <<'END'
queue:
  approvals: 2
  gates: ["sh gate.sh"]
END
blueprint fix <<'END'
limits: { rounds: 1, ci-rounds: 2 }
steps:
  - agent: prompts/do.md
    gates: ["sh gate.sh"]
  - pull-request: {}
  - review: { approvals: 2 }
  - queue: {}
END
ym_start
me
ym user add anna --uid 12301 --permission write >/dev/null
ym user add rita --uid 12302 --permission read >/dev/null
task_repo app
pr_comments() { ymj '.comments[] | "@" + .author + ": " + .body' pr show "$1"; }
back() { ym pr request-changes "$1" --body "$2" --as "${3-anna}"; } # PR TEXT [AS]

do_issue agent:fix 'echo hello >>src/a.txt'
until_state review
pr=$(ymj .pr task show "$K")
head=$(ymj .head pr show "$pr")
ym pr approve "$pr" >/dev/null
wait_ok 'one of two approves' "reason | grep -q '1 of 2 approvals'"

# --- who may not
exits 4 'a reader sends nothing back' back "$pr" 'sh: echo evil >>src/a.txt' rita
like "$(back "$pr" 'sh: echo evil >>src/a.txt' rita 2>&1)" "needs the permission 'write'; rita has 'read'" 'and is told what it takes'
unlike "$(pr_comments "$pr")" evil 'nothing of it is on the PR'
exits 2 'nobody does without saying what' ym pr request-changes "$pr" --as anna
is "$(rounds)" 1 'no round has begun'
is "$(task_state "$K")" review 'the task waits as before'
is "$(ymj '[.approvals[] | select(.void_ms == 0)] | length' pr show "$pr")" 1 'the approval stands'

# --- one round per review
ok 'a writer sends it back' back "$pr" $'Say it louder.\nsh: sed -i s/^hello/HELLO/ src/a.txt'
wait_ok 'that begins a round' "[ \$(rounds) = 2 ]"
until_state review
is "$(rounds)" 2 'one'
like "$(prompt_of 2)" 'A reviewer asks for changes' 'its prompt says what happened'
like "$(prompt_of 2)" 'Say it louder\.' 'with the text of the review'
like "$(prompt_of 2)" 'This is round 2' 'and which round it is'
isnt "$(ymj .head pr show "$pr")" "$head" 'the PR has a new head'
like "$(ym pr diff "$pr")" '\+HELLO' 'with what was asked for'
is "$(ymj '[.approvals[] | select(.void_ms == 0)] | length' pr show "$pr")" 0 'the approval of the old head is void'
like "$(reason)" '0 of 2 approvals' 'a person is asked again'
ok 'a second review' back "$pr" 'sh: echo goodbye >>src/a.txt'
wait_ok 'is a second round' "[ \$(rounds) = 3 ]"
until_state review
unlike "$(prompt_of 3)" 'louder' 'with its own text'
is "$(ymj .round task show "$K")" 3 'the task counts them'
head=$(ymj .head pr show "$pr")
ym pr approve "$pr" >/dev/null
ym pr approve "$pr" --as anna >/dev/null
until_state merged
like "$(base_file app src/a.txt)" $'HELLO.*goodbye' 'what both reviews asked for has landed'
is "$(ymj .head receipt show "$(git -C "$(repo_path app)" rev-parse main)" 2>/dev/null)" "$head" 'as it was approved last'
is "$(rounds)" 3 'no round more'
exits 5 'what is merged is not sent back' back "$pr" 'too late'

# --- they have an end, and a person hears of it
do_issue agent:fix 'echo "$(grep -c . "$PROMPT")" >>src/b.txt'
until_state review
pr=$(ymj .pr task show "$K")
for i in 2 3; do
	back "$pr" "Not yet, $i." >/dev/null
	wait_for "[ \$(rounds) = $i ]"
	until_state review
done
back "$pr" 'Still not.' >/dev/null
until_state needs-human
like "$(reason)" 'A reviewer asks for changes.* CI rounds spent: 2 of 2' 'CI rounds have an end, which is said'
is "$(rounds)" 3 'no round more'
wait_ok 'the last review is in the comment' "comments $N | grep -q 'Still not.'"
back "$pr" 'And this.' >/dev/null
wait_ok 'a review of a task that needs a person is answered' "pr_comments $pr | grep -q '@anna, no round has begun: task $K needs a person'"
say "$N" '/yard retry'
wait_ok 'and heard in the round that a person begins' "[ \$(rounds) = 4 ]"
like "$(prompt_of 4)" 'anna: And this\.' 'with the name of who said it'
until_state review

# --- while a round is under way
do_issue agent:fix "if grep -q 'wait he[r]e' \"\$PROMPT\"; then await $T/go/on; fi" 'echo x >>src/c.txt'
until_state review
pr=$(ymj .pr task show "$K")
back "$pr" 'Please wait here.' >/dev/null
until_state running
ok 'a review during a round' back "$pr" $'Also:\nsh: echo also >>src/c.txt'
wait_ok 'says that no round has begun with it' "pr_comments $pr | grep -q '@anna, no round has begun with this: task $K is running'"
touch "$T/go/on"
until_state review
is "$(rounds)" 2 'the round ends as it began'
back "$pr" 'Once more.' >/dev/null
wait_for "[ \$(rounds) = 3 ]"
like "$(prompt_of 3)" 'echo also' 'the next one hears both'
until_state review
like "$(ym pr diff "$pr")" '\+also' 'and does it'

# --- a person's PR
clone app "$T/c"
commit_file "$T/c" src/d.txt d
git -C "$T/c" push -q origin HEAD:refs/for/main/own 2>/dev/null
pr=$(ymj '.[-1].number' pr list)
ym queue freeze >/dev/null
ym queue add "$pr" >/dev/null
ym pr approve "$pr" --as anna >/dev/null
ok 'a PR of a person is sent back' back "$pr" 'No.'
wait_ok 'it leaves the queue' "[ \"\$(ymj '[.[] | select(.pr == $pr)] | length' queue list)\" = 0 ]"
is "$(ymj '[.approvals[] | select(.void_ms == 0) | .user] | join(" ")' pr show "$pr")" "$ME" 'and the reviewer no longer approves it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
