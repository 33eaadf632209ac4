#!/bin/bash
# Issues of the local forge: create, list, show, comment, label, edit, close.
. "$(dirname "$0")/lib.sh"

ym_start
me
ok 'a repository' ym repo add app
ok 'a writer' ym user add anna --uid 4001 --permission write
ok 'a reader' ym user add rita --uid 4002 --permission read

is "$(ymj .number issue create --title 'Dates are off' --body 'By one.')" 1 'the first issue is number 1'
is "$(ymj .number issue create --title 'Second' --label bug --label ui)" 2 'the next one 2'
printf 'from a file\nünïcode\n' >"$T/body.md"
is "$(ymj .number issue create --title 'Third' --file "$T/body.md")" 3 'with a text from a file'
is "$(ymj .body issue show 3)" "$(cat "$T/body.md")" '... which is its text'
is "$(ymj '[.[].number] | join(" ")' issue list)" '1 2 3' 'the list has all'
is "$(ymj '.[1].labels | join(" ")' issue list)" 'bug ui' '... with their labels'
like "$(ym issue show 1)" 'Dates are off' 'show has the title'
like "$(ym issue show '#1')" 'By one' '... and the text, by #1 too'
exits 3 'an unknown issue' ym issue show 99
exits 2 'a number that is none' ym issue show twelve
exits 2 'no title' ym issue create --title ''
exits 7 'a title too long' ym issue create --title "$(printf 'x%.0s' {1..300})"
exits 7 'a text too long' bash -c "head -c 70000 /dev/zero | tr '\0' x | '$YARDMASTER' --socket '$D/socket' issue create --title x --file -"

ok 'a comment' ym --as rita issue comment 1 --body 'I see it too.'
is "$(ymj '.comments[0] | "\(.author): \(.body)"' issue show 1)" 'rita: I see it too.' '... has its author'
exits 3 'a comment on nothing' ym issue comment 99 --body x
exits 2 'an empty comment' ym issue comment 1 --body ''

ok 'labels set and taken off' ym --as anna issue label 2 --add later --remove ui
is "$(ymj '.labels | join(" ")' issue show 2)" 'bug later' '... as show has them'
like "$(ym issue label 2 --add later)" '0 labels' 'a label twice is once'
exits 2 'a label without a name' ym issue label 2 --add ''

ok 'the title is edited' ym --as anna issue edit 1 --title 'Dates are off by one'
is "$(ymj '"\(.title)|\(.body)"' issue show 1)" 'Dates are off by one|By one.' '... and the text stays'
ok 'the text is edited' ym issue edit 1 --body 'Always.'
is "$(ymj '"\(.title)|\(.body)"' issue show 1)" 'Dates are off by one|Always.' '... and the title stays'
exits 2 'an edit of nothing' ym issue edit 1
exits 4 "a reader does not edit another's issue" ym --as rita issue edit 1 --body mine
exits 3 'an edit of an unknown issue' ym issue edit 99 --body x

ok 'close' ym --as anna issue close 2
is "$(ymj '[.[].number] | join(" ")' issue list)" '1 3' 'a closed issue is not listed'
is "$(ymj '[.[].number] | join(" ")' issue list --state closed)" '2' '... but with --state closed'
is "$(ymj '[.[].number] | join(" ")' issue list --state all)" '1 2 3' '... and --state all'
ok 'closing again is no error' ym issue close 2

# An unknown label that looks like an assignment is answered; another one is nobody's business.
ok 'a typo in the label' ym issue label 1 --add agent:bugfx
like "$(ymj '.comments[-1].body' issue show 1)" 'did you mean `agent:bugfix`' '... is answered with the nearest'

# Everything is there after a restart.
before=$(ymj . issue show 1)
ym_stop
ym_start
is "$(ymj . issue show 1)" "$before" 'nothing is lost by a restart'
done_testing
