#!/bin/bash
# Dependencies land before dependents, whatever is ready first; what can never land is told so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
add() { ym queue add "$1" >/dev/null; }
order() { git -C "$bare" log --first-parent --format=%s "-$1" main | sed 's/^Merge #\([0-9]*\):.*/\1/' | tac | tr '\n' ' '; }

# --- in the order of need -------------------------------------------------------------------------
a=$(pr a src/a1 a 'First')
b=$(pr b src/b1 b "Second

Depends-On: #$a")
wait_for "[ \"\$(ymj '.depends[].on_pr' pr show $b | sort -u)\" = $a ]"
pass 'Depends-On in the text is read'
add "$b"
wait_ok 'the dependent waits, although it is ready first' "[[ \"\$(entry $b waits)\" == \"waits for #$a to be merged\" ]]"
like "$(sticky "$b")" "waits for #$a to be merged" '... and says so on the PR'
add "$a"
ok 'both land' landed "$b"
is "$(order 2)" "$a $b " '... in the order of need'

# A trailer of a commit that is not the first.
c=$(pr c src/c1 c 'Third')
git -C "$C" checkout -q --detach origin/main
commit_file "$C" src/d1 d 'Fourth'
commit_file "$C" src/d2 d "More of it

Depends-On: #$c"
git -C "$C" push -q origin +HEAD:refs/for/main/d 2>/dev/null
d=$(ymj '.[] | select(.topic == "d") | .number' pr list)
add "$d"
wait_ok 'a trailer counts' "[[ \"\$(entry $d waits)\" == \"waits for #$c to be merged\" ]]"
e=$(pr e src/e1 e 'Fifth')
say "$e" "/yard depends #$d #$c"
wait_ok 'so does a command' "[[ \"\$(answer $e)\" == *\"Lands after #$d, #$c\"* ]]"
ym queue add "$e" --priority 50 >/dev/null
add "$c"
ok 'all land' landed "$e"
is "$(order 3)" "$c $d $e " '... in the order of need, whatever the priority'

# --- as people write it, and what only looks so ----------------------------------------------------
a2=$(pr a2 src/a2 a 'Needed by three')
b2=$(pr b2 src/b2 b "By its address, in a list and in bold

- **Depends on:** https://forge.example.org/$R/pull/$a2/files
- Nothing else.")
c2=$(pr c2 src/c2 c "None of it

<!-- If it needs another one:
Depends-On: #999
-->
\`\`\`
Depends-On: #999
\`\`\`
> Depends-On: #999

    Depends-On: #999")
d2=$(pr d2 src/odd d "Not understood

Depends-On: the parser")
for n in $b2 $c2 $d2; do add "$n"; done
wait_ok 'an address in a list waits' "[[ \"\$(entry $b2 waits)\" == \"waits for #$a2 to be merged\" ]]"
ok 'what is in comments, code and quotes does not count' landed "$c2"
wait_ok 'what is not understood holds the PR' "[[ \"\$(entry $d2 waits)\" == *'is not understood'*\"found 'the'\"* ]]"
like "$(comments "$d2")" "does not land before this is corrected.*Depends-On: the parser" '... and says so on the PR'
say "$a2" '/yard depends acme/other#3'
wait_ok 'a repository that is not known here is refused in a command' "[[ \"\$(answer $a2)\" == *'not looked after here'* ]]"
e2=$(pr e2 src/e2 e "Elsewhere

Depends-On: acme/other#3")
add "$e2"
wait_ok '... and holds a PR' "[[ \"\$(entry $e2 waits)\" == *'acme/other#3'*'not known here to be merged'* ]]"
like "$(ym queue why "$e2")" 'acme/other#3. of another repository' '... which says so to those who ask'
say "$e2" "/yard depends #$a2"
wait_for "[[ \"\$(answer $e2)\" == *'Lands after'* ]]"
say "$e2" "/yard undepend #$a2"
wait_ok 'undepend takes a command back' "[[ \"\$(answer $e2)\" == *'Does not wait for #$a2 any more'* ]]"
say "$b2" "/yard undepend #$a2"
wait_ok '... and nothing else' "[[ \"\$(answer $b2)\" == *\"the PR's text says so: edit that\"* ]]"
git -C "$C" checkout -q pr-d2
git -C "$C" commit -q --amend -m "Understood

Depends-On: #$a2"
git -C "$C" push -q -f origin HEAD:refs/for/main/d2 2>/dev/null
wait_ok 'a corrected text is said to be understood' "[[ \"\$(comments $d2)\" == *'is understood now'* ]]"
add "$a2"
ok 'and they land in order' landed "$b2"
is "$(pr_state "$d2") $(pr_state "$e2")" 'open open' '... the others not'

# --- a push right behind another is not quicker than what it says ---------------------------------
x=$(pr x src/x1 x 'Needed')
y=$(pr y src/y1 y "Needs

Depends-On: #$x") && add "$y"
wait_ok 'a dependent queued at once waits' "[[ \"\$(entry $y waits)\" == \"waits for #$x to be merged\" ]]"
is "$(pr_state "$y")" open '... and has not landed before it was understood'
add "$x"
ok '... but after what it needs' landed "$y"
is "$(order 2)" "$x $y " '... in order'

# --- stacks ---------------------------------------------------------------------------------------
p=$(pr p src/a.txt "$(sed 's/^line 5$/line 5 parent/' "$C/src/a.txt")" 'Parent')
q=$(pr q src/a.txt "$(sed 's/^line 5$/line 5 parent/; s/^line 6$/line 6 child/' "$C/src/a.txt")" 'Child' pr-p)
wait_ok 'a PR on top of another depends on it' "[ \"\$(ymj '.depends[] | \"\(.on_pr) \(.source)\"' pr show $q)\" = '$p stack' ]"
add "$q"
wait_ok '... and waits for it' "[[ \"\$(entry $q waits)\" == \"waits for #$p to be merged\" ]]"
add "$p"
ok 'it lands after it' landed "$q"
is "$(order 2)" "$p $q " '... in order'

# The words of a child are those of its own commits, and so is what it changes, also when the parent lands.
show() { ymj ".$2" pr show "$1"; }
p=$(pr pt src/pt p "The parent

Closes #900")
q=$(pr qt src/qt q "The child

Of its own." pr-pt)
is "$(show "$q" title)|$(show "$q" body)" 'The child|Of its own.' 'a child has its own title and text'
is "$(ym pr diff "$q" | grep '^+++')" '+++ b/src/qt' '... and its own diff'
like "$(ym pr list)" $'\tqt\tThe child' '... and the list has its topic'
git -C "$C" checkout -q --detach origin/main
commit_file "$C" src/rt1 1 'Below, proposed later'
git -C "$C" branch -q later
commit_file "$C" src/rt2 2 'On top, proposed first'
git -C "$C" push -q origin HEAD:refs/for/main/ontop 2>/dev/null
o=$(ymj '.[] | select(.topic == "ontop") | .number' pr list)
is "$(show "$o" title)" 'Below, proposed later' 'without a parent all commits are its own'
git -C "$C" push -q origin later:refs/for/main/later 2>/dev/null
wait_ok '... and when the lower part is proposed, it has its own words' "[ \"\$(show $o title)\" = 'On top, proposed first' ]"
ym pr edit "$q" --title 'The child, by hand' --body 'Written by hand.' >/dev/null
git -C "$C" checkout -q pr-qt
commit_file "$C" src/qt2 2 'More of the child'
git -C "$C" push -q origin HEAD:refs/for/main/qt 2>/dev/null
is "$(show "$q" title)|$(show "$q" body)" 'The child, by hand|Written by hand.' 'what was edited by hand is left alone by a push'
ym pr edit "$q" --body "Depends-On: #$o" >/dev/null
wait_ok 'an edited text is read again' "[[ \"\$(ymj '.depends[].on_pr' pr show $q)\" == *$o* ]]"
ym pr edit "$q" --body '' >/dev/null
wait_for "[[ \"\$(ymj '.depends[].on_pr' pr show $q)\" != *$o* ]]"
add "$p"
add "$q"
ok 'both land' landed "$q"
like "$(git -C "$bare" log -1 --format=%s main)" 'The child, by hand' '... under those words on main'
is "$(ym pr diff "$q" | grep -c '^+++')" 2 '... and the diff is still its own'

# A closed parent: its child waits for ever while it has its commits, and not when it has them no more.
p=$(pr pc src/pc p 'To be closed')
q=$(pr qc src/qc q 'Of a closed parent' pr-pc)
wait_for "[ \"\$(ymj '.depends[].source' pr show $q)\" = stack ]"
ym pr close "$p" >/dev/null
git -C "$C" checkout -q pr-qc
commit_file "$C" src/qc2 2 'Still on it'
git -C "$C" push -q origin HEAD:refs/for/main/qc 2>/dev/null
add "$q"
wait_ok 'a child that still has the commits of a closed parent does not land' "[[ \"\$(comments $q)\" == *'it depends on #$p, which was closed'* ]]"
is "$(show "$q" title)" 'Of a closed parent' '... and keeps its words'
ym pr reopen "$p" >/dev/null
is "$(pr_state "$p")" open 'pr reopen opens a closed PR'
ym pr close "$p" >/dev/null
git -C "$C" rebase -q --onto origin/main pr-pc HEAD 2>/dev/null
git -C "$C" push -q -f origin HEAD:refs/for/main/qc 2>/dev/null
wait_ok 'rebased off it, it depends on nothing' "[ -z \"\$(ymj '.depends[].on_pr' pr show $q)\" ]"
add "$q"
ok '... and lands' landed "$q"
like "$(ym pr reopen "$q" 2>&1)" 'is merged as .* cannot be opened again' 'a merged PR is not opened again'
git -C "$C" push -q origin pr-pc:refs/for/main/pc 2>/dev/null
like "$(ym pr reopen "$p" 2>&1)" "its topic 'pc' is that of PR #" '... nor one whose topic is another PR by now'

n=$(pr squash .github/yardmaster.yml 'queue:
  method: squash
  gates: ["sh gate.sh"]' 'Squash')
add "$n"
landed "$n"
p=$(pr p2 src/b.txt "$(sed 's/^line 5$/line 5 parent/' "$C/src/b.txt")" 'Parent to squash')
sed 's/^line 5 parent$/line 5 parent and child/' "$C/src/b.txt" >"$T/child"
q=$(pr q2 src/b.txt "$(cat "$T/child")" 'Child of a squash' pr-p2)
add "$p"
add "$q"
ok 'a child of a squashed parent lands without a conflict' landed "$q"
unlike "$(comments "$q")" conflict '... and without a word of one'
ok '... with a receipt that holds' "$YARDMASTER" receipt verify main --repo-path "$bare"

# The parent is changed after the child was made of it: the child must not take the change back.
old=$(pr p3 src/new.txt 'first version' 'Parent, first version')
q=$(pr q3 src/other.txt 'child' 'Child of the first version' pr-p3)
wait_for "[ \"\$(ymj '.depends[].on_pr' pr show $q)\" = $old ]"
git -C "$C" checkout -q --detach pr-p3
echo 'second version' >"$C/src/new.txt"
git -C "$C" commit -q -a --amend -m 'Parent, second version'
git -C "$C" push -q -f origin +HEAD:refs/for/main/p3 2>/dev/null
add "$old"
add "$q"
landed "$old"
wait_ok 'a child of an older head of its parent conflicts or keeps the newer one' \
	"[ \$(pr_state $q) = merged ] || [[ \"\$(comments $q)\" == *'conflicts with'* ]]"
is "$(base_file $R src/new.txt)" 'second version' '... and takes nothing back'

# --- what can never land --------------------------------------------------------------------------
n=$(pr m src/m1 m "Needs nothing that exists

Depends-On: #999")
add "$n"
wait_ok 'a dependency that does not exist' "[[ \"\$(comments $n)\" == *'Taken out of the merge queue: it depends on #999, which does not exist'* ]]"
say "$n" '/yard depends #998'
wait_ok '... is refused in a command' "[[ \"\$(answer $n)\" == *'#998 is no PR of $R'* ]]"
say "$n" "/yard depends #$n"
wait_ok 'so is oneself' "[[ \"\$(answer $n)\" == *'cannot depend on itself'* ]]"

f=$(pr f src/f1 f 'To be closed')
g=$(pr g src/g1 g "On it

Depends-On: #$f")
add "$g"
wait_for "[[ \"\$(entry $g waits)\" == *\"#$f\"* ]]"
ym pr close "$f" >/dev/null
wait_ok 'a dependency that is closed' "[[ \"\$(comments $g)\" == *'it depends on #$f, which was closed without being merged'* ]]"

h=$(pr h src/bug.txt 'a bug' 'Red')
i=$(pr i src/i1 i "On the red one

Depends-On: #$h")
add "$i"
wait_for "[[ \"\$(entry $i waits)\" == *\"#$h\"* ]]"
add "$h"
wait_ok 'a dependent of a PR that is taken out' "[[ \"\$(comments $i)\" == *'it depends on #$h, which leaves the queue'* ]]"
is "$(pr_state "$i")" open '... does not land'

j=$(pr j src/j1 j 'One of three')
k=$(pr k src/k1 k "Two of three

Depends-On: #$j")
l=$(pr l src/l1 l "Three of three

Depends-On: #$k")
say "$j" "/yard depends #$l"
wait_for "[[ \"\$(answer $j)\" == *'Lands after'* ]]"
ym queue freeze >/dev/null
for n in $j $k $l; do add "$n"; done
for n in $j $k $l; do
	wait_ok "a cycle is reported to its member #$n" "[[ \"\$(comments $n)\" == *'it depends on itself: #'*'needs #'*'needs #'*'needs #'* ]]"
	for o in $j $k $l; do [[ "$(comments "$n")" == *"#$o"* ]] || fail "the report on #$n names #$o"; done
done
ym queue thaw >/dev/null

# Two proposals of the very same commit are no cycle.
o=$(pr o src/o1 o 'Twice')
git -C "$C" push -q origin pr-o:refs/for/main/o-again 2>/dev/null
s=$(ymj '.[] | select(.topic == "o-again") | .number' pr list)
add "$o"
add "$s"
ok 'of two PRs with one head the first lands' landed "$o"
wait_ok '... and the other has nothing left' "[[ \"\$(comments $s)\" == *'nothing of it is left to land'* ]]"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
