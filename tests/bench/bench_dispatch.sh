#!/bin/bash
# From the label to the agent's exec: how long it takes beyond the making of the worktree, which has the
# size of the repository. Twenty tasks, one after the other; the median counts. No peer: the ratio is
# against the goal.
. "$(dirname "$0")/daemon.sh"

tasks=20 goal=50
agent nothing <<'END'
no_change "Nothing to do."
END
ym_start
git init -q "$T/src/app"
for i in {1..200}; do
	mkdir -p "$T/src/app/src/$((i % 10))"
	seq "$i" >"$T/src/app/src/$((i % 10))/f$i.txt"
done
git -C "$T/src/app" add -A
commit_file "$T/src/app" .github/blueprints/fix.yml 'name: fix
allow: ["src/**"]
steps:
  - agent: prompts/fix.md
  - pull-request: {}
  - queue: {}'
commit_file "$T/src/app" .github/blueprints/prompts/fix.md 'Do what the issue says.'
ym repo add app --from "$T/src/app" >/dev/null || bail "repo add"
for ((i = 1; i <= tasks; i++)); do
	n=$(ymj .number issue create --title "Nothing $i") || bail "issue create"
	ym issue label "$n" --add agent:fix >/dev/null || bail "issue label"
	# Looked for seldom: on a small machine the looking would be a part of what is measured.
	for try in {1..100}; do
		sleep 0.4
		[ "$(ymj "[.[] | select(.state == \"no-change\")] | length" task list)" != $i ] || break
		[ "$try" != 100 ] || bail "task $i: $(ym task list)"
	done
done
# Label: the event's time. Worktree: from the effect's start, which is the commit of the label's turn, to its
# end. Exec: what the keeper wrote just before it.
sqlite3 -readonly "$D/ledger.db" "
	SELECT a.started_ms - l.at_ms, w.done_ms - w.at_ms FROM task t
	JOIN event l ON l.kind = 'issue-labeled' AND json_extract(l.payload, '$.number') = t.issue
	JOIN effect w ON w.kind = 'task-worktree' AND w.subject = 'task:' || t.id
	JOIN attempt a ON a.task = t.id AND a.kind = 'agent'" >"$T/times"
[ "$(wc -l <"$T/times")" = $tasks ] || bail "times of $(wc -l <"$T/times") tasks instead of $tasks"
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ours=$(awk -F'|' '{ print $1 - $2 }' "$T/times" | median)
worktree=$(cut -d'|' -f2 "$T/times" | median)
awk -v o="$ours" -v g=$goal 'BEGIN { printf "bench: label-to-exec ours=%.1f ms peer=none:- ratio=%.2f goal=%d\n", o, g / (o > 0 ? o : 1), g }'
awk -v o="$worktree" 'BEGIN { printf "bench: worktree-of-200-files ours=%.1f ms peer=none:- ratio=- goal=-\n", o }'
[ -z "${VERBOSE-}" ] || cat "$T/times"
ym_stop
