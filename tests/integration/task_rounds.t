#!/bin/bash
# A blueprint's rounds: a red gate's log is in the next prompt, spent rounds bring a person with the last
# log, the same failure twice without a change ends early, and `retry` goes on from there.
# check: sanitize
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

cat >"$T/notify" <<END
#!/bin/sh
echo "\$YARDMASTER_EVENT \$YARDMASTER_REPO \$YARDMASTER_NUMBER \$YARDMASTER_TEXT" >>$T/notified
END
chmod 755 "$T/notify"
conf <<END
notify: { command: ["$T/notify"] }
END
doer
blueprint fix <<'END'
limits: { rounds: 3, ci-rounds: 1 }
on-failure: { label: please-look }
steps:
  - run: ["echo prepared >src/prepared.txt"]
  - agent: prompts/do.md
    gates: repository
  - run: ["tr a-z A-Z <src/prepared.txt >src/after.txt"]
  - pull-request: {}
  - review: {}
  - queue: {}
END
blueprint plain <<'END'
limits: { rounds: 2 }
steps:
  - agent: prompts/do.md
    gates: ["sh gate.sh", "grep -q wanted src/a.txt"]
  - pull-request: {}
END
ym_start
me
task_repo app

# --- the log of a red gate, and run steps around the agent
do_issue agent:fix 'if [ $ROUND = 1 ]; then echo bug-the-first >>src/a.txt; else sed -i "s/bug-the-first/mended/" src/a.txt; fi'
until_state review
like "$(prompt_of 2)" 'bug-the-first' "the second prompt has the red gate's log"
like "$(prompt_of 2)" 'gate: the lines above say bug' 'with its standard error'
unlike "$(prompt_of 1)" 'What was wrong' 'the first prompt has none'
pr=$(ymj .pr task show "$K")
diff=$(ym pr diff "$pr")
like "$diff" '\+mended' 'the PR has what the agent did'
like "$diff" '\+prepared' 'and what the run step before it made'
like "$diff" '\+PREPARED' 'and what the run step after it made'
is "$(rounds)" 2 'the agent ran twice'
like "$(comments "$N")" 'agent, round 2.*ok' 'the sticky comment has the rounds'

# --- rounds spent
do_issue agent:fix 'echo "bug number $ROUND" >>src/a.txt'
until_state needs-human
is "$(rounds)" 3 'not more rounds than the blueprint has'
like "$(labels "$N")" 'please-look' "the blueprint's on-failure label is set"
wait_ok 'a person is told' "comments $N | grep -q 'this needs a person'"
text=$(comments "$N")
like "$text" "@$ME, this needs a person" 'the requester is named'
like "$text" 'Rounds spent: 3 of 3' 'the comment says that the rounds are spent'
like "$text" 'bug number 3' 'the comment has the last log'
like "$text" 'yardmaster/[0-9]+-do-it' 'the comment names the branch'
branch=$(ymj .branch task show "$K")
like "$(git -C "$(repo_path app)" show "$branch:src/a.txt")" 'bug number 3' 'the branch is kept with the work'
wait_ok 'the notification command ran' "grep -q '^needs-human app $N ' $T/notified"
is "$(grep -c "^needs-human app $N " "$T/notified")" 1 'once'
human=$K human_issue=$N

# --- the same failure without a change
do_issue agent:plain 'echo once >src/new.txt'
until_state needs-human
is "$(rounds)" 2 'ended with the second round, in which nothing was changed'
like "$(reason)" 'second time in the same way' 'and says why'
do_issue agent:fix 'echo "bug" >src/new.txt'
until_state needs-human
is "$(rounds)" 2 'the same failure twice ends it before the rounds are spent'
like "$(comments "$N")" 'no file was changed in between' 'the comment says that nothing was changed'

# --- retry
say "$human_issue" '/yard retry rounds=2'
wait_ok 'retry is answered' "comments $human_issue | grep -q 'gets up to 2 more rounds'"
wait_ok 'retry gives two more rounds' "[ \$(rounds $human) = 5 ] && [ \$(task_state $human) = needs-human ]"
like "$(reason "$human")" 'Rounds spent: 5 of 5' 'and no more'
ok 'the command line can retry too' ym task retry "$human" --rounds 1
wait_ok 'one more round' "[ \$(rounds $human) = 6 ] && [ \$(task_state $human) = needs-human ]"
is "$(grep -c "^needs-human app $human_issue " "$T/notified")" 3 'a person is told each time'
not_ok 'a task that is at work cannot be retried' ym task retry 1
like "$(ym task retry 1 2>&1)" 'task 1 is review; only one that' 'and the answer says why'

# --- a person says something
say "$human_issue" "/yard say write the word cured"$'\n'"and no bugs"
wait_ok 'say starts a round' "[ \$(rounds $human) = 7 ]"
like "$(prompt_of 7 "$human")" 'write the word cured' 'its text is in the prompt'
like "$(prompt_of 7 "$human")" 'and no bugs' 'with its second line'
ym_stop
is $? 0 'the daemon ends when told'
done_testing
