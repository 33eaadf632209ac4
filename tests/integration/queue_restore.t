#!/bin/bash
# A ledger that was restored is older than the repositories: it waits for a person, builds upon what has
# landed since, and takes no old result for a new one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
ok 'backup while it runs' ym backup "$T/backup" --config "$T/yardmaster.yml"
n=$(pr good src/good.txt 'fine')
ym queue add "$n" >/dev/null
landed "$n"
after=$(base_oid)
ym_stop
ledger=$(ls "$D"/*.db 2>/dev/null || ls "$D"/ledger*)
ledger=$(echo "$ledger" | grep -v -e wal -e shm -e mark | head -1)
rm -f "$ledger" "$ledger"-*
cp "$T/backup" "$ledger"
ym_start
is "$(ymj .halted status)" true 'an older ledger starts nothing by itself'
like "$(ymj .halted_why status)" 'older' '... and says why'
m=$(pr bad src/bad.txt 'here is a bug')
isnt "$m" "$n" 'the number of a PR that is known to the repository is not given again'
is "$(git -C "$bare" rev-parse "refs/pull/$m/head")" "$(pr_tip bad)" 'the head is the new one'
ym queue add "$m" >/dev/null
wait_ok 'the queue waits' "[[ \"\$(entry $m waits)\" == *halted* ]]"
ok 'resume' ym resume
wait_ok 'the old result of that number is not taken for the new one' "[[ \"\$(comments $m)\" == *'Taken out of the merge queue: its checks fail'* ]]"
is "$(base_oid)" "$after" 'what had landed is where it was'
o=$(pr next src/next.txt 'fine')
ym queue add "$o" >/dev/null
ok 'the next one lands on it' landed "$o"
is "$(git -C "$bare" rev-parse main^1)" "$after" '... on it'
for c in $(git -C "$bare" rev-list --first-parent "$after^1..main"); do
	ok 'every landing has a receipt that holds' "$YARDMASTER" receipt verify "$c" --repo-path "$bare"
done
ym_stop
is $? 0 'the daemon ends when told'
done_testing
