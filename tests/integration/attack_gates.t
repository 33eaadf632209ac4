#!/bin/bash
# A pull request's own rules are not in force for it, and what its gates leave behind reaches nobody.
. "$(dirname "$0")/lib.sh"

ym_start
me
sample_repo app
clone app "$T/c"
cd "$T/c" || bail 'no clone'
propose() { # TOPIC: pushes what is there, queues it, sets $pr
	git add -A
	git commit -q -m "$1"
	git push -q origin "HEAD:refs/for/main/$1" || bail "no push of $1"
	pr=$(ymj ".[] | select(.topic == \"$1\") | .number" pr list)
	ym queue add "$pr" >/dev/null || bail "not queued: $1"
}
out() { wait_ok "$1" '[ "$(ymj .state pr show '"$pr"')" = merged ] || ym queue why '"$pr"' | grep -q "left the merge queue"'; }

# Rules that the PR brings along.
printf 'queue:\n  gates: ["true"]\n  approvals: 0\n' >.github/yardmaster.yml
sed -i 's/^line 3$/line 3 bug/' src/a.txt
propose rules
out 'it is decided'
is "$(pr_state "$pr")" open "a PR's configuration is not in force"
like "$(ymj '.comments[].body' pr show "$pr")" 'comes into force|loads without errors' 'and is looked at'

# A gate that stays, closes its folder, and leaves something wherever it can.
git checkout -q -B stays origin/main
cat >gate.sh <<'END'
(setsid sleep 300 </dev/null >/dev/null 2>&1 &)
for d in /tmp /dev/shm "$HOME" /work /yard/git /var/tmp; do echo left >$d/left-by-gate; done
printf '#!/bin/sh\ntouch /work/hook-ran\n' >/yard/git/hooks-left
git config core.fsmonitor 'touch /work/fsmonitor-ran'
mkdir -p /work/deep && chmod 000 /work/deep && chmod 000 /yard/git && chmod 000 /work
END
propose stays
out 'it lands'
is "$(pr_state "$pr")" merged 'what is approved and green lands'
is "$(pgrep -u "$(id -u)" -fc 'sleep 300')" 0 'no process of a gate stays'
wait_ok 'its folders are removed' '[ -z "$(find "$D" -name "left-by-gate" -print -quit)" ]'
wait_ok 'whatever their modes' '[ -z "$(find "$D" -perm 000 -print -quit)" ]'

git fetch -q
git checkout -q -B looks origin/main
cat >gate.sh <<'END'
find / -xdev -name '*left-by-gate*' -not -path '/proc/*' 2>/dev/null | grep . && exit 1
find /work /yard/git /tmp "$HOME" -name '*left*' 2>/dev/null | grep . && exit 1
git config core.fsmonitor && exit 1
test -z "$(git status --porcelain)"
END
propose looks
out 'the next one is decided'
is "$(pr_state "$pr")" merged 'the next gate finds nothing of the last'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
