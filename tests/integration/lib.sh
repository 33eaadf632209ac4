# shellcheck shell=bash
# lib.sh - what the integration tests share. A test is a bash script NAME.t that begins
#
#     #!/bin/bash
#     # One sentence: what a person sees when this works.
#     # check: sanitize          (it also runs with the sanitizers in `make check`)
#     # check: long              (too slow for `make check`; only in `make check-long`)
#     . "$(dirname "$0")/lib.sh"
#
# and ends with done_testing. It runs the real program, real Git and scripted agents in a folder of its
# own, $T, which is removed at the end, also after a failure or a signal, when nothing of the test is
# left running. KEEP=1 in the environment keeps $T for a look.
#
# Nothing sleeps for a guessed time: wait_for looks again and again whether a condition holds. Its limit counts
# seconds of a quiet machine: each second or so it measures what a reference takes now (a start of the program
# that is tested, one fsync in $T), and a second that was three times as slow counts as a third. So a limit is
# only there to end what hangs: no test asserts how long something takes (`make bench` has such figures), none
# gives a limit of its own (the default is for everything that happens by itself), and what must not come from
# the next look at the forge is shown with a `reconcile-seconds` that is out of reach, not with a short limit.
# A command that may hang is started through `patient`, not through timeout(1).
#
# Tests                                  each prints one TAP line; they return 0 or 1 and never exit
#   ok NAME COMMAND...                   the command succeeds
#   not_ok NAME COMMAND...               the command fails
#   exits CODE NAME COMMAND...           the command exits with this code
#   is FOUND EXPECTED NAME               two texts are equal
#   isnt FOUND OTHER NAME
#   like TEXT REGEX NAME                 the text matches the extended regular expression
#   unlike TEXT REGEX NAME
#   pass NAME, fail NAME [DIAGNOSTIC]
#   wait_ok NAME 'SHELL CODE' [SECONDS]  the code succeeds before wait_for gives up
#   diag TEXT...                         a comment in the output
#   bail TEXT...                         gives up on this test: nothing after it makes sense
#   done_testing                         prints the plan; exits
#
# The daemon                             one a test, unless told otherwise, in $D = $T/data
#   ym ARGUMENT...                       the command line, talking to this daemon
#   ymj FILTER ARGUMENT...               its --json output through `jq -r FILTER`
#   conf <<'END'                         adds to the configuration, $T/yardmaster.yml
#   ym_start [ARGUMENT...]               starts it and waits until it answers; bails out when it does not
#   ym_stop                              SIGTERM, and waits until it is gone
#   ym_crash                             kill -9, and waits; keepers go on
#   ym_pid                               its pid
#   ym_log                               what it wrote to standard error so far
#   wait_for 'SHELL CODE' [SECONDS]      0 once the code succeeds; 1 after 60 s of a quiet machine, after saying
#                                        what it waited for
#   patient COMMAND...                   its exit code; when it does not end within the same time it is killed: 124
#
# The world
#   agent NAME <<'END'                   a scripted agent: a bash program that gets the prompt in $PROMPT
#                                        (a file) and edits the working directory; `complete "SUMMARY"`,
#                                        `blocked`, `question`, `no_change` end it with the end block;
#                                        `await FILE` waits for a file
#   sample_source NAME                   makes only $T/src/NAME, the repository of sample_repo
#   sample_repo NAME                     makes $T/src/NAME, a repository with gates that take
#                                        milliseconds, and adds it to the forge as NAME
#   commit_file DIR PATH TEXT [MESSAGE]  writes, adds and commits one file in a clone
#   fixer                                an agent of this name, which writes "fixed by TASK" to src/tTASK.txt
#   commit_blueprint DIR NAME [GATE [APPROVALS [LINE]]]
#                                        commits a blueprint with another line and the usual steps: an agent (with
#                                        this gate), a pull request, a review (with so many approvals), the queue
#   clone NAME DIR                       clones a repository of the forge, with a user name
#   me [PERMISSION]                      gives the user of this process a permission (maintain), and $ME its name
#   me_name                              its name on the forge
#   base_file NAME PATH                  the file on the repository's base branch now
#   issue [--label LABEL] TITLE [BODY]   creates an issue, prints its number
#   ledger SQL                           asks or changes the ledger
#   task_of ISSUE                        the number of the latest task on an issue
#   task_state TASK, pr_state PR         one word
#
# When started as root the test goes on through contrib/unpriv.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
YARDMASTER_BUILD=${YARDMASTER_BUILD-$root/build}
case "$YARDMASTER_BUILD" in /*) ;; *) YARDMASTER_BUILD=$root/$YARDMASTER_BUILD ;; esac
if [ "$(id -u)" = 0 ]; then
	build=$(realpath --relative-to="$root" "$YARDMASTER_BUILD")
	export YARDMASTER_BUILD=$build
	exec "$root/contrib/unpriv" --bring "$build" bash "$(realpath --relative-to="$root" "$0")" "$@"
fi

set -uo pipefail
export LC_ALL=C.UTF-8
umask 022
# Short, because a Unix socket's path has 107 bytes at most.
T=$(mktemp -d /tmp/ymt-XXXXXX) || exit 1
D=$T/data
mkdir -p "$D" "$T/home" "$T/src" "$T/agents" "$T/tmp"
export T D HOME=$T/home TMPDIR=$T/tmp YARDMASTER=$YARDMASTER_BUILD/yardmaster
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$T/home/.gitconfig GIT_TERMINAL_PROMPT=0
unset XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_STATE_HOME YARDMASTER_SOCKET YARDMASTER_CONFIG
cat >"$GIT_CONFIG_GLOBAL" <<'END'
[user]
	name = Tester
	email = tester@localhost
[init]
	defaultBranch = main
[advice]
	detachedHead = false
# Each commit and fetch starts a program that looks whether there is something to tidy up.
[maintenance]
	auto = false
END
# Nothing is ever written to it: to read from it with a limit of time is to sleep without starting a program.
exec {quiet}<> <(:)

tests_run=0 tests_bad=0 daemon=''

# --- tests ----------------------------------------------------------------------------------------

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

pass() {
	tests_run=$((tests_run + 1))
	printf 'ok %d - %s\n' $tests_run "${1//#/\\#}"
}

fail() {
	tests_run=$((tests_run + 1)) tests_bad=$((tests_bad + 1))
	printf 'not ok %d - %s\n' $tests_run "${1//#/\\#}"
	diag "at ${BASH_SOURCE[-1]##*/}, line ${BASH_LINENO[-2]}"
	[ $# -lt 2 ] || diag "${@:2}"
	return 1
}

