#!/bin/bash
# Repositories and users of the local forge: made, copied, listed, refused with a sentence that helps.
. "$(dirname "$0")/lib.sh"

ym_start
me

# --- repositories ---------------------------------------------------------------------------------
git init -q "$T/src/one"
commit_file "$T/src/one" a.txt one 'First'
git -C "$T/src/one" branch topic
git -C "$T/src/one" tag v1
like "$(ym repo add one --from "$T/src/one")" "git push $(repo_path one) HEAD:refs/for/main/TOPIC" \
	'repo add says how to propose a change'
is "$(base_file one a.txt)" one 'the copy has the files'
is "$(git -C "$(repo_path one)" rev-parse topic v1)" \
	"$(git -C "$T/src/one" rev-parse topic v1)" 'the copy has the branches and the tags'
wait_ok 'repo list has its head' '[ "$(ymj ".[] | select(.name == \"one\") | .head" repo list)" = '"$(
	git -C "$T/src/one" rev-parse main
)"' ]'

exits 5 'the same name again is refused' ym repo add one
like "$(ym repo add one 2>&1)" "one: is here already" '... and says so'
for bad in '' .hidden -dash 'a b' ../b "$(printf 'x%.0s' {1..65})"; do
	exits 2 "the name '${bad:0:10}' is refused" ym repo add -- "$bad"
done
like "$(ym repo add .hidden 2>&1)" "expected 1 to 64 letters" '... and says what is allowed'
not_ok 'a source that is not there is refused' ym repo add gone --from "$T/src/nothing"
like "$(ym repo add gone --from "$T/src/nothing" 2>&1)" "$T/src/nothing" '... and names it'
ok 'the name is free after the failure' ym repo add gone
mkdir "$T/src/plain"
not_ok 'a folder that is no repository is refused' ym repo add plain --from "$T/src/plain"
not_ok 'a base that the source has not is refused' ym repo add nobase --from "$T/src/one" --base release
like "$(ym repo add nobase --from "$T/src/one" --base release 2>&1)" release '... and names it'

git init -q -b trunk "$T/src/two"
commit_file "$T/src/two" a.txt two
ok 'the base is the HEAD of the source' ym repo add two --from "$T/src/two"
is "$(ymj '.[] | select(.name == "two") | .base' repo list)" trunk '... whatever it is called'
ok 'a source is found from where one stands' bash -c "cd '$T/src' && '$YARDMASTER' --socket '$D/socket' repo add three --from one"

ok 'an empty repository' ym repo add empty
is "$(ymj '.[] | select(.name == "empty") | .head // "none"' repo list)" none 'has no head'
exits 2 'a command that needs one of several repositories says so' ym issue list
like "$(ym issue list 2>&1)" 'name one with --repo' '... and how'
exits 3 'an unknown repository' ym issue list -R nowhere

# --- another base ---------------------------------------------------------------------------------
B=$(repo_path one)
git clone -q "$B" "$T/clone-one"
C=$T/clone-one
commit_file "$C" new.txt new 'A change'
git -C "$C" push -q origin HEAD:refs/for/main/change 2>/dev/null
exits 3 'a branch that is not there is no base' ym repo set-base one nowhere
exits 5 'nor the one that it has' ym repo set-base one main
ym pr approve 1 -R one >/dev/null
ym queue freeze -R one >/dev/null
ym queue add 1 -R one >/dev/null
like "$(ym repo set-base one topic 2>&1)" 'PRs are in its queue; take them out first: yardmaster queue remove 1 -R one' 'not while PRs are in the queue'
like "$(ym repo remove one 2>&1)" 'take them out first' '... nor is it removed then'
ym queue remove 1 -R one >/dev/null
like "$(ym repo set-base one topic)" 'the base is topic now, no longer main' 'another branch becomes the base'
wait_ok '... with its head' "[ \"\$(ymj '.[] | select(.name == \"one\") | \"\\(.base) \\(.head)\"' repo list)\" = \"topic \$(git -C '$B' rev-parse topic)\" ]"
is "$(ymj '"\(.base) \(.approvals[0].void_reason)"' pr show 1 -R one)" 'topic the base became another branch' 'open PRs go with it, and their approvals are void'
ok 'pushes go to the new one' git -C "$C" push -q origin HEAD:refs/for/topic/more
exits 1 'and what was the base is not the queue'"'"'s to guard, the new one is' git -C "$C" push -q origin HEAD:topic
wait_ok 'the PR is understood on it' "[ \"\$(ymj .known_head pr show 1 -R one)\" = \"\$(ymj .head pr show 1 -R one)\" ]"

