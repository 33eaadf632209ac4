#!/bin/bash
# What is too large, malformed or addressed to nothing is answered with what is wrong, and the next delivery is
# taken as if nothing had been.
# check: sanitize
. "$(dirname "$0")/receive.sh"

conf <<END
listen: 127.0.0.1:0
github:
  webhook-secrets:
    - secret: file:hook
END
secret_file "$T/hook" first
ym_start
small=$(sample_payload acme/app)
raw() { # REQUEST: sent as it is; prints the status code
	local line
	trap '' PIPE
	exec 9<>"/dev/tcp/127.0.0.1/$(hooks '.listen | split(":")[1]')"
	printf '%b' "$1" >&9 2>/dev/null
	IFS=' ' read -r -t 20 _ line _ <&9 || line=closed
	exec 9>&-
	printf '%s' "$line"
}

# --- sizes ---

sample_payload acme/app 65300 >"$T/below"
sample_payload acme/app 300000 >"$T/spooled"
sample_payload acme/app 1048300 >"$T/largest"
sample_payload acme/app 1048600 >"$T/wake"
sample_payload acme/app $((25 * 1048576 - 300)) >"$T/accepted"
sample_payload acme/app $((25 * 1048576)) >"$T/refused"
is "$(deliver '' file="$T/below" guid=g-below)" 202 'a body that stays in memory'
is "$(deliver '' file="$T/spooled" guid=g-spooled)" 202 'one that is spooled'
is "$(deliver '' file="$T/spooled" guid=g-chunked header='Transfer-Encoding: chunked')" 202 'the same in chunks'
is "$(deliver '' file="$T/spooled" guid=g-x secret=other)" 401 'the same with a wrong signature'
is "$(deliver '' file="$T/largest" guid=g-largest)" 202 'the largest that is kept'
is "$(deliver '' file="$T/wake" guid=g-wake)" 202 'one over a megabyte'
is "$(deliver '' file="$T/wake" guid=g-wake-chunked header='Transfer-Encoding: chunked')" 202 'the same in chunks'
is "$(deliver '' file="$T/wake" guid=g-y secret=other)" 401 'the same with a wrong signature'
is "$(deliver '' file="$T/accepted" guid=g-accepted)" 202 'twenty-five megabytes'
is "$(deliver '' file="$T/refused" guid=g-refused)" 413 'more than twenty-five megabytes'
is "$(deliver '' file="$T/refused" guid=g-refused header='Transfer-Encoding: chunked')" 413 'the same in chunks'
like "$(raw "POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\nX-Hub-Signature-256: sha256=$(printf '0%.0s' {1..64})\r\n\r\n")" \
	413 'said in Content-Length it is refused before it comes'
wait_ok 'all are handled' '[ "$(hooks .waiting)" = 0 ]'
is "$(hooks '[.undecodable[] | .guid] | join(",")')" '' 'every body could be read back whole'
is "$(hooks '.events.issues | "\(.ignored) \(.wake)"')" '4 3' 'four were read, three were wake-ups'
is "$(ls -A "$D/spool")" '' 'nothing is left of the spooled ones'

# --- malformed ---

is "$(deliver "$small" event=)" 400 'without an event'
is "$(deliver "$small" event='is sues')" 400 'with an event that is no word'
is "$(deliver "$small" guid=)" 400 'without a delivery id'
is "$(deliver "$small" guid="$(printf 'a%.0s' {1..65})")" 400 'with one of 65 characters'
is "$(deliver "$small" type=text/plain)" 400 'of a type that nobody sends'
is "$(deliver '')" 400 'an empty body'
like "$(raw 'NONSENSE\r\n\r\n')" '^(400|closed)$' 'no HTTP'
is "$(raw 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n')" 400 'a length that is no number'
is "$(raw 'POST /webhook/github HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}')" 400 'HTTP/1.1 without a host'
# What proxy and server may read differently (test_httpd_head.c has all kinds).
is "$(raw 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}')" 400 'two lengths'
is "$(raw 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n')" 400 'another coding'
is "$(raw 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')" 400 \
	'a length and a coding'
is "$(raw 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 2\r\n\r\n{}')" 400 'a folded header'
like "$(raw "POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-Long: $(head -c 70000 /dev/zero | tr '\0' x)\r\n\r\n")" \
	'^(431|413|closed)$' 'a header of seventy kilobytes'
like "$(raw "POST /webhook/github HTTP/1.1\r\nHost: x\r\n$(for i in {1..3000}; do printf 'X-%d: many headers\\r\\n' "$i"; done)\r\n")" \
	'^(431|413|closed)$' 'three thousand headers'
is "$(hooks .refused_malformed)" 6 'signed and malformed ones are counted'

# --- paths ---

is "$(deliver "$small" path=/)" 404 'the root'
is "$(deliver "$small" path=/webhook)" 404 'half of the path'
is "$(deliver "$small" path=/webhook/github/)" 404 'more than the path'
is "$(deliver "$small" path=//webhook/github)" 404 'two slashes'
is "$(deliver "$small" path=/x/../webhook/github)" 404 'a way around'
is "$(deliver "$small" path=/webhook/%67ithub)" 404 'an escaped letter'
is "$(deliver "$small" path=/webhook%2fgithub)" 404 'an escaped slash'
is "$(deliver "$small" path=/webhook/github%00)" 404 'an escaped NUL'
is "$(deliver "$small" path=/../../../etc/passwd)" 404 'a way out'
is "$(deliver "$small" path='/webhook/github?from=proxy')" 202 'a query is not part of the path'
is "$(deliver "$small" method=GET)" 405 'another method'
is "$(deliver "$small" method=PUT)" 405 'a third one'
like "$(curl -s -o /dev/null -D - -X DELETE "http://$(hooks_address)/webhook/github")" 'Allow: POST' 'the answer says which'
is "$(deliver "$small")" 202 'and a delivery is taken as before'
ym_stop
done_testing