ok() {
	local out
	if out=$("${@:2}" 2>&1); then
		pass "$1"
	else
		fail "$1" "failed with $?: ${*:2}"$'\n'"$out"
	fi
}

not_ok() {
	local out
	if out=$("${@:2}" 2>&1); then
		fail "$1" "succeeded: ${*:2}"$'\n'"$out"
	else
		pass "$1"
	fi
}

exits() {
	local out code=0
	out=$("${@:3}" 2>&1) || code=$?
	if [ "$code" = "$1" ]; then
		pass "$2"
	else
		fail "$2" "exit code $code, expected $1: ${*:3}"$'\n'"$out"
	fi
}

is() {
	if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "found:    $1"$'\n'"expected: $2"; fi
}
isnt() {
	if [ "$1" != "$2" ]; then pass "$3"; else fail "$3" "found what it must not be: $1"; fi
}
like() {
	if [[ $1 =~ $2 ]]; then pass "$3"; else fail "$3" "found:    $1"$'\n'"expected: /$2/"; fi
}
unlike() {
	if [[ $1 =~ $2 ]]; then fail "$3" "found:        $1"$'\n'"not expected: /$2/"; else pass "$3"; fi
}

wait_ok() {
	if wait_for "$2" "${3-}"; then pass "$1"; else fail "$1" "in vain: $2"; fi
}

bail() {
	# Not TAP's "Bail out!", which makes prove stop all other tests too. Without a plan this one counts
	# as failed as a whole.
	fail "$*"
	exit 1
}

