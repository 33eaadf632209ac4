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
gone=$(pr gone src/gone.txt 'fine too')
ym queue add "$gone" >/dev/null
landed "$gone"
kept=$(git -C "$bare" rev-parse "refs/yardmaster/heads/$gone")
git -C "$bare" update-ref -d "refs/pull/$gone/head" # somebody tidies up
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
is "$m" $((gone + 1)) 'the number of a PR that is known to the repository is not given again, by whatever reference'
is "$(issue 'After it')" $((gone + 2)) '... nor to an issue'
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
is "$(git -C "$bare" rev-parse "refs/yardmaster/heads/$gone")" "$kept" 'no approved head is lost'
for c in $(git -C "$bare" rev-list --first-parent "$after^1..main"); do
	ok 'every landing has a receipt that holds' "$YARDMASTER" receipt verify "$c" --repo-path "$bare"
done
ym_stop
is $? 0 'the daemon ends when told'

# --- an empty ledger, and the repository that is still there --------------------------------------
rm -f "$ledger" "$ledger"-*
ym_start
me
top=$(git -C "$bare" for-each-ref --format='%(refname)' refs/pull refs/yardmaster/heads | grep -o '[0-9]*' | sort -n | tail -1)
ok 'the repository is taken as it is' ym repo add $R
is "$(issue 'In a new ledger')" $((top + 1)) 'numbers go on above those that it knows'
is "$(git -C "$bare" rev-parse "refs/yardmaster/heads/$gone")" "$kept" '... and nothing is lost'
ym_stop
done_testing
