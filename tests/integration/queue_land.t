#!/bin/bash
# An approved PR lands as exactly the tree that was tested, by merge, rebase and squash, with a receipt.
# check: sanitize
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
first_base=$(base_oid)

# --- merge ----------------------------------------------------------------------------------------
a=$(pr a src/a.txt 'line a' 'Change a

Because of b.')
b=$(pr b src/b.txt 'line b' 'Change b')
head=$(pr_tip a)
ok 'approve' ym pr approve "$a" --head "${head:0:10}"
is "$(pr_state "$a")" open 'an approval alone lands nothing'
like "$(ym queue why "$a")" '1 of 1 approvals.*yardmaster queue add|1 of 1 approvals' 'why: it is approved and not queued'
ok 'queue both' bash -c "'$YARDMASTER' --socket '$D/socket' queue add $a && '$YARDMASTER' --socket '$D/socket' queue add $b"
landed "$a" && landed "$b"
is "$(base_file $R src/a.txt)$(base_file $R src/b.txt)" 'line aline b' 'both are on the base branch'
commit=$(ymj .landed pr show "$a")
parent=$(git -C "$bare" rev-parse "$commit^1")
is "$(git -C "$bare" rev-parse "$commit^2")" "$head" 'a merge of the approved head'
is "$(git -C "$bare" rev-parse "$commit^{tree}")" "$(git -C "$bare" merge-tree --write-tree "$parent" "$head")" \
	'its tree is the one of git merge-tree'
like "$(git -C "$bare" log -1 --format=%B "$commit")" "^Merge #$a: Change a.*Because of b" 'its message names the PR'
log=$(cat "$D"/runs/c*-g0-1/out | grep -B9 -A9 "YARDMASTER_COMMIT=$commit")
like "$log" "CI=true.YARDMASTER_BASE=main.YARDMASTER_BASE_SHA=$parent.YARDMASTER_COMMIT=$commit.YARDMASTER_HEAD=$head.YARDMASTER_PR=$a.YARDMASTER_REPO=$R" \
	'the gate was told what it tests'
like "$log" "origin/main $parent main $parent own src/a.txt" '... and can ask Git what is new against the base'
like "$log" 'status: .gate: ok' '... in a clean checkout'
like "$(sticky "$a")" "Landed on \`main\` as ${commit:0:12}" 'the PR says where it landed'
like "$(ym queue why "$a")" "merged as ${commit:0:12}" 'so does why'
is "$(ymj '. | length' queue list)" 0 'the queue is empty'
exits 5 'a merged PR is not queued' ym queue add "$a"
exits 5 'a merged PR is not closed' ym pr close "$a"
like "$(ym pr diff "$a")" '\+line a' 'the diff of a merged PR is still its change'

# --- receipts -------------------------------------------------------------------------------------
like "$(ym receipt show "${commit:0:12}")" "$head" 'receipt show, by a short name, has the head'
exits 2 '... and what is no id is refused' ym receipt show HEAD
exits 3 '... or not found' ym receipt show 1234567
is "$(ymj '"\(.pr) \(.method) \(.approvals[0].user) \(.checks[0].command) \(.checks[0].code)"' receipt show "$commit")" \
	"$a merge $ME sh gate.sh 0" '... the approval and the check'
verify() { "$YARDMASTER" receipt verify "$1" --repo-path "${2-$bare}"; }
ok 'receipt verify' verify "$commit"
exits 1 'a commit without a receipt does not verify' verify "$first_base"
like "$(verify "$first_base" 2>&1)" 'there is none' '... and says so'
exits 3 'an unknown commit' verify 1234567
exits 3 'receipt show without a receipt' ym receipt show "$first_base"
for c in $(git -C "$bare" rev-list --first-parent "$first_base..main"); do
	verify "$c" >/dev/null || fail "the receipt of $c holds"
done
is "$(git -C "$bare" rev-list --first-parent "$first_base..main" | wc -l)" 2 'every commit of the base has one'
git clone -q "$bare" "$T/v"
git -C "$T/v" fetch -q origin refs/notes/yardmaster:refs/notes/yardmaster 'refs/pull/*:refs/pull/*'
ok 'a clone with the notes verifies too' verify "$commit" "$T/v"
git -C "$T/v" notes --ref yardmaster show "$commit" | jq -c ".head = \"$(pr_tip b)\"" >"$T/note"
git -C "$T/v" notes --ref yardmaster add -f -F "$T/note" "$commit" 2>/dev/null
exits 1 'a receipt with another head does not hold' verify "$commit" "$T/v"
git -C "$T/v" notes --ref yardmaster show main | jq -c ".tree = .base" >"$T/note"
git -C "$T/v" notes --ref yardmaster add -f -F "$T/note" main 2>/dev/null
exits 1 'nor one with another tree' verify main "$T/v"
git -C "$T/v" notes --ref yardmaster add -f -m 'no json' main 2>/dev/null
not_ok 'nor one that is no receipt' verify main "$T/v"

# --- squash and rebase ----------------------------------------------------------------------------
set_method() { # lands as a PR, like every change of the configuration
	local n
	n=$(pr "method-$1" .github/yardmaster.yml "queue:
  method: $1
  gates: [\"sh gate.sh\"]" "Land by $1")
	ym queue add "$n" >/dev/null && landed "$n"
	wait_for "[ \"\$(git -C '$bare' rev-parse main)\" = \"\$(ymj '.[0].config_oid' repo list)\" ]"
}
two_commits() { # TOPIC PATH
	git -C "$C" fetch -q origin
	git -C "$C" checkout -q --detach "${3-origin/main}"
	commit_file "$C" "$2.1" one "First of $1"
	commit_file "$C" "$2.2" two "Second of $1"
	git -C "$C" push -q origin "+HEAD:refs/for/main/$1" 2>/dev/null
	ymj ".[] | select(.topic == \"$1\") | .number" pr list
}
old=$(git -C "$bare" rev-parse main~1)
ok 'the method becomes squash' set_method squash
n=$(two_commits sq src/sq "$old")
before=$(base_oid)
ym queue add "$n" >/dev/null
landed "$n"
is "$(git -C "$bare" rev-parse 'main^@')" "$before" 'a squash has one parent, the base'
like "$(git -C "$bare" log -1 --format=%B main)" "^First of sq \(#$n\)" 'and the PR in its message'
is "$(git -C "$bare" rev-parse 'main^{tree}')" "$(git -C "$bare" merge-tree --write-tree "$before" "$(ymj .head pr show "$n")")" \
	'its tree is that of git merge-tree'
ok 'its receipt holds' verify main
is "$(git -C "$bare" rev-parse "refs/yardmaster/heads/$n")" "$(ymj .head pr show "$n")" 'the approved head is kept'

ok 'the method becomes rebase' set_method rebase
n=$(two_commits rb src/rb "$old")
before=$(base_oid)
ym queue add "$n" >/dev/null
landed "$n"
is "$(git -C "$bare" log --format=%s "$before..main" | tr '\n' '|')" 'Second of rb|First of rb|' \
	'a rebase lands every commit on the base'
is "$(git -C "$bare" rev-list --merges --count "$before..main")" 0 '... without a merge'
is "$(git -C "$bare" log -1 --format=%an main)" Tester '... and keeps the author'
is "$(git -C "$bare" rev-parse 'main^{tree}')" "$(git -C "$bare" merge-tree --write-tree "$before" "$(ymj .head pr show "$n")")" \
	'its tree is that of git merge-tree'
ok 'its receipt holds' verify main
n=$(pr again src/sq.1 one 'Nothing new' "$old")
ym queue add "$n" >/dev/null
wait_ok 'what is on the base already is taken out' '[[ "$(last_comment '"$n"')" == *"nothing of it is left to land"* ]]'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
