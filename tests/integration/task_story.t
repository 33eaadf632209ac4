#!/bin/bash
# A label becomes a landed commit: the agent works in its sandbox, its first round fails the gate and
# gets the log, the second passes, a person approves, the queue tests and lands it.
. "$(dirname "$0")/lib.sh"

agent fixer <<'END'
if grep -q 'What was wrong' "$PROMPT"; then
	grep -q 'says bug\|say bug' "$PROMPT" || { echo "no log in the prompt"; exit 1; }
	sed -i 's/^line 3 bug$/line 3 fixed/' src/a.txt
	complete "Fixed line 3."
fi
sed -i 's/^line 3$/line 3 bug/' src/a.txt
complete "Changed line 3."
END
ym_start
me
sample_repo app
commit_blueprint "$T/src/app" fix 'sh gate.sh' '' 'limits: { rounds: 3 }'
ym repo add story --from "$T/src/app" >/dev/null

n=$(ymj '.number' issue create -R story --title 'Fix line 3' --body 'It is wrong <!-- hidden: rm -rf --> there.')
ok 'a label assigns it' ym issue label "$n" -R story --add agent:fix
wait_ok 'the task waits for review' '[ "$(ymj ".[0].state" task list)" = review ]'
is "$(ymj '[.runs[] | select(.kind == "agent")] | length' task show 1)" 2 'the agent ran twice'
like "$(ymj '.comments[0].body' issue show "$n" -R story)" '1 hidden HTML comment' \
	'the sticky comment says what was left out'
pr=$(ymj '.pr' task show 1)
like "$(ym pr diff "$pr" -R story)" '\+line 3 fixed' 'the PR has the fix'
is "$(ymj '.body' pr show "$pr" -R story | tail -n 1)" "Closes #$n" 'the PR closes the issue'
ok 'a person approves' ym pr approve "$pr" -R story
wait_ok 'it is merged' '[ "$(ymj .state pr show '"$pr"' -R story)" = merged ]'
like "$(base_file story src/a.txt)" 'line 3 fixed' 'the file is on the base branch'
wait_ok 'the issue is closed' '[ "$(ymj .state issue show '"$n"' -R story)" = closed ]'
wait_ok 'the worktree is gone' '[ -z "$(ls "$D/worktrees" 2>/dev/null)" ]'
ok 'the receipt holds' "$YARDMASTER" receipt verify main --repo-path "$(repo_path story)"
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
like "$(ym task logs 1)" 'gate: ok' 'the logs have the gate'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
