#!/bin/bash
# A repository in shadow mode is watched and nothing is ever written to it; stats says what the queue would have done.
. "$(dirname "$0")/lib.sh"

# What of all that was asked for is no read: a token and git's own fetch are POSTs too.
writes() {
	gh_requests '[.[] | select(.method != "GET" and (.path | test("/access_tokens$|/git-upload-pack$") | not) and
		(.path == "/graphql" and (.body.query | startswith("query(")) | not)) |
		"\(.method) \(.path)"] | join("\n")'
}
stat() { ym stats --json | jq -rc ".[] | select(.key == \"$1\") | .value"; }
# GitHub looks first whether it can be merged.
merge() { wait_for "gh_as alice GET '/repos/$GH_REPO/pulls/$1' | jq -e .mergeable && gh_as alice PUT '/repos/$GH_REPO/pulls/$1/merge' '{}'" || bail "not merged"; }
all_read='{"permissions": {"metadata": "read", "contents": "read", "pull_requests": "read", "issues": "read", "checks": "read",
	"statuses": "read", "actions": "read", "administration": "read", "members": "read"}}'
all_write='{"permissions": {"metadata": "read", "contents": "write", "pull_requests": "write", "issues": "write", "checks": "write",
	"statuses": "write", "workflows": "write", "actions": "read", "administration": "read", "members": "read"}}'

gh_start
gh_repo app
gh_ctl PATCH /app "$all_read" >/dev/null
gh_protect '{"checks": ["build"], "reviews": 1}'
gh_conf
printf '  shadow: ["octo/*"]\n' >>"$T/yardmaster.yml"
ym_start
me
gh_hook_here
gh_add
is "$(ymj '.shadow[0]' status)" "$GH_REPO" 'status names what is in shadow'
like "$(ym repo list)" $'\tyes(\t|$)' 'and so does the list of repositories'
wait_for "ledger 'SELECT required FROM github_repo' | grep -q build"

# --- people work ----------------------------------------------------------------------------------
issue=$(gh_issue --label agent:bugfix 'Dates are off')
gh_label "$issue" agent:feature bob
declare -A pr
for b in one two three; do
	case $b in one | two) file=src/a.txt ;; *) file=src/three.txt ;; esac
	gh_push $b $file "changed by $b" >/dev/null
	pr[$b]=$(gh_pr $b "Change $b")
	gh_known "${pr[$b]}"
	gh_review "${pr[$b]}" APPROVE '' bob
done
one=${pr[one]} two=${pr[two]} three=${pr[three]}
gh_comment "$one" '/yard queue' bob >/dev/null
gh_comment "$one" $'/yard hold\n/yard status' bob >/dev/null
wait_ok 'commands and labels are counted' '[ "$(stat commands)" = 3 ] && [ "$(stat labels)" = 2 ]'
is "$(stat prs_seen)" 3 'and the PRs that were seen'
is "$(stat ready)" 0 'none is ready before its required checks are'
# --- what would land ------------------------------------------------------------------------------
for n in "$one" "$two" "$three"; do
	gh_ci "$(gh_head "$n")" build success
	wait_for "stat landing_order | grep -q '\\b$n\\b'"
done
is "$(stat landing_order)" "[$one,$two,$three]" 'the order in which they would have landed'
wait_ok 'two that would conflict with each other are found while both are open' \
	"[ \"\$(stat collisions)\" = '[{\"files\":[\"src/a.txt\"],\"other\":$one,\"pr\":$two}]' ]"
is "$(stat conflicts)" '[]' 'neither of them in conflict with the base'
plain=$(ym stats)
like "$plain" "$GH_REPO"$'\tshadow\t'"would have landed, in this order"$'\t'"#$one #$two #$three" 'in a pipe: plain lines'

