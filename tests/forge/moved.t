#!/bin/bash
# A repository on GitHub that is renamed, that the App may not see any more, whose installation is
# suspended or removed: the name follows, the reason is shown, and all goes on when it is mended.
# check: long
. "$(dirname "$0")/lib.sh"

gh_start
gh_repo app
gh_daemon
gh_add
problem() { ymj '.[0].problem // ""' repo list; }
lands() { # NAME
	local pr
	gh_push "$1" "src/$1.txt" fine >/dev/null
	pr=$(gh_pr "$1" "$1")
	gh_comment "$pr" '/yard queue' bob >/dev/null
	wait_ok "$1: a PR lands" "[ \"\$(gh_pr_state $pr)\" = merged ]"
}

gh_ctl PATCH /repo '{"repo": "octo/app", "rename": "site"}' >/dev/null
GH_REPO=octo/site
wait_ok 'a new name is known' '[ "$(ymj ".[0].name" repo list)" = octo/site ]' 20
lands renamed
ok 'and -R takes it' ym pr list -R octo/site

installation() { gh_ctl "$1" /installation "$(jq -nc --argjson id "$GH_INSTALLATION" --argjson x "${2:-null}" '{id: $id} + ($x // {})')" >/dev/null; }
installation PATCH '{"suspended": true}'
wait_ok 'a suspended installation is shown' 'problem | grep -qi suspended' 20
like "$(ymj '.github.problems[].problem' status)" '[Ss]uspended' 'in the status too'
pr_while=$(gh_push while src/while.txt fine >/dev/null; gh_pr while While)
gh_comment "$pr_while" '/yard queue' bob >/dev/null
installation PATCH '{"suspended": false}'
wait_ok 'and what waited goes on' "[ \"\$(gh_pr_state $pr_while)\" = merged ]"
wait_ok 'the problem is gone' '[ -z "$(problem)" ]' 20
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
