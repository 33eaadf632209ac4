#!/bin/bash
# Who is to blame for a red PR: the base is asked, and its own flaky or broken runs count like any other.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
end_gate() {
	local p
	wait_for gate_dir || return 1
	for p in $(keepers); do kill -KILL "$p"; done
	wait_for '! gate_dir'
}
# Loses each run of the gate until CONDITION holds.
lose_gates() { # CONDITION
	local try
	for try in {1..9}; do
		wait_for "gate_dir || $1" || return 1
		! eval "$1" || return 0
		end_gate || return 1
	done
	return 1
}

# The base waits for the test's verdict as well: its last commit changes src/wait.
move_base src/wait 'by hand'
n=$(pr bad src/bad.txt 'here is a bug')
ym queue add "$n" >/dev/null
wait_ok 'a PR that stays red asks the base' "gate_dir && [[ \"\$(entry $n waits)\" == *'waits for those of the base branch alone'* ]]"
is "$(ymj '.[0].health' repo list)" testing 'repo list says so'
verdict 1
ok 'a base that is red once is asked again' wait_for gate_dir
unlike "$(comments "$n")" 'Taken out' '... before anybody is blamed'
ok 'its run is lost' end_gate
verdict 0
wait_ok 'green in the end, the PR is to blame' "[[ \"\$(comments $n)\" == *'Taken out of the merge queue: its checks fail'* ]]"
is "$(ymj '.[0].health' repo list)" green '... and the base is green'

# A base that cannot be tested at all is not tested for ever.
move_base src/wait 'by hand again'
m=$(pr worse src/worse.txt 'here is a bug')
ym queue add "$m" >/dev/null
ok 'a base that cannot be tested blames nobody' lose_gates "[[ \"\$(entry $m waits)\" == *'could not be run to an end, so nobody is blamed'* ]]"
ok '... and is not tried for ever' bash -c "! [ -d '$D'/checkouts/*/tree ]"
o=$(pr fine src/fine.txt fine)
ym queue add "$o" >/dev/null
ok 'others go on' landed "$o"
wait_ok 'and on the new base the culprit is found' "[[ \"\$(comments $m)\" == *'Taken out'* ]]"

# A gate that never can be run to an end is not tried for ever either.
n=$(pr lost src/wait lost)
ym queue add "$n" >/dev/null
ok 'a PR whose gate is lost again and again leaves' lose_gates \
	"[[ \"\$(comments $n)\" == *'Taken out of the merge queue: its checks could not be run to an end'* ]]"
unlike "$(comments "$n")" 'its checks fail' '... without a word of red'
wait_ok 'no checkout is left behind' '[ -z "$(ls "$D/checkouts" 2>/dev/null)" ]'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
