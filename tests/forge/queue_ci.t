#!/bin/bash
# The merge queue waits for GitHub's own checks of the candidate: it is pushed to a branch of its own, lands
# when every required one is green there, and is taken out with what a red one says.
. "$(dirname "$0")/lib.sh"

gh_app_of_checks

# --- green ----------------------------------------------------------------------------------------
gh_queued one
gh_candidate
like "$(gh_state '.branches | keys | join(" ")')" "yardmaster/queue/[0-9]*-$pr" 'its branch is named after it'
is "$(git -C "$(gh_state .dir)" show "$sha:src/one.txt")" fine 'the candidate is on it'
wait_ok 'people read what it waits for' "ymj '.[].waits' queue list | grep -q 'build. (not there yet), .ci/old. (not there yet)'"
gh_ci "$sha" build success
gh_ci "$sha" ci/old '' status
wait_ok 'one green, one pending: it waits' "ymj '.[].waits' queue list | grep -q 'checks of it (.ci/old. (pending))'"
is "$(gh_pr_state "$pr")" open 'and does not land'
gh_ci "$sha" ci/old success status
wait_ok 'all green: it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"
is "$(gh_base_oid)" "$sha" 'as the commit that was checked'
wait_ok 'the branch is gone' '[ -z "$(gh_candidates)" ]'
like "$(ymj '.checks | tostring' receipt show "$sha")" 'forge_check.*build' 'the receipt names the checks'

# --- red ------------------------------------------------------------------------------------------
gh_queued two
gh_candidate
gh_red "$sha"
gh_candidate
pass 'what is red is built and checked once more'
gh_red "$sha"
wait_for "gh_comments $pr | grep -q 'Taken out of the merge queue'" || bail 'it was not taken out'
pass 'and then taken out'
like "$(gh_comments "$pr")" 'build. ended: failure' 'with the name of the check'
like "$(gh_comments "$pr")" 'it went wrong here' 'and the end of its log'
wait_ok 'the checks tab has it' "[ \"\$(gh_check $(gh_head "$pr") yardmaster/queue)\" = failure ]"
is "$(gh_state "[.checks[] | select(.head_sha == \"$(gh_head "$pr")\" and .name == \"yardmaster/queue\")] | last | .annotations[0] | \"\(.path):\(.start_line)\"")" \
	src/a.txt:3 'with a note at the line'
wait_ok 'the branch is gone' '[ -z "$(gh_candidates)" ]'

is "$(gh_deliveries '[.[] | select(.event == "check_run" and .payload.check_run.name == "build") | .payload.sender.login] | unique | join(" ")')" \
	'yardmaster[bot]' 'of all of which the sender was who pushed the candidates'

# --- by reconciliation, and what GitHub itself requires --------------------------------------------
sed -i 's/^reconcile-seconds: .*/reconcile-seconds: 5/' "$T/yardmaster.yml"
ym_stop
ym_start
gh_ctl POST /hooks '{"drop": 10000}' >/dev/null
gh_ctl POST /app '{"slug": "deployer", "events": []}' >/dev/null
gh_protect '{"checks": ["yardmaster/queue", {"name": "lint", "app": "github-actions"},
	{"name": "deploy", "app": "deployer"}]}'
gh_ctl PUT /rules '{"repo": "octo/app", "branch": "main", "rules": [{"type": "required_status_checks",
	"parameters": {"strict_required_status_checks_policy": false, "required_status_checks": [{"context": "types"}]}}]}' >/dev/null
wait_ok 'the protection is read' "ledger 'SELECT required FROM github_repo' | grep -q 'lint.*deploy.*types'"
gh_queued three
gh_candidate
gh_ci "$sha" build success
gh_ci "$sha" ci/old success status
wait_ok 'without webhooks it is seen, too' "ymj '.[].waits' queue list | grep -q 'checks of it (.lint. of the App [0-9]* (not there yet), .deploy. of the App [0-9]* (not there yet), .types. (not'"
gh_ctl POST /ci "$(jq -nc --arg sha "$sha" '{repo: "octo/app", sha: $sha, name: "lint", conclusion: "success", app: "impostor"}')" >/dev/null
gh_ci "$sha" lint success status
gh_ci "$sha" types neutral
gh_ctl POST /ci "$(jq -nc --arg sha "$sha" '{repo: "octo/app", sha: $sha, name: "deploy", conclusion: "success", kind: "status", as: "github-actions[bot]"}')" >/dev/null
wait_ok "a check of another App than the one that is required says nothing, nor does anybody else's status" \
	"ymj '.[].waits' queue list | grep -q \"checks of it (.lint. of the App [0-9]* (a commit status of this name is @ci-server's, which is not that App), .deploy. of the App [0-9]* (a commit status of this name is @github-actions.bot.'s, which is not that App))\"" 20
gh_ctl POST /ci "$(jq -nc --arg sha "$sha" '{repo: "octo/app", sha: $sha, name: "deploy", conclusion: "success", kind: "status", as: "deployer[bot]"}')" >/dev/null
wait_ok 'a commit status that this App has set counts' \
	"ymj '.[].waits' queue list | grep 'checks of it (.lint. of the App' | grep -qv deploy" 20
is "$(gh_requests '[.[] | select(.path == "/apps/deployer")] | length')" 1 'which one it is was asked for once'
gh_ci "$sha" lint skipped
wait_ok 'its own does, and it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
