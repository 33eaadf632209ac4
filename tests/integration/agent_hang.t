#!/bin/bash
# An agent that hangs is ended: by silence, by the clock, by its CPU time; so is a gate. Limits are minutes, so this takes one.
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
ym_start
me
task_repo app

do_issue agent:silent 'sleep 4441'
silent=$K silent_issue=$N
do_issue agent:slow "trap '' TERM; while :; do echo still at it; sleep 1; done"
slow=$K slow_issue=$N
do_issue agent:gate 'echo x >>src/a.txt'
gate=$K gate_issue=$N
for k in $silent $slow $gate; do
	wait_ok "task $k comes to a person" "[ \$(task_state $k) = needs-human ]" 100
done
like "$(comments "$silent_issue")" 'no output|silen' 'silence is named'
like "$(comments "$slow_issue")" 'clock|time|minute|60 s' 'the time limit is named'
like "$(comments "$gate_issue")" 'sleep 4444' 'the gate is named'
wait_ok 'nothing of them runs' "! alive 'sleep 444'"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
