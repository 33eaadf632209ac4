#!/bin/bash
# `task show` in a pipe: one fact a line, each with its name, nothing but facts; what a person greps for is found.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

doer
usual_blueprint fix review 'rounds: 2' repository
ym_start
me
task_repo app

do_issue agent:fix 'if [ $ROUND = 1 ]; then echo bug >>src/a.txt; else sed -i s/bug/fine/ src/a.txt; printf "STATUS: COMPLETE\nEXIT_SIGNAL: true\nSUMMARY: One.\n\nTwo.\n"; exit 0; fi'
until_state review
ym task show "$K" >"$T/shown"
has() { ok "it has '${1//$'\t'/ }'" grep -qxP "$1" "$T/shown"; }
has "id\t$K"
has 'state\treview'
has 'reason\tPR #2 waits for review: 0 of 1 approvals'
has 'round\t2'
has 'step\treview'
has 'pr\t2'
has 'files\tsrc/a.txt'
has 'created\t2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z'
has 'runs\.0\.run\tt1-r1'
has 'runs\.1\.kind\tgate'
has 'runs\.1\.code\t1'
has 'runs\.1\.outcome\texited'
has 'runs\.3\.code\t0'
is "$(grep -P '^summary\t' "$T/shown" | cut -f2 | tr '\n' '|')" 'One.||Two.|' 'a text is as many lines, each with its name'
is "$(grep -cvP '^[a-z_]+(\.[0-9]+\.[a-z_]+)?\t' "$T/shown")" 0 'every line is a name and a value'
is "$(grep -vP '^(log|body|summary|feedback)\t' "$T/shown" | grep -cP '\t$')" 0 'nothing is there that says nothing'
ok 'a log is no endless line' [ "$(grep -c '^log' "$T/shown")" = "$(ymj .log task show "$K" | sed '${/^$/d}' | wc -l)" ]
not_ok "the ledger's own names are not there" grep -qP '^(repo|runs\.[0-9]+\.(id|task|candidate|number))\t' "$T/shown"
is "$(cut -f1 "$T/shown" | grep -n '^runs' | head -n 1 | cut -d: -f1)" \
	"$(($(cut -f1 "$T/shown" | grep -vc '^runs') + 1))" 'the facts come first, the runs last'
is "$(ymj '[.state, .pr, (.runs | length)] | join(" ")' task show "$K")" 'review 2 4' 'programs have --json'

# --- a value cannot look like another fact
N=$(issue --label agent:fix 'Evil' $'a\nstate\tmerged\n\x1b[31mred')
wait_for "[ \"\$(task_of $N)\" != null ]"
K=$(task_of "$N")
until_state needs-human
is "$(ym task show "$K" | grep -P '^state\t')" $'state\tneeds-human' 'what somebody wrote is no fact'
like "$(ym task show "$K" | grep -P '^body\t')" 'body.state.tmerged' 'it is a line of its text'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
