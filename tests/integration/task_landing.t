#!/bin/bash
# A task that is cancelled while its PR lands: it says what really happens, and does not say "cancelled" of what is on
# the base a moment later.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

agent fixer <<'END'
echo "$YARDMASTER_TASK" >>src/wait
complete "Wrote it."
END
ym_start
me
queue_repo
git -C "$C" checkout -q --detach origin/main
mkdir -p "$C/.github/blueprints/prompts"
echo 'Do what the issue says.' >"$C/.github/blueprints/prompts/fix.md"
cat >"$C/.github/blueprints/fix.yml" <<'END'
name: fix
allow: ["src/**"]
steps:
  - agent: prompts/fix.md
  - pull-request: {}
  - review: {}
  - queue: {}
END
git -C "$C" add -A
git -C "$C" commit -q -m 'A blueprint'
git -C "$C" push -q origin HEAD:refs/for/main/rules 2>/dev/null
ym queue add 1 >/dev/null
landed 1
wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(base_oid) ]"

# The guard of the repository's references, which the landing waits for.
hold_landings() { exec 9>"$bare/yardmaster.lock" && flock 9; }
let_land() { exec 9>&-; }
up_to_landing() { # sets $i, $k, $n: its landing is under way
	i=$(issue --label agent:fix 'Write it')
	wait_for "[ \"\$(ymj '.[-1].issue' task list)\" = $i ] && [ \"\$(ymj '.[-1].state' task list)\" = review ]"
	k=$(ymj '.[-1].id' task list)
	n=$(ymj '.[-1].pr' task list)
	ym pr approve "$n" >/dev/null
	wait_for gate_dir
	hold_landings
	verdict 0
	wait_for "[ \"\$(sqlite3 -readonly '$D/ledger.db' \"SELECT count(*) FROM effect WHERE kind = 'cand-land' AND state = 1\")\" = 1 ]"
}
issue_comments() { ymj '.comments[].body' issue show "$1"; }
late="its PR #[0-9]+ is landing right now, which cannot be called off"

up_to_landing
ym issue comment "$i" --body '/yard cancel' >/dev/null
wait_ok 'cancelled by a comment: the answer says that it is landing' "issue_comments $i | grep -qE '^task $k is not cancelled: $late'"
unlike "$(issue_comments "$i")" 'is cancelled\.' '... and not that it is cancelled'
exits 5 'nor on the command line' ym task cancel "$k"
like "$(ym task cancel "$k" 2>&1)" "task $k is not cancelled: $late" '... which says so too'
is "$(task_state "$k")" queued 'the task goes on'
let_land
ok 'it lands' landed "$n"
wait_ok 'and the task says so' "[ \"\$(task_state $k)\" = merged ]"
like "$(base_file $R src/wait)" "$k" 'as the base does'
wait_ok 'its issue is closed' "[ \"\$(ymj .state issue show $i)\" = closed ]"

up_to_landing
ym issue label "$i" --remove agent:fix >/dev/null
wait_ok 'taking the label off is answered' "issue_comments $i | grep -qE 'task $k is not cancelled: $late.*$ME took the label off'"
let_land
ok 'it lands' landed "$n"
wait_ok 'and the task says so' "[ \"\$(task_state $k)\" = merged ]"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
