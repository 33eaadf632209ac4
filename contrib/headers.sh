#!/bin/sh
# Compiles each header alone and refuses an include that goes up the house:
#
#   main > web, cli, hooks > bot > task, queue, blueprint > forge, git, runner, agent, gateway, store > sys > base
#
# queue and blueprint are pure: they see base only. Rooms of one level do not see each other.
set -u
bad=0
level() {
	case "$1" in
	base) echo 0 ;;
	sys) echo 1 ;;
	forge | git | runner | agent | gateway | store) echo 2 ;;
	task | queue | blueprint) echo 3 ;;
	bot) echo 4 ;;
	web | cli | hooks) echo 5 ;;
	main) echo 6 ;;
	*) echo 9 ;;
	esac
}
for h in "$@"; do
	# shellcheck disable=SC2086
	$CC $CFLAGS -fsyntax-only -x c "$h" || bad=1
done
for f in daemon/*/*.[ch] hooks/*.[ch]; do
	[ -f "$f" ] || continue
	case "$f" in hooks/*) room=hooks ;; daemon/runner/keeper_main.c) room=main ;; *) room=${f#daemon/} room=${room%%/*} ;; esac
	mine=$(level "$room")
	# shellcheck disable=SC2013 # names of rooms are words
	for inc in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$f" | sort -u); do
		[ "$inc" = "$room" ] && continue
		case "$room:$inc" in
		forge:store) continue ;; # the local forge lives in the ledger; store does not know it
		esac
		theirs=$(level "$inc")
		if [ "$theirs" -ge "$mine" ]; then
			echo "$f: room '$room' includes '$inc', which is not below it" >&2
			bad=1
		fi
		case "$room:$inc" in
		queue:base | blueprint:base) ;;
		queue:* | blueprint:*)
			echo "$f: room '$room' is pure and includes '$inc'; only base is allowed" >&2
			bad=1
			;;
		esac
	done
done
[ $bad = 0 ] && echo "headers: ok"
exit $bad
