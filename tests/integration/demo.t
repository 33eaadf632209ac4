#!/bin/bash
# The demo shows what it promises, computes its last line from the real state, leaves nothing running,
# and without a sandbox ends with doctor's sentence.
. "$(dirname "$0")/lib.sh"

cd "$root" || exit 1
export YARDMASTER_BUILD
out=$(contrib/demo/run 2>"$T/err")
is "$?" 0 'it succeeds'
diag "$(cat "$T/err")"
folder=$(sed -n 's|^ *\(/tmp/yardmaster-demo-[A-Za-z0-9]*\)/yard serve$|\1|p' <<<"$out")
like "$(tail -n 1 <<<"$out")" \
	'^demo: tasks=8 merged=6 conflicts=1 needs_human=1 base=green seconds=[0-9]+$' 'its last line'
like "$out" "round 1: gate .sh tests/run.sh. is RED.*expected '.1 h 05 min', found '.1 h 5 min'" \
	'a red gate is shown with its log'
like "$out" 'why does it not land.*waits for #[0-9]+' 'what was ready first waits for what it depends on'
like "$out" 'lib/title.sh.*changed by #[0-9]+' 'the conflict names the file and the other pull request'
like "$out" 'NEEDS A PERSON.*expected .12:35., found .13:35.' 'what never passes comes back with its log'
is "$(pgrep -f "$folder")" '' 'nothing keeps running'
is "$(git -C "$folder/data/repos/board.git" show main:lib/title.sh 2>/dev/null | grep -c Departures)" 1 \
	'the base branch has the change that came first'
like "$("$folder/yard" task list 2>&1)" 'daemon' 'without a daemon, the word to look at it says so'

# A machine on which bubblewrap cannot work.
if unshare --user --map-root-user --mount sh -c 'mount --bind /bin/false /usr/bin/bwrap' 2>/dev/null; then
	out=$(unshare --user --map-root-user --mount sh -c '
		mount --bind /bin/false /usr/bin/bwrap
		exec unshare --user --map-user=1000 --map-group=1000 contrib/demo/run' 2>&1)
	is "$?" 1 'without a sandbox it exits with 1'
	like "$out" '^FAIL +sandbox: ' 'and says what doctor says'
	is "$(wc -l <<<"$out")" 1 'and nothing else'
fi

rm -rf "$folder"
done_testing
