#!/bin/bash
# npm's emulator of GitHub can stand beside the stub: it starts, knows a person, and takes the App's key.
# check: long
. "$(dirname "$0")/lib.sh"

mkfifo "$T/em.in"
exec 8<>"$T/em.in"
(cd "$T" && exec node "$forge/emulate.js" <"$T/em.in" >"$T/em.out" 2>"$T/em.log" 8>&-) &
disown
wait_for "grep -q url '$T/em.out'" 30 || bail "emulate did not start: $(cat "$T/em.log")"
GH=$(jq -r .url "$T/em.out")
auth='Authorization: Bearer emulate-alice'
is "$(curl -s -H "$auth" "$GH/user" | jq -r .login)" alice 'a token is a person'
n=$(curl -s -H "$auth" -d '{"title": "Fix it", "labels": ["yardmaster"]}' "$GH/repos/alice/app/issues" | jq -r .number)
is "$(curl -s -H "$auth" "$GH/repos/alice/app/issues?labels=yardmaster" | jq -r '.[].number')" "$n" 'an issue is found by its label'

GH_PEM=$T/em.pem
jq -r .pem "$T/em.out" >"$GH_PEM"
app=$(jq -r .app_id "$T/em.out")
now=$(date +%s)
head=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(printf '{"iat":%d,"exp":%d,"iss":"%s"}' $((now - 60)) $((now + 300)) "$app" | base64url)
jwt=$head.$(printf %s "$head" | openssl dgst -sha256 -sign "$GH_PEM" -binary | base64url)
token=$(curl -s -X POST -H "Authorization: Bearer $jwt" "$GH/app/installations/$(jq -r .installation_id "$T/em.out")/access_tokens" | jq -r .token)
is "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -d '{"body": "on it"}' "$GH/repos/alice/app/issues/$n/comments")" 201 \
	"the App's token writes a comment"
is "$(curl -s -H "$auth" "$GH/repos/alice/app/issues/$n/comments" | jq -r '.[].user.login')" 'yardmaster[bot]' 'as the bot'
done_testing
