#!/bin/bash
# SIGHUP reads the configuration again: a new agent is usable at once, also by tasks that waited for it; a broken file
# changes nothing and is named.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
conf <<END
limits: { agents: 1 }
default-agent: doer
END
usual_blueprint fix pull-request ''
blueprint late <<'END'
agent: later
steps:
  - agent: prompts/do.md
  - pull-request: {}
END
ym_start
me
task_repo app
reload() {
	local n
	n=$(grep -c 'configuration read again\|reload:' "$T/daemon.log")
	kill -HUP "$(ym_pid)"
	wait_for "[ \$(grep -c 'configuration read again\|reload:' '$T/daemon.log') -gt $n ]"
}

do_issue agent:late 'complete'
until_state waiting
like "$(reason)" 'waits for agent .later.' 'a task waits for an agent that is not there'
cp "$T/yardmaster.yml" "$T/before.yml"

# --- broken
sed -i 's/^limits:.*/limits: { agnets: 2 }/' "$T/yardmaster.yml"
reload
like "$(ym_log)" 'yardmaster\.yml:[0-9]+: .*limits\.agnets.*did you mean .agents.*the configuration stays as it was' \
	'a broken file is named with line and key'
cp "$T/before.yml" "$T/yardmaster.yml"
sed -i "s|^data: .*|data: $T/elsewhere|" "$T/yardmaster.yml"
reload
like "$(ym_log)" "'data' and 'socket' cannot change" 'what cannot change is said'
do_issue agent:fix 'echo x >>src/a.txt'
until_state done
pass 'tasks go on under the old one'

# --- good
cp "$T/before.yml" "$T/yardmaster.yml"
agent later <<END
echo "later is here" >>src/b.txt
await "$T/agents/go"
complete
END
touch "$T/agents/go"
# The helper appends to the file; an agent belongs below `agents:`.
perl -0pi -e 's/(agents:\n)(.*?)(  later:\n.*)\z/$1$3$2/s; s/agents: 1 /agents: 3 /' "$T/yardmaster.yml"
k=$(ymj '.[0].id' task list --state waiting)
reload
like "$(ym_log)" 'configuration read again' 'a good file is taken'
until_state done "$k"
like "$(ym pr diff "$(ymj .pr task show "$k")")" 'later is here' 'and the task that waited is done by the new agent'
rm "$T/agents/go"
do_issue agent:late
a=$K
do_issue agent:late
wait_ok 'a raised limit counts at once: both run at the same time' \
	"[ \"\$(pgrep -fc 'bash $T/agents/later')\" -ge 2 ] &&
		[ \"\$(ymj '.runs[0].state' task show $a),\$(ymj '.runs[0].state' task show $K)\" = running,running ]"
touch "$T/agents/go"
until_state done "$a"
until_state done

# --- an agent is taken away while its task works
rm "$T/agents/go"
do_issue agent:late
wait_for "[ \"\$(ymj '.runs[0].state' task show $K)\" = running ]"
cp "$T/before.yml" "$T/yardmaster.yml"
reload
touch "$T/agents/go"
until_state done
pass 'a round that runs ends as it began'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
