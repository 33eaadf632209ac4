#!/bin/bash
# The ledger and the data directory: one daemon at a time, each thing once, copies while it runs, and a
# ledger that is empty or older than the repositories starts nothing before a person says so.
. "$(dirname "$0")/lib.sh"

fixer
ym_start
me
git init -q "$T/src/app"
commit_file "$T/src/app" src/a.txt 'line 1'
commit_blueprint "$T/src/app" fix true 0
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["true"]
  approvals: 0'
ym repo add app --from "$T/src/app" >/dev/null || bail "repo add"
new_issue() { ymj .number issue create -R app --title "Write a file" --label agent:fix; }
merged() { ledger "SELECT count(*) FROM task WHERE state = 'merged'"; }
new_issue >/dev/null
wait_ok 'a task is merged' '[ "$(merged)" = 1 ]'

# --- one daemon a data directory, and what is left of one that is gone ---

out=$("$YARDMASTER" serve --config "$T/yardmaster.yml" 2>&1) && code=0 || code=$?
is "$code" 5 'a second daemon on the data directory refuses with the exit code for a wrong state'
like "$out" "$D.*another daemon is running on it" 'and names the directory and the reason'
ok 'the first one goes on' ym status
ym_crash
ok 'a killed daemon leaves its socket' test -S "$D/socket"
exits 6 'a client says that nobody answers there' "$YARDMASTER" --socket "$D/socket" status
ym_start
pass 'the next daemon takes the stale socket over'
ym_stop
is $? 0 'SIGTERM ends the daemon with 0'
not_ok 'and takes the socket away' test -e "$D/socket"

# --- events: each once, unknown ones kept ---

sqlite3 "$D/ledger.db" "INSERT INTO event (key, kind, payload, at_ms)
	VALUES ('from the future', 'planet-aligned', '{}', $(date +%s)000)"
sqlite3 "$D/ledger.db" "UPDATE event SET state = 0 WHERE kind IN ('issue-labeled', 'run-ended')
	OR kind LIKE 'did-%'"
comments=$(ledger 'SELECT count(*) FROM comment WHERE key NOT LIKE "dispatch:%"')
ym_start
wait_ok 'an unknown kind of event is counted' '[ "$(ymj .events_unknown status)" = 1 ]'
is "$(ledger "SELECT state FROM event WHERE kind = 'planet-aligned'")" 2 'and kept'
wait_ok 'events that are told again are decided again' '[ "$(ymj .events_new status)" = 0 ]'
wait_ok 'and lead to nothing that stays open' '[ "$(ymj .effects_open status)" = 0 ]'
is "$(ymj length task list)/$(ymj length pr list --state all -R app)" 1/1 'no second task, no second PR'
is "$(git -C "$(repo_path app)" rev-list --count --first-parent main)" 5 'no second landing'
is "$(base_file app src/t1.txt)" 'fixed by 1' 'the work is on the base once'
is "$(ledger 'SELECT count(*) FROM comment WHERE key NOT LIKE "dispatch:%"')" "$comments" 'no second comment'

# --- retention ---

ym_stop
sqlite3 "$D/ledger.db" "UPDATE event SET at_ms = 1000 WHERE state <> 0; UPDATE effect SET done_ms = 1000 WHERE state >= 2"
ym_start
wait_ok 'what is past its time is purged' '[ "$(ledger "SELECT count(*) FROM event WHERE at_ms = 1000")" = 0 ]'
is "$(ledger 'SELECT count(*) FROM effect WHERE done_ms = 1000')" 0 'effects as well'
ok 'the audit chain stays whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"

# --- a backup while it runs, and its restoration ---

