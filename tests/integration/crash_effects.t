#!/bin/bash
# kill -9 of the daemon at every kind of effect, before it starts, after it was carried out and after
# its result was written: each task ends as it would have, with one PR, one comment a key, one landing.
. "$(dirname "$0")/lib.sh"

# The kinds of a task's whole way, in the order in which one task comes by them. A kind that is reached
# by another way has its own lines below; a kind of the program that is in neither fails the test.
way='repo-base task-worktree forge-comment task-layer-key task-layer-apply run-start task-layer-save
	task-commit task-restore forge-pr-open pr-ref pr-log pr-contained cand-build cand-checkout
	cand-verify cand-land forge-pr-merged repo-config forge-issue-close task-remove cand-clean'
others='forge-react pr-config forge-label notify run-kill cand-drop forge-pr-update
	cand-settle-ref cand-settle repo-log repo-receipt repo-pulls'
# Those of a forge over a network are in tests/forge: crash.t, crash_more.t (what follows a landing, checks of the
# candidate, teams), crash_shadow.t, and of a head that moves land_head.t.
remote='forge-check forge-list forge-sync forge-reviews forge-level forge-look forge-fetch forge-changed task-push cand-push cand-fetch'
heads='forge-pr-retarget cand-head-push cand-head head-restore'
more='cand-branch forge-checks branch-drop topic-merged topic-delete head-keep notes-fetch notes-merge notes-push cand-draft draft-close forge-member'
shadow='shadow-build shadow-pair shadow-trees shadow-drop shadow-checks'
# Not killed in any test: questions to the repository and upkeep, which are done again without a trace, and what a task on
# a rewound base or a closed issue asks for; each of them is carried out twice by a unit test or is a plain repetition.
unkilled='base-gained base-lost base-keep pr-words repo-sweep repo-maintain task-base task-transplant forge-pr-close'

kinds=$(sed -n 's/^\t{"\([a-z-]*\)", EXEC_.*/\1/p' "$root/daemon/bot/outbox_kinds.c" | sort)
# shellcheck disable=SC2086 # words
is "$(printf '%s\n' $way $others $remote $heads $more $shadow $unkilled | sort)" "$kinds" 'every kind of effect is in this test'

# The first round says "bug", the gate is red, the second round mends it. What runs twice in a round
# writes twice.
agent twice <<'END'
file=src/t$YARDMASTER_TASK.txt
if [ "$YARDMASTER_ROUND" = 1 ]; then
	echo "bug of $YARDMASTER_TASK" >>"$file"
else
	echo "fixed by $YARDMASTER_TASK" >>"$file"
	sed -i /bug/d "$file"
fi
complete "Wrote a file."
END
agent never <<'END'
echo bug >>src/never.txt
complete "Wrote a bug."
END
agent sleeper <<'END'
sleep 600
END
conf <<END
limits: { agents: 4 }
notify: { command: ["/bin/sh", "-c", "echo \"\$YARDMASTER_EVENT \$YARDMASTER_NUMBER\" >>$T/notified"] }
END
ym_start
me
git init -q "$T/src/app"
commit_file "$T/src/app" gate.sh 'if grep -rn bug src; then exit 1; fi
if [ -e src/slow ]; then sleep 600; fi'
commit_file "$T/src/app" src/a.txt 'line 1'
for name in fix never sleep rev; do
	commit_file "$T/src/app" .github/blueprints/$name.yml "name: $name
