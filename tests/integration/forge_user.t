#!/bin/bash
# A permission that is taken away takes its approvals along: at once, and up to the landing. A user can be removed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
permit() { ym user add anna --uid 4001 --permission "$@"; }
permit write >/dev/null

# --- a lower permission ---------------------------------------------------------------------------
n=$(pr a src/wait 'a')
ym --as anna queue add "$n" >/dev/null
wait_for gate_dir || bail 'no gate waits'
like "$(permit read)" 'permission read; approvals of open PRs by it: 1' 'the owner is told of approvals'
wait_ok 'a test that is under way ends with the approval' \
	"! gate_dir && [[ \"\$(entry $n waits)\" == *'waits for its head to be approved'* ]]"
like "$(ym queue why "$n")" '0 of 1 approvals' 'it does not count'
like "$(ym pr show "$n")" "anna has the permission 'read' now; it takes 'write'" '... and the PR says why'
exits 4 'and no new one can be given' ym --as anna pr approve "$n"
permit write >/dev/null
verdict 0
ok 'with the permission it counts again' landed "$n"
is "$(ym receipt show "$(base_oid)" --json | jq -r '[.approvals[].user] | join(" ")')" anna \
	'the receipt names whose approval it was'

# --- none -----------------------------------------------------------------------------------------
like "$(permit none)" 'permission none' 'a permission can be none'
exits 4 '... and then nothing may be read' ym --as anna issue list
permit read --repo $R >/dev/null
ok 'in one repository only' ym --as anna issue list -R $R
permit none --repo $R >/dev/null
exits 4 '... and not there either' ym --as anna issue list -R $R
permit write >/dev/null
like "$(permit none --repo $R)" "'write' in all repositories counts there too" 'the higher one counts, and is said'

# --- removed --------------------------------------------------------------------------------------
ym queue freeze >/dev/null
n=$(pr b src/b.txt 'b')
ym --as anna queue add "$n" >/dev/null
wait_for "[ \"\$(entry $n state)\" = green ]"
like "$(ym user remove anna)" 'user anna removed; approvals of open PRs that are void with it: 1' 'a user is removed'
is "$(ymj '[.[].name] | join(" ")' user list)" "$ME" '... and gone'
exits 4 '... and may do nothing' ym --as anna issue list
like "$(ym audit list)" 'user-remove.*user:anna' '... which the audit log has'
permit write >/dev/null
ym queue thaw >/dev/null
wait_ok 'its approval is void, also for the next of that name' "[[ \"\$(entry $n waits)\" == *'waits for its head to be approved'* ]]"
is "$(pr_state "$n")" open 'and nothing landed with it'
ym queue add "$n" >/dev/null
ok 'somebody else approves, and it lands' landed "$n"
exits 4 'the owner of the data directory stays' ym user remove "$ME"
exits 3 'who is not known cannot be removed' ym user remove nobody
exits 4 'another one removes nobody' ym --as anna user remove "$ME"
ym_stop
done_testing
