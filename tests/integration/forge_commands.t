#!/bin/bash
# Commands in comments: read where a person means them, answered once and to the point.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
ym user add anna --uid 4001 --permission write >/dev/null
ym user add rita --uid 4002 --permission read >/dev/null
n=$(pr a src/a1 a)
i=$(issue 'An issue')
answers() { ymj '[.comments[] | select(.key // "" | startswith("answer:"))] | length' "${2-pr}" show "$1"; }
says() { # NAME TEXT EXPECTED
	local before
	before=$(answers "$n")
	say "$n" "$2"
	wait_ok "$1" "[ \"\$(answers $n)\" = $((before + 1)) ] && [[ \"\$(answer $n)\" == *$3* ]]"
}

says 'a typo gets the nearest command' '/yard quue' "\"did you mean 'queue'?\""
is "$(ymj length queue list)" 0 '... and does nothing'
like "$(answer "$n")" '^> /yard quue' 'the answer quotes the command'
is "$(ymj '[.comments[] | select(.bot == 0)] | last | .reaction' pr show "$n")" eyes 'the command has a sign that it was read'
says 'one like no command gets the list' '/yard xyzzy' '"known are"'
says 'no command gets the help' '/yard' "'\`/yard queue [SHA] [priority=N]\`'"
says 'a wrong argument' '/yard queue priority=high' "\"option 'priority=': found 'high'; expected a number from -100 to 100\""
says 'a wrong option' '/yard queue priorty=3' "\"did you mean 'priority='?\""
says 'a command of an issue on a PR' '/yard run bugfix' "'belongs on an issue, not here'"
ym issue comment "$i" --body '/yard queue' >/dev/null
wait_ok 'a command of a PR on an issue' "[[ \"\$(ymj '.comments[-1].body' issue show $i)\" == *'belongs on a PR, not here'* ]]"
says 'no task' '/yard status' "'no task works on it'"

# --- not meant ------------------------------------------------------------------------------------
before=$(answers "$n")
say "$n" 'I would not /yard queue this.'
say "$n" '> /yard queue'
say "$n" '```
/yard queue
```'
say "$n" '    /yard queue'
say "$n" '<!-- /yard queue -->'
say "$n" '/yardarm queue'
is "$(answers "$n")" "$before" 'in a sentence, a quote, a code block, a hidden comment it is no command'
is "$(ymj length queue list)" 0 '... and nothing is queued'

# --- permission -----------------------------------------------------------------------------------
ym --as rita pr comment "$n" --body '/yard queue' >/dev/null
wait_ok 'without the permission it is refused, and named' \
	"[[ \"\$(answer $n)\" == *'needs the permission \`write\`; @rita has \`read\`'* ]]"
is "$(ymj length queue list)" 0 '... and nothing is queued'
ym --as rita pr comment "$n" --body '/yard why' >/dev/null
wait_ok 'who may read may ask' "[[ \"\$(answer $n)\" == *'not in the merge queue'* ]]"
ym --as anna pr comment "$n" --body '/yard freeze' >/dev/null
wait_ok 'who may write does not freeze' "[[ \"\$(answer $n)\" == *'needs the permission \`maintain\`'* ]]"

# --- several, and once ----------------------------------------------------------------------------
before=$(answers "$n")
say "$n" 'Two things:
/yard hold not yet
and
/yard queue
/yard nonsense'
wait_ok 'several in one comment are answered in one' "[ \"\$(answers $n)\" = $((before + 1)) ] && [[ \"\$(answer $n)\" == *'> /yard hold not yet'*'Held by'*'> /yard queue'*'in the merge queue'*'> /yard nonsense'*'unknown command'* ]]"
wait_ok '... and done in order' "[[ \"\$(entry $n waits)\" == *'not yet'* ]]"
say "$n" '/yard unhold'
landed "$n"
m=$(pr b src/b1 b)
say "$m" '/yard queue'
landed "$m"
say "$m" '/yard hold'
wait_ok 'a merged PR is not held' "[[ \"\$(answer $m)\" == *'is merged'* ]]"

# --- after a restart ------------------------------------------------------------------------------
o=$(pr c src/c1 c)
ym queue freeze >/dev/null
say "$o" '/yard queue'
wait_for "[ \"\$(entry $o state)\" = green ]"
say "$o" '/yard dequeue'
wait_ok 'dequeue' "[[ \"\$(answer $o)\" == *'Taken out'* ]]"
count=$(ymj '.comments | length' pr show "$o")
ym_crash
ym_start
ym queue thaw >/dev/null
is "$(ymj '.comments | length' pr show "$o")" "$count" 'after kill -9 no comment is answered again'
is "$(ymj length queue list)" 0 '... and no command is done again'
is "$(pr_state "$o")" open '... and nothing lands'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
