#!/bin/bash
# A day without a daemon, and webhooks that are lost, doubled, reordered and replayed: what happened
# meanwhile is found, and acted on once.
. "$(dirname "$0")/lib.sh"

fixer
gh_start
sample_source app
commit_blueprint "$T/src/app" fix
gh_publish app
gh_daemon
gh_add
sed -i "s/^listen: .*/listen: $(ymj .webhooks.listen status)/" "$T/yardmaster.yml"
answers() { gh_comments "$1" | grep -c "$2"; }

gh_push red src/red.txt 'a bug' >/dev/null
red=$(gh_pr red Red)
gh_push shut src/shut.txt fine >/dev/null
shut=$(gh_pr shut Shut)
gh_push more src/more.txt fine >/dev/null
more=$(gh_pr more More)
for n in "$red" "$shut" "$more"; do
	gh_known "$n" || bail "PR #$n is not known"
done
gh_comment "$red" '/yard queue' bob >/dev/null
wait_for "gh_comments $red | grep -q 'Taken out of the merge queue'" || bail 'no red PR'
gh_comment "$more" '/yard hold' bob >/dev/null
wait_for "[ -n \"\$(ymj '.held_by // empty' pr show $more)\" ]"
wait_for '[ "$(ymj .effects_open status)" = 0 ]'
ym_stop

# --- a day away -----------------------------------------------------------------------------------
n=$(gh_issue --label agent:fix 'While nobody listened')
gh_push late src/late.txt fine >/dev/null
late=$(gh_pr late Late)
gh_review "$late" APPROVE '' alice
gh_comment "$late" '/yard queue' bob >/dev/null
gh_push more src/more.txt better >/dev/null
gh_as alice PATCH "/repos/$GH_REPO/pulls/$shut" '{"state": "closed"}' >/dev/null
gh_click "$(gh_head "$red")" yardmaster/queue why
gh_idle
missed=$(gh_deliveries '[.[] | select(.status_code != 202)] | length')
isnt "$missed" 0 "$missed deliveries did not arrive"
gh_ctl POST /clock '{"advance": 86400}' >/dev/null
ym_start
wait_ok 'the label has its task' "[ \"\$(task_state \"\$(task_of $n)\")\" = review ]"
wait_ok 'the PR that was approved and queued has landed' "[ \"\$(gh_pr_state $late)\" = merged ]"
wait_ok 'the push is known' "[ \"\$(ymj .head pr show $more)\" = \$(gh_head $more) ]"
wait_ok 'and the closed PR' "[ \"\$(ymj .state pr show $shut)\" = closed ]"
wait_ok 'the button is answered' "gh_comments $red | grep -q 'Asked for by @alice on the checks tab'"
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(gh_requests '[.[] | select(.method == "POST" and (.path | test("/attempts$")))] | length')" "$missed" \
	'each delivery that did not arrive was asked for again, once'
gh_idle # what is sent while nobody listens would be asked for, too
ym_stop
ym_start
gh_idle
is "$(ymj length task list)" 1 'one task'
wait_ok 'nothing is done again' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(answers "$red" 'Asked for by @alice on the checks tab')" 1 'the button is answered once'
is "$(gh_requests '[.[] | select(.method == "POST" and (.path | test("/attempts$"))) | .path] | group_by(.) | map(select(length > 1) | .[0]) | join(" ")')" '' \
	'and nothing is asked for again'

# --- lost, doubled, reordered, replayed -----------------------------------------------------------
hooks() { gh_ctl POST /hooks "$1" >/dev/null; }
hooks '{"drop": 1}'
gh_comment "$red" '/yard status' >/dev/null
wait_ok 'a comment whose delivery was lost is answered' "[ \"\$(ledger \"SELECT count(*) FROM event WHERE kind = 'comment-created' AND payload LIKE '%/yard status%'\")\" = 1 ]"
hooks '{"duplicate": 9}'
c=$(gh_comment "$red" '/yard status')
gh_label "$n" agent:other
gh_unlabel "$n" agent:other
gh_idle
hooks '{"duplicate": 0, "hold": true}'
o=$(gh_issue 'In no order')
gh_label "$o" agent:fix
gh_unlabel "$o" agent:fix
gh_label "$o" agent:fix
hooks '{"release": true, "reversed": true}'
gh_idle
wait_ok 'what comes in the wrong order is one task' "[ \"\$(task_state \"\$(task_of $o)\")\" = review ]"
for guid in $(gh_deliveries ".[] | select(.event == \"issue_comment\" or .event == \"issues\" or .event == \"check_run\") | .guid" | sort -u); do
	gh_ctl POST /redeliver "{\"guid\": \"$guid\", \"fresh_guid\": true}" >/dev/null
done
gh_idle
wait_ok 'all is quiet' '[ "$(ymj .effects_open status)" = 0 ] && [ "$(ymj .events_new status)" = 0 ]'
is "$(ymj length task list)" 2 'replays start nothing'
is "$(ledger "SELECT count(*) FROM event WHERE key = 'gh-comment:$c'")" 1 'a comment is one command'
is "$(ledger "SELECT count(*) FROM comment WHERE key LIKE 'answer:%' AND number = $red")" \
	"$(gh_state "[.issues[] | select(.number == $red) | .comments[] | select(.body | startswith(\"/yard\"))] | length + 1")" \
	'and each has one answer, as the button has'
is "$(answers "$red" 'Asked for by @alice on the checks tab')" 1 'the button is answered once'
is "$(ymj .events_failed status)" 0 'no event failed'
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
