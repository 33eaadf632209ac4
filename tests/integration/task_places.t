#!/bin/bash
# limits.agents holds for every round: also one that follows an answer, a retry or a halt waits for a place and says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
conf <<END
limits: { agents: 1 }
END
blueprint fix <<'END'
limits: { rounds: 1 }
steps:
  - agent: prompts/do.md
    gates: repository
  - pull-request: {}
  - review: {}
END
ym_start
me
task_repo app
waits="while [ ! -e $T/go/\$YARDMASTER_TASK ]; do sleep 0.03; done"

do_issue agent:fix '[ $ROUND = 2 ] || question "which?"; echo answered >>src/a.txt'
until_state asking
asks=$K asks_issue=$N
do_issue agent:fix '[ $ROUND = 2 ] || exit 1; echo again >>src/b.txt'
until_state needs-human
fails=$K
do_issue agent:fix "$waits" 'echo x >>src/c.txt'
until_state running
long=$K
say "$asks_issue" '/yard say this one'
until_state waiting "$asks"
like "$(reason "$asks")" 'waits for a place: 1 of 1' 'an answered question waits for a place and says so'
ok 'retry' ym task retry "$fails"
until_state waiting "$fails"
do_issue agent:fix 'echo new >>src/d.txt'
until_state waiting
new=$K
ym_crash
ym_start
is "$(task_state "$asks")" waiting 'it does so across a crash'
is "$(rounds "$asks")" 1 'and nothing of it runs'
touch "$T/go/$long"
for k in "$long" "$asks" "$fails" "$new"; do
	until_state review "$k"
done
like "$(prompt_of 2 "$asks")" 'this one' 'the answer is in the prompt, however long it waited'
is "$(ymj .round task show "$fails")" 2 'waiting costs no round'

# --- never more than the limit, also after a halt
do_issue agent:fix "$waits" 'echo x >>src/e.txt'
a=$K
until_state running
do_issue agent:fix "$waits" 'echo x >>src/f.txt'
b=$K
until_state waiting
ym halt >/dev/null
until_state halted "$a"
ym resume >/dev/null
until_state running "$a"
is "$(task_state "$b")" waiting 'what was halted has its place before what is new'
touch "$T/go/$a" "$T/go/$b"
until_state review "$a"
until_state review "$b"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
