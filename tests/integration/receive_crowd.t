#!/bin/bash
# Ten thousand idle connections, slow senders, floods of headers and space that is announced or held take nothing from
# those who deliver.
. "$(dirname "$0")/receive.sh"

conf <<END
listen: 127.0.0.1:0
github:
  webhook-secrets:
    - secret: file:hook
END
secret_file "$T/hook" first
ulimit -Sn 8192 2>/dev/null
ym_start
port=$(hooks '.listen | split(":")[1]')
small=$(sample_payload acme/app)
crowds=()
crowd() { # KIND N
	local fifo=$T/fifo.$1.$RANDOM
	mkfifo "$fifo"
	"$YARDMASTER_BUILD/tests/bench/hookcrowd" "$port" "$1" "$2" <"$fifo" >"$fifo.out" 2>&1 &
	exec {keep}>"$fifo"
	crowds+=("$keep:$fifo.out")
	wait_for "[ -s $fifo.out ]" || bail "the crowd did not come together: $(cat "$fifo.out")"
	is "$(head -1 "$fifo.out")" ready "a crowd of $2: $1"
}
leave() {
	local c
	for c in "${crowds[@]}"; do eval "exec ${c%%:*}>&-"; done # a later one holds the ends of the earlier ones
	for c in "${crowds[@]}"; do wait_for "grep -q closed= ${c#*:}"; done
	crowds=()
}

crowd idle 5000
crowd idle 5000
is "$(deliver "$small")" 202 'a delivery among ten thousand idle connections'
is "$(deliver "$small")" 202 'and another one'
[ "$(hooks .connections)" -le 1024 ] && pass 'no more are kept than the limit' ||
	fail 'no more are kept than the limit' "$(hooks .connections)"
[ "$(hooks .connections)" -gt 100 ] && pass 'but they were there' || fail 'but they were there' "$(hooks .connections)"
[ "$(hooks .evicted)" -gt 5000 ] && pass 'the longest idle ones made room' || fail 'the longest idle ones made room' "$(hooks .evicted)"
leave
crowd headers 2000
is "$(deliver "$small")" 202 'a delivery among slow senders of headers'
leave
crowd flood 20
is "$(deliver "$small")" 202 'a delivery beside floods of headers'
leave
# Slow senders of bodies, from the address from which the deliveries come as well, as behind a proxy.
crowd body 520
for i in {1..5}; do is "$(deliver "$small")" 202 "delivery $i among 520 slow senders of bodies"; done
like "$(ym status)" uptime 'the command line is served too'
leave
crowd body 1100
for i in {1..5}; do is "$(deliver "$small")" 202 "delivery $i among more of them than there are places"; done
leave

# Space that is announced is not taken.
sample_payload acme/app 300000 >"$T/spooled"
refused=$(hooks .refused_busy)
crowd announce 200
is "$(deliver '' file="$T/spooled")" 202 'a large delivery beside 200 megabytes that were only announced'
is "$(hooks .refused_busy)" "$refused" 'and nobody was refused'
leave
# Space that is taken and held: who names a hook that is known comes first, at once; then who is not slow.
is "$(deliver "$small" header='X-GitHub-Hook-ID: 292430182')" 202 'a delivery that names its hook'
crowd hold 100
wait_ok 'more was sent than there is space' '[ "$(hooks .refused_busy)" -gt "$refused" ]'
for i in 1 2 3; do
	is "$(deliver '' file="$T/spooled" header='X-GitHub-Hook-ID: 292430182')" 202 "a delivery of the same hook, $i"
done
wait_ok 'and soon one of a hook that is not known' '[ "$(deliver "" file="$T/spooled")" = 202 ]'
leave
wait_ok 'the connections are gone' '[ "$(hooks .connections)" -lt 3 ]'
ym_stop
done_testing
