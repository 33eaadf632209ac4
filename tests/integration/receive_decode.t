#!/bin/bash
# After the answer: what cannot be read is listed, what a secret may not speak for is ignored, a replay saves work,
# and raw deliveries go when their time or their space is over.
. "$(dirname "$0")/receive.sh"

conf <<END
listen: 127.0.0.1:0
retention:
  deliveries-mb: 1
github:
  webhook-secrets:
    - secret: file:hook
    - secret: file:team
      repos: ["acme/app", "tools/*"]
END
secret_file "$T/hook" first
secret_file "$T/team" team
ym_start
outcome() { # GUID: waits until it is handled
	wait_for '[ "$(hooks .waiting)" = 0 ]'
	sql "SELECT CASE state WHEN 1 THEN 'decoded' WHEN 2 THEN 'ignored' WHEN 3 THEN 'undecodable' WHEN 4 THEN 'wake'
		WHEN 5 THEN 'replay' ELSE state END || coalesce(': ' || detail, '') FROM delivery WHERE guid = '$1' ORDER BY id DESC LIMIT 1"
}

# --- what cannot be read ---

ok 'doctor has nothing to say' eval '! ym doctor --config "$T/yardmaster.yml" | grep "FAIL.*webhook"'
is "$(deliver 'no JSON at all' guid=bad-1)" 202 'signed, and not JSON'
is "$(deliver '{"a":1,"a":2}' guid=bad-2 event=push)" 202 'JSON with a key twice'
is "$(deliver '[1]' guid=bad-3)" 202 'JSON, and no object'
is "$(deliver "$(printf '[%.0s' {1..500})" guid=bad-4)" 202 'JSON of five hundred levels'
is "$(deliver 'paiload=%7B%7D' guid=bad-5 type=application/x-www-form-urlencoded)" 202 'a form without payload'
is "$(deliver 'payload=%7B%7' guid=bad-6 type=application/x-www-form-urlencoded)" 202 'a form that ends in an escape'
is "$(deliver 'payload=%7B%22action%22%3A%22a+b%22%7D' guid=good type='application/x-www-form-urlencoded; charset=utf-8')" 202 'a right one'
like "$(outcome bad-1)" '^undecodable: not JSON' 'the first is undecodable, with the reason'
like "$(outcome bad-3)" '^undecodable: .*not an object' 'so is the third'
like "$(outcome bad-5)" "^undecodable: .*payload" 'and the form'
like "$(outcome good)" '^ignored' 'but not the right form'
is "$(hooks '.undecodable | map(.guid) | sort | join(",")')" bad-1,bad-2,bad-3,bad-4,bad-5,bad-6 'status lists them'
like "$(ym doctor --config "$T/yardmaster.yml")" 'FAIL *webhook contents: .*bad-6.*and 1 more' 'so does doctor'
is "$(hooks '.events.push.undecodable')" 1 'and the tally has the event'

# --- what a secret may speak for ---

is "$(deliver "$(sample_payload acme/app)" secret=team guid=may-1)" 202 'a repository of the secret'
is "$(deliver "$(sample_payload TOOLS/any)" secret=team guid=may-2)" 202 'one of its owner'
is "$(deliver "$(sample_payload acme/other)" secret=team guid=may-3)" 202 'another one'
is "$(deliver "$(sample_payload acme/app-two)" secret=team guid=may-4)" 202 'one whose name begins the same'
is "$(deliver '{"zen":"x"}' secret=team guid=may-5)" 202 'none at all'
unlike "$(outcome may-1)$(outcome may-2)" 'may not' 'its own pass'
for n in 3 4 5; do like "$(outcome may-$n)" '^ignored: signed with file:.*team' "number $n does not"; done
is "$(deliver "$(sample_payload acme/other)" guid=may-6)" 202 'with the secret without a limit'
unlike "$(outcome may-6)" 'signed with' 'it does'

# --- again ---

is "$(deliver "$(sample_payload acme/app)" guid=twice)" 202 'a delivery'
unlike "$(outcome twice)" replay 'is handled'
is "$(deliver "$(sample_payload acme/app)" guid=twice)" 202 'the same again'
is "$(outcome twice)" ignored 'is ignored once more: the repository may have been added since'
is "$(deliver "$(sample_payload acme/second)" guid=twice)" 202 'another body under its id'
unlike "$(outcome twice)" replay 'is none'
ym_stop
ym_start
is "$(deliver "$(sample_payload acme/app)" guid=twice)" 202 'the same after a restart'
is "$(outcome twice)" ignored 'is looked at anew, too'

# --- time and space ---

head -c 90000 /dev/urandom | base64 -w0 >"$T/random"
for i in {1..24}; do
	printf '{"n":%d,"fill":"%s"}' "$i" "$(cat "$T/random")" >"$T/large"
	deliver '' file="$T/large" guid="large-$i" >/dev/null
done
wait_ok 'at most a megabyte is kept' '[ "$(hooks .bytes)" -le 1300000 ] && [ "$(hooks .waiting)" = 0 ]'
is "$(sql "SELECT count(*) FROM delivery WHERE guid = 'large-24'")" 1 'the newest'
is "$(sql "SELECT count(*) FROM delivery WHERE guid = 'bad-1'")" 0 'not the oldest'
is "$(sql 'SELECT count(*) FROM delivery_body b LEFT JOIN delivery d ON d.id = b.id WHERE d.id IS NULL')" 0 'no body without its delivery'
sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
size=$(stat -c %s "$D/ledger.db")
for i in {1..24}; do deliver '' file="$T/large" guid="more-$i" >/dev/null; done
wait_ok 'and so on' '[ "$(hooks .bytes)" -le 1300000 ] && [ "$(hooks .waiting)" = 0 ]'
sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
[ "$(stat -c %s "$D/ledger.db")" -le $((size + 700000)) ] && pass 'the ledger does not grow' ||
	fail 'the ledger does not grow' "$size, then $(stat -c %s "$D/ledger.db")"
ym_stop
sql "UPDATE delivery SET received_ms = received_ms - 4 * 86400000"
ym_start
wait_ok 'after three days they go' '[ "$(sql "SELECT count(*) FROM delivery")" = 0 ]'
is "$(hooks .bytes)" 0 'all of them'
ym_stop
done_testing
