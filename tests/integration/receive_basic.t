#!/bin/bash
# A webhook that GitHub sends is checked, stored and acknowledged; one with a wrong signature is not.
. "$(dirname "$0")/receive.sh"

conf <<END
listen: 127.0.0.1:0
github:
  webhook-secrets:
    - secret: env:HOOK
    - secret: file:hook2
      repos: ["acme/app", "tools/*"]
END
secret_file "$T/hook2" second
export HOOK=first
ym_start
like "$(ym_log)" 'webhooks: listening on http://127.0.0.1:[1-9][0-9]*/webhook/github' 'the log says where'
like "$(hooks_address)" '^127\.0\.0\.1:[1-9][0-9]*$' 'so does status'

payload=$(sample_payload acme/app)
is "$(deliver "$payload")" 202 'a signed delivery'
is "$(deliver "$payload" secret=second)" 202 'signed with the second secret'
is "$(deliver "$payload" secret=other)" 401 'signed with another'
is "$(deliver "$payload" signature=)" 401 'without a signature'
is "$(deliver "$payload" signature=sha256=1234)" 401 'with half of one'
is "$(deliver "$payload" signature=sha1="$(printf 0%.0s {1..64})")" 401 'with one of another kind'
is "$(deliver "payload=%7B%22zen%22%3A1%7D" type=application/x-www-form-urlencoded)" 202 'form-encoded'
wait_ok 'all three are handled' '[ "$(hooks .waiting)" = 0 ]'
is "$(hooks .acknowledged) $(hooks .refused_signature)" '3 4' 'status counts both'
ym_stop
is "$(sql 'SELECT group_concat(secret) FROM delivery')" "env:HOOK,file:$T/hook2,env:HOOK" \
	'the ledger has the three, and which secret verified them'
is "$(sql 'SELECT group_concat(size) FROM delivery')" "${#payload},${#payload},27" 'and how long they were'
done_testing
