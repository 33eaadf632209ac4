#!/bin/bash
# Landing on GitHub by squash and rebase: the PR's head is moved first and goes back when the base is
# refused; stacks, forks, a head that GitHub shows late, a push in between, kill -9, the branch, receipts.
. "$(dirname "$0")/lib.sh"

agent fixer <<'END2'
echo fixed >src/fixed.txt
complete "Fixed."
END2
gh_start
sample_source app
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  method: squash
  gates: ["sh gate.sh"]'
commit_file "$T/src/app" .github/blueprints/fix.yml 'name: fix
allow: ["src/**"]
steps:
  - agent: prompts/fix.md
  - pull-request: {}
  - review: {}
  - queue: {}'
commit_file "$T/src/app" .github/blueprints/prompts/fix.md 'Do what the issue says.'
GH_REPO=octo/app
gh_ctl POST /repo "$(jq -nc --arg from "$T/src/app" '{full_name: "octo/app", from: $from,
	collaborators: {alice: "write", bob: "maintain", carol: "admin", eve: "read"}}')" >/dev/null
gh_conf
sed -i 's/^github:/github:\n  head-seconds: 3/' "$T/yardmaster.yml" 2>/dev/null || true
ym_start
me
gh_hook_here
gh_add

head_of() { gh_as alice GET "/repos/$GH_REPO/pulls/$1" | jq -r .head.sha; }
known() { wait_for "[ \"\$(ymj .head pr show $1 2>/dev/null)\" = \$(head_of $1) ]"; }
merged() { wait_for "[ \"\$(gh_pr_state $1)\" = merged ]" 20; }
must() { "$@" || bail "in vain: $*"; }
sql() { sqlite3 "$D/ledger.db" "$1"; }
pr() { # NAME TEXT: a PR that is known and approved; sets $n and $head
	gh_push "$1" "src/$1.txt" "$2" >/dev/null
	n=$(gh_pr "$1" "PR $1")
	must known "$n"
	head=$(head_of "$n")
	gh_review "$n" APPROVE '' bob
	must wait_for "ymj '.approvals[].user' pr show $n | grep -q bob" 20
}
queue() { gh_comment "$1" '/yard queue' bob >/dev/null; }

# --- squash ---------------------------------------------------------------------------------------
pr one first
gh_push one src/one2.txt second >/dev/null
must wait_for "[ \"\$(ymj .head pr show $n)\" = \$(head_of $n) ]"
head=$(head_of "$n")
queue "$n"
ok 'GitHub shows a squashed PR as merged' merged "$n"
tip=$(gh_base_oid)
is "$(head_of "$n")" "$tip" 'its head is the commit that landed'
is "$(git -C "$(gh_state .dir)" rev-list --count "$tip^..$tip")" 1 'which is one commit'
wait_ok 'the landing is over' '[ "$(ymj length queue list)" = 0 ]'
is "$(ymj .head pr show "$n")" "$head" 'the ledger keeps the approved head'
unlike "$(gh_comments "$n")" 'is void' 'and no approval is void for the moved head'
is "$(gh_state '.branches["refs/heads/one"] // "gone"')" "$tip" "a person's branch stays"
wait_ok 'the receipt is on the forge' "git -C '$(gh_state .dir)' notes --ref yardmaster show $tip"
git clone -q --bare "$GH/$GH_REPO.git" "$T/clone"
git -C "$T/clone" fetch -q origin '+refs/notes/*:refs/notes/*'
ok 'and holds in a clone' "$YARDMASTER" receipt verify "$tip" --repo-path "$T/clone"

# --- refused: everything as it was ----------------------------------------------------------------
pr two fine
gh_ctl PUT /protection "$(jq -nc --arg r "$GH_REPO" '{repo: $r, branch: "main", refuse: "GH006: Protected branch update failed"}')" >/dev/null
queue "$n"
wait_ok 'a base that refuses gives the entry back with its words' \
	"gh_comments $n | grep -q 'tried 3 times.*Protected branch update failed'"
wait_ok 'the head is the approved one again' "[ \"\$(head_of $n)\" = $head ]"
is "$(gh_base_oid)" "$tip" 'the base is where it was'
is "$(gh_pr_state "$n")" open 'the PR is open'
is "$(ymj '.approvals | map(.user) | join(" ")' pr show "$n")" bob 'and approved'
unlike "$(gh_comments "$n")" 'is void' 'and nothing says it were not'
wait_ok 'nothing is left to do' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(sql "SELECT group_concat(DISTINCT head_state) FROM landing WHERE state = 'failed'")" restored 'every head went back'
gh_ctl PUT /protection "$(jq -nc --arg r "$GH_REPO" '{repo: $r, branch: "main", none: true}')" >/dev/null

