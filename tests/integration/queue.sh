# shellcheck shell=bash
# queue.sh - what the tests of the merge queue share, beside lib.sh.
#
#   pr TOPIC PATH TEXT [MESSAGE [FROM]]  commits one file on FROM (origin/main) in the clone $C, pushes it
#                                        to refs/for/main/TOPIC and prints the PR's number
#   pr_tip TOPIC                         the commit that pr() pushed last for this topic
#   comments PR                          everything that yardmaster wrote there
#   last_comment PR                      its latest comment (an edited one keeps its place)
#   answer PR                            its latest answer to a comment command
#   sticky PR                            its sticky comment: where the PR is in the queue
#   say PR TEXT                          a comment of ours
#   landed PR                            waits until it is merged
#   verdict CODE                         ends the gate that waits now: the gate of a change of src/wait
#                                        waits for the test
#   gate_dir                             its checkout; fails while no gate waits
#   move_base PATH TEXT                  the maintainer's hand: past the hooks, into the repository
#   notify_conf                          before ym_start: what is notified goes to $T/notified
#   keepers                              the pids of the keepers of this test
#   base_oid                             the base branch of $R now
#
# R is the repository's name, C its clone; queue_repo makes both.

R=app
C=$T/c
queue_repo() {
	sample_repo $R
	cat >>"$T/src/$R/gate.sh" <<-'END'
		# What a gate is told, for the tests that look at its log.
		env | grep -E '^(CI|YARDMASTER_[A-Z_]*)=' | sort
		echo "origin/main $(git rev-parse origin/main) main $(git rev-parse main) own $(git diff --name-only origin/main...HEAD | xargs)"
		echo "status: $(git status --porcelain)"
		# A change of src/wait waits for the test's verdict.
		if git diff --name-only HEAD^1 HEAD -- src/wait | grep -q .; then
			mkfifo verdict
			: >waiting
			read -r code <verdict
			rm waiting # from here on it is no longer the one to answer, also while its checkout is removed
			echo "gate: told to end with $code"
			exit "$code"
		fi
	END
	git -C "$T/src/$R" commit -q -am 'Let the gate wait'
	git -C "$T/src/$R" push -q "$(repo_path $R)" HEAD:refs/heads/seed
	bare=$(repo_path $R)
	git -C "$bare" update-ref refs/heads/main refs/heads/seed
	git -C "$bare" update-ref -d refs/heads/seed
	wait_for "[ \"\$(ymj '.[0].head' repo list)\" = $(git -C "$bare" rev-parse main) ]" || bail 'no base'
	clone $R "$C"
}

pr() {
	git -C "$C" fetch -q origin || return 1
	git -C "$C" checkout -q --detach "${5-origin/main}"
	commit_file "$C" "$2" "$3" "${4-Change $2}"
	git -C "$C" tag -f "pr-$1" >/dev/null
	git -C "$C" push -q origin "+HEAD:refs/for/main/$1" 2>"$T/push.log" || { cat "$T/push.log" >&2; return 1; }
	ymj ".[] | select(.topic == \"$1\") | .number" pr list -R $R
}
pr_tip() { git -C "$C" rev-parse "pr-$1"; }

comments() { ymj '.comments[] | select(.bot == 1) | .body' pr show "$1" -R $R; }
last_comment() { ymj '[.comments[] | select(.bot == 1) | .body] | last' pr show "$1" -R $R; }
answer() { ymj '[.comments[] | select(.key // "" | startswith("answer:")) | .body] | last' pr show "$1" -R $R; }
sticky() { ymj "[.comments[] | select(.key // \"\" | startswith(\"pr:\")) | .body] | last" pr show "$1" -R $R; }
say() { ym pr comment "$1" -R $R --body "$2" >/dev/null; }
landed() { wait_for "[ \"\$(pr_state $1)\" = merged ]" "${2-}"; }
base_oid() { git -C "$bare" rev-parse main; }
entry() { ymj ".[] | select(.pr == $1) | .$2" queue list -R $R; }

gate_dir() { # of the candidate that is being tested, once its gate waits
	local d
	for d in "$D"/checkouts/*/tree; do
		[ -e "$d/waiting" ] && [ ! -e "$d/told" ] && echo "$d" && return 0
	done
	return 1
}
# Opened for both ways: what waits for nobody who reads any more does not hang.
tell() { # DIRECTORY CODE
	: >"$1/told"
	echo "$2" 1<>"$1/verdict"
}
verdict() {
	local d
	wait_for 'gate_dir' || return 1
	d=$(gate_dir) || return 1
	tell "$d" "$1"
	wait_for "[ ! -e '$d/waiting' ]"
}

move_base() {
	git -C "$C" fetch -q origin
	git -C "$C" checkout -q --detach origin/main
	commit_file "$C" "$1" "$2" "By hand: $1"
	git -C "$C" push -q origin +HEAD:refs/heads/hand
	git -C "$bare" update-ref refs/heads/main refs/heads/hand
}

notify_conf() {
	cat >"$T/notify" <<-END
		#!/bin/sh
		printf '%s %s %s: %s\n' "\$YARDMASTER_EVENT" "\$YARDMASTER_REPO" "\$YARDMASTER_NUMBER" "\$YARDMASTER_TEXT" >>"$T/notified"
	END
	chmod 755 "$T/notify"
	printf 'notify:\n  command: ["%s"]\n' "$T/notify" | conf
}

keepers() {
	local p words
	for p in /proc/[0-9]*; do
		mapfile -d '' -t words 2>/dev/null <"$p/cmdline" || continue
		case "${words[*]}" in
		*yardmaster-keeper*"$T"*) echo "${p#/proc/}" ;;
		esac
	done 2>/dev/null
}
