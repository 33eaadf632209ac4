#!/bin/bash
# The environment of a blueprint: set up once before the agent, kept by the content of the key files, its
# network a logged opt-in.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
blueprint fix <<'END'
environment:
  setup: ["mkdir -p deps", "echo set up by $YARDMASTER_TASK with $(cat lock.txt) >deps/made"]
  key: [lock.txt]
steps:
  - agent: prompts/do.md
    gates: ["grep -q 'set up by' deps/made"]
  - pull-request: {}
END
blueprint open <<'END'
environment: { setup: ["cat /proc/net/dev"], network: host, key: [src/a.txt] }
steps:
  - agent: prompts/do.md
  - pull-request: {}
END
blueprint broken <<'END'
environment: { setup: ["echo no such tool >&2; exit 7"] }
on-failure: { label: set-up-broken }
steps:
  - agent: prompts/do.md
  - pull-request: {}
END
blueprint slow <<'END'
environment: { setup: ["sleep 77.$YARDMASTER_TASK"] }
steps:
  - agent: prompts/do.md
  - pull-request: {}
END
ym_start
me
task_repo app
commit_file "$T/src/app" lock.txt one
commit_file "$T/src/app" .gitignore deps/
ym repo add env --from "$T/src/app" >/dev/null
issue() { ymj '.number' issue create -R env --title "${3-Do it}" --body "${4-}" --label "$2"; }
task_of() { ymj "[.[] | select(.issue == $1)] | max_by(.id) | .id" task list -R env; }
comments() { ymj '.comments[].body' issue show "$1" -R env; }
wait_for "ymj '.[].name' blueprint list -R env | grep -qx slow"

do_issue agent:fix 'cat deps/made; echo x >>src/a.txt'
until_state done
is "$(run_of setup)" "t$K-r1" 'the set-up ran before the agent'
like "$(ym task logs "$K" --run "$(run_of agent)")" 'set up by 1 with one' 'and the agent sees what it made'
is "$(ymj '[.runs[] | select(.kind == "setup")] | length' task show "$K")" 1 'once a task'
unlike "$(ym pr diff "$(ymj .pr task show "$K")" -R env)" 'deps/made' 'what it made is in no commit'

do_issue agent:fix 'cat deps/made; echo y >>src/a.txt'
until_state done
is "$(run_of setup)" null 'the second task does not run it again'
like "$(ym task logs "$K" --run "$(run_of agent)")" 'set up by 1 with one' 'and has what the first one made'

# --- another key
commit_file "$T/src/app" lock.txt two
git -C "$(repo_path env)" fetch -q "$T/src/app" +main:refs/heads/main
wait_for "[ \"\$(ymj '.[] | select(.name == \"env\") | .base_oid' repo list)\" = \"\$(git -C '$T/src/app' rev-parse main)\" ]"
do_issue agent:fix 'cat deps/made; echo z >>src/a.txt'
until_state done
is "$(run_of setup)" "t$K-r1" 'a changed key file runs it again'
like "$(ym task logs "$K" --run "$(run_of agent)")" "set up by $K with two" 'with what it says now'

# --- the network
nets() { sed -n 's/^ *\([a-z0-9]*\): *[0-9][0-9]*  *[0-9][0-9 ]*$/\1/p' | sort | tr '\n' ' '; }
do_issue agent:open 'cat /proc/net/dev; echo w >>src/a.txt'
until_state done
like "$(ymj '.runs[] | select(.kind == "setup") | .network' task show "$K")" host 'the set-up has the network that it names'
is "$(ymj '.runs[] | select(.kind == "agent") | .network' task show "$K")" none 'the agent after it has none'
is "$(ym task logs "$K" --run "$(run_of setup)" | nets)" "$(nets </proc/net/dev)" 'which is the host'"'"'s'
is "$(ym task logs "$K" --run "$(run_of agent)" | nets)" 'lo ' 'and the agent an empty one'
like "$(ym audit list --json | jq -c '.[] | select(.action == "opened")')" "\"task:$K\"" 'the audit has the opening'
like "$(ym_log)" 'opened on purpose: network host' 'and so has the log'

# --- it fails
do_issue agent:broken 'complete'
until_state needs-human
like "$(reason)" 'set-up of the environment failed' 'a failed set-up brings a person'
wait_ok 'with its log' "comments $N | grep -q 'no such tool'"
like "$(ymj '.labels | join(" ")' issue show "$N" -R env)" 'set-up-broken' 'and the label'
is "$(rounds)" 0 'no round is spent'
ok 'retry runs it again' ym task retry "$K"
wait_ok 'which fails again' "[ \$(ymj '[.runs[] | select(.kind == \"setup\")] | length' task show $K) = 2 ] && [ \$(task_state $K) = needs-human ]"

# --- it is cancelled
do_issue agent:slow 'complete'
wait_ok 'a long set-up runs' "alive 'sleep 77.$K'"
ok 'it can be cancelled' ym task cancel "$K"
until_state cancelled
wait_ok 'its processes are gone' "! alive 'sleep 77.$K'"
wait_ok 'the worktree is gone' "[ ! -e '$D/worktrees/t$K' ]"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
