#!/bin/bash
# `yardmaster init` writes a configuration that loads, and registers an App at GitHub through a page on this
# machine, with everything that a browser can do wrong.
. "$(dirname "$0")/lib.sh"

yard() { "$YARDMASTER" "$@"; }
mode() { stat -c %a "$1"; }

# --- the file -------------------------------------------------------------------------------------
like "$(yard init "$T/one")" 'yardmaster.yml was written' 'init says what it wrote'
out=$(yard init "$T/anna's")
is "$(eval "${out##*say: }" && echo "$YARDMASTER_CONFIG")" "$T/anna's/yardmaster.yml" 'and what a shell makes commands find it with'
ok 'what it wrote loads' yard config check "$T/one/yardmaster.yml"
sed -E -n 's/^#([^ ].*|  +.*)$/\1/p' "$T/one/yardmaster.yml" >"$T/one/all.yml"
ok 'and loads with every example taken' yard config check "$T/one/all.yml"
echo 'handle: mine' >"$T/one/yardmaster.yml"
exits 5 'it overwrites nothing' yard init "$T/one"
is "$(cat "$T/one/yardmaster.yml")" 'handle: mine' 'what was there is still there'
yard init --force "$T/one" >/dev/null
like "$(cat "$T/one/yardmaster.yml")" '#handle: yard' '--force writes a new one'
is "$(cat "$T/one/yardmaster.yml.1")" 'handle: mine' 'and keeps the old one'
exits 2 'an option of --github alone is refused' yard init --owner octo "$T/two"
again=$(yard init)
unlike "$again" YARDMASTER_CONFIG 'which is not said where they look anyway'
ok 'without a folder it is written where it is looked for' yard config check "$HOME/.config/yardmaster/yardmaster.yml"

# --- the App --------------------------------------------------------------------------------------
gh_start
page() { curl -sS -w '\n%{http_code}' "$@"; }
start_flow() { # DIR OPTION...
	: >"$T/flow.out" # what the flow before it said is not this one's page
	"$YARDMASTER" init "$1" --github --api "$GH" "${@:2}" >"$T/flow.out" 2>"$T/flow.err" &
	flow=$!
	wait_for "grep -q 'http://[0-9.:]*/[0-9a-f]' '$T/flow.out' || ! kill -0 $flow" || bail 'no page'
	url=$(grep -o 'http://[0-9.:]*/[0-9a-f]*' "$T/flow.out")
	[ -n "$url" ] || bail "no page: $(cat "$T/flow.err")"
}
unhtml() { sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&#39;/'\''/g; s/&amp;/\&/g'; }
# What the browser does with the form: prints where GitHub sends it back to.
submit() { # PAGE
	local action manifest
	action=$(grep -o 'action="[^"]*"' <<<"$1" | cut -d'"' -f2 | unhtml)
	manifest=$(grep -o 'value="[^"]*"' <<<"$1" | cut -d'"' -f2 | unhtml)
	printf '%s\n' "$manifest" >"$T/manifest.json"
	printf '%s\n' "$action" >"$T/action"
	curl -sS -o /dev/null -w '%{redirect_url}' --data-urlencode "manifest=$manifest" "$GH/_control/new?${action#*\?}"
}

swap() { printf '%s' "$back" | sed "s/$1=[0-9a-f]*/$1=$2/"; } # KEY VALUE: in the address to come back to

start_flow "$T/app" --owner octo --public-url https://yard.example.org
form=$(page "$url")
back=$(submit "$form")
is "$(sed 's/?.*//' "$T/action")" "$GH/organizations/octo/settings/apps/new" "the form goes to the organisation's page"
is "$(jq -r '.hook_attributes.url + " " + .default_permissions.contents + " " + .default_permissions.metadata' "$T/manifest.json")" \
	'https://yard.example.org/webhook/github write read' 'the manifest asks for what is needed'
is "$(jq -r '[.default_permissions | to_entries[] | "\(.key)=\(.value)"] | sort | join(" ")' "$T/manifest.json")" \
	'actions=read administration=read checks=write contents=write issues=write members=read metadata=read pull_requests=write statuses=write workflows=write' \
	'each permission at its level'
is "$(jq -r '.default_events | sort | join(" ")' "$T/manifest.json")" \
	'check_run check_suite issue_comment issues label pull_request pull_request_review pull_request_review_comment pull_request_review_thread push repository status workflow_run' \
	'and for every event that is heard'
is "$(jq -r .redirect_url "$T/manifest.json")" "$url/done" 'and comes back here'

like "$(page "${url%/*}/")" '404$' 'without the token there is nothing'
like "$(page -H 'Host: evil.example:80' "$url")" '404$' 'nor under another name'
like "$(page "$(swap state 00000000000000000000000000000000)")" 'state.*another.*400$' 'a wrong state is refused'
like "$(page "${back%&state=*}")" '400$' 'and a missing one'
like "$(page "$(swap code ..%2f)")" '400$' 'and a code that is none'
is "$(gh_requests '[.[] | select(.path | test("app-manifests"))] | length')" 0 'GitHub was not asked'

gh_ctl POST /clock '{"advance": 4000}' >/dev/null
like "$(page "$back")" 'Begin again.*502$' 'an expired code is told'
like "$(page "$back")" 'state.*400$' 'a second visit with the same answer is refused'
not_ok 'nothing is written yet' test -e "$T/app/yardmaster.yml"

back=$(submit "$(page "$url")")
like "$(page "$back")" 'registered.*200$' 'beginning again from the page registers the App'
wait "$flow"
is $? 0 'and ends the command'
like "$(cat "$T/flow.out")" 'install the App on repositories: http.*/installations/new' 'which says what is next'
key=$(ls "$T"/app/*.private-key.pem) secret=$(ls "$T"/app/*.webhook-secret)
is "$(mode "$key") $(mode "$secret")" '600 600' 'the key and the secret are for the owner alone'
ok 'the key is one' openssl pkey -in "$key" -noout
is "$(yard config check "$T/app/yardmaster.yml" --json | jq -r '.listen + " " + (.github["webhook-secrets"] | length | tostring)')" \
	'127.0.0.1:8080 1' 'the configuration names them, and loads'
unlike "$(cat "$T/app/yardmaster.yml" "$T/flow.out" "$T/flow.err")" "$(cat "$secret")|BEGIN" 'no secret is anywhere else'
not_ok 'and the page is gone' curl -sS "$url"

# It works: a daemon with this file is let in.
sed -e "s|^#data:.*|data: $D|" -e "s|^listen:.*|listen: 127.0.0.1:0|" "$T/app/yardmaster.yml" >"$T/yardmaster.yml"
cp "$T"/app/*.pem "$T"/app/*.webhook-secret "$T/"
ym_start
wait_ok 'a daemon with this configuration is let in' "ym_log | grep -q 'github: speaks as yardmaster-.*\[bot\]'"
ym_stop

# --- what is there already ------------------------------------------------------------------------
exits 5 'a file with an App gets no second one' yard init "$T/app" --github --api "$GH"
mkdir "$T/mine"
printf 'handle: mine' >"$T/mine/yardmaster.yml"
chmod 640 "$T/mine/yardmaster.yml"
start_flow "$T/mine"
kill -INT "$flow"
wait "$flow"
is $? 5 'Ctrl-C ends it'
like "$(cat "$T/flow.err")" 'nothing was registered and nothing was written' 'and says that nothing happened'
is "$(cat "$T/mine/yardmaster.yml")" 'handle: mine' 'nothing was written'
start_flow "$T/mine" --name my-yard
page "$(submit "$(page "$url")")" >/dev/null
wait "$flow"
is "$(yard config check "$T/mine/yardmaster.yml" --json | jq -r '.handle + " " + .github.key')" \
	"mine file:$T/mine/my-yard.private-key.pem" 'a file that is there keeps what it says'
is "$(mode "$T/mine/yardmaster.yml")" 640 'and its mode'
like "$(cat "$T/flow.out")" 'GitHub sends nothing' 'without a public address there is no webhook'
exits 2 'deliveries go one way only' yard init "$T/both" --github --api "$GH" --events https://smee.io/abc --public-url https://y.org
start_flow "$T/laptop" --events https://smee.io/abc
page "$(submit "$(page "$url")")" >/dev/null
wait "$flow"
is "$(jq -r .hook_attributes.url "$T/manifest.json") $(yard config check "$T/laptop/yardmaster.yml" --json |
	jq -r '"\(.listen) \(.github.events) \(.github["webhook-secrets"] | length)"')" 'https://smee.io/abc null https://smee.io/abc 1' \
	'with an event channel the App sends there, and the daemon fetches it there'
mkdir "$T/kept"
echo mine >"$T/kept/kept-yard.private-key.pem"
start_flow "$T/kept" --name kept-yard
like "$(page "$(submit "$(page "$url")")")" 'could not be kept.*is there already; nothing was overwritten.*500$' 'a key that is there already is told'
wait "$flow"
is $? 5 'and ends the command'
is "$(cat "$T/kept/kept-yard.private-key.pem")" mine 'and stays as it is'
not_ok 'nor is anything else written' test -e "$T/kept/yardmaster.yml"
printf '{ handle: mine }' >"$T/mine/yardmaster.yml"
exits 78 'a file that no section can be added to is refused before GitHub is asked' yard init "$T/mine" --github --api "$GH"

gh_no_violations "GitHub's description is kept"
done_testing
