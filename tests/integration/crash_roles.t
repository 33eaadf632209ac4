#!/bin/bash
# kill -9 of a keeper: the task goes on with another try and no round is spent. kill -9 of the git role in
# the middle of a landing, at each of its steps: it lands, once, with its receipt.
. "$(dirname "$0")/lib.sh"

agent waiter <<END
echo "round \$YARDMASTER_ROUND" >>src/t\$YARDMASTER_TASK.txt
await "$T/agents/go"
complete "Wrote a file."
END
ym_start
me
git init -q "$T/src/app"
commit_file "$T/src/app" src/a.txt 'line 1'
commit_blueprint "$T/src/app" fix true 0 'limits: { rounds: 1 }'
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["true"]
  approvals: 0'
ym repo add app --from "$T/src/app" >/dev/null || bail "repo add"
repo=$(repo_path app)
new_issue() { ymj .number issue create -R app --title "Write a file" --label agent:fix; }

# --- a keeper ---

new_issue >/dev/null
# Every process of a run has the run's folder in its keeper's command line.
keepers() { pgrep -f "yardmaster-keeper.*$D/runs.*$1"; }
wait_ok 'the agent runs' '[ -n "$(pgrep -f "bash $T/agents/waiter")" ] && [ -n "$(keepers t1-r1)" ]'
agent=$(pgrep -f "bash $T/agents/waiter" | head -n 1)
# shellcheck disable=SC2046 # one pid or several
kill -KILL $(keepers t1-r1)
wait_ok 'with the keeper its agent is gone' "! kill -0 $agent 2>/dev/null"
wait_ok 'the agent is started again' '[ -n "$(pgrep -f "bash $T/agents/waiter")" ]'
is "$(ledger "SELECT outcome FROM attempt WHERE run = 't1-r1'")" lost 'the run is recorded as lost'
ym_crash
ym_start
touch "$T/agents/go"
wait_ok 'the task is merged' '[ "$(task_state 1)" = merged ]'
is "$(base_file app src/t1.txt | sort -u)" 'round 1' 'no round was spent'
is "$(ledger "SELECT count(*) FROM attempt WHERE kind = 'agent'")" 2 \
	'and a run whose keeper lives is not started again by the next daemon'
ym_stop

# --- the git role ---

# starts a daemon whose git role dies in each landing
start_with() {
	YARDMASTER_CRASH_AT=$1 "$YARDMASTER" serve --config "$T/yardmaster.yml" >"$T/daemon.log" 2>&1 </dev/null &
	daemon=$!
	wait_for 'ym status' || bail "the daemon did not start: $(ym_log)"
}
task=1
for where in locked between moved; do
	before=$(git -C "$repo" rev-parse main)
	task=$((task + 1))
	start_with "land:$where"
	new_issue >/dev/null
	if [ $where = moved ]; then
		wait_ok "killed when the branch has moved: the next role finds it landed" '[ "$(task_state $task)" = merged ]'
	else
		wait_ok "killed in a landing: $where" 'grep -q "cand-land.*try 1" "$T/daemon.log"'
		is "$(git -C "$repo" rev-parse main)" "$before" 'the base has not moved'
		ym_crash
		ym_start
		wait_ok 'the next daemon lands it' '[ "$(task_state $task)" = merged ]'
	fi
	is "$(git -C "$repo" rev-parse main^)" "$before" 'in one step'
	ok 'with its receipt' "$YARDMASTER" receipt verify main --repo-path "$repo"
	# That of a candidate's ref that is gone may stay: nobody asks for the name again.
is "$(find "$repo/refs" -name '*.lock' -not -path '*/yardmaster/candidates/*')" '' 'no lock is left'
	is "$(base_file app "src/t$task.txt")" 'round 1' 'the work is on the base'
	ym_stop
done

# Any role, at any time: whatever it is at when the last thing that it was asked for is done. One that is
# always killed before it can do anything would spend every effect's tries.
ym_start
for _ in 1 2 3; do new_issue >/dev/null; done
kills=0
while [ "$(ledger "SELECT count(*) FROM task WHERE ended_ms IS NULL")" != 0 ] && [ $kills -lt 40 ]; do
	pkill -KILL -P "$(ym_pid)" -f 'role git'
	kills=$((kills + 1))
	effects=$(ledger "SELECT count(*) FROM effect WHERE state = 2")
	wait_for "[ \"\$(ledger 'SELECT count(*) FROM effect WHERE state = 2')\" -gt $effects ] &&
		[ -n \"\$(pgrep -P $(ym_pid) -f 'role git')\" ] ||
		[ \"\$(ledger 'SELECT count(*) FROM task WHERE ended_ms IS NULL')\" = 0 ]"
done
wait_ok "git roles killed $kills times: every task is merged" \
	'[ "$(ledger "SELECT count(*) FROM task WHERE state = '"'merged'"'")" = 7 ]' 40
is "$(ymj .events_failed status)" 0 'no event failed'
# That of a candidate's ref that is gone may stay: nobody asks for the name again.
is "$(find "$repo/refs" -name '*.lock' -not -path '*/yardmaster/candidates/*')" '' 'no lock is left'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
done_testing
