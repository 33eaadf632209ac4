#!/bin/bash
# kill -9 of the daemon in each phase of a task: after the restart it goes on where it was, nothing is done twice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
agent doer <<END
ROUND=\$YARDMASTER_ROUND GO=$T/go
echo "round \$ROUND of \$YARDMASTER_TASK began"
eval "\$(sed -n 's/^sh: //p' "\$PROMPT")"
complete
END
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
usual_blueprint fix queue 'rounds: 2' 'n=0; while [ -e src/wait ] && [ $n -lt 20 ]; do sleep 0.05; n=$((n+1)); done; sh gate.sh'
ym_start
me
task_repo app
crash() { ym_crash 2>/dev/null; ym_start; }
wait_go='await $GO/$YARDMASTER_TASK'

# --- in the middle of the agent
do_issue agent:fix "$wait_go" 'echo one >>src/a.txt'
until_state running
wait_for "ym task logs $K | grep -q began"
crash
is "$(task_state "$K")" running 'the task is known after the restart'
touch "$T/go/$K"
until_state review
is "$(rounds)" 1 'the agent went on without the daemon and ran once'
one=$K

# --- the agent ends while no daemon is there
do_issue agent:fix "$wait_go" 'echo two >>src/a.txt'
until_state running
wait_for "ym task logs $K | grep -q began"
ym_crash
touch "$T/go/$K"
wait_ok 'it ends on its own' "ls $D/runs/t$K-r1/exit.json"
ym_start
until_state review
is "$(rounds)" 1 'its end is found'

# --- in a gate
do_issue agent:fix 'touch src/wait; echo three >>src/a.txt'
wait_ok 'the gate runs' "[ \"\$(run_of gate)\" != null ]"
crash
until_state review
is "$(ymj '[.runs[] | select(.kind == "gate")] | length' task show "$K")" 1 'the gate is not run a second time'

# --- while it asks
do_issue agent:fix '[ $ROUND = 2 ] || question "which?"; echo four >>src/a.txt'
until_state asking
crash
is "$(task_state "$K")" asking 'a question is still one after the restart'
say "$N" '/yard say that one'
until_state review
is "$(comments "$N" | grep -c 'The agent asks')" 1 'and was asked once'

# --- between everything: a daemon that is killed again and again
do_issue agent:fix '[ $ROUND = 1 ] && { echo bug >>src/a.txt; complete; }; sed -i s/bug/fine/ src/a.txt; echo five >>src/a.txt'
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	crash
	perl -e 'select undef, undef, undef, rand 0.15'
done
until_state review
is "$(rounds)" 2 'two rounds, as without crashes'
is "$(comments "$N" | grep -c '\*\*Task')" 1 'one sticky comment'
is "$(ymj "[.[] | select(.task == $K)] | length" pr list --state all)" 1 'one PR'

# --- review and queue
pr=$(ymj .pr task show "$one")
crash
ok 'the PR can be approved after a restart' ym pr approve "$pr"
crash
wait_ok 'and lands' "[ \"\$(pr_state $pr)\" = merged ] && [ \"\$(task_state $one)\" = merged ]"
is "$(git -C "$(repo_path app)" show main:src/a.txt | grep -c '^one$')" 1 'once'
wait_ok 'its worktree is gone' "[ ! -e '$D/worktrees/t$one' ]"

# --- the keeper is killed: an infrastructure failure, no round
do_issue agent:fix "[ -e \$GO/again ] || { $wait_go; }" 'echo six >>src/a.txt'
wait_for "ym task logs $K | grep -q began"
touch "$T/go/again"
kill -KILL "$(cat "$D/runs/t$K-r1/lock")"
until_state review
is "$(ymj '.round' task show "$K")" 1 "a keeper's death costs no round"
is "$(rounds)" 2 'and the round is started again'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
