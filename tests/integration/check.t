#!/bin/bash
# The runner of `make check` counts every test, shows what failed at once, ends what hangs and nothing that gets
# on, knows what everything cost, and leaves nothing running.
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/tree/contrib" "$T/tree/tests/check" "$T/tree/p"
cp "$root/contrib/check" "$T/tree/contrib/"
cp "$root/tests/check/watch.c" "$T/tree/tests/check/"
cd "$T/tree" || exit 1
program() { cat >"p/$1"; }
check() {
	printf '%s\n' "$@" >table
	contrib/check --table table 2>&1
}
took() { sed -n "s/^check: $1 .* \([0-9]*\)\.[0-9] s of processor.*/\1/p"; }

program good.t <<<'echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"'
program bad.t <<<'echo "ok 1 - a"; echo "not ok 2 - of the wheel"; echo "# it is square"; echo "ok 3 - c"; echo 1..3'
program short.t <<<'echo 1..3; echo "ok 1 - a"'
program planless.t <<<'echo "ok 1 - a"'
program silent.t <<<':'
program late.t <<<'echo 1..1; echo "ok 1 - a"; exit 3'
out=$(check 'all|-|tap|ls p/*.t' 'step|-|step|echo it says so; false' 'after|step|step|true' 'fine|-|step|true')
is "$?" 1 'something failed: 1'
is "$(tail -n 1 <<<"$out")" '8 passed, 8 failed' 'every test is counted: what did not come, too, and a program that fails without saying what'
like "$out" $'all: p/bad.t: 1 failed, 2 passed.*not ok 2 - of the wheel\n *# it is square\n' 'what failed is shown with what is said about it'
like "$out" 'it says so' 'and what a step said'
like "$out" "needs the stage 'step', which failed" 'what needs it is not run'
like "$out" 'FAILED: all: p/short.t.*FAILED: step.*FAILED: after' 'all that failed is named at the end'
unlike "$out" 'FAILED: (all: p/good.t|fine)' 'and nothing else'
like "$(cat build-check/log/times)" 'all/p/good.t [0-9]+ [0-9]+' 'what each took is kept for the next run'
rm p/*

# A child in a session of its own, whose parent has gone, counts and does not stay. (It computes until the kernel says
# that it had three seconds, in hundredths: how many rounds that are the machine decides.)
cat >burn <<'END'
used=0
while [ "$used" -lt 300 ]; do
	for _ in {1..20000}; do :; done
	read -r -a stat </proc/self/stat
	used=${stat[13]}
done
echo done >burnt
exec sleep 7654321
END
program burn.t <<<'( (setsid bash burn &) )
while [ ! -e burnt ]; do sleep 0.05; done; echo 1..1; echo ok 1'
out=$(check 'idle|-|step|sleep 1' 'burn|-|tap|ls p/*.t')
is "$(tail -n 1 <<<"$out")" '2 passed, 0 failed' 'it passes'
ok 'what an orphan computed is counted' test "$(took burn <<<"$out")" -gt $(($(took idle <<<"$out") + 1))
not_ok 'and it does not stay' pgrep -f 'sleep 7654321'
like "$(cat build-check/log/burn.tap/p/burn.t)" 'was left running: sleep 7654321' 'which is noted'
rm p/*

# A limit that ends at the second look or so what hangs; what writes is seen to have written at each.
export WATCH_IDLE_S=0.7
program hang.t <<<'echo "ok 1 - a"; sleep 7654322'
program write.t <<<'for i in {1..9}; do sleep 1; echo "ok $i - a"; done; echo 1..9'
out=$(check 'all|-|tap|ls p/*.t')
is "$(tail -n 1 <<<"$out")" '10 passed, 1 failed' 'what hangs is ended, and what still writes is not'
like "$out" 'hang.t: 1 failed, 1 passed, exit code 124' 'with a code of its own'
like "$out" 'ended, because it neither wrote nor computed' 'and a reason'
not_ok 'its children are gone' pgrep -f 'sleep 7654322'
unset WATCH_IDLE_S

printf 'all|-|tap|ls p/*.t\n' >table
contrib/check --table table >out 2>&1 &
check=$!
wait_for 'pgrep -f "sleep 7654322"'
kill -TERM $check
wait $check
is $? 130 'it can be interrupted'
wait_ok 'which ends what runs' '! pgrep -f "sleep 7654322"'
done_testing
