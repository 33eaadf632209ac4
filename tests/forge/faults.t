#!/bin/bash
# GitHub fails, refuses and loses answers: what was carried out is not done twice, what was not is done
# later, and what is refused is said to a person.
. "$(dirname "$0")/lib.sh"

fixer
conf <<<'limits: { agents: 2 }'
gh_start
sample_source app
commit_blueprint "$T/src/app" fix true 0 'limits: { rounds: 1 }'
commit_blueprint "$T/src/app" never false 0 'limits: { rounds: 1 }'
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  approvals: 0'
gh_publish app
gh_daemon
gh_add
dir=$(gh_state .dir)
begun=$(git -C "$dir" rev-list --count --first-parent main)
# faults METHOD PATH JSON...: one request each, in this order.
faults() {
	local f
	for f in "${@:3}"; do
		gh_fault "$(jq -nc --arg method "$1" --arg path "$2" --argjson f "$f" '{method: $method, path: $path} + $f')"
	done
}
faults_left() { gh_ctl GET /fault | jq -c '[.[] | "\(.method) \(.path) \(.kind // .status)"]'; }

# --- answers that say nothing of what became of the request, limits, and GitHub being away -----------------
limit='{"status": 403, "headers": {"Retry-After": "1"}, "message": "You have exceeded a secondary rate limit."}'
faults POST '/issues/\d+/comments$' '{"kind": "cut", "after": true}' '{"status": 500, "after": true}' \
	'{"status": 429, "headers": {"Retry-After": "1"}}' '{"kind": "html", "after": true}'
faults POST '/pulls$' '{"kind": "cut", "after": true}' '{"kind": "html"}'
faults POST '/check-runs$' '{"kind": "half", "after": true}' '{"status": 502}' '{"kind": "cut", "after": true}' "$limit"
faults POST '/labels$' '{"status": 500, "after": true}'
faults PATCH '/issues/\d+$' '{"status": 401}'
faults POST 'git-receive-pack' '{"kind": "cut", "after": true}' '{"kind": "cut"}' '{"status": 502, "after": true}' '{"kind": "html"}'
one=$(gh_issue 'One') two=$(gh_issue 'Two') never=$(gh_issue 'Never')
gh_label "$one" agent:fix
gh_label "$two" agent:fix
gh_label "$never" agent:never
for n in "$one" "$two"; do
	wait_ok "issue #$n lands and is closed" "[ \"\$(gh_state '.issues[] | select(.number == $n) | .state')\" = closed ]" ||
		{ diag "$(faults_left)"; bail "stuck: $(tail -30 "$T/daemon.log")"; }
done
wait_ok 'what cannot be done has its label' \
	"gh_state '.issues[] | select(.number == $never) | .labels[] | .name? // .' | grep -q needs-human"
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(faults_left)" '[]' 'every fault was met'
is "$(gh_comments_twice)$(gh_checks_twice)" '' 'no comment and no check run is there twice'
is "$(gh_state '[.issues[] | select(.pull)] | length')" 2 'nor a PR'
is "$(git -C "$dir" rev-list --count --first-parent main)" $((begun + 2)) 'nor a landing'
is "$(ymj .events_failed status)" 0 'no event failed'

# --- refusals --------------------------------------------------------------------------------------
denied='Resource not accessible by integration'
faults POST '/pulls$' "$(jq -nc --arg m "$denied" '{status: 403, message: $m, times: 9}')"
three=$(gh_issue 'Three') four=$(gh_issue 'Four')
gh_label "$three" agent:fix
wait_ok 'a PR that may not be opened comes back to a person' "[ \"\$(task_state \"\$(task_of $three)\")\" = needs-human ]" ||
	bail "$(tail -20 "$T/daemon.log")"
wait_ok 'who is told what GitHub said' "gh_comments $three | grep -q '$denied'"
gh_ctl DELETE /fault >/dev/null
faults POST '/pulls$' '{"status": 422, "message": "Validation Failed: no commits", "times": 9}'
gh_label "$four" agent:fix
wait_ok 'and so does one that cannot be' "[ \"\$(task_state \"\$(task_of $four)\")\" = needs-human ]"
wait_ok 'with GitHub'"'"'s words' "gh_comments $four | grep -q 'no commits'"
gh_ctl DELETE /fault >/dev/null
gh_comment "$three" '/yard retry' >/dev/null
wait_ok 'once it may, it lands' "[ \"\$(gh_state '.issues[] | select(.number == $three) | .state')\" = closed ]"
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
for status in 404 405 409; do
	# A 404 may mean that the whole repository is not for us any more: that is looked into, and it is tried again.
	faults POST '/comments$' "{\"status\": $status, \"message\": \"Refused with $status\", \"times\": $((status == 404 ? 2 : 1))}"
	gh_comment "$one" '/yard status' >/dev/null
	wait_ok "a comment refused with $status is in the log" "ym_log | grep -q 'forge-comment.*$status'"
done
# A limit that says not when it ends holds the whole installation; nothing is asked meanwhile.
faults POST '/comments$' '{"status": 429}'
gh_comment "$one" '/yard status' >/dev/null
wait_ok 'a limit is in the status, and what was under way has ended' \
	"[ \"\$(ymj '[.github.installations[] | select((.hold_ms // 0) > 30000 and .running == 0)] | length' status)\" = 1 ]"
# What the App asks in its own name has a limit of its own, and Git none of these.
asked='[.[] | select((.actor | tostring | startswith("installation")) and (.path | contains(".git/") | not))] | length'
before=$(gh_requests "$asked")
ym_stop
is $? 0 'the daemon ends when told'
is "$(gh_comments_twice)$(gh_checks_twice)" '' 'no comment and no check run is there twice'
is "$(gh_requests "$asked")" "$before" 'nothing was asked meanwhile'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
done_testing
