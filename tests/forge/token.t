#!/bin/bash
# A plain token of a person instead of an App, and no webhooks: commit statuses stand in for check runs, what
# yardmaster wrote is known by its marker, the person's own commands count, and so does the right to edit a fork's PR.
. "$(dirname "$0")/lib.sh"

fixer
gh_start
sample_source app
commit_blueprint "$T/src/app" fix '' 0
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  approvals: 0'
gh_publish app
gh_ctl POST /token '{"user": "bob", "token": "ghp_of_bob_who_maintains"}' >/dev/null
(umask 077; echo ghp_of_bob_who_maintains >"$T/token")
conf <<END
github:
  api: $GH
  token: file:$T/token
END
ym_start
me
gh_add
n=$(gh_issue --label agent:fix --as bob 'Fix it')
wait_ok 'a label becomes a landed commit' "[ \"\$(gh_state '.issues[] | select(.number == $n) | .state')\" = closed ]"
pr=$(ymj '.[0].pr' task list)
head=$(gh_head "$pr")
wait_ok 'its head has a status of the task' \
	"gh_as alice GET /repos/$GH_REPO/commits/$head/statuses | jq -r '.[] | \"\\(.context) \\(.state)\"' | grep -q 'yardmaster/task success'"
is "$(gh_state '[.checks[]] | length')" 0 'and no check run'
is "$(gh_state ".issues[] | select(.number == $n) | .comments[0].user.login? // .comments[0].user")" bob 'the comments are bob'"'"'s'
gh_comment "$pr" "/yard status" bob >/dev/null
wait_ok 'as is a command, which is answered' "gh_comments $pr | grep -q 'answer:'"
# What yardmaster said may hold words that are commands at the beginning of a line.
copy=$(gh_comments "$pr" | grep -m1 -o '<!-- yardmaster [^>]*-->')
gh_comment "$pr" "/yard status

$copy" bob >/dev/null
gh_comment "$pr" "$copy

/yard why" bob >/dev/null
wait_ok 'a command below a copy of it counts' \
	"[ \"\$(ledger \"SELECT count(*) FROM event WHERE kind = 'comment-created'\")\" = 2 ]" 20
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(ledger "SELECT count(*) FROM event WHERE kind = 'comment-created'")" 2 \
	'nothing else was taken for a command'

# --- the head of a fork's PR ----------------------------------------------------------------------
# Where its author lets the maintainers edit it, a person's token may push there; an App's may not (land.t).
gh_push main .github/yardmaster.yml 'queue: { method: squash, gates: ["sh gate.sh"], approvals: 0 }' bob >/dev/null
wait_for '[ "$(ymj ".[0].head" repo list)" = "$(gh_base_oid)" ]' || bail 'the base is not known'
gh_fork eve
gift() { # NAME MODIFY
	gh_gift "$1" "$2"
	gh_known "$pr" || bail "the PR $1 is not known"
	head=$(gh_head "$pr")
	gh_comment "$pr" '/yard queue' bob >/dev/null
}
gift open true
wait_ok "a squashed PR of a fork is shown as merged" "[ \"\$(gh_pr_state $pr)\" = merged ]"
is "$(gh_head "$pr")" "$(gh_base_oid)" 'its head is the commit that landed'
isnt "$(gh_head "$pr")" "$head" 'to which it was moved'
is "$(gh_ctl GET /state | jq -r '.repos[] | select(.full_name == "eve/app") | .branches["refs/heads/open"]')" "$(gh_base_oid)" 'on the fork'
wait_ok 'the landing is over' '[ "$(ymj length queue list)" = 0 ]'
is "$(ymj .head pr show "$pr")" "$head" 'the ledger keeps the head that was queued'
unlike "$(gh_comments "$pr")" 'shows the PR as closed' 'and nobody is told that it could not be'
gift shut false
wait_ok 'where nobody may push it lands' "[ \"\$(gh_base_file src/shut.txt)\" = fine ]"
wait_ok 'and is closed' "[ \"\$(gh_pr_state $pr)\" = closed ]"
wait_ok 'with the commit and the reason' \
	"gh_comments $pr | grep 'landed on .main. as' | grep \$(gh_base_oid) | grep -q 'in a fork and cannot be written from here'"
is "$(gh_head "$pr")" "$head" 'its head stays'
is "$(gh_requests '[.[] | select(.path | startswith("/eve/app")) | .path | sub(".*/"; "")] | unique | join(" ")')" 'git-receive-pack refs' \
	'nothing was pushed there but the one'
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(gh_requests '[.[] | select(.path | startswith("/app"))] | length')" 0 'nothing is asked that only an App may'
unlike "$(ym_log)" ghp_of_bob 'the token is not in the log'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
