#!/bin/bash
# An agent that takes more than it may is ended, whole, and the task says by which limit.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
usual_blueprint tight pull-request \
	'rounds: 1, memory-mb: 96, processes: 24, disk-mb: 16, output-mb: 1, silence-minutes: 1' 'sh src/gate.sh'
usual_blueprint two pull-request 'rounds: 2, output-mb: 1'
usual_blueprint dear review 'rounds: 5, cost-usd: 1.5'
ym_start
me
task_repo app

limited() { # NAME OUTCOME TEXT SETTING LINE...
	do_issue agent:tight "${@:5}"
	until_state needs-human
	is "$(ymj '[.runs[] | select(.kind == "agent")][-1].outcome' task show "$K")" "$2" "$1: ended by its limit"
	like "$(reason)" 'was ended by a limit' "$1: the task says so"
	wait_for "comments $N | grep -q 'needs a person'"
	like "$(reason)" "$4" "$1: and by which setting"
	like "$(comments "$N")" "$3" "$1: the comment names the limit"
	wait_ok "$1: the whole tree is gone" "! alive 'sleep 33$K'"
	is "$(ymj .pr task show "$K")" 0 "$1: nothing of it is taken"
}
# shellcheck disable=SC2016 # for the agent
bg='(setsid sleep 33$YARDMASTER_TASK &)'
limited 'it forks without end' procs 'processes.*24' 'limits\.processes' "$bg" 'while :; do sleep 50 & done 2>/dev/null'
limited 'it fills memory' memory 'MiB|memory' 'limits\.memory-mb' "$bg" 'perl -e "\$x .= \"x\" x 1000000 while 1"'
limited 'it fills the disk' disk 'disk|MiB|folder' 'limits\.disk-mb' "$bg" 'mkdir -p src/d; i=0; while :; do head -c 1000000 /dev/zero >src/d/$i; i=$((i+1)); done'
limited 'it prints without end' output 'output|MiB' 'limits\.output-mb' "$bg" 'exec yes'

# --- /tmp is its own and bounded: the agent is told by the system, and judged by how it ends
do_issue agent:tight 'i=0; while :; do head -c 1000000 /dev/zero >/tmp/$i; i=$((i+1)); done'
until_state needs-human
like "$(ym task logs "$K")" 'No space left' '/tmp is bounded'

# --- what a limit says is in the next prompt
do_issue agent:two '[ $ROUND = 2 ] || exec yes too much' 'echo x >>src/a.txt'
until_state done
like "$(prompt_of 2)" 'ended by a limit' 'the next round hears of it'
like "$(ymj '[.runs[] | select(.kind == "agent")][0].detail' task show "$K")" '1' 'and the run has the limit'

# --- money: as the agent's command reports it, over all rounds
do_issue agent:dear 'echo "COST_USD: 0.60"; exit 1'
until_state needs-human
is "$(reason | sed 's/;.*//')" 'it has cost $1.80' 'what its rounds have cost ends the task'
like "$(reason)" '`limits.cost-usd` of its blueprint allows \$1\.50' 'and it says which limit that is'
is "$(rounds)" 3 'no round begins beyond it'
wait_ok 'the comment says so' "comments $N | grep -q 'this needs a person: it has cost .1.80; .limits.cost-usd.'"
ok 'retry' ym task retry "$K"
wait_ok 'grants rounds, and no money' "[ \$(comments $N | grep -c 'this needs a person: it has cost') = 2 ]"
is "$(rounds)" 3 'nothing has run'
do_issue agent:dear 'echo x >>src/a.txt; printf "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: Done.\nCOST_USD: 2.25\n"; exit 0'
until_state review
like "$(ymj .body pr show "$(ymj .pr task show "$K")")" 'cost \$2\.25' 'work that is done goes on, and its PR says what it has cost'
is "$(ymj .summary task show "$K")" 'Done.' 'the report is no part of the summary'

# --- a gate has limits too
do_issue agent:tight 'echo "yes too much" >src/gate.sh'
until_state needs-human
like "$(reason)" 'gate .* is red' 'a gate that prints without end is red'
like "$(comments "$N")" 'output' 'and the log says why'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
