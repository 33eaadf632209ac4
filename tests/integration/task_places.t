#!/bin/bash
# limits.agents holds for every round: also one that follows an answer, a retry or a halt waits for a place and says so;
# and so does a set-up or a commit that is retried.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
conf <<END
limits: { agents: 1 }
END
usual_blueprint fix review 'rounds: 1' repository
blueprint prepared <<'END'
environment: { setup: ["exit 7"] }
steps:
  - agent: prompts/do.md
  - pull-request: {}
END
ym_start
me
task_repo app
waits="await $T/go/\$YARDMASTER_TASK"

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

# --- what is retried without a round of the agent: a set-up, and the commit of what it left
do_issue agent:prepared 'complete'
until_state needs-human
setup=$K
setups() { ymj '[.runs[] | select(.kind == "setup")] | length' task show "$setup"; }
do_issue agent:fix "await $T/go/commit" 'echo x >>src/g.txt'
wait_for "[ \"\$(run_of agent)\" != null ]"
mv "$(repo_path app)/worktrees/t$K" "$T/away"
touch "$T/go/commit"
until_state needs-human
commit=$K commit_issue=$N
mv "$T/away" "$(repo_path app)/worktrees/t$K"
do_issue agent:fix "$waits" 'echo x >>src/h.txt'
until_state running
long=$K
ok 'a failed set-up is retried' ym task retry "$setup"
say "$commit_issue" '/yard retry'
until_state waiting "$setup"
like "$(reason "$setup")" 'waits for a place: 1 of 1' 'it waits for a place and says so'
until_state waiting "$commit"
like "$(reason "$commit")" 'waits for a place: 1 of 1' 'and so does a commit'
is "$(setups)" 1 'nothing of it has run'
ym_stop
ym_start
is "$(task_state "$setup") $(task_state "$commit")" 'waiting waiting' 'also after a restart'
touch "$T/go/$long"
until_state needs-human "$setup"
is "$(setups)" 2 'then the set-up has run again'
until_state review "$commit"
is "$(rounds "$commit")" 1 'and the commit was made, without another round'
until_state review "$long"

# --- of an issue it is the latest task
do_issue agent:fix 'exit 1'
until_state needs-human
old=$K
ym issue label "$N" --remove agent:fix >/dev/null
ym issue label "$N" --add agent:fix >/dev/null
wait_for "[ \"\$(task_of $N)\" != $old ]"
K=$(task_of "$N")
until_state needs-human
exits 5 'an older task is not retried' ym task retry "$old"
is "$(ym task retry "$old" 2>&1)" \
	"yardmaster: task $old is not the latest of issue #$N, which is task $K (needs-human); only that one can be retried" \
	'and the latest is named'
is "$(rounds "$K")" 1 'nor is the other one in its place'
ok 'the latest is' ym task retry "$K"
wait_ok 'by its own number' "[ \$(rounds $K) -gt 1 ]"
until_state needs-human
is "$(rounds "$old")" 1 'the older one stays as it was'

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
