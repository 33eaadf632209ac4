#!/bin/bash
# An approval is of one commit: another head is refused, a push voids it, and enough people must agree.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
ym user add anna --uid 4001 --permission write >/dev/null
ym user add rita --uid 4002 --permission read >/dev/null

# --- which commit ---------------------------------------------------------------------------------
n=$(pr a src/wait 'one' 'Wait for the test')
old=$(pr_tip a)
exits 5 'another head is not approved' ym pr approve "$n" --head 1234567
like "$(ym pr approve "$n" --head 1234567 2>&1)" "its head is $old, not 1234567; nothing was approved" '... and says which it is'
exits 5 'nor queued' ym queue add "$n" --head 1234567
say "$n" '/yard queue 1234567'
wait_ok 'a command with another SHA is answered with the head that it did not mean' \
	"[[ \"\$(last_comment $n)\" == *\"its head is ${old:0:12}, not 1234567; nothing was approved\"* ]]"
is "$(ymj '.approvals | length' pr show "$n")" 0 'nothing was approved'
say "$n" "/yard queue ${old:0:9}"
wait_ok 'with the right one it is queued' "[[ \"\$(answer $n)\" == *\"Approved at ${old:0:12} and in the merge queue\"* ]]"
wait_ok '... and tested' "[ \"\$(entry $n state)\" = testing ]"

# --- a push ---------------------------------------------------------------------------------------
pr a src/wait 'two' 'Wait for the test' >/dev/null
new=$(pr_tip a)
wait_ok 'a push takes it out of the queue' '[ "$(ymj length queue list)" = 0 ]'
like "$(last_comment "$n")" "from ${old:0:12} to ${new:0:12}.*approval.*void.*left the merge queue" '... and says what it voided'
like "$(sticky "$n")" 'Not in the merge queue' '... and where it is now'
isnt "$(ymj '.approvals[0].void_ms' pr show "$n")" 0 'the approval is void'
wait_ok 'its gate is gone' '! gate_dir'
exits 5 'who has read the old head queues nothing' ym queue add "$n" --head "$old"
say "$n" "/yard queue $old"
wait_ok 'nor with a comment' "[[ \"\$(last_comment $n)\" == *\"its head is ${new:0:12}, not $old\"* ]]"
like "$(ym queue why "$n")" '0 of 1 approvals' 'why: it is not approved any more'
git -C "$C" push -q -f origin "$old:refs/for/main/a" 2>/dev/null
wait_ok 'back on the approved head' "[ \"\$(ymj .head pr show $n)\" = $old ]"
like "$(ym queue why "$n")" '0 of 1 approvals' '... the approval stays void'
git -C "$C" push -q -f origin "$new:refs/for/main/a" 2>/dev/null
ok 'the new head is queued' ym queue add "$n" --head "${new:0:7}"
verdict 0
ok '... and lands' landed "$n"
is "$(base_file $R src/wait)" two '... as it was approved'

# --- how many -------------------------------------------------------------------------------------
n=$(pr conf .github/yardmaster.yml 'queue:
  approvals: 2' 'Two pairs of eyes')
ym queue add "$n" >/dev/null
landed "$n"
wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(base_oid) ]"
n=$(pr two src/a.txt 'two' 'Needs two')
ym queue add "$n" --priority 7 >/dev/null
wait_ok 'one approval is not enough' "[[ \"\$(entry $n waits)\" == *approv* ]]"
like "$(ym queue why "$n")" '1 of 2 approvals' 'why says so'
like "$(sticky "$n")" '1 of 2 approvals' '... and so does the PR'
ok 'the same person twice is one' ym pr approve "$n"
like "$(ym queue why "$n")" '1 of 2 approvals' '... as why says'
exits 4 'a reader approves nothing' ym --as rita pr approve "$n"
say_as() { ym --as "$1" pr comment "$2" --body "$3" >/dev/null; }
say_as anna "$n" '/yard queue'
ok 'with the second one it lands' landed "$n"
is "$(ymj '[.approvals[].user] | sort | join(" ")' receipt show main^{} 2>/dev/null || ymj '[.approvals[].user] | sort | join(" ")' receipt show "$(base_oid)")" \
	"$(printf '%s\n' anna "$ME" | sort | tr '\n' ' ' | sed 's/ $//')" 'the receipt has both'

# --- no approval needed ---------------------------------------------------------------------------
n=$(pr none .github/yardmaster.yml 'queue:
  approvals: 0' 'No approvals')
ym queue add "$n" >/dev/null
say_as anna "$n" '/yard queue'
landed "$n"
wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(base_oid) ]"
n=$(pr zero src/a.txt 'zero')
ok 'with none needed, queueing is enough' ym queue add "$n"
ok '... to land' landed "$n"

# --- leaving --------------------------------------------------------------------------------------
n=$(pr leave src/wait 'three')
ym queue freeze --reason 'to look at it' >/dev/null
ym queue add "$n" >/dev/null
wait_for "[ \"\$(entry $n pr)\" = $n ]"
ok 'queue remove' ym queue remove "$n"
is "$(ymj length queue list)" 0 '... takes it out'
like "$(sticky "$n")" "Not in the merge queue: taken out by $ME" '... and says who did it'
like "$(ym queue why "$n")" "left the merge queue.*taken out by $ME" '... to those who ask, too'
exits 5 'taking out what is not in' ym queue remove "$n"
exits 3 'or what is not there' ym queue remove 99
ym queue add "$n" >/dev/null
git -C "$C" push origin :refs/for/main/leave >"$T/out" 2>&1
is $? 1 'a PR is not closed by deleting its branch'
like "$(cat "$T/out")" 'a PR is closed with .yardmaster pr close., not by deleting its ref' '... which says how'
is "$(entry "$n" pr)" "$n" '... and stays where it is'
ok 'closed while queued' ym pr close "$n"
wait_ok '... it leaves the queue' '[ "$(ymj length queue list)" = 0 ]'
like "$(sticky "$n")" "Not in the merge queue: the PR was closed by $ME" '... and says so'
exits 5 'a closed PR is not queued' ym queue add "$n"
say "$n" '/yard queue'
wait_ok '... nor by a comment' "[[ \"\$(last_comment $n)\" == *'is closed'* ]]"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
