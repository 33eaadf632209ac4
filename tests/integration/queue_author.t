#!/bin/bash
# Whether the author of a PR may approve it is the repository's to say: yes, unless `author-may-approve: false`.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
ym user add anna --uid 4001 --permission write >/dev/null

n=$(pr own src/own.txt own)
is "$(ymj .author pr show "$n")" "$ME" 'I am the author'
ok "one's own approval" ym pr approve "$n"
unlike "$(ym queue why "$n")" 'does not count' '... counts where nothing else is said'
ym queue add "$n" >/dev/null
ok '... and is enough' landed "$n"

n=$(pr rule .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  author-may-approve: false' 'Somebody else looks at it')
ym queue add "$n" >/dev/null
ok 'the rule lands by the rule before it' landed "$n"
wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(base_oid) ]"

n=$(pr mine src/mine.txt mine)
like "$(ym pr approve "$n")" "PR #$n approved at .*; by its author, which does not count in this repository" 'from then on the author is told'
say "$n" '/yard queue'
wait_ok 'that it is not enough' "[[ \"\$(entry $n waits)\" == *'0 of 1 approvals of '*', and that of $ME, the author, does not count'* ]]"
like "$(ym queue why "$n")" "that of $ME, the author, does not count" '... who asks, too'
like "$(sticky "$n")" 'the author, does not count' '... and on the PR'
other=$(pr other src/other.txt other)
ym pr approve "$other" --as anna >/dev/null
ok "somebody else's alone" ym queue add "$other"
ok '... is, and nobody waits behind the one that is not' landed "$other"
is "$(pr_state "$n")" open 'which stays'
ok 'with somebody else' ym pr approve "$n" --as anna
ok '... it lands' landed "$n"
is "$(ymj '[.approvals[].user] | sort | join(" ")' receipt show "$(base_oid)")" \
	"$(printf '%s\n' anna "$ME" | sort | paste -sd' ')" 'the receipt has both'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
