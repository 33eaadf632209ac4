#!/bin/bash
# `git push origin HEAD:refs/for/main/TOPIC` opens a PR and updates it; everything else is refused
# with a sentence that helps, and nothing is lost.
# check: sanitize
. "$(dirname "$0")/lib.sh"

ym_start
me
sample_repo app
clone app "$T/c"
cd "$T/c" || exit 1
push() { git push origin "$@" 2>&1; }

# --- open and update ------------------------------------------------------------------------------
git checkout -q -b work
commit_file . src/a.txt 'line 1 new' 'Change the first line

It was old.'
like "$(push HEAD:refs/for/main/one)" 'PR #1 opened: Change the first line' 'a push opens a PR and says so'
is "$(ymj '"\(.state) \(.author) \(.base) \(.topic) \(.title)"' pr show 1)" \
	"open $ME main one Change the first line" 'it has author, base, topic and title'
like "$(ymj .body pr show 1)" '^It was old' 'and the text of the commit'
is "$(ymj .head pr show 1)" "$(git rev-parse HEAD)" 'its head is the commit'
is "$(ymj '.files | join(" ")' pr show 1)" src/a.txt 'its files are known'
like "$(ym pr diff 1)" '\+line 1 new' 'pr diff shows the change'
is "$(git ls-remote origin refs/pull/1/head | cut -f1)" "$(git rev-parse HEAD)" 'the head can be fetched'
commit_file . src/b.txt 'more' 'More'
like "$(push HEAD:refs/for/main/one)" 'PR #1 updated' 'a second push updates it'
git mv gate.sh src/gate.sh && git commit -q -m 'Move the gate'
push HEAD:refs/for/main/one >/dev/null
like "$(ymj '.files | join(" ")' pr show 1)" '(^| )gate.sh .*src/gate.sh|src/gate.sh gate.sh' 'a renamed file is there by both its names'
git reset -q --hard HEAD~1
push HEAD:refs/for/main/one >/dev/null
is "$(ymj .head pr show 1)" "$(git rev-parse HEAD)" '... to the new head'
is "$(ymj .title pr show 1)" 'Change the first line' '... and keeps what it is about'
git commit -q --amend -m 'More, said better'
like "$(push HEAD:refs/for/main/one)" 'PR #1 updated' 'a rewritten history updates it, without --force'
git commit -q --amend -m 'And again'
like "$(push --force HEAD:refs/for/main/one)" 'PR #1 updated' '... and with'
is "$(ymj .head pr show 1)" "$(git rev-parse HEAD)" '... to that head'
ok 'the same head again is no error' git push -q origin HEAD:refs/for/main/one
is "$(ymj '. | length' pr list)" 1 'there is one PR'

# --- two at once, and a stack ---------------------------------------------------------------------
git checkout -q -b other origin/main
commit_file . src/new.txt x 'A new file'
first=$(git rev-parse HEAD)
commit_file . src/new2.txt x 'On top of it'
out=$(push "$first:refs/for/main/base-of-stack" HEAD:refs/for/main/stack)
like "$out" 'PR #2 opened: A new file' 'two refs in one push: the first'
like "$out" 'PR #3 opened' '... and the second'
wait_ok 'the PR on top depends on the one below' '[ "$(ymj ".depends[] | \"\(.on_pr) \(.source)\"" pr show 3)" = "2 stack" ]'
is "$(ymj '.depends | length' pr show 2)" 0 '... and not the other way round'