# --- a conversation that is resolved while no webhook arrives -------------------------------------
gh_protect '{"checks": ["build"], "reviews": 1, "conversations": true}'
wait_for "ledger 'SELECT required FROM github_repo' | grep -q conversations" || bail 'the rule is not known'
sha=$(gh_push talked src/talked.txt fine)
talked=$(gh_pr talked Talked)
gh_known "$talked"
gh_as bob POST "/repos/$GH_REPO/pulls/$talked/comments" "$(jq -nc --arg sha "$sha" '{body: "Why?", commit_id: $sha, path: "src/talked.txt", line: 1}')" >/dev/null
thread=$(gh_as bob POST /graphql "$(jq -nc --argjson n "$talked" '{query: "query($n: Int!) { repository(owner: \"octo\", name: \"app\") { pullRequest(number: $n) { reviewThreads(first: 100) { nodes { id } } } } }", variables: {n: $n}}')" |
	jq -r '.data.repository.pullRequest.reviewThreads.nodes[-1].id')
gh_review "$talked" APPROVE '' bob
gh_ci "$sha" build success
wait_for "ledger 'SELECT verdict FROM pr WHERE number = $talked' | grep -q '\"approved\".*\"unresolved\":1'" || bail 'the conversation is not known'
gh_hook ''
unlike "$(stat landing_order)" "\\b$talked\\b" 'an unresolved conversation stands in the way'
gh_as bob POST /graphql "$(jq -nc --arg id "$thread" '{query: "mutation($input: ResolveReviewThreadInput!) { resolveReviewThread(input: $input) { thread { id } } }", variables: {input: {threadId: $id}}}')" >/dev/null
wait_ok 'that it is resolved is found without a webhook' "stat landing_order | grep -q '\b$talked\b'"
gh_as alice PATCH "/repos/$GH_REPO/pulls/$talked" '{"state": "closed"}' >/dev/null
gh_hook_here
gh_protect '{"checks": ["build"], "reviews": 1}'

# --- what people do -------------------------------------------------------------------------------
merge "$one"
wait_ok 'a merge by people is noticed, with the tree that would have landed' '[ "$(stat merged) $(stat same_tree)" = "1 1" ]'
isnt "$(stat ready_to_merge_median)" null 'and how long it had waited'
wait_ok 'the other one now conflicts with the base, because of it' \
	"[ \"\$(stat conflicts)\" = '[{\"files\":[\"src/a.txt\"],\"other\":$one,\"pr\":$two}]' ]"
merge "$three"
wait_ok 'a merge of which no check had seen the tree' '[ "$(stat merged) $(stat unseen_tree)" = "2 1" ]'
is "$(stat same_tree)" 2 'it too is what would have landed'
is "$(stat base_red)" 0 'the base is not known to be red'
gh_ci "$(gh_base_oid)" build failure
wait_ok 'until its checks say so' '[ "$(stat base_red)" = 1 ]'

# --- and nothing was written ----------------------------------------------------------------------
exits 5 'the command line does nothing there either' ym queue add "$two" --repo "$GH_REPO"
is "$(ymj length queue list --repo "$GH_REPO") $(ymj length task list)" '0 0' 'no queue and no task'
ym doctor --config "$T/yardmaster.yml" --json >"$T/doctor.json" 2>/dev/null
is "$(jq -r '[.[] | select(.check | test("^GitHub|octo")) | select(.ok | not) | .check] | join(" ")' "$T/doctor.json")" '' \
	'doctor is content with an App that may only read'
like "$(jq -r '.[].text' "$T/doctor.json")" 'in shadow mode' 'and says so'
gh_idle
ok 'nothing is under way' wait_for '[ "$(ymj .effects_open status)" = 0 ]'
is "$(writes)" '' 'nothing was asked for but reads'
is "$(gh_comments "$one")$(gh_comments "$issue" | head -1)" $'/yard queue\n/yard hold\n/yard status' 'nobody wrote but people'
unlike "$(ym_log)" 'effect [0-9]' 'and nothing even tried'

# --- from now on it acts --------------------------------------------------------------------------
# Told while nobody listens, in the time of shadow.
ym_stop
gh_hook ''
gh_comment "$two" '/yard queue' bob >/dev/null
gh_label "$issue" agent:docs bob
gh_ctl PATCH /app "$all_write" >/dev/null
gh_protect '{"none": true}'
gh_push main .github/yardmaster.yml $'queue: {gates: [], method: merge}\nauto-queue: {approvals: 1}' bob >/dev/null
gh_ctl POST /clock '{"advance": 2}' >/dev/null
sed -i '/^  shadow:/d' "$T/yardmaster.yml"
ym_start
gh_hook_here
gh_ctl POST /clock '{"advance": 2}' >/dev/null
is "$(ymj '.shadow | length' status)" 0 'shadow mode ends with the next start'
wait_ok 'what was said meanwhile is read' "ledger \"SELECT count(*) FROM shadow_event WHERE kind = 'command'\" | grep -q 4"
gh_comment "$two" '/yard status' bob >/dev/null
wait_ok 'a new command is answered' "gh_comments $two | grep -q 'yard status' && gh_comments $two | grep -vq '^/yard'"
is "$(ymj length task list) $(ledger 'SELECT count(*) FROM queue_entry')" '0 0' 'and nothing of the time before is acted upon'
gh_push four src/four.txt fine >/dev/null
four=$(gh_pr four 'Four')
gh_known "$four"
gh_review "$four" APPROVE '' bob
wait_ok 'what is new lands' "[ \"\$(gh_pr_state $four)\" = merged ]"
wait_ok 'and stats counts it as done' '[ "$(stat landed)" = 1 ]'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
