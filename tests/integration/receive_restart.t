#!/bin/bash
# What was acknowledged is there after a kill -9; a request under way is finished before the daemon ends; secrets are
# changed without dropping a connection; a start that cannot work says why.
. "$(dirname "$0")/receive.sh"

conf <<END
listen: 127.0.0.1:0
github:
  webhook-secrets:
    - secret: file:hook
END
secret_file "$T/hook" first
payload=$(sample_payload acme/app 20000)

# --- kill -9 right behind the answer ---

ym_start
sent=()
for i in {1..5}; do
	guid=kill-$i
	is "$(deliver "$payload" guid="$guid")" 202 "delivery $i is acknowledged"
	sent+=("$guid")
	ym_crash
	ym_start
done
is "$(sql 'SELECT group_concat(guid) FROM delivery')" "$(IFS=,; echo "${sent[*]}")" 'and all are there after a kill -9 each'

# --- rotation, on one connection that stays open ---

port=$(hooks '.listen | split(":")[1]')
exec 9<>"/dev/tcp/127.0.0.1/$port"
talk() { # SECRET: on the open connection
	local file=$T/tmp/talk line length=0
	printf %s "$payload" >"$file"
	printf 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\nX-GitHub-Delivery: t-%s\r\nX-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n%s' \
		"$RANDOM" "$(sign "$1" "$file")" "${#payload}" "$payload" >&9
	IFS=' ' read -r -t 20 _ code _ <&9 || code=closed
	while IFS= read -r -t 20 line <&9 && line=${line%$'\r'} && [ -n "$line" ]; do
		case "$line" in [Cc]ontent-[Ll]ength:*) length=${line#*: } ;; esac
	done
	[ "$length" = 0 ] || read -r -t 20 -N "$length" _ <&9
}
talk first && is "$code" 202 'with the old secret'
talk second && is "$code" 401 'the new one is not known yet'
conf <<END
    - secret: file:hook2
END
secret_file "$T/hook2" second
kill -HUP "$(ym_pid)"
wait_for '[ "$(hooks .secrets)" = 2 ]'
talk second && is "$code" 202 'after a SIGHUP it is, on the same connection'
talk first && is "$code" 202 'and so is the old one'
secret_file "$T/hook" third
kill -HUP "$(ym_pid)"
wait_ok 'a file with another content is read again' 'talk first; [ "$code" = 401 ]'
talk third && is "$code" 202 'and counts'
chmod 644 "$T/hook"
kill -HUP "$(ym_pid)"
wait_ok 'a file that others can read is refused' 'ym_log | grep -q "reload: .*webhook-secrets.*hook.*mode is 0644.*stays as it was"'
talk third && is "$code" 202 'and the secrets stay as they were'
exec 9>&-
chmod 600 "$T/hook"

# --- SIGTERM with a request under way ---

sample_payload acme/app 60000 >"$T/slow"
signature=$(sign third "$T/slow")
slow=$(<"$T/slow")
exec 9<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\nX-GitHub-Delivery: last-one\r\nX-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n%s' \
	"$signature" "$(stat -c %s "$T/slow")" "${slow:0:30000}" >&9
wait_for '[ "$(hooks .requests)" = 1 ]'
kill -TERM "$(ym_pid)"
wait_ok 'SIGTERM: no more connections are taken' "! (: <>/dev/tcp/127.0.0.1/$port)"
ok 'the daemon is still there' kill -0 "$(ym_pid)"
tail -c +30001 "$T/slow" >&9
IFS=' ' read -r -t 60 _ code _ <&9 || code=closed
exec 9>&-
is "$code" 202 'and the request under way is answered'
ym_stop
is $? 0 'it ends with 0'
is "$(sql "SELECT count(*) FROM delivery WHERE guid = 'last-one'")" 1 'and stored'

# --- starts that cannot work ---

serve() { patient "$YARDMASTER" serve --config "$T/yardmaster.yml" 2>&1; }
chmod 640 "$T/hook"
out=$(serve) && code=0 || code=$?
isnt "$code" 0 'a secret that others may read: no start'
like "$out" "webhook-secrets.*$T/hook.*0640.*0600" 'the error names file, mode and what to do'
chmod 600 "$T/hook"
: >"$T/hook"
like "$(serve)" "webhook-secrets.*$T/hook: empty" 'an empty one'
rm "$T/hook"
like "$(serve)" "webhook-secrets.*$T/hook.*No such file" 'one that is not there'
secret_file "$T/hook" first
ym_start
port=$(hooks '.listen | split(":")[1]')
sed "s/^data:.*/data: ${D//\//\\/}2/; s/^listen:.*/listen: 127.0.0.1:$port/" "$T/yardmaster.yml" >"$T/second.yml"
out=$(patient "$YARDMASTER" serve --config "$T/second.yml" 2>&1) && code=0 || code=$?
isnt "$code" 0 'a port in use: no start'
like "$out" "127.0.0.1:$port.*another program has this port" 'the error says so'
sed -i 's/^listen:.*/listen: localhost/' "$T/second.yml"
like "$("$YARDMASTER" config check "$T/second.yml" 2>&1)$("$YARDMASTER" serve --config "$T/second.yml" 2>&1)" \
	"second.yml:[0-9]+: key 'listen': found 'localhost'; allowed: ADDRESS:PORT" 'an address that is none'
ym_stop
done_testing
