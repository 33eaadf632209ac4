#!/bin/bash
# People's own PRs on GitHub: pushes, reviews, holds, closed PRs, buttons on the checks tab, a fork.
. "$(dirname "$0")/lib.sh"

gh_start
gh_repo app
gh_daemon
gh_add
check() { gh_check "$(gh_head "$1")" yardmaster/queue; }

# --- queued by a comment --------------------------------------------------------------------------
pushed=$(gh_push one src/one.txt fine)
one=$(gh_pr one 'One')
ok 'a PR of a person is known' gh_known "$one"
gh_comment "$one" '/yard queue' bob >/dev/null
wait_ok 'a comment queues it, and it lands' "[ \"\$(gh_pr_state $one)\" = merged ]"
is "$(gh_base_file src/one.txt)" fine 'the file is on the base'
is "$(gh_head "$one")" "$pushed" 'by a merge, for which nobody touched its head'

# --- a push voids the approval --------------------------------------------------------------------
gh_push two src/two.txt 'here is a bug' >/dev/null
two=$(gh_pr two 'Two')
gh_known "$two"
gh_review "$two" APPROVE '' bob
wait_for "ymj '.approvals[].user' pr show $two | grep -q bob"
gh_push two src/two.txt 'still a bug' >/dev/null
wait_ok 'a push voids the approval, and says so' "gh_comments $two | grep -q 'the approval of the old head is void'"
gh_comment "$two" '/yard queue' >/dev/null
wait_ok 'what is red is taken out' "gh_comments $two | grep -q 'Taken out of the merge queue: its checks fail'"
wait_ok 'the checks tab says so' "[ \"\$(check $two)\" = failure ]"
run=$(gh_state "[.checks[] | select(.head_sha == \"$(gh_head "$two")\" and .name == \"yardmaster/queue\")] | last")
is "$(jq -r '.output.annotations[0] // .annotations[0] | "\(.path):\(.start_line)"' <<<"$run")" src/two.txt:1 \
	'with a note at the failing line'
is "$(jq -r '[.actions[].identifier] | join(" ")' <<<"$run")" 'queue why' 'and buttons'

# --- buttons --------------------------------------------------------------------------------------
gh_click "$(gh_head "$two")" yardmaster/queue why
wait_ok 'a button is answered' "gh_comments $two | grep -q 'Asked for by @alice on the checks tab'"
gh_click "$(gh_head "$two")" yardmaster/queue queue eve
wait_ok 'and needs the permission' "gh_comments $two | grep -q '@eve has .read.'"
gh_push two src/two.txt mended >/dev/null
gh_known "$two"
gh_comment "$two" '/yard hold' bob >/dev/null
wait_for "gh_comments $two | grep -qi 'held'"
gh_comment "$two" '/yard queue' bob >/dev/null
wait_ok 'a held one waits' "gh_comments $two | grep -q 'is held by bob'"
gh_comment "$two" '/yard unhold' bob >/dev/null
wait_ok 'and lands when it is free again' "[ \"\$(gh_pr_state $two)\" = merged ]"

# --- an issue that is transferred -------------------------------------------------------------------
GH_REPO_WAS=$GH_REPO
cp -r "$T/src/app" "$T/src/other"
git -C "$T/src/other" remote remove gh
gh_publish other
GH_REPO=$GH_REPO_WAS
n=$(gh_issue 'To be transferred')
wait_for "[ \"\$(ymj .title issue show $n)\" = 'To be transferred' ]" || bail 'the issue is not known'
there=$(gh_ctl POST /issue/transfer "$(jq -nc --arg r "$GH_REPO" --argjson n "$n" '{repo: $r, number: $n, to: "octo/other"}')" | jq .number)
wait_ok 'an issue that is transferred is closed here' "[ \"\$(ymj .state issue show $n)\" = closed ]"
ok 'and nothing is known of the one that it is there' eval '! ym issue show $there >/dev/null 2>&1'
is "$(gh_requests '[.[] | select((.path | test("^/repositories/.*/issues")) and .actor != "alice")] | length')" 0 'which nobody has asked for'

