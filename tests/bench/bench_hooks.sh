#!/bin/bash
# How long a local hook keeps somebody waiting, from git's start of the script to its end: with a daemon
# that answers (the median of forty), and with one that hangs or is not there (the longest of ten). In a
# repository of 2000 files and 40 open PRs, with 20 files staged. No peer: the ratio is against the goal.
. "$(dirname "$0")/daemon.sh"

prs=40 goal=50 goal_away=200
ym_start
me
git init -q "$T/src/app"
for i in {1..2000}; do
	mkdir -p "$T/src/app/src/$((i % 40))"
	echo "$i" >"$T/src/app/src/$((i % 40))/f$i.txt"
done
git -C "$T/src/app" add -A
git -C "$T/src/app" commit -q -m Begin
ym repo add app --from "$T/src/app" >/dev/null || bail 'repo add'
clone app "$T/c"
cd "$T/c" || exit 1
for ((i = 1; i <= prs; i++)); do
	git checkout -q --detach origin/main
	echo x >>"src/1/f$((40 * (i % 40) + 1)).txt"
	git commit -q -a -m "Change $i"
	git push -q origin "HEAD:refs/for/main/t$i" 2>/dev/null || bail "push $i"
done
"$YARDMASTER" hooks install --socket "$D/socket" >/dev/null || bail 'hooks install'
git checkout -q --detach origin/main
for i in {1..20}; do echo y >>"src/$i/f$i.txt"; done
git commit -q -a --no-verify -m 'Ours'
git reset -q --soft origin/main
ours=$(git rev-parse ORIG_HEAD)
printf 'Subject\n\nDepends-On: #1, #2\n' >"$T/message"
main=$(git rev-parse origin/main)
url=$(git remote get-url origin)

pre_commit() { .git/hooks/pre-commit; }
commit_msg() { .git/hooks/commit-msg "$T/message"; }
pre_push() { echo "HEAD $ours refs/for/main/mine $main" | .git/hooks/pre-push origin "$url"; }

times() { # N HOOK: milliseconds, one a line
	local i t
	for ((i = 0; i < $1; i++)); do
		t=${EPOCHREALTIME/./}
		$2 >"$T/said" 2>&1 || bail "$2: $(cat "$T/said")"
		echo $(((${EPOCHREALTIME/./} - t) / 100))
	done | sort -n | awk '{ print $1 / 10 }'
}
line() { # NAME MS GOAL
	awk -v n="$1" -v o="$2" -v g="$3" 'BEGIN { printf "bench: %s ours=%.1f ms peer=none:- ratio=%.2f goal=%d\n", n, o, g / (o > 0 ? o : 1), g }'
}

for hook in pre_commit commit_msg pre_push; do
	times 40 $hook >"$T/times"
	! grep -q 'not checked' "$T/said" || bail "$hook: $(cat "$T/said")"
	line "hook-${hook/_/-}" "$(sed -n 20p "$T/times")" $goal
done
grep -q 'may conflict' "$T/said" || bail "pre-push did not look: $(cat "$T/said")"
kill -STOP "$(ym_pid)"
for hook in pre_commit commit_msg pre_push; do
	times 10 $hook >"$T/times"
	grep -q 'not checked' "$T/said" || bail "$hook: $(cat "$T/said")"
	line "hook-${hook/_/-}-daemon-hangs" "$(tail -n 1 "$T/times")" $goal_away
done
kill -CONT "$(ym_pid)"
ym_stop
times 10 pre_push >"$T/times"
line hook-pre-push-no-daemon "$(tail -n 1 "$T/times")" $goal_away
