#!/bin/bash
# An agent works in its own worktree and sees nothing of the host but what is named; the commit is the host's.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
# An agent with the host's network and one variable, as a real agent's command line needs them.
agent opened <<'END'
eval "$(sed -n 's/^sh: //p' "$PROMPT")"
cat /proc/net/dev
[ "$MODEL_KEY" = "$(printf 'key-%s' 4711-opened)" ] && echo "the key is here"
echo x >>src/a.txt
complete
END
cat >>"$T/yardmaster.yml" <<'END'
    network: host
    env: [MODEL_KEY]
    model: model-7
END
agent unset <<'END'
complete
END
cat >>"$T/yardmaster.yml" <<'END'
    env: [NOT_SET_ANYWHERE]
END
conf <<END
default-agent: doer
limits: { agents: 4 }
author: { name: Yard Robot, email: robot@example.org }
END
usual_blueprint fix queue 'rounds: 1' repository
blueprint open <<'END'
steps: [ { agent: prompts/do.md, agent-name: opened }, { pull-request: {} } ]
END
blueprint unset <<'END'
agent: unset
limits: { rounds: 1 }
steps: [ { agent: prompts/do.md }, { pull-request: {} } ]
END
MODEL_KEY=key-4711-opened ym_start
me
mkdir -p "$T/src/app"
echo 'Always be polite.' >"$T/src/app/AGENTS.md"
task_repo app
bare=$(repo_path app)
echo secret >"$T/secret"

# --- what it sees
do_issue agent:fix \
	'pwd; ls -A; cat AGENTS.md; id -u; echo "home: $(ls -A "$HOME")"' \
	"ls $T/secret $D $bare 2>&1 | sed 's/^/outside: /'" \
	'cat /proc/net/dev; (exec 3<>/dev/tcp/1.1.1.1/53) 2>&1 | sed "s/^/tcp: /"' \
	'env | sort | sed "s/^/env: /"; echo "procs: $(ls -d /proc/[0-9]* | wc -l)"; echo "branch: $(git branch --show-current)"' \
	'echo polite >>src/a.txt'
until_state review
first=$K
log=$(ym task logs "$K" --run "$(run_of agent)")
like "$log" 'Always be polite' 'AGENTS.md is there'
like "$log" $'\n/work\n' 'it works at /work'
like "$log" 'outside: .*No such file' 'files of the host are not there'
unlike "$log" 'outside: (ledger|secret)' 'nor the data directory'
nets() { sed -n 's/^ *\([a-z0-9]*\): *[0-9][0-9]*  *[0-9][0-9 ]*$/\1/p' | sort | tr '\n' ' '; }
is "$(nets <<<"$log")" 'lo ' 'there is no network by default'
like "$log" 'tcp: .*(unreachable|refused|denied)' 'nothing can be reached'
unlike "$log" 'env: (MODEL_KEY|SSH_AUTH|GIT_CONFIG|YARDMASTER_SOCKET)' 'the environment is not the daemon'"'"'s'
like "$log" 'branch: yardmaster/1-do-it' 'it is on the branch of its task'

# --- the commit is the host's
branch=$(ymj .branch task show "$K")
is "$(git -C "$bare" log -1 --format='%an <%ae>' "$branch")" 'Yard Robot <robot@example.org>' 'the configured author'
message=$(git -C "$bare" log -1 --format=%B "$branch")
like "$message" "Task: $K" 'with the trailer Task'
like "$message" 'Assisted-by: doer:unknown' 'and Assisted-by'
like "$message" "Co-authored-by: $ME <" 'and who asked for it'
is "$(git -C "$bare" log -1 --format=%B "$branch" | git interpret-trailers --parse | cut -d: -f1 | tr '\n' ' ')" \
	'Task Closes Assisted-by Co-authored-by ' 'Git reads them as trailers'
ok 'the worktree can be looked at' ls "$D/worktrees/t$K/tree/src/a.txt"
is "$(stat -c %a "$D/worktrees/t$K/tree")" 700 'by its owner alone'
ym pr approve "$(ymj .pr task show "$K")" >/dev/null
until_state merged
wait_ok 'the worktree is gone after the merge' "[ ! -e '$D/worktrees/t$first' ]"
wait_ok 'and the branch' "! git -C '$bare' rev-parse -q --verify 'refs/heads/$branch'"
like "$(base_file app src/a.txt)" polite 'the work is on the base'

# --- two at once do not see each other
do_issue agent:fix 'echo one >src/mine; sleep 0.5; ls src; cat src/mine; rm src/mine; echo x >src/1'
a=$K
do_issue agent:fix 'echo two >src/mine; sleep 0.5; ls src; cat src/mine; rm src/mine; echo x >src/2'
until_state review "$a"
until_state review "$K"
unlike "$(ym task logs "$a" --run "$(run_of agent -1 "$a")" | sed '1,/ends$/d')" 'two' 'two agents at once have a worktree each'

