# shellcheck shell=bash
# hooks.sh - what the tests of the local hooks share, beside lib.sh and queue.sh.
#
#   hooks_world            starts the daemon; repository app, its clone $C
#   hooks VERB [ARGS...]   yardmaster hooks VERB
#   snap DIR               every name, type, mode, link and content below DIR
#   same BEFORE NAME       snap of the Git directory $G (of $W) is still what it was
#   hook PATH [CODE]       a hook that writes $0, its arguments and its standard input to $T/ran and
#                          ends with CODE
#   ran                    what hooks wrote since the last call

export YARDMASTER_HOOK_MS=30000 # these tests are about what is said, not how fast
W=$T/c G=$T/c/.git

hooks_world() {
	ym_start
	me
	queue_repo
}
hooks() { "$YARDMASTER" hooks "$@"; }
install() { hooks install --socket "$D/socket" "${1-$W}"; }
status() { hooks status --json "${2-$W}" | jq -r "$1"; }

snap() {
	(
		cd "$1" || exit 1
		find . -printf '%P %y %m %l\n' | LC_ALL=C sort
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	)
}
same() {
	local now
	now=$(snap "$G")
	if [ "$now" = "$1" ]; then
		pass "$2"
	else
		fail "$2" "$(diff <(echo "$1") <(echo "$now"))"
	fi
}

hook() {
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-END
		#!/bin/sh
		{
			echo "zero=\$0"
			for a in "\$@"; do echo "arg=\$a"; done
			[ "\${0##*/}" != pre-push ] || sed 's/^/in=/'
		} >>$T/ran
		exit ${2-0}
	END
	chmod 755 "$1"
}
ran() { cat "$T/ran" 2>/dev/null; rm -f "$T/ran"; }
