#!/bin/bash
# Where the repository says so, who labelled an agent's issue is not its only approver.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

agent fixer <<'END'
sed -i 's/^line 3$/line 3 fixed/' src/a.txt
complete "Fixed line 3."
END
ym_start
me
queue_repo
ym user add anna --uid 4001 --permission write >/dev/null
git -C "$C" checkout -q --detach origin/main
mkdir -p "$C/.github/blueprints/prompts"
echo 'Do what the issue says.' >"$C/.github/blueprints/prompts/fix.md"
cat >"$C/.github/blueprints/fix.yml" <<'END'
name: fix
allow: ["src/**"]
agent: fixer
steps:
  - agent: prompts/fix.md
    gates: ["sh gate.sh"]
  - pull-request: {}
  - review: {}
  - queue: {}
END
cat >"$C/.github/yardmaster.yml" <<'END'
queue:
  gates: ["sh gate.sh"]
  labeller-may-approve: false
END
git -C "$C" add -A
git -C "$C" commit -q -m 'Two pairs of eyes'
git -C "$C" push -q origin HEAD:refs/for/main/rules 2>/dev/null
ym queue add 1 >/dev/null
landed 1
wait_for "[ \"\$(ymj '.[0].config_oid' repo list)\" = $(base_oid) ]"

issue --label agent:fix 'Fix line 3' 'It is wrong.' >/dev/null
wait_ok 'the agent proposes a change' "[ \"\$(ymj '.[-1].state' task list)\" = review ]"
n=$(ymj '.[-1].pr' task list)
ok 'the labeller approves' ym pr approve "$n"
wait_ok 'it is not enough, and says who is needed' \
	"[[ \"\$(entry $n waits)\" == *\"somebody else than $ME, who labelled the issue, must approve\"* ]]"
like "$(ym queue why "$n")" "somebody else than $ME" '... to those who ask, too'
say "$n" '/yard queue'
wait_for "[[ \"\$(answer $n)\" == *queue* ]]"
is "$(pr_state "$n")" open 'queueing it does not help'
ok 'somebody else approves' ym --as anna pr approve "$n"
ok '... and it lands' landed "$n"
like "$(base_file $R src/a.txt)" 'line 3 fixed' 'the change is on the base branch'
is "$(ymj '[.approvals[].user] | sort | join(" ")' receipt show "$(base_oid)")" \
	"$(printf '%s\n' anna "$ME" | sort | paste -sd' ')" 'the receipt has both'
is "$(ymj .task receipt show "$(base_oid)")" "$(ymj '.[-1].id' task list)" '... and the task'

# A person's PR knows no labeller.
n=$(pr own src/own.txt own)
ym queue add "$n" >/dev/null
ok "one's own change is approved as ever" landed "$n"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
