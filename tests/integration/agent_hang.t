#!/bin/bash
# An agent that hangs is ended: by silence, by the clock, by its CPU time; so is a gate. Limits are minutes, so this takes
# more than one, and runs with the sanitizers in `make check-long` only, as every long test does.
# check: long
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
conf <<END
limits: { agents: 4 }
END
blueprint silent <<'END'
limits: { rounds: 1, silence-minutes: 1 }
steps: [ { agent: prompts/do.md }, { pull-request: {} } ]
END
blueprint slow <<'END'
limits: { rounds: 1, timeout-minutes: 1, silence-minutes: 0 }
steps: [ { agent: prompts/do.md }, { pull-request: {} } ]
END
blueprint gate <<'END'
limits: { rounds: 1, gate-timeout-minutes: 1 }
steps: [ { agent: prompts/do.md, gates: ["sleep 4444"] }, { pull-request: {} } ]
END
blueprint busy <<'END'
limits: { rounds: 1, cpu-minutes: 1 }
steps: [ { agent: prompts/do.md }, { pull-request: {} } ]
END
ym_start
me
task_repo app

do_issue agent:silent 'sleep 4441'
silent=$K silent_issue=$N
do_issue agent:slow "trap '' TERM; while :; do echo still at it; sleep 1; done"
slow=$K slow_issue=$N
do_issue agent:gate 'echo x >>src/a.txt'
gate=$K gate_issue=$N
do_issue agent:busy 'sleep 4442 & perl -e "1 while 1" & while :; do :; done'
busy=$K
for k in $silent $slow $gate $busy; do
	wait_ok "task $k comes to a person" "[ \$(task_state $k) = needs-human ]" 100
done
like "$(reason "$silent")" 'ended by a limit: wrote nothing and computed nothing for [0-9]{5,} ms: allowed are 60000 \(`limits.silence-minutes`' 'silence is named'
like "$(reason "$slow")" 'ended by a limit: ran for [0-9]{5,} ms: allowed are 60000 \(`limits.timeout-minutes`' 'the time limit is named'
like "$(reason "$busy")" 'ended by a limit: used [0-9]{5,} ms of CPU time: allowed are 60000 \(`limits.cpu-minutes`' 'the CPU time of the whole tree is named'
like "$(reason "$gate")" 'The gate .sleep 4444. is red' 'the gate is named'
like "$(comments "$gate_issue")" 'sleep 4444. was ended: ran for [0-9]{5,} ms: allowed are 60000 \(`limits.gate-timeout-minutes`' 'and its limit'
for n in $silent_issue $slow_issue; do
	like "$(comments "$n")" 'this needs a person: The agent was ended by a limit' 'a person is told'
done
wait_ok 'nothing of them runs' "! alive 'sleep 444'"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
