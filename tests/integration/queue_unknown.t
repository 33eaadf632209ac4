#!/bin/bash
# What a PR depends on could not be read: it does not land as if it depended on nothing, people are told, and
# it goes on by itself once it can be read.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

notify_conf
ym_start
me
queue_repo
a=$(pr a src/a1 a 'Needed')
ym_stop

# Of a PR of three commits the second one, with the trailer, goes away before it was read.
YARDMASTER_CRASH_AT=pr-log:before "$YARDMASTER" serve --config "$T/yardmaster.yml" >>"$T/daemon.log" 2>&1 </dev/null &
daemon=$!
wait_for 'ym status' || bail 'the daemon did not start'
git -C "$C" checkout -q --detach origin/main
commit_file "$C" src/b0 b 'Begin'
commit_file "$C" src/b1 b "Needs it

Depends-On: #$a"
commit_file "$C" src/b2 b 'More of it'
git -C "$C" push -q origin +HEAD:refs/for/main/b 2>/dev/null
wait_for "! kill -0 $daemon" || bail 'the daemon lives'
daemon=''
first=$(git -C "$C" rev-parse HEAD^)
object=$bare/objects/${first:0:2}/${first:2}
[ -e "$object" ] || bail 'the commit is no file'
mv "$object" "$T/object"
ym_start
b=$(ymj '.[] | select(.topic == "b") | .number' pr list)
wait_ok 'people hear that it could not be read' "[[ \"\$(comments $b)\" == *'could not be found out: '*'does not land before that is known'* ]]"
wait_ok '... by the notification command too' "grep -q '^unknown-dependencies app $b' \"\$T/notified\""
like "$(ym queue why "$b")" 'what it depends on is not known' '... and those who ask'
ym queue add "$b" >/dev/null
wait_ok 'in the queue it waits, and says for what' "[[ \"\$(entry $b waits)\" == *'what it depends on is not known yet ('*')'* ]]"
like "$(sticky "$b")" 'what it depends on is not known yet' '... on the PR'
like "$(ym queue why "$b")" 'what it depends on is not known yet' '... and to those who ask'
c=$(pr c src/c1 c 'Another')
ym queue add "$c" >/dev/null
ok 'others go on' landed "$c"
is "$(pr_state "$b")" open '... and it stays'
mv "$T/object" "$object"
wait_ok 'when it can be read again its dependency is known' "[[ \"\$(entry $b waits)\" == \"waits for #$a to be merged\" ]]" 90
wait_ok '... and said so' "[[ \"\$(comments $b)\" == *'What this PR depends on is known now'* ]]"
ym queue add "$a" >/dev/null
ok 'both land' landed "$b"
is "$(git -C "$bare" log --first-parent --format=%s -2 main | sed 's/:.*//' | tr '\n' '|')" "Merge #$b|Merge #$a|" '... in the order of need'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
