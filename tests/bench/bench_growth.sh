#!/bin/bash
# What a million webhook deliveries leave: the daemon's memory (RssAnon) and the ledger's size after the first
# part of them and after all, with a retention that keeps some tens of thousands. Each part is handled to its end
# before the next one. No peer. Takes some minutes: `make bench-growth`.
#   DELIVERIES=1000000 RUN_MS=4000
. "$(dirname "$0")/daemon.sh"
cd "$here" || exit 1

DELIVERIES=${DELIVERIES-1000000} RUN_MS=${RUN_MS-4000}
load=$YARDMASTER_BUILD/tests/bench/hookload
start_receiver 256
rss() { awk '/^RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$(ym_pid)/status"; }
size() { du -cm "$D"/ledger.db* | awk 'END { print $1 }'; }
got() { ymj .webhooks.acknowledged status; }

first='' most=0
while [ "$(got)" -lt "$DELIVERIES" ]; do
	"$load" "$port" /webhook/github "$HOOK" tests/bench/issues-labeled.json 128 0 "$RUN_MS" >"$T/out" || bail "$(cat "$T/out")"
	wait_for '[ "$(ymj .webhooks.waiting status)" = 0 ]' 300 || bail 'what came is not handled'
	now=$(size)
	[ "$now" -le "$most" ] || most=$now
	# The cap is reached by now: from here on nothing should grow.
	if [ -z "$first" ] && [ "$(got)" -ge $((DELIVERIES / 5)) ]; then first=$(rss) at=$(got) size=$most; fi
	[ -z "${VERBOSE-}" ] || echo "# $(got) deliveries, $(rss) MB, ledger $now MB, $(cat "$T/out")"
done
last=$(rss)
awk -v a="$first" -v b="$last" -v n="$at" -v m="$(got)" 'BEGIN {
	printf "bench: growth-of-memory-over-%d-deliveries ours=%.1f MB peer=none:- ratio=- goal=0\n", m - n, b - a }'
echo "bench: ledger-after-$(got)-deliveries ours=$most MB peer=after-$at:$size ratio=$(awk -v a="$size" -v b="$most" 'BEGIN { printf "%.2f", a / b }') goal=1"
ym_stop
