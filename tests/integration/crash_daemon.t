#!/bin/bash
# kill -9 of the daemon at every kind of effect: after the restart each task ends as it would have,
# with one PR, one comment, one landing.
. "$(dirname "$0")/lib.sh"

agent slow <<'END'
sleep 0.2
echo "fixed by $YARDMASTER_TASK" >>"src/t$YARDMASTER_TASK.txt"
complete "Wrote a file."
END
conf <<'END'
limits: { agents: 4 }
END
ym_start
me
sample_repo app
commit_blueprint "$T/src/app" fix 'sh gate.sh' 0
commit_file "$T/src/app" .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  approvals: 0'
ym repo add crash --from "$T/src/app" >/dev/null || bail "repo add"
issues=''
for i in 1 2 3 4 5 6; do
	issues+=" $(ymj .number issue create -R crash --title "Write file $i" --label agent:fix)"
done
# Killed again and again, a little later each time, so that every kind of effect is cut somewhere.
kills=0
for delay in 0 0.01 0.02 0.03 0.05 0.05 0.08 0.08 0.1 0.1 0.13 0.15 0.15 0.2 0.2 0.25 0.3 0.35 0.4 0.5; do
	sleep $delay
	ym_crash
	kills=$((kills + 1))
	ym_start
done
is $kills 20 'the daemon was killed twenty times'
wait_ok 'every task is merged' '[ "$(ymj "[.[] | select(.state == \"merged\")] | length" task list)" = 6 ]'
for i in 1 2 3 4 5 6; do
	is "$(base_file crash "src/t$i.txt")" "fixed by $i" "the work of task $i is on the base, once"
done
is "$(ymj 'length' pr list --state all -R crash)" 6 'six PRs and no more'
is "$(git -C "$(repo_path crash)" rev-list --count --first-parent main)" 10 'six landings and no more'
for i in $issues; do
	is "$(ymj '[.comments[] | select(.key | test("^task:"))] | length' issue show "$i" -R crash)" 1 \
		"one sticky comment on issue $i"
done
ok 'the audit chain is whole' "$YARDMASTER" audit verify --config "$T/yardmaster.yml"
is "$(ymj '.events_failed' status)" 0 'no event failed'
is "$(ymj '.effects_open' status)" 0 'no effect is left'
ym_stop
done_testing
