#!/bin/bash
# The base moves under the queue, changes conflict, configurations break: everything is said where it
# matters, and what lands was tested on the base that it lands on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

notify_conf
ym_start
me
queue_repo

# --- it moves -------------------------------------------------------------------------------------
n=$(pr a src/wait 'a')
ym queue add "$n" >/dev/null
wait_for gate_dir
was=$(gate_dir)
old=$(base_oid)
move_base src/hand.txt first
new=$(base_oid)
git -C "$C" push -q origin HEAD:refs/heads/wake # any push wakes the daemon; else the next round would
wait_ok 'a move of the base is reported on the PR that was tested' \
	"[[ \"\$(comments $n)\" == *\"was moved from ${old:0:12} to ${new:0:12} by somebody else\"* ]]"
wait_ok '... and to the notification command' 'grep -q "^base-moved app" "$T/notified"'
wait_for "[ ! -e '$was' ]" # a verdict there would be for nobody
verdict 0
ok 'the PR is built again and lands' landed "$n"
is "$(git -C "$bare" rev-parse main^1)" "$new" '... on the new base'
is "$(base_file $R src/hand.txt)$(base_file $R src/wait)" firsta '... with both changes'
# In the very moment of the landing: the gate has passed, nobody has told the daemon.
n=$(pr b src/wait 'b')
ym queue add "$n" >/dev/null
wait_for gate_dir
move_base src/hand.txt second
verdict 0
wait_for "gate_dir || [ \"\$(pr_state $n)\" = merged ]" # the periodic look may have been quicker
[ "$(pr_state "$n")" = merged ] || verdict 0
ok 'a move that nobody reported is found at the landing' landed "$n"
is "$(base_file $R src/hand.txt)$(base_file $R src/wait)" secondb '... and nothing of it is lost'
is "$(git -C "$bare" log --first-parent --format=%s main | grep -c 'By hand')" 2 '... in the history either'

# --- it goes away ---------------------------------------------------------------------------------
n=$(pr c src/c.txt c)
keep=$(base_oid)
ym queue freeze >/dev/null
ym queue add "$n" >/dev/null
git -C "$bare" update-ref -d refs/heads/main
git -C "$C" push -q origin +HEAD:refs/heads/wake
wait_ok 'a base that was deleted is waited for, and said so' "[[ \"\$(entry $n waits)\" == *'no branch \`main\`'* ]]"
ym queue thaw >/dev/null
git -C "$bare" update-ref refs/heads/main "$keep"
git -C "$C" push -q origin +HEAD:refs/heads/wake2
ok '... and goes on when it is back' landed "$n"

# --- conflicts ------------------------------------------------------------------------------------
sed 's/^line 3$/line 3 left/' "$C/src/a.txt" >"$T/left"
sed 's/^line 3$/line 3 right/' "$C/src/a.txt" >"$T/right"
left=$(pr left src/a.txt "$(cat "$T/left")" 'Go left')
right=$(pr right src/a.txt "$(cat "$T/right")" 'Go right')
bystander=$(pr by src/by.txt by)
for n in $left $right $bystander; do ym queue add "$n" >/dev/null; done
ok 'the first of two that conflict lands' landed "$left"
wait_ok 'the second is taken out' "[[ \"\$(comments $right)\" == *'Taken out of the merge queue: it conflicts with'* ]]"
like "$(last_comment "$right")" '`src/a.txt`.* lines 3-3' 'the comment names the file and the lines'
like "$(last_comment "$right")" "changed by #$left \(Go left\)" '... and the other PR'
like "$(sticky "$right")" 'Not in the merge queue: it conflicts with .main.' 'the PR says where it is'
wait_ok 'the notification command hears of it' "grep -q '^conflict app $right' \"\$T/notified\""
ok 'others go on' landed "$bystander"
sed 's/^line 3 left$/line 3 left and right/' "$T/left" >"$T/both"
pr right src/a.txt "$(cat "$T/both")" 'Go right' >/dev/null
ym queue add "$right" >/dev/null
ok 'rebased it lands' landed "$right"

# Two PRs have landed on the file; only the first one touched the lines of the conflict, and a later one moved
# them.
ours=$(sed 's/^line 10$/line 10 mine/' "$C/src/b.txt")
before=$(git -C "$C" rev-parse HEAD)
git -C "$C" fetch -q origin
first=$(pr first src/b.txt "$(git -C "$C" show origin/main:src/b.txt | sed 's/^line 10$/line 10 theirs/')" 'The culprit')
ym queue add "$first" >/dev/null
landed "$first"
git -C "$C" fetch -q origin
second=$(pr second src/b.txt "$(git -C "$C" show origin/main:src/b.txt | sed 's/^line 1$/line 0\nline 1\nline 1 and more/; s/^line 20$/line 20 as well/')" 'The innocent')
ym queue add "$second" >/dev/null
landed "$second"
n=$(pr mine src/b.txt "$ours" 'Mine' "$before")
ym queue add "$n" >/dev/null
wait_ok 'a conflict with the older of two landings on a file' "[[ \"\$(comments $n)\" == *'Taken out of the merge queue: it conflicts with'* ]]"
like "$(last_comment "$n")" "lines 12-12, changed by #$first \(The culprit\)" '... names the one that brought the lines'
unlike "$(last_comment "$n")" "#$second" '... and not the one that landed last'
n=$(pr gone src/other.txt x 'Other')
move_base src/b.txt "$(git -C "$bare" show main:src/b.txt | sed 's/^line 15$/line 15 by hand/')"
hand=$(base_oid)
n=$(pr mine2 src/b.txt "$(echo "$ours" | sed 's/ mine//; s/^line 15$/line 15 mine/')" 'Mine too' "$before")
wait_for "[ \"\$(ymj '.[0].head' repo list)\" = $hand ]"
ym queue add "$n" >/dev/null
wait_ok 'a conflict with what somebody pushed by hand names the commit' "[[ \"\$(comments $n)\" == *'changed by ${hand:0:12} on '* ]]"

