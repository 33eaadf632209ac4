#!/bin/bash
# Wrong labels, blueprints, configurations and senders: a comment that says what was found and what is allowed; the last
# good configuration stays in force.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
usual_blueprint fix pull-request 'rounds: 1' repository
ym_start
me
ym user add reader --uid 12301 --permission read >/dev/null
ym user add stranger --uid 12302 --permission read >/dev/null
task_repo app
src=$T/src/app

# --- labels
n=$(issue --label agent:fxi 'Typo')
wait_ok 'an unknown label is answered' "comments $n | grep -q 'agent:fxi'"
like "$(comments "$n")" 'did you mean .agent:fix.\?' 'with the nearest one'
like "$(comments "$n")" 'There are: .*`agent:bugfix`.*`agent:docs`' 'and those that there are'
is "$(task_of "$n")" null 'nothing is started'
n=$(ymj '.number' issue create --title 'Two' --label agent:xxx --label agent:yyy)
wait_ok 'two unknown labels at once get two answers' "comments $n | grep -q agent:xxx && comments $n | grep -q agent:yyy"
n=$(issue --label bug 'Another label')
ym issue label "$n" --add urgent >/dev/null
is "$(comments "$n")" '' 'other labels are nobody'"'"'s business'
n=$(issue 'Closed')
ym issue close "$n" >/dev/null
ym issue label "$n" --add agent:fix >/dev/null
wait_ok 'a label on a closed issue is answered' "comments $n | grep -q 'The issue is closed'"

# --- who may
n=$(issue 'By a reader' 'sh: echo x >>src/a.txt')
ym issue label "$n" --add agent:fix --as reader >/dev/null 2>"$T/refused"
wait_ok 'a label by somebody without permission is refused' "comments $n | grep -q 'needs the permission .write.; you have .read.' || grep -q write $T/refused"
is "$(task_of "$n")" null 'and nothing is started'
for command in 'run fix' cancel retry 'say hello' halt freeze; do
	say "$n" "/yard $command" reader
	wait_ok "/yard $command by a reader is refused" "comments $n | grep -A2 '> /yard ${command%% *}' | grep -q 'needs the permission'"
done
is "$(ymj .halted status)" false 'the kill switch is off'

# --- a task keeps the rules it began with; a broken configuration changes nothing
push() { # FILE TEXT
	commit_file "$src" "$1" "$2"
	git -C "$(repo_path app)" fetch -q "$src" +main:refs/heads/main
	wait_for "[ \"\$(ymj '.[] | select(.name == \"app\") | .config_oid' repo list)\" = \"\$(git -C '$src' rev-parse main)\" ]" ||
		bail 'the new configuration was not read'
}
good=$(cat "$src/.github/yardmaster.yml")
push .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  aprovals: 2'
error=$(ymj '.[] | select(.name == "app") | .config_error' repo list)
like "$error" '\.github/yardmaster\.yml:3: .*queue\.aprovals.*did you mean .approvals.' 'a broken configuration is named with file, line, key, and what is allowed'
like "$(ym repo list)" 'yardmaster.yml:3' 'repo list shows it'
like "$(ym_log)" 'the last good one stays in force' 'and the log'
do_issue agent:fix 'echo fine >>src/a.txt'
until_state done
like "$(ym task logs "$K" --run "$(run_of gate)")" 'gate: ok' 'tasks go on under the last good one'
push .github/yardmaster.yml "$good"
is "$(ymj '.[] | select(.name == "app") | .config_error // ""' repo list)" '' 'a repaired one is taken'

# --- a broken blueprint
push .github/blueprints/other.yml 'name: other
allow: ["src/**"]
steps:
  - agnet: prompts/do.md'
like "$(ymj '.[] | select(.name == "app") | .config_error' repo list)" 'other\.yml:4: .*agnet.*did you mean .agent.' 'a broken blueprint is named the same way'
n=$(issue --label agent:other 'Use it')
wait_ok 'its label says that it is broken' "comments $n | grep -q 'other.yml:4'"
like "$(comments "$n")" 'did you mean .agent.' 'with what is meant'
do_issue agent:fix 'echo finer >>src/a.txt'
until_state done
pass 'the other blueprints work on'
push .github/blueprints/other.yml 'name: other
allow: ["src/**"]
agent: nobody
steps:
  - agent: prompts/do.md
  - pull-request: {}'

# --- an agent that the daemon does not have
n=$(issue --label agent:other 'Use it')
wait_for "[ \"\$(task_of $n)\" != null ]"
K=$(task_of "$n")
until_state waiting
like "$(reason)" 'waits for agent .nobody.' 'a task for an unknown agent waits and says so'
say "$n" '/yard cancel'
until_state cancelled
say "$n" '/yard run fix agent=nobody'
wait_ok 'run with an unknown agent is refused' "comments $n | grep -q 'No agent .nobody.'"

# --- commands
n=$(issue 'Commands')
say "$n" '/yard cancle'
wait_ok 'a typo gets the nearest command' "comments $n | grep -q 'did you mean .cancel.'"
say "$n" $'> /yard halt\n\n```\n/yard halt\n```\n\n    /yard halt\n\nand then /yard halt <!--\n/yard halt\n-->'
say "$n" '/yard status'
wait_ok 'a command without a task is answered' "comments $n | grep -q 'no task works on it'"
is "$(ymj .halted status)" false 'commands in quotes, code and hidden text are ignored'
say "$n" '/yard queue'
wait_ok 'a command for PRs is refused on an issue' "comments $n | grep -q 'belongs on a PR'"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