done_testing() {
	# What a sanitizer found in a role, whose end nobody else looks at.
	if grep -qE 'Sanitizer|runtime error:' "$T/daemon.log" 2>/dev/null; then
		fail 'no sanitizer has found anything' "$(grep -E -A20 'Sanitizer|runtime error:' "$T/daemon.log" | head -60)"
	fi
	echo "1..$tests_run"
	exit $((tests_bad > 0))
}

# --- the end --------------------------------------------------------------------------------------

# Whatever of this test still runs has $T in its command line (the daemon, its roles, keepers, the
# sandbox) or as its working directory.
leftovers() {
	local me=$BASHPID
	{
		grep -aslF "$T" /proc/[0-9]*/cmdline
		find /proc/[0-9]*/cwd -maxdepth 0 -lname "*$T*" 2>/dev/null
	} | cut -d/ -f3 | sort -u | grep -vxE "$$|$me"
}

cleanup() {
	local code=$? p try
	trap '' INT TERM HUP EXIT
	cd /
	# The daemon first, so that it starts nothing new; then what it has left to itself.
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null
	for try in {1..100}; do
		p=$(leftovers)
		[ -n "$p" ] || break
		# shellcheck disable=SC2086 # several pids
		kill -KILL $p 2>/dev/null
		[ "$try" -lt 3 ] || sleep 0.05
	done
	if [ -n "${KEEP-}" ]; then
		echo "# kept: $T"
	else
		chmod -R u+rwX "$T" 2>/dev/null
		rm -rf "$T"
	fi
	exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# --- the daemon -----------------------------------------------------------------------------------

# How many times slower this machine is now than a quiet one, in percent, never below 100: a start of the program,
# which takes 15 ms, and an fsync, which takes 5, beside whatever else runs here.
pace() {
	local t=${EPOCHREALTIME/./} start sync
	"$YARDMASTER" --version >/dev/null 2>&1
	start=$((${EPOCHREALTIME/./} - t))
	t=${EPOCHREALTIME/./}
	dd if=/dev/null of="$T/pace" conv=fsync status=none 2>/dev/null
	sync=$((${EPOCHREALTIME/./} - t))
	start=$((start / 150)) sync=$((sync / 50))
	[ $start -ge $sync ] || start=$sync
	echo $((start < 100 ? 100 : start))
}

wait_for() {
	local limit=${2:-$patience} from=${EPOCHREALTIME/./} since look now nap spent=0 slower=100 before
	since=$from look=$from
	# (Not in a subshell: each costs as much as the start of a small program.)
	while ! eval "$1" >"$T/looked.$BASHPID" 2>&1; do
		now=${EPOCHREALTIME/./} look=$((now - look))
		if [ $((now - since)) -ge 3000000 ]; then
			before=$slower slower=$(pace)
			[ "$before" -ge "$slower" ] || before=$slower
			spent=$((spent + (now - since) * 100 / before)) since=${EPOCHREALTIME/./}
			if [ $spent -ge $((limit * 1000000)) ]; then
				diag "waited $(((now - from) / 1000000)) s, like $limit s of a quiet machine, in vain for: $1"
				[ ! -s "$T/looked.$BASHPID" ] || diag "$(<"$T/looked.$BASHPID")"
				return 1
			fi
		fi
		# What takes longer is asked for less often, and a look that takes long, too: asking is not to cost
		# as much as what is waited for.
		nap=$(((now - from) / 8000))
		nap=$((nap > 250 ? 250 : nap)) look=$((look / 250))
		nap=$((nap > look ? nap : look))
		nap=$((nap < 30 ? 30 : nap > 999 ? 999 : nap))
		printf -v nap '0.%03d' "$nap"
		read -rt "$nap" -u "$quiet" || true
		look=${EPOCHREALTIME/./}
	done
}

patient() {
	local child code=0
	"$@" <&0 &
	child=$!
	if ! wait_for "! kill -0 $child 2>/dev/null"; then
		kill -KILL "$child" 2>/dev/null
		code=124
	fi
	wait "$child" 2>/dev/null || code=$((code ? code : $?))
	return $code
}

ym_socket=$D/socket
ym() { "$YARDMASTER" --socket "$ym_socket" "$@"; }
# Asking is most of what a test does: for that no program is started, but the one that is tested (tests/check/ask.c).
mkdir "$T/ask"
ask=$YARDMASTER_BUILD/tests/check/ask
[ -x "$ask" ] || make -s -C "$root" B="$(realpath --relative-to="$root" "$YARDMASTER_BUILD")" "$(realpath -m --relative-to="$root" "$ask")" >&2 || exit 1
coproc ASK { exec "$ask" "$T/ask"; }
read -r ask_port <&"${ASK[0]}" || exit 1
disown "$ASK_PID"
ask() { # SOURCE... OPTION... FILTER
	local at name=$BASHPID code out=''
	exec {at}<>"/dev/tcp/127.0.0.1/$ask_port" || return
	printf '%s\0' $(($# + 2)) "$BASHPID" "$name" "$@" >&"$at"
	read -r -u "$at" code || code=125 # not by <&: standard input is what is read there
	exec {at}>&-
	[ ! -e "$T/ask/$name.err" ] || cat "$T/ask/$name.err" >&2
	IFS= read -r -d '' out <"$T/ask/$name"
	printf %s "$out"
	return "$code"
}
jq() {
	local from=input file='' filter='' skip=0 word words=()
	for word; do
		case "$skip$word" in
		[12]*) skip=$((skip - 1)) ;;
		0--arg | 0--argjson) skip=2 ;;
		0-*n*) from=none ;;
		0-?*) ;;
		*)
			if [ -n "$filter" ]; then
				from=file file=$word
				continue
			fi
			filter=1
			;;
		esac
		words+=("$word")
	done
	ask "$from" ${file:+"$file"} "${words[@]}"
}
ymj() { ask run $(($# + 3)) "$YARDMASTER" --socket "$ym_socket" "${@:2}" --json -r "$1"; }

# A look at the forge every five seconds of a quiet machine: on one where a look takes longer than five there would
# always be one under way, and "all is quiet" would never come. Whatever waits, waits for twelve of them.
# (A machine that is only slow by the tests beside this one keeps the five: what waits for a look would make all of them
# slower still.)
reconcile=$(($(pace) / 100))
reconcile=$((reconcile < 5 ? 5 : reconcile > 60 ? 60 : reconcile))
patience=$((12 * reconcile))
cat >"$T/yardmaster.yml" <<END
data: $D
reconcile-seconds: $reconcile
END
conf() { cat >>"$T/yardmaster.yml"; }

ym_start() {
	local from=0
	[ ! -e "$T/daemon.log" ] || from=$(wc -l <"$T/daemon.log")
	"$YARDMASTER" serve --config "$T/yardmaster.yml" "$@" >>"$T/daemon.log" 2>&1 </dev/null {quiet}<&- &
	daemon=$!
	if ! wait_for "! kill -0 $daemon 2>/dev/null || ym status >/dev/null 2>&1" ||
		! kill -0 "$daemon" 2>/dev/null; then
		diag "$(tail -n +$((from + 1)) "$T/daemon.log")"
		bail "the daemon did not start"
	fi
}

ym_pid() { echo "$daemon"; }
ym_log() { cat "$T/daemon.log"; }

ym_end() { # SIGNAL
	local code=0
	[ -n "$daemon" ] || return 0
	kill "-$1" "$daemon" 2>/dev/null
	wait_for "! kill -0 $daemon 2>/dev/null" || return 1
	wait "$daemon" 2>/dev/null || code=$?
	daemon=''
	return $code
}
ym_stop() { ym_end TERM; }
ym_crash() { ym_end KILL || true; }

# --- the world ------------------------------------------------------------------------------------

# $T/agents is visible inside the sandbox at the same place.
agent() {
	local file=$T/agents/$1
	{
		cat <<-'END'
			#!/bin/bash
			set -eu
			PROMPT=$(mktemp)
			cat >"$PROMPT"
			end_block() { printf 'STATUS: %s\nEXIT_SIGNAL: %s\nSUMMARY: %s\n' "$@"; exit 0; }
			complete() { end_block COMPLETE true "${1-done}"; }
			blocked() { end_block BLOCKED true "${1-blocked}"; }
			question() { end_block QUESTION true "${1-which?}"; }
			no_change() { end_block NO_CHANGE true "${1-nothing to do}"; }
			await() {
				local quiet
				exec {quiet}<> <(:)
				while [ ! -e "$1" ]; do read -rt 0.05 -u "$quiet" || true; done
				exec {quiet}>&-
			}
		END
		cat
	} >"$file"
	chmod 755 "$file"
	grep -q '^agents:' "$T/yardmaster.yml" || echo 'agents:' | conf
	conf <<-END
		  $1:
		    command: ["$file"]
		    read-only: ["$T/agents"]
	END
}

# The owner of the data directory is a user from the start, by its name on this machine.
me_name() { ymj "[.[] | select(.uid == $(id -u)) | .name] | first // \"me\"" user list; }
me() {
	ME=$(me_name)
	ym user add "$ME" --uid "$(id -u)" --permission "${1-maintain}" >/dev/null ||
		bail "user add failed"
}

commit_file() {
	[[ $2 != */* || -d $1/${2%/*} ]] || mkdir -p "$1/${2%/*}"
	printf '%s\n' "$3" >"$1/$2"
	git -C "$1" add -- "$2"
	git -C "$1" commit -q -m "${4-Change $2}"
}

fixer() {
	agent fixer <<-'END'
		echo "fixed by $YARDMASTER_TASK" >>"src/t$YARDMASTER_TASK.txt"
		complete "Wrote a file."
	END
}
commit_blueprint() {
	commit_file "$1" ".github/blueprints/$2.yml" "name: $2
allow: [\"src/**\"]
${5-}
steps:
  - agent: prompts/fix.md
${3:+    gates: [\"$3\"]}
  - pull-request: {}
  - review: { ${4:+approvals: $4} }
  - queue: {}"
	[ -e "$1/.github/blueprints/prompts/fix.md" ] ||
		commit_file "$1" .github/blueprints/prompts/fix.md 'Do what the issue says.'
}

sample_source() {
	local src=$T/src/$1
	git init -q "$src"
	mkdir -p "$src/.github" "$src/src"
	# Two files with lines that changes can meet on, and a gate: no line may say "bug".
	seq -f 'line %g' 1 20 >"$src/src/a.txt"
	seq -f 'line %g' 1 20 >"$src/src/b.txt"
	cat >"$src/gate.sh" <<-'END'
		#!/bin/sh
		# The gate: no file below src says "bug".
		if grep -rn bug src; then
			echo "gate: the lines above say bug" >&2
			exit 1
		fi
		echo "gate: ok"
	END
	cat >"$src/.github/yardmaster.yml" <<-'END'
		queue:
		  gates: ["sh gate.sh"]
	END
	git -C "$src" add -A
	git -C "$src" commit -q -m 'Begin'
}
sample_repo() {
	sample_source "$1"
	ym repo add "$1" --from "$T/src/$1" >/dev/null || bail "repo add $1 failed"
}

repo_path() { ymj ".[] | select(.name == \"$1\") | .path" repo list; }

clone() { git clone -q "$(repo_path "$1")" "$2"; }

base_file() { git -C "$(repo_path "$1")" show "main:$2" 2>/dev/null; }

issue() {
	local label=()
	if [ "${1-}" = --label ]; then
		label=(--label "$2")
		shift 2
	fi
	ymj .number issue create --title "$1" --body "${2-}" ${label[@]+"${label[@]}"}
}

ledger() { sqlite3 -cmd '.timeout 5000' "$D/ledger.db" "$1"; }
task_of() { ymj "[.[] | select(.issue == $1)] | max_by(.id) | .id" task list; }
task_state() { ymj .state task show "$1"; }
pr_state() { ymj .state pr show "$1"; }
