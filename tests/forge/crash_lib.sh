# shellcheck shell=bash
# crash_lib.sh - what the tests that kill the daemon at effects over the network share, beside lib.sh, which
# this file reads first.
#
#   crash_repo [LINE…]                    octo/app from $T/src/app, the configuration (with these lines below
#                                         `github:`), and its base read once by a daemon that is stopped again;
#                                         sets $dir (its repository on the stand-in) and $begun (commits of
#                                         the base)
#   kill_at KIND:WHEN [CODE]              starts a daemon, which reads what is new, comes by there and dies by
#                                         SIGKILL; meanwhile CODE is run again and again. Bails out when it
#                                         does not come by
#   crash_hook                            the webhook goes to the daemon that runs; 0 when it does
#   alive                                 the daemon runs

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

crash_repo() {
	gh_publish app
	gh_conf
	[ $# = 0 ] || printf '%s\n' "$@" >>"$T/yardmaster.yml" # "github:" is the last key
	ym_start
	me
	gh_add
	ym_stop
	dir=$(gh_state .dir)
	# shellcheck disable=SC2034 # for the test
	begun=$(git -C "$dir" rev-list --count --first-parent main)
}

alive() { kill -0 "$daemon" 2>/dev/null; }

crash_hook() {
	local listen
	listen=$(ymj .webhooks.listen status 2>/dev/null) && [ -n "$listen" ] && gh_hook "http://$listen/webhook/github"
}

kill_at() {
	local code=0
	YARDMASTER_CRASH_AT=$1 "$YARDMASTER" serve --config "$T/yardmaster.yml" >>"$T/daemon.log" 2>&1 </dev/null &
	daemon=$!
	if ! wait_for "! alive || { ${2:-:}; false; }" "${crash_seconds:-60}"; then
		diag "$(tail -20 "$T/daemon.log")" "$(ledger 'SELECT id, blueprint, state FROM task')" \
			"$(ledger 'SELECT id, kind, state, tries FROM effect ORDER BY id DESC LIMIT 12')"
		bail "$1: the daemon did not come by there"
	fi
	wait "$daemon" 2>/dev/null || code=$?
	daemon=''
	is "$code" 137 "killed at $1"
}
