#!/bin/bash
# Landing on GitHub by rebase: stacks, a head that GitHub shows late, a push in between, kill -9.
. "$(dirname "$0")/land_lib.sh"

land_start rebase

# --- a stack --------------------------------------------------------------------------------------
land_pr below fine
below=$n
gh_push main src/other.txt fine bob >/dev/null # so that what lands is another commit than the head
gh_ctl POST /push "$(jq -nc --arg r "$GH_REPO" '{repo: $r, branch: "above", from: "below", as: "alice", files: {"src/above.txt": "fine\n"}, message: "Above"}')" >/dev/null
above=$(gh_as alice POST "/repos/$GH_REPO/pulls" '{"head": "above", "base": "below", "title": "Above"}' | jq -r .number)
must gh_known "$above"
wait_ok 'a PR based on another one depends on it' "ledger 'SELECT on_pr FROM dependency WHERE pr = $above AND source = \"stack\"' | grep -qx $below"
gh_review "$above" APPROVE '' bob
land_queue "$above"
wait_ok 'it waits' "ymj '.[].waits' queue list | grep -q '#$below'"
land_queue "$below"
ok 'the lower one lands' merged "$below"
ok 'the upper one after it, on the base' merged "$above"
is "$(gh_as alice GET "/repos/$GH_REPO/pulls/$above" | jq -r .base.ref)" main 'it was given another base'
is "$(gh_requests "[.[] | select((.method == \"PATCH\" and (.path | endswith(\"/pulls/$above\"))) or (.path | endswith(\"/git-receive-pack\"))) | .method][0]")" PATCH \
	'before anything was pushed'
is "$(git -C "$(gh_state .dir)" log -1 --format= --name-only main)" src/above.txt 'and brought only what is its own'
isnt "$(gh_head "$below")" "$head" 'the head was moved'

# --- a native stack of GitHub's -------------------------------------------------------------------
land_pr low fine
below=$n
gh_ctl POST /push "$(jq -nc --arg r "$GH_REPO" '{repo: $r, branch: "high", from: "low", as: "alice", files: {"src/high.txt": "fine\n"}, message: "High"}')" >/dev/null
above=$(gh_as alice POST "/repos/$GH_REPO/pulls" '{"head": "high", "base": "low", "title": "High"}' | jq -r .number)
gh_ctl PUT /stack "$(jq -nc --arg r "$GH_REPO" --argjson a "$below" --argjson b "$above" '{repo: $r, numbers: [$a, $b]}')" >/dev/null
must gh_known "$above"
land_queue "$below"
ok 'the lower one of a native stack lands' merged "$below"
wait_ok 'the upper one keeps its base, and is told what to do' \
	"gh_comments $above | grep \"^#$below, on whose branch\" | grep -q 'part of GitHub.s stack 1, .*gh stack unstack 1.*then set the PR.s base to .main'"
is "$(gh_as alice GET "/repos/$GH_REPO/pulls/$above" | jq -r .base.ref) $(ledger "SELECT base FROM pr WHERE number = $above")" 'low low' \
	'and the ledger knows no other base'
gh_ctl DELETE /stack "$(jq -nc --arg r "$GH_REPO" '{repo: $r, number: 1}')" >/dev/null
gh_as alice PATCH "/repos/$GH_REPO/pulls/$above" '{"base": "main"}' >/dev/null
must wait_for "ledger 'SELECT base FROM pr WHERE number = $above' | grep -qx main"
gh_review "$above" APPROVE '' bob
land_queue "$above"
ok 'when the stack is dissolved it lands' merged "$above"

# --- the forge does not show the head -------------------------------------------------------------
land_pr two fine
base=$(gh_push main src/more.txt fine bob)
must wait_for "[ \"\$(ymj '.[0].head' repo list)\" = $base ]"
land_hold true
land_queue "$n"
wait_ok 'the head is pushed' "[ \"\$(land_branch two)\" != $head ]"
is "$(gh_base_oid)" "$base" 'the base waits for it'
wait_ok 'not shown in time, it goes back' "ledger \"SELECT head_state FROM landing WHERE pr = $n\" | grep -q restored"
is "$(gh_base_oid)" "$base" 'and the base has not moved'
land_hold false
ok 'it lands when the forge has caught up' merged "$n"
unlike "$(gh_comments "$n")" 'is void' 'still approved'

# --- a push in between ----------------------------------------------------------------------------
land_pr three fine
base=$(gh_push main src/yet.txt fine bob)
must wait_for "[ \"\$(ymj '.[0].head' repo list)\" = $base ]"
land_hold true
land_queue "$n"
must wait_for "[ \"\$(land_branch three)\" != $head ]"
late=$(git -C "$(gh_state .dir)" -c user.name=a -c user.email=a@b commit-tree -p "$head" -m late "$head^{tree}")
git -C "$(gh_state .dir)" update-ref refs/heads/three "$late"
land_hold false
wait_ok 'a push over the moved head voids the approval' "gh_comments $n | grep -q 'is void'"
wait_ok 'and the PR leaves the queue' '[ "$(ymj length queue list)" = 0 ]'
wait_ok 'nothing is left to do' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(gh_head "$n")" "$late" 'the push is not overwritten'
is "$(gh_base_oid)" "$base" 'nor has the base moved'

# --- kill -9 --------------------------------------------------------------------------------------
gh_protect '{"none": true}'
for at in cand-head-push:after cand-head:after cand-push:after; do
	land_pr "k-${at/:/-}" fine
	base=$(gh_push main "src/${at/:/-}.txt" fine bob)
	must wait_for "[ \"\$(ymj '.[0].head' repo list)\" = $base ]"
	ym_stop
	YARDMASTER_CRASH_AT=$at ym_start
	gh_hook_here
	land_queue "$n"
	must wait_for "! kill -0 $daemon 2>/dev/null"
	ym_start
	gh_hook_here
	ok "killed at $at, it lands" merged "$n"
	unlike "$(gh_comments "$n")" 'is void' 'with its approval'
done
land_end
