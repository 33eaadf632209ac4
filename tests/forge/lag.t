#!/bin/bash
# What GitHub does not have yet right after it told of it is asked for again within seconds: the end of a check, a commit
# that was just pushed, the base, the head of a PR. The reconciliation is far away.
. "$(dirname "$0")/lib.sh"

gh_app_of_checks
met() { is "$(gh_ctl GET /fault | jq length)" 0 "$1"; }

# --- the list of checks is behind what was told ---------------------------------------------------
gh_queued one
gh_candidate
wait_ok 'the checks are waited for' "ymj '.[].waits' queue list | grep -q 'build. (not there yet), .ci/old. (not there yet)'"
gh_fault '{"method": "GET", "path": "/check-runs\\?per_page", "kind": "old", "times": 4}'
gh_ci "$sha" build success
wait_ok 'a check that is not in the list yet is asked for again' "ymj '.[].waits' queue list | grep -q 'checks of it (.ci/old. (not there yet))'"
met 'the list was behind'
gh_fault '{"method": "GET", "path": "/status\\?per_page", "kind": "old", "times": 2}'
gh_ci "$sha" ci/old success status
wait_ok 'so is a commit status' "[ \"\$(gh_pr_state $pr)\" = merged ]"
met 'the list was behind'

# --- a commit that is not known yet ---------------------------------------------------------------
gh_fault '{"method": "POST", "path": "/check-runs$", "status": 422, "body": {"message": "No commit found for SHA: 1"}, "times": 2}'
gh_queued two
wait_ok 'a check run of a commit that GitHub does not know yet is made a little later' "[ \"\$(gh_check $(gh_head "$pr") yardmaster/queue)\" = in_progress ]"
gh_candidate
met 'it was refused twice'
gh_comment "$pr" '/yard dequeue' bob >/dev/null
wait_ok 'the queue is empty' '[ "$(ymj length queue list)" = 0 ]'

# --- Git is behind the push -----------------------------------------------------------------------
gh_fault '{"method": "GET", "path": "info/refs\\?service=git-upload-pack", "kind": "old", "times": 2}'
gh_push main src/base.txt fine bob >/dev/null
wait_ok 'the base is fetched until it is what was told' '[ "$(ymj ".[0].head" repo list)" = "$(gh_base_oid)" ]'
met 'Git was behind'
gh_fault '{"method": "GET", "path": "info/refs\\?service=git-upload-pack", "kind": "old", "times": 1}'
gh_push two src/two.txt better >/dev/null
wait_ok "so is a PR's head" "[ \"\$(ymj .head pr show $pr)\" = $(gh_head "$pr") ]"
met 'Git was behind'

# --- GraphQL is behind REST -----------------------------------------------------------------------
gh_idle
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
gh_fault '{"method": "POST", "path": "/graphql", "kind": "old", "times": 2}'
gh_push two src/two.txt best >/dev/null
wait_ok 'what GitHub makes of the reviews is asked for until it is of the new head' \
	"ledger 'SELECT verdict FROM pr WHERE number = $pr' | jq -e '.head == \"$(gh_head "$pr")\" and .decision == \"none\"' >/dev/null"
met 'GraphQL was behind'
gh_fault "$(jq -nc --argjson id "$(gh_state .id)" '{method: "POST", path: "/graphql", status: 200, times: 2,
	body: {data: {repository: {databaseId: $id, pullRequest: null}}}}')"
gh_push two src/two.txt 'best of all' >/dev/null
wait_ok 'so it is of a PR that GraphQL does not have yet' \
	"ledger 'SELECT verdict FROM pr WHERE number = $pr' | jq -e '.head == \"$(gh_head "$pr")\" and .decision == \"none\"' >/dev/null"
met 'GraphQL had no PR'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
