#!/bin/bash
# `yardmaster doctor` names what is wrong at GitHub, and how to mend it; what it cannot ask is not green.
. "$(dirname "$0")/lib.sh"

gh_start
gh_repo app
gh_daemon
gh_add
doctor() { ym doctor --config "$T/yardmaster.yml" --json >"$T/doctor.json" 2>"$T/doctor.err"; }
row() { jq -r --arg c "$1" '.[] | select(.check == $c) | "\(.ok) \(.text)"' "$T/doctor.json"; }
mend() { jq -r --arg c "$1" '.[] | select(.check == $c) | .mend // ""' "$T/doctor.json"; }
rules() { gh_ctl PUT /rules "$(jq -nc --arg repo "$GH_REPO" --arg b "$1" --argjson r "$2" '{repo: $repo, branch: $b, rules: $r}')" >/dev/null; }
app() { gh_ctl PATCH /app "$1" >/dev/null; }

# --- all is well ----------------------------------------------------------------------------------
gh_idle
doctor
is "$(jq -r '.[] | select(.check | test("GitHub|octo|clock")) | "\(.ok) \(.check)"' "$T/doctor.json" | uniq)" "true GitHub credentials
true GitHub permissions
true GitHub events
true GitHub webhook
true GitHub deliveries
true octo/app: installation
true octo/app: repository
true octo/app: rules
true clock
true GitHub limits" 'everything that is right is said to be so'
like "$(row 'GitHub credentials')" 'we are yardmaster' 'and who we are'

gh_ctl PATCH /repo "$(jq -nc --arg repo "$GH_REPO" '{repo: $repo, archived: true}')" >/dev/null
doctor
like "$(row "$GH_REPO: repository")" '^false it is archived' 'an archived repository is told'
gh_ctl PATCH /repo "$(jq -nc --arg repo "$GH_REPO" '{repo: $repo, archived: false}')" >/dev/null

# --- what would refuse a landing ------------------------------------------------------------------
is_refused() { # NAME REGEX
	doctor
	like "$(row "$GH_REPO: rules")" "$2" "$1"
}
gh_protect '{"checks": ["build", "yardmaster/queue"]}'
is_refused 'its own check being required' '^false .*yardmaster/queue is required'
gh_protect '{"checks": ["build"], "reviews": 1}'
is_refused 'a pull request being required' '^false .*may not bypass'
like "$(mend "$GH_REPO: rules")" 'add the App' 'with what to do'
gh_protect '{"reviews": 1, "bypass": ["yardmaster"]}'
is_refused 'not when the App may bypass that' '^true '
gh_protect '{"push": ["bob"]}'
is_refused 'a restricted push' '^false .*only some may push'
gh_protect '{"push": ["bob"], "push_apps": ["yardmaster"]}'
is_refused 'not when the App is one of them' '^true '
gh_protect '{"signatures": true}'
is_refused 'signatures without a key' '^false .*signatures are required'
gh_protect '{"linear": true}'
is_refused 'a linear history' '^false .*linear history'
gh_protect '{"lock": true}'
is_refused 'a locked branch' '^false .*locked'
gh_protect '{"none": true}'

pr_rule='{"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false, "require_last_push_approval": false, "required_review_thread_resolution": false}'
rules main '[{"type": "pull_request", "ruleset_id": 7, "parameters": '"$pr_rule"'}]'
is_refused 'a ruleset that cannot be bypassed' '^false .*ruleset 7.*may not bypass'
rules main '[{"type": "pull_request", "ruleset_id": 7, "parameters": '"$pr_rule"', "bypass": "always"}]'
is_refused 'not one that can' '^true '
rules main '[{"type": "required_status_checks", "parameters": {"strict_required_status_checks_policy": false, "required_status_checks": [{"context": "yardmaster/queue"}]}}]'
is_refused 'its own check in a ruleset' '^false .*yardmaster/queue is required'
rules main '[]'
rules yardmaster/queue/1 '[{"type": "creation", "ruleset_id": 9}]'
is_refused 'rules on the branches of candidates' "^false .*'creation' of ruleset 9"
rules yardmaster/queue/1 '[]'

# --- what cannot be asked -------------------------------------------------------------------------
gh_fault '{"method": "GET", "path": "/branches/main/protection", "status": 403, "times": 9}'
is_refused 'what cannot be read is not green' '^false .*could not be read'
is "$(row "$GH_REPO: rules" | grep -c '^true')" 0 'not even beside it'
gh_ctl DELETE /fault >/dev/null