for i in 1 2 3; do new_issue >/dev/null; done
ok 'backup works while tasks run' "$YARDMASTER" backup "$T/backup.db" --config "$T/yardmaster.yml"
exits 5 'and writes over nothing' "$YARDMASTER" backup "$T/backup.db" --config "$T/yardmaster.yml"
is "$(sqlite3 -readonly "$T/backup.db" 'PRAGMA integrity_check')" ok 'the copy is whole'
wait_ok 'the tasks are merged' '[ "$(merged)" = 4 ]'
new_issue >/dev/null
wait_ok 'and one more' '[ "$(merged)" = 5 ]'
landed=$(git -C "$(repo_path app)" rev-parse main)
count=$(git -C "$(repo_path app)" rev-list --count --first-parent main)
last=$(ledger 'SELECT max(number) FROM pr')
ym_stop
mkdir "$T/newer"
mv "$D"/ledger.db* "$T/newer"
cp "$T/backup.db" "$D/ledger.db"
ym_start
is "$(ymj .halted status)" true 'an older ledger waits'
like "$(ymj .halted_why status)" 'older.*nothing starts by itself.*resume' 'and says why, and what to do'
runs=$(ledger 'SELECT count(*) FROM effect WHERE state IN (1, 2, 3) AND kind NOT LIKE "repo-%"')
new_issue >/dev/null
wait_for '[ "$(ymj .events_new status)" = 0 ]'
ym_stop
ym_start
is "$(ymj .halted status)" true 'also after another start'
is "$(ledger 'SELECT count(*) FROM effect WHERE state IN (1, 2, 3) AND kind NOT LIKE "repo-%"')" "$runs" \
	'nothing was carried out'
isnt "$(ymj '.waiting | length' status)" 0 'status shows what would start'
like "$(ym status)" 'older' 'also in words'
isnt "$(ymj '[.held[] | select(.kind == "forge-comment")] | length' status)" 0 'and what would be done'
is "$(git -C "$(repo_path app)" rev-parse main)" "$landed" 'the base is where it was'
for i in 2 3 4; do
	wait_ok "the receipts say that task $i is merged" "[ \"\$(task_state $i)\" = merged ]"
done
wait_ok 'and what number the next PR has' '[ "$(ledger "SELECT next_number FROM repo")" -gt "$last" ]'
ok 'a person lets it go on' ym resume
# Four of before, and that of the new issue, which begins only now.
wait_ok 'every task ends' '[ "$(ledger "SELECT count(*) FROM task WHERE ended_ms IS NOT NULL")" = 5 ]'
ok 'the base kept what was landed' git -C "$(repo_path app)" merge-base --is-ancestor "$landed" main
for i in 1 2 3 4; do
	is "$(base_file app "src/t$i.txt")" "fixed by $i" "task $i is on the base, once"
done
is "$(git -C "$(repo_path app)" rev-list --count --first-parent main)" $((count + 1)) \
	'only the new issue was worked on' || {
	diag "$(ym task list)" "$(ym pr list --state all -R app)" "$(ledger 'SELECT pr, body FROM comment')"
	diag "$(ledger 'SELECT id, kind, state, substr(key, 1, 60), substr(result, 1, 200) FROM effect ORDER BY id DESC LIMIT 60')" "$(cat "$T/daemon.log")"
}
is "$(git -C "$(repo_path app)" for-each-ref --format='%(refname)' refs/pull | wc -l)" \
	"$(ledger 'SELECT count(*) FROM pr')" 'no number of a PR was given twice'

# --- an empty ledger beside repositories that were used ---

ym_stop
rm "$D"/ledger.db*
ym_start
is "$(ymj .halted status)" true 'an empty ledger waits'
like "$(ymj .halted_why status)" 'empty' 'and says why'
is "$(ymj length repo list)" 0 'it knows no repository'
# shellcheck disable=SC2034 # used in the condition below
prs=$(git -C "$D/repos/app.git" for-each-ref refs/pull | wc -l)
ok 'one that is there can be added as it is' ym repo add app
wait_ok 'its PRs are found' '[ "$(ymj length pr list --state all -R app)" = "$prs" ]'
wait_ok 'and are merged, as their receipts say' \
	'[ -z "$(ymj ".[] | select(.state != \"merged\")" pr list --state all -R app)" ]'
next=$(new_issue)
is "$next" $((last + 3)) 'no number is given twice' || diag "$(git -C "$D/repos/app.git" for-each-ref refs/pull)"
is "$(ymj '.waiting | length' status)" 1 'status shows what would start'
is "$(ymj .effects_open status)" "$(ledger "SELECT count(*) FROM effect WHERE state < 2 AND kind LIKE 'forge%'")" 'nothing has'
ok 'a person lets it go on' ym resume
wait_ok 'and it does' '[ "$(merged)" = 1 ]'
ym_stop
done_testing