# --- the forge does not show the head -------------------------------------------------------------
gh_ctl PATCH /repo "$(jq -nc --arg r "$GH_REPO" '{repo: $r, hold_pushes: true}')" >/dev/null
queue "$n"
wait_ok 'the head is pushed' "[ \"\$(gh_state '.branches[\"refs/heads/two\"]')\" != $head ]"
is "$(gh_base_oid)" "$tip" 'the base waits for it'
wait_ok 'not shown in time, it goes back' "sql \"SELECT head_state FROM landing WHERE pr = $n AND id > 4\" | grep -q restored"
is "$(gh_base_oid)" "$tip" 'and the base has not moved'
gh_ctl PATCH /repo "$(jq -nc --arg r "$GH_REPO" '{repo: $r, hold_pushes: false}')" >/dev/null
ok 'it lands when the forge has caught up' merged "$n"
unlike "$(gh_comments "$n")" 'is void' 'still approved'

# --- a push in between ----------------------------------------------------------------------------
pr three fine
gh_ctl PATCH /repo "$(jq -nc --arg r "$GH_REPO" '{repo: $r, hold_pushes: true}')" >/dev/null
base=$(gh_base_oid)
queue "$n"
must wait_for "[ \"\$(gh_state '.branches[\"refs/heads/three\"]')\" != $head ]" 20
git -C "$T/src/app" fetch -q "$(gh_state .dir)" "$head"
late=$(git -C "$T/src/app" commit-tree -p "$head" -m late "$head^{tree}")
git -C "$(gh_state .dir)" fetch -q "$T/src/app" "$late" 2>/dev/null || git -C "$T/src/app" push -q "$(gh_state .dir)" "$late:refs/tmp/late"
git -C "$(gh_state .dir)" update-ref refs/heads/three "$late"
gh_ctl PATCH /repo "$(jq -nc --arg r "$GH_REPO" '{repo: $r, hold_pushes: false}')" >/dev/null
wait_ok 'a push over the moved head voids the approval' "gh_comments $n | grep -q 'is void'"
wait_ok 'and the PR is not landed' "[ \"\$(ymj length queue list)\" = 0 ]"
is "$(head_of "$n")" "$late" 'the push is not overwritten'
is "$(gh_base_oid)" "$base" 'nor has the base moved'

# --- a stack --------------------------------------------------------------------------------------
pr below fine
below=$n
gh_ctl POST /push "$(jq -nc --arg r "$GH_REPO" --arg f "$head" '{repo: $r, branch: "above", from: "below", as: "alice", files: {"src/above.txt": "fine\n"}, message: "Above"}')" >/dev/null
above=$(gh_as alice POST "/repos/$GH_REPO/pulls" '{"head": "above", "base": "below", "title": "Above"}' | jq -r .number)
must known "$above"
wait_ok 'a PR based on another one depends on it' "sql 'SELECT on_pr FROM dependency WHERE pr = $above AND source = \"stack\"' | grep -qx $below"
gh_review "$above" APPROVE '' bob
queue "$above"
wait_ok 'it waits' "ymj '.[].waits' queue list | grep -q '#$below'"
queue "$below"
ok 'the lower one lands' merged "$below"
ok 'the upper one after it, on the base' merged "$above"
is "$(gh_as alice GET "/repos/$GH_REPO/pulls/$above" | jq -r .base.ref)" main 'it was given another base'
is "$(git -C "$(gh_state .dir)" log -1 --format= --name-only main)" src/above.txt 'and brought only what is its own'

# --- a fork ---------------------------------------------------------------------------------------
gh_ctl POST /fork "$(jq -nc --arg r "$GH_REPO" '{repo: $r, user: "eve"}')" >/dev/null
gh_ctl POST /push '{"repo": "eve/app", "branch": "gift", "as": "eve", "files": {"src/gift.txt": "fine\n"}, "message": "Gift"}' >/dev/null
n=$(gh_pr eve:gift 'A gift' '' eve)
must known "$n"
gh_review "$n" APPROVE '' bob
queue "$n"
wait_ok 'a PR of a fork that cannot be written lands' '[ "$(gh_base_file src/gift.txt)" = fine ]'
wait_ok 'and is closed' "[ \"\$(gh_pr_state $n)\" = closed ]"
wait_ok 'with the commit named' "gh_comments $n | grep -q \"landed on .main. as \$(gh_base_oid)\""

# --- an agent's branch ----------------------------------------------------------------------------
i=$(gh_issue 'Fix it')
gh_label "$i" agent:fix
must wait_for '[ "$(ymj ".[0].state" task list)" = review ]' 30
n=$(ymj .pr task show 1)
topic=$(gh_as alice GET "/repos/$GH_REPO/pulls/$n" | jq -r .head.ref)
gh_review "$n" APPROVE '' alice
ok "an agent's PR lands" merged "$n"
wait_ok 'and its branch is deleted' "[ \"\$(gh_state '.branches[\"refs/heads/$topic\"] // \"gone\"')\" = gone ]"
is "$(gh_pr_state "$n")" merged 'it is still merged'

# --- kill -9 --------------------------------------------------------------------------------------
for at in cand-head-push:before cand-head-push:after cand-head:after cand-push:after; do
	pr "k-${at/:/-}" fine
	ym_stop
	YARDMASTER_CRASH_AT=$at ym_start
	gh_hook_here
	queue "$n"
	must wait_for '! kill -0 "$ym_pid" 2>/dev/null' 30
	ym_start
	gh_hook_here
	ok "killed at $at, it lands" merged "$n"
	unlike "$(gh_comments "$n")" 'is void' 'with its approval'
done
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
