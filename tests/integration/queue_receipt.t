#!/bin/bash
# A rebase of several commits lands as several commits: each of them leads to the receipt of the landing, which
# recomputes all of them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
n=$(pr method .github/yardmaster.yml 'queue:
  method: rebase
  gates: ["sh gate.sh"]' 'Rebase from now on')
ym queue add "$n" >/dev/null
landed "$n"
wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(base_oid) ]"

# Three commits on an older base, so that all of them are made anew.
older=$(git -C "$bare" rev-parse main~1)
git -C "$C" checkout -q --detach "$older"
for i in 1 2 3; do commit_file "$C" "src/r$i" "$i" "Commit $i"; done
git -C "$C" push -q origin +HEAD:refs/for/main/three 2>/dev/null
n=$(ymj '.[] | select(.topic == "three") | .number' pr list)
ym queue add "$n" >/dev/null
ok 'a PR of three commits lands by rebase' landed "$n"
mapfile -t made < <(git -C "$bare" rev-list -3 main)
is "$(git -C "$bare" log --format=%s -3 main | tr '\n' '|')" 'Commit 3|Commit 2|Commit 1|' '... as three commits'
is "$(git -C "$bare" notes --ref yardmaster list "${made[1]}" 2>/dev/null)" '' '... with one note, on the last'
for c in "${made[@]}"; do
	is "$(ymj '"\(.pr) \(.commit)"' receipt show "$c" -R $R)" "$n ${made[0]}" 'each of them has the receipt'
	is "$(ymj .pr receipt show "${c:0:10}" -R $R)" "$n" '... by the beginning of its name too'
	ok '... which holds' "$YARDMASTER" receipt verify "$c" --repo-path "$bare"
done
is "$(ymj '.replay | "\(.merge) \(.commits | map(.from[0:10] + ">" + .commit[0:10]) | join(" "))"' receipt show "${made[0]}" -R $R)" \
	"clean $(for i in 2 1 0; do echo "$(git -C "$C" rev-parse --short=10 "HEAD~$i")>${made[$i]:0:10}"; done | paste -sd' ')" \
	'it says which commit became which, and that the merge is clean'
exits 3 'a commit before the queue has none' ym receipt show "$(git -C "$bare" rev-list --max-parents=0 main)" -R $R
c=$(pr after src/after 1 'After it')
ym queue add "$c" >/dev/null
landed "$c"
is "$(ymj .pr receipt show "${made[2]}" -R $R)" "$n" 'they are found when more has landed'

# Each candidate leaves a pack; what reads the repository stays quick, and nothing is lost.
for ((i = 0; i < 60; i++)); do
	echo "$i" | git -C "$bare" hash-object -w --stdin | git -C "$bare" pack-objects -q objects/pack/pack
done >/dev/null
wait_ok 'many packs become few by themselves' \
	'p=$(ymj ".[0].packs" repo list) && [ "$p" -gt 0 ] && [ "$p" -lt 20 ]'
wait_ok '... with a commit-graph' "[ -s '$bare/objects/info/commit-graphs/commit-graph-chain' ]"
is "$(ymj ".repositories[0] | \"\(.repo) \(.packs > 0) \(.pack_bytes > 0) \(.loose_objects >= 0)\"" status)" \
	"$R true true true" 'status shows how large it is'
like "$(ym status)" 'repositories.0.pack_bytes' '... to people, too'
ok 'and nothing is lost' git -C "$bare" fsck

# From a clone that has fetched the notes, without the daemon.
git clone -q "$bare" "$T/clone"
git -C "$T/clone" fetch -q origin refs/notes/yardmaster:refs/notes/yardmaster
git -C "$bare" push -q "$T/clone" "refs/yardmaster/heads/$n:refs/pr"
ok 'offline as well' "$YARDMASTER" receipt verify "${made[1]}" --repo-path "$T/clone"

# Somebody puts another commit in the place of the second one, and the note where it would be looked for.
tree=$(git -C "$T/clone" rev-parse "${made[0]}^{tree}")
forged=$(git -C "$T/clone" commit-tree -p "${made[2]}" -m 'Commit 2' "$tree")
last=$(git -C "$T/clone" commit-tree -p "$forged" -m 'Commit 3' "$tree")
git -C "$T/clone" notes --ref yardmaster show "${made[0]}" | sed "s/${made[0]}/$last/" >"$T/note"
git -C "$T/clone" notes --ref yardmaster add -F "$T/note" "$last"
git -C "$T/clone" update-ref refs/heads/forged "$last"
exits 1 'a chain with another commit in it does not hold, although its last tree is right' \
	"$YARDMASTER" receipt verify "$last" --repo-path "$T/clone"
exits 1 '... nor does the commit in it' "$YARDMASTER" receipt verify "$forged" --repo-path "$T/clone"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