# --- workflows ------------------------------------------------------------------------------------
gh_protect '{"checks": ["build"]}'
is_refused 'a required check that no workflow could report' '^false .*build.*no workflow runs on a push to yardmaster/queue'
gh_push main .github/workflows/ci.yml $'on:\n  push:\n    branches: [main]\n  pull_request: {}\njobs: {}' bob >/dev/null
is_refused 'nor one that runs elsewhere only' '^false .*no workflow'
gh_push main .github/workflows/odd.yml $'on: [push\n' bob >/dev/null
is_refused 'a workflow that cannot be read is told' '^false .*odd.yml could not be read'
gh_push main .github/workflows/odd.yml $'on: workflow_dispatch' bob >/dev/null
gh_push main .github/workflows/ci.yml $'on:\n  push:\n    branches: [main, "yardmaster/**"]\njobs: {}' bob >/dev/null
is_refused 'one that runs there is fine' '^true '
gh_protect '{"none": true}'
gh_no_violations "GitHub's description is kept"

# --- the App --------------------------------------------------------------------------------------
app '{"permissions": {"metadata": "read", "contents": "read", "pull_requests": "write", "issues": "write", "statuses": "write", "actions": "read", "administration": "read", "members": "read"}, "events": ["push"]}'
doctor
like "$(row 'GitHub permissions')" '^false .*checks needs write and has none.*contents needs write and has read.*workflows needs write and has none' 'a missing permission is named'
like "$(row 'GitHub events')" '^false .*issue_comment' 'and a missing event'
app '{"permissions": {"metadata": "read", "contents": "write", "pull_requests": "write", "issues": "write", "checks": "write", "statuses": "write", "workflows": "write", "actions": "read", "administration": "read", "members": "read"}}'
gh_hook http://127.0.0.1:1/webhook/github
gh_issue lost >/dev/null
gh_ctl POST /event "$(jq -nc --arg repo "$GH_REPO" '{event: "push", repo: $repo, payload: {}}')" >/dev/null
gh_idle
doctor
like "$(row 'GitHub deliveries')" '^false .*failed; the latest' 'failed deliveries are told'
app '{"webhook": {"url": "http://127.0.0.1:1/other"}}'
doctor
like "$(row 'GitHub webhook')" '^false .*another path' 'a webhook that goes elsewhere too'
gh_ctl PATCH /installation "{\"id\": $GH_INSTALLATION, \"suspended\": true}" >/dev/null
doctor
like "$(row "$GH_REPO: installation")" '^false suspended' 'and a suspended installation'
gh_ctl PATCH /installation "{\"id\": $GH_INSTALLATION, \"suspended\": false}" >/dev/null

# --- without the daemon ---------------------------------------------------------------------------
ym_stop
doctor
like "$(row 'GitHub credentials')" '^true ' 'without the daemon the App is asked about from here'
like "$(row 'GitHub repositories')" '^false not looked at' 'and the repositories are not green'
# As if the machine were another one.
mkdir "$T/bin"
printf '#!/bin/sh\necho git version 2.30.2\n' >"$T/bin/git"
chmod 755 "$T/bin/git"
there() { bwrap --dev-bind / / "$@" "$YARDMASTER" doctor --config "$T/yardmaster.yml" --json >"$T/doctor.json" 2>"$T/doctor.err"; }
there --ro-bind "$T/bin/git" "$(command -v git)"
like "$(row git)" '^false git version 2.30.2' 'a git that is too old is told'
there --ro-bind "$D" "$D"
like "$(row disk)" '^false .*read-only' 'so is a disk that nothing can be written to'
openssl genrsa -out "$T/other.pem" 2048 2>/dev/null
chmod 600 "$T/other.pem"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$T/rsa"
: >"$T/hosts"
sed -i "s|key: file:.*|key: file:$T/other.pem|; s|^  app:|  git: ssh://git@github.com\n  ssh-key: $T/rsa\n  known-hosts: $T/hosts\n  app:|" "$T/yardmaster.yml"
doctor
like "$(row 'GitHub credentials')" '^false ' 'a wrong key is told'
like "$(row 'deploy key')" '^false .*RSA' 'an RSA deploy key is, too'
like "$(row 'known hosts')" '^false .*no usable key of github.com' 'and a host that is not known'
done_testing
