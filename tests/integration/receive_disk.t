#!/bin/bash
# A full disk: deliveries are refused with 503, to be asked for again, nothing is promised, and the daemon goes on.
. "$(dirname "$0")/receive.sh"

conf <<END
socket: $T/socket
listen: 127.0.0.1:0
github:
  webhook-secrets:
    - secret: file:hook
END
secret_file "$T/hook" first
ym_socket=$T/socket
head -c 200000 /dev/urandom | base64 -w0 >"$T/random"
printf '{"fill":"%s"}' "$(cat "$T/random")" >"$T/large"

# --- the commit fails: by a limit on the size of files, the same error of SQLite ---

ym_start
is "$(deliver "$(sample_payload acme/app)" guid=before)" 202 'while there is room'
wait_for '[ "$(hooks .waiting)" = 0 ]'
ym_stop
(
	trap '' XFSZ
	ulimit -f $(($(stat -c %s "$D/ledger.db") / 1024 + 1500))
	exec "$YARDMASTER" serve --config "$T/yardmaster.yml"
) >>"$T/daemon.log" 2>&1 </dev/null &
daemon=$!
wait_for 'ym status'
stored=() refused=''
for i in {1..40}; do
	code=$(deliver '' file="$T/large" guid="disk-$i")
	case "$code" in 202) stored+=("disk-$i") ;; *) refused=$code && break ;; esac
done
is "$refused" 503 'when no more fits the answer is 503'
like "$(ym_log)" 'webhooks: not stored, to be delivered again: ledger: .*(full|disk I/O)' 'the log says why'
ok 'the daemon is there' ym status
daemon_was=$daemon
kill -KILL "$daemon_was" && wait "$daemon_was" 2>/dev/null
daemon=''
ym_start
is "$(sql "SELECT group_concat(guid) FROM delivery WHERE guid LIKE 'disk-%'")" "$(IFS=,; echo "${stored[*]}")" \
	'what was acknowledged is there, and nothing else'
is "$(deliver '' file="$T/large" guid="disk-$i")" 202 'and the refused one is taken when it comes again'
ym_stop

# --- little room left ---

if unshare -Urm mount -t tmpfs none /mnt 2>/dev/null; then
	mkdir "$T/small" "$T/socketdir"
	D=$T/small
	sed -i "s|^data:.*|data: $T/small|" "$T/yardmaster.yml"
	unshare -Urm sh -euc "mount -t tmpfs -o size=96m,mode=777 none $T/small; mkfifo $T/fill $T/free
		(read -r x <$T/fill; head -c 45000000 /dev/zero >$T/small/filler; read -r x <$T/free; rm $T/small/filler) &"'
		exec unshare -U --map-user="$0" --map-group="$0" "$@"' "$(id -u)" \
		"$YARDMASTER" serve --config "$T/yardmaster.yml" >"$T/daemon.log" 2>&1 </dev/null &
	daemon=$!
	wait_for 'ym status' || bail "$(ym_log)"
	is "$(deliver "$(sample_payload acme/app)")" 202 'on a disk with room'
	echo >"$T/fill"
	wait_ok 'below the reserve: 503' '[ "$(deliver "$(sample_payload acme/app)")" = 503 ]'
	like "$(curl -s -o /dev/null -D - -X POST -H "X-Hub-Signature-256: sha256=$(printf '0%.0s' {1..64})" -d x "http://$(hooks_address)/webhook/github")" \
		'Retry-After: [0-9]+' 'with the time after which to try again'
	like "$(ym_log)" 'less than 64 MiB free.*503' 'the log says so'
	echo >"$T/free"
	wait_ok 'with room again: 202' '[ "$(deliver "$(sample_payload acme/app)")" = 202 ]'
	ym_stop
else
	fail 'user namespaces with mounts are there for the test'
fi
done_testing
