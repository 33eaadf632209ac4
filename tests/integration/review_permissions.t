#!/bin/bash
# Who may see what, and how far a permission on one repository reaches: not beyond it.
. "$(dirname "$0")/lib.sh"

ym_start
me
sample_repo open
sample_repo secret
ym user add carol --uid 400002 --permission maintain --repo open >/dev/null
ym user add bob --uid 400003 --permission read --repo open >/dev/null

is "$(ymj '[.[].name] | join(" ")' repo list)" 'open secret' 'the owner sees both repositories'
is "$(ymj '[.[].name] | join(" ")' --as bob repo list)" open 'another one sees what he may read'

ym halt >/dev/null
n=$(ymj .number issue create -R secret --title 'Rotate the key' --label agent:bugfix)
wait_ok 'a task waits' '[ "$(ymj ".[0].state" task list)" = waiting ]'
like "$(ymj '.waiting | tostring' status)" 'Rotate the key' 'the owner sees what would start'
is "$(ymj '.waiting | length' --as bob status)" 0 'another one does not see it'
exits 4 'nor its task' ym --as bob task show 1
exits 4 'nor its log' ym --as bob task logs 1
exits 4 'nor its issue' ym --as bob issue show "$n" -R secret

m=$(ymj .number issue create -R open --title 'Small')
ok 'a maintainer of one repository' ym --as carol issue comment "$m" -R open --body '/yard resume'
wait_ok 'is told that it takes more' 'ym issue show '"$m"' -R open | grep -q "needs the permission .maintain. on all"'
is "$(ymj .halted status)" true 'the kill switch stays on'
exits 4 'from the command line too' "$YARDMASTER" --socket "$D/socket" --as carol resume
ok 'the owner resumes' ym resume
is "$(ymj .halted status)" false 'and it is off'
is "$(stat -c %a "$D/ledger.db")" 600 "the ledger is its owner's only"
ym_stop
done_testing
