#!/bin/bash
# A gate that takes too long is tried again and not blamed: a minute is the shortest limit there is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/queue.sh"

ym_start
me
queue_repo
n=$(pr conf .github/yardmaster.yml 'queue:
  gates: ["sh gate.sh"]
  timeout-minutes: 1
  retries: 1' 'A minute')
ym queue add "$n" >/dev/null
landed "$n"
n=$(pr slow src/wait 'slow once')
ym queue add "$n" >/dev/null
wait_for gate_dir
first=$(gate_dir)
wait_ok 'a gate over its time is run again' "[ ! -d '$first' ] && gate_dir" 90
unlike "$(comments "$n")" 'Taken out' '... and nobody is blamed'
verdict 0
ok 'it lands' landed "$n"
ym_stop
is $? 0 'the daemon ends when told'
done_testing
