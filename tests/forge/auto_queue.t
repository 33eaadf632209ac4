#!/bin/bash
# A PR queues itself when the repository's `auto-queue:` says so: label, author, approvals; a bot's only when
# the repository lists the bot. Two owners' repositories, with an installation each, are one daemon's.
. "$(dirname "$0")/lib.sh"

gh_start
sample_source app
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  approvals: 0
auto-queue:
  label: automerge
  authors: [alice, "dependabot[bot]", "other[bot]"]
bots: ["dependabot[bot]"]'
gh_publish app
for bot in dependabot other; do
	gh_ctl POST /user "{\"login\": \"${bot}[bot]\", \"type\": \"Bot\"}" >/dev/null
	gh_ctl PUT /permission "{\"repo\": \"octo/app\", \"user\": \"${bot}[bot]\", \"role\": \"write\"}" >/dev/null
done
gh_daemon
gh_add

pr_of() { # BRANCH USER [LABEL]: a PR, labelled and approved by bob; prints its number
	local n
	gh_push "$1" "src/$1.txt" fine >/dev/null
	n=$(gh_pr "$1" "PR $1" '' "$2")
	gh_label "$n" "${3:-automerge}" bob
	gh_review "$n" APPROVE '' bob
	echo "$n"
}
plain=$(pr_of plain alice other)
carols=$(pr_of carols carol)
others=$(pr_of others 'other%5Bbot%5D')
gh_push eves src/eves.txt fine >/dev/null
none=$(gh_pr eves 'Not approved')
gh_label "$none" automerge bob
for n in $plain $carols $others $none; do
	wait_for "ymj .number pr show $n" || bail "PR $n is not known"
done
wait_for "ymj '.approvals[].user' pr show $others | grep -q bob" || bail 'the review is not known'
bots=$(pr_of bots 'dependabot%5Bbot%5D')
wait_ok "a listed bot's PR lands by itself" "[ \"\$(gh_pr_state $bots)\" = merged ]"
good=$(pr_of good alice)
wait_ok 'and one with label, author and approval' "[ \"\$(gh_pr_state $good)\" = merged ]"
is "$(gh_pr_state "$plain")" open 'not one without the label'
is "$(gh_pr_state "$carols")" open 'not one of another author'
is "$(gh_pr_state "$others")" open 'not that of a bot that is not listed'
is "$(gh_pr_state "$none")" open 'not one that nobody approved'
is "$(ymj length queue list)" 0 'and none of them is in the queue'

# --- another owner's repository, which another installation is for -----------------------------------
gh_ctl POST /user '{"login": "other", "type": "Organization"}' >/dev/null
second=$(gh_ctl POST /installation '{"account": "other"}' | jq .id)
isnt "$second" "$GH_INSTALLATION" 'the App is installed twice'
commit_file "$T/src/app" src/lib.txt lib
GH_REPO=other/lib
gh_ctl POST /repo "$(jq -nc --arg from "$T/src/app" '{full_name: "other/lib", from: $from, private: true,
	collaborators: {alice: "write", bob: "maintain"}}')" >/dev/null
gh_add
theirs=$(pr_of theirs alice)
wait_ok 'there PRs land too' "[ \"\$(gh_pr_state $theirs)\" = merged ]"
GH_REPO=octo/app
again=$(pr_of again alice)
wait_ok 'and here they still do' "[ \"\$(gh_pr_state $again)\" = merged ]"
is "$(ymj '[.github.installations[] | .id | select(. > 0)] | sort | join(" ")' status)" "$GH_INSTALLATION $second" \
	'each by the token of its own installation'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
