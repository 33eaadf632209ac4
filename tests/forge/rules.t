#!/bin/bash
# Rules of GitHub that the App's bypass would skip are never passed over: those that only GitHub can judge keep every PR
# from landing while the App may bypass them, and the PR, `queue why` and `doctor` say what to do; without a bypass GitHub
# judges the landing. The same for required signatures, and for pushes that need the permission for workflows.
. "$(dirname "$0")/lib.sh"

gh_start
sample_source app
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  method: squash
  gates: ["sh gate.sh"]
  forge-checks: [build]'
gh_publish app
gh_daemon
gh_add
rule() { jq -nc --arg t "$1" --arg b "$2" --argjson p "${3:-null}" '{type: $t, ruleset_id: 7, bypass: $b} + (if $p then {parameters: $p} else {} end)'; }
rules() { # RULE: from now on; a delivery has everything read again, for no event that we hear tells of rules
	gh_ctl PUT /rules "$(jq -nc --arg repo "$GH_REPO" --argjson r "[$1]" '{repo: $repo, branch: "main", rules: $r}')" >/dev/null
	gh_ctl POST /event "$(jq -nc --arg repo "$GH_REPO" --argjson id "$(gh_state .id)" '{event: "repository", action: "edited", repo: $repo,
		payload: {action: "edited", repository: {id: $id, full_name: $repo}, sender: {login: "bob", type: "User"}}}')" >/dev/null
}
satisfy() { gh_ctl POST /satisfy "$(jq -nc --arg repo "$GH_REPO" --arg sha "$1" --arg t "$2" '{repo: $repo, sha: $sha, type: $t}')" >/dev/null; }
why() { ym queue why "$pr"; }
doctor() {
	ym doctor --config "$T/yardmaster.yml" --json >"$T/doctor.json" 2>"$T/doctor.err"
	jq -r --arg c "$GH_REPO: rules" '.[] | select(.check == $c) | "\(.ok) \(.text)"' "$T/doctor.json"
}
known() { wait_for "ledger 'SELECT required FROM github_repo' | grep -q '$1'" || bail "the rules are not known: $1"; }
land() { # SHA: its check is green
	gh_ci "$1" build success
	wait_ok "$2" "[ \"\$(gh_pr_state $pr)\" = merged ]"
}

scan='{"code_scanning_tools": [{"tool": "CodeQL", "alerts_threshold": "errors", "security_alerts_threshold": "all"}]}'
reviews='{"required_approving_review_count": 0, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false, "require_last_push_approval": false, "required_review_thread_resolution": false'

description=$YARDMASTER_BUILD/forge-npm/node_modules/@octokit/openapi/generated/api.github.com.json
is "$(jq -r '.components.schemas as $all | $all["repository-rule-detailed"].oneOf[].allOf[0]["$ref"] | split("/") | last |
	$all[.].properties.type.enum[]' "$description" | while read -r type; do
	grep -q "{\"$type\"," "$root/daemon/forge/github_rule.c" || echo "$type"
done)" '' "every kind of rule in GitHub's description has an answer"

# --- bypassed: nobody would judge it --------------------------------------------------------------
rules "$(rule code_scanning always "$scan")"
known always
gh_queued one
wait_ok 'a rule that only GitHub can judge and the App may bypass holds a PR' 'why | grep -q "the rule .code_scanning. of ruleset 7 (code scanning must have passed) is GitHub.s to judge"'
like "$(why)" 'take it out of that ruleset.s bypass list' 'with what to do'
wait_ok 'on the PR, too' "gh_comments $pr | grep 'In the merge queue' | grep 'code_scanning' | grep -q 'bypass list'"
wait_ok 'and on the checks tab' "gh_state '.checks[] | select(.name == \"yardmaster/queue\") | .output.summary' | grep -q code_scanning"
is "$(gh_candidates)$(ledger 'SELECT count(*) FROM candidate')" 0 'nothing is built or pushed'
like "$(doctor)" '^false main: the rule .code_scanning. of ruleset 7 .* bypass list' 'doctor says so'
held() { # PATTERN RULE
	rules "$2"
	wait_ok "$1" "why | grep -q '$1'"
}
held 'the rule .of_the_future. of ruleset 7 (a kind that this version of yardmaster does not know)' "$(rule of_the_future always)"
held 'the rule .merge_queue. of ruleset 7 .*: two queues on one branch' "$(rule merge_queue never)"
gh_ctl DELETE /violations >/dev/null # the kind before is in no description, and is not answered any more
held 'nothing land by merge, squash, and the queue.s method is squash' "$(rule pull_request always "$reviews, \"allowed_merge_methods\": [\"rebase\"]}")"
gh_fault '{"method": "GET", "path": "/rulesets/7", "status": 404, "times": 9}'
held 'the rule .license_compliance_scanning. of ruleset 7 .*whether the App may bypass it could not be found out' "$(rule license_compliance_scanning never)"
gh_ctl DELETE /fault >/dev/null

