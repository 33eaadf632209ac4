#!/bin/bash
# What people see of a task and of the queue on GitHub, and what they can press: the PR's text, the check runs with
# steps, log and notes, their buttons and "re-run"; drafts; what a reader says counts for nothing.
. "$(dirname "$0")/lib.sh"

agent fixer <<'END2'
echo COST_USD: 0.42
grep -q late "$PROMPT" && echo "here is late" >>src/a.txt
echo "fixed by $YARDMASTER_TASK $YARDMASTER_ROUND" >>"src/t$YARDMASTER_TASK.txt"
[ "$(wc -l <"src/t$YARDMASTER_TASK.txt")" -lt 3 ] || sleep 300
complete "Wrote a file."
END2
gh_start
sample_source app
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  flake-reruns: 0
  gates: ["grep -rn late src && exit 1 || true"]'
commit_blueprint "$T/src/app" fix '' '' 'limits: { rounds: 1, ci-rounds: 0 }'
gh_publish app
gh_daemon
gh_add
run_of_check() { gh_state "[.checks[] | select(.head_sha == \"$1\" and .name == \"$2\")] | last | $3"; }
buttons() { run_of_check "$1" "$2" '[.actions[].identifier] | join(" ")'; }
task() { # TITLE: an issue of which a task waits for its review; sets $n, $k, $pr, $head
	n=$(gh_issue "$1")
	gh_label "$n" agent:fix
	wait_for "[ \"\$(task_state \"\$(task_of $n)\")\" = review ]" || bail 'the task does not wait for a review'
	k=$(task_of "$n")
	pr=$(ymj .pr task show "$k")
	head=$(gh_head "$pr")
}

# --- a task that is over --------------------------------------------------------------------------
task 'One that is cancelled'
like "$(gh_as alice GET "/repos/$GH_REPO/pulls/$pr" | jq -r .body)" 'cost \$0\.42' "the PR says what it cost"
wait_ok 'and so does the sticky comment' "gh_comments $n | grep -q 'Cost so far: .0\.42'"
wait_ok 'the check run shows the steps' "run_of_check $head yardmaster/task .output.summary | grep -q 'agent, round 1: .* ok'"
is "$(run_of_check "$head" yardmaster/task .output.title)" "Task $k (fix): review: PR #$pr waits for review: 0 of 1 approvals" \
	'its title is plain'
is "$(buttons "$head" yardmaster/task)" cancel 'it has a button'
gh_review "$pr" REQUEST_CHANGES 'Print the keys.' eve
gh_comment "$pr" '/yard say Print the keys.' eve >/dev/null
wait_ok 'a reader says nothing to an agent' "gh_comments $pr | grep -q 'needs the permission .write.; @eve has .read.'"
gh_idle
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
is "$(task_state "$k") $(ymj '[.runs[] | select(.kind == "agent")] | length' task show "$k")" 'review 1' \
	'nor does a review of one begin a round'
gh_click "$head" yardmaster/task cancel
wait_ok 'the button ends it' "[ \"\$(task_state $k)\" = cancelled ]"
wait_ok 'and the check run says so' "[ \"\$(gh_check $head yardmaster/task)\" = cancelled ]"

# --- one that needs a person ----------------------------------------------------------------------
task 'One that is late'
gh_review "$pr" APPROVE
wait_ok 'red in the queue and no round left: a person is called' "gh_comments $n | grep -q '^@alice, this needs a person'"
wait_ok 'by a label, too' "gh_as alice GET /repos/$GH_REPO/issues/$n | jq -r '.labels[].name' | grep -qx needs-human"
wait_ok 'the check run is red' "[ \"\$(gh_check $head yardmaster/task)\" = failure ]"
like "$(run_of_check "$head" yardmaster/task .output.text)" 'here is late' "it has the log's end"
is "$(run_of_check "$head" yardmaster/task '.annotations | map("\(.path):\(.start_line)") | join(" ")')" src/a.txt:21 'a note at the line'
like "$(run_of_check "$head" yardmaster/queue .output.text)" 'Its whole output is in runs/c[0-9a-z-]*/out' 'and says where the whole log is'
is "$(buttons "$head" yardmaster/task)" retry 'and a button'
gh_rerun "$head" yardmaster/task
wait_ok '"re-run" gives it another round' "[ \"\$(ymj '[.runs[] | select(.kind == \"agent\")] | length' task show $k)\" = 2 ]"
wait_for "[ \"\$(task_state $k)\" = review ]" || bail 'the task does not wait for a review again'
head=$(gh_head "$pr")
gh_review "$pr" APPROVE
wait_for "[ \"\$(gh_check $head yardmaster/task)\" = failure ]" || bail 'it is not red again'
gh_click "$head" yardmaster/task retry
wait_ok 'and so does the button' "[ \"\$(task_state $k)\" = running ]"
wait_ok 'which the check run of the head shows while it lasts' "[ \"\$(gh_check $head yardmaster/task)\" = in_progress ]"
is "$(buttons "$head" yardmaster/task)" cancel 'with a button'
gh_click "$head" yardmaster/task cancel
wait_ok 'that ends it' "[ \"\$(task_state $k) \$(gh_check $head yardmaster/task)\" = 'cancelled cancelled' ]"
is "$(ymj '[.runs[] | select(.kind == "agent")] | length' task show "$k")" 3 'in its third round'