# --- labels, drafts, closed -----------------------------------------------------------------------
gh_push three src/three.txt fine >/dev/null
three=$(gh_pr three 'Three')
gh_known "$three"
gh_label "$three" do-not-merge
wait_for "ymj '.labels // [] | tostring' pr show $three | grep -q do-not-merge || ledger 'SELECT name FROM label' | grep -q do-not-merge"
gh_comment "$three" '/yard queue' bob >/dev/null
wait_ok 'a label holds it' "gh_comments $three | grep -q 'is held by the label do-not-merge'"
gh_as alice PATCH "/repos/$GH_REPO/pulls/$three" '{"state": "closed"}' >/dev/null
wait_ok 'a closed one leaves the queue' '[ "$(ymj length queue list)" = 0 ]'
is "$(gh_base_file src/three.txt)" '' 'and does not land'

# --- the label that holds is renamed; a fork is deleted; a large delivery only wakes ----------------
gh_as alice PATCH "/repos/$GH_REPO/pulls/$three" '{"state": "open"}' >/dev/null
gh_known "$three"
gh_as alice PATCH "/repos/$GH_REPO/labels/do-not-merge" '{"new_name": "later"}' >/dev/null
wait_ok 'a PR that a label held stays held when that is renamed' \
	"gh_comments $three | grep -q 'which held this PR, was renamed to .later.'"
like "$(ym_log)" 'label do-not-merge, which held PRs, was renamed to later' 'and whoever looks after it is told'
fork=$(gh_ctl POST /fork "$(jq -nc --arg r "$GH_REPO" '{repo: $r, user: "eve"}')" | jq -r .full_name)
gh_ctl POST /push "$(jq -nc --arg r "$fork" '{repo: $r, branch: "gift", as: "eve", files: {"src/gift.txt": "fine\n"}, message: "A gift"}')" >/dev/null
gift=$(gh_pr eve:gift Gift '' eve)
gh_known "$gift"
gh_ctl DELETE /repo "{\"repo\": \"$fork\"}" >/dev/null
gh_ctl POST /hooks '{"drop": 1}' >/dev/null
gh_comment "$gift" '/yard queue' bob >/dev/null
gh_idle
jq -nc --arg r "$GH_REPO" '{event: "issues", action: "edited", repo: $r, payload: {x: ("y" * 1100000)}}' >"$T/large.json"
curl -sS -X POST -H 'Content-Type: application/json' --data-binary "@$T/large.json" "$GH/_control/event" >/dev/null
wait_ok 'a delivery too large to be read has everything read again, and a PR of a deleted fork lands' \
	"[ \"\$(gh_pr_state $gift)\" = merged ]"

# --- many at once ---------------------------------------------------------------------------------
# Nobody tells of them; a delivery that is too large has everything read again.
quiet() { wait_for '[ "$(ymj ".effects_open + .events_new" status)" = 0 ]' || bail 'the effects do not end'; }
look_again() { curl -sS -X POST -H 'Content-Type: application/json' --data-binary "@$T/large.json" "$GH/_control/event" >/dev/null; }
lists() { gh_ctl GET '/requests?path=/pulls%5C%3F' | jq length; }
base=$(gh_base_oid)
for i in {1..40}; do
	printf 'commit refs/heads/many-%d\ncommitter Alice <alice@example.org> 1700000000 +0000\ndata 4\nWork\nfrom %s\n' "$i" "$base"
	printf 'M 100644 inline src/many-%d.txt\ndata 5\ntext\n\n' "$i"
