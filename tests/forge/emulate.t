#!/bin/bash
# Against npm's emulator of GitHub, which shares no code with our own stand-in: the App is let in, and a label becomes a
# landed commit with its pull request, comments and check runs, without webhooks. What cannot be seen there, for it is
# wrong or missing in the emulator (emulate.js adds what it must have):
#   webhooks      their ids are not unique, labels and comments on PRs come as other events
#   the end of a PR: it does not notice that the base reached the head; so neither is the agent's branch deleted
#   pushes to a PR: its heads do not move, so no round after a review, and no squash or rebase
#   mergeable, PR files, reactions, commit statuses, conditional requests, roles but the owner's, redelivery
#   GraphQL, rulesets, the App's deliveries, the list of all comments, git: are the relay's, not the emulator's
#   protection    that there is none is a 404 as for what may not be read, which doctor says
. "$(dirname "$0")/lib.sh"

fixer
sample_source app
commit_blueprint "$T/src/app" fix 'sh gate.sh' 0
commit_file "$T/src/app" .github/yardmaster.yml 'queue: { gates: ["sh gate.sh"], approvals: 0 }'
em=$T/em
mkdir -p "$em/alice"
git clone -q --bare "$T/src/app" "$em/alice/app.git"
git -C "$em/alice/app.git" config http.receivepack true
mkfifo "$T/em.in"
exec 8<>"$T/em.in"
(cd "$T" && exec node "$forge/emulate.js" "$em" <"$T/em.in" >"$T/em.out" 2>"$T/em.log" 8>&-) &
disown
wait_for "grep -q url '$T/em.out' || grep -q . '$T/em.log'"
grep -q url "$T/em.out" || bail "emulate did not start: $(cat "$T/em.log")"
GH=$(jq -r .url "$T/em.out")
GH_PEM=$T/em.pem
jq -r .pem "$T/em.out" >"$GH_PEM"
chmod 600 "$GH_PEM"
api() { # METHOD PATH [JSON]: of the repository, as alice
	gh_curl "$1" "$GH/repos/alice/app$2" "${3-}" -H "Authorization: Bearer $(jq -r .token "$T/em.out")"
}
asked() { grep -cE "$1" "$em/requests"; }
conf <<END
github:
  api: $GH
  app: $(jq -r .app_id "$T/em.out")
  key: file:$GH_PEM
  git: $GH
END

# --- the App and the repository -------------------------------------------------------------------
api POST /labels '{"name": "agent:fix", "color": "ffffff"}' >/dev/null
# More issues than a page has, before the labelled one.
for i in {1..101}; do
	printf 'next\nurl = "%s/repos/alice/app/issues"\nrequest = POST\nheader = "Authorization: Bearer %s"\ndata = "{\\"title\\": \\"Issue %d\\"}"\noutput = /dev/null\n' \
		"$GH" "$(jq -r .token "$T/em.out")" "$i"
done | sed 1d | curl -sS -K - || bail 'the issues were not made'
old=$(api POST /issues '{"title": "Old", "labels": ["agent:fix"]}' | jq -r .number)
ym_start
me
wait_ok 'the App is let in by its JWT' "ym_log | grep -q 'github: speaks as yardmaster\\[bot\\]'"
ok 'the repository is added' ym repo add alice/app
wait_ok 'its base is read over git' \
	"[ \"\$(ymj '.[0].head // empty' repo list)\" = $(git -C "$T/src/app" rev-parse HEAD) ] && [ \"\$(ymj .effects_open status)\" = 0 ]"
is "$(asked '^POST /app/installations/[0-9]*/access_tokens 201')" 1 'with one token of its installation'
is "$(ymj '.first_look | map("\(.issue) \(.label)") | join(" ")' status)" "$old agent:fix" 'the first look found what was labelled before'
doctor=$(ym doctor --config "$T/yardmaster.yml" --json 2>/dev/null)
is "$(jq -r '[.[] | select(.check | test("GitHub|alice|clock")) | select(.ok | not) | .check] | join(", ")' <<<"$doctor")" 'alice/app: rules' \
	'doctor is content with all but the protection'
like "$(jq -r '.[] | select(.check == "alice/app: rules") | .text' <<<"$doctor")" 'protection of the base could not be read' 'which it could not read'

# --- a label --------------------------------------------------------------------------------------
n=$(api POST /issues '{"title": "Fix it", "body": "Please."}' | jq -r .number)
api POST "/issues/$n/labels" '{"labels": ["agent:fix"]}' >/dev/null
wait_ok 'it becomes a landed commit' "[ \"\$(task_state \"\$(task_of $n)\")\" = merged ]" || bail "$(ym_log | tail -5; cat "$T/em.log")"
k=$(task_of "$n") pr=$(ymj .pr task show "$(task_of "$n")")
is "$(ymj length task list)" 1 'the label that was there before starts nothing'
is "$(git -C "$em/alice/app.git" show "main:src/t$k.txt")" "fixed by $k" 'its work is on the base'
is "$(api GET /branches/main | jq -r .commit.sha)" "$(git -C "$em/alice/app.git" rev-parse main)" 'as the commit that the emulator has too'
pull=$(api GET "/pulls/$pr")
is "$(jq -r '"\(.title) \(.user.login) \(.base.ref)"' <<<"$pull")" 'Fix it yardmaster[bot] main' 'the pull request is the App'"'"'s'
like "$(jq -r .body <<<"$pull")" "Closes #$n" 'and closes the issue'
head=$(jq -r .head.sha <<<"$pull")
checks() { api GET "/commits/$head/check-runs" | jq -r '[.check_runs[] | "\(.name) \(.conclusion)"] | sort | join(", ")'; }
wait_ok 'the check runs are there' "[ \"\$(checks)\" = 'yardmaster/queue success, yardmaster/task success' ]" || diag "$(checks)"
wait_ok 'the sticky comment says that it is merged' "api GET /issues/$n/comments | jq -r '.[].body' | grep -qi 'merged\\|landed'"
is "$(api GET "/issues/$n/comments" | jq -r '[.[].user.login] | unique | join(" ")')" 'yardmaster[bot]' 'as the bot'
is "$(api GET "/issues/$n/comments" | jq length)" 1 'there is one of them'

# --- a command --------------------------------------------------------------------------------------
api POST "/issues/$n/comments" '{"body": "/yard status"}' >/dev/null
wait_ok 'a comment is a command, and is answered' "api GET /issues/$n/comments | jq -r '.[].body' | grep -q '> /yard status'" || diag "$(api GET "/issues/$n/comments"; tail -30 "$em/requests"; ym_log | tail -5; ledger 'SELECT kind, state, payload FROM event ORDER BY id DESC LIMIT 5')"
is "$(cat "$T/em.log")" '' 'every commit has the same name in the emulator'
is "$(ymj .events_failed status)" 0 'no event failed'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
