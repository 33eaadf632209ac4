#!/bin/bash
# The GitHub stand-in of the tests does what GitHub does, and notices what GitHub would not take.
. "$(dirname "$0")/lib.sh"

gh_start
node "$forge/sink.js" "$T/sink" "$GH_SECRET" >"$T/sink.out" 2>&1 7>&- &
disown
wait_for "grep -q http '$T/sink.out'" || bail 'no sink'
gh_hook "$(cat "$T/sink.out")"
gh_repo app
at=/repos/$GH_REPO
token=$(gh_token)
with="http://x-access-token:$token@${GH#http://}/$GH_REPO.git"
got() { gh_idle; jq -sr "$1" "$T/sink"; }

# --- who asks -------------------------------------------------------------------------------------
is ${#token} 520 'an installation token is as long as the newest'
status() { curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" "$GH$2"; }
is "$(status "$(gh_jwt)" /app)" 200 'a JWT of the App is taken'
is "$(status "$(gh_jwt 700)" /app)" 401 'a JWT that lives longer than ten minutes is not'
jwt=$(gh_jwt)
is "$(status "${jwt%?????}AAAAA" /app)" 401 'a JWT with a wrong signature is not'
is "$(status nonsense "$at")" 401 'an unknown token is nobody'
is "$(status "$jwt" "$at")" 401 'a JWT reads no repository'
is "$(status "$token" "$at")" 200 'a token does'
gh_ctl POST /clock '{"advance": 3601}' >/dev/null
is "$(status "$token" "$at")" 401 'and ends after an hour'
gh_ctl POST /clock '{"advance": -3601}' >/dev/null
gh_ctl PATCH /app '{"permissions": {"metadata": "read", "issues": "read"}}' >/dev/null
is "$(gh_api POST "$at/issues/1/comments" '{"body": "x"}' | jq -r .message)" \
	'Resource not accessible by integration' 'a missing permission is said as GitHub says it'
gh_ctl PATCH /app '{"permissions": {"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write", "statuses": "write", "workflows": "write", "actions": "read", "administration": "read"}}' >/dev/null

# --- an issue, and what is told of it -------------------------------------------------------------
n=$(gh_issue 'Fix it' 'Please')
gh_label "$n" yardmaster
is "$(got '[.[] | select(.event == "issues") | .payload.action] | join(" ")')" 'opened labeled' \
	'the webhook hears of the label'
is "$(got 'map(.signed) | all')" true 'deliveries are signed'
is "$(got 'map(.delivery) | (unique | length) == length')" true 'and each has an id of its own'
like "$(got '.[] | select(.payload.action == "labeled") | "\(.payload.installation.id) \(.payload.label.name) \(.payload.sender.login) \(.payload.repository.default_branch)"')" \
	"^$GH_INSTALLATION yardmaster alice main$" 'with what a bot reads'
is "$(gh_api GET "$at/issues?labels=yardmaster" | jq -r '.[].number')" "$n" 'the list finds it'
is "$(gh_api GET "$at/issues/$n/timeline" | jq -r '.[] | select(.event == "labeled") | "\(.actor.login) \(.id > 0)"')" \
	'alice true' 'the timeline knows who, with an id'
etag=$(curl -sI -X GET -H "Authorization: Bearer $token" "$GH$at/issues/$n" | sed -n 's/^etag: //Ip' | tr -d '\r')
again() { curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -H "If-None-Match: $etag" "$GH$at/issues/$n"; }
is "$(again)" 304 'unchanged is 304'
gh_comment "$n" '@yardmaster run' >/dev/null
is "$(again)" 200 'changed is not'
for i in 1 2 3; do gh_issue "More $i" >/dev/null; done
link=$(curl -sI -X GET -H "Authorization: Bearer $token" "$GH$at/issues?per_page=2" | grep -i '^link:')
like "$link" 'page=2>; rel="next"' 'a list is paged'

# --- deliveries -----------------------------------------------------------------------------------
echo 500 >"$T/sink.status"
gh_comment "$n" lost >/dev/null
gh_idle
rm "$T/sink.status"
failed=$(curl -s -H "Authorization: Bearer $(gh_jwt)" "$GH/app/hook/deliveries" | jq '.[] | select(.status != "OK") | .id')
like "$failed" '^[0-9]+$' 'a failed delivery is listed'
curl -s -X POST -H "Authorization: Bearer $(gh_jwt)" "$GH/app/hook/deliveries/$failed/attempts" >/dev/null
is "$(got '[.[] | select(.payload.comment.body == "lost") | .delivery] | "\(length) \(unique | length)"')" '2 1' \
	'redelivery keeps the id'
gh_ctl POST /hooks '{"duplicate": 1}' >/dev/null
gh_comment "$n" twice >/dev/null
is "$(got '[.[] | select(.payload.comment.body == "twice")] | length')" 2 'a delivery can come twice'
gh_ctl POST /hooks '{"drop": 1}' >/dev/null
gh_comment "$n" dropped >/dev/null
is "$(got '[.[] | select(.payload.comment.body == "dropped")] | length')" 0 'or not at all'
gh_ctl POST /hooks '{"reorder": 2}' >/dev/null
gh_comment "$n" first >/dev/null
gh_comment "$n" second >/dev/null
is "$(got '[.[] | .payload.comment.body // empty | select(. == "first" or . == "second")] | join(" ")')" 'second first' \
	'or in the wrong order'
gh_ctl POST /hooks '{"hold": true}' >/dev/null
gh_comment "$n" waits >/dev/null
gh_hook ''
gh_ctl POST /hooks '{"release": true}' >/dev/null
gh_idle
is "$(curl -s -H "Authorization: Bearer $(gh_jwt)" "$GH/app/hook/deliveries" | jq -r '.[0].status')" OK \
	'what waited for an address that was taken away is never sent, and nothing else happens'
gh_hook "$(cat "$T/sink.out")"
gh_ctl POST /hooks '{"hold": true}' >/dev/null
gh_comment "$n" held >/dev/null
is "$(got '[.[] | select(.payload.comment.body == "held")] | length')" 0 'or be held'
gh_ctl POST /hooks '{"release": true}' >/dev/null
is "$(got '[.[] | select(.payload.comment.body == "held")] | length')" 1 'until it is released'

# --- git, and a pull request that lands -----------------------------------------------------------
ok 'clone over HTTP with a token' git clone -q "$with" "$T/c"
not_ok 'but not without' git clone -q "$GH/$GH_REPO.git" "$T/none"
git -C "$T/c" checkout -q -b yardmaster/1
commit_file "$T/c" src/new.txt hello
ok 'push' git -C "$T/c" push -q origin yardmaster/1
tip=$(git -C "$T/c" rev-parse HEAD)
pr=$(gh_api POST "$at/pulls" "{\"title\": \"Fix\", \"head\": \"yardmaster/1\", \"base\": \"main\", \"body\": \"Closes #$n\"}" | jq .number)
is "$(gh_api GET "$at/pulls/$pr" | jq .mergeable) $(gh_api GET "$at/pulls/$pr" | jq .mergeable)" 'null true' \
	'mergeable is not known at the first look'
is "$(gh_api GET "$at/pulls/$pr/files" | jq -r '.[] | "\(.filename) \(.status) \(.additions)"')" 'src/new.txt added 1' \
	'the files are those of git'
commit_file "$T/c" src/new.txt 'hello again'
git -C "$T/c" push -q origin yardmaster/1
is "$(got '.[] | select(.payload.action == "synchronize") | .payload.before')" "$tip" 'a push to the head gives synchronize'
tip=$(git -C "$T/c" rev-parse HEAD)
gh_review "$pr" APPROVE '' bob
is "$(gh_api GET "$at/pulls/$pr/reviews" | jq -r '.[].state')" APPROVED 'reviews are kept'
gh_ctl PUT /protection "{\"repo\": \"$GH_REPO\", \"branch\": \"main\", \"checks\": [\"build\"], \"refuse\": \"Required status check build is expected.\"}" >/dev/null
git -C "$T/c" push origin yardmaster/1:main >"$T/refused" 2>&1 && fail 'a protected branch took a push'
like "$(cat "$T/refused")" 'GH006.*main' 'a protected branch refuses a push'
is "$(gh_api GET "$at/branches/main/protection" | jq -r '.required_status_checks.contexts[]')" build 'and says what it wants'
is "$(gh_pr_state "$pr")" open 'nothing has landed'
gh_ctl PUT /protection "{\"repo\": \"$GH_REPO\", \"branch\": \"main\", \"none\": true}" >/dev/null
ok 'without it the base takes the head' git -C "$T/c" push -q origin yardmaster/1:main
is "$(gh_pr_state "$pr") $(gh_state ".issues[] | select(.number == $n) | .state")" 'merged closed' \
	'which marks the pull request merged and closes its issue'
is "$(gh_api GET "$at/pulls/$pr" | jq -r .merge_commit_sha)" "$tip" 'at the commit that landed'
is "$(gh_base_file src/new.txt)" 'hello again' 'and the file is on the base'

# An App may not touch workflow files unless it is allowed to, not even by merging what the base has.
all=$(gh_ctl GET /state | jq -c '.apps[0].permissions')
gh_ctl PATCH /app "{\"permissions\": $(jq -c 'del(.workflows)' <<<"$all")}" >/dev/null
git -C "$T/c" checkout -q -b workflow
commit_file "$T/c" .github/workflows/ci.yml 'on: push'
git -C "$T/c" push origin workflow >"$T/refused" 2>&1 && fail 'a workflow file was pushed without the permission'
like "$(cat "$T/refused")" 'refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission' \
	'a push with a workflow file is refused without the permission'
git -C "$T/c" checkout -q -b plain yardmaster/1
commit_file "$T/c" src/plain.txt x
ok 'one without is taken' git -C "$T/c" push -q origin plain
gh_push main .github/workflows/odd.yml 'on: workflow_dispatch' bob >/dev/null
git -C "$T/c" fetch -q origin
git -C "$T/c" merge -q --no-edit origin/main
not_ok 'nor one that brings what the base changed' git -C "$T/c" push -q origin plain
gh_ctl PATCH /app "{\"permissions\": $all}" >/dev/null
ok 'with the permission it is taken' git -C "$T/c" push -q origin plain

sha=$(gh_push topic src/x.txt x)
pr2=$(gh_pr topic Topic)
gh_ctl PATCH /repo "{\"repo\": \"$GH_REPO\", \"hold_pushes\": true}" >/dev/null
new=$(gh_push topic src/x.txt y)
is "$(gh_api GET "$at/pulls/$pr2" | jq -r .head.sha)" "$sha" 'GitHub can be slow to notice a push'
gh_ctl PATCH /repo "{\"repo\": \"$GH_REPO\", \"hold_pushes\": false}" >/dev/null
is "$(gh_api GET "$at/pulls/$pr2" | jq -r .head.sha)" "$new" 'and then notices it'
id=$(gh_api GET "$at/pulls/$pr2" | jq -r .base.repo.node_id)
update() { gh_api POST /graphql "$(jq -nc --arg id "$id" --arg before "$1" --arg after "$2" '{query: "mutation($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }", variables: {i: {repositoryId: $id, refUpdates: [{name: "refs/heads/topic", beforeOid: $before, afterOid: $after, force: true}]}}}')"; }
like "$(update "$sha" "$tip" | jq -r '.errors[0].message')" 'not at' 'updateRefs compares'
update "$new" "$sha" >/dev/null
is "$(gh_api GET "$at/git/ref/heads/topic" | jq -r .object.sha)" "$sha" 'and swaps'

# --- check runs -----------------------------------------------------------------------------------
run() { gh_api "$1" "$at/check-runs$2" "$(jq -nc --arg sha "$sha" "$3")"; }
note='{path: "a", start_line: 1, end_line: 1, annotation_level: "failure", message: "m"}'
id=$(run POST '' '{name: "yardmaster/task", head_sha: $sha, status: "in_progress"}' | jq .id)
run PATCH "/$id" "{output: {title: \"t\", summary: \"s\", annotations: [range(50) | $note]}}" >/dev/null
run PATCH "/$id" "{conclusion: \"failure\", output: {title: \"t\", summary: \"s\", annotations: [$note]}, actions: [{label: \"Retry\", description: \"again\", identifier: \"retry\"}]}" >/dev/null
is "$(gh_check "$sha" yardmaster/task) $(gh_state '.checks[0].annotations | length')" 'failure 51' 'annotations are appended'
gh_click "$sha" yardmaster/task retry
gh_rerun "$sha" yardmaster/task
is "$(got '[.[] | select(.event == "check_run") | .payload | "\(.action)\(.requested_action.identifier // "")"] | .[-2:] | join(" ")')" \
	'requested_actionretry rerequested' 'buttons and re-run are told'
gh_ci "$sha" build failure workflow
gh_ci "$sha" ci/other success status
is "$(got '[.[] | select(.event == "workflow_run" or .event == "status") | .payload | .workflow_run.conclusion // .state] | join(" ")')" \
	'failure success' 'results of CI are told'
is "$(gh_api GET "$at/commits/$sha/status" | jq -r .state)" success 'and asked for'
gh_no_violations 'nothing so far contradicts the description of GitHub'

# --- what GitHub does not take --------------------------------------------------------------------
refused() { run POST '' "$1" 2>/dev/null | jq -r '.message'; }
for bad in '{name: "n", head_sha: $sha, status: "completed"}' \
	"{name: \"n\", head_sha: \$sha, output: {title: \"t\", summary: \"s\", annotations: [range(51) | $note]}}" \
	'{name: "n", head_sha: $sha, output: {title: "t", summary: ("x" * 65536)}}' \
	'{name: "n", head_sha: $sha, actions: [range(4) | {label: "l", description: "d", identifier: "i\(.)"}]}' \
	'{name: "n", head_sha: $sha, actions: [{label: ("l" * 21), description: "d", identifier: "i"}]}'; do
	is "$(refused "$bad")" 'Validation Failed' "refused: ${bad:0:90}"
done
is "$(gh_api_status POST "$at/issues/$n/comments" "$(jq -nc '{body: ("x" * 65537)}')")" 422 'a comment has its limit'
isnt "$(gh_ctl GET /violations | jq length)" 0 'the description refuses most of these too'
gh_ctl DELETE /violations >/dev/null
gh_api POST "$at/issues/$n/comments" '{"body": "x", "bdoy": "y"}' >/dev/null
like "$(gh_ctl GET /violations | jq -r '.[].errors[]')" 'bdoy' 'a misspelled field is noticed'
gh_ctl DELETE /violations >/dev/null
gh_api GET "$at/issues?lables=x" >/dev/null
like "$(gh_ctl GET /violations | jq -r '.[].errors[]')" 'lables' 'and a misspelled parameter'
gh_ctl DELETE /violations >/dev/null
gh_api_status GET "$at/isues" >/dev/null
like "$(gh_ctl GET /violations | jq -r '.[].errors[]')" 'no such route' 'and a misspelled path'

# What the stub itself answers and delivers is held against the description too.
checked() { # JAVASCRIPT: calls of the validator v; prints what it found
	node -e 'const { Description, Validator } = require(process.argv[1]); const state = { violations: [] }, v = new Validator(state, new Description());
		eval(process.argv[2]); console.log(state.violations.map((x) => x.what).join(" "))' "$forge/stub/validate.js" "$1"
}
is "$(checked 'v.response("GET", "/repos/octo/app", 200, { id: "one" }); v.response("GET", "/repos/octo/app", 299, {})')" \
	'response response' 'a wrong answer of its own is noticed'
is "$(checked 'v.webhook("issues", "labeled", { action: "labeled" })')" webhook 'and a wrong delivery'

# --- faults ---------------------------------------------------------------------------------------
before=$(gh_requests 'length')
gh_fault '{"method": "POST", "path": "/comments$", "status": 403, "headers": {"Retry-After": "7"}, "times": 2}'
is "$(gh_api_status POST "$at/issues/$n/comments" '{"body": "f1"}') $(gh_api_status GET "$at/issues/$n/comments") $(gh_api_status POST "$at/issues/$n/comments" '{"body": "f2"}') $(gh_api_status POST "$at/issues/$n/comments" '{"body": "f3"}')" \
	'403 200 403 201' 'a fault meets what matches, so often as it says'
is "$(($(gh_requests length) - before))" 4 'requests are counted'
gh_fault '{"path": "/comments$", "kind": "cut", "after": true}'
not_ok 'a connection can be cut' gh_api POST "$at/issues/$n/comments" '{"body": "kept"}'
like "$(gh_comments "$n")" 'kept' 'after the request had its effect'
gh_fault '{"path": "/issues$", "kind": "half"}'
not_ok 'half a body' gh_api GET "$at/issues"
gh_fault '{"path": "/issues$", "kind": "html"}'
like "$(gh_api GET "$at/issues" 2>/dev/null)" '^<html>' 'a page instead of JSON'
gh_fault '{"path": "/issues$", "kind": "hang"}'
not_ok 'no answer at all' timeout 1 curl -s -H "Authorization: Bearer $token" "$GH$at/issues"
gh_fault '{"path": "git-receive-pack", "status": 502}'
not_ok 'git can meet one too' git -C "$T/c" push -q origin HEAD:refs/heads/other
ok 'once' git -C "$T/c" push -q origin HEAD:refs/heads/other

# --- another name ---------------------------------------------------------------------------------
gh_ctl PATCH /repo "{\"repo\": \"$GH_REPO\", \"rename\": \"renamed\"}" >/dev/null
is "$(gh_api_status GET "$at") $(gh_api_status GET "$at" '' -L)" '301 200' 'a renamed repository is found by a redirect'
ok 'git follows it too' git -C "$T/c" fetch -q origin
exec 7>&-
wait_ok 'the stand-in ends with its test' '! gh_ctl GET /state 2>/dev/null'
done_testing
