# shellcheck shell=bash
# task_lib.sh - for the tests of tasks and agents, after lib.sh: a repository with a few blueprints, and
# an agent that does what the issue tells it.
#
#   doer                       the agent "doer": runs the lines of the issue that begin with "sh: " (and
#                              nothing else of it), then says COMPLETE. They may use $PROMPT, $ROUND,
#                              and the ends that lib.sh's agents know.
#   task_repo NAME             a repository of the forge with src/a.txt, gate.sh and what `blueprint`
#                              wrote before into $T/src/NAME
#   blueprint NAME STEMS       writes .github/blueprints/NAME.yml to $BP, a folder that task_repo takes;
#                              its name, prompt and `allow: ["src/**"]` are added
#   usual_blueprint NAME LAST LIMITS [GATE]
#                              one of the usual steps up to LAST: the agent (with this gate; "repository": the
#                              repository's own), pull-request, review, queue. LIMITS may be empty
#   do_issue LABEL LINE...     an issue with "sh: " before each line, with that label; sets $N, its number,
#                              and $K, its task
#   comments N                 all comments of an issue or PR, oldest first
#   labels N                   its labels, separated by blanks
#   say N TEXT [AS]            a comment
#   until_state STATE [TASK]   waits until the task ($K) is in this state: one test
#   until_pr STATE             the same of $K, and sets $PR, the number of its pull request
#   reason [TASK]
#   prompt_of ROUND [TASK]     what the agent was told in that round (the doer keeps it in its output)
#   push_base NAME             puts $T/src/NAME's main on the forge's base, as its owner could, and waits until
#                              the daemon has noticed
#   alive MARK                 a process with MARK in its command line or environment runs

BP=$T/blueprints
mkdir -p "$BP/prompts"
echo 'Do what the issue says.' >"$BP/prompts/do.md"

doer() {
	agent "${1-doer}" <<'END'
ROUND=$YARDMASTER_ROUND
echo "prompt of round $ROUND begins"
sed -n '/^## How to end/q;/^STATUS:/q;p' "$PROMPT"
echo "prompt of round $ROUND ends"
eval "$(sed -n 's/^sh: //p' "$PROMPT")"
complete "Did what the issue says."
END
}

blueprint() { # NAME, the rest of the file on standard input
	{
		printf 'name: %s\nallow: ["src/**"]\n' "$1"
		cat
	} >"$BP/$1.yml"
}

usual_blueprint() { # NAME LAST LIMITS [GATE]
	local step
	{
		[ -z "$3" ] || printf 'limits: { %s }\n' "$3"
		printf 'steps:\n  - agent: prompts/do.md\n'
		case "${4-}" in
		'') ;;
		repository) echo '    gates: repository' ;;
		*) printf '    gates: ["%s"]\n' "$4" ;;
		esac
		for step in pull-request review queue; do
			printf '  - %s: {}\n' "$step"
			[ "$step" != "$2" ] || break
		done
	} | blueprint "$1"
}

task_repo() {
	local src=$T/src/$1
	git init -q "$src" 2>/dev/null
	mkdir -p "$src/src" "$src/.github/blueprints"
	seq -f 'line %g' 1 20 >"$src/src/a.txt"
	cat >"$src/gate.sh" <<-'END'
		#!/bin/sh
		if grep -rn bug src; then
			echo "gate: the lines above say bug" >&2
			exit 1
		fi
		echo "gate: ok"
	END
	[ -e "$T/repo.yml" ] || printf 'queue:\n  gates: ["sh gate.sh"]\n' >"$T/repo.yml"
	cp "$T/repo.yml" "$src/.github/yardmaster.yml"
	cp -R "$BP/." "$src/.github/blueprints/"
	git -C "$src" add -A
	git -C "$src" commit -q -m 'Begin'
	ym repo add "$1" --from "$src" >/dev/null || bail "repo add $1 failed"
	wait_for "ymj '.[].name' blueprint list | grep -qx '$(basename "$(find "$BP" -name '*.yml' | head -n 1)" .yml)'" ||
		bail "the blueprints of $1 were not read"
}

do_issue() {
	local label=$1 body=''
	shift
	[ $# = 0 ] || body=$(printf 'sh: %s\n' "$@")
	N=$(issue --label "$label" "Do it" "$body")
	K=''
	wait_for "K=\$(task_of $N); [ -n \"\$K\" ] && [ \"\$K\" != null ]" && K=$(task_of "$N")
}

comments() { ymj '.comments[] | "@" + .author + ": " + .body' issue show "$1" 2>/dev/null || ymj '.comments[] | .body' pr show "$1"; }
labels() { ymj '.labels | join(" ")' issue show "$1"; }
say() { ym issue comment "$1" -b "$2" ${3:+--as "$3"} >/dev/null; }
until_state() {
	local k=${2-$K}
	if wait_for "[ \"\$(task_state $k)\" = $1 ]"; then
		pass "task $k is $1"
	else
		fail "task $k is $1" "it is $(task_state "$k"): $(reason "$k")"
		diag "$(ymj '.runs[] | "\(.run) \(.kind) \(.state) \(.outcome) \(.code) \(.detail)"' task show "$k" 2>&1; tail -n 20 "$T/daemon.log")"
		return 1
	fi
}
until_pr() {
	until_state "$1"
	# shellcheck disable=SC2034 # for the test
	PR=$(ymj .pr task show "$K")
}
reason() { ymj '.reason // ""' task show "${1-$K}"; }
run_of() { ymj "[.runs[] | select(.kind == \"$1\")] | .[${2:--1}].run" task show "${3-$K}"; }
prompt_of() {
	local k=${2-$K}
	# The doer may still be writing it.
	wait_for "round_log $1 $k | grep -q '^prompt of round .* ends'" >&2
	round_log "$1" "$k" | sed -n '/^prompt of round .* begins/,/^prompt of round .* ends/p'
}
round_log() {
	ym task logs "$2" --run "$(ymj "[.runs[] | select(.kind == \"agent\")] | .[$(($1 - 1))].run" task show "$2")"
}
rounds() { ymj '[.runs[] | select(.kind == "agent")] | length' task show "${1-$K}"; }

push_base() {
	local bare
	bare=$(repo_path "$1")
	git -C "$bare" fetch -q "$T/src/$1" +main:refs/heads/main
	wait_for "ym audit list --json | jq -e '.[] | select(.action == \"base-moved\")' >/dev/null || [ \"\$(ymj '.[] | select(.name == \"$1\") | .base_oid' repo list)\" = \"\$(git -C '$bare' rev-parse main)\" ]"
}

alive() {
	local m=${1// /.} # words are separated by zero bytes there; the brackets keep grep from finding itself
	# -q: a match counts also when another process went away while it was looked at.
	grep -qsa -- "[${m:0:1}]${m:1}" /proc/[0-9]*/cmdline
}
