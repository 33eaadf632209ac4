#!/bin/sh
# Checks the names of the ledger's migrations: NNNN_WHAT.sql, numbered 1, 2, 3 and so on. The number in a
# name is the ledger's version after it (daemon/store/db.c), so a number that is there twice or missing,
# as when two branches each added the next one, ends the build here and not somebody's daemon.
#
#   contrib/migrations.sh FILE...     other files among them are passed over
set -eu
n=0
last=''
for f in $(printf '%s\n' "$@" | grep '/migrations/' | LC_ALL=C sort); do
	name=${f##*/}
	case "$name" in
	[0-9][0-9][0-9][0-9]_*.sql) ;;
	*)
		echo "migrations: $f: expected a name like 0012_what.sql" >&2
		exit 1
		;;
	esac
	n=$((n + 1))
	expected=$(printf '%04d' $n)
	if [ "${name%%_*}" != "$expected" ]; then
		echo "migrations: $f: expected number $expected after ${last:-nothing}: each number once, none" \
			"left out; rename the file that no release has had yet" >&2
		exit 1
	fi
	last=$name
done
