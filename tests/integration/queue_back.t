#!/bin/bash
# The base is moved back while pull requests are open: what was taken out of it comes back with none of them, a person's or an
# agent's, unless somebody approves that who was told.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"
. "$(dirname "$0")/task_lib.sh"

doer
usual_blueprint fix queue 'rounds: 2, ci-rounds: 1' repository
ym_start
me
task_repo $R
bare=$(repo_path $R)
clone $R "$C"
noticed() { wait_for "[ \"\$(ymj '.[0].head' repo list)\" = $(base_oid) ]"; }
on_main() { git -C "$bare" cat-file -e "main:$1" 2>/dev/null; }

clean=$(base_oid)
move_base src/secret.txt 'a password'
secret=$(base_oid)
git -C "$C" push -q origin HEAD:refs/heads/wake
noticed
n=$(pr mine src/mine.txt mine 'Add mine')
wanted=$(pr wanted src/wanted.txt wanted 'Add wanted')
do_issue agent:fix 'echo more >>src/a.txt'
until_pr review
for p in $n $wanted; do ym pr approve "$p" >/dev/null; done
git -C "$bare" update-ref refs/heads/main "$clean"
git -C "$C" push -q origin +HEAD:refs/heads/wake2
noticed

# --- a person's -----------------------------------------------------------------------------------
ym queue add "$n" >/dev/null
wait_ok 'a PR that began on what was taken out is taken out of the queue' \
	"[[ \"\$(comments $n)\" == *'Taken out of the merge queue: it would bring back 1 commit that was taken out of'*main* ]]"
like "$(comments "$n")" "What would come back: commit ${secret:0:12} \(.By hand: src/secret.txt.\)" '... naming the commit'
like "$(comments "$n")" "git rebase --onto origin/main ${secret:0:12}" '... and what to do'
is "$(pr_state "$n")" open '... and stays open'
like "$(ymj '.approvals[0].void_reason' pr show "$n")" 'bring back' 'who approved it before did not approve that'
not_ok 'nothing of it is on the base' on_main src/secret.txt
git -C "$C" checkout -q --detach pr-mine
git -C "$C" fetch -q origin
git -C "$C" rebase -q --onto origin/main "$secret"
git -C "$C" push -q origin +HEAD:refs/for/main/mine 2>/dev/null
wait_for "[ \"\$(ymj .head pr show $n)\" = $(git -C "$C" rev-parse HEAD) ]"
ym pr approve "$n" >/dev/null
ym queue add "$n" >/dev/null
ok 'put onto the base as it is it lands' landed "$n"
ok '... with what is its own' on_main src/mine.txt
not_ok '... and without what was taken out' on_main src/secret.txt

# --- an agent's -----------------------------------------------------------------------------------
ym pr approve "$PR" >/dev/null
wait_ok 'an agent that began on it hears of it' "[[ \"\$(comments $PR)\" == *'it would bring back 1 commit'* ]]"
until_state review
like "$(comments "$N")" "no longer in it. The task's own changes are put onto" 'its work is put onto the base as it is'
ym pr approve "$PR" >/dev/null
ok '... and lands so' landed "$PR"
is "$(git -C "$bare" show main:src/a.txt | tail -n 1)" more '... with what is its own'
not_ok '... and without what was taken out' on_main src/secret.txt

# --- wanted ---------------------------------------------------------------------------------------
ym queue add "$wanted" >/dev/null
wait_ok 'one that is meant to bring it back is refused, too' \
	"[[ \"\$(comments $wanted)\" == *'would bring back 1 commit'* ]]"
ym pr approve "$wanted" >/dev/null
ym queue add "$wanted" >/dev/null
ok 'approved with that knowledge it lands' landed "$wanted"
ok '... with what was taken out' on_main src/secret.txt

done_testing