# --- refusals -------------------------------------------------------------------------------------
refused() { # NAME REGEX REFSPEC...
	local out code=0
	out=$(push "${@:3}") || code=$?
	isnt $code 0 "$1: refused"
	like "$out" "$2" "$1: with a sentence"
}
refused 'no topic' 'expected refs/for/main/TOPIC' HEAD:refs/for/main
refused 'an empty topic' 'refs/for/main' HEAD:refs/for/main/
refused 'another base' "the base is 'main'" HEAD:refs/for/release/x
refused 'deletion' 'yardmaster pr close' :refs/for/main/one
refused 'nothing to propose' "is in 'main' already" origin/main:refs/for/main/nothing
refused 'the base branch' 'HEAD:refs/for/main/TOPIC' HEAD:main
refused 'the base branch, by force' 'HEAD:refs/for/main/TOPIC' --force HEAD:main
refused 'deletion of the base branch' 'deleting the current branch|merge queue only' :main
refused 'a head of a PR' "yardmaster's own" +HEAD:refs/pull/1/head
refused 'a ref of the queue' 'refs/yardmaster|hidden' HEAD:refs/yardmaster/x
refused 'receipts' "yardmaster's own" HEAD:refs/notes/yardmaster
refused "a task's branch" "yardmaster's own: a task's branch, which takes no push" HEAD:refs/heads/yardmaster/7-x
refused 'what would shut the tasks out' "yardmaster's own" HEAD:refs/heads/yardmaster
refused 'what would shut the PRs out' "yardmaster's own" HEAD:refs/pull/1
refused 'what would shut the receipts out' 'funny ref' HEAD:refs/notes
ok "somebody's own branch is nobody's business" git push -q origin HEAD:refs/heads/anna/work
is "$(base_file app src/new.txt)" '' 'main is where it was'
git checkout -q --orphan lonely
git commit -q -m 'No common history'
refused 'another history' 'no (common )?(history|ancestor|merge base)' HEAD:refs/for/main/lonely
git checkout -q -f other
is "$(ymj '[.[].number] | join(" ")' pr list)" '1 2 3' 'no refused push left a PR'

# --- permission -----------------------------------------------------------------------------------
ok 'the pusher may only read now' ym user add "$ME" --uid "$(id -u)" --permission read
refused 'permission read' "needs the permission 'write'; $ME has 'read'" HEAD:refs/for/main/reader
ok 'the pusher may all again' ym user add "$ME" --uid "$(id -u)" --permission maintain

# --- checkout, close ------------------------------------------------------------------------------
git checkout -q main
ok 'pr checkout' ym pr checkout 2
is "$(git rev-parse HEAD) $(git branch --show-current)" "$first pr/2" '... is on its head, on a branch of that name'
ok 'pr comment' ym pr comment 2 --body 'Nice.'
like "$(ym pr show 2)" 'Nice' '... shows'
ok 'pr close' ym pr close 2
is "$(pr_state 2)" closed '... closed it'
is "$(ymj '[.[].number] | join(" ")' pr list)" '1 3' 'a closed PR is not listed'
is "$(ymj '[.[].number] | join(" ")' pr list --state all)" '1 2 3' '... but with --state all'
exits 5 'a closed PR is not approved' ym pr approve 2
exits 3 'an unknown PR' ym pr show 99
like "$(push "$first:refs/for/main/base-of-stack")" 'PR #4 opened' 'a push to the topic of a closed PR opens a new one'

# --- the daemon is away ---------------------------------------------------------------------------
git checkout -q other
commit_file . src/away.txt x 'While it is away'
ym_stop
refused 'daemon away' 'daemon|connect|socket' HEAD:refs/for/main/away
is "$(git -C "$(repo_path app 2>/dev/null || echo "$D/repos/app.git")" for-each-ref refs/pull/5)" '' \
	'... leaves nothing behind'
ym_start
like "$(push HEAD:refs/for/main/away)" 'PR #5 opened' 'the same push again, daemon back'

# --- an empty repository --------------------------------------------------------------------------
ok 'an empty repository' ym repo add empty
git init -q "$T/e"
commit_file "$T/e" a.txt first 'First'
cd "$T/e" || exit 1
git remote add origin "$(repo_path empty)"
refused 'a proposal to an empty branch' 'push the first one to refs/heads/main' HEAD:refs/for/main/x
refused 'a branch in the place of the base' 'main' HEAD:refs/heads/main/sub
ok 'the first push to main is accepted' git push -q origin HEAD:main
wait_ok '... and noticed' '[ "$(ymj ".[] | select(.name == \"empty\") | .head" repo list)" = '"$(git rev-parse HEAD)"' ]'
commit_file . a.txt second 'Second'
refused 'the second one is not' 'HEAD:refs/for/main/TOPIC' HEAD:main
like "$(push HEAD:refs/for/main/x)" 'PR #1 opened' 'but a proposal is'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
