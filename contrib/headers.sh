#!/bin/sh
# Compiles each header alone and refuses an include that goes up the house:
#
#   main > web, cli, hooks > bot > task, queue, blueprint > forge, git, runner, agent, gateway, store > sys > base
#
# queue and blueprint are pure: they see base only. Rooms of one level do not see each other.
#
# A header that the .c file of its name includes first is compiled alone by every build; with BUILT=1,
# which says that there was one, those are left out.
set -u
bad=0
# The first line of a .c file that is neither blank nor comment, where that is an include of its own header.
first() {
	awk '
		FNR == 1 { inside = done = 0 }
		done || /^[ \t]*(\/\/.*)?$/ { next }
		inside { if (/\*\//) inside = 0; next }
		/^\/\*/ { if (!/\*\//) inside = 1; next }
		{
			done = 1
			h = FILENAME
			sub(/[.]c$/, ".h", h)
			mine = h
			sub(/^daemon\//, "", mine)
			if ($0 == "#include \"" mine "\"") print h
		}' daemon/*/*.c hooks/*.c
}
printf '%s\n' "$@" | { if [ -n "${BUILT-}" ]; then grep -vxF "$(first)"; else cat; fi; } |
	xargs -r -n 1 -P "$(nproc)" sh -c '$CC $CFLAGS -fsyntax-only -x c "$0"' || bad=1
awk '
	BEGIN {
		level["base"] = 0
		level["sys"] = 1
		level["forge"] = level["git"] = level["runner"] = level["agent"] = level["gateway"] = level["store"] = 2
		level["task"] = level["queue"] = level["blueprint"] = 3
		level["bot"] = 4
		level["web"] = level["cli"] = level["hooks"] = 5
		level["main"] = 6
	}
	function of(room) { return room in level ? level[room] : 9 }
	function refuse(why) { print FILENAME ": " why; bad = 1 }
	FNR == 1 {
		split(FILENAME, p, "/")
		room = p[1] == "hooks" ? "hooks" : p[2]
		if (FILENAME == "daemon/runner/keeper_main.c") room = "main"
	}
	/^#include "[a-z]*\// {
		inc = $0
		sub(/^#include "/, "", inc)
		sub(/\/.*/, "", inc)
		if (inc == room) next
		# the local forge lives in the ledger; store does not know it
		if (room == "forge" && inc == "store") next
		if (of(inc) >= of(room))
			refuse("room \047" room "\047 includes \047" inc "\047, which is not below it")
		if ((room == "queue" || room == "blueprint") && inc != "base")
			refuse("room \047" room "\047 is pure and includes \047" inc "\047; only base is allowed")
	}
	END { exit bad }' daemon/*/*.[ch] hooks/*.[ch] >&2 || bad=1
[ $bad = 0 ] && echo "headers: ok"
exit $bad