allow: [\"src/**\"]
limits: { rounds: 2 }
environment: { setup: [\"echo \$YARDMASTER_TASK >.layer\"] }
steps:
  - agent: prompts/fix.md
    gates: [\"sh gate.sh\"]
  - pull-request: {}
  - review: { approvals: 0 }
  - queue: {}"
done
sed -i '/^steps/i agent: never' "$T/src/app/.github/blueprints/never.yml"
sed -i '/^steps/i agent: sleeper' "$T/src/app/.github/blueprints/sleep.yml"
sed -i '/^steps/i agent: twice' "$T/src/app/.github/blueprints/fix.yml"
sed -i '/^steps/i agent: twice' "$T/src/app/.github/blueprints/rev.yml"
sed -i 's/rounds: 2/rounds: 4/; s/approvals: 0/approvals: 1/' "$T/src/app/.github/blueprints/rev.yml"
git -C "$T/src/app" commit -qam 'Name the agents'
commit_file "$T/src/app" .gitignore '.layer'
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  approvals: 0'
commit_file "$T/src/app" .github/blueprints/prompts/fix.md 'Do what the issue says.'
ym repo add crash --from "$T/src/app" >/dev/null || bail "repo add"
begun=$(git -C "$(repo_path crash)" rev-list --count --first-parent main)
clone crash "$T/work"
# An open PR beside: there is something to compare the heads with.
git -C "$T/work" switch -q -c beside
commit_file "$T/work" src/beside.txt beside
git -C "$T/work" push -q origin HEAD:refs/for/main/beside 2>/dev/null || bail "push"
ym_stop
cp "$D/ledger.db" "$T/old.db"

alive() { kill -0 "$daemon" 2>/dev/null; }
# Starts a daemon that dies at KIND:WHEN; 0 when it answers, 1 when it is dead already.
start_to_die() {
	YARDMASTER_CRASH_AT=$1 "$YARDMASTER" serve --config "$T/yardmaster.yml" >>"$T/daemon.log" 2>&1 </dev/null &
	daemon=$!
	wait_for '! alive || ym status' >/dev/null
	alive
}
# It died, and by SIGKILL.
has_died() { # NAME
	local code=0
	if ! wait_for '! alive'; then
		fail "$1" "the daemon did not come by there"
		ym_end KILL
		return 1
	fi
	wait "$daemon" 2>/dev/null || code=$?
	daemon=''
	is "$code" 137 "$1"
}
issues=()
new_issue() {
	local n
	n=$(ymj .number issue create -R crash --title "Write a file" --label agent:fix 2>/dev/null) &&
		[ -n "$n" ] && issues+=("$n")
}
open_tasks() { ledger "SELECT count(*) FROM task WHERE ended_ms IS NULL AND blueprint = 'fix'"; }


whens='before after committed'
for when in $whens; do
	for kind in $way; do
		# A layer that is there already is not saved again.
		[ "$kind" != task-layer-key ] || rm -rf "$D/layers"
		# A task that is on its way comes by; else a new one sets out.
		if start_to_die "$kind:$when"; then
			[ "$(open_tasks)" != 0 ] || new_issue
			wait_for '! alive || [ "$(open_tasks)" = 0 ]'
			! alive || new_issue
		fi
		has_died "killed: $kind, $when"
	done
done

# --- what is not on every task's way ---

# kill_at KIND COMMAND...: for each WHEN, starts the daemon and runs the command, which makes it die, if
# the effect that the last daemon left open did not.
kill_at() {
	local when
	for when in $whens; do
		if start_to_die "$1:$when"; then
			"${@:2}" >/dev/null 2>&1
		fi
		has_died "killed: $1, $when"
	done
}
say() { ym issue comment "${issues[0]}" -R crash --body "/yard status"; }
kill_at forge-react say
push_config() {
	git -C "$T/work" switch -q -C config origin/main
	commit_file "$T/work" .github/yardmaster.yml "queue: { approvals: 0 } # $when"
	git -C "$T/work" push -q origin "HEAD:refs/for/main/config-$when"
}
kill_at pr-config push_config
never() { ym issue create -R crash --title "Never" --label agent:never; }
kill_at forge-label never
kill_at notify never
# A run that is under way is cancelled.
cancel() {
	local n task
	n=$(ymj .number issue create -R crash --title "Sleep" --label agent:sleep)
	wait_for "! alive || [ \"\$(ledger \"SELECT count(*) FROM attempt a JOIN task t ON t.id = a.task
		WHERE t.issue = $n AND a.kind = 'agent'\")\" = 1 ]"
	task=$(ledger "SELECT id FROM task WHERE issue = $n")
	ym task cancel "$task"
}
kill_at run-kill cancel
# A PR leaves the queue while it is tested.
dequeue() {
	local pr
	git -C "$T/work" switch -q -C "slow-$when" origin/main
	commit_file "$T/work" src/slow "$when"
	git -C "$T/work" push -q origin "HEAD:refs/for/main/slow-$when"
	pr=$(ledger "SELECT number FROM pr WHERE topic = 'slow-$when'")
	ym queue add "$pr" -R crash
	wait_for "! alive || [ \"\$(ledger \"SELECT state FROM candidate WHERE pr = $pr\")\" = testing ]"
	ym queue remove "$pr" -R crash
}
kill_at cand-drop dequeue
# A reviewer wants something else, and the task brings its PR a new head.
reviews=()
review() {
	local n pr
	n=$(ymj .number issue create -R crash --title "Write a file" --label agent:rev)
	[ -n "$n" ] || return
	reviews+=("$n")
	wait_for "! alive || [ \"\$(ledger \"SELECT state FROM task WHERE issue = $n\")\" = review ]"
	pr=$(ledger "SELECT pr FROM task WHERE issue = $n")
	ym pr request-changes "$pr" -R crash --body "Once more, please."
}
kill_at forge-pr-update review
# The landing fails for a reason that no repetition mends: what became of it is asked of the base.
notes=$(repo_path crash 2>/dev/null || ledger "SELECT path FROM repo")/refs/notes/yardmaster
for kind in cand-settle-ref cand-settle; do
	for when in $whens; do
		was=$(git -C "${notes%/refs/*}" rev-parse refs/notes/yardmaster) # in a file of its own, or packed
		mkdir -p "${notes%/*}"
		git -C "$T/work" rev-parse HEAD:gate.sh >"$notes" # no commit
		start_to_die "$kind:$when" && new_issue
		has_died "killed: $kind, $when"
		echo "$was" >"$notes"
		ym_start
		wait_for '[ "$(open_tasks)" = 0 ]'
		ym_stop
	done
done

# --- what a person sees in the end ---

ym_start
wait_ok 'every task comes to its end' '[ "$(open_tasks)" = 0 ]'
for n in "${reviews[@]}"; do
	wait_ok "the task of issue $n is back at its review" \
		"[ \"\$(ledger \"SELECT state FROM task WHERE issue = $n\")\" = review ]"
	pr=$(ledger "SELECT pr FROM task WHERE issue = $n")
	ok 'with a new head that can be approved' ym pr approve "$pr" -R crash
	wait_ok 'and is merged' "[ \"\$(pr_state $pr)\" = merged ]"
done
wait_ok 'no effect is left' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(ymj .events_failed status)" 0 'no event failed'
is "$(ledger "SELECT count(*) FROM task WHERE blueprint = 'fix' AND state <> 'merged'")" 0 \
	"all ${#issues[@]} tasks are merged"
for n in "${issues[@]}"; do
	task=$(ledger "SELECT id FROM task WHERE issue = $n")
	is "$(base_file crash "src/t$task.txt")" "fixed by $task" "task $task: its work is on the base, once"
	is "$(ymj .state issue show "$n" -R crash)" closed "task $task: its issue is closed"
done
is "$(ledger "SELECT count(*) FROM (SELECT task FROM pr WHERE task IS NOT NULL GROUP BY task HAVING count(*) > 1)")" 0 \
	'no task has two PRs'
is "$(ledger "SELECT count(*) FROM (SELECT key FROM comment WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)")" 0 \
	'no comment was said twice'
is "$(ledger "SELECT count(*) FROM comment WHERE key LIKE 'answer:%'")" \
	"$(ledger "SELECT count(*) FROM comment WHERE NOT bot AND body LIKE '/yard%'")" 'each command was answered once'
is "$(ledger "SELECT max(n) FROM (SELECT count(*) AS n FROM attempt JOIN task t ON t.id = task
	WHERE kind = 'agent' AND t.blueprint = 'fix' GROUP BY task)")" 2 'each round ran once'
merged=$(ledger "SELECT count(*) FROM pr WHERE state = 'merged'")
is "$(git -C "$(repo_path crash)" rev-list --count --first-parent main)" $((begun + merged)) \
	"$merged merged PRs, as many landings"
is "$(git -C "$(repo_path crash)" notes --ref yardmaster list | wc -l)" "$merged" 'as many receipts'
is "$(ledger "SELECT count(*) FROM task WHERE blueprint = 'never' AND state <> 'needs-human'")" 0 \
	'what cannot be done came back to a person'
is "$(ledger "SELECT count(*) FROM task WHERE blueprint = 'sleep' AND state <> 'cancelled'")" 0 \
	'what was cancelled is cancelled'
wait_ok 'no run is left' '[ -z "$(pgrep -f "$T/agents/sleeper")" ]'
wait_ok 'no worktree of a finished task is left' \
	'[ "$(ls "$D/worktrees" | wc -l)" = "$(ledger "SELECT count(*) FROM task WHERE blueprint = '"'never'"'")" ]'
is "$(git -C "$(repo_path crash)" for-each-ref refs/yardmaster/candidates | wc -l)" 0 'no candidate is left'
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
ym_stop
is $? 0 'the daemon ends when told'

# --- an older ledger learns from the repository what it does not know ---

for kind in repo-log repo-receipt repo-pulls; do
	for when in $whens; do
		rm "$D"/ledger.db*
		cp "$T/old.db" "$D/ledger.db"
		start_to_die "$kind:$when"
		has_died "killed: $kind, $when"
	done
done
ym_start
wait_ok 'all that was merged is known again' '[ "$(ledger "SELECT count(*) FROM pr WHERE state = '"'merged'"'")" = '"$merged"' ]'
ok 'a person lets it go on' ym resume
wait_ok 'nothing is left to do' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(git -C "$(repo_path crash)" rev-list --count --first-parent main)" $((begun + merged)) 'and nothing landed'
ym_stop
done_testing