# --- removed, and back ----------------------------------------------------------------------------
ym queue thaw -R one >/dev/null
like "$(ym repo remove one)" 'repo add one. takes it back' 'a repository is removed'
is "$(ymj '[.[] | select(.name == "one")] | length' repo list)" 0 '... and not listed any more'
exits 3 '... nor known' ym pr list -R one
exits 1 '... nor takes pushes' git -C "$C" push -q origin HEAD:refs/for/topic/gone
ok '... its files stay' test -d "$B"
ok 'repo add takes it back' ym repo add one
is "$(ymj '.[] | select(.name == "one") | .base' repo list)" topic '... with its base'
is "$(ymj .title pr show 1 -R one)" 'A change' '... and its PRs'
like "$(ym repo remove one --purge)" 'removed, with its issues, pull requests and files' 'purged it is gone'
ok '... with its files' test ! -e "$B"
ok 'the name is free' ym repo add one --from "$T/src/one"
is "$(ymj 'length' pr list -R one --state all)" 0 '... and what is added by it is another one'
exits 3 'an unknown one is not removed' ym repo remove nowhere

# --- users ----------------------------------------------------------------------------------------
like "$(ym user add anna --uid 4001 --permission write)" 'anna' 'a user is added'
ok 'another one' ym user add rita --uid 4002 --permission read
is "$(ymj '.[] | select(.name == "anna") | "\(.uid) \(.permission)"' user list)" '4001 write' \
	'user list has name, uid and permission'
is "$(ymj ".[] | select(.name == \"$ME\") | .permission" user list)" maintain \
	'the owner may do everything'
exits 5 'a uid has one name' ym user add otto --uid 4001
ok 'adding again changes the permission' ym user add rita --uid 4002 --permission maintain
is "$(ymj '.[] | select(.name == "rita") | .permission' user list)" maintain '... as the list shows'
ok 'and back' ym user add rita --uid 4002 --permission read
ok 'the owner takes another name' ym user add boss --uid "$(id -u)"
is "$(ymj '.[] | select(.name == "boss") | .permission' user list)" maintain 'and may what an owner may'
exits 2 'an unknown permission' ym user add otto --uid 4003 --permission admin
exits 2 "the program's own name" ym user add yardmaster --uid 4004
exits 3 'a permission in an unknown repository' ym user add otto --uid 4003 --repo nowhere
ok 'a permission in one repository' ym user add otto --uid 4003 --permission write --repo one
ok '... counts there' ym --as otto issue create -R one --title hello
exits 4 '... and nowhere else' ym --as otto issue create -R empty --title hello
like "$(ym --as otto issue create -R empty --title hello 2>&1)" "needs the permission 'read'" \
	'... and the refusal names the permission'
exits 4 'a stranger may nothing' ym --as stranger issue list -R one
exits 4 'a reader closes no issue' ym --as rita issue close 1 -R one
exits 4 'a reader sets no label' ym --as rita issue label 1 -R one --add bug
exits 4 'a reader creates no issue with a label' ym --as rita issue create -R one --title x --label agent:bugfix
exits 4 'a writer freezes nothing' ym --as anna queue freeze -R one
ym_stop
is $? 0 'the daemon ends when told'
exits 6 'without a daemon the exit code says so' ym repo list
done_testing