done | git -C "$(gh_state .dir)" fast-import --quiet
quiet
from=$(gh_requests length)
gh_ctl POST /pulls "$(jq -nc --arg repo "$GH_REPO" '{repo: $repo, heads: [range(1; 41) | "many-\(.)"]}')" >/dev/null
look_again
wait_ok 'forty PRs that nobody told of are found' "[ \"\$(ymj '[.[] | select(.title | test(\"^many-\"))] | length' pr list)\" = 40 ]"
quiet
is "$(gh_requests "[.[$from:][] | select(.path | endswith(\"/git-upload-pack\"))] | length")" 1 'one request of git brings their heads'
is "$(gh_requests "[.[$from:][] | select(.path | test(\"/pulls/[0-9]+\$\") and (endswith(\"/$gift\") | not))] | length")" 0 'and none of them is read twice'
at=$(lists)
look_again
wait_for "[ \"\$(lists)\" -gt $at ]"
quiet
from=$(gh_requests length) at=$(lists)
look_again
wait_for "[ \"\$(lists)\" -gt $at ]"
quiet
# What the App itself asks for has another JWT each time, and no ETag; it counts against no installation.
is "$(gh_requests "[.[$from:][] | select(.path | test(\"/info/refs\$|^/app/hook/deliveries\") | not) | \"\(.status) \(.path)\" | select(startswith(\"304 \") | not)] | join(\", \")")" '' \
	'where nothing has changed nothing is asked that counts'

# --- suspended, and taken back ----------------------------------------------------------------------
gh_ctl PATCH /installation "{\"id\": $GH_INSTALLATION, \"suspended\": true}" >/dev/null
wait_ok 'a suspended installation pauses the repository' "ymj '.problems[].problem' status | grep -q suspended"
gh_ctl PATCH /installation "{\"id\": $GH_INSTALLATION, \"suspended\": false}" >/dev/null
wait_ok 'taken back, it goes on at once' '[ "$(ymj ".problems | length" status)" = 0 ]'

# --- the base is moved by somebody else -----------------------------------------------------------
moved=$(gh_push main src/direct.txt direct bob)
wait_ok 'a push to the base is noticed' "[ \"\$(ymj '.[0].head' repo list)\" = $moved ]"
gh_push four src/four.txt fine >/dev/null
four=$(gh_pr four 'Four')
gh_known "$four"
gh_comment "$four" '/yard queue' bob >/dev/null
wait_ok 'and built upon' "[ \"\$(gh_pr_state $four)\" = merged ]"
is "$(gh_base_file src/direct.txt)" direct 'what was pushed is still there'

# --- teams ----------------------------------------------------------------------------------------
sed -i 's|^github:|&\n  permissions: { freeze: [maintain, "team:octo/release"], queue: ["team:octo/release"] }|' "$T/yardmaster.yml"
kill -HUP "$(ym_pid)"
wait_for "ym_log | grep -qi 'configuration.*\(read\|loaded\)\|reload'" || bail 'the configuration was not read again'
gh_ctl PUT /team '{"org": "octo", "slug": "release", "members": ["eve"]}' >/dev/null
gh_comment "$four" '/yard freeze' alice >/dev/null
wait_ok 'who is in no team and has not the role is refused, with both' \
	"gh_comments $four | grep -q 'needs the permission .maintain. or to be in the team .octo/release.; @alice has .write., is not in .octo/release.'"
gh_comment "$four" '/yard freeze by the release team' eve >/dev/null
wait_ok "a team's member may" "ymj '.[0].frozen' repo list | grep -q '1\|true'"
gh_ctl PATCH /app '{"permissions": {"metadata": "read", "contents": "write", "pull_requests": "write", "issues": "write", "checks": "write", "statuses": "write", "workflows": "write", "actions": "read", "administration": "read"}}' >/dev/null
gh_comment "$four" '/yard queue' bob >/dev/null
wait_ok 'a team that cannot be asked about lets nobody in, and says why' \
	"gh_comments $four | grep -q \"@bob GitHub does not say who is in the team octo/release (the App needs the permission 'members: read')\""
is "$(gh_requests '[.[] | select(.path | test("memberships/alice"))] | length')" 1 'a team is asked about once'

# --- another App needs another start --------------------------------------------------------------
sed -i 's/^  app: .*/  app: Iv23other/' "$T/yardmaster.yml"
kill -HUP "$(ym_pid)"
wait_ok 'a reload does not change the App' "ym_log | grep -q \"of 'github' only 'webhook-secrets' and 'permissions' can change\""
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
