#!/bin/bash
# Many runs at once: what the keepers of 50 idle runs take of a processor, and how long the kill switch needs
# for 56 agents, each a tree of ten processes that ignore signals, with four busy loops beside it. No peer: the
# ratio is against the goal.
. "$(dirname "$0")/daemon.sh"

idle=50 runs=56 seconds=10
agent stubborn <<'END'
trap '' TERM INT HUP QUIT
for _ in {1..9}; do (trap '' TERM INT HUP QUIT; exec -a stubborn-child sleep 3600) & done
sleep 3600
END
conf <<END
limits: { agents: $runs, agent-prs: 1000 }
END
ym_start
git init -q "$T/src/app"
commit_file "$T/src/app" src/a.txt 'line 1'
commit_blueprint "$T/src/app" stubborn true 0 "agent: stubborn"
ym repo add app --from "$T/src/app" >/dev/null || bail "repo add"

children() { pgrep -u "$(id -u)" -cf '^stubborn-child'; }
start() { # until so many run
	local n
	for ((n = started; n < $1; n++)); do issue --label agent:stubborn "Number $n" >/dev/null; done
	started=$1
	wait_for '[ "$(children)" = $(('"$1"' * 9)) ]' 300 || bail "$(ym task list)"
}
started=0
start $idle
# Nanoseconds on a processor so far, of all keepers.
keepers_ns() {
	pgrep -u "$(id -u)" -f "yardmaster-keeper.*$D/runs" | sed 's,.*,/proc/&/schedstat,' |
		xargs awk '{ n += $1 } END { printf "%d", n }'
}
sleep 2 # a measure of rest: what they did to start is over
before=$(keepers_ns) from=${EPOCHREALTIME/./}
sleep $seconds
after=$(keepers_ns) us=$((${EPOCHREALTIME/./} - from))
awk -v n=$((after - before)) -v us=$us -v k=$idle \
	'BEGIN { p = n / us / 10; printf "bench: keepers-of-%d-idle-runs ours=%.2f %%-of-a-core peer=none:- ratio=%.2f goal=2\n", k, p, 2 / (p > 0.001 ? p : 0.001) }'

start $runs
busy=()
for _ in 1 2 3 4; do
	while :; do :; done &
	busy+=($!)
done
from=${EPOCHREALTIME/./}
ym halt >/dev/null || bail 'halt'
ms=$(((${EPOCHREALTIME/./} - from) / 1000))
left=$(children)
kill "${busy[@]}"
awk -v n=$runs -v ms=$ms -v left="$left" \
	'BEGIN { printf "bench: halt-of-%d-trees ours=%d ms peer=none:- ratio=%.2f goal=1000 (left: %d)\n", n, ms, 1000 / ms, left }'
ym_stop
