#!/bin/bash
# The kill switch: every agent tree is gone at once, also with the daemon dead; it stays on across restarts, and
# `resume` goes on without spending a round.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

mkdir -p "$T/go"
doer
sed -i "s|read-only: \[\"$T/agents\"\]|read-only: [\"$T/agents\", \"$T/go\"]|" "$T/yardmaster.yml"
conf <<END
limits: { agents: 3 }
END
usual_blueprint fix review 'rounds: 1' repository
ym_start
me
ok 'a person who may write' ym user add writer --uid 12345 --permission write
task_repo app
waits="if [ ! -e $T/go/\$YARDMASTER_TASK ]; then (setsid sh -c \"sleep 61\$YARDMASTER_TASK00\" &); sleep 62\${YARDMASTER_TASK}00; fi"

start_three() {
	do_issue agent:fix "$waits" 'echo A$YARDMASTER_TASK >>src/a$YARDMASTER_TASK'
	a=$K a_issue=$N
	do_issue agent:fix "$waits" 'echo B$YARDMASTER_TASK >>src/a$YARDMASTER_TASK'
	b=$K
	wait_for "alive 'sleep 62${a}00' && alive 'sleep 62${b}00'" || bail 'the agents did not start'
}
all_gone() {
	wait_ok "$1" "! alive 'sleep 62${a}00' && ! alive 'sleep 62${b}00' && ! alive 'sleep 61'"
}
resumed() {
	touch "$T/go/$a" "$T/go/$b"
	ok 'resume' ym resume
	until_state review "$a"
	until_state review "$b"
	is "$(ymj .round task show "$a")" 1 'no round was spent'
}

# --- by a comment
start_three
say "$a_issue" '/yard halt fire in the shed'
all_gone '/yard halt ends every tree'
until_state halted "$a"
until_state halted "$b"
wait_ok 'it is answered' "comments $a_issue | grep -q 'kill switch is on'"
like "$(ym status)" "kill switch is on .*$ME: fire in the shed" 'status shows it, who and why'
do_issue agent:fix 'echo C >>src/c'
c=$K
until_state waiting
like "$(reason)" 'kill switch is on' 'a new task waits and says why'
say "$a_issue" '/yard resume' writer
wait_ok 'resume takes more than write' "comments $a_issue | grep -q 'needs the permission .maintain.; @writer has .write.'"
ym_stop
ym_start
is "$(task_state "$a")" halted 'it stays on across a restart'
is "$(task_state "$c")" waiting 'and nothing starts'
ym_crash
ym_start
is "$(task_state "$a")" halted 'also after a crash'
resumed
until_state review "$c"

# --- by the command line
start_three
like "$(ym halt --reason 'drill')" $'ended\t2\nleft\t0' 'yardmaster halt says what it ended'
# The answer comes when all are gone, not before.
not_ok 'and none of them is there any more' alive 'sleep 6[12]'
until_state halted "$a"
# What waits in a halt can be cancelled.
do_issue agent:fix 'complete'
until_state waiting
ym task cancel "$K" >/dev/null
until_state cancelled
resumed

# --- with the daemon dead
start_three
ym_crash
ok 'halt works without a daemon' "$YARDMASTER" halt --config "$T/yardmaster.yml"
all_gone 'and ends every tree'
ym_start
until_state halted "$a"
until_state halted "$b"
like "$(ym status)" 'halted|kill switch' 'the daemon that comes back knows'
resumed

# --- resume is the daemon's: it says so, and nothing has begun meanwhile
start_three
ym_crash
"$YARDMASTER" halt --config "$T/yardmaster.yml" >/dev/null
exits 6 'resume needs the daemon' "$YARDMASTER" resume --config "$T/yardmaster.yml"
ym_start
until_state halted "$a"
resumed

# --- halted, then cancelled
start_three
ym halt >/dev/null
until_state halted "$a"
ym task cancel "$a" >/dev/null
until_state cancelled "$a"
touch "$T/go/$b"
ym resume >/dev/null
until_state review "$b"
is "$(task_state "$a")" cancelled 'a task cancelled in a halt does not go on'
like "$(ym audit list)" 'halt' 'the audit has it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
