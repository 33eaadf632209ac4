#!/bin/bash
# With `candidate: draft-pr` CI sees the candidate through a draft PR, which is closed afterwards: its checks count
# only while GitHub's merge of it is the candidate, and nothing that happens on it is heard.
. "$(dirname "$0")/lib.sh"

gh_start
sample_source app
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  candidate: draft-pr
  forge-checks: [build]'
gh_publish app
gh_daemon
gh_add
draft() { gh_state ".issues[] | select(.pull.head // \"\" | startswith(\"yardmaster/queue/\")) | $1"; }
merges() { gh_ctl PATCH /repo "{\"repo\": \"octo/app\", \"merges\": \"$1\"}" >/dev/null; }
merges held
gh_queued four
gh_candidate
wait_for '[ -n "$(draft .number)" ]' || bail 'no draft PR was opened'
n=$(draft .number)
is "$(draft '"\(.state) \(.pull.draft) \(.pull.base) \(.pull.head_sha) \(.user)"')" "open true main $sha yardmaster[bot]" \
	'the candidate gets a draft PR against the base'
gh_ci "$sha" build success
gh_comment "$n" '/yard queue' bob >/dev/null
gh_idle
wait_ok 'its checks do not count before its merge is known' "ymj '.[].waits' queue list | grep -q 'its draft PR is not there yet'"
is "$(gh_pr_state "$pr")" open 'nothing lands by them'
merges fine
wait_ok 'then they do' "[ \"\$(gh_pr_state $pr)\" = merged ]"
is "$(gh_base_oid)" "$sha" 'and it lands'
is "$(draft .pull.merged)" false 'without merging the draft PR'
wait_ok 'which is closed' "[ \"\$(draft .state)\" = closed ] && [ -z \"\$(gh_candidates)\" ]"
is "$(draft '[.comments[] | select(.user != "bob")] | length')" 0 'what was said there is not heard'
is "$(ledger "SELECT count(*) FROM pr WHERE number = $n")" 0 'and it is in no ledger'
merges odd
gh_queued five
gh_candidate
gh_ci "$sha" build success
wait_ok 'workflows on a merge that is not the candidate say nothing' \
	"ymj '.[].waits' queue list | grep -q \"GitHub's merge of its draft PR has the tree\"" 20
is "$(gh_pr_state "$pr")" open 'and nothing lands by them'
gh_comment "$pr" '/yard dequeue' bob >/dev/null
wait_ok 'its draft PR is closed, too' "! draft .state | grep -q open && [ -z \"\$(gh_candidates)\" ]"
# --- a ledger that is lost ------------------------------------------------------------------------
merges fine
gh_queued six
gh_candidate
wait_for "draft .state | grep -q open" || bail 'no draft PR was opened'
ym_stop
gh_push yardmaster/queue/77-7 src/seven.txt mine >/dev/null
mine=$(gh_pr yardmaster/queue/77-7 'A draft of mine')
gh_push yardmaster/queue/88-8 src/eight.txt left >/dev/null
gh_push yardmaster/queue/own src/own.txt own >/dev/null
rm -f "$D"/ledger.db*
ym_start
me
ym repo add "$GH_REPO" >/dev/null || bail 'not added'
wait_for "[ \"\$(ymj .effects_open status)\" != 0 ] && ledger 'SELECT kind FROM effect WHERE state < 2' | grep -q draft-close" ||
	bail 'what is left over is not found'
like "$(draft .state)" open 'before resume nothing is touched'
ym resume >/dev/null
wait_ok 'the draft PR that it knew is closed, and its branch deleted' \
	"[ -z \"\$(draft \"select(.number != $mine and .state == \\\"open\\\")\" | head -1)\" ] && ! gh_candidates | grep -q $sha" 20
wait_ok 'so is a branch without one' "! gh_state '.branches | keys[]' | grep -q 88-8"
is "$(gh_pr_state "$mine")" open "a person's PR on such a branch stays"
is "$(gh_state '.branches | keys[] | select(startswith("refs/heads/yardmaster/queue/"))' | sort | tr '\n' ' ')" \
	'refs/heads/yardmaster/queue/77-7 refs/heads/yardmaster/queue/own ' 'with its branch, and what is not named as ours'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
