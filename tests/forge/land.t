#!/bin/bash
# Landing on GitHub by squash: the PR's head is moved first, and goes back when the base is refused; forks,
# the agent's branch, receipts. It is an Enterprise Server with a certificate of a private authority.
. "$(dirname "$0")/land_lib.sh"

land_start squash --enterprise

# --- squash ---------------------------------------------------------------------------------------
gh_push one src/one2.txt second >/dev/null
land_pr one first
land_queue "$n"
ok 'GitHub shows a squashed PR as merged' merged "$n"
tip=$(gh_base_oid)
is "$(gh_head "$n")" "$tip" 'its head is the commit that landed'
is "$(git -C "$(gh_state .dir)" rev-list --count "$tip^..$tip")" 1 'which is one commit'
wait_ok 'the landing is over' '[ "$(ymj length queue list)" = 0 ]'
is "$(ymj .head pr show "$n")" "$head" 'the ledger keeps the approved head'
unlike "$(gh_comments "$n")" 'is void' 'and no approval is void for the moved head'
is "$(land_branch one)" "$tip" "a person's branch stays"
wait_ok 'the receipt is on the forge' "git -C '$(gh_state .dir)' notes --ref yardmaster show $tip"
git clone -q --bare "${GH/:\/\//://x-access-token:$(gh_token)@}/$GH_REPO.git" "$T/clone"
git -C "$T/clone" fetch -q origin '+refs/notes/*:refs/notes/*' '+refs/yardmaster/*:refs/yardmaster/*'
ok 'and holds in a clone' "$YARDMASTER" receipt verify "$tip" --repo-path "$T/clone"

# Somebody else's notes are on the forge: both are kept.
git -C "$T/clone" update-ref -d refs/notes/yardmaster
git -C "$T/clone" notes --ref yardmaster add -m '{"version": 1}' "$tip^"
git -C "$T/clone" push -q -f origin refs/notes/yardmaster

# --- refused: everything as it was ----------------------------------------------------------------
land_pr two fine
gh_protect '{"refuse": "GH006: Protected branch update failed"}'
land_queue "$n"
wait_ok 'a base that refuses gives the entry back with its words' \
	"gh_comments $n | grep 'tried 3 times' | grep -q 'GH006: Protected branch update failed'"
wait_ok 'the head is the approved one again' "[ \"\$(gh_head $n)\" = $head ]"
is "$(gh_base_oid)" "$tip" 'the base is where it was'
is "$(gh_pr_state "$n")" open 'the PR is open'
is "$(ymj '.approvals | map(.user) | join(" ")' pr show "$n")" bob 'and approved'
unlike "$(gh_comments "$n")" 'is void' 'and nothing says it were not'
wait_ok 'nothing is left to do' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(ledger "SELECT group_concat(DISTINCT head_state) FROM landing WHERE state = 'failed'")" restored 'every head went back'
gh_protect '{"none": true}'

# --- a fork ---------------------------------------------------------------------------------------
gh_fork eve
gift() { # NAME MODIFY
	gh_gift "$1" "$2"
	n=$pr
	must gh_known "$n"
	gh_review "$n" APPROVE '' bob
	must wait_for "ymj '.approvals[].user' pr show $n | grep -q bob"
	land_queue "$n"
}
for can in false true; do
	gift "gift-$can" "$can"
	wait_ok "a PR of a fork lands (its author lets edit: $can)" "[ \"\$(gh_base_file src/gift-$can.txt)\" = fine ]"
	wait_ok 'and is closed' "[ \"\$(gh_pr_state $n)\" = closed ]"
	wait_ok 'with the commit named' "gh_comments $n | grep -q \"landed on .main. as \$(gh_base_oid)\""
done
ok 'notes of both sides are on the forge' wait_for \
	"git -C '$(gh_state .dir)' notes --ref yardmaster show $tip^ && git -C '$(gh_state .dir)' notes --ref yardmaster show $tip" 20

# --- an agent's branch ----------------------------------------------------------------------------
i=$(gh_issue 'Fix it')
gh_label "$i" agent:fix
must wait_for '[ "$(ymj ".[0].state" task list)" = review ]'
n=$(ymj .pr task show 1)
topic=$(gh_as alice GET "/repos/$GH_REPO/pulls/$n" | jq -r .head.ref)
gh_review "$n" APPROVE '' alice
ok "an agent's PR lands" merged "$n"
wait_ok 'and its branch is deleted' "[ \"\$(land_branch $topic)\" = gone ]"
is "$(gh_pr_state "$n")" merged 'it is still merged'
is "$(ymj .state task show 1)" merged 'and its task is over'

# --- policy ---------------------------------------------------------------------------------------
gh_push main .github/yardmaster.yml 'queue: { method: squash, forks: refuse }' bob >/dev/null
must wait_for '[ "$(ymj ".[0].head" repo list)" = "$(gh_base_oid)" ]'
gift gift-refused false
wait_ok 'by policy it does not land' "gh_comments $n | grep -q 'Taken out of the merge queue: the head of this PR from a fork'"
is "$(gh_pr_state "$n")$(gh_base_file src/gift-refused.txt)" open 'and stays open'
land_end
