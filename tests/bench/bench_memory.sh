#!/bin/bash
# Memory of its own (RssAnon, children not counted): the daemon idle after its start and after tasks, its
# growth over a million events, and a keeper. No peer: the ratio is against the goal.
. "$(dirname "$0")/daemon.sh"

events=1000000 goal=15 goal_keeper=3
agent quick <<'END'
echo "by $YARDMASTER_TASK" >src/t$YARDMASTER_TASK.txt
complete "Wrote a file."
END
agent sleeper <<'END'
sleep 600
END
rss() { awk '/^RssAnon/ { printf "%.2f", $2 / 1024 }' "/proc/$1/status"; }
line() { # NAME VALUE GOAL
	awk -v n="$1" -v o="$2" -v g="$3" \
		'BEGIN { printf "bench: %s ours=%.2f MB peer=none:- ratio=%.2f goal=%d\n", n, o, g / (o > 0.01 ? o : 0.01), g }'
}

ym_start
line daemon-idle "$(rss "$(ym_pid)")" $goal
git init -q "$T/src/app"
commit_file "$T/src/app" src/a.txt 'line 1'
for name in quick sleeper; do
	commit_blueprint "$T/src/app" $name true 0 "agent: $name"
done
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["true"]
  approvals: 0'
ym repo add app --from "$T/src/app" >/dev/null || bail "repo add"
for _ in {1..20}; do issue --label agent:quick 'Write a file' >/dev/null; done
wait_for '[ "$(ledger "SELECT count(*) FROM task WHERE state = '"'merged'"'")" = 20 ]' 120 || bail "$(ym task list)"
line daemon-after-20-tasks "$(rss "$(ym_pid)")" $goal
issue --label agent:sleeper 'Sleep' >/dev/null
wait_for '[ -n "$(pgrep -f "bash $T/agents/sleeper")" ]' || bail "the agent does not run"
keeper=$(pgrep -f "yardmaster-keeper.*$D/runs" | head -n 1)
line keeper "$(rss "$keeper")" $goal_keeper
ym task cancel 21 >/dev/null
ym_stop

# A million events that have a handler, as deliveries that came while the daemon was away.
sqlite3 "$D/ledger.db" "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $events)
	INSERT INTO event (key, kind, payload, at_ms)
	SELECT 'bench:' || i, 'run-ended', json_object('run', 'none-' || i, 'outcome', 'exited', 'code', 0,
		'detail', 'This run is not in the ledger.'), $(date +%s)000 FROM n"
before=$(ledger 'SELECT count(*) FROM event WHERE state <> 0')
from=${EPOCHREALTIME/./}
ym_start
first=$(rss "$(ym_pid)")
until [ "$(ledger 'SELECT count(*) FROM event WHERE state = 0')" = 0 ]; do
	sleep 2
	[ $(((${EPOCHREALTIME/./} - from) / 1000000)) -lt 600 ] || bail "the events are not decided in time"
done
ms=$(((${EPOCHREALTIME/./} - from) / 1000))
last=$(rss "$(ym_pid)")
line daemon-after-a-million-events "$last" $goal
awk -v a="$first" -v b="$last" 'BEGIN { printf "bench: growth-over-a-million-events ours=%.2f MB peer=none:- ratio=- goal=0\n", b - a }'
awk -v n=$events -v ms=$ms 'BEGIN { printf "bench: events-decided ours=%.0f /s peer=none:- ratio=- goal=-\n", n * 1000 / ms }'
[ "$before" -gt 0 ] || bail "no event was decided before"
ym_stop
