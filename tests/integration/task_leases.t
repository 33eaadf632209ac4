#!/bin/bash
# Leases and caps: tasks that would touch the same files wait for each other and say so, until the PR opens.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
conf <<END
limits: { agents: 10 }
END
cat >"$T/repo.yml" <<'END'
exclusive: ["src/lock.txt", "src/migrations/**"]
agent-prs: 4
END
usual_blueprint fix review 'rounds: 1'
ym_start
me
task_repo app
waits="await $T/go/\$YARDMASTER_TASK"
scoped() { # SCOPE: an issue with a Scope: line
	N=$(issue --label agent:fix "Work on $1" "$(printf 'Scope: %s\n\nsh: %s\nsh: echo x >>src/t$YARDMASTER_TASK\n' "$1" "$waits")")
	wait_for "[ \"\$(task_of $N)\" != null ]"
	K=$(task_of "$N")
}
go() { touch "$T/go/$1"; }

scoped 'src/api/**, src/doc.md'
first=$K
until_state running
scoped 'src/api/users.c'
second=$K
until_state waiting
like "$(reason)" "^waits for task $first, which has a lease on .src/api/\*\*" 'a scope inside it waits and says for whom'
like "$(comments "$N")" "waits for task $first" 'also on the issue'
scoped 'src/web/**'
until_state running
third=$K
n=$(issue 'By command' "$(printf 'sh: %s\nsh: echo x >>src/t$YARDMASTER_TASK' "$waits")")
say "$n" '/yard run fix scope=src/doc.md'
wait_for "[ \"\$(task_of $n)\" != null ]"
fourth=$(task_of "$n")
until_state waiting "$fourth"
like "$(reason "$fourth")" "^waits for task $first, which has a lease on .src/doc.md" 'scope= counts as well'
do_issue agent:fix "$waits" 'echo x >>src/t$YARDMASTER_TASK'
until_state running
free=$K
ym_crash
ym_start
is "$(task_state "$second")" waiting 'leases hold across a crash'
go "$first"
until_state review "$first"
until_state running "$second"
until_state running "$fourth"
pass 'the leases ended when the PR opened, not when it lands'

# --- a lease ends with its task, however that ends
scoped 'src/api/users.c'
until_state waiting
ym task cancel "$second" >/dev/null
until_state running
ym task cancel "$K" >/dev/null

# --- exclusive paths
scoped 'src/migrations/1.sql'
m1=$K
until_state running
scoped 'src/migrations/2.sql'
m2=$K
until_state waiting
like "$(reason)" "waits for task $m1, which has a lease on .src/migrations/" 'exclusive paths are leased whole'
go "$m1"
until_state running "$m2"

# --- an invalid scope is named
scoped '../outside, src/ok'
until_state running
wait_ok 'a scope that is no pattern is named' "comments $N | grep -q 'no valid patterns were left out: .../outside'"
ym task cancel "$K" >/dev/null

# --- the cap on PRs by agents
go "$third"; go "$free"
until_state review "$third"
until_state review "$free"
do_issue agent:fix 'echo last >>src/last'
until_state waiting
like "$(reason)" 'waits: 4 PRs by agents are open, at most 4 may be' 'the cap on open PRs by agents holds'
ym pr close "$(ymj .pr task show "$first")" >/dev/null
until_state review
pass 'and ends when one closes'

# --- a task that goes on has its lease again
go "$fourth"; go "$m2"
until_state review "$fourth"
until_state review "$m2"
for pr in $(ymj '.[].number' pr list); do
	ym pr close "$pr" >/dev/null
done
N=$(issue --label agent:fix 'Fails at first' "$(printf 'Scope: src/again/**\n\nsh: [ $ROUND = 2 ]\nsh: mkdir -p src/again; echo x >>src/again/x')")
wait_for "[ \"\$(task_of $N)\" != null ]"
again=$(task_of "$N")
until_state needs-human "$again"
scoped 'src/again/y'
until_state running
pass 'a task that a person has got holds no lease'
not_ok 'it does not go on while another one has it' ym task retry "$again"
like "$(ym task retry "$again" 2>&1)" "waits for task $K, which has a lease on .src/again/y" 'and names that one'
is "$(task_state "$again")" needs-human 'it stays where it was'
go "$K"
until_state review
ok 'it goes on when the lease is free' ym task retry "$again"
until_state review "$again"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