# --- not bypassed: GitHub judges it ---------------------------------------------------------------
rules "$(rule code_scanning never "$scan")"
gh_candidate
like "$(doctor)" "^true main: the rule 'code_scanning' of ruleset 7 is judged by GitHub" 'without a bypass doctor says that GitHub judges it'
gh_ci "$sha" build success
wait_ok 'what GitHub refuses is told in its words' "gh_comments $pr | grep 'tried 3 times' | grep -q 'GH013: .*Code scanning is waiting for results from CodeQL for the commit'"
like "$(gh_comments "$pr" | grep 'tried 3 times')" 'What to do: let the scanning run on pushes to yardmaster/queue' 'with what to do'
like "$(why)" 'Code scanning is waiting' 'queue why has it'
is "$(gh_pr_state "$pr")" open 'and nothing has landed'
gh_comment "$pr" '/yard queue' bob >/dev/null
gh_candidate
satisfy "$sha" code_scanning
land "$sha" 'when GitHub is content it lands'

# --- signatures -----------------------------------------------------------------------------------
rules "$(rule required_signatures never)"
like "$(doctor)" '^false main: signatures are required, and landings are not signed' 'signatures without a key are told'
gh_queued two
gh_candidate
gh_ci "$sha" build success
wait_ok 'an unsigned landing is refused' "gh_comments $pr | grep 'tried 3 times' | grep 'GH013' | grep 'Commits must have verified signatures' | grep -q 'a key of a machine user'"
rules "$(rule required_signatures always)"
known '"rulesets": *{}'
like "$(doctor)" "^true main: the rule 'required_signatures' of ruleset 7 does not hold for the App" 'one that is bypassed is named'
rules "$(rule required_signatures never)"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$T/signing"
ym_stop
printf 'sign-key: %s\nauthor: { name: Robot, email: robot@example.org }\n' "$T/signing" >>"$T/yardmaster.yml"
ym_start
gh_hook_here
gh_idle
like "$(doctor)" '^true main: signatures are required, and there is no commit by robot@example.org yet' 'with a key doctor says what is not known yet'
gh_comment "$pr" '/yard queue' bob >/dev/null
gh_candidate
gh_ci "$sha" build success
wait_ok "a key that belongs to no account is refused, too" "[ \"\$(gh_comments $pr | grep -c 'tried 3 times.*verified signatures')\" -ge 2 ] && [ \"\$(gh_comments $pr | grep -c '^Taken out')\" = 2 ]"
gh_ctl PUT /signer "$(jq -nc --arg k "$(cut -d' ' -f1,2 "$T/signing.pub")" '{email: "robot@example.org", key: $k}')" >/dev/null
gh_comment "$pr" '/yard queue' bob >/dev/null
gh_candidate
land "$sha" "signed with a machine user's key it lands"
like "$(doctor)" '^true main: signatures are required, and GitHub verifies those of robot@example.org' 'which doctor sees'

# --- workflows without the permission -------------------------------------------------------------
rules ''
gh_ctl PATCH /app '{"permissions": {"metadata": "read", "contents": "write", "pull_requests": "write", "issues": "write", "checks": "write", "statuses": "write", "actions": "read", "administration": "read", "members": "read"}}' >/dev/null
gh_push three .github/workflows/ci.yml 'on: push' >/dev/null
pr=$(gh_pr three Three)
gh_known "$pr" || bail 'the PR three is not known'
gh_comment "$pr" '/yard queue' bob >/dev/null
wait_ok 'a push that needs the permission for workflows is refused, and the PR says which' \
	"gh_comments $pr | grep -A9 'Taken out of the merge queue' | grep 'update workflow .\.github/workflows/ci\.yml. without' | grep -q \"give the App the permission 'workflows: write'\""
like "$(why)" "permission 'workflows: write'" 'queue why says it'
wait_ok 'and the checks tab' "gh_state '[.checks[] | select(.head_sha == \"$(gh_head "$pr")\" and .name == \"yardmaster/queue\")] | last | .output.title + .output.summary' | grep -q \"permission 'workflows: write'\""
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