# --- failed work is kept
do_issue agent:fix 'echo bug >>src/a.txt'
until_state needs-human
like "$(cat "$D/worktrees/t$K/tree/src/a.txt")" bug 'a failed task keeps its worktree'

# --- the opt-in
do_issue agent:open 'sleep 0.3'
wait_for "[ \"\$(run_of agent)\" != null ]"
found=''
while [ "$(task_state "$K")" != done ] && [ "$(task_state "$K")" != needs-human ]; do
	found+=$(grep -lsa 'key-471[1]-opened' /proc/[0-9]*/cmdline)
done
until_state done
like "$(ym task logs "$K")" 'the key is here' 'a named variable is visible inside'
is "$found" '' 'its value is in no command line'
is "$(grep -rla 'key-4711-opened' "$D" "$T/daemon.log" 2>/dev/null)" '' 'and in no file below the data directory, nor in the log'
is "$(ym task logs "$K" | nets)" "$(nets </proc/net/dev)" 'the network is the host'"'"'s'
like "$(ym audit list --json | jq -c '.[] | select(.action == "opened")')" 'MODEL_KEY.*' 'the audit has the opening with the name'
like "$(ym_log)" 'opened on purpose: network host, environment \[MODEL_KEY\]' 'and the log'
like "$(git -C "$bare" log -1 --format=%B "$(ymj .branch task show "$K")")" 'Assisted-by: opened:model-7' 'the model is in the trailer'

# --- what it is handed and gives away
encoded=$(printf %s key-4711-opened | base64)
do_issue agent:open 'echo "my key is $MODEL_KEY."; printf %s "$MODEL_KEY" | base64; echo x >>src/b.txt' \
	'complete "It works with $MODEL_KEY, or $(printf %s "$MODEL_KEY" | base64)."'
until_state done
like "$(ym task logs "$K")" 'my key is \*\*\*\.' 'a secret that an agent prints is masked in its log'
pr=$(ymj .pr task show "$K")
like "$(ymj .body pr show "$pr")" 'It works with \*\*\*, or \*\*\*' 'and in the pull request'
like "$(git -C "$bare" log -1 --format=%B "$(ymj .branch task show "$K")")" 'It works with \*\*\*' 'and in the commit'
is "$(grep -rlaE "key-4711-opened|${encoded%==}" "$D" "$T/daemon.log" 2>/dev/null)" '' 'it is in no file, however encoded'
is "$(ym issue show "$N" --json; ym pr show "$pr" --json; ym task show "$K" --json)" \
	"$(ym issue show "$N" --json; ym pr show "$pr" --json; ym task show "$K" --json | grep -vE "key-4711|$encoded")" 'nothing shows it'
do_issue agent:open 'printf "key: %s\n" "$(printf "x:%s" "$MODEL_KEY" | base64)" >src/config.yml'
until_state needs-human
like "$(comments "$N")" 'src/config.yml.*holds a secret value' 'a diff that holds it is refused, and the file named'
unlike "$(comments "$N")" 'key-4711|a2V5' 'without the value'
not_ok 'no commit holds it' git -C "$bare" rev-parse -q --verify "$(ymj .branch task show "$K"):src/config.yml"

# --- a command that the sandbox would not show
mkdir "$T/home/bin"
printf '#!/bin/sh\nexit 0\n' >"$T/home/bin/agent"
chmod 755 "$T/home/bin/agent"
sed "s|command: .*/agents/unset.*|command: [$T/home/bin/agent]|" "$T/yardmaster.yml" >"$T/hidden.yml"
sed -i '/^    env: \[NOT_SET_ANYWHERE\]/d' "$T/hidden.yml"
like "$(ym config check "$T/hidden.yml")" $'warnings\t'"agents.unset: $T/home/bin/agent is not visible .*read-only: \\[$T/home/bin\\]" \
	'config check warns of it and says what to add'
like "$(ym doctor --config "$T/hidden.yml")" "FAIL  agents: unset: $T/home/bin/agent is not visible" 'and doctor says so'
cp "$T/yardmaster.yml" "$T/was.yml"
cp "$T/hidden.yml" "$T/yardmaster.yml"
kill -HUP "$(ym_pid)"
wait_for "ym_log | grep -q 'configuration read again'"
do_issue agent:unset 'complete'
until_state needs-human
like "$(reason)" "command '$T/home/bin/agent'.*read-only.*not tried again" 'the task says the same'
is "$(ymj '[.runs[] | select(.kind == "agent")] | length' task show "$K")" 1 'after one try'
cp "$T/was.yml" "$T/yardmaster.yml"
kill -HUP "$(ym_pid)"
wait_for "[ \"\$(ym_log | grep -c 'configuration read again')\" = 2 ]"

do_issue agent:unset 'complete'
until_state needs-human
like "$(reason)" 'NOT_SET_ANYWHERE' 'a variable that is not set is a clear refusal'
is "$(ymj .round task show "$K")" 0 'which costs no round'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
