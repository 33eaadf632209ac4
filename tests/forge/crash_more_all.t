#!/bin/bash
# crash_more.t with each of the three moments at every kind of effect.
# check: long
ALL=1
. "$(dirname "$0")/crash_more.t"
