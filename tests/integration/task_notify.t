#!/bin/bash
# A notification command that hangs is ended after its time, with all that it has started; that is reported, the next
# notification comes, and nothing else ever waits for it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/task_lib.sh"

cat >"$T/notify" <<END
#!/bin/bash
echo "begun \$YARDMASTER_EVENT \$YARDMASTER_NUMBER" >>$T/notified
case \$(cat $T/how) in
hang) trap '' TERM INT HUP; sleep 7771 & while :; do sleep 7772; done ;;
fail) exit 3 ;;
die) kill -KILL \$\$ ;;
esac
echo "told \$YARDMASTER_EVENT \$YARDMASTER_NUMBER" >>$T/notified
END
chmod 755 "$T/notify"
echo hang >"$T/how"
: >"$T/notified"
set_limit() { sed -i "s/timeout-seconds: .*/timeout-seconds: $1 }/" "$T/yardmaster.yml"; }
conf <<END
notify: { command: ["$T/notify"], timeout-seconds: 3600 }
END
doer
usual_blueprint fix pull-request 'rounds: 1'
ym_start
me
task_repo app

# --- while one hangs
do_issue agent:fix 'exit 1'
first=$N
until_state needs-human
wait_ok 'the command is run' "grep -qx 'begun needs-human $first' '$T/notified' && alive 'sleep 7772'"
do_issue agent:fix 'echo x >>src/a.txt'
until_state 'done'
pass 'other tasks go on'
do_issue agent:fix 'exit 1'
second=$N
until_state needs-human
wait_ok 'also those that notify, with their comment' "comments $N | grep -q 'this needs a person'"
ok 'the daemon answers' ym status
is "$(grep -c begun "$T/notified")" 1 'one notification at a time'

# --- the daemon does not wait for it either, and leaves nothing of it behind
ym_stop
is $? 0 'the daemon ends when told'
wait_ok 'and the command with all that it has started' "! alive '$T/notify' && ! alive 'sleep 777'"

# --- its time is over
set_limit 1
: >"$T/notified"
ym_start
wait_ok 'what was cut off is told again' "grep -qx 'begun needs-human $first' '$T/notified'"
wait_ok 'it is ended after its time, which the log says' \
	"ym_log | grep -q 'needs-human app #$first: the notification command did not end within 1 s and was killed (notify.timeout-seconds)'"
wait_ok 'the next one comes' "grep -qx 'begun needs-human $second' '$T/notified'"
wait_ok 'and ends the same way' "ym_log | grep -q 'needs-human app #$second: the notification command did not end within 1 s'"
wait_ok 'nothing of them is left' "! alive '$T/notify' && ! alive 'sleep 777'"
wait_ok 'no effect is left' '[ "$(ymj .effects_open status)" = 0 ]'
unlike "$(ym_log)" 'ended by signal' 'its end is reported once'

# --- other ends
tell() { # HOW
	echo "$1" >"$T/how"
	do_issue agent:fix 'exit 1'
	until_state needs-human
}
tell fail
wait_ok 'an exit code is reported' "ym_log | grep -q 'needs-human app #$N: the notification command ended with exit code 3'"
tell die
wait_ok 'a signal is' "ym_log | grep -q 'needs-human app #$N: the notification command ended by signal 9'"
tell well
wait_ok 'and the next one is told' "grep -qx 'told needs-human $N' '$T/notified'"
chmod 000 "$T/notify"
tell none
wait_ok 'one that cannot be run is named' "ym_log | grep -q 'notify.*Permission denied'"
ok 'the daemon goes on' ym status
ym_stop
is $? 0 'the daemon ends when told'
done_testing
