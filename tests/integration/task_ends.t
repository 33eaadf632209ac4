#!/bin/bash
# How an agent may end: the four statuses, done takes three things, questions are answered with `say`.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
usual_blueprint fix review 'rounds: 1' repository
usual_blueprint two pull-request 'rounds: 2'
ym_start
me
task_repo app

# --- QUESTION, answered
do_issue agent:fix 'grep -q "the answer is gr[e]en" "$PROMPT" && { echo green >>src/a.txt; complete; }' 'question "Which colour?"'
until_state asking
wait_ok 'the question is a comment' "comments $N | grep -q 'Which colour?'"
like "$(comments "$N")" "@$ME: The agent asks:" 'it names the one who asked for it'
like "$(comments "$N")" 'Answer with `/yard say <text>`' 'and how to answer'
is "$(rounds)" 1 'no round is begun by itself'
say "$N" '/yard say the answer is green'
until_state review
is "$(rounds)" 2 'the answer starts a round, also when the rounds are spent'
like "$(prompt_of 2)" 'the answer is green' "the answer is in that round's prompt"
like "$(ym pr diff "$(ymj .pr task show "$K")")" '\+green' 'and what it led to is in the PR'

# --- BLOCKED
do_issue agent:fix 'blocked "No database here."'
until_state asking
wait_ok 'what blocks it is a comment' "comments $N | grep -q 'No database here.'"
like "$(comments "$N")" 'The agent cannot go on' 'and said so'
say "$N" '/yard cancel'
until_state cancelled
like "$(reason)" "^by $ME$" 'a task that asks can be cancelled'

# --- NO_CHANGE
do_issue agent:fix 'no_change "It works as documented."'
until_state no-change
is "$(reason)" 'It works as documented.' 'NO_CHANGE closes the task with its reason'
like "$(comments "$N")" 'no-change.*It works as documented' 'which the sticky comment has'
is "$(ymj .state issue show "$N")" open 'the issue stays a matter of people'
do_issue agent:fix 'echo more >>src/a.txt; no_change "nothing"'
until_state needs-human
like "$(reason)" 'says NO_CHANGE, but files differ' 'NO_CHANGE with a change is refused'

# --- done takes three things, and each one that is missing is named
refused() { # NAME REASON LINE...
	do_issue agent:fix "${@:3}"
	until_state needs-human
	like "$(reason)" "$2" "$1"
	is "$(ymj .pr task show "$K")" 0 'and there is no PR'
}
refused 'exit 0 is needed' 'the agent did not end with success' \
	'echo x >>src/a.txt; printf "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: done\n"; exit 3'
refused 'the end block is needed' 'end block .* is missing' 'echo x >>src/a.txt; exit 0'
refused 'EXIT_SIGNAL must be true' 'EXIT_SIGNAL is not true' \
	'echo x >>src/a.txt; end_block COMPLETE false half'
refused 'a made-up status does not count' 'end block .* malformed' 'echo x >>src/a.txt; end_block FINISHED true yes'
refused 'a change is needed' 'says COMPLETE, but no file differs' 'complete "nothing was done"'
refused 'green gates are needed' 'gate `sh gate.sh` is red' 'echo bug >>src/a.txt'
refused 'an agent that dies is no success' 'did not end with success' 'echo x >>src/a.txt; kill -SEGV $$'

# --- what was missing is said to the next round
do_issue agent:two 'if [ $ROUND = 1 ]; then echo x >>src/a.txt; exit 0; fi; complete fine'
until_state 'done'
like "$(prompt_of 2)" 'end block .* is missing' 'the next prompt says what was missing'
like "$(ym pr diff "$(ymj .pr task show "$K")")" '\+x' 'and goes on from the files as they were'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
