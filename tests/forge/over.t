#!/bin/bash
# A PR that was over before the repository was added is known when another one depends on it. A repository that is
# removed is left alone, and goes on when it is added again.
. "$(dirname "$0")/lib.sh"

gh_start
gh_repo app
gh_push before src/before.txt fine >/dev/null
before=$(gh_pr before Before)
gh_as bob PUT "/repos/$GH_REPO/pulls/$before/merge" '{}' >/dev/null
gh_push never src/never.txt fine >/dev/null
never=$(gh_pr never Never)
gh_as alice PATCH "/repos/$GH_REPO/pulls/$never" '{"state": "closed"}' >/dev/null
gh_daemon
gh_add
pull() { # NAME BODY: a PR that bob queues; sets $pr
	gh_push "$1" "src/$1.txt" fine >/dev/null
	pr=$(gh_pr "$1" "PR $1" "$2")
	gh_known "$pr" || bail "the PR $1 is not known"
	gh_comment "$pr" '/yard queue' bob >/dev/null
}

# --- what was over before -------------------------------------------------------------------------
is "$(ledger 'SELECT count(*) FROM pr')" 0 'what was over is not in the ledger'
pull one "Depends-On: #$before"
wait_ok 'a PR lands after one that was merged before anybody looked' "[ \"\$(gh_pr_state $pr)\" = merged ]"
unlike "$(gh_comments "$pr")" 'does not exist' 'of which nobody said that it does not exist'
pull two "Depends-On: #$never"
wait_ok 'one that was closed is told to be closed' "gh_comments $pr | grep 'Taken out of the merge queue' | grep \"#$never\" | grep -q closed"

# --- removed --------------------------------------------------------------------------------------
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
ok 'a repository is removed' ym repo remove "$GH_REPO"
gh_ctl DELETE /requests >/dev/null
gh_push three src/three.txt fine >/dev/null
pr=$(gh_pr three Three)
gh_comment "$pr" '/yard queue' bob >/dev/null
gh_push main src/base.txt fine bob >/dev/null
gh_idle
is "$(ymj length repo list)" 0 'it is not listed'
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
is "$(gh_requests '[.[] | select(.path | test("octo/app"))] | length')" 0 'and nothing is asked or done there'
gh_add
gh_known "$pr" || bail 'the PR three is not known'
gh_comment "$pr" '/yard queue' bob >/dev/null
wait_ok 'added again it goes on' "[ \"\$(gh_pr_state $pr)\" = merged ]"
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