# --- configuration --------------------------------------------------------------------------------
n=$(pr conf .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  methd: squash' 'A typo')
wait_ok 'a PR that breaks the configuration hears of it before it lands' \
	"[[ \"\$(comments $n)\" == *'The configuration in this PR is broken'* ]]"
like "$(comments "$n")" '.github/yardmaster.yml:3.*methd.*method' '... with file, line, what was found and what is meant'
ym queue add "$n" >/dev/null
landed "$n"
wait_ok '... and when it has landed' "[[ \"\$(comments $n)\" == *'The configuration that landed with this PR is broken'*'last good one stays in force'* ]]"
like "$(ymj '.[0].config_error' repo list)" 'methd' 'repo list has it'
bad=$(pr bug src/bug.txt 'a bug')
ym queue add "$bad" >/dev/null
wait_ok 'the last good one stays in force: its gates still run' "[[ \"\$(comments $bad)\" == *'Taken out'* ]]"
n=$(pr conf2 .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  method: squash' 'No typo')
wait_ok 'one that mends it is told that it loads' "[[ \"\$(comments $n)\" == *'loads without errors'* ]]"
ym queue add "$n" >/dev/null
landed "$n"
wait_ok 'and it is in force' '[ "$(ymj ".[0].config_error" repo list)" = null ]'
n=$(pr last src/last.txt last)
ym queue add "$n" >/dev/null
landed "$n"
is "$(git -C "$bare" rev-parse 'main^@' | wc -l)" 1 '... from the next landing on'
n=$(pr gates .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh", "test ! -e src/strict.txt"]' 'A gate more')
m=$(pr strict src/strict.txt x)
ym queue add "$n" >/dev/null
ym queue add "$m" >/dev/null
landed "$n"
wait_ok 'a gate that has just landed holds for the next in the queue' "[[ \"\$(comments $m)\" == *'Taken out'*'strict.txt'* ]]"

n=$(pr bp .github/blueprints/x.yml 'name: x
allow: ["src/**"]
steps:
  - agnt: prompts/x.md' 'A broken blueprint')
wait_ok 'a PR with a broken blueprint hears of it' "[[ \"\$(comments $n)\" == *'broken'*'x.yml'*'agnt'* ]]"
n=$(pr big .github/blueprints/prompts/big.md "$(head -c 3000000 /dev/zero | tr '\0' 'x')" 'A huge prompt')
wait_ok 'a PR with a file that is too large to be configuration hears of it' "[[ \"\$(comments $n)\" == *'is broken'*'big.md'* ]]"
ym queue add "$n" >/dev/null
landed "$n"
wait_ok '... also when it has landed' "[[ \"\$(comments $n)\" == *'that landed with this PR is broken'* ]]"
m=$(pr after-big src/after.txt fine)
ym queue add "$m" >/dev/null
ok '... and nothing waits for it' landed "$m"
n=$(pr nohead src/nohead.txt fine)
ym queue freeze >/dev/null
ym queue add "$n" >/dev/null
git -C "$bare" update-ref -d "refs/pull/$n/head"
ym queue thaw >/dev/null
ok 'a PR whose ref was deleted lands as it was approved' landed "$n"

# --- no configuration that ever loaded ------------------------------------------------------------
git -C "$T/src/app" checkout -q -b broken
commit_file "$T/src/app" .github/yardmaster.yml 'queue: [gates]'
git clone -q -b broken "$T/src/app" "$T/src/never"
git -C "$T/src/never" branch -m main 2>/dev/null || git -C "$T/src/never" branch -M main
R=never C=$T/never
ok 'a repository with a broken configuration can be added' ym repo add never --from "$T/src/never"
bare=$(repo_path never)
clone never "$C"
n=$(pr bug src/bug.txt 'a bug')
ym queue add "$n" -R never >/dev/null
queue_waits() { ymj ".[] | select(.pr == $1) | .waits" queue list -R never; }
wait_ok 'nothing lands there by rules that nobody wrote' \
	"[[ \"\$(queue_waits $n)\" == *'configuration on \`main\` is broken'*'.github/yardmaster.yml:1'* ]]"
move_base .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]'
git -C "$C" push -q origin +HEAD:refs/heads/wake
wait_ok 'mended, its gates run' "[[ \"\$(comments $n)\" == *'Taken out of the merge queue: its checks fail'* ]]"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
