#!/bin/bash
# What the branch's rules want of people is waited for, and said: reviews, code owners, conversations, changes
# that were requested; the queue goes on by itself when it is met.
. "$(dirname "$0")/lib.sh"

gh_start
sample_source app
commit_file "$T/src/app" CODEOWNERS '/src/   @carol @octo/core'
gh_publish app
gh_protect '{"reviews": 1, "code_owners": true, "owners": ["carol"], "conversations": true, "bypass": ["yardmaster"]}'
gh_daemon
gh_add
waits() { wait_for "ymj '.[].waits' queue list | grep -q '$1'" "${2:-10}"; }
thread() { # BODY: a conversation; sets $thread
	gh_as bob POST "/repos/$GH_REPO/pulls/$pr/comments" "$(jq -nc --arg b "$1" --arg sha "$(gh_head "$pr")" \
		'{body: $b, path: "src/one.txt", line: 1, commit_id: $sha}')" >/dev/null
	thread=$(gh_as bob POST /graphql "$(jq -nc --argjson n "$pr" '{query: "query($n: Int!) { repository(owner: \"octo\", name: \"app\") { pullRequest(number: $n) { reviewThreads(first: 100) { nodes { id isResolved } } } } }", variables: {n: $n}}')" |
		jq -r '[.data.repository.pullRequest.reviewThreads.nodes[] | select(.isResolved | not)] | last | .id')
}
resolve() {
	gh_as bob POST /graphql "$(jq -nc --arg id "$1" '{query: "mutation($input: ResolveReviewThreadInput!) { resolveReviewThread(input: $input) { thread { id } } }", variables: {input: {threadId: $id}}}')" >/dev/null
}

# --- a review, of a code owner --------------------------------------------------------------------
gh_queued one
waits 'waits for a review that the branch requires, by a code owner: @carol @octo/core (src/one.txt)' ||
	bail "it does not wait for a review: $(ymj '.[].waits' queue list)"
pass 'it waits for a code owner, who is named'
wait_ok 'on the checks tab, too' "gh_state '.checks[] | select(.name == \"yardmaster/queue\") | .output.summary' | grep -q 'by a code owner: @carol'"
wait_ok 'and in the sticky comment' "gh_comments $pr | grep -q 'In the merge queue, place 1: waits for a review'"
gh_comment "$pr" '/yard why' bob >/dev/null
wait_ok 'and /yard why says it' "gh_comments $pr | grep -A3 '> /yard why' | grep -q 'by a code owner: @carol'"
gh_review "$pr" APPROVE '' bob
wait_for "ymj '.approvals[].user' pr show $pr | grep -q bob"
gh_idle
is "$(ymj '.[].waits' queue list | grep -c 'by a code owner')" 1 'an approval of somebody else changes nothing'

# --- conversations --------------------------------------------------------------------------------
thread 'Why?'
first=$thread
thread 'And here?'
gh_review "$pr" APPROVE '' carol
waits 'waits: 2 unresolved conversations' || bail "conversations are not waited for: $(ymj '.[].waits' queue list)"
pass 'then for its conversations'
resolve "$first"
ok 'one is resolved' waits 'waits: 1 unresolved conversation$'
is "$(gh_requests '[.[] | select(.method == "POST" and (.path | test("/git/|refs"))) ] | length')" 0 'nothing is pushed meanwhile'
is "$(ledger 'SELECT count(*) FROM candidate')" 0 'and nothing is built'
resolve "$thread"
wait_ok 'with the last one it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"

# --- changes requested ----------------------------------------------------------------------------
gh_protect '{"none": true}'
wait_ok 'without rules' "! ledger 'SELECT required FROM github_repo' | grep -q approvals"
gh_push two src/two.txt fine >/dev/null
pr=$(gh_pr two Two)
gh_known "$pr" || bail 'the PR two is not known'
gh_review "$pr" REQUEST_CHANGES 'Not so' carol
wait_for "ledger 'SELECT verdict FROM pr' | grep -q '\"by\":\[\"carol\"\]'" || bail 'the review is not known'
gh_comment "$pr" '/yard queue' bob >/dev/null
ok 'changes that somebody requested are waited for' waits 'waits for @carol, who requested changes'

# --- begun before, submitted after ------------------------------------------------------------------
was=$pr
approved() { ymj '[.approvals[] | select((.void_ms // 0) == 0) | .user] | sort | join(" ")' pr show "$pr" | grep -qx "${1-}"; }
gh_push four src/four.txt fine >/dev/null
pr=$(gh_pr four Four '' carol)
gh_known "$pr" || bail 'the PR four is not known'
begun=$(gh_as bob POST "/repos/$GH_REPO/pulls/$pr/reviews" '{"body": "begun"}' | jq -r .id)
gh_review "$pr" APPROVE 'Fine' alice
wait_ok 'a review that is begun is nobody'"'"'s' 'approved alice'
submit() { gh_as bob POST "/repos/$GH_REPO/pulls/$pr/reviews/$begun/events" "{\"event\": \"$1\", \"body\": \"So\"}" >/dev/null; }
submit REQUEST_CHANGES
gh_comment "$pr" '/yard queue' alice >/dev/null
ok 'submitted after a later one it counts' waits 'waits for @bob, who requested changes'
is "$(gh_pr_state "$pr")" open 'and another approval does not land it'

# --- approved again after a dismissal ---------------------------------------------------------------
gh_review "$pr" APPROVE 'Fine' bob
wait_ok 'who requested changes approves, and it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]" 20
gh_push five src/five.txt fine >/dev/null
pr=$(gh_pr five Five '' carol)
gh_known "$pr" || bail 'the PR five is not known'
begun=$(gh_as bob POST "/repos/$GH_REPO/pulls/$pr/reviews" '{"body": "begun"}' | jq -r .id)
submit APPROVE
wait_ok 'an approval counts' 'approved bob'
gh_as carol PUT "/repos/$GH_REPO/pulls/$pr/reviews/$begun/dismissals" '{"message": "look again"}' >/dev/null
wait_ok 'until it is dismissed' 'approved ""'
gh_review "$pr" APPROVE 'Still fine' bob
wait_ok 'and once more after that' 'approved bob'
gh_label "$pr" anything
gh_idle
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
ok 'which the next look leaves as it is' approved bob
pr=$was

# --- without webhooks -----------------------------------------------------------------------------
gh_ctl POST /hooks '{"hold": true}' >/dev/null
review=$(gh_as carol GET "/repos/$GH_REPO/pulls/$pr/reviews" | jq '.[0].id')
gh_as carol PUT "/repos/$GH_REPO/pulls/$pr/reviews/$review/dismissals" '{"message": "never mind"}' >/dev/null
wait_ok 'a dismissed review is noticed without webhooks' "[ \"\$(gh_pr_state $pr)\" = merged ]"

# --- what cannot be read --------------------------------------------------------------------------
gh_ctl POST /hooks '{"release": true}' >/dev/null
gh_fault '{"method": "GET", "path": "/rules/branches/main", "status": 302, "headers": {"Location": "http://other.invalid/"}, "times": 1000}'
wait_for "ledger 'SELECT problem FROM github_repo' | grep -q ." || bail 'the failure is not noted'
gh_queued three
ok 'rules that cannot be read keep it from landing' waits 'is green and waits to land: the rules of .main. could not be read' 20
is "$(gh_pr_state "$pr")" open 'it is open'
gh_ctl DELETE /fault >/dev/null
wait_ok 'until they can be' "[ \"\$(gh_pr_state $pr)\" = merged ]"
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
