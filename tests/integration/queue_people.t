#!/bin/bash
# Hold, label, freeze, priority: people stop and order the queue, and everybody can see who and why.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
ym user add anna --uid 4001 --permission write >/dev/null

# --- hold -----------------------------------------------------------------------------------------
n=$(pr a src/a.txt 'a')
ym --as anna pr comment "$n" --body '/yard hold the release is tomorrow' >/dev/null
wait_ok 'a hold by comment is confirmed' "[[ \"\$(last_comment $n)\" == *'Held by anna: the release is tomorrow'* ]]"
ym queue add "$n" >/dev/null
wait_ok 'a held PR waits, and says for whom and why' "[[ \"\$(entry $n waits)\" == *'held by anna: the release is tomorrow'* ]]"
like "$(sticky "$n")" 'held by anna: the release is tomorrow' '... on the PR too'
like "$(ym queue why "$n")" 'held by anna: the release is tomorrow' '... and to those who ask'
other=$(pr b src/b.txt 'b')
ym queue add "$other" >/dev/null
ok 'others go on' landed "$other"
is "$(pr_state "$n")" open 'the held one stays'
say "$n" '/yard unhold'
ok 'after unhold it lands' landed "$n"

n=$(pr c src/c.txt 'c')
ok 'hold on the command line' ym queue hold "$n" --reason 'not yet'
ym queue add "$n" >/dev/null
wait_ok '... holds' "[[ \"\$(entry $n waits)\" == *'held by $ME: not yet'* ]]"
ok 'unhold' ym queue unhold "$n"
ok '... lets it go' landed "$n"

# A candidate that is being tested does not land when it is held.
n=$(pr d src/wait 'd')
ym queue add "$n" >/dev/null
wait_for gate_dir
ym queue hold "$n" >/dev/null
wait_ok 'a hold stops a test that is under way' "! gate_dir && [[ \"\$(entry $n waits)\" == *'held by $ME'* ]]"
ym queue unhold "$n" >/dev/null
verdict 0
ok '... which begins again' landed "$n"

# --- label ----------------------------------------------------------------------------------------
n=$(pr e src/e.txt 'e')
ym issue label "$n" --add do-not-merge >/dev/null
ym queue add "$n" >/dev/null
wait_ok 'a label holds, and is named' "[[ \"\$(entry $n waits)\" == *'label do-not-merge'* ]]"
ym issue label "$n" --remove do-not-merge >/dev/null
ok 'without it the PR lands' landed "$n"

# --- freeze ---------------------------------------------------------------------------------------
ok 'freeze' ym queue freeze --reason 'release day'
n=$(pr f src/f.txt 'f')
ym queue add "$n" >/dev/null
wait_ok 'a frozen queue tests and lands nothing' "[ \"\$(entry $n state)\" = green ]"
like "$(entry "$n" waits)" 'freeze.*release day' '... and says why'
like "$(ym queue why "$n")" 'release day' '... to those who ask'
like "$(sticky "$n")" 'release day' '... and on the PR'
exits 4 'a writer does not thaw' ym --as anna queue thaw
ym --as anna pr comment "$n" --body '/yard thaw' >/dev/null
wait_ok '... and is told the permission that it takes' \
	"[[ \"\$(last_comment $n)\" == *'needs the permission \`maintain\`; @anna has \`write\`'* ]]"
ok 'thaw' ym queue thaw
ok '... and it lands' landed "$n"

# --- priority and order ---------------------------------------------------------------------------
ym queue freeze >/dev/null
first=$(pr w src/wait 'w')
ym queue add "$first" >/dev/null
wait_for gate_dir
low=$(pr low src/low 'low')
ym queue add "$low" >/dev/null
high=$(pr high src/high 'high')
say "$high" '/yard queue priority=10'
wait_ok 'the higher priority goes first, behind the one that is tested' \
	"[ \"\$(ymj '[.[].pr] | join(\" \")' queue list)\" = '$first $high $low' ]"
is "$(ymj '[.[].place] | join(" ")' queue list)" '1 2 3' 'the list has the places'
like "$(entry "$low" waits)" "waits behind #$high" '... and behind whom one waits'
like "$(sticky "$low")" "place 3: waits behind #$high" '... the PR too'
say "$high" '/yard queue'
wait_ok 'queueing it again' "[[ \"\$(last_comment $high)\" == *'in the merge queue'* ]]"
is "$(ymj '[.[].pr] | join(" ")' queue list)" "$first $high $low" '... keeps its priority'
ym queue thaw >/dev/null
verdict 0
landed "$low"
is "$(git -C "$bare" log --first-parent --format=%s -3 main | sed 's/:.*//' | tr '\n' '|')" \
	"Merge #$low|Merge #$high|Merge #$first|" 'they landed in that order'

# --- halt -----------------------------------------------------------------------------------------
n=$(pr h src/wait 'h again')
ym queue add "$n" >/dev/null
wait_for gate_dir
say "$n" '/yard halt something is wrong'
wait_ok 'halt ends the test' "[ -z \"\$(keepers)\" ] && [[ \"\$(entry $n waits)\" == *halted* ]]"
ok 'resume' ym resume
verdict 0
ok '... and it is tested again and lands' landed "$n"
wait_ok 'no checkout is left behind' '[ -z "$(ls "$D/checkouts" 2>/dev/null)" ]'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
