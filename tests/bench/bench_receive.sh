#!/bin/bash
# Webhooks that are checked, stored and synced to disk before the answer, a second, against receivers that check
# them and store nothing: @octokit/webhooks and Probot on Node, and Debian's `webhook`. 128 connections that stay
# open, GitHub's 12 kB `issues.labeled`. The runs are interleaved, so that what else the machine does hits all;
# the medians count. Also the memory of the daemon: idle, and at its highest under the load.
#
# Then the same with a disk whose fsync takes 5 ms (slowsync.c, loaded into all of them): it costs the daemon alone, for
# nobody else syncs. `webhooks-durable-slow-disk` compares with the fastest of them in the same minute.
#
# The peers are fetched once by npm and apt into a folder below the build's. Without a network: PEERS='' measures ours alone.
#   ROUNDS=5 RUN_MS=3000 CONNECTIONS=128 SYNC_US=5000
cd "$(dirname "$0")/../.." || exit 1
peers_dir=${YARDMASTER_BUILD-build}/peers
export PEERS=${PEERS-octokit probot webhook}
fetch_peers() {
	mkdir -p "$peers_dir"
	if [ ! -d "$peers_dir/node_modules/probot" ] || [ ! -d "$peers_dir/node_modules/@octokit/webhooks" ]; then
		npm install --silent --no-audit --no-fund --prefix "$peers_dir" @octokit/webhooks@14 probot@14 || return
	fi
	if [ ! -x "$peers_dir/deb/usr/bin/webhook" ]; then
		(cd "$peers_dir" && apt-get -q download webhook >/dev/null && dpkg -x webhook_*.deb deb) || return
	fi
}
if [ -n "$PEERS" ] && { [ "$(id -u)" = 0 ] || [ ! -e "$peers_dir/ready" ]; }; then
	if fetch_peers; then
		touch "$peers_dir/ready"
	else
		echo "bench: the peers could not be fetched into $peers_dir; PEERS='' measures without them" >&2
		exit 1
	fi
fi
. tests/bench/daemon.sh
cd "$here" || exit 1

ROUNDS=${ROUNDS-5} RUN_MS=${RUN_MS-3000} CONNECTIONS=${CONNECTIONS-128} SYNC_US=${SYNC_US-5000}
payload=tests/bench/issues-labeled.json
load=$YARDMASTER_BUILD/tests/bench/hookload
slow=$(realpath "$YARDMASTER_BUILD/tests/bench/slowsync.so")
declare -A ports
pids=()

