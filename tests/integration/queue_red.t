#!/bin/bash
# Red gates, flaky gates, gates that cannot run, a red base: the right one is told, and the others go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

notify_conf
ym_start
me
queue_repo

# --- red ------------------------------------------------------------------------------------------
bad=$(pr bad src/bad.txt 'here is a bug')
good=$(pr good src/good.txt 'fine')
ym queue add "$bad" >/dev/null
ym queue add "$good" >/dev/null
ok 'one that is fine lands behind a red one' landed "$good"
wait_ok 'the red one is taken out' "[[ \"\$(comments $bad)\" == *'Taken out of the merge queue: its checks fail'* ]]"
like "$(last_comment "$bad")" 'bad.txt:1:here is a bug' 'the comment has the log'
like "$(last_comment "$bad")" 'sh gate.sh' '... and the gate'
like "$(sticky "$bad")" 'Not in the merge queue: its checks fail' 'the PR says where it is'
unlike "$(comments "$bad")" 'leaves the queue' '... without saying it twice'
is "$(base_file $R src/bad.txt)" '' 'nothing of it is on the base'
is "$(ymj '.[0].health' repo list)" green 'the base is green'
is "$(pr_state "$bad")" open 'the PR stays open'
pr bad src/bad.txt 'mended' >/dev/null
ym queue add "$bad" >/dev/null
ok 'mended and queued again it lands' landed "$bad"

# --- flaky ----------------------------------------------------------------------------------------
n=$(pr flaky src/wait 'flaky')
ym queue add "$n" >/dev/null
verdict 1
verdict 0
ok 'a gate that passes the second time lands' landed "$n"
unlike "$(comments "$n")" 'Taken out' '... and nobody is blamed'

# --- cannot be run to an end ----------------------------------------------------------------------
n=$(pr infra src/wait 'infra')
ym queue add "$n" >/dev/null
end_gate() {
	local p
	wait_for gate_dir || return 1
	for p in $(keepers); do kill -KILL "$p"; done
	wait_for '! gate_dir'
}
ok 'the machine ends the gate' end_gate
verdict 0
ok '... it is run again and lands' landed "$n"

# --- the base is red ------------------------------------------------------------------------------
moved_from=$(base_oid)
move_base src/broken.txt 'a bug from nowhere'
n=$(pr one src/one.txt fine One "$moved_from")
m=$(pr two src/two.txt fine Two "$moved_from")
ym queue add "$n" >/dev/null
ym queue add "$m" >/dev/null
wait_ok 'on a red base nobody is blamed' "[[ \"\$(entry $n waits)\" == *'so do those of the base branch'* && \"\$(entry $m waits)\" == *'so do those of the base branch'* ]]"
like "$(sticky "$n")" 'nobody is blamed' '... and the PR says so'
is "$(ymj '.[0].health' repo list)" red 'repo list says so'
wait_ok 'the notification command hears of it' 'grep -q "^base-red app 0: .*gate" "$T/notified"'
like "$(cat "$T/notified")" 'base-moved app 0: `main` was moved' 'and of the move'
repair=$(pr repair src/broken.txt mended)
ym queue add "$repair" >/dev/null
ok 'what repairs the base lands' landed "$repair"
ok '... and then the others' landed "$n"
ok '... both' landed "$m"
is "$(ymj '.[0].health' repo list)" green 'the base is green again'
is "$(git -C "$bare" log --first-parent --format=%s "$moved_from..main" | tail -1)" 'By hand: src/broken.txt' \
	"the maintainer's move was built upon"

# --- no gates -------------------------------------------------------------------------------------
n=$(pr nogates .github/yardmaster.yml '{}' 'No gates')
ym queue add "$n" >/dev/null
landed "$n"
n=$(pr free src/free.txt 'not even a bug is seen')
# Asked of the repository alone: every question to the daemon would wake it.
before=$(base_oid)
ym queue add "$n" >/dev/null
ok 'without gates a PR lands at once' wait_for "[ \"\$(base_oid)\" != $before ]"
landed "$n"
is "$(ymj '.checks | length' receipt show "$(base_oid)")" 0 '... and its receipt says that nothing was checked'

# --- numbers --------------------------------------------------------------------------------------
stat() { ymj ".[] | select(.key == \"$1\") | .value" stats; }
is "$(stat landed)" "$(git -C "$bare" rev-list --first-parent --count --author=Yardmaster main)" 'stats counts what has landed'
like "$(stat red)" '^[1-9]' '... and what was red before it could'
like "$(ym stats --repo app --since 1)" $'app\tactive\tfrom queue to landing, median\t[0-9]+' '... and how long a landing took'
exits 3 'a repository that there is not is no empty list' ym stats --repo other
ym_stop
is $? 0 'the daemon ends when told'
done_testing
