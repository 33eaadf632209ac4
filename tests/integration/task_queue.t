#!/bin/bash
# A task's way after its PR: red in the queue and asked changes are rounds of the agent, a new head needs a new
# approval, and what fails by infrastructure costs no round and goes on by `retry` where it stood.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
conf <<END
limits: { agents: 1 }
END
# The queue's gate is stricter than the agent's.
cat >"$T/repo.yml" <<'END'
queue:
  flake-reruns: 0
  gates: ["sh gate.sh", "! grep -rn late src || { echo 'the queue says: late' >&2; exit 1; }"]
END
usual_blueprint fix queue 'rounds: 1, ci-rounds: 1' 'sh gate.sh'
usual_blueprint never queue 'rounds: 1, ci-rounds: 0'
usual_blueprint short pull-request 'rounds: 1'
push_base_line() { # NUMBER: somebody changes that line of the base
	git -C "$T/src/app" fetch -q "$(repo_path app)" main
	git -C "$T/src/app" reset -q --hard FETCH_HEAD
	commit_file "$T/src/app" src/a.txt "$(sed "s/^line $1$/line $1 of somebody/" "$T/src/app/src/a.txt")"
	push_base app
}
ym_start
me
task_repo app

# --- ejected: one CI round with the log
do_issue agent:fix 'if ! grep -q "^## What was wron[g]" "$PROMPT"; then echo late >>src/a.txt; else sed -i s/late/early/ src/a.txt; fi'
until_pr review
head=$(ymj .head pr show "$PR")
ym pr approve "$PR" >/dev/null
wait_ok 'red in the queue starts a CI round' "[ \$(rounds) = 2 ]"
until_state review
like "$(ym pr show "$PR" --json | jq -r '.comments[].body')" 'the queue says: late' 'the PR has the log'
like "$(prompt_of 2)" 'taken out of the merge queue' "the round's prompt says what happened"
like "$(prompt_of 2)" 'the queue says: late' 'with the log of the queue'
isnt "$(ymj .head pr show "$PR")" "$head" 'the PR has a new head'
is "$(ymj .state pr show "$PR")" open 'and the old approval does not count for it'
like "$(reason)" '0 of 1 approvals' 'a person is asked again'
ym pr approve "$PR" >/dev/null
until_state merged
like "$(base_file app src/a.txt)" early 'it landed as mended'
is "$(ymj .state issue show "$N")" closed 'the issue is closed'

# --- CI rounds are bounded
do_issue agent:fix 'echo "late $(grep -c . "$PROMPT")" >>src/b.txt'
until_pr review
ym pr approve "$PR" >/dev/null
wait_ok 'a CI round' "[ \$(rounds) = 2 ] && [ \$(task_state $K) = review ]"
ym pr approve "$PR" >/dev/null
until_state needs-human
like "$(reason)" 'CI rounds spent: 1 of 1' 'CI rounds have an end'
is "$(pr_state "$PR")" open 'the PR stays'
# A person mends it, and lands it by hand.
clone app "$T/hand" 2>/dev/null
git -C "$T/hand" fetch -q origin "$(ymj .branch task show "$K")"
git -C "$T/hand" checkout -q FETCH_HEAD
sed -i s/late/early/ "$T/hand/src/b.txt"
git -C "$T/hand" commit -qam 'By hand'
say "$N" "/yard say do not say late"
wait_ok 'a person can still give it a round' "[ \$(rounds) = 3 ]"

# --- in conflict: the round begins on the base, with what both sides did
clash='if grep -q "^<<<<<<<" src/a.txt; then sed -i "/^[<=>]\\{7\\}/d" src/a.txt; else sed -i "s/^line 9$/line 9 of the agent/" src/a.txt; fi'
do_issue agent:fix "$clash"
until_pr review
head=$(ymj .head pr show "$PR")
push_base_line 9
ym pr approve "$PR" >/dev/null
wait_ok 'a conflict in the queue starts a CI round' "[ \$(rounds) = 2 ]"
until_state review
like "$(prompt_of 2)" 'it conflicts with .main.' "the round's prompt names the conflict"
like "$(prompt_of 2)" 'leave no marker behind' 'and says what is in the files'
isnt "$(ymj .head pr show "$PR")" "$head" 'the PR has a new head'
is "$(git -C "$(repo_path app)" rev-parse "$(ymj .head pr show "$PR")^")" "$(git -C "$(repo_path app)" rev-parse main)" \
	'which follows on the base'
ym pr approve "$PR" >/dev/null
until_state merged
like "$(base_file app src/a.txt)" $'line 9 of somebody\nline 9 of the agent' 'what both sides wrote has landed'

# --- in conflict, and no round left: a person asks for one
do_issue agent:never '[ "$ROUND" != 2 ] || complete "Left it as it is."' "${clash//9/12}"
until_pr review
say "$PR" '/yard resolve'
wait_ok 'nothing is resolved before it is known' "comments $PR | grep -q 'no conflict of its pull request is known'"
push_base_line 12
ym pr approve "$PR" >/dev/null
until_state needs-human
like "$(comments "$N")" '`/yard resolve` one for the conflict' 'a person is told how'
say "$PR" '/yard resolve'
wait_ok 'one more round' '[ "$(rounds)" = 2 ]'
until_state needs-human
like "$(comments "$N")" 'still has a marker of the conflict' 'what is left unresolved is not taken'
like "$(comments "$N" | tail -n 3)" '`/yard resolve` one for the conflict' 'a person is told how once more'
say "$PR" '/yard resolve'
until_state review
is "$(rounds)" 3 'and it does'
like "$(prompt_of 3)" 'leave no marker behind' 'with what is in the files'
ym pr approve "$PR" >/dev/null
until_state merged
like "$(base_file app src/a.txt)" $'line 12 of somebody\nline 12 of the agent' 'and it lands with both'

# --- the PR of a blueprint that ends before the queue
do_issue agent:short 'echo short >>src/c.txt'
until_pr done
branch=$(ymj .branch task show "$K")
ok 'its branch stays while the PR is open' git -C "$(repo_path app)" rev-parse -q --verify "refs/heads/$branch"
ym pr comment "$PR" -b '/yard queue' >/dev/null
until_state merged
wait_ok 'the branch goes when a person lands it' "! git -C '$(repo_path app)' rev-parse -q --verify 'refs/heads/$branch'"
is "$(ymj .state issue show "$N")" closed 'and the issue is closed'

# --- infrastructure: the host cannot commit
do_issue agent:fix "await $T/go/on" 'echo fine >>src/d.txt'
until_state running
wait_for "[ \"\$(run_of agent)\" != null ]"
mv "$(repo_path app)/worktrees/t$K" "$T/away"
touch "$T/go/on"
until_state needs-human
like "$(reason)" 'Infrastructure failed 4 times in a row' 'tried again, then a person gets it'
like "$(reason)" 'No round was spent' 'and no round is spent'
like "$(labels "$N")" 'needs-human' 'with the label'
mv "$T/away" "$(repo_path app)/worktrees/t$K"
say "$N" '/yard retry'
until_state review
is "$(rounds)" 1 'retry commits what the agent left, without another round'
unlike "$(labels "$N")" 'needs-human' 'and the label that called for a person is taken off'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