start_node() {
	node tests/bench/hook_peer.mjs "$1" "$(realpath "$peers_dir")" "$HOOK" >"$T/$1.port" 2>"$T/$1.log" &
	pids+=($!)
	wait_for "[ -s $T/$1.port ]" || bail "$1: $(cat "$T/$1.log")"
	ports[$1]=$(cat "$T/$1.port")
}
start_octokit() { start_node octokit; }
start_probot() { start_node probot; }
# Its rule matches the signature, and a header that is never there, so that it runs no command.
start_webhook() {
	cat >"$T/hooks.json" <<-END
		[{"id": "github", "execute-command": "/bin/true", "trigger-rule-mismatch-http-response-code": 202,
		  "trigger-rule": {"and": [
		    {"match": {"type": "payload-hmac-sha256", "secret": "$HOOK",
		               "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}},
		    {"match": {"type": "value", "value": "1",
		               "parameter": {"source": "header", "name": "X-Never"}}}]}}]
	END
	ports[webhook]=$((20000 + $$ % 20000))
	"$peers_dir/deb/usr/bin/webhook" -ip 127.0.0.1 -port "${ports[webhook]}" -urlprefix webhook \
		-hooks "$T/hooks.json" >"$T/webhook.log" 2>&1 &
	pids+=($!)
	wait_for "curl -s -o $T/answer http://127.0.0.1:${ports[webhook]}/" || bail "webhook: $(cat "$T/webhook.log")"
}
stop_peers() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	for p in "${pids[@]}"; do wait "$p" 2>/dev/null; done
	pids=()
	rm -f "$T"/*.port
}
start_all() {
	start_receiver 8192
	ports[ours]=$port
	for p in $PEERS; do "start_$p"; done
}
trap 'code=$?; stop_peers; (exit $code); cleanup' EXIT

rss() { awk '/^RssAnon/ { print $2 }' "/proc/$(ym_pid)/status"; }
run_one() { # WHO
	local runs now
	"$load" "${ports[$1]}" /webhook/github "$HOOK" $payload "$CONNECTIONS" 500 "$RUN_MS" >"$T/out" 2>"$T/err" &
	runs=$!
	while kill -0 $runs 2>/dev/null; do
		if [ "$1" = ours ]; then now=$(rss) && [ "$now" -le "$most" ] || most=$now; fi
		sleep 0.2
	done
	wait $runs || bail "$1: $(cat "$T/err")"
	grep -q ' failed=0 ' "$T/out" || bail "$1: $(cat "$T/out" "$T/err")"
	cat "$T/out" >>"$T/$1.runs"
	[ -z "${VERBOSE-}" ] || echo "# $1 $(cat "$T/out")"
	# What is put off is done before the next one is measured.
	[ "$1" != ours ] || wait_for '[ "$(ymj .webhooks.waiting status)" = 0 ]' 300
}
run_all() {
	rm -f "$T"/*.runs
	for ((round = 1; round <= ROUNDS; round++)); do
		for who in ours $PEERS; do run_one "$who"; done
	done
}
median() { # WHO KEY
	sed "s/.*$2=\([0-9.]*\).*/\1/" "$T/$1.runs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
find_best() { # sets best, best_p99, best_name; 0: there is no peer
	local p rate
	best=0 best_p99=0 best_name=none
	for p in $PEERS; do
		rate=$(median "$p" rate)
		if [ "$rate" -gt "$best" ]; then best=$rate best_p99=$(median "$p" p99_us) best_name=$p; fi
	done
}
rate_line() { # NAME PEER RATE GOAL
	awk -v w="$1" -v n="$2" -v p="$3" -v g="$4" -v o="$ours" 'BEGIN {
		if (p > 0) printf "bench: %s ours=%d /s peer=%s:%d ratio=%.2f goal=%s\n", w, o, n, p, o / p, g
		else printf "bench: %s ours=%d /s peer=none:- ratio=- goal=%s\n", w, o, g }'
}

start_all
idle=$(rss)
most=$idle
run_all
find_best
ours=$(median ours rate) ours_p99=$(median ours p99_us)
for p in $PEERS; do rate_line "webhooks-durable-against-$p" "$p" "$(median "$p" rate)" -; done
rate_line webhooks-durable "$best_name" "$best" 3
awk -v o="$ours_p99" -v p="$best_p99" -v n="$best_name" 'BEGIN {
	if (p > 0) printf "bench: webhooks-p99 ours=%.1f ms peer=%s:%.1f ratio=%.2f goal=1\n", o / 1000, n, p / 1000, p / o
	else printf "bench: webhooks-p99 ours=%.1f ms peer=none:- ratio=- goal=1\n", o / 1000 }'
awk -v i="$idle" 'BEGIN { printf "bench: webhooks-idle-memory ours=%.1f MB peer=none:- ratio=%.2f goal=15\n", i / 1024, 15 * 1024 / i }'
awk -v m="$most" 'BEGIN { printf "bench: webhooks-load-memory ours=%.1f MB peer=none:- ratio=%.2f goal=40\n", m / 1024, 40 * 1024 / m }'

stop_peers
ym_stop
export LD_PRELOAD=$slow SLOWSYNC_US=$SYNC_US
start_all
unset LD_PRELOAD
run_all
find_best
ours=$(median ours rate)
rate_line webhooks-durable-slow-disk "$best_name" "$best" 2
ym_stop
