#!/bin/bash
# A full disk, a read-only disk, a damaged ledger: the daemon says what is wrong and ends with its exit
# code, acknowledged work is there once the disk is mended.
. "$(dirname "$0")/lib.sh"

serve() { "$YARDMASTER" serve --config "$T/yardmaster.yml"; }
# The same with the data directory on a file system of its own: MOUNT COMMANDS are run as root of a user
# namespace, the daemon as the user that we are.
serve_on() {
	unshare -Urm sh -euc "$1"'; exec unshare -U --map-user="$0" --map-group="$0" "$@"' "$(id -u)" \
		"$YARDMASTER" serve --config "$T/yardmaster.yml"
}
serve_on_started() {
	serve_on "$1" >"$T/daemon.log" 2>&1 </dev/null &
	daemon=$!
	wait_for '! kill -0 "$daemon" 2>/dev/null || ym status'
	kill -0 "$daemon" 2>/dev/null
}
body=$(head -c 60000 /dev/zero | tr '\0' x)

conf <<END
socket: $T/socket
END
ym_socket=$T/socket
ym_start
sample_repo app
n=$(issue 'Before')
ym_stop
ok 'a backup is made' "$YARDMASTER" backup "$T/backup.db" --config "$T/yardmaster.yml"

# --- a read-only disk ---

if unshare -Urm mount -t tmpfs none /mnt 2>/dev/null; then
	out=$(serve_on "mount --bind $D $D; mount -o remount,ro,bind $D $D" 2>&1) && code=0 || code=$?
	is "$code" 74 'a read-only data directory: the exit code for a disk'
	like "$out" "$D.*[Rr]ead-only file system" 'the error names the place and the reason'

	# --- a full disk ---

	mkdir "$T/small"
	cp -a "$D/." "$T/small"
	mnt="mount -t tmpfs -o size=5m,mode=711 none $D; cp $T/small/ledger.* $D
		head -c 1500k /dev/zero >$D/filler"
	if serve_on_started "$mnt"; then
		made=$n
		for i in {1..40}; do
			next=$(ymj .number issue create -R app --title "Issue $i" --body "$body" 2>"$T/error") || break
			made=$next
		done
		[ "$i" -lt 40 ] && pass 'at some time the disk is full' || fail 'at some time the disk is full'
		like "$(cat "$T/error")" 'disk is full|database or disk is full' 'who asked is told'
		wait_for '! kill -0 "$daemon" 2>/dev/null'
		wait "$daemon" 2>/dev/null && code=0 || code=$?
		daemon=''
		is "$code" 74 'the daemon ends with the exit code for a disk'
		like "$(ym_log)" 'disk is full' 'and says why'
	else
		fail 'a daemon on a small disk starts' "$(ym_log)"
	fi
else
	diag "no user namespace with mounts here: the disks are tested by the unit tests alone"
fi

# --- a full disk that is mended: by a limit on the size of files, the same error of SQLite ---

sqlite3 "$D/ledger.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
(
	trap '' XFSZ
	ulimit -f $(($(stat -c %s "$D/ledger.db") / 1024 + 500))
	exec "$YARDMASTER" serve --config "$T/yardmaster.yml"
) >"$T/daemon.log" 2>&1 </dev/null &
daemon=$!
wait_for 'ym status'
made=$n
for i in {1..60}; do
	next=$(ymj .number issue create -R app --title "Issue $i" --body "$body" 2>"$T/error") || break
	[ -n "$next" ] || break
	made=$next
done
[ "$i" -lt 60 ] && pass 'no more fits' || fail 'no more fits'
wait_ok 'the daemon ends' '! kill -0 "$daemon" 2>/dev/null'
wait "$daemon" 2>/dev/null && code=0 || code=$?
daemon=''
is "$code" 74 'with the exit code for a disk'
like "$(ym_log)" 'ledger: .*(full|disk I/O error)' 'and says what failed'
ym_start
is "$(ymj '[.[].number] | max' issue list -R app)" "$made" 'what was acknowledged is there, and nothing else'
is "$(issue 'After')" $((made + 1)) 'and it goes on'
ym_stop

# --- a damaged ledger ---

sqlite3 "$D/ledger.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
cp "$D/ledger.db" "$T/good.db"
pages=$(($(stat -c %s "$D/ledger.db") / 4096))
head -c $(((pages - 2) * 4096)) /dev/urandom | dd of="$D/ledger.db" bs=4096 seek=2 conv=notrunc status=none
out=$(serve 2>&1) && code=0 || code=$?
is "$code" 70 'a damaged ledger: the exit code for damaged data'
like "$out" 'ledger.*malformed.*backup' 'the error names the ledger and what to do'
echo 'This is no database, and it is longer than the header of one would be, which has 100 bytes: it ends here.' \
	>"$D/ledger.db"
rm -f "$D"/ledger.db-*
exits 70 'a file that is no ledger: the same' serve
rm -f "$D"/ledger.db*
cp "$T/good.db" "$D/ledger.db"
ym_start
is "$(ymj '[.[].number] | max' issue list -R app)" $((made + 1)) 'with the good file in its place all is there'
ym_stop

# --- a newer one ---

sqlite3 "$D/ledger.db" 'PRAGMA user_version = 99'
out=$(serve 2>&1) && code=0 || code=$?
is "$code" 5 'a ledger of a newer program: the exit code for a wrong state'
like "$out" 'newer program.*99' 'and the error says so'
done_testing
