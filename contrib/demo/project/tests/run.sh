#!/bin/sh
# Runs every tests/*.test; each line of one is `check FOUND EXPECTED`.
cd "$(dirname "$0")/.." || exit 1
for part in lib/*.sh; do
	. "$part"
done
bad=0 n=0
check() {
	n=$((n + 1))
	[ "$1" = "$2" ] && return
	bad=$((bad + 1))
	echo "$test: expected '$2', found '$1'"
}
for test in tests/*.test; do
	. "./$test"
done
echo "$n checks, $bad failed"
[ "$bad" = 0 ]