# --- the queue ------------------------------------------------------------------------------------
gh_comment "$pr" '/yard freeze' bob >/dev/null
wait_for "ymj '.[0].frozen' repo list | grep -q '1\|true'" || bail 'it is not frozen'
gh_queued one
head=$(gh_head "$pr")
wait_ok 'what waits in the queue has a check run that goes on' "[ \"\$(gh_check $head yardmaster/queue)\" = in_progress ]"
is "$(buttons "$head" yardmaster/queue)" 'dequeue why' 'with buttons'
gh_click "$head" yardmaster/queue dequeue
wait_ok 'one takes it out' '[ "$(ymj length queue list)" = 0 ]'
wait_ok 'which the check run says' "[ \"\$(gh_check $head yardmaster/queue)\" = neutral ]"
is "$(buttons "$head" yardmaster/queue)" 'queue why' 'with others'
gh_click "$head" yardmaster/queue queue
wait_ok 'one puts it back' '[ "$(ymj length queue list)" = 1 ]'
gh_comment "$pr" '/yard thaw' bob >/dev/null
wait_ok 'and it lands' "[ \"\$(gh_pr_state $pr)\" = merged ]"

gh_push red src/red.txt 'far too late' >/dev/null
pr=$(gh_pr red Red)
gh_known "$pr"
gh_comment "$pr" '/yard queue' bob >/dev/null
head=$(gh_head "$pr")
wait_ok 'a red one is taken out' "[ \"\$(gh_check $head yardmaster/queue)\" = failure ]"
out() { gh_comments "$pr" | grep -c '^Taken out of the merge queue'; }
gh_rerun "$head" yardmaster/queue
wait_ok '"re-run" queues it once more' "[ \"\$(out)\" = 2 ] && [ \"\$(gh_check $head yardmaster/queue)\" = failure ]"
is "$(run_of_check "$head" yardmaster/queue '.annotations | length')" 1 'and its notes are there once'
gh_ctl POST /check_suite/rerequest "$(jq -nc --arg r "$GH_REPO" --arg sha "$head" '{repo: $r, sha: $sha, as: "alice"}')" >/dev/null
wait_ok 'so does "re-run all checks"' "[ \"\$(out)\" = 3 ]"

# --- a draft --------------------------------------------------------------------------------------
gh_push draft src/draft.txt fine >/dev/null
pr=$(gh_as alice POST "/repos/$GH_REPO/pulls" '{"head": "draft", "base": "main", "title": "Draft", "draft": true}' | jq -r .number)
gh_known "$pr"
gh_comment "$pr" '/yard queue' bob >/dev/null
wait_ok 'a draft waits' "gh_comments $pr | grep -q 'place 1: is a draft'"
is "$(gh_pr_state "$pr")" open 'and does not land'
gh_as alice POST /graphql "$(jq -nc --arg id "$(gh_as alice GET "/repos/$GH_REPO/pulls/$pr" | jq -r .node_id)" \
	'{query: "mutation($input: MarkPullRequestReadyForReviewInput!) { markPullRequestReadyForReview(input: $input) { pullRequest { id } } }", variables: {input: {pullRequestId: $id}}}')" >/dev/null
wait_ok 'until it is none' "[ \"\$(gh_pr_state $pr)\" = merged ]"

# --- the token --------------------------------------------------------------------------------------
tokens=$(gh_ctl GET /tokens | jq -r 'join("|")')
gh_processes >"$T/processes"
like "$(grep -xE 'PATH=.*|net' "$T/processes" | sort -u)" 'PATH=.*net' 'the processes can be looked at'
unlike "$(cat "$T/processes")" "$tokens" 'no command line and no environment has a token'
unlike "$(ym_log; cat "$D"/runs/*/out)" "$tokens" 'nor has a log'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
