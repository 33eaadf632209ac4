#!/bin/bash
# A `checks:` step waits for the required checks of the agent's PR: red is a round with the failing job's
# output, green goes on to the review.
. "$(dirname "$0")/lib.sh"

agent fixer <<'END2'
if grep -q 'it went wrong here' "$PROMPT" && grep -q 'src/a.txt:3: error: no good line' "$PROMPT"; then
	sed -i 's/^line 3 bad$/line 3 fixed/' src/a.txt
	complete "Fixed line 3."
fi
sed -i 's/^line 3$/line 3 bad/' src/a.txt
complete "Changed line 3."
END2
gh_start
sample_source app
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  forge-checks: [build]'
commit_file "$T/src/app" .github/blueprints/fix.yml 'name: fix
allow: ["src/**"]
limits: { rounds: 1, ci-rounds: 2 }
steps:
  - agent: prompts/fix.md
    gates: ["sh gate.sh"]
  - pull-request: {}
  - checks: {}
  - review: {}
  - queue: {}'
commit_file "$T/src/app" .github/blueprints/prompts/fix.md 'Do what the issue says.'
gh_publish app
gh_daemon
gh_add

n=$(gh_issue 'Fix line 3')
gh_label "$n" agent:fix
wait_for "ymj '.[0].reason' task list | grep -q 'build. (not there yet)'" || bail 'the task does not wait for the checks'
pass 'the task waits for the checks of its PR, and says for which'
pr=$(ymj .pr task show 1)
head=$(gh_head "$pr")
gh_ci "$head" build ''
wait_ok 'one that runs is waited for' "ymj '.[0].reason' task list | grep -q 'build. (in_progress)'"
gh_red "$head" 'no good line'
wait_ok 'red is a round, with what the job said' "[ \"\$(gh_head $pr)\" != $head ]"
now=$(gh_head "$pr")
like "$(git -C "$(gh_state .dir)" show "$now:src/a.txt")" 'line 3 fixed' 'the new head has the fix'
wait_for "ymj '.[0].reason' task list | grep -q 'build. (not there yet)'" || bail 'the task does not wait for the new checks'
pass 'it waits for the checks of the new head'
gh_ci "$now" build success
wait_ok 'green goes on to the review' "ymj '.[0].reason' task list | grep -q 'waits for review'"
gh_review "$pr" APPROVE 'Looks good'
wait_for '[ -n "$(gh_candidates)" ]' || bail 'no candidate was pushed'
gh_ci "$(gh_candidates)" build success
wait_ok 'and lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
done_testing
