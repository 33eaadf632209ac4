#!/bin/bash
# A push at the moment of the landing: either the PR lands with the head that was approved, or the approval is
# void; never both, never neither, and people are told which.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo

# Pushes TEXT to the topic's file once more; what git said is in $T/out.
push_again() { # TOPIC PATH TEXT
	git -C "$C" checkout -q --detach "pr-$1"
	commit_file "$C" "$2" "$3" 'Too late?'
	git -C "$C" push origin "+HEAD:refs/for/main/$1" >"$T/out" 2>&1
}
# The landing waits for the branch's lock, as long as somebody works in the repository.
hold_branch() {
	(cd "$bare" && exec sleep 1000) &
	holder=$!
	: >"$bare/refs/heads/main.lock"
}
let_branch_go() {
	rm -f "$bare/refs/heads/main.lock"
	kill "$holder"
	wait "$holder" 2>/dev/null
}

# --- between the decision and the ref transaction -------------------------------------------------
n=$(pr a src/a1 approved)
head=$(pr_tip a)
hold_branch
ym queue add "$n" >/dev/null
wait_ok 'the PR is landing' "[ \"\$(entry $n state)\" = landing ]"
not_ok 'a push is refused' push_again a src/a1 late
like "$(cat "$T/out")" "PR #$n is landing at this moment; push to a new topic" '... with the reason'
let_branch_go
ok 'it lands' landed "$n"
is "$(base_file $R src/a1)" approved '... as it was approved'
is "$(ymj .head pr show "$n") $(git -C "$bare" rev-parse "refs/pull/$n/head")" "$head $head" '... and says so'
unlike "$(comments "$n")" void '... and nothing is said to be void'

# --- between the transaction and its result -------------------------------------------------------
n=$(pr b src/b1 approved)
head=$(pr_tip b)
ym_stop
YARDMASTER_CRASH_AT=cand-land:after "$YARDMASTER" serve --config "$T/yardmaster.yml" >>"$T/daemon.log" 2>&1 </dev/null &
daemon=$!
wait_for 'ym status' || bail 'the daemon did not start'
ym queue add "$n" >/dev/null
wait_for "! kill -0 $daemon" || bail 'the daemon lives'
wait "$daemon" 2>/dev/null
daemon=''
is "$(git -C "$bare" show main:src/b1)" approved 'the branch is moved, and the daemon died before it knew'
hold_branch
ym_start
is "$(pr_state "$n")" open 'it does not know yet'
not_ok 'a push is refused' push_again b src/b1 late
like "$(cat "$T/out")" "PR #$n is landing at this moment" '... with the reason'
let_branch_go
ok 'it has landed' landed "$n"
is "$(ymj .head pr show "$n") $(git -C "$bare" rev-parse "refs/pull/$n/head")" "$head $head" '... with the approved head'
is "$(git -C "$bare" rev-parse main^2)" "$head" '... once'
ok '... and its receipt holds' "$YARDMASTER" receipt verify main --repo-path "$bare"

# --- at any moment --------------------------------------------------------------------------------
landings=0 voids=0
for i in {1..8}; do
	n=$(pr "r$i" src/wait "approved $i")
	head=$(pr_tip "r$i")
	ym queue add "$n" >/dev/null
	wait_for gate_dir || bail 'no gate'
	git -C "$C" checkout -q --detach "pr-r$i"
	commit_file "$C" src/wait "late $i" 'Too late?'
	late=$(git -C "$C" rev-parse HEAD)
	d=$(gate_dir)
	# The verdict, and with it the landing, at any moment of the push and of what follows it.
	{
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		tell "$d" 0
	} 2>/dev/null &
	git -C "$C" push origin "+HEAD:refs/for/main/r$i" >"$T/out" 2>&1
	pushed=$?
	wait $!
	wait_for "[ \"\$(pr_state $n)\" = merged ] || [ \"\$(ymj length queue list)\" = 0 ]"
	now=$(ymj .head pr show "$n") ref=$(git -C "$bare" rev-parse "refs/pull/$n/head")
	if [ "$(pr_state "$n")" = merged ]; then
		landings=$((landings + 1))
		[ "$now $ref $(base_file $R src/wait)" = "$head $head approved $i" ] || fail "round $i: landed with another head: $now $ref, not $head"
		[[ "$(comments "$n")" != *'is void'* ]] || fail "round $i: landed, and said to be void"
		# Pushed after it: a new PR.
		[ $pushed != 0 ] || [ "$(ymj "[.[] | select(.topic == \"r$i\")] | length" pr list)" = 1 ] || fail "round $i: the push is nowhere"
	else
		voids=$((voids + 1))
		[ "$now $ref" = "$late $late" ] || fail "round $i: voided, with another head: $now $ref, not $late"
		[ "$pushed" = 0 ] || fail "round $i: voided by a push that was refused"
		[[ "$(comments "$n")" == *'the approval of the old head is void'* ]] || fail "round $i: voided without a word"
		[ "$(base_file $R src/wait)" != "approved $i" ] || fail "round $i: voided, and landed"
	fi
	# The next one begins with nothing open.
	for n in $(ymj '.[].number' pr list); do ym pr close "$n" >/dev/null; done
done
is $((landings + voids)) 8 "of 8 pushes each met a landing ($landings) or voided the approval ($voids)"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
