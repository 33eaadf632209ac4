#!/bin/bash
# A repository on GitHub that is renamed or transferred, that the App may not see any more or not write to,
# whose installation is suspended or removed: the name follows, nothing begins meanwhile, the reason is shown
# once, and all goes on when it is mended.
. "$(dirname "$0")/lib.sh"

fixer
gh_start
sample_source app
commit_file "$T/src/app" .github/blueprints/fix.yml 'name: fix
allow: ["src/**"]
steps:
  - agent: prompts/fix.md
  - pull-request: {}'
commit_file "$T/src/app" .github/blueprints/prompts/fix.md 'Do what the issue says.'
gh_publish app
gh_daemon
gh_add
problem() { ymj '.[0].problem // ""' repo list; }
paused() { wait_ok "$1" "[ \"\$(ymj '.problems[0].paused_ms // 0' status)\" -gt 0 ] && problem | grep -q '$2'" || bail "not paused: $(tail -5 "$T/daemon.log")"; }
on() { wait_ok "$1" '[ -z "$(problem)" ]' || bail "still paused: $(tail -5 "$T/daemon.log")"; }
lands() { wait_ok "$2" "[ \"\$(gh_pr_state $1)\" = merged ]" || bail "$(tail -5 "$T/daemon.log")"; }
queued() { # NAME [not known: nothing is read there now]; sets $pr
	gh_push "$1" "src/$1.txt" fine >/dev/null
	pr=$(gh_pr "$1" "$1")
	[ $# = 2 ] || gh_known "$pr" || bail "the PR $1 is not known"
	gh_comment "$pr" '/yard queue' bob >/dev/null
}
installation() { gh_ctl "$1" /installation "$(jq -nc --argjson id "$GH_INSTALLATION" --argjson x "${2:-null}" '{id: $id} + ($x // {})')" >/dev/null; }
said() { ym_log | grep -c "repository octo/site: paused.*$1"; }

# --- another name, another owner --------------------------------------------------------------------
gh_ctl PATCH /repo '{"repo": "octo/app", "rename": "site"}' >/dev/null
GH_REPO=octo/site
wait_ok 'a new name is known' '[ "$(ymj ".[0].name" repo list)" = octo/site ]'
queued renamed
lands "$pr" 'a PR lands there'
ok 'and -R takes the name' ym pr list -R octo/site

# --- suspended ----------------------------------------------------------------------------------------
installation PATCH '{"suspended": true}'
paused 'a suspended installation is a reason to pause' 'installation is suspended'
like "$(ym status)" 'problems.0.problem.*suspended.*takes that back' 'the status says so to a person'
like "$(ym doctor --config "$T/yardmaster.yml")" 'octo/site.*suspended' 'and so does doctor'
queued while 'and not known'
n=$(gh_issue --label agent:fix 'While it is suspended')
installation PATCH '{"suspended": false}'
on 'taken back, it is gone'
lands "$pr" 'what waited lands'
wait_ok 'and what was labelled is done' "[ \"\$(task_state \"\$(task_of $n)\")\" = done ]"
is "$(said suspended)" 1 'the reason is in the log, once'
k=$(task_of "$n")
gh_as bob PUT "/repos/$GH_REPO/pulls/$(ymj .pr task show "$k")/merge" '{}' >/dev/null
wait_ok 'a PR of ours that a person merges ends its task so' "[ \"\$(task_state $k)\" = merged ]"
like "$(ymj .reason task show "$k")" 'merged by hand: by bob, as [0-9a-f]{12}' 'and it says by whom'

# --- a permission -------------------------------------------------------------------------------------
all=$(gh_ctl GET /state | jq -c '.apps[0].permissions')
installation PATCH "{\"permissions\": $(jq -c '. + {pull_requests: "read"}' <<<"$all")}"
n=$(gh_issue --label agent:fix 'No pull requests')
paused 'a missing permission is one, too' 'lacks a permission: pull_requests=write'
k=$(task_of "$n")
like "$(ymj .paused task show "$k")" 'pull_requests=write' 'the task says why it waits'
m=$(gh_issue --label agent:fix 'Nothing begins')
gh_idle
is "$(gh_state "[.issues[] | select(.number == $n) | .comments[].body | select(test(\"needs a person\"))] | length")" 0 'nobody is called for it'
installation PATCH "{\"permissions\": $all, \"accepted\": true}"
on 'granted and accepted, it is gone'
wait_ok 'the task goes on where it stood' "[ \"\$(task_state $k)\" = done ]"
wait_ok 'and what was labelled meanwhile begins' "[ \"\$(task_state \"\$(task_of $m)\")\" = done ]"
is "$(said pull_requests)" 1 'the reason is in the log, once'

# --- taken out of the installation, and the App removed ----------------------------------------------
installation PATCH '{"repositories": []}'
paused 'a repository that is taken out of the installation' 'not installed on it any more'
installation PATCH '{"repositories": ["octo/site"]}'
on 'and put back'
installation DELETE
paused 'an installation that is deleted' 'not installed on it any more'
queued again 'and not known'
GH_INSTALLATION=$(gh_ctl POST /installation '{"account": "octo"}' | jq .id)
on 'and installed anew'
gh_comment "$pr" '/yard queue' bob >/dev/null
lands "$pr" 'under another number'
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
gh_ctl POST /user '{"login": "other", "type": "Organization"}' >/dev/null
gh_ctl POST /installation '{"account": "other"}' >/dev/null
gh_ctl PATCH /repo '{"repo": "octo/site", "transfer": "other"}' >/dev/null
GH_REPO=other/site
wait_ok 'a new owner is known' '[ "$(ymj ".[0].name" repo list)" = other/site ]'
queued moved
lands "$pr" 'and a PR lands there'
gh_ctl DELETE /repo '{"repo": "other/site"}' >/dev/null
wait_ok 'a repository that is deleted is said to be so' 'problem | grep -q "the repository is deleted"'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
