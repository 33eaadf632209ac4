#!/bin/bash
# Without an address of its own, through an event channel: a label becomes a pull request, a cut connection is
# made again, and what is signed wrongly or too large is refused and counted.
. "$(dirname "$0")/lib.sh"

fixer
gh_start
node "$forge/smee.js" <"$T/gh.in" >"$T/smee.out" 2>&1 7>&- &
disown
wait_for "grep -q http '$T/smee.out'" || bail 'no event channel'
smee=$(cat "$T/smee.out")
gh_conf
sed -i "s|^listen:.*||; s|^  app:.*|&\n  events: $smee/channel|" "$T/yardmaster.yml"
ym_start
me
gh_hook "$smee/channel"
gh_repo app
gh_add
channel() { ymj ".webhooks.channel$1" status; }
wait_ok 'the channel is connected' '[ "$(channel .state)" = connected ]'
is "$(ymj .webhooks.listen status)" null 'nothing listens'

n=$(gh_issue --label agent:bugfix 'Dates are off')
wait_ok 'a label arrives through it, and a PR opens' "[ -n \"\$(ymj '.[0].pr // empty' task list)\" ]"
isnt "$(ymj .webhooks.acknowledged status)" 0 'deliveries are stored'
is "$(ymj .webhooks.refused_signature status)" 0 'and none is signed wrongly: not one byte was changed'

curl -sS -X POST "$smee/_cut" >/dev/null
wait_ok 'a cut connection is made again' "[ \"\$(curl -sS '$smee/_readers')\" = '1 /channel' ] && [ \"\$(channel .state)\" = connected ]"
gh_comment "$n" '/yard status' >/dev/null
wait_ok 'and what comes then arrives' "gh_comments $n | grep -q 'Task'"

wait_for '[ "$(ymj .effects_open status)" = 0 ]'
gh_idle
before=$(ymj .webhooks.acknowledged status)
printf 'data: {"x-github-event":"issues","x-github-delivery":"x","content-type":"application/json","x-hub-signature-256":"sha256=%064d","body":{"action":"labeled"}}\n\n' 0 |
	curl -sS -X POST --data-binary @- "$smee/_raw" >/dev/null
wait_ok 'a wrong signature is refused and counted' '[ "$(ymj .webhooks.refused_signature status)" = 1 ]'
{ printf 'data: '; head -c 3000000 /dev/zero | tr '\0' x; printf '\n\n'; } |
	curl -sS -X POST --data-binary @- "$smee/_raw" >/dev/null
wait_ok 'an event that is too large is dropped and counted' '[ "$(channel .too_large)" = 1 ]'
is "$(ymj .webhooks.acknowledged status)" "$before" 'neither was stored'
is "$(channel .state)" connected 'and the channel stays'
row() { ym doctor --config "$T/yardmaster.yml" --json 2>/dev/null | jq -r --arg c "$1" '.[] | select(.check == $c) | "\(.ok) \(.text)"'; }
like "$(row 'event channel')" "^true $smee: connected since .*was dropped" 'doctor shows the channel'
unlike "$(row 'event channel')" '/channel' 'but not which one: who knows it can read it'
like "$(row 'GitHub webhook')" '^true' 'and that the webhook goes there'

sed -i "s|events:.*|events: $smee/moved|" "$T/yardmaster.yml"
kill -HUP "$(ym_pid)"
wait_ok 'a reload follows a channel that moved' "[ \"\$(curl -sS '$smee/_readers')\" = '1 /moved' ]"
gh_no_violations 'all that was sent and answered is as GitHub describes it'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
