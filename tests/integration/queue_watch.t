#!/bin/bash
# The base is moved past every hook: the daemon notices at once, without waiting for its next reconciliation,
# and each move is told once. A push that is too large is refused with a sentence.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

# Only the watch can be quick here: the next reconciliation is an hour away.
sed -i 's/^reconcile-seconds:.*/reconcile-seconds: 3600/' "$T/yardmaster.yml"
printf 'limits: { push-mb: 1 }\n' | conf
notify_conf
ym_start
me
queue_repo
pass 'a base that is moved by git update-ref is noticed'
unlike "$(ym_log)" 'WARN|warn .*was moved.*first push' 'the first import is no reason for a warning'
like "$(ym_log)" "repository $R: main begins at" '... but noted'
head_is() { # NAME BRANCH
	 [ "$(ymj ".[] | select(.name == \"$1\") | .head" repo list)" = "$(git -C "$(repo_path "$1")" rev-parse "$2")" ]; }

move_base src/hand.txt first
wait_ok 'again' "head_is $R main"
wait_ok '... and told' "grep -c '^base-moved $R' '$T/notified' | grep -qx 2"
git -C "$bare" pack-refs --all
move_base src/hand.txt second
wait_ok 'after the references were packed as well' "head_is $R main"
wait_ok '... and told once' "grep -c '^base-moved $R' '$T/notified' | grep -qx 3"
git -C "$bare" rev-parse main >"$T/oid"
older=$(git -C "$bare" rev-parse main~1)
echo "$older" >"$bare/refs/heads/main"
wait_ok 'as is a reference that was written by hand' "head_is $R main"
git -C "$bare" update-ref refs/heads/main "$(cat "$T/oid")"
wait_ok '... and back' "head_is $R main"
git -C "$bare" update-ref -d refs/heads/main
wait_ok 'or was deleted' "[ \"\$(ymj '.[0].head' repo list)\" = null ]"
git -C "$bare" update-ref refs/heads/main "$(cat "$T/oid")"
wait_ok '... and came back' "head_is $R main"

# The queue's own landings are no moves by somebody else.
told=$(grep -c '^base-moved app' "$T/notified")
n=$(pr a src/a1 a)
ym queue add "$n" >/dev/null
ok 'a PR lands' landed "$n"
n=$(pr b src/b1 b)
ym queue add "$n" >/dev/null
landed "$n"
is "$(grep -c '^base-moved app' "$T/notified")" "$told" '... and is not told as a move by somebody else'

# --- large pushes ---------------------------------------------------------------------------------
git -C "$C" checkout -q --detach origin/main
head -c 3000000 /dev/urandom >"$C/src/large"
git -C "$C" add -A
git -C "$C" commit -q -m 'Large'
not_ok 'a push above the limit is refused' git -C "$C" push origin HEAD:refs/for/main/large
like "$(git -C "$C" push origin HEAD:refs/for/main/large 2>&1)" 'exceeds maximum allowed size' '... and says so'
is "$(ymj 'map(select(.topic == "large")) | length' pr list)" 0 '... and opens nothing'
sed -i 's/push-mb: 1 /push-mb: 64 /' "$T/yardmaster.yml"
kill -HUP "$(ym_pid)"
wait_for "[ \"\$(git -C '$bare' config receive.maxInputSize)\" = 64m ]"
ok 'with a larger limit, read again, it passes' git -C "$C" push origin HEAD:refs/for/main/large
# A base whose name has a folder, which goes away when the references are packed.
git init -q -b release/1 "$T/src/nested"
commit_file "$T/src/nested" a.txt 1
ym repo add nested --from "$T/src/nested" >/dev/null
wait_for 'head_is nested release/1'
nested=$(repo_path nested)
git -C "$nested" pack-refs --all --prune
wait_for "[ ! -e '$nested/refs/heads/release/1' ]"
rmdir "$nested/refs/heads/release" 2>/dev/null
commit_file "$T/src/nested" a.txt 2
git -C "$nested" fetch -q "$T/src/nested" release/1:refs/tags/new
git -C "$nested" update-ref refs/heads/release/1 refs/tags/new
wait_ok 'a base in a folder is watched too' 'head_is nested release/1'
commit_file "$T/src/nested" a.txt 3
git -C "$nested" fetch -q "$T/src/nested" +release/1:refs/tags/new
git -C "$nested" update-ref refs/heads/release/1 refs/tags/new
wait_ok '... also the second time' 'head_is nested release/1'

ym_stop
is $? 0 'the daemon ends when told'
done_testing
